using System.Numerics;

namespace GroupRL.Objectives;

/// <summary>Quantiles with linear interpolation between order statistics, as torch.quantile takes them.</summary>
internal static class Quantiles
{
    public static double Checked(double quantile) => quantile is >= 0 and <= 1
        ? quantile
        : throw InvalidInputException.Because($"A quantile must lie in [0, 1]; got {quantile}.");

    /// <summary>The q-quantile of at least one number, at rank q·(n − 1); reorders <paramref name="values"/>.</summary>
    public static double Linear(Span<double> values, double q)
    {
        double rank = q * (values.Length - 1), share = rank - Math.Floor(rank), below = Select(values, (int)rank);
        double above = share > 0 ? Least(values[((int)rank + 1)..]) : below;
        return share < 0.5 ? below + (share * (above - below)) : above - ((1 - share) * (above - below));
    }

    // Hoare's selection: afterwards the number at k is the k-th smallest, and none behind it is smaller. What is split badly too often is sorted.
    private static double Select(Span<double> values, int k)
    {
        int from = 0, to = values.Length - 1;
        for (int splits = 4 * BitOperations.Log2((uint)values.Length) + 4; from < to; splits--)
        {
            if (splits == 0)
            {
                values[from..(to + 1)].Sort();
                break;
            }

            double pivot = Middle(values[from], values[(from + to) / 2], values[to]);
            int i = from, j = to;
            while (i <= j)
            {
                while (values[i] < pivot)
                    i++;
                while (values[j] > pivot)
                    j--;
                if (i <= j)
                {
                    (values[i], values[j]) = (values[j], values[i]);
                    i++;
                    j--;
                }
            }

            if (k <= j)
                to = j;
            else if (k >= i)
                from = i;
            else
                break;
        }

        return values[k];
    }

    private static double Least(ReadOnlySpan<double> values)
    {
        double least = values[0];
        foreach (double value in values)
            least = Math.Min(least, value);
        return least;
    }

    private static double Middle(double a, double b, double c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));

    /// <summary>The same with the rank and the interpolation in float32, of values that are float32's; sorts <paramref name="values"/>.</summary>
    public static float Single(Span<double> values, double q)
    {
        values.Sort();
        float rank = (float)q * (values.Length - 1), below = (float)values[(int)rank];
        float above = (float)values[Math.Min((int)MathF.Ceiling(rank), values.Length - 1)], share = rank - MathF.Floor(rank);
        return share < 0.5f ? below + (share * (above - below)) : above - ((1 - share) * (above - below));
    }
}
