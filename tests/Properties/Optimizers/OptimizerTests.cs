using System.Collections.Immutable;
using GroupRL.Optimizers;
using GroupRL.Properties.Golden;
using Xunit;
using Xunit.Sdk;
using static GroupRL.Properties.Optimizers.Trajectory;

namespace GroupRL.Properties.Optimizers;

/// <summary>The optimizers against cases worked out by hand, closed forms and exact symmetries.</summary>
public class OptimizerTests
{
    // A dozen operations a step, each within half an ulp.
    private const double Rounding = 1e-13;

    public static TheoryData<string> Linear => ["sgd", "momentum", "nesterov"];

    public static TheoryData<string> Placements => [.. Enum.GetNames<EpsilonPlacement>()];

    // By hand

    [Fact]
    public void Sgd_subtracts_the_learning_rate_times_the_gradient()
    {
        OptimizerStep step = OptimizerCatalogue.Sgd.Step(OptimizerCatalogue.Sgd.Initial(2), [1, -2], [0.5, 4]);

        Assert.Equal([-0.0005, -0.004], step.Update);
        Assert.Equal([1 - 0.0005, -2 - 0.004], step.Theta);
    }

    [Fact]
    public void Momentum_starts_from_the_whole_first_gradient_and_dampens_later_ones()
    {
        // b₁ = 4; b₂ = 0.5·4 + 0.75·8 = 8; b₃ = 0.5·8 + 0.75·(−4) = 1.
        Optimizer optimizer = new("dampened", [new Momentum(0.5, Dampening: 0.25), new ScaleByLearningRate(1)]);

        Assert.Equal([-4, -8, -1], Walk(optimizer, [0], [[4], [8], [-4]]).Select(step => step.Update[0]));
    }

    [Fact]
    public void Nesterov_looks_ahead_with_the_new_buffer()
    {
        // b = 4, 10, 1; u = g + b/2 = 6, 13, −3.5.
        Optimizer optimizer = new("nesterov", [new Momentum(0.5, Nesterov: true), new ScaleByLearningRate(1)]);

        Assert.Equal([-6, -13, 3.5], Walk(optimizer, [0], [[4], [8], [-4]]).Select(step => step.Update[0]));
    }

    [Fact]
    public void Nesterov_is_its_closed_form()
    {
        // u_t = (1 + μ) g_t + Σ_{s<t} μ^(t−s+1) g_s
        const double Mu = 0.9;
        double[][] history = History(steps: 15, dimension: 4);
        Optimizer optimizer = new("nesterov", [new Momentum(Mu, Nesterov: true), new ScaleByLearningRate(1)]);
        OptimizerStep[] steps = Walk(optimizer, new double[4], history);

        for (int t = 0; t < history.Length; t++)
        {
            double[] expected =
            [
                .. Enumerable.Range(0, 4).Select(j => -history[t][j] - Enumerable.Range(0, t + 1)
                    .Sum(s => Math.Pow(Mu, t - s + 1) * history[s][j])),
            ];
            GoldenAssert.Close($"u at step {t + 1}", expected, steps[t].Update, Rounding);
        }
    }

    [Theory]
    [InlineData(1.0, 1e-8)]
    [InlineData(-3e-7, 1e-8)]
    [InlineData(2e-9, 1e-3)]
    [InlineData(-5e4, 0.0)]
    public void First_step_of_adam_is_the_learning_rate_times_g_over_g_plus_epsilon(double g, double epsilon)
    {
        Optimizer optimizer = AdamWith(new ScaleByAdam(Epsilon: epsilon), eta: 0.01);

        double update = optimizer.Step(optimizer.Initial(1), [0], [g]).Update[0];

        GoldenAssert.Close("Δ₁", [-0.01 * g / (Math.Abs(g) + epsilon)], [update], Rounding);
    }

    [Fact]
    public void First_step_of_adamw_decays_theta_by_eta_lambda_besides()
    {
        Optimizer adamw = OptimizerCatalogue.AdamW;

        OptimizerStep step = adamw.Step(adamw.Initial(1), [8], [-2]);

        GoldenAssert.Close("Δ₁", [-1e-3 * ((-2 / (2 + 1e-8)) + (1e-2 * 8))], step.Update, Rounding);
    }

