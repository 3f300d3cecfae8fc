using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>Hypotheses that several claims share.</summary>
internal static class Requirements
{
    /// <summary>The first of the traits <paramref name="needed"/> that <paramref name="objective"/> lacks, in words; null where it has all.</summary>
    public static string? Missing(SurrogateObjective objective, Traits needed) => (needed & ~objective.Traits).InWords().FirstOrDefault();

    /// <summary>
    /// What rounding leaves of an advantage of group <paramref name="g"/> that is zero in the reals: the error of centring the rewards that
    /// are counted, relative to the largest deviation, times the largest advantage; over all groups where one's advantages see the others.
    /// Of advantages that are no centred single rewards: what the rounding of each reward does to them.
    /// </summary>
    public static double AdvantageRounding(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int g)
    {
        if (!objective.Advantage.Traits.HasFlag(Traits.Centred) || objective.Rewards is SeveralRewards)
            return Sensitivity(objective, batch, evaluation, g);
        bool isolated = objective.Advantage.Traits.HasFlag(Traits.GroupIsolated), live = objective.Traits.HasFlag(Traits.IgnoresDeadRows);
        double reward = 0, spread = 0, advantage = 0;
        for (int other = 0; other < batch.Groups; other++)
        {
            if (isolated && other != g)
                continue;
            var (start, length) = batch.Group(other).GetOffsetAndLength(batch.Rows);
            int[] counted = [.. Enumerable.Range(start, length).Where(i => !double.IsNaN(evaluation.Rewards[i]) && (!live || batch.Length(i) > 0))];
            double mean = counted.Sum(i => evaluation.Rewards[i]) / counted.Length;
            foreach (int i in counted)
            {
                reward = Math.Max(reward, Math.Abs(evaluation.Rewards[i]));
                spread = Math.Max(spread, Math.Abs(evaluation.Rewards[i] - mean));
            }

            foreach (double own in evaluation.Advantages.AsSpan(batch.GroupTokens(other)))
                advantage = Math.Max(advantage, Math.Abs(own));
        }

        return advantage * Tolerance.Centring(isolated ? batch.GroupSize(g) : batch.Rows, reward, spread);
    }

    // A sum in another order is the exact sum of rewards that are each off by at most γₙ of the largest. How far that moves the advantages
    // is seen by moving the rewards so: one pattern of signs after another, four times over for those that are not tried.
    private static double Sensitivity(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int g)
    {
        int rewards = batch.RewardsPerRow;
        double[] largest = [.. Enumerable.Range(0, rewards).Select(k => Enumerable.Range(0, batch.Rows).Max(i => batch.TryReward(i, k, out double reward) ? Math.Abs(reward) : 0))];
        double rounding = Tolerance.Roundings(batch.Tokens + batch.Rows + 16), moved = 0, advantage = 0;
        foreach (var sign in s_signs)
        {
            var other = RolloutBatch.Of([.. batch.ToRollouts().Select((group, k) => group.Select((row, i) => row with
            {
                Rewards = [.. row.Rewards.Select((reward, r) => reward + (sign(k + i + r) * rounding * largest[r]))],
            }).ToArray())]);
            double[] advantages = objective.Evaluate(other).Advantages;
            var (first, length) = batch.GroupTokens(g).GetOffsetAndLength(batch.Tokens);
            for (int t = first; t < first + length; t++)
            {
                moved = Math.Max(moved, Math.Abs(advantages[t] - evaluation.Advantages[t]));
                advantage = Math.Max(advantage, Math.Abs(evaluation.Advantages[t]));
            }
        }

        return (4 * moved) + Tolerance.Summation(batch.Tokens + batch.Rows + 16, advantage);
    }

    /// <summary>
    /// What the rounding of sums of log-ratios does to a coefficient of group <paramref name="g"/> that does not vanish with its advantage, a
    /// pull back to the behaviour policy: seen by moving the log-probs by it, as <see cref="Sensitivity"/> moves rewards; else 0.
    /// </summary>
    public static double PullRounding(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int g)
    {
        if (objective.Kernel.Traits.HasFlag(Traits.VanishesWithAdvantage))
            return 0;
        double rounding = Tolerance.Roundings(batch.Tokens + batch.Rows + 16), moved = 0;
        double[] logp = batch[Column.Logp].ToArray(), old = batch[Column.OldLogp].ToArray();
        foreach (var sign in s_signs)
        {
            var other = batch.With(Column.Logp, [.. logp.Select((x, t) => x + (sign(t) * rounding * (Math.Abs(x) + Math.Abs(old[t]))))]);
            double[] coefficients = objective.Evaluate(other).Coefficients;
            var (first, length) = batch.GroupTokens(g).GetOffsetAndLength(batch.Tokens);
            for (int t = first; t < first + length; t++)
                moved = Math.Max(moved, Math.Abs(coefficients[t] - evaluation.Coefficients[t]));
        }

        return 4 * moved;
    }

    private static readonly Func<int, int>[] s_signs = [_ => 1, k => k % 2 == 0 ? 1 : -1, k => (k * 7919 % 5) % 2 == 0 ? 1 : -1];

    /// <summary>The columns that an objective reads beyond those that every case carries.</summary>
    public static IEnumerable<Column> Extra(SurrogateObjective objective) =>
        objective.Reads.Where(column => column is not (Column.Logp or Column.OldLogp));

    /// <summary>Cases that carry what an objective reads, at and about its kernel's clip bounds.</summary>
    public static RolloutDomain Domain(SurrogateObjective objective) => new()
    {
        Reads = [.. Extra(objective)],
        RewardCount = objective.Rewards.Count ?? 2,
        GreedyRewards = objective.Advantage.ReadsGreedyReward,
        Level = objective.Kernel.Ratio,
        Bounds = objective.Kernel.Region,
    };

    /// <summary>Where a batch is not on-policy, in words; null where it is.</summary>
    public static string? OffPolicy(RolloutBatch batch)
    {
        var logp = batch[Column.Logp];
        var old = batch[Column.OldLogp];
        for (int t = 0; t < batch.Tokens; t++)
        {
            if (logp[t] != old[t])
                return FormattableString.Invariant($"the batch is on-policy (log-probs equal the behaviour policy's); {batch.PlaceOf(t)} has {logp[t]} and {old[t]}");
        }

        return null;
    }

    /// <summary>Where a group has fewer than two completions, in words; null where none has.</summary>
    public static string? SingleCompletion(RolloutBatch batch)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            if (batch.GroupSize(g) < 2)
                return FormattableString.Invariant($"every group has at least 2 completions; group {g} has {batch.GroupSize(g)}");
        }

        return null;
    }
}
