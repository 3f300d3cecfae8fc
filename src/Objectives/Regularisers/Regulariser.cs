using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>A penalty β Σ α κ that is subtracted from J, outside any clip, with its own β, weight and anchor.</summary>
/// <param name="Beta">β, dimensionless.</param>
public abstract record Regulariser(double Beta)
{
    /// <summary>β, a finite number; negative values reward what the term measures.</summary>
    public double Beta { get; init => field = Checks.Finite(value, "A regulariser's β"); } = Checks.Finite(Beta, "A regulariser's β");

    /// <summary>α of this term; null: the objective's own token weight.</summary>
    public TokenWeight? Weight { get; init; }

    /// <summary>A detached factor on each token's term, as which tokens it acts on; 1 unless said otherwise.</summary>
    public TokenWeight Where { get; init; } = TokenWeight.One;

    /// <summary>Whether the objective's correction μ multiplies this term, too. TRL: no; ms-swift: yes.</summary>
    public bool Corrected { get; init; }

    /// <summary>Whether ∂κ/∂ℓ = 0 on-policy, at ℓ = ℓ°.</summary>
    public virtual bool SilentOnPolicy => false;

    /// <summary>The columns it reads.</summary>
    public abstract ImmutableArray<Column> Reads { get; }

    /// <summary>Whether it returns ∂J/∂H.</summary>
    public virtual bool ActsOnEntropy => false;

    /// <summary>
    /// Adds −β α ∂κ/∂ℓ to <paramref name="coefficients"/> and −β α ∂κ/∂H to <paramref name="entropyCoefficients"/>, both shape [N],
    /// and returns −β Σ α κ.
    /// </summary>
    public abstract double Add(
        RolloutBatch batch, ReadOnlySpan<double> logp, ReadOnlySpan<double> weights, Span<double> coefficients,
        Span<double> entropyCoefficients);
}

/// <summary>Estimators of KL(π_θ‖π_anchor) at a sampled token, y = ℓ_anchor − ℓ.</summary>
public enum KlEstimator
{
    /// <summary>κ = −y, ∂κ/∂ℓ = 1.</summary>
    K1,

    /// <summary>κ = y²/2, ∂κ/∂ℓ = −y.</summary>
    K2,

    /// <summary>κ = e^y − y − 1, ∂κ/∂ℓ = 1 − e^y. GRPO's, arXiv:2402.03300.</summary>
    K3,

    /// <summary>κ = |y|, ∂κ/∂ℓ = sign(−y), 0 at y = 0.</summary>
    Absolute,
}

internal static class KlEstimators
{
    /// <summary>κ and ∂κ/∂ℓ = −∂κ/∂y.</summary>
    public static (double Value, double Slope) At(this KlEstimator estimator, double y) => estimator switch
    {
        KlEstimator.K1 => (-y, 1),
        KlEstimator.K2 => (y * y / 2, -y),
        KlEstimator.K3 => (Math.Exp(y) - y - 1, 1 - Math.Exp(y)),
        KlEstimator.Absolute => (Math.Abs(y), -Math.Sign(y)),
        _ => throw InvalidInputException.Because($"There is no KL estimator {estimator}."),
    };
}

/// <summary>κ = an estimate of KL(π_θ‖anchor) at each token.</summary>
public sealed record KlPenalty(KlEstimator Estimator, double Beta) : Regulariser(Beta)
{
    /// <summary>The anchor's log-probs: <see cref="Column.RefLogp"/>, or <see cref="Column.OldLogp"/> for the behaviour policy.</summary>
    public Column Against
    {
        get;
        init => field = value is Column.RefLogp or Column.OldLogp or Column.RolloutLogp
            ? value
            : throw InvalidInputException.Because($"A KL penalty's anchor is ref_logps, old_logps or rollout_logps; got {value.Field()}.");
    }

        = Column.RefLogp;

    /// <summary>y is clamped to ±this, without a gradient beyond; +∞: not clamped. 20 in verl's k3.</summary>
    public double LogBound { get; init => field = Checks.PositiveBound(value, "A KL penalty's bound on y"); } = double.PositiveInfinity;

    /// <summary>κ is clamped to ±this, without a gradient beyond; +∞: not clamped. 10 in verl's k3 and OpenRLHF.</summary>
    public double ValueBound { get; init => field = Checks.PositiveBound(value, "A KL penalty's bound on κ"); } = double.PositiveInfinity;

