using GroupRL.Objectives;

namespace GroupRL.EndToEnd;

/// <summary>Objectives of parts, or of settings of parts, that no entry of the catalogue has.</summary>
internal static class FurtherForms
{
    private static readonly SurrogateObjective s_plain = new(new MeanBaseline(), new TokenRatio(new Unclipped()), new BatchTokenMean());

    public static IReadOnlyDictionary<string, SurrogateObjective> All { get; } = new Dictionary<string, SurrogateObjective>
    {
        ["an entropy bonus"] = Catalogue.Grpo with { Regularisers = [new EntropyBonus(0.3)] },
        ["an entropy bonus of its own weight, corrected, where entropies are high"] = Catalogue.Grpo with
        {
            Correction = new TruncatedImportance(RatioLevel.Token, 0.5, 2),
            Regularisers = [new EntropyBonus(-0.3) { Weight = new RowSum { Length = 3 }, Where = new EntropyQuantileMask(0.5), Corrected = true }],
        },
        ["k3 straight through, corrected"] = Catalogue.Grpo with
        {
            Correction = new TruncatedImportance(RatioLevel.Token, 0.5, 2),
            Regularisers = [new KlPenalty(KlEstimator.K3, 0.1) { StraightThrough = true, LogBound = 2, ValueBound = 1, Corrected = true }],
        },
        ["k3 times the ratio"] = s_plain with { Regularisers = [new KlPenalty(KlEstimator.K3, 0.1) { TimesRatio = true }] },
        ["|k1|"] = s_plain with { Regularisers = [new KlPenalty(KlEstimator.Absolute, 0.1)] },
        ["k1 against the sampler"] = s_plain with
        {
            Regularisers = [new KlPenalty(KlEstimator.K1, 0.1) { Against = Column.RolloutLogp, LogBound = 0.5 }],
        },

        ["weighted rewards"] = s_plain with { Rewards = new WeightedRewards([1, -0.5]) },
        ["clipped rewards"] = s_plain with { Rewards = new ClippedReward(RewardShaping.None, -1, 0.5) },
        ["a KL in clipped rewards"] = s_plain with { Rewards = new KlInReward(new ClippedReward(RewardShaping.None, -1, 0.5), 0.1) },
        ["live rows"] = s_plain with { Advantage = new StandardScore { Over = Counted.LiveRows, Epsilon = 0.1, Lone = LoneReward.IsKept } },
        ["live rows, equal rewards computed"] = s_plain with
        {
            Advantage = new LeaveOneOut { Over = Counted.LiveRows, Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero },
        },
        ["a population's standard score"] = s_plain with { Advantage = new StandardScore { Ddof = 0 } },
        ["the batch's standard deviation"] = s_plain with { Advantage = new BatchScaledBaseline(0.1) },
        ["over the group's standard deviation"] = s_plain with { Advantage = new ScaledByRewards(new LeaveOneOut(), Pool.Group, 0.1) },
        ["over the batch's standard deviation"] = s_plain with { Advantage = new ScaledByRewards(new NoBaseline(), Pool.Batch, 0.1) },
        ["clipped advantages"] = s_plain with { Advantage = new ClippedAdvantage(new MeanBaseline(), -0.2, 0.3) },
        ["a soft maximum over all"] = s_plain with { Advantage = new PartitionBaseline(0.7) { LeavesOut = false } },
        ["a soft maximum over the others"] = s_plain with { Advantage = new PartitionBaseline(0.7) },
        ["a best of a group"] = s_plain with { Advantage = new BestOfGroup { Scaled = true, Equal = EqualRewards.AreComputed } },
        ["discounted returns"] = s_plain with
        {
            Advantage = new Returns { Rewards = new() { AtTokens = true, Outcome = new MeanBaseline() }, Discount = 0.7 },
        },
        ["a return without a future"] = s_plain with { Advantage = new Returns { Rewards = new() { AtTokens = true }, Discount = 0 } },
        ["discounted returns cut at gaps"] = s_plain with { Advantage = new Returns { Discount = 0.7, CutAtGaps = true } },
        ["discounted gae"] = s_plain with { Advantage = new GeneralisedAdvantage(0.9, 0.8) { Rewards = new() { Beta = 0.3, LargestKl = 0.2 } } },
        ["optimal token baselines to the end"] = s_plain with { Advantage = new OptimalTokenBaseline() },
        ["centred tokens"] = s_plain with { Advantage = new TokenWhitened(new MeanBaseline()) { Scaled = false, Padding = 0.1 } },

        ["one weight"] = s_plain with { Weight = new ConstantWeight(0.25) },
        ["added rows"] = s_plain with { Weight = new RowSum { Averaged = Average.Nothing, Length = 7 } },
        ["a mean over live rows"] = s_plain with { Weight = new PaddedRowSum { Averaged = Average.OverLiveRows } },
        ["the remainder on the last token"] = s_plain with { Weight = new RemainderOnLast(20) },
        ["a preference for lengths"] = s_plain with { Weight = new BatchTokenMean().Times(new LengthPreference(0.3, 2, 0.1, 1)) },
        ["one factor for conflicts"] = s_plain with { Weight = new ConflictWeight(1.5, 0.5) { PerConflict = false } },
        ["an off-policy mask"] = s_plain with { Correction = new OffPolicyMask(0.1) },
        ["forking tokens"] = s_plain with { Correction = new EntropyQuantileMask(0.6) },
        ["a mask of summed k3"] = s_plain with { Correction = new DivergenceMask(KlEstimator.K3, Pooling.RowSum, High: 0.5) },
        ["a mask of largest k2"] = s_plain with { Correction = new DivergenceMask(KlEstimator.K2, Pooling.RowMax, High: 0.1) },
        ["a mask of |k1|"] = s_plain with { Correction = new DivergenceMask(KlEstimator.Absolute, Pooling.Token, 0.01, 0.3) },
        ["a mask of rows' ratios"] = s_plain with { Correction = new ImportanceMask(RatioLevel.SequenceMean, 0.8, 1.2) { TimesRatio = true } },
        ["weights over their mean over rows"] = s_plain with
        {
            Correction = new MeanNormalised(new TruncatedImportance(RatioLevel.SequenceMean, 0.5, 2), MeanOf.Rows) { CountEpsilon = 0.1 },
        },
        ["a near future without safety"] = s_plain with { Correction = new FutureRatio(2, 0.5, 3) { Safety = 1.1 } },
        ["a drop of many tokens"] = s_plain with { Correction = new CovarianceDrop(0.3, -0.5, 5, Clip.Range(0.2, 0.2)) },
        ["a penalty at many tokens"] = s_plain with
        {
            Regularisers = [new KlPenalty(KlEstimator.K2, 1) { Where = new TopCovariance(0.4) { CountEpsilon = 1e-8 } }],
        },

        ["a cap"] = s_plain with { Kernel = new TokenRatio(new Clip(0.8, 1.2, 1.5)) { LogBound = 3 } },
        ["one gate for both signs"] = s_plain with { Kernel = new TokenRatio(new SoftGate(2, 2)) },
        ["a gradient kept up to a dual clip"] = s_plain with { Kernel = new GradientPreservingClip(Clip.Range(0.2, 0.3) with { Dual = 2 }) },
        ["a flipped ratio within bounds"] = s_plain with
        {
            Kernel = new FlippedRatio(Clip.Range(0.1, 0.2), Clip.Range(0.3, 0.5)) { LogBound = 1, Dual = 2, Quantile = 0.5 },
        },
        ["a gain of other constants"] = s_plain with
        {
            Kernel = new GammaGain(1, 2, 0.5, 1) { Mismatch = new ImportanceMask(RatioLevel.Token, 0.5, 2) { TimesRatio = true } },
        },
        ["a gate of whole rows"] = s_plain with
        {
            Advantage = new Returns { Discount = 0.5 },
            Kernel = new SequenceRatio(RatioLevel.SequenceSum, new SoftGate()),
        },
        ["a row's ratio at tokens, within a cap"] = s_plain with { Kernel = new SequenceTokenRatio(new SoftGate()) { LogCap = 0.5 } },
        ["one-sided geometric means"] = s_plain with { Kernel = new GeometricMean(0.1, 0.3) { CountEpsilon = 0.1 } },
    };
}
