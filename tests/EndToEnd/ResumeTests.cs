using System.Diagnostics;
using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Properties.Cli;
using GroupRL.Trainer;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>Runs that are stored, killed and taken up.</summary>
public sealed class ResumeTests : IDisposable
{
    private const int Kills = 20;

    private readonly Grouprl _grouprl = new();

    private static readonly string[] s_run = ["--objective", "grpo-k3", "--optimizer", "adamw", "--learning-rate", "0.02", "--policy", "log-linear", "--inner-steps", "3", "--seed", "7"];

    [Fact]
    public void A_run_that_is_killed_at_twenty_random_moments_ends_with_the_bytes_of_one_that_was_not()
    {
        const int Steps = 2000;
        string straight = _grouprl.Path_("straight"), killed = _grouprl.Path_("killed");
        string[] settings = [.. s_run, "--steps", $"{Steps}", "--checkpoint-every", "7"];
        Assert.Equal(0, Start(straight, settings, kill: null));
        long whole = new FileInfo(Path.Combine(straight, "metrics.jsonl")).Length;

        // Moments by what was written, not by the clock, and a few milliseconds more: before the first line, within one, while a state is stored.
        var draw = new Draw(20261122, 0);
        List<int> stored = [];
        int torn = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            Assert.NotEqual(0, Start(killed, settings, (kill == 0 ? 0 : (long)draw.Real(0, 0.07 * whole), TimeSpan.FromMilliseconds(draw.Real(0, 5)))));
            var state = Checkpoint.Read(File.ReadAllText(Path.Combine(killed, "checkpoint")));
            stored.Add(state.State.Step);
            torn += new FileInfo(Path.Combine(killed, "metrics.jsonl")).Length > state.Written ? 1 : 0;
        }

        Assert.True(stored.Distinct().Count(step => step is > 0 and < Steps) > 5, $"killed at {string.Join(' ', stored)}");
        Assert.True(torn > 0, "no kill left lines behind that no state knows of");
        // What was stored more often ends the same.
        Assert.Equal(0, Start(killed, [.. settings[..^1], "11"], kill: null));
        foreach (string file in Directory.EnumerateFiles(straight).Select(file => Path.GetFileName(file)!))
            Assert.True(File.ReadAllBytes(Path.Combine(straight, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(killed, file))), $"{file} differs");
        Assert.Equal(Steps, File.ReadLines(Path.Combine(straight, "metrics.jsonl")).Count());
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
    public void A_run_that_another_process_writes_is_left_to_it()
    {
        string folder = _grouprl.Path_("run");
        Train(folder, "--steps", "5");
        using var held = new FileStream(Path.Combine(folder, "metrics.jsonl"), FileMode.Open, FileAccess.Write, FileShare.Read);
        _grouprl.Refuses([.. Last("train", [.. s_run, "--steps", "9"]), "--out", folder], "metrics.jsonl cannot be written", "used by another process");
    }

