using System.Globalization;
using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl map CLAIM</c>: over which settings what a claim states is large or small.</summary>
internal sealed class MapCommand(Terminal terminal, bool json)
{
    private const string Schema = "grouprl-map/1";
    private const int LongestHistory = 1000;

    private static readonly double[] s_passed = [0.01, 0.5];

    private static readonly (double Beta1, double Beta2)[] s_betas = [(0.9, 0.999), (0.9, 0.95)];

    private static readonly OvershootSetting[] s_coarse = Settings(s_betas, [0.01, 0.1], [8, 32], [0.2, 0.28]);

    private static readonly OvershootSetting[] s_fine = Settings(
        [.. s_betas, (0.5, 0.999), (0, 0.999)], [0.001, 0.003, 0.01, 0.03, 0.1], [4, 8, 16, 32, 64, 128], [0.1, 0.2, 0.28]);

    private readonly Report _report = new(terminal);

    /// <summary>Maps a claim; <paramref name="optimizer"/> is for those about scale.</summary>
    public int Run(string claim, Optimizer? optimizer, bool fine)
    {
        Claim[] scale = [Scale.AdamEpsilonIdentity, Scale.AdamScaleDeviation], overshoot = [Overshoot.Strict, Overshoot.MomentumTail];
        if (scale.Any(known => known.Id == claim))
            MapScale(claim, optimizer ?? OptimizerCatalogue.AdamW, fine);
        else if (!overshoot.Any(known => known.Id == claim))
            throw InvalidInputException.Because($"{claim} has no map; {string.Join(", ", scale.Concat(overshoot).Select(known => known.Id))} have one.");
        else if (optimizer is not null)
            throw InvalidInputException.Because($"{claim} has a map over Adam's own settings, so leave --optimizer out.");
        else
            MapOvershoot(claim, fine);
        return ExitCode.Kept;
    }

