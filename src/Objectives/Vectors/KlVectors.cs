using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GroupRL.Objectives;

/// <summary>
/// A <see cref="KlPenalty"/> over vectors of tokens: an optimisation of its definition, which it agrees with in every branch, and in the numbers to a few
/// roundings of e^y + |y| + 1, what κ is made of.
/// </summary>
internal abstract class KlVectors
{
    /// <summary>Whether the objective's correction multiplies it.</summary>
    public abstract bool Corrected { get; }

    /// <summary>The column of the anchor.</summary>
    public abstract Column Against { get; }

    /// <summary>Adds −β α ∂κ/∂ℓ to the coefficients of a row, or of a stretch of it, shape [n], and returns −β Σ α κ, NaN where one is no finite number.</summary>
    public abstract double Add(in VectorRow row, Span<double> coefficients);

    /// <summary>The form over vectors of a term; null where it has none.</summary>
    public static KlVectors? Of(Regulariser term) =>
        term is KlPenalty { StraightThrough: false, Weight: null } penalty && term.Where == TokenWeight.One ? OfEstimator(penalty) : null;

    private static KlVectors OfEstimator(KlPenalty penalty) => penalty.Estimator switch
    {
        KlEstimator.K1 => Bounded(penalty, default(K1Lanes)),
        KlEstimator.K2 => Bounded(penalty, default(K2Lanes)),
        KlEstimator.K3 => Bounded(penalty, default(K3Lanes)),
        _ => Bounded(penalty, default(AbsoluteLanes)),
    };

    private static KlVectors Bounded<TLanes>(KlPenalty penalty, TLanes lanes)
        where TLanes : struct, IKlLanes =>
        double.IsFinite(penalty.ValueBound) ? Weighted(penalty, new BoundedLanes<TLanes>(lanes, penalty.ValueBound)) : Weighted(penalty, lanes);

    private static KlVectors Weighted<TLanes>(KlPenalty penalty, TLanes lanes)
        where TLanes : struct, IKlLanes =>
        penalty.TimesRatio ? new KlVectors<RatioLanes<TLanes>>(penalty, new(lanes)) : new KlVectors<TLanes>(penalty, lanes);
}

/// <summary>A penalty's token term over one vector.</summary>
internal interface IKlLanes
{
    /// <summary>κ, ∂κ/∂ℓ and the size of what κ is made of, of y = ℓ_anchor − ℓ and x = ℓ − ℓ°; returns the lanes, as masks, that only the definition tells.</summary>
    Vector512<double> At(Vector512<double> y, Vector512<double> x, out Vector512<double> value, out Vector512<double> slope, out Vector512<double> size);
}

/// <summary>A penalty over the vectors of a row.</summary>
internal sealed class KlVectors<TLanes>(KlPenalty penalty, TLanes lanes) : KlVectors
    where TLanes : struct, IKlLanes
{
    /// <inheritdoc/>
    public override bool Corrected => penalty.Corrected;

    /// <inheritdoc/>
    public override Column Against => penalty.Against;

    /// <inheritdoc/>
    public override double Add(in VectorRow row, Span<double> coefficients) => TokenLoop.Run(new PenaltyLanes(penalty, lanes, row.Column(penalty.Against)), row, coefficients);

    // −β κ and −β ∂κ/∂ℓ.
    private readonly ref struct PenaltyLanes(KlPenalty penalty, TLanes lanes, ReadOnlySpan<double> anchor) : IDefinedLanes
    {
        private readonly ReadOnlySpan<double> _anchor = anchor;
        private readonly double _largest = Math.Min(penalty.LogBound, VectorExp.Largest);
        private readonly double _minusBeta = -penalty.Beta;

        public static bool Adds => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<double> At(
            ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope)
        {
            Vector512<double> at = logp.At(t), y = _anchor.At(t) - at;
            var unsure = lanes.At(y, at - old.At(t), out var penalties, out var slopes, out _) | y.Beyond(_largest);
            (value, slope) = (_minusBeta * penalties, _minusBeta * slopes);
            return unsure;
        }

        public (double Value, double Slope) Defined(in VectorRow row, int t)
        {
            var (value, slope) = penalty.At(row.Logp[t], row.Frozen[t], row.Old[t], _anchor[t]);
            return (_minusBeta * value, _minusBeta * slope);
        }
    }
}

/// <summary><see cref="KlPenalty.ValueBound"/>: from just inside it on, the definition tells.</summary>
internal readonly struct BoundedLanes<TLanes>(TLanes lanes, double bound) : IKlLanes
    where TLanes : struct, IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(Vector512<double> y, Vector512<double> x, out Vector512<double> value, out Vector512<double> slope, out Vector512<double> size)
    {
        var unsure = lanes.At(y, x, out value, out slope, out size);
        return unsure | Vector512.GreaterThanOrEqual(Vector512.Abs(value) + (size * VectorKernel.Near), Vector512.Create(bound));
    }
}

/// <summary><see cref="KlPenalty.TimesRatio"/>.</summary>
internal readonly struct RatioLanes<TLanes>(TLanes lanes) : IKlLanes
    where TLanes : struct, IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(Vector512<double> y, Vector512<double> x, out Vector512<double> value, out Vector512<double> slope, out Vector512<double> size)
    {
        var unsure = lanes.At(y, x, out var inner, out var innerSlope, out size);
        var ratio = VectorExp.Of(x);
        value = ratio * inner;
        slope = ratio * (inner + innerSlope);
        return unsure | x.Beyond(VectorExp.Largest);
    }
}

/// <summary><see cref="KlEstimator.K1"/>.</summary>
internal readonly struct K1Lanes : IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(Vector512<double> y, Vector512<double> x, out Vector512<double> value, out Vector512<double> slope, out Vector512<double> size)
    {
        (value, slope, size) = (-y, Vector512<double>.One, Vector512<double>.Zero);
        return Vector512<double>.Zero;
    }
}

/// <summary><see cref="KlEstimator.K2"/>.</summary>
internal readonly struct K2Lanes : IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(Vector512<double> y, Vector512<double> x, out Vector512<double> value, out Vector512<double> slope, out Vector512<double> size)
    {
        (value, slope, size) = (y * y / 2, -y, Vector512<double>.Zero);
        return Vector512<double>.Zero;
    }
}

/// <summary><see cref="KlEstimator.K3"/>.</summary>
internal readonly struct K3Lanes : IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(Vector512<double> y, Vector512<double> x, out Vector512<double> value, out Vector512<double> slope, out Vector512<double> size)
    {
        var exp = VectorExp.Of(y);
        value = exp - y - Vector512<double>.One;
        slope = Vector512<double>.One - exp;
        size = exp + Vector512.Abs(y) + Vector512<double>.One;
        return Vector512<double>.Zero;
    }
}

/// <summary><see cref="KlEstimator.Absolute"/>, whose kink y = 0 a vector has to the bit.</summary>
internal readonly struct AbsoluteLanes : IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(Vector512<double> y, Vector512<double> x, out Vector512<double> value, out Vector512<double> slope, out Vector512<double> size)
    {
        var away = Vector512.ConditionalSelect(Vector512.GreaterThan(y, Vector512<double>.Zero), -Vector512<double>.One, Vector512<double>.One);
        (value, size) = (Vector512.Abs(y), Vector512<double>.Zero);
        slope = Vector512.ConditionalSelect(Vector512.Equals(y, Vector512<double>.Zero), Vector512<double>.Zero, away);
        return Vector512<double>.Zero;
    }
}
