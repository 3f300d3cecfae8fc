using GroupRL.Cli;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>What a command says of how far it is.</summary>
public class PaceTests
{
    [Theory]
    [InlineData(120, 5976, 1.41, 0, "120 of 5976 rows, 85 rows/s, 69 s left")]
    [InlineData(120, 5976, 1.41, 120_000, "120 of 5976 rows, 85 rows/s, 85106 cases/s, 69 s left")]
    [InlineData(1, 10, 3, 500, "1 of 10 rows, 0.33 rows/s, 167 cases/s, 27 s left")]
    [InlineData(10, 100, 100, 0, "10 of 100 rows, 0.1 rows/s, 15 min left")]
    [InlineData(10, 1000, 100, 0, "10 of 1000 rows, 0.1 rows/s, 3 h left")]
    [InlineData(10, 100_000, 100, 0, "10 of 100000 rows, 0.1 rows/s, 12 days left")]
    [InlineData(10, 10, 100, 0, "10 of 10 rows, 0.1 rows/s, 0 s left")]
    [InlineData(0, 10, 100, 0, "0 of 10 rows")]
    public void Rate_and_time_left_follow_from_what_is_done(long done, long total, double seconds, long cases, string text) =>
        Assert.Equal(text, new Pace("rows", done, total, TimeSpan.FromSeconds(seconds), cases).ToString());
}
