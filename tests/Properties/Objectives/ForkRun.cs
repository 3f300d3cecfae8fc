using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>What verl's forks and other trainers recorded, read.</summary>
internal static class ForkRun
{
    /// <summary>A run of a file, by the label that lists it.</summary>
    public static RecordedRun Of(string file, string label) => Of(file, GoldenFolder.Run(file, label), GoldenFolder.Read("cases.json"));

    /// <summary>The first shipped run of a case whose settings contain <paramref name="setting"/>, as in "beta=0.04".</summary>
    public static RecordedRun Shipped(string file, string name, string setting)
    {
        var run = GoldenFolder.ReadShipped(file)["runs"].Items.First(run => run["case"].Text == name
            && (setting.Length == 0 || run["hyper"].Properties.Any(p => $"{p.Key}={p.Value.Raw}" == setting)));
        return Of(file, run, GoldenFolder.ReadShipped("cases.json"));
    }

    private static RecordedRun Of(string file, GoldenNode run, GoldenNode cases)
    {
        var settings = new ForkSettings(run["hyper"]);
        return file switch
        {
            "forks/gppo.json" => Common(run, cases, settings.Gppo()),
            "forks/aspo.json" => Aspo(Common(run, cases, settings.Aspo()), run),
            "forks/opmd_kimi.json" => Common(run, cases, settings.Opmd()),
            "forks/prime_rl.json" => Common(run, cases, settings.PrimeRl()),
            "forks/aipo_prime_rl_2025_10.json" => Common(run, cases, settings.Aipo()),
            "forks/slime.json" => Slime(run, RecordedRun.BatchOf(cases, run["case"]), settings.Slime()),
            "gtpo/lambda_grpo_prm.json" => LambdaGrpo(run, settings.LambdaGrpo()),
            "gtpo/gtpo_official.json" => GtpoRun.Of(run, settings),
            _ => throw new InvalidDataException($"Golden file {file} has no reader."),
        };
    }

    private static RecordedRun Common(GoldenNode run, GoldenNode cases, SurrogateObjective objective) =>
        Common(run, RecordedRun.BatchOf(cases, run["case"]), objective);

    private static RecordedRun Common(GoldenNode run, RolloutBatch batch, SurrogateObjective objective) => new()
    {
        Batch = batch,
        Objective = objective,
        Advantages = RecordedRun.PerToken(batch, run["advantages"]),
        Loss = run["loss"].Number,
        Gradients = run["grad_logps"].Rows,
    };

    private static RecordedRun Aspo(RecordedRun recorded, GoldenNode run)
    {
        var mask = run["low_entropy_mask"];
        double[] flags = [.. mask.Items.SelectMany(row => row.Items).Select(flag => flag.Flag ? 1.0 : 0)];
        return recorded with { Others = [new(mask.Where, flags, objective => LowEntropy(recorded.Batch, (FlippedRatio)objective.Kernel))] };
    }

    private static double[] LowEntropy(RolloutBatch batch, FlippedRatio kernel) =>
    [
        .. Enumerable.Range(0, batch.Rows).SelectMany(i =>
        {
            var row = new Completion(batch, i);
            double threshold = kernel.Threshold(row);
            return row[Column.Entropy].ToArray().Select(entropy => entropy <= threshold ? 1.0 : 0);
        }),
    ];

    private static RecordedRun Slime(GoldenNode run, RolloutBatch batch, SurrogateObjective objective)
    {
        double[] advantages = RecordedRun.PerToken(batch, run["advantages"]), losses = run["per_token_loss"].Flat;
        return new()
        {
            Batch = batch,
            Objective = objective,
            Advantages = advantages,
            Loss = losses.Sum(),
            Gradients = run["dloss_t_dlogp"].Rows,
            Others =
            [
                new("per_token_loss", losses, changed => LossOfEachToken(changed, batch, advantages)),
                new("clipped", run["clipped"].Flat, changed => Clipped(changed.Kernel, batch, advantages)),
            ],
        };
    }

    private static double[] LossOfEachToken(SurrogateObjective objective, RolloutBatch batch, double[] advantages) =>
    [
        .. Enumerable.Range(0, batch.Tokens).Select(token =>
        {
            double[] alone = new double[batch.Tokens];
            alone[token] = 1;
            return (objective with { Advantage = new GivenTokens(advantages), Weight = new GivenWeights(alone) }).Evaluate(batch).Loss;
        }),
    ];

    // Where the clip binds; slime counts no dual clip.
    private static double[] Clipped(Kernel kernel, RolloutBatch batch, double[] advantages) =>
    [
        .. Enumerable.Range(0, batch.Tokens).Select(token =>
        {
            double ratio = Math.Exp(batch[Column.Logp][token] - batch[Column.OldLogp][token]), advantage = advantages[token];
            bool clipped = kernel is ClippedImportance gain
                ? ratio < gain.Low || ratio > gain.High
                : advantage != 0 && new Clip(kernel.Region!.Low, kernel.Region.High).Kills(ratio, advantage);
            return clipped ? 1.0 : 0;
        }),
    ];

    private static RecordedRun LambdaGrpo(GoldenNode run, SurrogateObjective objective)
    {
        double[] rewards = run["rewards"].Numbers;
        double[][] ids = run["completion_ids"].Rows, logps = run["logps"].Rows, old = run["old_logps"].Rows, reference = run["ref_logps"].Rows;
        var batch = RolloutBatch.Of([[.. rewards.Select((reward, i) => new Rollout
        {
            Reward = reward,
            Logps = logps[i],
            OldLogps = old[i],
            RefLogps = reference[i],
            Tokens = [.. ids[i].Select(id => (int)id)],
        })]]);
        return Common(run, batch, objective) with
        {
            Others = [new("loss_scales", run["loss_scales"].Flat, changed => Shares(changed, batch))],
        };
    }

    // The weights without the mean; loss_scales are recorded also where they are not used.
    private static double[] Shares(SurrogateObjective objective, RolloutBatch batch)
    {
        var shares = objective.Weight is ProductWeight { Factors: [_, var share] } ? share : new PrefixShare();
        double[] weights = new double[batch.Tokens];
        shares.Fill(batch, new double[batch.Tokens], weights);
        return weights;
    }
}
