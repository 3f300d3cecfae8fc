using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>Schema <c>grouprl-loss/1</c>: losses over lines of JSON, in both directions.</summary>
internal static class LossProtocol
{
    /// <summary>The schema's name.</summary>
    public const string Schema = "grouprl-loss/1";

    private static readonly (string Word, LossCapabilities Capability)[] s_capabilities =
        [("accumulation", LossCapabilities.Accumulation), ("devices", LossCapabilities.Devices), ("frozen", LossCapabilities.Frozen)];

    private static readonly string[] s_bare = ["NaN", "-Infinity", "Infinity"];

    /// <summary>The line that greets a process.</summary>
    public static string Hello(string schema) => $$"""{"schema":"{{schema}}","hello":true}""";

    /// <summary>A batch as a request.</summary>
    public static string Request(long id, PaddedBatch batch, JsonObject hyperparameters) => Line(json =>
    {
        json.WriteNumber("id", id);
        json.WriteStartObject("batch");
        foreach (var column in Columns.All)
        {
            if (batch[column] is { } cells)
                WriteRows(json, column.Field(), batch, k => WriteNumber(json, cells[k]));
        }

        if (batch.FrozenLogps is { } frozen)
            WriteRows(json, "frozen_logps", batch, k => WriteNumber(json, frozen[k]));
        WriteRows(json, "mask", batch, k => json.WriteNumberValue(batch.Mask[k] ? 1 : 0));
        if (batch.Tokens is { } tokens)
            WriteRows(json, "tokens", batch, k => json.WriteNumberValue(tokens[k]));
        WriteRewards(json, batch);
        WriteArray(json, "groups", batch.Groups);
        if (batch.GreedyRewards is { } greedy)
        {
            json.WriteStartArray("greedy_rewards");
            foreach (double reward in greedy)
                WriteNumber(json, reward);
            json.WriteEndArray();
        }

        if (!batch.Accumulation.IsEmpty)
            WriteArray(json, "accumulation", batch.Accumulation);
        if (!batch.Devices.IsEmpty)
            WriteArray(json, "devices", batch.Devices);
        json.WriteEndObject();
        json.WritePropertyName("hyperparameters");
        hyperparameters.WriteTo(json);
    });

    /// <summary>The batch of a request, for whoever serves one.</summary>
    public static PaddedBatch ReadBatch(JsonElement element)
    {
        var fields = new Fields(element, "batch");
        var mask = Rows(fields, "mask") ?? throw InvalidInputException.Because($"batch needs the field \"mask\", an array of rows.");
        int rows = mask.Length, width = rows == 0 ? 0 : mask[0].Length;
        double[] groups = Numbers(fields, "groups", rows) ?? throw InvalidInputException.Because($"batch needs the field \"groups\", a label a row.");
        var batch = new PaddedBatch
        {
            Width = width,
            Mask = [.. Flat("mask", mask).Select(bit => bit == 1)],
            Tokens = Rows(fields, "tokens") is { } tokens ? [.. Flat("tokens", tokens).Select(id => double.IsFinite(id) ? (int)id : 0)] : null,
            Rewards = [.. fields.Items("rewards").Select((reward, k) => Rewards(reward, $"batch.rewards[{k}]"))],
            Groups = [.. groups.Select(label => (int)label)],
            GreedyRewards = Numbers(fields, "greedy_rewards", rows),
            FrozenLogps = Rows(fields, "frozen_logps") is { } frozen ? Flat("frozen_logps", frozen) : null,
            Accumulation = [.. (Numbers(fields, "accumulation", null) ?? []).Select(count => (int)count)],
            Devices = [.. (Numbers(fields, "devices", null) ?? []).Select(count => (int)count)],
        };
        if (batch.Rewards.Length != rows)
            throw InvalidInputException.Because($"batch.rewards must have {rows} entries, one a row of mask; got {batch.Rewards.Length}.");
        foreach (var column in Columns.All)
        {
            if (Rows(fields, column.Field()) is { } cells)
                batch = batch.With(column, Flat(column.Field(), cells));
        }

        if (batch[Column.Logp] is null || batch[Column.OldLogp] is null)
            throw InvalidInputException.Because($"batch needs the fields \"logps\" and \"old_logps\".");
        fields.End();
        return batch;

        double[] Flat(string field, double[][] cells)
        {
            if (cells.Length != rows || cells.Any(row => row.Length != width))
                throw InvalidInputException.Because($"batch.{field} must have the shape of mask, {rows} rows of {width}.");
            return [.. cells.SelectMany(row => row)];
        }
    }

