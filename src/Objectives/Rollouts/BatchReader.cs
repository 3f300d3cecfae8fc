using System.Text.Json;

namespace GroupRL.Objectives;

/// <summary>
/// Reads schema <c>grouprl-batch/1</c>: one JSON document, or JSON Lines with a header line and then one group a line. Unknown and
/// repeated fields are refused; whatever stands at a masked position is ignored.
/// </summary>
public static class BatchReader
{
    /// <summary>The schema's name.</summary>
    public const string Schema = "grouprl-batch/1";

    private static readonly string[] CompletionFields =
        ["reward", "rewards", .. Columns.All.Select(column => column.Field()), "tokens", "mask", "greedy_reward"];

    /// <summary>Reads a batch in either form.</summary>
    /// <exception cref="InvalidInputException">The text breaks a rule; the message names the rule, the value and the place.</exception>
    public static RolloutBatch Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return RolloutBatch.Of(StrictJson.Read("The batch", () => IsJsonLines(text) ? ReadLines(text) : ReadDocument(text)));
    }

    private static bool IsJsonLines(string text)
    {
        string[] heads = text.Split('\n', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // A single line is a document: lines are a header and at least one group.
        if (heads.Length < 2)
            return false;
        try
        {
            using var header = JsonDocument.Parse(heads[0]);
            return header.RootElement.ValueKind == JsonValueKind.Object && !header.RootElement.TryGetProperty("groups", out _);
        }
        catch (JsonException)
        {
            // A pretty-printed document's first line is no document by itself; its own errors are reported when it is read whole.
            return false;
        }
    }

    private static Rollout[][] ReadDocument(string text)
    {
        using var document = StrictJson.Parse(text, "The batch");
        Fields(document.RootElement, "the batch", ["schema", "groups"]);
        CheckSchema(document.RootElement);
        var groups = Required(document.RootElement, "groups", "the batch", JsonValueKind.Array, "an array of groups");
        return [.. groups.EnumerateArray().Select((group, g) => ReadGroup(group, g))];
    }

    private static Rollout[][] ReadLines(string text)
    {
        var groups = new List<Rollout[]>();
        bool header = true;
        foreach (var (line, number) in text.Split('\n').Select((line, k) => (line, k + 1)))
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            using var document = StrictJson.Parse(line, "The batch", number);
            if (header)
            {
                Fields(document.RootElement, "the header line", ["schema"]);
                CheckSchema(document.RootElement);
                header = false;
            }
            else
            {
                groups.Add(ReadGroup(document.RootElement, groups.Count));
            }
        }

        return [.. groups];
    }

    private static void CheckSchema(JsonElement root)
    {
        var schema = Required(root, "schema", "the batch", JsonValueKind.String, "a string");
        if (schema.GetString() != Schema)
            throw InvalidInputException.Because($"The batch's schema must be \"{Schema}\"; got \"{schema.GetString()}\".");
    }

    private static Rollout[] ReadGroup(JsonElement group, int g)
    {
        string place = $"groups[{g}]";
        Fields(group, place, ["completions"]);
        var completions = Required(group, "completions", place, JsonValueKind.Array, "an array of completions");
        return [.. completions.EnumerateArray().Select((completion, k) => ReadCompletion(completion, $"{place}.completions[{k}]"))];
    }

    private static Rollout ReadCompletion(JsonElement completion, string place)
    {
        Fields(completion, place, CompletionFields);
        bool[]? mask = completion.TryGetProperty("mask", out var flags) ? [.. Entries(flags, $"{place}.mask").Select(ReadFlag)] : null;
        var rollout = new Rollout
        {
            Rewards = ReadRewards(completion, place),
            Logps = [],
            OldLogps = [],
            Mask = mask,
            Tokens = completion.TryGetProperty("tokens", out var ids) ? [.. Entries(ids, $"{place}.tokens").Select((entry, t) => IsMasked(mask, t) ? ReadMaskedId(entry.Value) : ReadId(entry))] : null,
            GreedyReward = completion.TryGetProperty("greedy_reward", out var greedy) ? ReadNumber(greedy, $"{place}.greedy_reward") : null,
        };
        foreach (var column in Columns.All)
        {
            string field = column.Field();
            if (completion.TryGetProperty(field, out var values))
                rollout = rollout.With(column, ReadValues(values, mask, $"{place}.{field}"));
            else if (column is Column.Logp or Column.OldLogp)
                throw InvalidInputException.Because($"A completion needs the field \"{field}\"; {place} lacks it.");
        }

        return rollout;
    }

    private static double?[] ReadRewards(JsonElement completion, string place)
    {
        bool one = completion.TryGetProperty("reward", out var reward), many = completion.TryGetProperty("rewards", out var rewards);
        if (one == many)
            throw InvalidInputException.Because($"A completion needs either \"reward\" or \"rewards\"; {place} has {(one ? "both" : "neither")}.");
        return one
            ? [ReadReward(reward, $"{place}.reward")]
            : [.. Entries(rewards, $"{place}.rewards").Select(entry => ReadReward(entry.Value, entry.Place))];

        static double? ReadReward(JsonElement value, string place) =>
            value.ValueKind == JsonValueKind.Null ? null : ReadNumber(value, place);
    }

    private static double[] ReadValues(JsonElement values, bool[]? mask, string place) =>
        [.. Entries(values, place).Select((entry, t) =>
            IsMasked(mask, t) ? double.NaN : ReadNumber(entry.Value, entry.Place))];

    private static bool IsMasked(bool[]? mask, int t) => mask is not null && t < mask.Length && !mask[t];

    private static int ReadMaskedId(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) ? id : RolloutBatch.UnknownId;

    private static IEnumerable<(JsonElement Value, string Place)> Entries(JsonElement array, string place) =>
        array.ValueKind == JsonValueKind.Array
            ? array.EnumerateArray().Select((value, k) => (value, $"{place}[{k}]"))
            : throw InvalidInputException.Because($"{place} must be an array; got {Shown(array)}.");

    private static double ReadNumber(JsonElement value, string place) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
            : throw InvalidInputException.Because($"{place} must be a finite number; got {Shown(value)}.");

    private static bool ReadFlag((JsonElement Value, string Place) entry) => entry.Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number when entry.Value.TryGetDouble(out double bit) && bit is 0 or 1 => bit == 1,
        _ => throw InvalidInputException.Because($"{entry.Place} must be 1 (trained on) or 0 (masked); got {Shown(entry.Value)}."),
    };

    private static int ReadId((JsonElement Value, string Place) entry) =>
        entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out int id)
            ? id
            : throw InvalidInputException.Because($"{entry.Place} must be a whole number, being a token id; got {Shown(entry.Value)}.");

    private static void Fields(JsonElement element, string place, string[] known)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw InvalidInputException.Because($"{place} must be a JSON object; got {Shown(element)}.");
        foreach (var property in element.EnumerateObject())
        {
            if (!known.Contains(property.Name))
                throw InvalidInputException.Because($"{place} has the unknown field \"{property.Name}\"; known are {string.Join(", ", known)}.");
        }
    }

    private static JsonElement Required(JsonElement element, string field, string place, JsonValueKind kind, string description)
    {
        if (!element.TryGetProperty(field, out var value))
            throw InvalidInputException.Because($"{place} needs the field \"{field}\".");
        return value.ValueKind == kind
            ? value
            : throw InvalidInputException.Because($"The field \"{field}\" of {place} must be {description}; got {Shown(value)}.");
    }

    private static string Shown(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= 40 ? text : $"{text[..40]}…";
    }
}
