using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>
/// Family P, the size and sign of the push Cₜ on a shared token: what weights and advantages covary to, on-policy. arXiv:2601.05002, appendix B.
/// </summary>
public static class PrefixBias
{
    private const string Paper = "arXiv:2601.05002, appendix B";

    /// <summary>Cₜ = w·G·(Cov_G(α·ₜ, A) + ᾱĀ), w the on-policy gain.</summary>
    public static ObjectiveClaim BiasSign { get; } = new()
    {
        Id = "prefix-bias-sign",
        Family = Family.Prefix,
        Statement = "On-policy, Cₜ = w·G·(Cov(α·ₜ, A) + ᾱ·Ā) over the group (population covariance, w the kernel's on-policy gain); with centred advantages the shared token is reinforced iff weight and advantage covary positively.",
        Hypotheses = SharedPrefix.Hypotheses,
        Source = Paper,
        Quantity = "|Σᵢ cᵢₜ − w·G·(Cov(α·ₜ, A) + ᾱĀ)|",
        Consequence = "which way a shared opening drifts cannot be foretold from lengths and rewards",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy | Traits.CommonOnPolicyGain),
        Expect = _ => Expectation.Holds("an identity of sums"),
        Domain = objective => Prefix.Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = CovarianceGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the coefficients at position {worst.Position} add to {SharedPrefix.Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G6}, which is not what weights and advantages covary to"),
    };

    /// <summary>|Cₜ − w·G·ᾱ·Ā| ≤ |w|·G·σ_α·σ_A: Cauchy–Schwarz on <see cref="BiasSign"/>'s covariance.</summary>
    public static ObjectiveClaim BiasMagnitude { get; } = new()
    {
        Id = "prefix-bias-magnitude",
        Family = Family.Prefix,
        Statement = "On-policy, |Cₜ − w·G·ᾱ·Ā| ≤ |w|·G·σ_α·σ_A over the group (population σ, w the kernel's on-policy gain), with equality iff α is affine in A, or A in α: a shared token cannot be pushed harder than weights and advantages vary. Two completions always push that hard.",
        Hypotheses = SharedPrefix.Hypotheses,
        Source = "Cauchy–Schwarz; derived here from " + Paper,
        Quantity = "|Σᵢ cᵢₜ − w·G·ᾱĀ|",
        Consequence = "how hard a shared opening is pushed has no bound by the spread of lengths and rewards",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy | Traits.CommonOnPolicyGain),
        Expect = _ => Expectation.Holds("the Cauchy–Schwarz inequality"),
        Domain = objective => Prefix.Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = MagnitudeGap,
        Why = (_, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the shared token {worst.Position} of group {worst.Group} is pushed by {worst.Measured:G6} besides the means' push, {(worst.AtLeast ? "less than two completions must push" : "more than weights and advantages vary")}"),
        Worst = new(
            objective =>
            [
                // Any two points lie on a line; more do where the rewards are an affine function of 1/n.
                Nearby.SharedPrompt(objective, [1, 2], [0, 1]),
                Nearby.SharedPrompt(objective, [1, 8], [1, 0]),
                Nearby.SharedPrompt(objective, [1, 2, 4], [1, 0.5, 0.25]),
            ],
            (_, batch, draw) => Nearby.RewardOrLength(batch, draw)),
    };

    /// <summary>Binary rewards, weights m/nᵢ: Cₜ = w·m·G·k·p̂(1−p̂)·(1/H⁺ − 1/H⁻).</summary>
    public static ObjectiveClaim BiasBinary { get; } = new()
    {
        Id = "prefix-bias-binary",
        Family = Family.Prefix,
        Statement = "With rewards 0 and 1, pass rate p̂ and weights m/nᵢ, Cₜ = w·m·G·k·p̂(1−p̂)·(1/H⁺ − 1/H⁻), H± the harmonic mean lengths of right and wrong completions and k the advantage's factor (1/(s+ε) for a standard score): the prefix is reinforced iff right completions are harmonically shorter.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "rewards 0 and 1, both in every group", "at least 2 completions a group, sharing at least 1 token", "every row is trainable on the shared prefix"],
        Source = Paper + "; closed form derived here",
        Quantity = "|Σᵢ cᵢₜ − w·m·G·k·p̂(1−p̂)·(1/H⁺ − 1/H⁻)|",
        Consequence = "how a shared opening drifts does not follow from the pass rate and the lengths of right and wrong answers",
        Missing = objective => Requirements.Missing(
            objective,
            Traits.UnregularisedOnPolicy | Traits.UnshapedRewards | Traits.AffineAdvantage | Traits.RowMeanWeight | Traits.CommonOnPolicyGain),
        Expect = _ => Expectation.Holds("the covariance of 1/n and A in closed form"),
        Domain = objective => Prefix.Cases(objective, Presence.Never, RewardKind.MixedBinary),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch) ?? NotMixedBinary(batch),
        Measure = ClosedFormGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the coefficients at position {worst.Position} add to {SharedPrefix.Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G6}, where the harmonic mean lengths give {ClosedForm(objective, objective.Evaluate(batch), batch[worst.Group]).Value:G6}"),
    };

    private static Measurement CovarianceGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        double gain = objective.Kernel.OnPolicyGain!.Value;
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            var push = SharedPrefix.Push(evaluation, group, position);
            double meanWeight = 0, meanAdvantage = 0, covariance = 0, magnitude = 0;
            for (int k = 0; k < group.Count; k++)
            {
                meanWeight += evaluation.Weights[group[k].TokenAt(position)] / group.Count;
                meanAdvantage += evaluation.Advantages[group[k].TokenAt(position)] / group.Count;
            }

            for (int k = 0; k < group.Count; k++)
            {
                double weight = evaluation.Weights[group[k].TokenAt(position)], advantage = evaluation.Advantages[group[k].TokenAt(position)];
                covariance += (weight - meanWeight) * (advantage - meanAdvantage) / group.Count;
                magnitude += (Math.Abs(weight) + Math.Abs(meanWeight)) * (Math.Abs(advantage) + Math.Abs(meanAdvantage));
            }

            double predicted = gain * group.Count * (covariance + (meanWeight * meanAdvantage));
            double bound = Tolerance.Summation((2 * group.Count) + 8 + Requirements.RowRoundings(objective, batch), push.Magnitude + (Math.Abs(gain) * magnitude));
            worst = worst.Worst(new(Math.Abs(push.Sum - predicted), bound, group.Index, position));
        }

        return worst;
    }

    private static Measurement MagnitudeGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        double gain = Math.Abs(objective.Kernel.OnPolicyGain!.Value);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            int size = group.Count;
            int[] tokens = [.. Enumerable.Range(0, size).Select(k => group[k].TokenAt(position))];
            var weight = Varying.Of([.. tokens.Select(token => evaluation.Weights[token])]);
            var advantage = Varying.Of([.. tokens.Select(token => evaluation.Advantages[token])]);
            var push = SharedPrefix.Push(evaluation, group, position);
            double gap = Math.Abs(push.Sum - (objective.Kernel.OnPolicyGain!.Value * size * weight.Mean * advantage.Mean));
            double bound = gain * size * weight.Deviation * advantage.Deviation;
            // A mean, a difference, a square, a sum and a root each, and the product of means.
            double rounding = Tolerance.Summation((4 * size) + 24 + Requirements.RowRoundings(objective, batch), push.Magnitude + (2 * gain * size * weight.Size * advantage.Size));
            // Where nothing varies the bound is rounding, to which no case is near or far.
            worst = worst.Worst(new(bound <= rounding && gap <= bound + rounding ? 0 : gap, bound + rounding, group.Index, position));
            if (size == 2 && gap < bound - rounding)
                worst = worst.Worst(new(gap, bound - rounding, group.Index, position, AtLeast: true));
        }

        return worst;
    }

    private static Measurement ClosedFormGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            var (value, magnitude) = ClosedForm(objective, evaluation, group);
            double gap = Math.Abs(SharedPrefix.Push(evaluation, group, position).Sum - value);
            worst = worst.Worst(new(gap, Tolerance.Summation((4 * group.Count) + 16 + Requirements.RowRoundings(objective, batch), magnitude), group.Index, position));
        }

        return worst;
    }

    // Σ m/nᵢ·k·(Rᵢ − p̂) = m·k·[(1 − p̂)·Gp̂/H⁺ − p̂·G(1 − p̂)/H⁻]; the moments of 0/1 rewards are those of p̂ alone.
    private static (double Value, double Magnitude) ClosedForm(SurrogateObjective objective, Evaluation evaluation, RolloutGroup group)
    {
        int size = group.Count, right = 0;
        double inverseRight = 0, inverseWrong = 0;
        for (int k = 0; k < size; k++)
        {
            bool passed = evaluation.Rewards[group[k].Row] == 1;
            right += passed ? 1 : 0;
            (passed ? ref inverseRight : ref inverseWrong) += 1.0 / group[k].Length;
        }

        double passRate = right / (double)size, variance = passRate * (1 - passRate);
        double factor = objective.Advantage.Factor(new RewardMoments(size, right, 1, size * variance))!.Value;
        double mass = evaluation.Weights[group[0].TokenAt(0)] * group[0].Length;
        double front = objective.Kernel.OnPolicyGain!.Value * mass * size * factor * variance;
        double harmonicGap = (inverseRight / right) - (inverseWrong / (size - right));
        return (front * harmonicGap, Math.Abs(front) * ((inverseRight / right) + (inverseWrong / (size - right))));
    }

    private static string? NotMixedBinary(RolloutBatch batch)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            int right = 0;
            for (int k = 0; k < batch.GroupSize(g); k++)
            {
                if (!batch.TryReward(batch[g][k].Row, 0, out double reward) || reward is not (0 or 1))
                    return FormattableString.Invariant($"rewards are 0 or 1; group {g}, completion {k} has {reward}");
                right += (int)reward;
            }

            if (right == 0 || right == batch.GroupSize(g))
                return FormattableString.Invariant($"every group has a right and a wrong completion; group {g} has {right} right of {batch.GroupSize(g)}");
        }

        return null;
    }

    /// <summary>x̄, the population σ, and the size √mean(|x| + mean|x|)² that bounds both.</summary>
    private readonly record struct Varying(double Mean, double Deviation, double Size)
    {
        public static Varying Of(double[] values)
        {
            double mean = values.Average(), size = values.Average(Math.Abs);
            return new(
                mean,
                Math.Sqrt(values.Average(x => (x - mean) * (x - mean))),
                Math.Sqrt(values.Average(x => (Math.Abs(x) + size) * (Math.Abs(x) + size))));
        }
    }
}
