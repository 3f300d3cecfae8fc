using GroupRL.Claims;
using GroupRL.Cli;
using Xunit;

namespace GroupRL.Snapshots;

/// <summary>What is printed of the whole ledger. That every verdict is the predicted one is for the tests of its rows to say, which judge them.</summary>
public sealed class LedgerSnapshots
{
    [Fact]
    public void Verdict_grid()
    {
        JudgedRow[] predicted = [.. Ledger.Rows.Select(row => new JudgedRow(row, new() { Kind = row.Expected.Kind }))];
        Snapshot.Verify(Grouprl.Show("ledger", terminal => new LedgerCommand(terminal).Print(predicted, LedgerForm.Grid)), this);
    }
}
