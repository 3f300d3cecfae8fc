using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>What a gradient may make of rewards.</summary>
public static class RewardLaws
{
    private const double Shift = 4;

    /// <summary>R + b.</summary>
    public static LossClaim ShiftLaw { get; } = LossLaw.Contract(
        "reward-shift",
        "One number added to every reward changes no gradient.",
        LossPromises.ComparesRewards,
        (_, cases) => cases,
        (subject, batch) => LossLaw.Gap(subject, batch, subject.Ask(batch).Coefficients, subject.Ask(Shifted(batch)).Coefficients),
        (subject, batch, worst) => LossLaw.Difference(batch, worst, $"with {Shift} added to every reward", subject.Ask(batch).Coefficients, subject.Ask(Shifted(batch)).Coefficients),
        "a constant bonus, such as for the format, drowns the signal or reverses it");

    /// <summary>aR, a moderate.</summary>
    public static LossClaim ScaleLaw { get; } = Scaled(
        "reward-scale", [4], "Rewards times 4 give a gradient of the same signs, between the one before and 4 times it: advantages are proportional to rewards, or divided by their spread, or in between where an ε acts.",
        "rewards in other units train in another direction");

    /// <summary>aR, a extreme.</summary>
    public static LossClaim ExtremesLaw { get; } = Scaled(
        "reward-extremes", [1L << 40, 1.0 / (1L << 40)], "Rewards times 2⁴⁰ or 2⁻⁴⁰ give finite gradients of the same signs, between the one before and 2⁴⁰ or 2⁻⁴⁰ times it.",
        "rewards that are nearly equal, or huge, give gradients of rounding, of NaN, or of a size that no clipping forgives");

    /// <summary>All rewards of a group equal.</summary>
    public static LossClaim EqualRewards { get; } = LossLaw.Contract(
        "equal-rewards",
        "A group of equal rewards, at the reference, has no gradient, off-policy too: there is nothing to learn from it.",
        LossPromises.ComparesRewards | LossPromises.KlStationary,
        (_, cases) => cases,
        (subject, batch) => LossLaw.Zero(subject.Ask(Equal(batch)).Coefficients),
        (subject, batch, worst) => LossLaw.Difference(Equal(batch), worst, "with equal rewards throughout each group", new double[batch.Tokens], subject.Ask(Equal(batch)).Coefficients),
        "prompts that are solved always, or never, push the policy at random (or to NaN)");

    /// <summary>All rewards of a group equal, and no multiple of a power of two.</summary>
    public static LossClaim InexactEqualRewards { get; } = LossLaw.Contract(
        "equal-rewards-inexact",
        "Where all rewards of a group are 0.1, whose mean rounds, no gradient is more than a thousandth of what a lone reward of 1 gives: an ε beside the standard deviation, not rounding, decides what it is divided by.",
        LossPromises.ComparesRewards | LossPromises.KlStationary,
        (_, cases) => cases,
        (subject, batch) =>
        {
            var calm = Reworked.OnPolicy(batch);
            double[] equal = subject.Ask(Reworked.WithRewards(calm, (_, _) => 0.1)).Coefficients;
            double usual = subject.Ask(Reworked.WithRewards(calm, (row, _) => row == 0 ? 1 : 0)).Largest;
            var worst = new Measurement(0, usual / 1000);
            for (int t = 0; t < equal.Length; t++)
                worst = worst.Worst(new(Math.Abs(equal[t]), usual / 1000, 0, t));
            return worst;
        },
        (_, batch, worst) => string.Create(CultureInfo.InvariantCulture, $"with all rewards 0.1 the gradient of J at {batch.PlaceOf(worst.Position)} is {worst.Measured:G6} in size, made of rounding"),
        "prompts that are solved always, or never, push the policy by rounding that a division has blown up") with
    {
        Missing = subject => LossLaw.Lacks(subject, LossPromises.ComparesRewards | LossPromises.KlStationary)
            ?? (subject.UnitRoundoff > Tolerance.UnitRoundoff ? "float64, whose rounding an ε of 10⁻⁶ hides" : null),
    };

    /// <summary>The best up, the worst down.</summary>
    public static LossClaim Sign { get; } = LossLaw.Contract(
        "loss-sign",
        "On-policy and at the reference a trainer's step pushes no token of a group's best completion down and none of its worst up, and some token of either the right way.",
        LossPromises.ComparesRewards | LossPromises.KlStationary | LossPromises.PushesUp,
        (_, cases) => cases with { Rewards = RewardKind.PlainUnequal, DeadRows = Presence.Never, OnPolicy = true },
        WrongWay,
        (subject, batch, worst) => worst.Position < 0
            ? $"no token of the {(worst.Position == -1 ? "best" : "worst")} completion of group {worst.Group} is pushed {(worst.Position == -1 ? "up" : "down")}, although the group's rewards differ"
            : string.Create(CultureInfo.InvariantCulture, $"{batch.PlaceOf(worst.Position)} belongs to the {(IsBest(batch, worst) ? "best" : "worst")} completion of its group and is pushed {(IsBest(batch, worst) ? "down" : "up")}: the gradient of J is {subject.Ask(Reworked.OnPolicy(batch)).Coefficients[worst.Position]:G6}"),
        "the run unlearns what it is rewarded for") with
    {
        Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? SharedPrefix.DeadRow(batch) ?? (Enumerable.Range(0, batch.Groups).All(g => Extremes(batch, g).Best != Extremes(batch, g).Worst) ? null : "rewards of a group differ; some do not"),
    };

