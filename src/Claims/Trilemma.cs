using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Policies;
using TinyClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Claims.TinyCase>;

namespace GroupRL.Claims;

/// <summary>
/// Three things that are asked of a token weighting where lengths vary: no push on what a whole group shares, one mass for every completion, and
/// a step that points on average where the reward does.
/// </summary>
public static class Trilemma
{
    private const int CostOfEnumeration = 20;

    /// <summary>No objective has all three.</summary>
    public static TinyClaim Weight { get; } = new()
    {
        Id = "weight-trilemma",
        Family = Family.Surrogate,
        Statement = "Where completions differ in length no objective is at once neutral on the prefixes that a group shares, of one mass Σₜ αᵢₜ for every row of a group, and of E[∇J] parallel to ∇E[R] for every reward and policy. Proved for an advantage whose mean is a line and weights that read no probabilities: those that read their own completion alone are parallel for every reward iff they are one number for every token (V ≥ 3), and then they are neutral and the mass is the length.",
        Hypotheses = ["on-policy, all policies of the batch agreeing", "β = 0", "rewards used as they are, one of its own for every completion", "no masking", "one prompt, whose completions end at an end token or at one limit", "at least 3 tokens at each node, all of positive probability"],
        Source = "derived here",
        Quantity = "the largest of |Σᵢ cᵢₜ|/max |c|, the spread of Σₜ αᵢₜ over its largest, and what the best multiple of ∇E[R] leaves of E[∇J], over E[∇J]",
        Cost = CostOfEnumeration,
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy | Traits.UnshapedRewards),
        Expect = _ => Expectation.Holds("parallel for every reward means one number for every token, and then a row's mass is its length"),
        Domain = _ => new TinyDomain { EqualRewards = false },
        Outside = (_, value) => Broken(value),
        Measure = Largest,
        Why = (objective, value, _) => $"{Of(objective, value)}: all of it rounding",
    };

    /// <summary>How far an objective is from each of the three, as numbers that are 0 where it has it.</summary>
    /// <param name="Neutrality">The largest |Σᵢ cᵢₜ| at a token that a group shares, over the largest |c| of any group.</param>
    /// <param name="Mass">The largest (max − min)/max over a group of its rows' |Σₜ αᵢₜ|.</param>
    /// <param name="Alignment">The largest entry that the nearest multiple ≥ 0 of ∇E[R] leaves of E[∇J], over the largest of E[∇J].</param>
    /// <param name="Rounding">What of each may be rounding.</param>
    public readonly record struct Defects(double Neutrality, double Mass, double Alignment, double Rounding)
    {
        /// <summary>The largest of the three.</summary>
        public double Largest => Math.Max(Neutrality, Math.Max(Mass, Alignment));

        /// <inheritdoc/>
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"coefficients add to {Neutrality:G3} of the largest on shared prefixes, masses spread by {Mass:G3}, and E[∇J] leaves ∇E[R] by {Alignment:G3} of itself");
    }

    /// <summary>The three on the first prompt of a case.</summary>
    /// <exception cref="InvalidInputException">The objective refuses a group of the case.</exception>
    public static Defects Of(SurrogateObjective objective, TinyCase value)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(value);
        var prompt = value.Prompts[0];
        var completions = RolloutBatch.Of([[.. Enumerable.Range(0, prompt.Policy.Completions).Select(y => prompt.Completion(y, objective))]]);
        double push = 0, largest = 0, spread = 0;
        foreach (var group in ExpectedGradient.Multisets(completions.Rows, value.Count))
        {
            var batch = completions.Regrouped(group);
            var evaluation = objective.Evaluate(batch);
            largest = Math.Max(largest, evaluation.Coefficients.Max(Math.Abs));
            for (int t = batch[0].SharedPrefix() - 1; t >= 0; t--)
                push = Math.Max(push, Math.Abs(Enumerable.Range(0, batch.Rows).Sum(i => evaluation.Coefficients[batch.Row(i)][t])));
            double[] masses = [.. Enumerable.Range(0, batch.Rows).Select(i => Math.Abs(evaluation.Weights[batch.Row(i)].Sum()))];
            spread = Math.Max(spread, masses.Max() == 0 ? 0 : (masses.Max() - masses.Min()) / masses.Max());
        }

        if (largest == 0 && spread == 0)
            throw InvalidInputException.Because($"The objective has no coefficient on any group, so that there is nothing to be neutral, of one mass or parallel.");
        var (left, size) = Alignment.Rest(objective, value);
        int roundings = (8 * value.Count * value.Limit) + 32;
        return new(
            push == 0 ? 0 : push / largest,
            spread,
            size == 0 ? 0 : left.Measured / size,
            Tolerance.Roundings(roundings) + (size == 0 ? 0 : left.Bound / size));
    }

    private static Measurement Largest(SurrogateObjective objective, TinyCase value)
    {
        var defects = Of(objective, value);
        return defects.Rounding < 1
            ? new(defects.Largest, defects.Rounding, AtLeast: true)
            : throw InvalidInputException.Because($"What is measured here is no more than rounding, which is {defects.Rounding} of it.");
    }

    private static string? Broken(TinyCase value) => value switch
    {
        { Letters: < 2 } => FormattableString.Invariant($"a node has at least 3 tokens; it has {value.Letters + 1}"),
        { Logits.Length: > 1 } => FormattableString.Invariant($"the number of prompts is 1; it is {value.Logits.Length}"),
        _ when value.Rewards[0].Distinct().Count() < value.Rewards[0].Length => "every completion has a reward of its own; two have the same",
        _ => null,
    };
}
