using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

public class TrlGoldenTests
{
    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "trl/grpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/dr_grpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/dapo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/bnpo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/gspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/cispo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/rloo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/grpo_options.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/grpo_scale_batch.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/luspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/sapo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/vespo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/tis_modes.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/gspo_token.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "trl/gmpo.json", MemberType = typeof(GoldenFolder))]
    public void The_composed_objective_gives_the_numbers_that_TRL_recorded_and_no_others(string file, string run)
    {
        var recorded = TrlRun.Of(file, run);
        recorded.Check(recorded.Objective);
        recorded.RejectsNumbersThatAreOff();
        recorded.RejectsNaN();
    }

    [Fact]
    public void A_gradient_of_another_shape_is_rejected()
    {
        var recorded = TrlRun.Shipped("trl/grpo.json", "g4_p2_ragged", "");
        (recorded with { Gradients = [.. recorded.Gradients.Skip(1)] }).IsRejected();
        (recorded with { Gradients = [.. recorded.Gradients.Select(row => row[1..])] }).IsRejected();
    }
}
