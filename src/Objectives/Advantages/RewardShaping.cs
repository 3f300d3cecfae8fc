using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>Turns what a completion carries into the one reward Rᵢ that the advantage reads, shape [B], units of reward.</summary>
public abstract record RewardShaping
{
    /// <summary>The rewards as they are; the default.</summary>
    public static RewardShaping None { get; } = new SingleReward();

    /// <summary>What this shaping promises: groups and dead rows are kept apart by an objective only where its rewards keep them apart.</summary>
    public abstract Traits Traits { get; }

    /// <summary>The columns it reads.</summary>
    public virtual ImmutableArray<Column> Reads => [];

    /// <summary>
    /// Shaped rewards of rewards that are all multiplied by a = <paramref name="scale"/> &gt; 0 are a to the power of the degree times what the
    /// returned shaping, whose constants in units of reward are over a, makes of the rewards themselves; null where there is no such law.
    /// </summary>
    public virtual (RewardShaping Rescaled, int Degree)? Under(double scale) => null;

    /// <summary>K, the number of rewards that a completion must carry; null where any number will do.</summary>
    public virtual int? Count => 1;

    /// <summary>Writes Rᵢ for every row, shape [B].</summary>
    /// <exception cref="InvalidInputException">A reward that this shaping does not define.</exception>
    public abstract void Fill(RolloutBatch batch, Span<double> rewards);
}

/// <summary>What is done where a completion lacks a reward.</summary>
public enum MissingReward
{
    /// <summary>The batch is refused.</summary>
    Refused,

    /// <summary>
    /// It takes no part: a sum of several runs over those that are there, and a completion that has none gets A = 0 and counts in no
    /// statistic. TRL @ f2cd5771, where a reward function returned None.
    /// </summary>
    Skipped,
}

/// <summary>Rᵢ is the completion's only reward. Several rewards are refused.</summary>
public sealed record SingleReward : RewardShaping
{
    /// <summary>What is done where it is missing.</summary>
    public MissingReward Missing { get; init; } = MissingReward.Refused;

    /// <inheritdoc/>
    public override Traits Traits => Traits.UnshapedRewards | Traits.KeepsShift | Traits.GroupIsolated | Traits.IgnoresDeadRows | Traits.LengthBlind;

    /// <inheritdoc/>
    public override (RewardShaping Rescaled, int Degree)? Under(double scale) => (this, 1);

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        if (batch.RewardsPerRow != 1)
        {
            throw InvalidInputException.Because(
                $"The objective takes 1 reward a completion; the batch carries {batch.RewardsPerRow} (combine them with a weighted sum).");
        }

        for (int i = 0; i < batch.Rows; i++)
            rewards[i] = KnownOrNaN(batch, i, 0, Missing);
    }

    internal static double KnownOrNaN(RolloutBatch batch, int i, int k, MissingReward missing)
    {
        if (batch.TryReward(i, k, out double reward) || missing == MissingReward.Skipped)
            return reward;
        throw InvalidInputException.Because($"The objective needs every reward; reward {k} of {batch.PlaceOfRow(i)} is missing.");
    }
}

/// <summary>Several rewards a completion, with a weight for each.</summary>
/// <param name="Weights">w, shape [K]; empty: 1 for each, however many there are.</param>
public abstract record SeveralRewards(ImmutableArray<double> Weights) : RewardShaping
{
    /// <summary>w, shape [K]; empty: 1 for each, however many there are.</summary>
    public ImmutableArray<double> Weights { get; } = Weights is { IsDefault: false } && Weights.All(double.IsFinite)
        ? Weights
        : throw InvalidInputException.Because($"The weights of several rewards must be finite numbers.");

    /// <summary>What is done where a completion lacks one of them.</summary>
    public MissingReward Missing { get; init; } = MissingReward.Refused;

    /// <inheritdoc/>
    public sealed override int? Count => Weights.IsEmpty ? null : Weights.Length;

    /// <inheritdoc/>
    public override Traits Traits => Traits.GroupIsolated | Traits.IgnoresDeadRows | Traits.LengthBlind;

    /// <inheritdoc/>
    public override (RewardShaping Rescaled, int Degree)? Under(double scale) => (this, 1);

    /// <summary>Equal where the weights and the rule for missing rewards are.</summary>
    public virtual bool Equals(SeveralRewards? other) =>
        other is not null && EqualityContract == other.EqualityContract && Missing == other.Missing && Weights.SequenceEqual(other.Weights);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Missing, Weights.Length);

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        if (Count is { } count && batch.RewardsPerRow != count)
            throw InvalidInputException.Because($"The objective weighs {count} rewards; the batch carries {batch.RewardsPerRow} a completion.");
        rewards.Fill(double.NaN);
        using var single = new Scratch(batch.Rows);
        for (int k = 0; k < batch.RewardsPerRow; k++)
        {
            for (int i = 0; i < batch.Rows; i++)
                single.Span[i] = SingleReward.KnownOrNaN(batch, i, k, Missing);
            Transform(batch, single.Span);
            for (int i = 0; i < batch.Rows; i++)
            {
                if (batch.TryReward(i, k, out _))
                    rewards[i] = (double.IsNaN(rewards[i]) ? 0 : rewards[i]) + ((Weights.IsEmpty ? 1 : Weights[k]) * single.Span[i]);
            }
        }
    }

    /// <summary>The same with other weights, one for each reward.</summary>
    public abstract SeveralRewards Weighing(ImmutableArray<double> weights);

    /// <summary>What happens to the k-th reward of all rows, shape [B], NaN where missing, before it is weighed.</summary>
    protected abstract void Transform(RolloutBatch batch, Span<double> rewards);
}

