using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// verl's policy losses at its defaults (ActorConfig: clip_ratio 0.2, clip_ratio_c 3, token-mean) with its grpo advantage: ε = 1e−6 beside
/// the standard deviation, advantages of equal rewards computed as any others, log-ratios clamped to ±20, averages over rows that have a
/// token. verl-project/verl @ 1dda039b, verl/trainer/ppo/core_algos.py and rollout_corr_helper.py.
/// </summary>
public static class VerlFlavours
{
    /// <summary>verl's ε beside a standard deviation of rewards, in units of reward.</summary>
    public const double StdEpsilon = 1e-6;

    /// <summary>verl's ε beside a token count, in its means over a row.</summary>
    public const double CountEpsilon = 1e-8;

    /// <summary>What verl clamps a token's log-ratio to, in nats.</summary>
    public const double LogBound = 20;

    /// <summary>What verl's gspo clamps log s to, in nats.</summary>
    public const double SequenceLogCap = 10;

    /// <summary>What verl clamps k3 to, in nats.</summary>
    public const double KlBound = 10;

    private const string Source = "verl-project/verl @ 1dda039b";

    /// <summary>adv_estimator="grpo": (R − R̄)/(s + 1e−6), ddof 1.</summary>
    public static RowAdvantage GroupScaled { get; } =
        new StandardScore { Epsilon = StdEpsilon, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };

    /// <summary>adv_estimator="grpo" with norm_adv_by_std_in_grpo=False: R − R̄.</summary>
    public static RowAdvantage Unscaled { get; } = new MeanBaseline { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };

    /// <summary>seq-mean-token-mean: 1/(n + 1e−8) in each row, then the mean over live rows.</summary>
    public static TokenWeight RowMean { get; } = new RowMean { Averaged = Average.OverLiveRows, CountEpsilon = CountEpsilon };

    /// <summary>loss_mode="vanilla": PPO's clip with the dual clip 3, token-mean.</summary>
    public static SurrogateObjective Vanilla { get; } =
        new(GroupScaled, new TokenRatio(Clip.Range(0.2, 0.2) with { Dual = 3 }) { LogBound = LogBound }, new BatchTokenMean());

    /// <summary>vanilla with seq-mean-token-mean: the paper's aggregation.</summary>
    public static SurrogateObjective Grpo { get; } = Vanilla with { Weight = RowMean };

    /// <summary>vanilla with seq-mean-token-sum-norm and advantages that are not divided: verl's Dr. GRPO.</summary>
    public static SurrogateObjective DrGrpo { get; } =
        Vanilla with { Advantage = Unscaled, Weight = new PaddedRowSum { Averaged = Average.OverLiveRows } };

    /// <summary>loss_mode="gspo", which forces seq-mean-token-mean: GSPO-token with log s clamped at 10.</summary>
    public static SurrogateObjective Gspo { get; } =
        Grpo with { Kernel = new SequenceTokenRatio(Clip.Range(0.2, 0.2)) { LogCap = SequenceLogCap } };

    /// <summary>loss_mode="sapo", which forces seq-mean-token-mean.</summary>
    public static SurrogateObjective Sapo { get; } = Grpo with { Kernel = new TokenRatio(new SoftGate()) { LogBound = LogBound } };

    /// <summary>loss_mode="gpg" with its advantage (B/number of rewards other than 0)·(R − R̄).</summary>
    public static SurrogateObjective Gpg { get; } = Vanilla with { Advantage = new NonzeroScaled(Unscaled), Kernel = new LogLikelihood() };

    /// <summary>loss_mode="geo_mean": clip 0.2 in nats, the mean over all rows.</summary>
    public static SurrogateObjective GeoMean { get; } = Vanilla with
    {
        Kernel = new GeometricMean(0.2, 0.2) { CountEpsilon = CountEpsilon },
        Weight = new RowMean { Averaged = Average.OverRows },
    };

    /// <summary>loss_mode="cispo": the weight clipped on both sides.</summary>
    public static SurrogateObjective Cispo { get; } = Vanilla with { Kernel = new ClippedImportance(0.8, 1.2) { LogBound = LogBound } };

    /// <summary>loss_mode="dppo_tv": clip_ratio is the bound of the probabilities' difference, clip_ratio_c the weight's cap.</summary>
    public static SurrogateObjective DppoTv { get; } =
        Cispo with { Kernel = new ClippedImportance(0, 3) { LogBound = LogBound }, Correction = new TotalVariationRegion(0.2, 0.2) };

