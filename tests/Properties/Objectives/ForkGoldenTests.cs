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

    [Theory]
    [InlineData("forks/gppo.json", 20)]
    [InlineData("forks/aspo.json", 10)]
    [InlineData("forks/opmd_kimi.json", 40)]
    [InlineData("forks/prime_rl.json", 30)]
    [InlineData("forks/aipo_prime_rl_2025_10.json", 30)]
    [InlineData("forks/slime.json", 15)]
    [InlineData("gtpo/gtpo_official.json", 6)]
    [InlineData("gtpo/lambda_grpo_prm.json", 28)]
    [InlineData("trl/grpo_options.json", 30)]
    [InlineData("trl/grpo_scale_batch.json", 7)]
    [InlineData("trl/luspo.json", 20)]
    [InlineData("trl/sapo.json", 20)]
    [InlineData("trl/vespo.json", 20)]
    [InlineData("trl/tis_modes.json", 12)]
    [InlineData("trl/gspo_token.json", 20)]
    [InlineData("trl/gmpo.json", 20)]
    public void Every_recorded_run_ships(string file, int runs) =>
        Assert.Equal(runs, GoldenFolder.ReadShipped(file)["runs"].Items.Count());
}
