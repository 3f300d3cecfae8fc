using GroupRL.Properties.Cli;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>A plain build, which is without TorchSharp.</summary>
public class WithoutTorchSharp
{
    [Fact(Skip = "This build is without TorchSharp. `dotnet test tests/EndToEnd -p:TorchSharp=cpu` (or =cuda) holds every coefficient against autograd, our optimizers against torch.optim, and confirms the findings on a transformer.")]
    public void The_leg_over_TorchSharp_runs() => Assert.Fail("It is compiled only where it can run.");

    [Theory]
    [InlineData("train", "--objective", "grpo", "--out", "runs")]
    [InlineData("confirm", "scale")]
    public void A_transformer_is_refused_with_the_way_to_get_one(params string[] command)
    {
        using var grouprl = new Grouprl();

        grouprl.Refuses([.. command, "--policy", "transformer"], "The policy transformer in float32 needs TorchSharp", "-p:TorchSharp=cpu");
        grouprl.Refuses([.. command, "--policy", "transformer", "--device", "cuda", "--dtype", "bfloat16"], "The policy transformer on cuda in bfloat16 needs TorchSharp");
    }
}
