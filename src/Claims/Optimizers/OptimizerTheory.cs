using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using TrajectoryClaim = GroupRL.Claims.Claim<GroupRL.Claims.OptimizerSubject, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>
/// What the theory says of an optimizer, seen in its ways. Where its design is known, the design decides what is expected; elsewhere a
/// refutation describes it.
/// </summary>
public static class OptimizerTheory
{
    private const int TailSteps = 12;
    private const double Large = 1e6, Plain = 1.0 / 32, Percent = 0.01, Tiny = 1e-12, Huge = 1024;

    /// <summary>Δ(a·g) = Δ(g).</summary>
    public static TrajectoryClaim ScaleInvariance { get; } = Of(ScaleIdentities.Invariance, "from the same θ₀") with
    {
        Measure = (subject, history) => OptimizerLaw.Gap(subject, subject.Walk(history), subject.Walk(OptimizerLaw.Scaled(Farther(history))), exact: true),
        Why = (subject, history, worst) => OptimizerLaw.Parted(worst, WithFactor(Farther(history)), subject.Walk(history), subject.Walk(OptimizerLaw.Scaled(Farther(history)))),
    };

    /// <summary>Δ(a·g) = a·Δ(g).</summary>
    public static TrajectoryClaim Equivariance { get; } = Of(Scale.SgdEquivariance, "θ₀ = 0") with
    {
        Measure = (subject, history) => OptimizerLaw.Gap(subject, Multiplied(subject, history), subject.Walk(OptimizerLaw.Scaled(OptimizerLaw.FromZero(history))), exact: true),
        Why = (subject, history, worst) => OptimizerLaw.Parted(worst, WithFactor(history), Multiplied(subject, history), subject.Walk(OptimizerLaw.Scaled(OptimizerLaw.FromZero(history)))),
    };

    /// <summary>Δ(a·g) ≈ Δ(g).</summary>
    public static TrajectoryClaim InvarianceUpToEpsilon { get; } = Describing(
        "scale-blind-up-to-epsilon",
        "Gradients that are large beside any ε (1/32 and more) take the same way when all are multiplied by 2ᵏ > 1, within a hundredth of its length: their scale is divided out.",
        "|θ(a·g) − θ(g)|, against a hundredth of the way",
        ["a = 2ᵏ > 1", "every gradient is 0 or at least 1/32"],
        design => DividesScaleOut(design) ? Expectation.Holds("the scale is divided out") : Expectation.Refuted(design.Scaling.Because),
        (subject, history) =>
        {
            var (plain, scaled) = (subject.Walk(Lifted(history)), subject.Walk(OptimizerLaw.Scaled(Lifted(history))));
            var worst = new Measurement(0, 0);
            for (int t = 1; t <= plain.Steps && worst.Holds; t++)
            {
                for (int j = 0; j < plain.Dimension; j++)
                    worst = worst.Worst(new(Math.Abs(plain[t, j] - scaled[t, j]), (Percent * plain.Length(t, j)) + subject.Rounding(plain, t, j), j, t));
            }

            return worst;
        },
        (subject, history, worst) => OptimizerLaw.Parted(worst, WithFactor(Lifted(history)), subject.Walk(Lifted(history)), subject.Walk(OptimizerLaw.Scaled(Lifted(history)))));

    /// <summary>Where ε acts.</summary>
    public static TrajectoryClaim EpsilonEdge { get; } = Describing(
        "epsilon-edge",
        "Where a first step does not grow with its gradient, it does not shrink with it either: under 10⁻¹² it is at least half of what it is under 1. An ε in a denominator, or a clip before SGD, sets an edge.",
        "|Δ₁| under 10⁻¹², against half of |Δ₁| under 1",
        ["θ₀ = 0", "the first step under 1024 is that under 1, within a hundredth"],
        design => Predicted(Edge(new(new CatalogueOptimizer(design))), "nothing is beside its gradients", "below an ε, or a clip's norm, the gradient's size is the step's"),
        (subject, _) => Edge(subject),
        (subject, _, _) => string.Create(CultureInfo.InvariantCulture, $"the first step is half of that under 1 where the gradient is about {EdgeOf(subject):G2}: below it, the scale of rewards is the size of the step")) with
    {
        Missing = subject => !subject.Repeats ? "runs that repeat (fresh-state)"
            : Math.Abs(subject.FirstStep(Huge) - subject.FirstStep(1)) <= Percent * Math.Abs(subject.FirstStep(1)) ? null : "a first step that does not grow with its gradient",
    };

