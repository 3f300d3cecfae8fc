using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>Family M on a batch: what a surrogate is worth on-policy, and what its coefficients must not depend on.</summary>
public static class Surrogate
{
    /// <summary>J = 0 on-policy.</summary>
    public static ObjectiveClaim OnPolicyValue { get; } = new()
    {
        Id = "on-policy-value",
        Describes = true,
        Family = Family.Surrogate,
        Statement = "On-policy J = Σᵢ(Σₜαᵢₜ)Aᵢ for kernels that are worth A at ratio 1, and that is 0: true where every row of a group has the same mass (whose place under a ratio of whole sequences its mean weight takes) and advantages are centred, or one weight meets advantages that add to 0 over tokens. Elsewhere the value of the loss says nothing of progress.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group", "every row has a trainable token"],
        Source = "derived here",
        Quantity = "|J|",
        Consequence = "the logged loss is not 0 where nothing has been learnt yet: its height says nothing of progress",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = Worthless,
        Domain = objective => Prefix.Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? Requirements.OffPolicy(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = Worth,
        Why = (objective, batch, _) => string.Create(
            CultureInfo.InvariantCulture,
            $"the rows' masses times advantages, [{string.Join(", ", Enumerable.Range(0, batch.Rows).Select(i => RowValue(objective.Evaluate(batch), batch.Row(i), batch.Tokens).ToString("G4", CultureInfo.InvariantCulture)))}], and the value is {objective.Evaluate(batch).Value:G6}"),
    };

