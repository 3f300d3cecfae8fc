using System.Diagnostics;
using Xunit;

namespace GroupRL.Properties.Losses;

/// <summary>The Python interpreters of this machine: any, and one that has torch.</summary>
internal static class Python
{
    // Debian's torch belongs to Debian's interpreter, which need not be the first on the path.
    private static readonly string[] s_candidates = [.. new[] { Environment.GetEnvironmentVariable("GROUPRL_PYTHON") ?? "python3", "python3", "/usr/bin/python3" }.Distinct()];

    private static readonly Lazy<string?> s_plain = new(() => s_candidates.FirstOrDefault(python => Runs(python, "pass")));

    // Found, not imported, which takes a second. A torch that cannot be imported fails the tests, and is not skipped.
    private static readonly Lazy<string?> s_torch = new(() => s_candidates.FirstOrDefault(
        python => Runs(python, "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)")));

    /// <summary>An interpreter; null where there is none.</summary>
    public static string? Plain => s_plain.Value;

    /// <summary>One that has torch; null where none has.</summary>
    public static string? Torch => s_torch.Value;

    /// <summary>The command that runs a script of the checkout.</summary>
    public static string Command(string python, string script, string arguments = "") => $"{python} -B \"{Repository.Path(script)}\" {arguments}".TrimEnd();

    private static bool Runs(string python, string code)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(python, ["-c", code]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A theory that needs Python.</summary>
internal sealed class PythonTheoryAttribute : TheoryAttribute
{
    public PythonTheoryAttribute() => Skip = Python.Plain is null ? "needs python3 on the path (or GROUPRL_PYTHON naming an interpreter)" : null;
}

/// <summary>A fact that needs Python.</summary>
internal sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute() => Skip = Python.Plain is null ? "needs python3 on the path (or GROUPRL_PYTHON naming an interpreter)" : null;
}

/// <summary>A theory that needs torch.</summary>
internal sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute() => Skip = Python.Torch is null ? "needs a python3 with torch: apt-get install python3-torch (or GROUPRL_PYTHON naming an interpreter that has it)" : null;
}

/// <summary>A fact that needs torch.</summary>
internal sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute() => Skip = Python.Torch is null ? "needs a python3 with torch: apt-get install python3-torch (or GROUPRL_PYTHON naming an interpreter that has it)" : null;
}
