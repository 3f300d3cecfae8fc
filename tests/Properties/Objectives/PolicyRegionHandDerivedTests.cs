using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>What the recorded numbers of verl and OpenRLHF lack, worked out on paper.</summary>
public class PolicyRegionHandDerivedTests
{
    // A few roundings of a handful of operations on numbers of size 1.
    private const int Digits = 13;

    private static readonly SurrogateObjective s_plain = new(new NoBaseline(), new TokenRatio(new Unclipped()), TokenWeight.One);

    [Fact]
    public void A_fully_masked_row_leaves_the_average_over_live_rows()
    {
        // Rows of 2, 1 and 0 tokens: two live ones.
        var batch = Group(Row(0, 0, 0), Row(0, 0), Dead(0));
        Assert.Equal([0.5 / (2 + 1e-8), 0.5 / (2 + 1e-8), 0.5 / (1 + 1e-8)], Weights(VerlFlavours.RowMean, batch));
        Assert.Equal([0.5, 0.5, 0.5], Weights(new RowSum { Averaged = Average.OverLiveRows }, batch));
        Assert.Equal([1.0 / 6, 1.0 / 6, 1.0 / 3], Weights(VerlFlavours.GeoMean.Weight, batch), Near);
    }

    [Fact]
    public void The_padded_width_counts_masked_tokens_and_dead_rows()
    {
        // Widths 4 (two of them masked), 1 and 5 (all masked): T = 5, two live rows.
        var masked = Row(0, 0, 0, 0, 0) with { Mask = [true, false, false, true] };
        var dead = Row(0, 0, 0, 0, 0, 0) with { Mask = [false, false, false, false, false] };
        var batch = Group(masked, Row(0, 0), dead);
        Assert.Equal([0.1, 0.1, 0.1], Weights(new PaddedRowSum { Averaged = Average.OverLiveRows }, batch), Near);
        Assert.Equal([1.0 / 15, 1.0 / 15, 1.0 / 15], Weights(new PaddedRowSum { Averaged = Average.OverRows }, batch), Near);
        Assert.Equal([0.125, 0.125, 0.125], Weights(new PaddedRowSum { Averaged = Average.OverLiveRows }, Group(masked, Row(0, 0))), Near);
    }

    [Fact]
    public void Half_the_gradient_flows_at_the_dual_clip_all_of_it_below_and_none_above()
    {
        var clip = Clip.Range(0.2, 0.2) with { Dual = 2 };
        Assert.Equal((-2.0, -1.0), clip.At(2, -1));
        Assert.Equal((-Math.BitDecrement(2.0), -Math.BitDecrement(2.0)), clip.At(Math.BitDecrement(2.0), -1));
        Assert.Equal((-2.0, 0.0), clip.At(Math.BitIncrement(2.0), -1));
        Assert.Equal((1.2, 0.0), clip.At(2, 1));
        Assert.Equal((-6.0, 0.0), (clip with { Dual = 3 }).At(10, -2));
    }

    [Theory]
    [InlineData(20.0, true)]
    [InlineData(20.5, false)]
    [InlineData(-20.0, true)]
    [InlineData(-20.5, false)]
    public void A_log_ratio_beyond_20_counts_as_20_and_has_no_gradient(double x, bool flows)
    {
        var bounded = s_plain with { Kernel = new TokenRatio(new Unclipped()) { LogBound = 20 } };
        var batch = Group(new Rollout { Reward = -1, Logps = [Math.Min(0, x)], OldLogps = [Math.Min(0, -x)] });
        var evaluation = bounded.Evaluate(batch);
        double ratio = Math.Exp(Math.CopySign(20, x));
        Assert.Equal(-ratio, evaluation.Value);
        Assert.Equal([flows ? -ratio : 0.0], evaluation.Coefficients);

        // A detached weight is clamped, but its ℓ has its gradient.
        var score = s_plain with { Kernel = new ClippedImportance(0, double.MaxValue) { LogBound = 20 } };
        Assert.Equal([-ratio], score.Evaluate(batch).Coefficients);
    }

