using System.Numerics;
using System.Runtime.CompilerServices;

namespace GroupRL.Objectives;

/// <summary>A token kernel over one vector.</summary>
internal interface ITokenLanes
{
    /// <summary>
    /// φ and ∂φ/∂ℓ of the tokens from <paramref name="t"/> on, lane by lane, of ℓ, the batch's own ℓ and ℓ°; returns the lanes, as masks, that are too near to a
    /// kink or too far out, so that only the definition tells. It loads what it needs and no more.
    /// </summary>
    Vector<long> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, int t, Vector<double> advantage, out Vector<double> value, out Vector<double> slope);
}

/// <summary>A shape over one vector.</summary>
internal interface IShapeLanes
{
    /// <summary>ψ and dψ/d log r, lane by lane; returns the lanes, as masks, that are too near to a kink, so that only the definition tells.</summary>
    Vector<long> At(Vector<double> ratio, Vector<double> advantage, out Vector<double> value, out Vector<double> slope);
}

/// <summary>Which lanes only the definition tells.</summary>
internal static class Unsure
{
    /// <summary>Those further than <paramref name="bound"/> from 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Beyond(this Vector<double> x, double bound) => Vector.GreaterThan(Vector.Abs(x), new Vector<double>(bound));

    /// <summary>Those whose rounding may put them on either side of <paramref name="bound"/>, a ratio; none of an infinite one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> IsNear(this Vector<double> ratio, double bound) => double.IsFinite(bound)
        ? Vector.LessThanOrEqual(Vector.Abs(ratio - new Vector<double>(bound)), new Vector<double>(bound * VectorKernel.Near))
        : Vector<long>.Zero;
}

/// <summary>A token kernel over the vectors of a row.</summary>
internal sealed class TokenVectors<TLanes>(TokenKernel kernel, TLanes lanes) : VectorRowKernel
    where TLanes : struct, ITokenLanes
{
    /// <inheritdoc/>
    public override bool CutsRows => true;

    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients)
    {
        // Locals, which the compiler keeps in registers.
        var each = lanes;
        ReadOnlySpan<double> logp = row.Logp, frozen = row.Frozen, old = row.Old;
        TokenValues weights = row.Weights, advantages = row.Advantages;
        int width = Vector<double>.Count, t = 0;
        Vector<double> sum = default, check = default;
        double rest = 0;
        for (; t <= logp.Length - width; t += width)
        {
            var unsure = each.At(logp, frozen, old, t, advantages.At(t), out var value, out var slope);
            if (unsure == Vector<long>.Zero)
            {
                Vector<double> weight = weights.At(t), coefficient = weight * slope;
                sum = Vector.FusedMultiplyAdd(weight, value, sum);
                check = Vector.FusedMultiplyAdd(coefficient, Vector<double>.Zero, check);
                coefficients.Set(t, coefficient);
            }
            else
            {
                rest += Defined(row.Slice(t, width), coefficients[t..]);
            }
        }

        return Vector.Sum(sum) + Vector.Sum(check) + rest + Defined(row.Slice(t, row.Length - t), coefficients[t..]);
    }

    private double Defined(in VectorRow row, Span<double> coefficients)
    {
        double sum = 0;
        for (int t = 0; t < row.Length; t++)
        {
            var (value, slope) = kernel.At(new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantages[t]));
            coefficients[t] = row.Weights[t] * slope;
            sum += (row.Weights[t] * value) + (0 * coefficients[t]);
        }

        return sum;
    }
}

/// <summary><see cref="TokenRatio"/>.</summary>
internal readonly struct TokenRatioLanes<TShape>(TokenRatio kernel, TShape shape) : ITokenLanes
    where TShape : struct, IShapeLanes
{
    private readonly double _bound = Math.Min(kernel.LogBound, VectorExp.Largest);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, int t, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        var x = logp.At(t) - old.At(t);
        return shape.At(VectorExp.Of(x), advantage, out value, out slope) | x.Beyond(_bound);
    }
}

/// <summary><see cref="Unclipped"/>.</summary>
internal readonly struct UnclippedLanes : IShapeLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> ratio, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        value = slope = ratio * advantage;
        return Vector<long>.Zero;
    }
}

/// <summary><see cref="Clip"/> without a cap and a dual clip.</summary>
internal readonly struct ClipLanes(Clip clip) : IShapeLanes
{
    private readonly double _low = clip.Low;
    private readonly double _high = clip.High;
    private readonly double _near = VectorKernel.Near * (double.IsFinite(clip.High) ? clip.High : 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> ratio, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        Vector<double> low = new(_low), high = new(_high), raw = ratio * advantage;
        var positive = Vector.GreaterThan(advantage, Vector<double>.Zero);
        var killed = Vector.ConditionalSelect(positive, Vector.GreaterThan(ratio, high), Vector.LessThan(ratio, low));
        value = Vector.MinNative(raw, Vector.MinNative(Vector.MaxNative(ratio, low), high) * advantage);
        slope = Vector.AndNot(raw, Vector.AsVectorDouble(killed));
        return Vector.LessThanOrEqual(Vector.MinNative(Vector.Abs(ratio - low), Vector.Abs(ratio - high)), new Vector<double>(_near));
    }
}

