using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>The numbers of steps, tails and overshoot, apart from the sums that claims take them from, and how near histories come to them.</summary>
public sealed class StepAndTailTests
{
    private static readonly Optimizer s_slow = Plain(0.9, 0.999);
    private static readonly Optimizer s_fast = Plain(0.9, 0.95);

    [Theory]
    [InlineData(0.9, 0.999, 1, 1)]
    [InlineData(0.9, 0.999, 20_000, 7.2703)]
    [InlineData(0.9, 0.95, 1, 1)]
    [InlineData(0.9, 0.95, 20_000, 1.16496)]
    public void Adams_longest_step_is_a_known_number(double beta1, double beta2, int t, double expected) =>
        Assert.Equal(expected, new ScaleByAdam(beta1, beta2).Bound(t)!.Value, 1e-5);

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(300)]
    public void Adams_longest_step_is_its_geometric_closed_form(int t)
    {
        double q = 0.81 / 0.999;
        double closed = 0.1 / Math.Sqrt(1 - 0.999) * Math.Sqrt((1 - Math.Pow(q, t)) / (1 - q)) * Math.Sqrt(1 - Math.Pow(0.999, t)) / (1 - Math.Pow(0.9, t));
        Assert.Equal(closed, new ScaleByAdam().Bound(t)!.Value, 1e-10 * closed);
    }

    [Fact]
    public void Some_longest_steps_by_hand()
    {
        // Centred, one gradient: v − ḡ² = α(1−α)g². Adagrad's rate after three steps at γ = 1/2. Adadelta's first step: √ε/√(1−ρ).
        Assert.Equal(1 / Math.Sqrt(0.99 * 0.01), new ScaleByRms(Centered: true).Bound(1)!.Value, 1e-12);
        Assert.Equal(0.5, new ScaleByAdagrad(RateDecay: 0.5).Bound(3)!.Value, 1e-15);
        Assert.Equal(1e-3 / Math.Sqrt(0.1), new ScaleByAdadelta().Bound(1)!.Value, 1e-15);
        Assert.Equal(10, new ScaleByRms().Bound(5)!.Value, 1e-13);
        Assert.Equal(1.202368606, new ScaleByMuon().Bound(1, ParameterShape.Matrix(2, 2)));
        Assert.Null(new ScaleByMuon().Bound(1));
        Assert.Null(new ScaleByAdam(0.9, 0).Bound(2));
        Assert.Null(new ScaleByRAdam().Bound(5));
        Assert.Null(new ScaleByAdafactor().Bound(1));
    }

    [Fact]
    public void The_tail_of_adam_is_worth_a_known_number_of_last_steps()
    {
        Assert.Equal(5.006, Tails.Total(s_slow, 1, 1000)!.Value, 1e-3);
        Assert.Equal(9.045, Tails.Total(s_slow, 20_000, 1000)!.Value, 1e-3);
        Assert.Equal(12.05, Tails.Total(s_fast, 20_000, 1000)!.Value, 2e-3);
        Assert.Equal(10.171, Tails.Total(s_slow, 22, 1000)!.Value, 1e-3);
        Assert.Equal(12.380, Tails.Total(s_fast, 27, 1000)!.Value, 1e-3);
        Assert.Null(Tails.Total(OptimizerCatalogue.Nesterov, 5, 5));
        Assert.Equal(9, Tails.Total(OptimizerCatalogue.Momentum, 3, 1000)!.Value, 1e-12);
        Assert.Equal(50, Tails.Total(OptimizerCatalogue.Signum, 3, 50));
        Assert.Equal(0, Tails.Total(OptimizerCatalogue.Sgd, 3, 50));
    }

    [Fact]
    public void What_no_epsilon_removes_is_a_known_number_of_last_steps()
    {
        Assert.Equal(9, Enumerable.Range(1, 1000).Sum(k => Tails.Floor(0.9, 1000, k)), 1e-10);
        Assert.Equal(2.010, Enumerable.Range(1, 1000).Sum(k => Tails.Floor(0.9, 1, k)), 1e-3);
        Assert.Equal(0.09 / 0.19, Tails.Floor(0.9, 1, 1), 1e-15);
    }

    [Fact]
    public void The_bracket_of_the_overshoot_tends_to_its_limits_and_does_not_exceed_them()
    {
        Assert.Equal(73.03, NodeOvershoot.Bracket(s_slow, 20_000, 1000)!.Value, 1e-2);
        Assert.Equal(15.20, NodeOvershoot.Bracket(s_fast, 20_000, 1000)!.Value, 1e-2);
        Assert.InRange(Enumerable.Range(1, 400).Max(steps => NodeOvershoot.Bracket(s_slow, steps, 500)!.Value), 40, 73.03);
        Assert.InRange(Enumerable.Range(1, 400).Max(steps => NodeOvershoot.Bracket(s_fast, steps, 500)!.Value), 15.19, 15.2046);
        Assert.Null(NodeOvershoot.Bracket(OptimizerCatalogue.RAdam, 10, 10));
        // signSGD crosses by one step of η on either logit, and has no tail.
        Assert.Equal(1, NodeOvershoot.Bracket(OptimizerCatalogue.SignSgd, 10, 10));
    }

    [Theory]
    [InlineData("adam-step-bound", "adam", 0.99, 1.0)]
    [InlineData("adam-step-bound", "nadam", 0.99, 1.0)]
    [InlineData("adam-step-bound", "radam", 0.99, 1.0)]
    [InlineData("adam-step-bound", "rmsprop-centered", 0.99, 1.0)]
    [InlineData("adam-step-bound", "rmsprop-momentum", 0.99, 1.0)]
    [InlineData("adam-step-bound", "adamax", 0.99, 1.0)]
    [InlineData("adam-step-bound", "adadelta", 0.99, 1.0)]
    [InlineData("adam-step-bound", "muon", 0.99, 1.0)]
    [InlineData("adam-step-bound", "gtpo:adamw", 0.99, 1.0)]
    [InlineData("scale-switch-bound", "lion", 0.99, 1.0)]
    [InlineData("scale-switch-bound", "muon", 0.99, 1.0)]
    [InlineData("scale-switch-bound", "adam", 0.70, 0.70711)]
    [InlineData("scale-switch-bound", "rmsprop", 0.49, 0.5)]
    [InlineData("momentum-total", "amsgrad", 0.99, 1.0)]
    [InlineData("momentum-total", "trl:adamw", 0.99, 1.0)]
    [InlineData("epsilon-keeps-tail", "openrlhf:adam", 0.99, 1.0)]
    [InlineData("overshoot-bound", "trl:adamw", 0.99, 1.0)]
    [InlineData("overshoot-bound", "openrlhf:adam", 0.99, 1.0)]
    [InlineData("overshoot-bound", "rmsprop-momentum", 0.99, 1.0)]
    public void Histories_come_as_near_to_a_bound_as_its_derivation_says(string claim, string optimizer, double least, double most)
    {
        var tightness = Ledger.OptimizerRows(OptimizerCatalogue.TryFind(optimizer)!).Single(row => row.Claim.Id == claim).Tightness!(Profile.Ci);
        Assert.True(tightness.Ratio >= least && tightness.Ratio <= most, FormattableString.Invariant($"{tightness.Ratio:R} on {tightness.Case}"));
    }

    [Fact]
    public void After_a_change_of_scale_adam_steps_too_far_and_forgets_it_under_persistent_gradients()
    {
        const int Before = 2000;
        const double Scale = 1e6;
        var state = s_slow.Initial(1);
        for (int t = 0; t < Before; t++)
            state = s_slow.Step(state, [0], [1]).State;
        double longest = 0, last = 0;
        for (int k = 1; k <= 8000; k++)
        {
            var step = s_slow.Step(state, [0], [Scale]);
            (state, last) = (step.State, -step.Update[0]);
            double mean = ((Math.Pow(0.9, k) * (1 - Math.Pow(0.9, Before))) + (Scale * (1 - Math.Pow(0.9, k)))) / (1 - Math.Pow(0.9, Before + k));
            double square = ((Math.Pow(0.999, k) * (1 - Math.Pow(0.999, Before))) + (Scale * Scale * (1 - Math.Pow(0.999, k)))) / (1 - Math.Pow(0.999, Before + k));
            Assert.Equal(mean / Math.Sqrt(square), last, 1e-10);
            longest = Math.Max(longest, last);
        }

        Assert.InRange(longest, 6, new ScaleByAdam().Bound(Before + 20)!.Value);
        Assert.Equal(1, last, 1e-3);
    }

    [Fact]
    public void Signum_under_a_guard_that_looks_ahead_does_not_move()
    {
        var rising = new GradientHistory([0, 0], [[-1, 1], [-1, 1], [2, -1]], 1);
        Assert.Equal(0, NodeOvershoot.LookAheadClip.Measure(OptimizerCatalogue.Signum, rising).Measured);

        var guarded = NodeOvershoot.LookAheadClip.Measure(OptimizerCatalogue.Adam, rising with { Gradients = [[-1, 1], [-1, 1], [-1, 1], [-1, 1]] });
        Assert.InRange(guarded.Measured, 0.1 * guarded.Bound, guarded.Bound);
    }

    [Fact]
    public void A_scaled_chain_hands_its_factor_from_link_to_link()
    {
        var (gtpo, factor) = OptimizerCatalogue.GtpoAdamW.Under(4, 1)!.Value;
        Assert.Equal((0.025, 2.5e-9, 0.1, 1), (gtpo.Clip!.MaxNorm, gtpo.Adam!.Epsilon, gtpo.DecoupledDecay, factor));

        Assert.Equal((2.5e-3, 1), (OptimizerCatalogue.AdamL2.Under(4, 1)!.Value.Optimizer.CoupledDecay, OptimizerCatalogue.AdamL2.Under(4, 1)!.Value.Factor));
        Assert.Equal((4, 1), (OptimizerCatalogue.RAdam.Under(4, 5)!.Value.Factor, OptimizerCatalogue.RAdam.Under(4, 6)!.Value.Factor));
        Assert.Equal(4, OptimizerCatalogue.Adadelta.Under(4, 1)!.Value.Factor);
        Assert.Equal(1e-6 / 16, OptimizerCatalogue.Adadelta.Under(4, 1)!.Value.Optimizer.Link<ScaleByAdadelta>()!.Epsilon);
    }

    private static Optimizer Plain(double beta1, double beta2) => new("adam", [new ScaleByAdam(beta1, beta2, Epsilon: 0), new ScaleByLearningRate(1)]);
}
