using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using OptimizerClaim = GroupRL.Claims.Claim<GroupRL.Optimizers.Optimizer, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>Family S, scale: what is left of a factor on all rewards, and so on all gradients. arXiv:2601.05002, appendix C.1–C.4.</summary>
public static class Scale
{
    private const string Paper = "arXiv:2601.05002, appendix C";

    /// <summary>Scaling the gradients by a is scaling ε by 1/a, bit for bit at powers of two.</summary>
    public static OptimizerClaim AdamEpsilonIdentity { get; } = new()
    {
        Id = "adam-epsilon-identity",
        Family = Family.Scale,
        Statement = "Adam, or another optimizer with an ε in its denominator, on gradients a·g with ε takes the same steps as on g with ε/a: all that AdamW sees of a reward's scale is ε/a. Bitwise for a = 2ᵏ; decoupled decay does not matter, coupled L2 and norm clipping break it.",
        Hypotheses = ["a = 2ᵏ", "no overflow or underflow"],
        Source = Paper,
        Quantity = "|Δθ(a·g, ε) − Δθ(g, ε/a)|",
        Missing = NoEpsilon,
        Expect = optimizer => optimizer.Scaling is { Law: ScaleLaw.UpToEpsilon or ScaleLaw.Invariant, Because: var because }
            ? Expectation.Holds(because)
            : Expectation.Refuted(optimizer.Scaling.Because),
        Domain = Histories,
        Measure = EpsilonGap,
        Why = (_, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at step {worst.Position + 1} the two updates differ by {worst.Measured:G3}, with a = 2^{history.Exponent}"),
    };

    /// <summary>u_a/u_1 − 1 = ε(a−1)/(a√v̂+ε), coordinate by coordinate.</summary>
    public static OptimizerClaim AdamScaleDeviation { get; } = new()
    {
        Id = "adam-scale-deviation",
        Family = Family.Scale,
        Statement = "With all gradients scaled by a, each coordinate of Adam's update, or of another optimizer's that divides by √v̂ + ε, changes by the factor a(√v̂+ε)/(a√v̂+ε), that is u_a/u_1 − 1 = ε(a−1)/(a√v̂+ε): insensitivity to reward scale is a statement about √v̂ ≫ ε.",
        Hypotheses = ["decoupled decay set aside (θ = 0)"],
        Source = Paper + "; exact form derived here",
        Quantity = "|u_a − u_1·a(√v̂+ε)/(a√v̂+ε)|",
        Missing = optimizer => (optimizer.Link<Adaptive>() is null ? "a root of second moments in the denominator (Adam's)" : null) ?? (optimizer.CoupledDecay > 0 ? "gradients without a decay term" : null),
        Expect = optimizer => optimizer switch
        {
            { Scaling.Law: ScaleLaw.Neither } => Expectation.Refuted(optimizer.Scaling.Because),
            _ when optimizer.Link<Adaptive>()!.NoSimpleQuotient is { } other => Expectation.Refuted(other),
            _ => Expectation.Holds("the numerator scales with a, √v̂ with a, ε not"),
        },
        Domain = Histories,
        Measure = DeviationGap,
        Why = (_, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"after {history.Steps} steps the scaled update is off by {worst.Measured:G3}, with a = 2^{history.Exponent}"),
    };

    /// <summary>SGD's step scales with the gradient.</summary>
    public static OptimizerClaim SgdEquivariance { get; } = new()
    {
        Id = "sgd-scale-equivariance",
        Family = Family.Scale,
        Statement = "The update on gradients a·g is a times the update on g, at every step: SGD, with or without momentum, keeps the reward's scale in full. Bitwise for a = 2ᵏ.",
        Hypotheses = ["a = 2ᵏ", "no overflow or underflow"],
        Source = Paper,
        Quantity = "|Δθ(a·g) − a·Δθ(g)|",
        Missing = _ => null,
        Expect = optimizer => optimizer.Scaling switch
        {
            { Law: ScaleLaw.Proportional, Because: var because } => Expectation.Holds(because),
            { Law: ScaleLaw.Neither, Because: var because } => Expectation.Refuted(because),
            var scaling => Expectation.Refuted($"the scale is divided out: {scaling.Because}"),
        },
        Domain = Histories,
        Measure = EquivarianceGap,
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at step {worst.Position + 1} {optimizer.Id}'s update on gradients scaled by 2^{history.Exponent} is off the scaled update by {worst.Measured:G3}"),
    };

    /// <summary>Histories of what an optimizer moves: vectors, or matrices where it takes nothing else.</summary>
    internal static HistoryDomain Histories(Optimizer optimizer) => new() { OfMatrices = !optimizer.TakesVectors };

    private static string? NoEpsilon(Optimizer optimizer) => optimizer.Link<Guarded>() is null ? "an ε in the denominator (Adam's)" : null;

    private static Measurement EpsilonGap(Optimizer optimizer, GradientHistory history)
    {
        var other = optimizer with
        {
            Chain = [.. optimizer.Chain.Select(link => link is Guarded guarded ? guarded with { Epsilon = guarded.Epsilon / history.Scale } : link)],
        };
        return WorstGap(
            Updates(optimizer, history, history.Theta.AsSpan(), history.Scale), Updates(other, history, history.Theta.AsSpan(), 1), factor: 1);
    }

    private static Measurement EquivarianceGap(Optimizer optimizer, GradientHistory history) =>
        WorstGap(
            Updates(optimizer, history, history.Theta.AsSpan(), history.Scale),
            Updates(optimizer, history, history.Theta.AsSpan(), 1),
            history.Scale);

    private static Measurement DeviationGap(Optimizer optimizer, GradientHistory history)
    {
        var adaptive = optimizer.Link<Adaptive>()!;
        var origin = new double[history.Dimension];
        double[] scaled = Updates(optimizer, history, origin, history.Scale)[^1], plain = Updates(optimizer, history, origin, 1)[^1];
        double[][] gradients = Overshoot.Effective(optimizer, history);
        var worst = new Measurement(0, 0);
        for (int j = 0; j < history.Dimension; j++)
        {
            ClosedForm root = adaptive.Root(gradients[j]);
            double factor = root.Value + adaptive.Epsilon == 0 ? 1 : history.Scale * (root.Value + adaptive.Epsilon) / ((history.Scale * root.Value) + adaptive.Epsilon);
            // Numerators of both sides agree to the bit; the factor is as far off as the root, relatively, and the quotients round.
            double condition = root.Value == 0 ? 0 : root.Magnitude / root.Value;
            double bound = Tolerance.Summation(root.Roundings + 24, (1 + condition) * Math.Abs(plain[j] * factor));
            worst = worst.Worst(new(Math.Abs(scaled[j] - (plain[j] * factor)), bound, 0, history.Steps));
        }

        return worst;
    }

    // θ is held still: an update is a function of the gradients and θ, and only the gradients are to differ.
    internal static double[][] Updates(Optimizer optimizer, GradientHistory history, ReadOnlySpan<double> theta, double scale)
    {
        var state = optimizer.Initial(history.Shape);
        var updates = new double[history.Steps][];
        for (int t = 0; t < history.Steps; t++)
        {
            var step = optimizer.Step(state, theta, [.. history.Gradients[t].Select(g => scale * g)]);
            (state, updates[t]) = (step.State, step.Update);
        }

        return updates;
    }

    internal static Measurement WorstGap(double[][] left, double[][] right, double factor)
    {
        var worst = new Measurement(0, 0);
        for (int t = 0; t < left.Length; t++)
        {
            for (int j = 0; j < left[t].Length; j++)
                worst = worst.Worst(new(Math.Abs(left[t][j] - (factor * right[t][j])), 0, 0, t));
        }

        return worst;
    }
}
