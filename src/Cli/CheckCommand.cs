using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl check CLAIM</c>: one claim on one batch.</summary>
internal sealed class CheckCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Judges; a batch outside the claim's hypotheses leaves it undecided.</summary>
    public int Run(string claim, Candidate candidate, RolloutBatch batch, string file)
    {
        if (Ledger.OptimizerClaims.Any(other => other.Id == claim))
            throw InvalidInputException.Because($"The claim {claim} speaks of optimizers on gradient histories, so no batch can judge it.");
        var row = candidate.Row(claim);
        var judge = row.Check ?? throw InvalidInputException.Because($"The claim {claim} is judged on cases of its own kind, so no batch can judge it.");
        var check = Files.Within(file, () => judge(batch));
        int exit = check.Outside is not null ? ExitCode.Undecided : check.Measurement.Holds ? ExitCode.Kept : ExitCode.Refuted;
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-check/1",
                ["claim"] = claim,
                ["subject"] = row.Subject,
                ["verdict"] = exit switch { ExitCode.Kept => "kept", ExitCode.Refuted => "refuted", _ => "undecided" },
                ["reason"] = check.Outside,
                ["quantity"] = row.Claim.Quantity,
                ["measured"] = check.Outside is null ? Report.ToJson(check.Measurement.Measured) : null,
                ["bound"] = check.Outside is null ? Report.ToJson(check.Measurement.Bound) : null,
                ["why"] = check.Why.Length > 0 ? check.Why : null,
            });
            return exit;
        }

        _report.Line($"[bold]{Markup.Escape($"{claim} · {row.Subject}")}[/]");
        if (check.Outside is { } outside)
        {
            terminal.Output.WriteLine($"  undecided: {outside}");
            return exit;
        }

        terminal.Write(_report.Draw(CaseGrid.Of(candidate, batch)!));
        terminal.Output.WriteLine($"  {(exit == ExitCode.Kept ? "kept" : "refuted")}: {row.Claim.Quantity} = {Report.Number(check.Measurement.Measured)}, {Report.Bound(row.Claim, check.Measurement)}");
        if (check.Why.Length > 0)
            terminal.Output.WriteLine($"  why: {check.Why}");
        return exit;
    }
}
