using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GroupRL.Objectives;

/// <summary>A token's term over one vector.</summary>
internal interface ITokenLanes
{
    /// <summary>
    /// φ and ∂φ/∂ℓ of the tokens from <paramref name="t"/> on, lane by lane, of ℓ, the batch's own ℓ, ℓ° and A; returns the lanes, as masks, that are too near to a
    /// kink or too far out, so that only the definition tells. It loads what it needs and no more.
    /// </summary>
    Vector512<double> At(
        ReadOnlySpan<double> logp, ReadOnlySpan<double> frozen, ReadOnlySpan<double> old, TokenValues advantages, int t, out Vector512<double> value, out Vector512<double> slope);
}

/// <summary>A token's term over one vector, with its definition.</summary>
internal interface IDefinedLanes : ITokenLanes
{
    /// <summary>Whether coefficients are added to those that are there.</summary>
    static virtual bool Adds => false;

    /// <summary>φ and ∂φ/∂ℓ of token <paramref name="t"/> as they are defined.</summary>
    (double Value, double Slope) Defined(in VectorRow row, int t);
}

/// <summary>Which lanes only the definition tells.</summary>
internal static class Unsure
{
    /// <summary>Those further than <paramref name="bound"/> from 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Beyond(this Vector512<double> x, double bound) => Vector512.GreaterThan(Vector512.Abs(x), Vector512.Create(bound));

    /// <summary>Those whose rounding may put them on either side of <paramref name="bound"/>, a ratio; none of an infinite one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> IsNear(this Vector512<double> ratio, double bound) => double.IsFinite(bound)
        ? Vector512.LessThanOrEqual(Vector512.Abs(ratio - Vector512.Create(bound)), Vector512.Create(bound * VectorKernel.Near))
        : Vector512<double>.Zero;
}

/// <summary>The loop over the vectors of a row, or of a stretch of it.</summary>
internal static class TokenLoop
{
    private static int Width => Vector512<double>.Count;

    /// <summary>Writes or adds w·∂φ/∂ℓ, shape [n], and returns Σ w·φ, NaN where a coefficient is no finite number.</summary>
    public static double Run<TLanes>(in TLanes lanes, in VectorRow row, Span<double> coefficients)
        where TLanes : struct, IDefinedLanes, allows ref struct
    {
        Vector512<double> sum = default, check = default;
        double rest = 0;
        int t = Sure(lanes, row, 0, coefficients, ref sum, ref check);
        for (; t <= row.Length - Width; t = Sure(lanes, row, t + Width, coefficients, ref sum, ref check))
            rest += Defined(lanes, row, t, t + Width, coefficients);
        return Vector512.Sum(sum) + Vector512.Sum(check) + rest + Defined(lanes, row, t, row.Length, coefficients);
    }

    // Goes on from t as long as every lane is sure, and returns where it stopped. A method of its own that calls nothing and works on locals: so the compiler keeps the
    // sums in registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Sure<TLanes>(in TLanes lanes, in VectorRow row, int t, Span<double> coefficients, ref Vector512<double> sum, ref Vector512<double> check)
        where TLanes : struct, IDefinedLanes, allows ref struct
    {
        var each = lanes;
        ReadOnlySpan<double> logp = row.Logp, frozen = row.Frozen, old = row.Old, before = coefficients;
        TokenValues weights = row.Weights, advantages = row.Advantages;
        Vector512<double> values = sum, checks = check;
        for (; t <= logp.Length - Width; t += Width)
        {
            if (each.At(logp, frozen, old, advantages, t, out var value, out var slope) != Vector512<double>.Zero)
                break;
            var weight = weights.At(t);
            values = Vector512.FusedMultiplyAdd(weight, value, values);
            var coefficient = TLanes.Adds ? Vector512.FusedMultiplyAdd(weight, slope, before.At(t)) : weight * slope;
            checks = Vector512.FusedMultiplyAdd(coefficient, Vector512<double>.Zero, checks);
            coefficients.Set(t, coefficient);
        }

        (sum, check) = (values, checks);
        return t;
    }

    private static double Defined<TLanes>(in TLanes lanes, in VectorRow row, int start, int end, Span<double> coefficients)
        where TLanes : struct, IDefinedLanes, allows ref struct
    {
        double sum = 0;
        for (int t = start; t < end; t++)
        {
            var (value, slope) = lanes.Defined(row, t);
            coefficients[t] = (TLanes.Adds ? coefficients[t] : 0) + (row.Weights[t] * slope);
            sum += (row.Weights[t] * value) + (0 * coefficients[t]);
        }

        return sum;
    }
}
