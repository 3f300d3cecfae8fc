using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// For A ≥ 0 the ratio upside down, φ = A·p/sg(p)², p = min(r, 1 + ε_high): value A/p, slope A/r, and none beyond 1 + ε_high. For A &lt; 0
/// PPO's one-sided clip, φ = A·max(r, 1 − ε_low). Where the gain (1/p or max(r, 1 − ε_low)) exceeds <see cref="Dual"/> = c it is c,
/// detached: φ = c·A·ℓ. ε is that of low-entropy tokens where H is at most the row's entropy quantile, that of high-entropy ones
/// elsewhere. arXiv:2510.06062 (ASPO).
/// </summary>
/// <param name="LowEntropy">1 − ε_low and 1 + ε_high of low-entropy tokens; its cap and dual clip are not read.</param>
/// <param name="HighEntropy">The same of high-entropy tokens.</param>
/// <remarks>
/// wizard-III/Archer2.0 @ b08d963d, compute_policy_loss_archer, where the argument high_entropy_mask marks the low-entropy tokens. Which
/// branch a token takes is detached: it is decided at the batch's own log-probs.
/// </remarks>
public sealed record FlippedRatio(Clip LowEntropy, Clip HighEntropy) : RowKernel
{
    /// <summary>c &gt; 1, the largest gain.</summary>
    public double Dual
    {
        get;
        init => field = value > 1 ? value : throw InvalidInputException.Because($"A flipped ratio's largest gain must be > 1; got {value}.");
    }

        = 3;

    /// <summary>The quantile, in [0, 1], of the entropies of a row up to which a token counts as one of low entropy.</summary>
    public double Quantile { get; init => field = Quantiles.Checked(value); } = 0.8;

    /// <summary>The log-ratio is clamped to ±this, without a gradient beyond; +∞: not clamped. 20 in Archer2.0.</summary>
    public double LogBound { get; init => field = Checks.PositiveBound(value, "A log-ratio's bound"); } = double.PositiveInfinity;

    /// <inheritdoc/>
    public override RatioLevel Ratio => RatioLevel.Token;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Column.Entropy];

    /// <inheritdoc/>
    public override Traits Traits => Traits.TokenRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.VanishesWithAdvantage
        | Traits.Homogeneous | Traits.RatioValued | Traits.HardClip | Traits.LengthBlind;

    /// <inheritdoc/>
    public override double Reach => LogBound;

    /// <summary>That of low or of high entropy; where the gain is <see cref="Dual"/>, no gradient is lost.</summary>
    public override Clip? RegionAt(in Completion row, int t)
    {
        var clip = row[Column.Entropy][t] <= Threshold(row) ? LowEntropy : HighEntropy;
        return new(clip.Low, clip.High);
    }

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks =>
    [
        .. new[] { LowEntropy.Low, LowEntropy.High, HighEntropy.Low, HighEntropy.High }
            .Where(bound => bound > 0 && double.IsFinite(bound)).Select(bound => Math.Log(bound)).Distinct(),
        .. double.IsFinite(LogBound) ? [LogBound, -LogBound] : ImmutableArray<double>.Empty,
    ];

    /// <summary>The entropy, in nats, up to which a token of <paramref name="row"/> (with at least one) is one of low entropy.</summary>
    public double Threshold(in Completion row)
    {
        using var sorted = new Scratch(row.Length);
        row[Column.Entropy].CopyTo(sorted.Span);
        return Quantiles.Linear(sorted.Span, Quantile);
    }

    /// <inheritdoc/>
    public override double Row(in RowView row, Span<double> coefficients)
    {
        var entropies = row.Completion[Column.Entropy];
        double threshold = Threshold(row.Completion), sum = 0;
        for (int t = 0; t < row.Length; t++)
        {
            var (value, slope) = At(
                new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantages[t]), entropies[t] <= threshold ? LowEntropy : HighEntropy);
            sum += row.Weights[t] * value;
            coefficients[t] += row.Weights[t] * slope;
        }

        return sum;
    }

    // φ and ∂φ/∂ℓ of a token.
    internal (double Value, double Slope) At(in Point point, Clip clip)
    {
        var (logp, _, _, advantage) = point;
        if (advantage == 0)
            return (0, 0);
        double x = logp - point.Old, ratio = Bounded(x), frozen = Bounded(point.Frozen - point.Old);
        bool positive = advantage > 0, flows = Math.Abs(x) <= LogBound;
        if ((positive ? 1 / Math.Min(frozen, clip.High) : Math.Max(frozen, clip.Low)) > Dual)
            return (Dual * advantage * logp, Dual * advantage);
        if (!positive)
            return (advantage * Math.Max(ratio, clip.Low), flows && ratio >= clip.Low ? advantage * ratio : 0);
        double still = Math.Min(frozen, clip.High), gain = advantage / (still * still);
        return (gain * Math.Min(ratio, clip.High), flows && ratio <= clip.High ? gain * ratio : 0);
    }

    private double Bounded(double logRatio) => Math.Exp(Math.Clamp(logRatio, -LogBound, LogBound));
}
