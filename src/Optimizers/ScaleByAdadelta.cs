using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByAdadelta"/> remembers.</summary>
/// <param name="Square">v_t, shape [d], unit of the gradient squared.</param>
/// <param name="Moved">w_t, shape [d], unit of θ squared: the average of u².</param>
public sealed record AdadeltaState(ImmutableArray<double> Square, ImmutableArray<double> Moved) : TransformState;

/// <summary>
/// v_t = ρv_{t−1} + (1−ρ)g_t², u = √(w_{t−1} + ε)/√(v_t + ε)·g_t, w_t = ρw_{t−1} + (1−ρ)u²; shape [d], unit of θ in the paper,
/// where η = 1.
/// </summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/adadelta.py, _single_tensor_adadelta; arXiv:1212.5701. One ε stands under both roots,
/// whose units differ, so scaling the gradients scales neither away: only the ratio of the roots is invariant, up to ε, once
/// w has forgotten its start from ε. With ε = 0 nothing ever moves. Departures: 0/0 is 0, and a g² beyond float64 is refused,
/// as in <see cref="ScaleByAdam"/>.
/// </remarks>
/// <param name="Rho">ρ, in [0, 1).</param>
/// <param name="Epsilon">ε ≥ 0, inside both roots.</param>
public record ScaleByAdadelta(double Rho = 0.9, double Epsilon = 1e-6) : Adaptive(Epsilon)
{
    /// <summary>ρ, in [0, 1).</summary>
    public double Rho { get; init => field = Require.InUnitInterval(value, nameof(Rho)); }
        = Require.InUnitInterval(Rho, nameof(Rho));

    /// <inheritdoc/>
    public override Scaling Scaling => Epsilon > 0
        ? new(ScaleLaw.Neither, "the same ε stands under a root of gradients and a root of steps")
        : UpToEpsilon("");

    /// <summary>ε stands beside squares of gradients and beside squares of steps: with ε/c², and steps c times as small, times c.</summary>
    public override Rescaled? Under(double scale, int step) => new(this with { Epsilon = Epsilon / (scale * scale) }, scale);

    /// <summary>Without ε nothing ever moves, and there is nothing to remember.</summary>
    public override bool Remembers => Epsilon > 0;

    /// <summary>
    /// √(ε/(1−ρ)·(1 + ((1+ρ)^(t−1) − 1)/ρ)): |g| ≤ √(v/(1−ρ)), so u_t² ≤ (w_{t−1}+ε)/(1−ρ) and w_t ≤ (1+ρ)w_{t−1} + ε. Here ε drives the step
    /// instead of holding it back.
    /// </summary>
    public override double? Bound(int t)
    {
        double moved = 0;
        for (int s = 1; s < t; s++)
            moved = ((1 + Rho) * moved) + Epsilon;
        return double.IsFinite(moved) ? Math.Sqrt((moved + Epsilon) / (1 - Rho)) : null;
    }

    /// <summary>Growing thousandfold, so that each gradient is all of its root.</summary>
    public override double[]? Extreme(int t) => [.. Enumerable.Range(1, t).Select(s => Math.Pow(1e3, s - t))];

    /// <summary>0.</summary>
    public override double? TailRatio(int steps, int k) => 0;

    /// <inheritdoc/>
    public override string? NoSimpleQuotient => Epsilon > 0 ? "ε stands inside two roots" : null;

    /// <summary>√v_T.</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients) => ClosedSums.Square(Rho, gradients).Root();

    /// <summary>0: a direction without momentum stops with its gradient.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) => ClosedForm.Zero;

    /// <inheritdoc/>
    public override TransformState Initial(int dimension)
    {
        ImmutableArray<double> zero = [.. new double[Require.PositiveDimension(dimension)]];
        return new AdadeltaState(zero, zero);
    }

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        AdadeltaState past = Own<AdadeltaState>(state);
        Require.Dimension(update, past.Square.Length, nameof(update));

        double[] square = new double[update.Length];
        double[] moved = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double g = update[j];
            square[j] = Require.Fits((Rho * past.Square[j]) + ((1 - Rho) * g * g), "Adadelta", j, g);
            direction[j] = g == 0 ? 0 : Math.Sqrt(past.Moved[j] + Epsilon) / Math.Sqrt(square[j] + Epsilon) * g;
            moved[j] = (Rho * past.Moved[j]) + ((1 - Rho) * direction[j] * direction[j]);
        }

        return (
            new AdadeltaState(
                ImmutableCollectionsMarshal.AsImmutableArray(square), ImmutableCollectionsMarshal.AsImmutableArray(moved)),
            direction);
    }
}
