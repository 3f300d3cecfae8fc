using FuzzySharp;

namespace GroupRL.Cli;

/// <summary>What a user may have meant.</summary>
internal static class Nearest
{
    /// <summary>The names, the ones most like <paramref name="given"/> first.</summary>
    public static string List(string given, IEnumerable<string> names) =>
        string.Join(", ", names.OrderByDescending(name => Fuzz.Ratio(given, name)).ThenBy(name => name, StringComparer.Ordinal));
}
