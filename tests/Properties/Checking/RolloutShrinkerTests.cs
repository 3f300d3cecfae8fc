using GroupRL.Checking;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>Shrinking ends, stays valid, and ends at what a person would have written down.</summary>
public class RolloutShrinkerTests
{
    private static readonly RolloutDomain[] s_domains =
    [
        new(),
        new() { OnPolicy = true, SharedPrefix = true, DeadRows = Presence.Always },
        new() { Reads = [Column.RefLogp, Column.Entropy], Rewards = RewardKind.MixedBinary },
        new() { Level = RatioLevel.SequenceMean, Bounds = Clip.Range(3e-4, 4e-4) },
    ];

    [Fact]
    public void Every_candidate_is_smaller_and_a_batch_of_the_same_columns_with_groups_of_2_at_least()
    {
        foreach (var domain in s_domains)
        {
            for (ulong seed = 0; seed < 60; seed++)
            {
                var batch = domain.Build(new(seed, (int)seed));
                var size = RolloutShrinker.Complexity(batch);
                foreach (var candidate in RolloutShrinker.Shrink(batch))
                {
                    Assert.True(Compare(RolloutShrinker.Complexity(candidate), size) < 0);
                    Assert.All(Columns.All, column => Assert.Equal(batch.Has(column), candidate.Has(column)));
                    Assert.All(Enumerable.Range(0, candidate.Groups), g => Assert.True(candidate.GroupSize(g) >= 2));
                    Assert.Equal(batch.HasIds, candidate.HasIds);
                }
            }
        }
    }

    [Fact]
    public void Shrinking_ends_whichever_candidate_is_taken()
    {
        foreach (var domain in s_domains)
        {
            for (ulong seed = 0; seed < 20; seed++)
            {
                var draw = new Draw(seed, 0);
                var batch = domain.Build(new(seed, 100));
                int steps = 0;
                while (RolloutShrinker.Shrink(batch).ToArray() is { Length: > 0 } candidates)
                {
                    batch = candidates[draw.Whole(0, candidates.Length - 1)];
                    Assert.True(++steps < 1000, "shrinking does not end");
                }
            }
        }
    }

