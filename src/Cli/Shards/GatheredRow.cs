using GroupRL.Checking;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>The blocks of a row as shards bring them, in any order: what one run finds in them, and the smallest counterexample of all.</summary>
internal sealed class GatheredRow(LedgerRow row)
{
    private readonly SortedDictionary<int, Findings> _blocks = [];
    private int _firstFailing = int.MaxValue;
    private (int Block, Counterexample Found, CaseGrid? Grid)? _smallest;

    /// <summary>Adds what a shard found in a block.</summary>
    public void Add(Shard shard, ShardItem item)
    {
        if (item.Found.Counterexample is { } found)
        {
            // Among cases of one size that of the first block, so that it does not matter which shard is read first.
            if (_smallest is not var (block, smallest, _) || (CaseText.BySize.Compare(found.Case, smallest.Case), item.Block).CompareTo((0, block)) < 0)
                _smallest = (item.Block, found with { FoundBy = FormattableString.Invariant($"{shard}, in block {item.Block}") }, item.Grid);
            _firstFailing = Math.Min(_firstFailing, item.Block);
        }

        // One run stops at the first block that fails.
        if (item.Block <= _firstFailing)
            _blocks.Add(item.Block, item.Found);
    }

    /// <summary>The verdict that one run comes to, with the smallest counterexample.</summary>
    public Verdict Judge(IDictionary<object, CaseGrid> grids)
    {
        var verdict = row.Conclude(_blocks.Values);
        if (_smallest is not var (_, smallest, grid))
            return verdict;
        if (grid is not null)
            grids[smallest.Case] = grid;
        return verdict with { Counterexample = smallest };
    }
}
