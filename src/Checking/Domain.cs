using System.Collections.Immutable;

namespace GroupRL.Checking;

/// <summary>A corner that a domain must reach: what only a careless generator misses.</summary>
public sealed record Corner<T>(string Name, Func<T, bool> Contains);

/// <summary>
/// The cases of a claim. It builds cases that satisfy the hypotheses (nothing is filtered away, so nothing is vacuous), counts the
/// corners it reached, and shrinks a counterexample without leaving the hypotheses.
/// </summary>
public abstract record Domain<T>
{
    /// <summary>The corners that must be reached before a verdict may be "Holds".</summary>
    public abstract ImmutableArray<Corner<T>> Corners { get; }

    /// <summary>The case that <paramref name="draw"/> decides.</summary>
    public abstract T Build(Draw draw);

    /// <summary>Strictly smaller cases, the most drastic first; they need not keep a claim's hypotheses.</summary>
    public abstract IEnumerable<T> Shrink(T value);
}
