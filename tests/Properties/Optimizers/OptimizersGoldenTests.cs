using GroupRL.Optimizers;
using GroupRL.Properties.Golden;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Optimizers;

/// <summary>The recorded trajectories of the peers' optimizers, run by run.</summary>
public class OptimizersGoldenTests
{
    // Ten times the tolerance.
    private const double Off = 10 * GoldenOptimizerRun.Relative;

    public static TheoryData<string, string> Runs
    {
        get
        {
            TheoryData<string, string> rows = [];
            foreach (string file in GoldenOptimizerRun.Files)
            {
                foreach (object[] row in GoldenFolder.Runs(file))
                    rows.Add((string)row[0], (string)row[1]);
            }

            return rows;
        }
    }

    public static TheoryData<string, string> Clip => GoldenFolder.Runs("optim/clip_grad_norm.json");

    [Theory]
    [MemberData(nameof(Runs))]
    public void Trajectory_is_that_of_the_library(string file, string run)
    {
        var golden = Read(file, run);
        golden.IsWalkedBy(golden.Optimizer);
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_trajectory_ten_tolerances_off_or_not_a_number_is_rejected(string file, string run)
    {
        var golden = Read(file, run);
        // What is 0 throughout, a clipped zero gradient, has no tolerance: the smallest number is too much.
        bool still = golden.Expected.All(row => row.All(x => x == 0));
        double[][] scaled = [.. golden.Expected.Select(row => row.Select(x => still ? double.Epsilon : x * (1 + Off)).ToArray())];
        double[][] broken = [.. golden.Expected.Select(row => row.ToArray())];
        broken[^1][0] = double.NaN;

        Assert.ThrowsAny<XunitException>(() => (golden with { Expected = scaled }).IsWalkedBy(golden.Optimizer));
        Assert.ThrowsAny<XunitException>(() => (golden with { Expected = broken }).IsWalkedBy(golden.Optimizer));
    }

    [Theory]
    [MemberData(nameof(Clip))]
    public void The_norm_is_that_of_torch(string file, string run) => GoldenAssert.Close(
        "total_norm",
        [GoldenFolder.Run(file, run)["total_norm"].Number],
        [ClipByGlobalNorm.Norm(Read(file, run).Gradients[0])],
        GoldenOptimizerRun.Relative);

    [Fact]
    public void Every_recorded_file_is_run() => Assert.Equal(
        GoldenOptimizerRun.Files.Select(file => file["optim/".Length..]).Order(StringComparer.Ordinal),
        Directory.GetFiles(Path.Combine(GoldenFolder.ShippedRoot, "optim"), "*.json").Select(path => Path.GetFileName(path))
            .Where(name => !name.StartsWith("gradients", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    private static GoldenOptimizerRun Read(string file, string run) =>
        GoldenOptimizerRun.Read(file, GoldenFolder.Run(file, run), GoldenFolder.Read);
}
