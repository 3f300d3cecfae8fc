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
    public static RowAdvantage GroupScaled { get; } =
        new StandardScore { Epsilon = StdEpsilon, Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero };

    /// <summary>scale_rewards="batch": (R − R̄)/(s_batch + 1e−4).</summary>
    public static RowAdvantage BatchScaled { get; } = new BatchScaledBaseline(StdEpsilon);

    /// <summary>scale_rewards="none": R − R̄.</summary>
    public static RowAdvantage Unscaled { get; } = new MeanBaseline { Equal = EqualRewards.AreComputed };

    /// <summary>The mean over each row, then over all rows: loss_type="grpo".</summary>
    public static TokenWeight RowMean { get; } = new RowMean { Averaged = Average.OverRows };

    /// <summary>loss_type="grpo".</summary>
    public static SurrogateObjective Grpo { get; } = new(GroupScaled, new TokenRatio(Clip.Range(0.2, 0.2)), RowMean)
    {
        Rewards = new SingleReward { Missing = MissingReward.Skipped },
    };

    /// <summary>loss_type="dr_grpo" with scale_rewards="none".</summary>
    public static SurrogateObjective DrGrpo { get; } =
        Grpo with { Advantage = Unscaled, Weight = new RowSum { Averaged = Average.OverRows, Length = MaxCompletionLength } };

    /// <summary>loss_type="dapo": the divisor counts the tokens of the accumulated batch.</summary>
    public static SurrogateObjective Dapo { get; } = Grpo with { Weight = new BatchTokenMean { Accumulated = true } };

    /// <summary>loss_type="bnpo": the divisor counts the tokens of the micro-batch.</summary>
    public static SurrogateObjective Bnpo { get; } = Grpo with { Weight = new BatchTokenMean() };

    /// <summary>importance_sampling_level="sequence", loss_type="grpo".</summary>
    public static SurrogateObjective Gspo { get; } =
        Grpo with { Kernel = new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(0.2, 0.2)) };

    /// <summary>loss_type="cispo": epsilon_high is the weight's cap itself, and its default is epsilon.</summary>
    public static SurrogateObjective Cispo { get; } = Dapo with { Kernel = new ClippedImportance(0, 0.2) };

    /// <summary>loss_type="luspo" with importance_sampling_level="sequence": GSPO's rows times their lengths, 1/B for each token.</summary>
    public static SurrogateObjective Luspo { get; } = Gspo with { Weight = new RowSum { Averaged = Average.OverRows } };

    /// <summary>loss_type="sapo".</summary>
    public static SurrogateObjective Sapo { get; } = Grpo with { Kernel = new TokenRatio(new SoftGate()) };

    /// <summary>loss_type="vespo".</summary>
    public static SurrogateObjective Vespo { get; } = Dapo with { Kernel = new GammaGain() };

    /// <summary>experimental/gspo_token, importance_sampling_level="sequence_token".</summary>
    public static SurrogateObjective GspoToken { get; } = Grpo with { Kernel = new SequenceTokenRatio(Clip.Range(0.2, 0.2)) };

    /// <summary>experimental/gmpo: ε = 0.4 in nats, whatever the loss_type.</summary>
    public static SurrogateObjective Gmpo { get; } = Grpo with { Kernel = new GeometricMean(0.4, 0.4) };

    /// <summary>vllm_importance_sampling_mode="sequence_mask": rows whose ratio to the sampling engine exceeds 3 are dropped, others weigh it.</summary>
    public static TokenWeight VllmCorrection { get; } = new ImportanceMask(RatioLevel.SequenceSum, High: 3) { TimesRatio = true };

    /// <summary>loss_type="grpo" with vLLM, whose correction is on by default.</summary>
    public static SurrogateObjective GrpoVllm { get; } = Grpo with { Correction = VllmCorrection };

    /// <summary>loss_type="dapo", TRL's default, with vLLM, whose correction is on by default.</summary>
    public static SurrogateObjective DapoVllm { get; } = Dapo with { Correction = VllmCorrection };

    /// <summary>loss_type="vespo" with vLLM, which demands a token mode: the token ratios, truncated at 3, are inside the gain.</summary>
    public static SurrogateObjective VespoVllm { get; } =
        Vespo with { Kernel = new GammaGain { Mismatch = new TruncatedImportance(RatioLevel.Token, High: 3) } };

    /// <summary>experimental/async_grpo: numpy's standard deviation (ddof 0), ε = 1e−8, mean over all tokens.</summary>
    public static SurrogateObjective AsyncGrpo { get; } =
        Dapo with { Advantage = new StandardScore { Ddof = 0, Epsilon = 1e-8, Equal = EqualRewards.AreComputed } };

    /// <summary>RLOOTrainer: PPO's clip on the ratio of whole sequences, k1 against the reference in the reward.</summary>
    public static SurrogateObjective Rloo { get; } = new(
        new LeaveOneOut { Equal = EqualRewards.AreComputed },
        new SequenceRatio(RatioLevel.SequenceSum, Clip.Range(0.2, 0.2)),
        new RowSum { Averaged = Average.OverRows })
    {
        Rewards = new KlInReward(RewardShaping.None, 0.05),
    };

    /// <summary>multi_objective_aggregation="normalize_then_sum": every reward scored in its group, added, scored in the batch.</summary>
    public static SurrogateObjective Gdpo { get; } = Dapo with
    {
        Rewards = new ScoredRewards(GroupScaled, []) { Missing = MissingReward.Skipped },
        Advantage = new BatchNormalised(new NoBaseline(), StdEpsilon),
    };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("trl:grpo", Grpo, "grpo at ε = 1e−4, mean over all rows", Source, "ε beside the std; groups of different size weigh by their size"),
        new("trl:dr_grpo", DrGrpo, "dr-grpo over max_completion_length = 512, mean over all rows", Source, "divided by a constant length"),
        new("trl:dapo", Dapo, "mean over all tokens of the batch of min(r A, clip(r, 0.8, 1.2) A)", Source, "token mean over the batch, not the group; clip-higher off by default; ε beside the std"),
        new("trl:bnpo", Bnpo, "mean over all tokens of the micro-batch of min(r A, clip(r, 0.8, 1.2) A)", Source, "the divisor is the micro-batch's own token count"),
        new("trl:gspo", Gspo, "gspo with clip 0.2 and ε = 1e−4, mean over all rows", Source, "a clip range some 500 times the paper's"),
        new("trl:cispo", Cispo, "mean over all tokens of sg(min(r, 0.2)) A log π", Source, "the default cap of 0.2 is below 1, so every on-policy gradient is scaled by 0.2"),
        new("trl:luspo", Luspo, "sum over tokens of gspo's coefficients with clip 0.2, mean over all rows", Source, "a clip range some 100 times the paper's; with β > 0, or with token ratios, TRL averages over padding, too, which is not expressed here"),
        new("trl:sapo", Sapo, "mean over rows and tokens of (4/τ) σ(τ(r − 1)) A, τ = 1 for A > 0, 1.05 elsewhere", Source, "ε beside the std; mean over all rows"),
        new("trl:vespo", Vespo, "mean over all tokens of sg(e^λ w^k e^(−λw)) A log π, w the ratio of whole sequences, (k, λ) = (2, 3) for A ≥ 0, (3, 2) elsewhere", Source, "ε beside the std; token mean over the batch"),
        new("trl:gspo_token", GspoToken, "gspo-token with clip 0.2 and ε = 1e−4, mean over all rows", Source, "a clip range some 500 times the paper's"),
        new("trl:gmpo", Gmpo, "mean over rows of exp(mean clip(log r, −0.4, 0.4)) A, one-sided by the sign of A", Source, "ε beside the std; loss_type, delta and the vLLM correction are not read"),
        new("trl:grpo+vllm", GrpoVllm, "trl:grpo times sg(ρ) where ρ ≤ 3, 0 elsewhere, ρ = exp(sum of log π_old − log π_vllm)", Source, "a correction that the paper has not; its docstring calls token_truncate the default"),
        new("trl:dapo+vllm", DapoVllm, "trl:dapo times sg(ρ) where ρ ≤ 3, 0 elsewhere, ρ = exp(sum of log π_old − log π_vllm)", Source, "a correction that the paper has not; TRL's defaults as a whole"),
        new("trl:vespo+vllm", VespoVllm, "trl:vespo with w times the token ratios of the behaviour policy and vLLM, truncated at 3", Source, "the mismatch enters the gain"),
        new("trl:gdpo", Gdpo, "trl:dapo with each reward scored in its group, added, scored over all rows", Source, "ε beside both stds; a missing reward is left out"),
        new("trl:async_grpo", AsyncGrpo, "mean over all tokens of min(r A, clip(r, 0.8, 1.2) A), A = (R − mean)/(std of ddof 0 + 1e−8)", Source, "population std; token mean over the batch"),
        new("trl:rloo", Rloo, "mean over rows of min(ρ A, clip(ρ, 0.8, 1.2) A), ρ the ratio of whole sequences, 0.05·k1 taken off the reward", Source, "clipped and importance-weighted; KL in the reward (TRL also adds a constant −A/B to the loss for a fully masked completion; here it adds nothing)"),
    ];
}
