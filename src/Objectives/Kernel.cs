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

    /// <summary>w in c = w·α·A on-policy (ratio 1), the same for all tokens; null where there is no such number.</summary>
    public virtual double? OnPolicyGain => null;

    /// <summary>Which ratio the kernel is a function of.</summary>
    public abstract RatioLevel Ratio { get; }

    /// <summary>The hard clip region in that ratio; null where the coefficient never vanishes for A ≠ 0.</summary>
    public virtual Clip? Region => null;

    /// <summary>The log-ratios (of <see cref="Ratio"/>) at which the kernel is not differentiable.</summary>
    public virtual ImmutableArray<double> Kinks => [];

    /// <summary>Adds the group's coefficients to <paramref name="coefficients"/>, shape [tokens of the group], and returns Σ w·φ.</summary>
    public abstract double Group(in GroupView group, Span<double> coefficients);
}

/// <summary>The importance ratio that a kernel reads: e to the power of …</summary>
public enum RatioLevel
{
    /// <summary>… the token's own ℓ − ℓ°.</summary>
    Token,

    /// <summary>… the mean of ℓ − ℓ° over the row: GSPO's sᵢ, the geometric mean.</summary>
    SequenceMean,

    /// <summary>… the sum of ℓ − ℓ° over the row: RLOO's ρᵢ, the ratio of whole sequences.</summary>
    SequenceSum,
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
                Start = tokens.Start.Value - Tokens.Start.Value,
                Logp = _logp[tokens],
                Frozen = _frozen[tokens],
                Old = _old[tokens],
                Weights = _weights[tokens],
                Advantage = _advantages[_firstRow + k],
            };
        }
    }
}

/// <summary>What a kernel sees of a row; all spans have shape [nᵢ].</summary>
public readonly ref struct RowView
{
    /// <summary>Where the row's tokens begin among its group's.</summary>
    public int Start { get; init; }

    /// <summary>ℓ at the evaluation point.</summary>
    public ReadOnlySpan<double> Logp { get; init; }

    /// <summary>ℓ of the batch itself, at which stop-gradient terms are taken.</summary>
    public ReadOnlySpan<double> Frozen { get; init; }

    /// <summary>ℓ°, the behaviour policy's.</summary>
    public ReadOnlySpan<double> Old { get; init; }

    /// <summary>w = α·μ.</summary>
    public ReadOnlySpan<double> Weights { get; init; }

    /// <summary>Aᵢ.</summary>
    public double Advantage { get; init; }

    /// <summary>nᵢ.</summary>
    public int Length => Logp.Length;

    /// <summary>Σₜ (ℓ − ℓ°), the row's log-ratio.</summary>
    public double LogRatio()
    {
        double sum = 0;
        for (int t = 0; t < Logp.Length; t++)
            sum += Logp[t] - Old[t];
        return sum;
    }
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

/// <summary>What a token kernel sees of a token.</summary>
/// <param name="Logp">ℓ at the evaluation point.</param>
/// <param name="Frozen">ℓ of the batch itself.</param>
/// <param name="Old">ℓ°.</param>
/// <param name="Advantage">A.</param>
public readonly record struct Point(double Logp, double Frozen, double Old, double Advantage);

/// <summary>A kernel whose tokens do not see each other.</summary>
public abstract record TokenKernel : RowKernel
{
    /// <inheritdoc/>
    public sealed override RatioLevel Ratio => RatioLevel.Token;

    /// <summary>φ and ∂φ/∂ℓ.</summary>
    public abstract (double Value, double Slope) At(in Point point);

    /// <inheritdoc/>
    public sealed override double Row(in RowView row, Span<double> coefficients)
    {
        double sum = 0;
        for (int t = 0; t < row.Length; t++)
        {
            var (value, slope) = At(new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantage));
            sum += row.Weights[t] * value;
            coefficients[t] += row.Weights[t] * slope;
        }

        return sum;
    }
}

/// <summary>φ = ψ(r, A) of the token's own ratio: PPO's surrogate, arXiv:1707.06347.</summary>
public sealed record TokenRatio(Shape Shape) : TokenKernel
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.TokenRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated
        | (Region is null ? Traits.None : Traits.HardClip);

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override Clip? Region => Shape.Region;

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks => Shape.Kinks;

    /// <inheritdoc/>
    public override (double Value, double Slope) At(in Point point) =>
        Shape.At(Math.Exp(point.Logp - point.Old), point.Advantage);
}