    /// <summary>loss_mode="dppo_kl": clip_ratio is the bound of the divergence, clip_ratio_c the weight's cap.</summary>
    public static SurrogateObjective DppoKl { get; } = DppoTv with { Correction = new BinaryKlRegion(0.2, 0.2) };

    /// <summary>loss_mode="dro", β = 0.5.</summary>
    public static SurrogateObjective Dro { get; } = Vanilla with
    {
        Kernel = new LogLikelihood(),
        Regularisers = [new KlPenalty(KlEstimator.K2, 0.5) { Against = Column.OldLogp, Corrected = true }],
    };

    /// <summary>loss_mode="clip_cov": PPO's clip without the dual one, and at most 2e−4 of all tokens dropped.</summary>
    public static SurrogateObjective ClipCov { get; } = Vanilla with
    {
        Kernel = new TokenRatio(Clip.Range(0.2, 0.2)),
        Correction = new CovarianceDrop(0.0002, 1, 5, Clip.Range(0.2, 0.2)) { CountEpsilon = CountEpsilon },
    };

    /// <summary>loss_mode="kl_cov": no clip, 0.1·|ℓ − ℓ°| at the tokens of largest covariance.</summary>
    public static SurrogateObjective KlCov { get; } = Vanilla with
    {
        Kernel = new TokenRatio(new Unclipped()),
        Regularisers = [new KlPenalty(KlEstimator.Absolute, 0.1) { Against = Column.OldLogp, Corrected = true, Where = new TopCovariance(0.0002) }],
    };

    /// <summary>vanilla with use_kl_loss: k3 of low_var_kl, its y clamped to ±20 and itself to ±10.</summary>
    public static SurrogateObjective KlLoss { get; } =
        Vanilla with { Regularisers = [new KlPenalty(KlEstimator.K3, 0.001) { LogBound = LogBound, ValueBound = KlBound }] };

    /// <summary>vanilla with rollout_is="token", threshold 2: decoupled_token_is.</summary>
    public static SurrogateObjective Tis { get; } =
        Vanilla with { Correction = new TruncatedImportance(RatioLevel.Token, 0, 2) { LogBound = LogBound } };

    /// <summary>vanilla with rollout_is="sequence", threshold 2: decoupled_seq_is.</summary>
    public static SurrogateObjective SequenceTis { get; } =
        Vanilla with { Correction = new TruncatedImportance(RatioLevel.SequenceSum, 0, 2) { LogBound = LogBound } };

    /// <summary>vanilla with rollout_is="token", threshold "0.5_5.0": decoupled_token_icepop.</summary>
    public static SurrogateObjective IcePop { get; } = Vanilla with
    {
        Correction = new TruncatedImportance(RatioLevel.Token, 0, 5) { LogBound = LogBound }
            .Times(new ImportanceMask(RatioLevel.Token, 0.5, 5) { LogBound = LogBound }),
    };

    /// <summary>vanilla with rollout_rs="seq_mean_k1", threshold "0.999_1.001": decoupled_geo_rs. The token mean is over kept tokens.</summary>
    public static SurrogateObjective GeoRs { get; } = Vanilla with
    {
        Correction = new MeanNormalised(
            new DivergenceMask(KlEstimator.K1, Pooling.RowMean, Math.Log(0.999), Math.Log(1.001)) { LogBound = LogBound, CountEpsilon = CountEpsilon },
            MeanOf.Tokens),
    };

    /// <summary>loss_mode="bypass_mode", loss_type="reinforce", rollout_is="token", threshold 2: the rollout policy is ℓ°.</summary>
    public static SurrogateObjective BypassReinforce { get; } = Vanilla with
    {
        Kernel = new LogLikelihood(),
        Correction = new TruncatedImportance(RatioLevel.Token, 0, 2) { Of = Column.Logp, Against = Column.OldLogp, LogBound = LogBound },
    };

    /// <summary>loss_mode="bypass_mode", loss_type="reinforce", rollout_is="sequence", threshold 2: bypass_pg_is.</summary>
    public static SurrogateObjective BypassReinforceSequence { get; } = BypassReinforce with
    {
        Correction = new TruncatedImportance(RatioLevel.SequenceSum, 0, 2) { Of = Column.Logp, Against = Column.OldLogp, LogBound = LogBound },
    };

    /// <summary>vanilla with adv_estimator="rloo".</summary>
    public static SurrogateObjective Rloo { get; } =
        Vanilla with { Advantage = new LeaveOneOut { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept } };

