using GroupRL.Objectives;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Objectives;

public class MutantTests
{
    public static TheoryData<string> Recorded => [.. ObjectiveMutants.CaughtByGolden.Select(mutant => mutant.Id)];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_recorded_run_accepts_the_objective_and_rejects_the_mutant(string id)
    {
        var mutant = ObjectiveMutants.CaughtByGolden.Single(mutant => mutant.Id == id);
        var run = TrlRun.Shipped(mutant.File, mutant.Case, mutant.Setting);
        run.Check(run.Objective);

        // By its numbers: a mutant that fails in another way proves nothing.
        Assert.ThrowsAny<XunitException>(() => run.Check(mutant.Break(run.Objective)));
    }

    [Fact]
    public void Ids_are_unique_and_each_mutant_names_what_catches_it()
    {
        Assert.Equal(ObjectiveMutants.All.Length, ObjectiveMutants.All.Select(mutant => mutant.Id).Distinct().Count());
        Assert.All(ObjectiveMutants.CaughtByGolden, mutant => Assert.True(mutant.File.Length > 0 && mutant.Claim.Length == 0));
        Assert.All(ObjectiveMutants.CaughtByClaims, mutant => Assert.True(mutant.File.Length == 0 && mutant.Claim.Length > 0));
    }

    public static TheoryData<string> Unrecorded => [.. ObjectiveMutants.CaughtByClaims.Select(mutant => mutant.Id)];

    [Theory]
    [MemberData(nameof(Unrecorded))]
    public void A_mutant_for_the_claims_is_a_working_objective_that_differs_from_its_entry(string id)
    {
        var mutant = ObjectiveMutants.CaughtByClaims.Single(mutant => mutant.Id == id);
        var objective = Catalogue.Find(mutant.On)!.Objective;
        var broken = mutant.Break(objective);
        bool differs = Differs(objective, broken, Batches.Ragged(2)) || Differs(objective, broken, Batches.Rewards(0.1, 0.1, 0.1));

        // Two lie about what they are, and give the numbers of another objective that is honest about it.
        Assert.True(
            differs || broken.Traits != objective.Traits || broken.Kernel.Region != objective.Kernel.Region);
    }

    private static bool Differs(SurrogateObjective objective, SurrogateObjective broken, RolloutBatch batch)
    {
        double[] logp = Batches.Moved(batch, 1), expected = new double[batch.Tokens], actual = new double[batch.Tokens];
        double value = objective.Evaluate(batch, logp, expected, new Workspace());
        double other = broken.Evaluate(batch, logp, actual, new Workspace());
        return value != other || !expected.SequenceEqual(actual);
    }
}
