using System.Collections.Immutable;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;
using GroupRL.Trainer;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>The three findings in small; <c>grouprl confirm</c> runs them in full.</summary>
public class ConfirmationTests
{
    private static readonly Func<VerifiableTask, IPolicy> s_tree = task => TaskPolicies.Of("tree", task), s_logLinear = task => TaskPolicies.Of("log-linear", task);

    [Fact]
    public void Length_weights_move_a_shared_first_token_the_way_of_the_covariance_and_other_weights_do_not()
    {
        var confirmation = new PrefixConfirmation(s_logLinear) { Steps = 40 };
        var rows = confirmation.Settings.AsParallel().AsOrdered().Select(confirmation.Run).ToArray();

        Agrees(PrefixConfirmation.Judge(rows, tabular: false));
        Assert.Equal(24, rows.Length);
        // What would be said of GRPO if its weights were taken for uniform, and of Dr. GRPO if they were taken for 1/L, or could not be told from it.
        Assert.All(rows.Where(row => !row.Neutral || row.LengthBonus != 0), row => Assert.False(PrefixConfirmation.Judge([row with { Neutral = !row.Neutral }], tabular: false).Agrees));
        var pushed = rows.First(row => row is { Neutral: false, LengthBonus: not 0 });
        Assert.All(rows.Where(row => row.Neutral && row.Optimizer == pushed.Optimizer), row => Assert.False(PrefixConfirmation.Judge([row, pushed with { Drift = row.Drift / 2 }], tabular: false).Agrees));
    }

    [Fact]
    public void On_a_tabular_policy_every_step_on_a_shared_first_token_goes_the_way_of_its_push()
    {
        var confirmation = new PrefixConfirmation(s_tree) { Steps = 15 };
        var rows = confirmation.Settings.Where(setting => setting.Optimizer.Id == "sgd").AsParallel().AsOrdered().Select(confirmation.Run).ToArray();

        Agrees(PrefixConfirmation.Judge(rows, tabular: true));
        Assert.All(rows.Where(row => !row.Neutral), row => Assert.Equal(1, row.SameSign));
        Assert.All(rows.Where(row => row.Neutral), row => Assert.False(PrefixConfirmation.Judge([row with { Drift = 1e-9 }], tabular: true).Agrees));
        Assert.All(rows.Where(row => row is { Neutral: false, LengthBonus: not 0 }), row => Assert.False(PrefixConfirmation.Judge([row with { Drift = -row.Drift }], tabular: true).Agrees));
    }

    [Fact]
    public void Scaled_rewards_take_a_policy_the_way_that_the_theory_says()
    {
        var confirmation = new ScaleConfirmation(s_logLinear) { Steps = 15 };
        var rows = confirmation.Settings.AsParallel().AsOrdered().Select(confirmation.Run).ToArray();
        EdgeRow[] edges = [confirmation.Edge(OptimizerCatalogue.AdamW.With(0.01))];

        Agrees(ScaleConfirmation.Judge(rows, edges));
        Assert.Equal([ScaleClass.Exact, ScaleClass.UpToEpsilon, ScaleClass.Sensitive], rows.Select(row => row.Class).Distinct().Order());
        // No row would pass for one of another class; where signs make a whole step of an ε, up to ε and sensitive are not told apart.
        Assert.All(rows.Where(row => !row.Jumps), row => Assert.All(
            Enum.GetValues<ScaleClass>().Where(other => other != row.Class),
            other => Assert.False(ScaleConfirmation.Judge([row with { Class = other }], []).Agrees)));
        Assert.False(ScaleConfirmation.Judge([], [edges[0] with { Measured = 3 * edges[0].Predicted }]).Agrees);
    }

