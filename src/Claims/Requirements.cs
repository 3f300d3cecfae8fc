using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>Hypotheses that several claims share.</summary>
internal static class Requirements
{
    /// <summary>The first of the traits <paramref name="needed"/> that <paramref name="objective"/> lacks, in words; null where it has all.</summary>
    public static string? Missing(SurrogateObjective objective, Traits needed) => (needed & ~objective.Traits).InWords().FirstOrDefault();

    /// <summary>
    /// What rounding leaves of an advantage of group <paramref name="g"/> that is zero in the reals: the error of centring the rewards that
    /// are counted, relative to the largest deviation, times the largest advantage; over all groups where one's advantages see the others.
    /// Of advantages that are no centred single rewards: what the rounding of each reward does to them.
    /// </summary>
    public static double AdvantageRounding(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int g)
    {
        if (!objective.Advantage.Traits.HasFlag(Traits.Centred))
            return Sensitivity(objective, batch, evaluation, g);
        bool isolated = objective.Advantage.Traits.HasFlag(Traits.GroupIsolated), live = objective.Traits.HasFlag(Traits.IgnoresDeadRows);
        double reward = 0, spread = 0, advantage = 0, own = 0;
        for (int other = 0; other < batch.Groups; other++)
        {
            if (isolated && other != g)
                continue;
            var (start, length) = batch.Group(other).GetOffsetAndLength(batch.Rows);
            int[] counted = [.. Enumerable.Range(start, length).Where(i => !double.IsNaN(evaluation.Rewards[i]) && (!live || batch.Length(i) > 0))];
            double mean = counted.Sum(i => evaluation.Rewards[i]) / counted.Length;
            double largest = counted.Select(i => Math.Abs(evaluation.Rewards[i])).DefaultIfEmpty().Max();
            double deviation = counted.Select(i => Math.Abs(evaluation.Rewards[i] - mean)).DefaultIfEmpty().Max(), most = 0;
            foreach (double a in evaluation.Advantages.AsSpan(batch.GroupTokens(other)))
                most = Math.Max(most, Math.Abs(a));
            (reward, spread, advantage) = (Math.Max(reward, largest), Math.Max(spread, deviation), Math.Max(advantage, most));
            // What a group's own spread divides is as far off as that group's centring is.
            if (other == g && deviation > 0)
                own = most * Tolerance.Centring(counted.Length, largest, deviation);
        }

        double centring = Math.Max(own, advantage * Tolerance.Centring(isolated ? batch.GroupSize(g) : batch.Rows, reward, spread));
        return objective.Rewards is SeveralRewards ? centring + Sensitivity(objective, batch, evaluation, g) : centring;
    }

    // A sum in another order is the exact sum of rewards that are each off by at most γₙ of the largest; what several rewards add up to is off
    // by that of its terms, and so are the columns that an advantage adds up. How far that moves the advantages is seen by moving them so: one
    // pattern of signs after another, four times over for those that are not tried.
    private static double Sensitivity(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int g)
    {
        int rewards = batch.RewardsPerRow;
        double[] largest = [.. Enumerable.Range(0, rewards).Select(k => Enumerable.Range(0, batch.Rows).Max(i => batch.TryReward(i, k, out double reward) ? Math.Abs(reward) : 0))];
        double rounding = Tolerance.Roundings(batch.Tokens + batch.Rows + 16), moved = 0, advantage = 0;
        double[] advantages = new double[batch.Tokens], terms = Terms(objective, batch), shaped = [.. evaluation.Rewards];
        foreach (var sign in s_signs)
        {
            for (int i = 0; i < batch.Rows; i++)
                shaped[i] = evaluation.Rewards[i] + (sign(i) * rounding * terms[i]);
            objective.Advantage.Fill(batch, shaped, advantages);
            Look(advantages);
            Look(objective.Evaluate(batch.WithRewards((i, r, reward) =>
            {
                int group = batch.GroupOf(i);
                return reward + (sign(group + i - batch[group].FirstRow + r) * rounding * largest[r]);
            })).Advantages);
            foreach (var column in objective.Advantage.Reads.Concat(objective.Rewards.Reads).Distinct())
                Look(objective.Evaluate(batch.With(column, [.. batch[column].ToArray().Select((value, t) => value + (sign(t) * rounding * Math.Abs(value)))])).Advantages);
        }

        // What cancels in each of these, and rounds all the same: the last mean that is taken off, and a baseline of the size of the rewards.
        double cancelled = objective.Advantage.CentringCondition(batch, evaluation.Rewards);
        if (objective.Advantage.Under(2) is (_, 1))
            cancelled += evaluation.Rewards.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        return (4 * moved) + Tolerance.Summation(batch.Tokens + batch.Rows + 16, advantage + cancelled);

        void Look(double[] other)
        {
            var (first, length) = batch.GroupTokens(g).GetOffsetAndLength(batch.Tokens);
            for (int t = first; t < first + length; t++)
            {
                moved = Math.Max(moved, Math.Abs(other[t] - evaluation.Advantages[t]));
                advantage = Math.Max(advantage, Math.Abs(evaluation.Advantages[t]));
            }
        }
    }