    /// <summary>Advantages are bounded by the range of rewards.</summary>
    public static LossClaim Bound { get; } = LossLaw.Contract(
        "advantage-bound",
        "On-policy no gradient is larger than max(1, range of the group's rewards) times what its completion gets where it alone has a reward of 1 and all others 0: (G−1)/√G or √(G−1) with a standard deviation, the range without.",
        LossPromises.ComparesRewards | LossPromises.KlStationary | LossPromises.BoundedAdvantage | LossPromises.GroupIsolated,
        (_, cases) => cases with { DeadRows = Presence.Never, OnPolicy = true },
        Beyond,
        (subject, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"{batch.PlaceOf(worst.Position)} has a gradient of {worst.Measured:G6}, beyond {worst.Bound:G6}, its share of the range of rewards"),
        "rewards that hardly differ, or one outlier, take steps without a bound");

    private static LossClaim Scaled(string id, double[] factors, string statement, string consequence) => LossLaw.Contract(
        id,
        statement,
        LossPromises.ComparesRewards | LossPromises.KeepsScale | LossPromises.KlStationary,
        (_, cases) => cases,
        (subject, batch) =>
        {
            var calm = Reworked.AtReference(batch);
            double[] before = subject.Ask(calm).Coefficients;
            return factors.Select(a => Between(subject, calm, before, a)).Aggregate((worst, other) => worst.Worst(other));
        },
        (subject, batch, worst) =>
        {
            double a = factors[worst.Group];
            var calm = Reworked.AtReference(batch);
            return string.Create(CultureInfo.InvariantCulture, $"with all rewards times {a:R} the gradient of J at {batch.PlaceOf(worst.Position)} goes from {subject.Ask(calm).Coefficients[worst.Position]:G6} to {subject.Ask(Reworked.WithRewards(calm, (_, r) => a * r)).Coefficients[worst.Position]:G6}");
        },
        consequence);

    private static Measurement Between(LossSubject subject, RolloutBatch batch, double[] before, double a)
    {
        double[] after = subject.Ask(Reworked.WithRewards(batch, (_, r) => a * r)).Coefficients;
        double[] nearest = [.. before.Select((c, t) => double.IsNaN(after[t]) ? c : Math.Clamp(after[t], Math.Min(c, a * c), Math.Max(c, a * c)))];
        return LossLaw.Gap(subject, batch, nearest, after) with { Group = a < 1 ? 1 : 0 };
    }

    private static RolloutBatch Shifted(RolloutBatch batch) => Reworked.WithRewards(batch, (_, r) => r + Shift);

    private static RolloutBatch Equal(RolloutBatch batch) => Reworked.EqualRewards(Reworked.AtReference(batch));

    private static (double Best, double Worst) Extremes(RolloutBatch batch, int g)
    {
        double[] rewards = [.. Enumerable.Range(batch[g].FirstRow, batch.GroupSize(g)).Select(i => RewardOf(batch, i))];
        return (rewards.Max(), rewards.Min());
    }

    // Several rewards of a completion are compared together only where they are one.
    private static double RewardOf(RolloutBatch batch, int i) => batch.TryReward(i, 0, out double reward) ? reward : 0;

    private static bool IsBest(RolloutBatch batch, Measurement worst)
    {
        int row = Enumerable.Range(0, batch.Rows).First(i => worst.Position < batch.Row(i).End.Value);
        return RewardOf(batch, row) == Extremes(batch, batch.GroupOf(row)).Best;
    }

    private static Measurement WrongWay(LossSubject subject, RolloutBatch batch)
    {
        var calm = Reworked.OnPolicy(batch);
        var response = subject.Ask(calm);
        double rounding = subject.Rounding(batch, response.Largest);
        var worst = new Measurement(0, rounding);
        for (int g = 0; g < batch.Groups; g++)
        {
            var (best, least) = Extremes(batch, g);
            double up = 0, down = 0;
            for (int i = batch[g].FirstRow; i < batch[g].FirstRow + batch.GroupSize(g); i++)
            {
                var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
                for (int t = start; t < start + length; t++)
                {
                    double c = response.Coefficients[t], reward = RewardOf(batch, i);
                    up = reward == best ? Math.Max(up, c) : up;
                    down = reward == least ? Math.Min(down, c) : down;
                    double wrong = double.IsNaN(c) ? c : reward == best ? -c : reward == least ? c : 0;
                    worst = worst.Worst(new(wrong, rounding, g, t));
                }
            }

            if (!(up > 0) || !(down < 0))
                return new(1, 0, g, up > 0 ? -2 : -1);
        }

        return worst;
    }

    private static Measurement Beyond(LossSubject subject, RolloutBatch batch)
    {
        var calm = Reworked.OnPolicy(batch);
        var response = subject.Ask(calm);
        double rounding = subject.Rounding(batch, response.Largest);
        var worst = new Measurement(0, rounding);
        for (int k = 0; k < Enumerable.Range(0, batch.Groups).Max(batch.GroupSize); k++)
        {
            int place = k;
            double[] alone = subject.Ask(Reworked.WithRewards(calm, (i, _) => i >= 0 && i - batch[batch.GroupOf(i)].FirstRow == place ? 1 : 0)).Coefficients;
            for (int g = 0; g < batch.Groups; g++)
            {
                if (k >= batch.GroupSize(g))
                    continue;
                var (best, least) = Extremes(batch, g);
                var (start, length) = batch.Row(batch[g].FirstRow + k).GetOffsetAndLength(batch.Tokens);
                for (int t = start; t < start + length; t++)
                {
                    // A guard of 1e−4 beside the standard deviation makes a lone reward's advantage that much smaller.
                    double bound = (Math.Max(1, best - least) * Math.Abs(alone[t]) * 1.001) + rounding;
                    worst = worst.Worst(new(Math.Abs(response.Coefficients[t]), bound, g, t));
                }
            }
        }

        return worst;
    }
}
