using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>Whole evaluations worked out on paper, for what the recorded numbers lack.</summary>
public class HandDerivedTests
{
    // A few roundings of a handful of operations on numbers of size 1.
    private const int Digits = 13;

    private static readonly SurrogateObjective s_plain = new(new NoBaseline(), new TokenRatio(new Unclipped()), TokenWeight.One);

    [Fact]
    public void Masked_tokens_inside_a_row_leave_no_trace()
    {
        var kept = Row(1, 0.1, -0.2);
        var masked = new Rollout
        {
            Reward = 1,
            Logps = [double.NaN, Old + 0.1, 5, Old - 0.2],
            OldLogps = [7, Old, double.PositiveInfinity, Old],
            Mask = [false, true, false, true],
        };
        SurrogateObjective[] all = [Catalogue.Grpo, Catalogue.DrGrpo, Catalogue.Dapo, Catalogue.Gspo, Catalogue.Cispo, Catalogue.Rloo];
        foreach (var objective in all)
        {
            var expected = objective.Evaluate(Group(kept, Row(0, 0.3)));
            var actual = objective.Evaluate(Group(masked, Row(0, 0.3)));
            Assert.Equal(expected.Coefficients, actual.Coefficients);
            Assert.Equal(expected.Value, actual.Value);
        }
    }

    [Fact]
    public void Each_row_of_a_group_has_the_share_1_over_P_G_or_1_over_B()
    {
        // P = 2, G = 1 and 3, B = 4.
        var batch = RolloutBatch.Of([[Row(0, 0, 0)], [Row(0, 0), Row(0, 0, 0, 0, 0), Dead(0)]]);
        Assert.Equal([1.0 / 4, 1.0 / 4, 1.0 / 6, 1.0 / 24, 1.0 / 24, 1.0 / 24, 1.0 / 24], Weights(new RowMean(), batch));
        Assert.Equal(
            [1.0 / 8, 1.0 / 8, 1.0 / 4, 1.0 / 16, 1.0 / 16, 1.0 / 16, 1.0 / 16],
            Weights(new RowMean { Averaged = Average.OverRows }, batch));
        Assert.Equal([1.0 / 2, 1.0 / 2, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6], Weights(new RowSum(), batch));
        Assert.Equal(Enumerable.Repeat(1.0 / 4 / 10, 7), Weights(new RowSum { Averaged = Average.OverRows, Length = 10 }, batch));
    }

    [Fact]
    public void A_token_mean_divides_by_the_tokens_of_the_group_or_of_the_batch()
    {
        // Groups of 2 and 5 tokens.
        var batch = RolloutBatch.Of([[Row(0, 0, 0)], [Row(0, 0), Row(0, 0, 0, 0, 0), Dead(0)]]);
        Assert.Equal([0.25, 0.25, 0.1, 0.1, 0.1, 0.1, 0.1], Weights(new GroupTokenMean(), batch));
        Assert.Equal(Enumerable.Repeat(1.0 / 7, 7), Weights(new BatchTokenMean(), batch));
        Assert.Equal(Enumerable.Repeat(1.0 / 14, 7), Weights(new BatchTokenMean { Items = 2 }, batch));
    }

    [Fact]
    public void The_reward_of_a_dead_row_still_counts_in_its_group()
    {
        // A = 1 − (1 + 4)/2 = −1.5 for the only token, weight 1/2.
        Assert.Equal([-0.75], Catalogue.DrGrpo.Evaluate(Group(Row(1, 0), Dead(4))).Coefficients);
    }

    [Theory]
    [InlineData(2.0, 1.0)]
    [InlineData(0.5, -1.0)]
    [InlineData(4.0, -1.0)]
    public void The_full_gradient_flows_at_a_bound_and_none_one_ulp_beyond(double bound, double advantage)
    {
        // [1 − 0.5, 1 + 1] and the cap 4.
        var clip = Clip.Range(0.5, 1, 4);
        Assert.Equal((bound * advantage, bound * advantage), clip.At(bound, advantage));
        double beyond = bound < 1 ? Math.BitDecrement(bound) : Math.BitIncrement(bound);
        Assert.Equal((bound * advantage, 0.0), clip.At(beyond, advantage));
        Assert.True(clip.Kills(beyond, advantage));
        Assert.False(clip.Kills(bound, advantage));
        double before = bound < 1 ? Math.BitIncrement(bound) : Math.BitDecrement(bound);
        Assert.Equal((before * advantage, before * advantage), clip.At(before, advantage));
    }

