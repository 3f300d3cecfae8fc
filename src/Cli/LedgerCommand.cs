using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using Spectre.Console;
using Profile = GroupRL.Claims.Profile;

namespace GroupRL.Cli;

/// <summary><c>grouprl ledger</c>: every claim for the whole catalogue, as a grid.</summary>
internal sealed class LedgerCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Judges every row at <paramref name="cases"/> cases.</summary>
    public int Run(int cases)
    {
        LedgerRow[] rows = [.. Ledger.Rows];
        var verdicts = terminal.Progress("ledger: rows judged", rows, row => row.Judge(new Profile(cases)));
        (LedgerRow Row, Verdict Verdict)[] judged = [.. rows.Zip(verdicts)];
        var surprises = judged.Where(pair => pair.Verdict.Kind != VerdictKind.Undecided && pair.Verdict.Kind != pair.Row.Expected.Kind).ToArray();
        int exit = surprises.Length > 0 ? ExitCode.Refuted
            : judged.Any(pair => pair.Verdict.Kind == VerdictKind.Undecided) ? ExitCode.Undecided
            : ExitCode.Kept;
        if (json)
            PrintJson(judged, exit);
        else
            PrintGrids(judged, surprises);
        return exit;
    }

    private void PrintGrids((LedgerRow Row, Verdict Verdict)[] judged, (LedgerRow Row, Verdict Verdict)[] surprises)
    {
        PrintGrid("objectives", judged.Where(pair => pair.Row.Optimizer.Length == 0), pair => pair.Row.Objective, pair => pair.Row.Claim.Id);
        PrintGrid("optimizers", judged.Where(pair => pair.Row.Objective.Length == 0), pair => pair.Row.Optimizer, pair => pair.Row.Claim.Id);
        foreach (var claim in judged.Where(pair => pair.Row is { Objective.Length: > 0, Optimizer.Length: > 0 }).GroupBy(pair => pair.Row.Claim.Id))
            PrintPairs(claim.Key, [.. claim]);
        foreach (var (row, verdict) in surprises)
            _report.Line(Markup.Escape($"{row.Claim.Id} · {row.Subject}: {Report.Word(verdict.Kind)}, where the theory says {Report.Word(row.Expected.Kind)} ({row.Expected.Because})"));
        foreach (var (row, verdict) in judged.Where(pair => pair.Verdict.Kind == VerdictKind.Undecided))
            _report.Line(Markup.Escape($"{row.Claim.Id} · {row.Subject}: undecided, {verdict.Reason}"));
        if (surprises.Length == 0)
            _report.Line("holds: not falsified · REFUTED: a counterexample exists, as the theory says · –: does not apply");
    }

    // Not every pair is judged: the optimizers that many objectives meet are columns, all others stand under the objectives that meet them.
    private void PrintPairs(string claim, (LedgerRow Row, Verdict Verdict)[] judged)
    {
        var common = judged.CountBy(pair => pair.Row.Optimizer).Where(count => count.Value > 1).Select(count => count.Key).ToHashSet();
        var broad = judged.Where(pair => !common.Contains(pair.Row.Optimizer)).Select(pair => pair.Row.Objective).ToHashSet();
        PrintGrid($"{claim}: objectives", judged.Where(pair => common.Contains(pair.Row.Optimizer)), pair => pair.Row.Objective, pair => pair.Row.Optimizer);
        if (broad.Count > 0)
            PrintGrid($"{claim}: optimizers", judged.Where(pair => broad.Contains(pair.Row.Objective)), pair => pair.Row.Optimizer, pair => pair.Row.Objective);
    }

    private void PrintGrid(
        string title, IEnumerable<(LedgerRow Row, Verdict Verdict)> judged, Func<(LedgerRow Row, Verdict Verdict), string> rowOf,
        Func<(LedgerRow Row, Verdict Verdict), string> columnOf)
    {
        var cells = judged.ToArray();
        string[] columns = [.. cells.Select(columnOf).Distinct()];
        var table = terminal.Table([title, .. columns]);
        foreach (var line in cells.GroupBy(rowOf))
            table.AddRow([Markup.Escape(line.Key), .. columns.Select(column => line.Where(pair => columnOf(pair) == column).Select(Cell).Single())]);
        terminal.Write(table);
        terminal.Output.WriteLine();
    }

    private static string Cell((LedgerRow Row, Verdict Verdict) pair)
    {
        string word = pair.Verdict.Kind switch
        {
            VerdictKind.Holds => "[green]holds[/]",
            VerdictKind.Refuted => "[red]REFUTED[/]",
            VerdictKind.NotApplicable => "–",
            _ => "[yellow]undecided[/]",
        };
        return pair.Verdict.Kind == pair.Row.Expected.Kind ? word : $"{word} (!)";
    }

    private void PrintJson((LedgerRow Row, Verdict Verdict)[] judged, int exit) => _report.Print(new JsonObject
    {
        ["schema"] = "grouprl-ledger/1",
        ["exit"] = exit,
        ["rows"] = new JsonArray([.. judged.Select(pair =>
        {
            var node = Report.ToJson(pair.Row, pair.Row.Objective, pair.Verdict, saved: null);
            node["expected"] = Report.Word(pair.Row.Expected.Kind);
            node["because"] = pair.Row.Expected.Because;
            return node;
        })]),
    });
}
