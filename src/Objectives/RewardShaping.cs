using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>Turns what a completion carries into the one reward Rᵢ that the advantage reads, shape [B], units of reward.</summary>
public abstract record RewardShaping
{
    /// <summary>The rewards as they are; the default.</summary>
    public static RewardShaping None { get; } = new SingleReward();

    /// <summary>What this shaping promises.</summary>
    public abstract Traits Traits { get; }

    /// <summary>The columns it reads.</summary>
    public virtual ImmutableArray<Column> Reads => [];

    /// <summary>K, the number of rewards that a completion must carry.</summary>
    public virtual int Count => 1;

    /// <summary>Writes Rᵢ for every row, shape [B].</summary>
    /// <exception cref="InvalidInputException">A reward that this shaping does not define.</exception>
    public abstract void Fill(RolloutBatch batch, Span<double> rewards);
}

/// <summary>Rᵢ is the completion's only reward. Several rewards, and a missing one, are refused.</summary>
public sealed record SingleReward : RewardShaping
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.UnshapedRewards;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        if (batch.RewardsPerRow != 1)
        {
            throw InvalidInputException.Because(
                $"The objective takes 1 reward a completion; the batch carries {batch.RewardsPerRow} (combine them with a weighted sum).");
        }

        for (int i = 0; i < batch.Rows; i++)
            rewards[i] = Known(batch, i, 0);
    }

    internal static double Known(RolloutBatch batch, int i, int k)
    {
        if (batch.TryReward(i, k, out double reward))
            return reward;
        int g = batch.GroupOf(i);
        throw InvalidInputException.Because(
            $"The objective needs every reward; reward {k} of group {g}, completion {i - batch.Group(g).Start.Value} is missing.");
    }
}

/// <summary>Rᵢ = Σₖ wₖ Rᵢₖ over the rewards of a completion. A missing one is refused.</summary>
/// <param name="Weights">w, shape [K].</param>
/// <remarks>TRL @ f2cd5771, multi_objective_aggregation="sum_then_normalize"; TRL skips missing rewards, this refuses them.</remarks>
public sealed record WeightedRewards(ImmutableArray<double> Weights) : RewardShaping
{
    /// <summary>w, shape [K], K ≥ 1.</summary>
    public ImmutableArray<double> Weights { get; } = Weights is { IsDefault: false, Length: > 0 } && Weights.All(double.IsFinite)
        ? Weights
        : throw InvalidInputException.Because($"A weighted sum of rewards needs at least 1 weight, and finite ones.");

    /// <inheritdoc/>
    public override int Count => Weights.Length;

    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        if (batch.RewardsPerRow != Weights.Length)
            throw InvalidInputException.Because($"The objective weighs {Weights.Length} rewards; the batch carries {batch.RewardsPerRow} a completion.");
        for (int i = 0; i < batch.Rows; i++)
        {
            rewards[i] = 0;
            for (int k = 0; k < Weights.Length; k++)
                rewards[i] += Weights[k] * SingleReward.Known(batch, i, k);
        }
    }

    /// <summary>Equal where the weights are.</summary>
    public bool Equals(WeightedRewards? other) => other is not null && Weights.AsSpan().SequenceEqual(other.Weights.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => Weights.Length;
}

/// <summary>Rᵢ clipped to [<paramref name="Low"/>, <paramref name="High"/>].</summary>
/// <remarks>TRL @ f2cd5771, rloo_trainer.py: reward_clip_range.</remarks>
public sealed record ClippedReward(RewardShaping Inner, double Low, double High) : RewardShaping
{
    /// <summary>The lower end of the range.</summary>
    public double Low { get; } = Low <= High
        ? Low
        : throw InvalidInputException.Because($"A reward's clip range needs low ≤ high; got [{Low}, {High}].");

    /// <summary>The upper end of the range.</summary>
    public double High { get; } = High;

    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Inner.Reads;

    /// <inheritdoc/>
    public override int Count => Inner.Count;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        Inner.Fill(batch, rewards);
        foreach (ref double reward in rewards)
            reward = Math.Clamp(reward, Low, High);
    }
}

/// <summary>Rᵢ − β Σₜ (ℓ°ᵢₜ − ℓʳᵢₜ): the k1 estimate of KL(old‖ref) of the completion as a penalty in the reward, without gradient.</summary>
/// <remarks>TRL @ f2cd5771, rloo_trainer.py; applied after the reward's clip.</remarks>
public sealed record KlInReward(RewardShaping Inner, double Beta) : RewardShaping
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [.. Inner.Reads, Column.OldLogp, Column.RefLogp];

    /// <inheritdoc/>
    public override int Count => Inner.Count;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        Inner.Fill(batch, rewards);
        var old = batch[Column.OldLogp];
        var reference = batch[Column.RefLogp];
        for (int i = 0; i < batch.Rows; i++)
        {
            double kl = 0;
            var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            for (int t = start; t < start + length; t++)
                kl += old[t] - reference[t];
            rewards[i] -= Beta * kl;
        }
    }
}
