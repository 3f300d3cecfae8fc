using System.Collections.Immutable;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary>A report for people: a table a class of claims, and every refutation told in full.</summary>
internal sealed class VerdictTable(Terminal terminal)
{
    private readonly Report _report = new(terminal);

    /// <summary>Prints the report.</summary>
    public void Print(Judgement judgement)
    {
        _report.Line($"[bold]{Markup.Escape(judgement.Candidate.Name)}[/]");
        foreach (var (kind, heading) in Judgement.Classes)
            Print(heading, judgement.Of(kind));
        foreach (var row in judgement.Refutations)
            _report.Show(row.Row, judgement.Candidate, row.Verdict, row.Saved);
        if (judgement.Differs)
            new IdentifyCommand(terminal, json: false).PrintExplanation(judgement.Candidate.Loss!);
        terminal.Output.WriteLine();
        if (judgement.Candidate.Answered is { } answered)
            terminal.Output.WriteLine(FormattableString.Invariant($"{answered.Count} {(judgement.Candidate.Optimizer is null ? "batches" : "runs")} answered, {answered.Count / answered.Time.TotalSeconds:F0} a second"));
        _report.Line(Markup.Escape(judgement.Summary));
    }

    private void Print(string heading, ImmutableArray<Judged> rows)
    {
        if (rows.IsEmpty)
            return;
        var table = terminal.Table(heading, "verdict", "evidence");
        foreach (var row in rows)
            table.AddRow(Markup.Escape(row.Title), Report.Styled(row.Verdict.Kind), Markup.Escape(row.Evidence));
        terminal.Output.WriteLine();
        terminal.Write(table);
    }
}
