using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByRAdam"/> remembers.</summary>
/// <param name="Step">t, the number of gradients seen.</param>
/// <param name="Mean">m_t, shape [d], unit of the gradient.</param>
/// <param name="Square">v_t, shape [d], unit of the gradient squared.</param>
public sealed record RAdamState(int Step, ImmutableArray<double> Mean, ImmutableArray<double> Square) : TransformState;

/// <summary>
/// Adam that does not adapt until enough gradients were seen: ρ_∞ = 2/(1−β₂) − 1, ρ_t = ρ_∞ − 2tβ₂ᵗ/(1−β₂ᵗ); u = m̂ while
/// ρ_t ≤ 5, then u = m̂ r_t √(1−β₂ᵗ)/(√v_t + ε), r_t² = (ρ_t−4)(ρ_t−2)ρ_∞ / ((ρ_∞−4)(ρ_∞−2)ρ_t). Shape [d], unit of the
/// gradient in the first branch, dimensionless in the second.
/// </summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/radam.py (also @ 008ec6b1), _single_tensor_radam; arXiv:1908.03265. Departures from the
/// paper: the threshold is ρ_t &gt; 5 instead of 4, and there is an ε, added to √v before the bias correction, unlike torch's
/// Adam. ρ₁ = 1 for every β₂, so the first step never adapts; ρ_∞ ≤ 5, that is β₂ ≤ 2/3, never does. 0/0 is 0, and a g²
/// beyond float64 is refused, as in <see cref="ScaleByAdam"/>.
/// </remarks>
/// <param name="Beta1">β₁, in [0, 1).</param>
/// <param name="Beta2">β₂, in [0, 1).</param>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient, beside the uncorrected root.</param>
public record ScaleByRAdam(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8) : Adaptive(Epsilon)
{
    private const double Threshold = 5;

    /// <summary>β₁, in [0, 1).</summary>
    public double Beta1 { get; init => field = Require.InUnitInterval(value, nameof(Beta1)); }
        = Require.InUnitInterval(Beta1, nameof(Beta1));

    /// <summary>β₂, in [0, 1).</summary>
    public double Beta2 { get; init => field = Require.InUnitInterval(value, nameof(Beta2)); }
        = Require.InUnitInterval(Beta2, nameof(Beta2));

    /// <inheritdoc/>
    public override Scaling Scaling => LongestAverage > Threshold
        ? new(ScaleLaw.Neither, "the first steps are not divided by a root: they scale with the gradient, later ones do not")
        : Scaling.Proportional;

    /// <summary>c while ρ_t ≤ 5, when ε is not looked at; then 1, with ε/c.</summary>
    public override Rescaled? Under(double scale, int step) =>
        new(this with { Epsilon = Epsilon / scale }, Rectification(step) is null ? scale : 1);

    /// <summary>The first steps scale with the gradient; later ones do not, where there are any that adapt.</summary>
    public override bool StepsScaleAlike => LongestAverage <= Threshold;

    /// <summary>r_t times Adam's; none while ρ_t ≤ 5, where u = m̂ is as large as the gradients.</summary>
    public override double? Bound(int t) => Rectification(t) * StepQuotient.OfMoments(Beta1, Beta2, t).Bound();

    /// <summary>Adam's.</summary>
    public override double[]? Extreme(int t) => StepQuotient.OfMoments(Beta1, Beta2, t).Extreme();

    /// <summary>β₁ᵏ(1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ) where no step adapts; else the tail of an early step, but for its size, depends on it.</summary>
    public override double? TailRatio(int steps, int k) =>
        LongestAverage > Threshold ? null : ClosedSums.MomentsRatio(Beta1, 1, steps, k);

    /// <inheritdoc/>
    public override string? NoSimpleQuotient =>
        "the first steps are not divided, and later ones have ε beside the uncorrected root";

    /// <summary>√(v_T/(1−β₂ᵀ)).</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients) =>
        ClosedSums.Square(Beta2, gradients).CorrectedRoot(Beta2, gradients.Length);

    /// <summary>β₁ᵏm_T/(1−β₁ᵗ), t = T+k, in the first branch; there times r_t√(1−β₂ᵗ)/(√(β₂ᵏv_T) + ε) in the second.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k)
    {
        int t = gradients.Length + k;
        ClosedForm corrected = ClosedSums.CorrectedMean(Beta1, gradients, k).Over(1, ClosedSums.MassCondition(Beta1, t));
        if (Rectification(t) is not { } rectified)
            return corrected;
        double square = ClosedSums.Square(Beta2, gradients).Value * Math.Pow(Beta2, k);
        return corrected.Times(rectified * Math.Sqrt(ClosedSums.Mass(Beta2, t)))
            .Over(Math.Sqrt(square) + Epsilon, ClosedSums.MassCondition(Beta2, t));
    }

    /// <summary>r_t, or null while ρ_t ≤ 5. A function of the step alone.</summary>
    public double? Rectification(int t)
    {
        double longest = LongestAverage, power = Math.Pow(Beta2, t);
        double length = longest - (2 * t * power / (1 - power));
        return length > Threshold
            ? Math.Sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
            : null;
    }

    /// <inheritdoc/>
    public override TransformState Initial(int dimension)
    {
        ImmutableArray<double> zero = [.. new double[Require.PositiveDimension(dimension)]];
        return new RAdamState(0, zero, zero);
    }

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        RAdamState past = Own<RAdamState>(state);
        Require.Dimension(update, past.Mean.Length, nameof(update));

        int t = past.Step + 1;
        double meanMass = 1 - Math.Pow(Beta1, t), squareMass = 1 - Math.Pow(Beta2, t);
        double? rectified = Rectification(t);
        double[] mean = new double[update.Length];
        double[] square = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double g = update[j];
            mean[j] = (Beta1 * past.Mean[j]) + ((1 - Beta1) * g);
            square[j] = Require.Fits((Beta2 * past.Square[j]) + ((1 - Beta2) * g * g), "RAdam", j, g);
            double corrected = mean[j] / meanMass;
            direction[j] = rectified is not { } r ? corrected
                : corrected == 0 ? 0
                : corrected * r * (Math.Sqrt(squareMass) / (Math.Sqrt(square[j]) + Epsilon));
        }

        return (
            new RAdamState(
                t, ImmutableCollectionsMarshal.AsImmutableArray(mean), ImmutableCollectionsMarshal.AsImmutableArray(square)),
            direction);
    }

    // ρ_∞, the length of the average after infinitely many steps.
    private double LongestAverage => (2 / (1 - Beta2)) - 1;
}