    [Fact]
    public void First_step_of_adam_with_l2_sees_the_decayed_gradient()
    {
        // g + λθ = −0.05 + 0.01·8 = 0.03: the decay turns the step round.
        Optimizer adam = OptimizerCatalogue.AdamL2;

        OptimizerStep step = adam.Step(adam.Initial(1), [8], [-0.05]);

        GoldenAssert.Close("Δ₁", [-1e-3 * 0.03 / (0.03 + 1e-8)], step.Update, Rounding);
    }

    [Fact]
    public void Clipping_shortens_a_long_gradient_and_lets_a_short_one_pass()
    {
        // ‖(3, 4)‖ = 5
        GoldenAssert.Close("clipped", [3 / 5.000001, 4 / 5.000001], Through(new ClipByGlobalNorm(1), [3, 4]), Rounding);
        Assert.Equal([3.0, 4.0], Through(new ClipByGlobalNorm(10), [3, 4]));
        Assert.Equal([0.0, 0.0], Through(new ClipByGlobalNorm(1, Delta: 0), [0, 0]));
    }

    [Fact]
    public void Norm_neither_overflows_nor_vanishes()
    {
        GoldenAssert.Close("large", [5e300], [ClipByGlobalNorm.Norm([3e300, -4e300])], Rounding);
        GoldenAssert.Close("small", [5e-300], [ClipByGlobalNorm.Norm([3e-300, -4e-300])], Rounding);
        Assert.Equal(double.Epsilon, ClipByGlobalNorm.Norm([0, double.Epsilon]));
        Assert.Equal(0, ClipByGlobalNorm.Norm([0, -0.0]));
    }

    // Closed forms

    [Theory]
    [MemberData(nameof(Placements))]
    public void Adam_is_its_closed_form_wherever_epsilon_stands(string placement)
    {
        // m_t = (1−β₁) Σ β₁^(t−s) g_s and v_t = (1−β₂) Σ β₂^(t−s) g_s²
        ScaleByAdam adam = new(0.8, 0.95, 0.03, Enum.Parse<EpsilonPlacement>(placement));
        double[] g = [.. History(steps: 12, dimension: 1).Select(row => row[0])];
        OptimizerStep[] steps = Walk(AdamWith(adam), [0], [.. g.Select(x => new[] { x })]);

        for (int t = 1; t <= g.Length; t++)
        {
            double mean = (1 - adam.Beta1) * Enumerable.Range(1, t).Sum(s => Math.Pow(adam.Beta1, t - s) * g[s - 1])
                / (1 - Math.Pow(adam.Beta1, t));
            double square = (1 - adam.Beta2) * Enumerable.Range(1, t).Sum(s => Math.Pow(adam.Beta2, t - s) * g[s - 1] * g[s - 1])
                / (1 - Math.Pow(adam.Beta2, t));
            double expected = adam.Placement switch
            {
                EpsilonPlacement.OutsideRoot => mean / (Math.Sqrt(square) + adam.Epsilon),
                EpsilonPlacement.InsideRoot => mean / Math.Sqrt(square + adam.Epsilon),
                _ => mean / (Math.Sqrt(square) + (adam.Epsilon / Math.Sqrt(1 - Math.Pow(adam.Beta2, t)))),
            };
            GoldenAssert.Close($"u at step {t}", [-expected], steps[t - 1].Update, relative: 0, floor: Rounding);
        }
    }

