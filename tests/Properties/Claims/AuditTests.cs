using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Claims;

public class AuditTests
{
    [Fact]
    public void Segments_follow_the_prefix_tree_of_a_group()
    {
        var batch = Batch(([1, 2, 3], 1), ([1, 2, 4, 5], 0), ([1, 2, 4, 6], 0), ([1, 2], 1));
        var segments = SharedSegment.Of(batch[0]).ToArray();
        Assert.Equal(2, segments.Length);
        Assert.Equal((0, 2, "0 1 2 3"), (segments[0].From, segments[0].Length, string.Join(' ', segments[0].Rows)));
        Assert.Equal((2, 1, "1 2"), (segments[1].From, segments[1].Length, string.Join(' ', segments[1].Rows)));
    }

    [Fact]
    public void Completions_that_differ_from_the_start_share_nothing() =>
        Assert.Empty(SharedSegment.Of(Batch(([1, 2], 1), ([2, 2], 0))[0]));

    [Fact]
    public void Grpo_pushes_the_prefix_of_shorter_right_completions_up_by_the_covariance_that_the_lemma_gives()
    {
        // A = ±1/√2, α = 1/(2n): C = (1/√2)(1/4 − 1/8) at each of the two shared tokens.
        var audit = Audit.Of(Catalogue.Grpo, Batch(([1, 2], 1), ([1, 2, 3, 4], 0)));
        var push = Assert.Single(audit.Segments);
        Assert.False(push.Cancels);
        Assert.All(push.Pushes, c => Assert.Equal(Math.Sqrt(0.5) / 8, c, 15));
        Assert.All(push.Sizes, size => Assert.Equal(Math.Sqrt(0.5) * 3 / 8, size, 15));
        Assert.Equal(1.0 / 3, push.Relative, 15);
        Assert.True(Assert.Single(Audit.Of(Catalogue.DrGrpo, Batch(([1, 2], 1), ([1, 2, 3, 4], 0))).Segments).Cancels);
    }

    [Fact]
    public void Length_and_reward_covary_by_the_population_formula()
    {
        var group = Assert.Single(Audit.Of(Catalogue.Grpo, Batch(([1, 2], 1), ([1, 2, 3, 4], 0), ([1], 2))).Groups);
        // Lengths 2, 4, 1 and rewards 1, 0, 2 about their means 7/3 and 1: (−1/3·0 + 5/3·(−1) − 4/3·1)/3.
        Assert.Equal(-1, group.Covariance, 15);
        Assert.Equal(-1 / Math.Sqrt(14.0 / 9 * (2.0 / 3)), group.Correlation!.Value, 14);
    }

    [Theory]
    [InlineData(0.3, 0.30000000000000004, AdvantageSignal.Rounding)]
    [InlineData(0.3, 0.30000001, AdvantageSignal.SinglePrecisionRounding)]
    [InlineData(0.3, 0.3001, AdvantageSignal.Rewards)]
    [InlineData(0.3, 0.3, AdvantageSignal.None)]
    public void Advantages_made_of_rounding_are_told_from_those_made_of_rewards(double one, double other, AdvantageSignal expected) =>
        Assert.Equal(expected, Audit.Of(Catalogue.Grpo, Batch(([1], one), ([2], other))).Groups[0].Signal);

    [Fact]
    public void What_pushes_a_prefix_is_named()
    {
        var batch = Batch(([1, 2], 1), ([1, 2, 3, 4], 0));
        Assert.Equal(["unequal weights"], Causes(Catalogue.Grpo, batch));
        Assert.Equal(["advantages that do not cancel"], Causes(Catalogue.DrGrpo with { Advantage = new NoBaseline() }, batch));
        Assert.Equal(["penalty"], Causes(Catalogue.DrGrpo with { Regularisers = [new KlPenalty(KlEstimator.K1, 1) { Against = Column.OldLogp }] }, batch));
        var moved = batch.With(Column.Logp, [.. batch[Column.Logp].ToArray().Select((x, t) => t is 0 or 2 ? x + 0.5 : x)]);
        Assert.Equal(["ratios off-policy"], Causes(Catalogue.DrGrpo, moved));
        var rows = batch.ToRollouts()[0].ToArray();
        Assert.Equal(["masked completion", "advantages that do not cancel"], Causes(Catalogue.DrGrpo, RolloutBatch.Of([[rows[0], rows[1] with { Mask = new bool[4] }]])));
        Assert.Empty(Causes(Catalogue.DrGrpo, batch));

        static IEnumerable<string> Causes(SurrogateObjective objective, RolloutBatch batch) => Audit.Of(objective, batch).Segments[0].Causes;
    }

