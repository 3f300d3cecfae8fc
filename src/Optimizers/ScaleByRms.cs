using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByRms"/> remembers.</summary>
/// <param name="Square">v_t, shape [d], unit of the gradient squared.</param>
/// <param name="Mean">ḡ_t, shape [d], unit of the gradient; kept by every variant, read by the centred one.</param>
/// <param name="Buffer">b_t, shape [d], dimensionless; zero without momentum.</param>
public sealed record RmsState(ImmutableArray<double> Square, ImmutableArray<double> Mean, ImmutableArray<double> Buffer)
    : TransformState;

/// <summary>
/// RMSprop: v_t = αv_{t−1} + (1−α)g_t², q = g_t/(√v_t + ε); centred, with ḡ_t = αḡ_{t−1} + (1−α)g_t, q = g_t/(√(v_t − ḡ_t²) + ε);
/// u = q, or with momentum b_t = μb_{t−1} + q, u = b_t. Shape [d], dimensionless. No bias correction.
/// </summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/rmsprop.py, _single_tensor_rmsprop. The momentum averages quotients, not gradients, and
/// belongs to this link. Departures: v − ḡ², which is at least 0 in the reals, is cut off at 0 where rounding makes it
/// negative (torch: NaN). 0/0 is 0, and a g² beyond float64 is refused, as in <see cref="ScaleByAdam"/>.
/// </remarks>
/// <param name="Alpha">α, in [0, 1).</param>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient, outside the root.</param>
/// <param name="Centered">Whether the mean's square is taken off.</param>
/// <param name="Momentum">μ, in [0, 1); 0 is none.</param>
public record ScaleByRms(double Alpha = 0.99, double Epsilon = 1e-8, bool Centered = false, double Momentum = 0)
    : Adaptive(Epsilon)
{
    /// <summary>α, in [0, 1).</summary>
    public double Alpha { get; init => field = Require.InUnitInterval(value, nameof(Alpha)); }
        = Require.InUnitInterval(Alpha, nameof(Alpha));

    /// <summary>μ, in [0, 1); 0 is none.</summary>
    public double Momentum { get; init => field = Require.InUnitInterval(value, nameof(Momentum)); }
        = Require.InUnitInterval(Momentum, nameof(Momentum));

    /// <inheritdoc/>
    public override Scaling Scaling => UpToEpsilon("g scales with a, √v with a");

    /// <inheritdoc/>
    public override bool Remembers => Alpha > 0 || Momentum > 0;

    /// <summary>
    /// Of a quotient 1/√(1−α), since v_t ≥ (1−α)g_t²; centred √(1/(1−α) + α⁻ᵗ), since v − ḡ² is the variance of g_t with weight 1−α, of 0
    /// with the weight αᵗ of what came before g₁, and of the rest, which adds least at the mean of these two. Momentum adds quotients:
    /// Σ μ^(t−s) times their bounds.
    /// </summary>
    public override double? Bound(int t)
    {
        double sum = 0;
        for (int s = Momentum == 0 ? t : 1; s <= t; s++)
            sum += Math.Pow(Momentum, t - s) * Math.Sqrt((1 / (1 - Alpha)) + (Centered ? Math.Pow(Alpha, -s) : 0));
        return double.IsFinite(sum) ? sum : null;
    }

    /// <summary>
    /// g_t alone; centred, after gradients (1−α)/(1−α+αᵗ) of it; under momentum growing thousandfold, so that each is all of its root.
    /// </summary>
    public override double[]? Extreme(int t)
    {
        double past = Centered ? (1 - Alpha) / (1 - Alpha + Math.Pow(Alpha, t)) : 0;
        return [.. Enumerable.Range(1, t).Select(s => s == t ? 1 : Momentum > 0 ? Math.Pow(1e3, s - t) : past)];
    }

    /// <summary>μᵏ: the buffer of quotients shrinks, whatever is in it.</summary>
    public override double? TailRatio(int steps, int k) => Math.Pow(Momentum, k);

    /// <inheritdoc/>
    public override string? NoSimpleQuotient =>
        Momentum > 0 && Epsilon > 0 ? "momentum adds quotients whose roots differ" : null;

    /// <summary>√v_T, centred √(v_T − ḡ_T²).</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients)
    {
        ClosedForm square = ClosedSums.Square(Alpha, gradients);
        if (!Centered)
            return square.Root();
        double mean = ClosedSums.Mean(Alpha, gradients).Value, rest = Math.Max(0, square.Value - (mean * mean));
        // v and ḡ² round on their own, so their difference is off by (v + ḡ²)/(v − ḡ²) times as much.
        return (square with { Value = rest }).Root(rest == 0 ? 0 : (square.Value + (mean * mean)) / rest);
    }

    /// <summary>0, and with momentum μᵏb_T, b_T = Σ μ^(T−s) gₛ/(√vₛ + ε).</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k)
    {
        ClosedForm sum = ClosedForm.Zero;
        for (int s = 0; Momentum > 0 && s < gradients.Length; s++)
        {
            ClosedForm root = Root(gradients[..(s + 1)]);
            int roundings = root.Roundings + (8 * (gradients.Length + k));
            ClosedForm quotient = new ClosedForm(gradients[s], Math.Abs(gradients[s]), roundings)
                .Over(root.Value + Epsilon, root.Value == 0 ? 0 : root.Magnitude / root.Value)
                .Times(Math.Pow(Momentum, gradients.Length - 1 - s + k));
            sum = new(sum.Value + quotient.Value, sum.Magnitude + quotient.Magnitude, quotient.Roundings);
        }

        return sum;
    }

    /// <inheritdoc/>
    public override TransformState Initial(int dimension)
    {
        ImmutableArray<double> zero = [.. new double[Require.PositiveDimension(dimension)]];
        return new RmsState(zero, zero, zero);
    }

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        RmsState past = Own<RmsState>(state);
        Require.Dimension(update, past.Square.Length, nameof(update));

        double[] square = new double[update.Length];
        double[] mean = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double g = update[j];
            square[j] = Require.Fits((Alpha * past.Square[j]) + ((1 - Alpha) * g * g), "RMSprop", j, g);
            mean[j] = (Alpha * past.Mean[j]) + ((1 - Alpha) * g);
            double under = Centered ? Math.Max(0, square[j] - (mean[j] * mean[j])) : square[j];
            double quotient = g == 0 ? 0 : g / (Math.Sqrt(under) + Epsilon);
            direction[j] = Momentum == 0 ? quotient : (Momentum * past.Buffer[j]) + quotient;
        }

        return (
            new RmsState(
                ImmutableCollectionsMarshal.AsImmutableArray(square),
                ImmutableCollectionsMarshal.AsImmutableArray(mean),
                Momentum == 0 ? past.Buffer : [.. direction]),
            direction);
    }
}
