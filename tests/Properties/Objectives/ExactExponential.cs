using System.Numerics;

namespace GroupRL.Properties.Objectives;

/// <summary>eˣ in whole numbers of a power of ½: far more digits than a float64 has.</summary>
internal static class ExactExponential
{
    // x is halved this often before the series and the result squared as often, which doubles an error each time.
    private const int Halvings = 16;

    /// <summary>How far <paramref name="value"/> is from eˣ, in units in the last place of <paramref name="value"/>.</summary>
    public static double UlpsFrom(double value, double x)
    {
        // For the digits of x, for those before the first of eˣ, and 140 beside what the squarings lose.
        int bits = 160 + Halvings - (int)Math.Min(0, Math.Log2(Math.Max(Math.Abs(x), double.Epsilon))) + (int)(Math.Abs(x) / Math.Log(2));
        double ulp = Math.BitIncrement(value) - value;
        var distance = BigInteger.Abs(Fixed(value, bits) - Of(x, bits));
        // Over 2⁻²⁰ ulps, so that the quotient keeps its fraction.
        return (double)(distance / (Fixed(ulp, bits) >> 20)) / (1 << 20);
    }

    private static BigInteger Of(double x, int bits)
    {
        BigInteger small = Fixed(x, bits) >> Halvings, term = BigInteger.One << bits, sum = term;
        for (int k = 1; !term.IsZero && term != BigInteger.MinusOne; k++)
        {
            term = (term * small >> bits) / k;
            sum += term;
        }

        for (int k = 0; k < Halvings; k++)
            sum = sum * sum >> bits;
        return sum;
    }

    private static BigInteger Fixed(double x, int bits)
    {
        long pattern = BitConverter.DoubleToInt64Bits(x), mantissa = (pattern & ((1L << 52) - 1)) | (1L << 52);
        int exponent = (int)((pattern >> 52) & 0x7FF) - 1075;
        var scaled = exponent + bits >= 0 ? (BigInteger)mantissa << (exponent + bits) : (BigInteger)mantissa >> -(exponent + bits);
        return x == 0 ? 0 : x < 0 ? -scaled : scaled;
    }
}
