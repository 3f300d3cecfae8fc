using System.Collections.Immutable;

namespace GroupRL.Optimizers;

/// <summary>
/// The optimizers that the claims speak of, an explicit list. Defaults are torch's (current: lr 1e−3 throughout, where SGD in
/// 1.13.1 had none) unless the id names another library. Rates are constant: no schedule (linear, cosine) is encoded.
/// </summary>
public static class OptimizerCatalogue
{
    private static readonly ScaleByLearningRate s_torchRate = new(1e-3);
    private static readonly ScaleByLearningRate s_trainerRate = new(1e-6);
    private static readonly ScaleByAdam s_torchAdam = new(Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8);
    private static readonly AddDecayedWeights s_torchDecay = new(1e-2);
    private static readonly AddDecayedWeights s_noDecay = new(0.0);
    private static readonly AddDecayedWeights s_muonDecay = new(0.1);
    private static readonly ClipByGlobalNorm s_trainerClip = new(MaxNorm: 1.0);

    /// <summary>θ ← θ − ηg, η = 1e−3. Source: torch/optim/sgd.py.</summary>
    public static Optimizer Sgd { get; } = new("sgd", [s_torchRate]);

    /// <summary>SGD with the buffer b = 0.9 b + g. Source: torch/optim/sgd.py; 0.9 is customary, torch's default is 0.</summary>
    public static Optimizer Momentum { get; } = new("momentum", [new Momentum(0.9), s_torchRate]);

    /// <summary>SGD with g + 0.9 b, b = 0.9 b + g. Source: torch/optim/sgd.py, nesterov=True.</summary>
    public static Optimizer Nesterov { get; } = new("nesterov", [new Momentum(0.9, Nesterov: true), s_torchRate]);

    /// <summary>Adam: 0.9, 0.999, ε = 1e−8 outside the root, no decay. Source: torch/optim/adam.py; arXiv:1412.6980.</summary>
    public static Optimizer Adam { get; } = new("adam", [s_torchAdam, s_torchRate]);

    /// <summary>
    /// Adam with L2: λ = 1e−2 enters the moments (coupled). Source: torch/optim/adam.py, weight_decay=1e-2 (its default is 0).
    /// </summary>
    public static Optimizer AdamL2 { get; } = new("adam-l2", [s_torchDecay, s_torchAdam, s_torchRate]);

    /// <summary>Adam with ε̂ beside the uncorrected root. Source: arXiv:1412.6980, end of section 2; TensorFlow.</summary>
    public static Optimizer AdamEpsilonHat { get; } =
        new("adam-eps-hat", [s_torchAdam with { Placement = EpsilonPlacement.Uncorrected }, s_torchRate]);

    /// <summary>Adam with ε inside the root. Source: optax.adam's eps_root.</summary>
    public static Optimizer AdamEpsilonRoot { get; } =
        new("adam-eps-root", [s_torchAdam with { Placement = EpsilonPlacement.InsideRoot }, s_torchRate]);

    /// <summary>AdamW: λ = 1e−2 outside the moments (decoupled). Source: torch/optim/adamw.py; arXiv:1711.05101.</summary>
    public static Optimizer AdamW { get; } = new("adamw", [s_torchAdam, s_torchDecay, s_torchRate]);

    /// <summary>Adam over the largest v so far. Source: torch/optim/adam.py, amsgrad=True; arXiv:1904.09237.</summary>
    public static Optimizer AmsGrad { get; } = new("amsgrad", [s_torchAdam with { AmsGrad = true }, s_torchRate]);

    /// <summary>Adam with Nesterov's look-ahead, η = 2e−3. Source: pytorch @ 00c2d88d, torch/optim/nadam.py.</summary>
    public static Optimizer NAdam { get; } = new("nadam", [new ScaleByNAdam(), new ScaleByLearningRate(2e-3)]);

    /// <summary>Rectified Adam. Source: torch/optim/radam.py; arXiv:1908.03265.</summary>
    public static Optimizer RAdam { get; } = new("radam", [new ScaleByRAdam(), s_torchRate]);

    /// <summary>RMSprop: α = 0.99, η = 1e−2. Source: torch/optim/rmsprop.py.</summary>
    public static Optimizer RmsProp { get; } = new("rmsprop", [new ScaleByRms(), new ScaleByLearningRate(1e-2)]);

    /// <summary>RMSprop over the variance. Source: torch/optim/rmsprop.py, centered=True.</summary>
    public static Optimizer RmsPropCentered { get; } =
        new("rmsprop-centered", [new ScaleByRms(Centered: true), new ScaleByLearningRate(1e-2)]);

    /// <summary>RMSprop with momentum 0.9. Source: torch/optim/rmsprop.py; 0.9 is customary, torch's default is 0.</summary>
    public static Optimizer RmsPropMomentum { get; } =
        new("rmsprop-momentum", [new ScaleByRms(Momentum: 0.9), new ScaleByLearningRate(1e-2)]);

