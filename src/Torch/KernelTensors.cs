using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Kernels over tensors, from their formulas; autograd finds the slopes.</summary>
internal static class KernelTensors
{
    /// <summary>Σ w φ, a scalar; A and w have shape [B, T] and are 0 at masked places.</summary>
    public static Tensor Of(Kernel kernel, TensorBatch batch, Tensor advantages, Tensor weights) => kernel switch
    {
        TokenKernel token => (weights * Token(token, batch, advantages)).sum(),
        SequenceTokenRatio own => (weights * Shape(own.Shape, SequenceToken(batch).clamp(max: own.LogCap).exp(), advantages)).sum(),
        GammaGain own => (weights * Gain(own, batch, advantages).detach() * advantages * batch.Logp).sum(),
        FlippedRatio own => (weights * Flipped(own, batch, advantages)).sum(),
        // A row is worth w̄·ψ/j, j = ∂z/∂ℓ: 1/n of a mean, 1 of a sum.
        SequenceRatio { Ratio: RatioLevel.SequenceMean } own => (weights.sum(1) * Row(own, batch.RowMean(LogRatio(batch)), batch, advantages)).sum(),
        SequenceRatio own => (batch.RowMean(weights) * Row(own, batch.RowSum(LogRatio(batch)), batch, advantages)).sum(),
        GeometricMean own => (weights.sum(1) * Geometric(own, batch, advantages)).sum(),
        LogRatioRegression own => (batch.RowMean(weights) * Regression(own, batch, advantages)).sum(),
        // −D²/(2β).
        GroupVariance own => -(batch.RowMean(weights) * Gap(own, batch, advantages).pow(2)).sum() / (2 * own.Beta),
        _ => throw Tensors.NoForm(kernel),
    };

    /// <summary>ψ(r, A), elementwise.</summary>
    public static Tensor Shape(Shape shape, Tensor ratio, Tensor advantages) => shape switch
    {
        Unclipped => ratio * advantages,
        Clip clip => Clipped(clip, ratio, advantages),
        // (4/τ)·σ(τ(r − 1))·A, τ by the sign of A.
        SoftGate gate => torch.where(advantages.gt(0), Gate(gate.PositiveTau, ratio), Gate(gate.NegativeTau, ratio)) * advantages,
        _ => throw Tensors.NoForm(shape),
    };

    private static Tensor Token(TokenKernel kernel, TensorBatch batch, Tensor advantages) => kernel switch
    {
        LogLikelihood => advantages * batch.Logp,
        // sg(clamp(r, low, high))·A·ℓ.
        ClippedImportance own => Ratio(batch, own.LogBound).clamp(min: own.Low, max: own.High).detach() * advantages * batch.Logp,
        OwnRatio => (batch.Logp - batch.Logp.detach()).exp() * advantages,
        TokenRatio own => Shape(own.Shape, Ratio(batch, own.LogBound), advantages),
        GradientPreservingClip own => Preserving(own.Clip, Ratio(batch, double.PositiveInfinity), advantages),
        _ => throw Tensors.NoForm(kernel),
    };

    private static Tensor LogRatio(TensorBatch batch) => batch.Logp - batch[Column.OldLogp];

    private static Tensor Ratio(TensorBatch batch, double bound) => LogRatio(batch).clamp(min: -bound, max: bound).exp();

    // min(min(r, cap)·A, clamp(r, low, high)·A), and at least dual·A where A < 0.
    private static Tensor Clipped(Clip clip, Tensor ratio, Tensor advantages)
    {
        var value = torch.minimum(ratio.clamp(max: clip.Cap) * advantages, ratio.clamp(min: clip.Low, max: clip.High) * advantages);
        return Dual(clip.Dual, value, advantages);
    }

    private static Tensor Dual(double dual, Tensor value, Tensor advantages) => double.IsFinite(dual)
        ? torch.where(advantages.lt(0), torch.maximum(value, dual * advantages), value)
        : value;

    // Clipped ratios become bound·r/sg(r): the clip's value, and its gradient as if it were none.
    private static Tensor Preserving(Clip clip, Tensor ratio, Tensor advantages)
    {
        var frozen = ratio.detach();
        var clipped = frozen.clamp(min: clip.Low, max: clip.High) * (ratio / frozen);
        return Dual(clip.Dual, torch.minimum(ratio * advantages, clipped * advantages), advantages);
    }

