using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>Whose standard deviation divides.</summary>
public enum Pool
{
    /// <summary>The group's own.</summary>
    Group,

    /// <summary>That of the whole batch.</summary>
    Batch,
}

/// <summary>An advantage of one number a row that is made of another's.</summary>
/// <param name="Inner">The advantage that is changed.</param>
public abstract record DerivedRowAdvantage(RowAdvantage Inner) : RowAdvantage
{
    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Inner.Reads;

    /// <inheritdoc/>
    public override bool ReadsGreedyReward => Inner.ReadsGreedyReward;
}

/// <summary>(R − R̄_group)/(s_batch + ε), s_batch the sample standard deviation of all rewards of the batch.</summary>
/// <remarks>TRL @ f2cd5771, scale_rewards="batch", ε = 1e−4. Missing rewards are skipped in both.</remarks>
public sealed record BatchScaledBaseline(double Epsilon) : RowAdvantage
{
    private static readonly MeanBaseline Centre = new() { Equal = EqualRewards.AreComputed };

    /// <summary>ε ≥ 0, added to s outside the root, in units of reward.</summary>
    public double Epsilon { get; init => field = StandardScore.CheckedEpsilon(value); } = StandardScore.CheckedEpsilon(Epsilon);

    /// <inheritdoc/>
    public override Traits Traits => Traits.Centred | Traits.ComparesRewards | Traits.ShiftBlind | Traits.LengthBlind;

    /// <inheritdoc/>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => (this with { Epsilon = Epsilon / scale }, 0);

    /// <inheritdoc/>
    public override double? LargestFactor => 1 / Epsilon;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Centre.FillRows(batch, rewards, advantages);
        double std = RewardMoments.Of(batch, .., rewards, Counted.AllRows).Std(ddof: 1);
        foreach (ref double advantage in advantages)
            advantage /= std + Epsilon;
    }
}

/// <summary>A/(s + ε) of another advantage, s the standard deviation (ddof 1) of the rewards of its group or of the batch.</summary>
/// <param name="Inner">The advantage that is divided.</param>
/// <param name="Over">Whose rewards s is of.</param>
/// <param name="Epsilon">ε ≥ 0, added to s outside the root, in units of reward.</param>
/// <remarks>
/// ms-swift @ 3602360a, swift/rl_core/advantage.py: compute_advantages, rloo with scale_rewards group and batch, ε = 1e−4; with
/// <see cref="MeanBaseline"/> inside it is <see cref="StandardScore"/> and <see cref="BatchScaledBaseline"/>. A lone reward has s = 0.
/// </remarks>
public sealed record ScaledByRewards(RowAdvantage Inner, Pool Over, double Epsilon) : DerivedRowAdvantage(Inner)
{
    /// <summary>ε ≥ 0, added to s outside the root, in units of reward.</summary>
    public double Epsilon { get; init => field = StandardScore.CheckedEpsilon(value); } = StandardScore.CheckedEpsilon(Epsilon);

    /// <inheritdoc/>
    public override bool NeverNegative => Inner.NeverNegative;

    /// <inheritdoc/>
    public override Traits Traits => Inner.Traits & (Traits.Centred | Traits.KeepsCentring | Traits.ComparesRewards | Traits.ShiftBlind | Traits.LengthBlind | (Over == Pool.Group ? Traits.GroupIsolated : Traits.None));

    /// <inheritdoc/>
    public override double? LargestFactor => Inner.LargestFactor / Epsilon;

    /// <summary>The rewards' own standard deviation takes one power off the inner advantage's.</summary>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) =>
        Inner.RowsUnder(scale) is var (inner, degree) ? (this with { Inner = inner, Epsilon = Epsilon / scale }, degree - 1) : null;

    /// <inheritdoc/>
    internal override bool RecognisesEqualRewards => Inner.RecognisesEqualRewards;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.FillRows(batch, rewards, advantages);
        if (Over == Pool.Batch)
        {
            Divide(batch, .., rewards, advantages);
            return;
        }

        for (int g = 0; g < batch.Groups; g++)
            Divide(batch, batch.Group(g), rewards, advantages);
    }

    private void Divide(RolloutBatch batch, Range rows, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        var moments = RewardMoments.Of(batch, rows, rewards, Counted.AllRows);
        double std = moments.Count > 1 ? moments.Std(ddof: 1) : 0;
        foreach (ref double advantage in advantages[rows])
            advantage = advantage == 0 ? 0 : advantage / (std + Epsilon);
    }
}

