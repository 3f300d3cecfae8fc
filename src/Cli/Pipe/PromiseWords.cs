using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// Promises as words: <c>group-isolated</c> makes one, <c>sound</c> all that are assumed of a sound loss, <c>-kl-unbiased</c> takes one back, and
/// <c>clip=0.8..1.2</c>, <c>cap=4</c> and <c>dual=3</c> declare the bounds of the importance ratio.
/// </summary>
internal static class PromiseWords
{
    private const string All = "sound";

    private static readonly string[] s_bounds = ["clip=LOW..HIGH", "cap=RATIO", "dual=RATIO"];

    /// <summary>What the words promise of a loss.</summary>
    public static (LossPromises Promises, Clip? Clip) Read(IEnumerable<string> words, string place)
    {
        string[] given = [.. words];
        var promises = Taken(given.Where(word => !IsBound(word)), [.. LossPromiseNames.Words.Values, .. s_bounds], LossPromises.Sound.InWords(), place)
            .Aggregate(LossPromises.None, (all, word) => all | LossPromiseNames.Words.First(known => known.Value == word).Key);
        // Bounds alone take nothing back.
        return (given.Length > 0 && given.All(IsBound) ? LossPromises.Sound : promises, Bounds(given.Where(IsBound), place));
    }

    /// <summary>The promises that words leave: <c>sound</c> makes all of <paramref name="sound"/>, as does taking back alone.</summary>
    public static ImmutableHashSet<string> Taken(IEnumerable<string> words, IReadOnlyList<string> known, IEnumerable<string> sound, string place)
    {
        string[] given = [.. words], usual = [.. sound];
        // To take something back is to have promised the rest.
        var taken = given.Length > 0 && given.All(word => word.StartsWith('-')) ? [.. usual] : ImmutableHashSet<string>.Empty;
        foreach (string word in given)
        {
            string name = word.TrimStart('-');
            if (name != All && !known.Contains(name))
                throw InvalidInputException.Because($"{place} has the unknown word \"{name}\"; known are {Nearest.List(name, [.. known, All])}.");
            string[] meant = name == All ? usual : [name];
            taken = word.StartsWith('-') ? taken.Except(meant) : taken.Union(meant);
        }

        return taken;
    }

    /// <summary>The words of promises.</summary>
    public static IEnumerable<string> Write(LossPromises promises, Clip? clip)
    {
        foreach (string word in promises.InWords())
            yield return word;
        if (clip is null)
            yield break;
        yield return string.Create(CultureInfo.InvariantCulture, $"clip={clip.Low:R}..{clip.High:R}");
        if (double.IsFinite(clip.Cap))
            yield return string.Create(CultureInfo.InvariantCulture, $"cap={clip.Cap:R}");
        if (double.IsFinite(clip.Dual))
            yield return string.Create(CultureInfo.InvariantCulture, $"dual={clip.Dual:R}");
    }

    private static bool IsBound(string word) => word.Split('=')[0] is "clip" or "cap" or "dual" && word.Contains('=', StringComparison.Ordinal);

    private static Clip? Bounds(IEnumerable<string> words, string place)
    {
        double low = double.NaN, high = double.NaN, cap = double.PositiveInfinity, dual = double.PositiveInfinity;
        foreach (string word in words)
        {
            string[] halves = word.Split('=', 2), range = halves[1].Split("..");
            switch (halves[0], range)
            {
                case ("clip", [var from, var to]):
                    (low, high) = (Number(from, word, place), Number(to, word, place));
                    break;
                case ("cap", [var ratio]):
                    cap = Number(ratio, word, place);
                    break;
                case ("dual", [var ratio]):
                    dual = Number(ratio, word, place);
                    break;
                default:
                    throw InvalidInputException.Because($"{place} has \"{word}\", where {string.Join(", ", s_bounds)} are bounds.");
            }
        }

        if (double.IsNaN(low) && (double.IsFinite(cap) || double.IsFinite(dual)))
            throw InvalidInputException.Because($"{place} declares a cap or a dual clip without clip=LOW..HIGH.");
        var clip = double.IsNaN(low) ? null : new Clip(low, high, cap);
        return clip is null || double.IsPositiveInfinity(dual) ? clip : clip with { Dual = dual };
    }

    private static double Number(string text, string word, string place) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && !double.IsNaN(number)
        ? number
        : throw InvalidInputException.Because($"{place} has \"{word}\", whose \"{text}\" is no number.");
}
