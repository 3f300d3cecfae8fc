using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>What a standard score makes of equal rewards in floating point: advantages of rounding alone, which can be as large as any.</summary>
public static class EqualRewardRounding
{
    // The extremes' groups: float64 cannot hold the rewards' mean.
    private const int Completions = 15;
    private const double Reward = 0.7;

    /// <summary>|A| ≤ √((G − ddof)/G), all of one sign.</summary>
    public static ObjectiveClaim Bound { get; } = new()
    {
        Id = "equal-rewards-rounding",
        Class = ClaimClass.Contract,
        Family = Family.Surrogate,
        Statement = "Where a standard score is computed for equal rewards, rounding of their mean gives every completion the same advantage, of one sign and at most √((G − ddof)/G) in size, in float64 and in float32 alike: a group that teaches nothing may push all of its tokens as hard as a group of one right and one wrong answer.",
        Hypotheses = ["rewards used as they are", "at least 2 completions a group, with equal rewards"],
        Source = "derived here",
        Quantity = "|A| where all have one sign, else 2",
        Consequence = "prompts that are solved always, or never, push the policy at random and as hard as any other",
        Missing = objective => Requirements.Missing(objective, Traits.UnshapedRewards)
            ?? ((objective.Advantage as RowAdvantage)?.AsScore() is { Equal: EqualRewards.AreComputed } ? null : "a standard score that is computed for equal rewards, too"),
        Expect = _ => Expectation.Holds("every deviation is the mean's one error, and so is their spread"),
        Domain = objective => Requirements.Domain(objective) with { Rewards = RewardKind.EqualInGroup, DeadRows = Presence.Never },
        Outside = (objective, batch) => Requirements.SingleCompletion(batch) ?? (Equal(batch).Any() ? null : "some group has equal rewards; none has"),
        Measure = Largest,
        Why = (_, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"all {batch.GroupSize(worst.Group)} rewards of group {worst.Group} are equal, yet their advantages differ in sign or exceed what one common error can make"),
        Worst = new(
            objective => new double[] { 1, Math.ScaleB(1, 30), Math.ScaleB(1, 60) }.Select(size => Alike(objective, Reward * size, Completions)),
            (objective, batch, draw) => Alike(objective, (batch.TryReward(0, 0, out double own) ? own : 1) * draw.LogReal(0.1, 10), draw.Whole(2, 40))),
    };

    /// <summary>The standard score of <paramref name="count"/> equal rewards as float32 computes it, summed in order: (R − R̄)/(s + ε), shape [G].</summary>
    public static float[] InSinglePrecision(float reward, int count, int ddof, float epsilon)
    {
        float sum = 0, squares = 0;
        for (int k = 0; k < count; k++)
            sum += reward;
        float deviation = reward - (sum / count);
        for (int k = 0; k < count; k++)
            squares += deviation * deviation;
        float score = deviation == 0 ? 0 : deviation / (MathF.Sqrt(squares / (count - ddof)) + epsilon);
        return [.. Enumerable.Repeat(score, count)];
    }

    private static RolloutBatch Alike(SurrogateObjective objective, double reward, int count) => RolloutBatch.Of(
        [Enumerable.Range(0, count).Select(k => Requirements.Completed(objective, new() { Reward = reward, Logps = [-1], OldLogps = [-1], Tokens = [k] })).ToArray()]);

    private static IEnumerable<int> Equal(RolloutBatch batch) => Enumerable.Range(0, batch.Groups)
        .Where(g => Enumerable.Range(batch[g].FirstRow, batch.GroupSize(g)).All(i => batch.TryReward(i, 0, out double own) && batch.TryReward(batch[g].FirstRow, 0, out double first) && own == first));

    private static Measurement Largest(SurrogateObjective objective, RolloutBatch batch)
    {
        var score = ((RowAdvantage)objective.Advantage).AsScore()!;
        double[] advantages = objective.Evaluate(batch).RowAdvantages!;
        var worst = new Measurement(0, 0);
        foreach (int g in Equal(batch))
        {
            int count = batch.GroupSize(g);
            batch.TryReward(batch[g].FirstRow, 0, out double reward);
            double bound = Math.Sqrt((count - score.Ddof) / (double)count);
            worst = worst.Worst(new(Size(advantages[batch.Group(g)]), bound * (1 + Tolerance.Roundings(count + 8)), g));
            // Squares of deviations below 2⁻⁶³ would leave float32.
            if ((float)reward is var single && float.IsFinite(single) && Math.Abs(single) > 1e-10f)
                worst = worst.Worst(new(Size([.. InSinglePrecision(single, count, score.Ddof, (float)score.Epsilon).Select(a => (double)a)]), bound * (1 + ((count + 8) * Math.ScaleB(1, -24))), g));
        }

        return worst;
    }

    private static double Size(double[] advantages) =>
        advantages.Any(a => a > 0) && advantages.Any(a => a < 0) ? 2 : advantages.Max(Math.Abs);
}
