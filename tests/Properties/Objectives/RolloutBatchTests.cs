using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

public class RolloutBatchTests
{
    // Two groups: a plain row and one with masked ends, then two dead rows around a live one.
    private static readonly RolloutBatch s_batch = RolloutBatch.Of(
    [
        [Tokens(Row(1, 0.1, 0.2), 7, 8), Tokens(Row(2, 0.3, 0.4, 0.5, 0.6), 7, 8, 9, 7) with { Mask = [false, true, false, true] }],
        [Tokens(Dead(3), 1, 2), Tokens(Row(4, 0.7), 1), Tokens(Row(5), [])],
    ]);

    [Fact]
    public void The_views_show_groups_rows_and_tokens()
    {
        Assert.Equal((2, 5, 5, 1), (s_batch.Groups, s_batch.Rows, s_batch.Tokens, s_batch.RewardsPerRow));
        Assert.Equal((0..2, 2..5), (s_batch.Group(0), s_batch.Group(1)));
        Assert.Equal((2, 3), (s_batch.GroupSize(0), s_batch.GroupSize(1)));
        Assert.Equal((0..4, 4..5), (s_batch.GroupTokens(0), s_batch.GroupTokens(1)));
        Assert.Equal([0..2, 2..4, 4..4, 4..5, 5..5], Enumerable.Range(0, 5).Select(s_batch.Row));
        Assert.Equal([2, 2, 0, 1, 0], Enumerable.Range(0, 5).Select(s_batch.Length));
        Assert.Equal([2, 4, 2, 1, 0], Enumerable.Range(0, 5).Select(s_batch.FullLength));
        Assert.Equal([0, 0, 1, 1, 1], Enumerable.Range(0, 5).Select(s_batch.GroupOf));
        Assert.Equal([1, 3], s_batch.Positions(1).ToArray());
        Assert.Equal([7, 8, 9, 7], s_batch.Ids(1).ToArray());
        Assert.Equal([Old + 0.1, Old + 0.2, Old + 0.4, Old + 0.6, Old + 0.7], s_batch[Column.Logp].ToArray());
        Assert.True(s_batch.TryReward(3, 0, out double reward));
        Assert.Equal(4, reward);
    }

    [Fact]
    public void A_group_and_a_completion_are_light_views()
    {
        var group = s_batch[0];
        Assert.Equal((2, 0), (group.Count, group.FirstRow));
        var row = group[1];
        Assert.Equal((2, 4), (row.Length, row.FullLength));
        Assert.Equal([Old + 0.4, Old + 0.6], row[Column.Logp].ToArray());
        Assert.Equal([-1, 2, -1, 3, -1], Enumerable.Range(0, 5).Select(position => s_batch[0][1].TokenAt(position)));
        Assert.Equal(-1, s_batch[1][2].TokenAt(0));
    }

    [Fact]
    public void Rows_that_are_grouped_again_make_the_batch_that_their_rollouts_make()
    {
        var domain = new RolloutDomain { Reads = [.. Columns.All.Skip(2)], RewardCount = 2, GreedyRewards = true };
        for (ulong seed = 0; seed < 200; seed++)
        {
            var draw = new Draw(seed, size: 50);
            var batch = domain.Build(draw);
            ImmutableArray<int>[] groups = [.. Enumerable.Range(0, draw.Whole(1, 3)).Select(_ => Enumerable.Range(0, draw.Whole(1, 4)).Select(_ => draw.Whole(0, batch.Rows - 1)).ToImmutableArray())];
            Rollout[] rows = [.. batch.ToRollouts().SelectMany(group => group)];

            Assert.Equal(BatchWriter.Write(RolloutBatch.Of([.. groups.Select(group => group.Select(row => rows[row]).ToArray())])), BatchWriter.Write(batch.Regrouped(groups)));
        }
    }

    [Fact]
    public void Grouping_again_keeps_what_a_batch_does_not_carry_and_masked_ids()
    {
        var again = s_batch.Regrouped([4, 1], [1]);

        Assert.Equal((0..2, 2..3), (again.Group(0), again.Group(1)));
        Assert.Equal([0, 2, 2], Enumerable.Range(0, 3).Select(again.Length));
        Assert.Equal([7, 8, 9, 7], again.Ids(2).ToArray());
        Assert.False(again.Has(Column.RefLogp) || again.HasGreedyRewards || Rewards(1, 2).Regrouped([1]).HasIds);
        Assert.Equal("A batch needs at least 1 group; got 0.", Refusal.Of(() => s_batch.Regrouped()));
        Assert.Equal("A group needs at least 1 completion; group 1 has 0.", Refusal.Of(() => s_batch.Regrouped([0], [])));
        Assert.Equal("A batch of 5 completions has rows 0 to 4; group 1 asks for row 5.", Refusal.Of(() => s_batch.Regrouped([0], [1, 5])));
        Assert.Equal("A batch of 5 completions has rows 0 to 4; group 0 asks for row -1.", Refusal.Of(() => s_batch.Regrouped([-1])));
    }

