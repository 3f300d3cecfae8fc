namespace GroupRL.Objectives;

/// <summary>How large a batch is: what the weights of its parts are counted in. It holds for batches of more tokens than an array has, too.</summary>
/// <param name="Groups">P.</param>
/// <param name="Rows">B.</param>
/// <param name="LiveRows">How many rows have a trainable token.</param>
/// <param name="Tokens">N, trainable ones.</param>
public readonly record struct BatchSize(long Groups, long Rows, long LiveRows, long Tokens)
{
    /// <summary>The size of <paramref name="batch"/>.</summary>
    public static BatchSize Of(RolloutBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        int live = 0;
        for (int i = 0; i < batch.Rows; i++)
            live += batch.Length(i) > 0 ? 1 : 0;
        return new(batch.Groups, batch.Rows, live, batch.Tokens);
    }

    /// <summary>The size of two parts together.</summary>
    public static BatchSize operator +(BatchSize part, BatchSize other) =>
        new(part.Groups + other.Groups, part.Rows + other.Rows, part.LiveRows + other.LiveRows, part.Tokens + other.Tokens);
}
