using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>Family O, clipping. What momentum does with a clipped token is in <see cref="Overshoot"/>.</summary>
public static class Clipping
{
    internal const double MinNormal = 2.2250738585072014e-308;

    /// <summary>The coefficient is zero exactly on the two dead sides of the clip region, and not on the other two.</summary>
    public static ObjectiveClaim ZeroCoefficient { get; } = new()
    {
        Id = "clip-zero-coefficient",
        Class = ClaimClass.Contract,
        Family = Family.Overshoot,
        Statement = "A > 0 and r > 1+ε_high ⇒ c = 0; A < 0 and r < 1−ε_low ⇒ c = 0 (and beyond a cap or a dual clip, where there is one); on the other sides, bounds included, c has the sign of A. r is the kernel's own ratio, a token's or a sequence's (where the clip compares log-ratios, the bounds themselves may be either).",
        Hypotheses = ["β = 0"],
        Source = "arXiv:1707.06347; arXiv:2601.05002, appendix D",
        Quantity = "|cᵢₜ| where it must vanish, |αᵢₜAᵢ| where it must not",
        Consequence = "tokens are stopped that should learn, or pushed on that have left the trust region",
        Missing = objective => Requirements.Missing(objective, Traits.Unregularised | Traits.HardClip) ?? Requirements.ShortReach(objective),
        Expect = _ => Expectation.Holds("the derivative of the clipped surrogate"),
        Domain = Requirements.Domain,
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = WorstSide,
        Why = WhyNotZero,
    };

    /// <summary>Without a hard clip nothing stops a token.</summary>
    public static ObjectiveClaim NoHardStop { get; } = new()
    {
        Id = "no-hard-stop",
        Family = Family.Overshoot,
        Statement = "Without a hard clip region a token that is weighed and has an advantage keeps its gradient at every ratio: αᵢₜAᵢₜ ≠ 0 ⇒ c ≠ 0 (SAPO's and VESPO's gains fade, and vanish only when they underflow; CISPO's stays at its cap).",
        Hypotheses = ["β = 0", "log-ratios of at most 3 a token, or of 5 a row for ratios of rows: gains do not underflow"],
        Source = "arXiv:2601.05002, appendix D; derived here",
        Quantity = "|αᵢₜAᵢₜ| where c = 0",
        Consequence = "tokens beyond some ratio drop out of training, and what momentum carries on from there nothing stops",
        Missing = objective => Requirements.Missing(objective, Traits.Unregularised | Traits.VanishesWithAdvantage | Traits.CommonOnPolicyGain)
            ?? (objective.Kernel.Traits.HasFlag(Traits.HardClip) ? "a kernel without a hard clip region" : null)
            ?? Requirements.ShortReach(objective),
        Expect = _ => Expectation.Holds("a positive gain"),
        Domain = objective => Requirements.Domain(objective) with { LargestLogRatio = objective.Kernel.Ratio == RatioLevel.Token ? 3 : 0.3 },
        Outside = (objective, batch) => Requirements.SingleCompletion(batch) ?? FarOff(objective, batch),
        Measure = Stopped,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"{batch.PlaceOf(worst.Position)} has advantage {objective.Evaluate(batch).Advantages[worst.Position]:G4} and log-ratio {batch[Column.Logp][worst.Position] - batch[Column.OldLogp][worst.Position]:G4}, and no gradient"),
    };

    private static string? FarOff(SurrogateObjective objective, RolloutBatch batch)
    {
        for (int i = 0; i < batch.Rows; i++)
        {
            var (logp, old) = (batch[Column.Logp][batch.Row(i)].ToArray(), batch[Column.OldLogp][batch.Row(i)].ToArray());
            double[] logRatios = [.. logp.Zip(old, (a, b) => a - b)];
            double size = objective.Kernel.Ratio == RatioLevel.Token ? logRatios.Select(Math.Abs).DefaultIfEmpty().Max() / 3 : Math.Abs(logRatios.Sum()) / 5;
            if (size > 1)
                return FormattableString.Invariant($"gains do not underflow; row {i} is too far off-policy");
        }

        return null;
    }

    private static Measurement Stopped(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        for (int t = 0; t < batch.Tokens; t++)
        {
            double pull = Math.Abs(evaluation.Weights[t] * evaluation.Advantages[t]);
            // Below this size a gain of 1e−200 may take the product below the normal range.
            if (pull > 1e-50 && evaluation.Coefficients[t] == 0)
                worst = worst.Worst(new(pull, 0, 0, t));
        }

        return worst;
    }

    private static Measurement WorstSide(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        for (int i = 0; i < batch.Rows; i++)
        {
            var completion = new Completion(batch, i);
            for (int t = 0; t < completion.Length; t++)
            {
                int token = batch.Row(i).Start.Value + t;
                double advantage = evaluation.Advantages[token], coefficient = evaluation.Coefficients[token];
                double ratio = Ratio(objective.Kernel.Ratio, completion, t), pull = evaluation.Weights[token] * advantage;
                var region = objective.Kernel.RegionAt(completion, t)!;
                if (objective.Kernel.ClipsLogRatios && (ratio == region.Low || ratio == region.High))
                    continue;
                bool dead = pull == 0 || IsDead(region, ratio, advantage);
                // On a live side a product below the normal range may round to zero.
                bool kept = Math.Sign(coefficient) == Math.Sign(pull) || Math.Abs(pull) * Math.Min(1, ratio) < MinNormal;
                double broken = dead ? Math.Abs(coefficient) : kept ? 0 : Math.Abs(pull);
                worst = worst.Worst(new(broken, 0, batch.GroupOf(i), token));
            }
        }

        return worst;
    }

    // Stated here again, from the paper, rather than asked of the kernel under test.
    internal static bool IsDead(Clip region, double ratio, double advantage) =>
        advantage > 0 ? ratio > region.High : ratio < region.Low || ratio > Math.Min(region.Cap, region.Dual);

    private static double Ratio(RatioLevel level, Completion completion, int t)
    {
        var logp = completion[Column.Logp];
        var old = completion[Column.OldLogp];
        if (level == RatioLevel.Token)
            return Math.Exp(logp[t] - old[t]);
        double sum = 0;
        for (int k = 0; k < logp.Length; k++)
            sum += logp[k] - old[k];
        return Math.Exp(level == RatioLevel.SequenceMean ? sum / logp.Length : sum);
    }

    private static string WhyNotZero(SurrogateObjective objective, RolloutBatch batch, Measurement worst)
    {
        var evaluation = objective.Evaluate(batch);
        int token = worst.Position, row = Enumerable.Range(0, batch.Rows).First(i => token < batch.Row(i).End.Value);
        double ratio = Ratio(objective.Kernel.Ratio, new(batch, row), token - batch.Row(row).Start.Value), advantage = evaluation.Advantages[token];
        var region = objective.Kernel.RegionAt(new(batch, row), token - batch.Row(row).Start.Value)!;
        string side = IsDead(region, ratio, advantage) ? "outside the clip range, where the coefficient must be 0" : "where the clip does not act";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{batch.PlaceOf(token)} has advantage {advantage:G4} and ratio {ratio:R}, {side} ([{region.Low:R}, {region.High:R}]), yet its coefficient is {evaluation.Coefficients[token]:G4}");
    }
}
