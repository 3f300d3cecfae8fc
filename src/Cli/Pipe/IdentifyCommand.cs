using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl identify</c>: which objective of the catalogue a loss answers like, and what differs.</summary>
internal sealed class IdentifyCommand(Terminal terminal, bool json)
{
    private const int ShownEntries = 5, ShownParts = 3;

    private readonly Report _report = new(terminal);

    /// <summary>Compares and prints.</summary>
    public int Run(LossSubject loss)
    {
        var nearest = Likeness.Nearest(loss);
        var same = nearest.Where(found => found.Distance < Likeness.Same).ToArray();
        var best = nearest[0];
        var parts = same.Length > 0 ? [] : Likeness.Explain(loss, best.Id, best.Objective);
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-identity/1",
                ["loss"] = loss.Loss.Signature.Name,
                ["nearest"] = new JsonArray([.. nearest.Take(ShownEntries).Select(found => new JsonObject { ["id"] = found.Id, ["distance"] = found.Distance, ["factor"] = found.Factor })]),
                ["explanations"] = new JsonArray([.. parts.Take(ShownParts).Select(found => new JsonObject { ["part"] = found.Part, ["is"] = Written(found), ["in_place_of"] = Written(found.Part, best.Objective), ["distance"] = found.Distance, ["factor"] = found.Factor })]),
            });
            return ExitCode.Kept;
        }

        _report.Line($"[bold]{Markup.Escape(loss.Loss.Signature.Name)}[/]");
        var table = terminal.Table("objective", "distance", "");
        foreach (var found in nearest.Take(Math.Max(ShownEntries, same.Length)))
            table.AddRow(Markup.Escape(found.Id), Report.Number(found.Distance), found.Distance < Likeness.Same ? Markup.Escape($"the same{Times(found)}") : Markup.Escape(Times(found).TrimStart(',', ' ')));
        terminal.Write(table);
        terminal.Output.WriteLine();
        if (same.Length > 0)
            _report.Line(Markup.Escape($"It answers as {string.Join(", ", same.Select(found => found.Id))}{Times(same[0])}."));
        else
            PrintParts(best.Id, best.Objective, parts);
        return ExitCode.Kept;
    }

    /// <summary>Prints which part of what a loss is meant to be explains best that it answers otherwise.</summary>
    public void PrintExplanation(LossSubject loss)
    {
        if (loss.Design is not { } design)
            return;
        terminal.Output.WriteLine();
        PrintParts(loss.Oracle!.Signature.Name, design, Likeness.Explain(loss, loss.Oracle.Signature.Name, design));
    }

    private void PrintParts(string id, SurrogateObjective design, IEnumerable<Resemblance> parts)
    {
        var shown = parts.Take(ShownParts).ToArray();
        if (shown.Length == 0)
            return;
        _report.Line(Markup.Escape(shown[0].Distance < Likeness.Same
            ? $"What differs from {id} is its {shown[0].Part}: {Written(shown[0])}{Times(shown[0])} in place of {Written(shown[0].Part, design)} makes them one."
            : $"No single part of {id} explains the difference; nearest comes its {shown[0].Part}, {Written(shown[0])}{Times(shown[0])} in place of {Written(shown[0].Part, design)}."));
        var table = terminal.Table("part", "in place of", "would be", "distance left");
        foreach (var part in shown)
            table.AddRow([.. new[] { part.Part, Written(part.Part, design), Written(part) + Times(part), Report.Number(part.Distance) }.Select(Markup.Escape)]);
        terminal.Write(table);
    }

    private static string Times(Resemblance found) => found.Factor == 1 ? "" : $", times {Report.Number(found.Factor)}";

    private static string Written(Resemblance found) => Written(found.Part, found.Objective);

    private static string Written(string part, SurrogateObjective objective) =>
        PartText.Of(Composition.Write(objective)[part switch { "clip" or "ratio" => "kernel", var other => other }]);
}
