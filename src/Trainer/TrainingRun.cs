using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;

namespace GroupRL.Trainer;

/// <summary>Where a run is between two steps; with the run's settings it is all that the rest of the run depends on.</summary>
/// <param name="Step">How many batches were trained on.</param>
/// <param name="Theta">θ, shape [d].</param>
/// <param name="Optimizer">What the optimizer remembers.</param>
public sealed record TrainingState(int Step, double[] Theta, OptimizerState Optimizer);

/// <summary>One inner step as it was taken.</summary>
/// <param name="Step">Which batch, from 0.</param>
/// <param name="Inner">Which inner step on it, from 0.</param>
/// <param name="Batch">The batch at the policy before the step: ℓ is current, ℓ° is as it was sampled.</param>
/// <param name="Evaluation">The objective there.</param>
/// <param name="Gradient">∇J, shape [d].</param>
/// <param name="Update">θ′ − θ, shape [d].</param>
/// <param name="Theta">θ before, shape [d].</param>
/// <param name="Memory">What the optimizer remembers after it.</param>
public sealed record InnerStep(
    int Step, int Inner, RolloutBatch Batch, Evaluation Evaluation, double[] Gradient, double[] Update, double[] Theta, OptimizerState Memory);

/// <summary>What became of a batch.</summary>
/// <param name="State">The state for the next one.</param>
/// <param name="Metrics">What was seen.</param>
/// <param name="Sequences">The completions.</param>
/// <param name="Batch">They with their rewards, ℓ as it is after the last inner step.</param>
public sealed record TrainingStep(TrainingState State, StepMetrics Metrics, IReadOnlyList<Sequence> Sequences, RolloutBatch Batch);

/// <summary>
/// A training run: each step samples one group a prompt from the policy (the behaviour policy then), scores it, freezes it, and takes μ inner
/// steps up the objective's gradient ∇J = Σ c·∇ℓ + Σ h·∇H. Everything is a function of settings and state, so that a run that is taken up
/// from a stored state goes on to the same bits.
/// </summary>
/// <param name="Problem">The prompts and their reward.</param>
/// <param name="Policy">The policy; its parameters at the seed are the reference policy, too.</param>
/// <param name="Objective">J.</param>
/// <param name="Optimizer">What steps on −∇J.</param>
public sealed record TrainingRun(VerifiableTask Problem, IPolicy Policy, SurrogateObjective Objective, Optimizer Optimizer)
{
    /// <summary>G ≥ 1, the completions of a group.</summary>
    public int GroupSize { get; init => field = AtLeastOne(value, "A group", "completion"); } = 8;

    /// <summary>μ ≥ 1, the steps that are taken on a batch.</summary>
    public int InnerSteps { get; init => field = AtLeastOne(value, "A batch", "inner step"); } = 1;

    /// <summary>What everything random comes from.</summary>
    public ulong Seed { get; init; }

    /// <summary>a &gt; 0, the factor on all rewards.</summary>
    public double RewardScale { get; init => field = Positive(value); } = 1;

    /// <summary>The state before the first step.</summary>
    /// <exception cref="InvalidInputException">The optimizer's parameters are matrices, the policy's are not.</exception>
    public TrainingState Initial()
    {
        if (!Optimizer.TakesVectors && Policy.Matrix is null)
            throw InvalidInputException.Because($"{Optimizer.Id} moves matrices, and the parameters of a {Policy.Id} policy are no single one.");
        var shape = Policy.Matrix is var (rows, columns) ? ParameterShape.Matrix(rows, columns) : ParameterShape.Vector(Policy.Parameters);
        return new(0, Policy.Initial(Seed), Optimizer.Initial(shape));
    }

    /// <summary>Trains on one batch.</summary>
    /// <param name="state">Where the run is.</param>
    /// <param name="observe">Is told of every inner step.</param>
    /// <exception cref="InvalidInputException">The objective refuses the batch, or a number leaves float64.</exception>
    public TrainingStep Step(TrainingState state, Action<InnerStep>? observe = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        var sampler = new Sampler(Problem, Policy, GroupSize, Seed);
        var samples = sampler.Draw(state.Theta, state.Step);
        var (theta, memory) = (state.Theta, state.Optimizer);
        RolloutBatch? batch = null;
        InnerStep? first = null;
        for (int inner = 0; inner < InnerSteps; inner++)
        {
            using var pass = Policy.Forward(theta, samples.Sequences);
            var pi = new TokenDistributions(pass.Logits, Problem.Vocabulary);
            batch = batch is null ? Score(sampler, state, samples, pi) : At(batch, pi);
            var evaluation = Objective.Evaluate(batch);
            double[] gradient = pass.PullBack(Slopes(batch, pi, evaluation));
            var next = Stepped(memory, theta, gradient);
            var taken = new InnerStep(state.Step, inner, batch, evaluation, gradient, next.Update, theta, next.State);
            first ??= taken;
            observe?.Invoke(taken);
            (memory, theta) = (next.State, next.Theta);
        }

        using var last = Policy.Forward(theta, samples.Sequences);
        batch = At(batch!, new(last.Logits, Problem.Vocabulary));
        return new(new(state.Step + 1, theta, memory), StepMetrics.Of(this, first!, batch, theta), samples.Sequences, batch);
    }