    [Theory]
    [InlineData(0.9, 0.999)]
    [InlineData(0.9, 0.95)]
    [InlineData(0.0, 0.999)]
    public void Adam_after_the_gradient_stops_follows_the_closed_form_of_the_tail(double beta1, double beta2)
    {
        // Δ_{T+k} = Δ_T (β₁/√β₂)ᵏ (1−β₁ᵀ)/(1−β₁^(T+k)) √((1−β₂^(T+k))/(1−β₂ᵀ)) at ε = 0
        const int T = 10;
        double[][] history = [.. History(T, dimension: 3), .. Enumerable.Repeat(new double[3], 30)];
        OptimizerStep[] steps = Walk(AdamWith(new ScaleByAdam(beta1, beta2, Epsilon: 0)), new double[3], history);

        double[] last = steps[T - 1].Update;
        for (int k = 1; k <= 30; k++)
        {
            double ratio = Math.Pow(beta1 / Math.Sqrt(beta2), k)
                * (1 - Math.Pow(beta1, T)) / (1 - Math.Pow(beta1, T + k))
                * Math.Sqrt((1 - Math.Pow(beta2, T + k)) / (1 - Math.Pow(beta2, T)));
            GoldenAssert.Close($"Δ at T+{k}", [.. last.Select(x => x * ratio)], steps[T + k - 1].Update, Rounding);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Momentum_after_the_gradient_stops_shrinks_by_mu_each_step(bool nesterov)
    {
        // Δ_{T+k} = −η μᵏ b_T, with Nesterov −η μᵏ⁺¹ b_T; and in all it overshoots by η b_T μ/(1−μ), μ times that.
        const double Mu = 0.75;
        Optimizer optimizer = new("momentum", [new Momentum(Mu, Nesterov: nesterov), new ScaleByLearningRate(1)]);
        OptimizerStep[] steps = Walk(optimizer, [0], [[2], [-1], [3], .. Enumerable.Repeat(new double[1], 200)]);

        double buffer = (((Mu * 2) - 1) * Mu) + 3;
        double scale = nesterov ? Mu : 1;
        for (int k = 1; k <= 50; k++)
            GoldenAssert.Close($"Δ at T+{k}", [-scale * Math.Pow(Mu, k) * buffer], steps[k + 2].Update, Rounding);
        GoldenAssert.Close("overshoot", [-scale * buffer * Mu / (1 - Mu)], [steps[^1].Theta[0] - steps[2].Theta[0]], Rounding);
    }

    [Fact]
    public void Sgd_stops_when_the_gradient_does()
    {
        OptimizerStep[] steps = Walk(OptimizerCatalogue.Sgd, [1, 2], [[3, -4], [0, 0], [0, 0]]);

        Assert.All(steps, step => Assert.Equal([1 - 0.003, 2.004], step.Theta));
    }

    [Fact]
    public void Amsgrad_divides_by_the_largest_second_moment_so_far()
    {
        double[] g = [.. History(steps: 25, dimension: 1).Select((row, t) => t < 5 ? 10 * row[0] : 0.1 * row[0])];
        ScaleByAdam adam = new(0.9, 0.8, 1e-8, AmsGrad: true);
        OptimizerStep[] steps = Walk(AdamWith(adam), [0], [.. g.Select(x => new[] { x })]);

        (double m, double v, double peak, bool everBelow) = (0, 0, 0, false);
        for (int t = 1; t <= g.Length; t++)
        {
            m = (0.9 * m) + (0.1 * g[t - 1]);
            v = (0.8 * v) + (0.2 * g[t - 1] * g[t - 1]);
            peak = Math.Max(peak, v);
            everBelow |= v < peak;
            double expected = m / (1 - Math.Pow(0.9, t)) / (Math.Sqrt(peak / (1 - Math.Pow(0.8, t))) + 1e-8);
            GoldenAssert.Close($"u at step {t}", [-expected], steps[t - 1].Update, relative: 0, floor: Rounding);
        }

        Assert.True(everBelow);
    }

    // Zero

    [Theory]
    [MemberData(nameof(Placements))]
    public void Zero_over_zero_is_zero(string placement)
    {
        Optimizer optimizer = AdamWith(new ScaleByAdam(Epsilon: 0, Placement: Enum.Parse<EpsilonPlacement>(placement)));

        Assert.Equal([0.0, -1.0], optimizer.Step(optimizer.Initial(2), [0, 0], [0, 4]).Update.Select(u => Math.Round(u, 12)));
    }

    // Exact symmetries

    [Theory]
    [MemberData(nameof(Linear))]
    public void Updates_without_a_denominator_scale_with_the_gradients_to_the_bit(string id)
    {
        Optimizer optimizer = Find(id);
        double[][] history = History(steps: 20, dimension: 5);
        OptimizerStep[] right = Walk(optimizer, new double[5], history);

        foreach (int k in (int[])[-40, -3, -1, 1, 10, 50])
        {
            OptimizerStep[] scaled = Walk(optimizer, new double[5], Scaled(history, k));
            for (int t = 0; t < right.Length; t++)
                Same([.. right[t].Update.Select(u => Math.ScaleB(u, k))], scaled[t].Update);
        }
    }

    [Theory]
    [MemberData(nameof(Placements))]
    public void Scaling_adams_gradients_is_scaling_epsilon_inversely_to_the_bit(string placement)
    {
        double[][] history = [.. History(steps: 15, dimension: 5), .. Enumerable.Repeat(new double[5], 5)];
        foreach (bool amsGrad in (bool[])[false, true])
        {
            ScaleByAdam adam = new(0.9, 0.999, 1e-3, Enum.Parse<EpsilonPlacement>(placement), amsGrad);
            int power = adam.Placement == EpsilonPlacement.InsideRoot ? 2 : 1;
            foreach (int k in (int[])[-40, -7, -1, 1, 10, 50])
            {
                OptimizerStep[] gradients = Walk(AdamWith(adam), new double[5], Scaled(history, k));
                OptimizerStep[] epsilon = Walk(
                    AdamWith(adam with { Epsilon = Math.ScaleB(adam.Epsilon, -k * power) }), new double[5], history);
                for (int t = 0; t < history.Length; t++)
                    Same(epsilon[t].Update, gradients[t].Update);
            }
        }
    }

    [Fact]
    public void Decoupled_decay_keeps_the_epsilon_identity_and_coupled_decay_breaks_it()
    {
        Assert.Equal(0, Gap(OptimizerCatalogue.AdamW));
        Assert.True(Gap(OptimizerCatalogue.AdamL2) > 1e-6);

        static double Gap(Optimizer optimizer)
        {
            double[][] history = History(steps: 10, dimension: 2);
            Optimizer rescaled = optimizer with
            {
                Chain =
                [
                    .. optimizer.Chain
                        .Select(link => link is ScaleByAdam adam ? adam with { Epsilon = adam.Epsilon / 1024 } : link),
                ],
            };
            double[] scaled = Walk(optimizer, [1, -1], Scaled(history, 10))[^1].Theta;
            return scaled.Zip(Walk(rescaled, [1, -1], history)[^1].Theta, (x, y) => Math.Abs(x - y)).Max();
        }
    }

    // Views and values

    [Theory]
    [InlineData("sgd", 1e-3, 0, 0)]
    [InlineData("adam", 1e-3, 0, 0)]
    [InlineData("adam-l2", 1e-3, 1e-2, 0)]
    [InlineData("adamw", 1e-3, 0, 1e-2)]
    [InlineData("trl:adamw", 1e-6, 0, 0)]
    [InlineData("clip+adamw", 1e-3, 0, 1e-2)]
    public void Views_read_the_structure_of_the_chain(string id, double rate, double coupled, double decoupled)
    {
        Optimizer optimizer = Find(id);

        Assert.Equal((rate, coupled, decoupled), (optimizer.LearningRate, optimizer.CoupledDecay, optimizer.DecoupledDecay));
        Assert.Equal(id.Contains("adam", StringComparison.Ordinal), optimizer.Adam is not null);
        Assert.Equal(id is "clip+adamw" or "trl:adamw", optimizer.Clip is not null);
        Assert.Null(optimizer.Momentum);
    }

    [Fact]
    public void Decay_without_a_direction_counts_as_coupled()
    {
        Optimizer optimizer = new("sgd-l2", [new AddDecayedWeights(0.5), new ScaleByLearningRate(0.1)]);

        Assert.Equal((0.5, 0.0), (optimizer.CoupledDecay, optimizer.DecoupledDecay));
        Assert.Equal([-0.1 * (2 + (0.5 * 4))], optimizer.Step(optimizer.Initial(1), [4], [2]).Update);
    }

    [Fact]
    public void Equal_ids_and_links_are_equal_optimizers()
    {
        Optimizer twin = new("adam", [new ScaleByAdam(), new ScaleByLearningRate(1e-3)]);

        Assert.Equal(OptimizerCatalogue.Adam, twin);
        Assert.Equal(OptimizerCatalogue.Adam.GetHashCode(), twin.GetHashCode());
        Assert.NotEqual(OptimizerCatalogue.Adam, twin with { Id = "other" });
        Assert.NotEqual(OptimizerCatalogue.Adam, twin with { Chain = [new ScaleByAdam(0.8), new ScaleByLearningRate(1e-3)] });
    }

    // Refusals

    public static TheoryData<string> RefusedSentences => [.. s_refused.Keys];

    private static readonly Dictionary<string, Func<object?>> s_refused = new()
    {
        ["Eta must be a finite number of at least 0; got NaN."] = () => new ScaleByLearningRate(double.NaN),
        ["Eta must be a finite number of at least 0; got -0.5."] = () => new ScaleByLearningRate(1) with { Eta = -0.5 },
        ["Lambda must be a finite number of at least 0; got Infinity."] = () => new AddDecayedWeights(double.PositiveInfinity),
        ["MaxNorm must be a finite number above 0; got 0."] = () => new ClipByGlobalNorm(0),
        ["MaxNorm must be a finite number above 0; got NaN."] = () => new ClipByGlobalNorm(double.NaN),
        ["Delta must be a finite number of at least 0; got -1E-06."] = () => new ClipByGlobalNorm(1, -1e-6),
        ["Mu must be at least 0 and below 1; got 1."] = () => new Momentum(1),
        ["Mu must be at least 0 and below 1; got NaN."] = () => new Momentum(0.9) with { Mu = double.NaN },
        ["Dampening must be at least 0 and at most 1; got 1.5."] = () => new Momentum(0.9, 1.5),
        ["Nesterov momentum needs zero dampening; got 0.1."] = () => new Momentum(0.9, 0.1, Nesterov: true),
        ["Nesterov momentum needs zero dampening; got 0.2."] = () => new Momentum(0.9, Nesterov: true) with { Dampening = 0.2 },
        ["Nesterov momentum needs zero dampening; got 0.3."] = () => new Momentum(0.9, 0.3) with { Nesterov = true },
        ["Beta1 must be at least 0 and below 1; got -0.1."] = () => new ScaleByAdam(Beta1: -0.1),
        ["Beta2 must be at least 0 and below 1; got 1."] = () => new ScaleByAdam() with { Beta2 = 1 },
        ["Epsilon must be a finite number of at least 0; got -1E-08."] = () => new ScaleByAdam(Epsilon: -1e-8),
        ["Placement must be OutsideRoot, InsideRoot or Uncorrected; got 7."] =
            () => new ScaleByAdam(Placement: (EpsilonPlacement)7),
        ["An optimizer needs an id that is not blank."] = () => OptimizerCatalogue.Sgd with { Id = " " },
        ["A chain needs at least 1 link, ScaleByLearningRate; got none."] = () => new Optimizer("x", []),
        ["A chain has no null links; link 0 is null."] = () => new Optimizer("x", [null!, new ScaleByLearningRate(1)]),
        ["A chain ends with its only ScaleByLearningRate; got 0 of them and ScaleByAdam at the end."] =
            () => new Optimizer("x", [new ScaleByAdam()]),
        ["A chain ends with its only ScaleByLearningRate; got 2 of them and ScaleByLearningRate at the end."] =
            () => new Optimizer("x", [new ScaleByLearningRate(1), new ScaleByLearningRate(1)]),
        ["A chain has at most 1 direction; got 2."] =
            () => new Optimizer("x", [new Momentum(0.9), new ScaleByAdam(), new ScaleByLearningRate(1)]),
        ["twice has 2 links of type AddDecayedWeights, not one."] = () =>
            new Optimizer("twice", [new AddDecayedWeights(1), new AddDecayedWeights(2), new ScaleByLearningRate(1)])
                .Link<AddDecayedWeights>(),
        ["A parameter vector needs at least 1 coordinate; got 0."] = () => OptimizerCatalogue.Adam.Initial(0),
        ["theta needs 2 coordinates, one per parameter; got 3."] = () => SgdStep([1, 2, 3], [1, 2]),
        ["gradient needs 2 coordinates, one per parameter; got 1."] = () => SgdStep([1, 2], [1]),
        ["gradient must be finite; coordinate 1 is NaN."] = () => SgdStep([1, 2], [1, double.NaN]),
        ["gradient must be finite; coordinate 0 is -Infinity."] = () => SgdStep([1, 2], [double.NegativeInfinity, 0]),
        ["theta must be finite; coordinate 1 is Infinity."] = () => SgdStep([1, double.PositiveInfinity], [0, 0]),
        ["sgd needs a state of 1 links, its own; got 2."] =
            () => OptimizerCatalogue.Sgd.Step(OptimizerCatalogue.Adam.Initial(1), [1], [1]),
        ["Momentum needs its own MomentumState; got AdamState."] =
            () => OptimizerCatalogue.Momentum.Step(OptimizerCatalogue.Adam.Initial(1), [1], [1]),
        ["Adam's second moment must fit in float64; coordinate 1 has the gradient 1E+200."] =
            () => OptimizerCatalogue.Adam.Step(OptimizerCatalogue.Adam.Initial(2), [0, 0], [1, 1e200]),
        ["big's step must be finite; coordinate 0 moves from 0 by -Infinity."] = () =>
            new Optimizer("big", [new ScaleByLearningRate(1e200)]) is var big ? big.Step(big.Initial(1), [0], [1e200]) : null,
    };

    [Theory]
    [MemberData(nameof(RefusedSentences))]
    public void Invalid_values_are_refused_with_one_sentence(string sentence)
    {
        Exception refusal = Assert.ThrowsAny<Exception>(() => s_refused[sentence]());

        Assert.True(refusal is ArgumentException or InvalidOperationException or ArithmeticException, refusal.GetType().Name);
        Assert.StartsWith(sentence, refusal.Message, StringComparison.Ordinal);
    }

    private static OptimizerStep SgdStep(double[] theta, double[] gradient) =>
        OptimizerCatalogue.Sgd.Step(OptimizerCatalogue.Sgd.Initial(2), theta, gradient);

    private static Optimizer AdamWith(ScaleByAdam adam, double eta = 1) => new("adam", [adam, new ScaleByLearningRate(eta)]);

    private static double[] Through(Transform link, double[] update) =>
        link.Apply(link.Initial(update.Length), update, update).Update;
}

/// <summary>The recorded trajectories are sharp: a fault in any part of any link is seen by one of them.</summary>
public class OptimizerMutantTests
{
    public static TheoryData<string, string> Rows
    {
        get
        {
            TheoryData<string, string> rows = [];
            foreach (OptimizerMutant mutant in OptimizerMutants.All)
            {
                foreach (string file in mutant.Files)
                    rows.Add(mutant.Id, file);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_recorded_run_rejects_the_mutant(string mutant, string file)
    {
        (GoldenOptimizerRun Run, Optimizer Mutant)[] applicable =
        [
            .. Shipped(file)
                .Select(run => (run, OptimizerMutants.Find(mutant).Of(run.Optimizer)))
                .Where(pair => pair.Item2 is not null)
                .Select(pair => (pair.run, pair.Item2!)),
        ];

        Assert.NotEmpty(applicable);
        Assert.Contains(applicable, pair => Rejects(pair.Run, pair.Mutant));
        Assert.DoesNotContain(applicable, pair => Rejects(pair.Run, pair.Run.Optimizer));
    }

    public static TheoryData<string> Files => [.. GoldenOptimizerRun.Files];

    [Theory]
    [MemberData(nameof(Files))]
    public void The_parts_without_a_fault_walk_every_recorded_run(string file)
    {
        foreach (GoldenOptimizerRun run in Shipped(file))
        {
            ImmutableArray<Transform> chain =
            [
                .. run.Optimizer.Chain.Select(link => link switch
                {
                    ScaleByAdam adam => new AdamOfParts(adam, OptimizerMutants.RightAdam),
                    Momentum momentum => new MomentumOfParts(momentum, OptimizerMutants.RightMomentum),
                    _ => LinkMutants.Control(link) ?? link,
                }),
            ];
            run.IsWalkedBy(run.Optimizer with { Chain = chain });
        }
    }

    [Fact]
    public void Mutants_keep_the_settings_of_the_right_optimizer()
    {
        foreach (OptimizerMutant mutant in OptimizerMutants.All)
        {
            foreach (Optimizer right in OptimizerCatalogue.All)
            {
                if (mutant.Of(right) is not { } wrong)
                    continue;
                Assert.Equal(right.LearningRate, wrong.LearningRate);
                Assert.Equal(right.CoupledDecay + right.DecoupledDecay, wrong.CoupledDecay + wrong.DecoupledDecay);
                Assert.Equal((right.Adam?.Beta1, right.Adam?.Beta2), (wrong.Adam?.Beta1, wrong.Adam?.Beta2));
                Assert.Equal((right.Clip?.MaxNorm, right.Momentum?.Mu), (wrong.Clip?.MaxNorm, wrong.Momentum?.Mu));
            }
        }
    }

    private static GoldenOptimizerRun[] Shipped(string file) =>
    [
        .. GoldenFolder.ReadShipped(file)["runs"].Items.Select(run => GoldenOptimizerRun.Read(file, run, GoldenFolder.ReadShipped)),
    ];

    // A comparison that fails, or a step that leaves float64: any other error is an error of this test.
    private static bool Rejects(GoldenOptimizerRun run, Optimizer optimizer)
    {
        try
        {
            run.IsWalkedBy(optimizer);
            return false;
        }
        catch (Exception failure) when (failure is XunitException or ArithmeticException)
        {
            return true;
        }
    }
}

/// <summary>The reader of golden files complains in sentences and passes over nothing.</summary>
public class GoldenReaderTests
{
    [Theory]
    [InlineData(
        """{"optimizer":"LAMB","hyper":{}}""",
        "Golden file mine.optimizer must be one of SGD, Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad, Adamax, Adadelta, Lion, Adafactor, Muon; "
            + "got LAMB.")]
    [InlineData(
        """{"optimizer":"SGD","hyper":{"lr":1,"maximize":true}}""",
        "Golden file mine.hyper.maximize is a setting that is not encoded for SGD, which has lr, momentum, dampening, "
            + "weight_decay, nesterov; got true.")]
    [InlineData(
        """{"optimizer":"AdamW","hyper":{"lr":1,"betas":[0.9],"eps":0,"weight_decay":0,"amsgrad":false}}""",
        "Golden file mine.hyper.betas needs 2 numbers; got [0.9].")]
    [InlineData(
        """{"optimizer":"Adam","hyper":{"lr":1}}""", "Golden file mine.hyper needs a property 'weight_decay'; got {\"lr\":1}.")]
    public void A_setting_that_is_not_understood_is_an_error(string run, string sentence)
    {
        Exception refusal = Assert.Throws<InvalidDataException>(() => GoldenOptimizerRun.Compose(GoldenNode.Parse("mine", run), ""));

        Assert.Equal(sentence, refusal.Message);
    }

    [Fact]
    public void A_missing_file_and_a_broken_one_are_named()
    {
        Complains<FileNotFoundException>(
            "Golden file optim/none.json is missing from ", () => GoldenFolder.ReadShipped("optim/none.json"));
        Complains<InvalidDataException>("Golden file broken.json is not JSON: ", () => GoldenNode.Parse("broken.json", "{"));
        Complains<InvalidDataException>(
            "Golden file x[1] must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"; got nan.",
            () => GoldenNode.Parse("x", """[1, "nan"]""").Numbers);

        static void Complains<T>(string sentence, Func<object> read) where T : Exception =>
            Assert.StartsWith(sentence, Assert.Throws<T>(read).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_that_json_lacks_are_read_from_strings() =>
        Assert.Equal(
            [double.NaN, double.PositiveInfinity, double.NegativeInfinity, 0.5],
            GoldenNode.Parse("x", """["NaN", "Infinity", "-Infinity", 0.5]""").Numbers);

    [Fact]
    public void The_comparison_allows_exactly_its_tolerance()
    {
        GoldenAssert.Close("x", [8, 1], [8, 1.5], relative: 0.0625);
        GoldenAssert.Close("x", [0], [0.25], relative: 0, floor: 0.25);
        GoldenAssert.Close("x", [], [], relative: 0);
    }

    [Theory]
    [InlineData(1.0, 1.25, 0.125)]
    [InlineData(1.0, double.NaN, 1.0)]
    [InlineData(1.0, double.PositiveInfinity, 1.0)]
    [InlineData(double.NaN, double.NaN, 1.0)]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity, 1.0)]
    [InlineData(1.0, 1.0, double.NaN)]
    public void The_comparison_rejects_what_is_far_or_not_a_number(double expected, double actual, double relative)
    {
        Assert.ThrowsAny<XunitException>(() => GoldenAssert.Close("x", [expected], [actual], relative));
        Assert.ThrowsAny<XunitException>(() => GoldenAssert.Close("x", [expected], [expected, expected], relative));
    }
}
