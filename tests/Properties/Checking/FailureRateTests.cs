using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>The Clopper–Pearson bound after no failure.</summary>
public class FailureRateTests
{
    [Fact]
    public void A_thousand_cases_bound_the_rate_by_0_46_percent() => Assert.Equal(0.004594582648473, FailureRate.UpperBound99(1000), 1e-11);

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1_000)]
    [InlineData(100_000)]
    [InlineData(10_000_000)]
    public void The_bound_is_one_minus_the_nth_root_of_a_hundredth(int cases)
    {
        // −expm1(ln(0.01)/n) keeps its digits where 1 − 0.01^(1/n) cancels.
        double x = Math.Log(0.01) / cases;
        double expected = Math.Abs(x) < 1e-3 ? -x * (1 + (x / 2) + (x * x / 6) + (x * x * x / 24)) : 1 - Math.Pow(0.01, 1.0 / cases);
        Assert.Equal(1, FailureRate.UpperBound99(cases) / expected, 1e-8);
    }

    [Fact]
    public void A_domain_that_fails_at_the_bound_passes_all_cases_once_in_a_hundred_searches() =>
        Assert.Equal(0.01, Math.Pow(1 - FailureRate.UpperBound99(500), 500), 1e-9);
}
