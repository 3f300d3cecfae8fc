using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

public sealed class OptimizerLawTests
{
    private const int Cases = 500;

    private static readonly ScaleByLearningRate s_rate = new(0.1);

    private static readonly Optimizer[] s_unusual =
    [
        new("no ε", [new ScaleByAdam(Epsilon: 0), s_rate]),
        new("no first moment", [new ScaleByAdam(Beta1: 0), s_rate]),
        new("no second moment", [new ScaleByAdam(Beta2: 0), s_rate]),
        new("short memories", [new ScaleByAdam(0.5, 0.5), new ScaleByLearningRate(10)]),
        new("a large decay", [new ScaleByAdam(), new AddDecayedWeights(1), s_rate]),
        new("a centred root of a short memory", [new ScaleByRms(0.5, Centered: true), s_rate]),
        new("a long momentum", [new Momentum(0.99, Nesterov: true), s_rate]),
        new("a dampened momentum", [new Momentum(0.9, Dampening: 0.9), s_rate]),
        new("Lion behind a clip", [new ClipByGlobalNorm(0.1), new ScaleByLion(), new AddDecayedWeights(0.1), s_rate]),
        new("Signum behind a clip", [new ClipByGlobalNorm(0.1), new ScaleBySign(0.5), s_rate]),
        new("Adagrad with a start and a decaying rate", [new ScaleByAdagrad(RateDecay: 0.5, InitialSum: 0.1), s_rate]),
        new("Adafactor of a tiny threshold", [new ScaleByAdafactor(ClipThreshold: 0.1), s_rate]),
    ];

    public static TheoryData<string> Vectors => [.. OptimizerCatalogue.All.Where(optimizer => optimizer.TakesVectors).Select(optimizer => optimizer.Id)];

    public static TheoryData<string, string> Mutants
    {
        get
        {
            TheoryData<string, string> rows = [];
            foreach (var (law, fault, _) in OptimizerLawMutants.All)
                rows.Add(law, fault);
            return rows;
        }
    }

    public static TheoryData<string> Explained => [.. OptimizerLawMutants.Explained.Select(mutant => mutant.Fault)];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Every_optimizer_of_the_catalogue_keeps_the_contract_and_answers_the_theory_as_predicted(string id)
    {
        var optimizer = OptimizerCatalogue.TryFind(id)!;
        foreach (var row in OptimizerLaws.Rows(new(new CatalogueOptimizer(optimizer))))
        {
            var verdict = row.Judge(new(Cases));
            Assert.True(verdict.Kind == row.Expected.Kind, $"{row.Claim.Id} is {verdict.Kind} for {id}, expected {row.Expected.Kind}: {verdict.Counterexample?.Why ?? verdict.Reason} {verdict.Counterexample?.Case}");
        }
    }

    public static TheoryData<string> Unusual => [.. s_unusual.Select(optimizer => optimizer.Id)];