/// <summary>(A − mean)/(s + ε) of another advantage over all rows of the batch that have their reward, s with ddof 1; 0 for the others.</summary>
/// <param name="Inner">The advantage that is normalised.</param>
/// <param name="Epsilon">ε ≥ 0, added to s outside the root, in units of the inner advantage.</param>
/// <remarks>
/// TRL @ f2cd5771, rloo_trainer.py: normalize_advantages, and grpo_trainer.py: normalize_then_sum, both with ε = 1e−4; ms-swift @ 3602360a,
/// gdpo, ε = 1e−8. Centred in a group only if all groups are. Dead rows count.
/// </remarks>
public sealed record BatchNormalised(RowAdvantage Inner, double Epsilon) : DerivedRowAdvantage(Inner)
{
    /// <summary>ε ≥ 0, added to s outside the root, in units of the inner advantage.</summary>
    public double Epsilon { get; init => field = StandardScore.CheckedEpsilon(value); } = StandardScore.CheckedEpsilon(Epsilon);

    /// <inheritdoc/>
    public override Traits Traits => (Inner.Traits & (Traits.KeepsCentring | Traits.LengthBlind))
        | (Inner.Traits.HasFlag(Traits.Centred) ? Inner.Traits & (Traits.Centred | Traits.ComparesRewards) : Traits.None)
        | ((Inner.Traits & (Traits.ShiftBlind | Traits.KeepsShift)) != 0 ? Traits.ShiftBlind : Traits.None);

    /// <inheritdoc/>
    public override double? LargestFactor => Inner.LargestFactor / Epsilon;

    /// <inheritdoc/>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) =>
        Inner.RowsUnder(scale) is var (inner, degree) ? (this with { Inner = inner, Epsilon = Epsilon / Math.Pow(scale, degree) }, 0) : null;

    /// <inheritdoc/>
    public override double CentringCondition(RolloutBatch batch, ReadOnlySpan<double> rewards)
    {
        using Scratch normalised = new(batch.Rows), inner = new(batch.Rows);
        FillRows(batch, rewards, normalised.Span);
        Inner.FillRows(batch, rewards, inner.Span);
        double largest = 0, low = double.PositiveInfinity, high = double.NegativeInfinity, range = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            if (double.IsNaN(rewards[i]))
                continue;
            largest = Math.Max(largest, Math.Abs(inner.Span[i]));
            (low, high) = (Math.Min(low, inner.Span[i]), Math.Max(high, inner.Span[i]));
            range = Math.Max(range, Math.Abs(normalised.Span[i]));
        }

        return largest == 0 ? 0 : largest * Math.Min(high > low ? 2 * range / (high - low) : double.PositiveInfinity, 1 / Epsilon);
    }

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.FillRows(batch, rewards, advantages);
        for (int i = 0; i < advantages.Length; i++)
            advantages[i] = double.IsNaN(rewards[i]) ? double.NaN : advantages[i];
        var moments = RewardMoments.Of(batch, .., advantages, Counted.AllRows);
        if (moments.Count == 0)
        {
            advantages.Clear();
            return;
        }

        double std = moments.Std(ddof: 1);
        foreach (ref double advantage in advantages)
            advantage = double.IsNaN(advantage) ? 0 : (advantage - moments.Mean) / (std + Epsilon);
    }
}

/// <summary>(B / max(#{R ≠ 0}, 1)) · A / f of another advantage: the weight of all-wrong completions handed to the others.</summary>
/// <param name="Inner">The advantage that is scaled.</param>
/// <remarks>
/// arXiv:2504.02546 (GPG) scales by the share of groups that teach something; verl @ 1dda039b, compute_gpg_outcome_advantage, by the
/// share of rewards that are not 0. Missing rewards count neither as rows nor as rewards; dead rows do.
/// </remarks>
public sealed record NonzeroScaled(RowAdvantage Inner) : DerivedRowAdvantage(Inner)
{
    /// <summary>f &gt; 0, a constant divisor.</summary>
    public double Norm { get; init => field = Checks.Positive(value, "The divisor of a scaled advantage"); } = 1;

    /// <inheritdoc/>
    public override bool NeverNegative => Inner.NeverNegative;

    /// <inheritdoc/>
    public override Traits Traits => Inner.Traits & (Traits.Centred | Traits.KeepsCentring | Traits.ComparesRewards | Traits.LengthBlind);

    /// <summary>A reward stays 0, or not 0, under a factor.</summary>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) =>
        Inner.RowsUnder(scale) is var (inner, degree) ? (this with { Inner = inner }, degree) : null;

    /// <summary>+∞: B over one reward that is not 0. Unknown, and of no matter, where the inner advantage recognises equal rewards.</summary>
    public override double? LargestFactor => RecognisesEqualRewards ? null : double.PositiveInfinity;