    /// <summary>Adagrad: ε = 1e−10, η = 1e−2. Source: torch/optim/adagrad.py.</summary>
    public static Optimizer Adagrad { get; } = new("adagrad", [new ScaleByAdagrad(), new ScaleByLearningRate(1e-2)]);

    /// <summary>Adam over a maximum, η = 2e−3. Source: torch/optim/adamax.py; arXiv:1412.6980, section 7.1.</summary>
    public static Optimizer Adamax { get; } = new("adamax", [new ScaleByAdamax(), new ScaleByLearningRate(2e-3)]);

    /// <summary>Adadelta: ρ = 0.9, ε = 1e−6, η = 1. Source: torch/optim/adadelta.py; arXiv:1212.5701.</summary>
    public static Optimizer Adadelta { get; } = new("adadelta", [new ScaleByAdadelta(), new ScaleByLearningRate(1)]);

    /// <summary>
    /// Lion: 0.9, 0.99, η = 1e−4, no decay. Source: google/automl @ 6a54c874, lion/lion_pytorch.py; arXiv:2302.06675.
    /// </summary>
    public static Optimizer Lion { get; } = new("lion", [new ScaleByLion(), new ScaleByLearningRate(1e-4)]);

    /// <summary>
    /// The sign of the gradient, η = 1e−4 as for Lion. Source: arXiv:1802.04434; no library's default is pinned.
    /// </summary>
    public static Optimizer SignSgd { get; } = new("signsgd", [new ScaleBySign(), new ScaleByLearningRate(1e-4)]);

    /// <summary>
    /// The sign of an average, β = 0.9, η = 1e−4 as for Lion. Source: arXiv:1802.04434; no library's default is pinned.
    /// </summary>
    public static Optimizer Signum { get; } = new("signum", [new ScaleBySign(0.9), new ScaleByLearningRate(1e-4)]);

    /// <summary>
    /// Adafactor: η = 1e−2, τ = η⁻² = 1e4. Source: pytorch @ 051d6a09, torch/optim/_adafactor.py; arXiv:1804.04235.
    /// </summary>
    public static Optimizer Adafactor { get; } =
        new("adafactor", [new ScaleByAdafactor(Horizon: 1e4), new ScaleByLearningRate(1e-2)]);

    /// <summary>
    /// Muon as in torch: clamped norm, λ = 0.1. Matrices only. Source: pytorch @ 098e03f9, torch/optim/_muon.py.
    /// </summary>
    public static Optimizer Muon { get; } = new("muon", [new ScaleByMuon(), s_muonDecay, s_torchRate]);

    /// <summary>torch's Muon with a step of AdamW's size. Source: the same, adjust_lr_fn="match_rms_adamw".</summary>
    public static Optimizer MuonMatchRms { get; } = new(
        "muon-match-rms", [new ScaleByMuon(Adjustment: MuonAdjustment.MatchRmsAdamW), s_muonDecay, s_torchRate]);

    /// <summary>
    /// Muon as its author has it: ε added to the norm, η = 0.02, λ = 0. Source: KellerJordan/Muon @ 857d1adc, muon.py.
    /// </summary>
    public static Optimizer MuonKellerJordan { get; } =
        new("muon-keller-jordan", [new ScaleByMuon(Norm: MuonNorm.Added), new ScaleByLearningRate(0.02)]);

    /// <summary>SGD after clipping to norm 1. Source: torch clip_grad_norm_ with the max_grad_norm of HF's trainer.</summary>
    public static Optimizer ClippedSgd { get; } = new("clip+sgd", [s_trainerClip, .. Sgd.Chain]);

    /// <summary>AdamW after clipping to norm 1. Source: torch clip_grad_norm_ with the max_grad_norm of HF's trainer.</summary>
    public static Optimizer ClippedAdamW { get; } = new("clip+adamw", [s_trainerClip, .. AdamW.Chain]);

    /// <summary>
    /// AdamW as TRL trains GRPO and RLOO: clip 1, η = 1e−6, λ = 0. Source: trl @ f2cd5771, grpo_config.py (learning_rate) over
    /// transformers 5.x training_args.py (adamw_torch, weight_decay 0.0, max_grad_norm 1.0, betas, ε). Departure: its linear
    /// schedule is not in it.
    /// </summary>
    public static Optimizer TrlAdamW { get; } = new("trl:adamw", [s_trainerClip, s_torchAdam, s_noDecay, s_trainerRate]);

