using GroupRL.Objectives;

namespace GroupRL.Checking;

/// <summary>The corners that every domain of rollouts must reach, as far as its hypotheses allow them.</summary>
internal static class RolloutCorners
{
    public static IEnumerable<Corner<RolloutBatch>> Of(RolloutDomain domain)
    {
        if (!domain.Square)
            yield return new("one-token completions", batch => AllRows(batch, (rows, i) => rows.FullLength(i) == 1));
        yield return new("all lengths equal", batch => LiveLengths(batch) is var (least, most) && least == most);
        if (domain.LongestCompletion is null or > 1)
            yield return new("unequal lengths", batch => LiveLengths(batch) is var (least, most) && least < most);
        yield return new("G = 2", batch => AnyGroup(batch, (groups, g) => groups.GroupSize(g) == 2));
        if (domain.Prompts is null or > 1)
            yield return new("several prompts", batch => batch.Groups > 1);
        if (domain.LongestCompletion is null)
            yield return new("N = T", batch => batch.Rows == Longest(batch));
        if (!domain.EqualGroups && domain.Prompts is null or > 1)
            yield return new("prompts with different group sizes", batch => AnyGroup(batch, (groups, g) => groups.GroupSize(g) != groups.GroupSize(0)));
        if (domain.LongestCompletion is null or > 1)
            yield return new("masked tokens inside a row", batch => !AllRows(batch, (rows, i) => rows.Length(i) is var n && (n == 0 || n == rows.FullLength(i))));
        if (domain.DeadRows != Presence.Never)
            yield return new("a dead row", batch => !AllRows(batch, (rows, i) => rows.Length(i) > 0));
        if (domain.SharedPrefix)
            yield return new("whole completion shared", batch => AnyGroup(batch, (groups, g) => WholeCompletionShared(groups[g])));
        if (domain.Rewards is RewardKind.Any or RewardKind.Dyadic)
            yield return new("zero advantage", batch => AnyGroup(batch, RewardAtMean));
        if (domain.Rewards is not (RewardKind.MixedBinary or RewardKind.PlainUnequal))
            yield return new("equal rewards", batch => AnyGroup(batch, EqualRewards));
        if (domain.Rewards is not (RewardKind.MixedBinary or RewardKind.Plain or RewardKind.PlainUnequal))
        {
            yield return new("rewards of size 1e-8", batch => LargestReward(batch) is > 0 and < 1e-6);
            yield return new("rewards of size 1e8", batch => LargestReward(batch) > 1e6);
        }

        if (!domain.OnPolicy)
        {
            if (domain.LargestLogRatio >= 20)
                yield return new("|log-ratio| of 20", batch => AnyToken(batch, x => Math.Abs(x) >= 20));
            if (domain.Level != RatioLevel.Token || domain.AwayFrom.All(kink => Math.Abs(kink) >= 2 * RolloutDomain.KinkMargin))
                yield return new("ratio exactly 1", batch => AnyToken(batch, x => x == 0));
        }

        if (domain.Bounds is { } bounds)
        {
            if (RolloutDomain.CanHit(bounds.High))
                yield return new("ratio exactly at the upper bound", batch => AnyRatio(batch, domain.Level, bounds.High));
            if (bounds.Low > 0 && RolloutDomain.CanHit(bounds.Low))
                yield return new("ratio exactly at the lower bound", batch => AnyRatio(batch, domain.Level, bounds.Low));
        }
    }

    /// <summary>Whether a ratio that a kernel of this level reads, in the kernel's own order of operations, is <paramref name="ratio"/>.</summary>
    private static bool AnyRatio(RolloutBatch batch, RatioLevel level, double ratio)
    {
        if (level == RatioLevel.Token)
            return AnyToken(batch, x => Math.Exp(x) == ratio);
        var logp = batch[Column.Logp];
        var old = batch[Column.OldLogp];
        for (int i = 0; i < batch.Rows; i++)
        {
            double sum = 0;
            var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            for (int t = start; t < start + length; t++)
                sum += logp[t] - old[t];
            if (length > 0 && Math.Exp(level == RatioLevel.SequenceMean ? sum / length : sum) == ratio)
                return true;
        }

        return false;
    }

    /// <summary>The least and the most trainable tokens of a row that has any; null where none has.</summary>
    private static (int Least, int Most)? LiveLengths(RolloutBatch batch)
    {
        int least = int.MaxValue, most = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            if (batch.Length(i) is > 0 and var length)
                (least, most) = (Math.Min(least, length), Math.Max(most, length));
        }

        return most > 0 ? (least, most) : null;
    }

    private static int Longest(RolloutBatch batch)
    {
        int longest = 0;
        for (int i = 0; i < batch.Rows; i++)
            longest = Math.Max(longest, batch.FullLength(i));
        return longest;
    }

    private static bool AllRows(RolloutBatch batch, Func<RolloutBatch, int, bool> holds)
    {
        for (int i = 0; i < batch.Rows; i++)
        {
            if (!holds(batch, i))
                return false;
        }

        return true;
    }

    private static bool AnyGroup(RolloutBatch batch, Func<RolloutBatch, int, bool> holds)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            if (holds(batch, g))
                return true;
        }

        return false;
    }

    private static bool AnyToken(RolloutBatch batch, Func<double, bool> logRatio)
    {
        var logp = batch[Column.Logp];
        var old = batch[Column.OldLogp];
        for (int t = 0; t < batch.Tokens; t++)
        {
            if (logRatio(logp[t] - old[t]))
                return true;
        }

        return false;
    }

    // The first of a row's rewards; NaN, which equals itself, where it is missing.
    private static double RewardOf(RolloutBatch batch, int i)
    {
        batch.TryReward(i, 0, out double reward);
        return reward;
    }

    private static bool EqualRewards(RolloutBatch batch, int g)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        for (int i = start + 1; i < start + length; i++)
        {
            if (!RewardOf(batch, i).Equals(RewardOf(batch, start)))
                return false;
        }

        return true;
    }

    private static bool RewardAtMean(RolloutBatch batch, int g)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        double sum = 0;
        for (int i = start; i < start + length; i++)
            sum += RewardOf(batch, i);
        for (int i = start; i < start + length; i++)
        {
            if (RewardOf(batch, i).Equals(sum / length))
                return !EqualRewards(batch, g);
        }

        return false;
    }

    private static double LargestReward(RolloutBatch batch)
    {
        double largest = 0;
        for (int i = 0; i < batch.Rows; i++)
            largest = Math.Max(largest, Math.Abs(RewardOf(batch, i)));
        return largest;
    }

    private static bool WholeCompletionShared(RolloutGroup group)
    {
        int shared = group.SharedPrefix();
        for (int k = 0; k < group.Count; k++)
        {
            if (group[k].FullLength == shared)
                return true;
        }

        return false;
    }
}
