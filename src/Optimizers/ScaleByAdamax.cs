using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByAdamax"/> remembers.</summary>
/// <param name="Step">t, the number of gradients seen.</param>
/// <param name="Mean">m_t, shape [d], unit of the gradient.</param>
/// <param name="Norm">n_t, shape [d], unit of the gradient: the infinity norm of the decayed history.</param>
public sealed record AdamaxState(int Step, ImmutableArray<double> Mean, ImmutableArray<double> Norm) : TransformState;

/// <summary>m_t as in Adam, n_t = max(β₂n_{t−1}, |g_t| + ε), u = m_t/(1−β₁ᵗ)/n_t; shape [d], dimensionless.</summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/adamax.py, _single_tensor_adamax; arXiv:1412.6980, section 7.1, which has no ε: here, as
/// in torch, it stands inside the maximum. Departure: 0/0 is 0, as in <see cref="ScaleByAdam"/>.
/// </remarks>
/// <param name="Beta1">β₁, in [0, 1).</param>
/// <param name="Beta2">β₂, in [0, 1).</param>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient, inside the maximum.</param>
public record ScaleByAdamax(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8) : Adaptive(Epsilon)
{
    /// <summary>β₁, in [0, 1).</summary>
    public double Beta1 { get; init => field = Require.InUnitInterval(value, nameof(Beta1)); }
        = Require.InUnitInterval(Beta1, nameof(Beta1));

    /// <summary>β₂, in [0, 1).</summary>
    public double Beta2 { get; init => field = Require.InUnitInterval(value, nameof(Beta2)); }
        = Require.InUnitInterval(Beta2, nameof(Beta2));

    /// <inheritdoc/>
    public override Scaling Scaling => UpToEpsilon("m scales with a, the maximum with a");

    /// <inheritdoc/>
    public override string? NoSimpleQuotient => Epsilon > 0 ? "ε stands inside a maximum that decays" : null;

    /// <inheritdoc/>
    public override bool Remembers => Beta1 > 0 || Beta2 > 0;

    /// <summary>(1−β₁)/(1−β₁ᵗ) Σ (β₁/β₂)^(t−s), since |gₛ| ≤ n_t/β₂^(t−s).</summary>
    public override double? Bound(int t)
    {
        double sum = 0;
        for (int s = 1; s <= t; s++)
            sum += Beta1 == 0 && s < t ? 0 : Math.Pow(Beta1, t - s) / Math.Pow(Beta2, t - s);
        return double.IsFinite(sum) ? (1 - Beta1) / ClosedSums.Mass(Beta1, t) * sum : null;
    }

    /// <summary>gₛ ∝ β₂^(s−1): each as large as n_t still allows.</summary>
    public override double[]? Extreme(int t) => [.. Enumerable.Range(0, t).Select(s => Math.Pow(Beta2, s))];

    /// <summary>(β₁/β₂)ᵏ·(1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ), until ε holds n up.</summary>
    public override double? TailRatio(int steps, int k) =>
        Beta1 == 0 ? 0 : Beta2 == 0 ? null : ClosedSums.MomentsRatio(Beta1, 1, steps, k) / Math.Pow(Beta2, k);

    /// <summary>max β₂^(T−s)|gₛ|.</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients)
    {
        double norm = Norm(gradients, 0);
        return new(norm, norm, (4 * gradients.Length) + 8);
    }

    /// <summary>β₁ᵏm_T/(1−β₁ᵗ)/max(β₂ᵏn_T, ε), t = T+k: the ratio of steps is β₁/β₂ until ε holds n up.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k)
    {
        int t = gradients.Length + k;
        return ClosedSums.CorrectedMean(Beta1, gradients, k)
            .Over(Math.Max(Math.Pow(Beta2, k) * Norm(gradients, Epsilon), Epsilon), ClosedSums.MassCondition(Beta1, t));
    }

    /// <inheritdoc/>
    public override TransformState Initial(int dimension)
    {
        ImmutableArray<double> zero = [.. new double[Require.PositiveDimension(dimension)]];
        return new AdamaxState(0, zero, zero);
    }

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        AdamaxState past = Own<AdamaxState>(state);
        Require.Dimension(update, past.Mean.Length, nameof(update));

        int t = past.Step + 1;
        double meanMass = 1 - Math.Pow(Beta1, t);
        double[] mean = new double[update.Length];
        double[] norm = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double g = update[j];
            mean[j] = (Beta1 * past.Mean[j]) + ((1 - Beta1) * g);
            norm[j] = Math.Max(Beta2 * past.Norm[j], Math.Abs(g) + Epsilon);
            direction[j] = mean[j] == 0 ? 0 : mean[j] / meanMass / norm[j];
        }

        return (
            new AdamaxState(
                t, ImmutableCollectionsMarshal.AsImmutableArray(mean), ImmutableCollectionsMarshal.AsImmutableArray(norm)),
            direction);
    }

    private double Norm(ReadOnlySpan<double> gradients, double epsilon)
    {
        double norm = 0;
        for (int s = 0; s < gradients.Length; s++)
            norm = Math.Max(norm, Math.Pow(Beta2, gradients.Length - 1 - s) * (Math.Abs(gradients[s]) + epsilon));
        return norm;
    }
}
