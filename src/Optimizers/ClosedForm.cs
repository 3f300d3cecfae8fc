namespace GroupRL.Optimizers;

/// <summary>
/// A number from a closed form, with what bounds its rounding error, and that of the recurrence it stands for:
/// γₙ·<see cref="Magnitude"/>, n = <see cref="Roundings"/>, γₙ = n·2⁻⁵³/(1 − n·2⁻⁵³).
/// </summary>
/// <param name="Value">The number.</param>
/// <param name="Magnitude">The size of what was summed, each term times the condition of what it went through.</param>
/// <param name="Roundings">n, how many roundings a term went through at most.</param>
public readonly record struct ClosedForm(double Value, double Magnitude, int Roundings)
{
    /// <summary>Zero, exactly.</summary>
    public static ClosedForm Zero => default;

    /// <summary>The sign, exact where rounding cannot turn it; else 0 with an error of 1.</summary>
    public ClosedForm Sign()
    {
        // Twice γₙ·Magnitude while n is below 2⁵²; an error of 1 is two roundings of 2⁵².
        double reach = Roundings * Math.ScaleB(Magnitude, -52);
        return Magnitude == 0 ? Zero : Math.Abs(Value) > reach ? new(Math.Sign(Value), 0, 0) : new(0, Math.ScaleB(1, 52), 2);
    }

    /// <summary>The product with a factor that is itself off by a few roundings.</summary>
    internal ClosedForm Times(double factor) => new(factor * Value, Math.Abs(factor) * Magnitude, Roundings + 4);

    /// <summary>n/d, 0/0 = 0, where d &gt; 0 is off by <paramref name="condition"/> times as many roundings.</summary>
    internal ClosedForm Over(double denominator, double condition = 1) => denominator == 0
        ? Zero
        : new(Value / denominator, (1 + condition) * Magnitude / denominator, Roundings + 8);
}

/// <summary>Moments as sums over the whole history, apart from the recurrences.</summary>
internal static class ClosedSums
{
    /// <summary>m_T = (1−β) Σₛ β^(T−s) gₛ.</summary>
    public static ClosedForm Mean(double beta, ReadOnlySpan<double> gradients) => Sum(beta, 1 - beta, gradients);

    /// <summary>v_T = (1−β) Σₛ β^(T−s) gₛ².</summary>
    public static ClosedForm Square(double beta, ReadOnlySpan<double> gradients)
    {
        double[] squares = gradients.ToArray();
        for (int s = 0; s < squares.Length; s++)
            squares[s] *= squares[s];
        return Sum(beta, 1 - beta, squares);
    }

    /// <summary>w Σₛ β^(T−s) xₛ.</summary>
    public static ClosedForm Sum(double beta, double weight, ReadOnlySpan<double> values)
    {
        double sum = 0, magnitude = 0;
        for (int s = 0; s < values.Length; s++)
        {
            double term = weight * Math.Pow(beta, values.Length - 1 - s) * values[s];
            (sum, magnitude) = (sum + term, magnitude + Math.Abs(term));
        }

        // A recurrence rounds thrice a step; here a term is a power, two products and T sums.
        return new(sum, magnitude, (4 * values.Length) + 8);
    }

    /// <summary>1 − βᵗ.</summary>
    public static double Mass(double beta, int t) => 1 - Math.Pow(beta, t);

    /// <summary>How much 1 − βᵗ amplifies the roundings of βᵗ: 1/(1 − βᵗ).</summary>
    public static double MassCondition(double beta, int t) => 1 / Mass(beta, t);

    /// <summary>m̂_{T+k}/√v̂_{T+k} over m̂_T/√v̂_T; β₂ = 1 stands for a root that stays. Null where the root is gone at once and the mean is not.</summary>
    public static double? MomentsRatio(double beta1, double beta2, int steps, int k)
    {
        if (beta1 == 0)
            return 0;
        double mean = Math.Pow(beta1, k) * Mass(beta1, steps) / Mass(beta1, steps + k);
        return beta2 switch
        {
            0 => null,
            1 => mean,
            _ => mean / Math.Pow(Math.Sqrt(beta2), k) * Math.Sqrt(Mass(beta2, steps + k) / Mass(beta2, steps)),
        };
    }

    /// <summary>β^k m_T/(1−β^(T+k)), k steps after the last gradient; how the divisor amplifies is for <see cref="ClosedForm.Over"/> to count.</summary>
    public static ClosedForm CorrectedMean(double beta, ReadOnlySpan<double> gradients, int k)
    {
        ClosedForm mean = Mean(beta, gradients);
        return (mean with { Roundings = mean.Roundings + (6 * k) + 16 }).Times(Math.Pow(beta, k) / Mass(beta, gradients.Length + k));
    }

    /// <summary>√(v_T/(1−βᵀ)), T = <paramref name="steps"/>.</summary>
    public static ClosedForm CorrectedRoot(this ClosedForm square, double beta, int steps) =>
        (square with { Value = square.Value / Mass(beta, steps) }).Root(MassCondition(beta, steps));

    /// <summary>√v of a v that is a sum of squares: a root halves relative errors.</summary>
    public static ClosedForm Root(this ClosedForm square, double condition = 0) =>
        new(Math.Sqrt(square.Value), (1 + condition) * Math.Sqrt(square.Value), square.Roundings + 2);
}
