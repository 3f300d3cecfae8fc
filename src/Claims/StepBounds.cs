using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using OptimizerClaim = GroupRL.Claims.Claim<GroupRL.Optimizers.Optimizer, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>Family S: how long a step can be, whatever the gradients, and how far a change of scale can throw it.</summary>
public static class StepBounds
{
    /// <summary>No history makes a step longer than U(t).</summary>
    public static OptimizerClaim StepBound { get; } = new()
    {
        Id = "adam-step-bound",
        Family = Family.Scale,
        Statement = "No gradients make a coordinate of the update larger than ηU(t). For Adam U(t) = (1−β₁)/√(1−β₂)·√((1−qᵗ)/(1−q))·√(1−β₂ᵗ)/(1−β₁ᵗ), q = β₁²/β₂: U(1) = 1, U(∞) = 7.2703 at (0.9, 0.999) and 1.16496 at (0.9, 0.95), met by gₛ ∝ (β₁/β₂)^(t−s). A sign's bound is 1; every other direction that divides its gradients out has its own.",
        Hypotheses = ["decoupled decay set aside (θ = 0)"],
        Source = "derived here (Cauchy–Schwarz); a coarser bound for Adam in arXiv:1412.6980, section 2.1",
        Quantity = "|Δθ|, against ηU(t)",
        Missing = NoBound,
        Expect = _ => Expectation.Holds("numerator and root are sums over the same gradients"),
        Domain = optimizer => new ExtremeDomain(optimizer, ExtremeHistories.Of),
        Measure = (optimizer, history) => WorstOf(optimizer, history, Scale.Updates(optimizer, history, new double[history.Dimension], 1), 1),
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at step {worst.Position + 1} {optimizer.Id} moves a coordinate by {worst.Measured:G4}, more than ηU({worst.Position + 1}) = {optimizer.LearningRate * optimizer.Link<Direction>()!.Bound(worst.Position + 1, history.Shape):G4}"),
        Worst = ExtremeHistories.WorstCase(ExtremeHistories.Of),
    };

    /// <summary>A change of scale throws no step farther than twice its bound.</summary>
    public static OptimizerClaim SwitchBound { get; } = new()
    {
        Id = "scale-switch-bound",
        Family = Family.Scale,
        Statement = "If the factor on the gradients changes from 1 to any a half-way through a history, no coordinate of a later update differs by more than 2ηU(t) from what it would have been. Signs and Muon can turn round altogether; a mean over a root mean square gets no farther than √2·ηU(t).",
        Hypotheses = ["decoupled decay set aside (θ = 0)"],
        Source = "derived here",
        Quantity = "|Δθ switched − Δθ|, against 2ηU(t)",
        Missing = NoBound,
        Expect = _ => Expectation.Holds("either update is at most ηU(t)"),
        Domain = optimizer => new ExtremeDomain(optimizer, ExtremeHistories.Turned),
        Measure = (optimizer, history) =>
        {
            var origin = new double[history.Dimension];
            var switched = ScaleIdentities.Switched(history);
            double[][] after = Scale.Updates(optimizer, switched, origin, 1), without = Scale.Updates(optimizer, history, origin, 1);
            double[][] gap = [.. after.Zip(without, (left, right) => left.Zip(right, (x, y) => x - y).ToArray())];
            return WorstOf(optimizer, history, gap, 2).Worst(WorstOf(optimizer, switched, gap, 2));
        },
        Why = (_, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with gradients scaled by 2^{history.Exponent} after step {history.Steps / 2}, a coordinate of the update at step {worst.Position + 1} changes by {worst.Measured:G4}"),
        Worst = ExtremeHistories.WorstCase(ExtremeHistories.Turned),
    };

    // A direction may bound only some steps: RAdam does from the sixth on.
    private static string? NoBound(Optimizer optimizer) =>
        optimizer.Link<Direction>() is { } direction
            && Enumerable.Range(1, HistoryDomain.MostSteps).Any(t => direction.Bound(t, ExtremeHistories.Shape(optimizer)) is not null)
                ? null
                : "a direction whose steps have a bound, whatever the gradients and θ";

    private static Measurement WorstOf(Optimizer optimizer, GradientHistory history, double[][] moved, double times)
    {
        var direction = optimizer.Link<Direction>()!;
        double[][] gradients = Overshoot.Effective(optimizer, history);
        double[] conditions = new double[history.Dimension];
        var worst = new Measurement(0, 0);
        for (int t = 1; t <= history.Steps; t++)
        {
            for (int j = 0; j < history.Dimension; j++)
            {
                // Roundings of the numerator are those of Σ|wₛgₛ|, which the same bound holds; the root adds its own.
                conditions[j] = Math.Max(conditions[j], Condition(direction, gradients[j].AsSpan(0, t)));
                if (direction.Bound(t, history.Shape) is { } bound)
                {
                    double most = times * optimizer.LearningRate * bound;
                    worst = worst.Worst(new(Math.Abs(moved[t - 1][j]), most + Tolerance.Summation((8 * t) + 40, (1 + conditions[j]) * most), 0, t - 1));
                }
            }
        }

        return worst;
    }

    // How many times its own roundings a root is off. One that rounds to 0 under a gradient that does not is off without bound.
    internal static double Condition(Direction direction, ReadOnlySpan<double> gradients)
    {
        if (direction is not Adaptive adaptive || gradients.IndexOfAnyExcept(0) < 0)
            return 0;
        ClosedForm root = adaptive.Root(gradients);
        return root.Value == 0 ? double.PositiveInfinity : root.Magnitude / root.Value;
    }
}

/// <summary>The histories on which a direction's steps are as long as is known.</summary>
internal static class ExtremeHistories
{
    private static readonly ImmutableArray<int> s_lengths = [1, 2, 3, 4, 6, 9, HistoryDomain.MostSteps, 40];