    /// <summary>|Δ₁| ≤ η.</summary>
    public static TrajectoryClaim FirstStepBound { get; } = Describing(
        "first-step-bound",
        "From θ₀ = 0 the first step moves no coordinate farther than the learning rate, whatever the gradients: Adam's, a sign's, and SGD's under a clip to 1.",
        "|Δ₁|, against η",
        ["θ₀ = 0", "the learning rate is told"],
        design => Predicted(Farthest(new CatalogueOptimizer(design).Run([0], [[Large]])[0][0], design.LearningRate, Tolerance.UnitRoundoff), "what divides the first gradient is no smaller than it", "nothing divides the first gradient, or something smaller"),
        (subject, history) => Enumerable.Range(0, history.Dimension)
            .Select(j => Farthest(subject.Walk(OptimizerLaw.Scaled(OptimizerLaw.FromZero(history)))[1, j], subject.LearningRate!.Value, subject.UnitRoundoff) with { Group = j })
            .Aggregate((worst, other) => worst.Worst(other)),
        (subject, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the first step of coordinate {worst.Group}, under the gradient {history.Scale * history.Gradients[0][worst.Group]:G4}, is {worst.Measured / subject.LearningRate!.Value:G4} times the learning rate {subject.LearningRate:G4}")) with
    {
        Missing = subject => !subject.Repeats ? "runs that repeat (fresh-state)" : subject.LearningRate is > 0 ? null : "a learning rate that is told",
    };

    /// <summary>|Δ| ≤ ηU(t).</summary>
    public static TrajectoryClaim StepBound { get; } = OfDesign(StepBounds.StepBound, "θ₀ = 0; decoupled decay taken off") with
    {
        Domain = subject => new ExtremeDomain(subject.Design!, ExtremeHistories.Of),
        Measure = LongestStep,
        Why = (subject, _, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at step {worst.Position} coordinate {worst.Group} moves by {worst.Measured:G4}, more than ηU({worst.Position}) = {subject.Design!.LearningRate * subject.Design.Link<Direction>()!.Bound(worst.Position):G4}"),
    };

    /// <summary>The closed form of a tail.</summary>
    public static TrajectoryClaim MomentumTail { get; } = OfDesign(Overshoot.MomentumTail, "θ₀ = 0; decoupled decay taken off") with
    {
        Measure = TailGap,
        Why = (subject, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"{worst.Position} steps after the last gradient the step of coordinate {worst.Group} is off the closed form of {subject.Design!.Id} by {worst.Measured:G3} learning rates"),
    };

    /// <summary>θ stands still once gradients do.</summary>
    public static TrajectoryClaim StopsWithGradient { get; } = Describing(
        "stops-with-gradient",
        "Once gradients are exactly 0, θ stands still: what a clip has stopped, no momentum carries on.",
        "|Δ| after the last gradient",
        ["gradients are exactly zero after step T"],
        design => design.CoupledDecay + design.DecoupledDecay > 0 ? Expectation.Refuted("its decay moves θ without a gradient")
            : design.Link<Direction>() is { } direction && direction.Tail([1], 1) is not { Value: 0 } ? Expectation.Refuted("its memory outlives the gradient")
            : Expectation.Holds("it has no memory of gradients"),
        (subject, history) => Moved(subject.Walk(Followed(history)), history.Steps),
        (_, history, worst) => string.Create(CultureInfo.InvariantCulture, $"{worst.Position - history.Steps} steps after the last gradient coordinate {worst.Group} still moves by {worst.Measured:G4}"));

    /// <summary>θ stands still without gradients.</summary>
    public static TrajectoryClaim NoDecay { get; } = Describing(
        "stands-without-gradient",
        "Without any gradient θ stays where it is: nothing decays.",
        "|Δ| where all gradients are 0",
        ["all gradients are 0"],
        design => design.CoupledDecay + design.DecoupledDecay > 0 ? Expectation.Refuted("weights decay") : Expectation.Holds("nothing decays"),
        (subject, history) => Moved(subject.Walk(OptimizerLaw.WithGradients(history, _ => 0)), 0),
        (subject, history, worst) => subject.Walk(OptimizerLaw.WithGradients(history, _ => 0)) is var way
            ? string.Create(CultureInfo.InvariantCulture, $"without a gradient coordinate {worst.Group} goes from {way[worst.Position - 1, worst.Group]:R} to {way[worst.Position, worst.Group]:R} at step {worst.Position}: a decay of {1 - (way[worst.Position, worst.Group] / way[worst.Position - 1, worst.Group]):G3} a step")
            : "");

    private static TrajectoryClaim Describing(
        string id, string statement, string quantity, ImmutableArray<string> hypotheses, Func<Optimizer, Expectation> expect,
        Func<OptimizerSubject, GradientHistory, Measurement> measure, Func<OptimizerSubject, GradientHistory, Measurement, string> why) => new()
        {
            Id = id,
            Family = Family.Optimizer,
            Describes = true,
            Statement = statement,
            Hypotheses = hypotheses,
            Source = "arXiv:2601.05002, appendices C and D; derived here",
            Quantity = quantity,
            Missing = subject => OptimizerLaw.Lacks(subject, OptimizerPromises.None),
            Expect = subject => subject.Design is { } design ? expect(design) : Expectation.Choice,
            Domain = _ => new HistoryDomain(),
            Measure = measure,
            Why = why,
        };

    // A claim of the ledger under its own id, family and words, of a way from a start of its own.
    private static TrajectoryClaim Of(Claim<Optimizer, GradientHistory> claim, string start) =>
        Describing(claim.Id, claim.Statement, claim.Quantity, [.. claim.Hypotheses.Where(hypothesis => !hypothesis.Contains('θ', StringComparison.Ordinal)), start], claim.Expect, (_, _) => default, (_, _, _) => "") with
        {
            Family = claim.Family,
            Source = claim.Source,
        };

    // The same of one that speaks of a design's own constants.
    private static TrajectoryClaim OfDesign(Claim<Optimizer, GradientHistory> claim, string start) => Of(claim, start) with
    {
        Describes = claim.Describes,
        Missing = subject => !subject.Repeats ? "runs that repeat (fresh-state)" : subject.Design is { } design ? claim.Missing(design) : "a design that is known (--like)",
    };

    private static string WithFactor(GradientHistory history) => FormattableString.Invariant($"with all gradients times 2^{history.Exponent}");

    private static Trajectory Multiplied(OptimizerSubject subject, GradientHistory history) => subject.Walk(OptimizerLaw.FromZero(history)).Select(theta => history.Scale * theta);

    // Factors up to 2⁴⁰, so that an ε of one rounding (Adafactor's) is seen.
    private static GradientHistory Farther(GradientHistory history) => history with { Exponent = 2 * history.Exponent };

    // Larger by a power of two, so that what is equal or zero stays it; and the factor one that enlarges.
    private static GradientHistory Lifted(GradientHistory history)
    {
        double least = history.Gradients.SelectMany(gradient => gradient).Where(g => g != 0).Select(Math.Abs).DefaultIfEmpty(1).Min();
        int lift = Math.Max(0, Math.ILogB(Plain) - Math.ILogB(least));
        return OptimizerLaw.WithGradients(history, g => Math.ScaleB(g, lift)) with { Exponent = Math.Abs(history.Exponent) };
    }

    // The first link that does not hand the scale on decides, where its ε is small beside a thousandth of the gradients, which a root without bias
    // correction may be.
    private static bool DividesScaleOut(Optimizer design) => design.Chain.FirstOrDefault(link => link.Scaling.Law != ScaleLaw.Proportional) switch
    {
        ScaleByAdam { Placement: EpsilonPlacement.InsideRoot, Epsilon: <= 1e-7 } or ScaleByAdadelta { Epsilon: <= 1e-6 } => true,
        Guarded { Epsilon: > 1e-7 } => false,
        { Scaling.Law: ScaleLaw.Invariant or ScaleLaw.UpToEpsilon } => true,
        _ => false,
    };

    // The first step of a design is known from one of its own.
    private static Expectation Predicted(Measurement own, string holds, string refuted) => own.Holds ? Expectation.Holds(holds) : Expectation.Refuted(refuted);

    private static Measurement Edge(OptimizerSubject subject) => new(Math.Abs(subject.FirstStep(Tiny)), Math.Abs(subject.FirstStep(1)) / 2, AtLeast: true);

    private static double EdgeOf(OptimizerSubject subject)
    {
        double half = Math.Abs(subject.FirstStep(1)) / 2;
        double low = Math.Log(Tiny), high = 0;
        for (int k = 0; k < 30; k++)
        {
            double middle = (low + high) / 2;
            (low, high) = Math.Abs(subject.FirstStep(Math.Exp(middle))) < half ? (middle, high) : (low, middle);
        }

        return Math.Exp(high);
    }

    private static Measurement Farthest(double step, double rate, double unitRoundoff) => new(Math.Abs(step), rate * (1 + (16 * unitRoundoff)));

    private static GradientHistory Followed(GradientHistory history) => history with
    {
        Gradients = [.. history.Gradients, .. Enumerable.Repeat(ImmutableArray.Create(new double[history.Dimension]), TailSteps)],
    };

    private static Measurement Moved(Trajectory way, int after)
    {
        var worst = new Measurement(0, 0);
        for (int t = after + 1; t <= way.Steps && worst.Holds; t++)
        {
            for (int j = 0; j < way.Dimension; j++)
                worst = worst.Worst(new(Math.Abs(way.Update(t, j)), 0, j, t));
        }

        return worst;
    }

    // Δ/(−η) − λθ, what is left of a step when the rate and a decoupled decay are taken off; and what the rounding of θ leaves in it.
    private static (double Value, double Rounding) Direct(OptimizerSubject subject, Trajectory way, int t, int j)
    {
        var design = subject.Design!;
        double decay = design.DecoupledDecay * way[t - 1, j], rounding = 4 * subject.UnitRoundoff * (Math.Abs(way[t, j]) + Math.Abs(way[t - 1, j]));
        double direct = way.Update(t, j) / -design.LearningRate;
        return (direct - decay, (rounding / design.LearningRate) + (8 * subject.UnitRoundoff * (Math.Abs(direct) + Math.Abs(decay))));
    }

    private static Measurement LongestStep(OptimizerSubject subject, GradientHistory history)
    {
        var design = subject.Design!;
        var direction = design.Link<Direction>()!;
        var way = subject.Walk(OptimizerLaw.FromZero(history));
        double[][] gradients = Overshoot.Effective(design, history);
        double units = subject.UnitRoundoff / Tolerance.UnitRoundoff;
        var worst = new Measurement(0, 0);
        double[] conditions = new double[history.Dimension];
        for (int t = 1; t <= history.Steps; t++)
        {
            for (int j = 0; j < history.Dimension; j++)
            {
                conditions[j] = Math.Max(conditions[j], StepBounds.Condition(direction, gradients[j].AsSpan(0, t)));
                if (direction.Bound(t, history.Shape) is not { } bound)
                    continue;
                var (step, rounding) = Direct(subject, way, t, j);
                double allowed = bound + rounding + (units * Tolerance.Summation((8 * t) + 40, (1 + conditions[j]) * bound));
                worst = worst.Worst(new(design.LearningRate * Math.Abs(step), design.LearningRate * allowed, j, t));
            }
        }

        return worst;
    }

    private static Measurement TailGap(OptimizerSubject subject, GradientHistory history)
    {
        var design = subject.Design!;
        var way = subject.Walk(OptimizerLaw.FromZero(Followed(history)));
        double[][] gradients = Overshoot.Effective(design, history);
        double units = subject.UnitRoundoff / Tolerance.UnitRoundoff;
        var worst = new Measurement(0, 0);
        for (int k = 1; k <= TailSteps && worst.Holds; k++)
        {
            var tails = design.Link<Direction>()?.Tails(gradients, history.Shape, k);
            for (int j = 0; j < history.Dimension; j++)
            {
                var predicted = tails?[j] ?? ClosedForm.Zero;
                var (step, rounding) = Direct(subject, way, history.Steps + k, j);
                worst = worst.Worst(new(Math.Abs(step - predicted.Value), rounding + (units * Tolerance.Summation(predicted.Roundings, predicted.Magnitude)), j, k));
            }
        }

        return worst;
    }
}