    /// <summary>
    /// AdamW as verl trains its actor: clip 1, η = 1e−6, λ = 1e−2. Source: verl, actor.yaml (lr, weight_decay, clip_grad) over
    /// torch.optim.AdamW (betas, ε). Its schedule is constant; the dataclass's own lr is 1e−3.
    /// </summary>
    public static Optimizer VerlAdamW { get; } = new("verl:adamw", [s_trainerClip, s_torchAdam, s_torchDecay, s_trainerRate]);

    /// <summary>
    /// Adam as OpenRLHF trains its actor: clip 1, 0.9/0.95, η = 1e−6, λ = 0. Source: OpenRLHF's arguments over DeepSpeed's Adam
    /// (decoupled). Departure: its cosine schedule with warm-up is not in it.
    /// </summary>
    public static Optimizer OpenRlhfAdam { get; } =
        new("openrlhf:adam", [s_trainerClip, s_torchAdam with { Beta2 = 0.95 }, s_noDecay, s_trainerRate]);

    /// <summary>
    /// AdamW as prime-rl trains: clip 1, 0.9/0.999, η = 1e−6, λ = 1e−2. Source: prime-rl's trainer configuration. Not pinned: ε
    /// (torch's here) and the schedule.
    /// </summary>
    public static Optimizer PrimeRlAdamW { get; } =
        new("prime-rl:adamw", [s_trainerClip, s_torchAdam, s_torchDecay, s_trainerRate]);

    /// <summary>
    /// Adam as slime trains with Megatron: clip 1, η = 1e−6. Source: slime's arguments. Not pinned: betas and ε (torch's
    /// here), decay (none here), the schedule.
    /// </summary>
    public static Optimizer SlimeAdam { get; } = new("slime:adam", [s_trainerClip, s_torchAdam, s_trainerRate]);

    /// <summary>
    /// AdamW as GTPO's configuration trains: clip 0.1, 0.999999/0.999999, η = 1e−6, λ = 0.1. Source: GTPO's configuration
    /// over paged_adamw_8bit. Departures: float64 instead of 8-bit states; the cosine schedule with warm-up is not in it. Not
    /// pinned: ε (torch's here).
    /// </summary>
    public static Optimizer GtpoAdamW { get; } = new(
        "gtpo:adamw",
        [
            new ClipByGlobalNorm(MaxNorm: 0.1),
            s_torchAdam with { Beta1 = 0.999999, Beta2 = 0.999999 },
            new AddDecayedWeights(0.1),
            s_trainerRate,
        ]);

    /// <summary>
    /// AdamW as ms-swift trains GRPO: as trl:adamw, but 0.9/0.95 and λ = 0.1. Source: ms-swift's arguments over
    /// transformers'. Not pinned: η (TRL's here). Departure: its schedule is not in it.
    /// </summary>
    public static Optimizer SwiftAdamW { get; } =
        new("swift:adamw", [s_trainerClip, s_torchAdam with { Beta2 = 0.95 }, new AddDecayedWeights(0.1), s_trainerRate]);

