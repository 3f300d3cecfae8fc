using System.Collections.Immutable;
using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>An advantage with one deliberate mistake.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Mistake">What is wrong with it.</param>
/// <param name="Run">The run that rejects it: recorded, or worked out on paper.</param>
/// <param name="Break">Puts the mistake into that run's advantage and rewards.</param>
internal sealed record AdvantageMutant(
    string Id, string Mistake, Func<RecordedAdvantages> Run, Func<RecordedAdvantages, (Advantage Advantage, RewardShaping Rewards)> Break);

/// <summary>A token's advantage by any formula: (batch, rewards) → A, shape [N].</summary>
internal sealed record FormulaTokenAdvantage(Func<RolloutBatch, double[], double[]> Formula) : Advantage
{
    public override Traits Traits => Traits.None;

    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) =>
        Formula(batch, rewards.ToArray()).CopyTo(advantages);
}

/// <summary>The mistakes in advantages that the suite must notice.</summary>
internal static class AdvantageMutants
{
    private const string Verl = "verl/advantages_1.json", Verl2 = "verl/advantages_2.json", Orlhf = "openrlhf/advantages.json";
    private const string Swift = "forks/ms_swift_advantages.json", Kimi = "forks/opmd_kimi.json", Trl = "trl/advantages.json";
    private const string Ragged = "g4_p2_ragged", Mixed = "g6_p3_mixed";

