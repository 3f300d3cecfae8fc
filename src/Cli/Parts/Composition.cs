using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>An objective as a proposal spells it, in both directions.</summary>
internal static class Composition
{
    /// <summary>The fields that hold parts.</summary>
    public static IEnumerable<string> PartFields => ["rewards", "advantage", "kernel", "weight", "correction", "regularisers"];

    /// <summary>The objective that the fields describe, over <paramref name="start"/> where there is one.</summary>
    public static SurrogateObjective Read(Fields fields, SurrogateObjective? start)
    {
        var objective = new SurrogateObjective(
            Part("advantage", Parts.Advantages, start?.Advantage),
            Part("kernel", Parts.Kernels, start?.Kernel),
            Part("weight", Parts.Weights, start?.Weight));
        return objective with
        {
            Rewards = fields.Find("rewards") is { } rewards ? Shaping(rewards) : start?.Rewards ?? objective.Rewards,
            Correction = Part("correction", Parts.Weights, start?.Correction ?? TokenWeight.One),
            Regularisers = fields.Find("regularisers") is not null
                ? [.. fields.Items("regularisers").Select((part, k) => Parts.Regularisers.Read(part, $"regularisers[{k}]"))]
                : start?.Regularisers ?? objective.Regularisers,
        };

        TPart Part<TPart>(string field, PartList<TPart> known, TPart? fallback)
            where TPart : class => fields.Find(field) is { } part
                ? known.Read(part, field)
                : fallback ?? throw InvalidInputException.Because($"a proposal needs the field \"{field}\", or a \"base\" that has one.");
    }

    /// <summary>The fields that describe an objective; what is left out is the default, and whole, nothing is.</summary>
    public static JsonObject Write(SurrogateObjective objective, bool whole = false)
    {
        var fields = new JsonObject();
        if (objective.Rewards != RewardShaping.None)
            fields["rewards"] = Steps(objective.Rewards, whole) is [var only] ? only : new JsonArray([.. Steps(objective.Rewards, whole)]);
        fields["advantage"] = Parts.Advantages.Write(objective.Advantage, whole);
        fields["kernel"] = Parts.Kernels.Write(objective.Kernel, whole);
        fields["weight"] = Parts.Weights.Write(objective.Weight, whole);
        if (objective.Correction != TokenWeight.One)
            fields["correction"] = Parts.Weights.Write(objective.Correction, whole);
        if (objective.Regularisers.Length > 0)
            fields["regularisers"] = new JsonArray([.. objective.Regularisers.Select(term => Parts.Regularisers.Write(term, whole))]);
        return fields;
    }

    // One step of shaping, or several in their order.
    private static RewardShaping Shaping(JsonElement rewards)
    {
        if (rewards.ValueKind != JsonValueKind.Array)
            return After(RewardShaping.None, Parts.Shapings.Read(rewards, "rewards"), "rewards", isFirst: true);
        var steps = rewards.EnumerateArray().ToArray();
        if (steps.Length == 0)
            throw InvalidInputException.Because($"rewards must name at least one step; leave it out to keep those of the base.");
        var shaping = RewardShaping.None;
        for (int k = 0; k < steps.Length; k++)
            shaping = After(shaping, Parts.Shapings.Read(steps[k], $"rewards[{k}]"), $"rewards[{k}]", isFirst: k == 0);
        return shaping;
    }

    // What starts from the completion's own rewards would lose whatever stood before it.
    private static RewardShaping After(RewardShaping before, RewardShaping step, string place, bool isFirst) => step switch
    {
        RewardStep change => change with { Inner = before },
        _ when isFirst => step,
        _ => throw InvalidInputException.Because($"{place} reads the completion's own rewards, so it must come first."),
    };

    private static List<JsonNode> Steps(RewardShaping shaping, bool whole)
    {
        List<JsonNode> steps = shaping switch
        {
            RewardStep { Inner: var inner } when inner == RewardShaping.None => [],
            RewardStep { Inner: var inner } => Steps(inner, whole),
            _ => [],
        };
        steps.Add(Parts.Shapings.Write(shaping is RewardStep step ? step with { Inner = RewardShaping.None } : shaping, whole));
        return steps;
    }
}
