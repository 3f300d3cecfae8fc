namespace GroupRL.Checking;

/// <summary>
/// A stream of random choices as data (SplitMix64): the same seed and size always build the same case. Domains are written against
/// it, so that the engine behind them stays out of the claims.
/// </summary>
public sealed class Draw(ulong seed, int size)
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    private ulong _state = seed;

    /// <summary>How large a case may get, 0 … 100; an engine starts small.</summary>
    public int Size { get; } = size;

    /// <summary>The next 64 random bits.</summary>
    public ulong Bits()
    {
        _state += Step;
        ulong z = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>The number that <see cref="Bits"/> gives as the <paramref name="index"/>-th, counted from 1, from the start of a seed.</summary>
    public static ulong BitsAt(ulong seed, int index) => new Draw(seed + ((ulong)(index - 1) * Step), 0).Bits();

    /// <summary>A uniform number in [0, 1).</summary>
    public double Unit() => (Bits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A uniform number in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double Real(double low, double high) => low + ((high - low) * Unit());

    /// <summary>A number whose logarithm is uniform between those of <paramref name="low"/> and <paramref name="high"/>.</summary>
    public double LogReal(double low, double high) => Math.Exp(Real(Math.Log(low), Math.Log(high)));

    /// <summary>A uniform whole number in [<paramref name="low"/>, <paramref name="high"/>], both ends included.</summary>
    public int Whole(int low, int high) => low + (int)(Bits() % (ulong)(high - low + 1));

    /// <summary>True with probability <paramref name="probability"/>.</summary>
    public bool Chance(double probability) => Unit() < probability;

    /// <summary>+1 or −1.</summary>
    public int Sign() => Chance(0.5) ? 1 : -1;

    /// <summary>One of <paramref name="choices"/>.</summary>
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[Whole(0, choices.Length - 1)];
}
