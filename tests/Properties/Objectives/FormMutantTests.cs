using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Objectives;

public class FormMutantTests
{
    public static TheoryData<string> Ids => [.. FormMutants.All.Select(mutant => mutant.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_recorded_run_accepts_the_objective_and_rejects_the_mutant(string id)
    {
        var mutant = FormMutants.All.Single(mutant => mutant.Id == id);
        var run = mutant.File.StartsWith("trl/", StringComparison.Ordinal)
            ? TrlRun.Shipped(mutant.File, mutant.Case, mutant.Setting)
            : ForkRun.Shipped(mutant.File, mutant.Case, mutant.Setting);
        run.Check(run.Objective);

        // By loss and gradients: what else was recorded asks for the parts that a mutant has not.
        var bare = run with { Others = [.. run.Others.Where(other => other.What.EndsWith("grad_entropies", StringComparison.Ordinal))] };
        Assert.ThrowsAny<XunitException>(() => bare.Check(mutant.Break(run.Objective)));
    }
}