    [Theory]
    [InlineData(0.1, 1.0)]
    [InlineData(3.0, -1.0)]
    public void The_other_side_of_a_bound_is_not_clipped(double ratio, double advantage) =>
        Assert.Equal((ratio * advantage, ratio * advantage), Clip.Range(0.5, 1, 4).At(ratio, advantage));

    [Fact]
    public void The_cap_does_not_touch_positive_advantages() =>
        Assert.Equal((2.0, 0.0), Clip.Range(0.5, 1, 4).At(9, 1));

    [Fact]
    public void An_advantage_of_zero_gives_nothing_even_at_an_infinite_ratio()
    {
        foreach (var shape in new Shape[] { new Unclipped(), Clip.Range(0.2, 0.2), Clip.Range(0.2, 0.2, 3) })
            Assert.Equal((0.0, 0.0), shape.At(double.PositiveInfinity, 0));
        Assert.Equal((0.0, 0.0), new ClippedImportance(0, 5).At(new(-1, -1, double.NegativeInfinity, 0)));
    }

    [Fact]
    public void An_infinite_ratio_is_clipped_where_the_clip_reaches_and_refused_where_it_does_not()
    {
        var clipped = s_plain with { Kernel = new TokenRatio(Clip.Range(0.2, 0.5)) };
        var batch = Group(new Rollout { Reward = 2, Logps = [0], OldLogps = [-800] });
        Assert.Equal([0.0], clipped.Evaluate(batch).Coefficients);
        Assert.Equal(3, clipped.Evaluate(batch).Value);
        Assert.Equal(
            "A coefficient overflows float64: it is Infinity at group 0, completion 0, token 0, where the log-ratio is 800.",
            Refusal.Of(() => s_plain.Evaluate(batch)));
    }

    [Fact]
    public void An_overflow_names_the_log_ratio_of_the_evaluation_point()
    {
        var batch = Group(Row(1, 0, 0));
        Assert.Equal(
            "A coefficient overflows float64: it is Infinity at group 0, completion 0, token 1, where the log-ratio is 780.",
            Refusal.Of(() => s_plain.Evaluate(batch, [Old, Old + 780], new double[2], new Workspace())));
    }

    [Fact]
    public void A_clip_range_is_ordered()
    {
        Assert.Equal(
            "A clip range needs low ≤ 1 ≤ high ≤ cap; got low 1.1, high 2, cap 3.",
            Refusal.Of(() => new Clip(1.1, 2, 3)));
        Assert.Equal(
            "A clip range needs low ≤ 1 ≤ high ≤ cap; got low 0.8, high 0.9, cap Infinity.",
            Refusal.Of(() => new Clip(0.8, 0.9)));
        Assert.Equal(
            "A clip range needs low ≤ 1 ≤ high ≤ cap; got low 0.8, high 1.2, cap 1.1.",
            Refusal.Of(() => new Clip(0.8, 1.2, 1.1)));
        Assert.Equal(
            "A clip range needs low ≤ 1 ≤ high ≤ cap; got low 0.8, high 1.2, cap NaN.",
            Refusal.Of(() => new Clip(0.8, 1.2, double.NaN)));
        Assert.Equal(
            "A clip range's ε_low and ε_high must be finite numbers ≥ 0; got -0.1 and 0.2.",
            Refusal.Of(() => Clip.Range(-0.1, 0.2)));
        Assert.Equal(
            "A clip range's ε_low and ε_high must be finite numbers ≥ 0; got 0.1 and Infinity.",
            Refusal.Of(() => Clip.Range(0.1, double.PositiveInfinity)));
    }

    [Fact]
    public void The_kinks_are_the_logarithms_of_the_bounds()
    {
        Assert.Equal([Math.Log(0.5), Math.Log(2), Math.Log(4)], Clip.Range(0.5, 1, 4).Kinks.ToArray());
        Assert.Equal([Math.Log(0.5), Math.Log(2)], Clip.Range(0.5, 1).Kinks.ToArray());
        Assert.Equal([Math.Log(2)], Clip.Range(1, 1).Kinks.ToArray());
        Assert.Empty(new TokenRatio(new Unclipped()).Kinks);
    }

