using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>Measured against bound.</summary>
public class MeasurementTests
{
    [Theory]
    [InlineData(1, 1, false, true)]
    [InlineData(1.0000001, 1, false, false)]
    [InlineData(0, 0, false, true)]
    [InlineData(1e-300, 0, false, false)]
    [InlineData(3, 2, true, true)]
    [InlineData(1.9, 2, true, false)]
    [InlineData(double.PositiveInfinity, 2, true, true)]
    [InlineData(double.NaN, 1, false, false)]
    [InlineData(double.NaN, double.PositiveInfinity, false, false)]
    [InlineData(double.NaN, 2, true, false)]
    [InlineData(1, double.NaN, false, false)]
    [InlineData(0, double.NaN, false, false)]
    [InlineData(1, double.NaN, true, false)]
    public void A_bound_is_kept_or_not_and_nothing_that_is_not_a_number_keeps_one(double measured, double bound, bool atLeast, bool holds) =>
        Assert.Equal(holds, new Measurement(measured, bound, AtLeast: atLeast).Holds);

    // Pairs of which the second is worse.
    [Theory]
    [InlineData(1, 2, 3, 2)]
    [InlineData(1, 2, 1.5, 2)]
    [InlineData(5, 10, 1e-20, 1e-21)]
    [InlineData(0, 0, 1e-300, 0)]
    [InlineData(9, 10, double.NaN, 10)]
    [InlineData(0, 0, 1, double.NaN)]
    [InlineData(0, 0, 0, double.NaN)]
    [InlineData(1, double.PositiveInfinity, 3, 2)]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity, 3, 2)]
    public void The_worst_of_two_is_the_one_nearer_to_breaking_its_bound_whichever_comes_first(
        double measured, double bound, double worseMeasured, double worseBound)
    {
        var better = new Measurement(measured, bound, Group: 1);
        var worse = new Measurement(worseMeasured, worseBound, Group: 2);

        Assert.Equal(2, better.Worst(worse).Group);
        Assert.Equal(2, worse.Worst(better).Group);
    }

    [Fact]
    public void The_worst_of_two_lower_bounds_is_the_one_further_below()
    {
        var better = new Measurement(3, 2, Group: 1, AtLeast: true);
        var worse = new Measurement(1, 2, Group: 2, AtLeast: true);

        Assert.Equal(2, better.Worst(worse).Group);
        Assert.Equal(2, worse.Worst(better).Group);
        Assert.Equal(2, better.Worst(new(double.NaN, 2, Group: 2, AtLeast: true)).Group);
    }

    [Fact]
    public void A_measurement_that_breaks_its_bound_is_never_lost_among_those_that_keep_theirs()
    {
        double[] numbers = [0, 1e-300, 1, 2, double.PositiveInfinity, double.NaN];
        foreach (double a in numbers)
        {
            foreach (double b in numbers)
            {
                foreach (double c in numbers)
                {
                    foreach (double d in numbers)
                    {
                        Measurement left = new(a, b), right = new(c, d);
                        Assert.Equal(left.Holds && right.Holds, left.Worst(right).Holds);
                    }
                }
            }
        }
    }

    [Fact]
    public void Only_a_claim_that_holds_has_a_bound_on_its_failure_rate()
    {
        foreach (var kind in Enum.GetValues<VerdictKind>())
            Assert.Equal(kind == VerdictKind.Holds, new Verdict { Kind = kind, Cases = 10 }.FailureRateBound is not null);
    }
}
