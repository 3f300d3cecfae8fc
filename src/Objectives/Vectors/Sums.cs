using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GroupRL.Objectives;

/// <summary>A number of each token, of two columns.</summary>
internal interface ITerm
{
    /// <summary>Whether the sum of their sizes is asked for, too.</summary>
    static virtual bool Sized => false;

    /// <summary>The numbers of a vector of tokens.</summary>
    Vector256<double> At(Vector256<double> x, Vector256<double> y);

    /// <summary>The number of one.</summary>
    double At(double x, double y);
}

/// <summary>Sums over the tokens of a row.</summary>
internal static class Sums
{
    /// <summary>Σ (ℓ − ℓ°).</summary>
    public static double LogRatio(ReadOnlySpan<double> logp, ReadOnlySpan<double> old) => Of(logp, old, default(Difference)).Sum;

    /// <summary>Σ (ℓ − ℓ°), and Σ |ℓ − ℓ°|, by which its rounding is bounded.</summary>
    public static (double Sum, double Magnitude) LogRatioWithMagnitude(ReadOnlySpan<double> logp, ReadOnlySpan<double> old) => Of(logp, old, default(SizedDifference));

    /// <summary>Σ clamp(ℓ − ℓ°, low, high).</summary>
    public static double Clamped(ReadOnlySpan<double> logp, ReadOnlySpan<double> old, double low, double high) => Of(logp, old, new ClampedDifference(low, high)).Sum;

    /// <summary>Whether all are finite.</summary>
    public static bool AllFinite(ReadOnlySpan<double> x) => Of(x, x, default(Nought)).Sum == 0;

    /// <summary>Σ x.</summary>
    public static double Of(ReadOnlySpan<double> x) => Of(x, x, default(Itself)).Sum;

    // Four vectors at a time, so that not every addition waits for the one before. They are narrow ones: the time goes into reading, and a wide one that begins
    // anywhere lies across two lines of the cache.
    private static (double Sum, double Magnitude) Of<TTerm>(ReadOnlySpan<double> x, ReadOnlySpan<double> y, TTerm term)
        where TTerm : struct, ITerm
    {
        int width = Vector256<double>.Count, t = 0;
        Vector256<double> first = default, second = default, third = default, fourth = default, even = default, odd = default;
        for (; t <= x.Length - (4 * width); t += 4 * width)
        {
            var a = term.At(x.NarrowAt(t), y.NarrowAt(t));
            var b = term.At(x.NarrowAt(t + width), y.NarrowAt(t + width));
            var c = term.At(x.NarrowAt(t + (2 * width)), y.NarrowAt(t + (2 * width)));
            var d = term.At(x.NarrowAt(t + (3 * width)), y.NarrowAt(t + (3 * width)));
            first += a;
            second += b;
            third += c;
            fourth += d;
            if (TTerm.Sized)
            {
                even += Vector256.Abs(a) + Vector256.Abs(b);
                odd += Vector256.Abs(c) + Vector256.Abs(d);
            }
        }

        double sum = Vector256.Sum(first + second + (third + fourth)), size = Vector256.Sum(even + odd);
        for (; t < x.Length; t++)
        {
            double one = term.At(x[t], y[t]);
            sum += one;
            size += Math.Abs(one);
        }

        return (sum, size);
    }

    private readonly struct Itself : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<double> At(Vector256<double> x, Vector256<double> y) => x;

        public double At(double x, double y) => x;
    }

    // 0 times a finite number is 0, and NaN otherwise.
    private readonly struct Nought : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<double> At(Vector256<double> x, Vector256<double> y) => x * Vector256<double>.Zero;

        public double At(double x, double y) => 0 * x;
    }

    private readonly struct Difference : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<double> At(Vector256<double> x, Vector256<double> y) => x - y;

        public double At(double x, double y) => x - y;
    }

    private readonly struct SizedDifference : ITerm
    {
        public static bool Sized => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<double> At(Vector256<double> x, Vector256<double> y) => default(Difference).At(x, y);

        public double At(double x, double y) => default(Difference).At(x, y);
    }

    private readonly struct ClampedDifference(double low, double high) : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<double> At(Vector256<double> x, Vector256<double> y) =>
            Vector256.MinNative(Vector256.MaxNative(x - y, Vector256.Create(low)), Vector256.Create(high));

        public double At(double x, double y) => Math.Clamp(x - y, low, high);
    }
}
