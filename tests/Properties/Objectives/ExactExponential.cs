using System.Numerics;

namespace GroupRL.Properties.Objectives;

/// <summary>eˣ in whole numbers of 2⁻¹³⁰⁰: far more digits than any float64 between e⁻⁷⁰⁰ and e⁷⁰⁰ has.</summary>
internal static class ExactExponential
{
    private const int Bits = 1300;

    // x is halved this often before the series and the result squared as often.
    private const int Halvings = 16;

    /// <summary>How far <paramref name="value"/> is from eˣ, in units in the last place of <paramref name="value"/>.</summary>
    public static double UlpsFrom(double value, double x)
    {
        double ulp = Math.BitIncrement(value) - value;
        var distance = BigInteger.Abs(Fixed(value) - Of(x));
        // Over 2⁻²⁰ ulps, so that the quotient keeps its fraction.
        return (double)(distance / (Fixed(ulp) >> 20)) / (1 << 20);
    }

    private static BigInteger Of(double x)
    {
        BigInteger small = Fixed(x) >> Halvings, term = BigInteger.One << Bits, sum = term;
        for (int k = 1; !term.IsZero && term != BigInteger.MinusOne; k++)
        {
            term = (term * small >> Bits) / k;
            sum += term;
        }

        for (int k = 0; k < Halvings; k++)
            sum = sum * sum >> Bits;
        return sum;
    }

    private static BigInteger Fixed(double x)
    {
        long bits = BitConverter.DoubleToInt64Bits(x), mantissa = (bits & ((1L << 52) - 1)) | (1L << 52);
        int exponent = (int)((bits >> 52) & 0x7FF) - 1075;
        var scaled = exponent + Bits >= 0 ? (BigInteger)mantissa << (exponent + Bits) : (BigInteger)mantissa >> -(exponent + Bits);
        return x == 0 ? 0 : x < 0 ? -scaled : scaled;
    }
}
