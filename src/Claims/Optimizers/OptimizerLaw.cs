using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using TrajectoryClaim = GroupRL.Claims.Claim<GroupRL.Claims.OptimizerSubject, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>What the laws of optimizers share: their cases, their hypotheses, and how two trajectories are compared.</summary>
internal static class OptimizerLaw
{
    /// <summary>A law of the contract.</summary>
    public static TrajectoryClaim Contract(
        string id, string statement, OptimizerPromises needs, Func<OptimizerSubject, GradientHistory, Measurement> measure,
        Func<OptimizerSubject, GradientHistory, Measurement, string> why, string consequence) => new()
        {
            Id = id,
            Family = Family.Optimizer,
            Class = ClaimClass.Contract,
            Statement = statement,
            Hypotheses = [.. needs.InWords().Select(word => $"promises {word}")],
            Source = "derived here",
            Quantity = "deviation",
            Consequence = consequence,
            Missing = subject => Lacks(subject, needs),
            Expect = _ => Expectation.Holds("every sound optimizer keeps it"),
            Domain = _ => new HistoryDomain(),
            Measure = measure,
            Why = why,
        };

    /// <summary>A law of the contract by which two ways are one, to the bit or up to rounding.</summary>
    public static TrajectoryClaim Same(
        string id, string statement, OptimizerPromises needs, bool exact, string change,
        Func<OptimizerSubject, GradientHistory, (Trajectory Expected, Trajectory Got)> ways, string consequence) => Contract(
            id,
            statement,
            needs,
            (subject, history) => ways(subject, history) is var (expected, got) ? Gap(subject, expected, got, exact) : default,
            (subject, history, worst) => ways(subject, history) is var (expected, got) ? Parted(worst, change, expected, got) : "",
            consequence);

    /// <summary>What a subject lacks: runs that repeat, or the first promise that it does not make; null where it lacks nothing.</summary>
    public static string? Lacks(OptimizerSubject subject, OptimizerPromises needs) =>
        !subject.Repeats ? "runs that repeat (fresh-state)" : (needs & ~subject.Promises).InWords().FirstOrDefault() is { } word ? $"the promise {word}" : null;

    /// <summary>The first step at which two ways part, beside what rounding may leave there; where they do not part, where they come nearest to it.</summary>
    public static Measurement Gap(OptimizerSubject subject, Trajectory expected, Trajectory got, bool exact = false)
    {
        var worst = new Measurement(0, 0);
        for (int t = 0; t <= Math.Min(expected.Steps, got.Steps) && worst.Holds; t++)
        {
            for (int j = 0; j < expected.Dimension; j++)
            {
                // A way that leaves the numbers is the matter of finite-trajectory.
                if (!double.IsFinite(expected[t, j]) && !double.IsFinite(got[t, j]))
                    continue;
                double gap = double.IsFinite(expected[t, j]) ? Math.Abs(expected[t, j] - got[t, j]) : double.NaN;
                double bound = exact || !double.IsFinite(expected[t, j]) ? 0 : Math.Max(subject.Rounding(expected, t, j), double.Epsilon);
                worst = worst.Worst(new(gap, bound, j, t));
            }
        }

        return worst;
    }

    /// <summary>Expected and got where two ways part.</summary>
    public static string Parted(Measurement worst, string change, Trajectory expected, Trajectory got) => string.Create(
        CultureInfo.InvariantCulture,
        $"{change}, coordinate {worst.Group} is {got[worst.Position, worst.Group]:R} at step {worst.Position}, where {expected[worst.Position, worst.Group]:R} is expected");

    /// <summary>A history from θ₀ = 0.</summary>
    public static GradientHistory FromZero(GradientHistory history) => history with { Theta = [.. history.Theta.Select(_ => 0.0)] };

    /// <summary>A history with every gradient in other numbers.</summary>
    public static GradientHistory WithGradients(GradientHistory history, Func<double, double> change) =>
        history with { Gradients = [.. history.Gradients.Select(gradient => gradient.Select(change).ToImmutableArray())] };

    /// <summary>A history with all its gradients times a.</summary>
    public static GradientHistory Scaled(GradientHistory history) => WithGradients(history, g => history.Scale * g);
}
