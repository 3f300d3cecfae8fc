using System.Numerics;
using System.Runtime.CompilerServices;

namespace GroupRL.Objectives;

/// <summary>eˣ of a vector of float64, within <see cref="Ulps"/> of the exact number where |x| ≤ <see cref="Largest"/>.</summary>
/// <remarks>
/// x = n·ln 2 + r with n the nearest whole number, so |r| ≤ 0.3466, and eˣ = 2ⁿ·eʳ, eʳ = 1 + r + r²·q(r) with q the Taylor polynomial up to r¹³/13!.
/// What that leaves out is below r¹⁴/14! &lt; 2⁻⁵⁷. In units of 2⁻⁵³: n·ln 2 in two parts, each product fused, rounds r by at most ¼; q and its
/// product with r² round by at most ⅜, their sum with r by at most ¼; the sum with 1 by half an ulp of the result. An ulp of a result in [½, 1) is 2⁻⁵³, so the
/// bound is ½ + ¼ + ⅜ + ¼ + 2⁻⁴ &lt; 1.5 ulps (docs/performance.md); multiplying by 2ⁿ is exact.
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

    /// <summary>eˣ; for |x| beyond <see cref="Largest"/> any number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Of(Vector<double> x)
    {
        var shifted = Vector.FusedMultiplyAdd(x, new Vector<double>(1 / 0.69314718055994530942), new Vector<double>(Shift));
        var n = shifted - new Vector<double>(Shift);
        var r = Vector.FusedMultiplyAdd(n, new Vector<double>(-Low), Vector.FusedMultiplyAdd(n, new Vector<double>(-High), x));

        // Estrin's scheme: pairs of coefficients, pairs of pairs, so that products do not wait for one another.
        Vector<double> r2 = r * r, r4 = r2 * r2;
        var q01 = Vector.FusedMultiplyAdd(r, new Vector<double>(1 / 6.0), new Vector<double>(1 / 2.0));
        var q23 = Vector.FusedMultiplyAdd(r, new Vector<double>(1 / 120.0), new Vector<double>(1 / 24.0));
        var q45 = Vector.FusedMultiplyAdd(r, new Vector<double>(1 / 5040.0), new Vector<double>(1 / 720.0));
        var q67 = Vector.FusedMultiplyAdd(r, new Vector<double>(1 / 362880.0), new Vector<double>(1 / 40320.0));
        var q89 = Vector.FusedMultiplyAdd(r, new Vector<double>(1 / 39916800.0), new Vector<double>(1 / 3628800.0));
        var q1011 = Vector.FusedMultiplyAdd(r, new Vector<double>(1 / 6227020800.0), new Vector<double>(1 / 479001600.0));
        var low = Vector.FusedMultiplyAdd(r2, q23, q01);
        var middle = Vector.FusedMultiplyAdd(r2, q67, q45);
        var high = Vector.FusedMultiplyAdd(r2, q1011, q89);
        var q = Vector.FusedMultiplyAdd(r4, Vector.FusedMultiplyAdd(r4, high, middle), low);
        var mantissa = Vector<double>.One + Vector.FusedMultiplyAdd(r2, q, r);
        return Vector.AsVectorDouble(Vector.AsVectorInt64(mantissa) + (Vector.AsVectorInt64(shifted) << 52));
    }
}