/// <summary><see cref="Clip"/> with a cap or a dual clip, beyond which negative advantages have no gradient.</summary>
internal readonly struct CappedClipLanes(Clip clip) : IShapeLanes
{
    private readonly ClipLanes _clip = new(clip);
    private readonly double _low = clip.Low;
    private readonly double _high = clip.High;
    private readonly double _cap = clip.Cap;
    private readonly double _dual = clip.Dual;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> ratio, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        var unsure = _clip.At(ratio, advantage, out _, out var uncapped);
        Vector<double> cap = new(_cap), dual = new(_dual), clipped = Vector.MinNative(Vector.MaxNative(ratio, new Vector<double>(_low)), new Vector<double>(_high));
        var negative = Vector.LessThan(advantage, Vector<double>.Zero);
        value = Vector.MinNative(Vector.MinNative(ratio, cap) * advantage, clipped * advantage);
        value = Vector.ConditionalSelect(negative & Vector.GreaterThan(ratio, dual), Vector.MaxNative(value, dual * advantage), value);
        slope = Vector.AndNot(uncapped, Vector.AsVectorDouble(negative & Vector.GreaterThan(ratio, Vector.MinNative(cap, dual))));
        return unsure | ratio.IsNear(_cap) | ratio.IsNear(_dual);
    }
}

/// <summary><see cref="SoftGate"/>.</summary>
internal readonly struct SoftGateLanes(SoftGate gate) : IShapeLanes
{
    private readonly double _positive = gate.PositiveTau;
    private readonly double _negative = gate.NegativeTau;
    private readonly double _positiveScale = 4 / gate.PositiveTau;
    private readonly double _negativeScale = 4 / gate.NegativeTau;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> ratio, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        var one = Vector<double>.One;
        var positive = Vector.GreaterThan(advantage, Vector<double>.Zero);
        var argument = Vector.ConditionalSelect(positive, new Vector<double>(_positive), new Vector<double>(_negative)) * (ratio - one);
        // σ(|x|) = 1/(1 + e^−|x|) and σ(−|x|) = e^−|x|·σ(|x|): one exponential and one division for both, and no tail is lost.
        Vector<double> tail = VectorExp.Of(-Vector.Abs(argument)), large = one / (one + tail), small = tail * large;
        var p = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(argument, Vector<double>.Zero), large, small);
        value = Vector.ConditionalSelect(positive, new Vector<double>(_positiveScale), new Vector<double>(_negativeScale)) * p * advantage;
        slope = new Vector<double>(4) * large * small * ratio * advantage;
        return argument.Beyond(VectorExp.Largest);
    }
}

/// <summary><see cref="GradientPreservingClip"/>.</summary>
internal readonly struct GradientPreservingLanes(Clip clip) : ITokenLanes
{
    private readonly double _low = clip.Low;
    private readonly double _high = clip.High;
    private readonly double _dual = clip.Dual;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, int t, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        Vector<double> x = logp.At(t) - old.At(t), stillX = frozen.At(t) - old.At(t), moved = logp.At(t) - frozen.At(t), dual = new(_dual);
        Vector<double> ratio = VectorExp.Of(x), still = VectorExp.Of(stillX);
        var bound = Vector.MinNative(Vector.MaxNative(still, new Vector<double>(_low)), new Vector<double>(_high));
        var clipped = Vector.ConditionalSelect(Vector.Equals(bound, still), ratio, bound * VectorExp.Of(moved));
        value = Vector.MinNative(ratio * advantage, clipped * advantage);
        var beyond = Vector.LessThan(advantage, Vector<double>.Zero) & Vector.GreaterThan(ratio, dual);
        slope = Vector.ConditionalSelect(beyond, Vector<double>.Zero, value);
        value = Vector.ConditionalSelect(beyond, dual * advantage, value);
        return x.Beyond(VectorExp.Largest) | stillX.Beyond(VectorExp.Largest) | moved.Beyond(VectorExp.Largest) | ratio.IsNear(_dual);
    }
}

/// <summary><see cref="OwnRatio"/>.</summary>
internal readonly struct OwnRatioLanes : ITokenLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, int t, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        var x = logp.At(t) - frozen.At(t);
        value = slope = VectorExp.Of(x) * advantage;
        return x.Beyond(VectorExp.Largest);
    }
}

/// <summary><see cref="LogLikelihood"/>.</summary>
internal readonly struct LogLikelihoodLanes : ITokenLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, int t, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        slope = advantage;
        value = advantage * logp.At(t);
        return Vector<long>.Zero;
    }
}

/// <summary><see cref="ClippedImportance"/>.</summary>
internal readonly struct ClippedImportanceLanes(ClippedImportance kernel) : ITokenLanes
{
    private readonly double _bound = Math.Min(kernel.LogBound, VectorExp.Largest);
    private readonly double _low = kernel.Low;
    private readonly double _high = kernel.High;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, int t, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        var x = frozen.At(t) - old.At(t);
        var ratio = VectorExp.Of(x);
        slope = Vector.MinNative(Vector.MaxNative(ratio, new Vector<double>(_low)), new Vector<double>(_high)) * advantage;
        value = slope * logp.At(t);
        return x.Beyond(_bound);
    }
}
