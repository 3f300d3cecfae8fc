using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GroupRL.Objectives;

/// <summary>eˣ of a vector of float64, within <see cref="Ulps"/> of the exact number where |x| ≤ <see cref="Largest"/>.</summary>
/// <remarks>
/// x = n·ln 2 + r with n the nearest whole number, so |r| ≤ R = 0.3466, and eˣ = 2ⁿ·eʳ, eʳ = 1 + r + r²·q(r). q is Σ rᵏ/(k + 2)! up to k = 14, from which multiples of the
/// Chebyshev polynomials Tₖ(r/R), k = 14 down to 10, took the powers above the ninth (economisation: each leaves the least that a power can). What that leaves
/// out, with the rounding of the coefficients, is below ⅛ in units of 2⁻⁵³. In these units: n·ln 2 in two parts, each product fused, rounds r by at most ¼; q and its
/// product with r² round by at most ⅜, their sum with r by at most ¼; the sum with 1 by half an ulp of the result. An ulp of a result in [½, 1) is 2⁻⁵³, so the
/// bound is ½ + ¼ + ⅜ + ¼ + ⅛ = 1.5 ulps (docs/performance.md); multiplying by 2ⁿ is exact.
/// </remarks>
internal static class VectorExp
{
    /// <summary>How far a result may be from the exact one, in units in its last place.</summary>
    public const double Ulps = 1.5;

    /// <summary>The largest |x|, in nats, for which 2ⁿ and the result are normal numbers.</summary>
    public const double Largest = 700;

    // 1.5·2⁵²: adding it leaves a whole number in the last bits.
    private const double Shift = 6755399441055744;

    // ln 2 = High + Low; High has 21 trailing zero bits, so that n·High is exact.
    private const double High = 6.93147180369123816490e-01;
    private const double Low = 1.90821492927058770002e-10;

    private const double Q0 = 0.5000000000000001;
    private const double Q1 = 0.1666666666666667;
    private const double Q2 = 0.04166666666662416;
    private const double Q3 = 0.008333333333326141;
    private const double Q4 = 0.0013888888917198588;
    private const double Q5 = 0.00019841269874802133;
    private const double Q6 = 2.4801521319879713e-05;
    private const double Q7 = 2.7557255423942276e-06;
    private const double Q8 = 2.762007691609021e-07;
    private const double Q9 = 2.5105207029991688e-08;

    /// <summary>The coefficients of q, from the constant on.</summary>
    public static ReadOnlySpan<double> Polynomial => [Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9];

    /// <summary>eˣ; for |x| beyond <see cref="Largest"/> any number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Of(Vector512<double> x) => Vector512.IsHardwareAccelerated ? Inlined(x) : LaneByLane(x);

    // Where .NET makes a vector of narrower ones the polynomial is more than its compiler inlines, and every operation a call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<double> LaneByLane(Vector512<double> x)
    {
        Span<double> lanes = stackalloc double[Vector512<double>.Count];
        x.CopyTo(lanes);
        foreach (ref double lane in lanes)
            lane = Math.Exp(lane);
        return Vector512.Create<double>(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Inlined(Vector512<double> x)
    {
        var shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1 / 0.69314718055994530942), Vector512.Create(Shift));
        var n = shifted - Vector512.Create(Shift);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Low), Vector512.FusedMultiplyAdd(n, Vector512.Create(-High), x));

        // Estrin's scheme: pairs of coefficients, pairs of pairs, so that products do not wait for one another.
        Vector512<double> r2 = r * r, r4 = r2 * r2;
        var q01 = Vector512.FusedMultiplyAdd(r, Vector512.Create(Q1), Vector512.Create(Q0));
        var q23 = Vector512.FusedMultiplyAdd(r, Vector512.Create(Q3), Vector512.Create(Q2));
        var q45 = Vector512.FusedMultiplyAdd(r, Vector512.Create(Q5), Vector512.Create(Q4));
        var q67 = Vector512.FusedMultiplyAdd(r, Vector512.Create(Q7), Vector512.Create(Q6));
        var q89 = Vector512.FusedMultiplyAdd(r, Vector512.Create(Q9), Vector512.Create(Q8));
        var low = Vector512.FusedMultiplyAdd(r2, q23, q01);
        var high = Vector512.FusedMultiplyAdd(r4, q89, Vector512.FusedMultiplyAdd(r2, q67, q45));
        var q = Vector512.FusedMultiplyAdd(r4, high, low);
        var mantissa = Vector512<double>.One + Vector512.FusedMultiplyAdd(r2, q, r);
        return Vector512.AsDouble(Vector512.AsInt64(mantissa) + (Vector512.AsInt64(shifted) << 52));
    }
}
