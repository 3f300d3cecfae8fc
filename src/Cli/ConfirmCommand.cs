using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using GroupRL.Claims;
using GroupRL.Optimizers;
using GroupRL.Trainer;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary>How a confirmation is printed.</summary>
internal enum ConfirmForm
{
    /// <summary>Tables.</summary>
    Table,

    /// <summary>JSON.</summary>
    Json,

    /// <summary>A section of a page.</summary>
    Markdown,
}

/// <summary><c>grouprl confirm</c>: the three findings seen in training, predictions beside measurements.</summary>
/// <param name="terminal">Where output goes.</param>
/// <param name="form">In what form.</param>
/// <param name="platform">What the runs are made on, as a sentence's beginning; empty for the suite's own float64.</param>
/// <param name="jobs">How many runs at once; −1: as many as there are cores.</param>
internal sealed class ConfirmCommand(Terminal terminal, ConfirmForm form, string platform, int jobs)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    /// <summary>The shared first token under objectives that weigh by length, and under others.</summary>
    public int Prefix(PrefixConfirmation confirmation, bool tabular)
    {
        var rows = terminal.Progress("confirm prefix: settings", confirmation.Settings, confirmation.Run, jobs);
        return Show(
            "prefix",
            PrefixConfirmation.Judge(rows, tabular),
            ["objective", "optimizer", "κ", "predicted by Cₜ", "drift", "s.e.", "p", "same sign", "correlation"],
            row => [row.Objective, row.Optimizer, Number(row.LengthBonus), Number(row.Predicted), Number(row.Drift), Number(row.Error), Number(row.PValue), Share(row.SameSign), Number(row.Correlation)],
            FormattableString.Invariant($"{confirmation.Seeds} seeds of {confirmation.Steps} steps; drift: Σ Δ log π(o) + KL(π ‖ π′) of the first token that a group shares, nats; predicted: Σ η·Cₜ·‖∇ log π(o)‖², what Cₜ does to it under SGD"));
    }

    /// <summary>Rewards times a factor.</summary>
    public int Scale(ScaleConfirmation confirmation)
    {
        var rows = terminal.Progress("confirm scale: settings", confirmation.Settings, confirmation.Run, jobs);
        var edges = terminal.Progress("confirm scale: edges", (Optimizer[])[OptimizerCatalogue.AdamW.With(0.01), OptimizerCatalogue.Adam.With(0.01)], confirmation.Edge, jobs);
        ScaledRun[] columns = [.. rows[0].Runs.OrderBy(run => run.Scale)];
        return Show(
            "scale",
            ScaleConfirmation.Judge(rows, edges),
            ["objective", "optimizer", "class", .. columns.Select(run => $"a = {(run.Dyadic ? FormattableString.Invariant($"2^{Math.Log2(run.Scale)}") : Number(run.Scale))}")],
            row => [row.Objective, row.Optimizer, Word(row.Class), .. columns.Select(column => row.Runs.Single(run => run.Scale == column.Scale)).Select(run => Number(run.Distance))],
            FormattableString.Invariant($"{confirmation.Steps} steps; distance of the way on aR from that on R, in units of how far that came; class: what the theory predicts"));
    }

    /// <summary>Inner steps past the clip.</summary>
    public int Overshoot(OvershootConfirmation confirmation)
    {
        var rows = terminal.Progress("confirm overshoot: settings", confirmation.Settings, setting => confirmation.Run(setting.Optimizer, setting.InnerSteps), jobs);
        var equal = terminal.Progress("confirm overshoot: equal rewards", OvershootConfirmation.Optimizers, confirmation.OnEqualRewards, jobs);
        return Show(
            "overshoot",
            OvershootConfirmation.Judge(rows, equal),
            ["optimizer", "μ", "outside", "largest ratio", "stopped nodes", "tail", "predicted", "rise", "bound"],
            row => row.Stops == 0
                ? [row.Optimizer, Number(row.InnerSteps), Share(row.Outside), Number(row.LargestRatio), "", "", "", "", ""]
                : [row.Optimizer, Number(row.InnerSteps), Share(row.Outside), Number(row.LargestRatio), Number(row.Stops), Number(row.Tail), Number(row.PredictedTail), Number(row.Rise), Number(row.Bound)],
            FormattableString.Invariant($"{confirmation.Batches} batches; tail: the largest Σ |u_(T+k)|/|u_T| after a node's gradient stopped at T; rise: |Δ log r| there, nats, where it is nearest to its bound"));
    }

    private int Show<TRow>(string id, Confirmation<TRow> confirmation, string[] columns, Func<TRow, string[]> cells, string legend)
    {
        var (rows, findings) = confirmation;
        string about = platform.Length == 0 ? $"{legend}." : $"{platform}; {legend}.";
        int wrong = findings.Count(finding => !finding.Agrees);
        string verdict = string.Create(CultureInfo.InvariantCulture, $"{id}: {(wrong == 0 ? $"all {findings.Length} predictions agree with what was measured." : $"{wrong} of {findings.Length} predictions disagree with what was measured.")}");
        switch (form)
        {
            case ConfirmForm.Json:
                new Report(terminal).Print(new JsonObject
                {
                    ["schema"] = "grouprl-confirmation/1",
                    ["confirmation"] = id,
                    ["about"] = about,
                    ["rows"] = JsonSerializer.SerializeToNode(rows, s_json),
                    ["findings"] = JsonSerializer.SerializeToNode(findings, s_json),
                    ["agrees"] = confirmation.Agrees,
                });
                break;
            case ConfirmForm.Markdown:
                Row(columns);
                Row([.. columns.Select(_ => "---")]);
                foreach (var row in rows)
                    Row([.. cells(row).Select(MarkdownText.Of)]);
                terminal.Output.WriteLine($"\n{MarkdownText.Of(about)}\n");
                Row(["", "predicted", "measured"]);
                Row(["---", "---", "---"]);
                foreach (var finding in findings)
                    Row([finding.Agrees ? "agrees" : "**disagrees**", MarkdownText.Of(finding.Prediction), MarkdownText.Of(finding.Measured)]);
                terminal.Output.WriteLine($"\n{MarkdownText.Of(verdict)}");
                break;
            default:
                var table = terminal.Table(columns);
                foreach (var row in rows)
                    table.AddRow([.. cells(row).Select(Markup.Escape)]);
                terminal.Write(table);
                terminal.Output.WriteLine($"{about}\n");
                foreach (var finding in findings)
                    terminal.Output.WriteLine($"{(finding.Agrees ? "agrees   " : "DISAGREES")}  {finding.Prediction}\n{new string(' ', 11)}measured: {finding.Measured}");
                terminal.Output.WriteLine($"\n{verdict}");
                break;
        }

        return confirmation.Agrees ? ExitCode.Kept : ExitCode.Refuted;
    }

    private void Row(IEnumerable<string> cells) => terminal.Output.WriteLine($"| {string.Join(" | ", cells)} |");

    private static string Word(ScaleClass kind) => kind switch
    {
        ScaleClass.Exact => "exact",
        ScaleClass.UpToEpsilon => "up to ε",
        _ => "sensitive",
    };

    private static string Number(double value) => double.IsNaN(value) ? "" : value.ToString("G4", CultureInfo.InvariantCulture);

    private static string Share(double value) => double.IsNaN(value) ? "" : value.ToString("P1", CultureInfo.InvariantCulture);
}
