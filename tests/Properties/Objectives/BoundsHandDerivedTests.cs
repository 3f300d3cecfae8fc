using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>Bounds, ties and corners of masks, regions and kernels, at numbers that hit them exactly.</summary>
public class BoundsHandDerivedTests
{
    // A few roundings of a handful of operations on numbers of size 1.
    private const int Digits = 13;

    private static readonly double s_half = Math.Log(0.5);

    [Fact]
    public void A_divergences_log_ratio_is_clamped_on_both_sides()
    {
        // y = −30 and 30 count as ∓20, so that k2 is 200 and not 450.
        var batch = Group(Far(-30, 0), Far(0, -30));
        Assert.Equal([1.0, 1.0], Fill(new DivergenceMask(KlEstimator.K2, Pooling.Token, High: 200) { LogBound = 20 }, batch));
        Assert.Equal([0.0, 0.0], Fill(new DivergenceMask(KlEstimator.K2, Pooling.Token, High: 449), batch));
    }

    [Fact]
    public void A_weights_log_ratio_is_clamped_on_both_sides() =>
        Assert.Equal(
            [Math.Exp(-20), Math.Exp(20)],
            Fill(new TruncatedImportance(RatioLevel.Token) { LogBound = 20 }, Group(Far(-30, 0), Far(0, -30))));

    [Fact]
    public void Both_bounds_of_a_mask_by_ratio_are_kept_and_what_is_an_ulp_beyond_is_not()
    {
        // Log-ratios ∓½ exactly.
        var batch = Group(Row(0, 0, 0) with { RolloutLogps = [Old + 0.5, Old - 0.5] });
        double low = Math.Exp(-0.5), high = Math.Exp(0.5);
        Assert.Equal([1.0, 1.0], Fill(new ImportanceMask(RatioLevel.Token, low, high), batch));
        Assert.Equal([0.0, 0.0], Fill(new ImportanceMask(RatioLevel.Token, Math.BitIncrement(low), Math.BitDecrement(high)), batch));
        Assert.Equal([low, high], Fill(new ImportanceMask(RatioLevel.Token, low, high) { TimesRatio = true }, batch));
    }

    [Fact]
    public void The_bounds_of_a_total_variation_region_are_inside()
    {
        // p − q = ½ and −½ exactly.
        Rollout up = Shift(s_half, 0), down = Shift(0, s_half);
        Assert.Equal([1.0], Fill(new TotalVariationRegion(0, 0.5), Group(up), 1));
        Assert.Equal([0.0], Fill(new TotalVariationRegion(0, Math.BitDecrement(0.5)), Group(up), 1));
        Assert.Equal([1.0], Fill(new TotalVariationRegion(0.5, 0), Group(down), -1));
        Assert.Equal([0.0], Fill(new TotalVariationRegion(Math.BitDecrement(0.5), 0), Group(down), -1));
        Assert.Equal([1.0, 1.0], Fill(new ProbabilityRegion(0.5), Group(up, down)));
        Assert.Equal([0.0, 0.0], Fill(new ProbabilityRegion(Math.BitDecrement(0.5)), Group(up, down)));
    }

    [Fact]
    public void A_token_that_has_become_certain_is_far_off_but_not_infinitely()
    {
        // q = ½, p = 1: D = ½·log ½ + ½·log((½ + δ)/δ) = 8.517 with δ = 1e−8.
        var batch = Group(Shift(s_half, 0));
        double divergence = (0.5 * s_half) + (0.5 * Math.Log((0.5 + 1e-8) / 1e-8));
        Assert.Equal([1.0], Fill(new BinaryKlRegion(0, divergence + 1e-6), batch, 1));
        Assert.Equal([0.0], Fill(new BinaryKlRegion(0, divergence - 1e-6), batch, 1));
    }

    [Fact]
    public void The_rank_of_an_entropy_quantile_is_float32s()
    {
        // 0.6f·25 is 15.000001 in float32: the threshold lies above the 15th of 25 steps, which 0.6·25 = 15 would keep.
        var batch = Group(Row(0, new double[26]) with { Entropies = [.. Enumerable.Range(0, 26).Select(k => (double)k)] });
        double[] kept = Fill(new EntropyQuantileMask(0.6), batch);
        Assert.Equal(10, kept.Sum());
        Assert.Equal([0.0, 1.0], kept[15..17]);
    }

