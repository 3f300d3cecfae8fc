using System.Text.Json;

namespace GroupRL.Objectives;

/// <summary>JSON as this project reads it: no repeated fields, no half characters, and one sentence for whatever is wrong.</summary>
public static class StrictJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Parses a document, or one line of a file of lines.</summary>
    /// <param name="text">The text.</param>
    /// <param name="what">What the text is, as a sentence begins: "The batch".</param>
    /// <param name="line">The line's number in its file; null where the text is a whole file.</param>
    /// <exception cref="InvalidInputException">The text is not JSON.</exception>
    public static JsonDocument Parse(string text, string what, int? line = null)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw new InvalidInputException($"{what} is not valid JSON: it is empty.");
        try
        {
            return JsonDocument.Parse(text, Strict);
        }
        catch (JsonException error)
        {
            throw new InvalidInputException($"{what} is not valid JSON{Place(line ?? error.LineNumber + 1, error.BytePositionInLine + 1)}: {Cause(error)}", error);
        }
    }

    /// <summary>
    /// Runs <paramref name="read"/>, which reads parsed JSON. The library finds half of a surrogate pair only when a text is asked for.
    /// </summary>
    /// <exception cref="InvalidInputException">The text holds half of a surrogate pair, or breaks another rule.</exception>
    public static T Read<T>(string what, Func<T> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        try
        {
            return read();
        }
        catch (Exception error) when (error is InvalidOperationException or (ArgumentException and not InvalidInputException))
        {
            throw new InvalidInputException($"{what} is not valid JSON: it contains half of a UTF-16 surrogate pair.", error);
        }
    }

    // A repeated field is reported without a place.
    private static string Place(long? line, long? column) => (line, column) switch
    {
        (null, _) => "",
        (_, null) => FormattableString.Invariant($" at line {line}"),
        _ => FormattableString.Invariant($" at line {line}, byte {column}"),
    };

    // The library repeats line and byte, counted from zero, after its own sentence, and gives advice to programmers.
    private static string Cause(JsonException error) =>
        error.Message.Split(" LineNumber:")[0].Split(" Path:")[0].Split(" Change the reader options")[0].Trim();
}
