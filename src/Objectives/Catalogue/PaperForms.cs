using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// Further papers' canonical forms, under the catalogue's conventions: sample standard deviation, ε = 0, A = 0 exactly where all rewards
/// of a group are equal, each prompt's group averaged over prompts, β = 0 where the method does not live by it. What could not be read
/// in the paper itself is said to be unpinned, with what is taken instead.
/// </summary>
public static class PaperForms
{
    /// <summary>GSPO's rows times their lengths, clip 2e−3 and 2.5e−3: (1/G) Σᵢ Σₜ. arXiv:2602.05261 (LUSPO).</summary>
    public static SurrogateObjective Luspo { get; } = Catalogue.Grpo with
    {
        Kernel = new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(2e-3, 2.5e-3)),
        Weight = new RowSum(),
    };

    /// <summary>GSPO with the row's ratio in value and each token's own gradient. arXiv:2507.18071 (GSPO-token).</summary>
    public static SurrogateObjective GspoToken { get; } =
        Catalogue.Grpo with { Kernel = new SequenceTokenRatio(Clip.Range(3e-4, 4e-4)) };

    /// <summary>The geometric mean of ratios clipped to e^±0.4 one by one. arXiv:2507.20673 (GMPO).</summary>
    public static SurrogateObjective Gmpo { get; } = Catalogue.Grpo with { Kernel = new GeometricMean(0.4, 0.4) };

    /// <summary>GRPO with a sigmoid gate instead of the clip, τ = 1 and 1.05. arXiv:2511.20347 (SAPO).</summary>
    public static SurrogateObjective Sapo { get; } = Catalogue.Grpo with { Kernel = new TokenRatio(new SoftGate()) };

    /// <summary>A score function with a gamma-shaped gain of the whole sequence's ratio. arXiv:2602.10693 (VESPO); aggregation unpinned.</summary>
    public static SurrogateObjective Vespo { get; } = Catalogue.Dapo with { Kernel = new GammaGain() };

    /// <summary>PPO's clip with the gradient let through. arXiv:2508.07629 (GPPO); clip range and aggregation unpinned: 0.2, token mean.</summary>
    public static SurrogateObjective Gppo { get; } = Catalogue.Dapo with { Kernel = new GradientPreservingClip(Clip.Range(0.2, 0.2)) };

    /// <summary>Positive tokens weigh 1/r. arXiv:2510.06062 (ASPO); all constants are Archer2.0's, the paper's are unpinned.</summary>
    public static SurrogateObjective Aspo { get; } =
        Catalogue.Dapo with { Kernel = new FlippedRatio(Clip.Range(0.2, 0.2), Clip.Range(0.4, 0.4)) };

    /// <summary>min(r, ρ)·A, one-sided for both signs. arXiv:2505.24034 (AIPO, LlamaRL); ρ unpinned: 8, prime-rl's; so is whether it is detached.</summary>
    public static SurrogateObjective Aipo { get; } = Catalogue.Dapo with { Kernel = new TokenRatio(new Clip(0, 8, 8)) };

    /// <summary>−(1/G) Σᵢ ½τ(A/τ − S)², A = R − R̄. arXiv:2501.12599 (Kimi k1.5); τ unpinned: 0.01, OpenKimi's; scaled so that c = A on-policy.</summary>
    public static SurrogateObjective Opmd { get; } = new(new MeanBaseline(), new LogRatioRegression(0.01), new RowSum());

    /// <summary>
    /// The paper's −½Σᵢ[(Rθ,ᵢ − R̄θ) − (Rᵢ − R̄)]², Rθ = β·log(π/π°), over β and averaged over the group: −(1/G) Σᵢ (Aᵢ − β(Sᵢ − S̄))²/(2β).
    /// arXiv:2504.19599 (GVPO); β unpinned: 0.1, at which a nat is worth a tenth of a reward of 1.
    /// </summary>
    public static SurrogateObjective Gvpo { get; } = new(new MeanBaseline(), new GroupVariance(0.1), new RowSum());

    /// <summary>A·ℓ, token mean, A = R − R̄. arXiv:2504.02546 (GPG), without its factor for batches with equal rewards; aggregation unpinned.</summary>
    public static SurrogateObjective Gpg { get; } = new(new MeanBaseline(), new LogLikelihood(), new GroupTokenMean());

    /// <summary>A·ℓ − β·k3. arXiv:2603.18756 (RGRA); β and the normaliser unpinned: GRPO's 0.04 and 1/(G·nᵢ).</summary>
    public static SurrogateObjective Rgra { get; } =
        Catalogue.Grpo with { Kernel = new LogLikelihood(), Regularisers = [new KlPenalty(KlEstimator.K3, 0.04)] };

    /// <summary>
    /// Conflict tokens weigh 2 or 0, rows 1/(nᵢ·max(1, cᵢ)), A = R − R̄ − 0.1·H̄ where H̄ ≤ 0.7, else 0. arXiv:2508.03772 (GTPO).
    /// </summary>
    public static SurrogateObjective Gtpo { get; } = new(new EntropyShaped(new MeanBaseline()), new OwnRatio(), new RowMean().Times(new ConflictWeight()));

    /// <summary>GRPO with each token over the number of completions that share its prefix. arXiv:2509.21154 (λ-GRPO), β = 0.</summary>
    public static SurrogateObjective LambdaGrpo { get; } = Catalogue.Grpo with { Weight = new RowMean().Times(new PrefixShare()) };

    /// <summary>A·ℓ, summed over the row, A = R − the mean of R weighted by length. arXiv:2505.23585 (OPO), on-policy; row mean unpinned.</summary>
    public static SurrogateObjective Opo { get; } = Catalogue.Rloo with { Advantage = new LengthWeightedBaseline() };

    /// <summary>A·ℓ, A = R − the reward of the greedy completion. arXiv:2310.10505 (ReMax).</summary>
    public static SurrogateObjective ReMax { get; } = Catalogue.Rloo with { Advantage = new GreedyBaseline() };

    /// <summary>PPO's clip on returns of R less 0.01·k1 a token, whitened over all tokens. arXiv:2501.03262 (REINFORCE++); β unpinned: OpenRLHF's.</summary>
    public static SurrogateObjective ReinforcePlusPlus { get; } = new(
        new TokenWhitened(new Returns { Rewards = new() { Beta = 0.01 } }), new TokenRatio(Clip.Range(0.2, 0.2)), new BatchTokenMean());

    /// <summary>The same on R − R̄, without a penalty. arXiv:2501.03262, REINFORCE++-baseline.</summary>
    public static SurrogateObjective ReinforcePlusPlusBaseline { get; } =
        ReinforcePlusPlus with { Advantage = new TokenWhitened(new MeanBaseline()) };

    /// <summary>PPO's clip on R₍₁₎ − R₍₂₎ for the best completion, 0 for all others. arXiv:2503.19595 (pass@k); clip and mean unpinned: DAPO's.</summary>
    public static SurrogateObjective PassAtK { get; } = Catalogue.Dapo with { Advantage = new BestOfGroup() };

    /// <summary>PPO's clip on a critic's generalised advantages, γ = 1, λ = 0.95, whitened over all tokens. arXiv:1707.06347, 1506.02438.</summary>
    public static SurrogateObjective Ppo { get; } = ReinforcePlusPlus with { Advantage = new TokenWhitened(new GeneralisedAdvantage(1, 0.95)) };

    /// <summary>Every form, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("luspo", Luspo, "sum over tokens of gspo's coefficients with clip 2e−3 and 2.5e−3, mean over completions and prompts", "arXiv:2602.05261"),
        new("gspo-token", GspoToken, "mean over completions and tokens of min(sₜ A, clip(sₜ, 1 − 3e−4, 1 + 4e−4) A), sₜ = sg(s)·π/sg(π)", "arXiv:2507.18071"),
        new("gmpo", Gmpo, "mean over completions of exp(mean over tokens of log r, clipped at ±0.4 by the sign of A)·A", "arXiv:2507.20673"),
        new("sapo", Sapo, "mean over completions and tokens of (4/τ) σ(τ(r − 1)) A, τ = 1 for A > 0, 1.05 elsewhere", "arXiv:2511.20347"),
        new("vespo", Vespo, "mean over a group's tokens of sg(e^λ w^k e^(−λw)) A log π, w the ratio of whole sequences, (k, λ) = (2, 3) for A ≥ 0, (3, 2) elsewhere", "arXiv:2602.10693", "the aggregation is not pinned: token mean"),
        new("gppo", Gppo, "mean over a group's tokens of PPO's clip at 0.2 whose clipped ratios keep the gradient (1 ± 0.2) A", "arXiv:2508.07629", "clip range and aggregation are not pinned"),
        new("aspo", Aspo, "mean over a group's tokens: A > 0 weighs min(1/r, 3) up to r = 1.2 (1.4 at high entropy), A < 0 min(r, 3) from r = 0.8 (0.6)", "arXiv:2510.06062", "the constants are Archer2.0's"),
        new("aipo", Aipo, "mean over a group's tokens of min(r, 8) A", "arXiv:2505.24034", "the cap is not pinned, nor whether it is detached: differentiated, as in prime-rl"),
        new("opmd", Opmd, "minus the mean over completions of (A − τS)²/(2τ), S = Σ log r, A = R − mean, τ = 0.01", "arXiv:2501.12599", "τ is not pinned: OpenKimi's"),
        new("gvpo", Gvpo, "minus the mean over completions of (A − β(S − mean S))²/(2β), S = Σ log r, A = R − mean, β = 0.1", "arXiv:2504.19599", "the means, A\'s again, run over completions with a trainable token; over β, so that β = 0.1, which is not pinned, leaves the scale; a mean instead of half the sum"),
        new("gpg", Gpg, "mean over a group's tokens of A log π, A = R − mean", "arXiv:2504.02546", "without the factor that makes up for groups of equal rewards"),
        new("rgra", Rgra, "mean over completions and tokens of A log π − 0.04·k3 against the reference", "arXiv:2603.18756", "β and the normaliser are not pinned: GRPO's"),
        new("gtpo", Gtpo, "mean over completions and tokens of λ/max(1, k) A π/sg(π): λ = 2 (R > mean) or 0 (R < mean) for tokens of the unbroken run of conflicts from the start, times the same from the end (a conflict: completions of R above and below the mean have that token at that place), k the longer run, A = R − mean − 0.1·mean entropy where that is at most 0.7, else 0", "arXiv:2508.03772", "constants and the entropy test of the authors' code, which adds over the group"),
        new("opo", Opo, "sum over tokens of A log π, mean over completions and prompts, A = R − mean weighted by length", "arXiv:2505.23585", "the mean over completions is not pinned"),
        new("remax", ReMax, "sum over tokens of A log π, mean over completions and prompts, A = R − reward of the greedy completion", "arXiv:2310.10505"),
        new("reinforce++", ReinforcePlusPlus, "mean over all tokens of min(r A, clip(r, 0.8, 1.2) A), A = return of R − 0.01·k1 a token, whitened over all tokens", "arXiv:2501.03262", "β of the penalty is not pinned: OpenRLHF's"),
        new("reinforce++-baseline", ReinforcePlusPlusBaseline, "mean over all tokens of min(r A, clip(r, 0.8, 1.2) A), A = R − mean, whitened over all tokens", "arXiv:2501.03262", "without its penalty"),
        new("pass-at-k", PassAtK, "dapo with A = best R − second best R for the best completion, 0 for all others", "arXiv:2503.19595", "clip and mean are not pinned: DAPO's"),
        new("ppo", Ppo, "mean over all tokens of min(r A, clip(r, 0.8, 1.2) A), A = GAE(1, 0.95) of a critic's values, whitened over all tokens", "arXiv:1707.06347, 1506.02438", "the losses of the values and of the entropy are not part of it"),
        new("lambda-grpo", LambdaGrpo, "grpo with each token over the number of completions that share the prefix up to it", "arXiv:2509.21154", "without its KL penalty"),
    ];
}
