using System.Diagnostics;
using GroupRL.Checking;
using GroupRL.Properties.Cli;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>A shard as a process of its own, killed again and again and taken up.</summary>
public sealed class ShardKillTests : IDisposable
{
    private const int Kills = 4;

    private readonly Grouprl _grouprl = new();

    [Fact]
    public void A_shard_that_is_killed_and_taken_up_is_merged_to_the_bytes_of_one_that_was_not()
    {
        string proposal = _grouprl.File("biased.json", Grouprl.Head + """ "base":"dr-grpo","weight":"row-mean"}""");
        string straight = _grouprl.Path_("straight"), killed = _grouprl.Path_("killed");
        foreach (string folder in new[] { straight, killed })
            Assert.Equal(0, _grouprl.Run("falsify", proposal, "--cases", "200", "--shard", "2/2", "--out", folder).Exit);
        Assert.Equal(0, _grouprl.Run("falsify", proposal, "--cases", "200", "--shard", "1/2", "--out", straight).Exit);
        string whole = Path.Combine(straight, "shard-1-of-2.jsonl"), torn = Path.Combine(killed, "shard-1-of-2.jsonl");
        long length = new FileInfo(whole).Length;

        // Moments by what was written, not by the clock: as soon as the file is there, and after so many bytes more.
        var draw = new Draw(20261122, 0);
        List<int> finished = [];
        for (int kill = 0; kill < Kills; kill++)
        {
            KillOnce(proposal, killed, torn, grown: kill == 0 ? 0 : (long)draw.Real(1, length / (double)(Kills + 1)));
            finished.Add(File.ReadLines(torn).Count() - 1);
        }

        Assert.Equal(finished.Order(), finished);
        Assert.True(finished[^1] > 0 && finished.Distinct().Count() > 1, $"killed after {string.Join(' ', finished)} items");
        Assert.Contains("of them from before", Finish().Output, StringComparison.Ordinal);
        Assert.Contains("is finished already", Finish().Output, StringComparison.Ordinal);
        Assert.Equal(File.ReadLines(whole).Order(StringComparer.Ordinal), File.ReadLines(torn).Order(StringComparer.Ordinal));
        foreach (string[] form in new string[][] { [], ["--json"] })
            Assert.Equal(_grouprl.Run(["merge", straight, .. form, "--out", _grouprl.Path_("cases")]), _grouprl.Run(["merge", killed, .. form, "--out", _grouprl.Path_("cases")]));

        (int Exit, string Output, string Error) Finish() => _grouprl.Run("falsify", proposal, "--cases", "200", "--shard", "1/2", "--out", killed);
    }

    public void Dispose() => _grouprl.Dispose();

    private static void KillOnce(string proposal, string folder, string path, long grown)
    {
        var file = new FileInfo(path);
        long before = file.Exists ? file.Length : 0;
        using var process = Process.Start(new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "grouprl.exe" : "grouprl"), ["falsify", proposal, "--cases", "200", "--shard", "1/2", "--out", folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        while (!process.WaitForExit(TimeSpan.FromMilliseconds(1)))
        {
            file.Refresh();
            if (!file.Exists || file.Length < before + grown)
                continue;
            process.Kill();
            break;
        }

        process.WaitForExit();
        Assert.True(process.ExitCode != 0, $"it was not killed: {output.Result}{error.Result}");
    }
}