/// <summary>
/// φ = sg(g)·A·ℓ, slope sg(g)·A: a score-function kernel. Only ℓ carries a gradient; the gain g is taken at the frozen log-probs.
/// </summary>
public abstract record ScoreKernel : TokenKernel
{
    /// <summary>g at the token's frozen ratio exp(ℓ_frozen − ℓ°).</summary>
    protected abstract double Gain(double frozenRatio);

    /// <inheritdoc/>
    public override Traits Traits => Traits.CommonOnPolicyGain | Traits.GroupIsolated;

    /// <inheritdoc/>
    public sealed override double? OnPolicyGain => Gain(1);

    /// <inheritdoc/>
    public sealed override (double Value, double Slope) At(in Point point)
    {
        if (point.Advantage == 0)
            return (0, 0);
        double slope = Gain(Math.Exp(point.Frozen - point.Old)) * point.Advantage;
        return (slope * point.Logp, slope);
    }
}

/// <summary>φ = A·ℓ: REINFORCE, no importance ratio. arXiv:2402.14740 (RLOO).</summary>
public sealed record LogLikelihood : ScoreKernel
{
    /// <inheritdoc/>
    protected override double Gain(double frozenRatio) => 1;
}

/// <summary>φ = sg(clamp(r, low, high))·A·ℓ: the ratio is clipped, the gradient never. arXiv:2506.13585 (CISPO), 2510.13786.</summary>
/// <param name="Low">The lower bound of the weight; 0: none.</param>
/// <param name="High">The upper bound of the weight, itself (not 1 + ε).</param>
public sealed record ClippedImportance(double Low, double High) : ScoreKernel
{
    /// <summary>The lower bound of the weight.</summary>
    public double Low { get; } = Low >= 0 && High > 0 && Low <= High
        ? Low
        : throw InvalidInputException.Because($"The bounds of a clipped importance weight need 0 ≤ low ≤ high, high > 0; got {Low} and {High}.");

    /// <summary>The upper bound of the weight.</summary>
    public double High { get; } = High;

    /// <inheritdoc/>
    public override Traits Traits => base.Traits | Traits.TokenRatio;

    /// <inheritdoc/>
    protected override double Gain(double frozenRatio) => Math.Clamp(frozenRatio, Low, High);
}

/// <summary>
/// φ = ψ(s, A) of one ratio a row, s = exp(z), z the mean or the sum of ℓ − ℓ°. With j = ∂z/∂ℓ (1/n for a mean, 1 for a sum) the row is
/// worth w̄·ψ/j, so that every token's coefficient is w̄·dψ/dz: weights stay weights of coefficients. arXiv:2507.18071 (GSPO).
/// </summary>
public sealed record SequenceRatio : RowKernel
{
    /// <summary>The kernel of shape <paramref name="shape"/> in the ratio of <paramref name="level"/>.</summary>
    public SequenceRatio(RatioLevel level, Shape shape)
    {
        Ratio = level == RatioLevel.Token
            ? throw InvalidInputException.Because($"A sequence ratio is of the mean or the sum of a row's log-ratios; got {level}.")
            : level;
        Shape = shape;
    }

    /// <summary>ψ.</summary>
    public Shape Shape { get; init; }

    /// <inheritdoc/>
    public override RatioLevel Ratio { get; }

    /// <inheritdoc/>
    public override Traits Traits => Traits.SequenceRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated
        | (Region is null ? Traits.None : Traits.HardClip);

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override Clip? Region => Shape.Region;

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks => Shape.Kinks;

    /// <inheritdoc/>
    public override double Row(in RowView row, Span<double> coefficients)
    {
        double mass = 0;
        foreach (double weight in row.Weights)
            mass += weight;
        bool mean = Ratio == RatioLevel.SequenceMean;
        double z = mean ? row.LogRatio() / row.Length : row.LogRatio();
        var (value, slope) = Shape.At(Math.Exp(z), row.Advantage);
        double average = mass / row.Length;
        for (int t = 0; t < row.Length; t++)
            coefficients[t] += average * slope;
        return (mean ? mass : average) * value;
    }
}