    [Fact]
    public void A_reward_that_differs_from_the_mean_by_rounding_takes_no_side_in_conflicts()
    {
        // The mean of 0.1, 0.2 and 0.3 is an ulp above 0.2.
        Rollout One(double reward) => Row(reward, 0) with { Tokens = [1] };
        Assert.Equal([0.0, 1, 4], Fill(new ConflictWeight(), Group(One(0.1), One(0.2), One(0.3))));
    }

    [Fact]
    public void Conflicts_keep_groups_apart_only_where_their_signs_do()
    {
        Assert.True(new ConflictWeight().Traits.HasFlag(Traits.GroupIsolated));
        Assert.False(new ConflictWeight { Signs = new BatchNormalised(new NoBaseline(), 0.1) }.Traits.HasFlag(Traits.GroupIsolated));
    }

    [Fact]
    public void A_length_preference_counts_trainable_tokens()
    {
        // Lengths 1 and 3, as masked tokens do not count: z = ∓1, h = 0.5, 1.5, λ = 2.
        var batch = Group(Row(0, 0, 0, 0) with { Mask = [true, false, false] }, Row(0, 0, 0, 0));
        double first = Math.Exp(0.25), second = Math.Exp(2.25);
        Assert.Equal(2 * first / (first + second), Fill(new LengthPreference(0.5, 2, 0, 0), batch)[0], Digits);
    }

    [Fact]
    public void A_future_ratios_safety_looks_at_the_tokens_own_ratio_and_lifts_it_to_its_floor()
    {
        // γ = ½. Log-ratios log 3, log 3: the future is 3^1.5 > 4, but no token's own ratio is.
        Assert.Equal([1.2, 1.2], Fill(new FutureRatio(1), Group(Row(0, Math.Log(3), Math.Log(3))), -1));

        // log 5 − 20/2 is clamped to ½, and lifted to 0.8 because the token's own ratio is 5.
        Assert.Equal([0.8, 0.5], Fill(new FutureRatio(1, 0.5), Group(Row(0, Math.Log(5), -20)), -1));
        Assert.Equal([0.5, 0.5], Fill(new FutureRatio(1, 0.5), Group(Row(0, Math.Log(5), -20)), 1));
    }

    [Fact]
    public void A_log_bound_within_the_clip_range_leaves_the_clips_region_alone()
    {
        var clip = Clip.Range(0.2, 0.2);
        Assert.Equal(clip, new TokenRatio(clip) { LogBound = 0.1 }.Region);
        Assert.Equal(clip with { }, new SequenceTokenRatio(clip) { LogCap = 0.1 }.Region);
        Assert.Equal(new Clip(0.8, 1.2, Math.Exp(1)), new TokenRatio(clip) { LogBound = 1 }.Region);
    }

    [Fact]
    public void Half_the_gradient_flows_at_a_dual_clip_that_preserves_gradients()
    {
        var kernel = new GradientPreservingClip(Clip.Range(0.2, 0.2) with { Dual = Math.Exp(1) });
        Assert.Equal((-Math.Exp(1), -Math.Exp(1) / 2), kernel.At(new(Old + 1, Old + 1, Old, -1)));
        Assert.Equal((-Math.Exp(1), 0.0), kernel.At(new(Old + 1.5, Old + 1.5, Old, -1)));
    }

    [Theory]
    [InlineData(0.5, 1)]
    [InlineData(-0.5, -1)]
    public void A_geometric_means_bounds_let_the_gradient_flow(double x, double advantage)
    {
        double[] At(double bound) => Weighted(new GeometricMean(bound, bound), Group(Row(0, x)), advantage).Coefficients;
        Assert.Equal([Math.Exp(x) * advantage], At(0.5));
        Assert.Equal([0.0], At(Math.BitDecrement(0.5)));
    }

