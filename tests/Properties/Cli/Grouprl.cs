using System.Text.Json;
using System.Text.RegularExpressions;
using GroupRL.Cli;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>Runs the command in this process on files of a folder of its own.</summary>
internal sealed partial class Grouprl : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("grouprl").FullName;

    /// <summary>A proposal's beginning, up to its parts.</summary>
    public const string Head = """{"schema":"grouprl-proposal/1",""";

    public string File(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    public string Path_(string name) => Path.Combine(_folder, name);

    public (int Exit, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exit = CommandLine.Run(args, new Terminal(output, error, plainOutput: true, plainError: true));
        return (exit, output.ToString(), WithoutProgress(error.ToString()));
    }

    // On a slow machine a command says how far it is, which is no error.
    private static string WithoutProgress(string error) =>
        string.Concat(error.Split('\n').Where(line => !Progress().IsMatch(line)).Select((line, k) => k == 0 ? line : $"\n{line}"));

    [GeneratedRegex(@": \d+ of \d+ [a-z ]+, .* left\r?$")]
    private static partial Regex Progress();

    public JsonElement Json(params string[] args)
    {
        var (_, output, error) = Run([.. args, "--json"]);
        Assert.Equal("", error);
        using var document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    /// <summary>Asserts that a command is refused with exit code 2, nothing on the output and one sentence that holds <paramref name="words"/>.</summary>
    public void Refuses(string[] args, params string[] words)
    {
        var (exit, output, error) = Run(args);
        Assert.Equal(2, exit);
        Assert.Equal("", output);
        Assert.StartsWith("grouprl: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.EndsWith(".", error.TrimEnd(), StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, error, StringComparison.Ordinal));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
