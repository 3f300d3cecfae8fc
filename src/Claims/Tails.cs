using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using OptimizerClaim = GroupRL.Claims.Claim<GroupRL.Optimizers.Optimizer, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>Family O: how much is still to come when the gradient stops, whatever came before, and what ε has to do with it.</summary>
public static class Tails
{
    private const string Paper = "arXiv:2601.05002, appendix D";
    private const int Steps = 100;

    private static readonly ImmutableArray<double> s_epsilons = [0, 1e-8, 1e-6, 1e-4, 1e-2, 1, 1e3];

    /// <summary>The tail is worth so many last steps, and no more.</summary>
    public static OptimizerClaim MomentumTotal { get; } = new()
    {
        Id = "momentum-total",
        Family = Family.Overshoot,
        Statement = "If gradients are exactly zero after step T, the next K = 100 updates are together at most Σ ρ(T, k) times the last: ρ(T, k) is (β₁/√β₂)ᵏ·(1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ)·√((1−β₂ᵀ⁺ᵏ)/(1−β₂ᵀ)) for Adam, μᵏ for momentum, 1 for Signum, 0 without memory. At (0.9, 0.999) 9.045 further steps for T → ∞, 10.171 at the worst T = 22; at (0.9, 0.95) 12.05 and 12.380 at T = 27. ε > 0 only lowers it.",
        Hypotheses = ["gradients are exactly zero after step T", "decoupled decay set aside (θ = 0)"],
        Source = Paper + "; the worst T derived here",
        Quantity = "Σ_{k≤100} |u_{T+k}|, against |u_T|·Σ ρ(T, k)",
        Missing = optimizer => Coupled(optimizer) ?? NoRatio(optimizer),
        Expect = optimizer => Expectation.Holds(optimizer.Remembers ? "mean and root shrink by known factors, whatever is in them" : "it stops with its gradient"),
        Domain = Scale.Histories,
        Measure = TotalGap,
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"after {history.Steps} gradients coordinate {worst.Position} still moves by {worst.Measured:G4} in {Steps} steps, more than {worst.Bound:G4}, the {Total(optimizer, history.Steps, Steps):G4} last steps that the theory grants"),
        Worst = ExtremeHistories.WorstCase(ExtremeHistories.Of),
    };

    /// <summary>No ε takes more off the tail than the root's own fall.</summary>
    public static OptimizerClaim EpsilonKeepsTail { get; } = new()
    {
        Id = "epsilon-keeps-tail",
        Family = Family.Overshoot,
        Statement = "No ε removes Adam's overshoot: for every ε from 0 to 1000, wherever it stands, u_{T+k}/u_T ≥ β₁ᵏ(1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ), for the denominator only falls once gradients are zero. In total β₁/(1−β₁) last steps remain for T → ∞ (9 at β₁ = 0.9, of 9.045 without ε).",
        Hypotheses = ["gradients are exactly zero after step T", "decoupled decay set aside (θ = 0)"],
        Source = "derived here, beside " + Paper,
        Quantity = "min over k ≤ 100 and ε of u_{T+k}/u_T · (1−β₁ᵀ⁺ᵏ)/(β₁ᵏ(1−β₁ᵀ))",
        Missing = optimizer => Coupled(optimizer) ?? (optimizer.Adam is null ? "Adam's quotient" : null) ?? (optimizer.Adam!.Beta1 == 0 ? "a first moment (β₁ > 0)" : null),
        Expect = _ => Expectation.Holds("√v̂ + ε falls after T, and the mean is the same for every ε"),
        Domain = Scale.Histories,
        Measure = LeastTail,
        Why = (_, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with ε = {s_epsilons[worst.Group]} the update {worst.Position} steps after {history.Steps} gradients is {worst.Measured:G4} times what β₁ leaves of the last one"),
        Worst = new(
            _ => [new([0], [[1e-6]], 1)],
            (_, history, draw) => ExtremeHistories.Near(history, draw)),
    };

    /// <summary>What one would hope of ε.</summary>
    public static OptimizerClaim EpsilonRemovesTail { get; } = new()
    {
        Id = "epsilon-removes-tail",
        Family = Family.Overshoot,
        Statement = "A candidate, refuted for every optimizer that has a tail: an ε a thousand times the largest gradient leaves nothing of it.",
        Hypotheses = ["gradients are exactly zero after step T", "decoupled decay set aside (θ = 0)"],
        Source = "refuted here by epsilon-keeps-tail",
        Quantity = "Σ_{k≤100} |u_{T+k}| at ε = 1000·max|g|",
        Missing = optimizer => Coupled(optimizer)
            ?? (optimizer.Link<Guarded>() is null ? "an ε in the denominator (Adam's)" : null)
            ?? (FirstOfTail(optimizer) is null ? "a tail known in closed form" : null),
        Expect = optimizer => FirstOfTail(optimizer) == 0
            ? Expectation.Holds("it has no tail to remove")
            : Expectation.Refuted("the last step is as much smaller, and its share of the mean remains"),
        Domain = Scale.Histories,
        Measure = (optimizer, history) =>
        {
            double largest = history.Gradients.Max(gradient => gradient.Max(Math.Abs));
            double[][] updates = WithZeros(With(optimizer, 1e3 * largest), history, Steps);
            return new(updates.Skip(history.Steps).Sum(update => update.Sum(Math.Abs)) / optimizer.LearningRate, 0);
        },
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with ε a thousand times the largest gradient, {optimizer.Id} still moves by {worst.Measured:G4}η after the last of {history.Steps} gradients"),
    };

    /// <summary>ρ(T, k) = u_{T+k}/u_T at negligible ε after gradients that end at T; 0 without a direction, null where it depends on the gradients.</summary>
    public static double? Ratio(Optimizer optimizer, int steps, int k)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return Ratio(optimizer.Link<Direction>(), steps, k);
    }

    private static double? Ratio(Direction? direction, int steps, int k) => direction is null ? 0 : direction.TailRatio(steps, k);

    /// <summary>Σ_{k≤K} ρ(T, k): how many last steps the next K ones are worth; null where some ρ depends on the gradients.</summary>
    public static double? Total(Optimizer optimizer, int steps, int further)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        var direction = optimizer.Link<Direction>();
        double sum = 0;
        for (int k = 1; k <= further; k++)
        {
            if (Ratio(direction, steps, k) is not { } ratio)
                return null;
            sum += ratio;
        }

        return sum;
    }

    /// <summary>β₁ᵏ(1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ): what no ε takes off Adam's tail.</summary>
    public static double Floor(double beta1, int steps, int k) => Math.Pow(beta1, k) * (1 - Math.Pow(beta1, steps)) / (1 - Math.Pow(beta1, steps + k));

    /// <summary>The updates of a history and of K zero gradients after it, at θ = 0.</summary>
    internal static double[][] WithZeros(Optimizer optimizer, GradientHistory history, int further) => Scale.Updates(
        optimizer,
        history with { Gradients = [.. history.Gradients, .. Enumerable.Repeat(ImmutableArray.Create(new double[history.Dimension]), further)] },
        new double[history.Dimension],
        1);

    /// <summary>What is missing where some ρ(T, k) depends on the gradients, in words; null where none does.</summary>
    internal static string? NoRatio(Optimizer optimizer) => Enumerable.Range(1, HistoryDomain.MostSteps).All(steps => Ratio(optimizer, steps, 1) is not null)
        ? null
        : "a tail whose ratio to the last step depends on T and k alone";

    internal static string? Coupled(Optimizer optimizer) => optimizer.CoupledDecay > 0 ? "gradients without a decay term (they never are zero)" : null;

    private static Measurement TotalGap(Optimizer optimizer, GradientHistory history)
    {
        double[][] updates = WithZeros(optimizer, history, Steps);
        double total = Total(optimizer, history.Steps, Steps)!.Value;
        var worst = new Measurement(0, 0);
        for (int j = 0; j < history.Dimension; j++)
        {
            // Both sides start from the same rounded state, which shrinks by a few roundings a step.
            double most = Math.Abs(updates[history.Steps - 1][j]) * total;
            double tail = updates.Skip(history.Steps).Sum(update => Math.Abs(update[j]));
            worst = worst.Worst(new(tail, most + Tolerance.Summation((8 * (history.Steps + Steps)) + 32, most), 0, j));
        }

        return worst;
    }

    private static Measurement LeastTail(Optimizer optimizer, GradientHistory history)
    {
        double beta1 = optimizer.Adam!.Beta1;
        double[] floors = [.. Enumerable.Range(0, Steps + 1).Select(k => Floor(beta1, history.Steps, k))];
        var worst = new Measurement(double.PositiveInfinity, 0, AtLeast: true);
        for (int e = 0; e < s_epsilons.Length; e++)
        {
            double[][] updates = WithZeros(With(optimizer, s_epsilons[e]), history, Steps);
            double[] last = updates[history.Steps - 1];
            for (int k = 1; k <= Steps; k++)
            {
                for (int j = 0; j < history.Dimension; j++)
                {
                    if (last[j] == 0)
                        continue;
                    double share = updates[history.Steps - 1 + k][j] / last[j] / floors[k];
                    worst = worst.Worst(new(share, 1 - Tolerance.Roundings((8 * (history.Steps + k)) + 32), e, k, AtLeast: true));
                }
            }
        }

        return worst;
    }

    private static double? FirstOfTail(Optimizer optimizer)
    {
        var shape = optimizer.TakesVectors ? ParameterShape.Vector(1) : ParameterShape.Matrix(1, 1);
        return optimizer.Link<Direction>()?.Tails([[1]], shape, 1)?[0].Value;
    }

    private static Optimizer With(Optimizer optimizer, double epsilon) => optimizer with
    {
        Chain = [.. optimizer.Chain.Select(link => link is Guarded guarded ? guarded with { Epsilon = epsilon } : link)],
    };
}
