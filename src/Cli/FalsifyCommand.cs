using System.Collections.Immutable;
using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Optimizers;
using Spectre.Console;
using Profile = GroupRL.Claims.Profile;

namespace GroupRL.Cli;

/// <summary><c>grouprl falsify FILE</c>: a proposal against every claim about objectives.</summary>
internal sealed class FalsifyCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Runs; <paramref name="expect"/> null ignores every expectation, the file's too.</summary>
    public int Run(Proposal proposal, string[]? expect, Optimizer optimizer, int cases, string folder)
    {
        var expected = expect is null
            ? ImmutableSortedDictionary<string, string>.Empty
            : proposal.Expected.SetItems(expect.Where(claim => !proposal.Expected.ContainsKey(claim))
                .Select(claim => KeyValuePair.Create(Proposal.ExpectableClaim(claim), "declared on the command line")));
        LedgerRow[] rows =
        [
            .. Ledger.ObjectiveRows(proposal.Name, proposal.Objective),
            .. Ledger.TrainingRows(proposal.Name, proposal.Objective, optimizer),
        ];
        Files.Probe(folder);
        var verdicts = terminal.Progress($"{proposal.Name}: claims", rows, row => row.Judge(new Profile(cases)));
        var judged = rows.Zip(verdicts, (row, verdict) => new Judged(
            row,
            verdict,
            expected.GetValueOrDefault(row.Claim.Id),
            verdict.Counterexample is { } found && !(row.Claim.Describes && row.Expected.Kind == VerdictKind.Refuted) ? Report.Save(row, proposal.Name, found, folder) : null)).ToArray();
        int exit = judged.Any(row => row.Surprise) ? ExitCode.Refuted
            : judged.Any(row => row.Verdict.Kind == VerdictKind.Undecided) ? ExitCode.Undecided
            : ExitCode.Kept;
        if (json)
            PrintJson(proposal, judged, exit);
        else
            PrintTable(proposal, judged, exit);
        return exit;
    }

    private void PrintTable(Proposal proposal, Judged[] judged, int exit)
    {
        _report.Line($"[bold]{Markup.Escape(proposal.Name)}[/]");
        var table = terminal.Table("claim", "verdict", "evidence");
        foreach (var row in judged)
        {
            string evidence = Report.Evidence(row.Row.Claim, row.Verdict) + row switch
            {
                { Describing: true } => $" · by design: {row.Row.Expected.Because}",
                { Reason: null } => "",
                { Surprise: true } => " · EXPECTED TO BE REFUTED",
                _ => $" · expected: {row.Reason}",
            };
            string name = row.Row.Optimizer.Length > 0 ? $"{row.Row.Claim.Id} ({row.Row.Optimizer})" : row.Row.Claim.Id;
            table.AddRow(Markup.Escape(name), Report.Styled(row.Verdict.Kind), Markup.Escape(evidence));
        }

        terminal.Write(table);
        foreach (var row in judged.Where(row => row.Verdict.Kind == VerdictKind.Refuted && !row.Describing))
            _report.Show(row.Row, proposal.Objective, proposal.Reference, row.Verdict, row.Saved);
        terminal.Output.WriteLine();
        _report.Line(Markup.Escape(Summary(judged, exit)));
    }

    private static string Summary(Judged[] judged, int exit) => exit switch
    {
        ExitCode.Refuted => $"Not as expected: {string.Join(", ", judged.Where(row => row.Surprise).Select(row => row.Row.Claim.Id))}.",
        ExitCode.Undecided => $"Undecided: {string.Join(", ", judged.Where(row => row.Verdict.Kind == VerdictKind.Undecided).Select(row => row.Row.Claim.Id))}.",
        _ when judged.Any(row => row.Reason is not null) => "Every verdict is as expected.",
        _ => "Nothing was refuted.",
    };

    private void PrintJson(Proposal proposal, Judged[] judged, int exit) => _report.Print(new JsonObject
    {
        ["schema"] = "grouprl-verdicts/1",
        ["proposal"] = proposal.Name,
        ["exit"] = exit,
        ["rows"] = new JsonArray([.. judged.Select(row =>
        {
            var node = Report.ToJson(row.Row, proposal.Reference, row.Verdict, row.Saved);
            node["expected_refutation"] = row.Reason;
            node["by_design"] = row.Describing;
            node["as_expected"] = !row.Surprise;
            return node;
        })]),
    });

    /// <param name="Row">The row.</param>
    /// <param name="Verdict">Its verdict.</param>
    /// <param name="Reason">Why a refutation was expected; null where none was.</param>
    /// <param name="Saved">The counterexample's file.</param>
    private sealed record Judged(LedgerRow Row, Verdict Verdict, string? Reason, string? Saved)
    {
        /// <summary>A refutation that nobody expected, or an expected one that did not come.</summary>
        public bool Surprise => Verdict.Kind != VerdictKind.Undecided && (Verdict.Kind == VerdictKind.Refuted) != (Reason is not null) && !Describing;

        /// <summary>A refutation that tells what kind of objective this is, as the theory predicts.</summary>
        public bool Describing => Reason is null && Row.Claim.Describes && (Verdict.Kind, Row.Expected.Kind) == (VerdictKind.Refuted, VerdictKind.Refuted);
    }
}