    [Fact]
    public void Advantages_that_do_not_compare_the_rewards_of_a_group_are_never_called_rounding()
    {
        Assert.Equal(AdvantageSignal.Rewards, Audit.Of(Catalogue.Grpo with { Advantage = new NoBaseline() }, Batch(([1], 1), ([2], 1))).Groups[0].Signal);
        Assert.Equal(AdvantageSignal.Rewards, Audit.Of(VerlFlavours.Grpo, Batch(([1], 1))).Groups[0].Signal);
    }

    [Fact]
    public void Rewards_of_any_size_have_their_correlation_with_length()
    {
        foreach (double scale in new[] { 1e-300, 1, 1e300 })
        {
            var group = Audit.Of(Catalogue.DrGrpo, Batch(([1, 2], scale), ([1, 2, 3, 4], 0), ([1], 2 * scale))).Groups[0];
            Assert.Equal(-1 / Math.Sqrt(14.0 / 9 * (2.0 / 3)), group.Correlation!.Value, 14);
        }

        Assert.Equal(1, Audit.Of(Catalogue.Grpo, Batch(([1], 1e8), ([1, 2], 1e8 + 1e-7))).Groups[0].Correlation!.Value, 15);
    }

    [Fact]
    public void A_standard_score_of_equal_rewards_that_is_computed_is_rounding_alone() =>
        Assert.Equal(
            AdvantageSignal.Rounding,
            Audit.Of(Catalogue.Grpo with { Advantage = new StandardScore { Equal = EqualRewards.AreComputed } }, Batch(([1], 0.1), ([2], 0.1), ([3], 0.1))).Groups[0].Signal);

    [Fact]
    public void Clipped_tokens_are_counted_by_the_sign_of_their_advantage_and_dropped_ones_apart()
    {
        var batch = RolloutBatch.Of(
        [
            [
                new() { Reward = 1, Logps = [-1, -1, -1], OldLogps = [-1.5, -1, -0.5], RolloutLogps = [-1.5, -1, -9] },
                new() { Reward = 0, Logps = [-1, -1], OldLogps = [-1.5, -0.5], RolloutLogps = [-1.5, -0.5] },
            ],
        ]);
        Assert.Equal(new ClippedShare(5, 1, 1, 0), Audit.Of(Catalogue.Grpo, batch).Clipped);
        var masked = Catalogue.Grpo with { Correction = new ImportanceMask(RatioLevel.Token, 0.5, 2) };
        Assert.Equal(new ClippedShare(4, 1, 1, 1), Audit.Of(masked, batch).Clipped);
        // A penalty has a gradient where the clip has none, and the token counts as clipped all the same.
        var penalised = Catalogue.Grpo with { Regularisers = [new KlPenalty(KlEstimator.K1, 1) { Against = Column.OldLogp }] };
        Assert.Equal(new ClippedShare(5, 1, 1, 0), Audit.Of(penalised, batch).Clipped);
    }

    [Fact]
    public void Two_gradients_are_compared_whatever_their_scale()
    {
        var comparison = Comparison.Of([3e200, 4e200, 0, 1e200], [-3e-200, 4e-200, 1e-200, 0]);
        Assert.Equal(7 / Math.Sqrt(26 * 26), comparison.Cosine!.Value, 15);
        Assert.Equal(0, comparison.Ratio!.Value);
        Assert.Equal((1, 2), (comparison.Opposed, comparison.OneSided));
        Assert.Equal(2, Comparison.Of([1, 1], [2, 2]).Ratio!.Value, 15);
        Assert.Equal(new Comparison(null, null, 0, 1), Comparison.Of([0, 0], [0, 1]));
    }

    private static RolloutBatch Batch(params (int[] Tokens, double Reward)[] rows) => RolloutBatch.Of([[.. rows.Select(row => new Rollout
    {
        Reward = row.Reward,
        Tokens = row.Tokens,
        Logps = [.. row.Tokens.Select(_ => -1.0)],
        OldLogps = [.. row.Tokens.Select(_ => -1.0)],
    })]]);
}
