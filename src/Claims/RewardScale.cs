using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;
using TrainingClaim = GroupRL.Claims.Claim<GroupRL.Claims.Training, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>Family S, what an objective makes of rewards aR + b, before any optimizer sees it. arXiv:2601.05002, appendix C.</summary>
public static class RewardScale
{
    private const string Paper = "arXiv:2601.05002, appendix C";

    /// <summary>A(R + b) = A(R).</summary>
    public static ObjectiveClaim ShiftInvariance { get; } = new()
    {
        Id = "advantage-shift-invariance",
        Describes = true,
        Family = Family.Scale,
        Statement = "One number b added to every reward (the greedy completion's, too) changes no advantage: A(R + b) = A(R). True where rewards are compared by their differences; false where they are counted, clipped, or kept without a baseline.",
        Hypotheses = ["at least 2 completions a group", "no reward is missing"],
        Source = Paper + "; derived here",
        Quantity = "|A(R + b) − A(R)|",
        Consequence = "a constant bonus, such as for the format, changes what is learnt",
        Missing = _ => null,
        Expect = objective => Requirements.Missing(objective, Traits.ShiftBlind) is { } missing
            ? Expectation.Refuted($"needs {missing}")
            : Expectation.Holds("only differences of rewards count"),
        Domain = objective => Requirements.Domain(objective) with { Rewards = RewardKind.Dyadic },
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = ShiftGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with {Shift(batch):R} added to every reward the advantage of {batch.PlaceOf(worst.Position)} moves from {objective.Evaluate(batch).Advantages[worst.Position]:G6} by {worst.Measured:G3}"),
    };

    /// <summary>A(aR) = aᵈ·A(R), constants in units of reward over a.</summary>
    public static ObjectiveClaim AdvantageScale { get; } = new()
    {
        Id = "advantage-scale",
        Family = Family.Scale,
        Statement = "A(aR) = aᵈ·A′(R) bit for bit at a = 2ᵏ, A′ being A with every constant in units of reward over a: d = 1 without a standard deviation, and d = 0 with one, where ε/a stands for ε (ε/a² where it stands beside a variance). Without such constants A scales, or does not, exactly.",
        Hypotheses = ["a = 2ᵏ", "no overflow or underflow", "at least 2 completions a group", "everything in units of reward that the batch carries is scaled"],
        Source = Paper + "; derived here",
        Quantity = "|A(aR) − aᵈ·A′(R)|",
        Consequence = "rewards in other units, or a guard that was tuned in others, train in another direction",
        Missing = objective => Requirements.Under(objective, Factor) is null ? "advantages of one degree in the rewards" : null,
        Expect = objective => Expectation.Holds(Requirements.Under(objective, Factor)!.Value.Degree == 0 ? "rewards are divided by their own spread" : "advantages are in units of reward"),
        Domain = objective => Requirements.Domain(objective),
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = ScaleGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with all rewards times {Factor} the advantage of {batch.PlaceOf(worst.Position)}, {objective.Evaluate(batch).Advantages[worst.Position]:G6}, is {worst.Measured:G3} off its law"),
    };

    /// <summary>c(aR) = a·c(R).</summary>
    public static ObjectiveClaim CoefficientHomogeneity { get; } = new()
    {
        Id = "coefficient-homogeneity",
        Describes = true,
        Family = Family.Scale,
        Statement = "With advantages proportional to the rewards, the coefficients are, too: c(aR) = a·c(R), bit for bit at a = 2ᵏ. A regulariser with β ≠ 0, a regression of log-ratios and a choice of tokens by covariance break it.",
        Hypotheses = ["a = 2ᵏ", "no overflow or underflow", "at least 2 completions a group"],
        Source = Paper + "; derived here",
        Quantity = "|c(aR) − a·c(R)|",
        Consequence = "rewards in other units trade differently against what else is in the loss",
        Missing = NotProportional,
        Expect = objective => Requirements.ActsOnLogProbs(objective) ? Expectation.Refuted("a penalty does not scale with the rewards")
            : Requirements.Missing(objective, Traits.Homogeneous) is { } missing ? Expectation.Refuted($"needs {missing}")
            : Expectation.Holds("weights and gains do not see the size of the advantages"),
        Domain = Requirements.Domain,
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = HomogeneityGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with all rewards times {Factor} the coefficient of {batch.PlaceOf(worst.Position)} goes from {objective.Evaluate(batch).Coefficients[worst.Position]:G6} to {objective.Evaluate(Scaled(batch, Factor)).Coefficients[worst.Position]:G6}"),
    };

