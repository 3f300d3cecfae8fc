using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>Every advantage beyond the first on random ragged batches: against a second derivation, and against what it promises.</summary>
public class PaddedAdvantageTests
{
    // Sums of at most a hundred terms of size 1 to 10, and one division by a spread that is no smaller than 0.01.
    private const double Rounding = 1e-12;

    private static readonly int[] s_seeds = [.. Enumerable.Range(1, 24)];

    private static readonly Dictionary<string, (Advantage Advantage, Func<PaddedAdvantages, double[][]>? Padded)> s_advantages = new()
    {
        ["returns"] = (new Returns { Discount = 0.9 }, p => p.Returns(0.9)),
        ["undiscounted returns"] = (new Returns(), p => p.Returns(1)),
        ["returns with a KL"] = (new Returns { Rewards = new() { Beta = 0.3 }, Discount = 0.8 }, p => p.Returns(0.8, 0.3)),
        ["returns with a bounded KL"] = (new Returns { Rewards = new() { Beta = 0.3, LargestKl = 0.2 } }, p => p.Returns(1, 0.3, 0.2)),
        ["returns with token rewards"] = (new Returns { Rewards = new() { AtTokens = true }, Discount = 0.7 }, p => p.Returns(0.7, given: true)),
        ["returns cut at gaps"] = (new Returns { Rewards = new() { AtTokens = true }, Discount = 0.7, CutAtGaps = true }, p => p.Returns(0.7, given: true, cut: true)),
        ["returns of centred rewards"] = (new Returns { Rewards = new() { Outcome = new MeanBaseline() } }, p => p.Centred()),
        ["gae"] = (new GeneralisedAdvantage(0.99, 0.95), p => p.Gae(0.99, 0.95)),
        ["gae without discount"] = (new GeneralisedAdvantage(1, 0.5), p => p.Gae(1, 0.5)),
        ["whitened returns as verl"] = (
            new TokenWhitened(new Returns { Discount = 0.9 }) { Epsilon = 1e-8, Padding = 1e-8 }, p => p.Whitened(p.Returns(0.9), 1, 1e-8, 0, 1e-8)),
        ["whitened returns as OpenRLHF"] = (new TokenWhitened(new Returns()) { Ddof = 0, Floor = 1e-8 }, p => p.Whitened(p.Returns(1), 0, 0, 1e-8, 0)),
        ["centred tokens"] = (new TokenWhitened(new MeanBaseline()) { Scaled = false }, p => p.Whitened(p.Centred(), 1, 0, 0, 0, scaled: false)),
        ["whitened gae"] = (new TokenWhitened(new GeneralisedAdvantage(1, 0.9)), p => p.Whitened(p.Gae(1, 0.9), 1, 0, 0, 0)),
        ["optimal token baseline"] = (new OptimalTokenBaseline { Epsilon = 1e-8 }, p => p.OptimalToken(1e-8, zeroTail: false)),
        ["optimal token baseline with a zero tail"] = (new OptimalTokenBaseline { Epsilon = 1e-8, ZeroTail = true }, p => p.OptimalToken(1e-8, zeroTail: true)),
        ["entropy-shaped"] = (new EntropyShaped(new MeanBaseline()) { Scale = 0.2, Threshold = 1 }, p => p.EntropyShaped(0.2, 1)),
        ["length-weighted"] = (new LengthWeightedBaseline(), p => p.LengthWeighted()),
        ["best of group"] = (new BestOfGroup { Scaled = true, Epsilon = 0.1 }, p => p.Best(0.1)),
        ["nonzero-scaled"] = (new NonzeroScaled(new MeanBaseline()) { Norm = 3 }, p => p.Nonzero(3)),
        ["partition"] = (new PartitionBaseline(0.7), p => p.Partition(0.7, leavesOut: true)),
        ["partition over all"] = (new PartitionBaseline(0.7) { LeavesOut = false }, p => p.Partition(0.7, leavesOut: false)),
        ["greedy"] = (new GreedyBaseline(), p => p.Greedy()),
        ["none"] = (new NoBaseline(), p => p.Reward()),

        // Compositions, for their promises.
        ["batch-normalised"] = (new BatchNormalised(new LeaveOneOut(), 0.1), null),
        ["batch-normalised rewards"] = (new BatchNormalised(new NoBaseline(), 0.1), null),
        ["scaled in the group"] = (new ScaledByRewards(new LeaveOneOut(), Pool.Group, 0.1), null),
        ["scaled in the batch"] = (new ScaledByRewards(new LeaveOneOut(), Pool.Batch, 0.1), null),
        ["clipped"] = (new ClippedAdvantage(new MeanBaseline(), -0.2, 0.3), null),
        ["live rows"] = (new MeanBaseline { Over = Counted.LiveRows }, null),
        ["discounted, live rows"] = (new Returns { Rewards = new() { Outcome = new LeaveOneOut { Over = Counted.LiveRows } }, Discount = 0.5 }, null),
        ["length-weighted, live rows"] = (new LengthWeightedBaseline { Over = Counted.LiveRows }, null),
        ["whitened, live rows"] = (new TokenWhitened(new MeanBaseline { Over = Counted.LiveRows }), null),
    };

