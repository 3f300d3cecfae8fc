using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Weights of tokens that completions of a group have in common, over tensors: data, without gradient.</summary>
internal static class SharedTokenTensors
{
    /// <summary>1 over the number of completions of the group that share all tokens up to this one, shape [B, T].</summary>
    public static Tensor Prefix(TensorBatch batch)
    {
        var others = (batch.Together - torch.eye(batch.Rows, dtype: float64)).unsqueeze(2);
        return 1 / (1 + (others * batch.SameIds().Indicator().cumprod(2)).sum(1));
    }

    /// <summary>
    /// The factor of conflict tokens, once for the unbroken run from the start and once for that from the end, over the longer run's length,
    /// shape [B, T].
    /// </summary>
    public static Tensor Conflict(ConflictWeight weight, TensorBatch batch)
    {
        var signs = Signs(weight, batch);
        Tensor forward = Run(batch, signs, fromEnd: false), backward = Run(batch, signs, fromEnd: true);
        var factor = torch.where(signs.gt(0), torch.full_like(signs, weight.Positive), torch.full_like(signs, weight.Negative)).unsqueeze(1);
        Tensor place = batch.Ordinals() - 1, left = batch.Lengths.unsqueeze(1) - batch.Ordinals(), one = torch.ones_like(place);
        var factors = torch.where(place.lt(forward), factor, one) * torch.where(left.lt(backward), factor, one);
        return weight.PerConflict ? factors / torch.maximum(forward, backward).clamp(min: 1) : factors;
    }

    // +1, −1 or, where the advantage is rounding beside the group's largest, 0, shape [B].
    private static Tensor Signs(ConflictWeight weight, TensorBatch batch)
    {
        var advantages = RowAdvantageTensors.Of(weight.Signs, batch, RewardTensors.Of(RewardShaping.None, batch));
        return advantages.sign().Only(advantages.IsNoise((batch.Together * advantages.abs()).amax(1)).logical_not());
    }

    // The number of tokens in the unbroken run of conflicts, shape [B, 1]: rows of both signs have the row's id at the place.
    private static Tensor Run(TensorBatch batch, Tensor signs, bool fromEnd)
    {
        var same = batch.SameTrainedIds(fromEnd).Indicator() * batch.Together.unsqueeze(2);
        Tensor With(Tensor sign) => (same * sign.Indicator().reshape(1, -1, 1)).sum(1).gt(0);
        var conflicts = With(signs.gt(0)).logical_and(With(signs.lt(0))).logical_and(signs.ne(0).unsqueeze(1));
        return conflicts.Indicator().cumprod(1).sum(1, keepdim: true);
    }
}
