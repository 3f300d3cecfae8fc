using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;
using OptimizerClaim = GroupRL.Claims.Claim<GroupRL.Optimizers.Optimizer, GroupRL.Checking.GradientHistory>;
using TrainingClaim = GroupRL.Claims.Claim<GroupRL.Claims.Training, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>Family O, overshoot: what an optimizer does after the gradient has stopped. arXiv:2601.05002, appendix D.1–D.2.</summary>
public static class Overshoot
{
    private const string Paper = "arXiv:2601.05002, appendix D";
    private const int TailSteps = 12;
    private const int StepsBeyond = 20;

    /// <summary>After the last gradient, updates shrink by a closed form.</summary>
    public static OptimizerClaim MomentumTail { get; } = new()
    {
        Id = "momentum-tail",
        Family = Family.Overshoot,
        Statement = "If gradients are exactly zero after step T, then u_{T+k} = 0 without memory, μᵏ·b_T with momentum (Nesterov: μᵏ⁺¹·b_T), for ever sign(m_T) for Lion and Signum and the same matrix for Muon, and for Adam u_{T+k}/u_T = β₁ᵏ(1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ) · D(v_T, T)/D(v_{T+k}, T+k), D the denominator; at ε = 0 that is (β₁/√β₂)ᵏ times bias corrections. Every other optimizer has its own closed form.",
        Hypotheses = ["gradients are exactly zero after step T", "decoupled decay set aside"],
        Source = Paper + "; the form with ε derived here",
        Quantity = "|u_{T+k} − closed form|",
        Missing = optimizer => optimizer.CoupledDecay > 0 ? "gradients without a decay term (it never is zero)" : NoTail(optimizer),
        Expect = _ => Expectation.Holds("the recurrences in closed form"),
        Domain = Scale.Histories,
        Measure = TailGap,
        Why = (_, _, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"{worst.Position} steps after the last gradient the update is off its closed form by {worst.Measured:G3}"),
    };

    /// <summary>A clipped token keeps rising.</summary>
    public static TrainingClaim Strict { get; } = new()
    {
        Id = "overshoot-strict",
        Family = Family.Overshoot,
        Statement = "A token of positive advantage, alone at its node of a tabular policy, trained from a fresh state without decay: once its ratio has left the clip region, its probability still rises on every further inner step.",
        Hypotheses = ["β = 0", "tabular softmax policy", "fresh optimizer state", "a token of positive advantage alone at its node", "its ratio leaves the clip region"],
        Source = Paper,
        Quantity = "steps, of 20 beyond the region, on which the token did not rise",
        Missing = training => Requirements.Missing(training.Objective, Traits.Unregularised | Traits.HardClip)
            ?? Requirements.ShortReach(training.Objective)
            ?? (training.Objective.Kernel.Region is null ? "one clip region for all tokens" : null)
            ?? (training.Optimizer.TakesVectors ? null : "an optimizer of vectors (this one's parameters are matrices)")
            ?? (training.Objective.Correction.Reads.Contains(Column.Random) ? "weights that no random choice takes away" : null)
            ?? NoTail(training.Optimizer)
            ?? (training.Optimizer.CoupledDecay + training.Optimizer.DecoupledDecay > 0 ? "an optimizer without weight decay" : null),
        Expect = training => Outlives(training.Optimizer)
            ? Expectation.Holds("the first moment outlives the gradient")
            : Expectation.Refuted("an optimizer without memory stops with its gradient"),
        Domain = training => new OvershootDomain(training),
        Outside = (training, batch) => OvershootRun.TryStart(training, batch, out string? broken) is null ? broken : null,
        Measure = (training, batch) => OvershootRun.TryStart(training, batch, out string? broken) is { } run
            ? new(run.StepsNotRisen(StepsBeyond), 0)
            : throw InvalidInputException.Because($"The case is outside the claim's hypotheses: {broken}."),
        Why = (training, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"once the ratio of {batch.PlaceOf(OvershootRun.TryStart(training, batch, out _)!.Watched)} had passed {training.Objective.Kernel.Region!.High:R}, {training.Optimizer.Id} left the token where it was on {worst.Measured} of {StepsBeyond} further steps: it stops with the gradient"),
    };

