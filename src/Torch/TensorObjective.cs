using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>
/// J = Σ α μ φ − Σₖ βₖ Σ αₖ κₖ over padded tensors, each part from its formula: nothing is read of a part but its constants, no slope above
/// all, and what is detached says so. Autograd differentiates it: an oracle for coefficients that were derived by hand.
/// </summary>
public static class TensorObjective
{
    /// <summary>J and its derivatives at the batch's own log-probs and entropies.</summary>
    /// <exception cref="InvalidInputException">
    /// A part has no form over tensors, the batch lacks what the objective reads, or a result is not a finite number.
    /// </exception>
    public static TensorEvaluation Evaluate(SurrogateObjective objective, RolloutBatch batch)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = torch.NewDisposeScope();
        var padded = new TensorBatch(batch);
        var (value, advantages, weights) = Terms(objective, padded);
        bool onEntropy = objective.Regularisers.Any(term => term.Beta != 0 && term.ActsOnEntropy);
        var gradients = torch.autograd.grad([value], onEntropy ? [padded.Logp, padded.Entropy!] : [padded.Logp]);
        return new()
        {
            Value = Finite("The objective's value", [value.item<double>()])[0],
            Advantages = Finite("An advantage", padded.Gather(advantages)),
            Weights = Finite("A weight", padded.Gather(weights)),
            Coefficients = Finite("A coefficient", padded.Gather(gradients[0])),
            EntropyCoefficients = onEntropy ? Finite("A coefficient of an entropy", padded.Gather(gradients[1])) : null,
        };
    }

    /// <summary>J, a scalar that autograd can differentiate: a trainer's loss is −J.</summary>
    /// <exception cref="InvalidInputException">A part has no form over tensors, or the batch lacks what the objective reads.</exception>
    public static Tensor Value(SurrogateObjective objective, TensorBatch batch)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(batch);
        return Terms(objective, batch).Value;
    }

    private static (Tensor Value, Tensor Advantages, Tensor Weights) Terms(SurrogateObjective objective, TensorBatch batch)
    {
        var rewards = RewardTensors.Of(objective.Rewards, batch);
        var advantages = AdvantageTensors.Of(objective.Advantage, batch, rewards);
        var weight = WeightTensors.Of(objective.Weight, batch, advantages);
        var correction = WeightTensors.Of(objective.Correction, batch, advantages);
        var value = KernelTensors.Of(objective.Kernel, batch, advantages, weight * correction);
        foreach (var term in objective.Regularisers.Where(term => term.Beta != 0))
        {
            var own = (term.Weight is null ? weight : WeightTensors.Of(term.Weight, batch, advantages))
                * WeightTensors.Of(term.Where, batch, advantages);
            value -= term.Beta * ((term.Corrected ? own * correction : own) * RegulariserTensors.Of(term, batch)).sum();
        }

        return (value, advantages, weight * correction);
    }

    private static double[] Finite(string what, double[] values) => values.All(double.IsFinite)
        ? values
        : throw InvalidInputException.Because($"{what} is not a finite number: it is {values.First(value => !double.IsFinite(value))}.");
}

/// <summary>What autograd makes of J, at the trainable tokens.</summary>
public sealed record TensorEvaluation
{
    /// <summary>J.</summary>
    public required double Value { get; init; }

    /// <summary>Aᵢₜ, shape [N].</summary>
    public required double[] Advantages { get; init; }

    /// <summary>αᵢₜ·μᵢₜ, shape [N].</summary>
    public required double[] Weights { get; init; }

    /// <summary>∂J/∂ℓᵢₜ, shape [N].</summary>
    public required double[] Coefficients { get; init; }

    /// <summary>∂J/∂Hᵢₜ, shape [N]; null where no regulariser acts on entropies.</summary>
    public double[]? EntropyCoefficients { get; init; }
}
