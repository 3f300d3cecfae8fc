using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.EndToEnd;

/// <summary>
/// Random batches of 1 to 3 prompts that carry what an objective reads: ragged lengths, masked tokens and rows, rewards that tie. They keep
/// away from where J has no derivative, by construction: each importance ratio is 10⁻³ nats or more from every kink of the kernel (an
/// exponential that rounds otherwise would fall on the other side of it), and rewards are multiples of ¼, so that centring them does not
/// amplify rounding. Three choices at a tie are left in, because both sides make the same: |log r| has slope 0 at ratio 1, equal covariances
/// are told apart by the batch's random numbers, and a group of equal rewards has no best. A third are on-policy, a third within 1 nat, and a
/// third reach 20 nats, beyond the bounds on log-ratios. Where an objective skips missing rewards, a fifth lack some.
/// </summary>
internal static class RandomBatches
{
    private static readonly double[] s_reaches = [0, 1, 20];

    /// <summary>The first <paramref name="count"/> batches for an objective, the same in every run.</summary>
    public static IEnumerable<RolloutBatch> For(SurrogateObjective objective, int count) => Enumerable.Range(0, count).Select(k =>
    {
        double reach = s_reaches[k % s_reaches.Length];
        var domain = new RolloutDomain
        {
            Reads = [.. objective.Reads.Where(column => column is not (Column.Logp or Column.OldLogp))],
            RewardCount = objective.Rewards.Count ?? 2,
            GreedyRewards = objective.Advantage.ReadsGreedyReward,
            LeastTokens = objective.Advantage.LeastTokens,
            Level = objective.Kernel.Ratio,
            AwayFrom = objective.Kernel.Kinks,
            Rewards = RewardKind.Plain,
            OnPolicy = reach == 0,
            LargestLogRatio = Math.Max(1, reach),
            SharedPrefix = k % 4 == 3 && objective.Kernel.Ratio == RatioLevel.Token,
        };
        var batch = domain.Build(new((ulong)k + 1, 20 + (80 * k / count)));
        return k % 5 == 4 && SkipsMissing(objective.Rewards) ? WithoutSome(batch, k) : batch;
    });

    private static bool SkipsMissing(RewardShaping shaping) =>
        shaping is SingleReward { Missing: MissingReward.Skipped } or SeveralRewards { Missing: MissingReward.Skipped };

    // Every third reward is missing, or another third in another batch.
    private static RolloutBatch WithoutSome(RolloutBatch batch, int offset)
    {
        return RolloutBatch.Of([.. batch.ToRollouts().Select(group => group.Select(Without).ToArray())]);

        Rollout Without(Rollout row, int k) => row with
        {
            Rewards = [.. row.Rewards.Select((reward, r) => (k + r + offset) % 3 == 0 ? null : reward)],
        };
    }
}
