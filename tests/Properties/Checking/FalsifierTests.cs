using System.Collections.Immutable;
using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>The engine behind the seam: what it promises to domains and claims.</summary>
public class FalsifierTests
{
    [Fact]
    public void All_cases_are_built_from_different_draws_of_growing_size()
    {
        List<(ulong Bits, int Size)> seen = [];
        var search = Falsifier.Run(new Draws(seen), _ => true, _ => true, seed: 1, cases: 1000);

        Assert.Equal((1000, 1000), (search.Cases, seen.Count));
        Assert.Null(search.Failure);
        Assert.Equal(1000, seen.Select(draw => draw.Bits).Distinct().Count());
        Assert.InRange(seen[0].Size, 0, 2);
        Assert.InRange(seen[^1].Size, 99, 100);
        Assert.Equal(seen.Select(draw => draw.Size), seen.Select(draw => draw.Size).Order());
    }

    [Fact]
    public void Every_bit_of_the_engines_seeds_is_as_often_0_as_1()
    {
        List<(ulong Bits, int Size)> seen = [];
        Falsifier.Run(new Draws(seen), _ => true, _ => true, seed: 2, cases: 4000);

        // Five standard errors of 4,000 fair coins.
        for (int bit = 0; bit < 64; bit++)
            Assert.InRange(seen.Count(draw => ((draw.Bits >> bit) & 1) == 1), 2000 - (5 * 31.7), 2000 + (5 * 31.7));
    }

    [Fact]
    public void The_same_seed_builds_the_same_cases_and_neighbouring_seeds_build_others()
    {
        Assert.Equal(Cases(5), Cases(5));
        Assert.Empty(Cases(5).Intersect(Cases(6)));
        // Seeds come from a hash: none of them may be degenerate.
        Assert.Equal(200, Cases(0).Concat(Cases(ulong.MaxValue)).Distinct().Count());

        static ulong[] Cases(ulong seed)
        {
            List<(ulong Bits, int Size)> seen = [];
            Falsifier.Run(new Draws(seen), _ => true, _ => true, seed, 100);
            return [.. seen.Select(draw => draw.Bits)];
        }
    }

    [Fact]
    public void A_search_ends_at_the_first_failure_and_shrinking_is_not_counted()
    {
        List<int> built = [];
        var search = Falsifier.Run(new Numbers(built), n => n < 500, _ => true, 3, 1000);

        Assert.Equal(built.Count, search.Cases);
        Assert.Equal(built[^1], search.Failure!.Original);
        Assert.All(built.SkipLast(1), n => Assert.InRange(n, 0, 499));
        Assert.Equal(500, search.Failure.Shrunk);
        Assert.Equal(built.Count(n => n % 2 == 0), search.Corners["even"]);
    }

    [Fact]
    public void Shrinking_stays_within_what_is_admitted()
    {
        var search = Falsifier.Run(new Numbers([]), n => n < 500, n => n % 7 == 0, 3, 1000);

        Assert.True(search.Failure!.Shrunk == search.Failure.Original || search.Failure.Shrunk % 7 == 0);
        Assert.Equal(504, search.Failure.Shrunk);
    }

    [Fact]
    public void A_point_builds_its_case_again_and_nothing_else()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            var search = Falsifier.Run(new Numbers([]), n => n < 700, _ => true, seed, 1000);
            List<int> built = [];
            var again = Falsifier.Replay(new Numbers(built), n => n < 700, _ => true, search.Failure!.Point);

            Assert.Equal([search.Failure.Original], built);
            Assert.Equal(1, again.Cases);
            Assert.Equal(search.Failure, again.Failure);
        }
    }

    [Fact]
    public void A_replay_that_passes_reports_no_failure()
    {
        var point = Falsifier.Run(new Numbers([]), n => n < 700, _ => true, 9, 1000).Failure!.Point;
        var again = Falsifier.Replay(new Numbers([]), _ => true, _ => true, point);

        Assert.Equal((1, null), (again.Cases, again.Failure));
    }

    private sealed record Draws(List<(ulong Bits, int Size)> Seen) : Domain<ulong>
    {
        public override ImmutableArray<Corner<ulong>> Corners => [];

        public override ulong Build(Draw draw)
        {
            Seen.Add((draw.Bits(), draw.Size));
            return Seen[^1].Bits;
        }

        public override IEnumerable<ulong> Shrink(ulong value) => [];
    }

    private sealed record Numbers(List<int> Built) : Domain<int>
    {
        public override ImmutableArray<Corner<int>> Corners => [new("even", n => n % 2 == 0)];

        public override int Build(Draw draw)
        {
            Built.Add(draw.Whole(0, 999));
            return Built[^1];
        }

        public override IEnumerable<int> Shrink(int value) => Enumerable.Range(0, value);
    }
}