    /// <summary>The step that crosses the bound lands at most itself beyond it.</summary>
    public static TrainingClaim Crossing { get; } = new()
    {
        Id = "crossing-overshoot",
        Family = Family.Overshoot,
        Statement = "Even without memory the step that crosses the upper bound lands beyond it: by at most itself, r ≤ (1+ε_high)·exp(2‖Δz‖∞) on a tabular softmax, ‖Δz‖∞ the largest logit's step at the token's node, at most η·U(t) where the optimizer's steps are bounded (of a row's ratio: its mean, or sum, over the row's nodes). |Δ log π| ≤ 2‖Δz‖∞ is met as π → 0.",
        Hypotheses = ["β = 0", "tabular softmax policy", "fresh optimizer state", "a token of positive advantage alone at its node", "its ratio leaves the clip region"],
        Source = Paper + "; derived here",
        Quantity = "log r − log(1+ε_high) after the step that crosses",
        Missing = training => Strict.Missing(training),
        Expect = _ => Expectation.Holds("a softmax moves no log-prob by more than twice the largest logit's step"),
        Domain = training => new OvershootDomain(training),
        Outside = (training, batch) => OvershootRun.TryStart(training, batch, out string? broken) is null ? broken : null,
        Measure = (training, batch) => OvershootRun.TryStart(training, batch, out string? broken) is { } run
            ? new(run.Beyond, run.CrossingBound)
            : throw InvalidInputException.Because($"The case is outside the claim's hypotheses: {broken}."),
        Why = (_, _, worst) => string.Create(
            CultureInfo.InvariantCulture, $"the crossing step took the log-ratio {worst.Measured:G4} beyond the bound, further than the {worst.Bound:G4} that its logits allow"),
        Worst = new(
            training => new[] { 1e-2, 1e-4, 1e-6, 1e-8 }.Select(p => OvershootDomain.Rare(training, p)),
            (training, _, draw) => OvershootDomain.Rare(training, draw.LogReal(1e-9, 0.1))),
    };

    private static string? NoTail(Optimizer optimizer) =>
        optimizer.Link<Direction>()?.Tails([[1]], optimizer.TakesVectors ? ParameterShape.Vector(1) : ParameterShape.Matrix(1, 1), 1) is null
            && optimizer.Link<Direction>() is not null ? "a tail known in closed form" : null;

    // What one gradient of 1 leaves behind has its sign at every step that is watched.
    private static bool Outlives(Optimizer optimizer) =>
        optimizer.Link<Direction>() is { } direction && Enumerable.Range(1, StepsBeyond).All(k => direction.Tail([1], k) is { Value: > 0 });

    private static Measurement TailGap(Optimizer optimizer, GradientHistory history)
    {
        var gradients = Effective(optimizer, history);
        var state = optimizer.Initial(history.Shape);
        var direction = optimizer.Link<Direction>();
        double[] theta = [.. history.Theta], zero = new double[history.Dimension];
        foreach (var gradient in history.Gradients)
            Advance(gradient.AsSpan(), out _);
        var worst = new Measurement(0, 0);
        for (int k = 1; k <= TailSteps; k++)
        {
            double[] before = theta;
            Advance(zero, out double[] update);
            var tails = direction?.Tails(gradients, history.Shape, k);
            for (int j = 0; j < history.Dimension; j++)
            {
                var predicted = tails?[j] ?? ClosedForm.Zero;
                double bound = Tolerance.Summation(predicted.Roundings, predicted.Magnitude);
                // Taking the decay out of the update again costs the rounding of their sum.
                double decay = optimizer.DecoupledDecay * Math.Abs(before[j]);
                worst = worst.Worst(new(Math.Abs(update[j] - predicted.Value), bound + Tolerance.Summation(8, decay + Math.Abs(update[j])), 0, k));
            }
        }

        return worst;

        void Advance(ReadOnlySpan<double> gradient, out double[] update)
        {
            var step = optimizer.Step(state, theta, gradient);
            (update, double[] before) = ([.. step.Update], theta);
            for (int j = 0; j < update.Length; j++)
                update[j] = (step.Update[j] / -optimizer.LearningRate) - (optimizer.DecoupledDecay * before[j]);
            (state, theta) = (step.State, step.Theta);
        }
    }

