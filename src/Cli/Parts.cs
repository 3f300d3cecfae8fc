using System.Collections.Immutable;
using System.Text.Json;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>The parts of an objective by the names that a proposal calls them. Adding a part to the language is adding a line here.</summary>
internal static class Parts
{
    private static readonly Dictionary<string, Func<Fields, Advantage>> Advantages = new()
    {
        ["standard-score"] = fields => new StandardScore
        {
            Ddof = fields.Choice("std", ("sample", 1), ("population", 0)),
            Epsilon = fields.Number("epsilon", 0),
            Over = Over(fields),
            Equal = Equal(fields),
        },
        ["mean-baseline"] = fields => new MeanBaseline { Over = Over(fields), Equal = Equal(fields) },
        ["leave-one-out"] = fields => new LeaveOneOut { Over = Over(fields), Equal = Equal(fields) },
        ["batch-scaled"] = fields => new BatchScaledBaseline(fields.Number("epsilon")),
        ["batch-normalised"] = fields => new BatchNormalised(
            RowsOf(fields, "of"), fields.Number("epsilon")),
        ["none"] = _ => new NoBaseline(),
    };

    private static readonly Dictionary<string, Func<Fields, Kernel>> Kernels = new()
    {
        ["token-ratio"] = fields => new TokenRatio(Shape(fields)),
        ["sequence-ratio"] = fields => new SequenceRatio(
            fields.Choice("of", ("mean", RatioLevel.SequenceMean), ("sum", RatioLevel.SequenceSum)), Shape(fields)),
        ["clipped-importance"] = fields => new ClippedImportance(fields.Number("low", 0), fields.Number("high")),
        ["log-likelihood"] = _ => new LogLikelihood(),
    };

    private static readonly Dictionary<string, Func<Fields, TokenWeight>> Weights = new()
    {
        ["row-mean"] = fields => new RowMean { Averaged = Averaged(fields) },
        ["row-sum"] = fields => new RowSum { Averaged = Averaged(fields), Length = fields.Number("length", 1) },
        ["group-token-mean"] = _ => new GroupTokenMean(),
        ["batch-token-mean"] = fields => new BatchTokenMean { Items = fields.Number("items", 1) },
        ["constant"] = fields => new ConstantWeight(fields.Number("value")),
    };

    private static readonly Dictionary<string, Func<Fields, RewardShaping, RewardShaping>> Shapings = new()
    {
        ["single"] = (_, inner) => First("single", inner, RewardShaping.None),
        ["weighted-sum"] = (fields, inner) => First("weighted-sum", inner, new WeightedRewards(RewardWeights(fields)) { Missing = Missing(fields) }),
        ["clipped"] = (fields, inner) => new ClippedReward(inner, fields.Number("low"), fields.Number("high")),
        ["kl-in-reward"] = (fields, inner) => new KlInReward(inner, fields.Number("beta")),
    };

    private static readonly Dictionary<string, Func<Fields, Regulariser>> Regularisers = new()
    {
        ["kl"] = fields => new KlPenalty(
            fields.Choice("estimator", ("k3", KlEstimator.K3), ("k2", KlEstimator.K2), ("k1", KlEstimator.K1)), fields.Number("beta"))
        {
            Against = fields.Choice("against", ("ref_logps", Column.RefLogp), ("old_logps", Column.OldLogp), ("rollout_logps", Column.RolloutLogp)),
            Weight = OptionalWeight(fields),
        },
        ["entropy-bonus"] = fields => new EntropyBonus(fields.Number("beta")) { Weight = OptionalWeight(fields) },
    };

    /// <summary>An advantage.</summary>
    public static Advantage Advantage(JsonElement part, string place) => Read(part, place, "advantage", Advantages, (make, fields) => make(fields));

    /// <summary>A kernel.</summary>
    public static Kernel Kernel(JsonElement part, string place) => Read(part, place, "kernel", Kernels, (make, fields) => make(fields));

