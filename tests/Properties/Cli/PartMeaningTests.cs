using System.Text.Json;
using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>What the words and fields of a part mean: reading and writing agree with each other even where both are wrong.</summary>
public class PartMeaningTests
{
    private static readonly Clip s_clip = Clip.Range(0.1, 0.3);

    private static readonly Dictionary<string, TokenWeight> s_weights = new()
    {
        ["""{"name":"row-mean","average":"over-rows","count-epsilon":0.5}"""] = new RowMean { Averaged = Average.OverRows, CountEpsilon = 0.5 },
        ["""{"name":"row-sum","average":"over-live-rows","length":7}"""] = new RowSum { Averaged = Average.OverLiveRows, Length = 7 },
        ["""{"name":"padded-row-sum","average":"nothing"}"""] = new PaddedRowSum { Averaged = Average.Nothing },
        ["""{"name":"batch-token-mean","items":3,"count-epsilon":0.5}"""] = new BatchTokenMean { Items = 3, CountEpsilon = 0.5 },
        ["""{"name":"truncated-importance","level":"mean","low":0.5,"high":2,"ratio-of":"logps","against":"old_logps","log-bound":9}"""] =
            new TruncatedImportance(RatioLevel.SequenceMean, 0.5, 2) { Of = Column.Logp, Against = Column.OldLogp, LogBound = 9 },
        ["""{"name":"importance-mask","level":"sum","low":0.5,"high":2,"ratio-of":"ref_logps","against":"logps","log-bound":9,"times-ratio":"yes"}"""] =
            new ImportanceMask(RatioLevel.SequenceSum, 0.5, 2) { Of = Column.RefLogp, Against = Column.Logp, LogBound = 9, TimesRatio = true },
        ["""{"name":"off-policy-mask","threshold":0.5,"sampler":"rollout_logps"}"""] = new OffPolicyMask(0.5) { Sampler = Column.RolloutLogp },
        ["""{"name":"entropy-quantile-mask","quantile":0.25}"""] = new EntropyQuantileMask(0.25),
        ["""{"name":"future-ratio","half-life":8,"low":0.5,"high":2,"safety":3}"""] = new FutureRatio(8, 0.5, 2) { Safety = 3 },
        ["""{"name":"conflict","positive":3,"negative":0.5,"per-conflict":"no","signs":{"name":"mean-baseline","over":"live-rows"}}"""] =
            new ConflictWeight(3, 0.5) { PerConflict = false, Signs = new MeanBaseline { Over = Counted.LiveRows } },
        ["""{"name":"length-preference","spread":0.5,"lambda":2,"epsilon":0.25,"ddof":1}"""] = new LengthPreference(0.5, 2, 0.25, 1),
        ["""{"name":"total-variation-region","low":0.1,"high":0.3}"""] = new TotalVariationRegion(0.1, 0.3),
        ["""{"name":"binary-kl-region","low":0.1,"high":0.3}"""] = new BinaryKlRegion(0.1, 0.3),
        ["""{"name":"divergence-mask","statistic":"k1","over":"row-sum","low":-1,"high":2,"ratio-of":"logps","against":"ref_logps","log-bound":9,"count-epsilon":0.5}"""] =
            new DivergenceMask(KlEstimator.K1, Pooling.RowSum, -1, 2) { Of = Column.Logp, Against = Column.RefLogp, LogBound = 9, CountEpsilon = 0.5 },
        ["""{"name":"divergence-mask","statistic":"k2","over":"row-mean","high":2}"""] = new DivergenceMask(KlEstimator.K2, Pooling.RowMean, High: 2),
        ["""{"name":"divergence-mask","statistic":"abs","over":"row-max","low":1}"""] = new DivergenceMask(KlEstimator.Absolute, Pooling.RowMax, 1),
        ["""{"name":"mean-normalised","of":"prefix-share","mean":"rows","count-epsilon":0.5,"least":0.25}"""] =
            new MeanNormalised(new PrefixShare(), MeanOf.Rows) { CountEpsilon = 0.5, Least = 0.25 },
        ["""{"name":"covariance-drop","fraction":0.5,"low":1,"high":3,"clip":{"low":0.1,"high":0.3},"count-epsilon":0.5}"""] =
            new CovarianceDrop(0.5, 1, 3, s_clip) { CountEpsilon = 0.5 },
        ["""{"name":"top-covariance","fraction":0.5,"count-epsilon":0.5}"""] = new TopCovariance(0.5) { CountEpsilon = 0.5 },
    };

    private static readonly Dictionary<string, Kernel> s_kernels = new()
    {
        ["""{"name":"token-ratio","shape":{"name":"soft-gate","positive-tau":2,"negative-tau":3},"log-bound":9}"""] = new TokenRatio(new SoftGate(2, 3)) { LogBound = 9 },
        ["""{"name":"token-ratio","clip":{"low":0.1,"high":0.3,"cap":4,"dual":5}}"""] = new TokenRatio(Clip.Range(0.1, 0.3, 4) with { Dual = 5 }),
        ["""{"name":"sequence-ratio","of":"sum"}"""] = new SequenceRatio(RatioLevel.SequenceSum, new Unclipped()),
        ["""{"name":"sequence-token-ratio","log-cap":9}"""] = new SequenceTokenRatio(new Unclipped()) { LogCap = 9 },
        ["""{"name":"clipped-importance","low":0.5,"high":2,"log-bound":9}"""] = new ClippedImportance(0.5, 2) { LogBound = 9 },
        ["""{"name":"gradient-preserving-clip","clip":{"low":0.1,"high":0.3}}"""] = new GradientPreservingClip(s_clip),
        ["""{"name":"geometric-mean","low":0.1,"high":0.3,"count-epsilon":0.5}"""] = new GeometricMean(0.1, 0.3) { CountEpsilon = 0.5 },
        ["""{"name":"gamma-gain","positive-k":4,"positive-lambda":5,"negative-k":6,"negative-lambda":7,"mismatch":{"name":"importance-mask","high":2}}"""] =
            new GammaGain(4, 5, 6, 7) { Mismatch = new ImportanceMask(RatioLevel.Token, High: 2) },
        ["""{"name":"flipped-ratio","low-entropy":{"low":0.1,"high":0.3},"high-entropy":{"low":0.4,"high":0.5},"dual":4,"quantile":0.25,"log-bound":9}"""] =
            new FlippedRatio(s_clip, Clip.Range(0.4, 0.5)) { Dual = 4, Quantile = 0.25, LogBound = 9 },
    };

