using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>Where ε stands in Adam's quotient. With the gradients scaled by a, each form equals itself with another ε.</summary>
public enum EpsilonPlacement
{
    /// <summary>m̂/(√v̂ + ε): Algorithm 1 of arXiv:1412.6980, torch. Scaling the gradients by a is scaling ε by 1/a.</summary>
    OutsideRoot,

    /// <summary>m̂/√(v̂ + ε): optax's eps_root. Scaling the gradients by a is scaling ε by 1/a².</summary>
    InsideRoot,

    /// <summary>
    /// √(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε̂): ε̂ meets the uncorrected root (end of section 2 of arXiv:1412.6980; TensorFlow). It is
    /// <see cref="OutsideRoot"/> with ε = ε̂/√(1−β₂ᵗ). Scaling the gradients by a is scaling ε̂ by 1/a.
    /// </summary>
    Uncorrected,
}

/// <summary>What <see cref="ScaleByAdam"/> remembers.</summary>
/// <param name="Step">t, the number of gradients seen.</param>
/// <param name="Mean">m_t, shape [d], unit of the gradient, not bias-corrected.</param>
/// <param name="Square">v_t, shape [d], unit of the gradient squared, not bias-corrected.</param>
/// <param name="Peak">max over s ≤ t of v_s, shape [d]; kept by every variant, read by AMSGrad alone.</param>
public sealed record AdamState(int Step, ImmutableArray<double> Mean, ImmutableArray<double> Square, ImmutableArray<double> Peak)
    : TransformState;

