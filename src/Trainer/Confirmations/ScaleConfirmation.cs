using System.Collections.Immutable;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;

namespace GroupRL.Trainer;

/// <summary>A run on aR beside the run on R, and beside the twin's.</summary>
/// <param name="Scale">a.</param>
/// <param name="Distance">
/// max |log π(aR) − log π(R)| over the steps and over the first two tokens, in units of how far the run on R came.
/// </param>
/// <param name="Predicted">The same of the twin on R: no scaled reward enters it. NaN where there is no twin.</param>
/// <param name="FromTwin">max ‖θ(aR) − θ(twin on R)‖∞ over the steps, in units of how far θ came on R. NaN where there is no twin.</param>
public sealed record ScaledRun(double Scale, double Distance, double Predicted, double FromTwin)
{
    /// <summary>Whether scaling by a only shifts exponents, so that what holds in the reals holds to the bit.</summary>
    public bool Dyadic => double.IsPow2(Scale) || double.IsPow2(1 / Scale);
}

/// <summary>What scaled rewards did to an objective under an optimizer.</summary>
/// <param name="Objective">The objective.</param>
/// <param name="Optimizer">The optimizer's id.</param>
/// <param name="Class">What the theory predicts.</param>
/// <param name="Because">Why.</param>
/// <param name="Jumps">Whether the optimizer takes signs, which makes a whole step of the smallest change.</param>
/// <param name="Runs">The runs on aR.</param>
public sealed record ScaleRow(string Objective, string Optimizer, ScaleClass Class, string Because, bool Jumps, ImmutableArray<ScaledRun> Runs);

/// <summary>Where an optimizer's ε begins to matter.</summary>
/// <param name="Optimizer">The optimizer's id.</param>
/// <param name="Predicted">The a at which the twin of ε/a on R brings log π half as far; no scaled reward enters it.</param>
/// <param name="Replayed">The same of the gradients of the run on R, replayed with ε/a, which do not answer to where they have come.</param>
/// <param name="Measured">The a at which the run on aR brings log π half as far as the run on R.</param>
public sealed record EdgeRow(string Optimizer, double Predicted, double Replayed, double Measured);

/// <summary>
/// The second finding of arXiv:2601.05002 in training: what a factor on all rewards does to a policy's trajectory. Runs differ in the
/// factor alone, down to every random number.
/// </summary>
/// <param name="Policy">A policy for a task.</param>
public sealed record ScaleConfirmation(Func<VerifiableTask, IPolicy> Policy)
{
    private static readonly double[] s_scales = [1e-6, 1e-3, 1e3, 1e6, 1 / 1048576.0, 1 / 1024.0, 1024, 1048576];

    private static readonly (string Name, SurrogateObjective Objective)[] s_objectives =
    [
        ("grpo", Catalogue.Grpo),
        ("trl:grpo", Catalogue.Find("trl:grpo")!.Objective),
        ("dr-grpo", Catalogue.DrGrpo),
        ("grpo + 0.04·k3", WithKl(Catalogue.Grpo)),
        ("dr-grpo + 0.04·k3", WithKl(Catalogue.DrGrpo)),
    ];

    private readonly SumTask _task = new();

    /// <summary>The steps of a run.</summary>
    public int Steps { get; init; } = 40;

    /// <summary>What everything random comes from.</summary>
    public ulong Seed { get; init; }

    /// <summary>What all η are times.</summary>
    public double RateScale { get; init; } = 1;

    /// <summary>The optimizers whose ε has an edge that is looked for.</summary>
    public static ImmutableArray<Optimizer> WithEdge { get; } = [OptimizerCatalogue.AdamW.With(0.01), OptimizerCatalogue.Adam.With(0.01)];

    /// <summary>The settings, one a row; matrix optimizers where the policy's parameters are a matrix.</summary>
    public ImmutableArray<ScaleSetting> Settings =>
    [
        .. from optimizer in Optimizers
           from objective in s_objectives
           where optimizer.TakesVectors || Policy(_task).Matrix is not null
           select new ScaleSetting(objective.Name, objective.Objective, optimizer),
    ];

