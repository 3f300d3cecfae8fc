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

    /// <summary>What the words promise.</summary>
    public static (LossPromises Promises, Clip? Clip) Read(IEnumerable<string> words, string place)
    {
        var promises = LossPromises.None;
        double low = double.NaN, high = double.NaN, cap = double.PositiveInfinity, dual = double.PositiveInfinity;
        string[] given = [.. words];
        // To take something back is to have promised the rest.
        if (given.Length > 0 && given.All(word => word.StartsWith('-') || word.Contains('=', StringComparison.Ordinal)))
            promises = LossPromises.Sound;
        foreach (string word in given)
        {
            string[] halves = word.Split('=', 2);
            switch (halves[0])
            {
                case "clip" when halves.Length == 2 && halves[1].Split("..") is [var from, var to]:
                    (low, high) = (Number(from, word, place), Number(to, word, place));
                    break;
                case "cap" when halves.Length == 2:
                    cap = Number(halves[1], word, place);
                    break;
                case "dual" when halves.Length == 2:
                    dual = Number(halves[1], word, place);
                    break;
                case All:
                    promises |= LossPromises.Sound;
                    break;
                default:
                    promises = word.StartsWith('-') ? promises & ~Known(word[1..], place) : promises | Known(word, place);
                    break;
            }
        }

        if (double.IsNaN(low) && (double.IsFinite(cap) || double.IsFinite(dual)))
            throw InvalidInputException.Because($"{place} declares a cap or a dual clip without clip=LOW..HIGH.");
        var clip = double.IsNaN(low) ? null : new Clip(low, high, cap);
        return (promises, clip is null || double.IsPositiveInfinity(dual) ? clip : clip with { Dual = dual });
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

    private static LossPromises Known(string word, string place) => LossPromiseNames.Words.FirstOrDefault(known => known.Value == word) is { Value: not null } known
        ? known.Key
        : throw InvalidInputException.Because($"{place} has the unknown word \"{word}\"; known are {Nearest.List(word, [.. LossPromiseNames.Words.Values, All, "clip=LOW..HIGH", "cap=RATIO", "dual=RATIO"])}.");

    private static double Number(string text, string word, string place) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && !double.IsNaN(number)
        ? number
        : throw InvalidInputException.Because($"{place} has \"{word}\", whose \"{text}\" is no number.");
}
