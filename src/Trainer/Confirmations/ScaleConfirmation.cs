using System.Collections.Immutable;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;

namespace GroupRL.Trainer;

/// <summary>A run on aR beside the run on R, and beside the twin's.</summary>
/// <param name="Scale">a.</param>
/// <param name="Distance">max ‖θ_k(aR) − θ_k(R)‖∞ over the steps, in units of how far the run on R came; ∞ where one leaves float64.</param>
/// <param name="Predicted">The same of the twin on R: no scaled reward enters it. NaN where there is no twin.</param>
/// <param name="FromTwin">The same between the run on aR and the twin's on R.</param>
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
/// <param name="Predicted">The a at which the gradients of the run on R, replayed with ε/a, bring θ half as far; no scaled reward enters it.</param>
/// <param name="Measured">The a at which the run on aR comes half as far as the run on R.</param>
public sealed record EdgeRow(string Optimizer, double Predicted, double Measured);

/// <summary>
/// The second finding of arXiv:2601.05002 in training: what a factor on all rewards does to the way that a policy takes. Runs differ in the
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

    /// <summary>The settings, one a row; matrix optimizers where the policy's parameters are a matrix.</summary>
    public ImmutableArray<ScaleSetting> Settings =>
    [
        .. from optimizer in Optimizers
           from objective in s_objectives
           where optimizer.TakesVectors || Policy(_task).Matrix is not null
           select new ScaleSetting(objective.Name, objective.Objective, optimizer),
    ];

    private static ImmutableArray<Optimizer> Optimizers =>
    [
        OptimizerCatalogue.Sgd.With(0.5), OptimizerCatalogue.ClippedSgd.With(0.5), OptimizerCatalogue.AdamW.With(0.01), OptimizerCatalogue.Lion.With(0.01), OptimizerCatalogue.Muon.With(0.02),
    ];

    /// <summary>Runs a setting on R and on every aR, and its twins on R.</summary>
    public ScaleRow Run(ScaleSetting setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        var training = new Training(setting.Objective, setting.Optimizer);
        var (kind, because) = EndToEndScale.ClassOf(training);
        double[][] plain = Way(training, 1) ?? throw InvalidInputException.Because($"{setting.Name} under {setting.Optimizer.Id} leaves float64 on unscaled rewards.");
        double reach = plain.Max(theta => Apart(theta, plain[0]));
        return new(setting.Name, setting.Optimizer.Id, kind, because, setting.Optimizer.Link<Direction>() is ScaleByLion or ScaleBySign, [.. s_scales.Select(scale =>
        {
            double[][]? scaled = Way(training, scale), twin = EndToEndScale.Twin(training, scale) is { } known ? Way(known, 1) : null;
            return new ScaledRun(scale, Distance(scaled, plain) / reach, Distance(twin, plain) / reach, Distance(scaled, twin) / reach);
        })]);
    }

    /// <summary>Finds where ε begins to matter to <paramref name="optimizer"/> under a std-free objective, by bisection of log a.</summary>
    public EdgeRow Edge(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        var training = new Training(Catalogue.DrGrpo, optimizer);
        List<InnerStep> history = [];
        double[][] plain = Way(training, 1, history.Add)!;
        double half = Apart(plain[^1], plain[0]) / 2;
        return new(optimizer.Id, Bisect(scale => Replayed(scale) < half), Bisect(scale => Apart(Way(training, scale)![^1], plain[0]) < half));

        // The steps that the same gradients give under ε/a.
        double Replayed(double scale)
        {
            var under = optimizer.Under(scale, step: 1)!.Value.Optimizer;
            var state = Run(training, 1).Initial().Optimizer;
            double[] theta = plain[0];
            foreach (var step in history)
            {
                var next = under.Step(state, theta, [.. step.Gradient.Select(g => 0 - g)]);
                (state, theta) = (next.State, next.Theta);
            }

            return Apart(theta, plain[0]);
        }
    }

    /// <summary>Sets the rows beside what the theory says of them.</summary>
    public static Confirmation<ScaleRow> Judge(IReadOnlyList<ScaleRow> rows, IReadOnlyList<EdgeRow> edges)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(edges);
        var findings = rows.SelectMany(row => OfRow(row)).ToList();
        findings.AddRange(edges.Select(edge => new Finding(
            FormattableString.Invariant($"dr-grpo under {edge.Optimizer}: θ comes half as far at a = {edge.Predicted:G3}, where a·√v̂ has come down to ε"),
            FormattableString.Invariant($"a = {edge.Measured:G3}"),
            edge.Measured / edge.Predicted is > 0.5 and < 2)));
        return new([.. rows], [.. findings]);
    }

    private static IEnumerable<Finding> OfRow(ScaleRow row)
    {
        string who = $"{row.Objective} under {row.Optimizer}";
        var dyadic = row.Runs.Where(run => run.Dyadic).ToArray();
        double larger = dyadic.Where(run => run.Scale > 1).Select(run => run.Distance).DefaultIfEmpty().Max();
        string distances = string.Join(", ", dyadic.Select(run => FormattableString.Invariant($"{run.Distance:G3}")));
        Finding? size = row switch
        {
            { Class: ScaleClass.Exact } => new($"{who}: exact ({row.Because}), at a = 2ᵏ to the bit", $"distances {distances}", dyadic.All(run => run.Distance == 0)),
            { Class: ScaleClass.Sensitive } => new($"{who}: sensitive ({row.Because})", $"distances {distances}", dyadic.All(run => run.Distance > Sensitive)),
            // A sign makes a whole step of an ε: nothing follows for the distance, only that it is the twin's.
            { Jumps: true } => null,
            _ => new(
                $"{who}: up to an ε ({row.Because}): a larger a changes next to nothing, and less than one that brings the gradients down to it",
                $"distances {distances}",
                larger < Math.Min(Sensitive, dyadic.MinBy(run => run.Scale)!.Distance)),
        };
        if (size is not null)
            yield return size;
        var twins = row.Runs.Where(run => !double.IsNaN(run.Predicted)).ToArray();
        if (row.Class != ScaleClass.Exact && twins.Length > 0)
        {
            yield return new(
                $"{who}: the way on aR is that of the twin on R, constants over a, at a = 2ᵏ to the bit",
                FormattableString.Invariant($"apart by at most {twins.Where(run => run.Dyadic).Max(run => run.FromTwin):G3}"),
                twins.Where(run => run.Dyadic).All(run => run.FromTwin == 0));
        }
    }

    // Half a percent of the way: what no rounding and no ε of the catalogue gives.
    private const double Sensitive = 0.005;

    private TrainingRun Run(Training training, double scale) => new(_task, Policy(_task), training.Objective, training.Optimizer) { Seed = Seed, RewardScale = scale };

    // θ₀ … θ_n; null where the run leaves float64.
    private double[][]? Way(Training training, double scale, Action<InnerStep>? observe = null)
    {
        var run = Run(training, scale);
        var state = run.Initial();
        List<double[]> way = [state.Theta];
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                state = run.Step(state, observe).State;
                way.Add(state.Theta);
            }
        }
        catch (InvalidInputException)
        {
            return null;
        }

        return [.. way];
    }

    private static double Distance(double[][]? first, double[][]? second) => (first, second) switch
    {
        (null, null) => 0,
        ({ } one, { } other) => one.Zip(other, Apart).Max(),
        _ => double.PositiveInfinity,
    };

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
