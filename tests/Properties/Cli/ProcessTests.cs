using System.Diagnostics;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>What a user runs, as processes of their own: a program of one file, and the tool from its package.</summary>
public sealed class ProcessTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private readonly string _folder = Directory.CreateTempSubdirectory("grouprl").FullName;

    // The one that this assembly was built in, so that nothing is built twice: bin/CONFIGURATION/net10.0.
    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    [Fact]
    public void A_program_of_one_file_judges_what_it_holds_and_replays_what_it_printed()
    {
        string program = Repository.Path("examples/csharp/my-objective.cs");
        var (exit, output) = Run("dotnet", "run", "-c", Configuration, program, "--", "--cases", "50");

        Assert.Contains("median-baseline", output, StringComparison.Ordinal);
        Assert.Equal(1, exit);
        string replay = output.Split('\n').First(line => line.Contains(" --replay prefix-neutrality@", StringComparison.Ordinal));
        string[] words = replay.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.Equal(["dotnet", "run", Path.GetRelativePath(_folder, program), "--", "--replay"], words[..5]);
        (exit, output) = Run("dotnet", ["run", "-c", Configuration, "--no-build", .. words[2..]]);
        Assert.Contains("prefix-neutrality · median-baseline", output, StringComparison.Ordinal);
        Assert.Equal(1, exit);
    }

    [Fact]
    public void The_tool_is_packed_installed_from_a_folder_and_run()
    {
        string[] projects = ["Objectives", "Optimizers", "Policies", "Checking", "Claims", "Trainer", "Xunit", "Cli"];
        string packages = Path.Combine(_folder, "packages");
        string all = Path.Combine(_folder, "all.proj");
        File.WriteAllText(all, $"""
            <Project>
              <ItemGroup>{string.Concat(projects.Select(name => $"""<Packed Include="{Repository.Path($"src/{name}/{name}.csproj")}" />"""))}</ItemGroup>
              <Target Name="Pack"><MSBuild Projects="@(Packed)" Targets="Pack" Properties="NoBuild=true;Configuration={Configuration};PackageOutputPath={packages}" /></Target>
            </Project>
            """);
        var (exit, output) = Run("dotnet", "msbuild", all, "-t:Pack", "-v:m");
        Assert.True(exit == 0, output);
        Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(
            projects.Select(name => $"GroupRL.{name}.0.1.0.nupkg").Append("grouprl.0.1.0.nupkg").Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(packages).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        // Nothing but that folder is asked: neither a gallery nor what this machine has installed before.
        string config = Path.Combine(_folder, "nuget.config");
        File.WriteAllText(config, $"""<configuration><packageSources><clear /><add key="packed" value="{packages}" /></packageSources></configuration>""");
        string tools = Path.Combine(_folder, "tools");
        (exit, output) = Run("dotnet", "tool", "install", "grouprl", "--tool-path", tools, "--add-source", packages, "--version", "0.1.0", "--configfile", config);
        Assert.True(exit == 0, output);

        string grouprl = Path.Combine(tools, OperatingSystem.IsWindows() ? "grouprl.exe" : "grouprl");
        (exit, output) = Run(grouprl, "check", "permutation-invariance", "--objective", "dr-grpo", "--batch", Repository.Path("examples/batches/rollouts.json"));
        Assert.Contains("permutation-invariance · dr-grpo", output, StringComparison.Ordinal);
        Assert.Equal(0, exit);
        (exit, output) = Run(grouprl, "falsify", $"{typeof(ProcessTests).Assembly.Location}#{typeof(Compiled.NegatedLoss).FullName}", "--cases", "20", "--out", _folder);
        Assert.Contains("\n  replay    grouprl replay ", output, StringComparison.Ordinal);
        Assert.Equal(1, exit);
    }

    private (int Exit, string Output) Run(string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // What the build that runs the tests told its own processes is not for others, and none of theirs is to outlive them: it would hold their output open.
        foreach (string variable in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(variable);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["NUGET_PACKAGES"] = command == "dotnet" && arguments[0] == "tool" ? Path.Combine(_folder, "cache") : Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{command} {string.Join(' ', arguments)} took longer than {s_limit}.");
        }

        return (process.ExitCode, output.Result + error.Result);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
