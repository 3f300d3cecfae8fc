using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>The numbers in an objective's parts by name: the path of a field as a proposal spells it, or what of it lies within its part, where that tells it from the others.</summary>
internal static class Hyperparameters
{
    /// <summary>Every number of an objective under its shortest name.</summary>
    public static ImmutableArray<(string Name, string Path, double Value)> Of(SurrogateObjective objective)
    {
        var leaves = Leaves(Composition.Write(objective, whole: true), "").ToArray();
        return [.. leaves.Select(leaf => (Shortest(leaf.Path, leaves.Select(other => other.Path)), leaf.Path, leaf.Value))];
    }

    /// <summary>The same as an object.</summary>
    public static JsonObject ToJson(SurrogateObjective objective) => new(Of(objective).Select(parameter => KeyValuePair.Create(parameter.Name, (JsonNode?)parameter.Value)));

    /// <summary>An objective with other numbers.</summary>
    public static SurrogateObjective Apply(SurrogateObjective objective, JsonElement parameters, string place)
    {
        if (parameters.ValueKind != JsonValueKind.Object)
            throw InvalidInputException.Because($"{place} must be an object of names and numbers; got {parameters.GetRawText()}.");
        if (!parameters.EnumerateObject().Any())
            return objective;
        var whole = Composition.Write(objective, whole: true);
        string[] paths = [.. Leaves(whole, "").Select(leaf => leaf.Path)];
        foreach (var parameter in parameters.EnumerateObject())
        {
            double value = Fields.AsNumber(parameter.Value, $"{place}.{parameter.Name}");
            Set(whole, Resolve(parameter.Name, paths, place), value);
        }

        using var document = JsonDocument.Parse(whole.ToJsonString());
        return Composition.Read(new(document.RootElement, "", place), objective);
    }

    private static string Resolve(string name, string[] paths, string place) => paths.Where(path => EndsWith(path, name)).ToArray() switch
    {
        [var only] => only,
        [] => throw InvalidInputException.Because($"{place} has the unknown name \"{name}\"; known are {Nearest.List(name, paths.Select(path => Shortest(path, paths)))}."),
        var several => several.Contains(name) ? name : throw InvalidInputException.Because($"{place} has the name \"{name}\", which may be {string.Join(" or ", several)}."),
    };

    // The part that it stands in, and which of several, is left out where nothing is lost by that: clip.low, epsilon, beta.
    private static string Shortest(string path, IEnumerable<string> all)
    {
        string inner = Within(path);
        return all.Count(other => Within(other) == inner) == 1 ? inner : path;

        static string Within(string path) => string.Join('.', path.Split('.').Skip(1).SkipWhile(step => step.All(char.IsAsciiDigit)));
    }

    private static bool EndsWith(string path, string name) => path == name || path.EndsWith($".{name}", StringComparison.Ordinal);

    // A path's steps are fields and, in arrays, places.
    private static IEnumerable<(string Path, double Value)> Leaves(JsonNode? node, string path) => node switch
    {
        JsonObject fields => fields.SelectMany(field => Leaves(field.Value, path.Length == 0 ? field.Key : $"{path}.{field.Key}")),
        JsonArray items => items.SelectMany((item, k) => Leaves(item, FormattableString.Invariant($"{path}.{k}"))),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => [(path, value.GetValue<double>())],
        _ => [],
    };

    private static void Set(JsonObject whole, string path, double value)
    {
        string[] steps = path.Split('.');
        JsonNode node = whole;
        foreach (string step in steps[..^1])
            node = node is JsonArray items ? items[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)]! : node[step]!;
        if (node is JsonArray last)
            last[int.Parse(steps[^1], System.Globalization.CultureInfo.InvariantCulture)] = value;
        else
            node[steps[^1]] = value;
    }
}