    [Fact]
    public void Metrics_that_are_missing_are_not_made_up()
    {
        string folder = _grouprl.Path_("run");
        Train(folder, "--steps", "5");
        File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), "");
        _grouprl.Refuses(["train", .. s_run, "--steps", "9", "--out", folder], "metrics.jsonl has 0 bytes where at least");

        File.Delete(Path.Combine(folder, "checkpoint"));
        File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), "mine");
        _grouprl.Refuses(["train", .. s_run, "--steps", "9", "--out", folder], "metrics.jsonl is there already, and no checkpoint beside it");
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, "metrics.jsonl")));
    }

    [Fact]
    public void Another_length_bonus_is_another_run()
    {
        string folder = _grouprl.Path_("run");
        string[] train = ["train", .. s_run, "--task", "majority", "--steps", "2", "--out", folder];

        Assert.Equal(0, _grouprl.Run([.. train, "--length-bonus", "0.0001"]).Exit);
        _grouprl.Refuses([.. train, "--length-bonus", "0.0004"], "has task majority with length bonus 0.0001, not majority with length bonus 0.0004");
    }

    [Theory]
    [InlineData("--reward-scale", "1e200", "lion")]
    [InlineData("--learning-rate", "1e160", "adamw")]
    public void Norms_beyond_the_squares_of_float64_are_written(string option, string value, string optimizer)
    {
        string folder = _grouprl.Path_("run");
        var (exit, _, error) = _grouprl.Run("train", "--objective", "dr-grpo", "--optimizer", optimizer, option, value, "--steps", "1", "--out", folder);

        Assert.Equal((0, ""), (exit, error));
        Assert.All(File.ReadLines(Path.Combine(folder, "metrics.jsonl")), line => Assert.InRange(Norm(line), 1e-3, double.MaxValue));

        static double Norm(string line)
        {
            using var metrics = JsonDocument.Parse(line);
            return Math.Max(metrics.RootElement.GetProperty("gradient_norm").GetDouble(), metrics.RootElement.GetProperty("moved").GetDouble());
        }
    }

    [Fact]
    public void Wrong_settings_are_refused_in_one_sentence()
    {
        string folder = _grouprl.Path_("run");

        Refuses(["--task", "chess"], "There is no task \"chess\"; known are sum, majority");
        Refuses(["--policy", "bush"], "There is no policy \"bush\"; known are ", "tree", "log-linear", "transformer");
        Refuses(["--length-bonus", "1"], "The task sum has no length bonus");
        Refuses(["--group-size", "0"], "A group needs at least 1 completion; got 0");
        Refuses(["--inner-steps", "0"], "A batch needs at least 1 inner step; got 0");
        Refuses(["--reward-scale", "-1"], "must be a finite number > 0; got -1");
        Refuses(["--learning-rate", "-1"], "--learning-rate must be a finite number, at least 0; got -1");
        Refuses(["--steps", "0"], "--steps must be at least 1; got 0");
        Refuses(["--checkpoint-every", "0"], "--checkpoint-every must be at least 1; got 0");
        Refuses(["--seed", "-1"], "--seed must be at least 0; got -1");
        Refuses(["--group-size", "2000000000"], "--group-size must be at most 100000; got 2000000000");
        Assert.False(Directory.Exists(folder));
        Refuses(["--learning-rate", "1e300"], "overflows float64");
        _grouprl.Refuses(["train", .. s_run, "--out", ""], "--out must name a folder; got \"\"");
        _grouprl.Refuses(["confirm", "prefix", "--seeds", "some"], "Cannot parse argument 'some' for option '--seeds' as a whole number.");
        Refuses(["--reward-scale", "large"], "Cannot parse argument 'large' for option '--reward-scale' as a number.");
        Refuses(["--length-bonus", "large"], "Cannot parse argument 'large' for option '--length-bonus' as a number.");
        _grouprl.Refuses(["confirm", "scale", "--seeds", "5"], "--seeds is for prefix");
        _grouprl.Refuses(["confirm", "scale", "--json", "--markdown"], "one form, --json or --markdown; got both");
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

    /// <summary>The command as a process, killed once its metrics have grown by so much and so much time has passed; its exit code.</summary>
    private static int Start(string folder, string[] settings, (long Grown, TimeSpan Later)? kill)
    {
        var metrics = new FileInfo(Path.Combine(folder, "metrics.jsonl"));
        long before = metrics.Exists ? metrics.Length : 0;
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "grouprl.exe" : "grouprl"), ["train", .. settings, "--out", folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (kill is var (grown, later))
        {
            while (!process.WaitForExit(TimeSpan.FromMilliseconds(1)))
            {
                metrics.Refresh();
                if (!File.Exists(Path.Combine(folder, "checkpoint")) || metrics.Length < before + grown)
                    continue;
                process.WaitForExit(later);
                process.Kill();
                break;
            }
        }

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the run does not end");
        Assert.True(kill is not null || process.ExitCode == 0, output.Result + error.Result);
        return process.ExitCode;
    }
}
