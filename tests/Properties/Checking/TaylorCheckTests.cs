using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>What the order of a Taylor remainder says of right and wrong derivatives.</summary>
public class TaylorCheckTests
{
    private const double Step = 1e-2;
    private const double Noise = 1e-15;

    public static TheoryData<string> Functions => ["exp", "sin", "cube", "logistic", "k3", "sum of exponentials"];

    [Theory]
    [MemberData(nameof(Functions))]
    public void A_right_derivative_has_order_3(string name)
    {
        var (f, slope) = Function(name);
        Assert.True(TaylorCheck.Order(f, slope, Step, Noise) >= 2.9);
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void A_derivative_3_percent_off_has_order_1(string name)
    {
        var (f, slope) = Function(name);
        Assert.Equal(1, TaylorCheck.Order(f, 1.03 * slope, Step, Noise), 0.1);
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void A_derivative_one_part_in_a_million_off_is_refuted(string name)
    {
        var (f, slope) = Function(name);
        Assert.True(TaylorCheck.Order(f, (1 + 1e-6) * slope, Step, Noise) < TaylorCheck.LeastOrder);
        Assert.True(TaylorCheck.Order(f, (1 - 1e-6) * slope, Step, Noise) < TaylorCheck.LeastOrder);
    }

    [Fact]
    public void An_error_within_rounding_is_not_seen()
    {
        var (f, slope) = Function("exp");
        Assert.True(TaylorCheck.Order(f, (1 + 1e-13) * slope, Step, Noise) >= TaylorCheck.LeastOrder);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3.7)]
    [InlineData(-1e8)]
    public void A_linear_function_leaves_no_remainder(double slope) =>
        Assert.Equal(double.PositiveInfinity, TaylorCheck.Order(h => 2 + (slope * h), slope, Step, Noise * (2 + Math.Abs(slope))));

    [Fact]
    public void An_even_function_leaves_no_odd_remainder() =>
        Assert.Equal(double.PositiveInfinity, TaylorCheck.Order(h => Math.Cos(h), 0, Step, Noise));

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.1)]
    [InlineData(0)]
    public void A_kink_within_the_step_is_of_order_below_2(double where)
    {
        // The slope of one side; the other side's is 0 beyond the kink.
        double kink = where * Step / 16;
        Assert.True(TaylorCheck.Order(h => Math.Min(h, kink), 1, Step, Noise) < TaylorCheck.LeastOrder);
    }

    [Fact]
    public void A_value_that_is_not_a_number_is_never_of_a_right_order() =>
        Assert.False(new Measurement(TaylorCheck.Order(_ => double.NaN, 1, Step, Noise), TaylorCheck.LeastOrder, AtLeast: true).Holds);

    private static (Func<double, double> F, double Slope) Function(string name) => name switch
    {
        "exp" => (Math.Exp, 1),
        "sin" => (h => Math.Sin(1 + h), Math.Cos(1)),
        "cube" => (h => Math.Pow(1 + h, 3), 3),
        "logistic" => (h => 1 / (1 + Math.Exp(-1 - h)), Math.Exp(-1) / Math.Pow(1 + Math.Exp(-1), 2)),
        "k3" => (h => Math.Exp(0.3 - h) - (0.3 - h) - 1, 1 - Math.Exp(0.3)),
        _ => (h => (0.3 * Math.Exp(0.5 * h)) - (0.7 * Math.Exp(-0.8 * h)), (0.3 * 0.5) + (0.7 * 0.8)),
    };
}
