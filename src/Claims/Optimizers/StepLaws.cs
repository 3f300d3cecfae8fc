using GroupRL.Checking;
using GroupRL.Optimizers;
using TrajectoryClaim = GroupRL.Claims.Claim<GroupRL.Claims.OptimizerSubject, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>Where steps lead: numbers that stay numbers, and down.</summary>
public static class StepLaws
{
    private const int LeastSteps = 4;

    /// <summary>No NaN, no ∞, none left out.</summary>
    public static TrajectoryClaim Finite { get; } = OptimizerLaw.Contract(
        "finite-trajectory",
        "A run of T gradients of d coordinates answers T parameter vectors of d finite numbers, whatever the gradients' size, and where they are 0.",
        OptimizerPromises.None,
        (subject, history) => NotFinite(subject.Walk(history)) is { Measured: > 0 or double.NaN } broken ? broken : NotFinite(subject.Walk(OptimizerLaw.Scaled(history))),
        (_, _, worst) => FormattableString.Invariant($"coordinate {worst.Group} is {worst.Measured} at step {worst.Position}, or the run has another shape than its gradients"),
        "one coordinate that gets no gradient, or a tiny one, ends the run with NaN") with
    {
        Quantity = "θ",
    };

    /// <summary>No gradient, no step.</summary>
    public static TrajectoryClaim ZeroGradient { get; } = OptimizerLaw.Contract(
        "zero-gradient",
        "From θ₀ = 0, and without any gradient, nothing moves.",
        OptimizerPromises.None,
        (subject, history) => Largest(subject.Walk(Still(history)), (_, _, step) => step),
        (_, _, worst) => FormattableString.Invariant($"without a gradient coordinate {worst.Group} goes from 0 by {worst.Measured:G4} at step {worst.Position}"),
        "parameters that a batch does not touch drift, or become NaN") with
    {
        Quantity = "|θ|",
        Hypotheses = ["θ₀ = 0", "all gradients are 0"],
    };

    /// <summary>The first step goes down.</summary>
    public static TrajectoryClaim Descent { get; } = OptimizerLaw.Contract(
        "first-step-descends",
        "From θ₀ = 0 the first step moves no coordinate along its gradient: sign(Δ₁) is −sign(g₁), or 0.",
        OptimizerPromises.Descends,
        (subject, history) => Largest(subject.Walk(OptimizerLaw.FromZero(history)).Take(1), (_, j, step) => Along(step, history.Gradients[0][j])),
        (_, history, worst) => FormattableString.Invariant($"the gradient of coordinate {worst.Group} is {history.Gradients[0][worst.Group]:R}, and the first step goes {worst.Measured:G4} along it, up the loss"),
        "the loss is climbed") with
    {
        Quantity = "Δ₁ along g₁",
        Hypotheses = ["promises descends", "θ₀ = 0"],
    };

    /// <summary>A gradient that does not change.</summary>
    public static TrajectoryClaim ConstantGradient { get; } = OptimizerLaw.Contract(
        "constant-gradient",
        "Under a gradient that does not change, no step goes along it, and every coordinate that has one has moved against it in the end.",
        OptimizerPromises.Descends | OptimizerPromises.NoDecay,
        (subject, history) =>
        {
            var constant = Constant(history);
            var way = subject.Walk(constant);
            var worst = Largest(way, (t, j, step) => Math.Max(0, Along(step, history.Gradients[0][j]) - subject.Rounding(way, t, j)));
            for (int j = 0; j < way.Dimension && worst.Holds; j++)
            {
                if (history.Gradients[0][j] != 0 && way[way.Steps, j] == 0)
                    worst = worst.Worst(new(1, 0, j, way.Steps));
            }

            return worst;
        },
        (subject, history, worst) => subject.Walk(Constant(history)) is var way && way[worst.Position, worst.Group] == 0
            ? FormattableString.Invariant($"under the constant gradient {history.Gradients[0][worst.Group]:R} coordinate {worst.Group} has not moved in {way.Steps} steps")
            : FormattableString.Invariant($"under the constant gradient {history.Gradients[0][worst.Group]:R} coordinate {worst.Group} goes {worst.Measured:G4} along it at step {worst.Position}"),
        "the run goes back and forth, or nowhere") with
    {
        Quantity = "Δ along g",
        Hypotheses = ["promises descends", "promises no-decay", "θ₀ = 0", "one gradient at every step"],
    };

    private static Measurement NotFinite(Trajectory way)
    {
        for (int t = 1; t <= way.Steps; t++)
        {
            for (int j = 0; j < way.Dimension; j++)
            {
                if (!double.IsFinite(way[t, j]))
                    return new(Math.Abs(way[t, j]), double.MaxValue, j, t);
            }
        }

        return new(0, double.MaxValue);
    }

    private static Measurement Largest(Trajectory way, Func<int, int, double, double> measure)
    {
        var worst = new Measurement(0, 0);
        for (int t = 1; t <= way.Steps; t++)
        {
            for (int j = 0; j < way.Dimension; j++)
                worst = worst.Worst(new(Math.Abs(measure(t, j, way.Update(t, j))), 0, j, t));
        }

        return worst;
    }

    private static double Along(double step, double gradient) => gradient == 0 ? Math.Abs(step) : double.IsNaN(step) ? step : Math.Max(0, step * Math.Sign(gradient));

    private static GradientHistory Still(GradientHistory history) => OptimizerLaw.WithGradients(OptimizerLaw.FromZero(history), _ => 0);

    private static GradientHistory Constant(GradientHistory history) => OptimizerLaw.FromZero(history) with
    {
        Gradients = [.. Enumerable.Repeat(history.Gradients[0], Math.Max(history.Steps, LeastSteps))],
    };
}
