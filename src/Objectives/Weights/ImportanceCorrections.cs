using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// A detached ratio between two policies of the batch at its own log-probs: exp of ℓ_of − ℓ_against, of the token, or of the mean or sum
/// over the row. The mismatch between the trainer's behaviour policy and the sampling engine, unless said otherwise.
/// </summary>
public abstract record PolicyRatioWeight(RatioLevel Level) : TokenWeight
{
    /// <summary>The numerator's log-probs.</summary>
    public Column Of { get; init => field = Columns.LogProbs(value, "An importance weight's numerator"); } = Column.OldLogp;

    /// <summary>The denominator's log-probs.</summary>
    public Column Against { get; init => field = Columns.LogProbs(value, "An importance weight's denominator"); } = Column.RolloutLogp;

    /// <summary>The log-ratio (of the level) is clamped to ±this before its exponential; +∞: not clamped.</summary>
    public double LogBound { get; init => field = Checks.PositiveBound(value, "A log-ratio's bound"); } = double.PositiveInfinity;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Of, Against];

    /// <inheritdoc/>
    public override bool OneNumberARow => Level != RatioLevel.Token;

    /// <inheritdoc/>
    public override bool OneNumberARowOnPolicy => OneNumberARow || IsOnPolicy;

    /// <summary>On a shared prefix a token's own ratio is common to all rows; a sequence's is not.</summary>
    public override Traits Traits => Traits.GroupIsolated | Traits.FlatWeight | (Level == RatioLevel.Token || IsOnPolicy ? Traits.UniformWeight | Traits.LengthBlind : Traits.None)
        | (Level == RatioLevel.Token ? Traits.UniformOffPolicy : Traits.None);

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        ReadOnlySpan<double> of = batch[Of], against = batch[Against];
        for (int i = 0; i < batch.Rows; i++)
        {
            var (start, n) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            double sum = 0;
            for (int t = start; t < start + n && Level != RatioLevel.Token; t++)
                sum += of[t] - against[t];
            double row = Level == RatioLevel.SequenceMean ? sum / n : sum;
            for (int t = start; t < start + n; t++)
                weights[t] = AtLogRatio(Level == RatioLevel.Token ? of[t] - against[t] : row);
        }
    }

    /// <summary>The weight at a log-ratio.</summary>
    internal double AtLogRatio(double logRatio) => At(Math.Exp(Math.Clamp(logRatio, -LogBound, LogBound)));

    /// <summary>The weight at a ratio.</summary>
    protected abstract double At(double ratio);

    // Both policies are the same one where cases are on-policy.
    private bool IsOnPolicy => (Of, Against) is (Column.Logp or Column.OldLogp, Column.Logp or Column.OldLogp);
}

/// <summary>μ = clamp(ratio, low, high): truncated importance sampling for rollouts whose sampler is not the behaviour policy.</summary>
/// <param name="Level">The ratio of tokens or of rows.</param>
/// <param name="Low">The least weight; 0: none.</param>
/// <param name="High">The largest weight; +∞: none.</param>
/// <remarks>TRL @ f2cd5771, token_truncate and sequence_truncate; verl @ 1dda039b, rollout_is; OpenRLHF @ 3c3be623, tis; slime @ 624b824a.</remarks>
public sealed record TruncatedImportance(RatioLevel Level, double Low = 0, double High = double.PositiveInfinity) : PolicyRatioWeight(Level)
{
    /// <summary>The least weight; 0: none.</summary>
    public double Low { get; } = Low >= 0 && High > 0 && Low <= High
        ? Low
        : throw InvalidInputException.Because($"A truncated importance weight needs 0 ≤ low ≤ high, high > 0; got {Low} and {High}.");

    /// <summary>The largest weight; +∞: none.</summary>
    public double High { get; } = High;

    /// <inheritdoc/>
    protected override double At(double ratio) => Math.Clamp(ratio, Low, High);
}

/// <summary>μ = 1, or the ratio itself, where low ≤ ratio ≤ high, 0 elsewhere: tokens, or rows, that are too far off are dropped.</summary>
/// <param name="Level">The ratio of tokens or of rows.</param>
/// <param name="Low">The least ratio that is kept; 0: any.</param>
/// <param name="High">The largest ratio that is kept; +∞: any.</param>
/// <remarks>TRL @ f2cd5771, token_mask and sequence_mask (times the ratio); verl's and OpenRLHF's IcePop and rejection masks.</remarks>
public sealed record ImportanceMask(RatioLevel Level, double Low = 0, double High = double.PositiveInfinity) : PolicyRatioWeight(Level)
{
    /// <summary>The least ratio that is kept; 0: any.</summary>
    public double Low { get; } = Low <= High
        ? Low
        : throw InvalidInputException.Because($"A mask by ratio needs low ≤ high; got {Low} and {High}.");

    /// <summary>The largest ratio that is kept; +∞: any.</summary>
    public double High { get; } = High;

    /// <summary>Whether what is kept weighs its ratio, and not 1.</summary>
    public bool TimesRatio { get; init; }

    /// <inheritdoc/>
    protected override double At(double ratio) => !(ratio >= Low && ratio <= High) ? 0 : TimesRatio ? ratio : 1;
}
