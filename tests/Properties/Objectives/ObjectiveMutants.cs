using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>An objective with one deliberate mistake.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Mistake">What is wrong with it.</param>
/// <param name="Break">Puts the mistake into an objective.</param>
/// <param name="File">The golden file of a run that rejects it; empty where only a claim does.</param>
/// <param name="Case">That run's case.</param>
/// <param name="Setting">A setting of that run, as in "beta=0.04"; empty: the first run of the case.</param>
/// <param name="Claim">The claim that is expected to refute it; empty where a recorded run does.</param>
/// <param name="On">The catalogue's entry that is broken for that claim.</param>
public sealed record ObjectiveMutant(
    string Id, string Mistake, Func<SurrogateObjective, SurrogateObjective> Break, string File = "", string Case = "",
    string Setting = "", string Claim = "", string On = "grpo");

/// <summary>The mistakes that the suite must notice, part by part.</summary>
public static class ObjectiveMutants
{
    private const string Grpo = "trl/grpo.json", DrGrpo = "trl/dr_grpo.json", Dapo = "trl/dapo.json", Bnpo = "trl/bnpo.json";
    private const string Gspo = "trl/gspo.json", Cispo = "trl/cispo.json", Rloo = "trl/rloo.json";
    private const string Ragged =
        "g4_p2_ragged", Extreme = "g8_p1_extreme_ratios", AtBound = "g4_p1_ratio_at_bound", Mixed = "g6_p3_mixed";

