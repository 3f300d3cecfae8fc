using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>Optimizers that no list knows: what their links say of themselves is enough to predict every verdict.</summary>
public sealed class UnseenOptimizerTests
{
    private static readonly ScaleByLearningRate s_rate = new(1e-3);

    private static readonly Dictionary<string, Optimizer> s_optimizers = new()
    {
        ["half of the last gradient besides"] = new("echo", [new Echo(), s_rate]),
        ["the same after clipping"] = new("clip+echo", [new ClipByGlobalNorm(1), new Echo(), s_rate]),
        ["the same with decay"] = new("echo-w", [new Echo(), new AddDecayedWeights(0.1), s_rate]),
        ["signs that forget a step later"] = new("lion-short", [new ScaleByLion(0.9, 0), s_rate]),
        ["lion that looks at the gradient alone"] = new("lion-blind", [new ScaleByLion(0), s_rate]),
        ["lion after clipping and with decay"] = new("clip+lion", [new ClipByGlobalNorm(1), new ScaleByLion(), new AddDecayedWeights(0.1), s_rate]),
        ["rmsprop with momentum and decay"] = new("rms-w", [new ScaleByRms(0.9, 1e-6, Centered: true, Momentum: 0.5), new AddDecayedWeights(0.1), s_rate]),
        ["rmsprop without ε"] = new("rms-0", [new ScaleByRms(Epsilon: 0, Momentum: 0.5), s_rate]),
        ["rmsprop with L2"] = new("rms-l2", [new AddDecayedWeights(0.1), new ScaleByRms(), s_rate]),
        ["adagrad with a sum to start from"] = new("adagrad-1", [new ScaleByAdagrad(1e-8, RateDecay: 0.1, InitialSum: 1), s_rate]),
        ["adagrad with a rate that decays"] = new("adagrad-2", [new ScaleByAdagrad(1e-8, RateDecay: 0.1), s_rate]),
        ["radam that never adapts"] = new("radam-0", [new ScaleByRAdam(Beta2: 0.5), s_rate]),
        ["radam that adapts at once"] = new("radam-1", [new ScaleByRAdam(Beta2: 0.9), s_rate]),
        ["adam without a first moment"] = new("adam-0", [new ScaleByAdam(Beta1: 0), s_rate]),
        ["adam without ε"] = new("adam-1", [new ScaleByAdam(Epsilon: 0), s_rate]),
        ["amsgrad with a large ε̂"] = new("adam-2", [new ScaleByAdam(0.9, 0.9, 0.1, EpsilonPlacement.Uncorrected, AmsGrad: true), s_rate]),
        ["nadam as it was in torch 1.13.1"] = new("nadam-old", [new ScaleByNAdam(RepeatedMu: true), s_rate]),
        ["nadam with a large ε and a fast β₂"] = new("nadam-1", [new ScaleByNAdam(0.8, 0.9, 1e-3, 0.1), s_rate]),
        ["nadam without betas and ε"] = new("nadam-0", [new ScaleByNAdam(0, 0, 0), s_rate]),
        ["adam of a β₁ that outlives β₂"] = new("adam-3", [new ScaleByAdam(0.9, 0.5), s_rate]),
        ["adamax without ε"] = new("adamax-0", [new ScaleByAdamax(Epsilon: 0), s_rate]),
        ["adamax with an ε that holds"] = new("adamax-1", [new ScaleByAdamax(0.9, 0.5, 1e-2), s_rate]),
        ["adafactor without floors"] = new("adafactor-0", [new ScaleByAdafactor(Epsilon: 0, Horizon: 2), s_rate]),
        ["signum with a short memory"] = new("signum-1", [new ScaleBySign(0.1), s_rate]),
        ["muon without a look ahead and a large ε"] = new("muon-1", [new ScaleByMuon(0.5, Nesterov: false, Epsilon: 1), s_rate]),
        ["muon without ε"] = new("muon-0", [new ScaleByMuon(Epsilon: 0, Norm: MuonNorm.Added), s_rate]),
        ["muon after clipping"] = new("clip+muon", [new ClipByGlobalNorm(1), new ScaleByMuon(0), s_rate]),
        ["a tail that is not said"] = new("silent", [new Silent(), s_rate]),
    };

    public static TheoryData<string> Subjects => [.. s_optimizers.Keys];

    [Theory]
    [MemberData(nameof(Subjects))]
    public void The_verdicts_are_those_that_its_links_let_expect(string subject)
    {
        var optimizer = s_optimizers[subject];
        foreach (var row in Ledger.OptimizerRows(optimizer).Concat(Ledger.TrainingRows("grpo", Catalogue.Grpo, optimizer)))
        {
            var verdict = row.Judge(Profile.Ci);
            Assert.True(verdict.Kind == row.Expected.Kind, LedgerProfile.Explain(row, verdict));
        }
    }

