using System.Collections.Immutable;
using GroupRL.Optimizers;

namespace GroupRL.Properties.Optimizers;

/// <summary>
/// Faults of the links beyond Adam and momentum. Each rule is written out once more, in parts: right as it stands (the control), and
/// wrong where a mutant replaces a part.
/// </summary>
public static class LinkMutants
{
    private const string NAdamCurrent = "optim/nadam_current.json";
    private const string NAdamOld = "optim/nadam_torch_1_13_1.json";
    private const string RAdam = "optim/radam.json";
    private const string RmsProp = "optim/rmsprop.json";
    private const string Others = "optim/adagrad_adamax_adadelta.json";
    private const string Lion = "optim/lion.json";
    private const string Adafactor = "optim/adafactor.json";
    private const string Muon = "optim/muon.json";

    /// <summary>All faults.</summary>
    public static ImmutableArray<OptimizerMutant> All { get; } =
    [
        OfNAdam("nadam-mu-repeated-or-not", "μ_t enters the second product as often as in the other version.", a => OtherSettings(a with { RepeatedMu = !a.RepeatedMu })),
        OfNAdam("nadam-gradient-forgotten", "Only m steps.", a => NAdamRule(a, now: (_, _) => 0)),
        OfNAdam("nadam-look-ahead-forgotten", "μ_t stands for μ_{t+1}.", a => NAdamRule(a, next: t => a.Mu(t))),
        OfNAdam("nadam-mu-late", "μ counts one step too few.", a => NAdamRule(a, mu: t => a.Mu(t - 1))),
        OfNAdam("nadam-mu-constant", "μ is β₁.", a => NAdamRule(a, mu: _ => a.Beta1, next: _ => a.Beta1)),
        OfNAdam("nadam-square-uncorrected", "v is not divided by 1 − β₂ᵗ.", a => NAdamRule(a, squareMass: _ => 1)),
        OfNAdam("nadam-epsilon-inside-root", "ε stands inside the root.", a => NAdamRule(a, root: v => Math.Sqrt(v + a.Epsilon))),
        OfNAdam("nadam-betas-swapped", "β₁ and β₂ change places.", a => OtherSettings(a with { Beta1 = a.Beta2, Beta2 = a.Beta1 })),

        OfRAdam("radam-threshold-of-the-paper", "It adapts from ρ = 4 on.", a => RAdamRule(a, threshold: 4)),
        OfRAdam("radam-always-adapts", "The first steps are divided, too.", a => RAdamRule(a, threshold: 0, rectified: (_, _) => 1)),
        OfRAdam("radam-unrectified", "r is left out.", a => RAdamRule(a, rectified: (_, _) => 1)),
        OfRAdam("radam-rectification-off-by-one", "r is that of the next step.", a => RAdamRule(a, rectified: (t, _) => a.Rectification(t + 1) ?? 1)),
        OfRAdam("radam-epsilon-corrected", "ε is added after the bias correction, as in Adam.", a => RAdamRule(a, root: (v, mass) => Math.Sqrt(v / mass) + a.Epsilon)),
        OfRAdam("radam-betas-swapped", "β₁ and β₂ change places.", a => OtherSettings(a with { Beta1 = a.Beta2, Beta2 = a.Beta1 })),

        OfRms("rmsprop-epsilon-inside-root", "ε stands inside the root.", a => RmsRule(a, root: v => Math.Sqrt(v + a.Epsilon))),
        OfRms("rmsprop-corrected", "v is divided by 1 − αᵗ at the first step.", a => RmsRule(a, fresh: (v, past) => past == 0 ? v / (1 - a.Alpha) : v)),
        OfRms("rmsprop-alpha-swapped", "α and 1 − α change places.", a => OtherSettings(a with { Alpha = 1 - a.Alpha })),
        OfRms("rmsprop-centred-or-not", "The mean's square is taken off, or left, when it must not be.", a => OtherSettings(a with { Centered = !a.Centered })),
        OfRms("rmsprop-momentum-forgotten", "The buffer is left out.", a => a.Momentum > 0 ? OtherSettings(a with { Momentum = 0 }) : null),
        OfRms("rmsprop-momentum-averaged", "b adds q with the weight 1 − μ.", a => a.Momentum > 0 ? RmsRule(a, weight: 1 - a.Momentum) : null),

        OfAdagrad("adagrad-forgets", "The sum decays.", a => AdagradRule(a, keep: 0.9)),
        OfAdagrad("adagrad-sums-sizes", "|g| is summed instead of g².", a => AdagradRule(a, term: Math.Abs)),
        OfAdagrad("adagrad-rate-decays-early", "The first step's rate has decayed.", a => a.RateDecay > 0 ? AdagradRule(a, late: 1) : null),
        OfAdagrad("adagrad-rate-constant", "The rate does not decay.", a => a.RateDecay > 0 ? OtherSettings(a with { RateDecay = 0 }) : null),
        OfAdagrad("adagrad-epsilon-inside-root", "ε stands inside the root.", a => AdagradRule(a, root: s => Math.Sqrt(s + a.Epsilon))),

        OfAdamax("adamax-epsilon-outside", "ε is added to the maximum.", a => AdamaxRule(a, norm: (n, g) => Math.Max(a.Beta2 * n, Math.Abs(g)), outside: a.Epsilon)),
        OfAdamax("adamax-mean-uncorrected", "m is not divided by 1 − β₁ᵗ.", a => AdamaxRule(a, mass: _ => 1)),
        OfAdamax("adamax-norm-corrected", "The maximum is bias-corrected.", a => AdamaxRule(a, mass: t => (1 - Math.Pow(a.Beta1, t)) / (1 - Math.Pow(a.Beta2, t)))),
        OfAdamax("adamax-never-forgets", "The maximum does not decay.", a => AdamaxRule(a, norm: (n, g) => Math.Max(n, Math.Abs(g) + a.Epsilon))),
        OfAdamax("adamax-betas-swapped", "β₁ and β₂ change places.", a => OtherSettings(a with { Beta1 = a.Beta2, Beta2 = a.Beta1 })),

        OfAdadelta("adadelta-epsilon-outside", "ε stands outside the roots.", a => AdadeltaRule(a, root: x => Math.Sqrt(x) + a.Epsilon)),
        OfAdadelta("adadelta-rho-swapped", "ρ and 1 − ρ change places.", a => OtherSettings(a with { Rho = 1 - a.Rho })),
        OfAdadelta("adadelta-averages-sizes", "w averages |u| instead of u².", a => AdadeltaRule(a, moved: Math.Abs)),
        OfAdadelta("adadelta-forgets-its-steps", "w stays at 0.", a => AdadeltaRule(a, moved: _ => 0)),

        OfLion("lion-betas-swapped", "β₁ and β₂ change places.", a => OtherSettings(a with { Beta1 = a.Beta2, Beta2 = a.Beta1 })),
        OfLion("lion-memory-first", "m is updated before the step looks at it.", a => LionRule(a, (m, next, g) => (a.Beta1 * next) + ((1 - a.Beta1) * g))),
        OfLion("lion-steps-on-memory", "The sign of m_t is the step.", a => LionRule(a, (_, next, _) => next)),
        OfLion("lion-without-memory", "The sign of g is the step.", a => LionRule(a, (_, _, g) => g)),
        OfLion("lion-without-sign", "The average itself is the step.", a => LionRule(a, (m, _, g) => (a.Beta1 * m) + ((1 - a.Beta1) * g), sign: x => x)),

        // No library's runs are recorded: claims and hands must notice.
        OfSign("signum-of-gradient", "The sign of g is the step.", (a, state, u) => (Remembered(a, state, u), [.. u.Select(g => (double)Math.Sign(g))])),
        OfSign("signum-remembers-signs", "m averages signs.", (a, state, u) => Signed(a, state, [.. u.Select(g => (double)Math.Sign(g))])),
        OfSign("signum-without-sign", "The average itself is the step.", (a, state, u) => (Remembered(a, state, u), [.. Remembered(a, state, u).Mean])),

        OfAdafactor("adafactor-unclipped", "U is not clipped.", a => AdafactorRule(a, clip: _ => 1)),
        OfAdafactor("adafactor-unscaled", "The step ignores the size of θ.", a => AdafactorRule(a, scale: _ => 1)),
        OfAdafactor("adafactor-weight-of-the-next-step", "w counts one step too many.", a => AdafactorRule(a, weight: t => Math.Pow(t + 1, -a.MomentDecay))),
        OfAdafactor("adafactor-square-without-root", "g is divided by v instead of its root.", a => AdafactorRule(a, root: v => v)),
        OfAdafactor("adafactor-unfactored", "A matrix keeps its full second moment.", a => AdafactorRule(a, factored: false)),
        OfAdafactor("adafactor-columns-ignored", "v is the row's mean.", a => AdafactorRule(a, estimate: (r, _, _) => r)),
        OfAdafactor("adafactor-unnormalised", "R Cᵀ is not divided by its mean.", a => AdafactorRule(a, estimate: (r, c, _) => r * c)),

        OfMuon("muon-buffer-summed", "B = μB + G, as torch's docstring prints.", a => MuonRule(a, weight: 1)),
        OfMuon("muon-nesterov-or-not", "It looks ahead where it must not, or does not where it must.", a => OtherSettings(a with { Nesterov = !a.Nesterov })),
        OfMuon("muon-four-iterations", "One iteration is missing.", a => MuonRule(a, iterations: 4)),
        OfMuon("muon-cubic", "The polynomial is that of Newton and Schulz, 1.5x − 0.5x³.", a => MuonRule(a, coefficients: [1.5, -0.5, 0])),
        OfMuon("muon-unnormalised", "The matrix keeps its norm.", a => MuonRule(a, norm: _ => 1)),
        OfMuon("muon-largest-entry", "The matrix is divided by its largest entry.", a => MuonRule(a, norm: u => u.Max(Math.Abs))),
        OfMuon("muon-shape-ignored", "The step does not depend on the shape.", a => MuonRule(a, factor: _ => 1)),
        OfMuon("muon-shape-inverted", "Columns stand over rows.", a => MuonRule(a, factor: s => Math.Sqrt((double)s.Columns / s.Rows))),
    ];

