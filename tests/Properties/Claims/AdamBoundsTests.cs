using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>What Adam's decay rates say alone, against numbers worked out apart from the code and against Adam itself.</summary>
public sealed class AdamBoundsTests
{
    private static readonly AdamBounds s_default = new(0.9, 0.999), s_short = new(0.9, 0.95);

    [Fact]
    public void The_largest_updates_are_known_numbers()
    {
        // U(1) = 1. U(∞) = (1 − β₁)/√((1 − β₂)(1 − β₁²/β₂)): 0.1/√(0.001·0.189189…) = 7.2703 and 0.1/√(0.05·0.147368…) = 1.16496.
        Assert.Equal(1, s_default.LargestUpdate(1), 1e-13);
        Assert.Equal(1, s_short.LargestUpdate(1), 1e-13);
        Assert.Equal(7.2703, s_default.LargestUpdateLimit, 5e-5);
        Assert.Equal(1.16496, s_short.LargestUpdateLimit, 5e-6);
        Assert.Equal(s_default.LargestUpdateLimit, s_default.LargestUpdate(100_000), 1e-12);
    }

    [Fact]
    public void The_tails_add_to_known_numbers()
    {
        // ρ = 0.9/√0.999 = 0.900450…, ρ/(1 − ρ) = 9.045; with bias corrections 10.171 at worst, after 22 steps; 5.006 after one.
        Assert.Equal(9.045, s_default.TailTotalLimit, 5e-4);
        Assert.Equal(5.006, s_default.TailTotal(1), 5e-4);
        Assert.Equal((22, 10.171), (s_default.WorstTail(1000).T, Math.Round(s_default.WorstTail(1000).Total, 3)));
        Assert.Equal(12.05, s_short.TailTotalLimit, 5e-3);
        Assert.Equal((27, 12.380), (s_short.WorstTail(1000).T, Math.Round(s_short.WorstTail(1000).Total, 3)));
        Assert.Equal(s_default.TailTotalLimit, s_default.TailTotal(100_000), 1e-9);
    }

    [Fact]
    public void The_brackets_end_at_known_numbers()
    {
        // (1 + 9.0452)·7.2703 = 73.03, (1 + 12.052)·1.16496 = 15.20.
        Assert.Equal(73.03, s_default.BracketLimit, 5e-3);
        Assert.Equal(15.20, s_short.BracketLimit, 5e-3);
        Assert.Equal(1, s_default.Bracket(1), 1e-13);
        // Two steps: leave at the first and take 0.09/0.19/√(0.000999/0.001999) more, or leave at the second.
        double later = 0.09 / 0.19 / Math.Sqrt(0.000999 / 0.001999);
        Assert.Equal(Math.Max(1 + later, s_default.LargestUpdate(2)), s_default.Bracket(2), 1e-13);
        Assert.Equal(1.2 * Math.Exp(2 * 0.01 * (1 + later)), s_default.LargestRatio(0.01, 2, 0.2), 1e-13);
    }

    [Theory]
    [InlineData(0.9, 0.999)]
    [InlineData(0.9, 0.95)]
    [InlineData(0, 0.9)]
    public void Gradients_in_the_ratio_of_the_betas_attain_the_largest_update_and_its_tail(double beta1, double beta2)
    {
        var bounds = new AdamBounds(beta1, beta2);
        for (int t = 1; t <= 12; t++)
        {
            // Of gₛ ∝ (β₁/β₂)^(t−s) the last one is 1; without a first moment it is the only one.
            double[] gradients = [.. Enumerable.Range(1, t).Select(s => Math.Pow(beta1 / beta2, t - s)), 0, 0, 0];
            double[] updates = Updates(beta1, beta2, gradients);
            Assert.Equal(bounds.LargestUpdate(t), updates[t - 1], 1e-12);
            for (int k = 1; k <= 3; k++)
                Assert.Equal(bounds.Tail(t, k) * updates[t - 1], updates[t - 1 + k], 1e-12);
        }
    }

    [Theory]
    [InlineData(0.9, 0.81, "β₂ must be above β₁² = 0.81")]
    [InlineData(0.9, 1, "below 1")]
    [InlineData(1, 0.999, "β₁ must be at least 0 and below 1; got 1")]
    [InlineData(-0.1, 0.999, "got -0.1")]
    [InlineData(double.NaN, 0.999, "got NaN")]
    [InlineData(0.9, double.NaN, "got NaN")]
    public void Rates_without_a_bound_are_refused(double beta1, double beta2, string words) =>
        Assert.Contains(words, Assert.Throws<InvalidInputException>(() => new AdamBounds(beta1, beta2)).Message, StringComparison.Ordinal);

    [Fact]
    public void No_inner_step_has_no_bracket() => Assert.Throws<InvalidInputException>(() => s_default.Bracket(0));

    private static double[] Updates(double beta1, double beta2, double[] gradients)
    {
        var adam = new Optimizer("adam", [new ScaleByAdam(beta1, beta2, Epsilon: 0), new ScaleByLearningRate(1)]);
        var state = adam.Initial(1);
        var updates = new double[gradients.Length];
        for (int t = 0; t < gradients.Length; t++)
        {
            var step = adam.Step(state, [0], [gradients[t]]);
            (state, updates[t]) = (step.State, -step.Update[0]);
        }

        return updates;
    }
}
