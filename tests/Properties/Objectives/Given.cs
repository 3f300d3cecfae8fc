using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>The advantages that are handed in, whatever the rewards: all the rest of an objective is then on trial.</summary>
internal sealed record Given(params double[] Values) : Advantage
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) =>
        Values.CopyTo(advantages);
}
