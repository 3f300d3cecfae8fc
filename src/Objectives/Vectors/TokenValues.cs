using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
    public Vector<double> At(int t) => _one ? new Vector<double>(_all) : _each.At(t);

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

        int width = Vector<double>.Count, t = 0;
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

    /// <summary>Those of row <paramref name="i"/>, whose tokens are <paramref name="tokens"/>.</summary>
    public TokenValues Of(int i, Range tokens) => ofRows ? new(_numbers[i]) : new(_numbers[tokens]);
}

/// <summary>Vectors of a span.</summary>
internal static class Spans
{
    /// <summary>The entries from <paramref name="t"/> on, as many as a vector has: the caller sees to it that there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> At(this ReadOnlySpan<double> span, int t)
    {
        Debug.Assert(t >= 0 && t <= span.Length - Vector<double>.Count, "A vector lies within its span.");
        return Vector.LoadUnsafe(ref MemoryMarshal.GetReference(span), (nuint)t);
    }

    /// <summary>Writes the entries from <paramref name="t"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(this Span<double> span, int t, Vector<double> entries)
    {
        Debug.Assert(t >= 0 && t <= span.Length - Vector<double>.Count, "A vector lies within its span.");
        entries.StoreUnsafe(ref MemoryMarshal.GetReference(span), (nuint)t);
    }
}

/// <summary>Sums over vectors of tokens, two vectors at a time so that not every addition waits for the one before.</summary>
internal static class Sums
{
    /// <summary>Σ (ℓ − ℓ°), and Σ |ℓ − ℓ°|, by which its rounding is bounded.</summary>
    public static (double Sum, double Magnitude) LogRatio(ReadOnlySpan<double> logp, ReadOnlySpan<double> old)
    {
        int width = Vector<double>.Count, t = 0;
        Vector<double> even = default, odd = default, evenSize = default, oddSize = default;
        for (; t <= logp.Length - (2 * width); t += 2 * width)
        {
            var first = logp.At(t) - old.At(t);
            var second = logp.At(t + width) - old.At(t + width);
            even += first;
            odd += second;
            evenSize += Vector.Abs(first);
            oddSize += Vector.Abs(second);
        }

        double sum = Vector.Sum(even + odd), size = Vector.Sum(evenSize + oddSize);
        for (; t < logp.Length; t++)
        {
            sum += logp[t] - old[t];
            size += Math.Abs(logp[t] - old[t]);
        }

        return (sum, size);
    }

    /// <summary>Σ clamp(ℓ − ℓ°, low, high).</summary>
    public static double Clamped(ReadOnlySpan<double> logp, ReadOnlySpan<double> old, double low, double high)
    {
        int width = Vector<double>.Count, t = 0;
        Vector<double> even = default, odd = default, least = new(low), most = new(high);
        for (; t <= logp.Length - (2 * width); t += 2 * width)
        {
            even += Vector.MinNative(Vector.MaxNative(logp.At(t) - old.At(t), least), most);
            odd += Vector.MinNative(Vector.MaxNative(logp.At(t + width) - old.At(t + width), least), most);
        }

        double sum = Vector.Sum(even + odd);
        for (; t < logp.Length; t++)
            sum += Math.Clamp(logp[t] - old[t], low, high);
        return sum;
    }

    /// <summary>Whether all are finite.</summary>
    public static bool AllFinite(ReadOnlySpan<double> x)
    {
        int width = Vector<double>.Count, t = 0;
        // 0 times a finite number is 0, and NaN otherwise.
        Vector<double> even = default, odd = default;
        for (; t <= x.Length - (2 * width); t += 2 * width)
        {
            even = Vector.FusedMultiplyAdd(x.At(t), Vector<double>.Zero, even);
            odd = Vector.FusedMultiplyAdd(x.At(t + width), Vector<double>.Zero, odd);
        }

        double sum = Vector.Sum(even + odd);
        for (; t < x.Length; t++)
            sum += 0 * x[t];
        return sum == 0;
    }

    /// <summary>Σ x.</summary>
    public static double Of(ReadOnlySpan<double> x)
    {
        int width = Vector<double>.Count, t = 0;
        Vector<double> even = default, odd = default;
        for (; t <= x.Length - (2 * width); t += 2 * width)
        {
            even += x.At(t);
            odd += x.At(t + width);
        }

        double sum = Vector.Sum(even + odd);
        for (; t < x.Length; t++)
            sum += x[t];
        return sum;
    }
}