    /// <summary>All of them.</summary>
    public static ImmutableArray<AdvantageMutant> All { get; } =
    [
        // Baselines.
        Row("opo-lengths-forgotten", "the mean instead of the length-weighted mean", Verl, ["adv_estimator=opo"], _ => new MeanBaseline()),
        Row("opo-inverse-lengths", "weights 1/n", Verl, ["adv_estimator=opo"], _ => LengthsTo(-1)),
        Row("opo-squared-lengths", "weights n²", Verl, ["adv_estimator=opo"], _ => LengthsTo(2)),
        Paper("opo-dead-rows-weigh", "a dead row weighs 1", "a dead row weighs nothing in a length-weighted baseline", _ => LengthsTo(1, least: 1)),
        Row("passk-all", "the lift is given to everyone", Verl, ["adv_estimator=grpo_passk"], _ => new FormulaAdvantage((_, all) => Lift(all) / (Std(all) + 1e-6))),
        Row("passk-against-the-mean", "the best against the mean of all", Verl2, ["adv_estimator=grpo_passk"],
            _ => new FormulaAdvantage((r, all) => r == all.Max() ? (r - all.Average()) / (Std(all) + 1e-6) : 0), Mixed),
        Row("passk-unscaled", "not divided", Verl, ["adv_estimator=grpo_passk"], run => (BestOfGroup)run.Advantage with { Scaled = false }),
        Row("passk-epsilon", "ε = 1e−4", Verl, ["adv_estimator=grpo_passk"], run => (BestOfGroup)run.Advantage with { Epsilon = 1e-4 }),
        Row("gpg-unscaled", "no factor", Verl, ["adv_estimator=gpg"], run => ((NonzeroScaled)run.Advantage).Inner),
        Row("gpg-inverted", "#{R ≠ 0}/B", Verl, ["adv_estimator=gpg"], run => Changed(run, a => a * 0.75 * 0.75)),
        Row("gpg-positive-only", "only positive rewards are counted", Verl, ["adv_estimator=gpg"], run => Changed(run, a => a * 6 / 5)),
        Paper("gpg-norm-multiplies", "f multiplies", "a negative reward is not 0 and a norm divides", run => Changed(run, a => a * 4)),
        Row("remax-forgotten", "no baseline", Verl, ["adv_estimator=remax"], _ => new NoBaseline()),
        Row("remax-sign", "the greedy reward added", Verl, ["adv_estimator=remax"], _ => new FormulaTokenAdvantage((b, r) => PerRow(b, i => r[i] + b.GreedyReward(i)))),
        Row("remax-first-of-the-group", "the first row's greedy reward for all of the group", Verl, ["adv_estimator=remax"],
            _ => new FormulaTokenAdvantage((b, r) => PerRow(b, i => r[i] - b.GreedyReward(b[b.GroupOf(i)].FirstRow)))),
        Row("rloo-self-included", "R − R̄", Verl, ["adv_estimator=rloo"], _ => new MeanBaseline()),
        Row("ploo-self-included", "the partition over all", Kimi, ["pmd_tau=0.5"], run => (PartitionBaseline)run.Advantage with { LeavesOut = false }),
        Row("ploo-floor-forgotten", "no floor", Kimi, ["pmd_tau=0.01"], run => (PartitionBaseline)run.Advantage with { Floor = 0 }),
        Row("ploo-floor", "a floor of 1e−9", Kimi, ["pmd_tau=0.01"], run => (PartitionBaseline)run.Advantage with { Floor = 1e-9 }),
        Row("ploo-temperature", "2τ", Kimi, ["pmd_tau=0.5"], _ => OpenKimiAdvantages.Ploo(1)),
        Row("ploo-sum", "the sum of the exponentials instead of their mean", Kimi, ["pmd_tau=0.5"], run => Changed(run, a => a - (0.5 * Math.Log(3)))),
        Row("ploo-mean", "the mean of the others", Kimi, ["pmd_tau=0.5"], _ => new LeaveOneOut()),
        Paper("ploo-unshifted", "exp(R/τ) overflows", "a partition baseline of huge rewards is the best of the others",
            _ => new FormulaAdvantage((r, all) => r - (0.01 * Math.Log((all.Sum(x => Math.Exp(x / 0.01)) - Math.Exp(r / 0.01)) / (all.Length - 1))))),

        // Lone rewards.
        Paper("lone-zero", "A = 0", "a lone reward that is kept is scored against 0 and 1", run => (StandardScore)run.Advantage with { Lone = LoneReward.GivesZero }),
        Paper("lone-unscored", "A = R", "a lone reward that is kept is scored against 0 and 1", run => Changed(run, (i, a) => i == 0 ? 0.5 : a)),
        Paper("lone-missing", "the group's size is counted, not its rewards", "a reward is lone where the others are missing",
            run => (MeanBaseline)run.Advantage with { Lone = LoneReward.IsAnyGroup }),

        // Normalisation over the batch.
        Row("gdpo-epsilon", "ε = 1e−4 over the batch", Swift, ["scale_rewards=gdpo"], run => (BatchNormalised)run.Advantage with { Epsilon = 1e-4 }),
        new("gdpo-inner-epsilon", "ε = 1e−4 in the group", Recorded(Swift, "scale_rewards=gdpo"),
            run => (run.Advantage, new ScoredRewards(new StandardScore { Epsilon = 1e-4 }, []))),
        new("gdpo-unscored", "the rewards are not scored in their groups", Recorded(Swift, "scale_rewards=gdpo"), run => (run.Advantage, RewardShaping.None)),
        Row("swift-scale-of-rewards", "s of the rewards instead of the advantages", Swift, ["advantage_estimator=reinforce_plus_plus", "scale_rewards=batch"],
            _ => new BatchScaledBaseline(1e-4)),
        Row("swift-scale-of-the-group", "s of the group instead of the batch", Swift, ["advantage_estimator=grpo", "scale_rewards=batch"],
            _ => new StandardScore { Epsilon = 1e-4 }),
        Row("swift-population", "ddof 0", Swift, ["advantage_estimator=grpo", "scale_rewards=group"], _ => new StandardScore { Epsilon = 1e-4, Ddof = 0 }),
        Row("orlhf-epsilon", "ε = 1e−6 instead of 1e−9", Orlhf, ["estimator=group_norm"],
            _ => new Returns { Rewards = new() { Outcome = new StandardScore { Epsilon = 1e-6 } } }),
        Paper("missing-rows-normalised", "rows without a reward count as 0", "a missing reward takes no part in a batch normalisation",
            _ => new FormulaAdvantage((r, all) =>
                ((double.IsNaN(r) ? 0 : r) - Known(all).Average()) / (Std(Known(all)) + 0.5))),
        Trls("missing-as-zero", "a missing reward is 0", "multi_reward_G4_P3", "sum_then_normalize", run => (run.Advantage, Zeros(run))),
        Trls("weights-forgotten", "all rewards weigh 1", "multi_reward_G4_P3", "sum_then_normalize",
            run => (run.Advantage, new WeightedRewards([1, 1, 1]) { Missing = MissingReward.Skipped })),
        Trls("scored-after-the-sum", "the sum is scored, not its summands", "multi_reward_G4_P3", "normalize_then_sum",
            run => (run.Advantage, new WeightedRewards(((ScoredRewards)run.Rewards).Weights) { Missing = MissingReward.Skipped })),
        Trls("not-normalised-again", "no normalisation over the batch", "multi_reward_G4_P3", "normalize_then_sum",
            run => (((BatchNormalised)run.Advantage).Inner, run.Rewards)),
        Paper("clip-before-the-baseline", "the rewards are clipped, not the advantages", "advantages are clipped after their baseline is taken off",
            _ => new FormulaAdvantage((r, all) => Math.Clamp(r, -10, 10) - all.Average(x => Math.Clamp(x, -10, 10)))),
        Paper("loo-scaled-by-itself", "s of the advantages", "leave-one-out may be divided by the group's standard deviation",
            _ => new FormulaAdvantage((r, all) => all.Length == 1 ? r / 0.5 : (r - all.Sum() + r) / (Std([.. all.Select(x => (2 * x) - all.Sum())]) + 0.5))),

        // Entropy.
        Paper("entropy-sum", "the sum of entropies instead of their mean", "a completion's mean entropy is taken off, and one that is at a loss gets nothing",
            run => Changed(run, (i, a) => i == 0 ? a - 0.04 : a)),
        Paper("entropy-added", "the entropy rewarded", "a completion's mean entropy is taken off, and one that is at a loss gets nothing",
            run => Changed(run, (i, a) => i == 0 ? a + 0.08 : a)),
        Paper("entropy-threshold-forgotten", "no threshold", "a completion's mean entropy is taken off, and one that is at a loss gets nothing",
            run => (EntropyShaped)run.Advantage with { Threshold = double.PositiveInfinity }),
        Paper("entropy-threshold-exclusive", "H̄ < h", "an entropy at the threshold is learned from",
            run => (EntropyShaped)run.Advantage with { Threshold = Math.BitDecrement(0.5) }),

        // Returns.
        Row("returns-forward", "summed from the start", Verl, ["adv_estimator=reinforce_plus_plus", "gamma=0.9"], run => Rewhitened(run, new FormulaTokenAdvantage(Forward))),
        Row("returns-undiscounted", "γ = 1", Verl, ["adv_estimator=reinforce_plus_plus", "gamma=0.9"], run => Rewhitened(run, new Returns())),
        Row("returns-discounted-too-often", "γ at the last token too", Verl, ["adv_estimator=gae"],
            run => Rewhitened(run, new GeneralisedAdvantage(0.99, 0.95))),
        Paper("returns-discount-the-last", "γ^(n−t) instead of γ^(n−1−t)", "returns are discounted backwards from the end",
            run => Tokenwise(run, (_, a) => a / 2)),
        Paper("returns-by-position", "masked tokens discount too", "a masked token neither earns nor discounts", run => Tokenwise(run, (t, a) => t == 0 ? a - 1.5 : a)),
        Paper("returns-without-token-rewards", "the outcome alone", "rewards at tokens are summed with the outcome", _ => new Returns { Discount = 0.5 }),
        Paper("returns-outcome-everywhere", "the outcome at every token", "returns are discounted backwards from the end", _ => new NoBaseline()),
        Paper("kl-sign-in-returns", "the KL rewarded", "a KL is taken off at every token", run => Tokenwise(run, (t, _) => t == 0 ? 3 : 2)),
        Paper("kl-one-sided", "only cut off above", "a KL beyond the largest that counts is cut off on both sides", run => Tokenwise(run, (t, a) => a + 1.5)),
        Paper("gaps-ignored", "no new start at gaps", "returns that start anew at gaps leave nothing to what stands before a tool's output",
            run => (Returns)run.Advantage with { CutAtGaps = false }),
        Row("gae-lambda-forgotten", "λ = 1", Verl, ["adv_estimator=gae"], run => Rewhitened(run, new GeneralisedAdvantage(1, 1))),
        Row("gae-one-step", "λ = 0", Verl, ["adv_estimator=gae"], run => Rewhitened(run, new GeneralisedAdvantage(1, 0))),
        Row("gae-bootstraps-the-end", "the last value stands beyond the end", Verl, ["adv_estimator=gae"],
            run => Rewhitened(run, new FormulaTokenAdvantage(Bootstrapped))),
        Row("gae-without-critic", "returns", Verl, ["adv_estimator=gae"], run => Rewhitened(run, new Returns())),

        // Whitening.
        White("whiten-population", "ddof 0", white => white with { Ddof = 0 }),
        White("whiten-epsilon-forgotten", "ε = 0", white => white with { Epsilon = 0 }),
        White("whiten-padding-forgotten", "the mean's divisor is N", white => white with { Padding = 0 }),
        White("whiten-not-scaled", "not divided", white => white with { Scaled = false }),
        Row("whiten-rows", "whitened over rows", Verl, ["adv_estimator=reinforce_plus_plus_baseline"], _ => new BatchNormalised(new MeanBaseline(), 0)),
        Row("whiten-not-centred", "not centred", Verl, ["adv_estimator=reinforce_plus_plus_baseline"],
            run => new FormulaTokenAdvantage((b, r) => Shifted(b, r, (TokenWhitened)run.Advantage))),
        Row("orlhf-bessel", "ddof 1", Orlhf, ["estimator=reinforce_baseline", "no_std_norm=false"], run => (TokenWhitened)run.Advantage with { Ddof = 1 }),
        Row("orlhf-no-std-norm-forgotten", "no_std_norm not heard", Orlhf, ["estimator=reinforce_baseline", "no_std_norm=true"],
            run => (TokenWhitened)run.Advantage with { Scaled = true }),
        Paper("whiten-floor-as-epsilon", "the floor is added", "a variance above its floor is itself",
            _ => new TokenWhitened(new NoBaseline()) { Epsilon = 1 }),
        Paper("whiten-missing-counts", "rows without a reward count as 0", "tokens without a reward and dead rows take no part in whitening",
            _ => new FormulaTokenAdvantage((_, _) => [-1.25, -2.25, 1.75, 1.75])),

        // Optimal token baseline.
        Otb("otb-not-cumulative", "w instead of its sum", (b, i, t) => Energy(b, i, t)),
        Otb("otb-collisions-forgotten", "1 − 2π", (b, i, t) => Sum(t, s => Energy(b, i, s) - b[Column.SumPiSquared][b.Row(i)][s])),
        Otb("otb-single-pi", "1 − π + Σπ²", (b, i, t) => Sum(t, s => Energy(b, i, s) + Math.Exp(b[Column.OldLogp][b.Row(i)][s]))),
        Otb("otb-unweighted", "the mean return of the position", (_, _, _) => 1),
        Otb("otb-current-policy", "π of the current policy",
            (b, i, t) => Sum(t, s => 1 - (2 * Math.Exp(b[Column.Logp][b.Row(i)][s])) + b[Column.SumPiSquared][b.Row(i)][s])),
        Row("otb-tail", "a row is its own baseline beyond the others", Verl, ["adv_estimator=optimal_token_baseline"],
            run => (OptimalTokenBaseline)run.Advantage with { ZeroTail = false }),
        Row("otb-epsilon-forgotten", "ε = 0", Verl2, ["adv_estimator=optimal_token_baseline"], run => (OptimalTokenBaseline)run.Advantage with { Epsilon = 0 }, Mixed),
        Paper("otb-by-index", "positions counted among trainable tokens", "positions are those in the completion, masked tokens included",
            _ => new FormulaTokenAdvantage((_, _) => [2, 4, -1])),
    ];

