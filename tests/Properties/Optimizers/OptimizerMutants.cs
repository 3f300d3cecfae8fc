using System.Collections.Immutable;
using GroupRL.Optimizers;

namespace GroupRL.Properties.Optimizers;

/// <summary>
/// A fault that can be put into any optimizer with the right kind of link. The faulty link keeps the right one's type and
/// settings, so claims that read <see cref="Optimizer.Adam"/> and the like still apply, and must notice.
/// </summary>
/// <param name="Id">The name in test rows.</param>
/// <param name="Fault">What is wrong, in words.</param>
/// <param name="Files">The golden files each of which has a run that rejects it.</param>
/// <param name="Spoil">The faulty chain, or null where the right chain has nothing to spoil.</param>
public sealed record OptimizerMutant(
    string Id,
    string Fault,
    ImmutableArray<string> Files,
    Func<ImmutableArray<Transform>, ImmutableArray<Transform>?> Spoil)
{
    /// <summary>The faulty twin, or null where the fault does not apply.</summary>
    public Optimizer? Of(Optimizer right)
    {
        ArgumentNullException.ThrowIfNull(right);
        return Spoil(right.Chain) is { } chain ? right with { Id = $"{right.Id}!{Id}", Chain = chain } : null;
    }

    /// <summary>A fault of one type of link.</summary>
    public static OptimizerMutant OfLink<T>(string id, string fault, ImmutableArray<string> files, Func<T, Transform?> spoil)
        where T : Transform => new(id, fault, files, chain => OnLinks<T>(chain, (link, _) => spoil(link)));

    /// <summary>The chain with every link of the type spoiled; null where that changes none.</summary>
    public static ImmutableArray<Transform>? OnLinks<T>(ImmutableArray<Transform> chain, Func<T, int, Transform?> spoil)
        where T : Transform
    {
        ImmutableArray<Transform> spoiled = [.. chain.Select((link, i) => link is T right ? spoil(right, i) ?? link : link)];
        return spoiled.SequenceEqual(chain) ? null : spoiled;
    }
}

/// <summary>One fault for each part of each link: every one of them must be noticed.</summary>
public static class OptimizerMutants
{
    private const string Sgd = "optim/sgd.json";
    private const string Adam = "optim/adam.json";
    private const string AdamW = "optim/adamw.json";
    private const string Clip = "optim/clip_grad_norm.json";

    private static readonly ImmutableArray<string> s_coupled =
    [
        "optim/nadam_current.json", "optim/nadam_torch_1_13_1.json", "optim/radam.json", "optim/rmsprop.json", "optim/adagrad_adamax_adadelta.json",
    ];

    private static readonly ImmutableArray<string> s_decoupled = ["optim/lion.json", "optim/adafactor.json", "optim/muon.json"];

    private static readonly ImmutableArray<string> s_decayed = [.. s_coupled, .. s_decoupled];

    /// <summary>Adam as it should be, made of parts: the control, and what the mutants change one part of.</summary>
    public static AdamParts RightAdam { get; } = new();

    /// <summary>Momentum as it should be, made of parts.</summary>
    public static MomentumParts RightMomentum { get; } = new();

