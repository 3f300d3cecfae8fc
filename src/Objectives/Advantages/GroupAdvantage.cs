namespace GroupRL.Objectives;

/// <summary>
/// One number a row that reads one group's rewards at a time. What the traits promise, they promise of groups that count at least 2
/// rewards; a lone one is <see cref="Lone"/>'s matter. Dead rows count unless <see cref="Over"/> says otherwise.
/// </summary>
public abstract record GroupwiseAdvantage : RowAdvantage
{
    /// <summary>Which rows take part.</summary>
    public Counted Over { get; init; } = Counted.AllRows;

    /// <summary>What is done where all counted rewards are equal.</summary>
    public EqualRewards Equal { get; init; } = EqualRewards.GiveZero;

    /// <summary>What is done where one reward is counted.</summary>
    public LoneReward Lone { get; init; } = LoneReward.IsAnyGroup;

    /// <inheritdoc/>
    public override Traits Traits => Promised(Traits.ComparesRewards | Traits.ShiftBlind);

    /// <inheritdoc/>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => (this, 1);

    // Where dead rows are left out, a group may count one live row alone, and a reward that is kept then compares with nothing.
    private protected Traits Promised(Traits traits) => Traits.GroupIsolated | (Over, Lone) switch
    {
        (Counted.LiveRows, LoneReward.IsKept) => Traits.IgnoresDeadRows,
        (Counted.LiveRows, _) => traits | Traits.IgnoresDeadRows,
        _ => traits,
    };

    /// <inheritdoc/>
    internal sealed override bool RecognisesEqualRewards => Equal == EqualRewards.GiveZero;

    /// <inheritdoc/>
    public sealed override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
            var (count, equal) = Survey(batch, start, length, rewards);
            if (count == 1 && Lone == LoneReward.IsRefused)
                throw InvalidInputException.Because($"The objective compares the completions of a group, so each needs at least 2 rewards; group {batch.FirstGroup + g} has 1.");
            if (count == 0 || (count == 1 && Lone == LoneReward.GivesZero))
                advantages.Slice(start, length).Clear();
            else if (count == 1 && Lone == LoneReward.IsKept)
                FillLone(batch, start, length, rewards, advantages);
            else if (equal && Equal == EqualRewards.GiveZero)
                advantages.Slice(start, length).Clear();
            else
                FillGroup(batch, g, rewards, advantages);
        }
    }

    /// <summary>Writes Aᵢ for every row of group <paramref name="g"/>, 0 where <see cref="Takes"/> says no; at least one row is counted.</summary>
    protected abstract void FillGroup(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages);

    /// <summary>A of a lone reward that is kept: with a baseline of 0 and a standard deviation of 1.</summary>
    protected virtual double KeptAlone(double reward) => reward;

    /// <summary>Whether row <paramref name="i"/> is counted: it has its reward, and a trainable token where that is asked for.</summary>
    protected bool Takes(RolloutBatch batch, int i, ReadOnlySpan<double> rewards) => RewardMoments.Counts(batch, i, rewards, Over);

    private void FillLone(RolloutBatch batch, int start, int length, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int i = start; i < start + length; i++)
            advantages[i] = Takes(batch, i, rewards) ? KeptAlone(rewards[i]) : 0;
    }

    private (int Count, bool Equal) Survey(RolloutBatch batch, int start, int length, ReadOnlySpan<double> rewards)
    {
        int count = 0;
        bool equal = true;
        double first = 0;
        for (int i = start; i < start + length; i++)
        {
            if (!Takes(batch, i, rewards))
                continue;
            first = count++ == 0 ? rewards[i] : first;
            equal &= rewards[i] == first;
        }

        return (count, equal);
    }
}

/// <summary>An advantage A = k·(R − R̄) that reads one group's rewards at a time: f(R, moments of the group).</summary>
public abstract record GroupAdvantage : GroupwiseAdvantage
{
    /// <summary>All group advantages here are A = k·(R − R̄).</summary>
    public sealed override Traits Traits => Promised(Traits.Centred | Traits.AffineAdvantage | Traits.ComparesRewards | Traits.ShiftBlind) | Traits.LengthBlind;

    /// <inheritdoc/>
    protected sealed override void FillGroup(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        var moments = RewardMoments.Of(batch, batch.Group(g), rewards, Over);
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        for (int i = start; i < start + length; i++)
            advantages[i] = Takes(batch, i, rewards) ? At(rewards[i], moments) : 0;
    }

    /// <summary>Aᵢ, in the order of operations of the formula's source.</summary>
    protected abstract double At(double reward, in RewardMoments moments);
}

/// <summary>A = R − R̄. arXiv:2503.20783 (Dr. GRPO): no division by the standard deviation.</summary>
public sealed record MeanBaseline : GroupAdvantage
{
    /// <inheritdoc/>
    public override double? Factor(in RewardMoments moments) => 1;

    /// <inheritdoc/>
    public override double? LargestFactor => 1;

    /// <summary>1 − 1/G: R̄ holds the row's own reward, too.</summary>
    public override double? ExpectedSlope(int count) => (count - 1) / (double)count;

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
    public override StandardScore AsScore() => this;

    /// <summary>A(aR; ε) = A(R; ε/a); a lone reward that is kept would have degree 1.</summary>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) =>
        (Over, Lone) is (Counted.LiveRows, LoneReward.IsKept) ? null : (this with { Epsilon = Epsilon / scale }, 0);

    /// <inheritdoc/>
    public override double? Factor(in RewardMoments moments) => 1 / (moments.Std(Ddof) + Epsilon);

    /// <inheritdoc/>
    public override double? LargestFactor => 1 / Epsilon;

    /// <inheritdoc/>
    protected override double At(double reward, in RewardMoments moments) => (reward - moments.Mean) / (moments.Std(Ddof) + Epsilon);

    /// <inheritdoc/>
    protected override double KeptAlone(double reward) => reward / (1 + Epsilon);

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

    /// <summary>1: the baseline is the others'.</summary>
    public override double? ExpectedSlope(int count) => 1;

    /// <inheritdoc/>
    protected override double At(double reward, in RewardMoments moments) => reward - ((moments.Sum - reward) / Others(moments));

    private static int Others(in RewardMoments moments) => moments.Count > 1
        ? moments.Count - 1
        : throw InvalidInputException.Because($"A leave-one-out baseline needs at least 2 completions in a group; got {moments.Count}.");
}