    /// <summary>The optimizers, at the η that <see cref="RateScale"/> is times.</summary>
    public static ImmutableArray<Optimizer> Optimizers =>
    [
        OptimizerCatalogue.Sgd.With(0.5), OptimizerCatalogue.ClippedSgd.With(0.5), OptimizerCatalogue.AdamW.With(0.01), OptimizerCatalogue.Lion.With(0.01), OptimizerCatalogue.Muon.With(0.02),
    ];

    /// <summary>Runs a setting on R and on every aR, and its twins on R.</summary>
    public ScaleRow Run(ScaleSetting setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        var training = new Training(setting.Objective, setting.Optimizer);
        var (kind, because) = EndToEndScale.ClassOf(training);
        double[][] plain = Trajectory(training, 1), seen = Seen(plain);
        double reach = seen.Max(logPi => Apart(logPi, seen[0])), moved = plain.Max(theta => Apart(theta, plain[0]));
        return new(setting.Name, setting.Optimizer.Id, kind, because, setting.Optimizer.Link<Direction>() is ScaleByLion or ScaleBySign, [.. s_scales.Select(scale =>
        {
            double[][] scaled = Trajectory(training, scale);
            double distance = Distance(Seen(scaled), seen) / reach;
            if (EndToEndScale.Twin(training, scale) is not { } known)
                return new ScaledRun(scale, distance, double.NaN, double.NaN);
            double[][] twin = Trajectory(known, 1);
            return new ScaledRun(scale, distance, Distance(Seen(twin), seen) / reach, Distance(scaled, twin) / moved);
        })]);
    }

    /// <summary>Finds where ε begins to matter to <paramref name="optimizer"/> under a std-free objective, by bisection of log a.</summary>
    public EdgeRow Edge(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        var training = new Training(Catalogue.DrGrpo, optimizer);
        List<InnerStep> history = [];
        double[][] plain = Trajectory(training, 1, history.Add);
        double half = Came(plain[^1]) / 2;
        return new(
            optimizer.Id,
            Bisect(scale => Came(Trajectory(EndToEndScale.Twin(training, scale)!, 1)[^1]) < half),
            Bisect(scale => Came(Replayed(scale)) < half),
            Bisect(scale => Came(Trajectory(training, scale)[^1]) < half));

        double Came(double[] theta) => Apart(Seen([plain[0]])[0], Seen([theta])[0]);

        // The steps that the same gradients give under ε/a.
        double[] Replayed(double scale)
        {
            var run = Run(training, 1);
            var under = run.Optimizer.Under(scale, step: 1)!.Value.Optimizer;
            var state = run.Initial().Optimizer;
            double[] theta = plain[0];
            foreach (var step in history)
            {
                var next = under.Step(state, theta, [.. step.Gradient.Select(g => 0 - g)]);
                (state, theta) = (next.State, next.Theta);
            }

            return theta;
        }
    }

