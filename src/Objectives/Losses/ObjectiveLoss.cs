using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>An objective as a trainer's loss: −J and −∂J/∂ℓ over rectangles.</summary>
/// <param name="name">What reports call it.</param>
/// <param name="objective">The objective.</param>
public sealed class ObjectiveLoss(string name, SurrogateObjective objective) : ILoss
{
    // Those that every batch of the protocol carries.
    private static readonly ImmutableArray<Column> s_usual = [Column.Logp, Column.OldLogp, Column.RefLogp, Column.RolloutLogp, Column.Entropy];

    /// <inheritdoc/>
    public LossSignature Signature { get; } = new(name)
    {
        Capabilities = LossCapabilities.Frozen | (Splits(objective) ? LossCapabilities.Accumulation | LossCapabilities.Devices : 0),
        Promises = PromisesOf(objective),
        Clip = PromisesOf(objective).HasFlag(LossPromises.ImportanceRatio) ? objective.Kernel.Region : null,
        Design = objective,
        Reads = [.. objective.Reads.Except(s_usual)],
        Rewards = objective.Rewards.Count ?? 1,
        GreedyRewards = objective.Advantage.ReadsGreedyReward,
    };

    /// <inheritdoc/>
    public LossAnswer Evaluate(PaddedBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var parts = batch.Accumulation.IsEmpty ? batch.Devices : batch.Accumulation;
        if (parts.IsEmpty)
            return Evaluate(objective, batch);
        if (!Splits(objective))
            throw InvalidInputException.Because($"{Signature.Name} takes whole batches: its parts do not add up to one.");
        if (parts.Any(rows => rows < 1) || parts.Sum() != batch.Rows)
            throw InvalidInputException.Because($"Parts must have 1 row or more each and {batch.Rows} together; got {string.Join(", ", parts)}.");
        return Added(batch, parts);
    }

    // As a trainer does that does it right: advantages are those of the whole batch, and every part weighs what it is of the whole.
    private LossAnswer Added(PaddedBatch batch, ImmutableArray<int> parts)
    {
        var whole = Frozen(batch).ToBatch(out int[] order);
        double[] advantages = Spread(batch, Cells(whole, order, batch.Width), objective.Evaluate(whole).Advantages), gradient = new double[batch.Rows * batch.Width];
        double loss = 0;
        int first = 0;
        foreach (int rows in parts)
        {
            var part = batch.Slice(first..(first + rows));
            var ragged = Frozen(part).ToBatch(out int[] own);
            double[] given = [.. Cells(ragged, own, batch.Width).Select(cell => advantages[(first * batch.Width) + cell])];
            var answer = Evaluate(objective.OfPart(ragged, whole, given), part);
            double share = objective.Share().Of(ragged, whole);
            loss += share * answer.Loss;
            for (int cell = 0; cell < answer.Gradient.Length; cell++)
                gradient[(first * batch.Width) + cell] = share * answer.Gradient[cell];
            first += rows;
        }

        return new(loss, gradient);
    }

    private static LossAnswer Evaluate(SurrogateObjective objective, PaddedBatch batch)
    {
        var ragged = Frozen(batch).ToBatch(out int[] order);
        int[] cells = Cells(ragged, order, batch.Width);
        double[] point = [.. cells.Select(cell => batch[Column.Logp]![cell])], coefficients = new double[ragged.Tokens];
        double value = objective.Evaluate(ragged, point, coefficients, new());
        return new(0 - value, Spread(batch, cells, [.. coefficients.Select(c => 0 - c)]));
    }

    private static bool Splits(SurrogateObjective objective) =>
        objective.Share() is Share.Rows or Share.LiveRows or Share.Tokens or Share.Whole && objective.Kernel is RowKernel && !objective.WeighsByGroup();

    private static PaddedBatch Frozen(PaddedBatch batch) => batch.FrozenLogps is { } at ? batch.With(Column.Logp, at) : batch;

    // Where the tokens of a ragged batch stand in the rectangles, each of whose rows came from the one that order names.
    private static int[] Cells(RolloutBatch ragged, int[] order, int width)
    {
        int[] row = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
            row[order[i]] = i;
        return PaddedBatch.Places(ragged, new() { Order = [.. row] }, width);
    }

