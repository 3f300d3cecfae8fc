namespace GroupRL.Checking;

/// <summary>What a run over many rows does at once: one block of one row.</summary>
/// <param name="Number">Its number among all items of the run, from 0: row after row, and in a row block after block.</param>
/// <param name="Row">The row's place, from 0.</param>
/// <param name="Block">The block's index in the row.</param>
public readonly record struct Item(long Number, int Row, int Block)
{
    /// <summary>Every item of a run whose rows have so many cases, in order.</summary>
    public static IEnumerable<Item> Of(IEnumerable<int> cases) => cases
        .SelectMany((count, row) => Enumerable.Range(0, Checking.Block.Count(count)).Select(block => (Row: row, Block: block)))
        .Select((place, number) => new Item(number, place.Row, place.Block));
}

/// <summary>
/// One of the n shards of a run, i from 1 to n: the items whose number leaves i − 1 when divided by n. Every item is in exactly one of them, so
/// that together they are the run; and consecutive items are in different ones, so that rows with many blocks and rows that cost much are spread.
/// </summary>
/// <param name="Index">i.</param>
/// <param name="Count">n.</param>
public readonly record struct Shard(int Index, int Count)
{
    /// <summary>The largest n.</summary>
    public const int Most = 1_000_000;

    /// <summary>Whether it holds an item.</summary>
    public bool Has(Item item) => item.Number % Count == Index - 1;

    /// <summary>How many of a run's items it holds.</summary>
    public long CountOf(long items) => (items / Count) + (items % Count >= Index ? 1 : 0);

    /// <summary>In words: "shard 3 of 8".</summary>
    public override string ToString() => FormattableString.Invariant($"shard {Index} of {Count}");
}
