using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>Batches made for a purpose, and batches near a given one: what searches for a worst case start from and go by.</summary>
internal static class Nearby
{
    /// <summary>One prompt on-policy whose completions share their first token and no other, with all columns that an objective reads.</summary>
    public static RolloutBatch SharedPrompt(SurrogateObjective objective, IReadOnlyList<int> lengths, IReadOnlyList<double> rewards)
    {
        return RolloutBatch.Of([[.. lengths.Select(Row)]]);

        Rollout Row(int length, int k)
        {
            double[] logps = [.. Enumerable.Repeat(-1.0, length)];
            var row = new Rollout
            {
                Rewards = [.. Enumerable.Repeat((double?)rewards[k], objective.Rewards.Count ?? 1)],
                Logps = logps,
                OldLogps = logps,
                Tokens = [0, .. Enumerable.Repeat(k + 1, length - 1)],
                GreedyReward = objective.Advantage.ReadsGreedyReward ? 0 : null,
            };
            return Requirements.Extra(objective).Aggregate(row, (with, column) => with.With(
                column, [.. logps.Select(logp => column is Column.RolloutLogp or Column.RefLogp ? logp : 0.5)]));
        }
    }

    /// <summary>The same batch with another reward or another length of one completion.</summary>
    public static RolloutBatch RewardOrLength(RolloutBatch batch, Draw draw)
    {
        var groups = batch.ToRollouts();
        int g = draw.Whole(0, groups.Count - 1), k = draw.Whole(0, groups[g].Count - 1);
        // Masks say which tokens count, so a masked completion keeps its length.
        var moved = groups[g][k].Mask is not null || draw.Chance(0.7) ? Rewarded(groups[g], k, draw) : Resized(groups[g][k], k, draw);
        return RolloutBatch.Of([.. groups.Select((group, other) => group.Select((row, i) => (other, i) == (g, k) ? moved : row).ToArray())]);
    }

    // Rewards move by a share of the largest one, so that those of size 1e8 or 1e-8 move, too.
    private static Rollout Rewarded(IReadOnlyList<Rollout> group, int k, Draw draw)
    {
        double size = group.Max(row => row.Rewards.Max(reward => Math.Abs(reward ?? 0)));
        double step = draw.Sign() * draw.LogReal(1e-3, 1) * draw.Size / 100 * (size == 0 ? 1 : size);
        int moved = draw.Whole(0, group[k].Rewards.Count - 1);
        return group[k] with { Rewards = [.. group[k].Rewards.Select((reward, r) => r == moved ? reward + step : reward)] };
    }

    private static Rollout Resized(Rollout row, int k, Draw draw)
    {
        int length = Math.Max(1, row.Logps.Length + (draw.Sign() * draw.Whole(1, 1 + (draw.Size / 25))));
        return Columns.All.Where(column => row[column] is not null).Aggregate(
            row with { Tokens = row.Tokens is { } ids ? Cut(ids, k + 1) : null },
            (resized, column) => resized.With(column, Cut(row[column]!, row[column]![^1])));

        T[] Cut<T>(T[] values, T next) => [.. values.Take(length), .. Enumerable.Repeat(next, Math.Max(0, length - values.Length))];
    }
}
