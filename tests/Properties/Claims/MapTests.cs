using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>The maps of scale and overshoot at points worked out by hand.</summary>
public sealed class MapTests
{
    [Theory]
    // (a − 1)/(a·x + 1): where √v̂ = ε, twice the gradients give (2/3)/(1/2) of the update.
    [InlineData(1, 2, 1.0 / 3)]
    [InlineData(0, 10, 9)]
    [InlineData(10, 0.1, -0.45)]
    [InlineData(99, 1, 0)]
    public void The_deviation_is_the_one_that_a_hand_computes(double root, double factor, double deviation) =>
        Assert.Equal(deviation, ScaleEdge.Predicted(root, factor), 1e-15);

    [Theory]
    // |a − 1|/(a·x + 1) = δ at x = (|a − 1|/δ − 1)/a.
    [InlineData(0.5, 2, 0.5)]
    [InlineData(0.01, 10, 89.9)]
    [InlineData(0.5, 0.1, 8)]
    public void The_deviation_passes_a_level_at_its_contour(double level, double factor, double root)
    {
        Assert.Equal(root, ScaleEdge.Contour(level, factor)!.Value, 1e-12);
        Assert.Equal(level, Math.Abs(ScaleEdge.Predicted(root, factor)), 1e-13);
    }

    [Fact]
    public void A_factor_too_near_1_never_passes_a_level() => Assert.Null(ScaleEdge.Contour(0.5, 1.5));

    [Theory]
    [InlineData("adamw")]
    [InlineData("adam")]
    [InlineData("rmsprop")]
    [InlineData("rmsprop-centered")]
    [InlineData("adagrad")]
    [InlineData("nadam")]
    public void What_is_measured_is_what_is_predicted(string optimizer)
    {
        var points = ScaleEdge.Map(OptimizerCatalogue.TryFind(optimizer)!, [0.01, 1, 100], [0.1, 10]);

        Assert.Equal(6, points.Length);
        Assert.All(points, point => Assert.Equal(point.Predicted, point.Measured, 1e-11));
    }

    [Theory]
    [InlineData("sgd", "needs a root of second moments")]
    [InlineData("adam-eps-root", "inside the root")]
    [InlineData("lion", "needs a root of second moments")]
    public void An_optimizer_without_the_edge_is_refused(string optimizer, string words)
    {
        Assert.Contains(words, ScaleEdge.Missing(OptimizerCatalogue.TryFind(optimizer)!), StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => ScaleEdge.Measured(OptimizerCatalogue.TryFind(optimizer)!, 1, 2));
    }

    [Fact]
    public void Without_an_epsilon_there_is_no_edge() => Assert.Contains(
        "Without an ε",
        ScaleEdge.Missing(new("adam", [new ScaleByAdam(Epsilon: 0), new ScaleByLearningRate(1)])),
        StringComparison.Ordinal);

    [Fact]
    public void One_step_multiplies_the_odds_by_e_to_twice_the_rate()
    {
        // Adam's first step is η·sign(g) but for ε: both logits move by η, so the odds p/(1 − p) = 1/99 grow by e^{2η}.
        double odds = Math.Exp(0.2) / 99, ratio = odds / (1 + odds) / 0.01;
        var point = OvershootMap.Run(new(0.9, 0.999, 0.1, 1, 0.2));

        Assert.Equal(ratio, point.LargestRatio, 1e-6);
        Assert.Equal((0, 0.0), (point.StepsBeyond, point.ShareBeyond));
        Assert.Equal(1.2 * Math.Exp(0.2), point.Bound, 1e-12);
    }

    [Fact]
    public void Beyond_the_region_memory_carries_on_and_its_absence_stops()
    {
        // The first step leaves [0.8, 1.2]. Without a first moment the other three stand still; with one, the second is
        // 0.09/0.19/√(0.000999/0.001999) = 0.67 of the first.
        var without = OvershootMap.Run(new(0, 0.999, 0.2, 4, 0.2));
        var with = OvershootMap.Run(new(0.9, 0.999, 0.2, 2, 0.2));

        Assert.Equal(OvershootMap.Run(new(0, 0.999, 0.2, 1, 0.2)).LargestRatio, without.LargestRatio);
        Assert.Equal((3, 0.75), (without.StepsBeyond, without.ShareBeyond));
        double odds = Math.Exp(0.4 * (1 + (0.09 / 0.19 / Math.Sqrt(0.000999 / 0.001999)))) / 99;
        Assert.Equal(odds / (1 + odds) / 0.01, with.LargestRatio, 1e-5);
    }

    [Fact]
    public void No_setting_passes_its_bound()
    {
        foreach (double beta2 in new[] { 0.999, 0.95 })
        {
            foreach (double rate in new[] { 0.003, 0.03, 0.3 })
            {
                foreach (int steps in new[] { 1, 5, 40 })
                {
                    var point = OvershootMap.Run(new(0.9, beta2, rate, steps, 0.2));
                    Assert.InRange(point.LargestRatio, 1, point.Bound);
                }
            }
        }
    }
}