    [Theory]
    [MemberData(nameof(Unusual))]
    public void Unusual_constants_and_chains_keep_the_contract_too(string id)
    {
        var subject = new OptimizerSubject(new CatalogueOptimizer(s_unusual.Single(optimizer => optimizer.Id == id)));
        Assert.All(OptimizerLaws.Contract.Where(law => law.Missing(subject) is null), law =>
        {
            var verdict = law.Judge(subject, id, new(Cases));
            Assert.True(verdict.Kind == VerdictKind.Holds, $"{law.Id}: {verdict.Counterexample?.Why ?? verdict.Reason} {verdict.Counterexample?.Case}");
        });
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Every_optimizer_of_the_catalogue_takes_its_own_way(string id)
    {
        var optimizer = new CatalogueOptimizer(OptimizerCatalogue.TryFind(id)!);
        var verdict = OptimizerLikeness.LikeTrajectory.Judge(new(optimizer) { Oracle = optimizer }, id, new(Cases));
        Assert.Equal(VerdictKind.Holds, verdict.Kind);
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void A_law_that_shares_its_id_with_a_claim_expects_what_that_claim_expects(string id)
    {
        var optimizer = OptimizerCatalogue.TryFind(id)!;
        var known = Ledger.OptimizerRows(optimizer).ToDictionary(row => row.Claim.Id, row => row.Expected.Kind);
        string[] shared = [.. OptimizerLaws.Theory.Select(claim => claim.Id).Where(known.ContainsKey)];
        Assert.Equal(["sign-methods-scale-invariance", "sgd-scale-equivariance", "adam-step-bound", "momentum-tail"], shared);
        Assert.All(OptimizerLaws.Rows(new(new CatalogueOptimizer(optimizer))).Where(row => shared.Contains(row.Claim.Id)), row => Assert.Equal(known[row.Claim.Id], row.Expected.Kind));
    }

    [Theory]
    [MemberData(nameof(Mutants))]
    public void A_law_refutes_a_defect_by_a_small_history(string law, string fault)
    {
        var subject = OptimizerLawMutants.All.Single(mutant => (mutant.Law, mutant.Fault) == (law, fault)).Subject;
        var verdict = OptimizerLaws.Find(law)!.Judge(subject, "mutant", new(Cases));
        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
        var history = Assert.IsType<GradientHistory>(verdict.Counterexample!.Case);
        Assert.True(history.Dimension <= 3 && history.Steps <= 3, $"{history}");
        Assert.NotEqual("", verdict.Counterexample.Why);
    }

    [Fact]
    public void Every_law_refutes_some_defect() =>
        Assert.Empty(OptimizerLaws.Claims.Select(claim => claim.Id).Except(OptimizerLawMutants.All.Select(mutant => mutant.Law)));

    [Theory]
    [MemberData(nameof(Explained))]
    public void What_differs_from_the_optimizer_that_it_is_meant_to_be_is_named(string fault)
    {
        var (_, change, subject) = OptimizerLawMutants.Explained.Single(mutant => mutant.Fault == fault);
        var nearest = OptimizerLikeness.Explain(subject, subject.Design!);
        Assert.Equal(change, nearest[0].Change);
        Assert.True(nearest[0].Distance < OptimizerLikeness.Same, $"{nearest[0].Distance}");
        // The same change may have a name of its own in the catalogue: Adam for AdamW without its decay.
        Assert.All(nearest[1..].Where(other => other.Distance < OptimizerLikeness.Same), other => Assert.EndsWith("in its place", other.Change, StringComparison.Ordinal));
        var verdict = OptimizerLikeness.LikeTrajectory.Judge(subject, "mutant", new(Cases));
        Assert.Contains($"they part at step ", verdict.Counterexample!.Why, StringComparison.Ordinal);
        Assert.EndsWith($"what makes {subject.Design!.Id} this one is {change}", verdict.Counterexample.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_an_optimizer_whose_runs_do_not_repeat_only_that_is_judged()
    {
        var rows = OptimizerLaws.Rows(new(new PlainAdamW.StateKept())).ToArray();
        Assert.Equal("fresh-state", Assert.Single(rows, row => row.Expected.Kind != VerdictKind.NotApplicable).Claim.Id);
    }

    [Fact]
    public void An_optimizer_that_says_nothing_is_held_to_no_promise_that_a_sound_one_may_break()
    {
        string[] silent = [.. OptimizerLaws.Rows(new(new PlainAdamW())).Where(row => row.Claim.Class == ClaimClass.Contract && row.Expected.Kind == VerdictKind.NotApplicable).Select(row => row.Claim.Id)];
        Assert.Equal(["constant-gradient", "coordinates-apart", "translation"], silent);
    }

    [Fact]
    public void A_run_of_a_matrix_optimizer_is_refused() =>
        Assert.Contains("muon moves matrices", Assert.Throws<ArgumentException>(() => new CatalogueOptimizer(OptimizerCatalogue.Muon)).Message, StringComparison.Ordinal);
}
