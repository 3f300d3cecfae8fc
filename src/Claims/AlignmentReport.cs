using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>Where an objective's expected gradient points: on two fixtures, and at worst over drawn cases.</summary>
/// <param name="OnePrompt">On <see cref="Fixture"/>.</param>
/// <param name="TwoPrompts">On <see cref="TwoPromptFixture"/>; null where a group's coefficients see the other, so that there are too many batches.</param>
/// <param name="WorstCosine">The smallest cosine over drawn policies of one prompt with real-valued rewards.</param>
/// <param name="Defects">How far it is from each horn of the trilemma, on <see cref="Fixture"/> with rewards of their own.</param>
public sealed record AlignmentReport(Alignment.Relation OnePrompt, Alignment.Relation? TwoPrompts, double WorstCosine, Trilemma.Defects Defects)
{
    private const int Drawn = 20;

    /// <summary>
    /// One prompt, V = 3, limit 3, G = 4, 15 completions of which 6 are right: node by node the logits of a, b and the end, plain numbers without
    /// a pattern.
    /// </summary>
    public static TinyCase Fixture { get; } = new(
        Letters: 2,
        Limit: 3,
        Count: 4,
        [[0.5, 0, -0.5, -0.5, 0.25, 0, 0.25, 0.75, -0.25, 0, 0.5, 0.5, 1, -0.5, 0, -0.25, 0, 0.75, 0.5, 0.25, -1]],
        [[0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1]]);

    /// <summary>Two prompts, V = 3, limit 2, G = 4, of whose 7 completions 3 and 1 are right: of the first the logits are those of <see cref="Fixture"/>.</summary>
    public static TinyCase TwoPromptFixture { get; } = Fixture with
    {
        Limit = 2,
        Logits = [Fixture.Logits[0][..9], [0.25, 0.5, -0.75, 0, -0.25, 0.5, 1, 0, -0.5]],
        Rewards = [Fixture.Rewards[0][..7], [0, 0, 0, 0, 0, 1, 0]],
    };

    // All different, and neither rising nor falling with the length.
    private static TinyCase OwnRewards { get; } = Fixture with
    {
        Count = 2,
        Rewards = [[0.3, -0.4, 1.1, 0.2, -1.3, 0.7, 0.9, -0.6, 1.6, 0.1, -0.9, 0.5, -0.2, 1.2, -1.7]],
    };

    /// <summary>The report; null for an objective with a regulariser that acts on-policy, whose expectation has another term.</summary>
    /// <exception cref="InvalidInputException">The objective refuses a group of a fixture.</exception>
    public static AlignmentReport? Of(SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        if (!objective.Traits.HasFlag(Traits.UnregularisedOnPolicy))
            return null;
        var domain = new TinyDomain();
        double worst = Enumerable.Range(0, Drawn).Min(k => Alignment.Of(objective, domain.Build(new((ulong)k, 100))).Cosine ?? 1);
        return new(
            Alignment.Of(objective, Fixture),
            objective.Traits.HasFlag(Traits.GroupIsolated) ? Alignment.Of(objective, TwoPromptFixture) : null,
            worst,
            Trilemma.Of(objective, OwnRewards));
    }
}
