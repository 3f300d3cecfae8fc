using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>Where an objective's expected gradient points: on three cases, and at worst over drawn ones.</summary>
/// <param name="OnePrompt">On <see cref="AlignmentCases.OnePrompt"/>.</param>
/// <param name="TwoPrompts">On <see cref="AlignmentCases.TwoPrompts"/>; null where a group's coefficients see the other, so that there are too many batches.</param>
/// <param name="WorstCosine">The smallest cosine over drawn policies of one prompt with real-valued rewards, V = 3 and at most 3 tokens.</param>
/// <param name="Defects">How far it is from each horn of the trilemma, on <see cref="AlignmentCases.OwnRewards"/>.</param>
public sealed record AlignmentReport(Alignment.Relation OnePrompt, Alignment.Relation? TwoPrompts, double WorstCosine, Trilemma.Defects Defects)
{
    private const int Drawn = 20;

    /// <summary>The report; null for an objective with a regulariser that acts on-policy, whose expectation has another term.</summary>
    /// <exception cref="InvalidInputException">The objective refuses a group of a case.</exception>
    public static AlignmentReport? Of(SurrogateObjective objective, AlignmentCases cases)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(cases);
        if (!objective.Traits.HasFlag(Traits.UnregularisedOnPolicy))
            return null;
        var domain = new TinyDomain();
        double worst = Enumerable.Range(0, Drawn).Min(k => Alignment.Of(objective, domain.Build(new((ulong)k, 100))).Cosine ?? 1);
        return new(
            Alignment.Of(objective, cases.OnePrompt),
            objective.Traits.HasFlag(Traits.GroupIsolated) ? Alignment.Of(objective, cases.TwoPrompts) : null,
            worst,
            Trilemma.Of(objective, cases.OwnRewards));
    }
}