    [Fact]
    public void A_shared_prefix_counts_masked_tokens_and_ends_with_the_shortest_completion()
    {
        Assert.Equal(2, s_batch[0].SharedPrefix());
        Assert.Equal(0, s_batch[1].SharedPrefix());
        Assert.Equal(2, Group(Tokens(Row(0, 0, 0), 4, 5))[0].SharedPrefix());
        Assert.Equal(
            "The batch has no tokens, without which no shared prefix can be found.",
            Refusal.Of(() => Rewards(1, 2)[0].SharedPrefix()));
    }

    [Theory]
    [InlineData(0, "group 0, completion 0, token 0")]
    [InlineData(1, "group 0, completion 0, token 1")]
    [InlineData(2, "group 0, completion 1, token 1")]
    [InlineData(3, "group 0, completion 1, token 3")]
    [InlineData(4, "group 1, completion 1, token 0")]
    public void A_place_skips_empty_rows_and_counts_masked_tokens(int token, string place) =>
        Assert.Equal(place, s_batch.PlaceOf(token));

    [Fact]
    public void Places_are_right_whatever_runs_of_empty_rows_there_are()
    {
        // A binary search may land on any row of a run of equal offsets.
        for (int empty = 0; empty < 9; empty++)
        {
            Rollout[] dead = [.. Enumerable.Repeat(Dead(0), empty)];
            var batch = Group([.. dead, Row(0, 0), .. dead, Row(0, 0, 0), .. dead]);
            Assert.Equal($"group 0, completion {empty}, token 0", batch.PlaceOf(0));
            Assert.Equal($"group 0, completion {(2 * empty) + 1}, token 0", batch.PlaceOf(1));
            Assert.Equal($"group 0, completion {(2 * empty) + 1}, token 1", batch.PlaceOf(2));
        }
    }

    [Fact]
    public void With_replaces_one_column_and_leaves_the_original_alone()
    {
        double[] values = [-1, -2, -3, -4, -5];
        var copy = s_batch.With(Column.RefLogp, values);
        values[0] = -9;
        Assert.Equal([-1.0, -2, -3, -4, -5], copy[Column.RefLogp].ToArray());
        Assert.False(s_batch.Has(Column.RefLogp));
        Assert.Equal(s_batch[Column.Logp].ToArray(), copy[Column.Logp].ToArray());
        Assert.Equal(s_batch.Ids(1).ToArray(), copy.Ids(1).ToArray());
    }

    [Fact]
    public void With_keeps_the_columns_rule()
    {
        Assert.Equal(
            "logps needs one value for each of the 5 trainable tokens; got 2.",
            Refusal.Of(() => s_batch.With(Column.Logp, [-1, -1])));
        Assert.Equal(
            "An entry of logps must not exceed 0, being a log-probability; group 1, completion 1, token 0 has 0.5.",
            Refusal.Of(() => s_batch.With(Column.Logp, [-1, -1, -1, -1, 0.5])));
    }