    private static AdvantageMutant Row(
        string id, string mistake, string file, string[] settings, Func<RecordedAdvantages, Advantage> change, string name = Ragged) =>
        new(id, mistake, () => RecordedAdvantageReaders.Shipped(file, name, settings), run => (change(run), run.Rewards));

    private static AdvantageMutant Paper(string id, string mistake, string sentence, Func<RecordedAdvantages, Advantage> change) =>
        new(id, mistake, () => AdvantageCases.All[sentence], run => (change(run), run.Rewards));

    private static AdvantageMutant Trls(
        string id, string mistake, string name, string aggregation, Func<RecordedAdvantages, (Advantage Advantage, RewardShaping Rewards)> change) =>
        new(id, mistake, () => RecordedAdvantageReaders.Shipped(Trl, name, $"multi_objective_aggregation={aggregation}"), change);

    private static AdvantageMutant White(string id, string mistake, Func<TokenWhitened, TokenWhitened> change) =>
        Row(id, mistake, Verl, ["adv_estimator=reinforce_plus_plus"], run => change((TokenWhitened)run.Advantage));

    private static AdvantageMutant Otb(string id, string mistake, Func<RolloutBatch, int, int, double> weight) =>
        Row(id, mistake, Verl, ["adv_estimator=optimal_token_baseline"], _ => new FormulaTokenAdvantage((b, r) => Baselined(b, r, weight)));