    /// <summary>Mutants that a recorded run rejects.</summary>
    public static ImmutableArray<ObjectiveMutant> CaughtByGolden { get; } =
    [
        // Advantages.
        new("advantage-sign", "−A", Advantage(advantage => new ChangedAdvantage(advantage, (_, a) => -a)), Grpo, Ragged),
        new("advantage-constant", "A + 0.01",
            Advantage(advantage => new ChangedAdvantage(advantage, (_, a) => a + 0.01)), Grpo, Ragged),
        new("advantage-of-first-row", "the first row's A doubled",
            Advantage(advantage => new ChangedAdvantage(advantage, (i, a) => i == 0 ? 2 * a : a)), Grpo, Ragged),
        new("std-population", "ddof 0 instead of 1",
            Advantage(_ => new StandardScore { Ddof = 0, Epsilon = TrlFlavours.StdEpsilon }), Grpo, Ragged),
        new("std-epsilon", "ε = 1e−6 instead of 1e−4", Advantage(_ => new StandardScore { Epsilon = 1e-6 }), Grpo, Ragged),
        new("std-no-epsilon", "ε = 0", Advantage(_ => new StandardScore()), Grpo, Ragged),
        new("std-epsilon-inside-root", "√(s² + ε) instead of s + ε",
            Advantage(_ => new FormulaAdvantage((r, all) => (r - all.Average()) / Math.Sqrt(Math.Pow(Std(all), 2) + 1e-4))),
            Grpo, Ragged),
        new("std-forgotten", "R − R̄, not divided", Advantage(_ => TrlFlavours.Unscaled), Grpo, Ragged),
        new("std-unwanted", "(R − R̄)/(s + ε) where R − R̄ is asked for",
            Advantage(_ => TrlFlavours.GroupScaled), DrGrpo, Ragged),
        new("std-of-the-batch", "s of the batch instead of the group", Advantage(_ => TrlFlavours.BatchScaled), Grpo, Ragged),
        new("mean-of-the-batch", "the batch's mean and s instead of the group's",
            Advantage(_ => new BatchBaseline()), Grpo, Ragged),
        new("baseline-forgotten", "A = R", Advantage(_ => new NoBaseline()), DrGrpo, Ragged),
        new("baseline-of-all", "R − R̄: the divisor G instead of G − 1", Advantage(_ => TrlFlavours.Unscaled), Rloo, Ragged),
        new("baseline-over-g", "R − (Σ R − Rᵢ)/G",
            Advantage(_ => new FormulaAdvantage((r, all) => r - ((all.Sum() - r) / all.Length))), Rloo, Ragged),
        new("normalisation-forgotten", "normalize_advantages not heard",
            Advantage(advantage => ((BatchNormalised)advantage).Inner), Rloo, Ragged, "normalize_advantages=true"),
        new("normalisation-epsilon", "ε = 1e−8 instead of 1e−4",
            Advantage(advantage => (BatchNormalised)advantage with { Epsilon = 1e-8 }),
            Rloo, Ragged, "normalize_advantages=true"),

        // Rewards.
        new("reward-clip-forgotten", "reward_clip_range not heard",
            Rewards(_ => RewardShaping.None), Rloo, Ragged, "reward_clip_range=[-0.5,1.0]"),
        new("reward-clip-one-sided", "clipped above only",
            Rewards(rewards => new ClippedReward(RewardShaping.None, double.MinValue, ((ClippedReward)rewards).High)),
            Rloo, Mixed, "reward_clip_range=[-0.5,1.0]"),
        new("reward-kl-sign", "+ β KL in the reward",
            Rewards(_ => new KlInReward(RewardShaping.None, -0.05)), Rloo, Ragged, "beta=0.05"),
        new("reward-kl-mean", "the mean of k1 over the row instead of its sum",
            Rewards(_ => new FormulaRewards((b, i) => Reward(b, i) - (0.05 * Kl(b, i, Column.OldLogp) / b.Length(i)))),
            Rloo, Ragged, "beta=0.05"),
        new("reward-kl-of-current-policy", "ℓ − ℓʳ instead of ℓ° − ℓʳ",
            Rewards(_ => new FormulaRewards((b, i) => Reward(b, i) - (0.05 * Kl(b, i, Column.Logp)))),
            Rloo, Ragged, "beta=0.05"),
        new("reward-kl-forgotten", "no KL in the reward", Rewards(_ => RewardShaping.None), Rloo, Ragged, "beta=0.05"),

        // Shapes of the ratio.
        new("clip-exclusive-high", "no gradient at 1 + ε_high itself",
            Shaped((clip, r, a) => r == clip.High && a > 0 ? (r * a, 0) : clip.At(r, a)), Grpo, AtBound),
        new("clip-exclusive-low", "no gradient at 1 − ε_low itself",
            Shaped((clip, r, a) => r == clip.Low && a < 0 ? (r * a, 0) : clip.At(r, a)), Grpo, AtBound),
        new("clip-tie-in-halves", "half the gradient at a bound",
            Shaped((clip, r, a) => r == clip.High || r == clip.Low ? (clip.At(r, a).Value, clip.At(r, a).Slope / 2) : clip.At(r, a)),
            Grpo, AtBound),
        new("clip-high", "1.21 instead of 1.2",
            Shaped((clip, r, a) => new Clip(clip.Low, clip.High + 0.01).At(r, a)), Grpo, Extreme),
        new("clip-low", "0.79 instead of 0.8",
            Shaped((clip, r, a) => new Clip(clip.Low - 0.01, clip.High).At(r, a)), Grpo, Extreme),
        new("clip-sides-swapped", "ε_low and ε_high swapped",
            Shaped((clip, r, a) => Clip.Range(clip.High - 1, 1 - clip.Low).At(r, a)), Dapo, Extreme),
        new("clip-forgotten", "r A", Kernel(_ => new TokenRatio(new Unclipped())), Grpo, Extreme),
        new("min-forgotten", "clip(r) A, dead on both sides for both signs",
            Shaped((clip, r, a) => (Math.Clamp(r, clip.Low, clip.High) * a, r < clip.Low || r > clip.High ? 0 : r * a)),
            Grpo, Extreme),
        new("min-of-losses", "max instead of min",
            Shaped((clip, r, a) => (-clip.At(r, -a).Value, -clip.At(r, -a).Slope)), Grpo, Extreme),
        new("gradient-3-percent", "coefficients 3 % too large",
            Shaped((clip, r, a) => (clip.At(r, a).Value, 1.03 * clip.At(r, a).Slope)), Grpo, Ragged),
        new("gradient-leaks", "1 % of the gradient beyond the clip",
            Shaped((clip, r, a) => (clip.At(r, a).Value, a != 0 && clip.Kills(r, a) ? 0.01 * r * a : clip.At(r, a).Slope)),
            Grpo, Extreme),
        new("gradient-in-r", "dψ/dr instead of dψ/d log r",
            Shaped((clip, r, a) => (clip.At(r, a).Value, clip.At(r, a).Slope / r)), Grpo, Ragged),
        new("value-unclipped", "the right gradient, the value r A",
            Shaped((clip, r, a) => (r * a, clip.At(r, a).Slope)), Grpo, Extreme),

        // Kernels.
        new("ratio-inverted", "exp(ℓ° − ℓ)",
            Ratio(p => Math.Exp(p.Old - p.Logp)), Grpo, Ragged),
        new("ratio-on-policy", "r = 1",
            Ratio(_ => 1), Grpo, Ragged),
        new("ratio-linear", "1 + ℓ − ℓ° instead of its exponential",
            Ratio(p => Math.Max(0, 1 + p.Logp - p.Old)), Grpo, Ragged),
        new("sequence-as-token", "the token's ratio instead of the row's",
            Kernel(kernel => new TokenRatio(kernel.Region!)), Gspo, Ragged),
        new("sequence-sum", "the sum of log-ratios instead of the mean",
            Kernel(kernel => new SequenceRatio(RatioLevel.SequenceSum, kernel.Region!)), Gspo, Ragged),
        new("sequence-mean", "the mean of log-ratios instead of the sum",
            Kernel(kernel => new SequenceRatio(RatioLevel.SequenceMean, kernel.Region!)), Rloo, Ragged),
        new("sequence-arithmetic", "the arithmetic mean of ratios",
            Kernel(kernel => new ArithmeticRatio(kernel.Region!)), Gspo, Ragged, "epsilon=0.2"),
        new("sequence-jacobian-forgotten", "no 1/n in the gradient of the mean log-ratio",
            Kernel(kernel => new ChangedCoefficients((RowKernel)kernel, (n, c) => n * c)), Gspo, Ragged, "epsilon=0.2"),
        new("sequence-jacobian-twice", "1/n² in the gradient of the mean log-ratio",
            Kernel(kernel => new ChangedCoefficients((RowKernel)kernel, (n, c) => c / n)), Gspo, Ragged, "epsilon=0.2"),
        new("rloo-as-token", "the token's ratio instead of the row's",
            Kernel(kernel => new TokenRatio(kernel.Region!)), Rloo, Ragged),
        new("cispo-cap-plus-one", "epsilon_high read as 1 + ε",
            Kernel(kernel => new ClippedImportance(0, 1 + Gain(kernel).High)), Cispo, Extreme),
        new("cispo-uncapped", "no cap", Kernel(_ => new ClippedImportance(0, double.MaxValue)), Cispo, Extreme),
        new("cispo-two-sided", "clipped from below at 0.8 too",
            Kernel(kernel => new ClippedImportance(0.8, ((ClippedImportance)kernel).High)), Cispo, Extreme),
        new("cispo-dead-beyond-cap", "no gradient beyond the cap",
            TokenKernel((kernel, p) => Math.Exp(p.Logp - p.Old) > Gain(kernel).High ? (Gain(kernel).At(p).Value, 0) : Gain(kernel).At(p)),
            Cispo, Extreme),
        new("cispo-gain-differentiated", "the gradient of the gain flows too",
            TokenKernel((kernel, p) => LiveGain(p, Gain(kernel).High)), Cispo, Ragged),
        new("cispo-as-ppo", "min(r, cap) A without log π",
            Kernel(kernel => new TokenRatio(new Clip(0, Gain(kernel).High))), Cispo, Extreme, "epsilon_high=1.2"),

        // Token weights.
        new("row-mean-as-row-sum", "no division by the row's length",
            Weight(_ => new RowSum { Averaged = Average.OverRows }), Grpo, Ragged),
        new("row-mean-n-plus-1", "1/(n + 1)",
            RowWeight((b, i) => 1.0 / b.Rows / (b.Length(i) + 1)), Grpo, Ragged),
        new("row-mean-of-the-group", "1/(G n): the prompts not averaged",
            RowWeight((b, i) => 1.0 / b.GroupSize(b.GroupOf(i)) / b.Length(i)), Grpo, Mixed),
        new("row-mean-by-index", "later rows weigh more",
            RowWeight((b, i) => (1 + (1e-6 * i)) / b.Rows / b.Length(i)), Grpo, Ragged),
        new("row-mean-as-token-mean", "1/N instead of 1/(B n)", Weight(_ => new BatchTokenMean()), Grpo, Ragged),
        new("row-mean-doubled", "twice the weight", Weight(weight => new Divided(weight, 0.5)), Grpo, Ragged),
        new("length-of-the-row", "1/(B n) instead of 1/(B L)", Weight(_ => TrlFlavours.RowMean), DrGrpo, Ragged),
        new("length-of-the-longest", "L = the longest completion instead of max_completion_length",
            RowWeight((b, _) => 1.0 / b.Rows / Enumerable.Range(0, b.Rows).Max(b.Length)), DrGrpo, Ragged),
        new("length-forgotten", "L = 1", Weight(_ => new RowSum { Averaged = Average.OverRows }), DrGrpo, Ragged),
        new("token-mean-n-plus-1", "1/(N + 1)",
            RowWeight((b, _) => 1.0 / (b.Tokens + 1)), Bnpo, Ragged),
        new("token-mean-of-the-group", "the group's tokens instead of the batch's",
            Weight(_ => new GroupTokenMean()), Bnpo, Mixed),
        new("token-mean-as-row-mean", "1/(B n) instead of 1/N", Weight(_ => TrlFlavours.RowMean), Dapo, Ragged),
        new("token-mean-items-forgotten", "this batch's tokens instead of all accumulated ones",
            Weight(_ => new BatchTokenMean()), Dapo, Ragged, "num_items_factor=2.0"),
        new("rloo-row-mean", "the row divided by its length", Weight(_ => TrlFlavours.RowMean), Rloo, Ragged),

        // Regularisers.
        new("kl-sign", "the penalty rewarded", Penalty(new KlPenalty(KlEstimator.K3, -0.04)), Grpo, Ragged, "beta=0.04"),
        new("kl-reversed", "k3 with y = ℓ − ℓʳ",
            Penalised(y => (Math.Exp(-y) + y - 1, Math.Exp(-y) - 1)), Grpo, Ragged, "beta=0.04"),
        new("kl-as-k1", "k1 instead of k3", Penalty(new KlPenalty(KlEstimator.K1, 0.04)), Grpo, Ragged, "beta=0.04"),
        new("kl-as-k2", "k2 instead of k3", Penalty(new KlPenalty(KlEstimator.K2, 0.04)), Grpo, Ragged, "beta=0.04"),
        new("kl-minus-1-forgotten", "the value without its − 1",
            Penalised(y => (Math.Exp(y) - y, 1 - Math.Exp(y))), Grpo, Ragged, "beta=0.04"),
        new("kl-half-slope", "the slope without its 1",
            Penalised(y => (Math.Exp(y) - y - 1, -Math.Exp(y))), Grpo, Ragged, "beta=0.04"),
        new("kl-clamped", "y clamped to ±0.3",
            Penalised(y => Math.Abs(y) <= 0.3 ? K3(y) : (K3(Math.CopySign(0.3, y)).Value, 0)),
            Grpo, Ragged, "beta=0.04"),
        new("kl-against-old", "against the behaviour policy",
            Penalty(new KlPenalty(KlEstimator.K3, 0.04) { Against = Column.OldLogp }), Grpo, Ragged, "beta=0.04"),
        new("kl-weight", "the token mean instead of the loss's own weight",
            Penalty(new KlPenalty(KlEstimator.K3, 0.04) { Weight = new BatchTokenMean() }), Grpo, Ragged, "beta=0.04"),
        new("kl-beta", "β = 0.041", Penalty(new KlPenalty(KlEstimator.K3, 0.041)), Bnpo, Ragged, "beta=0.04"),
        new("kl-forgotten", "β = 0", Penalty(), DrGrpo, Ragged, "beta=0.04"),
    ];