    [Fact]
    public void What_cannot_be_shrunk_further_is_two_completions_of_one_token()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), _ => true, seed);
            Assert.Equal((1, 2, 2), (batch.Groups, batch.Rows, batch.FullLength(0) + batch.FullLength(1)));
            Assert.All(Enumerable.Range(0, 2), i => Assert.Equal(0, RewardOf(batch, i)));
        }
    }

    [Fact]
    public void A_row_of_three_tokens_needs_one_other_row_of_one()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), batch => Rows(batch).Any(i => batch.FullLength(i) >= 3), seed);

            Assert.Equal((1, 2), (batch.Groups, batch.Rows));
            Assert.Equal([1, 3], Rows(batch).Select(batch.FullLength));
            Assert.All(batch[Column.Logp].ToArray().Concat(batch[Column.OldLogp].ToArray()), x => Assert.True(x is 0 or -1));
        }
    }

    [Fact]
    public void A_row_of_three_trainable_tokens_loses_its_masks()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), batch => Rows(batch).Any(i => batch.Length(i) >= 3), seed);

            Assert.Equal((1, 2, 4), (batch.Groups, batch.Rows, batch.FullLength(0) + batch.FullLength(1)));
        }
    }

    [Fact]
    public void Rewards_that_differ_become_0_and_1()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), batch => Rows(batch).Select(i => RewardOf(batch, i)).Distinct().Count() > 1, seed);

            Assert.Equal([0, 1], Rows(batch).Select(i => RewardOf(batch, i)).Order());
        }
    }

    [Fact]
    public void A_reward_above_1_stays_one_and_the_other_becomes_0()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), batch => Rows(batch).Any(i => RewardOf(batch, i) > 1), seed);
            double[] rewards = [.. Rows(batch).Select(i => RewardOf(batch, i)).Order()];

            Assert.Equal(0, rewards[0]);
            // One decimal at most, or the 1e8 that a case may start from.
            Assert.True(rewards[1] > 1 && (rewards[1] >= 1e6 || rewards[1] == Math.Round(rewards[1], 1)), $"{rewards[1]:R}");
        }
    }

    [Fact]
    public void A_dead_row_becomes_one_token_beside_one_live_row()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), batch => Rows(batch).Any(i => batch.Length(i) == 0), seed);

            Assert.Equal((1, 2, 2, 1), (batch.Groups, batch.Rows, batch.FullLength(0) + batch.FullLength(1), batch.Tokens));
        }
    }

    [Fact]
    public void Two_groups_of_different_size_become_two_and_three()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), batch => Enumerable.Range(0, batch.Groups).Any(g => batch.GroupSize(g) != batch.GroupSize(0)), seed);

            Assert.Equal([2, 3], Enumerable.Range(0, batch.Groups).Select(batch.GroupSize).Order());
            Assert.All(Rows(batch), i => Assert.Equal(1, batch.FullLength(i)));
        }
    }

    [Fact]
    public void A_ratio_above_two_becomes_one_of_one_decimal_and_the_other_exactly_1()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(new RolloutDomain(), batch => LogRatios(batch).Any(x => x > Math.Log(2)), seed);
            double[] logRatios = [.. LogRatios(batch).Order()];

            Assert.Equal(2, logRatios.Length);
            Assert.Equal(0, logRatios[0]);
            Assert.Equal(Math.Round(logRatios[1], 1), logRatios[1], 1e-12);
        }
    }

    [Fact]
    public void A_shared_first_token_is_kept_where_it_matters_and_its_ids_count_from_0()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = Minimal(
                new RolloutDomain { OnPolicy = true, SharedPrefix = true },
                batch => batch[0].SharedPrefix() >= 1 && Rows(batch).Select(batch.FullLength).Distinct().Count() > 1,
                seed);

            Assert.Equal([1, 2], Rows(batch).Select(batch.FullLength));
            Assert.Equal([0], batch.Ids(0).ToArray());
            Assert.True(batch.Ids(1) is [0, 0 or 1]);
        }
    }

    [Fact]
    public void The_size_of_a_batch_is_compared_by_groups_first_then_rows_tokens_masks_and_digits()
    {
        var small = Of([1.0], [0, 0]);
        Assert.Equal([1, 2, 2, 0, RolloutShrinker.Complexity(small)[4], 0], RolloutShrinker.Complexity(small));
        Assert.True(Smaller(small, Of([0.1], [0, 0])));
        Assert.True(Smaller(small, Of([-1.0], [0, 0])));
        Assert.True(Smaller(Of([0.0], [0, 0]), small));
        Assert.True(Smaller(Of([0.123456], [0, 0]), Of([0], [0, 0, 0])));
        Assert.True(Smaller(Of([0.123456], [0, 0, 0]), RolloutBatch.Of([[Row(0, 1), Row(0, 1)], [Row(0, 1), Row(0, 1)]])));
        // The shorter row first.
        Assert.True(Smaller(RolloutBatch.Of([[Row(0, 1), Row(0, 2)]]), RolloutBatch.Of([[Row(0, 2), Row(0, 1)]])));

        static RolloutBatch Of(double[] rewards, double[] others) =>
            RolloutBatch.Of([[.. rewards.Concat(others.Skip(1)).Select(reward => Row(reward, 1))]]);
    }

    [Fact]
    public void A_batch_without_ids_with_several_rewards_or_a_missing_one_shrinks_too()
    {
        var batch = RolloutBatch.Of([[Row(0, 3) with { Rewards = [null, 2.25] }, Row(0, 2) with { Rewards = [3.5, null] }, Row(0, 2) with { Rewards = [1, 1] }]]);

        Assert.Contains(RolloutShrinker.Shrink(batch), smaller => smaller.Rows == 2);
        Assert.Contains(RolloutShrinker.Shrink(batch), smaller => smaller.Tokens == 3);
    }

    private static RolloutBatch Minimal(RolloutDomain domain, Func<RolloutBatch, bool> wanted, ulong seed) =>
        Falsifier.Run(domain, batch => !wanted(batch), _ => true, seed, 5000).Failure!.Shrunk;

    private static Rollout Row(double reward, int length)
    {
        double[] logps = [.. Enumerable.Repeat(-1.0, length)];
        return new() { Reward = reward, Logps = logps, OldLogps = logps };
    }

    private static IEnumerable<int> Rows(RolloutBatch batch) => Enumerable.Range(0, batch.Rows);

    private static double RewardOf(RolloutBatch batch, int i) => batch.TryReward(i, 0, out double reward) ? reward : double.NaN;

    private static double[] LogRatios(RolloutBatch batch) =>
        [.. batch[Column.Logp].ToArray().Zip(batch[Column.OldLogp].ToArray(), (logp, old) => logp - old)];

    private static bool Smaller(RolloutBatch left, RolloutBatch right) =>
        Compare(RolloutShrinker.Complexity(left), RolloutShrinker.Complexity(right)) < 0;

    private static int Compare(IReadOnlyList<long> left, IReadOnlyList<long> right) =>
        left.Zip(right, (a, b) => a.CompareTo(b)).FirstOrDefault(sign => sign != 0);
}
