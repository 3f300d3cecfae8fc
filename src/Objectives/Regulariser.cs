using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>A penalty β Σ α κ that is subtracted from J, outside any clip, with its own β, weight and anchor.</summary>
/// <param name="Beta">β, dimensionless.</param>
public abstract record Regulariser(double Beta)
{
    /// <summary>β, a finite number; negative values reward what the term measures.</summary>
    public double Beta { get; init => field = Checked(value); } = Checked(Beta);

    /// <summary>α of this term; null: the objective's own token weight, without its correction.</summary>
    public TokenWeight? Weight { get; init; }

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

    private static double Checked(double beta) => double.IsFinite(beta)
        ? beta
        : throw InvalidInputException.Because($"A regulariser's β must be a finite number; got {beta}.");
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

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Against];

    /// <inheritdoc/>
    public override double Add(
        RolloutBatch batch, ReadOnlySpan<double> logp, ReadOnlySpan<double> weights, Span<double> coefficients,
        Span<double> entropyCoefficients)
    {
        var anchor = batch[Against];
        double sum = 0;
        for (int t = 0; t < logp.Length; t++)
        {
            var (value, slope) = At(anchor[t] - logp[t]);
            sum += weights[t] * value;
            coefficients[t] -= Beta * (weights[t] * slope);
        }

        return -Beta * sum;
    }

    private (double Value, double Slope) At(double y) => Estimator switch
    {
        KlEstimator.K1 => (-y, 1),
        KlEstimator.K2 => (y * y / 2, -y),
        KlEstimator.K3 => (Math.Exp(y) - y - 1, 1 - Math.Exp(y)),
        _ => throw InvalidInputException.Because($"There is no KL estimator {Estimator}."),
    };
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
