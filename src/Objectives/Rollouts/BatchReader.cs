using System.Text;
using System.Text.Json;

namespace GroupRL.Objectives;

/// <summary>
/// Reads schema <c>grouprl-batch/1</c>: one JSON document, or JSON Lines with a header line and then one group a line. Unknown and
/// repeated fields are refused; whatever stands at a masked position is ignored.
/// </summary>
public static class BatchReader
{
    /// <summary>How many bytes a header line may have: a first line that is longer is a document's.</summary>
    public const int LongestHeader = 1 << 16;

    /// <summary>The schema's name.</summary>
    public const string Schema = "grouprl-batch/1";

    private const string What = "The batch";

    private const int ReadAtOnce = 1 << 16;

    private static readonly Encoding s_utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly string[] CompletionFields =
        ["reward", "rewards", .. Columns.All.Select(column => column.Field()), "tokens", "mask", "greedy_reward"];

    /// <summary>Reads a batch in either form.</summary>
    /// <exception cref="InvalidInputException">The text breaks a rule; the message names the rule, the value and the place.</exception>
    public static RolloutBatch Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Read(new MemoryStream(StrictJson.Read(What, () => s_utf8.GetBytes(text))));
    }

    /// <summary>Reads a batch in either form from UTF-8.</summary>
    /// <exception cref="InvalidInputException">The text breaks a rule; the message names the rule, the value and the place.</exception>
    public static RolloutBatch Read(Stream stream) => RolloutBatch.Join([.. ReadGroups(stream)]);

    /// <summary>
    /// Reads a batch in either form group by group, each a batch of its own that knows its number (<see cref="RolloutBatch.FirstGroup"/>). Of the text no more
    /// is held than the group that is read and what <paramref name="stream"/> is read ahead.
    /// </summary>
    /// <param name="stream">The batch in UTF-8, from its beginning.</param>
    /// <param name="ahead">How many bytes are read at once, unless a group is longer.</param>
    /// <exception cref="InvalidInputException">The text breaks a rule, as far as it is read; the message names the rule, the value and the place.</exception>
    public static IEnumerable<RolloutBatch> ReadGroups(Stream stream, int ahead = ReadAtOnce)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfLessThan(ahead, 1);
        return Checked(stream, ahead);
    }

    private static IEnumerable<RolloutBatch> Checked(Stream stream, int ahead)
    {
        using var groups = ReadRollouts(new(stream, ahead)).GetEnumerator();
        Rollout? first = null;
        int g = 0;
        for (; StrictJson.Read(What, groups.MoveNext); g++)
        {
            yield return RolloutBatch.Of([groups.Current], first, g);
            first ??= groups.Current[0];
        }

        if (g == 0)
            yield return RolloutBatch.Of([]);
    }

    // Nothing is read, and so nothing refused, before the first group is asked for.
    private static IEnumerable<Rollout[]> ReadRollouts(Utf8Window window)
    {
        foreach (var group in IsJsonLines(window) ? ReadLines(window) : ReadDocument(window))
            yield return group;
    }

    private static bool IsJsonLines(Utf8Window window)
    {
        while (true)
        {
            var text = window.Bytes;
            int start = text.Span.IndexOfAnyExcept(StrictJson.Blank), length = start < 0 ? -1 : text.Span[start..].IndexOf((byte)'\n');
            // A single line is a document: lines are a header and at least one group.
            if (length >= 0 && text.Span[(start + length)..].ContainsAnyExcept(StrictJson.Blank))
                return IsHeader(text.Slice(start, length));
            if (window.AtEnd || (length < 0 && text.Length - start >= LongestHeader))
                return false;
            window.Fill();
        }
    }

    private static bool IsHeader(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var header = JsonDocument.Parse(line);
            return header.RootElement.ValueKind == JsonValueKind.Object && !header.RootElement.TryGetProperty("groups", out _);
        }
        catch (JsonException)
        {
            // A pretty-printed document's first line is no document by itself; its own errors are reported when it is read whole.
            return false;
        }
    }

    private static IEnumerable<Rollout[]> ReadDocument(Utf8Window window)
    {
        if (window.AtEnd && !window.Bytes.Span.ContainsAnyExcept(StrictJson.Blank))
            throw StrictJson.Empty(What);
        var elements = new ElementStream(window, "groups", What);
        for (int g = 0; elements.Next() is { } element; g++)
        {
            using (element)
            {
                // Another schema is another's groups.
                if (g == 0)
                    CheckFrame(elements, isWhole: false);
                yield return ReadGroup(element.RootElement, g);
            }
        }

        CheckFrame(elements, isWhole: true);
    }

    private static void CheckFrame(ElementStream elements, bool isWhole)
    {
        using var frame = elements.Frame();
        Fields(frame.RootElement, "the batch", ["schema", "groups"]);
        if (isWhole || frame.RootElement.TryGetProperty("schema", out _))
            CheckSchema(frame.RootElement);
        Required(frame.RootElement, "groups", "the batch", JsonValueKind.Array, "an array of groups");
    }

    private static IEnumerable<Rollout[]> ReadLines(Utf8Window window)
    {
        bool header = true;
        int g = 0;
        foreach (var (line, number) in Lines(window))
        {
            using var document = StrictJson.Parse(line, What, number);
            if (header)
            {
                Fields(document.RootElement, "the header line", ["schema"]);
                CheckSchema(document.RootElement);
                header = false;
            }
            else
            {
                yield return ReadGroup(document.RootElement, g++);
            }
        }
    }

    // The lines that are not blank, and their numbers; each is valid until the next is asked for.
    private static IEnumerable<(ReadOnlyMemory<byte> Line, int Number)> Lines(Utf8Window window)
    {
        for (int number = 1; ;)
        {
            var text = window.Bytes;
            int end = text.Span.IndexOf((byte)'\n');
            if (end < 0 && !window.AtEnd)
            {
                window.Fill();
                continue;
            }

            var line = end < 0 ? text : text[..end];
            if (line.Span.ContainsAnyExcept(StrictJson.Blank))
                yield return (line, number);
            if (end < 0)
                yield break;
            window.Take(end + 1);
            number++;
        }
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
        bool[]? mask = completion.TryGetProperty("mask", out var flags) ? Entries(flags, $"{place}.mask", ReadFlag) : null;
        var rollout = new Rollout
        {
            Rewards = ReadRewards(completion, place),
            Logps = [],
            OldLogps = [],
            Mask = mask,
            Tokens = completion.TryGetProperty("tokens", out var ids) ? Entries(ids, $"{place}.tokens", (value, at) => IsMasked(mask, at.Index) ? ReadMaskedId(value) : ReadId(value, at)) : null,
            GreedyReward = completion.TryGetProperty("greedy_reward", out var greedy) ? ReadNumber(greedy, $"{place}.greedy_reward") : null,
        };
        foreach (var column in Columns.All)
        {
            string field = column.Field();
            if (completion.TryGetProperty(field, out var values))
                rollout = rollout.With(column, Entries(values, $"{place}.{field}", (value, at) => IsMasked(mask, at.Index) ? double.NaN : ReadNumber(value, at)));
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
        return one ? [ReadReward(reward, $"{place}.reward")] : Entries(rewards, $"{place}.rewards", ReadReward);
    }

    private static double? ReadReward(JsonElement value, Place place) => value.ValueKind == JsonValueKind.Null ? null : ReadNumber(value, place);

    private static bool IsMasked(bool[]? mask, int t) => mask is not null && t < mask.Length && !mask[t];

    private static int ReadMaskedId(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) ? id : RolloutBatch.UnknownId;

    private static T[] Entries<T>(JsonElement array, string place, Func<JsonElement, Place, T> read)
    {
        if (array.ValueKind != JsonValueKind.Array)
            throw InvalidInputException.Because($"{place} must be an array; got {Shown(array)}.");
        var entries = new T[array.GetArrayLength()];
        int k = 0;
        foreach (var value in array.EnumerateArray())
            entries[k] = read(value, new(place, k++));
        return entries;
    }

    private static double ReadNumber(JsonElement value, Place place) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
            : throw InvalidInputException.Because($"{place} must be a finite number; got {Shown(value)}.");

    private static bool ReadFlag(JsonElement value, Place place) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number when value.TryGetDouble(out double bit) && bit is 0 or 1 => bit == 1,
        _ => throw InvalidInputException.Because($"{place} must be 1 (trained on) or 0 (masked); got {Shown(value)}."),
    };

    private static int ReadId(JsonElement value, Place place) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id)
            ? id
            : throw InvalidInputException.Because($"{place} must be a whole number, being a token id; got {Shown(value)}.");

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

    // Where a value stands; text only where it is asked for, which is once at most.
    private readonly record struct Place(string Field, int Index = -1)
    {
        public static implicit operator Place(string field) => new(field);

        public override string ToString() => Index < 0 ? Field : FormattableString.Invariant($"{Field}[{Index}]");
    }
}
