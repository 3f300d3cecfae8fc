using System.Globalization;
using GroupRL.Objectives;

namespace GroupRL.Checking;

/// <summary>
/// Smaller batches than a given one: fewer groups, completions, tokens and masks, then plainer numbers. Every candidate is strictly
/// smaller in <see cref="Complexity"/>, so shrinking ends.
/// </summary>
public static class RolloutShrinker
{
    /// <summary>The candidates, the most drastic first.</summary>
    public static IEnumerable<RolloutBatch> Shrink(RolloutBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var groups = batch.ToRollouts();
        var size = Complexity(batch);
        foreach (var candidate in Fewer(groups).Concat(Shorter(groups)).Concat(Plainer(groups)))
        {
            var smaller = TryBuild(candidate);
            if (smaller is not null && Compare(Complexity(smaller), size) < 0)
                yield return smaller;
        }
    }

    /// <summary>
    /// The size of a batch, compared entry by entry: groups, completions, tokens, masked tokens, digits of its numbers, and pairs of
    /// completions of which the longer comes first.
    /// </summary>
    public static IReadOnlyList<long> Complexity(RolloutBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        long tokens = 0, digits = 0, unsorted = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            tokens += batch.FullLength(i);
            for (int k = 0; k < batch.RewardsPerRow; k++)
                digits += batch.TryReward(i, k, out double reward) ? Digits(reward) : 0;
            for (int later = i + 1; later < batch.Rows; later++)
                unsorted += batch.FullLength(i) > batch.FullLength(later) ? 1 : 0;
            if (batch.HasIds)
            {
                foreach (int id in batch.Ids(i))
                    digits += id;
            }
        }

        foreach (var column in Columns.All.Where(batch.Has))
        {
            foreach (double value in batch[column])
                digits += value == Plain(column) ? 0 : 1 + Digits(value);
        }

