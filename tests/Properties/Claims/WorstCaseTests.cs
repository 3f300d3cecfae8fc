using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>The search for worst cases, on claims whose worst case is known.</summary>
public sealed class WorstCaseTests
{
    // A narrow peak of height 1 at (0.7, 0.7), along a ridge.
    private static readonly Func<Place, Measurement> s_ridge = at => new(1 / (1 + (100 * Math.Pow(at.X - at.Y, 2)) + Math.Pow(at.X - 0.7, 2)), 1);

    [Fact]
    public void A_peak_on_a_ridge_is_climbed_from_drawn_cases_alone()
    {
        var tightness = Search(s_ridge);

        Assert.InRange(tightness.Ratio, 0.99999, 1);
        Assert.False(tightness.Constructed);
    }

    [Fact]
    public void A_better_case_than_the_constructed_one_is_found_beside_it()
    {
        var tightness = Search(s_ridge, new Place(0.6, 0.6));

        Assert.InRange(tightness.Ratio, 0.99999, 1);
        Assert.False(tightness.Constructed);
    }

    [Fact]
    public void A_construction_that_nothing_beats_is_said_to_be_one()
    {
        var tightness = Search(s_ridge, new Place(0.1, 0.1), new Place(0.7, 0.7));

        Assert.Equal((1, true, new Place(0.7, 0.7)), (tightness.Ratio, tightness.Constructed, (Place)tightness.Case));
    }

    [Fact]
    public void What_rounding_adds_to_a_construction_is_no_better_case() =>
        Assert.True(Search(at => new(at == new Place(0.5, 0.5) ? 1 - 1e-12 : 1, 1), new Place(0.5, 0.5)).Constructed);

    [Fact]
    public void A_lower_bound_is_near_where_little_is_measured()
    {
        var tightness = Search(at => new(2 + Math.Abs(at.X - 0.25), 1, AtLeast: true));

        Assert.Equal(0.5, tightness.Ratio, 1e-4);
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(double.NaN, false)]
    public void A_bound_that_is_broken_without_measure_is_infinitely_so(double measured, bool atLeast) =>
        Assert.Equal(double.PositiveInfinity, Search(at => new(measured, 1, AtLeast: atLeast)).Ratio);

    [Fact]
    public void Nothing_measured_is_nowhere_near() => Assert.Equal(0, Search(_ => new(0, 0)).Ratio);

    [Fact]
    public void What_is_outside_the_hypotheses_or_refused_is_passed_over()
    {
        var claim = Claim(s_ridge) with { Outside = (_, at) => at.X > 0.5 ? "x is at most 0.5" : null };
        var tightness = (claim with { Measure = (_, at) => at.Y > 0.5 ? throw InvalidInputException.Because($"No.") : s_ridge(at) }).Against("it", "it", "").Tightness!(Profile.Ci);

        var worst = (Place)tightness.Case;
        Assert.True(worst is { X: <= 0.5, Y: <= 0.5 });
        Assert.Equal(1 / (1 + (0.2 * 0.2)), tightness.Ratio, 1e-3);
    }

    [Fact]
    public void A_claim_without_a_bound_has_no_search() => Assert.Null((Claim(s_ridge) with { Worst = null }).Against("it", "it", "").Tightness);

    [Fact]
    public void Three_completions_push_as_hard_as_they_vary_iff_weights_and_advantages_are_aligned()
    {
        // Weights 1/(3n) = 1/3, 1/6, 1/12 and rewards 4, 2, 1 are proportional: C = w·G·σ_α·σ_A. Swap two rewards and they are not.
        var objective = Catalogue.DrGrpo with { Weight = new RowMean() };
        var aligned = PrefixBias.BiasMagnitude.Measure(objective, Lengths124([4, 2, 1]));
        var crossed = PrefixBias.BiasMagnitude.Measure(objective, Lengths124([4, 1, 2]));

        // C = Σ αᵢ(Rᵢ − 7/3) = 1/3·5/3 − 1/6·1/3 − 1/12·4/3 = 7/18, and 1/3·5/3 − 1/6·4/3 − 1/12·1/3 = 11/36.
        Assert.Equal((7.0 / 18, 7.0 / 18), (aligned.Measured, aligned.Bound), Near);
        Assert.Equal((11.0 / 36, 7.0 / 18), (crossed.Measured, crossed.Bound), Near);
        Assert.True(aligned.Holds && crossed.Holds);
    }

    private static bool Near((double, double) left, (double, double) right) => Math.Abs(left.Item1 - right.Item1) + Math.Abs(left.Item2 - right.Item2) < 1e-13;

    private static RolloutBatch Lengths124(double[] rewards) => RolloutBatch.Of(
    [
        [.. new[] { 1, 2, 4 }.Select((length, k) => new Rollout
        {
            Reward = rewards[k], Logps = [.. Enumerable.Repeat(-1.0, length)], OldLogps = [.. Enumerable.Repeat(-1.0, length)], Tokens = [0, .. Enumerable.Repeat(k + 1, length - 1)],
        })],
    ]);

    private static Tightness Search(Func<Place, Measurement> measure, params Place[] extremes) =>
        Claim(measure, extremes).Against("it", "it", "").Tightness!(Profile.Ci);

    private static Claim<string, Place> Claim(Func<Place, Measurement> measure, params Place[] extremes) => new()
    {
        Id = "a-bound",
        Family = Family.Surrogate,
        Statement = "A bound.",
        Hypotheses = [],
        Source = "made up",
        Quantity = "f(x, y)",
        Missing = _ => null,
        Expect = _ => Expectation.Holds("made up"),
        Domain = _ => new Square(),
        Measure = (_, at) => measure(at),
        Why = (_, _, _) => "",
        Worst = new(_ => extremes, (_, at, draw) => new(at.X + (Far(draw) / 4), at.Y + (Far(draw) / 4))),
    };

    private static double Far(Draw draw) => draw.Real(-1, 1) * draw.Size / 100;

    private readonly record struct Place(double X, double Y);

    private sealed record Square : Domain<Place>
    {
        public override ImmutableArray<Corner<Place>> Corners => [];

        public override Place Build(Draw draw) => new(draw.Real(0, 1), draw.Real(0, 1));

        public override IEnumerable<Place> Shrink(Place value) => [];
    }
}