    [Fact]
    public void Log_s_beyond_10_counts_as_10_and_has_no_gradient()
    {
        var kernel = new SequenceTokenRatio(new Unclipped()) { LogCap = 10 };
        var above = (s_plain with { Kernel = kernel }).Evaluate(Group(Row(-1, 8, 13)));
        Assert.Equal(-2 * Math.Exp(10), above.Value, 1e-8);
        Assert.Equal([0.0, 0.0], above.Coefficients);
        var at = (s_plain with { Kernel = kernel }).Evaluate(Group(Row(-1, 8, 12)));
        Assert.Equal([-Math.Exp(10), -Math.Exp(10)], at.Coefficients);
        Assert.Equal([10.0], kernel.Kinks.ToArray());
    }

    [Fact]
    public void Low_ratios_are_clamped_from_below_too_where_a_sequences_are_not()
    {
        var sequence = s_plain with { Kernel = new SequenceTokenRatio(new Unclipped()) { LogCap = 10 } };
        Assert.Equal(Math.Exp(-15), sequence.Evaluate(Group(Row(1, -15))).Coefficients[0], 15);
    }

    [Theory]
    [InlineData(2.61, true)]
    [InlineData(2.612, false)]
    [InlineData(-11.5, false)]
    [InlineData(-10.99, true)]
    [InlineData(-25.0, false)]
    public void K3_beyond_10_is_10_without_a_gradient(double y, bool flows)
    {
        // e^y − y − 1 = 10 at y = 2.6108 and at y = −10.99998.
        var penalty = (KlPenalty)VerlFlavours.KlLoss.Regularisers[0] with { Beta = -1, Weight = TokenWeight.One };
        var evaluation = (s_plain with { Regularisers = [penalty] }).Evaluate(Group(Row(0, 0) with { RefLogps = [Math.Min(0, Old + y)] }));
        Assert.Equal(flows ? Math.Exp(y) - y - 1 : 10, evaluation.Value, Digits - 2);
        Assert.Equal(flows ? 1 - Math.Exp(y) : 0, evaluation.Coefficients[0], Digits - 2);
    }

    [Fact]
    public void A_penaltys_gradient_is_inclusive_at_its_bounds()
    {
        // y = 2 exactly: k3 = e² − 3 is the bound itself, then one ulp less; |y| = 2 likewise.
        double value = Math.Exp(2.0) - 2 - 1;
        Assert.Equal((value, 1 - Math.Exp(2)), Penalise(new(KlEstimator.K3, -1) { ValueBound = value }, 2));
        Assert.Equal((Math.BitDecrement(value), 0.0), Penalise(new(KlEstimator.K3, -1) { ValueBound = Math.BitDecrement(value) }, 2));
        Assert.Equal((value, 1 - Math.Exp(2)), Penalise(new(KlEstimator.K3, -1) { LogBound = 2 }, 2));
        Assert.Equal((value, 0.0), Penalise(new(KlEstimator.K3, -1) { LogBound = 2 }, 3));
        Assert.Equal((-10.0, 0.0), Penalise(new(KlEstimator.K1, -1) { ValueBound = 10 }, 11));
        Assert.Equal((-10.0, 1.0), Penalise(new(KlEstimator.K1, -1) { ValueBound = 10 }, 10));
    }

    [Theory]
    [InlineData(KlEstimator.K1, -2.0)]
    [InlineData(KlEstimator.K3, 4.389056098930650)]
    [InlineData(KlEstimator.Absolute, 2.0)]
    public void A_straight_through_penalty_has_its_own_value_and_the_gradient_of_k2(KlEstimator estimator, double value)
    {
        var (actual, slope) = Penalise(new(estimator, -1) { StraightThrough = true }, 2);
        Assert.Equal(value, actual, Digits);
        Assert.Equal(-2, slope);

        // Clamped to 1 with y clamped to 0.5, the gradient is untouched.
        Assert.Equal(-2, Penalise(new(estimator, -1) { StraightThrough = true, LogBound = 0.5, ValueBound = 0.1 }, 2).Slope);
    }

    [Fact]
    public void The_value_of_a_straight_through_penalty_moves_as_k2_does()
    {
        // Frozen y = 2, evaluated at y = 1.5: k1 stands, k2 falls from 2 to 1.125.
        var batch = Group(Row(0, 0) with { RefLogps = [Old + 2] });
        var objective = s_plain with { Regularisers = [new KlPenalty(KlEstimator.K1, -1) { StraightThrough = true }] };
        double[] coefficients = new double[1];
        Assert.Equal(-2 + 1.125 - 2, objective.Evaluate(batch, [Old + 0.5], coefficients, new Workspace()), Digits);
        Assert.Equal([-1.5], coefficients);
    }