    /// <summary>vanilla with adv_estimator="opo".</summary>
    public static SurrogateObjective Opo { get; } =
        Vanilla with { Advantage = new LengthWeightedBaseline { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept } };

    /// <summary>vanilla with adv_estimator="grpo_passk".</summary>
    public static SurrogateObjective GrpoPassK { get; } = Vanilla with
    {
        Advantage = new BestOfGroup { Scaled = true, Epsilon = StdEpsilon, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsRefused },
    };

    /// <summary>vanilla with adv_estimator="remax".</summary>
    public static SurrogateObjective ReMax { get; } = Vanilla with { Advantage = new GreedyBaseline() };

    /// <summary>vanilla with adv_estimator="reinforce_plus_plus", γ = 1.</summary>
    public static SurrogateObjective ReinforcePlusPlus { get; } = Vanilla with { Advantage = Whitened(new Returns { CutAtGaps = true }) };

    /// <summary>vanilla with adv_estimator="reinforce_plus_plus_baseline".</summary>
    public static SurrogateObjective ReinforcePlusPlusBaseline { get; } = Vanilla with { Advantage = Whitened(Unscaled) };

    /// <summary>vanilla with adv_estimator="gdpo": every reward scored in its group, added, whitened over all tokens.</summary>
    public static SurrogateObjective Gdpo { get; } =
        Vanilla with { Rewards = new ScoredRewards(GroupScaled, []), Advantage = Whitened(new NoBaseline()) };

    /// <summary>vanilla with adv_estimator="optimal_token_baseline", handle_zero_tail.</summary>
    public static SurrogateObjective OptimalTokenBaseline { get; } =
        Vanilla with { Advantage = new OptimalTokenBaseline { Epsilon = 1e-8, ZeroTail = true } };

