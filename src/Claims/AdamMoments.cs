using GroupRL.Checking;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>Adam's second moment as a closed sum over the history, apart from the recurrence under test.</summary>
internal static class AdamMoments
{
    /// <summary>v_T = (1−β₂) Σₛ β₂^(T−s) gₛ²; AMSGrad: the largest of v₁ … v_T.</summary>
    public static double Square(ScaleByAdam adam, ReadOnlySpan<double> gradients)
    {
        double largest = 0, square = 0;
        for (int t = 1; t <= gradients.Length; t++)
        {
            square = 0;
            for (int s = 1; s <= t; s++)
                square += (1 - adam.Beta2) * Math.Pow(adam.Beta2, t - s) * gradients[s - 1] * gradients[s - 1];
            largest = Math.Max(largest, square);
        }

        return adam.AmsGrad ? largest : square;
    }

    /// <summary>What m̂ is divided by, up to the bias correction of m: √v̂ + ε and its two variants.</summary>
    public static double Denominator(ScaleByAdam adam, double square, int t)
    {
        double correction = 1 - Math.Pow(adam.Beta2, t);
        return adam.Placement switch
        {
            EpsilonPlacement.OutsideRoot => Math.Sqrt(square / correction) + adam.Epsilon,
            EpsilonPlacement.InsideRoot => Math.Sqrt((square / correction) + adam.Epsilon),
            _ => (Math.Sqrt(square) + adam.Epsilon) / Math.Sqrt(correction),
        };
    }

    /// <summary>
    /// The relative rounding error of a quotient of moments after at most <paramref name="last"/> steps: a few roundings a step, and
    /// 1 − βᵗ loses 1/(1 − βᵗ) of its own, most at the first of the steps it is taken at.
    /// </summary>
    public static double Rounding(ScaleByAdam adam, int first, int last) => Tolerance.Roundings((6 * last) + 24)
        * (1 + (1 / (1 - Math.Pow(adam.Beta1, first))) + (1 / (1 - Math.Pow(adam.Beta2, first))));
}