    [Fact]
    public void A_geometric_means_epsilon_stands_beside_both_counts()
    {
        // Two tokens, x = 0.1 and −0.5 (clipped at −0.2 for A < 0), ε = 1: s = exp((0.1 − 0.2)/3), A·2/3; weights 1/2 each.
        var objective = s_plain with { Kernel = new GeometricMean(0.2, 0.3) { CountEpsilon = 1 }, Weight = new RowMean() };
        var evaluation = objective.Evaluate(Group(Row(-3, 0.1, -0.5)));
        double value = -2 * Math.Exp(-0.1 / 3);
        Assert.Equal(value, evaluation.Value, Digits);
        Assert.Equal(value / 3, evaluation.Coefficients[0], Digits);
        Assert.Equal(0, evaluation.Coefficients[1]);
    }

    [Theory]
    [InlineData(KlEstimator.K1, Pooling.Token, -0.15, 0.25, 1, 1, 0)]
    [InlineData(KlEstimator.K1, Pooling.RowSum, -1.0, -0.39, 1, 1, 1)]
    [InlineData(KlEstimator.K1, Pooling.RowSum, -1.0, -0.41, 0, 0, 0)]
    [InlineData(KlEstimator.K1, Pooling.RowMean, -0.15, 0.0, 1, 1, 1)]
    [InlineData(KlEstimator.K1, Pooling.RowMax, 0.0, 0.21, 1, 1, 1)]
    [InlineData(KlEstimator.K1, Pooling.RowMax, 0.0, 0.19, 0, 0, 0)]
    [InlineData(KlEstimator.K2, Pooling.Token, 0.0, 0.03, 1, 1, 0)]
    [InlineData(KlEstimator.K2, Pooling.RowSum, 0.0, 0.14, 0, 0, 0)]
    [InlineData(KlEstimator.K2, Pooling.RowMean, 0.0, 0.05, 1, 1, 1)]
    [InlineData(KlEstimator.K2, Pooling.RowMax, 0.0, 0.12, 0, 0, 0)]
    [InlineData(KlEstimator.K3, Pooling.Token, 0.0, 0.02, 1, 1, 0)]
    [InlineData(KlEstimator.K3, Pooling.Token, 0.0, 0.0055, 1, 0, 0)]
    [InlineData(KlEstimator.Absolute, Pooling.Token, 0.0, 0.15, 1, 0, 0)]
    public void A_row_or_a_token_is_kept_where_its_divergence_is_within_the_bounds(
        KlEstimator statistic, Pooling over, double low, double high, double first, double second, double third)
    {
        // log r = ℓ° − log π_rollout = 0.1, −0.2, 0.5; sum 0.4, k2: 0.005, 0.02, 0.125; k3: 0.00517, 0.01873, 0.14872.
        double[] logRatios = [0.1, -0.2, 0.5];
        var batch = Group(Row(0, 0, 0, 0) with { RolloutLogps = [.. logRatios.Select(x => Old - x)] });
        Assert.Equal([first, second, third], Weights(new DivergenceMask(statistic, over, low, high), batch));
    }

    [Fact]
    public void The_bounds_of_a_divergence_belong_to_what_is_kept_and_rows_do_not_see_each_other()
    {
        var batch = Group(
            Row(0, 0.25, 0.75), Row(0, 4), Dead(0), Row(0, -0.5));
        DivergenceMask mask = new(KlEstimator.K1, Pooling.RowMean, -0.5, 0.5) { Of = Column.Logp, Against = Column.OldLogp };
        Assert.Equal([1.0, 1, 0, 1], Weights(mask, batch));

        // −0.5 is the bound itself; with one more count it is −1/3, and with the log-ratios clamped to 0.1 all are kept.
        Assert.Equal([0.0, 0, 0, 1], Weights(new DivergenceMask(KlEstimator.K1, Pooling.RowMean, -0.4, 0.5) { Of = Column.Logp, Against = Column.OldLogp }, batch));
        Assert.Equal([1.0, 1, 0, 1], Weights(new DivergenceMask(KlEstimator.K1, Pooling.RowMean, -0.4, 0.4) { Of = Column.Logp, Against = Column.OldLogp, CountEpsilon = 1 }, batch));
        Assert.Equal([1.0, 1, 1, 1], Weights(mask with { LogBound = 0.1 }, batch));
    }