    /// <summary>Mutants that agree with every recorded run: the claim that is expected to refute each.</summary>
    public static ImmutableArray<ObjectiveMutant> CaughtByClaims { get; } =
    [
        new("equal-rewards-unrecognised", "A = rounding/rounding at ε = 0 where all rewards of a group are equal",
            Advantage(_ => new StandardScore { Equal = EqualRewards.AreComputed }), Claim: "degenerate-group"),
        new("gain-not-frozen", "CISPO's value moves with the gain, its coefficients do not",
            TokenKernel((kernel, p) => (LiveGain(p, 5).Value, Gain(kernel).At(p).Slope)),
            Claim: "gradient-consistency", On: "cispo"),
        new("rows-over-batch", "1/(B n) instead of 1/(P G n): groups weigh by their size, and see each other's",
            Weight(_ => new RowMean { Averaged = Average.OverRows }), Claim: "split-invariance"),
        new("dead-rows-count", "dead rows take part in an advantage that promises to ignore them",
            Advantage(advantage => new PromisesToIgnoreDeadRows(advantage)), Claim: "prefix-masked-truncation"),
        new("cap-forgotten", "a cap of 2 for negative advantages promised, none given",
            Kernel(_ => new TokenRatio(new FormulaShape(Clip.Range(0.2, 0.2, 2), (clip, r, a) => new Clip(clip.Low, clip.High).At(r, a)))),
            Claim: "clip-zero-coefficient"),
        new("weight-of-first-group", "a group's weights depend on whether it comes first",
            RowWeight((b, i) => (b.GroupOf(i) == 0 ? 2.0 : 1) / b.Groups / b.GroupSize(b.GroupOf(i)) / b.Length(i)),
            Claim: "permutation-invariance"),
        new("weight-of-full-length", "1/T with masked tokens counted: padding and tool output change the weight",
            RowWeight((b, i) => 1.0 / b.Groups / b.GroupSize(b.GroupOf(i)) / b.FullLength(i)), Claim: "padding-invariance"),
        new("advantage-leaks", "a tenth of the next group's mean reward in the baseline",
            Advantage(_ => new LeakyBaseline()), Claim: "group-isolation", On: "dr-grpo"),
        new("weight-not-uniform", "a uniform weight promised, 1/n given",
            RowWeight((b, i) => 1.0 / b.Groups / b.GroupSize(b.GroupOf(i)) / b.Length(i)),
            Claim: "prefix-neutrality", On: "dr-grpo"),
    ];

