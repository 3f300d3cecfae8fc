using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Rewards' shapings over tensors.</summary>
internal static class RewardTensors
{
    /// <summary>Rᵢ, shape [B], units of reward; NaN where it is missing and skipped.</summary>
    public static Tensor Of(RewardShaping shaping, TensorBatch batch) => shaping switch
    {
        SingleReward single => Columns(batch, 1, single.Missing)[0],
        WeightedRewards several => Added(several, batch, reward => reward),
        ScoredRewards several => Added(several, batch, reward => RowAdvantageTensors.Of(several.Score, batch, reward)),
        ClippedReward clipped => Of(clipped.Inner, batch).clamp(min: clipped.Low, max: clipped.High),
        // R − β Σₜ (ℓ° − ℓʳ).
        KlInReward kl => Of(kl.Inner, batch) - (kl.Beta * batch.RowSum(batch[Column.OldLogp] - batch[Column.RefLogp])),
        NoRewards => torch.zeros(batch.Rows, dtype: float64),
        _ => throw Tensors.NoForm(shaping),
    };

    // Σₖ wₖ f(Rₖ) over the rewards that a completion has; missing where it has none.
    private static Tensor Added(SeveralRewards several, TensorBatch batch, Func<Tensor, Tensor> transform)
    {
        var columns = Columns(batch, several.Count, several.Missing);
        var sum = torch.zeros(batch.Rows, dtype: float64);
        for (int k = 0; k < columns.Length; k++)
            sum += (several.Weights.IsEmpty ? 1 : several.Weights[k]) * transform(columns[k]).Only(columns[k].Known());
        return torch.where(batch.Rewards.Known().any(1), sum, torch.full_like(sum, double.NaN));
    }

    private static Tensor[] Columns(TensorBatch batch, int? count, MissingReward missing)
    {
        var columns = batch.Rewards.unbind(1);
        if (count is { } expected && columns.Length != expected)
            throw InvalidInputException.Because($"The objective takes {expected} rewards a completion; the batch carries {columns.Length}.");
        if (missing == MissingReward.Refused && !batch.Rewards.Known().all().item<bool>())
            throw InvalidInputException.Because($"The objective needs every reward; one is missing.");
        return columns;
    }
}
