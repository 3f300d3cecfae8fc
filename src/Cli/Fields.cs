using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// The fields of a JSON object, read one by one; what was never asked for is refused at the end, so that no field is ignored.
/// </summary>
internal sealed class Fields
{
    private readonly JsonElement _element;
    private readonly string _root;
    private readonly List<string> _known = [];

    public Fields(JsonElement element, string place, string root = "the proposal")
    {
        (Place, _root) = (place, root);
        _element = element.ValueKind == JsonValueKind.Object ? element : throw Wrong(Owner, "an object", element);
    }

    /// <summary>Where the object stands in its file.</summary>
    public string Place { get; }

    /// <summary>A field's value, or null where it is absent.</summary>
    public JsonElement? Find(string field)
    {
        _known.Add(field);
        return _element.TryGetProperty(field, out var value) ? value : null;
    }

    private string Owner => Place.Length == 0 ? _root : Place;

    /// <summary>Where a field stands.</summary>
    public string At(string field) => Place.Length == 0 ? field : $"{Place}.{field}";

    /// <summary>A required number, or the text that <see cref="Report.ToJson(double)"/> writes for one that JSON has no form for.</summary>
    public double AnyNumber(string field) => Find(field) is not { } value ? throw Lacks(field, "a number")
        : value.ValueKind == JsonValueKind.String && double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double special) && !double.IsFinite(special) ? special
        : AsNumber(value, At(field));

    /// <summary>A finite number; without a fallback it is required.</summary>
    public double Number(string field, double? fallback = null) => Find(field) is { } value
        ? AsNumber(value, At(field))
        : fallback ?? throw Lacks(field, "a number");

    /// <summary>A required whole number of at least 0.</summary>
    public int Whole(string field) => Find(field) is { } value
        ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 0 ? number : throw Wrong(At(field), "a whole number of at least 0", value)
        : throw Lacks(field, "a whole number");

    /// <summary>A text; without a fallback it is required.</summary>
    public string Text(string field, string? fallback = null) => Find(field) is { } value
        ? AsText(value, At(field))
        : fallback ?? throw Lacks(field, "a text");

    /// <summary>A text that may hold any characters; without a fallback it is required.</summary>
    public string AnyText(string field, string? fallback = null) => Find(field) is { } value
        ? value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(At(field), "a text", value)
        : fallback ?? throw Lacks(field, "a text");

    /// <summary>One of several words; the first is the default.</summary>
    public T Choice<T>(string field, params ReadOnlySpan<(string Word, T Value)> choices)
    {
        string given = Text(field, choices[0].Word);
        foreach (var (word, value) in choices)
        {
            if (word == given)
                return value;
        }

        throw InvalidInputException.Because(
            $"{At(field)} must be one of {Nearest.List(given, choices.ToArray().Select(choice => choice.Word))}; got \"{given}\".");
    }

    /// <summary>A required true or false.</summary>
    public bool Flag(string field) => Find(field) switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Wrong(At(field), "true or false", value),
        null => throw Lacks(field, "true or false"),
    };

    /// <summary>The names of all fields, of an object whose names are not known.</summary>
    public IEnumerable<string> Names => _element.EnumerateObject().Select(property => property.Name);

    /// <summary>An array of numbers.</summary>
    public ImmutableArray<double> Numbers(string field) => [.. Items(field).Select((value, k) => AsNumber(value, $"{At(field)}[{k}]"))];

    /// <summary>The items of a required array.</summary>
    public IEnumerable<JsonElement> Items(string field) => AsItems(Find(field) ?? throw Lacks(field, "an array"), At(field));

    /// <summary>Refuses whatever was not asked for.</summary>
    public void End()
    {
        foreach (var property in _element.EnumerateObject())
        {
            if (!_known.Contains(property.Name))
            {
                throw InvalidInputException.Because(
                    $"{Owner} has the unknown field \"{property.Name}\"; known are {Nearest.List(property.Name, _known.Distinct())}.");
            }
        }
    }

    /// <summary>The text of a value.</summary>
    public static string AsText(JsonElement value, string place) => value.ValueKind != JsonValueKind.String
        ? throw Wrong(place, "a text", value)
        : value.GetString()!.Any(char.IsControl)
            ? throw Wrong(place, "a text of one line without control characters", value)
            : value.GetString()!;

    /// <summary>The items of an array.</summary>
    public static IEnumerable<JsonElement> AsItems(JsonElement value, string place) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw Wrong(place, "an array", value);

    /// <summary>A finite number.</summary>
    public static double AsNumber(JsonElement value, string place) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
            : throw Wrong(place, "a finite number", value);

    private static InvalidInputException Wrong(string place, string description, JsonElement value)
    {
        string shown = value.GetRawText();
        return InvalidInputException.Because(
            $"{place} must be {description}; got {(shown.Length <= 40 ? shown : $"{shown[..40]}…")}.");
    }

    private InvalidInputException Lacks(string field, string description) =>
        InvalidInputException.Because($"{Owner} needs the field \"{field}\", {description}.");
}
