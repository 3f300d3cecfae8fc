using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>Contracts: what an objective keeps, whatever its design.</summary>
public static class Contract
{
    private const double LargestStep = 1e-2;

    // Rewards of size 1 round by some 1e−16: a larger factor makes advantages of 1e−4 and more of that, which is no rounding any more.
    private const double LargestFactor = 1e12;

    /// <summary>The coefficients are the derivative of the value, with stop-gradient terms frozen.</summary>
    public static ObjectiveClaim GradientConsistency { get; } = new()
    {
        Id = "gradient-consistency",
        Class = ClaimClass.Contract,
        Family = Family.Surrogate,
        Statement = "The coefficients are ∂J/∂ℓ with stop-gradient terms frozen at the batch: along any direction d, the odd Taylor remainder (J(ℓ+hd) − J(ℓ−hd))/2 − h·Σcd is of order h³ (of a wrong derivative: h).",
        Hypotheses = ["every log-ratio is at least 1e−4 away from the kernel's kinks"],
        Source = "Taylor's theorem; derived here",
        Quantity = "order of the odd Taylor remainder",
        Consequence = "what is minimised is not the value that is logged: a term is detached, or a gradient is lost",
        Missing = _ => null,
        Expect = _ => Expectation.Holds("coefficients are derivatives"),
        Domain = objective => Requirements.Domain(objective) with { Bounds = null, AwayFrom = [.. Kinks(objective)] },
        Outside = (objective, batch) => Requirements.SingleCompletion(batch)
            ?? (batch.Tokens == 0 ? "some token is trained on; none is" : null)
            ?? (KinkMargin(objective, batch) < RolloutDomain.KinkMargin / 10 ? "ratios keep away from the clip bounds, where J has no derivative; one does not" : null),
        Measure = RemainderOrder,
        Why = (_, _, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the value moves by something else than the coefficients say: what they leave unexplained shrinks like h^{worst.Measured:G3}"),
    };

    /// <summary>Equal rewards teach nothing.</summary>
    public static ObjectiveClaim DegenerateGroup { get; } = new()
    {
        Id = "degenerate-group",
        Class = ClaimClass.Contract,
        Family = Family.Surrogate,
        Statement = "Where all rewards of a group are equal, every coefficient of the group is 0 (in float64: within the rounding of R − mean R times the advantage's factor; exactly where that factor is beyond 1e12).",
        Hypotheses = ["β = 0", "rewards used as they are", "at least 2 completions a group", "some group has equal rewards"],
        Source = "arXiv:2503.14476 (dynamic sampling drops such groups); derived here",
        Quantity = "|cᵢₜ|",
        Consequence = "prompts that are solved always, or never, push the policy at random",
        Missing = objective => Requirements.Missing(objective, Traits.Unregularised | Traits.UnshapedRewards),
        Expect = objective => (Requirements.Missing(objective, Traits.ComparesRewards | Traits.VanishesWithAdvantage), objective.Advantage) switch
        {
            ({ } missing, _) => Expectation.Refuted($"needs {missing}"),
            (null, GroupAdvantage { Equal: EqualRewards.GiveZero }) => Expectation.Holds("equal rewards are recognised"),
            (null, { LargestFactor: > LargestFactor }) => Expectation.Refuted("a factor that makes advantages of the rounding of R − mean R"),
            _ => Expectation.Holds("equal rewards compare to zero"),
        },
        Domain = objective => Requirements.Domain(objective) with { Rewards = RewardKind.EqualInGroup },
        Outside = (objective, batch) => Requirements.SingleCompletion(batch)
            ?? (Degenerate(batch, objective.Evaluate(batch)).Any() ? null : "some group has equal rewards; none has"),
        Measure = LargestCoefficient,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"all rewards of group {worst.Group} are {objective.Evaluate(batch).Rewards[batch[worst.Group].FirstRow]:R}, yet the advantages of its tokens are [{string.Join(", ", objective.Evaluate(batch).Advantages[batch.GroupTokens(worst.Group)].Select(a => a.ToString("G4", CultureInfo.InvariantCulture)))}]"),
    };

