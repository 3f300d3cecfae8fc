using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Token weights and corrections over tensors: data, through which no gradient flows. What stands at masked places is 0.</summary>
internal static class WeightTensors
{
    /// <summary>αᵢₜ, or μᵢₜ, shape [B, T].</summary>
    public static Tensor Of(TokenWeight weight, TensorBatch batch, Tensor advantages) =>
        Formula(weight, batch, advantages).expand_as(batch.Mask).Only(batch.Trained);

    // Shape [B, T], or one that broadcasts to it.
    private static Tensor Formula(TokenWeight weight, TensorBatch batch, Tensor advantages) => weight switch
    {
        ConstantWeight constant => torch.full(1, 1, constant.Value, dtype: float64),
        GivenWeights given => batch.Spread(given.Tokens, 0),
        ProductWeight product => product.Factors.Select(factor => Of(factor, batch, advantages)).Aggregate((all, factor) => all * factor),
        // share/(n + ε).
        RowMean mean => Share(mean, batch) / (batch.Lengths + mean.CountEpsilon).unsqueeze(1),
        RowSum sum => Share(sum, batch) / sum.Length,
        PaddedRowSum padded => Share(padded, batch) / batch.Width,
        RemainderOnLast remainder => Remainder(remainder, batch),
        // 1/(P·Σⱼ nⱼ) over the group.
        GroupTokenMean => (1 / (batch.Groups * batch.Together.mv(batch.Lengths))).unsqueeze(1),
        BatchTokenMean mean => 1 / ((batch.Mask.sum() * mean.Items) + mean.CountEpsilon),
        LengthPreference preference => Preferred(preference, batch).unsqueeze(1),
        PolicyRatioWeight ratio => PolicyRatioTensors.Of(ratio, batch),
        DivergenceMask mask => PolicyRatioTensors.Of(mask, batch),
        OffPolicyMask mask => PolicyRatioTensors.Of(mask, batch, advantages),
        TrustRegion region => PolicyRatioTensors.Of(region, batch, advantages),
        FutureRatio future => Future(future, batch, advantages),
        MeanNormalised normalised => Normalised(normalised, batch, Of(normalised.Inner, batch, advantages)),
        EntropyQuantileMask mask => Forking(mask, batch),
        CovarianceChoice choice => CovarianceTensors.Of(choice, batch, advantages),
        PrefixShare => SharedTokenTensors.Prefix(batch),
        ConflictWeight conflict => SharedTokenTensors.Conflict(conflict, batch),
        _ => throw Tensors.NoForm(weight),
    };

    // 1/(P·G), 1/B, 1 over the number of live rows, or 1, shape [B, 1].
    private static Tensor Share(RowAveragedWeight weight, TensorBatch batch) => 1 / (weight.Averaged switch
    {
        Average.OverPrompts => batch.Groups * batch.Together.sum(1, keepdim: true),
        Average.OverRows => torch.full(1, 1, batch.Rows, dtype: float64),
        Average.OverLiveRows => batch.Lengths.gt(0).Indicator().sum().reshape(1, 1),
        Average.Nothing => torch.ones(1, 1, dtype: float64),
        _ => throw Tensors.NoForm(weight.Averaged),
    });

    // share/L, at the last token share·(1 − (n − 1)/L).
    private static Tensor Remainder(RemainderOnLast weight, TensorBatch batch)
    {
        if (batch.Lengths.gt(weight.Length).any().item<bool>())
            throw InvalidInputException.Because($"A remainder on the last token needs rows of at most {weight.Length} tokens.");
        var lengths = batch.Lengths.unsqueeze(1);
        var rest = 1 - ((lengths - 1) / weight.Length);
        return Share(weight, batch) * torch.where(batch.Ordinals().eq(lengths), rest, torch.full_like(rest, 1 / weight.Length));
    }

    // G·softmax(h^λ), h = 1 + r·z, z the standard score of the row's length in its group, shape [B].
    private static Tensor Preferred(LengthPreference weight, TensorBatch batch)
    {
        var peers = new Peers(batch.Together, batch.Lengths);
        var std = (((peers.Values - peers.Mean.unsqueeze(1)).pow(2) * peers.Member).sum(1) / (peers.Count - weight.Ddof).clamp(min: 1)).sqrt();
        var scores = ((batch.Lengths - peers.Mean) / (std + weight.Epsilon)).Only(std.gt(0));
        var powers = (1 + (weight.Spread * scores)).pow(weight.Lambda).exp();
        return powers * peers.Count / batch.Together.mv(powers);
    }

    // clamp(exp(Σₛ≥ₜ γˢ⁻ᵗ(ℓ − ℓ°)), low, high), γ = 2^(−1/half-life); within [0.8, 1] where A < 0 and r is beyond the safety bound.
    private static Tensor Future(FutureRatio weight, TensorBatch batch, Tensor advantages)
    {
        var x = batch[Column.Logp] - batch[Column.OldLogp];
        var factor = AdvantageTensors.Discounted(batch, x, Math.Pow(2, -1 / weight.HalfLife)).exp().clamp(min: weight.Low, max: weight.High);
        return torch.where(advantages.lt(0).logical_and(x.exp().gt(weight.Safety)), factor.clamp(min: 0.8, max: 1), factor);
    }

    // w over its mean over tokens, or over the live rows' means, where that mean is above a least one.
    private static Tensor Normalised(MeanNormalised weight, TensorBatch batch, Tensor inner)
    {
        var live = batch.Lengths.gt(0);
        var mean = weight.Mean switch
        {
            MeanOf.Tokens => inner.sum() / (batch.Mask.sum() + weight.CountEpsilon),
            MeanOf.Rows => (inner.sum(1) / (batch.Lengths + weight.CountEpsilon)).Only(live).sum() / live.Indicator().sum(),
            _ => throw Tensors.NoForm(weight.Mean),
        };
        return torch.where(mean.gt(weight.Least), inner / mean, inner);
    }

    // 1 where the entropy is at least the quantile of those of all trainable tokens, in float32.
    private static Tensor Forking(EntropyQuantileMask mask, TensorBatch batch)
    {
        var entropies = batch[Column.Entropy].to(float32);
        return entropies.ge(entropies.masked_select(batch.Trained).quantile(torch.tensor((float)mask.Quantile))).Indicator();
    }
}