    [Fact]
    public void A_weight_over_its_mean_has_the_mean_1()
    {
        // Rows of 3 tokens, 1 and 0: weights 1, 2, 3 and 6, over tokens 3, over rows 4.
        var batch = Group(Row(0, 0, 0, 0), Row(0, 0), Dead(0));
        var inner = new GivenWeights(1, 2, 3, 6);
        Assert.Equal([1.0 / 3, 2.0 / 3, 1, 2], Weights(new MeanNormalised(inner, MeanOf.Tokens), batch), Near);
        Assert.Equal([0.25, 0.5, 0.75, 1.5], Weights(new MeanNormalised(inner, MeanOf.Rows), batch));

        // ε = 1 beside the counts: 12/5; (6/4 + 6/2)/2 = 2.25.
        Assert.Equal(1 / 2.4, Weights(new MeanNormalised(inner, MeanOf.Tokens) { CountEpsilon = 1 }, batch)[0], Digits);
        Assert.Equal(1 / 2.25, Weights(new MeanNormalised(inner, MeanOf.Rows) { CountEpsilon = 1 }, batch)[0], Digits);
    }

    [Fact]
    public void Weights_of_no_mean_worth_dividing_by_stay_as_they_are()
    {
        var batch = Group(Row(0, 0), Row(0, 0));
        Assert.Equal([0.0, 0.0], Weights(new MeanNormalised(new ConstantWeight(0), MeanOf.Rows), batch));
        Assert.Equal([0.5, 0.5], Weights(new MeanNormalised(new ConstantWeight(0.5), MeanOf.Tokens) { Least = 0.5 }, batch));
        Assert.Equal([1.0, 1.0], Weights(new MeanNormalised(new ConstantWeight(0.5), MeanOf.Tokens) { Least = 0.49 }, batch));
        Assert.Empty(Weights(new MeanNormalised(new ConstantWeight(1), MeanOf.Rows), Group(Dead(0), Dead(0))));
    }

    // ℓ − ℓ̄ = 1, −1, 2, −2 and A − Ā = 1, 1, −1, −1: covariances 1, −1, −2, 2.
    private static readonly double[] s_spread = [1, -1, 2, -2];
    private static readonly double[] s_advantages = [1.5, 1.5, -0.5, -0.5];

    private static RolloutBatch Spread(params double[] random) => Group(
        new Rollout { Reward = 0, Logps = [-5 + s_spread[0], -5 + s_spread[1]], OldLogps = [-5 + s_spread[0], -5 + s_spread[1]], Random = random[..2] },
        new Rollout { Reward = 0, Logps = [-5 + s_spread[2], -5 + s_spread[3]], OldLogps = [-5 + s_spread[2], -5 + s_spread[3]], Random = random[2..] });

    [Theory]
    [InlineData(0.25, 0, 0, 0, 1)]
    [InlineData(0.5, 1, 0, 0, 1)]
    [InlineData(0.74, 1, 0, 0, 1)]
    [InlineData(0.75, 1, 1, 0, 1)]
    [InlineData(1.0, 1, 1, 1, 1)]
    [InlineData(0.0002, 0, 0, 0, 1)]
    public void A_penalty_acts_at_the_share_of_tokens_with_the_largest_covariance_and_at_one_at_least(double share, double a, double b, double c, double d) =>
        Assert.Equal([a, b, c, d], Weights(new TopCovariance(share), Spread(0, 0, 0, 0), s_advantages));

    [Theory]
    [InlineData(0.5, 0.2, 0.9, 0.3, 0.8, 1, 0, 1, 0)]
    [InlineData(0.5, 0.9, 0.2, 0.3, 0.8, 0, 1, 1, 0)]
    [InlineData(0.5, 0.3, 0.3, 0.3, 0.1, 0, 0, 0, 1)]
    [InlineData(0.5, 0.3, 0.3, 0.3, 0.3, 0, 0, 0, 0)]
    [InlineData(1.0, 0.3, 0.3, 0.3, 0.3, 1, 1, 1, 1)]
    public void Equal_covariances_are_told_apart_by_random_numbers_and_equal_ones_are_chosen_together_or_not_at_all(
        double share, double r1, double r2, double r3, double r4, double a, double b, double c, double d) =>
        Assert.Equal([a, b, c, d], Weights(new TopCovariance(share), Spread(r1, r2, r3, r4), [1, 1, 1, 1]));

