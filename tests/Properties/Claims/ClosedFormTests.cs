using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>The closed forms of the theory at numbers worked out by hand, apart from the code of the claims.</summary>
public class ClosedFormTests
{
    [Fact]
    public void The_binary_prefix_bias_of_four_completions_is_what_a_hand_computes()
    {
        // G = 4, lengths 1, 2, 3, 4, rewards 1, 0, 1, 0: p̂ = 1/2, R − p̂ = ±1/2, s² = (4·1/4)/3, s = 1/√3, A = ±√3/2. Weights 1/(4n):
        // C = √3/2 · 1/4 · (1 − 1/2 + 1/3 − 1/4) = √3/8 · 7/12. By harmonic means: H⁺ = 2/(1 + 1/3) = 3/2, H⁻ = 2/(1/2 + 1/4) = 8/3,
        // C = p̂(1 − p̂)/s · (2/3 − 3/8) = √3/4 · 7/24.
        double byHand = Math.Sqrt(3) / 8 * 7 / 12;
        Assert.Equal(Math.Sqrt(3) / 4 * 7 / 24, byHand, 1e-15);

        var batch = Shared([1, 2, 3, 4], [1, 0, 1, 0]);
        Assert.Equal(byHand, PushOnFirstToken(Catalogue.Grpo, batch), 1e-15);
        Assert.Equal(Math.Sqrt(0.25) / 24 * 7 * Math.Sqrt(3.0 / 4), byHand, 1e-15);

        var check = LedgerProfile.Find("prefix-bias-binary", "grpo", "").Check!(batch);
        Assert.Null(check.Outside);
        Assert.True(check.Measurement.Holds);
        Assert.InRange(check.Measurement.Bound, 0, 1e-13);
    }

    [Theory]
    [InlineData(new[] { 1, 2, 3, 4 }, new double[] { 1, 0, 1, 0 }, 1)]
    [InlineData(new[] { 1, 2, 3, 4 }, new double[] { 0, 1, 0, 1 }, -1)]
    // Right ones longer on average (7/2 against 10/3) yet harmonically shorter (12/7 against 36/11).
    [InlineData(new[] { 1, 6, 3, 3, 4 }, new double[] { 1, 1, 0, 0, 0 }, 1)]
    public void The_prefix_is_reinforced_iff_right_completions_are_harmonically_shorter(int[] lengths, double[] rewards, int sign) =>
        Assert.Equal(sign, Math.Sign(PushOnFirstToken(Catalogue.Grpo, Shared(lengths, rewards))));

    [Fact]
    public void The_push_is_G_times_the_covariance_of_weight_and_advantage()
    {
        // Lengths 1 and 3, rewards 3 and 1: A = ±1, α = 1/2 and 1/6, so C = 1/2 − 1/6 = 1/3; Cov = mean(αA) − 0 = (1/2 − 1/6)/2.
        var objective = Catalogue.DrGrpo with { Weight = new RowMean() };
        Assert.Equal(1.0 / 3, PushOnFirstToken(objective, Shared([1, 3], [3, 1])), 1e-16);
        Assert.Equal(2 * (1.0 / 2 - 1.0 / 6) / 2, 1.0 / 3, 1e-16);
    }

    [Fact]
    public void A_masked_completion_leaves_minus_its_weighted_advantage_on_the_prefix()
    {
        // Rewards 1, 0, 0 of which the last completion is masked: A = 2/3, −1/3, −1/3; α = 1/3; C = 1/3·(2/3 − 1/3) = 1/9 = −α·A_dead.
        var batch = RolloutBatch.Of([[Row(1, 1), Row(0, 2), Row(0, 3) with { Mask = [false, false, false] }]]);

        Assert.Equal(1.0 / 9, PushOnFirstToken(Catalogue.DrGrpo, batch), 1e-16);
    }