    /// <inheritdoc/>
    internal override bool RecognisesEqualRewards => Inner.RecognisesEqualRewards;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.FillRows(batch, rewards, advantages);
        int rows = 0, nonzero = 0;
        foreach (double reward in rewards)
        {
            rows += double.IsNaN(reward) ? 0 : 1;
            nonzero += reward is 0 or double.NaN ? 0 : 1;
        }

        double scale = rows / (double)Math.Max(nonzero, 1);
        foreach (ref double advantage in advantages)
            advantage = scale * advantage / Norm;
    }
}

/// <summary>Another advantage clipped to [<paramref name="Low"/>, <paramref name="High"/>].</summary>
/// <param name="Inner">The advantage that is clipped.</param>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
/// <remarks>
/// OpenRLHF @ 3c3be623, experience_maker.py: reward_clip_range meets the rewards after their baseline is taken off, so it clips
/// advantages; (−10, 10) unless set. What was centred is not where it acts.
/// </remarks>
public sealed record ClippedAdvantage(RowAdvantage Inner, double Low, double High) : DerivedRowAdvantage(Inner)
{
    /// <summary>The lower end.</summary>
    public double Low { get; } = Low <= High
        ? Low
        : throw InvalidInputException.Because($"An advantage's clip range needs low ≤ high; got [{Low}, {High}].");

    /// <summary>The upper end.</summary>
    public double High { get; } = High;

    /// <inheritdoc/>
    public override bool NeverNegative => Low >= 0 || (High >= 0 && Inner.NeverNegative);

    /// <inheritdoc/>
    public override Traits Traits =>
        Inner.Traits & (Traits.GroupIsolated | Traits.ShiftBlind | Traits.LengthBlind | (Low <= 0 && High >= 0 ? Traits.ComparesRewards | Traits.IgnoresDeadRows : Traits.None));

    /// <inheritdoc/>
    public override double? LargestFactor => Inner.LargestFactor;

    /// <inheritdoc/>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => Inner.RowsUnder(scale) is var (inner, degree)
        ? (new ClippedAdvantage(inner, Low / Math.Pow(scale, degree), High / Math.Pow(scale, degree)), degree)
        : null;

    /// <inheritdoc/>
    internal override bool RecognisesEqualRewards => Inner.RecognisesEqualRewards && Low <= 0 && High >= 0;

    /// <inheritdoc/>
    internal override bool ReadsOwnRowOnly => Inner.ReadsOwnRowOnly;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.FillRows(batch, rewards, advantages);
        for (int i = 0; i < advantages.Length; i++)
            advantages[i] = double.IsNaN(rewards[i]) ? 0 : Math.Clamp(advantages[i], Low, High);
    }
}

/// <summary>A − λ·H̄ if H̄ ≤ h, else 0: confident completions are preferred, and those at a loss are not learned from.</summary>
/// <param name="Inner">A. In the source, R − R̄.</param>
/// <remarks>
/// H̄ is the mean of <see cref="Column.Entropy"/> over the row's trainable tokens, in nats, 0 for a dead row; frozen. arXiv:2508.03772 (GTPO);
/// winstonsmith1897/GTPO @ 5d33811e, gtpo_compute_loss: λ = 0.1, h = 0.7. The paper's test is of the initial entropy against ln 2.
/// </remarks>
public sealed record EntropyShaped(RowAdvantage Inner) : DerivedRowAdvantage(Inner)
{
    /// <summary>λ ≥ 0, in units of reward a nat.</summary>
    public double Scale { get; init => field = Checks.AtLeastZero(value, "The scale of an entropy in the advantage"); } = 0.1;

    /// <summary>h &gt; 0, in nats; infinite: none.</summary>
    public double Threshold { get; init => field = Checks.PositiveBound(value, "The largest entropy that is learned from"); } = 0.7;

    /// <inheritdoc/>
    public override Traits Traits => Inner.Traits & (Traits.GroupIsolated | Traits.IgnoresDeadRows | Traits.ShiftBlind);

    /// <summary>The entropy's weight is in units of reward a nat.</summary>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) =>
        Inner.RowsUnder(scale) is var (inner, degree) ? (this with { Inner = inner, Scale = Scale / Math.Pow(scale, degree) }, degree) : null;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [.. Inner.Reads, Column.Entropy];

    /// <inheritdoc/>
    internal override bool ReadsOwnRowOnly => Inner.ReadsOwnRowOnly;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.FillRows(batch, rewards, advantages);
        var entropies = batch[Column.Entropy];
        for (int i = 0; i < batch.Rows; i++)
        {
            double sum = 0;
            foreach (double entropy in entropies[batch.Row(i)])
                sum += entropy;
            double mean = sum / Math.Max(batch.Length(i), 1);
            advantages[i] = double.IsNaN(rewards[i]) || mean > Threshold ? 0 : advantages[i] - (Scale * mean);
        }
    }
}
