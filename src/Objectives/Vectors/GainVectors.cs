using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
        int width = Vector512<double>.Count, t = 0;
        var (positive, negative) = kernel.Gains(LogRatio(row));
        if (row.Weights.TryOne(out double ofRow) && row.Advantages.TryOne(out double one))
        {
            double coefficient = ofRow * ((one >= 0 ? positive : negative) * one);
            coefficients.Fill(coefficient);
            return (coefficient * Sums.Of(row.Logp)) + (0 * coefficient);
        }

        Vector512<double> above = Vector512.Create(positive), below = Vector512.Create(negative), sum = default, check = default;
        for (; t <= row.Length - width; t += width)
        {
            var advantage = row.Advantages.At(t);
            var gain = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(advantage, Vector512<double>.Zero), above, below);
            var slope = row.Weights.At(t) * (gain * advantage);
            sum = Vector512.FusedMultiplyAdd(slope, row.Logp.At(t), sum);
            check = Vector512.FusedMultiplyAdd(slope, Vector512<double>.Zero, check);
            coefficients.Set(t, slope);
        }

        double value = Vector512.Sum(sum) + Vector512.Sum(check);
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
    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients) =>
        TokenLoop.Run(new FlippedLanes(kernel, kernel.Threshold(row.Completion), row.Column(Column.Entropy)), row, coefficients);

    private readonly ref struct FlippedLanes(FlippedRatio kernel, double threshold, ReadOnlySpan<double> entropies) : IDefinedLanes
    {
        private readonly ReadOnlySpan<double> _entropies = entropies;
        private readonly double _bound = Math.Min(kernel.LogBound, VectorExp.Largest);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<double> At(
            ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope)
        {
            var low = Vector512.LessThanOrEqual(_entropies.At(t), Vector512.Create(threshold));
            var floor = Vector512.ConditionalSelect(low, Vector512.Create(kernel.LowEntropy.Low), Vector512.Create(kernel.HighEntropy.Low));
            var ceiling = Vector512.ConditionalSelect(low, Vector512.Create(kernel.LowEntropy.High), Vector512.Create(kernel.HighEntropy.High));
            Vector512<double> now = logp.At(t), x = now - old.At(t), frozenX = frozen.At(t) - old.At(t), advantage = advantages.At(t);
            Vector512<double> ratio = VectorExp.Of(x), still = VectorExp.Of(frozenX), dual = Vector512.Create(kernel.Dual);
            var positive = Vector512.GreaterThan(advantage, Vector512<double>.Zero);
            Vector512<double> capped = Vector512.MinNative(still, ceiling), up = advantage / (capped * capped);
            var gain = Vector512.ConditionalSelect(positive, Vector512<double>.One / capped, Vector512.MaxNative(still, floor));
            value = Vector512.ConditionalSelect(positive, up * Vector512.MinNative(ratio, ceiling), advantage * Vector512.MaxNative(ratio, floor));
            slope = Vector512.ConditionalSelect(
                positive, Vector512.AndNot(up * ratio, Vector512.GreaterThan(ratio, ceiling)), Vector512.AndNot(advantage * ratio, Vector512.LessThan(ratio, floor)));
            var largest = Vector512.GreaterThan(gain, dual);
            slope = Vector512.ConditionalSelect(largest, dual * advantage, slope);
            value = Vector512.ConditionalSelect(largest, dual * advantage * now, value);
            var near = Vector512.Create(VectorKernel.Near);
            return x.Beyond(_bound) | frozenX.Beyond(_bound) | gain.IsNear(kernel.Dual) | Vector512.Equals(advantage, Vector512<double>.Zero)
                | Vector512.LessThanOrEqual(Vector512.Abs(ratio - floor), near * floor) | Vector512.LessThanOrEqual(Vector512.Abs(ratio - ceiling), near * ceiling);
        }

        public (double Value, double Slope) Defined(in VectorRow row, int t) => kernel.At(
            new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantages[t]), _entropies[t] <= threshold ? kernel.LowEntropy : kernel.HighEntropy);
    }
}
