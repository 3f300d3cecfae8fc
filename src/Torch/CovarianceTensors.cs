using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>
/// Choices of tokens by cov = (A − Ā)(ℓ − ℓ̄) over tensors. A token is chosen where, of all candidates, no more than the number allowed come
/// before it or with it: tokens that tie are chosen together or not at all, as a choice that no order of rows may decide has it.
/// </summary>
internal static class CovarianceTensors
{
    /// <summary>1 where a chosen token's penalty acts; 0 where a chosen token is dropped, 1 elsewhere; shape [B, T].</summary>
    public static Tensor Of(CovarianceChoice choice, TensorBatch batch, Tensor advantages)
    {
        Tensor covariance = Covariance(choice, batch, advantages), random = batch[Column.Random];
        long most = Math.Max(1, (long)(choice.Fraction * batch.Tokens));
        return choice switch
        {
            CovarianceDrop drop => 1 - First(most, random, torch.zeros_like(random), Candidates(drop, batch, advantages, covariance)),
            TopCovariance => First(most, -covariance, random, batch.Trained),
            _ => throw Tensors.NoForm(choice),
        };
    }

    // Both means over all trainable tokens; rounded to 2⁻⁴⁰ of max|A|·max|ℓ|, up to a power of 2, so that what differs by less is a tie.
    private static Tensor Covariance(CovarianceChoice choice, TensorBatch batch, Tensor advantages)
    {
        Tensor logp = batch[Column.Logp].Only(batch.Trained), count = batch.Mask.sum() + choice.CountEpsilon;
        double largest = (advantages.abs().max() * logp.abs().max()).item<double>();
        var covariance = (advantages - (advantages.sum() / count)) * (logp - (logp.sum() / count));
        double grain = Math.Pow(2, Math.Floor(Math.Log2(largest)) - 40);
        return largest > 0 ? (covariance / grain).round() * grain : covariance;
    }

    // low < cov < high, and not clipped: not A > 0 beyond high or A < 0 beyond low, cap or dual; a sign that is rounding is none.
    private static Tensor Candidates(CovarianceDrop drop, TensorBatch batch, Tensor advantages, Tensor covariance)
    {
        var ratio = (batch[Column.Logp] - batch[Column.OldLogp]).exp();
        var noise = advantages.IsNoise(advantages.abs().max());
        var above = ratio.gt(drop.Clip.High);
        var below = ratio.lt(drop.Clip.Low).logical_or(ratio.gt(Math.Min(drop.Clip.Cap, drop.Clip.Dual)));
        var clipped = torch.where(advantages.gt(0), above, below).logical_and(noise.logical_not());
        return covariance.gt(drop.Low).logical_and(covariance.lt(drop.High)).logical_and(clipped.logical_not()).logical_and(batch.Trained);
    }

    // 1 at the candidates of smallest key, equal keys by the smallest second key.
    private static Tensor First(long most, Tensor keys, Tensor seconds, Tensor candidates)
    {
        Tensor key = keys.flatten(), second = seconds.flatten();
        var before = key.unsqueeze(0).lt(key.unsqueeze(1));
        var tied = key.unsqueeze(0).eq(key.unsqueeze(1)).logical_and(second.unsqueeze(0).le(second.unsqueeze(1)));
        var rank = before.logical_or(tied).logical_and(candidates.flatten().unsqueeze(0)).Indicator().sum(1).reshape(keys.shape);
        return rank.le(most).logical_and(candidates).Indicator();
    }
}
