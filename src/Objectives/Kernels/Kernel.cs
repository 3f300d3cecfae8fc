using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// φ: what the log-probs of a group are worth, given advantages and weights. A kernel adds w·∂φ/∂ℓ to the coefficients and returns
/// the group's Σ w·φ, w = α·μ. Its primitive is a whole group, because some methods couple rows; most need a row or a token only.
/// </summary>
public abstract record Kernel
{
    /// <summary>What this kernel promises.</summary>
    public abstract Traits Traits { get; }

    /// <summary>The columns it reads beside the current and the behaviour policy's log-probs.</summary>
    public virtual ImmutableArray<Column> Reads => [];

    /// <summary>w in c = w·α·A on-policy (ratio 1), the same for all tokens; null where there is no such number.</summary>
    public virtual double? OnPolicyGain => null;

    /// <summary>Which ratio the kernel is a function of.</summary>
    public abstract RatioLevel Ratio { get; }

    /// <summary>The hard clip region in that ratio; null where the coefficient never vanishes for A ≠ 0.</summary>
    public virtual Clip? Region => null;

    /// <summary>The hard clip region of token <paramref name="t"/> of a row, where it is not one for all tokens.</summary>
    public virtual Clip? RegionAt(in Completion row, int t) => Region;

    /// <summary>Whether a row's tokens share its mean weight and mean advantage, so that what varies within the row is evened out.</summary>
    public virtual bool EvensRows => false;

    /// <summary>The largest |log-ratio| (of <see cref="Ratio"/>) at which a gradient flows where no clip region ends it, nats; +∞: any.</summary>
    public virtual double Reach => double.PositiveInfinity;

    /// <summary>Whether the clip compares log-ratios, so that a ratio that rounds to a bound may lie on either side of it.</summary>
    public virtual bool ClipsLogRatios => false;

    /// <summary>The log-ratios (of <see cref="Ratio"/>) at which the kernel is not differentiable.</summary>
    public virtual ImmutableArray<double> Kinks => [];

    /// <summary>Adds the group's coefficients to <paramref name="coefficients"/>, shape [tokens of the group], and returns Σ w·φ.</summary>
    public abstract double Group(in GroupView group, Span<double> coefficients);
}

/// <summary>The importance ratio that a kernel or a correction reads: e to the power of …</summary>
public enum RatioLevel
{
    /// <summary>… the token's own ℓ − ℓ°.</summary>
    Token,

    /// <summary>… the mean of ℓ − ℓ° over the row: GSPO's sᵢ, the geometric mean.</summary>
    SequenceMean,

    /// <summary>… the sum of ℓ − ℓ° over the row: RLOO's ρᵢ, the ratio of whole sequences.</summary>
    SequenceSum,
}

/// <summary>A kernel whose rows do not see each other.</summary>
public abstract record RowKernel : Kernel
{
    /// <inheritdoc/>
    public sealed override double Group(in GroupView group, Span<double> coefficients)
    {
        double value = 0;
        for (int k = 0; k < group.Rows; k++)
        {
            var row = group[k];
            if (row.Length > 0)
                value += Row(row, coefficients.Slice(row.Start, row.Length));
        }

        return value;
    }

    /// <summary>Adds the coefficients of a row with at least one token and returns its Σ w·φ.</summary>
    public abstract double Row(in RowView row, Span<double> coefficients);
}

/// <summary>What a kernel sees of a group: the evaluation point, the frozen batch, advantages and weights.</summary>
public readonly ref struct GroupView
{
    private readonly RolloutBatch _batch;
    private readonly int _firstRow;
    private readonly ReadOnlySpan<double> _logp;
    private readonly ReadOnlySpan<double> _frozen;
    private readonly ReadOnlySpan<double> _old;
    private readonly ReadOnlySpan<double> _advantages;
    private readonly ReadOnlySpan<double> _weights;

    internal GroupView(
        RolloutBatch batch, int group, ReadOnlySpan<double> logp, ReadOnlySpan<double> advantages, ReadOnlySpan<double> weights)
    {
        _batch = batch;
        _firstRow = batch.Group(group).Start.Value;
        Rows = batch.GroupSize(group);
        Tokens = batch.GroupTokens(group);
        _logp = logp;
        _frozen = batch[Column.Logp];
        _old = batch[Column.OldLogp];
        _advantages = advantages;
        _weights = weights;
    }

    /// <summary>G.</summary>
    public int Rows { get; }

    /// <summary>The group's tokens, as a range into a column.</summary>
    public Range Tokens { get; }

    /// <summary>Row <paramref name="k"/> of the group.</summary>
    public RowView this[int k]
    {
        get
        {
            var tokens = _batch.Row(_firstRow + k);
            return new()
            {
                Completion = new(_batch, _firstRow + k),
                Start = tokens.Start.Value - Tokens.Start.Value,
                Logp = _logp[tokens],
                Frozen = _frozen[tokens],
                Old = _old[tokens],
                Weights = _weights[tokens],
                Advantages = _advantages[tokens],
            };
        }
    }
}

/// <summary>What a kernel sees of a row; all spans have shape [nᵢ].</summary>
public readonly ref struct RowView
{
    /// <summary>The completion itself, for the columns that few kernels read.</summary>
    public Completion Completion { get; init; }

    /// <summary>Where the row's tokens begin among its group's.</summary>
    public int Start { get; init; }

    /// <summary>ℓ at the evaluation point.</summary>
    public ReadOnlySpan<double> Logp { get; init; }

    /// <summary>ℓ of the batch itself, at which detached terms are taken.</summary>
    public ReadOnlySpan<double> Frozen { get; init; }

    /// <summary>ℓ°.</summary>
    public ReadOnlySpan<double> Old { get; init; }

    /// <summary>w = α·μ.</summary>
    public ReadOnlySpan<double> Weights { get; init; }

    /// <summary>Aₜ.</summary>
    public ReadOnlySpan<double> Advantages { get; init; }

    /// <summary>nᵢ.</summary>
    public int Length => Logp.Length;

    /// <summary>The row's one advantage: the mean of its tokens', which is each of them, to the bit, where they are equal.</summary>
    public double Advantage
    {
        get
        {
            double first = Advantages[0], beyond = 0;
            foreach (double advantage in Advantages)
                beyond += advantage - first;
            return first + (beyond / Length);
        }
    }

    /// <summary>Σₜ wₜ, the row's mass.</summary>
    public double Mass
    {
        get
        {
            double mass = 0;
            foreach (double weight in Weights)
                mass += weight;
            return mass;
        }
    }

    /// <summary>Σₜ (ℓ − ℓ°), the row's log-ratio.</summary>
    public double LogRatio() => Difference(Logp, Old);

    /// <summary>Σₜ (ℓ − ℓ°) at the batch's own log-probs.</summary>
    public double FrozenLogRatio() => Difference(Frozen, Old);

    private static double Difference(ReadOnlySpan<double> logp, ReadOnlySpan<double> old)
    {
        double sum = 0;
        for (int t = 0; t < logp.Length; t++)
            sum += logp[t] - old[t];
        return sum;
    }
}
