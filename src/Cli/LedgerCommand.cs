using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using Spectre.Console;
using Profile = GroupRL.Claims.Profile;

namespace GroupRL.Cli;

/// <summary>How verdicts on the whole ledger are printed.</summary>
internal enum LedgerForm
{
    /// <summary>Grids of words.</summary>
    Grid,

    /// <summary>The page of docs/, with every counterexample.</summary>
    Markdown,

    /// <summary>JSON, a node a row.</summary>
    Json,
}

/// <summary><c>grouprl ledger</c>: every claim for the whole catalogue.</summary>
internal sealed class LedgerCommand(Terminal terminal)
{
    private readonly Report _report = new(terminal);

    /// <summary>Judges every row at <paramref name="cases"/> cases and prints them.</summary>
    public int Run(int cases, LedgerForm form) => Print(Judge(cases), form);

    /// <summary>Every row with its verdict.</summary>
    public JudgedRow[] Judge(int cases) =>
        [.. Ledger.Rows.Zip(terminal.Progress("ledger", "rows", Ledger.Rows, row => row.Judge(new Profile(cases)), cases: verdict => verdict.Cases), (row, verdict) => new JudgedRow(row, verdict))];

    /// <summary>Prints rows that were judged; returns the exit code.</summary>
    public int Print(JudgedRow[] judged, LedgerForm form)
    {
        int exit = judged.Any(row => row.Surprise) ? ExitCode.Refuted
            : judged.Any(row => row.Verdict.Kind == VerdictKind.Undecided) ? ExitCode.Undecided
            : ExitCode.Kept;
        switch (form)
        {
            case LedgerForm.Json:
                PrintJson(judged, exit);
                break;
            case LedgerForm.Markdown:
                terminal.Output.Write(ClaimsPage.Print(judged));
                break;
            default:
                PrintGrids(judged);
                break;
        }

        return exit;
    }

    /// <summary>The same for rows that shards have judged: under the grids, the smallest counterexample of each claim and which shard found it.</summary>
    public int PrintMerged(JudgedRow[] judged, LedgerForm form)
    {
        int exit = Print(judged, form);
        if (form == LedgerForm.Grid)
            PrintSmallest(judged);
        return exit;
    }

    private void PrintSmallest(JudgedRow[] judged)
    {
        var table = terminal.Table("refuted", "smallest counterexample", "measured", "found by");
        foreach (var claim in judged.Where(row => row.Verdict.Counterexample is not null).GroupBy(row => row.Row.Claim))
        {
            var smallest = claim.MinBy(row => row.Verdict.Counterexample!.Case, CaseText.BySize)!;
            var found = smallest.Verdict.Counterexample!;
            table.AddRow([.. new[] { claim.Key.Id, $"{smallest.Row.Subject}: {CaseText.Of(found.Case)}", $"{Report.Number(found.Measurement.Measured)}, {Report.Bound(claim.Key, found.Measurement)}", found.FoundBy }.Select(Markup.Escape)]);
        }

        if (table.Rows.Count == 0)
            return;
        terminal.Output.WriteLine();
        terminal.Write(table);
    }

    private void PrintGrids(JudgedRow[] judged)
    {
        foreach (var grid in Enum.GetValues<Family>().SelectMany(family => VerdictGrid.OfFamily(family, judged)))
        {
            var table = terminal.Table([grid.Title, .. grid.Columns]);
            foreach (var (subject, cells) in grid.Lines)
                table.AddRow([Markup.Escape(subject), .. cells.Select(Cell)]);
            terminal.Write(table);
            terminal.Output.WriteLine();
        }

        foreach (var (row, verdict) in judged.Where(row => row.Surprise))
            _report.Line(Markup.Escape($"{row.Claim.Id} · {row.Subject}: {Report.Word(verdict.Kind)}, where the theory says {Report.Word(row.Expected.Kind)} ({row.Expected.Because})"));
        foreach (var (row, verdict) in judged.Where(row => row.Verdict.Kind == VerdictKind.Undecided))
            _report.Line(Markup.Escape($"{row.Claim.Id} · {row.Subject}: undecided, {verdict.Reason}"));
        if (!judged.Any(row => row.Surprise))
            _report.Line("holds: not falsified · REFUTED: a counterexample exists, as the theory says · –: does not apply");
    }

    private static string Cell(JudgedRow row)
    {
        string word = row.Verdict.Kind switch
        {
            VerdictKind.Holds => "[green]holds[/]",
            VerdictKind.Refuted => "[red]REFUTED[/]",
            VerdictKind.NotApplicable => "–",
            _ => "[yellow]undecided[/]",
        };
        return row.AsExpected ? word : $"{word} (!)";
    }

    private void PrintJson(JudgedRow[] judged, int exit) => _report.Print(new JsonObject
    {
        ["schema"] = "grouprl-ledger/1",
        ["exit"] = exit,
        ["rows"] = new JsonArray([.. judged.Select(judgedRow =>
        {
            var (row, verdict) = judgedRow;
            var node = Report.ToJson(row, row.Objective.Length > 0 ? ["--objective", row.Objective] : [], verdict, saved: null);
            node["expected"] = Report.Word(row.Expected.Kind);
            node["because"] = row.Expected.Because;
            return node;
        })]),
    });
}
