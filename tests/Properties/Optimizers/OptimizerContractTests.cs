using System.Collections.Immutable;
using GroupRL.Optimizers;
using GroupRL.Properties.Golden;
using Xunit;
using static GroupRL.Properties.Optimizers.Trajectory;

namespace GroupRL.Properties.Optimizers;

/// <summary>What every optimizer promises, as a vector and as a matrix, whatever it does.</summary>
public class OptimizerContractTests
{
    private const int Dimension = 6;

    // A dozen operations a step, each within half an ulp.
    private const double Rounding = 1e-13;

    private static readonly double[] s_start = [1, -2, 3, 0.5, -0.25, 7];

    private static readonly ImmutableArray<double> s_extremes =
    [
        double.MaxValue, -double.MaxValue, 1e300, -1e300, 1e200, 1e154, 1.5e154, -1e100, 1, -1e-100, 1e-154, -1e-162, 1e-300, double.Epsilon,
        -double.Epsilon, 0, -0.0,
    ];

    /// <summary>Every optimizer in every shape that it takes.</summary>
    public static TheoryData<string, string> Subjects
    {
        get
        {
            TheoryData<string, string> rows = [];
            foreach (Optimizer optimizer in OptimizerCatalogue.All)
            {
                if (optimizer.TakesVectors)
                    rows.Add(optimizer.Id, "vector");
                rows.Add(optimizer.Id, "matrix");
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Zero_gradients_from_the_start_move_nothing_but_the_decay(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        // Coupled decay is a gradient to what follows it, so from θ = 0 alone does nothing move.
        double[] theta = optimizer.CoupledDecay == 0 ? s_start : new double[Dimension];
        double shrink = 1 - (optimizer.LearningRate * optimizer.DecoupledDecay);
        OptimizerStep[] steps = Walk(optimizer, Shape(shape), theta, [new double[Dimension], [0, -0.0, 0, -0.0, 0, 0], new double[Dimension]]);

        for (int t = 1; t <= steps.Length; t++)
            GoldenAssert.Close($"θ at step {t}", [.. theta.Select(x => x * Math.Pow(shrink, t))], steps[t - 1].Theta, Rounding);
        if (shrink == 1)
            Assert.All(steps, step => Assert.Equal(theta, step.Theta));
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void A_coordinate_without_a_gradient_stays_but_for_the_decay(string id, string shape)
    {
        // A linear combination of rows, as Muon's, may move a zero beside other entries of its row and column: a zero column stays.
        Optimizer optimizer = Find(id);
        double[] theta = [1, 0, 3, 0, -0.25, 0];
        double[][] history = [.. History(steps: 6, Dimension).Select(row => row.Select((g, j) => j % 2 == 1 ? 0 : g).ToArray())];

        Assert.All(Walk(optimizer, Shape(shape), theta, history), step => Assert.Equal([0, 0, 0], new[] { step.Theta[1], step.Theta[3], step.Theta[5] }));
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Step_changes_none_of_its_arguments_and_replays_to_the_bit(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        double[][] history = History(steps: 4, Dimension);
        OptimizerState state = Walk(optimizer, Shape(shape), [1, 2, 3, 4, 5, 6], history[..3])[^1].State;
        double[] theta = [.. s_start];
        double[] gradient = [.. history[3]];

        OptimizerStep first = optimizer.Step(state, theta, gradient);
        for (int again = 0; again < 3; again++)
        {
            OptimizerStep other = optimizer.Step(state, theta, gradient);
            Same(first.Update, other.Update);
            Same(first.Theta, other.Theta);
            // What comes back belongs to the caller: scribbling on it reaches no state, neither the old nor the new one.
            OptimizerStep next = optimizer.Step(other.State, theta, gradient);
            Array.Fill(other.Update, double.NaN);
            Array.Fill(other.Theta, double.NaN);
            Same(next.Theta, optimizer.Step(other.State, theta, gradient).Theta);
        }

        Assert.Equal(s_start, theta);
        Assert.Equal(history[3], gradient);
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void A_state_can_be_resumed_from_any_step(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        double[][] history = History(steps: 10, Dimension);
        OptimizerStep[] whole = Walk(optimizer, Shape(shape), s_start, history);

        (OptimizerState state, double[] theta, _) = whole[5];
        foreach (double[] gradient in history[6..])
            (state, theta, _) = optimizer.Step(state, theta, gradient);

        Same(whole[^1].Theta, theta);
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void An_optimizer_is_its_links_applied_in_order(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        double[][] history = History(steps: 8, Dimension);
        OptimizerStep[] steps = Walk(optimizer, Shape(shape), s_start, history);

        TransformState[] states = [.. optimizer.Chain.Select(link => link.Initial(Shape(shape)))];
        double[] theta = s_start;
        for (int t = 0; t < history.Length; t++)
        {
            double[] update = history[t];
            for (int i = 0; i < states.Length; i++)
                (states[i], update) = optimizer.Chain[i].Apply(states[i], update, theta);
            Same(update, steps[t].Update);
            theta = [.. theta.Zip(update, (x, u) => x + u)];
            Same(theta, steps[t].Theta);
        }
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Coordinates_do_not_see_each_other_unless_a_link_says_so(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        double[][] history = History(steps: 8, Dimension);
        double[][] other = [.. history.Select(row => row.Select((g, j) => j == 1 ? g : -3 * g).ToArray())];
        double[] here = [.. Walk(optimizer, Shape(shape), s_start, history).Select(step => step.Theta[1])];
        double[] there = [.. Walk(optimizer, Shape(shape), [4, -2, 0, 1, 2, -1], other).Select(step => step.Theta[1])];

        if (optimizer.CouplesCoordinates)
            Assert.NotEqual(here, there);
        else
            Same(here, there);
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Only_a_link_that_reads_rows_and_columns_tells_a_matrix_from_a_vector(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        if (!optimizer.TakesVectors)
        {
            Exception refusal = Assert.Throws<ArgumentException>(() => optimizer.Initial(Dimension));
            Assert.StartsWith("Muon needs parameters that are a matrix of rows and columns; got a vector of 6.", refusal.Message, StringComparison.Ordinal);
            return;
        }

        double[] vector = Walk(optimizer, s_start, History(steps: 5, Dimension))[^1].Theta;
        double[] shaped = Walk(optimizer, Shape(shape), s_start, History(steps: 5, Dimension))[^1].Theta;
        Assert.Equal(shape == "vector" || optimizer.Link<ScaleByAdafactor>() is null, vector.SequenceEqual(shaped));
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Negated_gradients_and_parameters_give_the_negated_step_to_the_bit(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        double[][] history = History(steps: 10, Dimension);
        double[][] negated = [.. history.Select(row => row.Select(x => -x).ToArray())];

        Same(
            [.. Walk(optimizer, Shape(shape), s_start, history)[^1].Theta.Select(x => -x)],
            Walk(optimizer, Shape(shape), [.. s_start.Select(x => -x)], negated)[^1].Theta);
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void The_law_of_scaling_that_the_links_promise_is_kept_to_the_bit(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        // Adafactor's floor is exact for vectors only, and θ is held at 0, where decay is silent.
        if (optimizer.Scaling.Law == ScaleLaw.Neither || (shape == "matrix" && optimizer.Link<ScaleByAdafactor>() is not null))
            return;
        double[] origin = new double[Dimension];
        double[][] history = History(steps: 10, Dimension);
        foreach (int k in (int[])[-20, -1, 3, 20])
        {
            Optimizer other = optimizer with { Chain = [.. optimizer.Chain.Select(link => WithEpsilonOver(link, Math.ScaleB(1, k)))] };
            double[][] scaled = StandingStill(optimizer, origin, Scaled(history, k)), plain = StandingStill(other, origin, history);
            for (int t = 0; t < history.Length; t++)
                Same(optimizer.Scaling.Law == ScaleLaw.Proportional ? [.. plain[t].Select(u => Math.ScaleB(u, k))] : plain[t], scaled[t]);
        }

        double[][] StandingStill(Optimizer walked, double[] theta, double[][] gradients)
        {
            OptimizerState state = walked.Initial(Shape(shape));
            return
            [
                .. gradients.Select(gradient =>
                {
                    OptimizerStep step = walked.Step(state, theta, gradient);
                    state = step.State;
                    return step.Update;
                }),
            ];
        }

        static Transform WithEpsilonOver(Transform link, double factor) =>
            link is Guarded guarded ? guarded with { Epsilon = guarded.Epsilon / factor } : link;
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Extreme_finite_input_gives_a_finite_step_or_a_sentence(string id, string shape)
    {
        Optimizer optimizer = Find(id);
        int stepped = 0;
        foreach (double g in s_extremes)
        {
            foreach (double other in s_extremes)
            {
                foreach (double start in (double[])[0, 1, -1e300, double.MaxValue])
                    stepped += Survives([g, other, -g, 1, other, g], [.. Enumerable.Repeat(start, Dimension)]) ? 1 : 0;
            }
        }

        // Gradients below 1e150 at a θ near 1 are no reason to refuse: there are at least so many of them.
        Assert.InRange(stepped, 2 * 7 * 7, int.MaxValue);

        bool Survives(double[] gradient, double[] theta)
        {
            try
            {
                OptimizerState state = optimizer.Initial(Shape(shape));
                for (int t = 0; t < 3; t++)
                {
                    (state, theta, double[] update) = optimizer.Step(state, theta, gradient);
                    Assert.All(theta, x => Assert.True(double.IsFinite(x)));
                    Assert.All(update, u => Assert.True(double.IsFinite(u)));
                }

                return true;
            }
            catch (ArithmeticException refusal)
            {
                Assert.Matches("must (be finite|fit in float64); coordinate [0-5] (moves from|has the gradient) ", refusal.Message);
                return false;
            }
        }
    }

    [Fact]
    public void Every_entry_has_a_formula_and_a_source_and_is_found_by_its_id()
    {
        Assert.Equal(
            [
                "sgd", "momentum", "nesterov", "adam", "adam-l2", "adam-eps-hat", "adam-eps-root", "adamw", "amsgrad", "nadam", "radam", "rmsprop",
                "rmsprop-centered", "rmsprop-momentum", "adagrad", "adamax", "adadelta", "lion", "signsgd", "signum", "adafactor", "muon",
                "muon-match-rms", "muon-keller-jordan", "clip+sgd", "clip+adamw", "trl:adamw", "verl:adamw", "openrlhf:adam", "prime-rl:adamw",
                "slime:adam", "gtpo:adamw", "swift:adamw",
            ],
            OptimizerCatalogue.Entries.Select(entry => entry.Id));
        Assert.Equal(OptimizerCatalogue.All, OptimizerCatalogue.Entries.Select(entry => entry.Optimizer));
        Assert.All(OptimizerCatalogue.All, optimizer => Assert.Same(optimizer, OptimizerCatalogue.TryFind(optimizer.Id)));
        Assert.All(OptimizerCatalogue.Entries, entry => Assert.False(string.IsNullOrWhiteSpace(entry.Formula) || string.IsNullOrWhiteSpace(entry.Source)));
        Assert.Null(OptimizerCatalogue.TryFind("Adam"));
    }

    [Theory]
    [InlineData("trl:adamw", 1.0, 0.9, 0.999, 1e-6, 0.0)]
    [InlineData("verl:adamw", 1.0, 0.9, 0.999, 1e-6, 0.01)]
    [InlineData("openrlhf:adam", 1.0, 0.9, 0.95, 1e-6, 0.0)]
    [InlineData("prime-rl:adamw", 1.0, 0.9, 0.999, 1e-6, 0.01)]
    [InlineData("slime:adam", 1.0, 0.9, 0.999, 1e-6, 0.0)]
    [InlineData("gtpo:adamw", 0.1, 0.999999, 0.999999, 1e-6, 0.1)]
    [InlineData("swift:adamw", 1.0, 0.9, 0.95, 1e-6, 0.1)]
    public void A_stack_trains_with_the_settings_of_its_table(
        string id, double clip, double beta1, double beta2, double rate, double decay)
    {
        Optimizer optimizer = Find(id);

        Assert.Equal(
            (clip, beta1, beta2, 1e-8, rate, 0.0, decay),
            (optimizer.Clip!.MaxNorm, optimizer.Adam!.Beta1, optimizer.Adam.Beta2, optimizer.Adam.Epsilon, optimizer.LearningRate,
                optimizer.CoupledDecay, optimizer.DecoupledDecay));
        Assert.Equal(optimizer.Chain[0], optimizer.Clip);
    }

    private static ParameterShape Shape(string shape) =>
        shape == "matrix" ? ParameterShape.Matrix(3, 2) : ParameterShape.Vector(Dimension);
}