    /// <summary>The link made of parts without a fault; null for the links of other files.</summary>
    public static Transform? Control(Transform link) => link switch
    {
        ScaleByNAdam a => new SpoiledNAdam(a, NAdamRule(a)),
        ScaleByRAdam a => new SpoiledRAdam(a, RAdamRule(a)),
        ScaleByRms a => new SpoiledRms(a, RmsRule(a)),
        ScaleByAdagrad a => new SpoiledAdagrad(a, AdagradRule(a)),
        ScaleByAdamax a => new SpoiledAdamax(a, AdamaxRule(a)),
        ScaleByAdadelta a => new SpoiledAdadelta(a, AdadeltaRule(a)),
        ScaleByLion a => new SpoiledLion(a, LionRule(a, (m, _, g) => (a.Beta1 * m) + ((1 - a.Beta1) * g))),
        ScaleByAdafactor a => new SpoiledAdafactor(a, AdafactorRule(a)),
        ScaleByMuon a => new SpoiledMuon(a, MuonRule(a)),
        _ => null,
    };

    private static OptimizerMutant OfNAdam(string id, string fault, Func<ScaleByNAdam, LinkRule> rule) =>
        Of<ScaleByNAdam>(id, fault, [NAdamCurrent, NAdamOld], a => new SpoiledNAdam(a, rule(a)));