    /// <summary>All of the above, in this order, each with its formula and source.</summary>
    public static ImmutableArray<OptimizerEntry> Entries { get; } =
    [
        new(Sgd, "θ − ηg", "torch, torch/optim/sgd.py"),
        new(Momentum, "b = 0.9 b + g, θ − ηb", "torch, torch/optim/sgd.py"),
        new(Nesterov, "b = 0.9 b + g, θ − η(g + 0.9 b)", "torch, torch/optim/sgd.py"),
        new(Adam, "θ − η m̂/(√v̂ + ε)", "arXiv:1412.6980; torch, torch/optim/adam.py"),
        new(AdamL2, "Adam on g + λθ", "torch, torch/optim/adam.py"),
        new(AdamEpsilonHat, "θ − η √(1−β₂ᵗ)/(1−β₁ᵗ) m/(√v + ε̂)", "arXiv:1412.6980, end of section 2; TensorFlow"),
        new(AdamEpsilonRoot, "θ − η m̂/√(v̂ + ε)", "optax.adam, eps_root"),
        new(
            AdamW,
            "θ − η(m̂/(√v̂ + ε) + λθ)",
            "arXiv:1711.05101; torch, torch/optim/adamw.py",
            "the paper's λ is not multiplied by η"),
        new(
            AmsGrad,
            "θ − η m̂/(√(max v/(1−β₂ᵗ)) + ε)",
            "arXiv:1904.09237; torch, torch/optim/adam.py",
            "the paper has no bias correction"),
        new(NAdam, "θ − η [(1−μ_t)g/(1−P_t) + μ_{t+1}m/(1−P_{t+1})]/(√v̂ + ε)", "pytorch @ 00c2d88d, torch/optim/nadam.py"),
        new(
            RAdam,
            "θ − ηm̂ while ρ_t ≤ 5, then θ − η r_t m̂ √(1−β₂ᵗ)/(√v + ε)",
            "arXiv:1908.03265; torch, torch/optim/radam.py",
            "the paper's threshold is 4, and it has no ε"),
        new(RmsProp, "θ − η g/(√v + ε)", "torch, torch/optim/rmsprop.py"),
        new(RmsPropCentered, "θ − η g/(√(v − ḡ²) + ε)", "torch, torch/optim/rmsprop.py"),
        new(RmsPropMomentum, "b = 0.9 b + g/(√v + ε), θ − ηb", "torch, torch/optim/rmsprop.py"),
        new(Adagrad, "θ − η g/(√Σg² + ε)", "torch, torch/optim/adagrad.py", "the paper has ε inside the root"),
        new(
            Adamax,
            "n = max(β₂n, |g| + ε), θ − η m/(1−β₁ᵗ)/n",
            "arXiv:1412.6980, section 7.1; torch, torch/optim/adamax.py",
            "the paper has no ε"),
        new(Adadelta, "u = √(w + ε)/√(v + ε) g, θ − u", "arXiv:1212.5701; torch, torch/optim/adadelta.py"),
        new(
            Lion,
            "θ − η sign(0.9 m + 0.1 g), m = 0.99 m + 0.01 g",
            "arXiv:2302.06675; google/automl @ 6a54c874, lion/lion_pytorch.py"),
        new(SignSgd, "θ − η sign(g)", "arXiv:1802.04434", "η is Lion's"),
        new(Signum, "m = 0.9 m + 0.1 g, θ − η sign(m)", "arXiv:1802.04434", "η is Lion's"),
        new(
            Adafactor,
            "θ − max(ε₂, RMS θ) min(η, 1/√t) U/max(1, RMS U), U = g/√v, v of rank one for matrices",
            "arXiv:1804.04235; pytorch @ 051d6a09, torch/optim/_adafactor.py",
            "no first moment"),
        new(
            Muon,
            "θ − η(√max(1, rows/columns) NS₅(U/max(‖U‖, ε)) + λθ)",
            "pytorch @ 098e03f9, torch/optim/_muon.py",
            "float64 instead of bfloat16"),
        new(
            MuonMatchRms,
            "θ − η(0.2 √max(rows, columns) NS₅(U/max(‖U‖, ε)) + λθ)",
            "pytorch @ 098e03f9, torch/optim/_muon.py",
            "float64 instead of bfloat16"),
        new(
            MuonKellerJordan,
            "θ − η √max(1, rows/columns) NS₅(U/(‖U‖ + ε))",
            "KellerJordan/Muon @ 857d1adc, muon.py",
            "float64 instead of bfloat16"),
        new(ClippedSgd, "SGD on g·min(1, 1/(‖g‖ + 1e−6))", "torch, torch/nn/utils/clip_grad.py"),
        new(ClippedAdamW, "AdamW on g·min(1, 1/(‖g‖ + 1e−6))", "torch, torch/nn/utils/clip_grad.py"),
        new(
            TrlAdamW,
            "AdamW, clip 1, 0.9/0.999, η = 1e−6, λ = 0",
            "trl @ f2cd5771, grpo_config.py; transformers 5.x, training_args.py",
            "no linear schedule"),
        new(VerlAdamW, "AdamW, clip 1, 0.9/0.999, η = 1e−6, λ = 0.01", "verl, actor.yaml"),
        new(
            OpenRlhfAdam,
            "AdamW, clip 1, 0.9/0.95, η = 1e−6, λ = 0",
            "OpenRLHF, its arguments over DeepSpeed's Adam",
            "no cosine schedule, no warm-up"),
        new(
            PrimeRlAdamW,
            "AdamW, clip 1, 0.9/0.999, η = 1e−6, λ = 0.01",
            "prime-rl, its trainer's configuration",
            "ε and schedule are not pinned"),
        new(
            SlimeAdam,
            "Adam, clip 1, η = 1e−6",
            "slime, its arguments over Megatron's Adam",
            "betas, ε, decay and schedule are not pinned"),
        new(
            GtpoAdamW,
            "AdamW, clip 0.1, 0.999999/0.999999, η = 1e−6, λ = 0.1",
            "GTPO, its configuration",
            "float64 instead of 8 bits, no cosine schedule, ε is not pinned"),
        new(
            SwiftAdamW,
            "AdamW, clip 1, 0.9/0.95, η = 1e−6, λ = 0.1",
            "ms-swift, its arguments over transformers'",
            "no schedule, η is TRL's"),
    ];

    /// <summary>The optimizers of all entries, in their order.</summary>
    public static ImmutableArray<Optimizer> All { get; } = [.. Entries.Select(entry => entry.Optimizer)];

    /// <summary>The optimizer with this id (ordinal, case counts), or null.</summary>
    public static Optimizer? TryFind(string id) => All.FirstOrDefault(optimizer => optimizer.Id == id);
}
