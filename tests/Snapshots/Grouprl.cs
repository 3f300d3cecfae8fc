using GroupRL.Cli;

namespace GroupRL.Snapshots;

/// <summary>Runs the command in this process, as if its output went to a file.</summary>
internal static class Grouprl
{
    private static readonly string Root = Snapshot.FolderOf("Verify.sln");

    private static readonly string Self = Path.Combine(AppContext.BaseDirectory, "grouprl");

    /// <summary>The output of a command; paths are shown from the root of the repository, <c>OUT</c> is a fresh folder and <c>SELF</c> this build.</summary>
    public static string Run(params string[] args)
    {
        string folder = Directory.CreateTempSubdirectory("grouprl").FullName;
        try
        {
            string[] resolved = [.. args.Select(arg => arg switch
            {
                "OUT" => folder,
                _ when arg.StartsWith("examples/", StringComparison.Ordinal) => Path.Combine(Root, arg),
                _ => arg.Replace("SELF", Self, StringComparison.Ordinal),
            })];
            return Show(string.Join(' ', args), terminal => CommandLine.Run(resolved, terminal))
                .Replace(Self, "SELF", StringComparison.Ordinal)
                .Replace(Root + Path.DirectorySeparatorChar, "", StringComparison.Ordinal).Replace(folder, "OUT", StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A command, what it prints and its exit code.</summary>
    public static string Show(string command, Func<Terminal, int> run)
    {
        var (output, exit) = Print(run);
        return $"$ grouprl {command}\n{output}exit {exit}";
    }

    /// <summary>What a command prints, and its exit code.</summary>
    public static (string Output, int Exit) Print(Func<Terminal, int> run)
    {
        using var output = new StringWriter();
        int exit = run(new(output, TextWriter.Null, plainOutput: true, plainError: true));
        return (output.ToString(), exit);
    }
}