    [Theory]
    [InlineData(0.25, 0.5, 5.0, 1, 1, 1, 0)]
    [InlineData(0.5, 0.5, 5.0, 0, 1, 1, 0)]
    [InlineData(0.5, 1.0, 5.0, 1, 1, 1, 0)]
    [InlineData(0.5, 0.5, 2.0, 0, 1, 1, 1)]
    [InlineData(1.0, -9.0, 9.0, 0, 0, 0, 0)]
    [InlineData(0.5, 3.0, 9.0, 1, 1, 1, 1)]
    public void The_tokens_of_smallest_random_number_strictly_between_the_bounds_are_dropped(
        double share, double low, double high, double a, double b, double c, double d) =>
        Assert.Equal([a, b, c, d], Weights(new CovarianceDrop(share, low, high, Clip.Range(0.2, 0.2)), Spread(0.5, 0.1, 0.1, 0.4), s_advantages));

    [Fact]
    public void What_the_clip_kills_already_is_not_dropped_and_what_has_no_advantage_may_be()
    {
        // Ratios e^±1: the first token is clipped for A > 0, the last for A < 0.
        double[] logp = [-4, -6, -3, -7];
        var batch = Group(
            new Rollout { Reward = 0, Logps = logp[..2], OldLogps = [-5, -6], Random = [0.1, 0.2] },
            new Rollout { Reward = 0, Logps = logp[2..], OldLogps = [-3, -6], Random = [0.3, 0.4] });
        CovarianceDrop drop = new(1, -9, 9, Clip.Range(0.2, 0.2));
        Assert.Equal([1.0, 0, 0, 1], Weights(drop, batch, s_advantages));
        Assert.Equal([1.0, 0, 0, 0], Weights(drop, batch, [1.5, 1.5, 0.5, 0.5]));
        Assert.Equal([0.0, 0, 0, 0], Weights(drop, batch, [0, 0, 0, 0]));
    }

    [Fact]
    public void Random_numbers_that_tie_drop_their_tokens_together_or_not_at_all()
    {
        CovarianceDrop drop = new(0.5, -9, 9, Clip.Range(0.2, 0.2));
        Assert.Equal([0.0, 1, 1, 1], Weights(drop, Spread(0.1, 0.5, 0.5, 0.5), s_advantages));
        Assert.Equal([0.0, 0, 1, 1], Weights(drop, Spread(0.1, 0.1, 0.5, 0.5), s_advantages));
        Assert.Equal([1.0, 1, 1, 1], Weights(drop, Spread(0.1, 0.1, 0.1, 0.5), s_advantages));
    }

    [Fact]
    public void The_epsilon_beside_the_token_count_moves_both_means()
    {
        // N + ε = 8: Ā = 0.25, ℓ̄ = −2.5, covariances −1.875, −4.375, 0.375, 3.375.
        Assert.Equal([1.0, 1, 1, 0], Weights(new CovarianceDrop(1, 0.4, 9, Clip.Range(0.2, 0.2)) { CountEpsilon = 4 }, Spread(0, 0, 0, 0), s_advantages));
        Assert.Equal([1.0, 1, 0, 0], Weights(new CovarianceDrop(1, 0.3, 9, Clip.Range(0.2, 0.2)) { CountEpsilon = 4 }, Spread(0, 0, 0, 0), s_advantages));
    }

    [Fact]
    public void Equal_advantages_have_no_covariance_and_not_one_of_rounding()
    {
        // The sum of three 0.1 over 3 is not 0.1: without care the largest covariance would be a rounding's.
        double[] advantages = [0.1, 0.1, 0.1];
        var batch = Group(new Rollout { Reward = 0, Logps = [-1, -2, -4], OldLogps = [-1, -2, -4], Random = [0.5, 0.25, 0.75] });
        Assert.Equal([0.0, 1, 0], Weights(new TopCovariance(0.4), batch, advantages));
        Assert.Equal([1.0, 1, 1], Weights(new CovarianceDrop(1, 0, 9, Clip.Range(0.2, 0.2)), batch, advantages));
    }