    private static OptimizerMutant OfRAdam(string id, string fault, Func<ScaleByRAdam, LinkRule> rule) =>
        Of<ScaleByRAdam>(id, fault, [RAdam], a => new SpoiledRAdam(a, rule(a)));

    private static OptimizerMutant OfRms(string id, string fault, Func<ScaleByRms, LinkRule?> rule) =>
        Of<ScaleByRms>(id, fault, [RmsProp], a => rule(a) is { } spoiled ? new SpoiledRms(a, spoiled) : null);

    private static OptimizerMutant OfAdagrad(string id, string fault, Func<ScaleByAdagrad, LinkRule?> rule) =>
        Of<ScaleByAdagrad>(id, fault, [Others], a => rule(a) is { } spoiled ? new SpoiledAdagrad(a, spoiled) : null);

    private static OptimizerMutant OfAdamax(string id, string fault, Func<ScaleByAdamax, LinkRule> rule) =>
        Of<ScaleByAdamax>(id, fault, [Others], a => new SpoiledAdamax(a, rule(a)));

    private static OptimizerMutant OfAdadelta(string id, string fault, Func<ScaleByAdadelta, LinkRule> rule) =>
        Of<ScaleByAdadelta>(id, fault, [Others], a => new SpoiledAdadelta(a, rule(a)));

    private static OptimizerMutant OfLion(string id, string fault, Func<ScaleByLion, LinkRule> rule) =>
        Of<ScaleByLion>(id, fault, [Lion], a => new SpoiledLion(a, rule(a)));

