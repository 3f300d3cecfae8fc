namespace GroupRL.Checking;

/// <summary>Bounds on rounding, each named after the error analysis that gives it. u = 2⁻⁵³, the unit roundoff of float64.</summary>
public static class Tolerance
{
    /// <summary>u = 2⁻⁵³.</summary>
    public const double UnitRoundoff = 1.0 / (1L << 53);

    /// <summary>γₙ = n·u/(1 − n·u): the relative error of n roundings in a row (Higham, Accuracy and Stability, lemma 3.1).</summary>
    public static double Roundings(int n) => n * UnitRoundoff / (1 - (n * UnitRoundoff));

    /// <summary>γₙ·Σ|x| + n·2⁻¹⁰⁷⁴: the error of a sum, in any order, of terms that together went through at most <paramref name="terms"/> roundings each, any of which may be below the normal range.</summary>
    /// <param name="terms">The number of terms plus the roundings that made each.</param>
    /// <param name="magnitude">Σ|x|.</param>
    public static double Summation(int terms, double magnitude) => (Roundings(terms) * magnitude) + (terms * double.Epsilon);

    /// <summary>
    /// The error of a difference R − R̄ relative to the largest such difference: γ_{G+2}·(1 + 2κ), κ = max|R| / max|R − R̄|. Centring
    /// amplifies rounding by κ, whatever the order of summation; where all rewards are equal, differences are rounding alone (1).
    /// </summary>
    public static double Centring(ReadOnlySpan<double> rewards)
    {
        double sum = 0, largest = 0, spread = 0;
        foreach (double reward in rewards)
            sum += reward;
        foreach (double reward in rewards)
        {
            largest = Math.Max(largest, Math.Abs(reward));
            spread = Math.Max(spread, Math.Abs(reward - (sum / rewards.Length)));
        }

        return Centring(rewards.Length, largest, spread);
    }

    /// <summary>The same for rewards known by their number, max|R| and max|R − R̄|.</summary>
    public static double Centring(int count, double largest, double spread)
    {
        if (largest == 0)
            return 0;
        return spread == 0 ? 1 : Roundings(count + 2) * (1 + (2 * largest / spread));
    }
}