    [Fact]
    public void Covariances_that_differ_by_rounding_tie_whatever_the_order_of_rows()
    {
        // Ā = −A/3 and ℓ̄ = −20/3: covariances (4/3)(20/3)A, −(2/3)(20/3)A and (2/3)(40/3)A, of which the first and the last are equal.
        var long_ = new Rollout { Reward = 0, Logps = [0, -20], OldLogps = [0, 0], Random = [0, 0.5] };
        var short_ = new Rollout { Reward = 1, Logps = [0], OldLogps = [-0.4], Random = [0.75] };
        double a = Math.Sqrt(0.5);
        Assert.Equal([0.0, 0, 1], Weights(new TopCovariance(0.1), Group(short_, long_), [a, -a, -a]));
        Assert.Equal([0.0, 1, 0], Weights(new TopCovariance(0.1), Group(long_, short_), [-a, -a, a]));

        // A bound that is met but for rounding is met: A − Ā = ±1/2 and ℓ − ℓ̄ = ±2, the covariances 1.
        double third = 1.0 / 3;
        var edge = Group(new Rollout { Reward = 0, Logps = [-1, -5], OldLogps = [-1, -5], Random = [0, 0] });
        Assert.Equal([1.0, 1], Weights(new CovarianceDrop(1, 1, 5, Clip.Range(0.2, 0.2)), edge, [third + 1, third]));
        Assert.Equal([1.0, 1], Weights(new CovarianceDrop(1, 0.5, 1, Clip.Range(0.2, 0.2)), edge, [third + 1, third]));
        Assert.Equal([0.0, 0], Weights(new CovarianceDrop(1, 0.5, 1.5, Clip.Range(0.2, 0.2)), edge, [third + 1, third]));
    }

    [Fact]
    public void A_bounded_log_ratio_caps_the_region_of_a_kernel()
    {
        var clip = Clip.Range(0.2, 0.2);
        Assert.Equal(clip with { }, new TokenRatio(clip).Region);
        Assert.Equal(Clip.Range(0.2, 0.2, Math.Exp(20)), new TokenRatio(clip) { LogBound = 20 }.Region);
        Assert.Equal(Clip.Range(0.2, 0.2, Math.Exp(10)), new SequenceTokenRatio(clip) { LogCap = 10 }.Region);
        Assert.Equal(clip with { Dual = 3 }, new TokenRatio(clip with { Dual = 3 }) { LogBound = 20 }.Region);
        Assert.Equal(Clip.Range(0.2, 0.2, 5), new TokenRatio(Clip.Range(0.2, 0.2, 5)) { LogBound = 20 }.Region);
        Assert.Null(new TokenRatio(new Unclipped()) { LogBound = 20 }.Region);
    }

    [Fact]
    public void Rows_in_another_order_are_dropped_and_penalised_all_the_same()
    {
        SurrogateObjective[] all =
        [
            VerlFlavours.Vanilla with { Correction = new CovarianceDrop(0.3, -9, 9, Clip.Range(0.2, 0.2)) },
            VerlFlavours.KlCov with { Regularisers = [VerlFlavours.KlCov.Regularisers[0] with { Where = new TopCovariance(0.3), Beta = 1 }] },
        ];
        var rows = Enumerable.Range(0, 4).Select(k => Row(k % 2, 0.1, -0.2) with { Random = k < 2 ? [0.5, 0.5] : [0.25, 0.75] }).ToArray();
        foreach (var objective in all)
        {
            double[][] forth = Rows(objective, rows), back = Rows(objective, [.. rows.Reverse()]);
            Assert.Equal(forth, back.Reverse());
        }

        static double[][] Rows(SurrogateObjective objective, Rollout[] rows) => [.. objective.Evaluate(Group(rows)).Coefficients.Chunk(2)];
    }