    /// <summary>The gradients that reach the moments, shape [d, T]: clipped where the chain clips.</summary>
    internal static double[][] Effective(Optimizer optimizer, GradientHistory history)
    {
        var columns = Enumerable.Range(0, history.Dimension).Select(_ => new double[history.Steps]).ToArray();
        for (int t = 0; t < history.Steps; t++)
        {
            double norm = Math.Sqrt(history.Gradients[t].Sum(g => g * g));
            double shrink = optimizer.Clip is { } clip ? Math.Min(1, clip.MaxNorm / (norm + clip.Delta)) : 1;
            for (int j = 0; j < history.Dimension; j++)
                columns[j][t] = history.Gradients[t][j] * shrink;
        }

        return columns;
    }
}

/// <summary>
/// Inner steps on one batch until a watched token's ratio has left the clip region: the behaviour log-probs stay, the current ones are
/// the policy's, the optimizer starts fresh.
/// </summary>
internal sealed class OvershootRun
{
    private const int StepsToLeave = 50;

    // Log-probs of size up to 10 round by 1e−15 each, in logits, normalisers and differences.
    private const double RatioRounding = 1e-13;

    private readonly Training _training;
    private readonly PrefixTreePolicy _policy;
    private readonly Workspace _workspace = new();
    private RolloutBatch _batch;
    private OptimizerState _state;
    private double[] _logits;
    private double[] _lastUpdate = [];
    private int _steps;

    private OvershootRun(Training training, RolloutBatch batch, PrefixTreePolicy policy, double[] logits, int watched, int row)
    {
        (_training, _batch, _policy, _logits, Watched, Row) = (training, batch, policy, logits, watched, row);
        _state = training.Optimizer.Initial(policy.Parameters);
    }

    /// <summary>log r − log(1+ε_high) after the last step.</summary>
    public double Beyond => LogRatio() - Math.Log(_training.Objective.Kernel.Region!.High);

    /// <summary>
    /// What the last step can have done to the ratio: twice the largest logit's step at each node that it reads, which is at most what the
    /// optimizer promises of any step, averaged as it is, and what rounds beside it.
    /// </summary>
    public double CrossingBound
    {
        get
        {
            double longest = _training.Optimizer.Link<Direction>()?.Bound(_steps) * _training.Optimizer.LearningRate ?? double.PositiveInfinity;
            var (start, length) = _batch.Row(Row).GetOffsetAndLength(_batch.Tokens);
            double bound = _training.Objective.Kernel.Ratio switch
            {
                RatioLevel.Token => Step(Watched),
                RatioLevel.SequenceMean => Enumerable.Range(start, length).Sum(Step) / length,
                _ => Enumerable.Range(start, length).Sum(Step),
            };
            return (2 * bound) + RatioRounding;

            double Step(int token) => Math.Min(longest, Enumerable.Range(_policy.NodeOf(token) * _policy.Vocabulary, _policy.Vocabulary).Max(v => Math.Abs(_lastUpdate[v])));
        }
    }

    /// <summary>The token of positive advantage that is alone at its node, as an index into a column.</summary>
    public int Watched { get; }

    /// <summary>Its row.</summary>
    public int Row { get; }

    /// <summary>A run in which the watched token has just left the region, or null and the hypothesis that fails.</summary>
    public static OvershootRun? TryStart(Training training, RolloutBatch batch, out string? broken)
    {
        if (!TryPrepare(training, batch, out var run, out broken))
            return null;
        for (int step = 0; step < StepsToLeave; step++)
        {
            if (run.LogRatio() > Math.Log(training.Objective.Kernel.Region!.High) + RatioRounding)
                return run;
            run.Step();
        }

        broken = FormattableString.Invariant($"the token's ratio leaves the clip region within {StepsToLeave} steps; it did not");
        return null;
    }

