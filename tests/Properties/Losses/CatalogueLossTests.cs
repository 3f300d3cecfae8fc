using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Properties.Claims;
using Xunit;

namespace GroupRL.Properties.Losses;

/// <summary>The whole catalogue as losses that only answer: no law accuses a sound one, and the theory's verdicts are the ledger's.</summary>
public class CatalogueLossTests
{
    public static TheoryData<string, string> Contract => Rows(LossLaws.Contract);

    public static TheoryData<string, string> Theory => Rows(LossLaws.Theory.Where(claim => Ledger.Find(claim.Id) is not null));

    [Theory]
    [MemberData(nameof(Contract))]
    public void No_law_of_the_contract_accuses_an_entry_of_the_catalogue(string law, string objective)
    {
        var verdict = Judge(law, objective);

        Assert.True(
            verdict.Kind is VerdictKind.Holds or VerdictKind.NotApplicable,
            $"{verdict.Kind}: {verdict.Reason}{verdict.Counterexample?.Why} {(verdict.Counterexample?.Case is RolloutBatch batch ? BatchWriter.Write(batch) : "")}");
    }

    [Theory]
    [MemberData(nameof(Theory))]
    public void The_verdict_on_a_bias_is_the_one_that_the_ledger_expects_of_its_parts(string law, string objective)
    {
        var expected = Ledger.ObjectiveRows(objective, Catalogue.Find(objective)!.Objective).Single(row => row.Claim.Id == law).Expected;

        Assert.Equal(expected.Kind, Judge(law, objective).Kind);
    }

    [Fact]
    public void What_is_not_promised_is_not_asked()
    {
        var silent = new LossSubject(new ObjectiveLoss("reinforce++", Catalogue.Find("reinforce++")!.Objective));

        Assert.Equal("the promise group-isolated", GroupLaws.Isolation.Missing(silent));
        Assert.Equal(VerdictKind.Refuted, GroupLaws.Isolation.Judge(silent with { Promises = LossPromises.Sound }, "reinforce++", new(200)).Kind);
    }

    private static Verdict Judge(string law, string objective) =>
        LossLaws.Find(law)!.Against(new(new ObjectiveLoss(objective, Catalogue.Find(objective)!.Objective)), objective, "").Judge(CasesOf(law, objective));

    // Those that trainers ship get more cases; what enumerates groups gets one in ten of them. GROUPRL_PROFILE=deep: 20,000 for all.
    private static Profile CasesOf(string law, string objective) => LedgerProfile.Current.Salt switch
    {
        not 0 and var salt => new(20_000, salt),
        _ when law.StartsWith("expected", StringComparison.Ordinal) => new(500),
        _ => new(objective.StartsWith("trl:", StringComparison.Ordinal) || objective.StartsWith("verl:", StringComparison.Ordinal) ? 500 : 200),
    };

    private static TheoryData<string, string> Rows(IEnumerable<Claim> laws)
    {
        var rows = new TheoryData<string, string>();
        foreach (var law in laws)
        {
            foreach (var entry in Catalogue.All)
                rows.Add(law.Id, entry.Id);
        }

        return rows;
    }
}