    public static TheoryData<string> Names => [.. s_advantages.Keys];

    public static TheoryData<string> Derived => [.. s_advantages.Where(entry => entry.Value.Padded is not null).Select(entry => entry.Key)];

    [Theory]
    [MemberData(nameof(Derived))]
    public void The_advantages_are_those_of_the_padded_formula(string name)
    {
        var (advantage, padded) = s_advantages[name];
        foreach (int seed in s_seeds)
        {
            var batch = RaggedWithAll(seed);
            if (batch.Tokens < 2)
                continue;
            var second = new PaddedAdvantages(batch);
            double[] expected = second.Valid(padded!(second)), actual = Tokens(advantage, batch, Rewards(batch));
            double largest = Math.Max(1, expected.Max(Math.Abs));
            Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) <= Rounding * largest);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_promised_of_groups_and_dead_rows_is_kept(string name)
    {
        var advantage = s_advantages[name].Advantage;
        foreach (int seed in s_seeds)
        {
            var batch = RaggedWithAll(seed);
            if (batch.Tokens < 2)
                continue;
            double[] rewards = Rewards(batch), before = Tokens(advantage, batch, rewards);
            for (int g = 0; g < batch.Groups; g++)
            {
                var own = batch.GroupTokens(g);
                if (advantage.Traits.HasFlag(Traits.GroupIsolated))
                    Assert.Equal(before[own], Tokens(advantage, batch, [.. rewards.Select((r, i) => batch.GroupOf(i) == g ? r : (2 * r) + 1)])[own]);
                if (advantage.Traits.HasFlag(Traits.Centred) && advantage is RowAdvantage rows)
                    Assert.Equal(0, RowsOf(rows, batch, rewards)[batch.Group(g)].Sum(), Rounding);
                if (advantage.Traits.HasFlag(Traits.ComparesRewards))
                {
                    double[] equal = Tokens(advantage, batch, [.. rewards.Select((r, i) => batch.GroupOf(i) == g ? 0.1 : r)]);
                    Assert.All(equal[own], a => Assert.Equal(0, a, Rounding));
                }
            }

            if (advantage.Traits.HasFlag(Traits.IgnoresDeadRows))
                Assert.Equal(before, Tokens(advantage, batch, [.. rewards.Select((r, i) => batch.Length(i) > 0 ? r : (2 * r) + 1)]));
        }
    }

