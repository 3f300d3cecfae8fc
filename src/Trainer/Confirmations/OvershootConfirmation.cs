using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;

namespace GroupRL.Trainer;

/// <summary>How far an optimizer took ratios past the clip in so many inner steps.</summary>
/// <param name="Optimizer">The optimizer's name.</param>
/// <param name="InnerSteps">μ.</param>
/// <param name="Outside">The share of tokens whose ratio ends outside of the clip region.</param>
/// <param name="LargestRatio">The largest ratio that a batch ended with.</param>
/// <param name="Stops">How often the gradient at a node stopped before the last inner step; 0 where contexts share parameters.</param>
/// <param name="Tail">The largest Σ |u_{T+k}| / |u_T| of a logit after its node's gradient stopped at T.</param>
/// <param name="PredictedTail">Σ ρ(T, k) of that very logit, from T and the hyperparameters.</param>
/// <param name="TailError">max |Σ |u_{T+k}| / |u_T| − Σ ρ(T, k)| over all logits of stopped nodes.</param>
/// <param name="Unexplained">Of how many logits it is more than an ε beside √v̂ explains.</param>
/// <param name="Rise">|log r(T+K) − log r(T−1)| at the stopped node that comes nearest to its bound, nats.</param>
/// <param name="Bound">Its bound, 2η·(1 + Σ ρ)·U(T) (overshoot-bound); where steps have no bound, 2·(1 + Σ ρ)·‖Δz_T‖∞ (crossing-overshoot).</param>
public sealed record OvershootRow(
    string Optimizer, int InnerSteps, double Outside, double LargestRatio, int Stops, double Tail, double PredictedTail, double TailError, int Unexplained, double Rise, double Bound);

/// <summary>What an optimizer still does on a batch in which all rewards are equal, so that every coefficient is exactly 0.</summary>
/// <param name="Optimizer">The optimizer's name.</param>
/// <param name="Tail">The largest Σ |u_{T+k}| / |u_T| of a parameter over the steps on it.</param>
/// <param name="PredictedTail">Σ ρ(T, k).</param>
/// <param name="TailError">max of their difference over parameters.</param>
/// <param name="Unexplained">Of how many parameters it is more than an ε beside √v̂ explains.</param>
/// <param name="LargestRatio">The largest ratio to the policy before that batch.</param>
public sealed record EqualRewardsRow(string Optimizer, double Tail, double PredictedTail, double TailError, int Unexplained, double LargestRatio);

/// <summary>
/// The third finding of arXiv:2601.05002 in training: momentum takes the policy past the clip region, and by how much. On a tabular policy a
/// node's gradient stops once all of its tokens are clipped; on any policy it stops on a batch of equal rewards.
/// </summary>
/// <param name="Policy">A policy for a task.</param>
public sealed record OvershootConfirmation(Func<VerifiableTask, IPolicy> Policy)
{
    // A parameter that hardly moved when the gradient stopped divides by next to nothing.
    private const double Moved = 1e-3;

    private readonly SumTask _task = new();

    /// <summary>The batches of a run.</summary>
    public int Batches { get; init; } = 20;

    /// <summary>The steps on a batch of equal rewards.</summary>
    public int Further { get; init; } = 50;

    /// <summary>The numbers of inner steps.</summary>
    public ImmutableArray<int> InnerSteps { get; init; } = [1, 2, 4, 8, 16];

    /// <summary>What all η are times.</summary>
    public double RateScale { get; init; } = 1;

    /// <summary>What everything random comes from.</summary>
    public ulong Seed { get; init; }

    /// <summary>The optimizers; the last ones are the cure, which forgets a coordinate whose gradient is zero.</summary>
    public static ImmutableArray<Optimizer> Optimizers { get; } =
    [
        new("sgd", [new ScaleByLearningRate(4)]),
        new("momentum 0.9", [new Momentum(0.9), new ScaleByLearningRate(1)]),
        Adam("adamw 0.9/0.999", new ScaleByAdam()),
        Adam("adamw 0.9/0.95", new ScaleByAdam(Beta2: 0.95)),
        new("lion", [new ScaleByLion(), new ScaleByLearningRate(0.03)]),
        Adam("adamw 0.9/0.999, reset", new ResetWhereGradientStops(new ScaleByAdam())),
        Adam("adamw 0.9/0.95, reset", new ResetWhereGradientStops(new ScaleByAdam(Beta2: 0.95))),
    ];

    /// <summary>The settings, one a row.</summary>
    public ImmutableArray<(Optimizer Optimizer, int InnerSteps)> Settings =>
        [.. from optimizer in Optimizers from inner in InnerSteps select (optimizer, inner)];

