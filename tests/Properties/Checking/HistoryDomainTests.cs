using GroupRL.Checking;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>Gradient histories: what is built, what is reached, what they shrink to.</summary>
public class HistoryDomainTests
{
    private static readonly HistoryDomain s_domain = new();

    [Fact]
    public void A_history_has_up_to_13_steps_in_up_to_3_dimensions_and_finite_numbers()
    {
        for (ulong seed = 0; seed < 3000; seed++)
        {
            var history = s_domain.Build(new(seed, (int)(seed % 101)));
            Assert.InRange(history.Dimension, 1, 3);
            Assert.InRange(history.Steps, 1, 13);
            Assert.NotEqual(0, history.Exponent);
            Assert.InRange(Math.Abs(history.Exponent), 1, 20);
            Assert.Equal(Math.Pow(2, history.Exponent), history.Scale);
            Assert.All(history.Gradients, gradient => Assert.All(gradient, g => Assert.InRange(Math.Abs(g), 0, 1e4)));
            Assert.All(history.Gradients, gradient => Assert.Equal(history.Dimension, gradient.Length));
        }
    }

    [Fact]
    public void Every_corner_gets_twice_its_share()
    {
        GradientHistory[] histories = [.. Enumerable.Range(0, 3000).Select(k => s_domain.Build(new((ulong)k, k % 101)))];

        Assert.All(s_domain.Corners, corner => Assert.True(histories.Count(corner.Contains) >= 60, corner.Name));
    }

    [Fact]
    public void Under_a_least_length_every_gradient_is_longer_at_both_scales_and_the_other_corners_stay()
    {
        var domain = s_domain with { LongerThan = 0.1 };
        GradientHistory[] histories = [.. Enumerable.Range(0, 3000).Select(k => domain.Build(new((ulong)k, k % 101)))];

        Assert.All(histories, history => Assert.All(history.Gradients, g => Assert.True(Math.Sqrt(g.Sum(x => x * x)) * Math.Min(1, history.Scale) > 0.1)));
        Assert.Equal(s_domain.Corners.Length - 1, domain.Corners.Length);
        Assert.All(domain.Corners, corner => Assert.True(histories.Count(corner.Contains) >= 60, corner.Name));
    }

    [Fact]
    public void Vectors_and_matrices_come_as_often_where_both_are_asked_for()
    {
        var domain = s_domain with { OrMatrices = true };
        GradientHistory[] histories = [.. Enumerable.Range(0, 3000).Select(k => domain.Build(new((ulong)k, k % 101)))];

        Assert.InRange(histories.Count(history => history.Shape.IsMatrix), 1300, 1700);
        Assert.All(domain.Corners, corner => Assert.True(histories.Count(corner.Contains) >= 60, corner.Name));
    }

    [Fact]
    public void The_same_draw_builds_the_same_history()
    {
        for (ulong seed = 0; seed < 100; seed++)
            Assert.Equal(s_domain.Build(new(seed, 60)).ToString(), s_domain.Build(new(seed, 60)).ToString());
    }

    [Fact]
    public void Every_candidate_is_smaller_and_shrinking_ends_whichever_is_taken()
    {
        for (ulong seed = 0; seed < 100; seed++)
        {
            var draw = new Draw(seed, 0);
            var history = s_domain.Build(new(seed, 100));
            while (s_domain.Shrink(history).ToArray() is { Length: > 0 } candidates)
            {
                Assert.All(candidates, candidate => Assert.True(HistoryDomain.Complexity(candidate) < HistoryDomain.Complexity(history)));
                Assert.All(candidates, candidate => Assert.True(candidate.Exponent != 0 && candidate.Steps > 0 && candidate.Dimension > 0));
                history = candidates[draw.Whole(0, candidates.Length - 1)];
            }

            Assert.Equal((1, 1, 1), (history.Dimension, history.Steps, history.Exponent));
        }
    }

