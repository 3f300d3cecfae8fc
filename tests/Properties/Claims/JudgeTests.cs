using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Properties.Objectives;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>How a search becomes a verdict, on claims small enough to see through.</summary>
public class JudgeTests
{
    [Fact]
    public void A_claim_without_a_counterexample_holds_in_all_cases_with_a_bound_on_the_failure_rate()
    {
        var verdict = AtMost(99).Judge("any", "any", Profile.Ci);

        Assert.Equal(VerdictKind.Holds, verdict.Kind);
        Assert.Equal(1000, verdict.Cases);
        Assert.InRange(verdict.FailureRateBound!.Value, 0.0045, 0.0047);
        Assert.Null(verdict.Counterexample);
    }

    [Fact]
    public void A_refuted_claim_has_no_bound_on_the_failure_rate()
    {
        var verdict = AtMost(10).Judge("any", "any", Profile.Ci);

        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
        Assert.Null(verdict.FailureRateBound);
        Assert.Equal(11, verdict.Counterexample!.Case);
        Assert.Equal(new(11, 10), verdict.Counterexample.Measurement);
        Assert.Equal("11 is above 10", verdict.Counterexample.Why);
    }

    [Fact]
    public void A_corner_that_is_never_reached_leaves_the_claim_undecided_and_is_named()
    {
        var verdict = (AtMost(99) with { Domain = _ => new Numbers(new Corner<int>("a number above 1000", n => n > 1000)) }).Judge("any", "any", Profile.Ci);

        Assert.Equal(VerdictKind.Undecided, verdict.Kind);
        Assert.Equal("the corner \"a number above 1000\" was reached in 0 of 1000 cases, below the floor of 1 %: more cases may reach it", verdict.Reason);
        Assert.Null(verdict.FailureRateBound);
    }

    [Fact]
    public void A_corner_in_fewer_than_one_case_in_a_hundred_is_not_reached_and_one_in_a_hundred_is()
    {
        int seen = 0;
        var nine = AtMost(99) with { Domain = _ => new Numbers(new Corner<int>("the first cases", _ => seen++ < 9)) };
        Assert.Equal(VerdictKind.Undecided, nine.Judge("any", "any", Profile.Ci).Kind);

        seen = -1;
        Assert.Equal(VerdictKind.Holds, nine.Judge("any", "any", Profile.Ci).Kind);
    }

    [Fact]
    public void A_corner_that_is_never_reached_does_not_hide_a_counterexample()
    {
        var verdict = (AtMost(10) with { Domain = _ => new Numbers(new Corner<int>("a number above 1000", n => n > 1000)) }).Judge("any", "any", Profile.Ci);

        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
    }

    [Fact]
    public void A_run_of_more_cases_begins_with_those_of_a_run_of_fewer_and_stops_in_the_block_that_fails()
    {
        List<int> fewer = [], more = [], failing = [];
        Assert.Equal(1000, Watched(fewer, fails: int.MaxValue).Judge("any", "any", new(1000)).Cases);
        Assert.Equal(2500, Watched(more, fails: int.MaxValue).Judge("any", "any", new(2500)).Cases);
        Assert.Equal((VerdictKind.Refuted, 1700), Watched(failing, fails: 1700).Judge("any", "any", new(2500)) is var verdict ? (verdict.Kind, verdict.Cases) : default);

        Assert.Equal(fewer, more[..1000]);
        Assert.Equal(more[..1700], failing[..1700]);
        Assert.NotEqual(more[..1000], more[1000..2000]);

        // The claim fails on its so many-th case, and then on every smaller one.
        static Claim<string, int> Watched(List<int> seen, int fails) => AtMost(99) with
        {
            Measure = (_, n) =>
            {
                seen.Add(n);
                return new(seen.Count < fails ? 0 : 100, 99);
            },
        };
    }