    /// <summary>All of them.</summary>
    public static ImmutableArray<ObjectiveMutant> All { get; } = [.. CaughtByGolden, .. CaughtByClaims];

    private static Func<SurrogateObjective, SurrogateObjective> Advantage(Func<RowAdvantage, Advantage> change) =>
        objective => objective with { Advantage = change((RowAdvantage)objective.Advantage) };

    private static Func<SurrogateObjective, SurrogateObjective> Rewards(Func<RewardShaping, RewardShaping> change) =>
        objective => objective with { Rewards = change(objective.Rewards) };

    private static Func<SurrogateObjective, SurrogateObjective> Kernel(Func<Kernel, Kernel> change) =>
        objective => objective with { Kernel = change(objective.Kernel) };

    private static Func<SurrogateObjective, SurrogateObjective> TokenKernel(
        Func<Kernel, Point, (double Value, double Slope)> formula) =>
        Kernel(kernel => new FormulaKernel(kernel, point => formula(kernel, point)));

    private static Func<SurrogateObjective, SurrogateObjective> Ratio(Func<Point, double> ratio) =>
        TokenKernel((kernel, point) => ((TokenRatio)kernel).Shape.At(ratio(point), point.Advantage));

    private static Func<SurrogateObjective, SurrogateObjective> Weight(Func<TokenWeight, TokenWeight> change) =>
        objective => objective with { Weight = change(objective.Weight) };

