using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Properties.Objectives;
using GroupRL.Properties.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>
/// A claim that nothing can fail says nothing: each is shown a subject that promises to keep it, as far as its traits tell, and does
/// not. The other way round, what is refuted somewhere holds somewhere.
/// </summary>
public class MutantTests
{
    private static readonly SurrogateObjective s_liveDrGrpo = Catalogue.DrGrpo with { Advantage = new MeanBaseline { Over = Counted.LiveRows } };

    private static readonly ImmutableArray<(string Claim, string Fault, SurrogateObjective Objective)> s_objectives =
    [
        ("prefix-neutrality", "an advantage plus a constant", Catalogue.DrGrpo with { Advantage = Plus(1e-9) }),
        ("prefix-neutrality", "a weight that grows with the row's index by a millionth", Weighted(Catalogue.DrGrpo, (b, i) => 1 + (1e-6 * (i - b[b.GroupOf(i)].FirstRow)))),
        ("prefix-neutrality", "a weight 1/length under the promise of a uniform one", Weighted(Catalogue.DrGrpo, (b, i) => 1.0 / b.Length(i))),
        ("prefix-neutrality", "a baseline without the row itself, not rescaled", Catalogue.DrGrpo with { Advantage = new FormulaAdvantage((r, all) => r - ((all.Sum() - r) / all.Length)) }),
        ("prefix-neutrality", "negative advantages 3 % stronger", Shaped(Catalogue.DrGrpo, (clip, r, a) => Times(clip.At(r, a), a < 0 ? 1.03 : 1))),
        ("prefix-masked-truncation", "dead rows counted under the promise to ignore them", s_liveDrGrpo with { Advantage = new PromisesToIgnoreDeadRows(new MeanBaseline()) }),
        ("prefix-masked-truncation", "an advantage plus a constant", s_liveDrGrpo with { Advantage = new ChangedAdvantage((RowAdvantage)s_liveDrGrpo.Advantage, (_, a) => a + 1e-9) }),
        ("prefix-bias-sign", "a kernel of the wrong sign", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), -1))),
        ("prefix-bias-sign", "a slope 3 % off", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), 1.03))),
        ("prefix-bias-sign", "no gradient at the ratio 1 for A < 0", Shaped(Catalogue.Dapo, (clip, r, a) => r == 1 && a < 0 ? (a, 0) : clip.At(r, a))),
        ("prefix-bias-sign", "a gain other than the one that is said", Catalogue.Cispo with { Kernel = new FormulaKernel(new ClippedImportance(0, 5), p => (0.2 * p.Advantage * p.Logp, 0.2 * p.Advantage)) }),
        ("prefix-bias-magnitude", "a slope one part in 10⁹ high", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), 1 + 1e-9))),
        ("prefix-bias-magnitude", "a slope one part in 10⁹ low", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), 1 - 1e-9))),
        ("prefix-bias-magnitude", "no gradient at the ratio 1 for A < 0, of one weight", Shaped(Catalogue.Dapo, (clip, r, a) => r == 1 && a < 0 ? (a, 0) : clip.At(r, a))),
        ("prefix-bias-magnitude", "a gain other than the one that is said", Catalogue.Cispo with { Kernel = new FormulaKernel(new ClippedImportance(0, 5), p => (2 * p.Advantage * p.Logp, 2 * p.Advantage)), Weight = Catalogue.Grpo.Weight }),
        ("prefix-bias-binary", "a slope one part in 10⁹ off", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), 1 + 1e-9))),
        ("prefix-bias-binary", "weights 1/(n + 1)", Weighted(Catalogue.Grpo, (b, i) => 1.0 / (b.GroupSize(b.GroupOf(i)) * b.Groups) / (b.Length(i) + 1))),
        ("prefix-bias-binary", "the population's standard deviation under the factor of the sample's", Catalogue.Grpo with { Advantage = new OtherFactor(new StandardScore { Ddof = 0 }, new StandardScore()) }),
        ("clip-zero-coefficient", "a gradient that leaks 1e−12 of itself beyond the bounds", Shaped(Catalogue.Grpo, (clip, r, a) => a != 0 && clip.Kills(r, a) ? (0, 1e-12 * r * a) : clip.At(r, a))),
        ("clip-zero-coefficient", "an exclusive upper bound", Shaped(Catalogue.Grpo, (clip, r, a) => r == clip.High && a > 0 ? (r * a, 0) : clip.At(r, a))),
        ("clip-zero-coefficient", "an exclusive lower bound", Shaped(Catalogue.Grpo, (clip, r, a) => r == clip.Low && a < 0 ? (r * a, 0) : clip.At(r, a))),
        ("clip-zero-coefficient", "an exclusive upper bound of a sequence", SequenceShaped(Catalogue.Gspo, (clip, r, a) => r == clip.High && a > 0 ? (r * a, 0) : clip.At(r, a))),
        ("clip-zero-coefficient", "a bound one part in 10¹² too high", Shaped(Catalogue.Grpo, (clip, r, a) => new Clip(clip.Low, clip.High * (1 + 1e-12)).At(r, a))),
        ("clip-zero-coefficient", "no gradient on either side of the range, for either sign", Shaped(Catalogue.Grpo, (clip, r, a) => (clip.At(r, a).Value, r < clip.Low || r > clip.High ? 0 : r * a))),
        ("clip-zero-coefficient", "max instead of min", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, -a), -1))),
        ("clip-zero-coefficient", "a kernel of the wrong sign", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), -1))),
        ("clip-zero-coefficient", "the token's ratio under the name of the sequence's", Catalogue.Gspo with { Kernel = new TokensAsSequence(Clip.Range(3e-4, 4e-4)) }),
        ("gradient-consistency", "a slope 3 % off", Shaped(Catalogue.Grpo, (clip, r, a) => (clip.At(r, a).Value, 1.03 * clip.At(r, a).Slope))),
        ("gradient-consistency", "a slope one part in a million off", Shaped(Catalogue.Grpo, (clip, r, a) => (clip.At(r, a).Value, (1 + 1e-6) * clip.At(r, a).Slope))),
        ("gradient-consistency", "a slope one part in a million off, of a sequence", SequenceShaped(Catalogue.Gspo, (clip, r, a) => (clip.At(r, a).Value, (1 + 1e-6) * clip.At(r, a).Slope))),
        ("gradient-consistency", "a slope of the wrong sign", Shaped(Catalogue.DrGrpo, (clip, r, a) => (clip.At(r, a).Value, -clip.At(r, a).Slope))),
        ("gradient-consistency", "a gain that is not frozen", Catalogue.Cispo with { Kernel = new FormulaKernel(Catalogue.Cispo.Kernel, LiveGain) }),
        ("gradient-consistency", "a gradient that leaks 1 % beyond the bounds", Shaped(Catalogue.Grpo, (clip, r, a) => (clip.At(r, a).Value, a != 0 && clip.Kills(r, a) ? 0.01 * r * a : clip.At(r, a).Slope))),
        ("gradient-consistency", "the derivative of k3 without its 1", Catalogue.Grpo with { Regularisers = [new FormulaPenalty(0.04, y => (Math.Exp(y) - y - 1, -Math.Exp(y)))] }),
        ("gradient-consistency", "a mean without its 1/n", Catalogue.Gspo with { Kernel = new ChangedCoefficients((RowKernel)Catalogue.Gspo.Kernel, (n, c) => n * c) }),
        ("degenerate-group", "equal rewards unrecognised at ε = 0", Catalogue.Grpo with { Advantage = new ChangedAdvantage(new StandardScore { Equal = EqualRewards.AreComputed }, (_, a) => a) }),
        ("degenerate-group", "an advantage plus a constant", Catalogue.DrGrpo with { Advantage = Plus(1e-9) }),
        ("degenerate-group", "an advantage plus a constant, off-policy in a sequence", Catalogue.Gspo with { Advantage = Plus(1e-9) }),
        ("permutation-invariance", "a weight that depends on the row's index", Weighted(Catalogue.Grpo, (b, i) => (1 + (1e-6 * i)) / b.Length(i))),
        ("permutation-invariance", "the first group weighed apart", Weighted(Catalogue.DrGrpo, (b, i) => b.GroupOf(i) == 0 ? 1 : 1 + 1e-6)),
        ("permutation-invariance", "the first row's advantage one part in 10⁹ off", Catalogue.DrGrpo with { Advantage = new ChangedAdvantage(new MeanBaseline(), (i, a) => i == 0 ? a * (1 + 1e-9) : a) }),
        ("permutation-invariance", "REINFORCE with the previous row's weight", Weighted(Catalogue.Rloo, (b, i) => 1.0 / b.FullLength(Math.Max(0, i - 1)))),
        .. ObjectiveClaimMutants.Objectives,
        .. EnumerationMutants.All,
    ];

    private static readonly ImmutableArray<(string Claim, string Fault, Optimizer Optimizer)> s_optimizers =
    [
        ("adam-epsilon-identity", "ε inside the root", Spoiled("adam-epsilon-inside-root", OptimizerCatalogue.Adam)),
        ("adam-epsilon-identity", "v averages |g|", Spoiled("adam-square-unsquared", OptimizerCatalogue.AdamW)),
        ("adam-epsilon-identity", "a floor under the moment", Replaced<ScaleByAdam>(OptimizerCatalogue.Adam, adam => new AdamOfParts(adam, OptimizerMutants.RightAdam with
        {
            Square = (a, v, g) => (a.Beta2 * v) + ((1 - a.Beta2) * Math.Max(g * g, 1e-20)),
        }))),
        ("adam-scale-deviation", "ε inside the root", Spoiled("adam-epsilon-inside-root", OptimizerCatalogue.Adam)),
        ("adam-scale-deviation", "ε before the bias correction", Spoiled("adam-epsilon-uncorrected", OptimizerCatalogue.AdamW)),
        ("adam-scale-deviation", "no ε", Spoiled("adam-epsilon-missing", OptimizerCatalogue.Adam)),
        ("adam-scale-deviation", "a bias correction of v that is one step ahead", Spoiled("adam-step-off-by-one", OptimizerCatalogue.Adam)),
        ("adam-scale-deviation", "AMSGrad that forgets its largest v", Spoiled("amsgrad-forgotten", OptimizerCatalogue.AmsGrad)),
        ("sgd-scale-equivariance", "signs instead of gradients", Replaced<Momentum>(OptimizerCatalogue.Momentum, momentum => new ChangedGradient(momentum, g => Math.Sign(g)))),
        ("sgd-scale-equivariance", "gradients rounded to thousandths", Replaced<Momentum>(OptimizerCatalogue.Nesterov, momentum => new ChangedGradient(momentum, g => Math.Round(g, 3)))),
        ("sgd-scale-equivariance", "a step that saturates at 10⁴", Replaced<ScaleByLearningRate>(OptimizerCatalogue.Sgd, rate => new SaturatingRate(rate))),
        ("momentum-tail", "the bias correction one step ahead", Spoiled("adam-step-off-by-one", OptimizerCatalogue.Adam)),
        ("momentum-tail", "m not corrected", Spoiled("adam-mean-uncorrected", OptimizerCatalogue.Adam)),
        ("momentum-tail", "v not corrected", Spoiled("adam-square-uncorrected", OptimizerCatalogue.AdamW)),
        ("momentum-tail", "betas swapped", Spoiled("adam-betas-swapped", OptimizerCatalogue.TrlAdamW)),
        ("momentum-tail", "no first moment", Spoiled("adam-mean-forgotten", OptimizerCatalogue.Adam)),
        ("momentum-tail", "AMSGrad that forgets its largest v", Spoiled("amsgrad-forgotten", OptimizerCatalogue.AmsGrad)),
        ("momentum-tail", "ε inside the root", Spoiled("adam-epsilon-inside-root", OptimizerCatalogue.Adam)),
        ("momentum-tail", "b₁ dampened", Spoiled("momentum-first-dampened", new("dampened", [new Momentum(0.9, Dampening: 0.5), new ScaleByLearningRate(1e-3)]))),
        ("momentum-tail", "a buffer that averages", Spoiled("momentum-averaged", OptimizerCatalogue.Momentum)),
        ("momentum-tail", "Nesterov that looks back", Spoiled("nesterov-looks-back", OptimizerCatalogue.Nesterov)),
        ("momentum-tail", "Nesterov that does not look ahead", Spoiled("nesterov-forgotten", OptimizerCatalogue.Nesterov)),
        ("momentum-tail", "a decay that grows", Spoiled("decay-reversed", OptimizerCatalogue.AdamW)),
        ("adam-epsilon-identity", "Adagrad's ε inside the root", Spoiled("adagrad-epsilon-inside-root", OptimizerCatalogue.Adagrad)),
        ("adam-epsilon-identity", "Adagrad that sums sizes", Spoiled("adagrad-sums-sizes", OptimizerCatalogue.Adagrad)),
        ("adam-epsilon-identity", "Adafactor that divides by v", Spoiled("adafactor-square-without-root", OptimizerCatalogue.Adafactor)),
        ("adam-scale-deviation", "RMSprop's ε inside the root", Spoiled("rmsprop-epsilon-inside-root", OptimizerCatalogue.RmsProp)),
        ("adam-scale-deviation", "centred RMSprop that is not centred", Spoiled("rmsprop-centred-or-not", OptimizerCatalogue.RmsPropCentered)),
        ("adam-scale-deviation", "NAdam's v not corrected", Spoiled("nadam-square-uncorrected", OptimizerCatalogue.NAdam)),
        ("adam-scale-deviation", "Adagrad that forgets", Spoiled("adagrad-forgets", OptimizerCatalogue.Adagrad)),
        ("momentum-tail", "ε̂ in place of ε", Spoiled("adam-epsilon-uncorrected", OptimizerCatalogue.OpenRlhfAdam)),
        ("momentum-tail", "NAdam with μ twice", Spoiled("nadam-mu-repeated-or-not", OptimizerCatalogue.NAdam)),
        ("momentum-tail", "NAdam that does not look ahead", Spoiled("nadam-look-ahead-forgotten", OptimizerCatalogue.NAdam)),
        ("momentum-tail", "RAdam that adapts early", Spoiled("radam-threshold-of-the-paper", OptimizerCatalogue.RAdam)),
        ("momentum-tail", "RAdam's ε beside the corrected root", Spoiled("radam-epsilon-corrected", OptimizerCatalogue.RAdam)),
        ("momentum-tail", "RMSprop's momentum averaged", Spoiled("rmsprop-momentum-averaged", OptimizerCatalogue.RmsPropMomentum)),
        ("momentum-tail", "RMSprop's momentum forgotten", Spoiled("rmsprop-momentum-forgotten", OptimizerCatalogue.RmsPropMomentum)),
        ("momentum-tail", "Adamax that never forgets", Spoiled("adamax-never-forgets", OptimizerCatalogue.Adamax)),
        ("momentum-tail", "Adamax's ε outside the maximum", Spoiled("adamax-epsilon-outside", OptimizerCatalogue.Adamax)),
        ("momentum-tail", "Muon with four iterations", Spoiled("muon-four-iterations", OptimizerCatalogue.Muon)),
        ("momentum-tail", "Muon that keeps its norm", Spoiled("muon-unnormalised", OptimizerCatalogue.MuonKellerJordan)),
        ("momentum-tail", "Muon that ignores the shape", Spoiled("muon-shape-ignored", OptimizerCatalogue.MuonMatchRms)),
        ("adam-epsilon-identity", "Muon that keeps its norm", Spoiled("muon-unnormalised", OptimizerCatalogue.Muon)),
        ("momentum-tail", "Lion without memory", Spoiled("lion-without-memory", OptimizerCatalogue.Lion)),
        ("momentum-tail", "Lion without its sign", Spoiled("lion-without-sign", OptimizerCatalogue.Lion)),
        ("momentum-tail", "Lion's betas swapped", Spoiled("lion-betas-swapped", OptimizerCatalogue.Lion)),
        ("momentum-tail", "Signum of the gradient", Spoiled("signum-of-gradient", OptimizerCatalogue.Signum)),
        ("momentum-tail", "Signum that remembers signs", Spoiled("signum-remembers-signs", OptimizerCatalogue.Signum)),
        ("momentum-tail", "Signum without its sign", Spoiled("signum-without-sign", OptimizerCatalogue.Signum)),
        ("momentum-tail", "memory dropped where the gradient is zero", Replaced<ScaleByAdam>(OptimizerCatalogue.Adam, adam => new ForgetfulAdam(adam))),
        .. OptimizerClaimMutants.All,
    ];

    private static readonly ImmutableArray<(string Claim, string Fault, Training Training)> s_trainings =
    [
        ("overshoot-strict", "Adam's memory dropped where the gradient is zero", new(Catalogue.Grpo, Replaced<ScaleByAdam>(OptimizerCatalogue.Adam, adam => new ForgetfulAdam(adam)))),
        ("overshoot-strict", "the same for a sequence's ratio", new(Catalogue.Gspo, Replaced<ScaleByAdam>(OptimizerCatalogue.TrlAdamW, adam => new ForgetfulAdam(adam)))),
        ("overshoot-strict", "no first moment", new(Catalogue.Grpo, Spoiled("adam-mean-forgotten", OptimizerCatalogue.Adam))),
        ("overshoot-strict", "Lion without memory", new(Catalogue.Grpo, Spoiled("lion-without-memory", OptimizerCatalogue.Lion))),
        ("overshoot-strict", "Signum of the gradient", new(Catalogue.Grpo, Spoiled("signum-of-gradient", OptimizerCatalogue.Signum))),
        ("overshoot-strict", "RMSprop's momentum forgotten", new(Catalogue.Grpo, Spoiled("rmsprop-momentum-forgotten", OptimizerCatalogue.RmsPropMomentum))),
        ("overshoot-strict", "no momentum", new(Catalogue.Dapo, Spoiled("momentum-forgotten", OptimizerCatalogue.Momentum))),
        ("overshoot-strict", "the past of alternating sign", new(Catalogue.DrGrpo, Spoiled("momentum-reversed", OptimizerCatalogue.Momentum))),
        .. ObjectiveClaimMutants.Trainings,
    ];

    public static TheoryData<string, string> ObjectiveMutantRows => Names(s_objectives.Select(mutant => (mutant.Claim, mutant.Fault)));

    public static TheoryData<string, string> OptimizerMutantRows => Names(s_optimizers.Select(mutant => (mutant.Claim, mutant.Fault)));

    public static TheoryData<string, string> TrainingMutantRows => Names(s_trainings.Select(mutant => (mutant.Claim, mutant.Fault)));

    /// <summary>What the ledger's own rows do not show: a subject for which a claim has the other verdict.</summary>
    public static TheoryData<string, string, VerdictKind> OtherVerdicts => new()
    {
        { "prefix-masked-truncation", "mean baseline over live rows", VerdictKind.Holds },
        { "prefix-masked-truncation", "standard score over live rows, group token mean", VerdictKind.Holds },
        { "degenerate-group", "no baseline", VerdictKind.Refuted },
        { "prefix-neutrality", "no baseline", VerdictKind.Refuted },
        { "prefix-neutrality", "mean baseline over live rows", VerdictKind.Holds },
        { "gradient-consistency", "clip with a cap of a million", VerdictKind.Holds },
        { "clip-zero-coefficient", "clip with a cap of a million", VerdictKind.Holds },
        { "clip-zero-coefficient", "clip without a lower bound", VerdictKind.Holds },
        { "clip-zero-coefficient", "clip of no width", VerdictKind.Holds },
        { "gradient-consistency", "clip of no width", VerdictKind.Holds },
        { "clip-zero-coefficient", "clip at a bound that no exponential is", VerdictKind.Holds },
        { "prefix-neutrality", "standard deviation of the batch", VerdictKind.Holds },
        { "prefix-neutrality", "advantages normalised over the batch", VerdictKind.Holds },
        { "permutation-invariance", "standard deviation of the batch", VerdictKind.Holds },
        { "permutation-invariance", "advantages normalised over the batch", VerdictKind.Holds },
        { "permutation-invariance", "rewards normalised over the batch", VerdictKind.Holds },
        { "permutation-invariance", "mean baseline over live rows", VerdictKind.Holds },
        { "prefix-neutrality", "rewards normalised over the batch", VerdictKind.Refuted },
    };

    [Theory]
    [MemberData(nameof(ObjectiveMutantRows))]
    public void An_objective_that_breaks_its_promise_is_refuted(string claimId, string fault)
    {
        var objective = s_objectives.Single(mutant => mutant.Claim == claimId && mutant.Fault == fault).Objective;
        var row = Ledger.ObjectiveRows(fault, objective).Single(row => row.Claim.Id == claimId);

        Assert.Equal((VerdictKind.Holds, VerdictKind.Refuted), (row.Expected.Kind, row.Judge(Profile.Ci).Kind));
    }

    [Theory]
    [MemberData(nameof(OptimizerMutantRows))]
    public void An_optimizer_that_breaks_its_promise_is_refuted(string claimId, string fault)
    {
        var optimizer = s_optimizers.Single(mutant => mutant.Claim == claimId && mutant.Fault == fault).Optimizer;
        var row = Ledger.OptimizerRows(optimizer).Single(row => row.Claim.Id == claimId);

        Assert.Equal((VerdictKind.Holds, VerdictKind.Refuted), (row.Expected.Kind, row.Judge(Profile.Ci).Kind));
    }

    [Theory]
    [MemberData(nameof(TrainingMutantRows))]
    public void A_training_that_breaks_its_promise_is_refuted(string claimId, string fault)
    {
        var training = s_trainings.Single(mutant => mutant.Claim == claimId && mutant.Fault == fault).Training;
        var row = Ledger.TrainingRows(fault, training.Objective, training.Optimizer).Single(row => row.Claim.Id == claimId);

        Assert.Equal((VerdictKind.Holds, VerdictKind.Refuted), (row.Expected.Kind, row.Judge(Profile.Ci).Kind));
    }

    [Fact]
    public void A_mutant_that_no_recorded_run_can_see_breaks_a_claim() => Assert.All(
        OptimizerMutants.All.Where(mutant => mutant.Files.IsEmpty),
        mutant => Assert.Contains(s_optimizers, broken => broken.Optimizer.Id.EndsWith($"!{mutant.Id}", StringComparison.Ordinal)));

    [Fact]
    public void Every_claim_of_the_ledger_has_a_mutant()
    {
        var broken = s_objectives.Select(mutant => mutant.Claim).Concat(s_optimizers.Select(mutant => mutant.Claim)).Concat(s_trainings.Select(mutant => mutant.Claim));

        Assert.Equal(Ledger.Claims.Select(claim => claim.Id).Order(), broken.Distinct().Order());
    }

    [Fact]
    public void A_mutant_without_its_mistake_keeps_the_claims_that_it_broke()
    {
        // The control: the parts that mutants are made of, put together right, refute nothing.
        var objective = Shaped(Catalogue.Grpo, (clip, r, a) => clip.At(r, a));
        var optimizer = Replaced<ScaleByAdam>(OptimizerCatalogue.Adam, adam => new AdamOfParts(adam, OptimizerMutants.RightAdam));

        var rows = Ledger.ObjectiveRows("control", objective).Concat(Ledger.OptimizerRows(optimizer)).Concat(Ledger.TrainingRows("control", objective, optimizer));
        Assert.All(rows, row => Assert.Equal(row.Expected.Kind, row.Judge(Profile.Ci).Kind));
    }

    [Fact]
    public void What_is_refuted_somewhere_in_the_ledger_or_here_holds_somewhere()
    {
        var kinds = Ledger.Rows.Select(row => (row.Claim.Id, row.Expected.Kind))
            .Concat(OtherVerdicts.Select(row => ((string)row[0], (VerdictKind)row[2]))).ToLookup(row => row.Item1, row => row.Item2);

        Assert.All(Ledger.Claims, claim => Assert.Contains(VerdictKind.Holds, kinds[claim.Id]));
    }

    [Theory]
    [MemberData(nameof(OtherVerdicts))]
    public void A_claim_has_the_other_verdict_where_the_theory_says_so(string claimId, string subject, VerdictKind expected)
    {
        var objective = subject switch
        {
            "mean baseline over live rows" => s_liveDrGrpo,
            "standard score over live rows, group token mean" => Catalogue.Dapo with { Advantage = new StandardScore { Over = Counted.LiveRows } },
            "no baseline" => Catalogue.DrGrpo with { Advantage = new NoBaseline() },
            "clip with a cap of a million" => Catalogue.Grpo with { Kernel = new TokenRatio(Clip.Range(0.2, 0.2, cap: 1e6)) },
            "clip without a lower bound" => Catalogue.Grpo with { Kernel = new TokenRatio(Clip.Range(1, 0.2)) },
            "clip of no width" => Catalogue.Grpo with { Kernel = new TokenRatio(Clip.Range(0, 0)) },
            "clip at a bound that no exponential is" => Catalogue.Grpo with { Kernel = new TokenRatio(new Clip(0.5, UnreachableBound())) },
            "standard deviation of the batch" => Catalogue.DrGrpo with { Advantage = TrlFlavours.BatchScaled },
            "advantages normalised over the batch" => Catalogue.Rloo with { Advantage = new BatchNormalised(new LeaveOneOut(), 1e-4) },
            "rewards normalised over the batch" => Catalogue.Rloo with { Advantage = new BatchNormalised(new NoBaseline(), 1e-4) },
            _ => throw new ArgumentException($"There is no subject {subject}.", nameof(subject)),
        };
        var row = Ledger.ObjectiveRows(subject, objective).Single(row => row.Claim.Id == claimId);
        var verdict = row.Judge(Profile.Ci);

        Assert.True(verdict.Kind == row.Expected.Kind, LedgerProfile.Explain(row, verdict));
        Assert.Equal(expected, verdict.Kind);
    }

    private static TheoryData<string, string> Names(IEnumerable<(string Claim, string Fault)> mutants)
    {
        TheoryData<string, string> names = [];
        foreach (var (claim, fault) in mutants)
            names.Add(claim, fault);
        return names;
    }

    // Above 4 the exponentials of neighbouring float64 numbers lie more than a spacing apart.
    private static double UnreachableBound()
    {
        double bound = 5;
        while (Math.Exp(Math.Log(bound)) == bound || Math.Exp(Math.BitIncrement(Math.Log(bound))) == bound || Math.Exp(Math.BitDecrement(Math.Log(bound))) == bound)
            bound = Math.BitIncrement(bound);
        return bound;
    }

    private static ChangedAdvantage Plus(double constant) => new(new MeanBaseline(), (_, a) => a + constant);

    private static SurrogateObjective Weighted(SurrogateObjective objective, Func<RolloutBatch, int, double> formula) =>
        objective with { Weight = new FormulaWeight(objective.Weight.Traits, formula) };

    private static SurrogateObjective Shaped(SurrogateObjective objective, Func<Clip, double, double, (double Value, double Slope)> formula) =>
        objective with { Kernel = new TokenRatio(new FormulaShape(objective.Kernel.Region!, formula)) };

    private static SurrogateObjective SequenceShaped(SurrogateObjective objective, Func<Clip, double, double, (double Value, double Slope)> formula) =>
        objective with { Kernel = new SequenceRatio(objective.Kernel.Ratio, new FormulaShape(objective.Kernel.Region!, formula)) };

    private static (double Value, double Slope) Times((double Value, double Slope) right, double factor) => (factor * right.Value, factor * right.Slope);

    // CISPO's value with the gain at the evaluation point, and the coefficient as if it were frozen.
    private static (double Value, double Slope) LiveGain(Point p) =>
        (Math.Min(Math.Exp(p.Logp - p.Old), 5) * p.Advantage * p.Logp, Math.Min(Math.Exp(p.Frozen - p.Old), 5) * p.Advantage);

    private static Optimizer Spoiled(string mutant, Optimizer right) => OptimizerMutants.Find(mutant).Of(right)!;

    private static Optimizer Replaced<T>(Optimizer right, Func<T, T> change) where T : Transform =>
        right with { Chain = [.. right.Chain.Select(link => link is T own ? change(own) : link)] };

    /// <summary>An advantage that says the factor of another.</summary>
    private sealed record OtherFactor(RowAdvantage Inner, Advantage Said) : RowAdvantage
    {
        public override Traits Traits => Inner.Traits;

        public override double? Factor(in RewardMoments moments) => Said.Factor(moments);

        public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) => Inner.FillRows(batch, rewards, advantages);
    }

    /// <summary>Each token clipped by its own ratio, under the name of the sequence's.</summary>
    private sealed record TokensAsSequence(Clip Clip) : RowKernel
    {
        public override Traits Traits => new SequenceRatio(RatioLevel.SequenceMean, Clip).Traits;

        public override RatioLevel Ratio => RatioLevel.SequenceMean;

        public override Clip? Region => Clip;

        public override double Row(in RowView row, Span<double> coefficients) => new TokenRatio(Clip).Row(row, coefficients);
    }

    /// <summary>Adam that starts afresh in every coordinate whose gradient is exactly zero.</summary>
    private sealed record ForgetfulAdam : ScaleByAdam
    {
        public ForgetfulAdam(ScaleByAdam right) : base(right)
        {
        }

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
        {
            var past = Own<AdamState>(state);
            double[] gradient = update.ToArray();
            return base.Apply(past with { Mean = [.. past.Mean.Select((m, j) => gradient[j] == 0 ? 0 : m)] }, update, theta);
        }
    }

    /// <summary>Momentum over changed gradients.</summary>
    private sealed record ChangedGradient : Momentum
    {
        private readonly Func<double, double> _change;

        public ChangedGradient(Momentum right, Func<double, double> change) : base(right) => _change = change;

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) =>
            base.Apply(state, [.. update.ToArray().Select(_change)], theta);
    }

    /// <summary>−η·u/(1 + |u|/10⁴).</summary>
    private sealed record SaturatingRate : ScaleByLearningRate
    {
        public SaturatingRate(ScaleByLearningRate right) : base(right)
        {
        }

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) =>
            base.Apply(state, [.. update.ToArray().Select(u => u / (1 + (Math.Abs(u) / 1e4)))], theta);
    }
}
