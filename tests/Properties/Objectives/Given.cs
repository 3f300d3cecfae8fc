using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>The advantages that are handed in, whatever the rewards: all the rest of an objective is then on trial.</summary>
internal sealed record Given(params double[] Values) : RowAdvantage
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) =>
        Values.CopyTo(advantages);
}

/// <summary>The same, one for each token.</summary>
internal sealed record GivenTokens(double[] Values) : Advantage
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) =>
        Values.CopyTo(advantages);
}
