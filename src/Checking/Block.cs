namespace GroupRL.Checking;

/// <summary>A part of a row's cases that is searched by itself: it needs nothing of the others, so that any machine can search it.</summary>
/// <param name="Index">b, counted from 0.</param>
/// <param name="Seed">What its cases are built from.</param>
/// <param name="Cases">How many it has.</param>
public readonly record struct Block(int Index, ulong Seed, int Cases)
{
    /// <summary>The most cases of a block.</summary>
    public const int Size = 1_000;

    /// <summary>In how many blocks <paramref name="cases"/> cases are cut.</summary>
    public static int Count(int cases) => (cases / Size) + (cases % Size > 0 ? 1 : 0);

    /// <summary>
    /// Block b of a row of <paramref name="cases"/> cases. The first has the row's own seed, so that a row of one block is searched as if there
    /// were no blocks; every other the b-th number of the stream that this seed begins.
    /// </summary>
    public static Block Of(ulong seed, int cases, int index) =>
        new(index, index == 0 ? seed : Draw.BitsAt(seed, index), Math.Min(Size, cases - (index * Size)));
}
