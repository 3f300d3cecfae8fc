using System.Globalization;
using GroupRL.Objectives;
using GroupRL.Policies;

namespace GroupRL.Claims;

/// <summary>The tiny policies on which an <see cref="AlignmentReport"/> enumerates.</summary>
/// <param name="OnePrompt">One prompt, rewards 0 and 1.</param>
/// <param name="TwoPrompts">Two prompts of different pass rates.</param>
/// <param name="OwnRewards">One prompt, a reward of its own for each completion.</param>
public sealed record AlignmentCases(TinyCase OnePrompt, TinyCase TwoPrompts, TinyCase OwnRewards)
{
    /// <summary>The most tokens that the groups of a prompt may have together, each enumeration being seconds then.</summary>
    public const int MostTokens = 200_000_000;

    /// <summary>
    /// The usual ones. One prompt: V = 3, limit 3, G = 4, 15 completions of which 6 are right, node by node the logits of a, b and the end, plain
    /// numbers without a pattern. Two prompts: limit 2, 3 and 1 of 7 completions right. Rewards of their own: all different, and neither rising
    /// nor falling with the length, G = 2.
    /// </summary>
    public static AlignmentCases Fixed { get; } = OfFixture(new(
        Letters: 2,
        Limit: 3,
        Count: 4,
        [[0.5, 0, -0.5, -0.5, 0.25, 0, 0.25, 0.75, -0.25, 0, 0.5, 0.5, 1, -0.5, 0, -0.25, 0, 0.75, 0.5, 0.25, -1]],
        [[0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1]]));

    /// <summary>Cases of one shape, logits and rewards drawn: the same ones for the same shape.</summary>
    /// <exception cref="InvalidInputException">They have more than <see cref="MostTokens"/>.</exception>
    public static AlignmentCases Drawn(GroupSpace space)
    {
        if (space.Tokens > MostTokens)
        {
            throw InvalidInputException.Because(
                $"A vocabulary of {space.Vocabulary}, a length of {space.Limit} and a group size of {space.Count} make {InWords(space.Completions)} completions and {InWords(space.Groups)} groups of up to {space.Count} × {space.Limit} tokens; at most {MostTokens} tokens are enumerated.");
        }

        return new(
            Of(new() { Binary = true, EqualRewards = false }),
            Of(new() { Binary = true, EqualRewards = false, Prompts = 2 }),
            Of(new() { Quick = true, EqualRewards = false }));

        TinyCase Of(TinyDomain domain) => domain.Build(new(seed: 0, size: 100), space.Vocabulary - 1, space.Limit, space.Count);
    }

    private static string InWords(double number) =>
        double.IsFinite(number) ? number.ToString("G6", CultureInfo.InvariantCulture) : "more than 1E+308";

    private static AlignmentCases OfFixture(TinyCase fixture) => new(
        fixture,
        fixture with { Limit = 2, Logits = [fixture.Logits[0][..9], [0.25, 0.5, -0.75, 0, -0.25, 0.5, 1, 0, -0.5]], Rewards = [fixture.Rewards[0][..7], [0, 0, 0, 0, 0, 1, 0]] },
        fixture with { Count = 2, Rewards = [[0.3, -0.4, 1.1, 0.2, -1.3, 0.7, 0.9, -0.6, 1.6, 0.1, -0.9, 0.5, -0.2, 1.2, -1.7]] });
}
