using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>The stream of random choices.</summary>
public class DrawTests
{
    private const int Many = 100_000;

    [Fact]
    public void The_stream_is_SplitMix64()
    {
        // The reference implementation's first outputs from the seed 1234567 (Vigna, splitmix64.c).
        var draw = new Draw(1234567, 0);

        Assert.Equal(
            [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821],
            Enumerable.Range(0, 5).Select(_ => draw.Bits()));
    }

    [Fact]
    public void The_same_seed_gives_the_same_stream_and_another_seed_another()
    {
        Assert.Equal(First(7), First(7));
        Assert.NotEqual(First(7), First(8));

        static ulong[] First(ulong seed)
        {
            var draw = new Draw(seed, 50);
            return [.. Enumerable.Range(0, 100).Select(_ => draw.Bits())];
        }
    }

    [Fact]
    public void A_unit_lies_in_0_to_1_without_1_and_has_the_mean_and_variance_of_the_uniform_distribution()
    {
        var draw = new Draw(1, 0);
        double[] units = [.. Enumerable.Range(0, Many).Select(_ => draw.Unit())];

        Assert.All(units, x => Assert.True(x is >= 0 and < 1));
        // Five standard errors: √(1/12/n) for the mean, √(1/180/n) for the variance.
        Assert.Equal(0.5, units.Average(), 5 * Math.Sqrt(1.0 / 12 / Many));
        Assert.Equal(1.0 / 12, units.Average(x => (x - 0.5) * (x - 0.5)), 5 * Math.Sqrt(1.0 / 180 / Many));
    }

    [Fact]
    public void A_real_and_a_log_real_stay_between_their_ends()
    {
        var draw = new Draw(2, 0);
        for (int k = 0; k < Many; k++)
        {
            Assert.InRange(draw.Real(-3, 5), -3, 5);
            Assert.InRange(draw.LogReal(1e-6, 1e3), 1e-6 * (1 - 1e-12), 1e3 * (1 + 1e-12));
        }
    }

    [Fact]
    public void The_logarithm_of_a_log_real_is_uniform()
    {
        var draw = new Draw(3, 0);
        int below = Enumerable.Range(0, Many).Count(_ => draw.LogReal(1e-4, 1e4) < 1);

        Assert.InRange(below, (Many / 2) - (5 * Math.Sqrt(Many) / 2), (Many / 2) + (5 * Math.Sqrt(Many) / 2));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-2, 2)]
    [InlineData(0, 9)]
    [InlineData(-20, 20)]
    [InlineData(0, int.MaxValue - 1)]
    public void A_whole_number_lies_between_both_ends_included_and_all_are_equally_likely(int low, int high)
    {
        var draw = new Draw(4, 0);
        int[] numbers = [.. Enumerable.Range(0, Many).Select(_ => draw.Whole(low, high))];
        Assert.All(numbers, n => Assert.InRange(n, low, high));

        if (high - low < 100)
        {
            double expected = Many / (high - low + 1.0);
            Assert.Equal(high - low + 1, numbers.Distinct().Count());
            Assert.All(numbers.CountBy(n => n), pair => Assert.InRange(pair.Value, expected - (6 * Math.Sqrt(expected)), expected + (6 * Math.Sqrt(expected))));
        }
    }

    [Fact]
    public void Chances_signs_and_picks_come_as_often_as_they_should()
    {
        var draw = new Draw(5, 0);

        Assert.InRange(Enumerable.Range(0, Many).Count(_ => draw.Chance(0.15)), 0.145 * Many, 0.155 * Many);
        Assert.InRange(Enumerable.Range(0, Many).Sum(_ => draw.Sign()), -0.02 * Many, 0.02 * Many);
        Assert.InRange(Enumerable.Range(0, Many).Count(_ => draw.Pick("a", "b", "c") == "c"), 0.325 * Many, 0.342 * Many);
        Assert.DoesNotContain(Enumerable.Range(0, Many), _ => draw.Chance(0));
        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(draw.Chance(1)));
    }
}
