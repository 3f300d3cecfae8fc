using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>What the flavours say of corners that no recorded run has, and what parts promise there.</summary>
public class FlavourDetailTests
{
    [Fact]
    public void Verl_keeps_a_lone_reward_whatever_the_baseline()
    {
        foreach (var objective in new[] { VerlFlavours.DrGrpo, VerlFlavours.Rloo, VerlFlavours.Opo })
            Assert.Equal([0.75], AdvantagesOf((RowAdvantage)objective.Advantage, 0.75));
        Assert.Equal([0.75 / (1 + 1e-6)], AdvantagesOf((RowAdvantage)VerlFlavours.Grpo.Advantage, 0.75));
    }

    [Fact]
    public void OpenRLHF_refuses_a_lone_reward_and_ms_swift_takes_it_to_zero()
    {
        Assert.Contains("needs at least 2 rewards", Refusal.Of(() => AdvantagesOf((RowAdvantage)OpenRlhfFlavours.Rloo.Advantage, 0.75)), StringComparison.Ordinal);
        Assert.Equal([0.0], AdvantagesOf((RowAdvantage)SwiftFlavours.Rloo.Advantage, 0.75));
        Assert.Equal([0.0], AdvantagesOf(((ScoredRewards)SwiftFlavours.Gdpo.Rewards).Score, 0.75));
    }

    [Fact]
    public void TRLs_gdpo_skips_a_completion_without_rewards()
    {
        var evaluation = TrlFlavours.Gdpo.Evaluate(Group(Row(0, 0), Row(0, 0) with { Rewards = [null] }, Row(1, 0)));
        Assert.Equal(0, evaluation.Advantages[1]);
        Assert.True(evaluation.Advantages[2] > 0);
    }

    [Fact]
    public void Covariances_choose_two_tokens_in_ten_thousand()
    {
        Assert.Equal([1, 2, 20], new[] { 9_999, 10_000, 100_000 }.Select(((CovarianceDrop)PolicyRegionForms.ClipCov.Correction).Most));
        Assert.Equal([1, 2, 20], new[] { 9_999, 10_000, 100_000 }.Select(((TopCovariance)PolicyRegionForms.KlCov.Regularisers[0].Where).Most));
    }

    [Fact]
    public void OpenRLHFs_penalty_in_the_reward_counts_at_most_10_nats()
    {
        // ℓ° − ℓʳ = 15 and −15.
        double[] returns = new double[2];
        var row = new Rollout { Reward = 0, Logps = [-16], OldLogps = [-1], RefLogps = [-16] };
        ((TokenWhitened)OpenRlhfFlavours.Reinforce.Advantage).Inner.Fill(Group(row, row with { OldLogps = [-16], RefLogps = [-1] }), [0, 0], returns);
        Assert.Equal([-0.01 * 10, 0.01 * 10], returns);
    }

    [Fact]
    public void Ms_swifts_correction_clamps_the_log_ratio_to_20()
    {
        double[] weights = new double[1];
        SwiftFlavours.GrpoTis.Correction.Fill(Group(new Rollout { Reward = 0, Logps = [-30], OldLogps = [-30], RolloutLogps = [0] }), [1], weights);
        Assert.Equal([Math.Exp(-20)], weights);
    }

    [Fact]
    public void Against_the_behaviour_policy_only_k1_has_a_gradient_on_policy()
    {
        bool Silent(KlEstimator estimator, bool through) => new KlPenalty(estimator, 1) { Against = Column.OldLogp, StraightThrough = through }.SilentOnPolicy;
        Assert.All(Enum.GetValues<KlEstimator>(), estimator => Assert.True(Silent(estimator, through: true)));
        Assert.All(Enum.GetValues<KlEstimator>(), estimator => Assert.Equal(estimator != KlEstimator.K1, Silent(estimator, through: false)));
    }

    [Fact]
    public void A_penaltys_kinks_are_where_its_derivative_jumps()
    {
        Assert.Equal([0.0], new KlPenalty(KlEstimator.Absolute, 1).Kinks.ToArray());
        var kinks = new KlPenalty(KlEstimator.K3, 1) { LogBound = 20, ValueBound = 10 }.Kinks;
        Assert.Equal([-20.0, 20.0], kinks[..2].ToArray());
        Assert.True(kinks[2] < 0 && kinks[3] > 0);
        Assert.All(kinks[2..], y => Assert.Equal(10, Math.Exp(y) - y - 1, 12));
        Assert.Equal([-4.0, 4.0], new KlPenalty(KlEstimator.K2, 1) { ValueBound = 8 }.Kinks.ToArray());
        Assert.Empty(new KlPenalty(KlEstimator.Absolute, 1) { StraightThrough = true, ValueBound = 1 }.Kinks);
    }

    [Fact]
    public void Only_a_constant_correction_leaves_one_over_length_standing()
    {
        Assert.True((Catalogue.Grpo with { Correction = new ConstantWeight(2) }).Traits.HasFlag(Traits.RowMeanWeight));
        Assert.False((Catalogue.Grpo with { Correction = new TotalVariationRegion(0.1, 0.1) }).Traits.HasFlag(Traits.RowMeanWeight));
    }

    [Fact]
    public void Advantages_that_a_clip_or_a_batch_mean_moves_off_zero_do_not_compare()
    {
        Assert.True(new ClippedAdvantage(new MeanBaseline(), -1, 0).Traits.HasFlag(Traits.ComparesRewards));
        Assert.False(new ClippedAdvantage(new MeanBaseline(), 0.5, 1).Traits.HasFlag(Traits.ComparesRewards));
        Assert.True(new BatchNormalised(new MeanBaseline(), 0.1).Traits.HasFlag(Traits.ComparesRewards));
        Assert.False(new BatchNormalised(new BestOfGroup(), 0.1).Traits.HasFlag(Traits.ComparesRewards));
    }

    [Fact]
    public void Returns_have_their_outcomes_factor_only_where_the_outcome_is_all_and_computed()
    {
        var computed = new MeanBaseline { Equal = EqualRewards.AreComputed };
        Assert.Equal(1, new Returns { Rewards = new() { Outcome = computed } }.LargestFactor);
        Assert.Null(new Returns { Rewards = new() { Outcome = computed, Beta = 0.1 } }.LargestFactor);
        Assert.Null(new Returns { Rewards = new() { Outcome = new MeanBaseline() } }.LargestFactor);
    }

    [Fact]
    public void A_ratio_times_a_penalty_is_judged_as_the_theory_says()
    {
        var objective = Catalogue.DrGrpo with { Regularisers = [new KlPenalty(KlEstimator.K3, 1) { TimesRatio = true }] };
        foreach (var row in Ledger.ObjectiveRows("k3 times r", objective).Where(row => row.Claim.Id == "gradient-consistency"))
            Assert.Equal(row.Expected.Kind, row.Judge(Profile.Ci).Kind);
    }

    [Fact]
    public void Drawn_columns_vary_from_token_to_token_and_greedy_rewards_from_case_to_case()
    {
        var domain = new RolloutDomain { Reads = [Column.Random, Column.Value, Column.TokenReward], GreedyRewards = true };
        RolloutBatch[] cases = [.. Enumerable.Range(1, 40).Select(seed => domain.Build(new Draw((ulong)seed, 40)))];
        foreach (var column in domain.Reads)
            Assert.True(cases.Count(batch => batch[column].ToArray().Distinct().Count() > 1) > 20);
        Assert.True(cases.Select(batch => batch.GreedyReward(0)).Distinct().Count() > 5);
    }
}
