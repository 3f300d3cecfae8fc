using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// The fields of a part, read from JSON, written to it, or listed: one description of a part serves all three. Reading, each call takes its
/// field; writing, each call takes the value from the part and puts it down unless it is the default; listing, each call notes its words.
/// </summary>
/// <typeparam name="TPart">The part.</typeparam>
internal sealed class PartFields<TPart>
    where TPart : class
{
    private readonly Fields? _source;
    private readonly TPart? _part;
    private readonly bool _whole;

    /// <summary>Reads from <paramref name="source"/>.</summary>
    public PartFields(Fields source) => _source = source;

    /// <summary>Writes <paramref name="part"/> into <see cref="Written"/>, defaults too where it is to be written whole.</summary>
    public PartFields(TPart part, bool whole) => (_part, _whole) = (part, whole);

    /// <summary>Lists.</summary>
    public PartFields()
    {
    }

    /// <summary>What was written.</summary>
    public JsonObject Written { get; } = [];

    /// <summary>What was listed: a field, what it may hold, and whether it is required.</summary>
    public List<FieldText> Listed { get; } = [];

    /// <summary>Whether the fields are being listed.</summary>
    public bool Lists => _source is null && _part is null;

    /// <summary>A finite number; without a fallback it is required.</summary>
    public double Number(string field, Func<TPart, double> of, double? fallback = null)
    {
        if (_source is not null)
            return _source.Number(field, fallback);
        if (Lists)
            return List(field, fallback ?? AnyNumber, fallback is { } value0 ? $"**{(double.IsFinite(value0) ? value0.ToString("R", CultureInfo.InvariantCulture) : "none")}**" : "a number", fallback is null);
        double value = of(_part!);
        return Put(field, value, value != fallback || (_whole && double.IsFinite(value)) ? JsonValue.Create(value) : null);
    }

    /// <summary>A whole number; without a fallback it is required.</summary>
    public int Whole(string field, Func<TPart, int> of, int? fallback = null)
    {
        if (Lists)
            return List(field, fallback ?? 1, fallback is { } known ? FormattableString.Invariant($"**{known}**") : "a whole number", fallback is null);
        double value = Number(field, part => of(part), fallback);
        return value == Math.Floor(value) && Math.Abs(value) <= int.MaxValue
            ? (int)value
            : throw InvalidInputException.Because($"{_source!.At(field)} must be a whole number; got {value}.");
    }

    /// <summary>True or false; false is the default.</summary>
    public bool Flag(string field, Func<TPart, bool> of) => Choice(field, of, ("no", false), ("yes", true));

    /// <summary>One of several words; the first is the default.</summary>
    public T Choice<T>(string field, Func<TPart, T> of, params ReadOnlySpan<(string Word, T Value)> choices)
    {
        if (_source is not null)
            return _source.Choice(field, choices);
        if (Lists)
            return List(field, choices[0].Value, string.Join(", ", choices.ToArray().Select((choice, k) => k == 0 ? $"**{choice.Word}**" : choice.Word)), required: false);
        var value = of(_part!);
        for (int k = 0; k < choices.Length; k++)
        {
            if (EqualityComparer<T>.Default.Equals(choices[k].Value, value))
                return Put(field, value, k > 0 || _whole ? JsonValue.Create(choices[k].Word) : null);
        }

        throw new InvalidOperationException($"{field} has no word for {value}.");
    }

    /// <summary>Numbers; empty where left out.</summary>
    public ImmutableArray<double> Numbers(string field, Func<TPart, ImmutableArray<double>> of)
    {
        if (Lists)
            return List<ImmutableArray<double>>(field, [], "numbers", required: false);
        if (_source is null)
            return Put(field, of(_part!), of(_part!) is { Length: > 0 } values ? new JsonArray([.. values.Select(value => (JsonNode?)value)]) : null);
        if (_source.Find(field) is null)
            return [];
        var given = _source.Numbers(field);
        return given.Length > 0 ? given : throw InvalidInputException.Because($"{_source.At(field)} must have at least 1 number, or be left out.");
    }

    /// <summary>A part within this one; without a fallback it is required.</summary>
    public TInner Part<TInner>(string field, Func<TPart, TInner> of, PartList<TInner> known, TInner? fallback = null)
        where TInner : class
    {
        if (Lists)
            return List(field, fallback ?? known.Any, fallback is null ? $"{known.Article} {known.Kind}" : $"**{PartText.Of(known.Write(fallback))}**, or another {known.Kind}", fallback is null);
        if (_source is null)
            return Put(field, of(_part!), of(_part!).Equals(fallback) && !_whole ? null : known.Write(of(_part!), _whole));
        return _source.Find(field) is { } inner
            ? known.Read(inner, _source.At(field))
            : fallback ?? throw InvalidInputException.Because($"{_source.Place} needs the field \"{field}\", {known.Article} {known.Kind}.");
    }

    /// <summary>A part within this one, or null where it is left out.</summary>
    public TInner? Optional<TInner>(string field, Func<TPart, TInner?> of, PartList<TInner> known, string without = "the objective's own")
        where TInner : class
    {
        if (Lists)
            return List<TInner?>(field, null, $"**{without}**, or {known.Article} {known.Kind}", required: false);
        if (_source is null)
            return Put(field, of(_part!), of(_part!) is { } written ? known.Write(written, _whole) : null);
        return _source.Find(field) is { } inner ? known.Read(inner, _source.At(field)) : null;
    }

    /// <summary>An object without a name within this part, or null where it is left out.</summary>
    public TInner? Inner<TInner>(string field, Func<TPart, TInner?> of, Func<PartFields<TInner>, TInner> form, bool required = false)
        where TInner : class
    {
        if (_source is not null)
        {
            if (_source.Find(field) is not { } inner)
                return required ? throw InvalidInputException.Because($"{_source.Place} needs the field \"{field}\", an object.") : null;
            var given = new Fields(inner, _source.At(field));
            var made = form(new(given));
            given.End();
            return made;
        }

        if (Lists)
        {
            var listed = new PartFields<TInner>();
            return List(field, form(listed), $"{{ {string.Join(", ", listed.Listed)} }}", required);
        }

        if (of(_part!) is not { } own)
            return null;
        var fields = new PartFields<TInner>(own, _whole);
        return Put(field, form(fields), fields.Written);
    }

    /// <summary>Refuses a field that another one excludes.</summary>
    public void Excludes(string given, string other)
    {
        if (_source?.Find(other) is not null)
            throw InvalidInputException.Because($"{_source.Place} has both \"{given}\" and \"{other}\", which exclude each other.");
    }

    /// <summary>Several parts, at least 1.</summary>
    public ImmutableArray<TInner> Parts<TInner>(string field, Func<TPart, ImmutableArray<TInner>> of, PartList<TInner> known)
        where TInner : class
    {
        if (Lists)
            return List<ImmutableArray<TInner>>(field, [known.Any], $"{known.Kind}s", required: true);
        if (_source is null)
            return Put(field, of(_part!), new JsonArray([.. of(_part!).Select(part => known.Write(part, _whole))]));
        return [.. _source.Items(field).Select((inner, k) => known.Read(inner, $"{_source.At(field)}[{k}]"))];
    }

    // What a required number is while the fields are listed: any will do that is a share and in the order of the fields, as low and high are.
    private double AnyNumber => (Listed.Count + 1) / 4.0;

    private T List<T>(string field, T value, string words, bool required)
    {
        Listed.Add(new(field, words, required));
        return value;
    }

    private T Put<T>(string field, T value, JsonNode? written)
    {
        if (written is not null)
            Written[field] = written;
        return value;
    }
}

