using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Advantages of one number a row over tensors, dead rows included.</summary>
internal static class RowAdvantageTensors
{
    /// <summary>Aᵢ from Rᵢ (NaN: missing), both shape [B]; 0 where the reward is missing.</summary>
    /// <exception cref="InvalidInputException">An advantage is not a finite number, as a lone reward's over a spread of 0.</exception>
    public static Tensor Of(RowAdvantage advantage, TensorBatch batch, Tensor rewards)
    {
        var rows = Formula(advantage, batch, rewards).Only(rewards.Known());
        return rows.isfinite().all().item<bool>()
            ? rows
            : throw InvalidInputException.Because($"An advantage of {advantage.GetType().Name} is not a finite number.");
    }

    private static Tensor Formula(RowAdvantage advantage, TensorBatch batch, Tensor rewards) => advantage switch
    {
        NoBaseline => rewards,
        GreedyBaseline => rewards - batch.GreedyRewards(),
        GroupwiseAdvantage own => Groupwise(own, batch, rewards),
        // (R − R̄_group)/(s_batch + ε).
        BatchScaledBaseline own => (rewards - Group(batch, rewards, Counted.AllRows).Mean) / (Batch(batch, rewards).Std(1) + own.Epsilon),
        ScaledByRewards own => Scaled(own, batch, rewards),
        BatchNormalised own => Normalised(own, batch, Of(own.Inner, batch, rewards), rewards.Known()),
        // (B / max(#{R ≠ 0}, 1))·A/f.
        NonzeroScaled own => rewards.Known().Indicator().sum() / rewards.Known().logical_and(rewards.ne(0)).Indicator().sum().clamp(min: 1)
            * Of(own.Inner, batch, rewards) / own.Norm,
        ClippedAdvantage own => Of(own.Inner, batch, rewards).clamp(min: own.Low, max: own.High),
        EntropyShaped own => Confident(own, Of(own.Inner, batch, rewards), batch.RowMean(batch[Column.Entropy])),
        _ => throw Tensors.NoForm(advantage),
    };

    private static Tensor Groupwise(GroupwiseAdvantage advantage, TensorBatch batch, Tensor rewards)
    {
        var peers = Group(batch, rewards, advantage.Over);
        var alone = peers.Count.eq(1);
        var rows = advantage switch
        {
            MeanBaseline => rewards - peers.Mean,
            StandardScore score => (rewards - peers.Mean) / (peers.Std(score.Ddof) + score.Epsilon),
            LeaveOneOut => rewards - ((peers.Sum - rewards) / (peers.Count - 1)),
            LengthWeightedBaseline => rewards - new Peers(peers.Member * batch.Lengths, rewards).Mean,
            BestOfGroup best => Best(best, peers, rewards),
            PartitionBaseline partition => rewards - Soft(partition, peers, rewards),
            _ => throw Tensors.NoForm(advantage),
        };
        // Where only dead rows are left to weigh, nothing weighs.
        if (advantage is LengthWeightedBaseline)
            rows = rows.Only(peers.Member.mv(batch.Lengths).gt(0));
        if (advantage.Equal == EqualRewards.GiveZero)
            rows = rows.Only(peers.Least.ne(peers.Best));
        rows = advantage.Lone switch
        {
            LoneReward.IsAnyGroup => rows,
            LoneReward.GivesZero => rows.Only(alone.logical_not()),
            LoneReward.IsKept => torch.where(alone, rewards / (1 + (advantage is StandardScore score ? score.Epsilon : 0)), rows),
            LoneReward.IsRefused => !alone.any().item<bool>()
                ? rows
                : throw InvalidInputException.Because($"The objective compares the completions of a group; a group has 1 reward alone."),
            _ => throw Tensors.NoForm(advantage.Lone),
        };
        return rows.Only(peers.Counted);
    }

    // R − the best of the others, where that is above 0; over s + ε.
    private static Tensor Best(BestOfGroup advantage, Peers peers, Tensor rewards)
    {
        var gap = (rewards - peers.Others().Best).clamp(min: 0);
        return advantage.Scaled ? (gap / (peers.Std(1) + advantage.Epsilon)).Only(gap.gt(0)) : gap;
    }