    [Fact]
    public void GVPO_compares_live_rows_alone()
    {
        // S = 0.3 and −0.1 about their mean 0.1, whatever the dead row; A = ±½ as given.
        var batch = Group(Row(0, 0.1, 0.2), Row(0, -0.1), Dead(0));
        double gap = 0.5 - (0.1 * 0.2);
        var evaluation = new SurrogateObjective(new Given(0.5, -0.5, 9), new GroupVariance(0.1), TokenWeight.One).Evaluate(batch);
        Assert.Equal(-2 * gap * gap / 0.2, evaluation.Value, Digits);
        Assert.Equal([gap, gap, -gap], evaluation.Coefficients, Near);
    }

    [Fact]
    public void A_flipped_ratios_bounds_let_the_gradient_flow_and_its_largest_gain_is_still_a_ratio()
    {
        // r = e^½ and e^−½ exactly; c = e^½.
        double up = Math.Exp(0.5), down = Math.Exp(-0.5);
        var wide = new Clip(down, up);
        var kernel = new FlippedRatio(wide, wide);
        Evaluation At(FlippedRatio flipped, double x, double advantage) => Weighted(flipped, Group(Row(0, x) with { Entropies = [0] }), advantage);
        Assert.Equal(1 / up, At(kernel, 0.5, 1).Coefficients[0], Digits);
        Assert.Equal([-down], At(kernel, -0.5, -1).Coefficients);
        Assert.Equal(-up, At(kernel with { Dual = up }, 0.5, -1).Value, Digits);
        Assert.Equal(-Math.BitDecrement(up) * (Old + 0.5), At(kernel with { Dual = Math.BitDecrement(up) }, 0.5, -1).Value, Digits);
    }

    [Fact]
    public void A_regularisers_own_weight_is_corrected_where_that_is_asked_for()
    {
        // Equal rewards: only k1 = ℓ − ℓʳ = 1 is left, of weight 10, times a correction of 7 or not.
        var batch = Group(Row(1, 0) with { RefLogps = [Old - 1] }, Row(1, 0) with { RefLogps = [Old - 1] });
        var term = new KlPenalty(KlEstimator.K1, 0.1) { Weight = new ConstantWeight(10) };
        var objective = Catalogue.DrGrpo with { Correction = new ConstantWeight(7), Regularisers = [term with { Corrected = true }] };
        Assert.Equal(-0.1 * 10 * 7 * 2, objective.Evaluate(batch).Value, Digits);
        Assert.All(objective.Evaluate(batch).Coefficients, c => Assert.Equal(-7, c, Digits));
        Assert.Equal(-0.1 * 10 * 2, (objective with { Regularisers = [term] }).Evaluate(batch).Value, Digits);
    }

    [Fact]
    public void A_floor_above_a_half_bounds_a_partition_baseline_too()
    {
        // The means of exp(R − max) over the other are 1 and e^−0.3 = 0.74: the floor is 0.9.
        double[] actual = AdvantagesOf(new PartitionBaseline(1) { Floor = 0.9 }, 0.3, 0);
        Assert.Equal(-Math.Log(0.9), actual[0], Digits);
        Assert.Equal(-0.3, actual[1], Digits);
    }

    [Fact]
    public void The_floor_of_a_whitened_variance_is_met_after_its_epsilon()
    {
        // 1, 4, 4 with ddof 0: variance 2; 2 + 1 is below the floor of 4, not added to it.
        double[] advantages = new double[3];
        new TokenWhitened(new NoBaseline()) { Ddof = 0, Epsilon = 1, Floor = 4 }.Fill(Group(Row(1, 0), Row(4, 0, 0)), [1, 4], advantages);
        Assert.Equal([-1, 0.5, 0.5], advantages, Near);
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-13;

    private static Rollout Far(double old, double rollout) => new() { Reward = 0, Logps = [old], OldLogps = [old], RolloutLogps = [rollout] };

    private static Rollout Shift(double old, double logp) => new() { Reward = 0, Logps = [logp], OldLogps = [old] };

    private static Evaluation Weighted(Kernel kernel, RolloutBatch batch, double advantage) => new SurrogateObjective(
        new GivenTokens([.. Enumerable.Repeat(advantage, batch.Tokens)]), kernel, TokenWeight.One).Evaluate(batch);

    private static double[] Fill(TokenWeight weight, RolloutBatch batch, double advantage = 1)
    {
        double[] weights = new double[batch.Tokens];
        weight.Fill(batch, Enumerable.Repeat(advantage, batch.Tokens).ToArray(), weights);
        return weights;
    }
}