    /// <summary>The smallest parameters on which a bound is met: one coordinate, or a matrix of two singular values.</summary>
    public static ParameterShape Shape(Optimizer optimizer) => optimizer.TakesVectors ? ParameterShape.Vector(1) : ParameterShape.Matrix(2, 2);

    /// <summary>A construction at several lengths, for the smallest parameters; none where a direction names no extremes.</summary>
    public static IEnumerable<GradientHistory> All(Optimizer optimizer, Func<Optimizer, int, ParameterShape, GradientHistory?> construction) =>
        s_lengths.Select(steps => construction(optimizer, steps, Shape(optimizer))).OfType<GradientHistory>();

    /// <summary>The worst cases of a claim: a construction at several lengths, and what is beside each.</summary>
    public static WorstCase<Optimizer, GradientHistory> WorstCase(Func<Optimizer, int, ParameterShape, GradientHistory?> construction) =>
        new(optimizer => All(optimizer, construction), (_, history, draw) => Near(history, draw));

    /// <summary>The longest known step at <paramref name="steps"/>: gradients as large as a clip lets through, or else large beside every ε.</summary>
    public static GradientHistory? Of(Optimizer optimizer, int steps, ParameterShape shape) => Of(optimizer, steps, shape, 0.9);

    /// <summary>The same with the earlier half turned round, and so little of the later one that 2²⁰ times it decides.</summary>
    public static GradientHistory? Turned(Optimizer optimizer, int steps, ParameterShape shape) =>
        Of(optimizer, steps, shape, Math.ScaleB(0.9, -10)) is { } history
            ? history with
            {
                Gradients = [.. history.Gradients.Select((gradient, t) => gradient.Select(g => t < steps / 2 ? -g : Math.ScaleB(g, -10)).ToImmutableArray())],
            }
            : null;

    /// <summary>The same on the logits of a rare token and another, the one rising and the other falling.</summary>
    public static GradientHistory? Crossing(Optimizer optimizer, int steps) => Of(optimizer, steps, ParameterShape.Vector(2)) is { } history
        ? history with { Theta = [-10, 10], Gradients = [.. history.Gradients.Select(g => ImmutableArray.Create(-g[0], g[1]))] }
        : null;

    private static GradientHistory? Of(Optimizer optimizer, int steps, ParameterShape shape, double share)
    {
        if (optimizer.Link<Direction>()?.Extremes(steps, shape) is not { } columns)
            return null;
        double largest = Enumerable.Range(0, steps).Max(t => ClipByGlobalNorm.Norm([.. columns.Select(column => column[t])]));
        double least = columns.SelectMany(column => column).Where(g => g != 0).Min(Math.Abs);
        double size = optimizer.Clip is { } clip ? share * clip.MaxNorm / largest : Math.Min(1e3 / least, 1e100);
        return new([.. new double[shape.Size]], [.. Enumerable.Range(0, steps).Select(t => columns.Select(column => size * column[t]).ToImmutableArray())], 20)
        {
            Columns = shape.IsMatrix ? shape.Columns : 0,
        };
    }

    /// <summary>A history beside another: one entry moved, or all of them, or the factor.</summary>
    public static GradientHistory Near(GradientHistory history, Draw draw)
    {
        double size = draw.LogReal(0.5, 2);
        if (draw.Chance(0.1))
            return history with { Exponent = draw.Sign() * draw.Whole(1, 20) };
        if (draw.Chance(0.1))
            return history with { Gradients = [.. history.Gradients.Select(gradient => gradient.Select(g => size * g).ToImmutableArray())] };
        int t = draw.Whole(0, history.Steps - 1), j = draw.Whole(0, history.Dimension - 1);
        double old = history.Gradients[t][j], moved = old == 0 ? draw.Sign() * size : draw.Chance(0.1) ? -old : size * old;
        return history with { Gradients = history.Gradients.SetItem(t, history.Gradients[t].SetItem(j, moved)) };
    }
}

/// <summary>An optimizer's histories, a tenth of them from a construction that brings a claim near to its bound.</summary>
internal sealed record ExtremeDomain(Optimizer Optimizer, Func<Optimizer, int, ParameterShape, GradientHistory?> Construction) : Domain<GradientHistory>
{
    private readonly HistoryDomain _histories = Scale.Histories(Optimizer);

    /// <inheritdoc/>
    public override ImmutableArray<Corner<GradientHistory>> Corners => _histories.Corners;

    /// <inheritdoc/>
    public override GradientHistory Build(Draw draw)
    {
        var history = _histories.Build(draw);
        return draw.Chance(0.1) ? Construction(Optimizer, history.Steps, history.Shape) ?? history : history;
    }

    /// <inheritdoc/>
    public override IEnumerable<GradientHistory> Shrink(GradientHistory value) => _histories.Shrink(value);
}
