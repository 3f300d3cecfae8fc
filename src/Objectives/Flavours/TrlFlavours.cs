using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// TRL's objectives as its trainers compute them at their defaults: ε = 1e−4 beside the standard deviation, advantages of equal
/// rewards computed as any others, averages over all rows or tokens of the batch. huggingface/trl @ f2cd5771,
/// trl/trainer/grpo_trainer.py and rloo_trainer.py.
/// </summary>
public static class TrlFlavours
{
    /// <summary>TRL's ε beside a standard deviation of rewards, in units of reward.</summary>
    public const double StdEpsilon = 1e-4;

    /// <summary>TRL's default max_completion_length, in tokens: Dr. GRPO's divisor.</summary>
    public const double MaxCompletionLength = 512;

    private const string Source = "huggingface/trl @ f2cd5771";

    /// <summary>scale_rewards="group": (R − R̄)/(s + 1e−4), ddof 1.</summary>
    public static RowAdvantage GroupScaled { get; } = new StandardScore { Epsilon = StdEpsilon, Equal = EqualRewards.AreComputed };

    /// <summary>scale_rewards="batch": (R − R̄)/(s_batch + 1e−4).</summary>
    public static RowAdvantage BatchScaled { get; } = new BatchScaledBaseline(StdEpsilon);

    /// <summary>scale_rewards="none": R − R̄.</summary>
    public static RowAdvantage Unscaled { get; } = new MeanBaseline { Equal = EqualRewards.AreComputed };

    /// <summary>The mean over each row, then over all rows: loss_type="grpo".</summary>
    public static TokenWeight RowMean { get; } = new RowMean { Averaged = Average.OverRows };

    /// <summary>loss_type="grpo".</summary>
    public static SurrogateObjective Grpo { get; } = new(GroupScaled, new TokenRatio(Clip.Range(0.2, 0.2)), RowMean);

    /// <summary>loss_type="dr_grpo" with scale_rewards="none".</summary>
    public static SurrogateObjective DrGrpo { get; } =
        Grpo with { Advantage = Unscaled, Weight = new RowSum { Averaged = Average.OverRows, Length = MaxCompletionLength } };

    /// <summary>loss_type="dapo", and "bnpo" where the batch is a micro-batch.</summary>
    public static SurrogateObjective Dapo { get; } = Grpo with { Weight = new BatchTokenMean() };

    /// <summary>importance_sampling_level="sequence", loss_type="grpo".</summary>
    public static SurrogateObjective Gspo { get; } =
        Grpo with { Kernel = new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(0.2, 0.2)) };

    /// <summary>loss_type="cispo": epsilon_high is the weight's cap itself, and its default is epsilon.</summary>
    public static SurrogateObjective Cispo { get; } = Dapo with { Kernel = new ClippedImportance(0, 0.2) };

    /// <summary>RLOOTrainer: PPO's clip on the ratio of whole sequences, k1 against the reference in the reward.</summary>
    public static SurrogateObjective Rloo { get; } = new(
        new LeaveOneOut { Equal = EqualRewards.AreComputed },
        new SequenceRatio(RatioLevel.SequenceSum, Clip.Range(0.2, 0.2)),
        new RowSum { Averaged = Average.OverRows })
    {
        Rewards = new KlInReward(RewardShaping.None, 0.05),
    };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("trl:grpo", Grpo, "grpo at ε = 1e−4, mean over all rows", Source, "ε beside the std; groups of different size weigh by their size"),
        new("trl:dr_grpo", DrGrpo, "dr-grpo over max_completion_length = 512, mean over all rows", Source, "divided by a constant length"),
        new("trl:dapo", Dapo, "mean over all tokens of the batch of min(r A, clip(r, 0.8, 1.2) A)", Source, "token mean over the batch, not the group; clip-higher off by default; ε beside the std"),
        new("trl:bnpo", Dapo, "mean over all tokens of the micro-batch of min(r A, clip(r, 0.8, 1.2) A)", Source, "the divisor is the micro-batch's own token count"),
        new("trl:gspo", Gspo, "gspo with clip 0.2 and ε = 1e−4, mean over all rows", Source, "a clip range some 500 times the paper's"),
        new("trl:cispo", Cispo, "mean over all tokens of sg(min(r, 0.2)) A log π", Source, "the default cap of 0.2 is below 1, so every on-policy gradient is scaled by 0.2"),
        new("trl:rloo", Rloo, "mean over rows of min(ρ A, clip(ρ, 0.8, 1.2) A), ρ the ratio of whole sequences, 0.05·k1 taken off the reward", Source, "clipped and importance-weighted; KL in the reward (TRL also adds a constant −A/B to the loss for a fully masked completion; here it adds nothing)"),
    ];
}