    /// <summary>Trains with an optimizer and so many inner steps on each batch.</summary>
    public OvershootRow Run(Optimizer optimizer, int innerSteps)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        optimizer = Scaled(optimizer);
        var run = Of(optimizer, innerSteps);
        var state = run.Initial();
        var row = new OvershootRow(optimizer.Id, innerSteps, 0, 0, 0, 0, 0, 0, 0, 0, double.PositiveInfinity);
        for (int batch = 0; batch < Batches; batch++)
        {
            List<InnerStep> taken = [];
            var step = run.Step(state, taken.Add);
            state = step.State;
            row = row with { Outside = row.Outside + (step.Metrics.Outside / Batches), LargestRatio = Math.Max(row.LargestRatio, step.Metrics.LargestRatio) };
            if (run.Policy is LinearPolicy { Features: PrefixTree } tree)
                row = Stopped(row, optimizer, tree, taken, state.Theta);
        }

        return row;
    }

    /// <summary>Trains with 4 inner steps, then steps on a batch whose rewards are all equal.</summary>
    public EqualRewardsRow OnEqualRewards(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        optimizer = Scaled(optimizer);
        var run = Of(optimizer, innerSteps: 4);
        var state = run.Initial();
        double[] last = [];
        TrainingStep? step = null;
        for (int batch = 0; batch < Batches; batch++)
        {
            step = run.Step(state, taken => last = taken.Update);
            state = step.State;
        }

        var equal = RolloutBatch.Of([.. step!.Batch.ToRollouts().Select(group => group.Select(row => row with { Rewards = [1.0] }).ToArray())]);
        double[] gradient = run.Gradient(state.Theta, step.Sequences, equal), sums = new double[last.Length], theta = state.Theta;
        if (gradient.Any(g => g != 0))
            throw InvalidInputException.Because($"Equal rewards must give no gradient; {optimizer.Id}'s run has {gradient.Max(Math.Abs)}.");
        var memory = state.Optimizer;
        int steps = Batches * 4;
        double predicted = 0;
        for (int k = 1; k <= Further; k++)
        {
            var next = optimizer.Step(memory, theta, gradient);
            (memory, theta) = (next.State, next.Theta);
            predicted += Ratio(optimizer, steps, k);
            for (int j = 0; j < sums.Length; j++)
                sums[j] += Math.Abs(next.Update[j]);
        }

        double largest = last.Max(Math.Abs);
        var tails = sums.Index().Where(sum => Math.Abs(last[sum.Index]) > Moved * largest)
            .Select(sum => (Sum: sum.Item / Math.Abs(last[sum.Index]), Granted: Granted(optimizer, memory, sum.Index, predicted))).ToArray();
        return new(
            // Where the last batch happened to have no gradient, and nothing remembers one, no parameter moved that could go on.
            optimizer.Id, tails.Select(tail => tail.Sum).DefaultIfEmpty().Max(), predicted, tails.Select(tail => Math.Abs(tail.Sum - predicted)).DefaultIfEmpty().Max(),
            tails.Count(tail => Math.Abs(tail.Sum - predicted) > tail.Granted), Math.Exp(LargestMove(run, state.Theta, theta, step)));
    }

    /// <summary>Sets the rows beside what the theory says of them.</summary>
    public static Confirmation<OvershootRow> Judge(IReadOnlyList<OvershootRow> rows, IReadOnlyList<EqualRewardsRow> equal)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(equal);
        var findings = new List<Finding>();
        foreach (var own in rows.GroupBy(row => row.Optimizer))
        {
            var optimizer = Optimizers.First(known => known.Id == own.Key);
            var stopped = own.Where(row => row.Stops > 0).ToArray();
            if (stopped.Length == 0)
                continue;
            var longest = stopped.MaxBy(row => row.Tail)!;
            bool still = Ratio(optimizer, 1, 1) == 0;
            findings.Add(still
                ? new($"{own.Key}: a node whose gradient stops, stops", FormattableString.Invariant($"{stopped.Sum(row => row.Stops)} nodes moved by {longest.Tail:G3} last steps"), longest.Tail == 0)
                : new(
                    FormattableString.Invariant($"{own.Key}: after its gradient a node moves on by Σ ρ(T, k), at most {longest.PredictedTail:G5} last steps here (momentum-tail)"),
                    FormattableString.Invariant($"{longest.Tail:G5}; at {stopped.Sum(row => row.Stops)} nodes off by at most {stopped.Max(row => row.TailError):G2}, by more than an ε beside √v̂ explains at {stopped.Sum(row => row.Unexplained)}"),
                    stopped.All(row => row.Unexplained == 0)));
            var nearest = stopped.MaxBy(row => row.Rise / row.Bound)!;
            findings.Add(new(
                FormattableString.Invariant($"{own.Key}: from its last gradient on a node's log-ratios move by at most {nearest.Bound:G4} where they come nearest to it ({(IsBounded(optimizer) ? "overshoot-bound" : "crossing-overshoot, from the last step's size")})"),
                FormattableString.Invariant($"{nearest.Rise:G4}, {nearest.Rise / nearest.Bound:P0} of it"),
                nearest.Rise <= nearest.Bound * (1 + Rounding)));
        }

        findings.AddRange(equal.Select(row => new Finding(
            FormattableString.Invariant($"{row.Optimizer}: on a batch of equal rewards it moves on by {row.PredictedTail:G5} last steps"),
            FormattableString.Invariant($"{row.Tail:G5}, off by more than an ε beside √v̂ explains at {row.Unexplained} parameters; ratios up to {row.LargestRatio:G5}"),
            row.Unexplained == 0 && (row.PredictedTail > 0 || row.LargestRatio == 1))));
        return new([.. rows], [.. findings]);
    }

    // A few hundred: those of a sum over the tail, and of each of its steps.
    private const double Rounding = 512 * Tolerance.UnitRoundoff;

    private static Optimizer Adam(string id, Direction direction) => new(id, [direction, new ScaleByLearningRate(0.03)]);

    // Lion has no ratio that is one number, but the sizes of its steps are all η.
    private static double Ratio(Optimizer optimizer, int steps, int k) => Tails.Ratio(optimizer, steps, k)
        ?? (optimizer.Link<Direction>() is ScaleByLion ? 1 : throw InvalidInputException.Because($"{optimizer.Id} has no tail that is known from its settings."));

    private Optimizer Scaled(Optimizer optimizer) => optimizer.With(optimizer.LearningRate * RateScale);

    private static bool IsBounded(Optimizer optimizer) => optimizer.Link<Direction>()?.Bound(1) is not null;

    // √v̂ falls from T on, so that u_{T+k}/u_T misses ρ(T, k) by at most the share of ε in the last denominator.
    private static double Granted(Optimizer optimizer, OptimizerState memory, int coordinate, double predicted)
    {
        double share = optimizer.Adam is { } adam && memory.Links.OfType<AdamState>().Single() is var moments
            ? adam.Epsilon / Math.Sqrt(moments.Square[coordinate] / (1 - Math.Pow(adam.Beta2, moments.Step)))
            : 0;
        return predicted * (share + Rounding);
    }

    private TrainingRun Of(Optimizer optimizer, int innerSteps) => new(_task, Policy(_task), Catalogue.Grpo, optimizer) { Seed = Seed, InnerSteps = innerSteps };

    // A node stopped at T where its gradient is exactly zero from inner step T on, and was not before.
    private static OvershootRow Stopped(OvershootRow row, Optimizer optimizer, LinearPolicy tree, List<InnerStep> taken, double[] after)
    {
        int vocabulary = tree.Vocabulary;
        for (int first = 0; first < after.Length; first += vocabulary)
        {
            var node = first..(first + vocabulary);
            int stop = taken.Count;
            while (stop > 0 && !taken[stop - 1].Gradient.AsSpan(node).ContainsAnyExcept(0.0))
                stop--;
            if (stop == 0 || stop == taken.Count)
                continue;
            int steps = (taken[0].Step * taken.Count) + stop, further = taken.Count - stop;
            double[] last = taken[stop - 1].Update[node];
            double predicted = 0, tail = 0, error = 0;
            int unexplained = 0;
            for (int k = 1; k <= further; k++)
                predicted += Ratio(optimizer, steps, k);
            for (int v = 0; v < vocabulary; v++)
            {
                if (Math.Abs(last[v]) <= Moved * optimizer.LearningRate)
                    continue;
                double own = taken.Skip(stop).Sum(step => Math.Abs(step.Update[first + v])) / Math.Abs(last[v]);
                (tail, error) = (Math.Max(tail, own), Math.Max(error, Math.Abs(own - predicted)));
                unexplained += Math.Abs(own - predicted) > Granted(optimizer, taken[^1].Memory, first + v, predicted) ? 1 : 0;
            }

            double rise = Rise(taken[stop - 1].Theta.AsSpan(node), after.AsSpan(node));
            double step = optimizer.Link<Direction>()?.Bound(steps) * optimizer.LearningRate ?? last.Max(Math.Abs), bound = 2 * step * (1 + predicted);
            row = row with
            {
                Stops = row.Stops + 1,
                Tail = Math.Max(row.Tail, tail),
                PredictedTail = tail >= row.Tail ? predicted : row.PredictedTail,
                TailError = Math.Max(row.TailError, error),
                Unexplained = row.Unexplained + unexplained,
                Rise = rise / bound >= row.Rise / row.Bound ? rise : row.Rise,
                Bound = rise / bound >= row.Rise / row.Bound ? bound : row.Bound,
            };
        }

        return row;
    }

    private static double Rise(ReadOnlySpan<double> before, ReadOnlySpan<double> after)
    {
        TokenDistributions old = new(before, before.Length), current = new(after, after.Length);
        double largest = 0;
        for (int v = 0; v < before.Length; v++)
            largest = Math.Max(largest, Math.Abs(current.LogPi(0)[v] - old.LogPi(0)[v]));
        return largest;
    }

    private static double LargestMove(TrainingRun run, double[] before, double[] after, TrainingStep step)
    {
        using var old = run.Policy.Forward(before, step.Sequences);
        using var current = run.Policy.Forward(after, step.Sequences);
        TokenDistributions first = new(old.Logits, run.Policy.Vocabulary), second = new(current.Logits, run.Policy.Vocabulary);
        return step.Sequences.SelectMany(sequence => sequence.Tokens).Select((token, k) => second.LogPi(k)[token] - first.LogPi(k)[token]).Max();
    }
}
