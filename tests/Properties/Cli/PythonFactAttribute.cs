using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>A fact about a program in Python; skipped, with the reason, where there is none.</summary>
internal sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute()
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, "python3"))))
            Skip = "there is no python3 on the path";
    }
}