    /// <summary>What a process says of itself.</summary>
    public static LossSignature ReadHello(JsonElement element, string fallbackName)
    {
        var fields = new Fields(element, "", "the answer to hello");
        string name = fields.Text("name", fallbackName);
        string? design = fields.Find("catalogue") is { } id ? Fields.AsText(id, "catalogue") : null;
        return new(name)
        {
            Maximise = fields.Find("maximise") is { } flag && (flag.ValueKind is JsonValueKind.True or JsonValueKind.False ? flag.GetBoolean() : throw InvalidInputException.Because($"maximise must be true or false; got {flag.GetRawText()}.")),
            Capabilities = Words(fields, "capabilities").Aggregate(LossCapabilities.None, (all, word) => all | Capability(word)),
            Promises = fields.Find("promises") is null ? null : PromiseWords.Read(Words(fields, "promises"), "promises").Promises,
            Clip = fields.Find("promises") is null ? null : PromiseWords.Read(Words(fields, "promises"), "promises").Clip,
            Design = design is null ? null : Catalogue.Find(design)?.Objective ?? throw InvalidInputException.Because($"catalogue names the unknown objective \"{design}\"; known are {Nearest.List(design, Catalogue.All.Select(entry => entry.Id))}."),
            Reads = [.. Words(fields, "reads").Select(word => Columns.All.Where(column => column.Field() == word).Cast<Column?>().FirstOrDefault() ?? throw InvalidInputException.Because($"reads names the unknown column \"{word}\"; known are {Nearest.List(word, Columns.All.Select(Columns.Field))}."))],
            Rewards = (int)fields.Number("rewards", 1),
            GreedyRewards = fields.Find("greedy_rewards") is { ValueKind: JsonValueKind.True },
        };
    }

    /// <summary>What a loss says of itself, as a process would.</summary>
    public static JsonObject WriteHello(LossSignature signature, string? catalogue)
    {
        var hello = new JsonObject
        {
            ["name"] = signature.Name,
            ["maximise"] = signature.Maximise,
            ["capabilities"] = new JsonArray([.. s_capabilities.Where(known => signature.Capabilities.HasFlag(known.Capability)).Select(known => (JsonNode?)known.Word)]),
        };
        if (signature.Promises is { } promises)
            hello["promises"] = new JsonArray([.. PromiseWords.Write(promises, signature.Clip).Select(word => (JsonNode?)word)]);
        if (catalogue is not null)
            hello["catalogue"] = catalogue;
        if (!signature.Reads.IsEmpty)
            hello["reads"] = new JsonArray([.. signature.Reads.Select(column => (JsonNode?)column.Field())]);
        if (signature.Rewards != 1)
            hello["rewards"] = signature.Rewards;
        if (signature.GreedyRewards)
            hello["greedy_rewards"] = true;
        return hello;
    }

    /// <summary>An answer's loss and gradient.</summary>
    /// <exception cref="InvalidInputException">It is none; or the loss refuses the batch, and says why.</exception>
    public static LossAnswer ReadAnswer(JsonElement element, PaddedBatch batch)
    {
        var fields = new Fields(element, "", "the answer");
        fields.Find("id");
        double loss = Number(fields.Find("loss") ?? throw InvalidInputException.Because($"the answer needs the field \"loss\", a number."), "loss");
        double[][] gradient = Rows(fields, "grad") ?? throw InvalidInputException.Because($"the answer needs the field \"grad\", an array of {batch.Rows} rows.");
        if (gradient.Length != batch.Rows || gradient.Any(row => row.Length != batch.Width))
        {
            string shape = gradient.Select(row => row.Length).Distinct().ToArray() is [var one] ? FormattableString.Invariant($"{gradient.Length} rows of {one}") : FormattableString.Invariant($"{gradient.Length} rows of different lengths");
            throw InvalidInputException.Because($"grad must have the shape of logps, {batch.Rows} rows of {batch.Width}; got {shape}.");
        }

        return new(loss, [.. gradient.SelectMany(row => row)]);
    }

    /// <summary>An answer.</summary>
    public static string Answer(JsonNode? id, LossAnswer answer, int width) => Line(json =>
    {
        WriteId(json, id);
        json.WritePropertyName("loss");
        WriteNumber(json, answer.Loss);
        json.WriteStartArray("grad");
        for (int start = 0; start < answer.Gradient.Length; start += width)
        {
            json.WriteStartArray();
            for (int k = start; k < start + width; k++)
                WriteNumber(json, answer.Gradient[k]);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    });

    /// <summary>An object as one line.</summary>
    public static string Line(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new() { SkipValidation = true }))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>The id of a request, whatever it was, in its answer.</summary>
    public static void WriteId(Utf8JsonWriter json, JsonNode? id)
    {
        json.WritePropertyName("id");
        if (id is null)
            json.WriteNullValue();
        else
            id.WriteTo(json);
    }

