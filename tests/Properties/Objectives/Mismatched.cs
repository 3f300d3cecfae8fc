using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>Batches whose sampler is not the behaviour policy, and which carry random numbers.</summary>
internal static class Mismatched
{
    /// <summary>The batch of <see cref="Batches.Ragged"/> with sampler's log-probs within 0.3 nats of ℓ°, random numbers and all other columns.</summary>
    public static RolloutBatch Batch(int seed)
    {
        var batch = Batches.Ragged(seed);
        var random = new Random(seed + 1000);
        double[] rollout = [.. batch[Column.OldLogp].ToArray().Select(x => x + (0.6 * random.NextDouble()) - 0.3)];
        double[] numbers = [.. rollout.Select(_ => random.NextDouble())];
        double[] values = [.. rollout.Select(_ => random.NextDouble())];
        return batch.With(Column.RolloutLogp, rollout).With(Column.Random, numbers).With(Column.Value, values).With(Column.TokenReward, numbers)
            .With(Column.SumPiSquared, [.. batch[Column.OldLogp].ToArray().Select((x, t) => Math.Exp(2 * x) + (values[t] / 2))]);
    }
}
