using System.Diagnostics;
using Xunit;

namespace GroupRL.Properties.Deploy;

/// <summary>Runs scripts in a folder of their own, with programs beside them that only say how they were called.</summary>
internal sealed class Shell : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    /// <summary>The body of a program that prints its arguments, one a line.</summary>
    public const string Echo = """printf '%s\n' "$@" """;

    /// <summary>Where scripts run.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("grouprl").FullName;

    /// <summary>
    /// Puts a program of a given body on the path. A shell writes it: a process that a test beside this one starts at that moment would inherit
    /// the file, open for writing, from us, and a file that is open for writing cannot be run.
    /// </summary>
    public void Program(string name, string body)
    {
        const string Write = """mkdir -p bin && printf '#!/bin/sh\n%s\n' "$2" >"bin/$1" && chmod +x "bin/$1" """;
        Assert.Equal(0, Run("sh", ["-c", Write, "sh", name, body]).Exit);
    }

    /// <summary>Writes a file; returns its path.</summary>
    public string Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Runs a command with variables besides; of its output and its errors, the lines.</summary>
    public (int Exit, string[] Output, string[] Error) Run(string command, IEnumerable<string> arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(command, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{Path.Combine(Folder, "bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{command} took longer than {s_limit}.");
        }

        return (process.ExitCode, Lines(output.Result), Lines(error.Result));
    }

    /// <summary>What follows a word in a list of words; null where it does not stand.</summary>
    public static string? After(string word, string[] words) => words.SkipWhile(other => other != word).Skip(1).FirstOrDefault();

    /// <summary>A text in which one piece is another; the piece must be there, or the mutant would be the original.</summary>
    public static string Mutate(string text, string piece, string other)
    {
        Assert.Contains(piece, text, StringComparison.Ordinal);
        return text.Replace(piece, other, StringComparison.Ordinal);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