    [Theory]
    [InlineData(KlEstimator.K1)]
    [InlineData(KlEstimator.K2)]
    [InlineData(KlEstimator.K3)]
    public void A_KL_penalty_has_its_formulas_value_and_slope_under_its_own_weight(KlEstimator estimator)
    {
        double[] ys = [0.7, -1.3];
        var batch = Group(Row(0, 0, 0) with { RefLogps = [Old + ys[0], Old + ys[1]] });
        var objective = s_plain with { Regularisers = [new KlPenalty(estimator, 0.5) { Weight = new ConstantWeight(3) }] };
        var evaluation = objective.Evaluate(batch);
        double expected = 0;
        for (int t = 0; t < ys.Length; t++)
        {
            double y = ys[t];
            var (value, slope) = estimator switch
            {
                KlEstimator.K1 => (-y, 1),
                KlEstimator.K2 => (y * y / 2, -y),
                _ => (Math.Exp(y) - 1 - y, 1 - Math.Exp(y)),
            };
            expected -= 0.5 * 3 * value;
            Assert.Equal(-0.5 * 3 * slope, evaluation.Coefficients[t], Digits);
        }

        Assert.Equal(expected, evaluation.Value, Digits);
    }

    [Fact]
    public void A_KL_penalty_against_the_behaviour_policy_reads_no_reference()
    {
        // y = ℓ° − ℓ = −0.4; k1 = 0.4.
        var objective = s_plain with { Regularisers = [new KlPenalty(KlEstimator.K1, 2) { Against = Column.OldLogp }] };
        var evaluation = objective.Evaluate(Group(Row(0, 0.4)));
        Assert.Equal(-0.8, evaluation.Value, Digits);
        Assert.Equal([-2.0], evaluation.Coefficients);
        Assert.DoesNotContain(Column.RefLogp, objective.Reads);
    }

    [Fact]
    public void A_KL_penalty_needs_its_anchor()
    {
        var objective = s_plain with { Regularisers = [new KlPenalty(KlEstimator.K3, 1)] };
        Assert.Contains(Column.RefLogp, objective.Reads);
        Assert.Equal(
            "The batch has no ref_logps, which the objective reads.",
            Refusal.Of(() => objective.Evaluate(Group(Row(0, 0)))));
        Assert.Equal(
            "A KL penalty's anchor is ref_logps, old_logps or rollout_logps; got entropies.",
            Refusal.Of(() => new KlPenalty(KlEstimator.K3, 1) { Against = Column.Entropy }));
    }

    [Fact]
    public void A_regularisers_beta_stays_finite_in_copies_too()
    {
        Assert.Equal(
            "A regulariser's β must be a finite number; got NaN.",
            Refusal.Of(() => new KlPenalty(KlEstimator.K3, double.NaN)));
        Assert.Equal(
            "A regulariser's β must be a finite number; got NaN.",
            Refusal.Of(() => new EntropyBonus(1) with { Beta = double.NaN }));
    }

    [Fact]
    public void An_entropy_bonus_acts_on_the_entropies_alone()
    {
        var batch = Group(Row(0, 0, 0) with { Entropies = [0.5, 2] });
        var evaluation =
            (s_plain with { Weight = new GivenWeights(3, 5), Regularisers = [new EntropyBonus(0.1)] }).Evaluate(batch);
        Assert.Equal(0.1 * ((3 * 0.5) + (5 * 2)), evaluation.Value, Digits);
        Assert.Equal([0.0, 0.0], evaluation.Coefficients);
        Assert.Equal([0.1 * 3, 0.1 * 5], evaluation.EntropyCoefficients!);
        Assert.Null(s_plain.Evaluate(batch).EntropyCoefficients);
    }

    [Fact]
    public void A_used_workspace_forgets_the_entropy_bonus()
    {
        var batch = Group(Row(0, 0) with { Entropies = [0.5] });
        var workspace = new Workspace();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            (s_plain with { Regularisers = [new EntropyBonus(0.1)] }).Evaluate(batch, [Old], new double[1], workspace);
            Assert.Equal([0.1], workspace.EntropyCoefficients.ToArray());
        }