    /// <summary>With β ≠ 0 and no standard deviation a training step does see the scale of rewards.</summary>
    public static TrainingClaim RegulariserBreaksScale { get; } = new()
    {
        Id = "regulariser-breaks-scale",
        Family = Family.Scale,
        Statement = "With β ≠ 0 and advantages proportional to the rewards even Adam's steps depend on their scale: where reward and penalty pull a token in opposite ways, its first step has one sign for small rewards and the other for large ones.",
        Hypotheses = ["every token has its own log-prob as a parameter", "fresh optimizer state", "decoupled decay set aside"],
        Source = Paper + "; derived here",
        Quantity = "tokens pulled both ways whose first step has the same sign at |a·c_reward| ≤ ½|c_penalty| and at ≥ 2|c_penalty|",
        Missing = training => NotProportional(training.Objective)
            ?? Requirements.Missing(training.Objective, Traits.Homogeneous)
            ?? (training.Objective.Regularisers.Any(term => term.Beta != 0 && !term.ActsOnEntropy) ? null : "a regulariser that acts on log-probs")
            ?? (training.Objective.Regularisers.Any(term => term.Where.ReadsAdvantageSizes || term.Weight?.ReadsAdvantageSizes == true) ? "a regulariser that does not look at the advantages" : null)
            ?? (training.Optimizer.TakesVectors ? null : "an optimizer of vectors (this one's parameters are matrices)")
            ?? (training.Optimizer.CoupledDecay > 0 ? "gradients without a decay term" : null),
        Expect = _ => Expectation.Holds("the penalty does not scale with the rewards"),
        Domain = training => Requirements.Domain(training.Objective) with { Further = [new("a token pulled both ways", batch => PulledBothWays(training.Objective, batch).Any())] },
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = SameSigns,
        Why = (training, batch, worst) => $"the first step of {batch.PlaceOf(worst.Position)} has the same sign where the penalty is at least twice as strong as the reward and where it is at most half as strong",
    };

    private const double Factor = 1024;

    // A few units of the largest reward, a power of two: added to rewards on a grid it does not round.
    private static double Shift(RolloutBatch batch)
    {
        double largest = Enumerable.Range(0, batch.Rows).Max(i => Enumerable.Range(0, batch.RewardsPerRow).Max(k => batch.TryReward(i, k, out double reward) ? Math.Abs(reward) : 0));
        return largest == 0 ? 1 : Math.ScaleB(1, Math.ILogB(largest) + 1);
    }

    private static string? NotProportional(SurrogateObjective objective) =>
        Requirements.Under(objective, Factor) is ({ } advantage, { } rewards, 1) && advantage == objective.Advantage && rewards == objective.Rewards
            ? null
            : "advantages proportional to the rewards";

    /// <summary>The batch with everything in units of reward times <paramref name="scale"/>.</summary>
    internal static RolloutBatch Scaled(RolloutBatch batch, double scale)
    {
        var scaled = Reworked.WithRewards(batch, (_, reward) => scale * reward);
        foreach (var column in new[] { Column.Value, Column.TokenReward })
        {
            if (batch.Has(column))
                scaled = scaled.With(column, [.. batch[column].ToArray().Select(value => scale * value)]);
        }

        return scaled;
    }

