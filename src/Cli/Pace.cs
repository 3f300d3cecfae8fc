using System.Globalization;

namespace GroupRL.Cli;

/// <summary>How far a command is, how fast it goes, and how long it still takes if it keeps going so.</summary>
/// <param name="Unit">What it counts, in the plural: rows.</param>
/// <param name="Done">How many are done.</param>
/// <param name="Total">How many there are.</param>
/// <param name="Elapsed">The time that those took which are done.</param>
/// <param name="Cases">How many cases were checked in them; 0 where it does not count cases.</param>
internal sealed record Pace(string Unit, long Done, long Total, TimeSpan Elapsed, long Cases = 0)
{
    private const double Minute = 60, Hour = 60 * Minute, Day = 24 * Hour;

    /// <summary>All of it: "120 of 5976 rows, 85 rows/s, 85000 cases/s, 69 s left".</summary>
    public override string ToString() => FormattableString.Invariant($"{Done} of {Total} {Unit}{(Speed.Length > 0 ? ", " : "")}{Speed}");

    /// <summary>Rate and time left; empty as long as there is neither.</summary>
    public string Speed => Done == 0 || Elapsed <= TimeSpan.Zero
        ? ""
        : $"{Rate(Done)} {Unit}/s, {(Cases > 0 ? $"{Rate(Cases)} cases/s, " : "")}{Text(Elapsed.TotalSeconds / Done * (Total - Done))} left";

    private string Rate(long count) => (count / Elapsed.TotalSeconds) is >= 9.95 and var rate
        ? rate.ToString("F0", CultureInfo.InvariantCulture)
        : (count / Elapsed.TotalSeconds).ToString("G2", CultureInfo.InvariantCulture);

    // In the unit in which it is a number of two digits or three.
    private static string Text(double seconds) => seconds switch
    {
        < 2 * Minute => FormattableString.Invariant($"{Math.Ceiling(seconds)} s"),
        < 2 * Hour => FormattableString.Invariant($"{Math.Ceiling(seconds / Minute)} min"),
        < 2 * Day => FormattableString.Invariant($"{Math.Ceiling(seconds / Hour)} h"),
        _ => FormattableString.Invariant($"{Math.Ceiling(seconds / Day)} days"),
    };
}
