using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>What TRL recorded, read.</summary>
internal static class TrlRun
{
    /// <summary>A run of a file, by the label that lists it.</summary>
    public static RecordedRun Of(string file, string label) =>
        Of(file, GoldenFolder.Read(file), GoldenFolder.Run(file, label), GoldenFolder.Read("cases.json"));

    /// <summary>The first shipped run of a case whose settings contain <paramref name="setting"/>, as in "beta=0.04".</summary>
    public static RecordedRun Shipped(string file, string name, string setting)
    {
        var content = GoldenFolder.ReadShipped(file);
        var run = content["runs"].Items.First(run => run["case"].Text == name
            && (setting.Length == 0 || run["hyper"].Properties.Any(p => $"{p.Key}={p.Value.Raw}" == setting)));
        return Of(file, content, run, GoldenFolder.ReadShipped("cases.json"));
    }

    private static RecordedRun Of(string file, GoldenNode content, GoldenNode run, GoldenNode cases)
    {
        var settings = new TrlSettings(content.Find("defaults"), run["hyper"]);
        var batch = RecordedRun.BatchOf(cases, run["case"]);
        return new()
        {
            Batch = batch,
            Objective = Path.GetFileNameWithoutExtension(file) switch
            {
                "rloo" => settings.Rloo(),
                "gmpo" => settings.Gmpo(),
                "gspo_token" => settings.GspoToken(),
                _ => settings.Grpo(),
            },
            Advantages = RecordedRun.PerToken(batch, run["advantages"]),
            Loss = run["loss"].Number,
            Gradients = run["grad_logps"].Rows,
            ShapedRewards = run.Find("shaped_rewards")?.Numbers,
            Others = [.. Others(batch, run)],
        };
    }

    private static IEnumerable<OtherNumbers> Others(RolloutBatch batch, GoldenNode run)
    {
        if (run.Find("importance_sampling_ratio") is { } ratio)
            yield return new(ratio.Where, RecordedRun.PerToken(batch, ratio), objective => Mismatch(objective, batch));
        if (run.Find("grad_entropies") is { } entropies)
            yield return new(entropies.Where, entropies.Flat, objective => [.. objective.Evaluate(batch).EntropyCoefficients!.Select(c => -c)]);
    }

    // A correction outside the kernel, or, with VESPO, a factor inside its gain.
    private static double[] Mismatch(SurrogateObjective objective, RolloutBatch batch)
    {
        var weight = objective.Kernel is GammaGain { Mismatch: { } inside } ? inside : objective.Correction;
        double[] ratios = new double[batch.Tokens];
        weight.Fill(batch, objective.Evaluate(batch).Advantages, ratios);
        return ratios;
    }
}
