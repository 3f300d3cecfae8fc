using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;
using Profile = GroupRL.Claims.Profile;

namespace GroupRL.Cli;

/// <summary><c>grouprl tightness [CLAIM]</c>: how near to their bounds the claims can be brought.</summary>
internal sealed class TightnessCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Searches for the worst case of every row of <paramref name="claim"/>, or of every claim that is a bound.</summary>
    public int Run(string? claim)
    {
        if (claim is not null && Ledger.Find(Proposal.KnownClaim(claim)) is not { IsBound: true })
        {
            throw InvalidInputException.Because(
                $"{claim} has no bound but rounding, so nothing can come near it; bounds are {string.Join(", ", Ledger.Claims.Where(known => known.IsBound).Select(known => known.Id))}.");
        }

        // What is expected to break its bound is no matter of nearness.
        LedgerRow[] rows =
        [
            .. Ledger.Rows.Where(row => row is { Tightness: not null, Expected.Kind: VerdictKind.Holds } && (claim is null || row.Claim.Id == claim))
                .OrderBy(row => Ledger.Claims.IndexOf(row.Claim)),
        ];
        var found = rows.Zip(terminal.Progress("tightness", "rows", rows, row => row.Tightness!(Profile.Ci))).ToArray();
        if (json)
            _report.Print(new JsonObject { ["schema"] = "grouprl-tightness/1", ["rows"] = new JsonArray([.. found.Select(pair => ToJson(pair.First, pair.Second))]) });
        else
            Show(found);
        return found.All(pair => pair.Second.Measurement.Holds) ? ExitCode.Kept : ExitCode.Refuted;
    }

    private void Show((LedgerRow Row, Tightness Tightness)[] found)
    {
        var table = terminal.Table("claim", "subject", "tightness", "measured", "bound", "worst case", "case");
        foreach (var (row, worst) in found.Where(pair => pair.Tightness.Ratio > 0))
        {
            table.AddRow([.. new[]
            {
                row.Claim.Id,
                row.Subject,
                Share(worst),
                Report.Number(worst.Measurement.Measured),
                Report.Number(worst.Measurement.Bound),
                worst.Constructed ? "constructed by the derivation" : "found by search",
                CaseText.Of(worst.Case),
            }.Select(Markup.Escape)]);
        }

        if (table.Rows.Count > 0)
            terminal.Write(table);
        foreach (var claim in found.Where(pair => pair.Tightness.Ratio == 0).GroupBy(pair => pair.Row.Claim.Id))
            terminal.Output.WriteLine($"  {claim.Key} measures 0 on every case searched for: {string.Join(", ", claim.Select(pair => pair.Row.Subject))}");
        terminal.Output.WriteLine("tightness: the largest measured / bound that a search found, for a lower bound bound / measured; 1 is met");
    }

    // Six digits would show 0.9999999 as met.
    private static string Share(Tightness worst) => worst.Ratio is > 0.999999 and < 1 - 1e-9
        ? FormattableString.Invariant($"1 − {1 - worst.Ratio:G1}")
        : Report.Number(worst.Ratio);

    private static JsonObject ToJson(LedgerRow row, Tightness worst)
    {
        var node = new JsonObject { ["claim"] = row.Claim.Id };
        if (row.Objective.Length > 0)
            node["objective"] = row.Objective;
        if (row.Optimizer.Length > 0)
            node["optimizer"] = row.Optimizer;
        node["tightness"] = Report.ToJson(worst.Ratio);
        node["measured"] = Report.ToJson(worst.Measurement.Measured);
        node["bound"] = Report.ToJson(worst.Measurement.Bound);
        node["at_least"] = worst.Measurement.AtLeast;
        node["constructed"] = worst.Constructed;
        node["case"] = Report.OfCase(worst.Case);
        return node;
    }
}