    /// <summary>A token weight, or a correction.</summary>
    public static TokenWeight Weight(JsonElement part, string place) => Read(part, place, "weight", Weights, (make, fields) => make(fields));

    /// <summary>A regulariser.</summary>
    public static Regulariser Regulariser(JsonElement part, string place) =>
        Read(part, place, "regulariser", Regularisers, (make, fields) => make(fields));

    /// <summary>A step of reward shaping, after <paramref name="inner"/>.</summary>
    public static RewardShaping Shaping(JsonElement part, string place, RewardShaping inner) =>
        Read(part, place, "reward shaping", Shapings, (make, fields) => make(fields, inner));

    private static TPart Read<TMake, TPart>(JsonElement part, string place, string kind, Dictionary<string, TMake> makers, Func<TMake, Fields, TPart> make)
    {
        // A part without parameters may be its name alone.
        using var bare = part.ValueKind == JsonValueKind.String ? JsonDocument.Parse($$"""{"name":{{part.GetRawText()}}}""") : null;
        var fields = new Fields(bare?.RootElement ?? part, place);
        string name = fields.Text("name");
        if (!makers.TryGetValue(name, out var maker))
            throw InvalidInputException.Because($"{place} names the unknown {kind} \"{name}\"; known are {Nearest.List(name, makers.Keys)}.");
        try
        {
            var made = make(maker, fields);
            fields.End();
            return made;
        }
        catch (InvalidInputException error) when (!error.Message.StartsWith(place, StringComparison.Ordinal))
        {
            throw new InvalidInputException($"{place}: {error.Message}", error);
        }
    }

    private static RowAdvantage RowsOf(Fields fields, string field)
    {
        var part = fields.Find(field) ?? throw InvalidInputException.Because($"{fields.Place} needs the field \"{field}\", an advantage.");
        return Advantage(part, fields.At(field)) as RowAdvantage
            ?? throw InvalidInputException.Because($"{fields.At(field)} must be an advantage of one number a completion.");
    }

    // Both start from the completion's own rewards, so whatever stood before them would be lost.
    private static RewardShaping First(string name, RewardShaping inner, RewardShaping made) => inner == RewardShaping.None
        ? made
        : throw InvalidInputException.Because($"{name} reads the completion's own rewards, so it must come first.");

    // Left out: 1 for each reward, however many there are.
    private static ImmutableArray<double> RewardWeights(Fields fields)
    {
        if (fields.Find("weights") is null)
            return [];
        var weights = fields.Numbers("weights");
        return weights.Length > 0 ? weights : throw InvalidInputException.Because($"{fields.At("weights")} must have at least 1 weight (left out: 1 for each reward).");
    }

    private static MissingReward Missing(Fields fields) =>
        fields.Choice("missing", ("refused", MissingReward.Refused), ("skipped", MissingReward.Skipped));

    private static Counted Over(Fields fields) => fields.Choice("over", ("all-rows", Counted.AllRows), ("live-rows", Counted.LiveRows));

    private static EqualRewards Equal(Fields fields) =>
        fields.Choice("equal-rewards", ("give-zero", EqualRewards.GiveZero), ("are-computed", EqualRewards.AreComputed));

    private static Average Averaged(Fields fields) => fields.Choice("average", ("over-prompts", Average.OverPrompts), ("over-rows", Average.OverRows));

    private static TokenWeight? OptionalWeight(Fields fields) => fields.Find("weight") is { } own ? Weight(own, fields.At("weight")) : null;

    private static Shape Shape(Fields fields)
    {
        if (fields.Find("clip") is not { } part)
            return new Unclipped();
        var clip = new Fields(part, fields.At("clip"));
        var shape = Clip.Range(clip.Number("low"), clip.Number("high"), clip.Number("cap", double.PositiveInfinity));
        clip.End();
        return shape;
    }
}
