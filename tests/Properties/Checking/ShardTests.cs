using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>How a run is cut in blocks and dealt to shards.</summary>
public class ShardTests
{
    [Fact]
    public void Every_item_is_in_exactly_one_shard()
    {
        var draw = new Draw(20261122, 0);
        for (int run = 0; run < 300; run++)
        {
            int[] cases = [.. Enumerable.Range(0, draw.Whole(0, 12)).Select(_ => draw.Pick(0, 1, 999, 1000, 1001, draw.Whole(1, 30_000)))];
            Item[] items = [.. Item.Of(cases)];
            int count = draw.Whole(1, 2 + items.Length);
            Item[][] shards = [.. Enumerable.Range(1, count).Select(i => items.Where(new Shard(i, count).Has).ToArray())];

            Assert.Equal(items, shards.SelectMany(shard => shard).OrderBy(item => item.Number));
            Assert.Equal(shards.Select(shard => (long)shard.Length), Enumerable.Range(1, count).Select(i => new Shard(i, count).CountOf(items.Length)));
            Assert.InRange(shards.Max(shard => shard.Length) - shards.Min(shard => shard.Length), 0, 1);
        }
    }

    [Fact]
    public void Items_are_numbered_row_after_row_and_a_row_without_cases_has_none() =>
        Assert.Equal([new(0, 0, 0), new(1, 2, 0), new(2, 2, 1), new(3, 2, 2), new(4, 3, 0)], Item.Of([1000, 0, 2001, 1]));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(3000)]
    [InlineData(12_345)]
    [InlineData(int.MaxValue)]
    public void The_blocks_of_a_row_have_all_of_its_cases(int cases)
    {
        long sum = 0;
        int count = Block.Count(cases);
        for (int index = 0; index < count; index++)
            sum += Block.Of(7, cases, index) is { Cases: >= 1 and <= Block.Size } block ? block.Cases : throw new InvalidOperationException($"block {index} is out of bounds");
        Assert.Equal(cases, sum);
    }

    [Fact]
    public void The_first_block_has_the_seed_of_the_row_and_no_two_have_one_seed()
    {
        const int Rows = 20, Blocks = 500;
        var seeds = new HashSet<ulong>();
        for (ulong row = 0; row < Rows; row++)
        {
            Assert.Equal(row, Block.Of(row, Blocks * Block.Size, 0).Seed);
            for (int index = 0; index < Blocks; index++)
                seeds.Add(Block.Of(row, Blocks * Block.Size, index).Seed);
        }

        Assert.Equal(Rows * Blocks, seeds.Count);
    }

    [Fact]
    public void A_number_of_a_stream_is_had_without_those_before_it()
    {
        var draw = new Draw(99, 0);
        for (int index = 1; index < 100; index++)
            Assert.Equal(draw.Bits(), Draw.BitsAt(99, index));
    }
}