        s_plain.Evaluate(batch, [Old], new double[1], workspace);
        Assert.Equal([0.0], workspace.EntropyCoefficients.ToArray());
    }

    [Fact]
    public void A_correction_scales_the_surrogate_and_not_the_penalty()
    {
        var batch = Group(Row(2, 0, 0) with { RefLogps = [Old, Old] });
        var objective =
            s_plain with { Correction = new GivenWeights(0.5, 3), Regularisers = [new KlPenalty(KlEstimator.K1, 0.25)] };
        Assert.Equal([(0.5 * 2) - 0.25, (3 * 2) - 0.25], objective.Evaluate(batch).Coefficients);
        Assert.Equal([0.5, 3.0], objective.Evaluate(batch).Weights);
    }

    [Fact]
    public void A_correction_takes_the_promise_of_a_uniform_weight_away()
    {
        Assert.True(Catalogue.DrGrpo.Traits.HasFlag(Traits.UniformWeight));
        Assert.True((Catalogue.DrGrpo with { Correction = new ConstantWeight(2) }).Traits.HasFlag(Traits.UniformWeight));
        Assert.False((Catalogue.DrGrpo with { Correction = new GivenWeights(1, 2) }).Traits.HasFlag(Traits.UniformWeight));
        Assert.False((Catalogue.Grpo with { Correction = new GivenWeights(1, 2) }).Traits.HasFlag(Traits.RowMeanWeight));
    }

    [Fact]
    public void A_sequence_ratio_is_worth_its_weights_average_over_its_jacobian()
    {
        // Log-ratios 0.1, 0.5: mean 0.3, sum 0.6. Weights 2 and 4, A = 3.
        var batch = Group(Row(3, 0.1, 0.5));
        var weighted = s_plain with { Weight = new GivenWeights(2, 4) };
        var mean = (weighted with { Kernel = new SequenceRatio(RatioLevel.SequenceMean, new Unclipped()) }).Evaluate(batch);
        Assert.Equal(6 * 3 * Math.Exp(0.3), mean.Value, Digits);
        Assert.All(mean.Coefficients, c => Assert.Equal(3 * 3 * Math.Exp(0.3), c, Digits));
        var sum = (weighted with { Kernel = new SequenceRatio(RatioLevel.SequenceSum, new Unclipped()) }).Evaluate(batch);
        Assert.Equal(3 * 3 * Math.Exp(0.6), sum.Value, Digits);
        Assert.All(sum.Coefficients, c => Assert.Equal(3 * 3 * Math.Exp(0.6), c, Digits));
        Assert.Equal(
            "A sequence ratio is of the mean or the sum of a row's log-ratios; got Token.",
            Refusal.Of(() => new SequenceRatio(RatioLevel.Token, new Unclipped())));
    }

    [Fact]
    public void Where_all_tokens_of_a_row_have_one_ratio_the_geometric_mean_is_the_token_ratio()
    {
        var batch = Group(Row(1, 0.15, 0.15, 0.15), Row(0, -0.1, -0.1));
        var token = Catalogue.Grpo.Evaluate(batch);
        var sequence =
            (Catalogue.Grpo with { Kernel = new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(0.2, 0.2)) }).Evaluate(batch);
        Assert.Equal(token.Value, sequence.Value, Digits);
        for (int t = 0; t < batch.Tokens; t++)
            Assert.Equal(token.Coefficients[t], sequence.Coefficients[t], Digits);
    }

    [Fact]
    public void Cispos_gain_is_frozen_at_the_batchs_own_ratio()
    {
        // Frozen ratio e^0.4 below the cap, e^2 above it; A = 1.5.
        var objective = s_plain with { Kernel = new ClippedImportance(0, 5) };
        var batch = Group(Row(1.5, 0.4, 2));
        double[] expected = [1.5 * Math.Exp(0.4), 1.5 * 5];
        double[] coefficients = new double[2];
        foreach (double step in new[] { 0, 0.1, 10, -10 })
        {
            double[] moved = [Old + 0.4 + step, Old + 2 + step];
            double value = objective.Evaluate(batch, moved, coefficients, new Workspace());
            Assert.Equal((expected[0] * moved[0]) + (expected[1] * moved[1]), value, 1e-12 * Math.Abs(value));
            Assert.Equal(expected[0], coefficients[0], Digits);
            Assert.Equal(expected[1], coefficients[1], Digits);
        }
    }

    [Fact]
    public void A_score_kernel_tells_its_gain_on_policy()
    {
        Assert.Equal(1, new LogLikelihood().OnPolicyGain);
        Assert.Equal(1, new ClippedImportance(0, 5).OnPolicyGain);
        Assert.Equal(0.2, new ClippedImportance(0, 0.2).OnPolicyGain);
        Assert.Equal(
            "The bounds of a clipped importance weight need 0 ≤ low ≤ high, high > 0; got 0 and 0.",
            Refusal.Of(() => new ClippedImportance(0, 0)));
        Assert.Equal(
            "The bounds of a clipped importance weight need 0 ≤ low ≤ high, high > 0; got 2 and 1.",
            Refusal.Of(() => new ClippedImportance(2, 1)));
    }

    [Fact]
    public void Reinforce_is_the_advantage_times_the_log_likelihood()
    {
        // A = ±3; each row weighs 1/2.
        var evaluation = Catalogue.Rloo.Evaluate(Group(Row(3, 0.5, 0.25), Row(0, 1)));
        Assert.Equal([1.5, 1.5, -1.5], evaluation.Coefficients);
        Assert.Equal(1.5 * ((2 * Old) + 0.75 - (Old + 1)), evaluation.Value, Digits);
    }

    [Fact]
    public void An_evaluation_needs_one_number_for_each_token()
    {
        Assert.Equal(
            "An evaluation needs one log-prob and one coefficient for each of the 1 trainable tokens; got 2 and 1.",
            Refusal.Of(() => s_plain.Evaluate(Group(Row(0, 0)), new double[2], new double[1], new Workspace())));
    }

    [Fact]
    public void Constants_of_weights_are_positive_and_finite()
    {
        Assert.Equal("A constant length must be a finite number > 0; got 0.", Refusal.Of(() => new RowSum { Length = 0 }));
        Assert.Equal(
            "A token count's factor must be a finite number > 0; got NaN.",
            Refusal.Of(() => new BatchTokenMean { Items = double.NaN }));
    }

    [Fact]
    public void A_second_evaluation_allocates_nothing()
    {
        var batch = Mismatched.Batch(3);
        double[] logp = batch[Column.Logp].ToArray(), coefficients = new double[batch.Tokens];
        SurrogateObjective[] extra =
        [
            Catalogue.Grpo with { Advantage = TrlFlavours.BatchScaled, Correction = new ConstantWeight(0.5) },
            TrlFlavours.Rloo with { Advantage = new BatchNormalised(new LeaveOneOut(), 1e-4) },
            TrlFlavours.Rloo with { Rewards = new ClippedReward(TrlFlavours.Rloo.Rewards, 0, 1) },
            Catalogue.Grpo with { Regularisers = [new EntropyBonus(1), new KlPenalty(KlEstimator.K3, 1) { Weight = new RowSum() }] },
        ];
        foreach (var objective in Catalogue.All.Select(entry => entry.Objective).Concat(extra))
        {
            var workspace = new Workspace();
            objective.Evaluate(batch, logp, coefficients, workspace);
            long before = GC.GetAllocatedBytesForCurrentThread();
            objective.Evaluate(batch, logp, coefficients, workspace);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void A_workspace_serves_batches_of_any_size_in_turn()
    {
        var workspace = new Workspace();
        foreach (var batch in new[] { Ragged(1), Ragged(2), Group(Row(1, 0), Row(0, 0)), Ragged(1) })
        {
            double[] coefficients = new double[batch.Tokens];
            double value = Catalogue.Grpo.Evaluate(batch, batch[Column.Logp], coefficients, workspace);
            var fresh = Catalogue.Grpo.Evaluate(batch);
            Assert.Equal(fresh.Value, value);
            Assert.Equal(fresh.Coefficients, coefficients);
            Assert.Equal(fresh.Advantages, workspace.Advantages.ToArray());
        }
    }

    private static double[] Weights(TokenWeight weight, RolloutBatch batch)
    {
        double[] weights = new double[batch.Tokens];
        weight.Fill(batch, new double[batch.Tokens], weights);
        return weights;
    }
}