    private static double[] Spread(PaddedBatch batch, int[] cells, double[] values)
    {
        double[] spread = new double[batch.Rows * batch.Width];
        for (int t = 0; t < cells.Length; t++)
            spread[cells[t]] = values[t];
        return spread;
    }

    /// <summary>What an objective promises, as its parts say.</summary>
    public static LossPromises PromisesOf(SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        var traits = objective.Traits;
        var weight = objective.Weight.Times(objective.Correction);
        Regulariser[] penalties = [.. objective.Regularisers.Where(term => term.Beta != 0 && !term.ActsOnEntropy)];
        bool still = penalties.All(term => term is KlPenalty { Against: Column.RefLogp } kl && (kl.StraightThrough || kl.Estimator != KlEstimator.K1));
        bool affine = traits.HasFlag(Traits.AffineAdvantage | Traits.ShiftBlind | Traits.ComparesRewards | Traits.VanishesWithAdvantage | Traits.UnshapedRewards) && objective.Rewards.Count == 1;
        // What reads log-probs may turn its advantages round off-policy.
        bool given = traits.HasFlag(Traits.UnshapedRewards) && objective.Advantage.Reads.IsEmpty;
        bool gained = traits.HasFlag(Traits.CommonOnPolicyGain | Traits.VanishesWithAdvantage), isolated = traits.HasFlag(Traits.GroupIsolated);
        bool even = gained && objective.Advantage.OneNumberARow && weight.OneNumberARowOnPolicy;
        bool ratio = gained && given && objective.Correction == TokenWeight.One
            && objective.Kernel is TokenRatio { Shape: Clip } or SequenceRatio { Shape: Clip } or ClippedImportance { Low: < 0.9, High: > 1.1 } or LogLikelihood;
        return LossPromises.NonFinitePadding | LossPromises.AnyGroupSize
            | Where(affine, LossPromises.ComparesRewards | (weight.ReadsAdvantageSizes ? 0 : LossPromises.KeepsScale))
            | Where(affine && isolated && gained, LossPromises.PushesUp | LossPromises.BoundedAdvantage)
            | Where(isolated, LossPromises.GroupIsolated | LossPromises.MaskedRowsOnlyRescale)
            | Where(TakesLoneCompletions(objective), LossPromises.LoneCompletions)
            | Where(isolated && weight.Share != Share.None, LossPromises.Averages)
            | Where(even, LossPromises.OneCreditARow)
            | Where(gained && given && still, LossPromises.KeepsSign)
            | Where(ratio, LossPromises.PessimisticClip | LossPromises.ImportanceRatio)
            | Where(ratio && objective.Kernel is TokenRatio or ClippedImportance, LossPromises.TokenRatio)
            | Where(ratio && objective.Kernel is SequenceRatio { Ratio: RatioLevel.SequenceMean }, LossPromises.SequenceRatio)
            | Where(still, LossPromises.KlStationary | LossPromises.KlPulls)
            | Where(penalties.All(term => term is KlPenalty { Estimator: not KlEstimator.K1 }), LossPromises.KlNonNegative)
            | Where(penalties.All(term => term is KlPenalty { Estimator: KlEstimator.K1 or KlEstimator.K3 }), LossPromises.KlUnbiased)
            | Where(!weight.ReadsPadding && !penalties.Any(term => term.Weight?.ReadsPadding ?? false), LossPromises.WidthBlind);

        static LossPromises Where(bool kept, LossPromises promises) => kept ? promises : LossPromises.None;
    }

    // Whether a statistic of one reward is defined is best asked of the objective itself.
    private static bool TakesLoneCompletions(SurrogateObjective objective)
    {
        var row = new Rollout { Rewards = [.. Enumerable.Repeat((double?)1, objective.Rewards.Count ?? 1)], Logps = [-1, -1], OldLogps = [-1, -1], Tokens = [0, 1], GreedyReward = objective.Advantage.ReadsGreedyReward ? 1 : null };
        try
        {
            objective.Evaluate(RolloutBatch.Of([[objective.Reads.Where(column => row[column] is null).Aggregate(row, (with, column) => with.With(column, column == Column.RefLogp || column == Column.RolloutLogp ? [-1, -1] : [0.5, 0.5]))]]));
            return true;
        }
        catch (InvalidInputException)
        {
            return false;
        }
    }
}