    private static Measurement ShiftGap(SurrogateObjective objective, RolloutBatch batch)
    {
        double shift = Shift(batch);
        var evaluation = objective.Evaluate(batch);
        var shifted = Reworked.WithRewards(batch, (_, reward) => reward + shift);
        var other = objective.Evaluate(shifted);
        // A bare whitening takes a spread for rounding beside the size of what it centres, and a shift sets that size: on one side of it nothing is left.
        if ((objective.Advantage.CentringCondition(batch, evaluation.Rewards) == 0) != (objective.Advantage.CentringCondition(shifted, other.Rewards) == 0))
            return new(0, 0);
        // A shaped reward is off the grid: it is rounded itself, by as much as its centring.
        double roundings = objective.Traits.HasFlag(Traits.UnshapedRewards) ? 1 : 2;
        var worst = new Measurement(0, 0);
        for (int g = 0; g < batch.Groups; g++)
        {
            double bound = roundings * (Requirements.AdvantageRounding(objective, batch, evaluation, g) + Requirements.AdvantageRounding(objective, shifted, other, g));
            var (first, length) = batch.GroupTokens(g).GetOffsetAndLength(batch.Tokens);
            for (int t = first; t < first + length; t++)
                worst = worst.Worst(new(Math.Abs(other.Advantages[t] - evaluation.Advantages[t]), bound + Tolerance.Summation(batch.Rows + 8, Math.Abs(evaluation.Advantages[t])), g, t));
        }

        return worst;
    }

    private static Measurement ScaleGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var (advantage, rewards, degree) = Requirements.Under(objective, Factor)!.Value;
        if (objective.Evaluate(batch).Rewards.Any(reward => Math.Abs(reward) > double.MaxValue / (Factor * Factor)))
            throw InvalidInputException.Because($"The rewards are too large to be scaled by {Factor} in float64.");
        double[] scaled = objective.Evaluate(Scaled(batch, Factor)).Advantages;
        double[] plain = (objective with { Advantage = advantage, Rewards = rewards }).Evaluate(batch).Advantages;
        return Gap(batch, scaled, plain, Math.Pow(Factor, degree));
    }

    private static Measurement HomogeneityGap(SurrogateObjective objective, RolloutBatch batch) =>
        Gap(batch, objective.Evaluate(Scaled(batch, Factor)).Coefficients, objective.Evaluate(batch).Coefficients, Factor);

    private static Measurement Gap(RolloutBatch batch, double[] left, double[] right, double factor)
    {
        var worst = new Measurement(0, 0);
        for (int t = 0; t < left.Length; t++)
        {
            // Exact, but that a number below the normal range is off by its last place.
            double bound = Math.Abs(right[t]) < Clipping.MinNormal ? factor * double.Epsilon : 0;
            worst = worst.Worst(new(Math.Abs(left[t] - (factor * right[t])), bound, 0, t));
        }

        return worst;
    }

    // Tokens, and what rewards and penalty make of their coefficients.
    private static IEnumerable<(int Token, double Reward, double Penalty)> PulledBothWays(SurrogateObjective objective, RolloutBatch batch)
    {
        double[] whole = objective.Evaluate(batch).Coefficients, reward = (objective with { Regularisers = [] }).Evaluate(batch).Coefficients;
        for (int t = 0; t < whole.Length; t++)
        {
            double penalty = whole[t] - reward[t];
            // What differs by less than its own size has lost its digits.
            if (reward[t] * penalty < 0 && Math.Abs(penalty) > 1e-6 * Math.Abs(reward[t]))
                yield return (t, reward[t], penalty);
        }
    }

    private static Measurement SameSigns(Training training, RolloutBatch batch)
    {
        foreach (var (token, reward, penalty) in PulledBothWays(training.Objective, batch).Take(4))
        {
            // Powers of two, so that what is reward and what is rounding of it scale alike.
            int even = Math.ILogB(penalty / reward);
            if (FirstStep(Math.ScaleB(1, even - 1)) * FirstStep(Math.ScaleB(1, even + 2)) >= 0)
                return new(1, 0, 0, token);

            double FirstStep(double scale)
            {
                double[] gradient = [.. training.Objective.Evaluate(Scaled(batch, scale)).Coefficients.Select(c => -c)];
                double[] theta = batch[Column.Logp].ToArray();
                var step = training.Optimizer.Step(training.Optimizer.Initial(gradient.Length), theta, gradient);
                return step.Update[token] + (training.Optimizer.LearningRate * training.Optimizer.DecoupledDecay * theta[token]);
            }
        }

        return new(0, 0);
    }
}
