namespace GroupRL.Optimizers;

/// <summary>
/// u_t = Σ wₛgₛ / √(Σ aₛgₛ²), s = 1 … t: a mean over a root of a mean square. By Cauchy–Schwarz |Σ wₛgₛ| = |Σ (wₛ/√aₛ)(√aₛgₛ)| ≤
/// √(Σ wₛ²/aₛ)·√(Σ aₛgₛ²), and gₛ = wₛ/aₛ meets it.
/// </summary>
/// <param name="Weights">w₁ … w_t.</param>
/// <param name="Squares">a₁ … a_t, each at least 0.</param>
internal readonly record struct StepQuotient(double[] Weights, double[] Squares)
{
    /// <summary>Adam's at ε = 0: wₛ = (1−β₁)β₁^(t−s)/(1−β₁ᵗ), aₛ = (1−β₂)β₂^(t−s)/(1−β₂ᵗ).</summary>
    public static StepQuotient OfMoments(double beta1, double beta2, int t) => new(Average(beta1, t), Average(beta2, t));

    /// <summary>√(Σ wₛ²/aₛ); null where a gradient has a weight in the mean and none in the mean square, so that nothing bounds u_t.</summary>
    public double? Bound()
    {
        double sum = 0;
        for (int s = 0; s < Weights.Length; s++)
            sum += Weights[s] == 0 ? 0 : Weights[s] / Squares[s] * Weights[s];
        return double.IsFinite(sum) ? Math.Sqrt(sum) : null;
    }

    /// <summary>gₛ = wₛ/aₛ over the largest of them; null where there is no bound to meet.</summary>
    public double[]? Extreme()
    {
        if (Bound() is null)
            return null;
        double[] gradients = [.. Weights.Zip(Squares, (w, a) => w == 0 ? 0 : w / a)];
        double largest = gradients.Max(Math.Abs);
        return [.. gradients.Select(g => g / largest)];
    }

    // The weights of a bias-corrected average of t numbers.
    private static double[] Average(double beta, int t) =>
        [.. Enumerable.Range(1, t).Select(s => (1 - beta) * Math.Pow(beta, t - s) / ClosedSums.Mass(beta, t))];
}
