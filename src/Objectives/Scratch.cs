using System.Buffers;

namespace GroupRL.Objectives;

/// <summary>A span of doubles for the length of a call, from the shared pool: nothing is allocated once that has grown. Not cleared.</summary>
internal readonly ref struct Scratch : IDisposable
{
    private readonly double[] _rented;

    public Scratch(int length)
    {
        _rented = ArrayPool<double>.Shared.Rent(length);
        Span = _rented.AsSpan(0, length);
    }

    public Span<double> Span { get; }

    public void Dispose() => ArrayPool<double>.Shared.Return(_rented);
}
