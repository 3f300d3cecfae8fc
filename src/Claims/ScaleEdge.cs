using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>A point of the edge.</summary>
/// <param name="Root">√v̂/ε, dimensionless.</param>
/// <param name="Factor">a, the factor on all gradients.</param>
/// <param name="Predicted">u_a/u_1 − 1 by the closed form.</param>
/// <param name="Measured">The same of an optimizer's own steps.</param>
public sealed record ScaleEdgePoint(double Root, double Factor, double Predicted, double Measured);

/// <summary>
/// Where an optimizer that divides by √v̂ + ε starts to see the scale a of its gradients: u_a/u_1 − 1 = ε(a−1)/(a√v̂+ε), a function of
/// x = √v̂/ε and a alone. arXiv:2601.05002, appendix C; the exact form is adam-scale-deviation's.
/// </summary>
public static class ScaleEdge
{
    // Of several sizes and signs: the closed form is one of √v̂, not of the gradients that made it.
    private static readonly double[] s_history = [1, -2, 3];

    /// <summary>(a−1)/(a·x+1), x = √v̂/ε ≥ 0.</summary>
    public static double Predicted(double root, double factor) => (factor - 1) / ((factor * root) + 1);

    /// <summary>The x = √v̂/ε below which |deviation| is more than <paramref name="deviation"/>: (|a−1|/δ − 1)/a, or null where it never is.</summary>
    public static double? Contour(double deviation, double factor) => Math.Abs(factor - 1) > deviation
        ? ((Math.Abs(factor - 1) / deviation) - 1) / factor
        : null;

    /// <summary>Why an optimizer has no such edge, as a sentence; null where it has.</summary>
    public static string? Missing(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        var row = Scale.AdamScaleDeviation.Against(optimizer, "", optimizer.Id);
        if (row.Expected.Kind != VerdictKind.Holds)
            return $"The edge is that of an update n/(√v̂ + ε); {optimizer.Id}'s is none: {row.Expected.Because}.";
        return optimizer.Link<Adaptive>()!.Epsilon == 0 ? $"Without an ε there is no edge; {optimizer.Id}'s is 0." : null;
    }

    /// <summary>u_a/u_1 − 1 of the optimizer's third step, on gradients that bring √v̂ to <paramref name="root"/>·ε.</summary>
    /// <exception cref="InvalidInputException">The optimizer has no such edge.</exception>
    public static double Measured(Optimizer optimizer, double root, double factor)
    {
        if (Missing(optimizer) is { } missing)
            throw new InvalidInputException(missing);
        var adaptive = optimizer.Link<Adaptive>()!;
        // √v̂ is of degree 1 in the gradients, so one factor puts it anywhere.
        double size = root * adaptive.Epsilon / adaptive.Root(s_history).Value;
        return (Update(optimizer, size * factor) / Update(optimizer, size)) - 1;
    }

    /// <summary>All points of a grid of √v̂/ε and a.</summary>
    public static ImmutableArray<ScaleEdgePoint> Map(Optimizer optimizer, IEnumerable<double> roots, IReadOnlyList<double> factors) =>
    [
        .. from root in roots
           from factor in factors
           select new ScaleEdgePoint(root, factor, Predicted(root, factor), Measured(optimizer, root, factor)),
    ];

    private static double Update(Optimizer optimizer, double size)
    {
        var state = optimizer.Initial(1);
        double update = 0;
        foreach (double gradient in s_history)
        {
            var step = optimizer.Step(state, [0], [size * gradient]);
            (state, update) = (step.State, step.Update[0]);
        }

        return update;
    }
}
