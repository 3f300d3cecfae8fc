using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace GroupRL.Properties.Golden;

/// <summary>
/// The recorded numbers of the peers: GROUPRL_GOLDEN where it is set, else the folder <c>Golden/data</c> beside the tests.
/// Every failure is one sentence that names the file and the place in it.
/// </summary>
public static class GoldenFolder
{
    private const string Variable = "GROUPRL_GOLDEN";
    private static readonly ConcurrentDictionary<string, GoldenNode> s_read = new();

    /// <summary>The folder that ships with the tests.</summary>
    public static string ShippedRoot { get; } = Path.Combine(AppContext.BaseDirectory, "Golden", "data");

    /// <summary>The folder in use.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : ShippedRoot;

    /// <summary>The content of a file of the folder in use, named with forward slashes: "optim/adam.json".</summary>
    public static GoldenNode Read(string file) => Read(Root, file);

    /// <summary>The content of a file that ships with the tests, whatever folder is in use.</summary>
    public static GoldenNode ReadShipped(string file) => Read(ShippedRoot, file);

    /// <summary>One row of strings (file, label) per run, so that each is listed; a label starts with the index.</summary>
    public static TheoryData<string, string> Runs(string file)
    {
        TheoryData<string, string> rows = [];
        int index = 0;
        foreach (GoldenNode run in Read(file)["runs"].Items)
            rows.Add(file, string.Create(CultureInfo.InvariantCulture, $"{index++:000} {Describe(run)}"));
        return index > 0 ? rows : throw new InvalidDataException($"Golden file {file} has no runs.");
    }

    /// <summary>The run of a row that <see cref="Runs"/> made.</summary>
    public static GoldenNode Run(string file, string label)
    {
        ArgumentNullException.ThrowIfNull(label);
        GoldenNode[] runs = [.. Read(file)["runs"].Items];
        string index = label.Split(' ')[0];
        return int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out int i) && i < runs.Length
            ? runs[i]
            : throw new InvalidDataException($"Golden file {file} has no run {index}: it has {runs.Length}, counted from 000.");
    }

    private static GoldenNode Read(string root, string file)
    {
        string path = Path.Combine(root, file);
        return s_read.GetOrAdd(path, _ => File.Exists(path)
            ? GoldenNode.Parse(file, File.ReadAllText(path))
            : throw new FileNotFoundException($"Golden file {file} is missing from {root} ({Variable} chooses the folder)."));
    }

    // "AdamW random20 lr=0.001 betas=[0.9,0.999]": the run's words (case, sequence, optimizer), then its settings.
    private static string Describe(GoldenNode run)
    {
        var words = run.Properties.Where(p => p.Value.Kind == JsonValueKind.String).Select(p => p.Value.Text);
        var settings = (run.Find("hyper")?.Properties ?? run.Properties.Where(p => p.Value.Kind == JsonValueKind.Number))
            .Select(p => $"{p.Key}={p.Value.Raw}");
        return string.Join(' ', words.Concat(settings));
    }
}

