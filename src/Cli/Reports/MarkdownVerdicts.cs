using System.Collections.Immutable;
using GroupRL.Checking;

namespace GroupRL.Cli;

/// <summary>Markdown, as for the summary of a GitHub step: what needs eyes first, what holds folded.</summary>
internal static class MarkdownVerdicts
{
    /// <summary>The report.</summary>
    public static string Write(Judgement judgement)
    {
        using var text = new StringWriter { NewLine = "\n" };
        text.WriteLine($"# {Mark(judgement.Exit)} {MarkdownText.Of(judgement.Candidate.Name)}");
        text.WriteLine();
        text.WriteLine(MarkdownText.Of(judgement.Summary));
        foreach (var (kind, heading) in Judgement.Classes)
            Table(text, $"## {char.ToUpperInvariant(heading[0])}{heading[1..]}", judgement.Of(kind));
        foreach (var row in judgement.Refutations)
            Tell(text, judgement, row);
        if (judgement.Differs)
            Fence(text, "text", Explanation.OfDifference(judgement));
        return text.ToString();
    }

    private static string Mark(int exit) => exit switch
    {
        ExitCode.Kept => "✅",
        ExitCode.Refuted => "❌",
        _ => "❔",
    };

    private static void Table(TextWriter text, string heading, ImmutableArray<Judged> rows)
    {
        if (rows.IsEmpty)
            return;
        text.WriteLine();
        text.WriteLine(heading);
        var (calm, loud) = (rows.Where(IsCalm).ToArray(), rows.Where(row => !IsCalm(row)).ToArray());
        if (loud.Length > 0)
            Rows(text, loud);
        if (calm.Length == 0)
            return;
        text.WriteLine();
        text.WriteLine($"<details><summary>{Counted(calm)}</summary>");
        Rows(text, calm);
        text.WriteLine();
        text.WriteLine("</details>");
    }

    private static bool IsCalm(Judged row) => !row.Surprise && row.Verdict.Kind is VerdictKind.Holds or VerdictKind.NotApplicable;

    private static string Counted(Judged[] rows) => string.Join(", ", rows.GroupBy(row => row.Verdict.Kind).OrderBy(group => group.Key)
        .Select(group => FormattableString.Invariant($"{group.Count()} {(group.Key == VerdictKind.Holds ? "hold" : "not applicable")}")));

    private static void Rows(TextWriter text, IEnumerable<Judged> rows) => Grid(
        text,
        ["claim", "verdict", "evidence"],
        rows.Select(row => new[] { row.Title, Report.Word(row.Verdict.Kind), row.Evidence }));

    private static void Grid(TextWriter text, IEnumerable<string> columns, IEnumerable<IEnumerable<string>> rows)
    {
        string[] headings = [.. columns];
        text.WriteLine();
        Line(headings);
        text.WriteLine($"|{string.Concat(headings.Select(_ => "---|"))}");
        foreach (var row in rows)
            Line(row);

        void Line(IEnumerable<string> cells) => text.WriteLine($"| {string.Join(" | ", cells.Select(MarkdownText.Of))} |");
    }

    private static void Tell(TextWriter text, Judgement judgement, Judged row)
    {
        var found = row.Verdict.Counterexample!;
        var (replay, judge) = Report.Commands(row.Row, judgement.Candidate.Reference, found, row.Saved, judgement.Candidate.Program);
        text.WriteLine();
        text.WriteLine($"### {MarkdownText.Of(row.Title)}");
        text.WriteLine();
        text.WriteLine(MarkdownText.Of(row.Claim.Statement));
        if (CaseGrid.Of(judgement.Candidate, found.Case) is { } grid)
            Grid(text, grid.Columns, grid.Rows.Select(cells => cells.AsEnumerable()));
        else
            Fence(text, "text", found.Case.ToString()!);
        text.WriteLine();
        Say("got", $"{row.Claim.Quantity} = {Report.Number(found.Measurement.Measured)}");
        Say("expected", row.Claim.Requirement(found.Measurement));
        Say("why", found.Why);
        Say("in a run", row.Claim.Consequence);
        Say("found by", found.FoundBy);
        Say("file", row.Saved ?? "");
        Fence(text, "sh", judge.Length > 0 ? $"{replay}\n{judge}" : replay);

        void Say(string what, string words)
        {
            if (words.Length > 0)
                text.WriteLine($"- **{what}** {MarkdownText.Of(words)}");
        }
    }

    private static void Fence(TextWriter text, string language, string content)
    {
        string fence = MarkdownText.FenceOf(content);
        text.WriteLine();
        text.WriteLine($"{fence}{language}");
        text.WriteLine(content);
        text.WriteLine(fence);
    }
}
