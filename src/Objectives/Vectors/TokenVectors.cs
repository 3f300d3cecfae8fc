using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GroupRL.Objectives;

/// <summary>A shape over one vector.</summary>
internal interface IShapeLanes
{
    /// <summary>ψ and dψ/d log r, lane by lane; returns the lanes, as masks, that are too near to a kink, so that only the definition tells.</summary>
    Vector512<double> At(Vector512<double> ratio, Vector512<double> advantage, out Vector512<double> value, out Vector512<double> slope);
}

/// <summary>A token kernel over the vectors of a row.</summary>
internal sealed class TokenVectors<TLanes>(TokenKernel kernel, TLanes lanes) : VectorRowKernel
    where TLanes : struct, ITokenLanes
{
    /// <inheritdoc/>
    public override bool CutsRows => true;

    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients) => TokenLoop.Run(new KernelLanes(kernel, lanes), row, coefficients);

    private readonly struct KernelLanes(TokenKernel kernel, TLanes lanes) : IDefinedLanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<double> At(
            ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope) =>
            lanes.At(logp, frozen, old, advantages, t, out value, out slope);

        public (double Value, double Slope) Defined(in VectorRow row, int t) => kernel.At(new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantages[t]));
    }
}

/// <summary><see cref="TokenRatio"/>.</summary>
internal readonly struct TokenRatioLanes<TShape>(TokenRatio kernel, TShape shape) : ITokenLanes
    where TShape : struct, IShapeLanes
{
    private readonly double _bound = Math.Min(kernel.LogBound, VectorExp.Largest);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope)
    {
        var x = logp.At(t) - old.At(t);
        return shape.At(VectorExp.Of(x), advantages.At(t), out value, out slope) | x.Beyond(_bound);
    }
}

/// <summary><see cref="Unclipped"/>.</summary>
internal readonly struct UnclippedLanes : IShapeLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(Vector512<double> ratio, Vector512<double> advantage, out Vector512<double> value, out Vector512<double> slope)
    {
        value = slope = ratio * advantage;
        return Vector512<double>.Zero;
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
    public Vector512<double> At(Vector512<double> ratio, Vector512<double> advantage, out Vector512<double> value, out Vector512<double> slope)
    {
        Vector512<double> low = Vector512.Create(_low), high = Vector512.Create(_high), raw = ratio * advantage;
        var positive = Vector512.GreaterThan(advantage, Vector512<double>.Zero);
        var killed = Vector512.ConditionalSelect(positive, Vector512.GreaterThan(ratio, high), Vector512.LessThan(ratio, low));
        value = Vector512.MinNative(raw, Vector512.MinNative(Vector512.MaxNative(ratio, low), high) * advantage);
        slope = Vector512.AndNot(raw, killed);
        return Vector512.LessThanOrEqual(Vector512.MinNative(Vector512.Abs(ratio - low), Vector512.Abs(ratio - high)), Vector512.Create(_near));
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
    public Vector512<double> At(Vector512<double> ratio, Vector512<double> advantage, out Vector512<double> value, out Vector512<double> slope)
    {
        var unsure = _clip.At(ratio, advantage, out _, out var uncapped);
        Vector512<double> cap = Vector512.Create(_cap), dual = Vector512.Create(_dual), clipped = Vector512.MinNative(Vector512.MaxNative(ratio, Vector512.Create(_low)), Vector512.Create(_high));
        var negative = Vector512.LessThan(advantage, Vector512<double>.Zero);
        value = Vector512.MinNative(Vector512.MinNative(ratio, cap) * advantage, clipped * advantage);
        value = Vector512.ConditionalSelect(negative & Vector512.GreaterThan(ratio, dual), Vector512.MaxNative(value, dual * advantage), value);
        slope = Vector512.AndNot(uncapped, negative & Vector512.GreaterThan(ratio, Vector512.MinNative(cap, dual)));
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
    public Vector512<double> At(Vector512<double> ratio, Vector512<double> advantage, out Vector512<double> value, out Vector512<double> slope)
    {
        var one = Vector512<double>.One;
        var positive = Vector512.GreaterThan(advantage, Vector512<double>.Zero);
        var tau = Vector512.ConditionalSelect(positive, Vector512.Create(_positive), Vector512.Create(_negative));
        var argument = tau * (one - ratio);
        // With y = −τ(r − 1), p = σ(−y) = 1/(1 + eʸ) and 1 − p = eʸ·p: one exponential and one division for both, and no tail is lost.
        Vector512<double> exp = VectorExp.Of(argument), p = one / (one + exp);
        value = Vector512.ConditionalSelect(positive, Vector512.Create(_positiveScale), Vector512.Create(_negativeScale)) * advantage * p;
        slope = value * (exp * p) * (tau * ratio);
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
    public Vector512<double> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope)
    {
        Vector512<double> x = logp.At(t) - old.At(t), stillX = frozen.At(t) - old.At(t), moved = logp.At(t) - frozen.At(t), advantage = advantages.At(t), dual = Vector512.Create(_dual);
        Vector512<double> ratio = VectorExp.Of(x), still = VectorExp.Of(stillX);
        var bound = Vector512.MinNative(Vector512.MaxNative(still, Vector512.Create(_low)), Vector512.Create(_high));
        var clipped = Vector512.ConditionalSelect(Vector512.Equals(bound, still), ratio, bound * VectorExp.Of(moved));
        value = Vector512.MinNative(ratio * advantage, clipped * advantage);
        var beyond = Vector512.LessThan(advantage, Vector512<double>.Zero) & Vector512.GreaterThan(ratio, dual);
        slope = Vector512.ConditionalSelect(beyond, Vector512<double>.Zero, value);
        value = Vector512.ConditionalSelect(beyond, dual * advantage, value);
        return x.Beyond(VectorExp.Largest) | stillX.Beyond(VectorExp.Largest) | moved.Beyond(VectorExp.Largest) | ratio.IsNear(_dual);
    }
}

/// <summary><see cref="OwnRatio"/>.</summary>
internal readonly struct OwnRatioLanes : ITokenLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope)
    {
        var x = logp.At(t) - frozen.At(t);
        value = slope = VectorExp.Of(x) * advantages.At(t);
        return x.Beyond(VectorExp.Largest);
    }
}

/// <summary><see cref="LogLikelihood"/>.</summary>
internal readonly struct LogLikelihoodLanes : ITokenLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope)
    {
        slope = advantages.At(t);
        value = slope * logp.At(t);
        return Vector512<double>.Zero;
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
    public Vector512<double> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope)
    {
        var x = frozen.At(t) - old.At(t);
        var ratio = VectorExp.Of(x);
        slope = Vector512.MinNative(Vector512.MaxNative(ratio, Vector512.Create(_low)), Vector512.Create(_high)) * advantages.At(t);
        value = slope * logp.At(t);
        return x.Beyond(_bound);
    }
}
