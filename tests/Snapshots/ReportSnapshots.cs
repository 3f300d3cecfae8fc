using Xunit;

namespace GroupRL.Snapshots;

public sealed class ReportSnapshots
{
    [Fact]
    public void A_length_normalised_objective_is_biased_on_shared_prefixes() =>
        Snapshot.Verify(Grouprl.Run("falsify", "examples/proposals/length-normalised.json", "--out", "OUT"), this);

    [Fact]
    public void An_objective_without_a_baseline_breaks_three_laws() =>
        Snapshot.Verify(Grouprl.Run("falsify", "examples/proposals/no-baseline.json", "--no-expect", "--out", "OUT"), this);

    [Fact]
    public void An_optimizer_without_memory_does_not_overshoot() =>
        Snapshot.Verify(Grouprl.Run("falsify", "examples/proposals/live-baseline.json", "--optimizer", "sgd", "--out", "OUT"), this);
}
