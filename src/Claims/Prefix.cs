using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>
/// Family P, shared prefixes. On the positions that a whole group shares, log-probs and scores coincide, so the group pushes the
/// token by Cₜ = Σᵢ cᵢₜ alone. arXiv:2601.05002, appendix B.1–B.2 (eq. 17–18).
/// </summary>
public static class Prefix
{
    private const string Paper = "arXiv:2601.05002, appendix B";

    private const Traits NeutralTraits = Traits.Centred | Traits.UniformWeight | Traits.CommonOnPolicyGain;

    /// <summary>Cₜ = Σᵢ αᵢₜAᵢₜ: all that a group does to a shared token, on-policy.</summary>
    public static ObjectiveClaim Factorisation { get; } = new()
    {
        Id = "prefix-factorisation",
        Describes = true,
        Family = Family.Prefix,
        Statement = "The gradient contribution of a shared token is Cₜ·∇ℓₜ, and on-policy Cₜ = Σᵢ αᵢₜAᵢₜ, the advantages weighed by the token weights alone.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "every row is trainable on the shared prefix"],
        Source = Paper + " (eq. 17–18)",
        Quantity = "|Σᵢ cᵢₜ − Σᵢ αᵢₜAᵢₜ|",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = UnitGain,
        Domain = objective => Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => NotShared(batch) ?? DeadRow(batch),
        Measure = FactorGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the coefficients at position {worst.Position} of group {worst.Group} add to {Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G6}, {worst.Measured:G3} off what weights times advantages add to"),
    };

    /// <summary>Cₜ = 0 on a prefix that the whole group shares and is trained on, on-policy, β = 0.</summary>
    public static ObjectiveClaim Neutrality { get; } = new()
    {
        Id = "prefix-neutrality",
        Family = Family.Prefix,
        Statement = "On a prefix that the whole group shares, Cₜ = Σᵢ cᵢₜ = 0. True for every centred advantage iff the token weight is the same for all rows.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "every row is trainable on the shared prefix"],
        Source = Paper,
        Quantity = "|Σᵢ cᵢₜ|",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = objective => Neutral(objective, NeutralTraits),
        Domain = objective => Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => NotShared(batch) ?? DeadRow(batch),
        Measure = WorstPush,
        Why = WhyPushed,
    };

    /// <summary>The same where a completion is fully masked but its reward counts: C = −αA_dead.</summary>
    public static ObjectiveClaim MaskedTruncation { get; } = new()
    {
        Id = "prefix-masked-truncation",
        Family = Family.Prefix,
        Statement = "Cₜ = 0 on a prefix that the whole group shares, even where a completion is fully masked (a truncated one) while its reward counts. Refuted by Cₜ = −α·A_dead unless masked rows take no part in the advantages.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "a completion without trainable tokens; all others are trainable on the shared prefix"],
        Source = Paper + "; derived here",
        Quantity = "|Σᵢ cᵢₜ|",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = objective => Neutral(objective, NeutralTraits | Traits.IgnoresDeadRows),
        Domain = objective => Cases(objective, Presence.Always, RewardKind.Any),
        Outside = (_, batch) => NotShared(batch) ?? (DeadRow(batch) is null ? "some completion has no trainable token; every one has" : null),
        Measure = WorstPush,
        Why = WhyPushed,
    };

