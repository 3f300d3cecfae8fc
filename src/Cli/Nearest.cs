using FuzzySharp;

namespace GroupRL.Cli;

/// <summary>What a user may have meant.</summary>
internal static class Nearest
{
    private const int Longest = 24, Shown = 8;

    /// <summary>The names, the ones most like <paramref name="given"/> first; of a long list only those, and where the rest is.</summary>
    public static string List(string given, IEnumerable<string> names, string rest = " (grouprl catalogue)")
    {
        string[] order = [.. names.OrderByDescending(name => Fuzz.Ratio(given, name)).ThenBy(name => name, StringComparer.Ordinal)];
        return order.Length <= Longest
            ? string.Join(", ", order)
            : FormattableString.Invariant($"{string.Join(", ", order.Take(Shown))} and {order.Length - Shown} more{rest}");
    }
}
