namespace GroupRL.Claims;

/// <summary>How two gradients of one batch, as coefficients of its tokens, relate.</summary>
/// <param name="Cosine">Their cosine; null where one of them is 0.</param>
/// <param name="Ratio">‖second‖ / ‖first‖; null where the first is 0.</param>
/// <param name="Opposed">At how many tokens they have opposite signs.</param>
/// <param name="OneSided">At how many tokens exactly one of them is 0.</param>
public readonly record struct Comparison(double? Cosine, double? Ratio, int Opposed, int OneSided)
{
    /// <summary>Compares coefficients of shape [N].</summary>
    public static Comparison Of(ReadOnlySpan<double> first, ReadOnlySpan<double> second)
    {
        // Both are scaled to largest entry 1, so that no square overflows or underflows.
        double firstScale = Largest(first), secondScale = Largest(second), product = 0, firstSquares = 0, secondSquares = 0;
        int opposed = 0, oneSided = 0;
        for (int t = 0; t < first.Length; t++)
        {
            double a = firstScale > 0 ? first[t] / firstScale : 0, b = secondScale > 0 ? second[t] / secondScale : 0;
            product += a * b;
            firstSquares += a * a;
            secondSquares += b * b;
            opposed += Math.Sign(first[t]) * Math.Sign(second[t]) < 0 ? 1 : 0;
            oneSided += (first[t] == 0) != (second[t] == 0) ? 1 : 0;
        }

        return new(
            firstSquares > 0 && secondSquares > 0 ? product / (Math.Sqrt(firstSquares) * Math.Sqrt(secondSquares)) : null,
            firstSquares > 0 ? secondScale / firstScale * Math.Sqrt(secondSquares / firstSquares) : null,
            opposed,
            oneSided);
    }

    private static double Largest(ReadOnlySpan<double> values)
    {
        double largest = 0;
        foreach (double value in values)
            largest = Math.Max(largest, Math.Abs(value));
        return largest;
    }
}