    /// <summary>All mutants.</summary>
    public static ImmutableArray<OptimizerMutant> All { get; } =
    [
        OfAdam("adam-betas-swapped", "β₁ and β₂ change places.", RightAdam with
        {
            Mean = (a, m, g) => (a.Beta2 * m) + ((1 - a.Beta2) * g),
            Square = (a, v, g) => (a.Beta1 * v) + ((1 - a.Beta1) * g * g),
            MeanMass = (a, t) => 1 - Math.Pow(a.Beta2, t),
            SquareMass = (a, t) => 1 - Math.Pow(a.Beta1, t),
        }),
        OfAdam("adam-mean-uncorrected", "m is not divided by 1 − β₁ᵗ.", RightAdam with { MeanMass = (_, _) => 1 }),
        OfAdam("adam-square-uncorrected", "v is not divided by 1 − β₂ᵗ.", RightAdam with { SquareMass = (_, _) => 1 }),
        OfAdam("adam-step-off-by-one", "The bias corrections count one step too many.", RightAdam with
        {
            MeanMass = (a, t) => 1 - Math.Pow(a.Beta1, t + 1),
            SquareMass = (a, t) => 1 - Math.Pow(a.Beta2, t + 1),
        }),
        OfAdam("adam-mean-summed", "m adds g with the weight 1 instead of 1 − β₁.", RightAdam with
        {
            Mean = (a, m, g) => (a.Beta1 * m) + g,
        }),
        OfAdam("adam-square-summed", "v adds g² with the weight 1 instead of 1 − β₂.", RightAdam with
        {
            Square = (a, v, g) => (a.Beta2 * v) + (g * g),
        }),
        OfAdam("adam-mean-forgotten", "g stands for m̂: no momentum (RMSprop).", RightAdam with
        {
            Mean = (_, _, g) => g,
            MeanMass = (_, _) => 1,
        }),
        OfAdam("adam-mean-reversed", "The past enters m with the wrong sign.", RightAdam with
        {
            Mean = (a, m, g) => (-a.Beta1 * m) + ((1 - a.Beta1) * g),
        }),
        OfAdam("adam-square-unsquared", "v averages |g| instead of g².", RightAdam with
        {
            Square = (a, v, g) => (a.Beta2 * v) + ((1 - a.Beta2) * Math.Abs(g)),
        }),
        OfAdam("adam-root-missing", "m̂ is divided by v̂ instead of its root.", RightAdam with
        {
            Quotient = (a, m, v, c1, c2) => Ratio(m / c1, (v / c2) + a.Epsilon),
        }),
        OfAdam("adam-epsilon-inside-root", "ε stands inside the root.", RightAdam with
        {
            Quotient = (a, m, v, c1, c2) => Ratio(m / c1, Math.Sqrt((v / c2) + a.Epsilon)),
        }),
        OfAdam("adam-epsilon-uncorrected", "ε is added before v's bias correction.", RightAdam with
        {
            Quotient = (a, m, v, c1, c2) => Ratio(m / c1, (Math.Sqrt(v) + a.Epsilon) / Math.Sqrt(c2)),
        }),
        OfAdam("adam-epsilon-missing", "There is no ε.", RightAdam with
        {
            Quotient = (_, m, v, c1, c2) => Ratio(m / c1, Math.Sqrt(v / c2)),
        }),
        OfAdam("adam-sign-flipped", "The direction points uphill.", RightAdam with
        {
            Quotient = (a, m, v, c1, c2) => -AdamParts.RightQuotient(a, m, v, c1, c2),
        }),
        OfAdam("amsgrad-forgotten", "The maximum is not taken.", RightAdam with
        {
            Peak = (_, _, v, _) => v,
        }, adam => adam.AmsGrad),
        OfAdam("amsgrad-of-corrected", "The maximum is taken over v̂ instead of v.", RightAdam with
        {
            Peak = (_, peak, v, c2) => Math.Max(peak, v / c2),
            Quotient = (a, m, v, c1, _) => AdamParts.RightQuotient(a, m, v, c1, 1),
        }, adam => adam.AmsGrad),

        OfMomentum("momentum-first-dampened", "b₁ = (1 − d) g₁ instead of g₁.", RightMomentum with
        {
            First = (p, g) => (1 - p.Dampening) * g,
        }, momentum => momentum.Dampening != 0),
        OfMomentum("momentum-undampened", "The dampening is ignored.", RightMomentum with
        {
            Next = (p, b, g) => (p.Mu * b) + g,
        }, momentum => momentum.Dampening != 0),
        OfMomentum("momentum-averaged", "b adds g with the weight 1 − μ instead of 1 − d.", RightMomentum with
        {
            Next = (p, b, g) => (p.Mu * b) + ((1 - p.Mu) * g),
        }),
        OfMomentum("momentum-reversed", "The past enters b with the wrong sign.", RightMomentum with
        {
            Next = (p, b, g) => (-p.Mu * b) + ((1 - p.Dampening) * g),
        }),
        OfMomentum("momentum-forgotten", "b = g: no momentum.", RightMomentum with { Next = (_, _, g) => g }),
        OfMomentum("nesterov-forgotten", "u = b instead of g + μb.", RightMomentum with
        {
            Ahead = (_, _, b, _) => b,
        }, momentum => momentum.Nesterov),
        OfMomentum("nesterov-looks-back", "u = g + μ b_{t−1} instead of g + μ b_t.", RightMomentum with
        {
            Ahead = (p, g, _, past) => g + (p.Mu * past),
        }, momentum => momentum.Nesterov),

        OptimizerMutant.OfLink<AddDecayedWeights>("decay-reversed", "The weights grow.", [Sgd, Adam, AdamW, .. s_decayed], decay =>
            new SpoiledDecay(decay, -decay.Lambda)),
        OptimizerMutant.OfLink<AddDecayedWeights>("decay-missing", "The weights do not decay.", [Sgd, Adam, AdamW, .. s_decayed], decay =>
            new SpoiledDecay(decay, 0)),
        new("decay-unscaled", "The decay per step is λ instead of ηλ (as the AdamW paper has it).", [AdamW, .. s_decoupled], chain =>
            chain[^1] is ScaleByLearningRate { Eta: > 0 and not 1 } rate && At<Direction>(chain) is var at and >= 0
                ? OptimizerMutant.OnLinks<AddDecayedWeights>(
                    chain, (decay, i) => i > at ? new SpoiledDecay(decay, decay.Lambda / rate.Eta) : null)
                : null),
        new("decay-coupled", "A decoupled decay enters the moments.", [AdamW, .. s_decoupled], chain =>
            At<Direction>(chain) is var direction and >= 0 && At<AddDecayedWeights>(chain) is var decay && decay > direction
                ? chain.RemoveAt(decay).Insert(direction, chain[decay])
                : null),
        new("decay-decoupled", "A coupled decay stays out of the memory.", [Sgd, Adam, .. s_coupled], chain =>
            At<Direction>(chain) is var direction && At<AddDecayedWeights>(chain) is var decay and >= 0 && decay < direction
                ? chain.RemoveAt(decay).Insert(direction, chain[decay])
                : null),

        OptimizerMutant.OfLink<ScaleByLearningRate>("rate-sign-flipped", "The step climbs the loss.", GoldenOptimizerRun.Files, rate =>
            new SpoiledRate(rate, rate.Eta)),
        OptimizerMutant.OfLink<ScaleByLearningRate>("rate-missing", "η is left out.", [.. GoldenOptimizerRun.Files.Remove(Clip)], rate =>
            new SpoiledRate(rate, -1)),

        OfClip("clip-without-delta", "δ is left out of the divisor.", (clip, u) =>
            Scale(u, Math.Min(1, clip.MaxNorm / ClipByGlobalNorm.Norm(u)))),
        OfClip("clip-always", "Short gradients are stretched to the norm as well.", (clip, u) =>
            Scale(u, clip.MaxNorm / (ClipByGlobalNorm.Norm(u) + clip.Delta))),
        OfClip("clip-never", "Nothing is clipped.", (_, u) => u),
        OfClip("clip-to-unit-norm", "Long gradients get the norm 1 instead of M.", (clip, u) =>
            ClipByGlobalNorm.Norm(u) + clip.Delta <= clip.MaxNorm ? u : Scale(u, 1 / (ClipByGlobalNorm.Norm(u) + clip.Delta))),
        OfClip("clip-squared-norm", "The root is left out of the norm.", (clip, u) =>
            Scale(u, Math.Min(1, clip.MaxNorm / (u.Sum(x => x * x) + clip.Delta)))),
        OfClip("clip-sum-norm", "The norm is Σ|g| instead of the root of Σg².", (clip, u) =>
            Scale(u, Math.Min(1, clip.MaxNorm / (u.Sum(Math.Abs) + clip.Delta)))),
        OfClip("clip-by-value", "Each coordinate is clipped on its own.", (clip, u) =>
            [.. u.Select(x => Math.Clamp(x, -clip.MaxNorm, clip.MaxNorm))]),

        .. LinkMutants.All,
    ];