    private static OptimizerMutant OfAdafactor(string id, string fault, Func<ScaleByAdafactor, LinkRule> rule) =>
        Of<ScaleByAdafactor>(id, fault, [Adafactor], a => new SpoiledAdafactor(a, rule(a)));

    private static OptimizerMutant OfMuon(string id, string fault, Func<ScaleByMuon, LinkRule> rule) =>
        Of<ScaleByMuon>(id, fault, [Muon], a => new SpoiledMuon(a, rule(a)));

    private static OptimizerMutant Of<T>(string id, string fault, ImmutableArray<string> files, Func<T, Transform?> spoil) where T : Transform =>
        OptimizerMutant.OfLink(id, fault, files, spoil);

    private static OptimizerMutant OfSign(
        string id, string fault, Func<ScaleBySign, TransformState, double[], (TransformState State, double[] Update)> rule) =>
        Of<ScaleBySign>(id, fault, [], a => new SpoiledSign(a, (state, u, _) => rule(a, state, u)));

    private static SignState Remembered(ScaleBySign a, TransformState state, double[] u) =>
        new([.. u.Select((g, j) => (a.Beta * ((SignState)state).Mean[j]) + ((1 - a.Beta) * g))]);

    private static (TransformState State, double[] Update) Signed(ScaleBySign a, TransformState state, double[] u)
    {
        SignState next = Remembered(a, state, u);
        return (next, [.. next.Mean.Select(m => (double)Math.Sign(m))]);
    }

    // The right rule at other settings than those that are said.
    private static LinkRule OtherSettings(Transform other) => (state, u, theta) => other.Apply(state, u, theta);

    private static LinkRule NAdamRule(
        ScaleByNAdam a,
        Func<int, double>? mu = null,
        Func<int, double>? next = null,
        Func<double, double, double>? now = null,
        Func<int, double>? squareMass = null,
        Func<double, double>? root = null) => (state, u, _) =>
    {
        var past = (NAdamState)state;
        int t = past.Step + 1;
        double here = (mu ?? a.Mu)(t), then = next is null ? (mu ?? a.Mu)(t + 1) : next(t), product = past.MuProduct * here;
        double weight = now is null ? (1 - here) / (1 - product) : now(here, product);
        double ahead = then / (1 - (product * then * (a.RepeatedMu ? here : 1)));
        double mass = squareMass is null ? 1 - Math.Pow(a.Beta2, t) : squareMass(t);
        double[] mean = [.. u.Select((g, j) => (a.Beta1 * past.Mean[j]) + ((1 - a.Beta1) * g))];
        double[] square = [.. u.Select((g, j) => (a.Beta2 * past.Square[j]) + ((1 - a.Beta2) * g * g))];
        return (
            new NAdamState(t, product, [.. mean], [.. square]),
            [.. u.Select((g, j) => Ratio((weight * g) + (ahead * mean[j]), root is null ? Math.Sqrt(square[j] / mass) + a.Epsilon : root(square[j] / mass)))]);
    };

    private static LinkRule RAdamRule(
        ScaleByRAdam a, double threshold = 5, Func<int, double, double>? rectified = null, Func<double, double, double>? root = null) => (state, u, _) =>
    {
        var past = (RAdamState)state;
        int t = past.Step + 1;
        double longest = (2 / (1 - a.Beta2)) - 1, power = Math.Pow(a.Beta2, t), length = longest - (2 * t * power / (1 - power));
        double r = rectified is null
            ? Math.Sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
            : rectified(t, length);
        double[] mean = [.. u.Select((g, j) => (a.Beta1 * past.Mean[j]) + ((1 - a.Beta1) * g))];
        double[] square = [.. u.Select((g, j) => (a.Beta2 * past.Square[j]) + ((1 - a.Beta2) * g * g))];
        return (
            new RAdamState(t, [.. mean], [.. square]),
            [
                .. mean.Select((m, j) =>
                {
                    double corrected = m / (1 - Math.Pow(a.Beta1, t)), under = root is null
                        ? (Math.Sqrt(square[j]) + a.Epsilon) / Math.Sqrt(1 - power)
                        : root(square[j], 1 - power);
                    return length > threshold ? Ratio(corrected * r, under) : corrected;
                }),
            ]);
    };

