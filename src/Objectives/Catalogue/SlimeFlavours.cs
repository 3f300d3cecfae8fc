using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// slime's objectives at their defaults: ε = 1e−6 beside the sample standard deviation, clip 0.2, each sample averaged over its tokens
/// and the samples over the batch, k1 in the loss off. THUDM/slime @ 624b824a, slime/utils/ppo_utils.py, ray/rollout.py.
/// </summary>
public static class SlimeFlavours
{
    private const string Source = "THUDM/slime @ 624b824a";

    /// <summary>advantage_estimator="grpo".</summary>
    public static SurrogateObjective Grpo { get; } = new(
        new StandardScore { Epsilon = 1e-6, Equal = EqualRewards.AreComputed },
        new TokenRatio(Clip.Range(0.2, 0.2)),
        new RowMean { Averaged = Average.OverRows });

    /// <summary>advantage_estimator="gspo".</summary>
    public static SurrogateObjective Gspo { get; } = Grpo with { Kernel = new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(0.2, 0.2)) };

    /// <summary>advantage_estimator="cispo": two-sided at the default clip; its own docs ask for eps_clip ≥ 1, eps_clip_high = 4.</summary>
    public static SurrogateObjective Cispo { get; } = Grpo with { Kernel = new ClippedImportance(1 - 0.2, 1 + 0.2) };

    /// <summary>use_tis: sg(clamp(π_old/π_rollout, 0, 2)) of each token.</summary>
    public static SurrogateObjective GrpoTis { get; } = Grpo with { Correction = new TruncatedImportance(RatioLevel.Token, 0, 2) };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("slime:grpo", Grpo, "grpo at ε = 1e−6, mean over all rows", Source, "ε beside the std"),
        new("slime:gspo", Gspo, "gspo with clip 0.2 and ε = 1e−6, mean over all rows", Source, "a clip range some 500 times the paper's"),
        new("slime:cispo", Cispo, "mean over rows and tokens of sg(clip(r, 0.8, 1.2)) A log π", Source, "clipped from below, too, at the default clip; row mean"),
        new("slime:grpo+tis", GrpoTis, "slime:grpo times sg(min(π_old/π_rollout, 2)) of each token", Source, "a correction that the paper has not"),
    ];
}
