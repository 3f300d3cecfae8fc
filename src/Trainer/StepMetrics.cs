using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Trainer;

/// <summary>What is seen of one batch.</summary>
/// <param name="Step">Which batch, from 0.</param>
/// <param name="Reward">The mean reward as the task gives it, unscaled.</param>
/// <param name="Length">The mean number of tokens.</param>
/// <param name="LogProb">The mean log-prob of the tokens as they were sampled, nats.</param>
/// <param name="Objective">J at the first inner step.</param>
/// <param name="GradientNorm">‖∇J‖₂ there.</param>
/// <param name="Moved">‖θ′ − θ‖₂ over all inner steps.</param>
/// <param name="LargestRatio">The largest importance ratio after the last inner step.</param>
/// <param name="SmallestRatio">The smallest.</param>
/// <param name="Outside">The share of tokens whose ratio is beyond 1 ± 0.2 then, the clip range of GRPO's paper, whatever the objective's own.</param>
public sealed record StepMetrics(
    int Step, double Reward, double Length, double LogProb, double Objective, double GradientNorm, double Moved, double LargestRatio, double SmallestRatio, double Outside)
{
    private const double ClipRange = 0.2;

    internal static StepMetrics Of(TrainingRun run, InnerStep first, RolloutBatch after, ReadOnlySpan<double> theta)
    {
        double[] rewards = [.. Enumerable.Range(0, after.Rows).Select(row => after.TryReward(row, 0, out double reward) ? reward / run.RewardScale : 0)];
        double[] ratios = Ratios(after);
        return new(
            first.Step,
            rewards.Average(),
            after.Tokens / (double)after.Rows,
            after[Column.OldLogp].ToArray().Average(),
            first.Evaluation.Value,
            ClipByGlobalNorm.Norm(first.Gradient),
            Distance(theta, first.Theta),
            ratios.Max(),
            ratios.Min(),
            ratios.Count(ratio => Math.Abs(ratio - 1) > ClipRange) / (double)ratios.Length);
    }

    private static double Distance(ReadOnlySpan<double> now, ReadOnlySpan<double> then)
    {
        double[] moved = now.ToArray();
        for (int k = 0; k < moved.Length; k++)
            moved[k] -= then[k];
        return ClipByGlobalNorm.Norm(moved);
    }

    internal static double[] Ratios(RolloutBatch batch) =>
        [.. Enumerable.Range(0, batch.Tokens).Select(t => Math.Exp(batch[Column.Logp][t] - batch[Column.OldLogp][t]))];
}
