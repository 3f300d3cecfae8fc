using GroupRL.Properties.Cli;
using Xunit;

namespace GroupRL.Properties.Losses;

/// <summary>Processes that break the protocol, by mistake or on purpose: one sentence each, the request saved, and none of them left.</summary>
public sealed class HostileProcessTests : IDisposable
{
    private readonly Grouprl _grouprl = new();

    [PythonTheory]
    [InlineData("answers-another-id", "an answer repeats the id of its request", true)]
    [InlineData("answers-at-random", "is not deterministic: to one batch it answered the loss", true)]
    [InlineData("crashes-after-the-third", "ended with exit code", true)]
    [InlineData("crashes-at-once", "ended with exit code", false)]
    [InlineData("falls-silent", "did not answer within 1 s", true)]
    [InlineData("floods-stdout", "It is not valid JSON", false)]
    [InlineData("gradient-of-another-shape", "grad must have the shape of logps", true)]
    [InlineData("gradient-of-null", "grad must be an array; got null", true)]
    [InlineData("never-says-hello", "did not answer within 3 s", false)]
    [InlineData("prints-beside-answers", "not valid JSON", true)]
    [InlineData("prints-garbage", "not valid JSON", false)]
    public void A_process_that_breaks_the_protocol_ends_the_run_with_a_sentence(string kind, string words, bool afterGreeting)
    {
        string mark = $"grouprl-test-{Guid.NewGuid():N}", folder = _grouprl.Path_("out");

        _grouprl.Refuses(["falsify", "--command", Command(kind, mark), "--timeout", words.Contains("within", StringComparison.Ordinal) ? "1" : "30", "--cases", "20", "--out", folder], words);

        Assert.Equal(afterGreeting, File.Exists(Path.Combine(folder, "broken-request.json")));
        Assert.Empty(Running(mark));
    }

    [PythonFact]
    public void A_process_that_will_not_end_is_ended_with_its_children()
    {
        string mark = $"grouprl-test-{Guid.NewGuid():N}";

        var (exit, _, _) = _grouprl.Run("falsify", "--command", Command("will-not-end", mark), "--timeout", "30", "--cases", "5", "--out", _grouprl.Path_("out"));

        Assert.NotEqual(2, exit);
        Assert.Empty(Running(mark));
    }

    [PythonFact]
    public void A_process_that_logs_megabytes_is_survived_and_its_log_is_kept()
    {
        string folder = _grouprl.Path_("out");

        var (exit, output, _) = _grouprl.Run("falsify", "--command", Command("logs-megabytes", "mark"), "--timeout", "30", "--cases", "3", "--out", folder);

        Assert.NotEqual(2, exit);
        Assert.Contains("padding-garbage", output, StringComparison.Ordinal);
        Assert.InRange(new FileInfo(Path.Combine(folder, "process-0.log")).Length, 1 << 20, 32 << 20);
    }

    [PythonFact]
    public void Numbers_beyond_float64_are_infinite_and_refuted_as_such()
    {
        var (exit, output, _) = _grouprl.Run("falsify", "--command", Command("numbers-too-large", "mark"), "--timeout", "30", "--cases", "20", "--out", _grouprl.Path_("out"));

        Assert.Equal(1, exit);
        Assert.Contains("finiteness", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_that_does_not_exist_is_told_with_the_last_line_of_its_errors() =>
        _grouprl.Refuses(["falsify", "--command", "no-such-program-anywhere", "--out", _grouprl.Path_("out")], "ended with exit code 127", "not found");

    public void Dispose() => _grouprl.Dispose();

    private static string Command(string kind, string mark) => Losses.Python.Command(Losses.Python.Plain!, $"tests/Properties/Losses/hostile/{kind}.py", mark);

    // Linux tells every process's command line; elsewhere there is nothing to look at.
    private static IEnumerable<string> Running(string mark) => !Directory.Exists("/proc") ? [] : Directory.EnumerateDirectories("/proc")
        .Where(folder => int.TryParse(Path.GetFileName(folder), out _)).Select(CommandLineOf).Where(line => line.Contains(mark, StringComparison.Ordinal));

    private static string CommandLineOf(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It has ended while we looked.
            return "";
        }
    }
}