    [Fact]
    public void Adams_tail_shrinks_by_beta1_over_the_root_of_beta2()
    {
        // At ε = 0 and T → ∞: ρ = 0.9/√0.999 = 0.90045034. After 20,000 equal gradients both bias corrections are gone (0.999^20000 = 2e−9).
        var adam = new Optimizer("adam", [new ScaleByAdam(Epsilon: 0), new ScaleByLearningRate(1)]);
        var state = adam.Initial(1);
        double last = 0;
        for (int t = 0; t < 20_000; t++)
            (state, last) = Step(adam, state, 1);

        double total = 0;
        for (int k = 1; k <= 400; k++)
        {
            (state, double next) = Step(adam, state, 0);
            if (k < 30)
                Assert.Equal(0.90045034, next / last, 2e-8);
            total += next;
            last = next;
        }

        // And altogether 0.90045/(1 − 0.90045) = 9.0452 further steps of size 1.
        Assert.Equal(0.90045034 / (1 - 0.90045034), Math.Abs(total), 1e-4);
    }

    [Fact]
    public void Adams_first_tail_step_after_one_gradient_is_a_known_number()
    {
        // T = 1, k = 1, ε = 0: u₁ = 1, m₂ = 0.09g, v₂ = 0.999·0.001g²; u₂ = (0.09/0.19)/√(0.000999/0.001999) = 0.473684…/0.706930….
        var adam = new Optimizer("adam", [new ScaleByAdam(Epsilon: 0), new ScaleByLearningRate(1)]);
        var (state, first) = Step(adam, adam.Initial(1), -5);
        var (_, second) = Step(adam, state, 0);

        Assert.Equal(1, first, 1e-15);
        Assert.Equal(0.09 / 0.19 / Math.Sqrt(0.000999 / 0.001999), second, 1e-13);
        Assert.True(Overshoot.MomentumTail.Measure(adam, History([-5], 1)).Holds);
    }

    [Fact]
    public void Adam_deviates_under_a_scale_by_epsilon_times_a_minus_one_over_a_root_v_plus_epsilon()
    {
        // One gradient g = ε = 1e−8: √v̂ = 1e−8, u₁ = 1/2. Scaled by 2: 2/(2 + 1) = 2/3. So u₂/u₁ − 1 = 1/3 = ε(2 − 1)/(2·1e−8 + ε).
        var (_, plain) = Step(OptimizerCatalogue.Adam, OptimizerCatalogue.Adam.Initial(1), 1e-8);
        var (_, scaled) = Step(OptimizerCatalogue.Adam, OptimizerCatalogue.Adam.Initial(1), 2e-8);

        Assert.Equal(-0.5e-3, plain, 1e-15);
        Assert.Equal(1.0 / 3, (scaled / plain) - 1, 1e-12);
        Assert.True(Scale.AdamScaleDeviation.Measure(OptimizerCatalogue.Adam, History([1e-8], 1)).Holds);
    }

    [Fact]
    public void The_measure_of_the_scale_deviation_is_tight_enough_to_see_one_part_in_ten_thousand_million()
    {
        var measured = Scale.AdamScaleDeviation.Measure(OptimizerCatalogue.Adam, History([1e-3, 2e-3, -1e-3], 4));

        Assert.True(measured.Holds);
        Assert.InRange(measured.Bound, 0, 1e-10 * OptimizerCatalogue.Adam.LearningRate);
    }

    private static (OptimizerState State, double Update) Step(Optimizer optimizer, OptimizerState state, double gradient)
    {
        var step = optimizer.Step(state, [0], [gradient]);
        return (step.State, step.Update[0]);
    }

    private static GradientHistory History(double[] gradients, int exponent) =>
        new([0], [.. gradients.Select(g => System.Collections.Immutable.ImmutableArray.Create(g))], exponent);

    private static double PushOnFirstToken(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        return Enumerable.Range(0, batch.Rows).Where(i => batch.Length(i) > 0).Sum(i => evaluation.Coefficients[batch.Row(i).Start.Value]);
    }

    private static RolloutBatch Shared(int[] lengths, double[] rewards) =>
        RolloutBatch.Of([[.. lengths.Select((length, k) => Row(rewards[k], length) with { Tokens = [0, .. Enumerable.Repeat(k + 1, length - 1)] })]]);

    private static Rollout Row(double reward, int length)
    {
        double[] logps = [.. Enumerable.Repeat(-1.0, length)];
        return new() { Reward = reward, Logps = logps, OldLogps = logps, Tokens = [.. Enumerable.Repeat(0, length)] };
    }
}
