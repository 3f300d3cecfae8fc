using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Weights and masks that judge how far two policies of the batch are apart, over tensors: data, without gradient.</summary>
internal static class PolicyRatioTensors
{
    /// <summary>The ratio between two policies, truncated, or 1 (or itself) inside bounds and 0 outside, shape [B, T] or [B, 1].</summary>
    public static Tensor Of(PolicyRatioWeight weight, TensorBatch batch)
    {
        var x = batch[weight.Of] - batch[weight.Against];
        var ratio = (weight.Level switch
        {
            RatioLevel.Token => x,
            RatioLevel.SequenceMean => batch.RowMean(x).unsqueeze(1),
            RatioLevel.SequenceSum => batch.RowSum(x).unsqueeze(1),
            _ => throw Tensors.NoForm(weight.Level),
        }).clamp(min: -weight.LogBound, max: weight.LogBound).exp();
        return weight switch
        {
            TruncatedImportance own => ratio.clamp(min: own.Low, max: own.High),
            ImportanceMask own => (own.TimesRatio ? ratio : torch.ones_like(ratio)).Only(Within(ratio, own.Low, own.High)),
            _ => throw Tensors.NoForm(weight),
        };
    }

    /// <summary>1 where low ≤ D ≤ high, D = κ(ℓ_of − ℓ_against) of the token or pooled over its row, shape [B, T] or [B, 1].</summary>
    public static Tensor Of(DivergenceMask mask, TensorBatch batch)
    {
        var y = (batch[mask.Of] - batch[mask.Against]).clamp(min: -mask.LogBound, max: mask.LogBound);
        var divergence = RegulariserTensors.Estimate(mask.Statistic, y);
        return Within(mask.Over switch
        {
            Pooling.Token => divergence,
            Pooling.RowSum => batch.RowSum(divergence).unsqueeze(1),
            Pooling.RowMean => (batch.RowSum(divergence) / (batch.Lengths + mask.CountEpsilon)).unsqueeze(1),
            Pooling.RowMax => torch.where(batch.Trained, divergence, torch.full_like(divergence, double.NegativeInfinity)).amax([1], keepdim: true),
            _ => throw Tensors.NoForm(mask.Over),
        }, mask.Low, mask.High).Indicator();
    }

    /// <summary>1 where A ≥ 0 or the row's mean of ℓ_sampler − ℓ is at most δ, shape [B, T].</summary>
    public static Tensor Of(OffPolicyMask mask, TensorBatch batch, Tensor advantages) =>
        advantages.ge(0).logical_or(batch.RowMean(batch[mask.Sampler] - batch[Column.Logp]).le(mask.Threshold).unsqueeze(1)).Indicator();

    /// <summary>1 inside a trust region of the token's probabilities p = π and q = π_old, shape [B, T].</summary>
    public static Tensor Of(TrustRegion region, TensorBatch batch, Tensor advantages)
    {
        Tensor logp = batch[Column.Logp], old = batch[Column.OldLogp], p = logp.exp(), q = old.exp();
        return (region switch
        {
            // p − q ≤ ε_high where A > 0, ≥ −ε_low elsewhere.
            TotalVariationRegion own => torch.where(advantages.gt(0), (p - q).le(own.High), (p - q).ge(-own.Low)),
            // D ≤ ε_high or p ≤ q where A > 0, D ≤ ε_low or p ≥ q elsewhere.
            BinaryKlRegion own => torch.where(
                advantages.gt(0), BinaryKl(logp, old).le(own.High).logical_or(p.le(q)), BinaryKl(logp, old).le(own.Low).logical_or(p.ge(q))),
            ProbabilityRegion own => (p - q).abs().le(own.Threshold),
            _ => throw Tensors.NoForm(region),
        }).Indicator();
    }

    // q·log(q/p) + (1 − q)·log((1 − q + δ)/(1 − p + δ)), δ = 1e−8.
    private static Tensor BinaryKl(Tensor logp, Tensor old)
    {
        Tensor p = logp.exp(), q = old.exp();
        return (q * (old - logp)) + ((1 - q) * ((1 - q + 1e-8) / (1 - p + 1e-8)).log());
    }

    private static Tensor Within(Tensor values, double low, double high) => values.ge(low).logical_and(values.le(high));
}
