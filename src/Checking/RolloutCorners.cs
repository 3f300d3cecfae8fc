using GroupRL.Objectives;

namespace GroupRL.Checking;

/// <summary>The corners that every domain of rollouts must reach, as far as its hypotheses allow them.</summary>
internal static class RolloutCorners
{
    public static IEnumerable<Corner<RolloutBatch>> Of(RolloutDomain domain)
    {
        if (!domain.Square)
            yield return new("one-token completions", batch => AllRows(batch, i => batch.FullLength(i) == 1));
        yield return new("all lengths equal", batch => LiveLengths(batch).Distinct().Count() == 1);
        if (domain.LongestCompletion is null or > 1)
            yield return new("unequal lengths", batch => LiveLengths(batch).Distinct().Count() > 1);
        yield return new("G = 2", batch => AnyGroup(batch, g => batch.GroupSize(g) == 2));
        if (domain.Prompts is null or > 1)
            yield return new("several prompts", batch => batch.Groups > 1);
        if (domain.LongestCompletion is null)
            yield return new("N = T", batch => batch.Rows == Enumerable.Range(0, batch.Rows).Max(batch.FullLength));
        if (!domain.EqualGroups && domain.Prompts is null or > 1)
            yield return new("prompts with different group sizes", batch => AnyGroup(batch, g => batch.GroupSize(g) != batch.GroupSize(0)));
        if (domain.LongestCompletion is null or > 1)
            yield return new("masked tokens inside a row", batch => !AllRows(batch, i => batch.Length(i) is var n && (n == 0 || n == batch.FullLength(i))));
        if (domain.DeadRows != Presence.Never)
            yield return new("a dead row", batch => !AllRows(batch, i => batch.Length(i) > 0));
        if (domain.SharedPrefix)
            yield return new("whole completion shared", batch => AnyGroup(batch, g => WholeCompletionShared(batch[g])));
        if (domain.Rewards is RewardKind.Any or RewardKind.Dyadic)
            yield return new("zero advantage", batch => AnyGroup(batch, g => RewardAtMean(batch, g)));
        if (domain.Rewards is not (RewardKind.MixedBinary or RewardKind.PlainUnequal))
            yield return new("equal rewards", batch => AnyGroup(batch, g => RewardsOf(batch, g).Distinct().Count() == 1));
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
                yield return new("ratio exactly at the upper bound", batch => Ratios(batch, domain.Level).Any(r => r == bounds.High));
            if (bounds.Low > 0 && RolloutDomain.CanHit(bounds.Low))
                yield return new("ratio exactly at the lower bound", batch => Ratios(batch, domain.Level).Any(r => r == bounds.Low));
        }
    }

    /// <summary>The ratios that a kernel of this level reads, in the kernel's own order of operations.</summary>
    private static IEnumerable<double> Ratios(RolloutBatch batch, RatioLevel level)
    {
        for (int i = 0; i < batch.Rows; i++)
        {
            var (logp, old) = (batch[Column.Logp][batch.Row(i)].ToArray(), batch[Column.OldLogp][batch.Row(i)].ToArray());
            if (level == RatioLevel.Token)
            {
                for (int t = 0; t < logp.Length; t++)
                    yield return Math.Exp(logp[t] - old[t]);
            }
            else if (logp.Length > 0)
            {
                double sum = logp.Zip(old, (a, b) => a - b).Sum();
                yield return Math.Exp(level == RatioLevel.SequenceMean ? sum / logp.Length : sum);
            }
        }
    }

    private static IEnumerable<int> LiveLengths(RolloutBatch batch) => Enumerable.Range(0, batch.Rows).Select(batch.Length).Where(n => n > 0);

    private static bool AllRows(RolloutBatch batch, Func<int, bool> holds)
    {
        for (int i = 0; i < batch.Rows; i++)
        {
            if (!holds(i))
                return false;
        }

        return true;
    }

    private static bool AnyGroup(RolloutBatch batch, Func<int, bool> holds)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            if (holds(g))
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

    private static double[] RewardsOf(RolloutBatch batch, int g)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        var rewards = new double[length];
        for (int k = 0; k < length; k++)
            batch.TryReward(start + k, 0, out rewards[k]);
        return rewards;
    }

    private static bool RewardAtMean(RolloutBatch batch, int g)
    {
        double[] rewards = RewardsOf(batch, g);
        return rewards.Distinct().Count() > 1 && rewards.Contains(rewards.Average());
    }

    private static double LargestReward(RolloutBatch batch) =>
        Enumerable.Range(0, batch.Groups).Max(g => RewardsOf(batch, g).Max(Math.Abs));

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
