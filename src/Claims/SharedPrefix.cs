using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>The prefixes that whole groups share: which hypotheses claims about them make, and what a group does to their tokens.</summary>
internal static class SharedPrefix
{
    /// <summary>The hypotheses of the on-policy claims: shared, and trainable wherever a completion is.</summary>
    public static ImmutableArray<string> Hypotheses { get; } =
        ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "every row is trainable on the shared prefix"];

    /// <summary>What a group does to the token at a position that it shares.</summary>
    public static GroupPush Push(Evaluation evaluation, RolloutGroup group, int position)
    {
        double sum = 0, magnitude = 0, weight = 0;
        for (int k = 0; k < group.Count; k++)
        {
            int token = group[k].TokenAt(position);
            if (token < 0)
                continue;
            sum += evaluation.Coefficients[token];
            magnitude += Math.Abs(evaluation.Coefficients[token]);
            weight += Math.Abs(evaluation.Weights[token]);
        }

        return new(sum, magnitude, weight);
    }

    /// <summary>Σᵢ αᵢₜAᵢₜ at a shared position, and the sum of the terms' sizes.</summary>
    public static (double Sum, double Magnitude) WeighedAdvantages(Evaluation evaluation, RolloutGroup group, int position)
    {
        double sum = 0, magnitude = 0;
        for (int k = 0; k < group.Count; k++)
        {
            int token = group[k].TokenAt(position);
            double term = evaluation.Weights[token] * evaluation.Advantages[token];
            (sum, magnitude) = (sum + term, magnitude + Math.Abs(term));
        }

        return (sum, magnitude);
    }

    /// <summary>Every position that a whole group shares.</summary>
    public static IEnumerable<(RolloutGroup Group, int Position)> SharedPositions(RolloutBatch batch)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            int shared = batch[g].SharedPrefix();
            for (int position = 0; position < shared; position++)
                yield return (batch[g], position);
        }
    }

    /// <summary>Where a batch is off-policy, or a group shares no prefix, in words; null where neither.</summary>
    public static string? NotShared(RolloutBatch batch) => Requirements.OffPolicy(batch) ?? NoSharedPrefix(batch);

    /// <summary>Where a group shares no prefix that its live rows are trained on, in words; null where all do.</summary>
    public static string? NoSharedPrefix(RolloutBatch batch)
    {
        if (Requirements.SingleCompletion(batch) is { } broken)
            return broken;
        foreach (int g in Enumerable.Range(0, batch.Groups))
        {
            var group = batch[g];
            int shared = group.SharedPrefix();
            if (shared == 0)
                return FormattableString.Invariant($"the completions of a group share their first token; those of group {g} do not");
            for (int k = 0; k < group.Count; k++)
            {
                for (int position = 0; position < shared && group[k].Length > 0; position++)
                {
                    if (group[k].TokenAt(position) < 0)
                        return FormattableString.Invariant($"rows are trainable on the shared prefix; group {g}, completion {k} is masked at token {position}");
                }
            }
        }

        return null;
    }

    /// <summary>Where a completion has no trainable token, in words; null where all have.</summary>
    public static string? DeadRow(RolloutBatch batch)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            for (int k = 0; k < batch.GroupSize(g); k++)
            {
                if (batch[g][k].Length == 0)
                    return FormattableString.Invariant($"every completion has a trainable token; group {g}, completion {k} has none");
            }
        }

        return null;
    }

    /// <summary>Cₜ, Σ|cᵢₜ| and Σ|αᵢₜ| at one shared position.</summary>
    public readonly record struct GroupPush(double Sum, double Magnitude, double Weight)
    {
        /// <summary>What rounding leaves of a push that cancels: that of the sum, and that of each advantage's centring.</summary>
        public double Rounding(SurrogateObjective objective, Evaluation evaluation, RolloutGroup group)
        {
            double gain = Math.Abs(objective.Kernel.OnPolicyGain ?? 1);
            return Tolerance.Summation(group.Count + 8 + Requirements.RowRoundings(objective, group.Batch), Magnitude)
                + (gain * Weight * Requirements.AdvantageRounding(objective, group.Batch, evaluation, group.Index));
        }
    }
}
