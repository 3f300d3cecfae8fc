using GroupRL.Cli;

namespace GroupRL.Snapshots;

/// <summary>Runs the command in this process, as if its output went to a file.</summary>
internal static class Grouprl
{
    private static readonly string Root = Snapshot.FolderOf("Verify.sln");

    /// <summary>The output of a command; paths are shown from the root of the repository, and <c>OUT</c> is a fresh folder.</summary>
    public static string Run(params string[] args)
    {
        string folder = Directory.CreateTempSubdirectory("grouprl").FullName;
        try
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            string[] resolved = [.. args.Select(arg => arg switch
            {
                "OUT" => folder,
                _ when arg.StartsWith("examples/", StringComparison.Ordinal) => Path.Combine(Root, arg),
                _ => arg,
            })];
            int exit = CommandLine.Run(resolved, new Terminal(output, error, plainOutput: true, plainError: true));
            return $"$ grouprl {string.Join(' ', args)}\n{output}exit {exit}".Replace(Root + Path.DirectorySeparatorChar, "", StringComparison.Ordinal).Replace(folder, "OUT", StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
