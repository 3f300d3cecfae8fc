using Xunit;

namespace GroupRL.Snapshots;

public sealed class SearchSnapshots
{
    [Fact]
    public void How_near_claims_come_to_their_bounds() => Snapshot.Verify(Grouprl.Run("tightness"), this);

    [Fact]
    public void Where_Adam_starts_to_see_the_scale() => Snapshot.Verify(Grouprl.Run("map", "adam-scale-deviation"), this);

    [Fact]
    public void How_far_Adam_carries_a_token_past_the_clip() => Snapshot.Verify(Grouprl.Run("map", "overshoot-strict"), this);
}
