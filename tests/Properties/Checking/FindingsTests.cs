using System.Collections.Immutable;
using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>How what is found in blocks becomes one verdict.</summary>
public class FindingsTests
{
    private static readonly Counterexample s_broken = new("the case", new(2, 1), "2 is above 1", new(1, 1, 1), 0);

    [Fact]
    public void Cases_and_corners_are_summed_and_only_the_sum_is_held_to_the_floor()
    {
        var verdict = Findings.InOrder([Kept(1000, 0), Kept(1000, 19), Kept(100, 2)]).ToVerdict();

        Assert.Equal((VerdictKind.Holds, 2100, 21), (verdict.Kind, verdict.Cases, verdict.Corners["a corner"]));
        Assert.Equal(VerdictKind.Undecided, Findings.InOrder([Kept(1000, 20), Kept(1000, 0), Kept(100, 0)]).ToVerdict().Kind);
    }

    [Fact]
    public void One_run_stops_at_the_first_block_that_fails()
    {
        int asked = 0;
        var verdict = Findings.InOrder(new[] { Kept(1000, 5), Kept(17, 1) with { Counterexample = s_broken }, Kept(1000, 9) }.Select(block =>
        {
            asked++;
            return block;
        })).ToVerdict();

        Assert.Equal((VerdictKind.Refuted, 1017, 6, 2), (verdict.Kind, verdict.Cases, verdict.Corners["a corner"], asked));
        Assert.Same(s_broken, verdict.Counterexample);
    }

    [Fact]
    public void Refusals_are_counted_over_all_blocks_and_the_first_of_them_is_told()
    {
        var verdict = Findings.InOrder([Kept(1000, 50), Kept(1000, 50) with { Refused = 2, Refusal = "It is two." }, Kept(1000, 50) with { Refused = 3, Refusal = "It is three." }]).ToVerdict();

        Assert.Equal((VerdictKind.Undecided, "5 of 3000 cases were refused, the first because: It is two."), (verdict.Kind, verdict.Reason));
    }

    [Fact]
    public void A_block_that_cannot_be_built_leaves_the_row_undecided_unless_another_refutes_it()
    {
        var unbuilt = new Findings { Unbuilt = "No group fits." };

        var verdict = Findings.InOrder([Kept(1000, 50), unbuilt, Kept(1000, 50)]).ToVerdict();
        Assert.Equal((VerdictKind.Undecided, 2000, "no case that keeps the hypotheses could be built: No group fits."), (verdict.Kind, verdict.Cases, verdict.Reason));
        Assert.Equal(VerdictKind.Refuted, Findings.InOrder([unbuilt, Kept(1, 1) with { Counterexample = s_broken }]).ToVerdict().Kind);
    }

    private static Findings Kept(int cases, int corner) => new() { Cases = cases, Corners = ImmutableSortedDictionary<string, int>.Empty.Add("a corner", corner) };
}
