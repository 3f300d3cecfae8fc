namespace GroupRL.Optimizers;

/// <summary>
/// u′ = u · min(1, M / (‖u‖₂ + δ)), shape [d], unit of u. Source: torch 1.13.1, torch/nn/utils/clip_grad.py, clip_grad_norm_,
/// whose δ is 1e−6, so a clipped gradient is shorter than M by the factor ‖u‖/(‖u‖ + δ). Departures: torch sums the norm
/// per tensor and then over tensors (rounding apart, the same); M = 0 and M = ∞, which trainers read as "off", are refused:
/// leave the link out. Position: first in the chain, as trainers clip after backward and before the optimizer.
/// </summary>
/// <param name="MaxNorm">M, the largest norm let through, above 0; unit of the gradient.</param>
/// <param name="Delta">δ ≥ 0, unit of the gradient; 0 is exact clipping.</param>
public record ClipByGlobalNorm(double MaxNorm, double Delta = 1e-6) : Transform
{
    /// <summary>M, the largest norm let through, above 0; unit of the gradient.</summary>
    public double MaxNorm { get; init => field = Require.FinitePositive(value, nameof(MaxNorm)); }
        = Require.FinitePositive(MaxNorm, nameof(MaxNorm));

    /// <summary>δ ≥ 0, added to the norm; unit of the gradient. torch: 1e−6.</summary>
    public double Delta { get; init => field = Require.FiniteAtLeastZero(value, nameof(Delta)); }
        = Require.FiniteAtLeastZero(Delta, nameof(Delta));

    /// <summary>
    /// ‖u‖₂, scalar, unit of u. Computed at the scale 2⁻ᵉ of the largest entry, which is exact, so that squares neither
    /// overflow nor vanish: torch returns ∞ for entries above 1e154, and so clips them to 0.
    /// </summary>
    public static double Norm(ReadOnlySpan<double> update)
    {
        double largest = 0;
        foreach (double u in update)
            largest = Math.Max(largest, Math.Abs(u));
        if (largest == 0 || !double.IsFinite(largest))
            return largest;

        int exponent = Math.ILogB(largest);
        double squares = 0;
        foreach (double u in update)
        {
            double scaled = Math.ScaleB(u, -exponent);
            squares += scaled * scaled;
        }

        return Math.ScaleB(Math.Sqrt(squares), exponent);
    }

    /// <inheritdoc/>
    public override Scaling Scaling => new(ScaleLaw.Neither, "norm clipping does not scale with the gradient");

    /// <summary>M and δ have the unit of the update: clipping to M/c with δ/c, times c.</summary>
    public override Rescaled? Under(double scale, int step) =>
        new(this with { MaxNorm = MaxNorm / scale, Delta = Delta / scale }, scale);

    /// <inheritdoc/>
    public override bool CouplesCoordinates => true;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        // A zero vector with δ = 0 gives M/0 = ∞, and the minimum 1: it stays zero.
        double coefficient = Math.Min(1, MaxNorm / (Norm(update) + Delta));
        double[] clipped = new double[update.Length];
        for (int j = 0; j < clipped.Length; j++)
            clipped[j] = update[j] * coefficient;
        return (state, clipped);
    }
}
