using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GroupRL.Objectives;

/// <summary>A number for each token of a row: one for all of them, or one each.</summary>
internal readonly ref struct TokenValues
{
    private readonly ReadOnlySpan<double> _each;
    private readonly double _all;
    private readonly bool _one;

    /// <summary><paramref name="all"/> for every token.</summary>
    public TokenValues(double all) => (_all, _one) = (all, true);

    /// <summary>One each, shape [n].</summary>
    public TokenValues(ReadOnlySpan<double> each) => _each = each;

    /// <summary>The number of token <paramref name="t"/>.</summary>
    public double this[int t] => _one ? _all : _each[t];

    /// <summary>The numbers of tokens <paramref name="t"/> onwards, as many as a vector has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> At(int t) => _one ? Vector512.Create(_all) : _each.At(t);

    /// <summary>The numbers of <paramref name="count"/> tokens from <paramref name="start"/>.</summary>
    public TokenValues Slice(int start, int count) => _one ? this : new(_each.Slice(start, count));

    /// <summary>Σ over <paramref name="count"/> tokens.</summary>
    public double Sum(int count) => _one ? count * _all : Sums.Of(_each[..count]);

    /// <summary>Their mean to the last bit of <see cref="RowView.Advantage"/>, since branches are taken by its sign.</summary>
    public double Mean() => _one ? _all : new RowView { Logp = _each, Advantages = _each }.Advantage;

    /// <summary>The one number of all tokens, where there is one.</summary>
    public bool TryOne(out double all)
    {
        all = _all;
        return _one;
    }

    /// <summary>Writes them out, times <paramref name="factor"/>, shape [n].</summary>
    public void CopyTo(Span<double> target, double factor = 1)
    {
        if (_one)
        {
            target.Fill(_all * factor);
            return;
        }

        int width = Vector512<double>.Count, t = 0;
        for (; t <= target.Length - width; t += width)
            target.Set(t, _each.At(t) * factor);
        for (; t < target.Length; t++)
            target[t] = _each[t] * factor;
    }
}

/// <summary>A number for each token of a batch: one for all tokens of a row, shape [B], or one each, shape [N].</summary>
internal readonly ref struct TokenNumbers(ReadOnlySpan<double> numbers, bool ofRows)
{
    private readonly ReadOnlySpan<double> _numbers = numbers;

    /// <summary>Those of row <paramref name="i"/>, whose <paramref name="count"/> tokens begin at <paramref name="first"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TokenValues Of(int i, int first, int count) => ofRows ? new(_numbers[i]) : new(_numbers.Slice(first, count));
}

/// <summary>Vectors of a span.</summary>
internal static class Spans
{
    /// <summary>The entries from <paramref name="t"/> on, as many as a vector has: the caller sees to it that there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> At(this ReadOnlySpan<double> span, int t)
    {
        Debug.Assert(t >= 0 && t <= span.Length - Vector512<double>.Count, "A vector lies within its span.");
        return Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(span), (nuint)t);
    }

    /// <summary>As <see cref="At"/>, of a narrower vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> NarrowAt(this ReadOnlySpan<double> span, int t)
    {
        Debug.Assert(t >= 0 && t <= span.Length - Vector256<double>.Count, "A vector lies within its span.");
        return Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(span), (nuint)t);
    }

    /// <summary>Writes the entries from <paramref name="t"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(this Span<double> span, int t, Vector512<double> entries)
    {
        Debug.Assert(t >= 0 && t <= span.Length - Vector512<double>.Count, "A vector lies within its span.");
        entries.StoreUnsafe(ref MemoryMarshal.GetReference(span), (nuint)t);
    }
}
