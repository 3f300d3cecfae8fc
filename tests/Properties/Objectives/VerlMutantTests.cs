using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Objectives;

public class VerlMutantTests
{
    public static TheoryData<string> Recorded => [.. VerlMutants.CaughtByGolden.Select(mutant => mutant.Id)];

    public static TheoryData<string> Masks => [.. VerlMutants.Masks.Select(mutant => mutant.Id)];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_recorded_run_accepts_the_objective_and_rejects_the_mutant(string id)
    {
        var mutant = VerlMutants.CaughtByGolden.Single(mutant => mutant.Id == id);
        var run = VerlRun.Shipped(mutant.File, mutant.Case, mutant.Setting);
        run.Check(run.Objective);

        // By its numbers: a mutant that fails in another way proves nothing.
        Assert.ThrowsAny<XunitException>(() => run.Check(mutant.Break(run.Objective)));
    }

    [Theory]
    [MemberData(nameof(Masks))]
    public void Some_recorded_mask_rejects_the_mutant_of_a_mask(string id)
    {
        var (_, mutate) = VerlMutants.Masks.Single(mutant => mutant.Id == id);
        int rejected = 0;
        foreach (var run in GoldenFolder.ReadShipped("verl/rejection_masks.json")["runs"].Items)
        {
            var batch = RecordedRun.BatchOf(GoldenFolder.ReadShipped("cases.json"), run["case"]);
            var mask = VerlSettings.Rejection(run["hyper"]["rollout_rs"], run["hyper"]["rollout_rs_threshold"], Column.OldLogp, Column.RolloutLogp);
            var broken = mask is ProductWeight product
                ? product.Factors.Select(factor => mutate((DivergenceMask)factor)).Aggregate((a, b) => a.Times(b))
                : mutate((DivergenceMask)mask);
            double[] weights = new double[batch.Tokens];
            broken.Fill(batch, new double[batch.Tokens], weights);
            rejected += weights.SequenceEqual(RecordedRun.PerToken(batch, run["mask"])) ? 0 : 1;
        }

        Assert.NotEqual(0, rejected);
    }

    [Fact]
    public void Ids_are_unique_and_no_mutant_of_another_family_has_them() => Assert.Distinct(
        VerlMutants.CaughtByGolden.Concat(ObjectiveMutants.All).Select(mutant => mutant.Id).Concat(VerlMutants.Masks.Select(mutant => mutant.Id)));
}
