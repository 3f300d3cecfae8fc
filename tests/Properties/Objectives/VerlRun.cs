using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>What verl and OpenRLHF recorded, read.</summary>
internal static class VerlRun
{
    /// <summary>A run of a file, by the label that lists it.</summary>
    public static RecordedRun Of(string file, string label) => Of(file, GoldenFolder.Run(file, label), GoldenFolder.Read);

    /// <summary>The first shipped run of a case whose settings contain <paramref name="setting"/>, as in "clip_ratio_c=1.5".</summary>
    public static RecordedRun Shipped(string file, string name, string setting = "") =>
        Of(file, ShippedRun(file, name, setting), GoldenFolder.ReadShipped);

    /// <summary>The tokens whose gradient is 0 though their advantage is not and the clip leaves them alone.</summary>
    public static bool[] Dropped(RolloutBatch batch, double[] advantages, double[] gradients, Clip clip) =>
        [.. Enumerable.Range(0, batch.Tokens).Select(t => gradients[t] == 0 && advantages[t] != 0
            && !clip.Kills(Math.Exp(batch[Column.Logp][t] - batch[Column.OldLogp][t]), advantages[t]))];

    private static GoldenNode ShippedRun(string file, string name, string setting) =>
        GoldenFolder.ReadShipped(file)["runs"].Items.First(run => run["case"].Text == name
            && (setting.Length == 0 || run["hyper"].Properties.Any(p => $"{p.Key}={p.Value.Raw}" == setting)));

    private static RecordedRun Of(string file, GoldenNode run, Func<string, GoldenNode> read)
    {
        var objective = file.StartsWith("verl/", StringComparison.Ordinal)
            ? new VerlSettings(read("verl/vanilla.json")["defaults"], run["hyper"]).Objective()
            : new OrlhfSettings(run["hyper"]).Objective();
        var batch = RecordedRun.BatchOf(read("cases.json"), run["case"]);
        double[] advantages = RecordedRun.PerToken(batch, run["advantages"]);
        double[][] gradients = run["grad_logps"].Rows;
        return new()
        {
            Batch = objective.Reads.Contains(Column.Random) ? batch.With(Column.Random, Draw(objective, batch, advantages, gradients)) : batch,
            Objective = objective,
            Advantages = advantages,
            Loss = run["loss"].Number,
            Gradients = gradients,
            Others = run.Find("rollout_is_weights") is { } weights
                ? [new(weights.Where, RecordedRun.PerToken(batch, weights), other => Correction(other, batch, advantages))]
                : [],
        };
    }

    private static double[] Correction(SurrogateObjective objective, RolloutBatch batch, double[] advantages)
    {
        double[] weights = new double[batch.Tokens];
        objective.Correction.Fill(batch, advantages, weights);
        return weights;
    }

    // Random numbers with which a clip-cov drops the tokens that were dropped: those first, then those of advantage 0, whose gradient tells
    // nothing. Where nothing is dropped they tell ties apart, which are not recorded.
    private static double[] Draw(SurrogateObjective objective, RolloutBatch batch, double[] advantages, double[][] gradients)
    {
        bool[] dropped = objective.Correction is CovarianceDrop drop
            ? Dropped(batch, advantages, [.. gradients.SelectMany(row => row)], drop.Clip)
            : new bool[batch.Tokens];
        return [.. Enumerable.Range(0, batch.Tokens).Select(t => ((dropped[t] ? 0 : advantages[t] == 0 ? 1 : 2) + ((t + 0.5) / batch.Tokens)) / 3)];
    }
}
