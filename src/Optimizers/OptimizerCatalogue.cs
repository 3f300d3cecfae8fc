using System.Collections.Immutable;

namespace GroupRL.Optimizers;

/// <summary>
/// The optimizers that the claims speak of, an explicit list. Defaults are torch's (current: lr 1e−3 throughout, where SGD in
/// 1.13.1 had none) unless the id names another library.
/// </summary>
public static class OptimizerCatalogue
{
    private static readonly ScaleByLearningRate s_torchRate = new(1e-3);
    private static readonly ScaleByAdam s_torchAdam = new(Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8);
    private static readonly AddDecayedWeights s_torchDecay = new(1e-2);
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

    /// <summary>AdamW: λ = 1e−2 outside the moments (decoupled). Source: torch/optim/adamw.py; arXiv:1711.05101.</summary>
    public static Optimizer AdamW { get; } = new("adamw", [s_torchAdam, s_torchDecay, s_torchRate]);

    /// <summary>
    /// AdamW as TRL trains GRPO and RLOO: η = 1e−6, λ = 0. Source: trl @ f2cd5771, grpo_config.py (learning_rate) over
    /// transformers 5.x training_args.py (adamw_torch, weight_decay 0.0, betas, ε). Departures: neither its linear schedule
    /// nor its max_grad_norm of 1.0 is in it.
    /// </summary>
    public static Optimizer TrlAdamW { get; } =
        new("trl:adamw", [s_torchAdam, new AddDecayedWeights(0.0), new ScaleByLearningRate(1e-6)]);

    /// <summary>Adam over the largest v so far. Source: torch/optim/adam.py, amsgrad=True; arXiv:1904.09237.</summary>
    public static Optimizer AmsGrad { get; } = new("amsgrad", [s_torchAdam with { AmsGrad = true }, s_torchRate]);

    /// <summary>SGD after clipping to norm 1. Source: torch clip_grad_norm_ with the max_grad_norm of HF's trainer.</summary>
    public static Optimizer ClippedSgd { get; } = new("clip+sgd", [s_trainerClip, .. Sgd.Chain]);

    /// <summary>AdamW after clipping to norm 1. Source: torch clip_grad_norm_ with the max_grad_norm of HF's trainer.</summary>
    public static Optimizer ClippedAdamW { get; } = new("clip+adamw", [s_trainerClip, .. AdamW.Chain]);

    /// <summary>All of the above, in this order.</summary>
    public static ImmutableArray<Optimizer> All { get; } =
        [Sgd, Momentum, Nesterov, Adam, AdamL2, AdamW, TrlAdamW, AmsGrad, ClippedSgd, ClippedAdamW];

    /// <summary>The optimizer with this id (ordinal, case counts), or null.</summary>
    public static Optimizer? TryFind(string id) => All.FirstOrDefault(optimizer => optimizer.Id == id);
}