/// <summary>
/// m_t = β₁m_{t−1} + (1−β₁)g_t, v_t = β₂v_{t−1} + (1−β₂)g_t², m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ), u = m̂/(√v̂ + ε); shape [d],
/// dimensionless. AMSGrad puts max over s ≤ t of v_s for v_t.
/// </summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/adam.py, _single_tensor_adam: √v/√(1−β₂ᵗ) + ε, the maximum over the uncorrected v.
/// Departures: torch folds η into m's bias correction (rounding apart, the same); arXiv:1904.09237 has AMSGrad without bias
/// correction. 0/0, which needs ε = 0 and a coordinate that never had a gradient, is 0: the limit ε → 0⁺ of 0/(0 + ε), so
/// that statements at ε = 0 are the limits of those at ε > 0 (IEEE and torch: NaN). A g² beyond float64 (|g| above about
/// 1e155) is refused, where torch's u would silently be 0. Scaling the gradients by 2ᵏ and ε as its placement says leaves u
/// the same to the bit, barring overflow and underflow.
/// </remarks>
/// <param name="Beta1">β₁, in [0, 1).</param>
/// <param name="Beta2">β₂, in [0, 1).</param>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient; under <see cref="EpsilonPlacement.InsideRoot"/> of its square.</param>
/// <param name="Placement">Where ε stands.</param>
/// <param name="AmsGrad">Whether the second moment is replaced by its maximum so far.</param>
public record ScaleByAdam(
    double Beta1 = 0.9,
    double Beta2 = 0.999,
    double Epsilon = 1e-8,
    EpsilonPlacement Placement = EpsilonPlacement.OutsideRoot,
    bool AmsGrad = false) : Adaptive(Epsilon)
{
    /// <summary>β₁, in [0, 1).</summary>
    public double Beta1 { get; init => field = Require.InUnitInterval(value, nameof(Beta1)); }
        = Require.InUnitInterval(Beta1, nameof(Beta1));

    /// <summary>β₂, in [0, 1).</summary>
    public double Beta2 { get; init => field = Require.InUnitInterval(value, nameof(Beta2)); }
        = Require.InUnitInterval(Beta2, nameof(Beta2));

    /// <summary>Where ε stands.</summary>
    public EpsilonPlacement Placement { get; init => field = Known(value); } = Known(Placement);

    /// <inheritdoc/>
    public override Scaling Scaling => Placement == EpsilonPlacement.InsideRoot && Epsilon > 0
        ? new(ScaleLaw.Neither, "inside the root ε scales with a²")
        : UpToEpsilon("m scales with a, √v with a");

    /// <inheritdoc/>
    public override string? NoSimpleQuotient => Placement != EpsilonPlacement.OutsideRoot && Epsilon > 0
        ? "ε stands elsewhere in the quotient"
        : null;

    /// <inheritdoc/>
    public override Rescaled? Under(double scale, int step) => Placement == EpsilonPlacement.InsideRoot
        ? new(this with { Epsilon = Epsilon / (scale * scale) }, 1)
        : base.Under(scale, step);

    /// <inheritdoc/>
    public override bool Remembers => Beta1 > 0 || Beta2 > 0 || AmsGrad;

    /// <summary>
    /// (1−β₁)/√(1−β₂)·√((1−qᵗ)/(1−q))·√(1−β₂ᵗ)/(1−β₁ᵗ), q = β₁²/β₂, as the sum that it is. ε and AMSGrad's maximum only add to the
    /// denominator.
    /// </summary>
    public override double? Bound(int t) => StepQuotient.OfMoments(Beta1, Beta2, t).Bound();

    /// <summary>gₛ ∝ (β₁/β₂)^(t−s). For β₁ ≤ β₂ it grows, so that AMSGrad's largest v is the last.</summary>
    public override double[]? Extreme(int t) => StepQuotient.OfMoments(Beta1, Beta2, t).Extreme();

    /// <summary>
    /// (β₁/√β₂)ᵏ·(1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ)·√((1−β₂ᵀ⁺ᵏ)/(1−β₂ᵀ)); AMSGrad, whose v stays, has β₁ᵏ in front. The root only falls, so an ε beside it
    /// counts for more at the end than at T.
    /// </summary>
    public override double? TailRatio(int steps, int k) => AmsGrad
        ? ClosedSums.MomentsRatio(Beta1, 1, steps, k) * Math.Sqrt(ClosedSums.Mass(Beta2, steps + k) / ClosedSums.Mass(Beta2, steps))
        : ClosedSums.MomentsRatio(Beta1, Beta2, steps, k);

    /// <summary>√(v_T/(1−β₂ᵀ)); AMSGrad: of the largest of v₁ … v_T.</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients) => Second(gradients).CorrectedRoot(Beta2, gradients.Length);

    /// <summary>
    /// β₁ᵏm_T/(1−β₁ᵀ⁺ᵏ) / D(β₂ᵏv_T, T+k), D the denominator; AMSGrad keeps v at its largest. At ε = 0 that is u_T·(β₁/√β₂)ᵏ
    /// times bias corrections.
    /// </summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k)
    {
        int t = gradients.Length + k;
        double second = Second(gradients).Value * (AmsGrad ? 1 : Math.Pow(Beta2, k)), mass = ClosedSums.Mass(Beta2, t);
        double denominator = Placement switch
        {
            EpsilonPlacement.InsideRoot => Math.Sqrt((second / mass) + Epsilon),
            EpsilonPlacement.Uncorrected => (Math.Sqrt(second) + Epsilon) / Math.Sqrt(mass),
            _ => Math.Sqrt(second / mass) + Epsilon,
        };
        return ClosedSums.CorrectedMean(Beta1, gradients, k)
            .Over(denominator, ClosedSums.MassCondition(Beta1, t) + ClosedSums.MassCondition(Beta2, t));
    }

    /// <inheritdoc/>
    public override TransformState Initial(int dimension)
    {
        ImmutableArray<double> zero = [.. new double[Require.PositiveDimension(dimension)]];
        return new AdamState(0, zero, zero, zero);
    }

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        AdamState past = Own<AdamState>(state);
        Require.Dimension(update, past.Mean.Length, nameof(update));

        int t = past.Step + 1;
        double meanMass = 1 - Math.Pow(Beta1, t);
        double squareMass = 1 - Math.Pow(Beta2, t);
        double[] mean = new double[update.Length];
        double[] square = new double[update.Length];
        double[] peak = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double g = update[j];
            mean[j] = (Beta1 * past.Mean[j]) + ((1 - Beta1) * g);
            square[j] = (Beta2 * past.Square[j]) + ((1 - Beta2) * g * g);
            Require.Fits(square[j], "Adam", j, g);
            peak[j] = Math.Max(past.Peak[j], square[j]);
            direction[j] = Quotient(mean[j], AmsGrad ? peak[j] : square[j], meanMass, squareMass);
        }

        return (
            new AdamState(
                t,
                ImmutableCollectionsMarshal.AsImmutableArray(mean),
                ImmutableCollectionsMarshal.AsImmutableArray(square),
                ImmutableCollectionsMarshal.AsImmutableArray(peak)),
            direction);
    }

    // Products, quotients, roots, and sums whose terms have one unit: under a factor 2ᵏ every rounding scales along.
    private double Quotient(double m, double v, double meanMass, double squareMass)
    {
        (double numerator, double denominator) = Placement switch
        {
            EpsilonPlacement.InsideRoot => (m / meanMass, Math.Sqrt((v / squareMass) + Epsilon)),
            EpsilonPlacement.Uncorrected => (m / meanMass * Math.Sqrt(squareMass), Math.Sqrt(v) + Epsilon),
            _ => (m / meanMass, (Math.Sqrt(v) / Math.Sqrt(squareMass)) + Epsilon),
        };
        return numerator == 0 && denominator == 0 ? 0 : numerator / denominator;
    }

    private ClosedForm Second(ReadOnlySpan<double> gradients)
    {
        ClosedForm second = ClosedSums.Square(Beta2, gradients);
        for (int t = 1; AmsGrad && t < gradients.Length; t++)
        {
            ClosedForm earlier = ClosedSums.Square(Beta2, gradients[..t]);
            second = second with { Value = Math.Max(second.Value, earlier.Value) };
        }

        return second;
    }

    private static EpsilonPlacement Known(EpsilonPlacement placement) =>
        placement is EpsilonPlacement.OutsideRoot or EpsilonPlacement.InsideRoot or EpsilonPlacement.Uncorrected
            ? placement
            : throw new ArgumentOutOfRangeException(
                nameof(placement),
                Require.Say($"Placement must be OutsideRoot, InsideRoot or Uncorrected; got {(int)placement}."));
}
