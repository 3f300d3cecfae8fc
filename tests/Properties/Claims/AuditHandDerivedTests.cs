using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>What an audit counts, at numbers that tell each count from its neighbours.</summary>
public class AuditHandDerivedTests
{
    [Fact]
    public void Length_and_reward_covary_over_trainable_tokens_and_rewards_that_are_there()
    {
        // Trainable lengths 1 and 3, rewards 1 and 0: −1·½ − 1·½ over 2. The third completion has no reward.
        var batch = RolloutBatch.Of([[Row(1, true, false, false), Row(0, true, true, true), Row(9, true, true) with { Rewards = [null] }]]);
        var group = Assert.Single(Audit.Of(Catalogue.DrGrpo with { Rewards = new SingleReward { Missing = MissingReward.Skipped } }, batch).Groups);
        Assert.Equal(-0.5, group.Covariance);
        Assert.Equal(-1, group.Correlation!.Value, 14);
        Assert.Equal((1.0, 1.0), (group.RewardSpread, group.LargestReward));
    }

    [Fact]
    public void Unknown_tokens_are_shared_by_none()
    {
        var rollout = Row(1, true, true, true) with { Tokens = [1, RolloutBatch.UnknownId, 3], Mask = [true, false, true] };
        var segment = Assert.Single(SharedSegment.Of(RolloutBatch.Of([[rollout, rollout]])[0]));
        Assert.Equal((0, 1), (segment.From, segment.Length));
    }

    [Fact]
    public void Clipped_tokens_of_positive_and_of_negative_advantage_are_not_mistaken_for_each_other()
    {
        // Ratios e^½, e^½ at A > 0 and e^−½, 1 at A < 0, clipped to [0.8, 1.2].
        var batch = RolloutBatch.Of([[new() { Reward = 1, Logps = [-1, -1], OldLogps = [-1.5, -1.5] }, new() { Reward = 0, Logps = [-1, -1], OldLogps = [-0.5, -1] }]]);
        Assert.Equal(new ClippedShare(4, 2, 1, 0), Audit.Of(Catalogue.Grpo, batch).Clipped);
    }

    [Theory]
    [InlineData(2, AdvantageSignal.SinglePrecisionRounding)]
    [InlineData(3, AdvantageSignal.Rewards)]
    public void Float32_rounds_each_of_two_rewards_near_1_by_at_most_2_to_the_minus_24(int steps, AdvantageSignal expected) =>
        Assert.Equal(expected, Audit.Of(Catalogue.Grpo, Pair(1, 1 - (steps * Math.ScaleB(1, -24)))).Groups[0].Signal);

    [Theory]
    [InlineData(8, AdvantageSignal.Rounding)]
    [InlineData(9, AdvantageSignal.SinglePrecisionRounding)]
    public void Float64_rounds_two_rewards_near_1_by_a_few_of_its_last_bits(int steps, AdvantageSignal expected) =>
        // Twice four roundings of 2⁻⁵³ each.
        Assert.Equal(expected, Audit.Of(Catalogue.Grpo, Pair(1, 1 - (steps * Math.ScaleB(1, -53)))).Groups[0].Signal);

    [Fact]
    public void A_push_of_a_few_hundred_roundings_is_no_rounding()
    {
        // A = ±½, weights 1 and 1 + 2⁻⁴²: C = −2⁻⁴³, some 500 units of 2⁻⁵².
        var objective = new SurrogateObjective(new MeanBaseline(), new LogLikelihood(), new Weights([1, 1 + Math.ScaleB(1, -42)]));
        var push = Assert.Single(Audit.Of(objective, Pair(1, 0)).Segments);
        Assert.Equal(-Math.ScaleB(1, -43), Assert.Single(push.Pushes));
        Assert.False(push.Cancels);
    }

    [Fact]
    public void The_ratio_of_two_gradients_is_that_of_their_norms() =>
        Assert.Equal((0.6, 0.2), (Comparison.Of([3, 4], [1, 0]).Cosine!.Value, Comparison.Of([3, 4], [1, 0]).Ratio!.Value));

    private static Rollout Row(double reward, params bool[] mask) => new()
    {
        Reward = reward,
        Logps = [.. mask.Select(_ => -1.0)],
        OldLogps = [.. mask.Select(_ => -1.0)],
        Tokens = [.. mask.Select((_, t) => t)],
        Mask = mask,
    };

    private static RolloutBatch Pair(double first, double second) => RolloutBatch.Of([[Row(first, true), Row(second, true)]]);

    private sealed record Weights(double[] Values) : TokenWeight
    {
        public override Traits Traits => Traits.None;

        public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) => Values.CopyTo(weights);
    }
}
