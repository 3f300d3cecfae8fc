using Xunit;

namespace GroupRL.Snapshots;

public sealed class LedgerSnapshots
{
    [Fact]
    public void Verdict_grid() => Snapshot.Verify(Grouprl.Run("ledger"), this);
}
