using GroupRL.Optimizers;
using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Optimizers;

/// <summary>The recorded trajectories of torch's optimizers, run by run.</summary>
public class OptimizersGoldenTests
{
    public static TheoryData<string, string> Sgd => GoldenFolder.Runs("optim/sgd.json");

    public static TheoryData<string, string> Adam => GoldenFolder.Runs("optim/adam.json");

    public static TheoryData<string, string> AdamW => GoldenFolder.Runs("optim/adamw.json");

    public static TheoryData<string, string> Clip => GoldenFolder.Runs("optim/clip_grad_norm.json");

    [Theory]
    [MemberData(nameof(Sgd))]
    [MemberData(nameof(Adam))]
    [MemberData(nameof(AdamW))]
    public void Trajectory_is_that_of_torch(string file, string run)
    {
        var golden = GoldenOptimizerRun.Read(GoldenFolder.Run(file, run), GoldenFolder.Read("optim/gradients.json"));
        golden.IsWalkedBy(golden.Optimizer);
    }

    [Theory]
    [MemberData(nameof(Clip))]
    public void Clipped_gradient_and_norm_are_those_of_torch(string file, string run)
    {
        GoldenNode node = GoldenFolder.Run(file, run);
        var golden = GoldenOptimizerRun.ReadClip(node);
        golden.IsWalkedBy(golden.Optimizer);
        GoldenAssert.Close(
            "total_norm", [node["total_norm"].Number], [ClipByGlobalNorm.Norm(golden.Gradients[0])], GoldenOptimizerRun.Relative);
    }
}
