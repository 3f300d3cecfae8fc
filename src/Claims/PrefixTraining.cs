using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;
using TrainingClaim = GroupRL.Claims.Claim<GroupRL.Claims.Training, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>
/// Family P in training: where the push Cₜ takes a shared token. The prefix node is a tabular softmax of three logits, the shared token and two
/// others that have 3/4 and 1/4 of what it leaves; its gradient is Cₜ·h, h = e_o − π.
/// </summary>
public static class PrefixTraining
{
    private const string Paper = "arXiv:2601.05002, appendix B";
    private const int Steps = 6;

    private static readonly string[] s_hypotheses =
        ["on-policy at the start", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "every row is trainable on the shared prefix", "a tabular softmax at the prefix, visited by the group alone"];

    /// <summary>One gradient step of any size raises the shared token iff weight and advantage covary positively.</summary>
    public static ObjectiveClaim DriftDirection { get; } = new()
    {
        Id = "prefix-drift-direction",
        Family = Family.Prefix,
        Statement = "A gradient step of any size η > 0 at the prefix node raises log π of the shared token iff w·(Cov(α·ₜ, A) + ᾱĀ) > 0, and lowers it iff that is negative: monotonically along the whole ray, not only to first order.",
        Hypotheses = [.. s_hypotheses],
        Source = Paper + "; derived here",
        Quantity = "steps, of sizes η|Cₜ| = 10⁻³ … 10², that do not go the way the covariance says",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy | Traits.CommonOnPolicyGain),
        Expect = _ => Expectation.Holds("log π(o) is monotone along e_o − π"),
        Domain = objective => Prefix.Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch) ?? Certain(batch),
        Measure = WrongWays,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"weights and advantages of position {worst.Position} of group {worst.Group} covary to {Predicted(objective, objective.Evaluate(batch), batch[worst.Group], worst.Position).Push:G4}, yet the step along the coefficients, which add to {SharedPrefix.Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G4}, takes the token the other way"),
    };

    /// <summary>Adam's first step on a prefix does not see how small the bias is.</summary>
    public static TrainingClaim AdamAmplification { get; } = new()
    {
        Id = "prefix-adam-amplification",
        Describes = true,
        Family = Family.Prefix,
        Statement = "The first step on a logit that only the prefix reaches, with score h, is η·sign(h)·C/(|C| + ε/|h|): for |C| ≫ ε/|h| it does not depend on |C|, so an arbitrarily small covariance of length and reward gets a full step. True of Adam, AMSGrad, Adagrad and Adamax, and with ε = 0 of sign methods; SGD's step is proportional to C.",
        Hypotheses = [.. s_hypotheses, "fresh optimizer state", "decoupled decay set aside"],
        Source = Paper + "; appendix C; derived here",
        Quantity = "|Δz − η·sign(h)·C/(|C| + ε/|h|)|",
        Missing = training => Requirements.Missing(training.Objective, Traits.UnregularisedOnPolicy | Traits.CommonOnPolicyGain)
            ?? NoPush(training.Objective)
            ?? (training.Optimizer.TakesVectors ? null : "an optimizer of vectors (this one's parameters are matrices)"),
        Expect = training => training.Optimizer switch
        {
            { CoupledDecay: > 0 } => Expectation.Refuted("coupled decay is part of the first gradient"),
            var optimizer when IsUnitQuotient(optimizer) => Expectation.Holds("the first step divides the gradient by its own size"),
            { Scaling.Law: ScaleLaw.Proportional } => Expectation.Refuted("a step in proportion to C"),
            _ => Expectation.Refuted("a first step that is another function of the gradient"),
        },
        Domain = training => Prefix.Cases(training.Objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch) ?? Certain(batch),
        Measure = AmplificationGap,
        Why = (training, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the shared token {worst.Position} of group {worst.Group} is pushed by C = {SharedPrefix.Push(training.Objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G4}, and the first step is {worst.Measured:G3} off one that C/(|C| + ε/|h|) gives"),
    };

    /// <summary>Over several inner steps the prefix sees the group through one number.</summary>
    public static TrainingClaim CovarianceDrift { get; } = new()
    {
        Id = "prefix-covariance-drift",
        Describes = true,
        Family = Family.Prefix,
        Statement = "Over several inner steps from a fresh state the prefix's trajectory depends on the group through G·(Cov(α·ₜ, A) + ᾱĀ) alone: it is that of a single completion with this advantage and weight 1, under SGD and Adam alike. True where a token's gain is its own and blind to the sign of A; a clip by sign lets the other side's rows push back.",
        Hypotheses = [.. s_hypotheses, "weights and advantages stay as they are over the inner steps", "fresh optimizer state"],
        Source = "derived here",
        Quantity = "|log π − log π of the single completion's run|, over 6 steps",
        Missing = training => Requirements.Missing(training.Objective, Traits.Unregularised | Traits.GroupIsolated | Traits.CommonOnPolicyGain)
            ?? NoPush(training.Objective)
            ?? (training.Optimizer.TakesVectors && !training.Optimizer.CouplesCoordinates ? null : "an optimizer that moves coordinates by themselves"),
        Expect = training => Requirements.Missing(training.Objective, Traits.SignBlind) is { } missing && !(training.Objective.Advantage.NeverNegative && training.Objective.Kernel is TokenRatio)
            ? Expectation.Refuted($"needs {missing}")
            : Expectation.Holds("Cₜ = g(r)·Σ αA with one gain g at every step"),
        Domain = training => Prefix.Cases(training.Objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch) ?? Certain(batch),
        Measure = TrajectoryGap,
        Why = (_, _, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"within {Steps} inner steps the shared token {worst.Position} of group {worst.Group} comes to be {worst.Measured:G3} nats from where one completion with the group's summed advantage would be"),
    };

    private static string? Certain(RolloutBatch batch)
    {
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            if (group[0].TokenAt(position) is >= 0 and var token && batch[Column.Logp][token] > -1e-9)
                return FormattableString.Invariant($"a shared token could have been another; {batch.PlaceOf(token)} has log-prob {batch[Column.Logp][token]}");
        }

        return null;
    }

    private static string? NoPush(SurrogateObjective objective) =>
        Prefix.Neutrality.Expect(objective).Kind == VerdictKind.Holds ? "a push on shared prefixes (this objective is neutral)" : null;

    // Probed at two gradients with ε = 1, where g/(|g| + ε) is 1/2 and 3/4, or with no ε at all.
    private static bool IsUnitQuotient(Optimizer optimizer)
    {
        if (optimizer.Link<Direction>() is not { } direction)
            return false;
        double epsilon = direction is Guarded { Epsilon: > 0 } ? 1 : 0;
        var probe = direction is Guarded guarded ? guarded with { Epsilon = epsilon } : direction;
        return new double[] { 1, 3 }.All(g => Math.Abs(probe.Apply(probe.Initial(1), [g], [0]).Update[0] - (g / (g + epsilon))) <= Tolerance.Roundings(16));
    }

    private static (double[] Logits, double[] Score) Node(double logp)
    {
        double p = Math.Exp(logp), rest = 1 - p;
        return ([logp, Math.Log(0.75 * rest), Math.Log(0.25 * rest)], [rest, -0.75 * rest, -0.25 * rest]);
    }

    // log π of the shared token, 0; −log(1 + Σ e^(z_v − z₀)) keeps its digits near 0.
    private static double LogP(double[] z)
    {
        double others = Math.Exp(z[1] - z[0]) + Math.Exp(z[2] - z[0]);
        return others < 1e-3 ? -others * (1 - (others * (0.5 - (others * (1.0 / 3 - (others / 4)))))) : -Math.Log(1 + others);
    }

    private static (double Push, double Rounding) Predicted(SurrogateObjective objective, Evaluation evaluation, RolloutGroup group, int position)
    {
        double gain = objective.Kernel.OnPolicyGain ?? 1;
        var (sum, magnitude) = SharedPrefix.WeighedAdvantages(evaluation, group, position);
        return (gain * sum, Tolerance.Summation((2 * group.Count) + 8 + Requirements.RowRoundings(objective, group.Batch), Math.Abs(gain) * magnitude));
    }

    private static Measurement WrongWays(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            var (predicted, rounding) = Predicted(objective, evaluation, group, position);
            // A push that is rounding has the sign of rounding.
            if (Math.Abs(predicted) <= 2 * rounding)
                continue;
            double push = SharedPrefix.Push(evaluation, group, position).Sum;
            var (logits, score) = Node(batch[Column.Logp][group[0].TokenAt(position)]);
            double last = LogP(logits);
            int wrong = 0;
            foreach (double size in new[] { 1e-3, 1e-2, 0.1, 1, 10, 100 })
            {
                double step = Math.Sign(push) * size;
                double next = LogP([.. logits.Select((z, v) => z + (step * score[v]))]);
                wrong += Math.Sign(next - last) == Math.Sign(predicted) || (next == 0 && last == 0) ? 0 : 1;
                last = next;
            }

            worst = worst.Worst(new(wrong, 0, group.Index, position));
        }

        return worst;
    }

    private static Measurement AmplificationGap(Training training, RolloutBatch batch)
    {
        var (objective, optimizer) = training;
        var evaluation = objective.Evaluate(batch);
        double epsilon = optimizer.Link<Direction>() is Guarded guarded ? guarded.Epsilon : 0;
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            var (predicted, rounding) = Predicted(objective, evaluation, group, position);
            double push = SharedPrefix.Push(evaluation, group, position).Sum;
            var (logits, score) = Node(batch[Column.Logp][group[0].TokenAt(position)]);
            double[] gradient = [.. score.Select(h => -push * h)];
            var step = optimizer.Step(optimizer.Initial(3), logits, gradient);
            double norm = Math.Sqrt(gradient.Sum(g => g * g));
            double shrink = optimizer.Clip is { } clip ? Math.Min(1, clip.MaxNorm / (norm + clip.Delta)) : 1;
            for (int v = 0; v < 3; v++)
            {
                double c = shrink * predicted, h = Math.Abs(score[v]), divisor = Math.Abs(c) + (epsilon / h);
                double expected = optimizer.LearningRate * (divisor == 0 ? 0 : Math.Sign(score[v]) * c / divisor);
                double update = step.Update[v] + (optimizer.LearningRate * optimizer.DecoupledDecay * logits[v]);
                // ∂(C/(|C| + ε/h))/∂C is at most h/ε; and whatever C is, both are at most 1.
                double slack = Math.Min(2, 2 * shrink * rounding / Math.Max(divisor - (2 * shrink * rounding), 0));
                double bound = (optimizer.LearningRate * slack) + Tolerance.Summation(32, optimizer.LearningRate * (1 + (optimizer.DecoupledDecay * Math.Abs(logits[v]))));
                worst = worst.Worst(new(Math.Abs(update - expected), bound, group.Index, position));
            }
        }

        return worst;
    }

    private static Measurement TrajectoryGap(Training training, RolloutBatch batch)
    {
        var evaluation = training.Objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            var (push, rounding) = Predicted(training.Objective, evaluation, group, position);
            double gain = training.Objective.Kernel.OnPolicyGain ?? 1, sum = push / gain;
            double error = Requirements.AdvantageRounding(training.Objective, batch, evaluation, group.Index) * Enumerable.Range(0, group.Count).Sum(k => Math.Abs(evaluation.Weights[group[k].TokenAt(position)]));
            // A push that is rounding goes anywhere; and what a node of probability near 1 moves cannot be told from rounding.
            double relative = (rounding + error) / Math.Abs(push);
            if (!(relative < 1e-9) || batch[Column.Logp][group[0].TokenAt(position)] > -0.02)
                continue;
            int[] tokens = [.. Enumerable.Range(0, group.Count).Select(k => group[k].TokenAt(position))];
            var single = RolloutBatch.Of([[Alone(batch, tokens[0])]]);
            double start = batch[Column.Logp][tokens[0]];
            if (Paced(training.Optimizer, push, start) is not { } optimizer)
                continue;
            // Weights and advantages stay as they are over the inner steps, as the hypotheses have it.
            var held = training.Objective with { Rewards = new NoRewards(), Advantage = new GivenAdvantages(evaluation.Advantages), Weight = new GivenWeights(evaluation.Weights), Correction = TokenWeight.One };
            double[] full = Run(logp => held.Evaluate(With(batch, tokens, logp)).Coefficients.Where((_, t) => tokens.Contains(t)).Sum());
            double[] reduced = Run(logp => Reduced(logp, sum)), near = Run(logp => Reduced(logp, sum), relative + Tolerance.Roundings(64));
            for (int k = 0; k < Steps; k++)
            {
                // How rounding of each gradient moves the run, eight times over for the patterns of signs that are not tried.
                double bound = (8 * Math.Abs(near[k] - reduced[k])) + Tolerance.Summation(64 * Steps, 1 + Math.Abs(reduced[k]) + Math.Abs(start));
                worst = worst.Worst(new(Math.Abs(full[k] - reduced[k]), bound, group.Index, position));
            }

            double Reduced(double logp, double advantage) =>
                (training.Objective with { Rewards = new NoRewards(), Advantage = new GivenAdvantages([advantage]), Weight = TokenWeight.One, Correction = TokenWeight.One })
                    .Evaluate(With(single, [0], logp)).Coefficients[0];

            double[] Run(Func<double, double> coefficient, double perturbation = 0)
            {
                var (z, _) = Node(start);
                var state = optimizer.Initial(3);
                double logp = start;
                var path = new double[Steps];
                for (int k = 0; k < Steps; k++)
                {
                    double c = coefficient(logp) * (1 + (k % 2 == 0 ? perturbation : -perturbation)), p = Math.Exp(logp);
                    double others = Math.Exp(z[1]) + Math.Exp(z[2]), rest = 1 - p;
                    double[] gradient = [-c * rest, c * rest * Math.Exp(z[1]) / others, c * rest * Math.Exp(z[2]) / others];
                    if (!gradient.All(double.IsFinite))
                        throw InvalidInputException.Because($"A gradient leaves float64 within {Steps} inner steps.");
                    var step = optimizer.Step(state, z, gradient);
                    (state, z) = (step.State, step.Theta);
                    path[k] = logp = LogP(z);
                }

                return path;
            }
        }

        return worst;
    }

    // A rate at which the first step moves a logit by a tenth: fast enough to be seen, and to leave a clip region.
    private static Optimizer? Paced(Optimizer optimizer, double push, double logp)
    {
        var (logits, score) = Node(logp);
        double first = optimizer.Step(optimizer.Initial(3), logits, [.. score.Select(h => -push * h)]).Update.Max(Math.Abs);
        // Nothing, or all at once, is no pace.
        if (!(first > 0) || !double.IsFinite(first) || !double.IsFinite(optimizer.LearningRate * 0.1 / first))
            return null;
        var rate = new ScaleByLearningRate(optimizer.LearningRate * 0.1 / first);
        return optimizer with { Chain = [.. optimizer.Chain.Select(link => link is ScaleByLearningRate ? rate : link)] };
    }

    private static RolloutBatch With(RolloutBatch batch, int[] tokens, double logp)
    {
        double[] column = batch[Column.Logp].ToArray();
        foreach (int token in tokens)
            column[token] = logp;
        return batch.With(Column.Logp, column);
    }

    private static Rollout Alone(RolloutBatch batch, int token) => Columns.All.Where(batch.Has).Aggregate(
        new Rollout { Reward = 0, Logps = [0], OldLogps = [0], Tokens = [0] },
        (row, column) => row.With(column, [batch[column][token]]));
}