    /// <summary>The mutant with this id.</summary>
    public static OptimizerMutant Find(string id) => All.Single(mutant => mutant.Id == id);

    private static OptimizerMutant OfAdam(string id, string fault, AdamParts parts, Func<ScaleByAdam, bool>? where = null) =>
        OptimizerMutant.OfLink<ScaleByAdam>(
            id,
            fault,
            [Adam, AdamW],
            adam => adam.Placement == EpsilonPlacement.OutsideRoot && (where is null || where(adam))
                ? new AdamOfParts(adam, parts)
                : null);

    private static OptimizerMutant OfMomentum(string id, string fault, MomentumParts parts, Func<Momentum, bool>? where = null) =>
        OptimizerMutant.OfLink<Momentum>(
            id, fault, [Sgd], momentum => where is null || where(momentum) ? new MomentumOfParts(momentum, parts) : null);

    private static OptimizerMutant OfClip(string id, string fault, Func<ClipByGlobalNorm, double[], double[]> rule) =>
        OptimizerMutant.OfLink<ClipByGlobalNorm>(id, fault, [Clip], clip => new SpoiledClip(clip, rule));

    private static int At<T>(ImmutableArray<Transform> chain) => chain.Select((link, i) => link is T ? i : -1).Max();

    private static double[] Scale(double[] vector, double by) => [.. vector.Select(x => x * by)];

