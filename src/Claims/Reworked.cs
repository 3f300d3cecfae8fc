using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>Batches made of others: the same tokens under other policies, rewards or neighbours.</summary>
internal static class Reworked
{
    /// <summary>The reference is the current policy.</summary>
    public static RolloutBatch ToReference(RolloutBatch batch) => Same(batch, Column.RefLogp, Column.Logp);

    /// <summary>The same, and the sampling engine is the behaviour policy.</summary>
    public static RolloutBatch AtReference(RolloutBatch batch) => Same(ToReference(batch), Column.RolloutLogp, Column.OldLogp);

    /// <summary>All policies are the current one.</summary>
    public static RolloutBatch OnPolicy(RolloutBatch batch) => AtReference(Same(batch, Column.OldLogp, Column.Logp));

    /// <summary>The batch with other rewards: what becomes of that of a row, and of a greedy one as that of row −1.</summary>
    public static RolloutBatch WithRewards(RolloutBatch batch, Func<int, double, double> reward) =>
        batch.WithRewards((row, _, own) => reward(row, own), greedy => reward(-1, greedy));

    /// <summary>The batch, each of whose groups has one reward: that of its first completion.</summary>
    public static RolloutBatch EqualRewards(RolloutBatch batch)
    {
        double[] first = [.. Enumerable.Range(0, batch.Groups).Select(g => batch.TryReward(batch[g].FirstRow, 0, out double reward) ? reward : 0)];
        return WithRewards(batch, (row, reward) => row < 0 ? first[0] : first[batch.GroupOf(row)]);
    }

    private static RolloutBatch Same(RolloutBatch batch, Column column, Column other) =>
        batch.Has(column) ? batch.With(column, batch[other]) : batch;
}
