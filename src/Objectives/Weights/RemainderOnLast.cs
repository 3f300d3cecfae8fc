namespace GroupRL.Objectives;

/// <summary>
/// α = share/L for all tokens of a row but its last trainable one, which weighs what is left of the row's share, share·(1 − (n − 1)/L): every
/// row has one mass, whatever its length, and tokens before the last have one weight. A row of L tokens weighs share/L throughout.
/// </summary>
/// <param name="Length">L &gt; 0, in tokens: the largest number that a row may have. Longer rows are refused.</param>
/// <remarks>
/// Derived here (docs/derivations/surrogate.md, weight-trilemma). One weight for a whole group on a shared prefix only where the prefix ends before
/// every completion does, which it does where completions end at an end token or at the same limit: so that is not promised.
/// </remarks>
public sealed record RemainderOnLast(double Length) : RowAveragedWeight
{
    /// <summary>L &gt; 0, in tokens.</summary>
    public double Length { get; init => field = Checks.Positive(value, "A largest length"); } = Checks.Positive(Length, "A largest length");

    /// <inheritdoc/>
    public override bool OneNumberARow => false;

    /// <inheritdoc/>
    public override bool EqualMass => true;

    /// <inheritdoc/>
    public override Traits Traits => Averaged == Average.OverLiveRows ? Traits.None : Traits.GroupIsolated;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        base.Fill(batch, advantages, weights);
        for (int i = 0; i < batch.Rows; i++)
        {
            int n = batch.Length(i);
            if (n > Length)
                throw InvalidInputException.Because($"A remainder on the last token needs rows of at most {Length} tokens; {batch.PlaceOfRow(i)} has {n}.");
            if (n > 0)
                weights[batch.Row(i)][^1] = (1 - ((n - 1) / Length)) / RowDivisor(batch, batch.GroupOf(i));
        }
    }

    /// <inheritdoc/>
    protected override double Divisor(int n, double length) => Length;
}
