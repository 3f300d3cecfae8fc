using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>Batches for tests, built in a line.</summary>
internal static class Batches
{
    /// <summary>ℓ° of every token that <see cref="Row"/> makes: far enough below 0 for any ratio used here.</summary>
    public const double Old = -20;

    /// <summary>A completion with these token log-ratios ℓ − ℓ°.</summary>
    public static Rollout Row(double reward, params double[] logRatios) => new()
    {
        Reward = reward,
        Logps = [.. logRatios.Select(x => Old + x)],
        OldLogps = [.. logRatios.Select(_ => Old)],
    };

    /// <summary>A fully masked completion: its tokens are context, its reward counts.</summary>
    public static Rollout Dead(double reward) => Row(reward, 0, 0) with { Mask = [false, false] };

    /// <summary>One group of these completions.</summary>
    public static RolloutBatch Group(params Rollout[] rows) => RolloutBatch.Of([rows]);

    /// <summary>One group of one-token, on-policy completions with these rewards.</summary>
    public static RolloutBatch Rewards(params double[] rewards) => Group([.. rewards.Select(reward => Row(reward, 0))]);

    /// <summary>The advantages of one group with these rewards.</summary>
    public static double[] AdvantagesOf(RowAdvantage advantage, params double[] rewards) =>
        AdvantagesOf(advantage, Rewards(rewards));

    /// <summary>The advantages of a batch.</summary>
    public static double[] AdvantagesOf(RowAdvantage advantage, RolloutBatch batch)
    {
        double[] rewards = new double[batch.Rows], advantages = new double[batch.Rows];
        RewardShaping.None.Fill(batch, rewards);
        advantage.FillRows(batch, rewards, advantages);
        return advantages;
    }

    /// <summary>
    /// Groups of 2 to 5, lengths 0 to 7, tokens masked inside rows, log-ratios within ±0.7, the columns that the catalogue reads, and
    /// token ids, of which the first are often shared.
    /// The same for the same seed.
    /// </summary>
    public static RolloutBatch Ragged(int seed)
    {
        Random random = new(seed), more = new(-seed);
        var groups = new Rollout[random.Next(1, 4)][];
        for (int g = 0; g < groups.Length; g++)
        {
            groups[g] = new Rollout[random.Next(2, 6)];
            for (int k = 0; k < groups[g].Length; k++)
            {
                double[] old = Numbers(random, random.Next(0, 8), -3, -1);
                groups[g][k] = new()
                {
                    Reward = Math.Round(random.NextDouble() * 4) / 2,
                    OldLogps = old,
                    Logps = [.. old.Select(x => x + (1.4 * random.NextDouble()) - 0.7)],
                    RefLogps = [.. old.Select(x => x + random.NextDouble() - 0.5)],
                    Entropies = Numbers(random, old.Length, 0, 2),
                    GreedyReward = 0.75,
                    Mask = [.. old.Select(_ => random.Next(5) > 0)],
                    RolloutLogps = [.. old.Select(x => x + (0.4 * more.NextDouble()) - 0.2)],
                    Tokens = [.. old.Select((_, t) => more.Next(4) > 0 ? t : more.Next(3))],
                };
            }
        }

        return RolloutBatch.Of(groups);
    }

    /// <summary>Another evaluation point, up to 0.3 nats from the batch's own.</summary>
    public static double[] Moved(RolloutBatch batch, int seed)
    {
        var random = new Random(~seed);
        return [.. batch[Column.Logp].ToArray().Select(x => Math.Min(0, x + (0.6 * random.NextDouble()) - 0.3))];
    }

    private static double[] Numbers(Random random, int count, double from, double to) =>
        [.. Enumerable.Range(0, count).Select(_ => from + ((to - from) * random.NextDouble()))];
}

/// <summary>The token weights that are handed in.</summary>
internal sealed record GivenWeights(params double[] Values) : TokenWeight
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) =>
        Values.CopyTo(weights);
}
