using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// ms-swift's losses: TRL's under the same names, save that k3 is bounded and stands inside the correction for the sampling engine.
/// modelscope/ms-swift @ 3602360a, swift/rlhf_trainers/grpo_trainer.py.
/// </summary>
public static class SwiftFlavours
{
    private const string Source = "modelscope/ms-swift @ 3602360a";

    /// <summary>0.04·k3 with y within ±20 and k3 at most 10, times the correction.</summary>
    public static Regulariser Penalty { get; } = new KlPenalty(KlEstimator.K3, 0.04) { LogBound = 20, ValueBound = 10, Corrected = true };

    /// <summary>loss_type="grpo" at its default β.</summary>
    public static SurrogateObjective Grpo { get; } = TrlFlavours.Grpo with { Rewards = RewardShaping.None, Regularisers = [Penalty] };

    /// <summary>rollout_importance_sampling_mode="token_truncate" at its default threshold 2: the penalty is multiplied, too.</summary>
    public static SurrogateObjective GrpoTis { get; } =
        Grpo with { Correction = new TruncatedImportance(RatioLevel.Token, High: 2) { LogBound = 20 } };

    /// <summary>loss_type="fipo" with β = 0: TRL's dapo times the future ratio.</summary>
    public static SurrogateObjective Fipo { get; } = TrlFlavours.Dapo with { Rewards = RewardShaping.None, Correction = new FutureRatio() };

    /// <summary>advantage_estimator="rloo", scale_rewards="none".</summary>
    public static SurrogateObjective Rloo { get; } =
        Grpo with { Advantage = new LeaveOneOut { Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero } };

    /// <summary>advantage_estimator="reinforce_plus_plus", scale_rewards="batch".</summary>
    public static SurrogateObjective ReinforcePlusPlus { get; } =
        Grpo with { Advantage = new BatchNormalised(TrlFlavours.Unscaled, TrlFlavours.StdEpsilon) };

    /// <summary>scale_rewards="gdpo": ε = 1e−8 in the group and in the batch.</summary>
    public static SurrogateObjective Gdpo { get; } = Grpo with
    {
        Rewards = new ScoredRewards(new StandardScore { Epsilon = 1e-8, Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero }, []),
        Advantage = new BatchNormalised(new NoBaseline(), 1e-8),
    };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("swift:grpo", Grpo, "trl:grpo − 0.04·k3 against the reference, k3 at most 10", Source, "no gradient of the penalty beyond k3 = 10"),
        new("swift:grpo+tis", GrpoTis, "swift:grpo, penalty included, times sg(min(π_old/π_rollout, 2)) of each token", Source, "TRL leaves the penalty out of the correction"),
        new("swift:rloo", Rloo, "swift:grpo with A = R − mean of the others", Source, "an advantage alone: the loss stays TRL's grpo"),
        new("swift:reinforce_plus_plus", ReinforcePlusPlus, "swift:grpo with A = (R − mean)/(std of those over all rows + 1e−4)", Source, "scored over rows, where verl and OpenRLHF whiten over tokens"),
        new("swift:gdpo", Gdpo, "swift:grpo with each reward scored in its group, added, scored over all rows", Source, "ε = 1e−8 both times"),
        new("swift:fipo", Fipo, "trl:dapo times sg(clip(exp(Σ of later log-ratios, halved every 32 tokens), 1, 1.2))", Source, "no golden data: from the source alone"),
    ];
}
