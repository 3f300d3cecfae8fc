using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using OptimizerClaim = GroupRL.Claims.Claim<GroupRL.Optimizers.Optimizer, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>
/// Family O: how far a token's ratio gets beyond the clip, from hyperparameters alone, and what would stop it. The parameters are the logits of
/// one softmax node, the first of them the watched token's; the gradients are whatever they are.
/// </summary>
public static class NodeOvershoot
{
    private const int Beyond = 100;
    private const int LookAhead = 50;
    private const int Afterwards = 200;
    private const int Endless = 1000;

    /// <summary>Beyond the clip a ratio gets no farther than this.</summary>
    public static OptimizerClaim Bound { get; } = new()
    {
        Id = "overshoot-bound",
        Family = Family.Overshoot,
        Statement = "Whatever T gradients came before, if the gradient on every logit of a softmax node is zero from step T+1 on, then log r(T+K) − log r(T−1) ≤ 2η·(1+Σ_{k≤K} ρ(T, k))·U(T) for each of its tokens: a step that crosses the clip and the tail after it. So r ≤ (1+ε_high)·exp(2η·max_T …), where the maximum tends to 73.03 at (0.9, 0.999) and 15.20 at (0.9, 0.95). ε > 0 only lowers it.",
        Hypotheses = ["gradients on the whole node are exactly zero after step T", "no decay"],
        Source = "arXiv:2601.05002, appendix D, for the tail; derived here",
        Quantity = "log r(T+100) − log r(T−1), against 2η·(1+Σ ρ)·U(T)",
        Missing = optimizer => Vectors(optimizer) ?? Decaying(optimizer)
            ?? (Steps.All(steps => optimizer.Link<Direction>()?.Bound(steps) is not null) ? null : "a direction whose steps have a bound, whatever the gradients and θ")
            ?? Tails.NoRatio(optimizer),
        Expect = _ => Expectation.Holds("the last step and its tail are bounded, and |Δ log π| ≤ 2‖Δz‖∞"),
        Domain = optimizer => new ExtremeDomain(optimizer, (own, steps, _) => ExtremeHistories.Crossing(own, steps)),
        Measure = Rise,
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"from the last of {history.Steps} gradients on, the first token's log-prob rises by {worst.Measured:G4}, more than 2η·{Bracket(optimizer, history.Steps, Beyond):G4} = {worst.Bound:G4}"),
        Worst = new(
            optimizer => ExtremeHistories.All(optimizer, (own, steps, _) => ExtremeHistories.Crossing(own, steps)),
            (_, history, draw) => Moved(history, draw)),
    };

    /// <summary>A clip that looks at the end of the tail is never passed.</summary>
    public static OptimizerClaim LookAheadClip { get; } = new()
    {
        Id = "look-ahead-clip",
        Family = Family.Overshoot,
        Statement = "Feed an offered gradient only if zero gradients after it would keep the token's ratio within 1+ε_high for ever (50 steps are tried out, what is left then is bounded by Σ ρ(T, k)), and feed zero otherwise: then the ratio stays within 1+ε_high at every step, from a fresh state on, whatever is offered. Signum, whose tail has no end, is fed nothing that moves it.",
        Hypotheses = ["fresh optimizer state, ratio 1", "no decay"],
        Source = "derived here",
        Quantity = "max log r, against log(1+ε_high), half of what the same offers reach unguarded",
        Cost = 4,
        Missing = optimizer => Vectors(optimizer) ?? Decaying(optimizer)
            ?? Tails.NoRatio(optimizer),
        Expect = _ => Expectation.Holds("a path under zeros that stays inside is there at the start, and is left only for another one"),
        Domain = Scale.Histories,
        Measure = Guarded,
        Why = (_, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"of {history.Steps} offered gradients those that the guard let through raised log r to {worst.Measured:G4}, beyond {worst.Bound:G4}"),
    };

    /// <summary>Without a past there is no tail.</summary>
    public static OptimizerClaim ResetStops { get; } = new()
    {
        Id = "momentum-reset-stops",
        Family = Family.Overshoot,
        Statement = "Put back into its first state when the gradient stops, every optimizer stops at once: all further updates are exactly 0. As the state is the first one, what scaled gradients do next is what they did at the start: the stop costs nothing of the blindness to scale.",
        Hypotheses = ["gradients are exactly zero after step T", "the state after step T is replaced by the first one", "decoupled decay set aside"],
        Source = "derived here",
        Quantity = "max |Δθ| under 20 zero gradients",
        Missing = Tails.Coupled,
        Expect = _ => Expectation.Holds("the first state holds no gradient"),
        Domain = optimizer => Scale.Histories(optimizer) with { OrMatrices = optimizer.TakesVectors },
        Measure = AfterReset,
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"put back into its first state after {history.Steps} gradients, {optimizer.Id} still moves by {worst.Measured:G4} without one"),
    };

    /// <summary>(1 + Σ_{k≤K} ρ(T, k))·U(T): how many η a logit can still move from step T on, that step included; null where the optimizer does not say.</summary>
    public static double? Bracket(Optimizer optimizer, int steps, int further)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.Link<Direction>()?.Bound(steps) * (1 + Tails.Total(optimizer, steps, further));
    }

    private static IEnumerable<int> Steps => Enumerable.Range(1, HistoryDomain.MostSteps);

    private static string? Vectors(Optimizer optimizer) => optimizer.TakesVectors ? null : "an optimizer of vectors (this one's parameters are matrices)";

    private static string? Decaying(Optimizer optimizer) => optimizer.CoupledDecay + optimizer.DecoupledDecay > 0 ? "an optimizer without weight decay" : null;

    private static GradientHistory Moved(GradientHistory history, Draw draw) => draw.Chance(0.2)
        ? history with { Theta = history.Theta.SetItem(0, history.Theta[0] + draw.Real(-1, 1)) }
        : ExtremeHistories.Near(history, draw);

    // The parameters are where the history left them; the state is not. A first step that scales as the first one ever did ends it.
    private static Measurement AfterReset(Optimizer optimizer, GradientHistory history)
    {
        double[] theta = [.. history.Theta], zero = new double[history.Dimension];
        var state = optimizer.Initial(history.Shape);
        foreach (var gradient in history.Gradients)
        {
            var step = optimizer.Step(state, theta, gradient.AsSpan());
            (state, theta) = (step.State, step.Theta);
        }

        state = optimizer.Initial(history.Shape);
        var worst = new Measurement(0, 0);
        for (int k = 1; k <= 20; k++)
        {
            var step = optimizer.Step(state, theta, zero);
            for (int j = 0; j < zero.Length; j++)
            {
                double decay = optimizer.LearningRate * optimizer.DecoupledDecay * theta[j];
                worst = worst.Worst(new(Math.Abs(step.Update[j] + decay), decay == 0 ? 0 : Tolerance.Summation(8, 2 * Math.Abs(decay)), 0, k));
            }

            (state, theta) = (step.State, step.Theta);
        }

        return worst;
    }

    private static Measurement Rise(Optimizer optimizer, GradientHistory history)
    {
        var node = new Node(optimizer, optimizer.Initial(history.Shape), [.. history.Theta]);
        for (int t = 0; t < history.Steps - 1; t++)
            node = node.Fed(history.Gradients[t].AsSpan());
        double before = node.LogProb;
        node = node.Fed(history.Gradients[^1].AsSpan());
        for (int k = 0; k < Beyond; k++)
            node = node.Fed(new double[history.Dimension]);

        double bound = 2 * optimizer.LearningRate * Bracket(optimizer, history.Steps, Beyond)!.Value;
        double condition = Overshoot.Effective(optimizer, history).Max(own => StepBounds.Condition(optimizer.Link<Direction>()!, own));
        int roundings = (8 * (history.Steps + Beyond)) + 40;
        // Logits round as they are added up, log-probs when they are taken.
        return new(Math.Abs(node.LogProb - before), bound + Tolerance.Summation(roundings, ((1 + condition) * bound) + node.Size + history.Theta.Max(Math.Abs)));
    }

    private static Measurement Guarded(Optimizer optimizer, GradientHistory history)
    {
        var start = new Node(optimizer, optimizer.Initial(history.Shape), [.. history.Theta]);
        double[] zero = new double[history.Dimension];
        double size = 0, ceiling = Reached(start, (node, gradient) => node.Fed(gradient)) / 2;
        double reached = Reached(start, (node, gradient) =>
        {
            var next = node.Fed(gradient);
            return StaysWithin(next) ? next : node.Fed(zero);
        });
        // A path is tried out in the arithmetic in which it is taken; only what lies beyond it is bounded.
        return new(reached, ceiling + Tolerance.Summation(4 * Afterwards, ceiling + size));

        double Reached(Node node, Func<Node, double[], Node> feed)
        {
            double most = 0;
            foreach (var gradient in history.Gradients)
                Look(node = feed(node, [.. gradient]));
            for (int k = 0; k < Afterwards; k++)
                Look(node = node.Fed(zero));
            return most;

            void Look(Node now)
            {
                most = Math.Max(most, now.LogProb - start.LogProb);
                size = Math.Max(size, now.Size);
            }
        }

        bool StaysWithin(Node node)
        {
            for (int k = 0; k < LookAhead; k++)
            {
                if (node.LogProb - start.LogProb > ceiling)
                    return false;
                node = node.Fed(zero);
            }

            double last = node.Update.Max(Math.Abs);
            return node.LogProb - start.LogProb + (last == 0 ? 0 : 2 * last * Remainder(optimizer, node.Steps)) <= ceiling;
        }
    }

    // Σ_{k≥1} ρ(T, k); a tail that is still there after a thousand steps counts as endless.
    private static double Remainder(Optimizer optimizer, int steps) =>
        Tails.Ratio(optimizer, steps, Endless) > Tolerance.UnitRoundoff ? double.PositiveInfinity : Tails.Total(optimizer, steps, Endless)!.Value;

    /// <summary>The logits of a softmax node under an optimizer; the first is the watched token's.</summary>
    private sealed record Node(Optimizer Optimizer, OptimizerState State, double[] Logits)
    {
        /// <summary>The steps taken.</summary>
        public int Steps { get; private init; }

        /// <summary>The last of them.</summary>
        public double[] Update { get; private init; } = new double[Logits.Length];

        /// <summary>max |z|.</summary>
        public double Size => Logits.Max(Math.Abs);

        /// <summary>log π of the watched token.</summary>
        public double LogProb
        {
            get
            {
                double largest = Logits.Max();
                return Logits[0] - largest - Math.Log(Logits.Sum(z => Math.Exp(z - largest)));
            }
        }

        /// <summary>The node after one more gradient of the loss.</summary>
        public Node Fed(double[] gradient) => Fed(gradient.AsSpan());

        /// <summary>The node after one more gradient of the loss.</summary>
        public Node Fed(ReadOnlySpan<double> gradient)
        {
            var step = Optimizer.Step(State, Logits, gradient);
            return new(Optimizer, step.State, step.Theta) { Steps = Steps + 1, Update = step.Update };
        }
    }
}