    private static Tensor Gate(double tau, Tensor ratio) => 4 / tau * (tau * (ratio - 1)).sigmoid();

    // A ≥ 0: A·p/sg(p)², p = min(r, 1 + ε_high). A < 0: A·max(r, 1 − ε_low). Where the gain would exceed the dual, dual·A·ℓ.
    private static Tensor Flipped(FlippedRatio kernel, TensorBatch batch, Tensor advantages)
    {
        Tensor low = Bound(kernel.LowEntropy.Low, kernel.HighEntropy.Low), high = Bound(kernel.LowEntropy.High, kernel.HighEntropy.High);
        var ratio = Ratio(batch, kernel.LogBound);
        Tensor least = torch.minimum(ratio, high), most = torch.maximum(ratio, low), positive = advantages.ge(0);
        var gain = torch.where(positive, 1 / least, most).detach();
        var value = torch.where(positive, least / least.detach().pow(2), most);
        return torch.where(gain.gt(kernel.Dual), kernel.Dual * batch.Logp, value) * advantages;

        Tensor Bound(double ofLow, double ofHigh)
        {
            var confident = batch[Column.Entropy].le(batch.RowQuantile(batch[Column.Entropy], kernel.Quantile).unsqueeze(1));
            return torch.where(confident, torch.full_like(batch.Mask, ofLow), torch.full_like(batch.Mask, ofHigh));
        }
    }

    private static Tensor Row(SequenceRatio kernel, Tensor logRatio, TensorBatch batch, Tensor advantages) =>
        Shape(kernel.Shape, logRatio.exp(), batch.RowMean(advantages));

    // −½τ(A/τ − S)².
    private static Tensor Regression(LogRatioRegression kernel, TensorBatch batch, Tensor advantages) =>
        -kernel.Tau / 2 * ((batch.RowMean(advantages) / kernel.Tau) - batch.RowSum(LogRatio(batch))).pow(2);

    // log(sg(s)·r/sg(r)), s the geometric mean of the row's ratios.
    private static Tensor SequenceToken(TensorBatch batch) =>
        batch.RowMean(LogRatio(batch)).detach().unsqueeze(1) + (batch.Logp - batch.Logp.detach());

    // e^λ·w^k·e^(−λw) of the row's ratio w, k and λ by the sign of A; what overflows counts as 0.
    private static Tensor Gain(GammaGain kernel, TensorBatch batch, Tensor advantages)
    {
        var log = batch.RowSum(LogRatio(batch).clamp(min: -20, max: 20));
        if (kernel.Mismatch is not null)
            log += batch.RowSum(PolicyRatioTensors.Of(kernel.Mismatch, batch).log().clamp(min: Math.Log(1e-8), max: 20));
        log = log.clamp(min: Math.Log(1e-8), max: 20).unsqueeze(1);
        Tensor Of(double k, double lambda) => (lambda + (k * log) - (lambda * log.exp())).exp();
        var gain = torch.where(advantages.ge(0), Of(kernel.PositiveK, kernel.PositiveLambda), Of(kernel.NegativeK, kernel.NegativeLambda));
        return gain.Only(gain.isfinite());
    }

    // exp(Σ clip(log r)/(n + ε))·A·n/(n + ε), clipped from above where A > 0, from below elsewhere.
    private static Tensor Geometric(GeometricMean kernel, TensorBatch batch, Tensor advantages)
    {
        var advantage = batch.RowMean(advantages);
        var clipped = torch.where(advantage.gt(0).unsqueeze(1), LogRatio(batch).clamp(max: kernel.High), LogRatio(batch).clamp(min: -kernel.Low));
        var count = (batch.Lengths + kernel.CountEpsilon).clamp(min: 1);
        return (batch.RowSum(clipped) / count).exp() * advantage * batch.Lengths / count;
    }

    // Aᵢ − β(Sᵢ − S̄), S̄ the mean over the group's live rows.
    private static Tensor Gap(GroupVariance kernel, TensorBatch batch, Tensor advantages)
    {
        var live = batch.Together * batch.Lengths.gt(0).Indicator();
        var sums = batch.RowSum(LogRatio(batch));
        return batch.RowMean(advantages) - (kernel.Beta * (sums - (live.mv(sums) / live.sum(1).clamp(min: 1))));
    }
}