    // Σₖ |wₖ·termₖ| of every row's shaped reward: the largest sum with other signs.
    private static double[] Terms(SurrogateObjective objective, RolloutBatch batch)
    {
        double[] terms = new double[batch.Rows], sums = new double[batch.Rows];
        if (objective.Rewards is not SeveralRewards several)
            return terms;
        foreach (var sign in s_signs)
        {
            several.Weighing([.. Enumerable.Range(0, batch.RewardsPerRow).Select(r => (several.Weights.IsEmpty ? 1 : several.Weights[r]) * sign(r))]).Fill(batch, sums);
            for (int i = 0; i < terms.Length; i++)
                terms[i] = Math.Max(terms[i], Math.Abs(sums[i]));
        }

        // A score's own centring is off by the rounding of R − R̄ times its factor, for a whole group alike.
        if (objective.Rewards is ScoredRewards { Score.LargestFactor: { } factor } && double.IsFinite(factor))
        {
            double largest = Enumerable.Range(0, batch.Rows).Max(i => Enumerable.Range(0, batch.RewardsPerRow).Max(k => batch.TryReward(i, k, out double reward) ? Math.Abs(reward) : 0));
            double weight = several.Weights.IsEmpty ? 1 : several.Weights.Max(Math.Abs);
            for (int i = 0; i < terms.Length; i++)
                terms[i] += batch.RewardsPerRow * weight * factor * largest;
        }

        return terms;
    }

    /// <summary>
    /// What the rounding of sums of log-ratios does to a coefficient of group <paramref name="g"/> that does not vanish with its advantage, a
    /// pull back to the behaviour policy: seen by moving the log-probs by it, as <see cref="Sensitivity"/> moves rewards; else 0.
    /// </summary>
    public static double PullRounding(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int g)
    {
        if (objective.Kernel.Traits.HasFlag(Traits.VanishesWithAdvantage))
            return 0;
        double moved = 0;
        foreach (double[] logp in NearLogps(batch, batch[Column.Logp].ToArray()))
        {
            double[] coefficients = objective.Evaluate(batch.With(Column.Logp, logp)).Coefficients;
            var (first, length) = batch.GroupTokens(g).GetOffsetAndLength(batch.Tokens);
            for (int t = first; t < first + length; t++)
                moved = Math.Max(moved, Math.Abs(coefficients[t] - evaluation.Coefficients[t]));
        }

        return 4 * moved;
    }

    /// <summary>The same for the value at the evaluation point <paramref name="logp"/>, shape [N].</summary>
    public static double ValueRounding(SurrogateObjective objective, RolloutBatch batch, double[] logp)
    {
        if (objective.Kernel.Traits.HasFlag(Traits.VanishesWithAdvantage))
            return 0;
        double[] coefficients = new double[batch.Tokens];
        var workspace = new Workspace();
        double value = objective.Evaluate(batch, logp, coefficients, workspace);
        return 4 * NearLogps(batch, logp).Max(near => Math.Abs(objective.Evaluate(batch, near, coefficients, workspace) - value));
    }

    private static IEnumerable<double[]> NearLogps(RolloutBatch batch, double[] logp)
    {
        double rounding = Tolerance.Roundings(batch.Tokens + batch.Rows + 16);
        double[] old = batch[Column.OldLogp].ToArray();
        return s_signs.Select(sign => logp.Select((x, t) => x + (sign(t) * rounding * (Math.Abs(x) + Math.Abs(old[t])))).ToArray());
    }

