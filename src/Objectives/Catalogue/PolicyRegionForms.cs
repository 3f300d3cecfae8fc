using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// The papers' canonical forms of methods that bound the policy by something else than a clip of its ratio: ε = 0, A = 0 exactly where all
/// rewards of a group are equal, averages over prompts. Constants that no paper pins are said to be so.
/// </summary>
public static class PolicyRegionForms
{
    /// <summary>(1/P) Σ_g (1/G) Σᵢ Σₜ M r A, M the total variation of the token within 0.15, A = R − R̄. arXiv:2602.04879.</summary>
    public static SurrogateObjective DppoTv { get; } =
        new(new MeanBaseline(), new TokenRatio(new Unclipped()), new RowSum()) { Correction = new TotalVariationRegion(0.15, 0.15) };

    /// <summary>The same, M the binary KL divergence of the token within 0.05 nats. arXiv:2602.04879.</summary>
    public static SurrogateObjective DppoKl { get; } = DppoTv with { Correction = new BinaryKlRegion(0.05, 0.05) };

    /// <summary>A ℓ − (β/2)(ℓ − ℓ°)², β = 0.5, token mean over the group, A = R − R̄.</summary>
    public static SurrogateObjective Dro { get; } = new(new MeanBaseline(), new LogLikelihood(), new GroupTokenMean())
    {
        Regularisers = [new KlPenalty(KlEstimator.K2, 0.5) { Against = Column.OldLogp }],
    };

    /// <summary>PPO's clip, and of the tokens with 1 &lt; cov &lt; 5 a share of 2e−4 at random without gradient. arXiv:2505.22617.</summary>
    public static SurrogateObjective ClipCov { get; } = new(new StandardScore(), new TokenRatio(Clip.Range(0.2, 0.2)), new GroupTokenMean())
    {
        Correction = new CovarianceDrop(2e-4, 1, 5, Clip.Range(0.2, 0.2)),
    };

    /// <summary>No clip, |ℓ − ℓ°| at a share of 2e−4 of the tokens, those of largest covariance. arXiv:2505.22617.</summary>
    public static SurrogateObjective KlCov { get; } = new(new StandardScore(), new TokenRatio(new Unclipped()), new GroupTokenMean())
    {
        Regularisers = [new KlPenalty(KlEstimator.Absolute, 1) { Against = Column.OldLogp, Where = new TopCovariance(2e-4) }],
    };

    /// <summary>Every form, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("dppo-tv", DppoTv, "sum over tokens of M r A, mean over completions and prompts, M = p − q ≤ 0.15 where A > 0, else p − q ≥ −0.15, A = R − mean", "arXiv:2602.04879; bounds, advantage and sum of the authors' script in verl @ 1dda039b"),
        new("dppo-kl", DppoKl, "sum over tokens of M r A, mean over completions and prompts, M = D ≤ 0.05 or r on the side that A pulls to 1, D the binary KL, A = R − mean", "arXiv:2602.04879; bounds, advantage and sum of the authors' script in verl @ 1dda039b"),
        new("dro", Dro, "mean over a group's tokens of A log π − 0.25·(log r)², A = R − mean", "verl @ 1dda039b, docs/algo/dro.md; no paper is pinned, nor are β = 0.5, the mean and the advantage"),
        new("clip-cov", ClipCov, "mean over a group's tokens of min(r A, clip(r, 0.8, 1.2) A); of tokens with 1 < cov < 5 at most max(1, ⌊0.0002 N⌋) at random get no gradient", "arXiv:2505.22617; constants of verl @ 1dda039b; mean over the group not pinned"),
        new("kl-cov", KlCov, "mean over a group's tokens of r A − |log r| at the max(1, ⌊0.0002 N⌋) tokens of largest covariance", "arXiv:2505.22617; constants of verl @ 1dda039b (β = 1 of the loss's own default); mean over the group not pinned"),
    ];
}