    private static double Ratio(double m, double v) => m == 0 && v == 0 ? 0 : m / v;
}

/// <summary>Adam's rule in parts, each right as it stands: a mutant is the record <c>with</c> one part replaced.</summary>
public sealed record AdamParts
{
    /// <summary>(settings, m_{t−1}, g) ↦ m_t.</summary>
    public Func<ScaleByAdam, double, double, double> Mean { get; init; } = (a, m, g) => (a.Beta1 * m) + ((1 - a.Beta1) * g);

    /// <summary>(settings, v_{t−1}, g) ↦ v_t.</summary>
    public Func<ScaleByAdam, double, double, double> Square { get; init; } = (a, v, g) => (a.Beta2 * v) + ((1 - a.Beta2) * g * g);

    /// <summary>(settings, t) ↦ 1 − β₁ᵗ.</summary>
    public Func<ScaleByAdam, int, double> MeanMass { get; init; } = (a, t) => 1 - Math.Pow(a.Beta1, t);

    /// <summary>(settings, t) ↦ 1 − β₂ᵗ.</summary>
    public Func<ScaleByAdam, int, double> SquareMass { get; init; } = (a, t) => 1 - Math.Pow(a.Beta2, t);

    /// <summary>(settings, peak so far, v_t, 1 − β₂ᵗ) ↦ peak.</summary>
    public Func<ScaleByAdam, double, double, double, double> Peak { get; init; } = (_, peak, v, _) => Math.Max(peak, v);

    /// <summary>(settings, m, v or peak, 1 − β₁ᵗ, 1 − β₂ᵗ) ↦ u.</summary>
    public Func<ScaleByAdam, double, double, double, double, double> Quotient { get; init; } = RightQuotient;

    /// <summary>m̂/(√v̂ + ε), 0/0 = 0.</summary>
    public static double RightQuotient(ScaleByAdam adam, double m, double v, double meanMass, double squareMass)
    {
        ArgumentNullException.ThrowIfNull(adam);
        double denominator = (Math.Sqrt(v) / Math.Sqrt(squareMass)) + adam.Epsilon;
        return m == 0 && denominator == 0 ? 0 : m / meanMass / denominator;
    }
}

/// <summary>An Adam link that follows the given parts.</summary>
public sealed record AdamOfParts : ScaleByAdam
{
    private readonly AdamParts _parts;

