using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

public class RewardShapingTests
{
    [Fact]
    public void The_KL_penalty_is_summed_over_trainable_tokens_and_taken_off_after_the_clip()
    {
        // Clipped to 1, then 1 − 0.5·((−1 + 2) + (−3 + 3.5)); the masked token's −100 is never seen.
        var row = new Rollout
        {
            Reward = 7,
            Logps = [-9, -9, -9],
            OldLogps = [-1, -5, -3],
            RefLogps = [-2, -100, -3.5],
            Mask = [true, false, true],
        };
        Assert.Equal([0.25], Shaped(new KlInReward(new ClippedReward(RewardShaping.None, -1, 1), 0.5), Group(row)));
    }

    [Fact]
    public void The_other_order_clips_the_penalised_reward()
    {
        var row = Row(7, 0) with { RefLogps = [Old - 40] };
        Assert.Equal([7.0 - 20], Shaped(new KlInReward(RewardShaping.None, 0.5), Group(row)));
        Assert.Equal([-1], Shaped(new ClippedReward(new KlInReward(RewardShaping.None, 0.5), -1, 1), Group(row)));
    }

    [Fact]
    public void A_dead_row_has_no_KL() =>
        Assert.Equal(
            [5],
            Shaped(new KlInReward(RewardShaping.None, 0.5), Group(Dead(5) with { RefLogps = [double.NaN, double.NaN] })));

    [Fact]
    public void Several_rewards_are_weighed() =>
        Assert.Equal([2 - 1.5], Shaped(new WeightedRewards([2, -0.5]), Group(Row(0, 0) with { Rewards = [1, 3] })));

    [Fact]
    public void Weighted_rewards_are_equal_where_their_weights_are()
    {
        Assert.Equal(new WeightedRewards([1, 2]), new WeightedRewards([1, 2]));
        Assert.NotEqual(new WeightedRewards([1, 2]), new WeightedRewards([2, 1]));
        Assert.Equal(new WeightedRewards([1, 2]).GetHashCode(), new WeightedRewards([1, 2]).GetHashCode());
    }

    [Fact]
    public void What_a_shaping_does_not_define_is_refused()
    {
        var two = Group(Row(0, 0), Row(0, 0) with { Rewards = [null] });
        Assert.Equal(
            "The objective needs every reward; reward 0 of group 0, completion 1 is missing.",
            Refusal.Of(() => Shaped(RewardShaping.None, two)));
        var many = Group(Row(0, 0) with { Rewards = [1, 3] });
        Assert.Equal(
            "The objective takes 1 reward a completion; the batch carries 2 (combine them with a weighted sum).",
            Refusal.Of(() => Shaped(RewardShaping.None, many)));
        Assert.Equal(
            "The objective weighs 3 rewards; the batch carries 2 a completion.",
            Refusal.Of(() => Shaped(new WeightedRewards([1, 1, 1]), many)));
        Assert.Equal(
            "The batch has no ref_logps, which the objective reads.",
            Refusal.Of(() => Shaped(new KlInReward(RewardShaping.None, 1), Group(Row(0, 0)))));
        Assert.Equal(
            "A reward's clip range needs low ≤ high; got [1, 0].",
            Refusal.Of(() => new ClippedReward(RewardShaping.None, 1, 0)));
        Assert.Equal(
            "A reward's clip range needs low ≤ high; got [NaN, 0].",
            Refusal.Of(() => new ClippedReward(RewardShaping.None, double.NaN, 0)));
    }

    private static double[] Shaped(RewardShaping shaping, RolloutBatch batch)
    {
        double[] rewards = new double[batch.Rows];
        shaping.Fill(batch, rewards);
        return rewards;
    }
}
