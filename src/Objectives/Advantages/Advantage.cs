using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// The advantage Aᵢₜ of each trainable token, from the shaped rewards, shape [N]; frozen: no gradient flows through it. Most are one
/// number a row: <see cref="RowAdvantage"/>.
/// </summary>
public abstract record Advantage
{
    /// <summary>What this advantage promises.</summary>
    public abstract Traits Traits { get; }

    /// <summary>The columns it reads.</summary>
    public virtual ImmutableArray<Column> Reads => [];

    /// <summary>Whether it reads the reward of each prompt's greedy completion.</summary>
    public virtual bool ReadsGreedyReward => false;

    /// <summary>k in A = k·(R − R̄) of a group with these moments; null where the advantage is not of that form.</summary>
    /// <exception cref="InvalidInputException">Moments for which the advantage is not defined.</exception>
    public virtual double? Factor(in RewardMoments moments) => null;

    /// <summary>The largest k over all groups, by which the rounding of R − R̄ may be multiplied; +∞ where nothing bounds it, null where unknown.</summary>
    public virtual double? LargestFactor => null;

    /// <summary>Writes Aᵢₜ for every trainable token, shape [N], from one reward a row, shape [B], NaN where it is missing.</summary>
    /// <exception cref="InvalidInputException">Rewards for which the advantage is not defined.</exception>
    public abstract void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages);
}

/// <summary>An advantage that is one number a row.</summary>
public abstract record RowAdvantage : Advantage
{
    /// <summary>Writes Aᵢ for every row, dead rows included, shape [B]; 0 where the reward is missing.</summary>
    /// <exception cref="InvalidInputException">Rewards for which the advantage is not defined.</exception>
    public abstract void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages);

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        using var rows = new Scratch(batch.Rows);
        FillRows(batch, rewards, rows.Span);
        Spread(batch, rows.Span, advantages);
    }

    internal static void Spread(RolloutBatch batch, ReadOnlySpan<double> rows, Span<double> tokens)
    {
        for (int i = 0; i < batch.Rows; i++)
            tokens[batch.Row(i)].Fill(rows[i]);
    }
}

/// <summary>Which rows of a group take part in its advantages.</summary>
public enum Counted
{
    /// <summary>All rows: a fully masked completion's reward still counts. What every trainer does.</summary>
    AllRows,

    /// <summary>Rows with a trainable token; the others get A = 0. The cure of the bias that masked truncation causes.</summary>
    LiveRows,
}

/// <summary>What is done where all counted rewards of a group are equal.</summary>
public enum EqualRewards
{
    /// <summary>A = 0 exactly, recognised before any arithmetic. The canonical forms.</summary>
    GiveZero,

    /// <summary>The formula as it stands: a mean that rounds away from the rewards leaves advantages of rounding. The trainers.</summary>
    AreComputed,
}