    /// <summary>The step of the log-ratio that the first inner step makes; what a domain needs to place a case just inside.</summary>
    public static double FirstRise(Training training, RolloutBatch batch)
    {
        if (!TryPrepare(training, batch, out var run, out string? broken))
            throw InvalidInputException.Because($"An overshoot cannot start: {broken}.");
        double before = run.LogRatio();
        run.Step();
        double rise = run.LogRatio() - before;
        return rise > RatioRounding
            ? rise
            : throw InvalidInputException.Because($"An overshoot cannot start: the first step moves the log-ratio by {rise}, which is rounding.");
    }

    /// <summary>On how many of the next <paramref name="steps"/> inner steps the watched token's log-prob did not rise.</summary>
    public int StepsNotRisen(int steps)
    {
        int count = 0;
        for (int k = 0; k < steps; k++)
        {
            double before = _batch[Column.Logp][Watched];
            Step();
            // A rise below the last place of log π is seen in the logits: the token's own rises, and no other of its node as much.
            count += _batch[Column.Logp][Watched] > before || LeadsItsNode() ? 0 : 1;
        }

        return count;
    }

    private bool LeadsItsNode()
    {
        int first = _policy.NodeOf(Watched) * _policy.Vocabulary, own = first + _batch.Ids(Row)[_batch.Positions(Row)[Watched - _batch.Row(Row).Start.Value]];
        return Enumerable.Range(first, _policy.Vocabulary).All(v => v == own ? _lastUpdate[v] > 0 : _lastUpdate[v] < _lastUpdate[own]);
    }

    private static bool TryPrepare(Training training, RolloutBatch batch, out OvershootRun run, out string? broken)
    {
        run = null!;
        broken = Requirements.SingleCompletion(batch);
        if (broken is not null)
            return false;
        var policy = PrefixTreePolicy.Spanning(batch);
        var evaluation = training.Objective.Evaluate(batch);
        var visits = Enumerable.Range(0, batch.Tokens).CountBy(policy.NodeOf).ToDictionary();
        for (int i = 0; i < batch.Rows; i++)
        {
            for (int token = batch.Row(i).Start.Value; token < batch.Row(i).End.Value; token++)
            {
                if (evaluation.Advantages[token] <= 0 || evaluation.Coefficients[token] <= 0 || visits[policy.NodeOf(token)] != 1)
                    continue;
                try
                {
                    run = new(training, batch, policy, policy.Logits(batch[Column.Logp]), token, i);
                }
                catch (InvalidInputException impossible)
                {
                    broken = $"the log-probs are a tabular policy's: {impossible.Message.TrimEnd('.')}";
                    return false;
                }

                if (run.LogRatio() <= Math.Log(training.Objective.Kernel.Region!.High))
                    return true;
                broken = FormattableString.Invariant($"the token starts inside the clip region; {batch.PlaceOf(token)} starts beyond it");
                return false;
            }
        }

        broken = "some token of positive advantage and coefficient is alone at its node; none is";
        return false;
    }

    private void Step()
    {
        var coefficients = new double[_batch.Tokens];
        _training.Objective.Evaluate(_batch, _batch[Column.Logp], coefficients, _workspace);
        var gradient = new double[_policy.Parameters];
        _policy.Gradient(_logits, coefficients, gradient);
        for (int j = 0; j < gradient.Length; j++)
            gradient[j] = -gradient[j];
        var step = Stepped(gradient);
        (_state, _logits, _lastUpdate, _steps) = (step.State, step.Theta, step.Update, _steps + 1);
        var logp = new double[_batch.Tokens];
        _policy.LogProbs(_logits, logp);
        _batch = _batch.With(Column.Logp, logp);
    }

    private OptimizerStep Stepped(double[] gradient)
    {
        try
        {
            return _training.Optimizer.Step(_state, _logits, gradient);
        }
        catch (ArithmeticException overflow)
        {
            throw new InvalidInputException(overflow.Message, overflow);
        }
    }

    // Of the ratio that the kernel clips.
    private double LogRatio()
    {
        var (start, length) = _batch.Row(Row).GetOffsetAndLength(_batch.Tokens);
        var logp = _batch[Column.Logp];
        var old = _batch[Column.OldLogp];
        if (_training.Objective.Kernel.Ratio == RatioLevel.Token)
            return logp[Watched] - old[Watched];
        double sum = 0;
        for (int t = start; t < start + length; t++)
            sum += logp[t] - old[t];
        return _training.Objective.Kernel.Ratio == RatioLevel.SequenceMean ? sum / length : sum;
    }
}

