using System.Globalization;
using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Policies;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl align</c>: where E[∇J] points beside ∇E[R], every group of a tiny policy enumerated.</summary>
internal sealed class AlignCommand(Terminal terminal, bool json, AlignmentCases cases)
{
    private const string None = "–";

    private readonly Report _report = new(terminal);

    private GroupSpace Space => cases.OnePrompt.Space;

    /// <summary>Reports on <paramref name="proposals"/>, on the whole catalogue where there are none.</summary>
    public int Run(Proposal[]? proposals)
    {
        (string Name, SurrogateObjective Objective)[] subjects = proposals is null
            ? [.. Catalogue.All.Select(entry => (entry.Id, entry.Objective))]
            : [.. proposals.Select(proposal => (proposal.Name, proposal.Objective))];
        var reports = terminal.Progress("align", "objectives", subjects, subject => AlignmentReport.Of(subject.Objective, cases));
        if (json)
            Print(new JsonArray([.. subjects.Zip(reports, (subject, report) => ToJson(subject.Name, report))]));
        else
            Print([.. subjects.Zip(reports, (subject, report) => (subject.Name, report))]);
        return ExitCode.Kept;
    }

    private void Print(JsonArray objectives) => _report.Print(new JsonObject
    {
        ["schema"] = "grouprl-alignment/1",
        ["vocabulary"] = Space.Vocabulary,
        ["length"] = Space.Limit,
        ["group_size"] = Space.Count,
        ["completions"] = Space.Completions,
        ["groups"] = Space.Groups,
        ["objectives"] = objectives,
    });

    private void Print((string Name, AlignmentReport? Report)[] lines)
    {
        var table = terminal.Table("objective", "cosine", "factor", "cosine, two prompts", "worst cosine", "not neutral", "masses apart", "not parallel");
        foreach (var (name, report) in lines)
        {
            string[] cells = report is null
                ? [.. Enumerable.Repeat(None, 7)]
                :
                [
                    Cosine(report.OnePrompt.Cosine), Report.Number(report.OnePrompt.Factor), report.TwoPrompts is { } two ? Cosine(two.Cosine) : None, Cosine(report.WorstCosine),
                    Defect(report, report.Defects.Neutrality), Defect(report, report.Defects.Mass), Defect(report, report.Defects.Alignment),
                ];
            table.AddRow([Markup.Escape(name), .. cells]);
        }

        terminal.Write(table);
        terminal.Output.WriteLine();
        terminal.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  V = {Space.Vocabulary}, at most {Space.Limit} tokens, G = {Space.Count}: {Space.Completions:N0} completions, {Space.Groups:N0} groups, {Space.Ordered:N0} in the order of drawing"));
        terminal.Output.WriteLine($"  E[∇J] beside ∇E[R], on-policy; {None}: a regulariser acts on-policy, or two prompts that see each other");
    }

    private static string Cosine(double? cosine) => cosine is { } known ? known.ToString("F6", CultureInfo.InvariantCulture) : None;

    private static string Defect(AlignmentReport report, double value) => Report.Number(value <= report.Defects.Rounding ? 0 : value);

    private static JsonObject ToJson(string name, AlignmentReport? report) => report is null
        ? new() { ["objective"] = name, ["reason"] = "a regulariser acts on-policy" }
        : new()
        {
            ["objective"] = name,
            ["cosine"] = report.OnePrompt.Cosine,
            ["factor"] = report.OnePrompt.Factor,
            ["two_prompts"] = report.TwoPrompts is { } two ? new JsonObject { ["cosine"] = two.Cosine, ["factor"] = two.Factor } : null,
            ["worst_cosine"] = report.WorstCosine,
            ["neutrality_defect"] = report.Defects.Neutrality,
            ["mass_spread"] = report.Defects.Mass,
            ["alignment_defect"] = report.Defects.Alignment,
        };
}