    /// <summary>Cₜ = w·G·(Cov_G(α·ₜ, A) + ᾱĀ), w the on-policy gain.</summary>
    public static ObjectiveClaim BiasSign { get; } = new()
    {
        Id = "prefix-bias-sign",
        Family = Family.Prefix,
        Statement = "On-policy, Cₜ = w·G·(Cov(α·ₜ, A) + ᾱ·Ā) over the group (population covariance, w the kernel's on-policy gain); with centred advantages the shared token is reinforced iff weight and advantage covary positively.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "every row is trainable on the shared prefix"],
        Source = Paper,
        Quantity = "|Σᵢ cᵢₜ − w·G·(Cov(α·ₜ, A) + ᾱĀ)|",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy | Traits.CommonOnPolicyGain),
        Expect = _ => Expectation.Holds("an identity of sums"),
        Domain = objective => Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => NotShared(batch) ?? DeadRow(batch),
        Measure = CovarianceGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the coefficients at position {worst.Position} add to {Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G6}, which is not what weights and advantages covary to"),
    };

    /// <summary>|Cₜ − w·G·ᾱ·Ā| ≤ |w|·G·σ_α·σ_A: Cauchy–Schwarz on <see cref="BiasSign"/>'s covariance.</summary>
    public static ObjectiveClaim BiasMagnitude { get; } = new()
    {
        Id = "prefix-bias-magnitude",
        Family = Family.Prefix,
        Statement = "On-policy, |Cₜ − w·G·ᾱ·Ā| ≤ |w|·G·σ_α·σ_A over the group (population σ, w the kernel's on-policy gain), with equality iff α is affine in A, or A in α: a shared token cannot be pushed harder than weights and advantages vary. Two completions always push that hard.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "every row is trainable on the shared prefix"],
        Source = "Cauchy–Schwarz; derived here from " + Paper,
        Quantity = "|Σᵢ cᵢₜ − w·G·ᾱĀ|",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy | Traits.CommonOnPolicyGain),
        Expect = _ => Expectation.Holds("the Cauchy–Schwarz inequality"),
        Domain = objective => Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => NotShared(batch) ?? DeadRow(batch),
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
        Missing = objective => Requirements.Missing(
            objective,
            Traits.UnregularisedOnPolicy | Traits.UnshapedRewards | Traits.AffineAdvantage | Traits.RowMeanWeight | Traits.CommonOnPolicyGain),
        Expect = _ => Expectation.Holds("the covariance of 1/n and A in closed form"),
        Domain = objective => Cases(objective, Presence.Never, RewardKind.MixedBinary),
        Outside = (_, batch) => NotShared(batch) ?? DeadRow(batch) ?? NotMixedBinary(batch),
        Measure = ClosedFormGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the coefficients at position {worst.Position} add to {Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G6}, where the harmonic mean lengths give {ClosedForm(objective, objective.Evaluate(batch), batch[worst.Group]).Value:G6}"),
    };

    /// <summary>Whether on-policy coefficients are αA.</summary>
    internal static Expectation UnitGain(SurrogateObjective objective) => objective switch
    {
        { Kernel.OnPolicyGain: 1 } when objective.Traits.HasFlag(Traits.CommonOnPolicyGain) => Expectation.Holds("on-policy every coefficient is αA"),
        _ when objective.Traits.HasFlag(Traits.ZeroSum) && Requirements.Missing(objective, Traits.Centred | Traits.UniformWeight) is null =>
            Expectation.Holds("the mean that the kernel takes off is that of centred advantages"),
        { Kernel.OnPolicyGain: { } gain } when gain != 1 => Expectation.Refuted(string.Create(CultureInfo.InvariantCulture, $"on-policy every coefficient is {gain:R}·αA")),
        _ => Expectation.Refuted("on-policy the coefficient is not αA"),
    };

    /// <summary>On-policy cases whose groups share a prefix.</summary>
    internal static RolloutDomain Cases(SurrogateObjective objective, Presence deadRows, RewardKind rewards) =>
        Requirements.Domain(objective) with { OnPolicy = true, SharedPrefix = true, DeadRows = deadRows, Rewards = rewards, Bounds = null };

    private static Expectation Neutral(SurrogateObjective objective, Traits needed)
    {
        if (objective.Traits.HasFlag(Traits.ZeroSum))
            return Expectation.Holds("the kernel takes the mean over the group off every coefficient");
        return Requirements.Missing(objective, needed) is { } missing
            ? Expectation.Refuted($"needs {missing}")
            : Expectation.Holds("Σᵢ αᵢₜAᵢ is α times a sum of centred advantages");
    }

    private static Measurement WorstPush(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPositions(batch))
        {
            var push = Push(evaluation, group, position);
            worst = worst.Worst(new(Math.Abs(push.Sum), push.Rounding(objective, evaluation, group), group.Index, position));
        }

        return worst;
    }

    private static Measurement FactorGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        bool zeroSum = objective.Traits.HasFlag(Traits.ZeroSum);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPositions(batch))
        {
            var push = Push(evaluation, group, position);
            double predicted = 0, magnitude = 0;
            for (int k = 0; k < group.Count; k++)
            {
                int token = group[k].TokenAt(position);
                double term = evaluation.Weights[token] * evaluation.Advantages[token];
                (predicted, magnitude) = (predicted + term, magnitude + Math.Abs(term));
            }

            // Coefficients that a kernel makes cancel differ from αA by what the advantages' centring leaves.
            double bound = Tolerance.Summation((2 * group.Count) + 8 + Requirements.RowRoundings(objective, batch), push.Magnitude + magnitude) + (zeroSum ? 2 * push.Rounding(objective, evaluation, group) : 0);
            worst = worst.Worst(new(Math.Abs(push.Sum - predicted), bound, group.Index, position));
        }

        return worst;
    }

    private static Measurement CovarianceGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        double gain = objective.Kernel.OnPolicyGain!.Value;
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPositions(batch))
        {
            var push = Push(evaluation, group, position);
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
        foreach (var (group, position) in SharedPositions(batch))
        {
            int size = group.Count;
            int[] tokens = [.. Enumerable.Range(0, size).Select(k => group[k].TokenAt(position))];
            var weight = Varying.Of([.. tokens.Select(token => evaluation.Weights[token])]);
            var advantage = Varying.Of([.. tokens.Select(token => evaluation.Advantages[token])]);
            var push = Push(evaluation, group, position);
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
        foreach (var (group, position) in SharedPositions(batch))
        {
            var (value, magnitude) = ClosedForm(objective, evaluation, group);
            double gap = Math.Abs(Push(evaluation, group, position).Sum - value);
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

    /// <summary>What a group does to the token at a position that it shares.</summary>
    internal static GroupPush Push(Evaluation evaluation, RolloutGroup group, int position)
    {
        double sum = 0, magnitude = 0, weight = 0;
        for (int k = 0; k < group.Count; k++)
        {
            int token = group[k].TokenAt(position);
            if (token < 0)
                continue;
            sum += evaluation.Coefficients[token];
            magnitude += Math.Abs(evaluation.Coefficients[token]);
            weight += Math.Abs(evaluation.Weights[token]);
        }

        return new(sum, magnitude, weight);
    }

    /// <summary>Every position that a whole group shares.</summary>
    internal static IEnumerable<(RolloutGroup Group, int Position)> SharedPositions(RolloutBatch batch)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            int shared = batch[g].SharedPrefix();
            for (int position = 0; position < shared; position++)
                yield return (batch[g], position);
        }
    }

    /// <summary>Where a batch is off-policy, or a group shares no prefix, in words; null where neither.</summary>
    internal static string? NotShared(RolloutBatch batch) => Requirements.OffPolicy(batch) ?? NoSharedPrefix(batch);

    /// <summary>Where a group shares no prefix that its live rows are trained on, in words; null where all do.</summary>
    internal static string? NoSharedPrefix(RolloutBatch batch)
    {
        if (Requirements.SingleCompletion(batch) is { } broken)
            return broken;
        foreach (int g in Enumerable.Range(0, batch.Groups))
        {
            var group = batch[g];
            int shared = group.SharedPrefix();
            if (shared == 0)
                return FormattableString.Invariant($"the completions of a group share their first token; those of group {g} do not");
            for (int k = 0; k < group.Count; k++)
            {
                for (int position = 0; position < shared && group[k].Length > 0; position++)
                {
                    if (group[k].TokenAt(position) < 0)
                        return FormattableString.Invariant($"rows are trainable on the shared prefix; group {g}, completion {k} is masked at token {position}");
                }
            }
        }

        return null;
    }

    /// <summary>Where a completion has no trainable token, in words; null where all have.</summary>
    internal static string? DeadRow(RolloutBatch batch)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            for (int k = 0; k < batch.GroupSize(g); k++)
            {
                if (batch[g][k].Length == 0)
                    return FormattableString.Invariant($"every completion has a trainable token; group {g}, completion {k} has none");
            }
        }

        return null;
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

    private static string WhyPushed(SurrogateObjective objective, RolloutBatch batch, Measurement worst)
    {
        var evaluation = objective.Evaluate(batch);
        var group = batch[worst.Group];
        var live = Enumerable.Range(0, group.Count).Where(k => group[k].TokenAt(worst.Position) >= 0).ToArray();
        double[] weights = [.. live.Select(k => evaluation.Weights[group[k].TokenAt(worst.Position)])];
        double advantages = live.Sum(k => evaluation.Advantages[group[k].TokenAt(worst.Position)]);
        string place = FormattableString.Invariant($"the shared token {worst.Position} of group {worst.Group}");
        string direction = Push(evaluation, group, worst.Position).Sum > 0 ? "up" : "down";
        int light = live[Array.IndexOf(weights, weights.Min())], heavy = live[Array.IndexOf(weights, weights.Max())];
        return (weights.Min() != weights.Max(), live.Length < group.Count) switch
        {
            (true, _) => string.Create(
                CultureInfo.InvariantCulture,
                $"completion {heavy} (length {group[heavy].Length}) weighs its token {weights.Max():G6} and completion {light} (length {group[light].Length}) {weights.Min():G6}, so advantages that cancel are weighed apart and {place} is pushed {direction}"),
            (_, true) => string.Create(
                CultureInfo.InvariantCulture,
                $"completion {Enumerable.Range(0, group.Count).First(k => !live.Contains(k))} has no trained token to push back with, but its reward counts, so the others' advantages do not cancel and {place} is pushed {direction}"),
            _ => string.Create(
                CultureInfo.InvariantCulture,
                $"the advantages of the group add there to {advantages:G6}, not to 0, so {place} is pushed {direction}"),
        };
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

    /// <summary>Cₜ, Σ|cᵢₜ| and Σ|αᵢₜ| at one shared position.</summary>
    internal readonly record struct GroupPush(double Sum, double Magnitude, double Weight)
    {
        /// <summary>What rounding leaves of a push that cancels: that of the sum, and that of each advantage's centring.</summary>
        public double Rounding(SurrogateObjective objective, Evaluation evaluation, RolloutGroup group)
        {
            double gain = Math.Abs(objective.Kernel.OnPolicyGain ?? 1);
            return Tolerance.Summation(group.Count + 8 + Requirements.RowRoundings(objective, group.Batch), Magnitude)
                + (gain * Weight * Requirements.AdvantageRounding(objective, group.Batch, evaluation, group.Index));
        }
    }
}