    [Fact]
    public void Covariances_need_their_random_numbers_and_promise_nothing()
    {
        Assert.Contains(Column.Random, VerlFlavours.ClipCov.Reads);
        Assert.Contains(Column.Random, VerlFlavours.KlCov.Reads);
        Assert.Equal(Traits.None, VerlFlavours.ClipCov.Traits & (Traits.UniformWeight | Traits.GroupIsolated));
        Assert.Equal(Traits.UniformWeight, VerlFlavours.KlCov.Traits & (Traits.UniformWeight | Traits.GroupIsolated));
        Assert.True(VerlFlavours.KlCov.Traits.HasFlag(Traits.UnregularisedOnPolicy));
        Assert.Equal("The batch has no random, which the objective reads.", Refusal.Of(() => VerlFlavours.ClipCov.Evaluate(Group(Row(0, 0), Row(1, 0)))));
    }

    [Fact]
    public void Masks_promise_one_weight_for_all_rows_where_a_shared_prefix_decides_alone()
    {
        const Traits uniform = Traits.UniformWeight | Traits.GroupIsolated | Traits.LengthBlind | Traits.FlatWeight;
        DivergenceMask row = new(KlEstimator.K3, Pooling.RowMean, 0, 1);
        Assert.Equal(uniform | Traits.UniformOffPolicy, new DivergenceMask(KlEstimator.K3, Pooling.Token, 0, 1).Traits);
        Assert.Equal(Traits.GroupIsolated | Traits.FlatWeight, row.Traits);
        Assert.Equal(uniform, (row with { Of = Column.Logp, Against = Column.OldLogp }).Traits);
        Assert.Equal([Column.OldLogp, Column.RolloutLogp], row.Reads.ToArray());
        Assert.Equal(Traits.UniformWeight | Traits.UniformOffPolicy | Traits.FlatWeight, new MeanNormalised(new DivergenceMask(KlEstimator.K3, Pooling.Token, 0, 1), MeanOf.Tokens).Traits);
        Assert.Equal(row.Reads.ToArray(), new MeanNormalised(row, MeanOf.Tokens).Reads.ToArray());
    }

    [Fact]
    public void Constants_that_mean_nothing_are_refused()
    {
        Assert.Equal("The share of tokens that a covariance chooses must lie in (0, 1]; got 0.", Refusal.Of(() => new TopCovariance(0)));
        Assert.Equal("The share of tokens that a covariance chooses must lie in (0, 1]; got 1.5.", Refusal.Of(() => new TopCovariance(1.5)));
        Assert.Equal("Covariances of dropped tokens need low < high; got 5 and 1.", Refusal.Of(() => new CovarianceDrop(0.1, 5, 1, Clip.Range(0.2, 0.2))));
        Assert.Equal("A mask by divergence needs low ≤ high; got 2 and 1.", Refusal.Of(() => new DivergenceMask(KlEstimator.K1, Pooling.Token, 2, 1)));
        Assert.Equal(
            "A divergence's numerator is logps, old_logps, ref_logps or rollout_logps; got entropies.",
            Refusal.Of(() => new DivergenceMask(KlEstimator.K1, Pooling.Token) { Of = Column.Entropy }));
        Assert.Equal(
            "The least mean that weights are divided by must be a finite number ≥ 0; got -1.",
            Refusal.Of(() => new MeanNormalised(TokenWeight.One, MeanOf.Tokens) { Least = -1 }));
        Assert.Equal("There is no mean of 7.", Refusal.Of(() => Weights(new MeanNormalised(TokenWeight.One, (MeanOf)7), Group(Row(0, 0)))));
        Assert.Equal(
            "There is no pooling 7.",
            Refusal.Of(() => Weights(new DivergenceMask(KlEstimator.K1, (Pooling)7) { Of = Column.Logp, Against = Column.OldLogp }, Group(Row(0, 0)))));
    }

    private static (double Value, double Slope) Penalise(KlPenalty penalty, double y)
    {
        // ℓ = −20, ℓʳ = −20 + y, β = −1.
        var evaluation = (s_plain with { Regularisers = [penalty] }).Evaluate(Group(Row(0, 0) with { RefLogps = [Old + y] }));
        return (evaluation.Value, evaluation.Coefficients[0]);
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-15;

    private static double[] Weights(TokenWeight weight, RolloutBatch batch, double[]? advantages = null)
    {
        double[] weights = new double[batch.Tokens];
        weight.Fill(batch, advantages ?? new double[batch.Tokens], weights);
        return weights;
    }
}
