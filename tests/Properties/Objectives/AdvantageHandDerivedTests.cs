using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>Advantages worked out on paper, for what the recorded numbers lack.</summary>
public class AdvantageHandDerivedTests
{
    // A few roundings of a handful of operations on numbers of size 1.
    private const int Digits = 14;

    [Fact]
    public void The_mean_baseline_takes_each_groups_own_mean_off()
    {
        var batch = RolloutBatch.Of([[Row(1, 0), Row(4, 0, 0)], [Row(0, 0), Row(0, 0), Row(6, 0)]]);
        Assert.Equal([-1.5, 1.5, -2, -2, 4], AdvantagesOf(new MeanBaseline(), batch));
    }

    [Fact]
    public void The_standard_score_divides_by_the_sample_standard_deviation()
    {
        // Squares 1, 1 and 4: 6/2 = 3.
        double[] actual = AdvantagesOf(new StandardScore(), 0, 0, 3);
        Assert.Equal(-1 / Math.Sqrt(3), actual[0], Digits);
        Assert.Equal(2 / Math.Sqrt(3), actual[2], Digits);
    }

    [Fact]
    public void Ddof_0_divides_by_the_population_standard_deviation()
    {
        double[] actual = AdvantagesOf(new StandardScore { Ddof = 0 }, 0, 0, 3);
        Assert.Equal(-1 / Math.Sqrt(2), actual[0], Digits);
        Assert.Equal(2 / Math.Sqrt(2), actual[2], Digits);
    }

    [Fact]
    public void Epsilon_is_added_outside_the_root()
    {
        double[] actual = AdvantagesOf(new StandardScore { Epsilon = 0.5 }, 0, 0, 3);
        Assert.Equal(2 / (Math.Sqrt(3) + 0.5), actual[2], Digits);
    }

    [Fact]
    public void Leave_one_out_takes_the_mean_of_the_others_off()
    {
        // 1 − (2 + 6)/2, 2 − (1 + 6)/2, 6 − (1 + 2)/2.
        Assert.Equal([-3, -1.5, 4.5], AdvantagesOf(new LeaveOneOut(), 1, 2, 6));
    }

    [Fact]
    public void Every_group_advantage_is_its_factor_times_the_centred_reward()
    {
        double[] rewards = [0.3, -1.1, 2.5, 0.4];
        var batch = Rewards(rewards);
        var moments = RewardMoments.Of(batch, .., rewards, Counted.AllRows);
        GroupAdvantage[] advantages = [new MeanBaseline(), new StandardScore { Epsilon = 0.1 }, new LeaveOneOut()];
        foreach (var advantage in advantages)
        {
            double[] actual = AdvantagesOf(advantage, batch);
            for (int i = 0; i < rewards.Length; i++)
                Assert.Equal(advantage.Factor(moments)!.Value * (rewards[i] - moments.Mean), actual[i], Digits);
        }
    }

    [Theory]
    [InlineData(0.3, 3)]
    [InlineData(0.7, 15)]
    [InlineData(0.1, 3)]
    [InlineData(-1e300, 5)]
    public void Equal_rewards_give_exactly_zero_in_the_canonical_forms(double reward, int count)
    {
        double[] rewards = [.. Enumerable.Repeat(reward, count)];
        RowAdvantage[] advantages = [new MeanBaseline(), new StandardScore(), new StandardScore { Ddof = 0 }, new LeaveOneOut()];
        foreach (var advantage in advantages)
            Assert.All(AdvantagesOf(advantage, rewards), a => Assert.Equal(0.0, a));
    }

    [Fact]
    public void Equal_rewards_give_advantages_of_rounding_where_they_are_computed()
    {
        // Three times 0.1 sums to 0.30000000000000004, whose third is one ulp above 0.1: s = ulp·√(3/2).
        double[] actual = AdvantagesOf(new StandardScore { Equal = EqualRewards.AreComputed }, 0.1, 0.1, 0.1);
        Assert.All(actual, a => Assert.Equal(-Math.Sqrt(2.0 / 3), a, Digits));

        // TRL's ε = 1e-4 keeps them at ulp/1e-4.
        Assert.All(AdvantagesOf(TrlFlavours.GroupScaled, 0.1, 0.1, 0.1), a => Assert.InRange(a, -2e-13, -1e-13));
        Assert.All(AdvantagesOf(TrlFlavours.Unscaled, 0.1, 0.1, 0.1), a => Assert.InRange(a, -2e-17, -1e-17));
    }

    [Fact]
    public void A_group_of_one_gets_zero_where_equal_rewards_do()
    {
        foreach (var advantage in new RowAdvantage[] { new MeanBaseline(), new StandardScore(), new LeaveOneOut() })
            Assert.Equal([0], AdvantagesOf(advantage, 0.7));
        Assert.Equal([0.7], AdvantagesOf(new NoBaseline(), 0.7));
    }

    [Fact]
    public void A_group_of_one_is_refused_where_equal_rewards_are_computed()
    {
        Assert.Equal(
            "A standard deviation with ddof 1 needs at least 2 rewards; got 1.",
            Refusal.Of(() => AdvantagesOf(new StandardScore { Equal = EqualRewards.AreComputed }, 0.7)));
        Assert.Equal([0], AdvantagesOf(TrlFlavours.GroupScaled, 0.7));
        Assert.Equal(
            "A leave-one-out baseline needs at least 2 completions in a group; got 1.",
            Refusal.Of(() => AdvantagesOf(new LeaveOneOut { Equal = EqualRewards.AreComputed }, 0.7)));
    }

