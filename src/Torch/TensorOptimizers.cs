using GroupRL.Objectives;
using GroupRL.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>torch.optim's optimizers with the constants of ours: the same steps, by code that is not ours.</summary>
public static class TensorOptimizers
{
    /// <summary>
    /// Whether this TorchSharp's NAdam divides by 1 − P_t: those over libtorch 1 leave P_0 at 0 instead of 1, so that their products stay 0.
    /// </summary>
    public static bool NAdamKeepsItsProduct => !torch.__version__.StartsWith("1.", StringComparison.Ordinal);

    /// <summary>torch.optim's optimizer that takes the steps of <paramref name="optimizer"/>, save its clip: that is <see cref="Clip"/>'s.</summary>
    /// <remarks>
    /// TorchSharp @ c08dc3dd (0.99.6) and @ c20b6a1c (0.107.0), src/TorchSharp/Optimizers. Their RAdam multiplies its rectified steps by η
    /// twice, so it is ours at η = 1 alone.
    /// </remarks>
    /// <exception cref="InvalidInputException">torch.optim has no such optimizer, or not this one.</exception>
    public static optim.Optimizer Of(Optimizer optimizer, IReadOnlyList<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        double rate = optimizer.LearningRate, decay = optimizer.CoupledDecay;
        bool decoupled = optimizer.Chain is [.., AddDecayedWeights, ScaleByLearningRate];
        return optimizer.Chain.OfType<Direction>().SingleOrDefault() switch
        {
            null => torch.optim.SGD(parameters, learningRate: rate, weight_decay: decay),
            Optimizers.Momentum own when !decoupled => torch.optim.SGD(
                parameters, learningRate: rate, momentum: own.Mu, dampening: own.Dampening, weight_decay: decay, nesterov: own.Nesterov),
            ScaleByAdam { Placement: EpsilonPlacement.OutsideRoot } own when !decoupled => torch.optim.Adam(
                parameters, lr: rate, beta1: own.Beta1, beta2: own.Beta2, eps: own.Epsilon, weight_decay: decay, amsgrad: own.AmsGrad),
            ScaleByAdam { Placement: EpsilonPlacement.OutsideRoot } own when decay == 0 => torch.optim.AdamW(
                parameters, lr: rate, beta1: own.Beta1, beta2: own.Beta2, eps: own.Epsilon,
                weight_decay: optimizer.DecoupledDecay, amsgrad: own.AmsGrad),
            ScaleByNAdam own when !decoupled && !own.RepeatedMu && NAdamKeepsItsProduct => torch.optim.NAdam(
                parameters, lr: rate, beta1: own.Beta1, beta2: own.Beta2, eps: own.Epsilon, weight_decay: decay, momentum_decay: own.MomentumDecay),
            ScaleByRAdam own when !decoupled && rate == 1 => torch.optim.RAdam(
                parameters, lr: rate, beta1: own.Beta1, beta2: own.Beta2, eps: own.Epsilon, weight_decay: decay),
            ScaleByRms own when !decoupled => torch.optim.RMSProp(
                parameters, lr: rate, alpha: own.Alpha, eps: own.Epsilon, weight_decay: decay, momentum: own.Momentum, centered: own.Centered),
            ScaleByAdagrad own when !decoupled => torch.optim.Adagrad(
                parameters, lr: rate, lr_decay: own.RateDecay, weight_decay: decay, initial_accumulator_value: own.InitialSum, eps: own.Epsilon),
            ScaleByAdamax own when !decoupled => torch.optim.Adamax(
                parameters, lr: rate, beta1: own.Beta1, beta2: own.Beta2, eps: own.Epsilon, weight_decay: decay),
            ScaleByAdadelta own when !decoupled => torch.optim.Adadelta(parameters, lr: rate, rho: own.Rho, eps: own.Epsilon, weight_decay: decay),
            _ => throw InvalidInputException.Because($"The optimizer {optimizer.Id} has no form in torch.optim."),
        };
    }

    /// <summary>Clips the gradients of parameters as <paramref name="optimizer"/> does before its step; does nothing where it has no clip.</summary>
    /// <remarks>torch.nn.utils.clip_grad_norm_, whose constant beside the norm is 1e−6.</remarks>
    /// <exception cref="InvalidInputException">Another constant stands beside the norm.</exception>
    public static void Clip(Optimizer optimizer, IReadOnlyList<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        if (optimizer.Clip is not { } clip)
            return;
        if (clip.Delta != 1e-6)
            throw InvalidInputException.Because($"torch's clip has 1e-6 beside the norm; {optimizer.Id} has {clip.Delta}.");
        torch.nn.utils.clip_grad_norm_(parameters, max_norm: clip.MaxNorm);
    }
}