    private static Func<RecordedAdvantages> Recorded(string file, params string[] settings) => () => RecordedAdvantageReaders.Shipped(file, Ragged, settings);

    private static TokenWhitened Rewhitened(RecordedAdvantages run, Advantage inner) => (TokenWhitened)run.Advantage with { Inner = inner };

    private static ChangedAdvantage Changed(RecordedAdvantages run, Func<double, double> change) => Changed(run, (_, a) => change(a));

    private static ChangedAdvantage Changed(RecordedAdvantages run, Func<int, double, double> change) => new((RowAdvantage)run.Advantage, change);

    private static FormulaTokenAdvantage Tokenwise(RecordedAdvantages run, Func<int, double, double> change) => new((batch, rewards) =>
    {
        double[] tokens = new double[batch.Tokens];
        run.Advantage.Fill(batch, rewards, tokens);
        return [.. tokens.Select((a, t) => change(t, a))];
    });

    private static FormulaTokenAdvantage LengthsTo(double power, double least = 0) => new((b, r) => PerRow(b, i => r[i] - Weighted(b, r, i, power, least)));

    private static double Weighted(RolloutBatch batch, double[] rewards, int i, double power, double least)
    {
        var rows = Enumerable.Range(0, batch.Rows).Where(j => batch.GroupOf(j) == batch.GroupOf(i)).ToArray();
        double[] weights = [.. rows.Select(j => Math.Pow(Math.Max(batch.Length(j), least), power))];
        return rows.Select((j, k) => weights[k] * rewards[j]).Sum() / weights.Sum();
    }

