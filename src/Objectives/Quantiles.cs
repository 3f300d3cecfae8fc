namespace GroupRL.Objectives;

/// <summary>Quantiles with linear interpolation between order statistics, as torch.quantile takes them.</summary>
internal static class Quantiles
{
    public static double Checked(double quantile) => quantile is >= 0 and <= 1
        ? quantile
        : throw InvalidInputException.Because($"A quantile must lie in [0, 1]; got {quantile}.");

    /// <summary>The q-quantile of at least one number, at rank q·(n − 1); sorts <paramref name="values"/>.</summary>
    public static double Linear(Span<double> values, double q)
    {
        values.Sort();
        double rank = q * (values.Length - 1), below = values[(int)rank], above = values[(int)Math.Ceiling(rank)], share = rank - Math.Floor(rank);
        return share < 0.5 ? below + (share * (above - below)) : above - ((1 - share) * (above - below));
    }

    /// <summary>The same with the rank and the interpolation in float32, of values that are float32's; sorts <paramref name="values"/>.</summary>
    public static float Single(Span<double> values, double q)
    {
        values.Sort();
        float rank = (float)q * (values.Length - 1), below = (float)values[(int)rank];
        float above = (float)values[Math.Min((int)MathF.Ceiling(rank), values.Length - 1)], share = rank - MathF.Floor(rank);
        return share < 0.5f ? below + (share * (above - below)) : above - ((1 - share) * (above - below));
    }
}
