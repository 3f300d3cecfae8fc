using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>SHA-256 of what a run judges: two runs that differ in it are not parts of one.</summary>
internal static class RunDigest
{
    private static readonly char[] s_between = [' ', '=', '"', '\'', ';'];

    /// <summary>Of rows: their ids, and what is expected of them.</summary>
    public static string Of(IEnumerable<LedgerRow> rows) => Of(rows.SelectMany(Words));

    /// <summary>
    /// Of a candidate: its name, the words that name it on a command line, its command, the bytes of every file that these name, its rows (a
    /// promise decides what is expected of them) and the refutations that its author expects.
    /// </summary>
    public static string Of(Candidate candidate) => Of(
    [
        candidate.Name,
        .. candidate.Reference.Append(candidate.Command ?? "").Select(OfWord),
        // A program holds what it judges.
        candidate.Program is null ? "" : $"{Assembly.GetEntryAssembly()?.ManifestModule.ModuleVersionId}",
        .. candidate.Rows.SelectMany(Words),
        .. candidate.Expected.SelectMany(entry => new[] { entry.Key, entry.Value }),
    ]);

    private static IEnumerable<string> Words(LedgerRow row) => [row.Claim.Id, row.Objective, row.Optimizer, row.Expected.Kind.ToString(), row.Expected.Because];

    /// <summary>A word of a command line with the SHA-256 of every file that it names in place of its path: a file is what is in it, wherever it lies.</summary>
    public static string OfWord(string word) => FileOf(word) is { } file
        ? Convert.ToHexStringLower(SHA256.HashData(Files.ReadBytes(file))) + word[file.Length..]
        : word.IndexOfAny(s_between) is >= 0 and var at ? OfWord(word[..at]) + word[at] + OfWord(word[(at + 1)..]) : word;

    // Code is named by its assembly and its type.
    private static string? FileOf(string word) => new[] { word, word.Split('#')[0] }.FirstOrDefault(File.Exists);

    private static string Of(IEnumerable<string> words) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(words.ToArray())));
}
