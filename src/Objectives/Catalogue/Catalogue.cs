using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>A published objective under the id by which it is called.</summary>
/// <param name="Id">The id: a paper's name, or <c>library:name</c> for a library's flavour.</param>
/// <param name="Objective">The objective.</param>
/// <param name="Formula">Its formula, in words and symbols.</param>
/// <param name="Source">The paper, or the library and commit.</param>
/// <param name="Departure">How it departs from the paper it is named after; empty for a canonical form.</param>
public sealed record CatalogueEntry(string Id, SurrogateObjective Objective, string Formula, string Source, string Departure = "");

/// <summary>
/// The papers' canonical forms: sample standard deviation, ε = 0, A = 0 exactly where all rewards of a group are equal, each prompt's
/// group averaged over prompts, β = 0 unless the id says otherwise, the papers' clip ranges.
/// </summary>
public static class Catalogue
{
    /// <summary>(1/P) Σ_g (1/G) Σᵢ (1/nᵢ) Σₜ min(r A, clip(r, 0.8, 1.2) A), A = (R − R̄)/s. arXiv:2402.03300.</summary>
    public static SurrogateObjective Grpo { get; } = new(new StandardScore(), new TokenRatio(Clip.Range(0.2, 0.2)), new RowMean());

    /// <summary>GRPO without its two divisions: A = R − R̄, (1/G) Σᵢ Σₜ. arXiv:2503.20783.</summary>
    public static SurrogateObjective DrGrpo { get; } = Grpo with { Advantage = new MeanBaseline(), Weight = new RowSum() };

    /// <summary>GRPO with clip-higher and a token mean over the group, without dynamic sampling and overlong shaping. arXiv:2503.14476.</summary>
    public static SurrogateObjective Dapo { get; } = Grpo with { Kernel = new TokenRatio(Clip.Range(0.2, 0.28)), Weight = new GroupTokenMean() };

    /// <summary>GRPO in the geometric-mean ratio of the row, clip 3e−4 and 4e−4. arXiv:2507.18071.</summary>
    public static SurrogateObjective Gspo { get; } =
        Grpo with { Kernel = new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(3e-4, 4e-4)) };

    /// <summary>sg(min(r, 5)) A ℓ, token mean over the group. arXiv:2506.13585; the cap of 2510.13786.</summary>
    public static SurrogateObjective Cispo { get; } = Grpo with { Kernel = new ClippedImportance(0, 5), Weight = new GroupTokenMean() };

    /// <summary>(1/G) Σᵢ (Rᵢ − mean of the others) Σₜ ℓ: REINFORCE, unclipped. arXiv:2402.14740.</summary>
    public static SurrogateObjective Rloo { get; } = new(new LeaveOneOut(), new LogLikelihood(), new RowSum());

    /// <summary>Every entry, papers first, then libraries.</summary>
    public static ImmutableArray<CatalogueEntry> All => Listing.All;

    /// <summary>The entry of id <paramref name="id"/>, or null.</summary>
    public static CatalogueEntry? Find(string id) => All.FirstOrDefault(entry => entry.Id == id);

    private static SurrogateObjective WithKl(KlEstimator estimator) => Grpo with { Regularisers = [new KlPenalty(estimator, 0.04)] };

    // Apart, so that the forms above exist before any list that is made of them.
    private static class Listing
    {
        public static ImmutableArray<CatalogueEntry> All { get; } =
        [
            new("grpo", Grpo, "mean over prompts, completions and tokens of min(r A, clip(r, 0.8, 1.2) A), A = (R − mean)/std", "arXiv:2402.03300"),
            new("grpo-k1", WithKl(KlEstimator.K1), "grpo − 0.04·k1 against the reference", "arXiv:2402.03300", "the paper's KL estimator is k3"),
            new("grpo-k2", WithKl(KlEstimator.K2), "grpo − 0.04·k2 against the reference", "arXiv:2402.03300", "the paper's KL estimator is k3"),
            new("grpo-k3", WithKl(KlEstimator.K3), "grpo − 0.04·k3 against the reference", "arXiv:2402.03300"),
            new("dr-grpo", DrGrpo, "sum over tokens of min(r A, clip(r, 0.8, 1.2) A), mean over completions and prompts, A = R − mean", "arXiv:2503.20783"),
            new("dapo", Dapo, "mean over a group's tokens of min(r A, clip(r, 0.8, 1.28) A), A = (R − mean)/std", "arXiv:2503.14476"),
            new("gspo", Gspo, "mean over completions of min(s A, clip(s, 1 − 3e−4, 1 + 4e−4) A), s the geometric mean of r", "arXiv:2507.18071"),
            new("cispo", Cispo, "mean over a group's tokens of sg(min(r, 5)) A log π, A = (R − mean)/std", "arXiv:2506.13585, 2510.13786"),
            new("rloo", Rloo, "sum over tokens of A log π, mean over completions and prompts, A = R − mean of the others", "arXiv:2402.14740"),
            .. PaperForms.All,
            .. PolicyRegionForms.All,
            .. TrlFlavours.All,
            .. VerlFlavours.All,
            .. OpenRlhfFlavours.All,
            .. SlimeFlavours.All,
            .. SwiftFlavours.All,
            .. PrimeRlFlavours.All,
            .. OpenKimiFlavours.All,
        ];
    }
}