    /// <summary>The gradient ∇J on a batch of sequences at θ: what <see cref="Step"/> climbs.</summary>
    internal double[] Gradient(ReadOnlySpan<double> theta, IReadOnlyList<Sequence> sequences, RolloutBatch batch)
    {
        using var pass = Policy.Forward(theta, sequences);
        var pi = new TokenDistributions(pass.Logits, Problem.Vocabulary);
        var current = At(batch, pi);
        return pass.PullBack(Slopes(current, pi, Objective.Evaluate(current)));
    }

    private OptimizerStep Stepped(OptimizerState memory, double[] theta, double[] gradient)
    {
        try
        {
            return Optimizer.Step(memory, theta, [.. gradient.Select(g => 0 - g)]);
        }
        catch (ArithmeticException overflow)
        {
            throw new InvalidInputException(overflow.Message, overflow);
        }
    }

    private RolloutBatch Score(Sampler sampler, TrainingState state, Samples samples, TokenDistributions pi)
    {
        var reads = Objective.Reads;
        double[] reference = reads.Contains(Column.RefLogp) ? LogProbs(Policy.Initial(Seed), samples.Sequences) : [];
        double[]? greedy = Objective.Advantage.ReadsGreedyReward
            ? [.. sampler.Greedy(state.Theta).Sequences.Select(completion => RewardScale * Problem.Reward(completion.Prompt, completion.Tokens.AsSpan()))]
            : null;
        var groups = new List<List<Rollout>>();
        int token = 0;
        foreach (var (row, (prompt, tokens)) in samples.Sequences.Index())
        {
            if (row % GroupSize == 0)
                groups.Add([]);
            int start = token;
            double[] logp = Column_(t => pi.LogPi(start + t)[tokens[t]]);
            var rollout = new Rollout
            {
                Rewards = Rewards(prompt, tokens.AsSpan()),
                Logps = logp,
                OldLogps = logp,
                Tokens = [.. tokens],
                GreedyReward = greedy?[prompt],
            };
            groups[^1].Add(reads.Where(column => column is not (Column.Logp or Column.OldLogp)).Aggregate(rollout, (with, column) => with.With(column, column switch
            {
                Column.RefLogp => reference[start..(start + tokens.Length)],
                Column.RolloutLogp => samples.LogProbs[row],
                Column.Entropy => Column_(t => pi.Entropy(start + t)),
                Column.SumPiSquared => Column_(t => pi.SumPiSquared(start + t)),
                Column.Random => Column_(t => sampler.Uniform(state.Step, row, t, 1)),
                // There is no critic, and no token earns anything by itself.
                Column.Value or Column.TokenReward => new double[tokens.Length],
                _ => throw new InvalidOperationException($"No run makes the column {column}."),
            })));
            token += tokens.Length;

            double[] Column_(Func<int, double> value) => [.. Enumerable.Range(0, tokens.Length).Select(value)];
        }

        return RolloutBatch.Of(groups);
    }

    // The first is the task's; others, which objectives of several rewards ask for, are 1 for a completion that ended by itself.
    private double?[] Rewards(int prompt, ReadOnlySpan<int> tokens)
    {
        double ended = RewardScale * (tokens[^1] == Problem.End ? 1 : 0);
        return [RewardScale * Problem.Reward(prompt, tokens), .. Enumerable.Repeat((double?)ended, (Objective.Rewards.Count ?? 2) - 1)];
    }

    private double[] LogProbs(ReadOnlySpan<double> theta, IReadOnlyList<Sequence> sequences)
    {
        using var pass = Policy.Forward(theta, sequences);
        var pi = new TokenDistributions(pass.Logits, Problem.Vocabulary);
        return [.. sequences.SelectMany(sequence => sequence.Tokens).Select((token, k) => pi.LogPi(k)[token])];
    }

    private static RolloutBatch At(RolloutBatch batch, TokenDistributions pi)
    {
        var current = batch.With(Column.Logp, [.. Tokens(batch).Select((token, k) => pi.LogPi(k)[token])]);
        if (batch.Has(Column.Entropy))
            current = current.With(Column.Entropy, [.. Enumerable.Range(0, batch.Tokens).Select(pi.Entropy)]);
        return batch.Has(Column.SumPiSquared) ? current.With(Column.SumPiSquared, [.. Enumerable.Range(0, batch.Tokens).Select(pi.SumPiSquared)]) : current;
    }

    private static double[] Slopes(RolloutBatch batch, TokenDistributions pi, Evaluation evaluation)
    {
        int vocabulary = pi.LogPi(0).Length;
        var slopes = new double[batch.Tokens * vocabulary];
        foreach (var (k, token) in Tokens(batch).Index())
            pi.AddSlopes(k, token, evaluation.Coefficients[k], evaluation.EntropyCoefficients?[k] ?? 0, slopes.AsSpan(k * vocabulary, vocabulary));
        return slopes;
    }

    // Every token is trained on, so that ids are in the order of columns.
    private static IEnumerable<int> Tokens(RolloutBatch batch) => Enumerable.Range(0, batch.Rows).SelectMany(row => batch.Ids(row).ToArray());

    private static int AtLeastOne(int value, string what, string of) => value >= 1
        ? value
        : throw InvalidInputException.Because($"{what} needs at least 1 {of}; got {value}.");

    private static double Positive(double value) => value > 0 && double.IsFinite(value)
        ? value
        : throw InvalidInputException.Because($"A reward scale must be a finite number > 0; got {value}.");
}