/// <summary>
/// One prompt whose completions part at the first token; the first one is right and a few steps inside the clip region.
/// </summary>
internal sealed record OvershootDomain(Training Training) : Domain<RolloutBatch>
{
    /// <summary>A right completion whose second token, of probability <paramref name="probability"/>, takes it to the upper bound, and a wrong one of one token.</summary>
    public static RolloutBatch Rare(Training training, double probability)
    {
        // As near to the bound as it goes without having left: all of the next step is beyond it.
        double bound = Math.Log(training.Objective.Kernel.Region!.High) * (1 - 1e-12), rare = Math.Log(probability);
        double total = training.Objective.Kernel.Ratio == RatioLevel.SequenceMean ? 2 * bound : bound;
        return RolloutBatch.Of([[Row([0, 1], 1, [rare, rare], [0, total]), Row([1], 0, [Math.Log(1 - probability)], [0])]]);

        Rollout Row(int[] ids, double reward, double[] logps, double[] logRatios) => Requirements.Completed(training.Objective, new()
        {
            Rewards = [.. Enumerable.Repeat((double?)reward, training.Objective.Rewards.Count ?? 1)],
            Logps = logps,
            OldLogps = [.. logps.Zip(logRatios, (logp, ratio) => logp - ratio)],
            Tokens = ids,
        });
    }

    /// <inheritdoc/>
    public override ImmutableArray<Corner<RolloutBatch>> Corners { get; } =
    [
        new("G = 2", batch => batch.Rows == 2),
        new("V = 3", batch => PrefixTreePolicy.Spanning(batch).Vocabulary == 3),
        new("a long completion", batch => batch.Length(0) > 2),
    ];

    /// <inheritdoc/>
    public override IEnumerable<RolloutBatch> Shrink(RolloutBatch value) => RolloutShrinker.Shrink(value);

    /// <inheritdoc/>
    public override RolloutBatch Build(Draw draw)
    {
        int rows = draw.Whole(2, 4), vocabulary = rows + draw.Whole(1, 3);
        int[] lengths = [draw.Whole(2, 3), .. Enumerable.Range(1, rows - 1).Select(_ => draw.Whole(1, 3))];
        double[][] logps = [.. lengths.Select(length => Enumerable.Range(0, length).Select(t => Math.Log(draw.Real(0.2, 0.9) / (t == 0 ? rows : 1))).ToArray())];
        int[][] ids = [.. lengths.Select((length, k) => Enumerable.Range(0, length).Select(t => t == 0 ? k : draw.Whole(0, vocabulary - 1)).ToArray())];
        ids[0][1] = vocabulary - 1;
        double[] rewards = [1, .. Enumerable.Range(1, rows - 1).Select(_ => draw.Pick(0, 0, 0.5))];

        // A gap of nothing tells how far one step goes; a gap of some such steps then makes the token leave after a few of them.
        // Where steps are as long as the region is wide, half the way to a log-prob of 0 is as far inside as it can start.
        double rise = OvershootRun.FirstRise(Training, At(1e-12));
        return At(Math.Min(rise * draw.Real(0.1, 2.5), Math.Log(Training.Objective.Kernel.Region!.High) - (logps[0].Max() / 2)));

        RolloutBatch At(double gap) => RolloutBatch.Of(
        [
            [.. lengths.Select((length, k) => Completion(k, k == 0 ? Math.Log(Training.Objective.Kernel.Region!.High) - gap : 0))],
        ]);

        Rollout Completion(int k, double logRatio)
        {
            double each = Training.Objective.Kernel.Ratio == RatioLevel.SequenceSum ? logRatio / lengths[k] : logRatio;
            return Requirements.Completed(Training.Objective, new()
            {
                Rewards = [.. Enumerable.Repeat((double?)rewards[k], Training.Objective.Rewards.Count ?? 1)],
                Logps = logps[k],
                OldLogps = [.. logps[k].Select(logp => logp - each)],
                Tokens = ids[k],
            }) with
            { GreedyReward = Training.Objective.Advantage.ReadsGreedyReward ? rewards.Min() : null };
        }
    }
}
