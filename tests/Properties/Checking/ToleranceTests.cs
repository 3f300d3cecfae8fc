using System.Numerics;
using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>The error bounds against exact arithmetic: float64 numbers are fractions of powers of two, so exact sums exist.</summary>
public class ToleranceTests
{
    // Every float64 times 2¹⁰⁷⁴ is a whole number.
    private const int Shift = 1074;

    public static TheoryData<string> Data => ["uniform", "cancelling", "decimals", "wide", "alternating", "one large", "nearly equal"];

    [Theory]
    [MemberData(nameof(Data))]
    public void The_error_of_a_sum_in_any_order_is_within_the_bound(string kind)
    {
        double closest = 0;
        for (ulong seed = 0; seed < 2000; seed++)
        {
            var draw = new Draw(seed, 50);
            double[] terms = Make(draw, kind, draw.Whole(2, 60));
            double bound = Tolerance.Summation(terms.Length, terms.Sum(Math.Abs));
            foreach (double[] order in new[] { terms, [.. terms.Reverse()], [.. terms.Order()], [.. terms.OrderByDescending(Math.Abs)] })
            {
                double error = Error(Naive(order), Exact(terms));
                Assert.True(error <= bound, $"seed {seed}: error {error:R}, bound {bound:R}");
                closest = bound == 0 ? closest : Math.Max(closest, error / bound);
            }
        }

        // A bound a thousand times too wide would pass all of this and mean nothing.
        Assert.True(kind is "wide" or "one large" || closest > 1e-3, $"the bound was never nearer than a factor of {1 / closest:G3}");
    }

    [Fact]
    public void The_bound_on_a_sum_is_nearly_attained_by_halves_of_an_ulp()
    {
        // 1 and then terms just above half an ulp of it, each of which rounds up by nearly half an ulp.
        double[] terms = [1, .. Enumerable.Repeat(Math.BitIncrement(Tolerance.UnitRoundoff), 30)];
        double error = Error(Naive(terms), Exact(terms));

        Assert.InRange(error / Tolerance.Summation(terms.Length, terms.Sum()), 0.9, 1);
    }

    [Fact]
    public void The_unit_roundoff_is_half_of_the_spacing_at_1()
    {
        Assert.Equal(Tolerance.UnitRoundoff, (Math.BitIncrement(1.0) - 1) / 2);
        Assert.Equal(Tolerance.UnitRoundoff, Tolerance.Roundings(1), 1e-30);
        Assert.Equal(100 * Tolerance.UnitRoundoff, Tolerance.Roundings(100), 1e-27);
    }

    [Theory]
    [MemberData(nameof(Data))]
    public void The_rounding_of_a_centred_reward_is_within_the_bound_in_any_order(string kind)
    {
        for (ulong seed = 0; seed < 2000; seed++)
        {
            var draw = new Draw(seed, 50);
            double[] rewards = Make(draw, kind, draw.Whole(2, 12));
            double bound = Tolerance.Centring(rewards), spread = Spread(rewards);
            foreach (double[] order in new[] { rewards, [.. rewards.Reverse()], [.. rewards.Order()] })
            {
                double mean = Naive(order) / order.Length;
                foreach (double reward in rewards)
                {
                    double error = CentringError(reward - mean, reward, rewards);
                    // Relative to the largest difference, in float64, as its users have it.
                    Assert.True(error <= bound * spread, $"seed {seed}: error {error:R}, bound {bound:R} of {spread:R}");
                }
            }
        }
    }

    [Fact]
    public void Centring_amplifies_rounding_by_how_large_the_rewards_are_beside_their_spread()
    {
        Assert.Equal(Tolerance.Roundings(4) * 3, Tolerance.Centring([1, -1]), 1e-30);
        Assert.InRange(Tolerance.Centring([1e8, 1e8 + 1]), 1e8 * Tolerance.UnitRoundoff, 1e10 * Tolerance.UnitRoundoff);
        Assert.Equal(0, Tolerance.Centring([0, 0]));
        Assert.Equal(1, Tolerance.Centring([0.5, 0.5]));
        // 0.1 + 0.1 + 0.1 is not 3·0.1, so every difference from the mean is rounding.
        Assert.InRange(Tolerance.Centring([0.1, 0.1, 0.1]), 1, 100);
    }

    private static double[] Make(Draw draw, string kind, int count)
    {
        double offset = draw.Real(-1, 1), scale = draw.Pick(1, 1e-8, 1e8);
        return [.. Enumerable.Range(0, count).Select(k => scale * (kind switch
        {
            "uniform" => draw.Real(-1, 1),
            "cancelling" => (k % 2 == 0 ? 1 : -1) * (1e6 + draw.Real(0, 1e-3)),
            "decimals" => draw.Whole(-20, 20) / 10.0,
            "wide" => draw.Sign() * draw.LogReal(1e-12, 1e12),
            "alternating" => (k % 2 == 0 ? 1 : -1) / (double)(k + 1),
            "one large" => k == 0 ? 1e15 : draw.Real(-1, 1),
            _ => offset + (draw.Whole(-3, 3) * 1e-15),
        }))];
    }

    private static double Naive(double[] terms)
    {
        double sum = 0;
        foreach (double term in terms)
            sum += term;
        return sum;
    }

    private static double Spread(double[] rewards)
    {
        double mean = Naive(rewards) / rewards.Length;
        return rewards.Max(reward => Math.Abs(reward - mean));
    }

    private static BigInteger Exact(double[] terms) => terms.Aggregate(BigInteger.Zero, (sum, term) => sum + Whole(term));

    private static double Error(double value, BigInteger exact) => Unscaled(BigInteger.Abs(Whole(value) - exact), 1);

    // |difference − (reward − ΣR/G)|: all times G, to stay whole.
    private static double CentringError(double difference, double reward, double[] rewards) =>
        Unscaled(BigInteger.Abs((rewards.Length * (Whole(difference) - Whole(reward))) + Exact(rewards)), rewards.Length);

    private static BigInteger Whole(double value)
    {
        if (value == 0)
            return 0;
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52);
        return new BigInteger(value < 0 ? -mantissa : mantissa) << (Math.Max(exponent, 1) - 1075 + Shift);
    }

    private static double Unscaled(BigInteger scaled, int divisor)
    {
        // 2¹⁰⁷⁴ is beyond float64; keep 64 bits of the quotient and put the power of two back.
        int drop = Math.Max(0, (int)scaled.GetBitLength() - 64);
        return Math.ScaleB((double)(scaled >> drop), drop - Shift) / divisor;
    }
}
