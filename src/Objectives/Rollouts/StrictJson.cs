using System.Buffers;
using System.Text.Json;

namespace GroupRL.Objectives;

/// <summary>JSON as this project reads it: no repeated fields, no half characters, and one sentence for whatever is wrong.</summary>
public static class StrictJson
{
    /// <summary>The characters that stand between lines and around values.</summary>
    internal static readonly SearchValues<byte> Blank = SearchValues.Create(" \t\r\n\v\f"u8);

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Parses a document, or one line of a file of lines.</summary>
    /// <param name="text">The text.</param>
    /// <param name="what">What the text is, as a sentence begins: "The batch".</param>
    /// <param name="line">The line's number in its file; null where the text is a whole file.</param>
    /// <exception cref="InvalidInputException">The text is not JSON.</exception>
    public static JsonDocument Parse(string text, string what, int? line = null) =>
        Parse(string.IsNullOrWhiteSpace(text), () => JsonDocument.Parse(text, Strict), what, line);

    /// <summary>The same of text in UTF-8, which must stay as it is while the document is used.</summary>
    /// <exception cref="InvalidInputException">The text is not JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> text, string what, int? line = null) =>
        Parse(!text.Span.ContainsAnyExcept(Blank), () => JsonDocument.Parse(text, Strict), what, line);

    /// <summary>The sentence for a text that is not JSON.</summary>
    public static InvalidInputException Refused(JsonException error, string what, int? line = null)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new($"{what} is not valid JSON{Place(line ?? error.LineNumber + 1, error.BytePositionInLine + 1)}: {Cause(error)}", error);
    }

    /// <summary>The sentence for a text without a character.</summary>
    public static InvalidInputException Empty(string what) => new($"{what} is not valid JSON: it is empty.");

    private static JsonDocument Parse(bool isEmpty, Func<JsonDocument> parse, string what, int? line)
    {
        if (isEmpty)
            throw Empty(what);
        try
        {
            return parse();
        }
        catch (JsonException error)
        {
            throw Refused(error, what, line);
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
