using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// OpenRLHF's policy losses at their defaults with its group_norm advantage: ε = 1e−9 beside the standard deviation, no dual clip, mean over
/// all tokens, log-ratios clamped to ±20. Left out: its default penalty of 0.01·k1 in the reward, but for reinforce, and the clip of
/// advantages to ±10 (reward_clip_range, which meets the reward after the baseline). OpenRLHF/OpenRLHF @ 3c3be623, openrlhf/models/loss.py, models/utils.py.
/// </summary>
public static class OpenRlhfFlavours
{
    /// <summary>OpenRLHF's ε beside a standard deviation of rewards, in units of reward.</summary>
    public const double StdEpsilon = 1e-9;

    /// <summary>OpenRLHF's ε beside a row's token count.</summary>
    public const double CountEpsilon = 1e-8;

    /// <summary>What OpenRLHF clamps a token's log-ratio to, in nats.</summary>
    public const double LogBound = 20;

    /// <summary>What OpenRLHF clamps each KL estimator to, in nats.</summary>
    public const double KlBound = 10;

    private const string Source = "OpenRLHF/OpenRLHF @ 3c3be623";

    /// <summary>advantage estimator group_norm: (R − R̄)/(s + 1e−9), ddof 1.</summary>
    public static RowAdvantage GroupScaled { get; } = new StandardScore { Epsilon = StdEpsilon, Equal = EqualRewards.AreComputed };

    /// <summary>token_level_loss=False: 1/(n + 1e−8) in each row, then the mean over live rows.</summary>
    public static TokenWeight RowMean { get; } = new RowMean { Averaged = Average.OverLiveRows, CountEpsilon = CountEpsilon };

    /// <summary>policy_loss_type="ppo".</summary>
    public static SurrogateObjective Ppo { get; } =
        new(GroupScaled, new TokenRatio(Clip.Range(0.2, 0.2)) { LogBound = LogBound }, new BatchTokenMean());

    /// <summary>ppo with dual_clip = 3.</summary>
    public static SurrogateObjective PpoDual { get; } =
        Ppo with { Kernel = new TokenRatio(Clip.Range(0.2, 0.2) with { Dual = 3 }) { LogBound = LogBound } };

    /// <summary>policy_loss_type="gspo", which forces the mean over rows.</summary>
    public static SurrogateObjective Gspo { get; } =
        Ppo with { Kernel = new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(0.2, 0.2)), Weight = RowMean };

    /// <summary>is_correction_type="tis", threshold [0.5, 5].</summary>
    public static SurrogateObjective Tis { get; } = Ppo with { Correction = new TruncatedImportance(RatioLevel.Token, 0.5, 5) };

    /// <summary>is_correction_type="icepop", threshold [0.5, 5].</summary>
    public static SurrogateObjective IcePop { get; } =
        Ppo with { Correction = new TruncatedImportance(RatioLevel.Token).Times(new ImportanceMask(RatioLevel.Token, 0.5, 5)) };

    /// <summary>is_correction_type="seq-mask-tis", threshold [0.5, 5]: of the row's geometric mean; the token's weight is not clamped.</summary>
    public static SurrogateObjective SequenceMaskTis { get; } =
        Ppo with { Correction = new TruncatedImportance(RatioLevel.Token).Times(new ImportanceMask(RatioLevel.SequenceMean, 0.5, 5)) };

    /// <summary>ppo with kl.use_loss: 0.01·k3 against the reference, clamped to 10, token mean.</summary>
    public static SurrogateObjective KlLoss { get; } = Ppo with { Regularisers = [new KlPenalty(KlEstimator.K3, 0.01) { ValueBound = KlBound }] };

    /// <summary>ppo with advantage estimator rloo.</summary>
    public static SurrogateObjective Rloo { get; } =
        Ppo with { Advantage = new LeaveOneOut { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsRefused } };

    /// <summary>ppo with advantage estimator dr_grpo: R − R̄.</summary>
    public static SurrogateObjective DrGrpo { get; } = Ppo with { Advantage = new MeanBaseline { Equal = EqualRewards.AreComputed } };

    /// <summary>ppo with advantage estimator reinforce_baseline: R − R̄, whitened over all tokens.</summary>
    public static SurrogateObjective ReinforceBaseline { get; } =
        Ppo with { Advantage = new TokenWhitened(DrGrpo.Advantage) { Ddof = 0, Floor = 1e-8 } };

    /// <summary>ppo with advantage estimator reinforce: returns of R less 0.01·k1 a token, whitened over all tokens.</summary>
    public static SurrogateObjective Reinforce { get; } =
        Ppo with { Advantage = new TokenWhitened(new Returns { Rewards = new() { Beta = 0.01, LargestKl = KlBound } }) { Ddof = 0, Floor = 1e-8 } };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("openrlhf:ppo", Ppo, "mean over all tokens of min(r A, clip(r, 0.8, 1.2) A), A = (R − mean)/(std + 1e−9)", Source, "token mean over the batch, not 1/(G n); ε beside the std; log r clamped to ±20"),
        new("openrlhf:ppo-dual", PpoDual, "openrlhf:ppo, at least 3 A where A < 0", Source, "dual_clip is off by default; 3 is verl's constant"),
        new("openrlhf:gspo", Gspo, "mean over live rows of min(s A, clip(s, 0.8, 1.2) A), s the geometric mean of r", Source, "a clip range some 500 times the paper's; ε beside n"),
        new("openrlhf:rloo", Rloo, "openrlhf:ppo with A = R − mean of the others", Source, "an advantage alone: the loss stays PPO's, token by token"),
        new("openrlhf:dr_grpo", DrGrpo, "openrlhf:ppo with A = R − mean", Source, "an advantage alone: the token mean stays"),
        new("openrlhf:reinforce_baseline", ReinforceBaseline, "openrlhf:ppo with A = R − mean, whitened over all tokens", Source, "population variance, at least 1e−8; float32 in OpenRLHF"),
        new("openrlhf:reinforce", Reinforce, "openrlhf:ppo with A = return of R − 0.01·k1 a token, whitened over all tokens", Source, "population variance, at least 1e−8; k1 clamped to ±10; float32 in OpenRLHF"),
        new("openrlhf:tis", Tis, "openrlhf:ppo times clamp(π_old/π_rollout, 0.5, 5) of the token", Source, "clamped from below, too"),
        new("openrlhf:icepop", IcePop, "openrlhf:ppo times π_old/π_rollout of the token where that is in [0.5, 5], 0 elsewhere", Source, "tokens outside are dropped, but still counted in the mean"),
        new("openrlhf:seq-mask-tis", SequenceMaskTis, "openrlhf:ppo times π_old/π_rollout of the token where the row's geometric mean is in [0.5, 5], 0 elsewhere", Source, "named truncated, though the token's weight is not clamped"),
        new("openrlhf:kl-loss", KlLoss, "openrlhf:ppo − 0.01·k3 against the reference", Source, "k3 where the default estimator is k1, which the trainer advises against in the loss; clamped to 10; float32 in OpenRLHF"),
    ];
}
