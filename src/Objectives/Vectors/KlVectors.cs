using System.Numerics;
using System.Runtime.CompilerServices;

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
    public abstract double Add(in VectorRow row, TokenValues weights, Span<double> coefficients);

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
    Vector<long> At(Vector<double> y, Vector<double> x, out Vector<double> value, out Vector<double> slope, out Vector<double> size);
}

/// <summary>A penalty over the vectors of a row.</summary>
internal sealed class KlVectors<TLanes>(KlPenalty penalty, TLanes lanes) : KlVectors
    where TLanes : struct, IKlLanes
{
    private readonly double _largest = Math.Min(penalty.LogBound, VectorExp.Largest);

    /// <inheritdoc/>
    public override bool Corrected => penalty.Corrected;

    /// <inheritdoc/>
    public override Column Against => penalty.Against;

    /// <inheritdoc/>
    public override double Add(in VectorRow row, TokenValues weights, Span<double> coefficients)
    {
        // Locals, which the compiler keeps in registers.
        var each = lanes;
        ReadOnlySpan<double> logp = row.Logp, old = row.Old, anchor = row.Column(penalty.Against), before = coefficients;
        int width = Vector<double>.Count, t = 0;
        Vector<double> sum = default, check = default, minusBeta = new(-penalty.Beta);
        double rest = 0;
        for (; t <= logp.Length - width; t += width)
        {
            var at = logp.At(t);
            var y = anchor.At(t) - at;
            var unsure = each.At(y, at - old.At(t), out var value, out var slope, out _) | y.Beyond(_largest);
            if (unsure == Vector<long>.Zero)
            {
                var weight = weights.At(t);
                sum = Vector.FusedMultiplyAdd(weight, value, sum);
                var coefficient = Vector.FusedMultiplyAdd(minusBeta, weight * slope, before.At(t));
                check = Vector.FusedMultiplyAdd(coefficient, Vector<double>.Zero, check);
                coefficients.Set(t, coefficient);
            }
            else
            {
                rest += Defined(row.Slice(t, width), weights.Slice(t, width), coefficients[t..]);
            }
        }

        int left = row.Length - t;
        return -penalty.Beta * (Vector.Sum(sum) + Vector.Sum(check) + rest + Defined(row.Slice(t, left), weights.Slice(t, left), coefficients[t..]));
    }

    private double Defined(in VectorRow row, TokenValues weights, Span<double> coefficients)
    {
        var anchor = row.Column(penalty.Against);
        double sum = 0;
        for (int t = 0; t < row.Length; t++)
        {
            var (value, slope) = penalty.At(row.Logp[t], row.Frozen[t], row.Old[t], anchor[t]);
            coefficients[t] -= penalty.Beta * (weights[t] * slope);
            sum += (weights[t] * value) + (0 * coefficients[t]);
        }

        return sum;
    }
}

/// <summary><see cref="KlPenalty.ValueBound"/>: from just inside it on, the definition tells.</summary>
internal readonly struct BoundedLanes<TLanes>(TLanes lanes, double bound) : IKlLanes
    where TLanes : struct, IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> y, Vector<double> x, out Vector<double> value, out Vector<double> slope, out Vector<double> size)
    {
        var unsure = lanes.At(y, x, out value, out slope, out size);
        return unsure | Vector.GreaterThanOrEqual(Vector.Abs(value) + (size * VectorKernel.Near), new Vector<double>(bound));
    }
}

/// <summary><see cref="KlPenalty.TimesRatio"/>.</summary>
internal readonly struct RatioLanes<TLanes>(TLanes lanes) : IKlLanes
    where TLanes : struct, IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> y, Vector<double> x, out Vector<double> value, out Vector<double> slope, out Vector<double> size)
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
    public Vector<long> At(Vector<double> y, Vector<double> x, out Vector<double> value, out Vector<double> slope, out Vector<double> size)
    {
        (value, slope, size) = (-y, Vector<double>.One, Vector<double>.Zero);
        return Vector<long>.Zero;
    }
}

/// <summary><see cref="KlEstimator.K2"/>.</summary>
internal readonly struct K2Lanes : IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> y, Vector<double> x, out Vector<double> value, out Vector<double> slope, out Vector<double> size)
    {
        (value, slope, size) = (y * y / 2, -y, Vector<double>.Zero);
        return Vector<long>.Zero;
    }
}

/// <summary><see cref="KlEstimator.K3"/>.</summary>
internal readonly struct K3Lanes : IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> y, Vector<double> x, out Vector<double> value, out Vector<double> slope, out Vector<double> size)
    {
        var exp = VectorExp.Of(y);
        value = exp - y - Vector<double>.One;
        slope = Vector<double>.One - exp;
        size = exp + Vector.Abs(y) + Vector<double>.One;
        return Vector<long>.Zero;
    }
}

/// <summary><see cref="KlEstimator.Absolute"/>, whose kink y = 0 a vector has to the bit.</summary>
internal readonly struct AbsoluteLanes : IKlLanes
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<long> At(Vector<double> y, Vector<double> x, out Vector<double> value, out Vector<double> slope, out Vector<double> size)
    {
        var away = Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<double>.Zero), -Vector<double>.One, Vector<double>.One);
        (value, size) = (Vector.Abs(y), Vector<double>.Zero);
        slope = Vector.ConditionalSelect(Vector.Equals(y, Vector<double>.Zero), Vector<double>.Zero, away);
        return Vector<long>.Zero;
    }
}