    private static LinkRule RmsRule(
        ScaleByRms a, Func<double, double>? root = null, Func<double, double, double>? fresh = null, double weight = 1) => (state, u, _) =>
    {
        var past = (RmsState)state;
        double[] square = [.. u.Select((g, j) => (a.Alpha * past.Square[j]) + ((1 - a.Alpha) * g * g))];
        double[] mean = [.. u.Select((g, j) => (a.Alpha * past.Mean[j]) + ((1 - a.Alpha) * g))];
        double[] step =
        [
            .. u.Select((g, j) =>
            {
                double v = (fresh is null ? square[j] : fresh(square[j], past.Square[j])) - (a.Centered ? mean[j] * mean[j] : 0);
                return (a.Momentum * past.Buffer[j]) + (weight * Ratio(g, root is null ? Math.Sqrt(v) + a.Epsilon : root(v)));
            }),
        ];
        return (new RmsState([.. square], [.. mean], a.Momentum == 0 ? past.Buffer : [.. step]), step);
    };

    private static LinkRule AdagradRule(
        ScaleByAdagrad a, double keep = 1, Func<double, double>? term = null, int late = 0, Func<double, double>? root = null) => (state, u, _) =>
    {
        var past = (AdagradState)state;
        double[] sum = [.. u.Select((g, j) => (keep * past.Sum[j]) + (term is null ? g * g : term(g)))];
        double shrink = 1 + ((past.Step + late) * a.RateDecay);
        return (
            new AdagradState(past.Step + 1, [.. sum]),
            [.. u.Select((g, j) => Ratio(g, root is null ? Math.Sqrt(sum[j]) + a.Epsilon : root(sum[j])) / shrink)]);
    };

    private static LinkRule AdamaxRule(
        ScaleByAdamax a, Func<double, double, double>? norm = null, Func<int, double>? mass = null, double outside = 0) => (state, u, _) =>
    {
        var past = (AdamaxState)state;
        int t = past.Step + 1;
        double[] mean = [.. u.Select((g, j) => (a.Beta1 * past.Mean[j]) + ((1 - a.Beta1) * g))];
        double[] norms = [.. u.Select((g, j) => norm is null ? Math.Max(a.Beta2 * past.Norm[j], Math.Abs(g) + a.Epsilon) : norm(past.Norm[j], g))];
        double divisor = mass is null ? 1 - Math.Pow(a.Beta1, t) : mass(t);
        return (new AdamaxState(t, [.. mean], [.. norms]), [.. mean.Select((m, j) => Ratio(m / divisor, norms[j] + outside))]);
    };

    private static LinkRule AdadeltaRule(ScaleByAdadelta a, Func<double, double>? root = null, Func<double, double>? moved = null) => (state, u, _) =>
    {
        var past = (AdadeltaState)state;
        Func<double, double> under = root ?? (x => Math.Sqrt(x + a.Epsilon));
        double[] square = [.. u.Select((g, j) => (a.Rho * past.Square[j]) + ((1 - a.Rho) * g * g))];
        double[] step = [.. u.Select((g, j) => Ratio(under(past.Moved[j]) * g, under(square[j])))];
        return (new AdadeltaState([.. square], [.. step.Select((d, j) => (a.Rho * past.Moved[j]) + ((1 - a.Rho) * (moved is null ? d * d : moved(d))))]), step);
    };

    // (m_{t−1}, m_t, g) ↦ what the sign is taken of.
    private static LinkRule LionRule(ScaleByLion a, Func<double, double, double, double> average, Func<double, double>? sign = null) => (state, u, _) =>
    {
        var past = (SignState)state;
        double[] next = [.. u.Select((g, j) => (a.Beta2 * past.Mean[j]) + ((1 - a.Beta2) * g))];
        return (
            new SignState([.. next]),
            [.. u.Select((g, j) => average(past.Mean[j], next[j], g) is var x && sign is null ? Math.Sign(x) : sign!(x))]);
    };