    /// <summary>The order of groups and completions carries no meaning.</summary>
    public static ObjectiveClaim PermutationInvariance { get; } = new()
    {
        Id = "permutation-invariance",
        Class = ClaimClass.Contract,
        Family = Family.Surrogate,
        Statement = "Reordering the groups of a batch and the completions of its groups reorders the coefficients and changes nothing else (checked by moving each first one to the end: what depends on places changes under that, or is the same in all).",
        Hypotheses = ["at least 2 completions a group"],
        Source = "derived here",
        Quantity = "|cᵢₜ − c′ᵢₜ|",
        Consequence = "the same data in another order, as after a resume or on more workers, trains another policy",
        Missing = _ => null,
        Expect = _ => Expectation.Holds("sums do not depend on order"),
        Domain = Requirements.Domain,
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = RotationGap,
        Why = (_, _, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with the first group moved to the end, and in each group the first completion, a coefficient of group {worst.Group} changes by {worst.Measured:G3}"),
    };

    private static Measurement RemainderOrder(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var workspace = new Workspace();
        double[] start = batch[Column.Logp].ToArray(), point = new double[start.Length], unused = new double[start.Length];
        double slope = 0;
        for (int t = 0; t < start.Length; t++)
            slope += evaluation.Coefficients[t] * Direction(t);
        double order = TaylorCheck.Order(Along, slope, Math.Min(LargestStep, KinkMargin(objective, batch) / 2), Noise(objective, batch, evaluation));
        return new(order, TaylorCheck.LeastOrder, AtLeast: true);

        double Along(double h)
        {
            for (int t = 0; t < start.Length; t++)
                point[t] = start[t] + (h * Direction(t));
            return objective.Evaluate(batch, point, unused, workspace);
        }
    }

    // Between 0.5 and 1 in size, without a pattern that errors could share and cancel in.
    internal static double Direction(int t)
    {
        double fraction = (t + 1) * 0.6180339887498949 % 1;
        return fraction < 0.5 ? -0.5 - fraction : fraction;
    }

    // Each value is a sum of at most N terms w·φ and β·α·κ, made by an exponential of a difference of log-probs: its relative error is
    // that of its argument. |φ| is at most |φ′| (ratios), |φ′|·|ℓ| (log-likelihoods) or high·|A| (clipped;
    // the cap's where there is one).
    private static double Noise(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation)
    {
        // What regressions on log-ratios add up to has one sign, so that the value itself is their size.
        double magnitude = Math.Abs(evaluation.Value);
        double high = objective.Kernel.Region is { } region ? (double.IsFinite(region.Cap) ? region.Cap : region.High) : 1;
        for (int i = 0; i < batch.Rows; i++)
        {
            var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            for (int t = start; t < start + length; t++)
            {
                double kernel = Math.Abs(evaluation.Coefficients[t]) + (Math.Abs(evaluation.Weights[t]) * high * Math.Abs(evaluation.Advantages[t]));
                magnitude += Arguments(batch, t) * kernel;
            }
        }

        var own = new double[batch.Tokens];
        foreach (var term in objective.Regularisers.Where(term => term.Beta != 0))
        {
            (term.Weight ?? objective.Weight).Times(term.Where).Times(term.Corrected ? objective.Correction : TokenWeight.One).Fill(batch, evaluation.Advantages, own);
            foreach (var column in term.Reads)
            {
                for (int t = 0; t < own.Length; t++)
                {
                    double ratio = term is KlPenalty { TimesRatio: true } ? Arguments(batch, t) * Math.Exp(batch[Column.Logp][t] - batch[Column.OldLogp][t]) : 1;
                    magnitude += Math.Abs(term.Beta * own[t]) * ratio * Penalty(batch, column, t);
                }
            }
        }

        // A regression's value is a square, whose rounding grows with the distance from its root: seen at the longest step.
        double[] far = [.. batch[Column.Logp].ToArray().Select((x, t) => x + (LargestStep * Direction(t)))];
        double pull = Requirements.ValueRounding(objective, batch, far);
        if (!double.IsFinite(magnitude))
            throw InvalidInputException.Because($"The batch is too large in its numbers to be differentiated in float64.");
        return Tolerance.Summation(batch.Tokens + 16, magnitude) + pull;
    }

    // The relative error of an exponential of differences of log-probs is that of its argument.
    private static double Arguments(RolloutBatch batch, int t) => 2 + Math.Abs(batch[Column.Logp][t]) + Math.Abs(batch[Column.OldLogp][t]);

    // At most what an estimator makes of y = anchor − ℓ: 1 + e^y + |y| + y²; a penalty on anything else is of that thing's size.
    private static double Penalty(RolloutBatch batch, Column column, int t)
    {
        double value = batch[column][t], y = value - batch[Column.Logp][t];
        return column is Column.RefLogp or Column.OldLogp or Column.RolloutLogp
            ? 1 + ((Arguments(batch, t) + Math.Abs(value)) * Math.Exp(y)) + Math.Abs(y) + (y * y)
            : Math.Abs(value);
    }

    private static IEnumerable<KlPenalty> Penalties(SurrogateObjective objective) =>
        objective.Regularisers.Where(term => term.Beta != 0).OfType<KlPenalty>();

    // A penalty on the distance from the behaviour policy has its own, which are a token's.
    private static IEnumerable<double> Kinks(SurrogateObjective objective) => Penalties(objective)
        .Where(term => term.Against == Column.OldLogp).SelectMany(term => term.Kinks).Select(y => -y)
        .Concat(objective.Kernel.Kinks);

    /// <summary>How far every log-prob can move, in the largest norm, before some ratio meets a kink.</summary>
    private static double KinkMargin(SurrogateObjective objective, RolloutBatch batch)
    {
        double margin = double.PositiveInfinity;
        var (logp, old) = (batch[Column.Logp].ToArray(), batch[Column.OldLogp].ToArray());
        for (int i = 0; i < batch.Rows; i++)
        {
            double[] logRatios = [.. logp[batch.Row(i)].Zip(old[batch.Row(i)], (a, b) => a - b)];
            if (logRatios.Length == 0)
                continue;
            foreach (double kink in objective.Kernel.Kinks)
            {
                margin = Math.Min(margin, objective.Kernel.Ratio switch
                {
                    RatioLevel.Token => logRatios.Min(x => Math.Abs(x - kink)),
                    RatioLevel.SequenceMean => Math.Abs(logRatios.Average() - kink),
                    _ => Math.Abs(logRatios.Sum() - kink) / logRatios.Length,
                });
            }
        }

        foreach (var term in Penalties(objective))
        {
            foreach (double kink in term.Kinks)
                margin = Math.Min(margin, batch[term.Against].ToArray().Zip(logp, (anchor, x) => Math.Abs(anchor - x - kink)).DefaultIfEmpty(margin).Min());
        }

        return margin;
    }

    private static IEnumerable<int> Degenerate(RolloutBatch batch, Evaluation evaluation) => Enumerable.Range(0, batch.Groups)
        .Where(g => Enumerable.Range(batch[g].FirstRow, batch.GroupSize(g)).All(i => evaluation.Rewards[i] == evaluation.Rewards[batch[g].FirstRow]));

    private static Measurement LargestCoefficient(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        foreach (int g in Degenerate(batch, evaluation))
        {
            // An advantage that is centred over the batch again takes off a mean of all advantages, with the rounding of all groups.
            bool isolated = objective.Advantage.Traits.HasFlag(Traits.GroupIsolated);
            double reward = isolated ? Math.Abs(evaluation.Rewards[batch[g].FirstRow]) : evaluation.Rewards.Max(Math.Abs);
            double others = isolated ? 0 : Tolerance.Summation((2 * batch.Rows) + 16, evaluation.Advantages.Max(Math.Abs));
            double factor = objective.Advantage.LargestFactor ?? double.PositiveInfinity;
            double rounding = factor <= LargestFactor ? (factor * Tolerance.Summation((isolated ? batch.GroupSize(g) : batch.Rows) + 2, 2 * reward)) + others : 0;
            for (int k = 0; k < batch.GroupSize(g); k++)
            {
                var completion = batch[g][k];
                for (int t = 0; t < completion.Length; t++)
                {
                    int token = batch.Row(completion.Row).Start.Value + t;
                    double weight = objective.Kernel.EvensRows ? evaluation.Weights[batch.Row(completion.Row)].Max(Math.Abs) : Math.Abs(evaluation.Weights[token]);
                    double bound = weight * Ratio(objective.Kernel, completion, t) * rounding;
                    worst = worst.Worst(new(Math.Abs(evaluation.Coefficients[token]), bound, g, completion.Positions[t]));
                }
            }
        }

        return worst;
    }

    private static Measurement RotationGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var rotated = RolloutBatch.Of([.. Rotated(batch.ToRollouts()).Select(group => Rotated(group).ToArray())]);
        var other = objective.Evaluate(rotated);
        var worst = new Measurement(0, 0);
        for (int g = 0; g < batch.Groups; g++)
        {
            double largest = evaluation.Advantages[batch.GroupTokens(g)].Select(Math.Abs).DefaultIfEmpty().Max();
            double rounding = Requirements.AdvantageRounding(objective, batch, evaluation, g), pull = Requirements.PullRounding(objective, batch, evaluation, g);
            for (int k = 0; k < batch.GroupSize(g); k++)
            {
                var completion = batch[g][k];
                var twin = rotated[(g + batch.Groups - 1) % batch.Groups][(k + batch.GroupSize(g) - 1) % batch.GroupSize(g)];
                for (int t = 0; t < completion.Length; t++)
                {
                    int token = batch.Row(completion.Row).Start.Value + t;
                    int moved = rotated.Row(twin.Row).Start.Value + t;
                    double gap = Math.Abs(evaluation.Coefficients[token] - other.Coefficients[moved]);
                    // The same numbers in another order: sums of up to B rewards and N tokens round differently, centring amplifies it.
                    double weight = Math.Max(Math.Abs(evaluation.Weights[token]), Math.Abs(other.Weights[moved]));
                    double gain = Gain(objective, evaluation, completion, t, weight, rounding);
                    double bound = Tolerance.Summation((2 * batch.Rows) + 16, (gain * largest) + Math.Abs(evaluation.Coefficients[token])) + (2 * gain * rounding) + pull;
                    worst = worst.Worst(new(gap, bound, g, completion.Positions[t]));
                }
            }
        }

        return worst;
    }