    private static readonly Func<int, int>[] s_signs = [_ => 1, k => k % 2 == 0 ? 1 : -1, k => (k * 7919 % 5) % 2 == 0 ? 1 : -1];

    /// <summary>
    /// The parts of <paramref name="objective"/> between rewards and advantages with every constant in units of reward over <paramref name="scale"/>,
    /// and the degree of the whole; null where a part has no such law.
    /// </summary>
    public static (Advantage Advantage, RewardShaping Rewards, int Degree)? Under(SurrogateObjective objective, double scale) =>
        objective.Rewards.Under(scale) is var (rewards, first) && objective.Advantage.Under(Math.Pow(scale, first)) is var (advantage, second)
            && (first == 1 || !(objective.Advantage.ReadsGreedyReward || objective.Advantage.Reads.Any(column => column is Column.Value or Column.TokenReward)))
            ? (advantage, rewards, first * second)
            : null;

    /// <summary>Roundings that a kernel which reads whole rows puts on each coefficient: those of sums over its longest row; 0 for a token's own.</summary>
    public static int RowRoundings(SurrogateObjective objective, RolloutBatch batch) =>
        objective.Kernel is TokenKernel ? 0 : 4 * Enumerable.Range(0, batch.Rows).Max(batch.Length);

    /// <summary>Why a claim about ratios up to e²⁰ does not speak of a kernel whose gradient ends before; null where it does.</summary>
    public static string? ShortReach(SurrogateObjective objective) =>
        objective.Kernel.Reach < 20 ? "a gradient that no bound on log-ratios ends within ±20" : null;

    /// <summary>Whether some regulariser with β ≠ 0 acts on log-probs: an entropy bonus leaves their coefficients alone.</summary>
    public static bool ActsOnLogProbs(SurrogateObjective objective) => objective.Regularisers.Any(term => term.Beta != 0 && !term.ActsOnEntropy);

    /// <summary>The columns that an objective reads beyond those that every case carries.</summary>
    public static IEnumerable<Column> Extra(SurrogateObjective objective) =>
        objective.Reads.Where(column => column is not (Column.Logp or Column.OldLogp));

    /// <summary>
    /// A completion with what an objective reads beyond its log-probs: the sampling engine is the behaviour policy, so that a correction for
    /// their mismatch leaves every token in, the reference is the current policy, and all other columns are 0.5.
    /// </summary>
    public static Rollout Completed(SurrogateObjective objective, Rollout row) => Extra(objective).Aggregate(
        row with { GreedyReward = objective.Advantage.ReadsGreedyReward ? 0 : null },
        (with, column) => with.With(column, column switch
        {
            Column.RolloutLogp => row.OldLogps,
            Column.RefLogp => row.Logps,
            _ => [.. row.Logps.Select(_ => 0.5)],
        }));

    /// <summary>Cases that carry what an objective reads, at and about its kernel's clip bounds.</summary>
    public static RolloutDomain Domain(SurrogateObjective objective) => new()
    {
        Reads = [.. Extra(objective)],
        RewardCount = objective.Rewards.Count ?? 2,
        GreedyRewards = objective.Advantage.ReadsGreedyReward,
        LeastTokens = objective.Advantage.LeastTokens,
        Level = objective.Kernel.Ratio,
        Bounds = objective.Kernel.Region,
    };

    /// <summary>Where a batch is not on-policy, in words; null where it is.</summary>
    public static string? OffPolicy(RolloutBatch batch)
    {
        var logp = batch[Column.Logp];
        var old = batch[Column.OldLogp];
        for (int t = 0; t < batch.Tokens; t++)
        {
            if (logp[t] != old[t])
                return FormattableString.Invariant($"the batch is on-policy (log-probs equal the behaviour policy's); {batch.PlaceOf(t)} has {logp[t]} and {old[t]}");
        }

        return null;
    }

    /// <summary>Where a group has fewer than two completions, in words; null where none has.</summary>
    public static string? SingleCompletion(RolloutBatch batch)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            if (batch.GroupSize(g) < 2)
                return FormattableString.Invariant($"every group has at least 2 completions; group {g} has {batch.GroupSize(g)}");
        }

        return null;
    }
}
