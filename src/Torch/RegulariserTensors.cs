using GroupRL.Objectives;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Regularisers over tensors.</summary>
internal static class RegulariserTensors
{
    /// <summary>κ, shape [B, T].</summary>
    public static Tensor Of(Regulariser term, TensorBatch batch) => term switch
    {
        KlPenalty kl => Penalty(kl, batch),
        EntropyBonus => -batch.Entropy!,
        _ => throw Tensors.NoForm(term),
    };

    /// <summary>An estimate of KL(π‖anchor) at y = ℓ_anchor − ℓ, elementwise.</summary>
    public static Tensor Estimate(KlEstimator estimator, Tensor y) => estimator switch
    {
        KlEstimator.K1 => -y,
        KlEstimator.K2 => y.pow(2) / 2,
        KlEstimator.K3 => y.exp() - y - 1,
        KlEstimator.Absolute => y.abs(),
        _ => throw Tensors.NoForm(estimator),
    };

    private static Tensor Penalty(KlPenalty kl, TensorBatch batch)
    {
        var y = batch[kl.Against] - batch.Logp;
        var estimate = Estimate(kl.Estimator, y.clamp(min: -kl.LogBound, max: kl.LogBound)).clamp(min: -kl.ValueBound, max: kl.ValueBound);
        if (kl.StraightThrough)
        {
            var square = Estimate(KlEstimator.K2, y);
            estimate = estimate.detach() + (square - square.detach());
        }

        return kl.TimesRatio ? (batch.Logp - batch[Column.OldLogp]).exp() * estimate : estimate;
    }
}
