using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>What a token kernel sees of a token.</summary>
/// <param name="Logp">ℓ at the evaluation point.</param>
/// <param name="Frozen">ℓ of the batch itself.</param>
/// <param name="Old">ℓ°.</param>
/// <param name="Advantage">A.</param>
public readonly record struct Point(double Logp, double Frozen, double Old, double Advantage)
{
    /// <summary>exp(ℓ_frozen − ℓ°): the ratio, detached.</summary>
    public double FrozenRatio => Math.Exp(Frozen - Old);
}

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
            var (value, slope) = At(new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantages[t]));
            sum += row.Weights[t] * value;
            coefficients[t] += row.Weights[t] * slope;
        }

        return sum;
    }
}

/// <summary>φ = ψ(r, A) of the token's own ratio: PPO's surrogate, arXiv:1707.06347.</summary>
public sealed record TokenRatio(Shape Shape) : TokenKernel
{
    /// <summary>The log-ratio is clamped to ±this, without a gradient beyond; +∞: not clamped.</summary>
    /// <remarks>20 in verl @ 1dda039b and OpenRLHF @ 3c3be623, against overflow.</remarks>
    public double LogBound { get; init => field = Checks.PositiveBound(value, "A log-ratio's bound"); } = double.PositiveInfinity;

    /// <inheritdoc/>
    public override Traits Traits => Traits.TokenRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.VanishesWithAdvantage | Traits.Homogeneous
        | Traits.LengthBlind | (Region is null ? Traits.None : Traits.HardClip) | Shape.Traits;

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override double Reach => LogBound;

    /// <summary>The shape's; a bound of the log-ratio caps it.</summary>
    public override Clip? Region => Shape.Region?.CappedAt(Math.Exp(LogBound));

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks => double.IsFinite(LogBound) ? [.. Shape.Kinks, LogBound, -LogBound] : Shape.Kinks;

    /// <inheritdoc/>
    public override (double Value, double Slope) At(in Point point)
    {
        double x = point.Logp - point.Old;
        if (Math.Abs(x) <= LogBound)
            return Shape.At(Math.Exp(x), point.Advantage);
        return (Shape.At(Math.Exp(Math.Clamp(x, -LogBound, LogBound)), point.Advantage).Value, 0);
    }
}

/// <summary>
/// PPO's clip whose value stands and whose gradient flows: a clipped ratio is (1 ± ε)·r/sg(r), with slope (1 ± ε)·A where PPO has none.
/// arXiv:2508.07629 (GPPO). The dual clip of negative advantages stays a hard one.
/// </summary>
/// <param name="Clip">The clip range; its cap is not read.</param>
/// <remarks>suu990901/KlearReasoner @ 5d2d0b8c, compute_gppo_loss.</remarks>
public sealed record GradientPreservingClip(Clip Clip) : TokenKernel
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.TokenRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.VanishesWithAdvantage
        | Traits.Homogeneous | Traits.RatioValued | Traits.LengthBlind;

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks => double.IsFinite(Clip.Dual) ? [Math.Log(Clip.Dual)] : [];

    /// <summary>Beyond the dual clip negative advantages have no gradient.</summary>
    public override double Reach => Math.Log(Clip.Dual);

    /// <inheritdoc/>
    public override (double Value, double Slope) At(in Point point)
    {
        var (_, _, _, advantage) = point;
        double ratio = Math.Exp(point.Logp - point.Old), frozen = point.FrozenRatio;
        double bound = Math.Clamp(frozen, Clip.Low, Clip.High);
        double clipped = bound == frozen ? ratio : bound * Math.Exp(point.Logp - point.Frozen);
        double value = Math.Min(ratio * advantage, clipped * advantage);
        return advantage < 0 && ratio > Clip.Dual
            ? (Clip.Dual * advantage, 0)
            : (value, advantage < 0 && ratio == Clip.Dual ? value / 2 : value);
    }
}
