using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Properties.Cli.Compiled;
using GroupRL.Xunit;
using Xunit;
using Xunit.Sdk;
using SkipException = Xunit.SkipException;

namespace GroupRL.Properties.Contracts;

/// <summary>Contracts judged through their own methods, and by the runner that a user has.</summary>
public class ContractTests
{
    private static readonly Dictionary<string, string> s_noExpectation = [];

    [Fact]
    public void A_claim_that_is_kept_passes() => Of(Catalogue.DrGrpo).Keeps("prefix-neutrality");

    [Fact]
    public void An_unexpected_refutation_fails_with_all_that_is_needed_to_see_it_again()
    {
        string message = Assert.Throws<XunitException>(() => Of(Catalogue.Grpo).Keeps("prefix-neutrality")).Message;

        Assert.StartsWith("prefix-neutrality is refuted for OneObjectiveContract.\n\n  On a prefix that the whole group shares", message, StringComparison.Ordinal);
        var lines = message.Split('\n').Where(line => line.Length > 12).ToLookup(line => line[2..12].TrimEnd(), line => line[12..]);
        var batch = BatchReader.Read(Assert.Single(lines["case"]));
        double[] coefficients = Catalogue.Grpo.Evaluate(batch).Coefficients;
        double pushed = Math.Abs(Enumerable.Range(0, batch.Rows).Sum(row => coefficients[batch.Row(row).Start]));
        Assert.StartsWith(FormattableString.Invariant($"|Σᵢ cᵢₜ| = {pushed:G6}, must be at most "), Assert.Single(lines["measured"]), StringComparison.Ordinal);
        Assert.Contains("weighs its token", Assert.Single(lines["why"]), StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]+-[0-9a-f]+-[0-9a-f]+, of the case before it was shrunk", Assert.Single(lines["seed"]));
        Assert.Equal("[\"prefix-neutrality\"] = \"why\" in Expected", Assert.Single(lines["accept"]));
    }

