using System.Numerics;
using System.Runtime.CompilerServices;

namespace GroupRL.Objectives;

/// <summary>What a token kernel sees of as many tokens as a vector has, as <see cref="Point"/> says of one.</summary>
internal readonly record struct Lanes(Vector<double> Logp, Vector<double> Frozen, Vector<double> Old, Vector<double> Advantage);

/// <summary>A token kernel over one vector.</summary>
internal interface ITokenLanes
{
    /// <summary>φ and ∂φ/∂ℓ, lane by lane; returns the lanes, as masks, that are too near to a kink or too far out, so that only the definition tells.</summary>
    Vector<long> At(in Lanes lanes, out Vector<double> value, out Vector<double> slope);
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
            var unsure = each.At(new(logp.At(t), frozen.At(t), old.At(t), advantages.At(t)), out var value, out var slope);
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
    public Vector<long> At(in Lanes lanes, out Vector<double> value, out Vector<double> slope)
    {
        var x = lanes.Logp - lanes.Old;
        return shape.At(VectorExp.Of(x), lanes.Advantage, out value, out slope) | x.Beyond(_bound);
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
        value = Vector.Min(raw, Vector.Min(Vector.Max(ratio, low), high) * advantage);
        slope = Vector.AndNot(raw, Vector.AsVectorDouble(killed));
        return Vector.LessThanOrEqual(Vector.Min(Vector.Abs(ratio - low), Vector.Abs(ratio - high)), new Vector<double>(_near));
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
        Vector<double> cap = new(_cap), dual = new(_dual), clipped = Vector.Min(Vector.Max(ratio, new Vector<double>(_low)), new Vector<double>(_high));
        var negative = Vector.LessThan(advantage, Vector<double>.Zero);
        value = Vector.Min(Vector.Min(ratio, cap) * advantage, clipped * advantage);
        value = Vector.ConditionalSelect(negative & Vector.GreaterThan(ratio, dual), Vector.Max(value, dual * advantage), value);
        slope = Vector.AndNot(uncapped, Vector.AsVectorDouble(negative & Vector.GreaterThan(ratio, Vector.Min(cap, dual))));
        return unsure | ratio.IsNear(_cap) | ratio.IsNear(_dual);
    }
}

/// <summary><see cref="SoftGate"/>.</summary>
internal readonly struct SoftGateLanes(SoftGate gate) : IShapeLanes
{
    private readonly double _positive = gate.PositiveTau;
    private readonly double _negative = gate.NegativeTau;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> ratio, Vector<double> advantage, out Vector<double> value, out Vector<double> slope)
    {
        var one = Vector<double>.One;
        var tau = Vector.ConditionalSelect(Vector.GreaterThan(advantage, Vector<double>.Zero), new Vector<double>(_positive), new Vector<double>(_negative));
        var argument = tau * (ratio - one);
        Vector<double> p = one / (one + VectorExp.Of(-argument)), rest = one / (one + VectorExp.Of(argument));
        var four = new Vector<double>(4);
        value = four / tau * p * advantage;
        slope = four * p * rest * ratio * advantage;
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
    public Vector<long> At(in Lanes lanes, out Vector<double> value, out Vector<double> slope)
    {
        Vector<double> x = lanes.Logp - lanes.Old, frozen = lanes.Frozen - lanes.Old, dual = new(_dual), moved = lanes.Logp - lanes.Frozen;
        Vector<double> ratio = VectorExp.Of(x), still = VectorExp.Of(frozen);
        var bound = Vector.Min(Vector.Max(still, new Vector<double>(_low)), new Vector<double>(_high));
        var clipped = Vector.ConditionalSelect(Vector.Equals(bound, still), ratio, bound * VectorExp.Of(moved));
        value = Vector.Min(ratio * lanes.Advantage, clipped * lanes.Advantage);
        var beyond = Vector.LessThan(lanes.Advantage, Vector<double>.Zero) & Vector.GreaterThan(ratio, dual);
        slope = Vector.ConditionalSelect(beyond, Vector<double>.Zero, value);
        value = Vector.ConditionalSelect(beyond, dual * lanes.Advantage, value);
        return x.Beyond(VectorExp.Largest) | frozen.Beyond(VectorExp.Largest) | moved.Beyond(VectorExp.Largest) | ratio.IsNear(_dual);
    }
}

/// <summary><see cref="OwnRatio"/>.</summary>
internal readonly struct OwnRatioLanes : ITokenLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(in Lanes lanes, out Vector<double> value, out Vector<double> slope)
    {
        var x = lanes.Logp - lanes.Frozen;
        value = slope = VectorExp.Of(x) * lanes.Advantage;
        return x.Beyond(VectorExp.Largest);
    }
}

/// <summary><see cref="LogLikelihood"/>.</summary>
internal readonly struct LogLikelihoodLanes : ITokenLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(in Lanes lanes, out Vector<double> value, out Vector<double> slope)
    {
        slope = lanes.Advantage;
        value = lanes.Advantage * lanes.Logp;
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
    public Vector<long> At(in Lanes lanes, out Vector<double> value, out Vector<double> slope)
    {
        var x = lanes.Frozen - lanes.Old;
        var ratio = VectorExp.Of(x);
        slope = Vector.Min(Vector.Max(ratio, new Vector<double>(_low)), new Vector<double>(_high)) * lanes.Advantage;
        value = slope * lanes.Logp;
        return x.Beyond(_bound);
    }
}
