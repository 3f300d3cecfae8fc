using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByNAdam"/> remembers.</summary>
/// <param name="Step">t, the number of gradients seen.</param>
/// <param name="MuProduct">P_t = μ₁·…·μ_t; 1 before the first step.</param>
/// <param name="Mean">m_t, shape [d], unit of the gradient.</param>
/// <param name="Square">v_t, shape [d], unit of the gradient squared.</param>
public sealed record NAdamState(int Step, double MuProduct, ImmutableArray<double> Mean, ImmutableArray<double> Square)
    : TransformState;

/// <summary>
/// Adam with Nesterov's look-ahead: μ_t = β₁(1 − 0.96^(tψ)/2), P_t = Π μ, m and v as in Adam,
/// u = [(1−μ_t) g_t/(1−P_t) + μ_{t+1} m_t/(1−P_t μ_{t+1})] / (√(v_t/(1−β₂ᵗ)) + ε); shape [d], dimensionless.
/// </summary>
/// <remarks>
/// Source: pytorch @ 00c2d88d, torch/optim/nadam.py, _single_tensor_nadam; Dozat, ICLR workshop 2016. Departures: torch folds η
/// into both quotients (rounding apart, the same). 0/0 is 0, and a g² beyond float64 is refused, as in <see cref="ScaleByAdam"/>.
/// </remarks>
/// <param name="Beta1">β₁, in [0, 1).</param>
/// <param name="Beta2">β₂, in [0, 1).</param>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient, outside the root.</param>
/// <param name="MomentumDecay">ψ ≥ 0, how fast μ_t rises from β₁/2 to β₁; torch: 0.004.</param>
/// <param name="RepeatedMu">
/// Whether μ_t enters the second product twice: P_t μ_t μ_{t+1}. A bug of torch 1.13.1, kept to reproduce its runs; at the first
/// steps it moves θ by about a hundredth of a step.
/// </param>
public record ScaleByNAdam(
    double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double MomentumDecay = 0.004, bool RepeatedMu = false)
    : Adaptive(Epsilon)
{
    /// <summary>β₁, in [0, 1).</summary>
    public double Beta1 { get; init => field = Require.InUnitInterval(value, nameof(Beta1)); }
        = Require.InUnitInterval(Beta1, nameof(Beta1));

    /// <summary>β₂, in [0, 1).</summary>
    public double Beta2 { get; init => field = Require.InUnitInterval(value, nameof(Beta2)); }
        = Require.InUnitInterval(Beta2, nameof(Beta2));

    /// <summary>ψ ≥ 0, how fast μ_t rises from β₁/2 to β₁.</summary>
    public double MomentumDecay { get; init => field = Require.FiniteAtLeastZero(value, nameof(MomentumDecay)); }
        = Require.FiniteAtLeastZero(MomentumDecay, nameof(MomentumDecay));

    /// <inheritdoc/>
    public override Scaling Scaling => UpToEpsilon("g and m scale with a, √v with a");

    /// <inheritdoc/>
    public override bool Remembers => Beta1 > 0 || Beta2 > 0;

    /// <summary>√(Σ wₛ²/aₛ) with Adam's aₛ and wₛ = μ_{t+1}(1−β₁)β₁^(t−s)/(1−P_t μ_{t+1}), w_t with (1−μ_t)/(1−P_t) besides.</summary>
    public override double? Bound(int t) => Quotient(t).Bound();

    /// <inheritdoc/>
    public override double[]? Extreme(int t) => Quotient(t).Extreme();

    /// <summary>√(v_T/(1−β₂ᵀ)).</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients) =>
        ClosedSums.Square(Beta2, gradients).CorrectedRoot(Beta2, gradients.Length);

    /// <summary>
    /// Adam's tail with the weight μ_{t+1}/(1−P_t μ_{t+1}), t = T+k, in place of 1/(1−β₁ᵗ): the term of g is gone.
    /// </summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k)
    {
        int t = gradients.Length + k;
        double product = 1;
        for (int s = 1; s <= t; s++)
            product *= Mu(s);
        double ahead = product * (RepeatedMu ? Mu(t) : 1) * Mu(t + 1);
        double square = ClosedSums.Square(Beta2, gradients).Value * Math.Pow(Beta2, k);
        ClosedForm mean = ClosedSums.Mean(Beta1, gradients);
        return (mean with { Roundings = mean.Roundings + (8 * t) + 16 })
            .Times(Math.Pow(Beta1, k) * Mu(t + 1) / (1 - ahead))
            .Over(
                Math.Sqrt(square / ClosedSums.Mass(Beta2, t)) + Epsilon, (1 / (1 - ahead)) + ClosedSums.MassCondition(Beta2, t));
    }

    private StepQuotient Quotient(int t)
    {
        double product = 1;
        for (int s = 1; s <= t; s++)
            product *= Mu(s);
        double next = Mu(t + 1), ahead = next / (1 - (product * (RepeatedMu ? Mu(t) : 1) * next));
        var (weights, squares) = StepQuotient.OfMoments(Beta1, Beta2, t);
        for (int s = 0; s < t; s++)
            weights[s] = ahead * (1 - Beta1) * Math.Pow(Beta1, t - 1 - s);
        weights[^1] += (1 - Mu(t)) / (1 - product);
        return new(weights, squares);
    }

    /// <summary>μ_t.</summary>
    public double Mu(int t) => Beta1 * (1 - (0.5 * Math.Pow(0.96, t * MomentumDecay)));

    /// <inheritdoc/>
    public override TransformState Initial(int dimension)
    {
        ImmutableArray<double> zero = [.. new double[Require.PositiveDimension(dimension)]];
        return new NAdamState(0, 1, zero, zero);
    }

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        NAdamState past = Own<NAdamState>(state);
        Require.Dimension(update, past.Mean.Length, nameof(update));

        int t = past.Step + 1;
        double mu = Mu(t), next = Mu(t + 1), product = past.MuProduct * mu;
        double now = (1 - mu) / (1 - product), ahead = next / (1 - (product * (RepeatedMu ? mu : 1) * next));
        double squareMass = 1 - Math.Pow(Beta2, t);
        double[] mean = new double[update.Length];
        double[] square = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double g = update[j];
            mean[j] = (Beta1 * past.Mean[j]) + ((1 - Beta1) * g);
            square[j] = Require.Fits((Beta2 * past.Square[j]) + ((1 - Beta2) * g * g), "NAdam", j, g);
            double numerator = (now * g) + (ahead * mean[j]);
            direction[j] = numerator == 0 ? 0 : numerator / (Math.Sqrt(square[j] / squareMass) + Epsilon);
        }

        return (
            new NAdamState(
                t,
                product,
                ImmutableCollectionsMarshal.AsImmutableArray(mean),
                ImmutableCollectionsMarshal.AsImmutableArray(square)),
            direction);
    }
}
