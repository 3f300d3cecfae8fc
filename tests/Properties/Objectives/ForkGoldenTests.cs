using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

public class ForkGoldenTests
{
    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "forks/gppo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "forks/aspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "forks/opmd_kimi.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "forks/prime_rl.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "forks/aipo_prime_rl_2025_10.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "forks/slime.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "gtpo/gtpo_official.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "gtpo/lambda_grpo_prm.json", MemberType = typeof(GoldenFolder))]
    public void The_composed_objective_gives_the_numbers_that_the_trainer_recorded_and_no_others(string file, string run)
    {
        var recorded = ForkRun.Of(file, run);
        recorded.Check(recorded.Objective);
        recorded.RejectsNumbersThatAreOff();
        recorded.RejectsNaN();
    }
}
