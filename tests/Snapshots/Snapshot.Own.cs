using Xunit;

namespace GroupRL.Snapshots;

/// <content>The comparison of a plain build. Under CI no file is written.</content>
internal static partial class Snapshot
{
    private static void Compare(string name, string actual)
    {
        string path = Path.Combine(Folder, name), verified = $"{path}.verified.txt", received = $"{path}.received.txt";
        string expected = File.Exists(verified) ? File.ReadAllText(verified) : "";
        if (actual == expected)
        {
            File.Delete(received);
            return;
        }

        if (Environment.GetEnvironmentVariable("CI") is null)
            File.WriteAllText(received, actual);
        Assert.Fail($"{Path.GetFileName(verified)} {(expected.Length == 0 ? "does not exist" : "differs")}. {FirstDifference(expected, actual)}\nReceived:\n{actual}");
    }
}