    [Fact]
    public void A_consequence_is_told_where_a_law_has_one()
    {
        string message = Assert.Throws<XunitException>(() => new OneLossContract(new NegatedLoss()).Keeps("loss-sign")).Message;
        Assert.Contains("\n  in a run  the run unlearns what it is rewarded for\n", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expected_refutation_passes() => Of(Catalogue.Grpo, ("prefix-neutrality", "1/length, by the paper")).Keeps("prefix-neutrality");

    [Fact]
    public void An_expected_refutation_that_vanishes_fails() => Assert.StartsWith(
        "prefix-neutrality was expected to be refuted for OneObjectiveContract (\"1/length\"), but it holds in 100 cases. Take it out of Expected",
        Assert.Throws<XunitException>(() => Of(Catalogue.DrGrpo, ("prefix-neutrality", "1/length")).Keeps("prefix-neutrality")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void An_expected_refutation_of_what_does_not_speak_of_the_subject_fails() => Assert.Contains(
        "but it does not speak of it: it needs one regulariser",
        Assert.Throws<XunitException>(() => Of(Catalogue.DrGrpo, ("prefix-regulariser-residue", "β")).Keeps("prefix-regulariser-residue")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_refutation_that_only_describes_the_objective_passes_as_the_theory_predicts_it() => Of(Catalogue.DrGrpo).Keeps("split-row-weighted");

    [Fact]
    public void A_claim_that_does_not_speak_of_the_subject_is_skipped_and_says_why() => Assert.Equal(
        "prefix-regulariser-residue does not speak of OneObjectiveContract: it needs one regulariser that acts on log-probs.",
        Assert.Throws<SkipException>(() => Of(Catalogue.DrGrpo).Keeps("prefix-regulariser-residue")).Message);

    [Fact]
    public void A_claim_that_too_few_cases_leave_undecided_fails() => Assert.StartsWith(
        "coefficient-homogeneity is undecided for OneObjectiveContract: the corner ",
        Assert.Throws<XunitException>(() => new OneObjectiveContract(Catalogue.DrGrpo, s_noExpectation, cases: 1).Keeps("coefficient-homogeneity")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void An_expectation_of_an_unknown_claim_fails_with_the_nearest_names()
    {
        Of(Catalogue.Grpo, ("prefix-neutrality", "known")).ExpectsNothingOfUnknownClaims();
        Assert.StartsWith(
            "Expected speaks of \"prefix-nutrality\", which is no claim about such a subject; known are prefix-neutrality, ",
            Assert.Throws<XunitException>(() => Of(Catalogue.Grpo, ("prefix-nutrality", "")).ExpectsNothingOfUnknownClaims()).Message,
            StringComparison.Ordinal);
        Assert.Throws<XunitException>(() => new OneOptimizerContract(OptimizerCatalogue.Sgd, ("prefix-neutrality", "")).ExpectsNothingOfUnknownClaims());
        Assert.Throws<XunitException>(() => new OneLossContract(new SoundLoss(), expected: ("momentum-tail", "")).ExpectsNothingOfUnknownClaims());
    }

    [Fact]
    public void A_loss_is_held_to_the_laws_and_to_what_it_is_meant_to_be()
    {
        var oracle = new ObjectiveLoss("dr-grpo", Catalogue.DrGrpo);
        new OneLossContract(new SoundLoss()).Keeps("loss-sign");
        new OneLossContract(new SoundLoss(), oracle).Keeps("like-gradient");
        Assert.Throws<SkipException>(() => new OneLossContract(new SoundLoss()).Keeps("like-gradient"));
        Assert.Throws<XunitException>(() => new OneLossContract(new NegatedLoss(), oracle).Keeps("like-gradient"));
        Assert.Throws<XunitException>(() => new OneLossContract(new SoundLoss(), expected: ("like-gradient", "it has none")).Keeps("like-gradient"));
    }

    [Fact]
    public void A_loss_that_breaks_the_rules_of_losses_fails() =>
        Assert.Throws<BrokenSubjectException>(() => new OneLossContract(new ShortLoss()).Keeps("loss-sign"));

    [Fact]
    public void An_optimizer_is_held_to_the_claims_about_optimizers()
    {
        new OneOptimizerContract(OptimizerCatalogue.Sgd).Keeps("sgd-scale-equivariance");
        Assert.Throws<XunitException>(() => new OneOptimizerContract(OptimizerCatalogue.AdamW).Keeps("sgd-scale-equivariance"));
        new OneOptimizerContract(OptimizerCatalogue.AdamW, ("sgd-scale-equivariance", "its step has a size of its own")).Keeps("sgd-scale-equivariance");
    }

    [Fact]
    public void An_optimizer_that_only_answers_is_held_to_the_laws_of_optimizers()
    {
        new OneBlackBoxOptimizerContract(new OwnDescent()).Keeps("first-step-descends");
        Assert.Throws<XunitException>(() => new OneBlackBoxOptimizerContract(new OwnAscent()).Keeps("first-step-descends"));
        Assert.Equal(OptimizerLaws.Claims.Select(claim => claim.Id), Ids(BlackBoxOptimizerContract.Claims));
    }

    [Fact]
    public void Each_contract_has_a_row_for_each_claim()
    {
        Assert.Equal(Ledger.ObjectiveClaims.Select(claim => claim.Id).Concat(Ledger.TrainingClaims.Select(claim => claim.Id)), Ids(ObjectiveContract.Claims));
        Assert.Equal(Ledger.OptimizerClaims.Select(claim => claim.Id), Ids(OptimizerContract.Claims));
        Assert.Equal(LossLaws.OfLikeness.Concat(LossLaws.Claims).Select(claim => claim.Id), Ids(LossContract.Claims));
    }

    [Fact]
    public void A_runner_finds_a_test_for_each_claim_whose_name_says_which_and_tells_passed_from_skipped()
    {
        var results = Runner.Run(typeof(SgdContract));

        Assert.Equal(Ledger.OptimizerClaims.Length + 1, results.Count);
        Assert.All(Ledger.OptimizerClaims, claim => Assert.Contains($"GroupRL.Properties.Contracts.SgdContract.Keeps(claim: \"{claim.Id}\")", results.Keys));
        Assert.Equal("passed", results["GroupRL.Properties.Contracts.SgdContract.Keeps(claim: \"sgd-scale-equivariance\")"]);
        Assert.Equal("passed", results["GroupRL.Properties.Contracts.SgdContract.ExpectsNothingOfUnknownClaims"]);
        Assert.StartsWith(
            "skipped: adam-scale-deviation does not speak of sgd: it needs a root of second moments",
            results["GroupRL.Properties.Contracts.SgdContract.Keeps(claim: \"adam-scale-deviation\")"],
            StringComparison.Ordinal);
    }

    private static IEnumerable<string> Ids(IEnumerable<object[]> rows) => rows.Select(row => (string)row[0]);

    private static OneObjectiveContract Of(SurrogateObjective objective, params (string Claim, string Because)[] expected) =>
        new(objective, expected.ToDictionary(pair => pair.Claim, pair => pair.Because), cases: 100);
}