/// <summary>Rᵢ = Σₖ wₖ Rᵢₖ over the rewards of a completion.</summary>
/// <param name="Weights">w, shape [K]; empty: 1 for each, however many there are.</param>
/// <remarks>TRL @ f2cd5771, multi_objective_aggregation="sum_then_normalize".</remarks>
public sealed record WeightedRewards(ImmutableArray<double> Weights) : SeveralRewards(Weights)
{
    /// <summary>Of rows that have all their rewards: one that lacks a reward is shifted by fewer of them.</summary>
    public override Traits Traits => base.Traits | Traits.KeepsShift;

    /// <inheritdoc/>
    public override SeveralRewards Weighing(ImmutableArray<double> weights) => new WeightedRewards(weights) { Missing = Missing };

    /// <inheritdoc/>
    protected override void Transform(RolloutBatch batch, Span<double> rewards)
    {
    }
}

/// <summary>Rᵢ = Σₖ wₖ aᵢₖ, aₖ the advantage of the k-th reward alone: each reward is scored in its group before they are added (GDPO).</summary>
/// <param name="Score">a, from one reward.</param>
/// <param name="Weights">w, shape [K]; empty: 1 for each, however many there are.</param>
/// <remarks>TRL @ f2cd5771, multi_objective_aggregation="normalize_then_sum"; verl @ 1dda039b, compute_gdpo_outcome_advantage.</remarks>
public sealed record ScoredRewards(RowAdvantage Score, ImmutableArray<double> Weights) : SeveralRewards(Weights)
{
    /// <inheritdoc/>
    public override Traits Traits => Score.Traits & (Traits.Centred | Traits.ShiftBlind | Traits.KeepsShift | Traits.GroupIsolated | Traits.IgnoresDeadRows | Traits.LengthBlind);

    /// <inheritdoc/>
    public override (RewardShaping Rescaled, int Degree)? Under(double scale) =>
        Score.RowsUnder(scale) is var (score, degree) ? (new ScoredRewards(score, Weights) { Missing = Missing }, degree) : null;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Score.Reads;

    /// <inheritdoc/>
    public override SeveralRewards Weighing(ImmutableArray<double> weights) => new ScoredRewards(Score, weights) { Missing = Missing };

    /// <inheritdoc/>
    public bool Equals(ScoredRewards? other) => base.Equals(other) && Score == other.Score;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Score);

    /// <inheritdoc/>
    protected override void Transform(RolloutBatch batch, Span<double> rewards)
    {
        using var scores = new Scratch(batch.Rows);
        Score.FillRows(batch, rewards, scores.Span);
        scores.Span.CopyTo(rewards);
    }
}

/// <summary>A step of shaping that changes what another shaping made.</summary>
/// <param name="Inner">The shaping before this one.</param>
public abstract record RewardStep(RewardShaping Inner) : RewardShaping
{
    /// <inheritdoc/>
    public sealed override int? Count => Inner.Count;

    /// <inheritdoc/>
    public override Traits Traits => Inner.Traits & (Traits.GroupIsolated | Traits.IgnoresDeadRows | Traits.ShiftBlind | Traits.LengthBlind);

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Inner.Reads;

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        Inner.Fill(batch, rewards);
        Change(batch, rewards);
    }

    /// <summary>Changes Rᵢ of every row, shape [B]; NaN, a missing reward, stays NaN.</summary>
    protected abstract void Change(RolloutBatch batch, Span<double> rewards);
}

/// <summary>Rᵢ clipped to [<paramref name="Low"/>, <paramref name="High"/>].</summary>
/// <remarks>TRL @ f2cd5771, rloo_trainer.py: reward_clip_range.</remarks>
public sealed record ClippedReward(RewardShaping Inner, double Low, double High) : RewardStep(Inner)
{
    /// <summary>The lower end of the range.</summary>
    public double Low { get; } = Low <= High
        ? Low
        : throw InvalidInputException.Because($"A reward's clip range needs low ≤ high; got [{Low}, {High}].");

    /// <summary>The upper end of the range.</summary>
    public double High { get; } = High;

    /// <inheritdoc/>
    public override (RewardShaping Rescaled, int Degree)? Under(double scale) => Inner.Under(scale) is var (inner, degree)
        ? (new ClippedReward(inner, Low / Math.Pow(scale, degree), High / Math.Pow(scale, degree)), degree)
        : null;

    /// <inheritdoc/>
    protected override void Change(RolloutBatch batch, Span<double> rewards)
    {
        foreach (ref double reward in rewards)
            reward = Math.Clamp(reward, Low, High);
    }
}

/// <summary>Rᵢ − β Σₜ (ℓ°ᵢₜ − ℓʳᵢₜ): the k1 estimate of KL(old‖ref) of the completion as a penalty in the reward, without gradient.</summary>
/// <remarks>TRL @ f2cd5771, rloo_trainer.py; applied after the reward's clip.</remarks>
public sealed record KlInReward(RewardShaping Inner, double Beta) : RewardStep(Inner)
{
    /// <summary>A sum over tokens sees their number.</summary>
    public override Traits Traits => (base.Traits & ~Traits.LengthBlind) | (Inner.Traits & Traits.KeepsShift);

    /// <inheritdoc/>
    public override (RewardShaping Rescaled, int Degree)? Under(double scale) =>
        Inner.Under(scale) is var (inner, degree) ? (new KlInReward(inner, Beta / Math.Pow(scale, degree)), degree) : null;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [.. Inner.Reads, Column.OldLogp, Column.RefLogp];

    /// <inheritdoc/>
    protected override void Change(RolloutBatch batch, Span<double> rewards)
    {
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
