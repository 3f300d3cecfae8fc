using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// A batch small enough to follow by hand: two prompts with four and two completions, of unequal lengths that covary with the reward,
/// two shared tokens on-policy, and later tokens whose ratios leave the usual clip ranges on either side. It carries every column.
/// </summary>
internal static class WorkedBatch
{
    // Log-ratios after the shared tokens, completion by completion.
    private static readonly (double Reward, double[] LogRatios)[][] s_groups =
    [
        [(1, [0.1]), (1, [0.4, -0.1]), (0, [-0.3, 0.05, 0.2]), (0, [0.02, -0.6, 1.2, 0.01])],
        [(1, [0.15, -0.2, 0.1]), (0.5, [0.25])],
    ];

    /// <summary>The batch.</summary>
    public static RolloutBatch Build() => RolloutBatch.Of([.. s_groups.Select(group => group.Select((row, k) => Completion(row.Reward, row.LogRatios, k)).ToArray())]);

    private static Rollout Completion(double reward, double[] tail, int k)
    {
        double[] ratios = [0, 0, .. tail];
        double[] old = [-0.5, -0.75, .. tail.Select((_, t) => -2 - (0.25 * ((t + k) % 3)))];
        return new()
        {
            Reward = reward,
            OldLogps = old,
            Logps = Each((t, logp) => logp + ratios[t]),
            RefLogps = Each((t, logp) => logp - (t < 2 ? 0.05 : 0.1)),
            RolloutLogps = Each((t, logp) => logp + (t < 2 ? 0.01 : -0.04)),
            Entropies = Each((_, logp) => -0.25 * logp),
            Values = Each((t, _) => t < 2 ? 0.5 : 0.25),
            SumPiSquared = Each((_, logp) => Math.Exp(logp)),
            TokenRewards = Each((_, _) => 0),
            Random = Each((t, _) => t < 2 ? 0.5 : (0.1 * (t + k)) % 1),
            Tokens = [0, 1, .. tail.Select((_, t) => t == 0 ? 2 + k : t)],
            GreedyReward = 0.5,
        };

        double[] Each(Func<int, double, double> of) => [.. old.Select((logp, t) => of(t, logp))];
    }
}