    [Fact]
    public void Any_history_shrinks_to_one_step_of_nothing_by_a_factor_of_2() =>
        Assert.Equal("θ₀ = [0], gradients = [[0]], a = 2^1", Minimal(_ => true, 1));

    [Fact]
    public void A_gradient_above_a_half_becomes_1() =>
        Assert.All(Enumerable.Range(0, 30), seed => Assert.Equal("θ₀ = [0], gradients = [[1]], a = 2^1", Minimal(history => history.Gradients.Any(g => g.Any(x => x > 0.5)), (ulong)seed)));

    [Fact]
    public void A_factor_below_1_becomes_a_half() =>
        Assert.All(Enumerable.Range(0, 30), seed => Assert.Equal("θ₀ = [0], gradients = [[0]], a = 2^-1", Minimal(history => history.Exponent < 0, (ulong)seed)));

    [Fact]
    public void A_sign_that_changes_takes_two_steps()
    {
        for (ulong seed = 0; seed < 30; seed++)
        {
            string minimal = Minimal(history => history.Gradients.Any(g => g[0] > 0.5) && history.Gradients.Any(g => g[0] < -0.5), seed);
            Assert.Contains(minimal, new[] { "θ₀ = [0], gradients = [[1], [-1]], a = 2^1", "θ₀ = [0], gradients = [[-1], [1]], a = 2^1" });
        }
    }

    private static string Minimal(Func<GradientHistory, bool> wanted, ulong seed) =>
        Falsifier.Run(s_domain, history => !wanted(history), _ => true, seed, 3000).Failure!.Shrunk.ToString();

    [Fact]
    public void A_history_of_matrices_is_one_in_every_case_and_every_candidate()
    {
        HistoryDomain domain = new() { OfMatrices = true };
        HashSet<(int Rows, int Columns)> shapes = [];
        for (ulong seed = 0; seed < 300; seed++)
        {
            var draw = new Draw(seed, 0);
            var history = domain.Build(new(seed, (int)(seed % 101)));
            shapes.Add((history.Shape.Rows, history.Shape.Columns));
            while (domain.Shrink(history).ToArray() is { Length: > 0 } candidates)
            {
                Assert.All(candidates.Append(history), candidate =>
                {
                    Assert.True(candidate.Shape.IsMatrix);
                    Assert.Equal(candidate.Dimension, candidate.Shape.Size);
                    Assert.All(candidate.Gradients, gradient => Assert.Equal(candidate.Dimension, gradient.Length));
                });
                Assert.All(candidates, candidate => Assert.True(HistoryDomain.Complexity(candidate) < HistoryDomain.Complexity(history)));
                history = candidates[draw.Whole(0, candidates.Length - 1)];
            }

            Assert.Equal((1, 1, 1, 1), (history.Shape.Rows, history.Shape.Columns, history.Steps, history.Exponent));
        }

        Assert.Equal(9, shapes.Count);
    }

    [Fact]
    public void Every_corner_gets_twice_its_share_of_matrices_too()
    {
        HistoryDomain domain = new() { OfMatrices = true };
        GradientHistory[] histories = [.. Enumerable.Range(0, 3000).Select(k => domain.Build(new((ulong)k, k % 101)))];

        Assert.All(domain.Corners, corner => Assert.True(histories.Count(corner.Contains) >= 60, corner.Name));
    }

    [Fact]
    public void A_matrix_loses_a_row_a_column_or_all_but_one_entry()
    {
        GradientHistory history = new([1, 2, 3, 4, 5, 6], [[10, 20, 30, 40, 50, 60]], 1) { Columns = 3 };
        var smaller = new HistoryDomain { OfMatrices = true }.Shrink(history).Select(candidate => (candidate.Columns, string.Join(' ', candidate.Theta))).ToHashSet();

        Assert.Contains((3, "4 5 6"), smaller);
        Assert.Contains((2, "1 3 4 6"), smaller);
        Assert.Contains((1, "5"), smaller);
        Assert.EndsWith("a = 2^1, rows of 3", history.ToString(), StringComparison.Ordinal);
    }
}
