using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>Numbers of families P, S and M worked out by hand, apart from the code of the claims.</summary>
public class RewardAndPushTests
{
    [Theory]
    [InlineData(0.7f, 15, 1e-9f, 0.958)]
    [InlineData(3.3e7f, 1024, 1e-4f, 0.9995)]
    public void Equal_rewards_get_advantages_near_the_largest_there_are_in_float32(float reward, int count, float epsilon, double expected)
    {
        float[] advantages = EqualRewardRounding.InSinglePrecision(reward, count, ddof: 1, epsilon);
        double bound = Math.Sqrt((count - 1.0) / count);

        Assert.Single(advantages.Select(Math.Sign).Distinct());
        // Some reward of this size rounds its mean; the one that is named need not.
        double largest = Enumerable.Range(0, 40).Max(k => Math.Abs(EqualRewardRounding.InSinglePrecision(reward * (1 + (k * 1e-3f)), count, 1, epsilon)[0]));
        Assert.InRange(largest, expected - 5e-4, bound + 1e-4);
    }

    [Fact]
    public void A_clipped_prefix_is_pushed_by_the_other_side_alone()
    {
        // Dr. GRPO, rewards 1 and 0, A = ±1/2, α = 1/2. At r = e^0.3 = 1.35 > 1.2 the right completion is clipped: C = r·(1/2)(−1/2).
        Assert.Equal(-Math.Exp(0.3) / 4, Push(Catalogue.DrGrpo, 0.3), 1e-15);
        Assert.Equal(Math.Exp(-0.3) / 4, Push(Catalogue.DrGrpo, -0.3), 1e-15);
        Assert.Equal(0, Push(Catalogue.DrGrpo, 0.1), 1e-15);
        Assert.Equal(0, Push(Catalogue.Cispo, 0.3), 1e-15);
    }

    [Fact]
    public void A_bias_of_a_millionth_gets_the_step_that_a_bias_of_one_gets()
    {
        // Row means, on-policy, lengths 1 and 2, rewards scaled by a: C = A/2 − A/4 under Dr. GRPO's advantage. Adam's first step does not see a.
        var objective = Catalogue.DrGrpo with { Weight = new RowMean() };
        foreach (double scale in new[] { 1, 1e-4 })
        {
            double push = objective.Evaluate(Prefixed(0, scale)).Coefficients is [var first, var second, _] ? first + second : 0;
            Assert.Equal(scale / 8, push, 1e-17);
            double step = OptimizerCatalogue.Adam.Step(OptimizerCatalogue.Adam.Initial(1), [0], [-push]).Update[0];
            Assert.Equal(1e-3 * push / (push + 1e-8), step, 1e-18);
            Assert.InRange(step, 0.999e-3, 1e-3);
        }
    }

    [Fact]
    public void Rewards_in_other_units_are_seen_through_epsilon_alone()
    {
        // Rewards 1 and 0: mean 1/2, s = √½. A = ½/(√½ + ε); of 1e−4 times that, with ε = 1e−4: ½/(√½ + 1).
        double plain = TrlFlavours.Grpo.Evaluate(Prefixed(0, 1)).RowAdvantages![0], small = TrlFlavours.Grpo.Evaluate(Prefixed(0, 1e-4)).RowAdvantages![0];
        Assert.Equal(0.5 / (Math.Sqrt(0.5) + 1e-4), plain, 1e-15);
        Assert.Equal(0.5 / (Math.Sqrt(0.5) + 1), small, 1e-12);
    }

    [Fact]
    public void Each_average_adds_up_by_its_own_share()
    {
        Share[] shares =
        [
            Catalogue.Grpo.Weight.Share, TrlFlavours.Grpo.Weight.Share, TrlFlavours.Bnpo.Weight.Share, TrlFlavours.Dapo.Weight.Share,
            new PaddedRowSum().Share, new ConstantWeight(1).Share, new RowMean().Times(new PrefixShare()).Share, new RowMean().Times(new BatchTokenMean()).Share,
        ];
        Assert.Equal([Share.Prompts, Share.Rows, Share.Tokens, Share.Whole, Share.None, Share.Whole, Share.Prompts, Share.None], shares);
    }

    private static double Push(SurrogateObjective objective, double logRatio)
    {
        var batch = Prefixed(logRatio, 1);
        double[] coefficients = (objective with { Weight = new RowSum() }).Evaluate(batch).Coefficients;
        return coefficients[0] + coefficients[1];
    }

    // Lengths 1 and 2 that share their first token, of that log-ratio; the first one is right.
    private static RolloutBatch Prefixed(double logRatio, double scale) => RolloutBatch.Of(
    [
        [
            new Rollout { Reward = scale, Logps = [-2], OldLogps = [-2 - logRatio], Tokens = [0] },
            new Rollout { Reward = 0, Logps = [-2, -1], OldLogps = [-2 - logRatio, -1], Tokens = [0, 1] },
        ],
    ]);
}
