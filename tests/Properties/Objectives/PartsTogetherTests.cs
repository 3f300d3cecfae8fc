using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>Parts that must not disturb each other in one evaluation.</summary>
public sealed class PartsTogetherTests
{
    private static readonly RolloutBatch s_batch = RolloutBatch.Of(
    [
        [
            new() { Reward = 1, Logps = [-1, -2], OldLogps = [-1, -2], RefLogps = [-2, -2], Entropies = [1, 2] },
            new() { Reward = 1, Logps = [-1], OldLogps = [-1], RefLogps = [-3], Entropies = [3] },
        ],
    ]);

    [Fact]
    public void A_regulariser_with_a_weight_of_its_own_leaves_the_next_ones_weight_alone()
    {
        // Equal rewards: only the penalties are left. k1 = ℓ − ℓʳ is 1, 0 and 2; constant weights 10, then 1/(G) = 1/2 of row sums.
        var objective = Catalogue.DrGrpo with
        {
            Regularisers = [new KlPenalty(KlEstimator.K1, 0.1) { Weight = new ConstantWeight(10) }, new KlPenalty(KlEstimator.K1, 0.01)],
        };
        var evaluation = objective.Evaluate(s_batch);
        Assert.Equal(-(0.1 * 10 * 3) - (0.01 * 0.5 * 3), evaluation.Value, 12);
        Assert.All(evaluation.Coefficients, c => Assert.Equal(-1 - 0.005, c, 12));
    }

    [Fact]
    public void A_correction_leaves_the_entropy_coefficients_alone()
    {
        var objective = Catalogue.DrGrpo with { Correction = new ConstantWeight(7), Regularisers = [new EntropyBonus(0.5)] };
        Assert.Equal([0.25, 0.25, 0.25], objective.Evaluate(s_batch).EntropyCoefficients!);
    }

    [Fact]
    public void A_regulariser_of_no_weight_needs_no_column()
    {
        var objective = Catalogue.DrGrpo with { Regularisers = [new KlPenalty(KlEstimator.K3, 0)] };
        Assert.DoesNotContain(Column.RefLogp, objective.Reads);
        Assert.Equal(0, objective.Evaluate(RolloutBatch.Of([[new() { Reward = 1, Logps = [-1], OldLogps = [-1] }]])).Value);
    }

    [Fact]
    public void A_standard_deviation_over_live_rows_does_not_see_the_dead()
    {
        var batch = RolloutBatch.Of(
        [
            [
                new() { Reward = 1, Logps = [-1], OldLogps = [-1] },
                new() { Reward = 3, Logps = [-1], OldLogps = [-1] },
                new() { Reward = 100, Logps = [-1], OldLogps = [-1], Mask = [false] },
            ],
        ]);
        double[] advantages = (Catalogue.Grpo with { Advantage = new StandardScore { Over = Counted.LiveRows } }).Evaluate(batch).RowAdvantages!;
        Assert.Equal([-Math.Sqrt(0.5), Math.Sqrt(0.5), 0], advantages, (a, b) => Math.Abs(a - b) < 1e-15);
    }

    [Fact]
    public void Isolation_is_promised_only_where_every_part_keeps_it()
    {
        Assert.True(Catalogue.DrGrpo.Traits.HasFlag(Traits.GroupIsolated));
        SurrogateObjective[] open =
        [
            Catalogue.DrGrpo with { Advantage = new BatchScaledBaseline(1e-4) },
            Catalogue.DrGrpo with { Advantage = new BatchNormalised(new MeanBaseline(), 1e-4) },
            Catalogue.DrGrpo with { Weight = new BatchTokenMean() },
            Catalogue.DrGrpo with { Correction = new BatchTokenMean() },
            Catalogue.DrGrpo with { Regularisers = [new KlPenalty(KlEstimator.K1, 0.1) { Weight = new BatchTokenMean() }] },
        ];
        Assert.All(open, objective => Assert.False(objective.Traits.HasFlag(Traits.GroupIsolated)));
    }

    [Fact]
    public void The_factors_of_nested_advantages_multiply() =>
        Assert.Equal(2 / 1e-4, new BatchNormalised(new LeaveOneOut(), 1e-4).LargestFactor!.Value, 1e-6);

    [Fact]
    public void Trls_advantages_of_equal_rewards_are_what_rounding_leaves()
    {
        RowAdvantage[] computed = [TrlFlavours.GroupScaled, TrlFlavours.BatchScaled, TrlFlavours.Unscaled, (RowAdvantage)TrlFlavours.Rloo.Advantage];
        var batch = RolloutBatch.Of([[.. Enumerable.Range(0, 3).Select(_ => new Rollout { Reward = 0.1, Logps = [-1], OldLogps = [-1] })]]);
        foreach (var advantage in computed)
        {
            var values = new double[3];
            advantage.FillRows(batch, [0.1, 0.1, 0.1], values);
            Assert.All(values, a => Assert.InRange(a, -1e-12, -1e-18));
        }
    }

    [Fact]
    public void Greedy_rewards_go_round_with_their_rows()
    {
        var batch = RolloutBatch.Of(
        [
            [new() { Reward = 1, Logps = [], OldLogps = [], GreedyReward = 3 }, new() { Reward = 1, Logps = [], OldLogps = [], GreedyReward = 4 }],
        ]);
        Assert.Equal([3.0, 4.0], batch.ToRollouts()[0].Select(rollout => rollout.GreedyReward!.Value));
    }

    [Fact]
    public void A_clip_without_a_lower_bound_has_its_cap_as_a_kink() =>
        Assert.Equal([Math.Log(1.2), Math.Log(3)], Clip.Range(1, 0.2, 3).Kinks.ToArray());
}