    private void MapScale(string claim, Optimizer optimizer, bool fine)
    {
        if (ScaleEdge.Missing(optimizer) is { } missing)
            throw new InvalidInputException(missing);
        double[] roots = fine ? Decades(-12, 24, 4) : Decades(-2, 4, 1);
        double[] factors = fine ? [.. Decades(-4, 4, 1).Where(a => a != 1)] : [0.01, 0.1, 10, 100];
        var points = ScaleEdge.Map(optimizer, roots, factors);
        double epsilon = optimizer.Link<Guarded>()!.Epsilon;
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = Schema,
                ["claim"] = claim,
                ["optimizer"] = optimizer.Id,
                ["epsilon"] = epsilon,
                ["points"] = new JsonArray([.. points.Select(point => new JsonObject
                {
                    ["root_over_epsilon"] = point.Root,
                    ["factor"] = point.Factor,
                    ["predicted"] = point.Predicted,
                    ["measured"] = point.Measured,
                })]),
                ["contours"] = new JsonArray([.. factors.SelectMany(a => s_passed.Select(passed => new JsonObject
                {
                    ["factor"] = a,
                    ["deviation"] = passed,
                    ["root_over_epsilon"] = ScaleEdge.Contour(passed, a),
                }))]),
            });
            return;
        }

        terminal.Output.WriteLine($"{claim}: u_a/u_1 − 1 = ε(a−1)/(a√v̂+ε), how {optimizer.Id}'s update (ε = {Text(epsilon)}) answers gradients scaled by a");
        var table = terminal.Table(["√v̂/ε", .. factors.Select(a => $"a = {Text(a)}")]);
        foreach (var line in points.GroupBy(point => point.Root))
            table.AddRow([Number(line.Key), .. line.Select(Cell)]);
        terminal.Write(table);
        terminal.Output.WriteLine("measured; with the closed form in brackets where the two differ by more than rounding");
        terminal.Output.WriteLine();
        var contours = terminal.Table(["deviation passes", .. s_passed.Select(passed => string.Create(CultureInfo.InvariantCulture, $"{passed:P0} below √v̂/ε ="))]);
        foreach (double a in factors)
            contours.AddRow([$"a = {Text(a)}", .. s_passed.Select(passed => ScaleEdge.Contour(passed, a) is { } root ? Number(root) : "never")]);
        terminal.Write(contours);
    }

    // A difference of quotients near 1 keeps a rounding of theirs.
    private static string Cell(ScaleEdgePoint point) => Math.Abs(point.Measured - point.Predicted) <= (1e-9 * Math.Abs(point.Predicted)) + 1e-14
        ? Text(point.Predicted)
        : $"{Text(point.Measured)} ({Text(point.Predicted)})";

    private void MapOvershoot(string claim, bool fine)
    {
        var points = terminal.Progress("map", "settings", fine ? s_fine : s_coarse, OvershootMap.Run);
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = Schema,
                ["claim"] = claim,
                ["limits"] = new JsonArray([.. s_betas.Select(betas => ToJson(new AdamBounds(betas.Beta1, betas.Beta2)))]),
                ["points"] = new JsonArray([.. points.Select(ToJson)]),
            });
            return;
        }

        terminal.Output.WriteLine($"{claim}: of Adam's decay rates alone, updates in units of η and further steps in units of the last one's");
        var limits = terminal.Table("β₁", "β₂", "U(∞)", "tail after 1 step", "largest tail", "after T steps", "tail after T → ∞", "(1 + tail)·U, T → ∞");
        foreach (var bounds in s_betas.Select(betas => new AdamBounds(betas.Beta1, betas.Beta2)))
        {
            var (t, total) = bounds.WorstTail(LongestHistory);
            limits.AddRow(
            [
                Number(bounds.Beta1), Number(bounds.Beta2), bounds.LargestUpdateLimit.ToString("G6", CultureInfo.InvariantCulture), Thousandths(bounds.TailTotal(1)), Thousandths(total),
                Number(t), Thousandths(bounds.TailTotalLimit), Thousandths(bounds.BracketLimit),
            ]);
        }

        terminal.Write(limits);
        terminal.Output.WriteLine();
        terminal.Output.WriteLine("a rare token of positive advantage at a node of two, N inner steps on one batch, Adam from a fresh state, clip range [1 − ε, 1 + ε]");
        var table = terminal.Table("β₁", "β₂", "η", "N", "ε", "largest ratio", "bound", "steps beyond", "share");
        foreach (var point in points)
        {
            var setting = point.Setting;
            table.AddRow(
            [
                .. new[] { setting.Beta1, setting.Beta2, setting.LearningRate, setting.InnerSteps, setting.Clip, point.LargestRatio, point.Bound, point.StepsBeyond }.Select(Number),
                string.Create(CultureInfo.InvariantCulture, $"{point.ShareBeyond:P0}"),
            ]);
        }

        terminal.Write(table);
        terminal.Output.WriteLine("bound = (1+ε)·exp(2η·max_T(1+tail_{N−T}(T))·U(T)); steps beyond began outside the clip region, where there is no gradient");
    }

    private static OvershootSetting[] Settings((double Beta1, double Beta2)[] betas, double[] rates, int[] steps, double[] clips) =>
    [
        .. from beta in betas
           from rate in rates
           from count in steps
           from clip in clips
           select new OvershootSetting(beta.Beta1, beta.Beta2, rate, count, clip),
    ];

    private static JsonObject ToJson(AdamBounds bounds)
    {
        var (t, total) = bounds.WorstTail(LongestHistory);
        return new()
        {
            ["beta1"] = bounds.Beta1,
            ["beta2"] = bounds.Beta2,
            ["largest_update"] = bounds.LargestUpdateLimit,
            ["tail_after_one_step"] = bounds.TailTotal(1),
            ["largest_tail"] = total,
            ["largest_tail_after"] = t,
            ["tail_limit"] = bounds.TailTotalLimit,
            ["bracket_limit"] = bounds.BracketLimit,
        };
    }

    private static JsonObject ToJson(OvershootPoint point) => new()
    {
        ["beta1"] = point.Setting.Beta1,
        ["beta2"] = point.Setting.Beta2,
        ["learning_rate"] = point.Setting.LearningRate,
        ["inner_steps"] = point.Setting.InnerSteps,
        ["clip"] = point.Setting.Clip,
        ["largest_ratio"] = point.LargestRatio,
        ["steps_beyond"] = point.StepsBeyond,
        ["share_beyond"] = point.ShareBeyond,
        ["bound"] = Report.ToJson(point.Bound),
    };

    // 10^(k/each) for k between the two.
    private static double[] Decades(int from, int to, int each) => [.. Enumerable.Range(from, to - from + 1).Select(k => Math.Pow(10, (double)k / each))];

    private static string Text(double value) => value.ToString("G3", CultureInfo.InvariantCulture);

    private static string Thousandths(double value) => value.ToString("F3", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);
}