    /// <summary>vanilla with adv_estimator="gae", γ = λ = 1.</summary>
    public static SurrogateObjective Gae { get; } = Vanilla with { Advantage = Whitened(new GeneralisedAdvantage(1, 1)) };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("verl:vanilla", Vanilla, "mean over all tokens of min(r A, clip(r, 0.8, 1.2) A), at least 3 A where A < 0, A = (R − mean)/(std + 1e−6)", Source, "token mean over the batch, not 1/(G n); dual clip 3 always on; ε beside the std; log r clamped to ±20"),
        new("verl:grpo", Grpo, "verl:vanilla with the mean over each row, then over live rows", Source, "dual clip 3 always on; ε beside the std and beside n; a fully masked row leaves the average"),
        new("verl:dr_grpo", DrGrpo, "verl:vanilla with the sum over each row over the padded width, mean over live rows, A = R − mean", Source, "divided by the width of the padded batch, which its longest row sets; dual clip 3 always on"),
        new("verl:gspo", Gspo, "mean over live rows and their tokens of min(s A, clip(s, 0.8, 1.2) A), s = sg(geometric mean of r)·r/sg(r)", Source, "GSPO-token, with the same gradient as GSPO for one A a row; a clip range some 500 times the paper's; log s clamped at 10"),
        new("verl:sapo", Sapo, "mean over live rows and their tokens of (4/τ) σ(τ(r − 1)) A, τ = 1 where A > 0, else 1.05", Source, "ε beside the std and beside n; log r clamped to ±20"),
        new("verl:gpg", Gpg, "mean over all tokens of A log π, A = (R − mean)·B over the number of rewards other than 0", Source, "the factor counts rewards other than 0, not groups whose rewards differ"),
        new("verl:rloo", Rloo, "verl:vanilla with A = R − mean of the others", Source, "an advantage alone: the loss stays PPO's, token by token"),
        new("verl:opo", Opo, "verl:vanilla with A = R − mean weighted by length", Source, "PPO's loss where the paper is exactly on-policy"),
        new("verl:grpo_passk", GrpoPassK, "verl:vanilla with A = (best R − second best R)/(std + 1e−6) for the best completion, 0 for all others", Source, "divided by the std; PPO's loss"),
        new("verl:remax", ReMax, "verl:vanilla with A = R − reward of the greedy completion", Source, "PPO's loss where the paper has none"),
        new("verl:reinforce_plus_plus", ReinforcePlusPlus, "verl:vanilla with A = returns, whitened over all tokens", Source, "1e−8 beside N and the variance; the return is cut at masked tokens"),
        new("verl:reinforce_plus_plus_baseline", ReinforcePlusPlusBaseline, "verl:vanilla with A = R − mean, whitened over all tokens", Source, "whitened over tokens, so that groups of unequal lengths are not centred"),
        new("verl:gdpo", Gdpo, "verl:vanilla with each reward scored in its group, added, whitened over all tokens", Source, "the last step runs over tokens; float32 in verl"),
        new("verl:optimal_token_baseline", OptimalTokenBaseline, "verl:vanilla with A = return − the group's mean return at the position, weighted by squared scores so far", Source, "1e−8 beside the weights; no baseline where one row is left"),
        new("verl:gae", Gae, "verl:vanilla with A = GAE(1, 1) of a critic's values, whitened over all tokens", Source, "1e−8 beside N and the variance"),
        new("verl:geo_mean", GeoMean, "mean over rows of A·exp(mean of clip(log r, ±0.2 on the side that A asks for))", Source, "GMPO with half the paper's clip of 0.4 nats; ε beside n in both means; a fully masked row stays in the average"),
        new("verl:cispo", Cispo, "mean over all tokens of sg(clip(r, 0.8, 1.2)) A log π", Source, "clipped from below, too, and far tighter than the paper's cap; mean over the batch's tokens, not the group's"),
        new("verl:dppo_tv", DppoTv, "mean over all tokens of sg(min(r, 3)) M A log π, M = p − q ≤ 0.2 where A > 0, else p − q ≥ −0.2", Source, "the weight is capped at 3 (clip_ratio_c of ActorConfig, though the loss's own default is 20), not left free; 0.2 where the authors' script sets 0.15"),
        new("verl:dppo_kl", DppoKl, "mean over all tokens of sg(min(r, 3)) M A log π, M = D ≤ 0.2 or r on the side that A pulls to 1, D the binary KL", Source, "the weight is capped at 3 (clip_ratio_c of ActorConfig, though the loss's own default is 20), not left free; 0.2 where the authors' script sets 0.05"),
        new("verl:dro", Dro, "mean over all tokens of A log π − 0.25·(log r)²", Source, "by token, without the value baseline of DRO; verl has no default β: 0.5 is that of the recorded runs"),
        new("verl:clip_cov", ClipCov, "verl:vanilla without dual clip; of tokens with 1 < cov < 5 at most max(1, ⌊0.0002 N⌋) at random get no gradient", Source, "covariances over the batch's tokens with ε beside N; the tokens are those of smallest random number in the batch"),
        new("verl:kl_cov", KlCov, "mean over all tokens of r A − 0.1·|log r| at the max(1, ⌊0.0002 N⌋) tokens of largest covariance", Source, "the configuration's coefficient is 0.1, the loss's own default 1; ties are told apart by the batch's random numbers"),
        new("verl:kl_loss", KlLoss, "verl:vanilla − 0.001·k3 against the reference, token mean", Source, "k3 is clamped to 10, so beyond log(π_ref/π) = 2.6 it has no gradient"),
        new("verl:tis", Tis, "verl:vanilla times min(π_old/π_rollout, 2) of the token", Source, "truncated importance sampling for a sampler that is not the trainer's behaviour policy"),
        new("verl:tis_sequence", SequenceTis, "verl:vanilla times min(π_old/π_rollout, 2) of whole rows", Source, "the ratio of whole rows, its logarithm clamped to ±20"),
        new("verl:icepop", IcePop, "verl:vanilla times π_old/π_rollout of the token where that is in [0.5, 5], 0 elsewhere", Source, "tokens outside are dropped, but still counted in the mean"),
        new("verl:geo_rs", GeoRs, "verl:vanilla over the rows whose geometric mean of π_old/π_rollout is in [1/1.001, 1/0.999]", Source, "rows outside leave the batch; the bounds are of −log r"),
        new("verl:bypass_ppo", Vanilla, "verl:vanilla around the rollout policy, whose log-probs stand in old_logps", Source, "the clip is around the rollout policy; importance weights are computed and not applied"),
        new("verl:bypass_reinforce", BypassReinforce, "mean over all tokens of sg(min(r, 2)) A log π, r against the rollout policy, whose log-probs stand in old_logps", Source, "clipped importance weights of REINFORCE; token mean over the batch"),
        new("verl:bypass_reinforce_sequence", BypassReinforceSequence, "mean over all tokens of sg(min(ρ, 2)) A log π, ρ of whole rows against the rollout policy, whose log-probs stand in old_logps", Source, "clipped importance weights of whole rows, log ρ clamped to ±20"),
    ];

    // masked_whiten: 1e−8 beside the number of tokens and beside the variance.
    private static TokenWhitened Whitened(Advantage inner) => new(inner) { Epsilon = 1e-8, Padding = 1e-8 };
}