        return [batch.Groups, batch.Rows, tokens, tokens - batch.Tokens, digits, unsorted];
    }

    /// <summary>Which of two sizes is smaller: negative where the left one is.</summary>
    public static int Compare(IReadOnlyList<long> left, IReadOnlyList<long> right) =>
        left.Zip(right, (a, b) => a.CompareTo(b)).FirstOrDefault(sign => sign != 0);

    // How hard a number is to read: nothing for 0, then by sign and decimals, so that 1 < −1 < −0.5 < −0.4837….
    private static long Digits(double value) => value == 0 ? 0 : (2 * value.ToString("R", CultureInfo.InvariantCulture).Length) + (value == 1 ? -1 : 0);

    private static RolloutBatch? TryBuild(Rollout[][] groups)
    {
        try
        {
            return RolloutBatch.Of(groups);
        }
        catch (InvalidInputException)
        {
            // A simplification may leave the values a batch allows (a behaviour log-prob above zero): then it is no candidate.
            return null;
        }
    }

    private static IEnumerable<Rollout[][]> Fewer(IReadOnlyList<IReadOnlyList<Rollout>> groups)
    {
        if (groups.Count > 1)
        {
            foreach (var group in groups)
                yield return [[.. group]];
            for (int g = 0; g < groups.Count; g++)
                yield return [.. groups.Where((_, k) => k != g).Select(group => group.ToArray())];
        }

        for (int g = 0; g < groups.Count; g++)
        {
            if (groups[g].Count <= 2)
                continue;
            for (int drop = 0; drop < groups[g].Count; drop++)
                yield return Replace(groups, g, [.. groups[g].Where((_, k) => k != drop)]);
        }
    }

    private static IEnumerable<Rollout[][]> Shorter(IReadOnlyList<IReadOnlyList<Rollout>> groups)
    {
        int longest = groups.Max(group => group.Max(rollout => rollout.Logps.Length));
        for (int length = 1; length < longest; length++)
            yield return Each(groups, rollout => Keep(rollout, t => t < length));
        yield return Each(groups, rollout => rollout.Mask?.Contains(true) == true ? Keep(rollout, t => rollout.Mask[t]) : rollout);
        for (int g = 0; g < groups.Count; g++)
        {
            if (groups[g].All(rollout => rollout.Logps.Length > 1))
                yield return Replace(groups, g, [.. groups[g].Select(rollout => Keep(rollout, t => t > 0))]);
            for (int k = 0; k < groups[g].Count; k++)
            {
                var rollout = groups[g][k];
                for (int length = 1; length < rollout.Logps.Length; length++)
                    yield return Replace(groups, g, k, Keep(rollout, t => t < length));
                for (int drop = 0; drop < rollout.Logps.Length - 1; drop++)
                    yield return Replace(groups, g, k, Keep(rollout, t => t != drop));
                if (rollout.Mask is not null)
                    yield return Replace(groups, g, k, Unmasked(rollout));
            }
        }
    }

    private static IEnumerable<Rollout[][]> Plainer(IReadOnlyList<IReadOnlyList<Rollout>> groups)
    {
        foreach (var simplify in new Func<Rollout, Rollout>[] { AllPlain, OnPolicy, BehaviourAtCurrent, ReferenceAtCurrent, RoundedRatios, RoundedLogps })
        {
            yield return Each(groups, simplify);
            for (int g = 0; g < groups.Count; g++)
            {
                for (int k = 0; k < groups[g].Count; k++)
                    yield return Replace(groups, g, k, simplify(groups[g][k]));
            }
        }

        for (int g = 0; g < groups.Count; g++)
        {
            double mean = groups[g].Average(rollout => rollout.Rewards[0] ?? 0);
            yield return Replace(groups, g, [.. groups[g].Select(rollout => WithReward(rollout, rollout.Rewards[0] > mean ? 1 : 0))]);
            yield return Replace(groups, g, [.. groups[g].Select(rollout => WithReward(rollout, rollout.Rewards[0] > mean ? 1 : -1))]);
            foreach (double same in new[] { 0, 1, 0.1 })
                yield return Replace(groups, g, [.. groups[g].Select(rollout => WithReward(rollout, same))]);
            for (int k = 0; k < groups[g].Count; k++)
            {
                foreach (double reward in new[] { 0, 1, -1, 0.1, Math.Round(groups[g][k].Rewards[0] ?? 0), Rounded(groups[g][k].Rewards[0] ?? 0) })
                    yield return Replace(groups, g, k, WithReward(groups[g][k], reward));
            }

            yield return Replace(groups, g, [.. groups[g].OrderBy(rollout => rollout.Logps.Length)]);
            if (Relabelled(groups[g]) is { } relabelled)
                yield return Replace(groups, g, relabelled);
        }
    }

    // Masked values were never kept, so a token that is unmasked gets plain ones.
    private static Rollout Unmasked(Rollout rollout) => Columns.All.Where(column => rollout[column] is not null)
        .Aggregate(rollout with { Mask = null }, (next, column) =>
            next.With(column, [.. rollout[column]!.Select((value, t) => rollout.Mask![t] ? value : Plain(column))]));

    private static Rollout AllPlain(Rollout rollout) => Columns.All.Where(column => rollout[column] is not null)
        .Aggregate(rollout, (plain, column) => plain.With(column, [.. plain[column]!.Select(_ => Plain(column))]));

    private static double Plain(Column column) => column is Column.Entropy or Column.SumPiSquared ? 1 : -1;

    private static Rollout OnPolicy(Rollout rollout) => rollout.With(Column.Logp, rollout.OldLogps);

    private static Rollout BehaviourAtCurrent(Rollout rollout) => rollout with { OldLogps = rollout.Logps };

    private static Rollout ReferenceAtCurrent(Rollout rollout) => rollout.RefLogps is null ? rollout : rollout with { RefLogps = rollout.Logps };

    private static Rollout RoundedRatios(Rollout rollout) =>
        rollout with { OldLogps = [.. rollout.Logps.Zip(rollout.OldLogps, (logp, old) => logp - Rounded(logp - old))] };

    private static Rollout RoundedLogps(Rollout rollout) =>
        Columns.All.Where(column => rollout[column] is not null)
            .Aggregate(rollout, (plain, column) => plain.With(column, [.. plain[column]!.Select(Rounded)]));

    private static Rollout WithReward(Rollout rollout, double reward) => rollout with { Rewards = [.. rollout.Rewards.Select(_ => (double?)reward)] };

    private static double Rounded(double value) => Math.Abs(value) < 1e8 ? Math.Round(value, 1) : value;

    // Ids in the order of their first occurrence: 0, 1, 2, …; which tokens are equal does not change.
    private static Rollout[]? Relabelled(IReadOnlyList<Rollout> group)
    {
        if (group.Any(rollout => rollout.Tokens is null))
            return null;
        var names = new Dictionary<int, int>();
        return [.. group.Select(rollout => rollout with
        {
            Tokens = [.. rollout.Tokens!.Select(id => names.TryGetValue(id, out int name) ? name : names[id] = names.Count)],
        })];
    }

    private static Rollout Keep(Rollout rollout, Func<int, bool> keep)
    {
        int[] kept = [.. Enumerable.Range(0, rollout.Logps.Length).Where(keep)];
        var shorter = rollout with
        {
            Tokens = rollout.Tokens is { } ids ? [.. kept.Select(t => ids[t])] : null,
            Mask = rollout.Mask is { } mask ? [.. kept.Select(t => mask[t])] : null,
        };
        return Columns.All.Where(column => rollout[column] is not null)
            .Aggregate(shorter, (next, column) => next.With(column, [.. kept.Select(t => rollout[column]![t])]));
    }

    private static Rollout[][] Each(IReadOnlyList<IReadOnlyList<Rollout>> groups, Func<Rollout, Rollout> change) =>
        [.. groups.Select(group => group.Select(change).ToArray())];

    private static Rollout[][] Replace(IReadOnlyList<IReadOnlyList<Rollout>> groups, int g, Rollout[] changed) =>
        [.. groups.Select((group, k) => k == g ? changed : [.. group])];

    private static Rollout[][] Replace(IReadOnlyList<IReadOnlyList<Rollout>> groups, int g, int k, Rollout changed) =>
        Replace(groups, g, [.. groups[g].Select((rollout, j) => j == k ? changed : rollout)]);
}
