using System.Numerics;

namespace GroupRL.Objectives;

/// <summary><see cref="GammaGain"/> without a mismatch.</summary>
internal sealed class GammaGainVectors(GammaGain kernel) : VectorRowKernel
{
    /// <summary>Whether no gain, at most e^(λ + 20k), leaves float64 and counts as 0: a jump, and no matter of rounding.</summary>
    public static bool CannotOverflow(GammaGain gain) =>
        Math.Max(gain.PositiveLambda + (GammaGain.LargestLog * gain.PositiveK), gain.NegativeLambda + (GammaGain.LargestLog * gain.NegativeK)) < VectorExp.Largest;

    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients)
    {
        int width = Vector<double>.Count, t = 0;
        var (positive, negative) = kernel.Gains(LogRatio(row));
        if (row.Weights.TryOne(out double ofRow) && row.Advantages.TryOne(out double one))
        {
            double coefficient = ofRow * ((one >= 0 ? positive : negative) * one);
            coefficients.Fill(coefficient);
            return (coefficient * Sums.Of(row.Logp)) + (0 * coefficient);
        }

        Vector<double> above = new(positive), below = new(negative), sum = default, check = default;
        for (; t <= row.Length - width; t += width)
        {
            var advantage = row.Advantages.At(t);
            var gain = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(advantage, Vector<double>.Zero), above, below);
            var slope = row.Weights.At(t) * (gain * advantage);
            sum = Vector.FusedMultiplyAdd(slope, row.Logp.At(t), sum);
            check = Vector.FusedMultiplyAdd(slope, Vector<double>.Zero, check);
            coefficients.Set(t, slope);
        }

        double value = Vector.Sum(sum) + Vector.Sum(check);
        for (; t < row.Length; t++)
        {
            coefficients[t] = row.Weights[t] * ((row.Advantages[t] >= 0 ? positive : negative) * row.Advantages[t]);
            value += (coefficients[t] * row.Logp[t]) + (0 * coefficients[t]);
        }

        return value;
    }

    private static double LogRatio(in VectorRow row) => Sums.Clamped(row.Frozen, row.Old, -GammaGain.LargestLog, GammaGain.LargestLog);
}

/// <summary><see cref="FlippedRatio"/>.</summary>
internal sealed class FlippedRatioVectors(FlippedRatio kernel) : VectorRowKernel
{
    private readonly double _bound = Math.Min(kernel.LogBound, VectorExp.Largest);

    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients)
    {
        double threshold = kernel.Threshold(row.Completion);
        ReadOnlySpan<double> logp = row.Logp, still = row.Frozen, old = row.Old, entropies = row.Column(Column.Entropy);
        TokenValues weights = row.Weights, advantages = row.Advantages;
        int width = Vector<double>.Count, t = 0;
        Vector<double> sum = default, check = default;
        double rest = 0;
        for (; t <= logp.Length - width; t += width)
        {
            var low = Vector.LessThanOrEqual(entropies.At(t), new Vector<double>(threshold));
            var floor = Vector.ConditionalSelect(low, new Vector<double>(kernel.LowEntropy.Low), new Vector<double>(kernel.HighEntropy.Low));
            var ceiling = Vector.ConditionalSelect(low, new Vector<double>(kernel.LowEntropy.High), new Vector<double>(kernel.HighEntropy.High));
            var unsure = At(logp.At(t), still.At(t), old.At(t), advantages.At(t), floor, ceiling, out var value, out var slope);
            if (unsure == Vector<long>.Zero)
            {
                Vector<double> weight = weights.At(t), coefficient = weight * slope;
                sum = Vector.FusedMultiplyAdd(weight, value, sum);
                check = Vector.FusedMultiplyAdd(coefficient, Vector<double>.Zero, check);
                coefficients.Set(t, coefficient);
            }
            else
            {
                rest += Defined(row.Slice(t, width), threshold, coefficients[t..]);
            }
        }

        return Vector.Sum(sum) + Vector.Sum(check) + rest + Defined(row.Slice(t, row.Length - t), threshold, coefficients[t..]);
    }

    // φ and ∂φ/∂ℓ lane by lane, and the lanes that only the definition tells.
    private Vector<long> At(
        Vector<double> logp, Vector<double> still, Vector<double> old, Vector<double> advantage, Vector<double> floor, Vector<double> ceiling,
        out Vector<double> value, out Vector<double> slope)
    {
        Vector<double> x = logp - old, frozenX = still - old, ratio = VectorExp.Of(x), frozen = VectorExp.Of(frozenX), dual = new(kernel.Dual);
        var positive = Vector.GreaterThan(advantage, Vector<double>.Zero);
        Vector<double> capped = Vector.MinNative(frozen, ceiling), up = advantage / (capped * capped);
        var gain = Vector.ConditionalSelect(positive, Vector<double>.One / capped, Vector.MaxNative(frozen, floor));
        value = Vector.ConditionalSelect(positive, up * Vector.MinNative(ratio, ceiling), advantage * Vector.MaxNative(ratio, floor));
        slope = Vector.ConditionalSelect(
            positive,
            Vector.AndNot(up * ratio, Vector.AsVectorDouble(Vector.GreaterThan(ratio, ceiling))),
            Vector.AndNot(advantage * ratio, Vector.AsVectorDouble(Vector.LessThan(ratio, floor))));
        var largest = Vector.GreaterThan(gain, dual);
        slope = Vector.ConditionalSelect(largest, dual * advantage, slope);
        value = Vector.ConditionalSelect(largest, dual * advantage * logp, value);
        var near = new Vector<double>(VectorKernel.Near);
        return x.Beyond(_bound) | frozenX.Beyond(_bound) | gain.IsNear(kernel.Dual) | Vector.Equals(advantage, Vector<double>.Zero)
            | Vector.LessThanOrEqual(Vector.Abs(ratio - floor), near * floor) | Vector.LessThanOrEqual(Vector.Abs(ratio - ceiling), near * ceiling);
    }

    private double Defined(in VectorRow row, double threshold, Span<double> coefficients)
    {
        var entropies = row.Column(Column.Entropy);
        double sum = 0;
        for (int t = 0; t < row.Length; t++)
        {
            var (value, slope) = kernel.At(
                new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantages[t]), entropies[t] <= threshold ? kernel.LowEntropy : kernel.HighEntropy);
            coefficients[t] = row.Weights[t] * slope;
            sum += (row.Weights[t] * value) + (0 * coefficients[t]);
        }

        return sum;
    }
}
