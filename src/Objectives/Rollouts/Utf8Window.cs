using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace GroupRL.Objectives;

/// <summary>
/// What has been read of a stream of UTF-8 and is not yet taken: a buffer that moves on through the stream, and grows only where what must be seen at
/// once is longer.
/// </summary>
/// <param name="stream">The stream, from its beginning; a byte-order mark is passed over.</param>
/// <param name="length">How many bytes the buffer has at first.</param>
internal sealed class Utf8Window(Stream stream, int length)
{
    private byte[] _buffer = new byte[length];

    // What is not taken, of it what is known to be whole characters, and what was taken before the buffer.
    private int _start;
    private int _known;
    private int _end;
    private long _before;

    /// <summary>Whether nothing follows <see cref="Bytes"/>.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>What is there, whole characters; valid until <see cref="Fill"/>.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(_start.._known);

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Passes over the first <paramref name="count"/> bytes.</summary>
    public void Take(int count) => _start += count;

    /// <summary>Reads on, as far as the buffer goes; one that is full grows.</summary>
    /// <exception cref="InvalidInputException">What is read is not UTF-8, or too long to be seen at once.</exception>
    public void Fill()
    {
        bool begins = _before + _known == 0;
        if (_start == 0 && _end == _buffer.Length)
        {
            if (_buffer.Length == Array.MaxLength)
                throw InvalidInputException.Because($"A group of a batch is at most {Array.MaxLength} bytes long; the one after byte {_before} is longer.");
            Array.Resize(ref _buffer, (int)Math.Min(2L * _buffer.Length, Array.MaxLength));
        }

        _buffer.AsSpan(_start.._end).CopyTo(_buffer);
        (_before, _start, _known, _end) = (_before + _start, 0, _known - _start, _end - _start);
        int asked = _buffer.Length - _end, read = stream.ReadAtLeast(_buffer.AsSpan(_end), asked, throwOnEndOfStream: false);
        _end += read;
        AtEnd = read < asked;
        Check();
        if (begins && Bytes.Span.StartsWith(ByteOrderMark))
            Take(ByteOrderMark.Length);
    }

    // A character that the end of the buffer cuts in two is left for the next time.
    private void Check()
    {
        var read = _buffer.AsSpan(_known.._end);
        var whole = AtEnd ? read : read[..^CutOff(read)];
        if (!Utf8.IsValid(whole))
        {
            for (; Rune.DecodeFromUtf8(_buffer.AsSpan(_known.._end), out _, out int bytes) == OperationStatus.Done; _known += bytes)
                continue;
            throw InvalidInputException.Because($"The batch is not UTF-8: byte {_before + _known} begins no character.");
        }

        _known += whole.Length;
    }

    // How many bytes at the end begin a character that is not there as a whole: at most 3 of its 4.
    private static int CutOff(ReadOnlySpan<byte> bytes)
    {
        for (int cut = 1; cut <= Math.Min(3, bytes.Length); cut++)
        {
            if (Rune.DecodeFromUtf8(bytes[^cut..], out _, out _) == OperationStatus.NeedMoreData)
                return cut;
        }

        return 0;
    }
}