    private static readonly Dictionary<string, Advantage> s_advantages = new()
    {
        ["""{"name":"standard-score","std":"population","epsilon":0.5,"over":"live-rows","equal-rewards":"are-computed","lone-reward":"gives-zero"}"""] =
            new StandardScore { Ddof = 0, Epsilon = 0.5, Over = Counted.LiveRows, Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero },
        ["""{"name":"leave-one-out","lone-reward":"is-kept"}"""] = new LeaveOneOut { Lone = LoneReward.IsKept },
        ["""{"name":"leave-one-out","lone-reward":"is-refused"}"""] = new LeaveOneOut { Lone = LoneReward.IsRefused },
        ["""{"name":"scaled-by-rewards","of":"none","over":"batch","epsilon":0.5}"""] = new ScaledByRewards(new NoBaseline(), Pool.Batch, 0.5),
        ["""{"name":"nonzero-scaled","of":"none","norm":3}"""] = new NonzeroScaled(new NoBaseline()) { Norm = 3 },
        ["""{"name":"clipped","of":"none","low":-1,"high":2}"""] = new ClippedAdvantage(new NoBaseline(), -1, 2),
        ["""{"name":"entropy-shaped","of":"none","scale":0.5,"threshold":2}"""] = new EntropyShaped(new NoBaseline()) { Scale = 0.5, Threshold = 2 },
        ["""{"name":"best-of-group","scaled":"yes","epsilon":0.5}"""] = new BestOfGroup { Scaled = true, Epsilon = 0.5 },
        ["""{"name":"partition-baseline","tau":0.5,"leaves-out-its-own":"no","floor":0.25}"""] = new PartitionBaseline(0.5) { LeavesOut = false, Floor = 0.25 },
        ["""{"name":"returns","token-rewards":{"outcome":"mean-baseline","beta":0.5,"largest-kl":3,"at-tokens":"yes"},"discount":0.25,"cut-at-gaps":"yes"}"""] =
            new Returns { Rewards = new() { Outcome = new MeanBaseline(), Beta = 0.5, LargestKl = 3, AtTokens = true }, Discount = 0.25, CutAtGaps = true },
        ["""{"name":"generalised","discount":0.25,"lambda":0.75}"""] = new GeneralisedAdvantage(0.25, 0.75),
        ["""{"name":"optimal-token-baseline","epsilon":0.5,"zero-tail":"yes"}"""] = new OptimalTokenBaseline { Epsilon = 0.5, ZeroTail = true },
        ["""{"name":"token-whitened","of":"none","std":"population","epsilon":0.5,"floor":0.25,"padding":0.125,"scaled":"no"}"""] =
            new TokenWhitened(new NoBaseline()) { Ddof = 0, Epsilon = 0.5, Floor = 0.25, Padding = 0.125, Scaled = false },
    };

    private static readonly Dictionary<string, Regulariser> s_regularisers = new()
    {
        ["""{"name":"kl","estimator":"k1","beta":0.5,"against":"old_logps","log-bound":9,"value-bound":8,"straight-through":"yes","times-ratio":"yes","weight":"row-mean","where":"prefix-share","corrected":"yes"}"""] =
            new KlPenalty(KlEstimator.K1, 0.5)
            {
                Against = Column.OldLogp,
                LogBound = 9,
                ValueBound = 8,
                StraightThrough = true,
                TimesRatio = true,
                Weight = new RowMean(),
                Where = new PrefixShare(),
                Corrected = true,
            },
        ["""{"name":"kl","estimator":"k2","beta":0.5,"against":"rollout_logps"}"""] = new KlPenalty(KlEstimator.K2, 0.5) { Against = Column.RolloutLogp },
        ["""{"name":"entropy-bonus","beta":0.5,"weight":"row-mean","where":"prefix-share","corrected":"yes"}"""] =
            new EntropyBonus(0.5) { Weight = new RowMean(), Where = new PrefixShare(), Corrected = true },
    };

    public static TheoryData<string> Texts => [.. s_weights.Keys, .. s_kernels.Keys, .. s_advantages.Keys, .. s_regularisers.Keys];

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_part_with_no_default_left_means_what_it_says_and_is_written_as_it_was_read(string text)
    {
        if (s_weights.TryGetValue(text, out var weight))
            Means(weight, text, Parts.Weights);
        else if (s_kernels.TryGetValue(text, out var kernel))
            Means(kernel, text, Parts.Kernels);
        else if (s_advantages.TryGetValue(text, out var advantage))
            Means(advantage, text, Parts.Advantages);
        else
            Means(s_regularisers[text], text, Parts.Regularisers);
    }

    private static void Means<TKind>(TKind expected, string text, PartList<TKind> parts)
        where TKind : class
    {
        using var json = JsonDocument.Parse(text);
        Assert.Equal(expected, parts.Read(json.RootElement, "part"));
        Assert.Equal(text, parts.Write(expected)!.ToJsonString());
    }
}
