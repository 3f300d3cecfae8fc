using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByLion"/> and <see cref="ScaleBySign"/> remember.</summary>
/// <param name="Mean">m_t, shape [d], unit of the gradient.</param>
public sealed record SignState(ImmutableArray<double> Mean) : TransformState;

/// <summary>u = sign(β₁m_{t−1} + (1−β₁)g_t), then m_t = β₂m_{t−1} + (1−β₂)g_t; shape [d], each entry −1, 0 or 1.</summary>
/// <remarks>
/// Source: google/automl @ 6a54c874, lion/lion_pytorch.py; arXiv:2302.06675. The sign is taken of an average that the memory
/// does not keep: the two betas differ. After the gradient stops at T, u = sign(m_T) at every step: the memory shrinks, its
/// sign does not, so the overshoot has no end (until m underflows).
/// </remarks>
/// <param name="Beta1">β₁, in [0, 1): the weight of the past in the step.</param>
/// <param name="Beta2">β₂, in [0, 1): the weight of the past in the memory.</param>
public record ScaleByLion(double Beta1 = 0.9, double Beta2 = 0.99) : Direction
{
    /// <summary>β₁, in [0, 1): the weight of the past in the step.</summary>
    public double Beta1 { get; init => field = Require.InUnitInterval(value, nameof(Beta1)); }
        = Require.InUnitInterval(Beta1, nameof(Beta1));

    /// <summary>β₂, in [0, 1): the weight of the past in the memory.</summary>
    public double Beta2 { get; init => field = Require.InUnitInterval(value, nameof(Beta2)); }
        = Require.InUnitInterval(Beta2, nameof(Beta2));

    /// <inheritdoc/>
    public override Scaling Scaling => new(ScaleLaw.Invariant, "a sign has no scale");

    /// <inheritdoc/>
    public override bool Remembers => Beta1 > 0;

    /// <summary>1.</summary>
    public override double? Bound(int t) => 1;

    /// <summary>Any: equal gradients.</summary>
    public override double[]? Extreme(int t) => [.. Enumerable.Repeat(1.0, t)];

    /// <summary>0 without memory; else u_T and what follows are signs of different averages, and may differ.</summary>
    public override double? TailRatio(int steps, int k) => Beta1 == 0 ? 0 : null;

    /// <summary>sign(β₁β₂^(k−1) m_T), m_T = (1−β₂) Σ β₂^(T−s) gₛ.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) =>
        ClosedSums.Mean(Beta2, gradients).Times(Beta1 * Math.Pow(Beta2, k - 1)).Sign();

    /// <inheritdoc/>
    public override TransformState Initial(int dimension) => new SignState([.. new double[Require.PositiveDimension(dimension)]]);

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        SignState past = Own<SignState>(state);
        Require.Dimension(update, past.Mean.Length, nameof(update));

        double[] mean = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            direction[j] = Math.Sign((Beta1 * past.Mean[j]) + ((1 - Beta1) * update[j]));
            mean[j] = (Beta2 * past.Mean[j]) + ((1 - Beta2) * update[j]);
        }

        return (new SignState(ImmutableCollectionsMarshal.AsImmutableArray(mean)), direction);
    }
}