/// <summary>A value inside a golden file that knows where it stands, so that each complaint can say so.</summary>
/// <param name="Where">The place: "optim/adam.json.runs[3].hyper".</param>
/// <param name="Json">The value.</param>
public readonly record struct GoldenNode(string Where, JsonElement Json)
{
    /// <summary>Reads a whole text; <paramref name="where"/> names it in complaints.</summary>
    public static GoldenNode Parse(string where, string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return new(where, document.RootElement.Clone());
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"Golden file {where} is not JSON: {problem.Message}", problem);
        }
    }

    /// <summary>What kind of value it is.</summary>
    public JsonValueKind Kind => Json.ValueKind;

    /// <summary>The value as it is written in the file, without spaces and quotes.</summary>
    public string Raw => Json.GetRawText().Replace(" ", "", StringComparison.Ordinal).Trim('"');

    /// <summary>A property that must be there.</summary>
    public GoldenNode this[string name] => Find(name) ?? throw Bad($"needs a property '{name}'");

    /// <summary>A property, or null where it is absent or the value is no object.</summary>
    public GoldenNode? Find(string name) =>
        Kind == JsonValueKind.Object && Json.TryGetProperty(name, out JsonElement found) ? new($"{Where}.{name}", found) : null;

    /// <summary>The properties of an object, by name.</summary>
    public IEnumerable<KeyValuePair<string, GoldenNode>> Properties
    {
        get
        {
            string where = Where;
            return Kind == JsonValueKind.Object
                ? Json.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, new GoldenNode($"{where}.{p.Name}", p.Value)))
                : throw Bad("must be an object");
        }
    }

    /// <summary>The elements of an array.</summary>
    public IEnumerable<GoldenNode> Items
    {
        get
        {
            string where = Where;
            return Kind == JsonValueKind.Array
                ? Json.EnumerateArray().Select((item, i) => new GoldenNode($"{where}[{i}]", item))
                : throw Bad("must be an array");
        }
    }

    /// <summary>A string.</summary>
    public string Text => Kind == JsonValueKind.String ? Json.GetString()! : throw Bad("must be a string");

    /// <summary>A truth value.</summary>
    public bool Flag =>
        Kind is JsonValueKind.True or JsonValueKind.False ? Json.GetBoolean() : throw Bad("must be true or false");

    /// <summary>A number; "NaN", "Infinity" and "-Infinity" are written as strings.</summary>
    public double Number => (Kind, Kind == JsonValueKind.String ? Json.GetString() : null) switch
    {
        (JsonValueKind.Number, _) => Json.GetDouble(),
        (_, "NaN") => double.NaN,
        (_, "Infinity") => double.PositiveInfinity,
        (_, "-Infinity") => double.NegativeInfinity,
        _ => throw Bad("must be a number, \"NaN\", \"Infinity\" or \"-Infinity\""),
    };

    /// <summary>An array of numbers.</summary>
    public double[] Numbers => [.. Items.Select(item => item.Number)];

    /// <summary>An array of arrays of numbers, ragged or not.</summary>
    public double[][] Rows => [.. Items.Select(item => item.Numbers)];

    /// <summary>Every number inside, in the order of the file, however deep the arrays.</summary>
    public double[] Flat => Kind == JsonValueKind.Array ? [.. Items.SelectMany(item => item.Flat)] : [Number];

    /// <summary>A complaint about this value: "Golden file optim/adam.json.runs[3].hyper must be an object; got 1."</summary>
    public InvalidDataException Bad(string rule)
    {
        string raw = Raw;
        return new($"Golden file {Where} {rule}; got {(raw.Length > 60 ? raw[..60] + "…" : raw)}.");
    }
}

/// <summary>Comparison with recorded numbers.</summary>
public static class GoldenAssert
{
    /// <summary>
    /// Fails unless |actual − expected| ≤ relative · max|expected| + floor at every index. A difference that is NaN fails, and
    /// so do expected values that are not finite: they would make the allowance infinite.
    /// </summary>
    public static void Close(
        string what, ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double relative, double floor = 0)
    {
        if (expected.Length != actual.Length)
            Fail($"{what}: expected {expected.Length} numbers, got {actual.Length}.");

        double largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (!double.IsFinite(expected[i]))
                Fail($"{what}[{i}]: the expected value must be finite; it is {expected[i]:R}, got {actual[i]:R}.");
            largest = Math.Max(largest, Math.Abs(expected[i]));
        }

        double allowed = (relative * largest) + floor;
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(actual[i] - expected[i]);
            if (!(error <= allowed))
                Fail($"{what}[{i}]: expected {expected[i]:R}, got {actual[i]:R}; off by {error:R}, allowed {allowed:R}.");
        }
    }

    private static void Fail(FormattableString sentence) => Assert.Fail(sentence.ToString(CultureInfo.InvariantCulture));
}