    /// <summary>c = αA on-policy.</summary>
    public static ObjectiveClaim OnPolicyEquivalence { get; } = new()
    {
        Id = "on-policy-equivalence",
        Describes = true,
        Family = Family.Surrogate,
        Statement = "At ratio 1 every coefficient is αᵢₜAᵢₜ: clipped or not, of tokens or of sequences, ratio or score function, objectives with the same α and A are one. Refuted where a cap is below 1 or the kernel changes A.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group", "every row has a trainable token"],
        Source = "derived here",
        Quantity = "|cᵢₜ − αᵢₜAᵢₜ|",
        Consequence = "the first inner step is not that of policy gradients: a learning rate from another objective means something else here",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = Prefix.UnitGain,
        Domain = objective => Requirements.Domain(objective) with { OnPolicy = true, DeadRows = Presence.Never, Bounds = null },
        Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? Requirements.OffPolicy(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = EquivalenceGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"{batch.PlaceOf(worst.Position)} has weight {objective.Evaluate(batch).Weights[worst.Position]:G6} and advantage {objective.Evaluate(batch).Advantages[worst.Position]:G6}, yet its coefficient is {objective.Evaluate(batch).Coefficients[worst.Position]:G6}"),
    };

    /// <summary>How a token's credit depends on the length of its completion.</summary>
    public static ObjectiveClaim LengthCredit { get; } = new()
    {
        Id = "length-credit",
        Family = Family.Surrogate,
        Describes = true,
        Statement = "On-policy a completion that grows by a token leaves the credit |c| of every other token as it was. True of constant weights; under 1/n a token of a completion of n is worth n/(n+1) of itself, under a token mean Σn/(Σn+1), and baselines weighted by length have laws of their own.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group", "every row has a trainable token"],
        Source = "arXiv:2503.20783 (the bias of 1/length); derived here",
        Quantity = "|cᵢₜ − c′ᵢₜ|, the first completion a token longer",
        Consequence = "long wrong answers are punished less a token than short ones, so that answers grow",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = objective => Requirements.Missing(objective, Traits.LengthBlind) is { } missing ? Expectation.Refuted($"needs {missing}") : Expectation.Holds("neither weight nor advantage nor gain counts tokens"),
        Domain = objective => Requirements.Domain(objective) with { OnPolicy = true, DeadRows = Presence.Never, Bounds = null },
        Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? Requirements.OffPolicy(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = (objective, batch) =>
        {
            var evaluation = objective.Evaluate(batch);
            double[] own = evaluation.Coefficients, grown = objective.Evaluate(Grown(batch)).Coefficients;
            int n = batch.Length(0);
            // A longer row's mean rounds otherwise, and a kernel that couples rows hands that to all of them.
            double coupled = objective.Kernel is RowKernel ? 0 : Enumerable.Range(0, own.Length).Max(t => Math.Abs(evaluation.Weights[t] * evaluation.Advantages[t]));
            var worst = new Measurement(0, 0);
            for (int t = 0; t < own.Length; t++)
                worst = worst.Worst(new(Math.Abs(own[t] - grown[t < n ? t : t + 1]), Tolerance.Summation(batch.Tokens + 16, Math.Abs(own[t]) + coupled), 0, t));
            return worst;
        },
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with a token more in the first completion the coefficient of {batch.PlaceOf(worst.Position)} moves from {objective.Evaluate(batch).Coefficients[worst.Position]:G6} by {worst.Measured:G3}"),
    };

    /// <summary>Padding carries no meaning.</summary>
    public static ObjectiveClaim PaddingInvariance { get; } = new()
    {
        Id = "padding-invariance",
        Class = ClaimClass.Contract,
        Family = Family.Surrogate,
        Statement = "A masked token appended to every completion changes no coefficient.",
        Hypotheses = ["at least 2 completions a group"],
        Source = "derived here",
        Quantity = "|cᵢₜ − c′ᵢₜ|",
        Consequence = "one long completion in a batch changes what all the others teach",
        Missing = _ => null,
        Expect = objective => objective.Weight.ReadsPadding || objective.Correction.ReadsPadding
            || objective.Regularisers.Any(term => term.Beta != 0 && !term.ActsOnEntropy && ((term.Weight?.ReadsPadding ?? false) || term.Where.ReadsPadding))
            ? Expectation.Refuted("a divisor counts the width of the padded batch")
            : Expectation.Holds("masked tokens take no part"),
        Domain = Requirements.Domain,
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = (objective, batch) => Gap(objective.Evaluate(batch).Coefficients, objective.Evaluate(Padded(batch)).Coefficients),
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"one masked token at the end of every completion turns the coefficient of {batch.PlaceOf(worst.Position)} from {objective.Evaluate(batch).Coefficients[worst.Position]:G6} into {objective.Evaluate(Padded(batch)).Coefficients[worst.Position]:G6}"),
    };

    /// <summary>Groups do not see each other.</summary>
    public static ObjectiveClaim GroupIsolation { get; } = new()
    {
        Id = "group-isolation",
        Class = ClaimClass.Contract,
        Describes = true,
        Family = Family.Surrogate,
        Statement = "The coefficients of a group do not depend on the rewards, lengths and log-probs of another. Refuted for statistics and counts over the batch.",
        Hypotheses = ["at least 2 groups, of at least 2 completions each"],
        Source = "derived here",
        Quantity = "|cᵢₜ − c′ᵢₜ| of the first groups, the last one changed",
        Consequence = "an easy prompt beside a hard one decides what the hard one teaches",
        Missing = _ => null,
        Expect = objective => Requirements.Missing(objective, Traits.GroupIsolated) is { } missing ? Expectation.Refuted($"needs {missing}") : Expectation.Holds("every part reads one group at a time"),
        Domain = objective => Requirements.Domain(objective) with { Prompts = 2 },
        Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? (batch.Groups < 2 ? "there are at least 2 groups; there is 1" : null),
        Measure = IsolationGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with other completions in the last group the coefficient of {batch.PlaceOf(worst.Position)} goes from {objective.Evaluate(batch).Coefficients[worst.Position]:G6} to {objective.Evaluate(OtherLastGroup(batch)).Coefficients[worst.Position]:G6}"),
    };

    /// <summary>Finite numbers in, finite numbers or one sentence out.</summary>
    public static ObjectiveClaim Finiteness { get; } = new()
    {
        Id = "finiteness",
        Class = ClaimClass.Contract,
        Family = Family.Surrogate,
        Statement = "Finite input gives finite values, advantages, weights and coefficients, or one sentence of refusal: log-ratios of 10⁴, rewards of 10³⁰⁰ or of the smallest size there is, and certain tokens, too.",
        Hypotheses = ["at least 2 completions a group"],
        Source = "derived here",
        Quantity = "numbers that are not finite, and failures that are no refusal",
        Consequence = "one batch that is far off-policy ends the run with NaN",
        Missing = _ => null,
        Expect = _ => Expectation.Holds("what may overflow is bounded or refused"),
        Domain = objective => Requirements.Domain(objective) with { Extreme = true, Further = [new("a case that is stretched", batch => !IsModerate(batch))] },
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = NotFinite,
        Why = (objective, batch, _) => Attempt(objective, batch).Failure is { } failure
            ? $"the evaluation fails without a refusal: {failure.GetType().Name}, {failure.Message}"
            : "the evaluation holds numbers that are not finite",
    };

    private static Expectation Worthless(SurrogateObjective objective)
    {
        var weight = objective.Weight.Times(objective.Correction);
        bool centred = objective.Traits.HasFlag(Traits.Centred);
        if (Requirements.Missing(objective, Traits.RatioValued) is { } missing)
            return Expectation.Refuted($"needs {missing}");
        if (objective.Kernel.Ratio == RatioLevel.SequenceSum)
        {
            return centred && weight.OneNumberOver is not null
                ? Expectation.Holds("a row's value is its mean weight times A, and weights are one number")
                : Expectation.Refuted("a row's value is its mean weight times A, which does not add to 0");
        }

        return objective.Traits.HasFlag(Traits.TokenCentred) && IsEven(objective) ? Expectation.Holds("one weight times advantages that add to 0 over tokens")
            : !centred ? Expectation.Refuted($"needs {Traits.Centred.InWords().Single()}")
            : weight.EqualMass ? Expectation.Holds("every row has the same mass, and advantages add to 0")
            : Expectation.Refuted("rows of different mass");
    }

    // Advantages of isolated groups that add to 0 over the batch do so in every group.
    private static bool IsEven(SurrogateObjective objective) => objective.Weight.Times(objective.Correction).OneNumberOver switch
    {
        Pool.Batch => true,
        Pool.Group => objective.Advantage.Traits.HasFlag(Traits.GroupIsolated),
        _ => false,
    };

    private static double RowValue(Evaluation evaluation, Range row, int tokens)
    {
        double sum = 0;
        var (start, length) = row.GetOffsetAndLength(tokens);
        for (int t = start; t < start + length; t++)
            sum += evaluation.Weights[t] * evaluation.Advantages[t];
        return sum;
    }

    private static Measurement Worth(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        double magnitude = 0, centring = 0;
        for (int g = 0; g < batch.Groups; g++)
        {
            double rounding = Requirements.AdvantageRounding(objective, batch, evaluation, g);
            var (first, length) = batch.GroupTokens(g).GetOffsetAndLength(batch.Tokens);
            for (int t = first; t < first + length; t++)
            {
                magnitude += Math.Abs(evaluation.Weights[t] * evaluation.Advantages[t]);
                centring += Math.Abs(evaluation.Weights[t]) * rounding;
            }
        }

        return new(Math.Abs(evaluation.Value), Tolerance.Summation(batch.Tokens + batch.Rows + 16, magnitude) + centring);
    }

    private static Measurement EquivalenceGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        bool zeroSum = objective.Traits.HasFlag(Traits.ZeroSum);
        var worst = new Measurement(0, 0);
        for (int g = 0; g < batch.Groups; g++)
        {
            // A kernel that takes the group's mean off leaves the rounding of the advantages' centring.
            double centring = zeroSum ? 2 * Requirements.AdvantageRounding(objective, batch, evaluation, g) : 0, largest = 0;
            var (first, length) = batch.GroupTokens(g).GetOffsetAndLength(batch.Tokens);
            for (int t = first; t < first + length && zeroSum; t++)
                largest = Math.Max(largest, Math.Abs(evaluation.Weights[t] * evaluation.Advantages[t]));
            for (int t = first; t < first + length; t++)
            {
                double expected = evaluation.Weights[t] * evaluation.Advantages[t];
                double bound = Tolerance.Summation(batch.Tokens + 16, Math.Abs(expected) + largest) + (Math.Abs(evaluation.Weights[t]) * centring);
                worst = worst.Worst(new(Math.Abs(evaluation.Coefficients[t] - expected), bound, g, t));
            }
        }

        return worst;
    }

    private static Measurement Gap(double[] left, double[] right)
    {
        var worst = new Measurement(0, 0);
        for (int t = 0; t < left.Length; t++)
            worst = worst.Worst(new(Math.Abs(left[t] - right[t]), 0, 0, t));
        return worst;
    }

    private static RolloutBatch Padded(RolloutBatch batch) =>
        RolloutBatch.Of([.. batch.ToRollouts().Select(group => group.Select(row => Longer(row, trained: false)).ToArray())]);

    internal static RolloutBatch Grown(RolloutBatch batch) =>
        RolloutBatch.Of([.. batch.ToRollouts().Select((group, g) => group.Select((row, k) => g + k == 0 ? Longer(row, trained: true) : row).ToArray())]);

    // A token more, in every column; the last one again, so that each column keeps its rules.
    private static Rollout Longer(Rollout row, bool trained)
    {
        bool[] mask = [.. row.Mask ?? [.. row.Logps.Select(_ => true)], trained];
        var longer = row with { Tokens = row.Tokens is null ? null : [.. row.Tokens, trained ? 7 : RolloutBatch.UnknownId], Mask = mask };
        return Columns.All.Where(column => row[column] is not null)
            .Aggregate(longer, (with, column) => with.With(column, [.. row[column]!, trained ? Value(row, column) : 0]));
    }

    private static double Value(Rollout row, Column column)
    {
        int last = row.Mask is null ? row.Logps.Length - 1 : Array.LastIndexOf(row.Mask, true);
        return row[column]![Math.Max(last, 0)] is var value && double.IsFinite(value) ? value : 0;
    }

    private static RolloutBatch OtherLastGroup(RolloutBatch batch) => RolloutBatch.Of(
    [
        .. batch.ToRollouts().Select((group, g) => g < batch.Groups - 1 ? [.. group] : group.Select((row, k) => Other(row, k)).ToArray()),
    ]);

    private static Rollout Other(Rollout row, int k) => Longer(
        row with { Rewards = [.. row.Rewards.Select(reward => reward + k + 1)], Logps = [.. row.Logps.Select(logp => logp / 2)] },
        trained: true);

    private static Measurement IsolationGap(SurrogateObjective objective, RolloutBatch batch)
    {
        int kept = batch.GroupTokens(batch.Groups - 1).Start.Value;
        return Gap(objective.Evaluate(batch).Coefficients[..kept], objective.Evaluate(OtherLastGroup(batch)).Coefficients[..kept]);
    }

    private static bool IsModerate(RolloutBatch batch)
    {
        for (int t = 0; t < batch.Tokens; t++)
        {
            if (Math.Abs(batch[Column.Logp][t] - batch[Column.OldLogp][t]) > 21 || (batch[Column.Logp][t] == 0 && batch[Column.OldLogp][t] == 0))
                return false;
        }

        return Enumerable.Range(0, batch.Rows).All(i => Enumerable.Range(0, batch.RewardsPerRow).All(k => !batch.TryReward(i, k, out double reward) || reward == 0 || Math.Abs(reward) is > 1e-12 and < 1e9));
    }

    // Numbers, a refusal (neither), or a failure that is no refusal: whatever that is, it is told, not passed on.
    private static (Evaluation? Evaluation, Exception? Failure) Attempt(SurrogateObjective objective, RolloutBatch batch)
    {
        try
        {
            return (objective.Evaluate(batch), null);
        }
        catch (Exception error)
        {
            return (null, error is InvalidInputException ? null : error);
        }
    }

    private static Measurement NotFinite(SurrogateObjective objective, RolloutBatch batch)
    {
        var (evaluation, failure) = Attempt(objective, batch);
        if (evaluation is null)
            return new(failure is null ? 0 : 1, 0);
        int count = double.IsFinite(evaluation.Value) ? 0 : 1;
        foreach (double[] numbers in new[] { evaluation.Advantages, evaluation.Weights, evaluation.Coefficients, evaluation.EntropyCoefficients ?? [] })
            count += numbers.Count(number => !double.IsFinite(number));
        return new(count, 0);
    }
}