    [Fact]
    public void The_batch_keeps_its_own_copy_of_what_it_was_given()
    {
        var row = Row(1, 0.5);
        var batch = Group(row);
        row.Logps[0] = -3;
        Assert.Equal([Old + 0.5], batch[Column.Logp].ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_batch_is_its_rollouts_again(int seed)
    {
        var batch = Ragged(seed);
        AssertSame(batch, RolloutBatch.Of(batch.ToRollouts()));
    }

    [Fact]
    public void Missing_rewards_greedy_rewards_and_ids_come_back_too()
    {
        var batch = Group(Tokens(Row(0, 0.5), 3) with { Rewards = [null, 2], GreedyReward = 0.25 });
        var again = RolloutBatch.Of(batch.ToRollouts());
        AssertSame(batch, again);
        Assert.Equal(0.25, again.GreedyReward(0));
        Assert.False(again.TryReward(0, 0, out _));
        Assert.Null(again.ToRollouts()[0][0].Mask);
    }

    [Fact]
    public void What_a_batch_lacks_is_named()
    {
        Assert.Equal(
            "The batch has no entropies, which the objective reads.",
            Refusal.Of(() => Rewards(1)[Column.Entropy].Length));
        Assert.Equal("The batch has no greedy_reward, which the objective reads.", Refusal.Of(() => Rewards(1).GreedyReward(0)));
    }

    public static TheoryData<string> Refused => [.. Cases().Keys];

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_broken_rule_is_refused_with_the_rule_the_value_and_the_place(string sentence) =>
        Assert.Equal(sentence, Refusal.Of(() => RolloutBatch.Of(Cases()[sentence])));

    [Fact]
    public void Rounding_above_a_log_probability_of_zero_is_let_through() =>
        Assert.Equal([1e-6], Group(new Rollout { Reward = 0, Logps = [1e-6], OldLogps = [-1] })[Column.Logp].ToArray());

    [Fact]
    public void Masked_values_are_not_looked_at() =>
        Assert.Equal(1, Group(Row(0, 0, 0) with { Logps = [Old, double.NaN], Mask = [true, false] }).Tokens);

    private static Dictionary<string, Rollout[][]> Cases()
    {
        var row = Row(0, 0, 0);
        var bad = new Dictionary<string, Rollout[][]>
        {
            ["A batch needs at least 1 group; got 0."] = [],
            ["A group needs at least 1 completion; group 1 has 0."] = [[row], []],
            ["A completion needs logps and old_logps; group 0, completion 1 lacks one."] =
                [[row, row.With(Column.OldLogp, null)]],
            ["A completion needs at least 1 reward; group 0, completion 0 has 0."] = [[row with { Rewards = [] }]],
            ["All completions need the same number of rewards; group 1, completion 0 has 2, the first has 1."] =
                [[row], [row with { Rewards = [1, 2] }]],
            ["A reward must be a finite number (null where it is missing); reward 1 of group 0, completion 0 is Infinity."] =
                [[row with { Rewards = [1, double.PositiveInfinity] }]],
            ["A reward must be a finite number (null where it is missing); reward 0 of group 0, completion 1 is NaN."] =
                [[row, Row(double.NaN, 0)]],
            ["A reward must be a finite number (null where it is missing); reward 0 of group 0, completion 0 is -Infinity."] =
                [[row with { GreedyReward = double.NegativeInfinity }]],
            ["Per-token arrays of a completion need equal lengths; in group 0, completion 1 old_logps has 1 where logps has 2."] =
                [[row, row with { OldLogps = [-1] }]],
            ["Per-token arrays of a completion need equal lengths; in group 0, completion 0 mask has 3 where logps has 2."] =
                [[row with { Mask = [true, true, false] }]],
            ["Per-token arrays of a completion need equal lengths; in group 0, completion 0 tokens has 1 where logps has 2."] =
                [[row with { Tokens = [5] }]],
            ["A quantity is given for all completions or for none; group 0, completion 1 lacks ref_logps."] =
                [[row with { RefLogps = [-1, -1] }, row]],
            ["A quantity is given for all completions or for none; group 1, completion 0 alone has tokens."] =
                [[row], [row with { Tokens = [1, 2] }]],
            ["A quantity is given for all completions or for none; group 0, completion 1 alone has greedy_reward."] =
                [[row, row with { GreedyReward = 1 }]],
        };
        foreach (var (column, value, rule) in new[]
        {
            (Column.Logp, 0.01, "must not exceed 0, being a log-probability"),
            (Column.OldLogp, 2e-6, "must not exceed 0, being a log-probability"),
            (Column.RefLogp, double.NaN, "must be a finite number"),
            (Column.RolloutLogp, double.NegativeInfinity, "must be a finite number"),
            (Column.Entropy, -0.5, "must not be negative, being an entropy"),
            (Column.SumPiSquared, 1.5, "must lie in [0, 1], being a collision probability"),
            (Column.Value, double.PositiveInfinity, "must be a finite number"),
            (Column.TokenReward, double.NaN, "must be a finite number"),
        })
        {
            string sentence =
                FormattableString.Invariant($"An entry of {column.Field()} {rule}; group 0, completion 0, token 1 has {value}.");
            bad[sentence] = [[row.With(column, [column is Column.Entropy or Column.SumPiSquared ? 0.5 : -1, value])]];
        }

        return bad;
    }

    /// <summary>Every number of two batches the same, bit for bit.</summary>
    internal static void AssertSame(RolloutBatch expected, RolloutBatch actual)
    {
        Assert.Equal((expected.Groups, expected.Rows, expected.Tokens), (actual.Groups, actual.Rows, actual.Tokens));
        foreach (var column in Columns.All)
        {
            Assert.Equal(expected.Has(column), actual.Has(column));
            if (expected.Has(column))
                Assert.Equal(Bits(expected[column]), Bits(actual[column]));
        }

        for (int g = 0; g < expected.Groups; g++)
            Assert.Equal(expected.Group(g), actual.Group(g));
        for (int i = 0; i < expected.Rows; i++)
        {
            Assert.Equal((expected.Row(i), expected.FullLength(i)), (actual.Row(i), actual.FullLength(i)));
            Assert.Equal(expected.Positions(i).ToArray(), actual.Positions(i).ToArray());
            for (int k = 0; k < expected.RewardsPerRow; k++)
            {
                Assert.Equal(expected.TryReward(i, k, out double reward), actual.TryReward(i, k, out double other));
                Assert.Equal(Bits([reward]), Bits([other]));
            }

            Assert.Equal(expected.HasIds, actual.HasIds);
            if (expected.HasIds)
                Assert.Equal(expected.Ids(i).ToArray(), actual.Ids(i).ToArray());
            Assert.Equal(expected.HasGreedyRewards, actual.HasGreedyRewards);
            if (expected.HasGreedyRewards)
                Assert.Equal(expected.GreedyReward(i), actual.GreedyReward(i));
        }
    }

    private static long[] Bits(ReadOnlySpan<double> values) => [.. values.ToArray().Select(BitConverter.DoubleToInt64Bits)];

    private static Rollout Tokens(Rollout row, params int[] ids) => row with { Tokens = ids };
}