    [Theory]
    [InlineData("half of the last gradient besides", "sgd-scale-equivariance", VerdictKind.Holds)]
    [InlineData("half of the last gradient besides", "momentum-tail", VerdictKind.Holds)]
    [InlineData("half of the last gradient besides", "overshoot-strict", VerdictKind.Refuted)]
    [InlineData("the same after clipping", "sgd-scale-equivariance", VerdictKind.Refuted)]
    [InlineData("signs that forget a step later", "overshoot-strict", VerdictKind.Refuted)]
    [InlineData("lion that looks at the gradient alone", "overshoot-strict", VerdictKind.Refuted)]
    [InlineData("rmsprop without ε", "adam-scale-deviation", VerdictKind.Holds)]
    [InlineData("rmsprop without ε", "overshoot-strict", VerdictKind.Holds)]
    [InlineData("radam that never adapts", "sgd-scale-equivariance", VerdictKind.Holds)]
    [InlineData("radam that never adapts", "adam-epsilon-identity", VerdictKind.Refuted)]
    [InlineData("adagrad with a sum to start from", "adam-epsilon-identity", VerdictKind.Refuted)]
    [InlineData("adam without a first moment", "overshoot-strict", VerdictKind.Refuted)]
    [InlineData("half of the last gradient besides", "adam-step-bound", VerdictKind.NotApplicable)]
    [InlineData("half of the last gradient besides", "momentum-total", VerdictKind.NotApplicable)]
    [InlineData("the same after clipping", "clip-norm-invariance", VerdictKind.Holds)]
    [InlineData("the same with decay", "optimizer-scale-identity", VerdictKind.Holds)]
    [InlineData("lion that looks at the gradient alone", "scale-switch", VerdictKind.Holds)]
    [InlineData("signs that forget a step later", "scale-switch", VerdictKind.Refuted)]
    [InlineData("lion after clipping and with decay", "sign-methods-scale-invariance", VerdictKind.Refuted)]
    [InlineData("rmsprop with momentum and decay", "adam-step-bound", VerdictKind.Holds)]
    [InlineData("rmsprop with momentum and decay", "overshoot-bound", VerdictKind.NotApplicable)]
    [InlineData("adam without ε", "sign-methods-scale-invariance", VerdictKind.Holds)]
    [InlineData("nadam without betas and ε", "scale-switch", VerdictKind.Holds)]
    [InlineData("adam of a β₁ that outlives β₂", "overshoot-bound", VerdictKind.Holds)]
    [InlineData("adam without a first moment", "epsilon-removes-tail", VerdictKind.Holds)]
    [InlineData("adam without a first moment", "epsilon-keeps-tail", VerdictKind.NotApplicable)]
    [InlineData("adafactor without floors", "sign-methods-scale-invariance", VerdictKind.Holds)]
    [InlineData("radam that never adapts", "look-ahead-clip", VerdictKind.Holds)]
    [InlineData("muon without ε", "momentum-reset-stops", VerdictKind.Holds)]
    [InlineData("a tail that is not said", "momentum-tail", VerdictKind.NotApplicable)]
    [InlineData("a tail that is not said", "overshoot-strict", VerdictKind.NotApplicable)]
    public void What_is_expected_is_what_the_theory_says(string subject, string claim, VerdictKind expected) => Assert.Equal(
        expected,
        Ledger.OptimizerRows(s_optimizers[subject]).Concat(Ledger.TrainingRows("grpo", Catalogue.Grpo, s_optimizers[subject]))
            .Single(row => row.Claim.Id == claim).Expected.Kind);

    [Fact]
    public void An_optimizer_of_matrices_is_outside_the_claim_on_tabular_policies()
    {
        var row = Ledger.TrainingRows("grpo", Catalogue.Grpo, OptimizerCatalogue.MuonKellerJordan).Single(row => row.Claim == Overshoot.Strict);
        Assert.Equal((VerdictKind.NotApplicable, "needs an optimizer of vectors (this one's parameters are matrices)"), (row.Expected.Kind, row.Expected.Because));
    }

    [Fact]
    public void Every_objective_that_a_claim_about_training_speaks_of_meets_an_optimizer_with_memory_and_one_without_and_grpo_meets_all()
    {
        var pairs = Ledger.Pairings.Select(pair => (pair.Entry.Id, pair.Optimizer.Id)).ToHashSet();
        Assert.All(OptimizerCatalogue.All, optimizer => Assert.Contains(("grpo", optimizer.Id), pairs));
        foreach (var entry in Catalogue.All)
        {
            bool speaks = Ledger.TrainingClaims.Any(claim => claim.Missing(new(entry.Objective, OptimizerCatalogue.Sgd)) is null);
            Assert.Equal(speaks, pairs.Contains((entry.Id, "sgd")));
            Assert.Equal(speaks, pairs.Contains((entry.Id, "trl:adamw")));
        }
    }

    /// <summary>u = g_t + ½g_{t−1}: it remembers one gradient, and no longer.</summary>
    private sealed record Echo : Direction
    {
        public override Scaling Scaling => Scaling.Proportional;

        public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) =>
            k == 1 ? new(gradients[^1] / 2, Math.Abs(gradients[^1]), 1) : ClosedForm.Zero;

        public override TransformState Initial(int dimension) => new SignState([.. new double[dimension]]);

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
        {
            double[] now = update.ToArray();
            return (new SignState([.. now]), [.. now.Select((g, j) => g + (Own<SignState>(state).Mean[j] / 2))]);
        }
    }

    /// <summary>u = g, of which it says nothing.</summary>
    private sealed record Silent : Direction
    {
        public override Scaling Scaling => Scaling.Proportional;

        public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) => null;

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) =>
            (state, update.ToArray());
    }
}
