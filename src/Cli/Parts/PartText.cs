using System.Text.Json.Nodes;

namespace GroupRL.Cli;

/// <summary>A part as a line of text: its name, and in brackets what departs from the defaults.</summary>
internal static class PartText
{
    /// <summary>The text of a part that <see cref="Composition"/> wrote; null: none.</summary>
    public static string Of(JsonNode? part) => part switch
    {
        null => "none",
        JsonArray steps => string.Join(", then ", steps.Select(Of)),
        JsonObject fields when fields.Count > (fields.ContainsKey("name") ? 1 : 0) =>
            $"{(string?)fields["name"]} ({string.Join(", ", fields.Where(field => field.Key != "name").Select(field => $"{field.Key} {Value(field.Value)}"))})".TrimStart(),
        JsonObject fields => (string)fields["name"]!,
        _ => part.ToString(),
    };

    private static string Value(JsonNode? value) => value is JsonObject or JsonArray ? Of(value) : value!.ToString();
}