    [Theory]
    [InlineData("centred tokens", Traits.IgnoresDeadRows)]
    [InlineData("none", Traits.IgnoresDeadRows | Traits.Centred | Traits.ComparesRewards | Traits.AffineAdvantage)]
    [InlineData("greedy", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("returns", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("gae", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("whitened gae", Traits.Centred | Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("centred tokens", Traits.Centred | Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("optimal token baseline", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("entropy-shaped", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("length-weighted", Traits.Centred | Traits.AffineAdvantage | Traits.IgnoresDeadRows)]
    [InlineData("best of group", Traits.Centred | Traits.AffineAdvantage | Traits.IgnoresDeadRows)]
    [InlineData("partition", Traits.Centred | Traits.AffineAdvantage)]
    [InlineData("nonzero-scaled", Traits.AffineAdvantage | Traits.GroupIsolated)]
    [InlineData("batch-normalised", Traits.AffineAdvantage | Traits.GroupIsolated)]
    [InlineData("batch-normalised rewards", Traits.Centred | Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("scaled in the batch", Traits.GroupIsolated)]
    [InlineData("clipped", Traits.Centred | Traits.AffineAdvantage)]
    [InlineData("discounted, live rows", Traits.Centred | Traits.AffineAdvantage)]
    public void What_is_not_so_is_not_promised(string name, Traits broken) => Assert.Equal(Traits.None, s_advantages[name].Advantage.Traits & broken);

    [Theory]
    [InlineData("returns of centred rewards", Traits.Centred | Traits.ComparesRewards | Traits.GroupIsolated | Traits.AffineAdvantage)]
    [InlineData("scaled in the group", Traits.Centred | Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("scaled in the batch", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("nonzero-scaled", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("batch-normalised", Traits.Centred | Traits.ComparesRewards)]
    [InlineData("length-weighted", Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("length-weighted, live rows", Traits.ComparesRewards | Traits.GroupIsolated | Traits.IgnoresDeadRows)]
    [InlineData("best of group", Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("partition", Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("clipped", Traits.ComparesRewards | Traits.GroupIsolated)]
    [InlineData("discounted, live rows", Traits.ComparesRewards | Traits.GroupIsolated | Traits.IgnoresDeadRows)]
    [InlineData("whitened, live rows", Traits.IgnoresDeadRows)]
    [InlineData("returns", Traits.GroupIsolated | Traits.IgnoresDeadRows)]
    [InlineData("whitened gae", Traits.IgnoresDeadRows)]
    [InlineData("optimal token baseline", Traits.GroupIsolated | Traits.IgnoresDeadRows)]
    public void What_holds_by_the_formula_is_promised(string name, Traits kept) => Assert.Equal(kept, s_advantages[name].Advantage.Traits & kept);

    [Fact]
    public void A_lone_live_reward_that_is_kept_compares_with_nothing() =>
        Assert.Equal(
            Traits.GroupIsolated | Traits.IgnoresDeadRows | Traits.LengthBlind,
            new MeanBaseline { Over = Counted.LiveRows, Lone = LoneReward.IsKept }.Traits);

    [Fact]
    public void An_objective_keeps_groups_and_dead_rows_apart_only_where_its_rewards_do()
    {
        var live = new MeanBaseline { Over = Counted.LiveRows };
        Assert.True((Catalogue.DrGrpo with { Advantage = live }).Traits.HasFlag(Traits.IgnoresDeadRows));
        Assert.True((Catalogue.DrGrpo with { Advantage = live, Rewards = new ScoredRewards(live, []) }).Traits.HasFlag(Traits.IgnoresDeadRows));
        Assert.False((Catalogue.DrGrpo with { Advantage = live, Rewards = new ScoredRewards(new MeanBaseline(), []) }).Traits.HasFlag(Traits.IgnoresDeadRows));
        Assert.False(Catalogue.DrGrpo.Traits.HasFlag(Traits.IgnoresDeadRows));

        var open = Catalogue.DrGrpo with { Rewards = new ScoredRewards(new BatchScaledBaseline(0.1), []) };
        var closed = Catalogue.DrGrpo with { Rewards = new ScoredRewards(new StandardScore(), []) };
        Assert.False(open.Traits.HasFlag(Traits.GroupIsolated));
        Assert.True(closed.Traits.HasFlag(Traits.GroupIsolated));
        Assert.True((Catalogue.DrGrpo with { Rewards = new KlInReward(new ClippedReward(RewardShaping.None, -1, 1), 0.1) }).Traits.HasFlag(Traits.GroupIsolated));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Nothing_is_allocated_after_the_first_call(string name)
    {
        var advantage = s_advantages[name].Advantage;
        var batch = RaggedWithAll(2);
        double[] rewards = Rewards(batch), tokens = new double[batch.Tokens];
        for (int k = 0; k < 3; k++)
            advantage.Fill(batch, rewards, tokens);
        long before = GC.GetAllocatedBytesForCurrentThread();
        advantage.Fill(batch, rewards, tokens);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_an_advantage_reads_is_all_it_needs(string name)
    {
        var advantage = s_advantages[name].Advantage;
        var whole = RaggedWithAll(3);
        var lean = RolloutBatch.Of([.. whole.ToRollouts().Select(group => group.Select(row => Lean(row, advantage)).ToArray())]);
        Assert.Equal(Tokens(advantage, whole, Rewards(whole)), Tokens(advantage, lean, Rewards(lean)));
    }

    private static Rollout Lean(Rollout row, Advantage advantage) => Columns.All
        .Where(column => column is not (Column.Logp or Column.OldLogp) && !advantage.Reads.Contains(column))
        .Aggregate(row with { GreedyReward = advantage.ReadsGreedyReward ? row.GreedyReward : null }, (lean, column) => lean.With(column, null));

    // With the columns that advantages read; π² ≤ Σπ², so that no energy is negative.
    private static RolloutBatch RaggedWithAll(int seed)
    {
        var random = new Random(seed * 7919);
        return RolloutBatch.Of(
        [
            .. Batches.Ragged(seed).ToRollouts().Select(group =>
            {
                double greedy = random.Next(0, 5) / 2.0;
                return group.Select(row => row with
                {
                    GreedyReward = greedy,
                    Values = [.. row.Logps.Select(_ => (2 * random.NextDouble()) - 1)],
                    TokenRewards = [.. row.Logps.Select(_ => (2 * random.NextDouble()) - 1)],
                    SumPiSquared = [.. row.Logps.Select(_ => 0.2 + (0.8 * random.NextDouble()))],
                }).ToArray();
            }),
        ]);
    }

    private static double[] Rewards(RolloutBatch batch)
    {
        double[] rewards = new double[batch.Rows];
        RewardShaping.None.Fill(batch, rewards);
        return rewards;
    }

    private static double[] Tokens(Advantage advantage, RolloutBatch batch, double[] rewards)
    {
        double[] tokens = new double[batch.Tokens];
        advantage.Fill(batch, rewards, tokens);
        return tokens;
    }

    private static double[] RowsOf(RowAdvantage advantage, RolloutBatch batch, double[] rewards)
    {
        double[] rows = new double[batch.Rows];
        advantage.FillRows(batch, rewards, rows);
        return rows;
    }
}