    private static Func<SurrogateObjective, SurrogateObjective> RowWeight(Func<RolloutBatch, int, double> formula) =>
        Weight(weight => new FormulaWeight(weight.Traits, formula));

    private static Func<SurrogateObjective, SurrogateObjective> Penalty(params Regulariser[] terms) =>
        objective => objective with { Regularisers = [.. terms] };

    private static ClippedImportance Gain(Kernel kernel) => (ClippedImportance)kernel;

    private static Func<SurrogateObjective, SurrogateObjective> Shaped(
        Func<Clip, double, double, (double Value, double Slope)> formula) =>
        objective => objective with { Kernel = new TokenRatio(new FormulaShape(objective.Kernel.Region!, formula)) };

    private static Func<SurrogateObjective, SurrogateObjective> Penalised(Func<double, (double Value, double Slope)> formula) =>
        objective => objective with { Regularisers = [new FormulaPenalty(0.04, formula)] };

    private static (double Value, double Slope) K3(double y) => (Math.Exp(y) - y - 1, 1 - Math.Exp(y));

    // min(r, cap) A ℓ with r at the evaluation point, and the derivative of all of it.
    private static (double Value, double Slope) LiveGain(Point p, double cap)
    {
        double r = Math.Exp(p.Logp - p.Old);
        return (Math.Min(r, cap) * p.Advantage * p.Logp, p.Advantage * (Math.Min(r, cap) + (r < cap ? r * p.Logp : 0)));
    }

    private static double Reward(RolloutBatch batch, int i) => batch.TryReward(i, 0, out double reward) ? reward : double.NaN;

    private static double Kl(RolloutBatch batch, int i, Column policy)
    {
        double sum = 0;
        for (int t = batch.Row(i).Start.Value; t < batch.Row(i).End.Value; t++)
            sum += batch[policy][t] - batch[Column.RefLogp][t];
        return sum;
    }

    private static double Std(double[] values) =>
        Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / (values.Length - 1));
}
