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
/// <param name="policy">The policy that runs are made with.</param>
internal sealed class ConfirmCommand(Terminal terminal, ConfirmForm form, PolicySource policy)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    // A transformer's parameters are many and see each other: smaller steps, and fewer of them, show the same.
    private double Rates(double ofTransformer) => policy.IsTransformer ? ofTransformer : 1;

    private static string Rates(IEnumerable<Optimizer> optimizers, double scale) =>
        $"η {string.Join(", ", optimizers.Select(optimizer => $"{Number(optimizer.LearningRate * scale)} ({optimizer.Id})"))}";

    // TorchSharp spreads a run over the cores by itself.
    private int Jobs => policy.IsTransformer ? 1 : -1;

    /// <summary>The shared first token under objectives that weigh by length, and under others.</summary>
    public int Prefix(int seeds, int? steps, ulong seed)
    {
        var confirmation = new PrefixConfirmation(policy.Of)
        {
            Seeds = seeds,
            Steps = steps ?? (policy.IsTransformer ? 30 : 100),
            FirstSeed = seed,
            RateScale = Rates(0.05),
        };
        var settings = policy.IsTransformer ? [.. confirmation.Settings.Where(setting => setting.LengthBonus != 0)] : confirmation.Settings;
        return Show(
            "prefix",
            PrefixConfirmation.Judge(terminal.Progress("confirm prefix", "settings", settings, confirmation.Run, Jobs), policy.IsTabular),
            ["objective", "optimizer", "κ", "predicted by Cₜ", "drift", "s.e.", "p", "same sign", "correlation"],
            row => [row.Objective, row.Optimizer, Number(row.LengthBonus), Number(row.Predicted), Number(row.Drift), Number(row.Error), Number(row.PValue), Share(row.SameSign), Number(row.Correlation)],
            FormattableString.Invariant($"{confirmation.Seeds} seeds of {confirmation.Steps} steps, {Rates(PrefixConfirmation.Optimizers, confirmation.RateScale)}; drift: Σ Δ log π(o) + KL(π ‖ π′) of the first token that a group shares, nats; predicted: Σ η·Cₜ·‖∇ log π(o)‖², what Cₜ does to it under SGD"));
    }

    /// <summary>Rewards times a factor.</summary>
    public int Scale(int? steps, ulong seed)
    {
        var confirmation = new ScaleConfirmation(policy.Of) { Steps = steps ?? (policy.IsTransformer ? 15 : 40), Seed = seed, RateScale = Rates(0.05) };
        var rows = terminal.Progress("confirm scale", "settings", confirmation.Settings, confirmation.Run, Jobs);
        var edges = terminal.Progress("confirm scale", "edges", ScaleConfirmation.WithEdge, confirmation.Edge, Jobs);
        ScaledRun[] columns = [.. rows[0].Runs.OrderBy(run => run.Scale)];
        return Show(
            "scale",
            ScaleConfirmation.Judge(rows, edges, policy.Precision),
            ["objective", "optimizer", "class", .. columns.Select(run => $"a = {(run.Dyadic ? FormattableString.Invariant($"2^{Math.Log2(run.Scale)}") : Number(run.Scale))}")],
            row => [row.Objective, row.Optimizer, Word(row.Class), .. columns.Select(column => row.Runs.Single(run => run.Scale == column.Scale)).Select(run => Number(run.Distance))],
            FormattableString.Invariant($"{confirmation.Steps} steps, {Rates(ScaleConfirmation.Optimizers, confirmation.RateScale)}; distance of log π on aR from that on R, in units of how far that came; class: what the theory predicts"));
    }

    /// <summary>Inner steps past the clip.</summary>
    public int Overshoot(int? batches, ulong seed)
    {
        var confirmation = new OvershootConfirmation(policy.Of) { Batches = batches ?? (policy.IsTransformer ? 8 : 20), Seed = seed, RateScale = Rates(0.005) };
        var rows = terminal.Progress("confirm overshoot", "settings", confirmation.Settings, setting => confirmation.Run(setting.Optimizer, setting.InnerSteps), Jobs);
        var equal = terminal.Progress("confirm overshoot", "settings of equal rewards", OvershootConfirmation.Optimizers, confirmation.OnEqualRewards, Jobs);
        return Show(
            "overshoot",
            OvershootConfirmation.Judge(rows, equal),
            ["optimizer", "μ", "outside", "largest ratio", "stopped nodes", "tail", "predicted", "rise", "bound"],
            row => row.Stops == 0
                ? [row.Optimizer, Number(row.InnerSteps), Share(row.Outside), Number(row.LargestRatio), "", "", "", "", ""]
                : [row.Optimizer, Number(row.InnerSteps), Share(row.Outside), Number(row.LargestRatio), Number(row.Stops), Number(row.Tail), Number(row.PredictedTail), Number(row.Rise), Number(row.Bound)],
            FormattableString.Invariant($"{confirmation.Batches} batches, {Rates(OvershootConfirmation.Optimizers, confirmation.RateScale)}; tail: the largest Σ |u_(T+k)|/|u_T| after a node's gradient stopped at T; rise: |Δ log r| there, nats, where it is nearest to its bound"));
    }

    private int Show<TRow>(string id, Confirmation<TRow> confirmation, string[] columns, Func<TRow, string[]> cells, string legend)
    {
        var (rows, findings) = confirmation;
        string about = policy.Platform.Length == 0 ? $"{legend}." : $"{policy.Platform}; {legend}.";
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