    /// <summary>Sets the rows beside what the theory says of them.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="edges">The edges.</param>
    /// <param name="precision">The unit roundoff of the numbers that the policy computes in.</param>
    public static Confirmation<ScaleRow> Judge(IReadOnlyList<ScaleRow> rows, IReadOnlyList<EdgeRow> edges, double precision = 0)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(edges);
        var findings = rows.SelectMany(row => OfRow(row, Math.Max(Nothing, PassRoundings * precision))).ToList();
        findings.AddRange(edges.Select(edge => new Finding(
            FormattableString.Invariant($"dr-grpo under {edge.Optimizer}: log π comes half as far where a·√v̂ has come down to ε, at a = {edge.Predicted:G3} by runs on R with ε/a (at {edge.Replayed:G3} by the gradients of the one run on R)"),
            FormattableString.Invariant($"a = {edge.Measured:G3}"),
            // An a of the bisection is no power of two, so that runs and twins differ by rounding, and now and then by what that decides.
            Math.Abs((edge.Measured / edge.Predicted) - 1) < Math.Max(0.01, PassRoundings * precision))));
        return new([.. rows], [.. findings]);
    }

    private static IEnumerable<Finding> OfRow(ScaleRow row, double nothing)
    {
        string who = $"{row.Objective} under {row.Optimizer}";
        var dyadic = row.Runs.Where(run => run.Dyadic).ToArray();
        double larger = dyadic.Where(run => run.Scale > 1).Select(run => run.Distance).DefaultIfEmpty().Max();
        string distances = string.Join(", ", dyadic.Select(run => FormattableString.Invariant($"{run.Distance:G3}")));
        Finding? size = row switch
        {
            { Class: ScaleClass.Exact } => new($"{who}: exact ({row.Because}), at a = 2ᵏ to the bit", $"distances {distances}", dyadic.All(run => run.Distance == 0)),
            { Class: ScaleClass.Sensitive } => new($"{who}: sensitive ({row.Because})", $"distances {distances}", dyadic.All(run => run.Distance > nothing)),
            // A sign makes a whole step of an ε: nothing follows for the distance, only that it is the twin's.
            { Jumps: true } => null,
            _ => new(
                FormattableString.Invariant($"{who}: up to an ε ({row.Because}): a larger a changes next to nothing (less than {nothing:G2}), and less than one that brings the gradients down to it"),
                $"distances {distances}",
                larger < Math.Min(nothing, dyadic.MinBy(run => run.Scale)!.Distance)),
        };
        if (size is not null)
            yield return size;
        var twins = row.Runs.Where(run => !double.IsNaN(run.Predicted)).ToArray();
        if (row.Class != ScaleClass.Exact && twins.Length > 0)
        {
            yield return new(
                $"{who}: the trajectory on aR is that of the twin on R, constants over a, at a = 2ᵏ to the bit",
                FormattableString.Invariant($"apart by at most {twins.Where(run => run.Dyadic).Max(run => run.FromTwin):G3}"),
                twins.Where(run => run.Dyadic).All(run => run.FromTwin == 0));
        }
    }

    // Half a percent of how far the run on R came: more than an ε of the catalogue gives.
    private const double Nothing = 0.005;

    // The least change of a parameter moves roundings of the policy's own: some ten in a row make an error of √10 u in a logit, two runs have one
    // each, and the largest of a thousand such differences is about 3.5 times the usual one.
    private const double PassRoundings = 16;

    private TrainingRun Run(Training training, double scale) => new(_task, Policy(_task), training.Objective, training.Optimizer.With(training.Optimizer.LearningRate * RateScale)) { Seed = Seed, RewardScale = scale };

    // θ₀ … θ_n.
    private double[][] Trajectory(Training training, double scale, Action<InnerStep>? observe = null)
    {
        var run = Run(training, scale);
        var state = run.Initial();
        List<double[]> thetas = [state.Theta];
        for (int step = 0; step < Steps; step++)
        {
            state = run.Step(state, observe).State;
            thetas.Add(state.Theta);
        }

        return [.. thetas];
    }

    // log π of all tokens at the first two positions along a trajectory. Parameters that change nothing are not seen: a transformer's key biases, whose
    // gradient is rounding, move by whole steps of Adam once a has lifted it over ε.
    private double[][] Seen(double[][] trajectory)
    {
        var policy = Policy(_task);
        Sequence[] contexts = [.. from prompt in Enumerable.Range(0, _task.Prompts) from first in Enumerable.Range(0, _task.End) select new Sequence(prompt, [first, 0])];
        return [.. trajectory.Select(theta =>
        {
            using var pass = policy.Forward(theta, contexts);
            var pi = new TokenDistributions(pass.Logits, _task.Vocabulary);
            return Enumerable.Range(0, 2 * contexts.Length).SelectMany(k => pi.LogPi(k).ToArray()).ToArray();
        })];
    }

    private static double Distance(double[][] first, double[][] second) => first.Zip(second, Apart).Max();

    private static double Apart(double[] first, double[] second) => first.Zip(second, (one, other) => Math.Abs(one - other)).Max();

    private static double Bisect(Func<double, bool> below)
    {
        double low = -12, high = 0;
        for (int k = 0; k < 24; k++)
        {
            double middle = (low + high) / 2;
            (low, high) = below(Math.Pow(10, middle)) ? (middle, high) : (low, middle);
        }

        return Math.Pow(10, high);
    }

    private static SurrogateObjective WithKl(SurrogateObjective objective) => objective with { Regularisers = [new KlPenalty(KlEstimator.K3, 0.04)] };
}

/// <summary>What a row of the scale confirmation trains with.</summary>
/// <param name="Name">What the objective is called.</param>
/// <param name="Objective">The objective.</param>
/// <param name="Optimizer">The optimizer.</param>
public sealed record ScaleSetting(string Name, SurrogateObjective Objective, Optimizer Optimizer);
