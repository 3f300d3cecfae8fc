using System.Collections.Immutable;

namespace GroupRL.Checking;

/// <summary>The point in the engine's random stream at which one case was built: enough to build it again.</summary>
public readonly record struct ReplayPoint(ulong Seed, ulong Gamma, int Size);

/// <summary>A case that fails, before and after shrinking.</summary>
/// <param name="Original">As it was built.</param>
/// <param name="Shrunk">The smallest failing case that was found.</param>
/// <param name="Shrinks">How many steps led there.</param>
/// <param name="Point">Where it was built.</param>
public sealed record Failure<T>(T Original, T Shrunk, int Shrinks, ReplayPoint Point);

/// <summary>What a search for a counterexample found.</summary>
/// <param name="Cases">How many cases were built and checked, the failing one included.</param>
/// <param name="Failure">The first failure, shrunk; null where there was none.</param>
/// <param name="Corners">How many of those cases lay in each corner.</param>
public sealed record Search<T>(int Cases, Failure<T>? Failure, ImmutableSortedDictionary<string, int> Corners);

/// <summary>Hunts for a case of a domain that fails. The same domain, predicate and seed give the same result.</summary>
public static class Falsifier
{
    /// <summary>Builds and checks up to <paramref name="cases"/> cases; the first failure is shrunk within <paramref name="admitted"/>.</summary>
    public static Search<T> Run<T>(Domain<T> domain, Func<T, bool> holds, Func<T, bool> admitted, ulong seed, int cases) =>
        FsCheckSeam.Check(domain, holds, admitted, new(seed, seed | 1, 0), cases);

    /// <summary>Builds the one case of <paramref name="point"/> and checks it; it passing says nothing about the rest of the domain.</summary>
    public static Search<T> Replay<T>(Domain<T> domain, Func<T, bool> holds, Func<T, bool> admitted, ReplayPoint point) =>
        FsCheckSeam.Check(domain, holds, admitted, point, cases: null);
}
