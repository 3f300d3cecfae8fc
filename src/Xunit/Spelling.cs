namespace GroupRL.Xunit;

/// <summary>What somebody may have meant.</summary>
internal static class Spelling
{
    private const int Shown = 5;

    /// <summary>The few of <paramref name="known"/> that take the fewest edits to become.</summary>
    public static string Nearest(string given, IEnumerable<string> known) =>
        string.Join(", ", known.OrderBy(name => Edits(given, name)).ThenBy(name => name, StringComparer.Ordinal).Take(Shown));

    // Levenshtein's distance, a row of the table at a time.
    private static int Edits(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (from[i - 1] == to[j - 1] ? 0 : 1)));
        }

        return row[^1];
    }
}
