using System.Collections.Immutable;
using System.Runtime.Intrinsics;

namespace GroupRL.Objectives;

/// <summary>The kinks of a kernel in the log-ratio of a row, which is a sum, so that its rounding decides how near is too near.</summary>
internal readonly struct RowKinks(ImmutableArray<double> kinks)
{
    private readonly ImmutableArray<double> _kinks = kinks;

    /// <summary>
    /// How far z = Σx/<paramref name="divisor"/> may be from the same in another order of n additions: 2γₙ₊₂·Σ|x|/divisor (Higham, lemma 3.1 and section 4.2), and the
    /// roundings of an exponential.
    /// </summary>
    public static double Slack(int n, double magnitude, double divisor) => VectorKernel.Near + ((n + 2) * (4.0 / (1L << 53)) * magnitude / divisor);

    /// <summary>Whether <paramref name="z"/>, in nats, is further than <paramref name="slack"/> from every kink.</summary>
    public bool AreClearOf(double z, double slack)
    {
        foreach (double kink in _kinks)
        {
            if (!(Math.Abs(z - kink) > slack + (VectorKernel.Near * Math.Abs(kink))))
                return false;
        }

        return true;
    }
}

/// <summary><see cref="SequenceRatio"/>.</summary>
internal sealed class SequenceRatioVectors(SequenceRatio kernel) : VectorRowKernel
{
    private readonly RowKinks _kinks = new(kernel.Kinks);

    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients)
    {
        bool mean = kernel.Ratio == RatioLevel.SequenceMean;
        double divisor = mean ? row.Length : 1;
        var (sum, magnitude) = Sums.LogRatioWithMagnitude(row.Logp, row.Old);
        double z = sum / divisor;
        if (!_kinks.AreClearOf(z, RowKinks.Slack(row.Length, magnitude, divisor)))
            return row.Defined(kernel, coefficients);
        var (value, slope) = kernel.Shape.At(Math.Exp(z), row.Advantages.Mean());
        double mass = row.Weights.Sum(row.Length), average = mass / row.Length;
        coefficients.Fill(average * slope);
        return ((mean ? mass : average) * value) + (0 * (average * slope));
    }
}

/// <summary><see cref="SequenceTokenRatio"/>.</summary>
internal sealed class SequenceTokenRatioVectors(SequenceTokenRatio kernel) : VectorRowKernel
{
    private readonly RowKinks _kinks = new(kernel.Kinks);

    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients)
    {
        var (sum, magnitude) = Sums.LogRatioWithMagnitude(row.Frozen, row.Old);
        // Away from the frozen log-probs every token has a ratio of its own.
        if (row.Logp != row.Frozen || !_kinks.AreClearOf(sum / row.Length, RowKinks.Slack(row.Length, magnitude, row.Length)))
            return row.Defined(kernel, coefficients);
        double z = sum / row.Length, ratio = Math.Exp(Math.Min(z, kernel.LogCap));
        if (row.Advantages.TryOne(out double advantage))
        {
            var (value, slope) = kernel.Shape.At(ratio, advantage);
            slope = z > kernel.LogCap ? 0 : slope;
            row.Weights.CopyTo(coefficients, slope);
            return Sums.AllFinite(coefficients) ? row.Weights.Sum(row.Length) * value : double.NaN;
        }

        double total = 0;
        for (int t = 0; t < row.Length; t++)
        {
            var (value, slope) = kernel.Shape.At(ratio, row.Advantages[t]);
            coefficients[t] = row.Weights[t] * (z > kernel.LogCap ? 0 : slope);
            total += (row.Weights[t] * value) + (0 * coefficients[t]);
        }

        return total;
    }
}

/// <summary><see cref="GeometricMean"/>: its clip compares log-ratios, which a vector has to the bit.</summary>
internal sealed class GeometricMeanVectors(GeometricMean kernel) : VectorRowKernel
{
    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients)
    {
        double count = row.Length + kernel.CountEpsilon, advantage = row.Advantages.Mean() * row.Length / count;
        if (advantage == 0)
        {
            coefficients.Clear();
            return 0;
        }

        double low = advantage > 0 ? double.NegativeInfinity : -kernel.Low, high = advantage > 0 ? kernel.High : double.PositiveInfinity;
        double mass = row.Weights.Sum(row.Length), value = Math.Exp(Sums.Clamped(row.Logp, row.Old, low, high) / count) * advantage;
        double coefficient = mass / count * value;
        Mark(row, low, high, coefficient, coefficients);
        return (mass * value) + (0 * coefficient);
    }

    // The same coefficient at every token within the clip range, none elsewhere.
    private static void Mark(in VectorRow row, double low, double high, double coefficient, Span<double> coefficients)
    {
        int width = Vector512<double>.Count, t = 0;
        Vector512<double> least = Vector512.Create(low), most = Vector512.Create(high), inside = Vector512.Create(coefficient);
        for (; t <= row.Length - width; t += width)
        {
            var x = row.Logp.At(t) - row.Old.At(t);
            coefficients.Set(t, Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(x, least) & Vector512.LessThanOrEqual(x, most), inside, Vector512<double>.Zero));
        }

        for (; t < row.Length; t++)
        {
            double x = row.Logp[t] - row.Old[t];
            coefficients[t] = x >= low && x <= high ? coefficient : 0;
        }
    }
}

/// <summary><see cref="LogRatioRegression"/>.</summary>
internal sealed class LogRatioRegressionVectors(LogRatioRegression kernel) : VectorRowKernel
{
    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients)
    {
        double slope = row.Advantages.Mean() - (kernel.Tau * Sums.LogRatio(row.Logp, row.Old)), average = row.Weights.Sum(row.Length) / row.Length;
        coefficients.Fill(average * slope);
        return (-average * slope * slope / (2 * kernel.Tau)) + (0 * (average * slope));
    }
}

/// <summary><see cref="GroupVariance"/>.</summary>
internal sealed class GroupVarianceVectors(GroupVariance kernel) : VectorGroupKernel
{
    /// <inheritdoc/>
    public override double Group(in VectorGroup group, Span<double> coefficients)
    {
        using Scratch ratios = new(group.Rows), gaps = new(group.Rows);
        int live = 0;
        double mean = 0, common = 0, value = 0;
        for (int k = 0; k < group.Rows; k++)
        {
            var row = group[k];
            if (row.Length == 0)
                continue;
            ratios.Span[k] = Sums.LogRatio(row.Logp, row.Old);
            mean += ratios.Span[k];
            live++;
        }

        mean /= live;
        for (int k = 0; k < group.Rows; k++)
        {
            var row = group[k];
            if (row.Length == 0)
                continue;
            double gap = row.Advantages.Mean() - (kernel.Beta * (ratios.Span[k] - mean)), weight = row.Weights.Sum(row.Length) / row.Length;
            gaps.Span[k] = weight * gap;
            common += weight * gap / live;
            value -= weight * gap * gap / (2 * kernel.Beta);
        }

        for (int k = 0; k < group.Rows; k++)
        {
            coefficients[group.Tokens(k)].Fill(gaps.Span[k] - common);
            value += 0 * (gaps.Span[k] - common);
        }

        return value;
    }
}