    private static double[] PerRow(RolloutBatch batch, Func<int, double> value) =>
        [.. Enumerable.Range(0, batch.Rows).SelectMany(i => Enumerable.Repeat(value(i), batch.Length(i)))];

    private static double[] Forward(RolloutBatch batch, double[] rewards) =>
        [.. Enumerable.Range(0, batch.Rows).SelectMany(i => Enumerable.Range(0, batch.Length(i)).Select(t => t == batch.Length(i) - 1 ? rewards[i] : 0))];

    private static double[] Bootstrapped(RolloutBatch batch, double[] rewards)
    {
        double[] all = new double[batch.Tokens];
        for (int i = 0; i < batch.Rows; i++)
        {
            var values = batch[Column.Value][batch.Row(i)];
            var row = all.AsSpan(batch.Row(i));
            for (int t = row.Length - 1; t >= 0; t--)
            {
                double last = t == row.Length - 1 ? rewards[i] : 0, next = values[Math.Min(t + 1, row.Length - 1)];
                row[t] = last + next - values[t] + (0.95 * (t + 1 < row.Length ? row[t + 1] : 0));
            }
        }

        return all;
    }

    // Divided by the same s, without the mean taken off.
    private static double[] Shifted(RolloutBatch batch, double[] rewards, TokenWhitened white)
    {
        double[] inner = new double[batch.Tokens], centred = new double[batch.Tokens], whole = new double[batch.Tokens];
        white.Inner.Fill(batch, rewards, inner);
        (white with { Scaled = false }).Fill(batch, rewards, centred);
        white.Fill(batch, rewards, whole);
        return [.. inner.Select((a, t) => a * (whole[t] / centred[t]))];
    }

    private static double Energy(RolloutBatch batch, int i, int t) =>
        1 - (2 * Math.Exp(batch[Column.OldLogp][batch.Row(i)][t])) + batch[Column.SumPiSquared][batch.Row(i)][t];

    private static double Sum(int t, Func<int, double> term) => Enumerable.Range(0, t + 1).Sum(term);

    private static double[] Baselined(RolloutBatch batch, double[] rewards, Func<RolloutBatch, int, int, double> weight)
    {
        double[] all = new double[batch.Tokens];
        for (int i = 0; i < batch.Rows; i++)
        {
            for (int t = 0; t < batch.Length(i); t++)
            {
                int[] there = [.. Enumerable.Range(0, batch.Rows).Where(j => batch.GroupOf(j) == batch.GroupOf(i) && batch.Length(j) > t)];
                double baseline = there.Length == 1 ? 0 : there.Sum(j => rewards[j] * weight(batch, j, t)) / (there.Sum(j => weight(batch, j, t)) + 1e-8);
                all[batch.Row(i).Start.Value + t] = rewards[i] - baseline;
            }
        }

        return all;
    }

    private static FormulaRewards Zeros(RecordedAdvantages run) => new((batch, i) =>
        Enumerable.Range(0, batch.RewardsPerRow).Sum(k => batch.TryReward(i, k, out double r) ? ((WeightedRewards)run.Rewards).Weights[k] * r : 0));

    private static double[] Known(double[] values) => [.. values.Select(value => double.IsNaN(value) ? 0 : value)];

    private static double Lift(double[] all) => all.Max() - all.OrderDescending().ElementAt(1);

    private static double Std(double[] values) => Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / (values.Length - 1));
}