    [Fact]
    public void A_replay_that_passes_is_never_Holds()
    {
        var claim = AtMost(99);
        for (ulong seed = 0; seed < 20; seed++)
        {
            var verdict = claim.Replay("any", new(seed, seed | 1, 50));
            Assert.Equal((VerdictKind.Undecided, 1), (verdict.Kind, verdict.Cases));
            Assert.Contains("says nothing of the others", verdict.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_claim_that_does_not_speak_of_the_subject_says_what_is_missing_whether_judged_or_replayed()
    {
        var claim = AtMost(10) with { Missing = subject => $"what {subject} has not" };

        Assert.Equal((VerdictKind.NotApplicable, "what it has not"), (claim.Judge("it", "it", Profile.Ci).Kind, claim.Judge("it", "it", Profile.Ci).Reason));
        Assert.Equal(VerdictKind.NotApplicable, claim.Replay("it", new(1, 1, 1)).Kind);
    }

    [Fact]
    public void Refused_cases_leave_the_claim_undecided_with_their_number_and_the_first_refusal()
    {
        List<int> refused = [];
        var verdict = AtMost(99, refused: n => n >= 60 && Add(n)).Judge("any", "any", Profile.Ci);

        Assert.Equal((VerdictKind.Undecided, 1000), (verdict.Kind, verdict.Cases));
        Assert.InRange(refused.Count, 300, 500);
        Assert.Equal($"{refused.Count} of 1000 cases were refused, the first because: {refused[0]} cannot be taken.", verdict.Reason);

        bool Add(int n)
        {
            refused.Add(n);
            return true;
        }
    }

    [Fact]
    public void One_refused_case_is_enough_to_leave_the_claim_undecided()
    {
        int? first = null;
        Assert.Equal(VerdictKind.Undecided, AtMost(99, refused: n => (first ??= n) == n && n == first).Judge("any", "any", Profile.Ci).Kind);
    }

    [Fact]
    public void Shrinking_a_counterexample_does_not_slip_to_a_case_that_is_only_refused()
    {
        // Smaller numbers are refused: a shrinker that takes a refusal for a failure would end at 0 and lose the counterexample.
        var verdict = AtMost(10, refused: n => n < 40).Judge("any", "any", new(1000, Salt: FirstSeen(n => n >= 40)));

        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
        Assert.InRange((int)verdict.Counterexample!.Case, 40, 99);
    }

    [Fact]
    public void A_refusal_before_a_counterexample_does_not_hide_it()
    {
        // The first case above 10 is refused; the search goes on to one that is not.
        var verdict = AtMost(10, refused: n => n >= 40).Judge("any", "any", new(1000, Salt: FirstSeen(n => n >= 40)));

        Assert.Equal((VerdictKind.Refuted, (object)11), (verdict.Kind, verdict.Counterexample!.Case));
    }

    [Fact]
    public void An_objective_that_refuses_every_batch_is_undecided_with_its_own_sentence()
    {
        var objective = Catalogue.DrGrpo with { Rewards = new FormulaRewards((_, _) => throw InvalidInputException.Because($"No reward will do.")) };
        var verdict = Prefix.Neutrality.Judge(objective, "choosy", Profile.Ci);

        Assert.Equal(VerdictKind.Undecided, verdict.Kind);
        Assert.Equal("1000 of 1000 cases were refused, the first because: No reward will do.", verdict.Reason);
    }

    [Fact]
    public void A_measurement_that_is_not_a_number_refutes()
    {
        var verdict = (AtMost(99) with { Measure = (_, n) => new(n > 50 ? double.NaN : 0, 99) }).Judge("any", "any", Profile.Ci);

        Assert.Equal((VerdictKind.Refuted, (object)51), (verdict.Kind, verdict.Counterexample!.Case));
    }

    [Fact]
    public void Shrinking_stays_within_the_hypotheses()
    {
        var verdict = (AtMost(10) with { Outside = (_, n) => n % 2 == 0 || n > 60 ? null : "numbers are even, or above 60" }).Judge("any", "any", Profile.Ci);

        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
        Assert.Equal(12, verdict.Counterexample!.Case);
    }

    // A salt under which the first case above 10 is one of these, so that a test need not hope for it.
    private static ulong FirstSeen(Func<int, bool> wanted)
    {
        for (ulong salt = 1; ; salt++)
        {
            int? first = null;
            var watched = AtMost(99);
            (watched with
            {
                Measure = (_, n) =>
                {
                    first ??= n > 10 ? n : null;
                    return new(0, 0);
                },
            }).Judge("any", "any", new(1000, salt));
            if (first is { } number && wanted(number))
                return salt;
        }
    }

    private static Claim<string, int> AtMost(int bound, Func<int, bool>? refused = null) => new()
    {
        Id = "at-most",
        Family = Family.Surrogate,
        Statement = $"Every number is at most {bound}.",
        Hypotheses = [],
        Source = "made up",
        Quantity = "n",
        Missing = _ => null,
        Expect = _ => Expectation.Holds("made up"),
        Domain = _ => new Numbers(new Corner<int>("any number", _ => true)),
        Measure = (_, n) => refused?.Invoke(n) == true ? throw InvalidInputException.Because($"{n} cannot be taken.") : new(n, bound),
        Why = (_, n, worst) => FormattableString.Invariant($"{n} is above {worst.Bound}"),
    };

    /// <summary>0 … 99, of which every smaller one is a candidate, the smallest first.</summary>
    private sealed record Numbers(Corner<int> Wanted) : Domain<int>
    {
        public override ImmutableArray<Corner<int>> Corners => [Wanted];

        public override int Build(Draw draw) => draw.Whole(0, 99);

        public override IEnumerable<int> Shrink(int value) => Enumerable.Range(0, value);
    }
}
