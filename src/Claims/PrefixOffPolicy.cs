using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>Family P off-policy: what a clip, or a penalty, does to a prefix that a whole group shares.</summary>
public static class PrefixOffPolicy
{
    private const string Paper = "arXiv:2601.05002, appendix B";

    /// <summary>Cₜ = r·Σ αA over the rows whose side the clip leaves alive.</summary>
    public static ObjectiveClaim ClipAsymmetry { get; } = new()
    {
        Id = "prefix-clip-asymmetry",
        Family = Family.Prefix,
        Statement = "Off-policy a shared token has one ratio r, and Cₜ = r·Σ αᵢₜAᵢ over the rows that the clip leaves alive: beyond 1+ε_high those with A < 0 alone, so Cₜ < 0; below 1−ε_low those with A > 0 alone, so Cₜ > 0; beyond a cap or a dual clip none. So even a neutral objective is biased once the ratio has left the region.",
        Hypotheses = ["β = 0", "at least 2 completions a group, sharing at least 1 token and its log-probs", "every row is trainable on the shared prefix"],
        Source = Paper + "; closed form derived here",
        Quantity = "|Σᵢ cᵢₜ − r·Σ_{alive} αᵢₜAᵢ|",
        Consequence = "beyond the clip a shared opening moves in a way that no living completion explains",
        Missing = objective => Requirements.Missing(objective, Traits.Unregularised | Traits.TokenRatio | Traits.HardClip | Traits.Centred | Traits.UniformOffPolicy)
            ?? Requirements.ShortReach(objective)
            ?? (objective.Kernel.Region is null ? "one clip region for all tokens" : null),
        Expect = _ => Expectation.Holds("the clip acts by the sign of A, and r is common"),
        Domain = objective => Cases(objective) with { Bounds = objective.Kernel.Region },
        Outside = (_, batch) => NotOnePolicy(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = AsymmetryGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at ratio {Ratio(batch[worst.Group], worst.Position):R} the coefficients of position {worst.Position} add to {SharedPrefix.Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G6}, which is not the push of the rows that the clip leaves alive"),
    };

    /// <summary>Cₜ = 0 off-policy, too.</summary>
    public static ObjectiveClaim Neutrality { get; } = new()
    {
        Id = "prefix-off-policy-neutrality",
        Describes = true,
        Family = Family.Prefix,
        Statement = "Off-policy, too, Cₜ = 0 on a prefix that the whole group shares. True where the gain of a shared token does not look at the sign of A (CISPO, REINFORCE), or the coefficients cancel by construction (GVPO); a clip by sign, and ratios of whole rows, break it.",
        Hypotheses = ["β = 0", "at least 2 completions a group, sharing at least 1 token and its log-probs", "every row is trainable on the shared prefix"],
        Source = Paper + "; derived here",
        Quantity = "|Σᵢ cᵢₜ|",
        Consequence = "after some inner steps the opening that all completions share is pushed, although nothing says that it is good or bad",
        Missing = objective => Requirements.Missing(objective, Traits.Unregularised),
        Expect = objective => objective.Traits.HasFlag(Traits.ZeroSum)
            ? Expectation.Holds("the kernel takes the mean over the group off every coefficient")
            : Requirements.Missing(objective, Traits.Centred | Traits.UniformOffPolicy | Traits.SignBlind) is { } missing
                ? Expectation.Refuted($"needs {missing}")
                : Expectation.Holds("Σᵢ cᵢₜ is α·g times a sum of centred advantages"),
        Domain = Cases,
        Outside = (_, batch) => NotOnePolicy(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = WorstPush,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at ratio {Ratio(batch[worst.Group], worst.Position):G4} the coefficients of the shared token {worst.Position} of group {worst.Group} are [{string.Join(", ", Coefficients(objective, batch, worst).Select(c => c.ToString("G4", CultureInfo.InvariantCulture)))}], which do not cancel"),
    };

    /// <summary>A penalty pushes a shared token with one sign for all rows.</summary>
    public static ObjectiveClaim RegulariserResidue { get; } = new()
    {
        Id = "prefix-regulariser-residue",
        Family = Family.Prefix,
        Statement = "What a penalty adds to a shared token, −βΣᵢ αᵢₜκ′, has summands of one sign: the rows cannot cancel each other, and the residue is 0 only where κ′ is (k2 and k3 at π = π_ref, a dead clamp).",
        Hypotheses = ["one regulariser with β ≠ 0 that acts on log-probs", "at least 2 completions a group, sharing at least 1 token and its log-probs", "every row is trainable on the shared prefix"],
        Source = Paper + "; derived here",
        Quantity = "Σᵢ|Δcᵢₜ| − |Σᵢ Δcᵢₜ|, Δ = with the penalty less without",
        Missing = objective => objective.Regularisers.Count(term => term.Beta != 0 && !term.ActsOnEntropy) == 1 ? null : "one regulariser that acts on log-probs",
        Expect = _ => Expectation.Holds("log-probs agree on a shared prefix, and weights are not negative"),
        Domain = Cases,
        Outside = (_, batch) => NotOnePolicy(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = Cancelled,
        Why = (_, _, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the penalty pushes the shared token {worst.Position} of group {worst.Group} up for some completions and down for others: {worst.Measured:G3} of it cancels"),
    };

    private static RolloutDomain Cases(SurrogateObjective objective) =>
        Requirements.Domain(objective) with { SharedPrefix = true, DeadRows = Presence.Never, Bounds = null };

    /// <summary>Where a group shares no prefix, or rows that share one have other log-probs on it, in words; null where neither.</summary>
    internal static string? NotOnePolicy(RolloutBatch batch)
    {
        if (SharedPrefix.NoSharedPrefix(batch) is { } broken)
            return broken;
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            int first = group[0].TokenAt(position);
            for (int k = 1; k < group.Count && first >= 0; k++)
            {
                int other = group[k].TokenAt(position);
                foreach (var column in Columns.All.Where(column => batch.Has(column) && IsOfPolicy(column)))
                {
                    if (other >= 0 && batch[column][first] != batch[column][other])
                        return FormattableString.Invariant($"rows that share a token share its {column.Field()}; in group {group.Index}, completions 0 and {k} have {batch[column][first]} and {batch[column][other]} at token {position}");
                }
            }
        }

        return null;
    }

    private static bool IsOfPolicy(Column column) => column is Column.Logp or Column.OldLogp or Column.RefLogp or Column.RolloutLogp or Column.Entropy or Column.SumPiSquared;

    private static double Ratio(RolloutGroup group, int position)
    {
        int token = group[0].TokenAt(position);
        return Math.Exp(group.Batch[Column.Logp][token] - group.Batch[Column.OldLogp][token]);
    }

    private static double[] Coefficients(SurrogateObjective objective, RolloutBatch batch, Measurement worst)
    {
        double[] coefficients = objective.Evaluate(batch).Coefficients;
        return [.. Enumerable.Range(0, batch.GroupSize(worst.Group)).Select(k => coefficients[batch[worst.Group][k].TokenAt(worst.Position)])];
    }

    private static Measurement AsymmetryGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var region = objective.Kernel.Region!;
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            double ratio = Ratio(group, position), predicted = 0, magnitude = 0;
            // At the dual clip's constant itself half of a gradient flows: a point, not a side.
            if (ratio == region.Dual)
                continue;
            for (int k = 0; k < group.Count; k++)
            {
                int token = group[k].TokenAt(position);
                double term = Clipping.IsDead(region, ratio, evaluation.Advantages[token]) ? 0 : ratio * (evaluation.Weights[token] * evaluation.Advantages[token]);
                (predicted, magnitude) = (predicted + term, magnitude + Math.Abs(term));
            }

            // A product of weight and advantage below the normal range is off by its last place, and the ratio multiplies that.
            var push = SharedPrefix.Push(evaluation, group, position);
            double bound = Tolerance.Summation((2 * group.Count) + 8, push.Magnitude + magnitude) + (2 * group.Count * ratio * double.Epsilon);
            worst = worst.Worst(new(Math.Abs(push.Sum - predicted), bound, group.Index, position));
        }

        return worst;
    }

    private static Measurement WorstPush(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            double gain = 0, pulled = 0;
            for (int k = 0; k < group.Count; k++)
            {
                int token = group[k].TokenAt(position);
                if (!objective.Kernel.Traits.HasFlag(Traits.VanishesWithAdvantage))
                    (gain, pulled) = (Math.Max(gain, Math.Abs(evaluation.Weights[token])), pulled + Math.Abs(evaluation.Weights[token] * evaluation.Advantages[token]));
                else if (evaluation.Advantages[token] != 0)
                    gain = Math.Max(gain, Math.Abs(evaluation.Coefficients[token] / evaluation.Advantages[token]));
            }

            var push = SharedPrefix.Push(evaluation, group, position);
            double bound = Tolerance.Summation(group.Count + 8 + Requirements.RowRoundings(objective, batch), push.Magnitude + pulled)
                + (group.Count * gain * Requirements.AdvantageRounding(objective, batch, evaluation, group.Index))
                + Requirements.PullRounding(objective, batch, evaluation, group.Index);
            worst = worst.Worst(new(Math.Abs(push.Sum), bound, group.Index, position));
        }

        return worst;
    }

    private static Measurement Cancelled(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        double[] without = (objective with { Regularisers = [.. objective.Regularisers.Where(term => term.ActsOnEntropy)] }).Evaluate(batch).Coefficients;
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            double sum = 0, sizes = 0, magnitude = 0;
            for (int k = 0; k < group.Count; k++)
            {
                int token = group[k].TokenAt(position);
                double added = evaluation.Coefficients[token] - without[token];
                (sum, sizes) = (sum + added, sizes + Math.Abs(added));
                magnitude += Math.Abs(evaluation.Coefficients[token]) + Math.Abs(without[token]);
            }

            worst = worst.Worst(new(sizes - Math.Abs(sum), Tolerance.Summation(group.Count + 8, magnitude), group.Index, position));
        }

        return worst;
    }
}