/// <summary>A field of a part in words.</summary>
/// <param name="Field">Its name.</param>
/// <param name="Words">What it may hold; the default is set in bold.</param>
/// <param name="Required">Whether it has no default.</param>
internal sealed record FieldText(string Field, string Words, bool Required)
{
    /// <inheritdoc/>
    public override string ToString() => $"`{Field}`{(Required ? "!" : "")}: {Words}";
}

/// <summary>One kind of part: its names, and how each is read and written.</summary>
/// <typeparam name="TKind">The kind: an advantage, a kernel, …</typeparam>
internal sealed class PartList<TKind>(string kind)
    where TKind : class
{
    private readonly List<(string Name, Func<Fields, TKind> Read, Func<TKind, bool, JsonNode?> Write, Func<(TKind Any, List<FieldText> Fields)> List)> _forms = [];

    /// <summary>What the parts are, in a word.</summary>
    public string Kind { get; } = kind;

    /// <summary>The word's article.</summary>
    public string Article => "aeiou".Contains(Kind[0], StringComparison.Ordinal) ? "an" : "a";

    /// <summary>The names.</summary>
    public IEnumerable<string> Names => _forms.Select(form => form.Name);

    /// <summary>Some part of this kind: the first.</summary>
    public TKind Any => _forms[0].List().Any;

    /// <summary>Every part with its fields.</summary>
    public IEnumerable<(string Name, List<FieldText> Fields)> Listed => _forms.Select(form => (form.Name, form.List().Fields));

    /// <summary>Adds a part: <paramref name="form"/> makes it of its fields, in both directions.</summary>
    public PartList<TKind> With<TPart>(string name, Func<PartFields<TPart>, TPart> form)
        where TPart : class, TKind
    {
        _forms.Add((name, fields => form(new(fields)), Written, Listed));
        return this;

        JsonNode? Written(TKind part, bool whole)
        {
            if (part is not TPart own)
                return null;
            var fields = new PartFields<TPart>(own, whole);
            // A form that drops a parameter would describe another part.
            if (!form(fields).Equals(own))
                return null;
            return fields.Written.Count == 0 ? JsonValue.Create(name) : new JsonObject([new("name", name), .. fields.Written.ToArray().Select(Detached)]);
        }

        (TKind Any, List<FieldText> Fields) Listed()
        {
            var fields = new PartFields<TPart>();
            return (form(fields), fields.Listed);
        }

        static KeyValuePair<string, JsonNode?> Detached(KeyValuePair<string, JsonNode?> field) => new(field.Key, field.Value?.DeepClone());
    }

    /// <summary>Reads a part; one without parameters may be its name alone.</summary>
    public TKind Read(JsonElement part, string place)
    {
        using var bare = part.ValueKind == JsonValueKind.String ? JsonDocument.Parse($$"""{"name":{{part.GetRawText()}}}""") : null;
        var fields = new Fields(bare?.RootElement ?? part, place);
        string name = fields.Text("name");
        var (_, read, _, _) = _forms.FirstOrDefault(form => form.Name == name);
        if (read is null)
            throw InvalidInputException.Because($"{place} names the unknown {Kind} \"{name}\"; known are {Nearest.List(name, Names)}.");
        try
        {
            var made = read(fields);
            fields.End();
            return made;
        }
        catch (InvalidInputException error) when (!error.Message.StartsWith(place, StringComparison.Ordinal))
        {
            throw new InvalidInputException($"{place}: {error.Message}", error);
        }
    }

    /// <summary>A part as a proposal would write it; whole: its defaults, too.</summary>
    public JsonNode Write(TKind part, bool whole = false) => _forms.Select(form => form.Write(part, whole)).FirstOrDefault(written => written is not null)
        ?? (part.GetType().Assembly == typeof(TKind).Assembly ? throw new InvalidOperationException($"The {Kind} {part} has no name in proposals.") : ForeignCode.Describe(part));
}
