using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>The wider field's parts worked out on paper, for what the recorded numbers lack.</summary>
public class FormsHandDerivedTests
{
    // A few roundings of a handful of operations on numbers of size 1 to 10.
    private const int Digits = 12;

    private static readonly FlippedRatio s_flipped = new(Clip.Range(0.2, 0.2), Clip.Range(0.4, 0.4));

    public static TheoryData<string> Ids => [.. Catalogue.All.Select(form => form.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_form_has_its_own_id_and_says_where_it_is_from(string id)
    {
        var form = Find(id);
        Assert.NotEmpty(form.Formula);
        Assert.NotEmpty(form.Source);
        Assert.True(!id.Contains(':', StringComparison.Ordinal) || form.Departure.Length > 0);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_batch_of_dead_rows_is_worth_nothing(string id)
    {
        var evaluation = Find(id).Objective.Evaluate(Complete(Dead(1), Dead(2)));
        Assert.Equal(0.0, evaluation.Value);
        Assert.Empty(evaluation.Coefficients);
    }

    // The papers' forms whose advantages compare. k1 has a gradient wherever it is, and so is asked for nothing at the reference.
    public static TheoryData<string> ComparingIds =>
    [
        .. Catalogue.All.Where(form => !form.Id.Contains(':', StringComparison.Ordinal) && form.Objective.Advantage.Traits.HasFlag(Traits.ComparesRewards))
            .Where(form => !form.Objective.Regularisers.Any(term => term is KlPenalty { Estimator: KlEstimator.K1 })).Select(form => form.Id),
    ];

    [Theory]
    [MemberData(nameof(ComparingIds))]
    public void A_group_without_anything_to_compare_teaches_nothing_on_policy(string id)
    {
        // Equal dyadic rewards: every advantage is 0 exactly. A penalty against the reference is silent at the reference.
        var evaluation = Find(id).Objective.Evaluate(Complete(Row(1, 0, 0), Row(1, 0)));
        Assert.Equal(0.0, evaluation.Value);
        Assert.All(evaluation.Coefficients, c => Assert.Equal(0.0, c));
    }

    [Theory]
    [MemberData(nameof(ComparingIds))]
    public void A_lone_completion_is_refused_or_teaches_nothing(string id)
    {
        var batch = Complete(Row(1, 0, 0));
        try
        {
            Assert.All(Find(id).Objective.Evaluate(batch).Coefficients, c => Assert.Equal(0.0, c));
        }
        catch (InvalidInputException refused)
        {
            Assert.Contains("needs at least 2", refused.Message, StringComparison.Ordinal);
        }
    }

    // Shared prefixes, positions and gaps are of the whole completion, masked tokens included.
    public static TheoryData<string> IdsWithoutPrefixes =>
        [.. Catalogue.All.Select(form => form.Id).Except(["lambda-grpo", "verl:optimal_token_baseline", "verl:reinforce_plus_plus"])];

    [Theory]
    [MemberData(nameof(IdsWithoutPrefixes))]
    public void Masked_tokens_leave_no_trace_but_in_prefixes(string id)
    {
        var kept = Row(1, 0.1, -0.2);
        var masked = new Rollout
        {
            Reward = 1,
            Logps = [Old + 0.1, double.NaN, Old - 0.2],
            OldLogps = [Old, 5, Old],
            Mask = [true, false, true],
        };
        var objective = Find(id).Objective;
        var other = Row(0, 0.3, 0, 0);
        var expected = objective.Evaluate(Complete(kept, other));
        var actual = objective.Evaluate(Complete(masked, other));
        Assert.Equal(expected.Coefficients, actual.Coefficients);
        Assert.Equal(expected.Value, actual.Value);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_second_evaluation_allocates_nothing(string id)
    {
        var (batch, workspace, objective) = (Mismatched.Batch(3), new Workspace(), Find(id).Objective);
        double[] logp = batch[Column.Logp].ToArray(), coefficients = new double[batch.Tokens];
        objective.Evaluate(batch, logp, coefficients, workspace);
        long before = GC.GetAllocatedBytesForCurrentThread();
        objective.Evaluate(batch, logp, coefficients, workspace);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_a_form_reads_is_what_it_needs(string id)
    {
        var objective = Find(id).Objective;
        var whole = Mismatched.Batch(2);
        var groups = whole.ToRollouts();
        var reads = objective.Reads;
        var bare = RolloutBatch.Of([.. groups.Select(group => group.Select(row => Columns.All.Except(reads)
            .Aggregate(row, (rollout, column) => rollout.With(column, null))).ToArray())]);
        Assert.Equal(objective.Evaluate(whole).Value, objective.Evaluate(bare).Value);
        foreach (var column in reads.Where(column => column is not (Column.Logp or Column.OldLogp)))
        {
            var lacking = RolloutBatch.Of([.. groups.Select(group => group.Select(row => row.With(column, null)).ToArray())]);
            Assert.Equal($"The batch has no {column.Field()}, which the objective reads.", Refusal.Of(() => objective.Evaluate(lacking)));
        }
    }

    [Theory]
    [InlineData(1.0, 2.0, 3.0)]
    [InlineData(-1.0, 3.0, 2.0)]
    public void A_gamma_gain_is_1_on_policy_and_largest_at_k_over_lambda(double advantage, double k, double lambda)
    {
        double Gain(double w) => Weighted(new GammaGain(), Group(Row(0, Math.Log(w))), advantage).Coefficients[0] / advantage;
        Assert.Equal(1, Gain(1), Digits);
        Assert.Equal(Math.Exp(lambda) * Math.Pow(0.5, k) * Math.Exp(-lambda / 2), Gain(0.5), Digits);
        double top = Gain(k / lambda);
        Assert.True(top > Gain(k / lambda * 1.01) && top > Gain(k / lambda * 0.99));
    }

    [Fact]
    public void A_gamma_gains_log_ratios_are_bounded_token_by_token_and_as_a_sum()
    {
        // Old = −20: a log-ratio of 20 is the largest there is; −30 counts as −20, and their sum as 0.
        var batch = Group(Row(0, 20, -30));
        Assert.All(Weighted(new GammaGain(), batch, 1).Coefficients, c => Assert.Equal(1, c, Digits));

        // A sum of −40 counts as log 1e−8, so that g = e³·1e−16 to the third power of e^−3e−8.
        Assert.All(Weighted(new GammaGain(), Group(Row(0, -20, -20)), 1).Coefficients, c => Assert.Equal(1, c / (Math.Exp(3 - 3e-8) * 1e-16), Digits));

        // Far above 1 the gain underflows to 0.
        Assert.Equal([0.0], Weighted(new GammaGain(), Group(Row(0, 20)), -1).Coefficients);
    }

    [Fact]
    public void A_gamma_gain_is_frozen_and_each_token_takes_the_gain_of_its_own_sign()
    {
        var batch = Group(Row(0, 0.25, 0.5));
        var objective = new SurrogateObjective(new GivenTokens([2, -3]), new GammaGain(), TokenWeight.One);
        double w = Math.Exp(0.75);
        double[] expected = [2 * Math.Exp(3) * w * w * Math.Exp(-3 * w), -3 * Math.Exp(2) * w * w * w * Math.Exp(-2 * w)];
        double[] coefficients = new double[2];
        foreach (double step in new[] { 0, 0.5, -3 })
        {
            double value = objective.Evaluate(batch, [Old + step, Old - step], coefficients, new Workspace());
            Assert.Equal(expected[0], coefficients[0], Digits);
            Assert.Equal(expected[1], coefficients[1], Digits);
            Assert.Equal((expected[0] * (Old + step)) + (expected[1] * (Old - step)), value, Digits);
        }
    }

    [Fact]
    public void A_mismatch_inside_a_gamma_gain_is_one_of_tokens()
    {
        var kernel = new GammaGain { Mismatch = new ImportanceMask(RatioLevel.Token, High: 2) { TimesRatio = true } };
        Assert.Equal([Column.OldLogp, Column.RolloutLogp], kernel.Reads.ToArray());
        Assert.Null(kernel.OnPolicyGain);
        Assert.False(kernel.Traits.HasFlag(Traits.CommonOnPolicyGain));

        // Ratios 1.5 and 3 to the sampling engine: the second is masked, and log 0 counts as log 1e−8.
        var batch = Group(Row(0, 0, 0) with { RolloutLogps = [Old - Math.Log(1.5), Old - Math.Log(3)] });
        double w = 1.5e-8;
        Assert.All(Weighted(kernel, batch, 1).Coefficients, c => Assert.Equal(1, c / (Math.Exp(3 - (3 * w)) * w * w), Digits));
        Assert.Equal(
            "The mismatch inside a gamma gain is a ratio of tokens; got SequenceSum.",
            Refusal.Of(() => new GammaGain { Mismatch = new TruncatedImportance(RatioLevel.SequenceSum) }));
        Assert.Equal("A gamma gain's λ must be a finite number > 0; got 0.", Refusal.Of(() => new GammaGain(2, 0)));
        Assert.Equal("A gamma gain's k must be a finite number ≥ 0; got -1.", Refusal.Of(() => new GammaGain(-1)));
    }

    [Theory]
    [InlineData(1.0, 1.0, 1.0, 1.0)]
    [InlineData(1.19, 1.0, 1 / 1.19, 1 / 1.19)]
    [InlineData(1.3, 1.0, 1 / 1.2, 0.0)]
    [InlineData(0.5, 1.0, 2.0, 2.0)]
    [InlineData(1.0, -1.0, -1.0, -1.0)]
    [InlineData(2.5, -1.0, -2.5, -2.5)]
    [InlineData(0.7, -1.0, -0.8, 0.0)]
    [InlineData(9.0, 0.0, 0.0, 0.0)]
    public void A_flipped_ratio_is_one_over_the_ratio_for_positive_advantages(double ratio, double advantage, double value, double slope)
    {
        var evaluation = Weighted(s_flipped, Group(Row(0, Math.Log(ratio)) with { Entropies = [0] }), advantage);
        Assert.Equal(value, evaluation.Value, Digits);
        Assert.Equal([slope], evaluation.Coefficients, (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Theory]
    [InlineData(0.25, 1.0)]
    [InlineData(4.0, -1.0)]
    public void A_flipped_ratios_gain_stops_at_its_largest_and_multiplies_the_log_likelihood_there(double ratio, double advantage)
    {
        var batch = Group(Row(0, Math.Log(ratio)) with { Entropies = [0] });
        var evaluation = Weighted(s_flipped, batch, advantage);
        Assert.Equal([3 * advantage], evaluation.Coefficients);
        Assert.Equal(3 * advantage * (Old + Math.Log(ratio)), evaluation.Value, Digits);
    }

    [Fact]
    public void A_flipped_ratios_range_is_wider_for_tokens_above_the_rows_entropy_quantile()
    {
        // Entropies 0 … 5: the 0.8-quantile is 4 itself, and 4 is low; the ratio 1.3 is beyond 1.2 but not beyond 1.4.
        double x = Math.Log(1.3);
        var batch = Group(Row(0, x, x, x, x, x, x) with { Entropies = [0, 5, 1, 4, 2, 3] });
        Assert.Equal([false, true, false, false, false, false], Weighted(s_flipped, batch, 1).Coefficients.Select(c => c != 0));
        Assert.Equal(4, s_flipped.Threshold(new(batch, 0)), Digits);
        Assert.Equal(2.5, (s_flipped with { Quantile = 0.5 }).Threshold(new(batch, 0)), Digits);
        Assert.Equal(0.25, (s_flipped with { Quantile = 0.05 }).Threshold(new(batch, 0)), Digits);
        Assert.Equal(4.75, (s_flipped with { Quantile = 0.95 }).Threshold(new(batch, 0)), Digits);
        Assert.Equal(5, (s_flipped with { Quantile = 1 }).Threshold(new(batch, 0)));
    }

    [Fact]
    public void A_flipped_ratio_has_no_gradient_beyond_its_bound_on_the_log_ratio()
    {
        // The log-ratio bound of 0.1 acts first: 1/e^0.1 in value, nothing in slope.
        var evaluation = Weighted(s_flipped with { LogBound = 0.1 }, Group(Row(0, 0.15) with { Entropies = [0] }), 1);
        Assert.Equal(Math.Exp(-0.1), evaluation.Value, Digits);
        Assert.Equal([0.0], evaluation.Coefficients);
        Assert.Equal([Math.Log(0.8), Math.Log(1.2), Math.Log(0.6), Math.Log(1.4), 0.1, -0.1], (s_flipped with { LogBound = 0.1 }).Kinks.ToArray());
        Assert.Equal("A flipped ratio's largest gain must be > 1; got 1.", Refusal.Of(() => s_flipped with { Dual = 1 }));
        Assert.Equal("A quantile must lie in [0, 1]; got 1.5.", Refusal.Of(() => s_flipped with { Quantile = 1.5 }));
        Assert.Null(s_flipped.Region);
        Assert.Equal([Column.Entropy], s_flipped.Reads.ToArray());
    }

    [Fact]
    public void An_own_ratio_sees_no_behaviour_policy()
    {
        var objective = new SurrogateObjective(new GivenTokens([2]), new OwnRatio(), TokenWeight.One);
        double[] coefficients = new double[1];
        Assert.Equal(2 * Math.Exp(-0.5), objective.Evaluate(Group(Row(0, 1)), [Old + 0.5], coefficients, new Workspace()), Digits);
        Assert.Equal(2 * Math.Exp(-0.5), coefficients[0], Digits);
        Assert.Equal([2.0], objective.Evaluate(Group(Row(0, -20))).Coefficients);
    }

    [Fact]
    public void A_prefix_is_shared_up_to_the_first_difference_masked_tokens_included()
    {
        // Completions 0, 1 share two tokens, the second masked in row 0; the third differs at once; the last is a prefix of the first.
        var batch = Group(
            Row(0, 0, 0, 0) with { Tokens = [1, 2, 3], Mask = [true, false, true] },
            Row(0, 0, 0, 0) with { Tokens = [1, 2, 4] },
            Row(0, 0, 0) with { Tokens = [9, 2] },
            Row(0, 0, 0) with { Tokens = [1, 2] });
        Assert.Equal([1.0 / 3, 1, 1.0 / 3, 1.0 / 3, 1, 1, 1, 1.0 / 3, 1.0 / 3], Fill(new PrefixShare(), batch));
    }

    [Fact]
    public void A_prefix_ends_at_a_token_whose_id_is_not_known_and_at_the_groups_bounds()
    {
        var hidden = Row(0, 0, 0, 0) with { Tokens = [1, RolloutBatch.UnknownId, 3], Mask = [true, false, true] };
        var batch = RolloutBatch.Of([[hidden, hidden], [hidden]]);
        Assert.Equal([0.5, 1, 0.5, 1, 1, 1], Fill(new PrefixShare(), batch));
        Assert.Equal(
            "The batch has no tokens, without which no shared prefix can be found.",
            Refusal.Of(() => Fill(new PrefixShare(), Group(Row(0, 0)))));
    }

    [Fact]
    public void Dead_rows_share_their_tokens()
    {
        var dead = Dead(0) with { Tokens = [1, 2] };
        Assert.Equal([0.5, 0.5, 1], Fill(new PrefixShare(), Group(Row(0, 0, 0, 0) with { Tokens = [1, 2, 3] }, dead)));
    }

    [Fact]
    public void Conflicts_run_from_both_ends()
    {
        // Rewards 3, 0, 0: A = 2, −1, −1. Forward: places 0 and 1 hold 1, 2 with both signs; backward: the last token is 9 in rows 0 and 1.
        var batch = Group(
            Row(3, 0, 0, 0, 0) with { Tokens = [1, 2, 5, 9] },
            Row(0, 0, 0, 0) with { Tokens = [1, 2, 9] },
            Row(0, 0, 0) with { Tokens = [7, 2] });
        Assert.Equal([2.0, 2, 1, 2, 0, 0, 0, 1, 1], Fill(new ConflictWeight { PerConflict = false }, batch));

        // Runs of 2 and 1, counted as the longer; the third row's 2 at place 1 is in conflict, but its run ends at the 7.
        Assert.Equal([1.0, 1, 0.5, 1, 0, 0, 0, 1, 1], Fill(new ConflictWeight(), batch));
    }

    [Fact]
    public void A_token_in_both_runs_counts_twice_and_rows_without_an_advantage_not_at_all()
    {
        // A = 1, −1, 0: all share the only token; the last row neither conflicts nor is weighed.
        Rollout One(double reward) => Row(reward, 0) with { Tokens = [1] };
        Assert.Equal([4.0, 0, 1], Fill(new ConflictWeight(), Group(One(2), One(0), One(1))));
        Assert.Equal([1.0, 1], Fill(new ConflictWeight(), Group(One(1), One(1))));
        Assert.Equal([9.0, 0.25], Fill(new ConflictWeight(3, 0.5), Group(One(1), One(0))));
    }

    [Fact]
    public void Masked_tokens_take_no_place_among_conflicts_and_groups_none_from_each_other()
    {
        var masked = Row(1, 0, 0, 0) with { Tokens = [1, 8, 2], Mask = [true, false, true] };
        var plain = Row(0, 0, 0, 0) with { Tokens = [1, 2, 3] };
        Assert.Equal([2.0, 2, 0, 0, 1], Fill(new ConflictWeight { PerConflict = false }, Group(masked, plain)));
        var dead = Dead(0) with { Tokens = [1, 2] };
        Assert.Equal([1.0, 1, 1, 1, 1], Fill(new ConflictWeight(), RolloutBatch.Of([[masked, dead], [plain]])));
        Assert.Equal("A conflict token's factor must be a finite number ≥ 0; got -1.", Refusal.Of(() => new ConflictWeight(-1)));
    }

    [Fact]
    public void A_length_preference_is_the_groups_size_times_a_softmax_of_powers()
    {
        // Lengths 1 and 3: mean 2, ddof 0 std 1, so z = ∓1; h = 0.5, 1.5; λ = 2: powers 0.25, 2.25.
        var batch = RolloutBatch.Of([[Row(0, 0), Row(0, 0, 0, 0)], [Row(0, 0, 0), Row(0, 0, 0)]]);
        double first = Math.Exp(0.25), second = Math.Exp(2.25);
        double[] weights = Fill(new LengthPreference(0.5, 2, 0, 0), batch);
        Assert.Equal(2 * first / (first + second), weights[0], Digits);
        Assert.All(weights[1..4], weight => Assert.Equal(2 * second / (first + second), weight, Digits));
        Assert.All(weights[4..], weight => Assert.Equal(1, weight));

        // ddof 1 divides by √2 more; ε = 1 by 1 + √2.
        double h = 0.5 / (1 + Math.Sqrt(2)), low = Math.Exp(1 - h), high = Math.Exp(1 + h);
        Assert.Equal(2 * low / (low + high), Fill(new LengthPreference(0.5, 1, 1, 1), batch)[0], Digits);
    }

    [Fact]
    public void A_length_preference_without_a_power_weighs_all_alike()
    {
        var batch = RolloutBatch.Of([[Row(0, 0), Row(0, 0, 0, 0), Dead(0)], [Row(0, 0)]]);
        Assert.All(Fill(new LengthPreference(0.5, 0, 1e-8, 1), batch), weight => Assert.Equal(1, weight, Digits));
        Assert.True(new LengthPreference(0.5, 0, 1e-8, 1).Traits.HasFlag(Traits.UniformWeight));
        Assert.False(new LengthPreference(0.5, 1, 1e-8, 1).Traits.HasFlag(Traits.UniformWeight));
    }

    [Theory]
    [InlineData(2.0, 0.5, "1, completion 0 of length 1 has h = -1")]
    [InlineData(1.0, -1.0, "1, completion 0 of length 1 has h = 0")]
    [InlineData(1.0, 0.5, "1, completion 0 of length 1 has h = 0")]
    public void A_power_that_is_no_number_is_refused(double spread, double lambda, string place)
    {
        var batch = RolloutBatch.Of([[Row(0, 0)], [Row(0, 0), Row(0, 0, 0, 0)]]);
        Assert.Equal(
            FormattableString.Invariant($"A length preference needs h = 1 + r·z to have a finite power λ = {lambda}; group {place}."),
            Refusal.Of(() => Fill(new LengthPreference(spread, lambda, 0, 0), batch)));
        Assert.NotEmpty(Fill(new LengthPreference(spread, 2, 0, 0), batch));
    }

    [Fact]
    public void A_length_preferences_numbers_are_checked()
    {
        Assert.Equal("A length preference's r must be a finite number; got NaN.", Refusal.Of(() => new LengthPreference(double.NaN, 1, 0, 0)));
        Assert.Equal("A length preference's λ must be a finite number; got NaN.", Refusal.Of(() => new LengthPreference(1, double.NaN, 0, 0)));
        Assert.Equal(
            "The ε beside a standard deviation of lengths must be a finite number ≥ 0; got -1.", Refusal.Of(() => new LengthPreference(1, 1, -1, 0)));
        Assert.Equal("ddof must be 0 or 1; got 2.", Refusal.Of(() => new LengthPreference(1, 1, 0, 2)));
    }

    [Fact]
    public void Rows_of_negative_advantage_are_dropped_where_their_mean_drift_exceeds_the_threshold()
    {
        // Log-ratios of −0.5 and −0.1: mean drift 0.3, sum 0.6. The threshold itself is kept.
        var batch = Group(Row(0, -0.5, 0), Row(0, 0.75, 0));
        double[] Mask(double threshold, double advantage) => Fill(new OffPolicyMask(threshold), batch, advantage);
        Assert.Equal([1.0, 1, 1, 1], Mask(0.25, -1));
        Assert.Equal([0.0, 0, 1, 1], Mask(0.2, -1));
        Assert.Equal([1.0, 1, 1, 1], Mask(0.2, 1));
        Assert.Equal([1.0, 1, 1, 1], Mask(0.2, 0));
        Assert.Equal([0.0, 0, 0, 0], Mask(-1, -1));
        Assert.True(new OffPolicyMask(0).Traits.HasFlag(Traits.UniformWeight));
        Assert.False(new OffPolicyMask(-1e-9).Traits.HasFlag(Traits.UniformWeight));
        Assert.False((new OffPolicyMask(0) with { Sampler = Column.RolloutLogp }).Traits.HasFlag(Traits.UniformWeight));
        Assert.Equal("An off-policy mask's threshold must be a finite number; got NaN.", Refusal.Of(() => new OffPolicyMask(double.NaN)));
    }

    [Fact]
    public void An_entropy_quantile_mask_keeps_what_is_at_least_the_quantile_of_the_whole_batch()
    {
        // Entropies 0 … 5 over two groups; the 0.8-quantile is 4 itself, which is kept, also where it is no float32.
        foreach (double scale in new[] { 1, 0.1, 1e-3 })
        {
            var batch = RolloutBatch.Of([[Row(0, 0, 0, 0) with { Entropies = [0, 5 * scale, scale] }], [Row(0, 0, 0, 0) with { Entropies = [4 * scale, 2 * scale, 3 * scale] }]]);
            Assert.Equal([0.0, 1, 0, 1, 0, 0], Fill(new EntropyQuantileMask(0.8), batch));
            Assert.Equal([0.0, 1, 0, 0, 0, 0], Fill(new EntropyQuantileMask(1), batch));
            Assert.All(Fill(new EntropyQuantileMask(0), batch), kept => Assert.Equal(1, kept));
            Assert.Equal([0.0, 1, 0, 1, 0, 1], Fill(new EntropyQuantileMask(0.5), batch));
        }

        Assert.Equal([1.0], Fill(new EntropyQuantileMask(0.8), Group(Row(0, 0) with { Entropies = [0.1] })));
        Assert.Equal("A quantile must lie in [0, 1]; got NaN.", Refusal.Of(() => new EntropyQuantileMask(double.NaN)));
    }

    [Fact]
    public void A_mask_by_ratio_keeps_1_or_the_ratio_itself_bounds_included()
    {
        var batch = Group(Row(0, 0, 0, 0) with { RolloutLogps = [Old, Old - Math.Log(2), Old + Math.Log(4)] });
        var mask = new ImportanceMask(RatioLevel.Token, 0.5, Math.Exp(Math.Log(2)));
        Assert.Equal([1.0, 1, 0], Fill(mask, batch));
        Assert.Equal([1.0, 2, 0], Fill(mask with { TimesRatio = true }, batch), (a, b) => Math.Abs(a - b) < 1e-14);
    }

    [Fact]
    public void A_future_ratio_halves_with_distance_and_is_clamped()
    {
        // γ = 1/2: 0.1 + 0.05/2 − … from the end: −0.2; 0.04 − 0.1 = −0.06; 0.2 − 0.03 = 0.17.
        var batch = Group(Row(0, 0.2, 0.04, -0.2));
        double[] weights = Fill(new FutureRatio(1, 0.9, 1.5), batch);
        Assert.Equal(Math.Exp(0.17), weights[0], Digits);
        Assert.Equal(Math.Exp(-0.06), weights[1], Digits);
        Assert.Equal(0.9, weights[2]);

        // A ratio beyond 4 amplifies no negative advantage; its neighbours go on as they were.
        var far = Group(Row(0, Math.Log(5), 0.1));
        Assert.Equal([1.0, Math.Exp(0.1)], Fill(new FutureRatio(), far, -1), (a, b) => Math.Abs(a - b) < 1e-14);
        Assert.Equal([1.2, Math.Exp(0.1)], Fill(new FutureRatio(), far, 1), (a, b) => Math.Abs(a - b) < 1e-14);
        Assert.Equal("A future ratio's range needs 0 ≤ low ≤ 1 ≤ high; got 1.1 and 1.2.", Refusal.Of(() => new FutureRatio(32, 1.1)));
    }

    [Fact]
    public void GVPOs_coefficients_cancel_token_by_token_over_a_group_on_policy_and_off()
    {
        foreach (int seed in Enumerable.Range(1, 8))
        {
            var batch = Ragged(seed);
            var evaluation = PaperForms.Gvpo.Evaluate(batch);
            for (int g = 0; g < batch.Groups; g++)
            {
                double sum = 0;
                for (int i = batch.Group(g).Start.Value; i < batch.Group(g).End.Value; i++)
                {
                    var row = evaluation.Coefficients.AsSpan(batch.Row(i));
                    sum += row.Length > 0 ? row[0] : 0;
                    foreach (double c in row)
                        Assert.Equal(row[0], c);
                }

                Assert.Equal(0, sum, Digits);
            }
        }
    }

    [Fact]
    public void GVPO_is_the_papers_regression_over_beta()
    {
        // Two rows, rewards 1 and 0, S = 0.3 and −0.1, β = 0.1: −(1/2)·Σ (A − β(S − S̄))²/(2β) with A = ±0.5, S − S̄ = ±0.2.
        var batch = Group(Row(1, 0.1, 0.2), Row(0, -0.1));
        double gap = 0.5 - (0.1 * 0.2);
        var evaluation = PaperForms.Gvpo.Evaluate(batch);
        Assert.Equal(-gap * gap / 0.2, evaluation.Value, Digits);
        Assert.Equal([gap / 2, gap / 2, -gap / 2], evaluation.Coefficients, (a, b) => Math.Abs(a - b) < 1e-13);
    }

    [Fact]
    public void A_cap_for_both_signs_lets_the_full_gradient_flow_at_itself()
    {
        var cap = new Clip(0, 8, 8);
        foreach (double advantage in new[] { 1.0, -1.0 })
        {
            Assert.Equal((8 * advantage, 8 * advantage), cap.At(8, advantage));
            Assert.Equal((8 * advantage, 0.0), cap.At(Math.BitIncrement(8), advantage));
            Assert.Equal((1e-300 * advantage, 1e-300 * advantage), cap.At(1e-300, advantage));
        }
    }

    [Fact]
    public void GPPO_keeps_the_bounds_gradient_beyond_it_and_the_ratios_at_it()
    {
        var kernel = new GradientPreservingClip(Clip.Range(0.2, 0.2) with { Dual = 3 });
        Assert.Equal((1.2, 1.2), Rounded(kernel.At(Of(1.5, 1))));
        Assert.Equal((-0.8, -0.8), Rounded(kernel.At(Of(0.5, -1))));
        Assert.Equal((-2.0, -2.0), Rounded(kernel.At(Of(2, -1))));
        Assert.Equal((-3.0, 0.0), Rounded(kernel.At(Of(3.5, -1))));
        Assert.Equal((0.5, 0.5), Rounded(kernel.At(Of(0.5, 1))));
        Assert.Equal((0.0, 0.0), Rounded(kernel.At(Of(3.5, 0))));

        static Point Of(double ratio, double advantage) => new(Old + Math.Log(ratio), Old + Math.Log(ratio), Old, advantage);

        static (double Value, double Slope) Rounded((double Value, double Slope) at) => (Math.Round(at.Value, Digits), Math.Round(at.Slope, Digits));
    }

    private static CatalogueEntry Find(string id) => Catalogue.All.Single(form => form.Id == id);

    // One group with the columns that any form reads: on-policy to reference and sampling engine, entropies that grow.
    private static RolloutBatch Complete(params Rollout[] rows) => Group([.. rows.Select(row => row with
    {
        RefLogps = [.. row.OldLogps],
        RolloutLogps = [.. row.OldLogps],
        Entropies = [.. row.OldLogps.Select(_ => 0.5)],
        Random = [.. row.OldLogps.Select(_ => 0.5)],
        Values = [.. row.OldLogps.Select(_ => 0.5)],
        SumPiSquared = [.. row.OldLogps.Select(_ => 0.5)],
        TokenRewards = [.. row.OldLogps.Select(_ => 0.0)],
        GreedyReward = 0.5,
        Tokens = [.. row.OldLogps.Select((_, t) => row.Mask is { } mask ? mask[t] ? mask[..t].Count(kept => kept) : RolloutBatch.UnknownId : t)],
    })]);

    private static Evaluation Weighted(Kernel kernel, RolloutBatch batch, double advantage) => new SurrogateObjective(
        new GivenTokens([.. Enumerable.Repeat(advantage, batch.Tokens)]), kernel, TokenWeight.One).Evaluate(batch);

    private static double[] Fill(TokenWeight weight, RolloutBatch batch, double advantage = 1)
    {
        double[] weights = new double[batch.Tokens];
        weight.Fill(batch, Enumerable.Repeat(advantage, batch.Tokens).ToArray(), weights);
        return weights;
    }
}
