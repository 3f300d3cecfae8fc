using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

public class AdvantageCaseTests
{
    public static TheoryData<string> Sentences => [.. AdvantageCases.All.Keys];

    [Theory]
    [MemberData(nameof(Sentences))]
    public void An_advantage_is_what_paper_says(string sentence)
    {
        var worked = AdvantageCases.All[sentence];
        worked.Check(worked.Advantage, worked.Rewards);
    }

    [Fact]
    public void What_an_advantage_does_not_define_is_refused_in_a_sentence()
    {
        (string Sentence, Func<object?> Action)[] refusals =
        [
            ("The objective compares the completions of a group, so each needs at least 2 rewards; group 0 has 1.",
                () => AdvantagesOf(new LeaveOneOut { Lone = LoneReward.IsRefused }, 0.7)),
            ("The best of a group is compared with the next, so it needs at least 2 rewards; group 0 has 1.",
                () => AdvantagesOf(new BestOfGroup { Equal = EqualRewards.AreComputed }, 0.7)),
            ("A leave-one-out baseline needs at least 2 completions in a group; got 1 (group 0).",
                () => AdvantagesOf(new PartitionBaseline(1) { Equal = EqualRewards.AreComputed }, 0.7)),
            ("The temperature of a partition function must be a finite number > 0; got 0.", () => new PartitionBaseline(0)),
            ("The floor of a partition function must lie in [0, 1]; got 2.", () => new PartitionBaseline(1) { Floor = 2 }),
            ("The divisor of a scaled advantage must be a finite number > 0; got -1.", () => new NonzeroScaled(new NoBaseline()) { Norm = -1 }),
            ("An advantage's clip range needs low ≤ high; got [1, 0].", () => new ClippedAdvantage(new NoBaseline(), 1, 0)),
            ("An advantage's clip range needs low ≤ high; got [NaN, 0].", () => new ClippedAdvantage(new NoBaseline(), double.NaN, 0)),
            ("The scale of an entropy in the advantage must be a finite number ≥ 0; got -1.", () => new EntropyShaped(new NoBaseline()) { Scale = -1 }),
            ("The largest entropy that is learned from must be > 0 (infinite: none); got 0.", () => new EntropyShaped(new NoBaseline()) { Threshold = 0 }),
            ("A discount must lie in [0, 1]; got 1.5.", () => new Returns { Discount = 1.5 }),
            ("A discount must lie in [0, 1]; got NaN.", () => new GeneralisedAdvantage(double.NaN, 1)),
            ("The λ of an advantage must lie in [0, 1]; got -0.5.", () => new GeneralisedAdvantage(1, -0.5)),
            ("The weight of a KL in the rewards must be a finite number ≥ 0; got -1.", () => new TokenRewards { Beta = -1 }),
            ("The largest KL in the rewards must be > 0 (infinite: none); got 0.", () => new TokenRewards { LargestKl = 0 }),
            ("The ε beside a sum of squared scores must be a finite number ≥ 0; got -1.", () => new OptimalTokenBaseline { Epsilon = -1 }),
            ("ddof must be 0 or 1; got 2.", () => new TokenWhitened(new NoBaseline()) { Ddof = 2 }),
            ("The ε beside a variance must be a finite number ≥ 0; got NaN.", () => new TokenWhitened(new NoBaseline()) { Epsilon = double.NaN }),
            ("The floor of a variance must be a finite number ≥ 0; got -1.", () => new TokenWhitened(new NoBaseline()) { Floor = -1 }),
            ("The padding of a number of tokens must be a finite number ≥ 0; got -1.", () => new TokenWhitened(new NoBaseline()) { Padding = -1 }),
            ("Whitening with ddof 1 needs at least 2 trainable tokens; got 1.", () => TokensOf(new TokenWhitened(new NoBaseline()), Rewards(1))),
            ("The advantages are too large to be whitened: their variance overflows float64.",
                () => TokensOf(new TokenWhitened(new NoBaseline()), Rewards(1e300, -1e300))),
            ("The rewards of group 0 are too large: their sum weighted by length overflows float64.",
                () => AdvantagesOf(new LengthWeightedBaseline(), Group(Row(0, 0), Row(1e308, 0, 0)))),
            ("The batch has no greedy_reward, which the objective reads.", () => AdvantagesOf(new GreedyBaseline(), 1, 2)),
            ("The batch has no values, which the objective reads.", () => TokensOf(new GeneralisedAdvantage(1, 1), Rewards(1))),
            ("The batch has no entropies, which the objective reads.", () => AdvantagesOf(new EntropyShaped(new NoBaseline()), 1)),
            ("The batch has no sum_pi_squared, which the objective reads.", () => TokensOf(new OptimalTokenBaseline(), Rewards(1, 2))),
            ("The batch has no token_rewards, which the objective reads.",
                () => TokensOf(new Returns { Rewards = new() { AtTokens = true } }, Rewards(1))),
            ("The batch has no ref_logps, which the objective reads.", () => TokensOf(new Returns { Rewards = new() { Beta = 1 } }, Rewards(1))),
        ];
        foreach (var (sentence, action) in refusals)
            Assert.Equal(sentence, Refusal.Of(action));
    }

