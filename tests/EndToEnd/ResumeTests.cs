using System.Diagnostics;
using GroupRL.Checking;
using GroupRL.Properties.Cli;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>Runs that are stored, killed and taken up.</summary>
public sealed class ResumeTests : IDisposable
{
    private const int Kills = 20;

    private readonly Grouprl _grouprl = new();

    private static readonly string[] s_run = ["--objective", "grpo-k3", "--optimizer", "adamw", "--learning-rate", "0.02", "--policy", "log-linear", "--inner-steps", "3", "--seed", "7"];

    [Fact]
    public void A_run_that_is_killed_at_any_moment_ends_with_the_bytes_of_one_that_was_not()
    {
        const string Steps = "1000";
        string straight = _grouprl.Path_("straight"), killed = _grouprl.Path_("killed");
        string[] settings = [.. s_run, "--steps", Steps, "--checkpoint-every", "7"];
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, Start(straight, settings, after: null));
        double whole = clock.Elapsed.TotalMilliseconds;

        // Random moments of a whole run's time: some before the first state is stored, some while one is being written.
        var draw = new Draw(20261122, 0);
        int ended = 0;
        for (int kill = 0; kill < Kills; kill++)
            ended += Start(killed, settings, TimeSpan.FromMilliseconds(draw.Real(0.05, 0.3) * whole)) == 0 ? 1 : 0;
        Assert.True(ended < Kills, "every run ended before it was killed");
        Assert.Equal(0, Start(killed, settings, after: null));

        foreach (string file in Directory.EnumerateFiles(straight).Select(file => Path.GetFileName(file)!))
            Assert.True(File.ReadAllBytes(Path.Combine(straight, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(killed, file))), $"{file} differs");
        Assert.Equal(int.Parse(Steps), File.ReadLines(Path.Combine(straight, "metrics.jsonl")).Count());
    }

    [Fact]
    public void A_run_goes_on_where_it_was_and_longer()
    {
        string twice = _grouprl.Path_("twice"), once = _grouprl.Path_("once");
        Train(twice, "--steps", "5");
        Assert.Contains("9 steps, the first 5 of them before", Train(twice, "--steps", "9"), StringComparison.Ordinal);
        Assert.Contains("holds this run of 9 steps already", Train(twice, "--steps", "9"), StringComparison.Ordinal);
        Train(once, "--steps", "9");

        Assert.Equal(File.ReadAllText(Path.Combine(once, "checkpoint")), File.ReadAllText(Path.Combine(twice, "checkpoint")));
        Assert.Equal(File.ReadAllText(Path.Combine(once, "metrics.jsonl")), File.ReadAllText(Path.Combine(twice, "metrics.jsonl")));
    }

    [Fact]
    public void What_is_stored_is_taken_up_with_its_own_settings_only()
    {
        string folder = _grouprl.Path_("run");
        Train(folder, "--steps", "5");

        Refuses(["--optimizer", "sgd"], "has optimizer adamw", "not sgd");
        Refuses(["--seed", "8"], "has seed 7, not 8");
        Refuses(["--objective", "grpo"], "has objective", "take it up with its own settings");
        Refuses(["--steps", "3"], "holds a run of 5 steps already; --steps must be at least that, got 3");
        File.AppendAllText(Path.Combine(folder, "checkpoint"), " ");
        Refuses([], "checkpoint: A checkpoint is a line", "or a damaged one");

        void Refuses(string[] other, params string[] words) => _grouprl.Refuses([.. Last("train", [.. s_run, "--steps", "9", .. other]), "--out", folder], words);
    }

    [Fact]
    public void Metrics_that_are_missing_are_not_made_up()
    {
        string folder = _grouprl.Path_("run");
        Train(folder, "--steps", "5");
        File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), "");

        _grouprl.Refuses(["train", .. s_run, "--steps", "9", "--out", folder], "metrics.jsonl has 0 bytes where at least");
    }

    [Fact]
    public void Wrong_settings_are_refused_in_one_sentence()
    {
        string folder = _grouprl.Path_("run");

        Refuses(["--task", "chess"], "There is no task \"chess\"; known are sum, majority");
        Refuses(["--policy", "bush"], "There is no policy \"bush\"; known are tree, log-linear");
        Refuses(["--length-bonus", "1"], "The task sum has no length bonus");
        Refuses(["--group-size", "0"], "A group needs at least 1 completion; got 0");
        Refuses(["--inner-steps", "0"], "A batch needs at least 1 inner step; got 0");
        Refuses(["--reward-scale", "-1"], "must be a finite number > 0; got -1");
        Refuses(["--learning-rate", "-1"], "--learning-rate must be a finite number, at least 0; got -1");
        Refuses(["--steps", "0"], "--steps must be at least 1; got 0");
        Refuses(["--checkpoint-every", "0"], "--checkpoint-every must be at least 1; got 0");
        Refuses(["--seed", "-1"], "--seed must be at least 0; got -1");
        Refuses(["--learning-rate", "1e300"], "overflows float64");
        Assert.False(File.Exists(Path.Combine(folder, "checkpoint")));
        _grouprl.Refuses(["confirm", "everything"], "FINDING must be prefix, scale or overshoot; got \"everything\"");
        _grouprl.Refuses(["confirm", "prefix", "--seeds", "1"], "--seeds must be at least 2; got 1");
        _grouprl.Refuses(["confirm", "scale", "--steps", "0"], "--steps must be at least 1; got 0");

        void Refuses(string[] other, params string[] words) => _grouprl.Refuses([.. Last("train", [.. s_run, .. other]), "--out", folder], words);
    }

    public void Dispose() => _grouprl.Dispose();

    private string Train(string folder, params string[] other)
    {
        var (exit, output, error) = _grouprl.Run(["train", .. s_run, .. other, "--out", folder]);
        Assert.Equal((0, ""), (exit, error));
        return output;
    }

    // An option is given once: the last of each.
    private static string[] Last(string command, string[] options) =>
        [command, .. options.Chunk(2).GroupBy(option => option[0]).SelectMany(group => group.Last())];

    /// <summary>The command as a process, killed after a while where one is given; its exit code.</summary>
    private static int Start(string folder, string[] settings, TimeSpan? after)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "grouprl.exe" : "grouprl"), ["train", .. settings, "--out", folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (after is { } moment && !process.WaitForExit(moment))
            process.Kill();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the run does not end");
        Assert.True(after is not null || process.ExitCode == 0, output.Result + error.Result);
        return process.ExitCode;
    }
}
