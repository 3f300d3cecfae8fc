namespace GroupRL.Objectives;

/// <summary>The completions of one prompt: a light view of group <paramref name="Index"/> of <paramref name="Batch"/>.</summary>
public readonly record struct RolloutGroup(RolloutBatch Batch, int Index)
{
    /// <summary>G, the number of completions.</summary>
    public int Count => Batch.GroupSize(Index);

    /// <summary>The group's first row in the batch.</summary>
    public int FirstRow => Batch.Group(Index).Start.Value;

    /// <summary>Completion <paramref name="k"/> of the group.</summary>
    public Completion this[int k] => new(Batch, FirstRow + k);

    /// <summary>p, the length of the longest prefix of token ids (masked ones included) that all completions share.</summary>
    /// <exception cref="InvalidInputException">The batch carries no token ids.</exception>
    public int SharedPrefix()
    {
        var first = Batch.Ids(FirstRow);
        int unknown = first.IndexOf(RolloutBatch.UnknownId), shared = unknown < 0 ? first.Length : unknown;
        for (int k = 1; k < Count; k++)
            shared = Math.Min(shared, first.CommonPrefixLength(this[k].Ids));
        return shared;
    }
}

/// <summary>One completion: a light view of row <paramref name="Row"/> of <paramref name="Batch"/>.</summary>
public readonly record struct Completion(RolloutBatch Batch, int Row)
{
    /// <summary>n, the number of trainable tokens.</summary>
    public int Length => Batch.Length(Row);

    /// <summary>The number of tokens, masked ones included.</summary>
    public int FullLength => Batch.FullLength(Row);

    /// <summary>Token ids, masked ones included.</summary>
    public ReadOnlySpan<int> Ids => Batch.Ids(Row);

    /// <summary>Where the trainable tokens stand among all tokens, shape [n].</summary>
    public ReadOnlySpan<int> Positions => Batch.Positions(Row);

    /// <summary>A column's values at the trainable tokens, shape [n].</summary>
    public ReadOnlySpan<double> this[Column column] => Batch[column][Batch.Row(Row)];

    /// <summary>
    /// The index into a column of the trainable token that stands at <paramref name="position"/>, or −1 where that token is masked
    /// or beyond the completion's end.
    /// </summary>
    public int TokenAt(int position)
    {
        int found = Positions.BinarySearch(position);
        return found < 0 ? -1 : Batch.Row(Row).Start.Value + found;
    }
}
