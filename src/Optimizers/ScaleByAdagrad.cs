using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByAdagrad"/> remembers.</summary>
/// <param name="Step">t, the number of gradients seen.</param>
/// <param name="Sum">s_t, shape [d], unit of the gradient squared.</param>
public sealed record AdagradState(int Step, ImmutableArray<double> Sum) : TransformState;

/// <summary>s_t = s_{t−1} + g_t², u = g_t/(√s_t + ε)/(1 + (t−1)γ); shape [d], dimensionless.</summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/adagrad.py, _single_tensor_adagrad; Duchi et al., JMLR 12 (2011), which has ε inside the
/// root. γ is torch's lr_decay: it shrinks the step, and stands in this link because it counts its steps. Departures: 0/0 is
/// 0, and a sum beyond float64 is refused, as in <see cref="ScaleByAdam"/>.
/// </remarks>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient, outside the root.</param>
/// <param name="RateDecay">γ ≥ 0, a step's share by which the rate's divisor grows; torch's lr_decay.</param>
/// <param name="InitialSum">s₀ ≥ 0, unit of the gradient squared; torch's initial_accumulator_value.</param>
public record ScaleByAdagrad(double Epsilon = 1e-10, double RateDecay = 0, double InitialSum = 0) : Adaptive(Epsilon)
{
    /// <summary>γ ≥ 0, a step's share by which the rate's divisor grows.</summary>
    public double RateDecay { get; init => field = Require.FiniteAtLeastZero(value, nameof(RateDecay)); }
        = Require.FiniteAtLeastZero(RateDecay, nameof(RateDecay));

    /// <summary>s₀ ≥ 0, unit of the gradient squared.</summary>
    public double InitialSum { get; init => field = Require.FiniteAtLeastZero(value, nameof(InitialSum)); }
        = Require.FiniteAtLeastZero(InitialSum, nameof(InitialSum));

    /// <inheritdoc/>
    public override Scaling Scaling => InitialSum > 0
        ? new(ScaleLaw.Neither, "the initial sum of squares does not scale with the gradient")
        : UpToEpsilon("g scales with a, √s with a");

    /// <inheritdoc/>
    public override Rescaled? Under(double scale, int step) =>
        new(this with { Epsilon = Epsilon / scale, InitialSum = InitialSum / (scale * scale) }, 1);

    /// <summary>1/(1 + (t−1)γ), since s_t ≥ g_t².</summary>
    public override double? Bound(int t) => 1 / (1 + ((t - 1) * RateDecay));

    /// <summary>g_t alone.</summary>
    public override double[]? Extreme(int t) => [.. new double[t - 1], 1];

    /// <summary>0.</summary>
    public override double? TailRatio(int steps, int k) => 0;

    /// <inheritdoc/>
    public override string? NoSimpleQuotient =>
        InitialSum > 0 ? "the initial sum of squares does not scale with the gradient" : null;

    /// <summary>√(s₀ + Σ gₛ²).</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients)
    {
        double[] squares = gradients.ToArray();
        for (int s = 0; s < squares.Length; s++)
            squares[s] *= squares[s];
        ClosedForm sum = ClosedSums.Sum(1, 1, squares);
        return (sum with { Value = sum.Value + InitialSum }).Root();
    }

    /// <summary>0: a direction without momentum stops with its gradient.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) => ClosedForm.Zero;

    /// <inheritdoc/>
    public override TransformState Initial(int dimension) =>
        new AdagradState(0, [.. Enumerable.Repeat(InitialSum, Require.PositiveDimension(dimension))]);

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        AdagradState past = Own<AdagradState>(state);
        Require.Dimension(update, past.Sum.Length, nameof(update));

        double shrink = 1 + (past.Step * RateDecay);
        double[] sum = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double g = update[j];
            sum[j] = Require.Fits(past.Sum[j] + (g * g), "Adagrad", j, g);
            direction[j] = g == 0 ? 0 : g / (Math.Sqrt(sum[j]) + Epsilon) / shrink;
        }

        return (new AdagradState(past.Step + 1, ImmutableCollectionsMarshal.AsImmutableArray(sum)), direction);
    }
}
