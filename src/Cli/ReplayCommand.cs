using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary><c>grouprl replay TOKEN</c>: one generated case again.</summary>
internal sealed class ReplayCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Builds, judges and shrinks the case of <paramref name="token"/>.</summary>
    /// <param name="token">The token.</param>
    /// <param name="objective">The objective's id or file; null without one.</param>
    /// <param name="own">An optimizer that the token's id alone does not name, and the words that do; null without one.</param>
    /// <param name="folder">Where the counterexample is saved.</param>
    public int Run(ReplayToken token, string? objective, (Optimizer Optimizer, string[] Words)? own, string folder)
    {
        var proposal = objective is null ? null : Proposal.Resolve(objective);
        var candidate = (proposal, own) switch
        {
            ({ } composed, _) => Candidate.Of(composed, own?.Optimizer ?? OptimizerCatalogue.TrlAdamW, own?.Words ?? []),
            (null, { } alone) => Candidate.Of(alone.Optimizer, alone.Words),
            _ => null,
        };
        return Run(token, Row(token, proposal, own?.Optimizer), candidate, folder);
    }

    /// <summary>The same for a loss that only answers.</summary>
    public int Run(ReplayToken token, Candidate candidate, string folder) => Run(token, candidate.Row(token.Claim), candidate, folder);

    private int Run(ReplayToken token, LedgerRow row, Candidate? candidate, string folder)
    {
        Files.Probe(folder);
        var verdict = row.Replay(token.Point);
        string? saved = verdict.Counterexample is { } found ? Report.Save(row, row.Objective, found, folder) : null;
        if (json)
            _report.Print(Report.ToJson(row, candidate?.Reference ?? [], verdict, saved, candidate?.Program));
        else if (verdict.Kind == VerdictKind.Refuted)
            _report.Show(row, candidate, verdict, saved);
        else
            terminal.Output.WriteLine($"{row.Claim.Id} · {row.Subject}: {Report.Word(verdict.Kind)}, {Report.Evidence(row.Claim, verdict)}.");
        return verdict.Kind == VerdictKind.Refuted ? ExitCode.Refuted : ExitCode.Undecided;
    }

    private static string Subject(string claim) => (Ledger.OptimizerClaims.Any(other => other.Id == claim), Ledger.TrainingClaims.Any(other => other.Id == claim)) switch
    {
        (true, _) => "an optimizer alone: the token names it, leave --objective out",
        (_, true) => "an objective under an optimizer: the token names the optimizer, name the other with --objective ID|FILE",
        _ => "an objective alone: name it with --objective ID|FILE, and no optimizer in the token",
    };

    private static LedgerRow Row(ReplayToken token, Proposal? proposal, Optimizer? beside)
    {
        var optimizer = token.Optimizer.Length == 0 ? null
            : token.Optimizer == beside?.Id ? beside
            : OptimizerCatalogue.TryFind(token.Optimizer) ?? throw InvalidInputException.Because($"The token names the unknown optimizer \"{token.Optimizer}\".");
        IEnumerable<LedgerRow> rows = (proposal, optimizer) switch
        {
            (null, { } alone) => Ledger.OptimizerRows(alone),
            ({ } own, null) => Ledger.ObjectiveRows(own.Name, own.Objective),
            ({ } own, { } with) => Ledger.TrainingRows(own.Name, own.Objective, with),
            _ => [],
        };
        return rows.FirstOrDefault(row => row.Claim.Id == token.Claim)
            ?? throw InvalidInputException.Because(
                $"The token's claim {token.Claim} speaks of {Subject(token.Claim)}.");
    }
}