    /// <summary>The settings of <paramref name="right"/>, the rule of <paramref name="parts"/>.</summary>
    public AdamOfParts(ScaleByAdam right, AdamParts parts) : base(right) => _parts = parts;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        AdamState past = Own<AdamState>(state);
        int t = past.Step + 1;
        double[] gradient = update.ToArray();
        double meanMass = _parts.MeanMass(this, t);
        double squareMass = _parts.SquareMass(this, t);
        double[] mean = [.. gradient.Select((g, j) => _parts.Mean(this, past.Mean[j], g))];
        double[] square = [.. gradient.Select((g, j) => _parts.Square(this, past.Square[j], g))];
        double[] peak = [.. square.Select((v, j) => _parts.Peak(this, past.Peak[j], v, squareMass))];
        double[] second = AmsGrad ? peak : square;
        return (
            new AdamState(t, [.. mean], [.. square], [.. peak]),
            [.. mean.Select((m, j) => _parts.Quotient(this, m, second[j], meanMass, squareMass))]);
    }
}

/// <summary>Momentum's rule in parts, each right as it stands.</summary>
public sealed record MomentumParts
{
    /// <summary>(settings, g₁) ↦ b₁.</summary>
    public Func<Momentum, double, double> First { get; init; } = (_, g) => g;

    /// <summary>(settings, b_{t−1}, g) ↦ b_t.</summary>
    public Func<Momentum, double, double, double> Next { get; init; } = (p, b, g) => (p.Mu * b) + ((1 - p.Dampening) * g);

    /// <summary>(settings, g, b_t, b_{t−1}) ↦ u under Nesterov.</summary>
    public Func<Momentum, double, double, double, double> Ahead { get; init; } = (p, g, b, _) => g + (p.Mu * b);
}

/// <summary>A momentum link that follows the given parts.</summary>
public sealed record MomentumOfParts : Momentum
{
    private readonly MomentumParts _parts;

    /// <summary>The settings of <paramref name="right"/>, the rule of <paramref name="parts"/>.</summary>
    public MomentumOfParts(Momentum right, MomentumParts parts) : base(right) => _parts = parts;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        MomentumState past = Own<MomentumState>(state);
        double[] gradient = update.ToArray();
        double[] buffer =
        [
            .. gradient.Select((g, j) => past.Step == 0 ? _parts.First(this, g) : _parts.Next(this, past.Buffer[j], g)),
        ];
        return (
            new MomentumState(past.Step + 1, [.. buffer]),
            Nesterov ? [.. gradient.Select((g, j) => _parts.Ahead(this, g, buffer[j], past.Buffer[j]))] : buffer);
    }
}

/// <summary>A decay link that says λ and applies another one, possibly negative.</summary>
public sealed record SpoiledDecay : AddDecayedWeights
{
    private readonly double _applied;

    /// <summary>Says the λ of <paramref name="right"/>, applies <paramref name="applied"/>.</summary>
    public SpoiledDecay(AddDecayedWeights right, double applied) : base(right) => _applied = applied;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        double[] decayed = update.ToArray();
        for (int j = 0; j < decayed.Length; j++)
            decayed[j] += _applied * theta[j];
        return (state, decayed);
    }
}

/// <summary>A last link that says η and multiplies by another factor than −η.</summary>
public sealed record SpoiledRate : ScaleByLearningRate
{
    private readonly double _factor;

    /// <summary>Says the η of <paramref name="right"/>, multiplies by <paramref name="factor"/>.</summary>
    public SpoiledRate(ScaleByLearningRate right, double factor) : base(right) => _factor = factor;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) =>
        (state, [.. update.ToArray().Select(u => _factor * u)]);
}

/// <summary>A clipping link with another rule under the right one's settings.</summary>
public sealed record SpoiledClip : ClipByGlobalNorm
{
    private readonly Func<ClipByGlobalNorm, double[], double[]> _rule;

    /// <summary>Says M and δ of <paramref name="right"/>, applies <paramref name="rule"/>.</summary>
    public SpoiledClip(ClipByGlobalNorm right, Func<ClipByGlobalNorm, double[], double[]> rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => (state, _rule(this, update.ToArray()));
}
