using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl diff A B</c>: how two objectives differ, part by part, claim by claim, and on a batch.</summary>
internal sealed class DiffCommand(Terminal terminal, bool json)
{
    private static readonly string[] s_parts = ["rewards", "advantage", "kernel", "weight", "correction", "regularisers"];

    private readonly Report _report = new(terminal);

    /// <summary>Compares on a batch; null: on a small one that is worked out by hand.</summary>
    public int Run(Proposal first, Proposal second, RolloutBatch? given, string file)
    {
        var batch = given ?? WorkedBatch.Build();
        var own = Files.Within(file, () => Named(first, () => first.Objective.Evaluate(batch)));
        var other = Files.Within(file, () => Named(second, () => second.Objective.Evaluate(batch)));
        var parts = Parts(first, second);
        var claims = Claims(first, second);
        var comparison = Comparison.Of(own.Coefficients, other.Coefficients);
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-diff/1",
                ["first"] = first.Name,
                ["second"] = second.Name,
                ["parts"] = new JsonArray([.. parts.Select(part => new JsonObject { ["part"] = part.Part, ["first"] = part.First?.DeepClone(), ["second"] = part.Second?.DeepClone() })]),
                ["claims"] = new JsonArray([.. claims.Select(claim => new JsonObject
                {
                    ["claim"] = claim.First.Claim.Id,
                    ["first"] = Report.Word(claim.First.Expected.Kind),
                    ["first_because"] = claim.First.Expected.Because,
                    ["second"] = Report.Word(claim.Second.Expected.Kind),
                    ["second_because"] = claim.Second.Expected.Because,
                })]),
                ["values"] = new JsonArray(own.Value, other.Value),
                ["cosine"] = comparison.Cosine,
                ["norm_ratio"] = comparison.Ratio,
                ["opposed"] = comparison.Opposed,
                ["one_sided"] = comparison.OneSided,
            });
            return ExitCode.Kept;
        }

        Introduce(first);
        Introduce(second);
        terminal.Output.WriteLine();
        ShowParts(first, second, parts);
        ShowClaims(first, second, claims);
        terminal.Output.WriteLine(given is null ? "On a worked batch, half a step off-policy:" : $"On {file}:");
        Show(first, batch, own);
        Show(second, batch, other);
        ShowPushes(first, second, batch);
        terminal.Output.WriteLine($"  {AuditCommand.InWords(comparison, batch, first.Name, second.Name)}.");
        return ExitCode.Kept;
    }

    private static Evaluation Named(Proposal proposal, Func<Evaluation> evaluate) => Files.Within(proposal.Name, evaluate);

    private void Introduce(Proposal proposal)
    {
        var entry = Catalogue.Find(proposal.Reference);
        string departure = entry is { Departure.Length: > 0 } ? $" ({entry.Departure})" : "";
        _report.Line($"[bold]{Markup.Escape(proposal.Name)}[/]{Markup.Escape(entry is null ? "" : $"  {entry.Formula}{departure}")}");
    }

    private void ShowParts(Proposal first, Proposal second, List<(string Part, JsonNode? First, JsonNode? Second)> parts)
    {
        if (parts.Count == 0)
        {
            terminal.Output.WriteLine("All parts are the same.");
            terminal.Output.WriteLine();
            return;
        }

        var same = s_parts.Except(parts.Select(part => part.Part)).ToArray();
        terminal.Output.WriteLine($"They differ in {string.Join(", ", parts.Select(part => part.Part))}{(same.Length > 0 ? $", and agree in {string.Join(", ", same)}" : "")}.");
        var table = terminal.Table("part", first.Name, second.Name);
        foreach (var (part, one, two) in parts)
            table.AddRow(Markup.Escape(part), Markup.Escape(PartText.Of(one)), Markup.Escape(PartText.Of(two)));
        terminal.Write(table);
        terminal.Output.WriteLine();
    }

    private void ShowClaims(Proposal first, Proposal second, List<(LedgerRow First, LedgerRow Second)> claims)
    {
        terminal.Output.WriteLine(claims.Count == 0 ? "The theory expects the same of both, claim by claim." : "The theory expects of them:");
        foreach (var (one, two) in claims)
        {
            _report.Line($"  [bold]{Markup.Escape(one.Claim.Id)}[/]");
            Say(first.Name, one.Expected);
            Say(second.Name, two.Expected);
        }

        terminal.Output.WriteLine();

        void Say(string name, Expectation expected) =>
            _report.Line($"    {Markup.Escape(name)}: {Report.Styled(expected.Kind)}, {Markup.Escape(expected.Because)}");
    }

    private void Show(Proposal proposal, RolloutBatch batch, Evaluation evaluation)
    {
        terminal.Output.WriteLine($"  {proposal.Name}: value {Report.Number(evaluation.Value)}");
        terminal.Write(_report.Draw(batch, evaluation));
    }

    private void ShowPushes(Proposal first, Proposal second, RolloutBatch batch)
    {
        if (!batch.HasIds)
            return;
        var (own, other) = (Audit.Of(first.Objective, batch), Audit.Of(second.Objective, batch));
        foreach (var (one, two) in own.Segments.Zip(other.Segments).Where(pair => pair.First.Segment is var shared && shared.From == 0 && shared.Rows.Length == batch.GroupSize(shared.Group)).Take(4))
        {
            terminal.Output.WriteLine(FormattableString.Invariant(
                $"  prompt {one.Segment.Group}, its first shared token: {first.Name} {Push(one, own)}, {second.Name} {Push(two, other)}."));
        }

        static string Push(SegmentPush push, Audit audit) => push.Pushes[0] == 0 || (push.Cancels && audit.Groups[push.Segment.Group].Signal == AdvantageSignal.Rewards)
            ? "leaves it"
            : $"pushes it {(push.Pushes[0] > 0 ? "up" : "down")} by {Report.Number(Math.Abs(push.Pushes[0]))}";
    }

    private static List<(string Part, JsonNode? First, JsonNode? Second)> Parts(Proposal first, Proposal second)
    {
        JsonObject one = Composition.Write(first.Objective), two = Composition.Write(second.Objective);
        return [.. s_parts.Where(part => !JsonNode.DeepEquals(one[part], two[part])).Select(part => (part, one[part], two[part]))];
    }

    private static List<(LedgerRow First, LedgerRow Second)> Claims(Proposal first, Proposal second) =>
    [
        .. Ledger.ObjectiveRows(first.Name, first.Objective).Zip(Ledger.ObjectiveRows(second.Name, second.Objective))
            .Where(rows => rows.First.Expected.Kind != rows.Second.Expected.Kind),
    ];
}