/// <summary>The statistics of the counted rewards of one group.</summary>
/// <param name="Count">G, how many rewards are counted.</param>
/// <param name="Sum">Σ R, summed in row order.</param>
/// <param name="Scale">A power of two near the largest |R − R̄|, so that no square overflows or underflows.</param>
/// <param name="ScaledSquares">Σ ((R − R̄)/scale)².</param>
public readonly record struct RewardMoments(int Count, double Sum, double Scale, double ScaledSquares)
{
    /// <summary>R̄ = Σ R / G.</summary>
    public double Mean => Sum / Count;

    /// <summary>√(Σ (R − R̄)² / (G − ddof)).</summary>
    /// <exception cref="InvalidInputException">G ≤ ddof, or the result overflows float64.</exception>
    public double Std(int ddof)
    {
        if (Count <= ddof)
            throw InvalidInputException.Because($"A standard deviation with ddof {ddof} needs at least {ddof + 1} rewards; got {Count}.");
        double std = Scale * Math.Sqrt(ScaledSquares / (Count - ddof));
        return double.IsFinite(std)
            ? std
            : throw InvalidInputException.Because($"The rewards are too large: their standard deviation overflows float64.");
    }

    /// <summary>The moments of the counted rewards of rows <paramref name="rows"/>.</summary>
    /// <exception cref="InvalidInputException">The rewards' sum overflows float64.</exception>
    public static RewardMoments Of(RolloutBatch batch, Range rows, ReadOnlySpan<double> rewards, Counted counted)
    {
        var (start, length) = rows.GetOffsetAndLength(batch.Rows);
        int count = 0;
        double sum = 0;
        for (int i = start; i < start + length; i++)
        {
            if (!Counts(batch, i, rewards, counted))
                continue;
            sum += rewards[i];
            count++;
        }

        double mean = sum / count, largest = 0;
        for (int i = start; i < start + length; i++)
        {
            if (Counts(batch, i, rewards, counted))
                largest = Math.Max(largest, Math.Abs(rewards[i] - mean));
        }

        if (!double.IsFinite(sum) || !double.IsFinite(largest))
            throw InvalidInputException.Because($"The rewards of group {batch.GroupOf(start)} are too large: their sum or spread overflows float64.");
        double scale = largest > 0 ? Math.ScaleB(1, Math.ILogB(largest)) : 1, squares = 0;
        for (int i = start; i < start + length; i++)
        {
            if (Counts(batch, i, rewards, counted))
                squares += (rewards[i] - mean) / scale * ((rewards[i] - mean) / scale);
        }

        return new(count, sum, scale, squares);
    }

    // A missing reward takes no part.
    internal static bool Counts(RolloutBatch batch, int i, ReadOnlySpan<double> rewards, Counted counted) =>
        !double.IsNaN(rewards[i]) && (counted == Counted.AllRows || batch.Length(i) > 0);
}

/// <summary>An advantage that reads one group's rewards at a time: A = f(R, moments of the group).</summary>
public abstract record GroupAdvantage : RowAdvantage
{
    /// <summary>Which rows take part.</summary>
    public Counted Over { get; init; } = Counted.AllRows;

    /// <summary>What is done where all counted rewards are equal.</summary>
    public EqualRewards Equal { get; init; } = EqualRewards.GiveZero;

    /// <summary>All group advantages here are A = k·(R − R̄).</summary>
    public sealed override Traits Traits => Traits.Centred | Traits.AffineAdvantage | Traits.GroupIsolated | Traits.ComparesRewards
        | (Over == Counted.LiveRows ? Traits.IgnoresDeadRows : Traits.None);

    /// <inheritdoc/>
    public sealed override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            var rows = batch.Group(g);
            var (start, length) = rows.GetOffsetAndLength(batch.Rows);
            if (Equal == EqualRewards.GiveZero && AllEqual(batch, start, length, rewards))
            {
                advantages.Slice(start, length).Clear();
                continue;
            }

            var moments = RewardMoments.Of(batch, rows, rewards, Over);
            for (int i = start; i < start + length; i++)
                advantages[i] = RewardMoments.Counts(batch, i, rewards, Over) ? At(rewards[i], moments) : 0;
        }
    }

    /// <summary>Aᵢ, in the order of operations of the formula's source.</summary>
    protected abstract double At(double reward, in RewardMoments moments);

    private bool AllEqual(RolloutBatch batch, int start, int length, ReadOnlySpan<double> rewards)
    {
        double? first = null;
        for (int i = start; i < start + length; i++)
        {
            if (!RewardMoments.Counts(batch, i, rewards, Over))
                continue;
            first ??= rewards[i];
            if (rewards[i] != first)
                return false;
        }

        return true;
    }
}

/// <summary>A = R − R̄. arXiv:2503.20783 (Dr. GRPO): no division by the standard deviation.</summary>
public sealed record MeanBaseline : GroupAdvantage
{
    /// <inheritdoc/>
    public override double? Factor(in RewardMoments moments) => 1;

    /// <inheritdoc/>
    public override double? LargestFactor => 1;

    /// <inheritdoc/>
    protected override double At(double reward, in RewardMoments moments) => reward - moments.Mean;
}

/// <summary>A = (R − R̄)/(s + ε), s the group's standard deviation. arXiv:2402.03300 (GRPO), which leaves ddof open and has no ε.</summary>
/// <remarks>TRL @ f2cd5771: ddof 1, ε = 1e−4 outside the root. Here ddof 1 and ε = 0 unless said otherwise.</remarks>
public sealed record StandardScore : GroupAdvantage
{
    /// <summary>Degrees of freedom taken off the divisor: 1 for the sample, 0 for the population standard deviation.</summary>
    public int Ddof { get; init => field = value is 0 or 1 ? value : throw InvalidInputException.Because($"ddof must be 0 or 1; got {value}."); } = 1;