    // τ·log mean exp(R/τ), the mean at least a floor relative to the group's best.
    private static Tensor Soft(PartitionBaseline advantage, Peers all, Tensor rewards)
    {
        var peers = advantage.LeavesOut ? all.Others() : all;
        var shift = advantage.Floor > 0 ? all.Best : torch.zeros_like(rewards);
        var exponents = (peers.Values - shift.unsqueeze(1)) / advantage.Tau;
        exponents = torch.where(peers.Member.gt(0), exponents, torch.full_like(exponents, double.NegativeInfinity));
        var mean = exponents.logsumexp(1) - peers.Count.log();
        return shift + (advantage.Tau * (advantage.Floor > 0 ? mean.clamp(min: Math.Log(advantage.Floor)) : mean));
    }

    // A/(s + ε), s = 0 of a lone reward; what is 0 stays 0.
    private static Tensor Scaled(ScaledByRewards advantage, TensorBatch batch, Tensor rewards)
    {
        var peers = advantage.Over == Pool.Group ? Group(batch, rewards, Counted.AllRows) : Batch(batch, rewards);
        var inner = Of(advantage.Inner, batch, rewards);
        return (inner / (peers.Std(1).Only(peers.Count.gt(1)) + advantage.Epsilon)).Only(inner.ne(0));
    }

    // (A − mean)/(s + ε) over the rows that have their reward.
    private static Tensor Normalised(BatchNormalised advantage, TensorBatch batch, Tensor inner, Tensor known)
    {
        var peers = Batch(batch, torch.where(known, inner, torch.full_like(inner, double.NaN)));
        return (inner - peers.Mean) / (peers.Std(1) + advantage.Epsilon);
    }

    // A − λ·H̄ if H̄ ≤ h, else 0.
    private static Tensor Confident(EntropyShaped advantage, Tensor inner, Tensor entropy) =>
        (inner - (advantage.Scale * entropy)).Only(entropy.le(advantage.Threshold));

    private static Peers Group(TensorBatch batch, Tensor rewards, Counted over) =>
        new(batch.Together * (over == Counted.LiveRows ? rewards.Known().logical_and(batch.Lengths.gt(0)) : rewards.Known()).Indicator(), rewards);

    private static Peers Batch(TensorBatch batch, Tensor rewards) => new(torch.ones_like(batch.Together) * rewards.Known().Indicator(), rewards);
}

/// <summary>Statistics of the rows that each row is compared with, as matrices instead of loops.</summary>
/// <param name="member">1 (or a weight) where row j counts for row i, 0 elsewhere, shape [B, B].</param>
/// <param name="rewards">Shape [B]; what is missing must not count.</param>
internal sealed class Peers(Tensor member, Tensor rewards)
{
    private readonly Tensor _rewards = rewards.Only(rewards.Known());

    /// <summary>1 (or a weight) where row j counts for row i, shape [B, B].</summary>
    public Tensor Member => member;

    /// <summary>The reward of row j for every row i, shape [B, B].</summary>
    public Tensor Values => _rewards.unsqueeze(0).expand_as(member);

    /// <summary>Whether row i counts for itself, shape [B].</summary>
    public Tensor Counted => member.diag().gt(0);

    /// <summary>How many rows count, shape [B].</summary>
    public Tensor Count => member.sum(1);

    /// <summary>The sum of their rewards, shape [B].</summary>
    public Tensor Sum => member.mv(_rewards);

    /// <summary>The mean of their rewards, shape [B].</summary>
    public Tensor Mean => Sum / Count;

    /// <summary>The largest of their rewards, shape [B].</summary>
    public Tensor Best => torch.where(member.gt(0), Values, torch.full_like(member, double.NegativeInfinity)).amax(1);

    /// <summary>The smallest of their rewards, shape [B].</summary>
    public Tensor Least => torch.where(member.gt(0), Values, torch.full_like(member, double.PositiveInfinity)).amin(1);

    /// <summary>√(Σ (R − R̄)²/(count − ddof)), shape [B].</summary>
    public Tensor Std(int ddof) => ((member * (Values - Mean.unsqueeze(1)).pow(2)).sum(1) / (Count - ddof)).sqrt();

    /// <summary>The same without the row itself.</summary>
    public Peers Others() => new(member * (1 - torch.eye(member.shape[0], dtype: float64)), rewards);
}