    /// <summary>Parses a line in which NaN and Infinity may stand bare, as Python prints them.</summary>
    /// <exception cref="InvalidInputException">It is not JSON.</exception>
    public static JsonDocument Parse(string line, string what) => StrictJson.Parse(
        line.Contains("NaN", StringComparison.Ordinal) || line.Contains("Infinity", StringComparison.Ordinal) ? Quoted(line) : line, what, 1);

    /// <summary>A number that may be written as the text NaN, Infinity or -Infinity.</summary>
    public static double Number(JsonElement value, string place) => value.ValueKind switch
    {
        JsonValueKind.Number => double.Parse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture),
        JsonValueKind.String when value.GetString() is "NaN" => double.NaN,
        JsonValueKind.String when value.GetString() is "Infinity" => double.PositiveInfinity,
        JsonValueKind.String when value.GetString() is "-Infinity" => double.NegativeInfinity,
        _ => throw InvalidInputException.Because($"{place} must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"; got {LineProcess.Quote(value.GetRawText())}."),
    };

    /// <summary>Writes a number so.</summary>
    public static void WriteNumber(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumberValue(value);
        else
            json.WriteStringValue(double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    }

    private static string Quoted(string line)
    {
        var text = new StringBuilder(line.Length + 16);
        bool inside = false;
        for (int k = 0; k < line.Length; k++)
        {
            if (line[k] == '"' || (inside && line[k] == '\\'))
            {
                inside = line[k] == '"' ? !inside : inside;
                text.Append(line[k]);
                if (line[k] == '\\' && k + 1 < line.Length)
                    text.Append(line[++k]);
                continue;
            }

            string? word = inside ? null : s_bare.FirstOrDefault(word => string.CompareOrdinal(line, k, word, 0, word.Length) == 0);
            text.Append(word is null ? line[k] : $"\"{word}\"");
            k += word is null ? 0 : word.Length - 1;
        }

        return text.ToString();
    }

    private static LossCapabilities Capability(string word) => s_capabilities.FirstOrDefault(known => known.Word == word) is { Word: not null } known
        ? known.Capability
        : throw InvalidInputException.Because($"capabilities has the unknown word \"{word}\"; known are {Nearest.List(word, s_capabilities.Select(capability => capability.Word))}.");

    private static string[] Words(Fields fields, string field) =>
        fields.Find(field) is { } words ? [.. Fields.AsItems(words, field).Select((word, k) => Fields.AsText(word, $"{field}[{k}]"))] : [];

    private static double[][]? Rows(Fields fields, string field) => fields.Find(field) is { } rows
        ? [.. Fields.AsItems(rows, fields.At(field)).Select((row, i) => Fields.AsItems(row, $"{fields.At(field)}[{i}]").Select((value, t) => Number(value, $"{fields.At(field)}[{i}][{t}]")).ToArray())]
        : null;

    private static double[]? Numbers(Fields fields, string field, int? count)
    {
        if (fields.Find(field) is not { } items)
            return null;
        double[] numbers = [.. Fields.AsItems(items, fields.At(field)).Select((value, k) => Number(value, $"{fields.At(field)}[{k}]"))];
        return count is null || numbers.Length == count ? numbers : throw InvalidInputException.Because($"{fields.At(field)} must have {count} entries, one a row of mask; got {numbers.Length}.");
    }

    private static double?[] Rewards(JsonElement value, string place) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(reward => reward.ValueKind == JsonValueKind.Null ? (double?)null : Number(reward, place))]
        : [value.ValueKind == JsonValueKind.Null ? null : Number(value, place)];

    private static void WriteRows(Utf8JsonWriter json, string field, PaddedBatch batch, Action<int> write)
    {
        json.WriteStartArray(field);
        for (int row = 0; row < batch.Rows; row++)
        {
            json.WriteStartArray();
            for (int t = 0; t < batch.Width; t++)
                write((row * batch.Width) + t);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteRewards(Utf8JsonWriter json, PaddedBatch batch)
    {
        json.WriteStartArray("rewards");
        foreach (double?[] own in batch.Rewards)
        {
            if (own.Length != 1)
                json.WriteStartArray();
            foreach (double? reward in own)
            {
                if (reward is { } known)
                    WriteNumber(json, known);
                else
                    json.WriteNullValue();
            }

            if (own.Length != 1)
                json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteArray(Utf8JsonWriter json, string field, IEnumerable<int> values)
    {
        json.WriteStartArray(field);
        foreach (int value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
