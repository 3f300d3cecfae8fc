using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;
using GroupRL.Trainer;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>The training loop.</summary>
public class TrainingTests
{
    public static TheoryData<string> Objectives => [.. Catalogue.All.Select(entry => entry.Id)];

    public static TheoryData<string> Optimizers => [.. OptimizerCatalogue.All.Select(optimizer => optimizer.Id)];

    [Theory]
    [MemberData(nameof(Objectives))]
    public void Every_objective_of_the_catalogue_climbs_itself(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        var task = new SumTask();
        var run = Run(task, "log-linear", objective, OptimizerCatalogue.Sgd.With(0.05)) with { InnerSteps = 2 };
        InnerStep? last = null;
        IReadOnlyList<Sequence> sequences = [];
        for (int step = 0; step < 3 && (last is null || last.Gradient.All(g => g == 0)); step++)
        {
            var state = run.Initial() with { Theta = PolicyTests.Waves(run.Policy.Parameters, 0.37 + step), Step = step };
            sequences = run.Step(state, taken => last = taken).Sequences;
        }

        // Along its gradient J grows at the rate ‖∇J‖², everything frozen as it was; a kink in a token's term would show at one of the steps alone.
        double square = last!.Gradient.Sum(g => g * g);
        Assert.True(square > 0, $"{id} has no gradient on three batches");
        double[] errors = [.. new[] { 1e-4, 1e-5, 1e-6 }.Select(size =>
            Math.Abs(((Value(size) - Value(-size)) / (2 * size)) - square) / square)];
        Assert.True(errors.Min() < 1e-5, $"{id}: relative errors {string.Join(", ", errors)}");

        double Value(double size)
        {
            using var pass = run.Policy.Forward([.. last.Theta.Zip(last.Gradient, (theta, g) => theta + (size * g))], sequences);
            var pi = new TokenDistributions(pass.Logits, task.Vocabulary);
            double[] logp = [.. sequences.SelectMany(sequence => sequence.Tokens).Select((token, k) => pi.LogPi(k)[token])];
            double value = objective.Evaluate(last.Batch, logp, new double[logp.Length], new Workspace());
            // The value is that of an entropy as the batch has it, which does not move with ℓ.
            return value + (last.Evaluation.EntropyCoefficients?.Select((h, k) => h * (pi.Entropy(k) - last.Batch[Column.Entropy][k])).Sum() ?? 0);
        }
    }

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Every_optimizer_of_the_catalogue_trains_and_its_state_is_stored_to_the_bit(string id)
    {
        var run = Run(new SumTask(), "log-linear", Catalogue.Grpo, OptimizerCatalogue.TryFind(id)!);
        var settings = new Dictionary<string, string> { ["optimizer"] = id };
        var (straight, stored) = (run.Initial(), run.Initial());
        for (int step = 0; step < 6; step++)
        {
            straight = run.Step(straight).State;
            stored = Checkpoint.Read(new Checkpoint(settings, 0, run.Step(stored).State).ToText()).State;
        }

        Assert.Contains(straight.Theta, theta => theta != 0);
        Assert.Equal(straight.Theta, stored.Theta);
        Assert.Equal(new Checkpoint(settings, 0, straight).ToText(), new Checkpoint(settings, 0, stored).ToText());
    }

    [Theory]
    [InlineData("tree", "sum")]
    [InlineData("log-linear", "sum")]
    [InlineData("tree", "majority")]
    [InlineData("log-linear", "majority")]
    public void A_run_learns_its_task(string policy, string task)
    {
        var run = Run(VerifiableTask.Of(task), policy, Catalogue.DrGrpo, OptimizerCatalogue.Adam.With(0.05));
        MustLearn(run, steps: 120, atLeast: 0.3);
    }

    [Fact]
    public void What_is_sampled_has_the_probabilities_of_the_policy()
    {
        var task = new SumTask();
        var run = Run(task, "tree", Catalogue.Grpo, OptimizerCatalogue.Sgd) with { GroupSize = 500 };
        double[] expected = [.. Enumerable.Range(0, task.Prompts).Select(prompt =>
            TaskTests.Completions(task).Sum(completion => Math.Pow(0.25, completion.Length) * task.Reward(prompt, completion.AsSpan())))];
        double mean = expected.Average(), error = Math.Sqrt(expected.Sum(p => p * (1 - p) / 500)) / task.Prompts;

        Assert.InRange(run.Step(run.Initial()).Metrics.Reward, mean - (4 * error), mean + (4 * error));
    }

    [Fact]
    public void A_group_draws_its_opening_together_and_nothing_else()
    {
        var run = Run(new MajorityTask(), "tree", Catalogue.Grpo, OptimizerCatalogue.Sgd) with { GroupSize = 16 };
        var groups = run.Step(run.Initial()).Sequences.GroupBy(completion => completion.Prompt).ToArray();

        Assert.All(groups, group => Assert.Single(group.Select(completion => completion.Tokens[0]).Distinct()));
        Assert.All(groups, group => Assert.NotEqual(1, group.Select(completion => completion.Tokens[1]).Distinct().Count()));
    }

    [Fact]
    public void Seeds_and_steps_draw_different_batches_and_a_seed_always_the_same()
    {
        var run = Run(new SumTask(), "tree", Catalogue.Grpo, OptimizerCatalogue.Sgd);

        Assert.Equal(Drawn(0, 0), Drawn(0, 0));
        // Seed 1 at step 0 is not seed 0 at step 1.
        Assert.Equal(4, new[] { Drawn(0, 0), Drawn(1, 0), Drawn(0, 1), Drawn(1, 1) }.Distinct().Count());

        string Drawn(ulong seed, int step) => string.Join(' ', (run with { Seed = seed }).Step(run.Initial() with { Step = step }).Sequences.Select(completion => string.Concat(completion.Tokens)));
    }

    [Fact]
    public void A_matrix_optimizer_needs_a_policy_of_one_matrix()
    {
        var task = new SumTask();
        var run = new TrainingRun(task, new Shapeless(TaskPolicies.Of("tree", task)), Catalogue.Grpo, OptimizerCatalogue.Muon);

        Assert.Contains("muon moves matrices", Assert.Throws<InvalidInputException>(run.Initial).Message, StringComparison.Ordinal);
    }

    /// <summary>Asserts that the mean reward of the last ten steps is so much above that of the first ten.</summary>
    internal static void MustLearn(TrainingRun run, int steps, double atLeast)
    {
        var state = run.Initial();
        List<double> rewards = [];
        for (int step = 0; step < steps; step++)
        {
            var next = run.Step(state);
            state = next.State;
            rewards.Add(next.Metrics.Reward);
        }

        double before = rewards.Take(10).Average(), after = rewards.TakeLast(10).Average();
        Assert.True(after > before + atLeast, $"{before} → {after}");
    }

    internal static TrainingRun Run(VerifiableTask task, string policy, SurrogateObjective objective, Optimizer optimizer) =>
        new(task, TaskPolicies.Of(policy, task), objective, optimizer);

    private sealed class Shapeless(IPolicy policy) : IPolicy
    {
        public string Id => policy.Id;

        public int Vocabulary => policy.Vocabulary;

        public int Parameters => policy.Parameters;

        public (int Rows, int Columns)? Matrix => null;

        public double[] Initial(ulong seed) => policy.Initial(seed);

        public IForwardPass Forward(ReadOnlySpan<double> theta, IReadOnlyList<Sequence> sequences) => policy.Forward(theta, sequences);
    }
}