    private static LinkRule AdafactorRule(
        ScaleByAdafactor a,
        Func<double, double>? clip = null,
        Func<double, double>? scale = null,
        Func<int, double>? weight = null,
        Func<double, double>? root = null,
        Func<double, double, double, double>? estimate = null,
        bool factored = true) => (state, u, theta) =>
    {
        var past = (AdafactorState)state;
        var (rows, columns) = (past.Shape.Rows, past.Shape.Columns);
        int t = past.Step + 1;
        double w = weight is null ? Math.Pow(t, -a.MomentDecay) : weight(t);
        double[] squares = [.. u.Select(g => g * g)];
        // Unfactored, rows have room for every entry once the state has forgotten its first size.
        double[] byRow = factored ? [.. squares.Chunk(columns).Select(row => row.Average())] : squares;
        double[] byColumn = past.Shape.IsMatrix ? [.. Enumerable.Range(0, columns).Select(c => squares.Where((_, j) => j % columns == c).Average())] : [];
        double[] r = [.. byRow.Select((x, i) => ((1 - w) * (i < past.Rows.Length ? past.Rows[i] : 0)) + (w * x))];
        double[] k = [.. byColumn.Select((x, i) => ((1 - w) * past.Columns[i]) + (w * x))];
        double mean = r.Average();
        double[] step =
        [
            .. u.Select((g, j) =>
            {
                double v = !past.Shape.IsMatrix || !factored ? r[j]
                    : estimate is null ? r[j / columns] * k[j % columns] / Math.Max(mean, a.Epsilon)
                    : estimate(r[j / columns], k[j % columns], mean);
                double floored = Math.Max(v, a.Epsilon * a.Epsilon);
                return Ratio(g, root is null ? Math.Sqrt(floored) : root(floored));
            }),
        ];
        double rms = Math.Sqrt(step.Average(x => x * x)), size = Math.Sqrt(theta.Average(x => x * x));
        double factor = (scale is null ? Math.Max(a.SmallestScale, size) : scale(size)) * Math.Min(1, Math.Sqrt(a.Horizon / t))
            / (clip is null ? Math.Max(1, rms / a.ClipThreshold) : clip(rms));
        return (new AdafactorState(t, past.Shape, [.. r], [.. k]), [.. step.Select(x => factor * x)]);
    };

    private static LinkRule MuonRule(
        ScaleByMuon a,
        double? weight = null,
        int iterations = ScaleByMuon.Iterations,
        double[]? coefficients = null,
        Func<double[], double>? norm = null,
        Func<ParameterShape, double>? factor = null) => (state, u, _) =>
    {
        var past = (MuonState)state;
        var (rows, columns) = (past.Shape.Rows, past.Shape.Columns);
        double[] c = coefficients ?? [.. ScaleByMuon.Coefficients];
        double[] buffer = [.. u.Select((g, j) => (a.Mu * past.Buffer[j]) + ((weight ?? (1 - a.Mu)) * g))];
        double[] ahead = a.Nesterov ? [.. u.Select((g, j) => ((1 - a.Mu) * g) + (a.Mu * buffer[j]))] : buffer;
        double size = norm is null ? Math.Max(Math.Sqrt(ahead.Sum(x => x * x)), a.Epsilon) : norm(ahead);
        double[] x = [.. ahead.Select(value => value == 0 ? 0 : value / size)];
        for (int i = 0; i < iterations; i++)
        {
            // Without transposing: aX + (bA + cA²)X is the same as aX + X(bB + cB²), B = XᵀX.
            double[] cube = Times(Times(x, Transposed(x, rows, columns), rows, columns, rows), x, rows, rows, columns);
            double[] fifth = Times(Times(x, Transposed(x, rows, columns), rows, columns, rows), cube, rows, rows, columns);
            x = [.. x.Select((value, j) => (c[0] * value) + (c[1] * cube[j]) + (c[2] * fifth[j]))];
        }

        double adjusted = factor is not null ? factor(past.Shape)
            : a.Adjustment == MuonAdjustment.Original ? Math.Sqrt(Math.Max(1, (double)rows / columns))
            : 0.2 * Math.Sqrt(Math.Max(rows, columns));
        return (past with { Buffer = [.. buffer] }, [.. x.Select(value => value * adjusted)]);
    };

    private static double[] Transposed(double[] x, int rows, int columns) =>
        [.. Enumerable.Range(0, x.Length).Select(j => x[(j % rows * columns) + (j / rows)])];

    // [n, m] times [m, l].
    private static double[] Times(double[] left, double[] right, int n, int m, int l) =>
        [.. Enumerable.Range(0, n * l).Select(j => Enumerable.Range(0, m).Sum(k => left[(j / l * m) + k] * right[(k * l) + (j % l)]))];

    private static double Ratio(double n, double d) => n == 0 ? 0 : n / d;
}
