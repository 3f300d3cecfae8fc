using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>Which tokens' divergences are judged together.</summary>
public enum Pooling
{
    /// <summary>Each token by its own.</summary>
    Token,

    /// <summary>A row by the sum over its tokens.</summary>
    RowSum,

    /// <summary>A row by the mean over its tokens.</summary>
    RowMean,

    /// <summary>A row by the largest of its tokens.</summary>
    RowMax,
}

/// <summary>
/// μ = 1 where low ≤ D ≤ high, 0 elsewhere, D an estimate of a divergence between two policies of the batch at its own log-probs, of a
/// token or pooled over its row: κ(y) at y = ℓ_of − ℓ_against, so that k1 is −log r. Several masks multiply.
/// </summary>
/// <param name="Statistic">κ: k1 = −y (signed), k2 = y²/2, k3 = e^y − y − 1, or |y|.</param>
/// <param name="Over">What is judged together.</param>
/// <param name="Low">The least D that is kept, in nats; −∞: any.</param>
/// <param name="High">The largest D that is kept, in nats; +∞: any.</param>
/// <remarks>
/// verl @ 1dda039b, rollout_rs, which has no seq_max of k1. Its bounds of k1 are ratios, lower_upper: their logarithms are the bounds here,
/// so that 1/upper ≤ r ≤ 1/lower is kept.
/// </remarks>
public sealed record DivergenceMask(
    KlEstimator Statistic, Pooling Over, double Low = double.NegativeInfinity, double High = double.PositiveInfinity) : TokenWeight
{
    /// <summary>The least D that is kept.</summary>
    public double Low { get; } = Low <= High
        ? Low
        : throw InvalidInputException.Because($"A mask by divergence needs low ≤ high; got {Low} and {High}.");

    /// <summary>The largest D that is kept.</summary>
    public double High { get; } = High;

    /// <summary>The numerator's log-probs.</summary>
    public Column Of { get; init => field = Columns.LogProbs(value, "A divergence's numerator"); } = Column.OldLogp;

    /// <summary>The denominator's log-probs.</summary>
    public Column Against { get; init => field = Columns.LogProbs(value, "A divergence's denominator"); } = Column.RolloutLogp;

    /// <summary>Each token's log-ratio is clamped to ±this; +∞: not clamped. 20 in verl.</summary>
    public double LogBound { get; init => field = Checks.PositiveBound(value, "A log-ratio's bound"); } = double.PositiveInfinity;

    /// <summary>ε ≥ 0 beside the token count of a row's mean: 1e−8 in verl; 0 unless said otherwise.</summary>
    public double CountEpsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a token count"); }

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Of, Against];

    /// <inheritdoc/>
    public override bool OneNumberARow => Over != Pooling.Token;

    /// <summary>On a shared prefix a token's own divergence is common to all rows; a row's is where all rows are on-policy.</summary>
    public override Traits Traits => Traits.GroupIsolated | Traits.FlatWeight
        | (Over == Pooling.Token || (Of, Against) is (Column.Logp or Column.OldLogp, Column.Logp or Column.OldLogp)
            ? Traits.UniformWeight | Traits.LengthBlind
            : Traits.None)
        | (Over == Pooling.Token ? Traits.UniformOffPolicy : Traits.None);

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        ReadOnlySpan<double> of = batch[Of], against = batch[Against];
        for (int t = 0; t < weights.Length; t++)
            weights[t] = Statistic.At(Math.Clamp(of[t] - against[t], -LogBound, LogBound)).Value;
        for (int i = 0; i < batch.Rows && Over != Pooling.Token; i++)
        {
            var row = weights[batch.Row(i)];
            row.Fill(Pooled(row));
        }

        foreach (ref double weight in weights)
            weight = weight >= Low && weight <= High ? 1 : 0;
    }

    private double Pooled(ReadOnlySpan<double> row)
    {
        double sum = 0, largest = double.NegativeInfinity;
        foreach (double divergence in row)
            (sum, largest) = (sum + divergence, Math.Max(largest, divergence));
        return Over switch
        {
            Pooling.RowSum => sum,
            Pooling.RowMean => sum / (row.Length + CountEpsilon),
            Pooling.RowMax => largest,
            _ => throw InvalidInputException.Because($"There is no pooling {Over}."),
        };
    }
}

/// <summary>What a mean of weights is taken over.</summary>
public enum MeanOf
{
    /// <summary>All tokens of the batch.</summary>
    Tokens,

    /// <summary>The rows with a trainable token, each by its tokens' mean.</summary>
    Rows,
}

/// <summary>
/// Another weight divided by its mean over the batch, so that the mean is 1. Of a mask: the token mean (1/N times this) over the tokens
/// that are kept alone.
/// </summary>
/// <param name="Inner">The weight that is divided.</param>
/// <param name="Mean">What the mean is taken over.</param>
/// <remarks>verl @ 1dda039b, rollout_is_batch_normalize: ε = 1e−8, over rows where the weight is a sequence's.</remarks>
public sealed record MeanNormalised(TokenWeight Inner, MeanOf Mean) : TokenWeight
{
    /// <summary>ε ≥ 0 beside the token counts: 1e−8 in verl; 0 unless said otherwise.</summary>
    public double CountEpsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a token count"); }

    /// <summary>A mean that is no larger leaves the weights as they are: 1e−8 in verl; 0 unless said otherwise.</summary>
    public double Least { get; init => field = Checks.AtLeastZero(value, "The least mean that weights are divided by"); }

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Inner.Reads;

    /// <summary>One factor for all rows leaves all standing but isolation, and blindness to lengths: a mean over tokens counts them.</summary>
    public override Traits Traits => (CountEpsilon > 0 ? ~Traits.FlatWeight : ~Traits.None) & Inner.Traits & ~(Traits.GroupIsolated | Traits.LengthBlind);

    /// <inheritdoc/>
    public override bool OneNumberARow => Inner.OneNumberARow;

    /// <inheritdoc/>
    public override bool ReadsAdvantageSizes => Inner.ReadsAdvantageSizes;

    /// <inheritdoc/>
    public override bool ReadsPadding => Inner.ReadsPadding;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        Inner.Fill(batch, advantages, weights);
        double mean = Mean switch
        {
            MeanOf.Tokens => Average(weights),
            MeanOf.Rows => OverRows(batch, weights),
            _ => throw InvalidInputException.Because($"There is no mean of {Mean}."),
        };
        if (!(mean > Least))
            return;
        foreach (ref double weight in weights)
            weight /= mean;
    }

    private double OverRows(RolloutBatch batch, ReadOnlySpan<double> weights)
    {
        double sum = 0;
        int live = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            if (batch.Length(i) == 0)
                continue;
            sum += Average(weights[batch.Row(i)]);
            live++;
        }

        return sum / live;
    }

    private double Average(ReadOnlySpan<double> weights)
    {
        double sum = 0;
        foreach (double weight in weights)
            sum += weight;
        return sum / (weights.Length + CountEpsilon);
    }
}
