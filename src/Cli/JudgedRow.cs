using GroupRL.Checking;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>A row of the ledger and its verdict.</summary>
internal sealed record JudgedRow(LedgerRow Row, Verdict Verdict)
{
    /// <summary>Whether the verdict is the one that the theory predicts.</summary>
    public bool AsExpected => Verdict.Kind == Row.Expected.Kind;

    /// <summary>A verdict against the theory; one that did not come is none.</summary>
    public bool Surprise => Verdict.Kind != VerdictKind.Undecided && !AsExpected;
}