    [Fact]
    public void Dead_rows_count_unless_only_live_rows_do()
    {
        var batch = Group(Row(1, 0), Dead(5), Row(3, 0));
        Assert.Equal([-2, 2, 0], AdvantagesOf(new MeanBaseline(), batch));
        Assert.Equal([-1, 0, 1], AdvantagesOf(new MeanBaseline { Over = Counted.LiveRows }, batch));
        Assert.Equal([-2, 0, 2], AdvantagesOf(new LeaveOneOut { Over = Counted.LiveRows }, batch));
    }

    [Fact]
    public void Live_rows_with_equal_rewards_give_zero_whatever_the_dead_rows_got()
    {
        var batch = Group(Row(0.1, 0), Dead(5), Row(0.1, 0), Row(0.1, 0));
        Assert.Equal([0, 0, 0, 0], AdvantagesOf(new StandardScore { Over = Counted.LiveRows }, batch));
    }

    [Fact]
    public void A_group_without_live_rows_gives_zeros()
    {
        var batch = Group(Dead(1), Dead(2));
        foreach (var equal in Enum.GetValues<EqualRewards>())
            Assert.Equal([0, 0], AdvantagesOf(new StandardScore { Over = Counted.LiveRows, Equal = equal }, batch));
    }

    [Theory]
    [InlineData(1e-200)]
    [InlineData(1e200)]
    [InlineData(1e-320)]
    [InlineData(1e307)]
    public void The_standard_score_does_not_see_the_rewards_scale(double scale)
    {
        // Squares of such rewards would all be 0 or ∞. Of subnormal rewards only a few bits are left.
        double[] actual = AdvantagesOf(new StandardScore(), 0, 0, 3 * scale);
        Assert.Equal(-1 / Math.Sqrt(3), actual[0], scale < 1e-300 ? 3 : Digits);
        Assert.Equal(2 / Math.Sqrt(3), actual[2], scale < 1e-300 ? 3 : Digits);
    }

    [Theory]
    [InlineData(1e308, 1e308)]
    [InlineData(1.7e308, -1.7e308)]
    public void Rewards_whose_sum_or_spread_overflows_are_refused(double first, double second)
    {
        // The second pair has sum 0 and a finite spread, but a standard deviation of 2.4e308.
        Assert.Contains(
            "overflows float64",
            Refusal.Of(() => AdvantagesOf(TrlFlavours.GroupScaled, first, second)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_batch_scaled_baseline_centres_in_the_group_and_divides_over_the_batch()
    {
        // Rewards 0 2 | 4 10: group means 1 and 7, batch mean 4, squares 16 + 4 + 0 + 36 = 56, over 3.
        var batch = RolloutBatch.Of([[Row(0, 0), Row(2, 0)], [Row(4, 0), Row(10, 0)]]);
        double s = Math.Sqrt(56.0 / 3) + 0.25;
        double[] actual = AdvantagesOf(new BatchScaledBaseline(0.25), batch);
        double[] expected = [-1 / s, 1 / s, -3 / s, 3 / s];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Digits);
    }

    [Fact]
    public void Batch_normalisation_centres_and_divides_the_inner_advantage()
    {
        // Raw rewards 1 and 4: mean 2.5, squares 2·1.5² = 4.5, over 1.
        double[] actual = AdvantagesOf(new BatchNormalised(new NoBaseline(), 0.5), 1, 4);
        Assert.Equal(1.5 / (Math.Sqrt(4.5) + 0.5), actual[1], Digits);
        Assert.Equal(-actual[1], actual[0], Digits);
    }

    [Theory]
    [InlineData(-1e-9)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void An_epsilon_beside_a_standard_deviation_is_a_finite_number_of_at_least_0(double epsilon)
    {
        string expected =
            FormattableString.Invariant($"The ε beside a standard deviation must be a finite number ≥ 0; got {epsilon}.");
        Assert.Equal(expected, Refusal.Of(() => new StandardScore { Epsilon = epsilon }));
        Assert.Equal(expected, Refusal.Of(() => new BatchScaledBaseline(epsilon)));
        Assert.Equal(expected, Refusal.Of(() => new BatchNormalised(new MeanBaseline(), epsilon)));
    }

    [Fact]
    public void Ddof_is_0_or_1() =>
        Assert.Equal("ddof must be 0 or 1; got 2.", Refusal.Of(() => new StandardScore { Ddof = 2 }));

    [Fact]
    public void Whitening_makes_no_signal_of_rounding_unless_something_stands_beside_the_spread()
    {
        var batch = Rewards(0.3, 0.1 + 0.2, 0.3);
        double[] bare = new double[3], floored = new double[3];
        new TokenWhitened(new NoBaseline()).Fill(batch, [0.3, 0.1 + 0.2, 0.3], bare);
        Assert.All(bare, a => Assert.Equal(0.0, a));
        new TokenWhitened(new NoBaseline()) { Floor = 1e-40 }.Fill(batch, [0.3, 0.1 + 0.2, 0.3], floored);
        Assert.NotEqual(0.0, floored.Max(Math.Abs));
        new TokenWhitened(new NoBaseline()).Fill(batch, [0.3, 0.3001, 0.3], bare);
        Assert.Equal(2 / Math.Sqrt(3), bare[1], 1e-9);
    }
}
