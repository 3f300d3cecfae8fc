using System.Buffers;
using System.Text.Json;

namespace GroupRL.Objectives;

/// <summary>A JSON document read one element at a time of an array in its root, of which it never holds more than one.</summary>
/// <param name="window">The document.</param>
/// <param name="field">The field of the root that holds the array.</param>
/// <param name="what">What the document is, as a sentence begins.</param>
internal sealed class ElementStream(Utf8Window window, string field, string what)
{
    private readonly ArrayBufferWriter<byte> _frame = new();
    private JsonReaderState _state;
    private bool _entered;
    private bool _inside;

    /// <summary>
    /// The document without the elements: up to the array before the last of them was read, all of it after that. That it has no such array, or another
    /// thing in its place, shows here.
    /// </summary>
    public JsonDocument Frame() => StrictJson.Parse(_inside ? (byte[])[.. _frame.WrittenSpan, .. "]}"u8] : _frame.WrittenMemory, what);

    /// <summary>The next element, valid until the one after it is asked for; null after the last, when the document has ended.</summary>
    /// <exception cref="InvalidInputException">The document is not JSON.</exception>
    public JsonDocument? Next()
    {
        try
        {
            while (_inside || Enters())
            {
                if (Element() is { } json)
                    return StrictJson.Parse(json, what);
            }

            return null;
        }
        catch (JsonException error)
        {
            throw StrictJson.Refused(error, what);
        }
    }

    // Reads what stands around the array, token by token, as far as its beginning or the document's end.
    private bool Enters()
    {
        for (bool named = false; ;)
        {
            var reader = new Utf8JsonReader(window.Bytes.Span, window.AtEnd, _state);
            bool read = reader.Read();
            // What is there twice is found in the frame.
            bool enters = read && named && reader is { TokenType: JsonTokenType.StartArray, CurrentDepth: 1 };
            named = read && !_entered && reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && reader.ValueTextEquals(field);
            Take(reader, framed: true);
            if (enters)
                return _entered = _inside = true;
            if (read)
                continue;
            if (window.AtEnd)
                return false;
            window.Fill();
        }
    }

    // The bytes of an element; null where the array ends instead.
    private ReadOnlyMemory<byte>? Element()
    {
        while (true)
        {
            var bytes = window.Bytes;
            var reader = new Utf8JsonReader(bytes.Span, window.AtEnd, _state);
            if (reader.Read())
            {
                int start = (int)reader.TokenStartIndex;
                if (reader.TokenType == JsonTokenType.EndArray)
                {
                    Take(reader, framed: true);
                    _inside = false;
                    return null;
                }

                if (reader.TrySkip())
                {
                    Take(reader, framed: false);
                    return bytes[start..(int)reader.BytesConsumed];
                }
            }

            window.Fill();
        }
    }

    private void Take(in Utf8JsonReader reader, bool framed)
    {
        int count = (int)reader.BytesConsumed;
        if (framed)
            _frame.Write(window.Bytes.Span[..count]);
        window.Take(count);
        _state = reader.CurrentState;
    }
}