    /// <summary>The value is the estimator's, the gradient k2's, −y: verl's k1+ and k3+. Neither bound touches that gradient.</summary>
    public bool StraightThrough { get; init; }

    /// <summary>
    /// κ is multiplied by the ratio r = exp(ℓ − ℓ°), differentiated too: ∂(rκ)/∂ℓ = r·(κ + ∂κ/∂ℓ), unbiased off-policy.
    /// TRL @ f2cd5771, use_bias_correction_kl; slime's ratio-weighted KL.
    /// </summary>
    public bool TimesRatio { get; init; }

    /// <summary>The y at which κ is not differentiable: where it or y meets a bound, and 0 of |y|.</summary>
    public ImmutableArray<double> Kinks => StraightThrough
        ? []
        :
        [
            .. Estimator == KlEstimator.Absolute ? (double[])[0] : [],
            .. double.IsFinite(LogBound) ? (double[])[-LogBound, LogBound] : [],
            .. double.IsFinite(ValueBound) ? AtValueBound() : [],
        ];

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Against];

    /// <summary>Against the behaviour policy k2, k3 and |k1| are at their minimum on-policy.</summary>
    public override bool SilentOnPolicy => Against == Column.OldLogp && (StraightThrough || Estimator != KlEstimator.K1);

    /// <inheritdoc/>
    public override double Add(
        RolloutBatch batch, ReadOnlySpan<double> logp, ReadOnlySpan<double> weights, Span<double> coefficients,
        Span<double> entropyCoefficients)
    {
        ReadOnlySpan<double> anchor = batch[Against], frozen = batch[Column.Logp], old = batch[Column.OldLogp];
        double sum = 0;
        for (int t = 0; t < logp.Length; t++)
        {
            var (value, slope) = At(logp[t], frozen[t], old[t], anchor[t]);
            sum += weights[t] * value;
            coefficients[t] -= Beta * (weights[t] * slope);
        }

        return -Beta * sum;
    }

    // κ and ∂κ/∂ℓ of a token.
    internal (double Value, double Slope) At(double logp, double frozen, double old, double anchor)
    {
        double y = anchor - logp;
        var (value, slope) = Bounded(y);
        if (StraightThrough)
        {
            double still = anchor - frozen;
            (value, slope) = (Bounded(still).Value + (((y * y) - (still * still)) / 2), -y);
        }

        if (!TimesRatio)
            return (value, slope);
        double ratio = Math.Exp(logp - old);
        return (ratio * value, ratio * (value + slope));
    }

    private double[] AtValueBound() => Estimator switch
    {
        KlEstimator.K2 => [-Math.Sqrt(2 * ValueBound), Math.Sqrt(2 * ValueBound)],
        KlEstimator.K3 => [RootOfK3(-1 - ValueBound), RootOfK3(Math.Log(1 + ValueBound) + 1)],
        _ => [-ValueBound, ValueBound],
    };

    // Newton from outside: κ is convex, so the steps fall on the root from the far side.
    private double RootOfK3(double y)
    {
        for (int k = 0; k < 60; k++)
            y -= (Math.Exp(y) - y - 1 - ValueBound) / (Math.Exp(y) - 1);
        return y;
    }

    private (double Value, double Slope) Bounded(double y)
    {
        var (value, slope) = Estimator.At(Math.Clamp(y, -LogBound, LogBound));
        return (Math.Clamp(value, -ValueBound, ValueBound), Math.Abs(y) > LogBound || Math.Abs(value) > ValueBound ? 0 : slope);
    }
}

/// <summary>κ = −H: adds β Σ α H to J. It acts on the entropies, not on the sampled log-probs: ∂J/∂H = β α.</summary>
public sealed record EntropyBonus(double Beta) : Regulariser(Beta)
{
    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Column.Entropy];

    /// <inheritdoc/>
    public override bool ActsOnEntropy => true;


    /// <inheritdoc/>
    public override double Add(
        RolloutBatch batch, ReadOnlySpan<double> logp, ReadOnlySpan<double> weights, Span<double> coefficients,
        Span<double> entropyCoefficients)
    {
        var entropies = batch[Column.Entropy];
        double sum = 0;
        for (int t = 0; t < entropies.Length; t++)
        {
            sum += weights[t] * entropies[t];
            entropyCoefficients[t] += Beta * weights[t];
        }

        return Beta * sum;
    }
}
