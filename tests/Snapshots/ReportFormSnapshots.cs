using Xunit;

namespace GroupRL.Snapshots;

public sealed class ReportFormSnapshots
{
    [Fact]
    public void A_served_loss_as_the_summary_of_a_step() =>
        Snapshot.Verify(Grouprl.Run("falsify", "--command", "SELF serve grpo", "--cases", "100", "--out", "OUT", "--markdown"), this);
}
