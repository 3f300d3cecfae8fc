namespace GroupRL.Checking;

/// <summary>
/// Checks a derivative by the order of its Taylor remainder. Along a direction, O(h) = (f(h) − f(−h))/2 − h·f′ is O(h³) for the right
/// f′ and O(h) for a wrong one. The even part is taken away because the second derivatives of centred advantages cancel by chance, and
/// a remainder whose leading term cancels has no order.
/// </summary>
public static class TaylorCheck
{
    /// <summary>Half-way between the order of a right derivative (3) and that of a wrong one (1).</summary>
    public const double LeastOrder = 2;

    private const double Ratio = 4;

    /// <summary>
    /// The least log_4 of O(h)/O(h/4) over h = step, step/4, … while O(h) is above what rounding alone leaves of a right derivative; +∞
    /// where it never is.
    /// </summary>
    /// <param name="along">h ↦ f(x + h·d), smooth for |h| ≤ <paramref name="step"/>.</param>
    /// <param name="slope">f′, the derivative under test.</param>
    /// <param name="step">The largest step.</param>
    /// <param name="noise">A bound on the rounding error of one value of f.</param>
    public static double Order(Func<double, double> along, double slope, double step, double noise)
    {
        double large = OddRemainder(along, slope, step), least = double.PositiveInfinity;
        // A cubic remainder falls by 4³; the smaller one must stay clear of rounding for its order to mean anything. A small mistake hides
        // behind the cubic remainder of a large step, so the steps go on.
        while (!(large <= Ratio * Ratio * Ratio * noise) && !double.IsNaN(least))
        {
            step /= Ratio;
            double small = OddRemainder(along, slope, step);
            least = Math.Min(least, Math.Log(large / Math.Max(small, noise)) / Math.Log(Ratio));
            large = small;
        }

        return least;
    }

    private static double OddRemainder(Func<double, double> along, double slope, double h) =>
        Math.Abs(((along(h) - along(-h)) / 2) - (h * slope));
}
