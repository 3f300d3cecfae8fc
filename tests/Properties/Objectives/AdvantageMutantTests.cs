using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Objectives;

public class AdvantageMutantTests
{
    public static TheoryData<string> Ids => [.. AdvantageMutants.All.Select(mutant => mutant.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_recorded_or_worked_run_accepts_the_advantage_and_rejects_the_mutant(string id)
    {
        var mutant = AdvantageMutants.All.Single(mutant => mutant.Id == id);
        var run = mutant.Run();
        run.Check(run.Advantage, run.Rewards);

        // By its numbers: a mutant that fails in another way proves nothing.
        var (advantage, rewards) = mutant.Break(run);
        bool rows = run.OneARow && advantage is RowAdvantage;
        Assert.ThrowsAny<XunitException>(() => (rows ? run : AsTokens(run)).Check(advantage, rewards));
    }

    // Advantages of one number a row, where every row has a token to show it at.
    private static RecordedAdvantages AsTokens(RecordedAdvantages run) => !run.OneARow
        ? run
        : run with
        {
            OneARow = false,
            Expected = [.. Enumerable.Range(0, run.Batch.Rows).SelectMany(i => Enumerable.Repeat(run.Expected[i], run.Batch.Length(i)))],
        };
}
