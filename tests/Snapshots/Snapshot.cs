using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit;

namespace GroupRL.Snapshots;

/// <summary>
/// Compares text with <c>Type.Method.verified.txt</c> beside the tests. A difference leaves <c>Type.Method.received.txt</c>: look at it,
/// and rename it if the change is meant.
/// </summary>
internal static partial class Snapshot
{
    /// <summary>The folder of this project: the snapshots lie beside the sources.</summary>
    public static string Folder { get; } = FolderOf("Snapshots.csproj");

    public static void Verify(string text, object test, [CallerMemberName] string method = "") =>
        Compare($"{test.GetType().Name}.{method}", text.ReplaceLineEndings("\n").TrimEnd() + "\n");

    /// <summary>Snapshots without a test.</summary>
    public static IEnumerable<string> Orphans()
    {
        var names = Assembly.GetExecutingAssembly().GetTypes()
            .SelectMany(type => type.GetMethods().Where(method => method.GetCustomAttribute<FactAttribute>() is not null).Select(method => $"{type.Name}.{method.Name}"))
            .ToHashSet();
        return Directory.GetFiles(Folder, "*.verified.txt").Select(file => Path.GetFileName(file)[..^".verified.txt".Length]).Where(name => !names.Contains(name));
    }

    /// <summary>The nearest folder above the test assembly that holds <paramref name="marker"/>.</summary>
    public static string FolderOf(string marker)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, marker)))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds {marker}.");
    }

    /// <summary>The first line in which two texts differ, in both of them.</summary>
    public static string FirstDifference(string expected, string actual)
    {
        var (left, right) = (expected.Split('\n'), actual.Split('\n'));
        int line = left.Zip(right).TakeWhile(pair => pair.First == pair.Second).Count();
        return $"First difference at line {line + 1}:\n  verified: {left.ElementAtOrDefault(line)}\n  received: {right.ElementAtOrDefault(line)}";
    }
}

public sealed class SnapshotTests
{
    [Fact]
    public void Every_snapshot_belongs_to_a_test() => Assert.Empty(Snapshot.Orphans());
}