    [Fact]
    public void A_thousand_times_the_rewards_end_within_the_band_of_ε_under_AdamW_and_far_outside_of_it_under_SGD()
    {
        var confirmation = new ScaleConfirmation(s_tree) { Steps = 25 };
        var adam = Run(OptimizerCatalogue.AdamW.With(0.01));
        var sgd = Run(OptimizerCatalogue.Sgd.With(0.5));

        // The band is how far apart ε = 1e−8 and ε = 1e−11 take the run on R: adam-epsilon-identity, in which no scaled reward occurs. A
        // factor that is no power of two rounds, a few times 2⁻⁵³ a step.
        Assert.InRange(adam.Predicted, 1e-9, 1e-3);
        Assert.InRange(adam.Distance, 0, adam.Predicted * (1 + 1e-6));
        Assert.InRange(adam.FromTwin, 0, 1e-9);
        Assert.True(sgd.Distance > 1e4 * adam.Predicted, $"{sgd.Distance} against {adam.Predicted}");

        ScaledRun Run(Optimizer optimizer) => confirmation.Run(new("dr-grpo", Catalogue.DrGrpo, optimizer)).Runs.Single(run => run.Scale == 1e3);
    }

    [Fact]
    public void Momentum_takes_ratios_past_the_clip_as_far_as_the_theory_says_and_a_reset_does_not()
    {
        var confirmation = new OvershootConfirmation(s_tree) { Batches = 6 };
        var rows = confirmation.Settings.AsParallel().AsOrdered().Select(setting => confirmation.Run(setting.Optimizer, setting.InnerSteps)).ToArray();
        var equal = OvershootConfirmation.Optimizers.Select(confirmation.OnEqualRewards).ToArray();
        var judged = OvershootConfirmation.Judge(rows, equal);

        Agrees(judged);
        Assert.Equal((2 * OvershootConfirmation.Optimizers.Length) + equal.Length, judged.Findings.Length);
        Assert.All(OvershootConfirmation.Optimizers, optimizer => Assert.Contains(rows, row => row.Optimizer == optimizer.Id && row.Stops > 20));
        // Another optimizer's rows would not pass for these.
        var adam = rows.Where(row => row.Optimizer == "adamw 0.9/0.999").ToArray();
        Assert.False(OvershootConfirmation.Judge([.. adam.Select(row => row with { Optimizer = "sgd" })], []).Agrees);
        Assert.False(OvershootConfirmation.Judge([.. adam.Select(row => row with { Bound = row.Rise * 0.99 })], []).Agrees);
        Assert.False(OvershootConfirmation.Judge([.. adam.Select(row => row with { Unexplained = 1 })], []).Agrees);
    }

    [Fact]
    public void A_tail_of_other_momenta_is_not_explained_by_ε()
    {
        // The steps of β₁ = 0.9 judged as those of 0.88.
        var confirmation = new OvershootConfirmation(s_tree) { Batches = 3 };
        var mistaken = new Optimizer("mistaken", [new MistakenAdam(), new ScaleByLearningRate(0.03)]);

        Assert.True(confirmation.Run(mistaken, 16) is { Stops: > 0, Unexplained: > 0 });
        Assert.True(confirmation.OnEqualRewards(mistaken).Unexplained > 0);
    }

    [Theory]
    [InlineData("log-linear")]
    [InlineData("tree")]
    public void Batches_of_equal_rewards_move_any_policy_by_the_tail_alone(string policy)
    {
        var confirmation = new OvershootConfirmation(task => TaskPolicies.Of(policy, task)) { Batches = 5 };
        var rows = OvershootConfirmation.Optimizers.Select(confirmation.OnEqualRewards).ToArray();

        Agrees(OvershootConfirmation.Judge([], rows));
        Assert.All(rows.Where(row => row.Optimizer.StartsWith("adamw", StringComparison.Ordinal) && !row.Optimizer.EndsWith("reset", StringComparison.Ordinal)), row => Assert.True(row.LargestRatio > 1.001));
    }

    private static void Agrees<TRow>(Confirmation<TRow> confirmation)
    {
        ImmutableArray<Finding> wrong = [.. confirmation.Findings.Where(finding => !finding.Agrees)];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
        Assert.NotEmpty(confirmation.Findings);
    }

    private sealed record MistakenAdam() : ScaleByAdam
    {
        public override double? TailRatio(int steps, int k) => ClosedRatio(0.88, steps, k);

        private static double ClosedRatio(double beta1, int steps, int k) => new ScaleByAdam(beta1).TailRatio(steps, k)!.Value;
    }
}