    [Theory]
    [InlineData("verl", """{"adv_estimator":"tir"}""", "adv_estimator names no estimator that the parts express; got tir.")]
    [InlineData("verl", """{"adv_estimator":"opo","tau":1}""", "tau is the setting 'tau', which nothing here reads; got 1.")]
    [InlineData("verl", """{"adv_estimator":"gae","gamma":"NaN","lam":1}""", "gamma must be a finite number; got NaN.")]
    [InlineData("verl", """{"adv_estimator":"gae","lam":1}""", " lacks the setting 'gamma', and there is no default.")]
    [InlineData("orlhf", """{"adv_estimator":"gae","no_std_norm":false,"gamma":1,"kl_coef":0,"reward_clip_range":[-1,1]}""", "adv_estimator must be rloo, reinforce_baseline, dr_grpo, group_norm or reinforce; got gae.")]
    [InlineData("orlhf", """{"adv_estimator":"rloo","no_std_norm":false,"gamma":1,"kl_coef":0,"reward_clip_range":[-1]}""", "reward_clip_range must be two numbers; got [-1].")]
    [InlineData("swift", """{"adv_estimator":"grpo","scale_rewards":"std"}""", "scale_rewards must be group, batch, none or gdpo; got std.")]
    [InlineData("swift", """{"adv_estimator":"opo","scale_rewards":"none"}""", "adv_estimator must be grpo, rloo or reinforce_plus_plus; got opo.")]
    [InlineData("trl", """{"adv_estimator":"sum_then_normalize","scale_rewards":"std"}""", "scale_rewards must be group, batch or none; got std.")]
    [InlineData("trl", """{"adv_estimator":"sum","scale_rewards":"group"}""", "adv_estimator must be sum_then_normalize or normalize_then_sum; got sum.")]
    public void A_setting_that_the_parts_do_not_express_is_refused(string library, string json, string sentence)
    {
        var settings = new GoldenSettings(GoldenNode.Parse("hyper", json));
        var refused = Assert.Throws<InvalidDataException>(object? () =>
        {
            var estimator = settings.Take("adv_estimator");
            return library switch
            {
                "verl" => VerlAdvantages.Parts(estimator, settings),
                "orlhf" => OrlhfAdvantages.Parts(estimator, settings),
                "swift" => SwiftAdvantages.Parts(estimator, settings.Take("scale_rewards")),
                _ => TrlAdvantages.Parts(settings.Take("scale_rewards"), estimator, [1]),
            };
        });
        Assert.StartsWith("Golden file hyper", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(sentence, refused.Message, StringComparison.Ordinal);
    }

    private static double[] TokensOf(Advantage advantage, RolloutBatch batch)
    {
        double[] rewards = new double[batch.Rows], tokens = new double[batch.Tokens];
        RewardShaping.None.Fill(batch, rewards);
        advantage.Fill(batch, rewards, tokens);
        return tokens;
    }
}
