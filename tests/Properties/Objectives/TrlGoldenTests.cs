using GroupRL.Properties.Golden;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Objectives;

public class TrlGoldenTests
{
    // Ten times the agreement that is asked for.
    private const double Wrong = 1 + 1e-11;

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "trl/grpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/dr_grpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/dapo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/bnpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/gspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/cispo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/rloo.json", MemberType = typeof(GoldenFolder))]
    public void The_composed_objective_gives_the_numbers_that_TRL_recorded(string file, string run)
    {
        var recorded = TrlRun.Of(file, run);
        recorded.Check(recorded.Objective);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "trl/grpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/dr_grpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/dapo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/bnpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/gspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/cispo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/rloo.json", MemberType = typeof(GoldenFolder))]
    public void Numbers_that_are_off_by_1e_11_are_rejected(string file, string run)
    {
        var recorded = TrlRun.Of(file, run);
        double[] advantages = [.. recorded.Advantages.Select(a => a * Wrong)];
        double[][] gradients = [.. recorded.Gradients.Select(row => row.Select(c => c * Wrong).ToArray())];
        double[]? rewards = recorded.ShapedRewards is { } shaped ? [.. shaped.Select(r => r * Wrong)] : null;

        // Zeros stay what they are under a factor, and a loss that cancels is off by 1e-11 of what it is summed from.
        if (recorded.Gradients.Any(row => row.Any(c => c != 0)))
            AssertRejected(recorded with { Gradients = gradients });
        if (rewards is not null && rewards.Any(r => r != 0))
            AssertRejected(recorded with { ShapedRewards = rewards });
        if (recorded.LossMagnitude() is > 0 and var magnitude)
            AssertRejected(recorded with { Loss = recorded.Loss + (1e-11 * magnitude) });

        // Rewards that are equal, or differ by little of their size, leave advantages that are known to fewer digits than that.
        bool known = Enumerable.Range(0, recorded.Batch.Groups)
            .Any(g => 1e-11 * recorded.Advantages[recorded.Batch.Group(g)].Max(Math.Abs) > recorded.AdvantageAllowance(g));
        if (known)
        {
            AssertRejected(recorded with { Advantages = advantages });
            AssertRejected(
                recorded with { Advantages = advantages, Loss = recorded.Loss * Wrong, Gradients = gradients, ShapedRewards = rewards });
        }
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "trl/grpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/gspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/rloo.json", MemberType = typeof(GoldenFolder))]
    public void A_single_NaN_is_rejected(string file, string run)
    {
        var recorded = TrlRun.Of(file, run);
        AssertRejected(recorded with { Loss = double.NaN });
        for (int i = 0; i < recorded.Batch.Rows; i++)
        {
            AssertRejected(recorded with { Advantages = WithNaN(recorded.Advantages, i) });
            if (recorded.ShapedRewards is { } shaped)
                AssertRejected(recorded with { ShapedRewards = WithNaN(shaped, i) });
            double[][] gradients = [.. recorded.Gradients];
            gradients[i] = WithNaN(gradients[i], gradients[i].Length - 1);
            AssertRejected(recorded with { Gradients = gradients });
        }
    }

    [Fact]
    public void A_gradient_of_another_shape_is_rejected()
    {
        var recorded = TrlRun.Shipped("trl/grpo.json", "g4_p2_ragged", "");
        AssertRejected(recorded with { Gradients = [.. recorded.Gradients.Skip(1)] });
        AssertRejected(recorded with { Gradients = [.. recorded.Gradients.Select(row => row[1..])] });
    }

    private static double[] WithNaN(double[] numbers, int i)
    {
        double[] copy = [.. numbers];
        copy[i] = double.NaN;
        return copy;
    }

    private static void AssertRejected(TrlRun run) => Assert.ThrowsAny<XunitException>(() => run.Check(run.Objective));
}