    /// <summary>ε ≥ 0, added to s outside the root, in units of reward.</summary>
    public double Epsilon { get; init => field = CheckedEpsilon(value); }

    /// <inheritdoc/>
    public override double? Factor(in RewardMoments moments) => 1 / (moments.Std(Ddof) + Epsilon);

    /// <inheritdoc/>
    public override double? LargestFactor => 1 / Epsilon;

    /// <inheritdoc/>
    protected override double At(double reward, in RewardMoments moments) => (reward - moments.Mean) / (moments.Std(Ddof) + Epsilon);

    internal static double CheckedEpsilon(double value) => value >= 0 && double.IsFinite(value)
        ? value
        : throw InvalidInputException.Because($"The ε beside a standard deviation must be a finite number ≥ 0; got {value}.");
}

/// <summary>A = Rᵢ − mean of the other rewards of the group = G/(G−1)·(Rᵢ − R̄). arXiv:2402.14740 (RLOO).</summary>
public sealed record LeaveOneOut : GroupAdvantage
{
    /// <inheritdoc/>
    public override double? Factor(in RewardMoments moments) => moments.Count / (double)Others(moments);

    /// <inheritdoc/>
    public override double? LargestFactor => 2;

    /// <inheritdoc/>
    protected override double At(double reward, in RewardMoments moments) => reward - ((moments.Sum - reward) / Others(moments));

    private static int Others(in RewardMoments moments) => moments.Count > 1
        ? moments.Count - 1
        : throw InvalidInputException.Because($"A leave-one-out baseline needs at least 2 completions in a group; got {moments.Count}.");
}

/// <summary>A = R: REINFORCE without a baseline.</summary>
public sealed record NoBaseline : RowAdvantage
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.GroupIsolated;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int i = 0; i < rewards.Length; i++)
            advantages[i] = double.IsNaN(rewards[i]) ? 0 : rewards[i];
    }
}

/// <summary>A = (R − R̄_group)/(s_batch + ε), s_batch the sample standard deviation of all rewards of the batch.</summary>
/// <remarks>TRL @ f2cd5771, scale_rewards="batch", ε = 1e−4.</remarks>
public sealed record BatchScaledBaseline(double Epsilon) : RowAdvantage
{
    private static readonly MeanBaseline Centre = new() { Equal = EqualRewards.AreComputed };

    /// <summary>ε ≥ 0, added to s outside the root, in units of reward.</summary>
    public double Epsilon { get; init => field = StandardScore.CheckedEpsilon(value); } = StandardScore.CheckedEpsilon(Epsilon);

    /// <inheritdoc/>
    public override Traits Traits => Traits.Centred | Traits.ComparesRewards;

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

/// <summary>(A − mean)/(s + ε) of another advantage over all rows of the batch, s with ddof 1.</summary>
/// <remarks>TRL @ f2cd5771, rloo_trainer.py: normalize_advantages, ε = 1e−4. Centred in a group only if all groups are.</remarks>
public sealed record BatchNormalised(RowAdvantage Inner, double Epsilon) : RowAdvantage
{
    /// <summary>ε ≥ 0, added to s outside the root, in units of the inner advantage.</summary>
    public double Epsilon { get; init => field = StandardScore.CheckedEpsilon(value); } = StandardScore.CheckedEpsilon(Epsilon);

    /// <inheritdoc/>
    public override Traits Traits => Inner.Traits.HasFlag(Traits.Centred) ? Inner.Traits & (Traits.Centred | Traits.ComparesRewards) : Traits.None;

    /// <inheritdoc/>
    public override double? LargestFactor => Inner.LargestFactor / Epsilon;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.FillRows(batch, rewards, advantages);
        var moments = RewardMoments.Of(batch, .., advantages, Counted.AllRows);
        double std = moments.Std(ddof: 1);
        foreach (ref double advantage in advantages)
            advantage = (advantage - moments.Mean) / (std + Epsilon);
    }
}