    private static IEnumerable<T> Rotated<T>(IReadOnlyList<T> items) => items.Skip(1).Append(items[0]);

    // What a token's coefficient makes of an error in its advantage: read off the coefficient where that is the advantage's alone, and
    // its sign, which decides a clip's side and whether a mask takes the token, is beyond rounding.
    private static double Gain(SurrogateObjective objective, Evaluation evaluation, Completion completion, int t, double weight, double rounding)
    {
        int token = completion.Batch.Row(completion.Row).Start.Value + t;
        double advantage = Math.Abs(evaluation.Advantages[token]);
        // A regression's coefficient is linear in A with the weight for its slope, and cancels elsewhere.
        if (!objective.Kernel.Traits.HasFlag(Traits.VanishesWithAdvantage))
            return weight;
        return advantage > rounding && objective.Traits.HasFlag(Traits.Unregularised)
            ? Math.Abs(evaluation.Coefficients[token]) / advantage
            : weight * Ratio(objective.Kernel, completion, t);
    }

    // The largest factor that a kernel puts on w·A: its ratio, and at least the 1 of kernels without one. A mean of token ratios that are
    // clipped one by one is at most the largest of them.
    private static double Ratio(Kernel kernel, Completion completion, int t)
    {
        var (logp, old) = (completion[Column.Logp].ToArray(), completion[Column.OldLogp].ToArray());
        double[] logRatios = [.. logp.Zip(old, (a, b) => a - b)];
        return Math.Max(1, Math.Exp(kernel.Ratio switch
        {
            RatioLevel.Token when kernel.Traits.HasFlag(Traits.SequenceRatio) => logRatios.Max(),
            RatioLevel.Token => logRatios[t],
            RatioLevel.SequenceMean => logRatios.Sum() / logRatios.Length,
            _ => logRatios.Sum(),
        }));
    }
}
