using Xunit;

namespace GroupRL.Properties.Deploy;

/// <summary>A fact about a script; skipped, with the reason, where scripts do not run.</summary>
internal sealed class BashFactAttribute : FactAttribute
{
    public BashFactAttribute() => Skip = Reason;

    internal static string? Reason => OperatingSystem.IsWindows() ? "the scripts are for the machines of a cluster, which run no Windows" : null;
}

/// <summary>A theory about a script; skipped, with the reason, where scripts do not run.</summary>
internal sealed class BashTheoryAttribute : TheoryAttribute
{
    public BashTheoryAttribute() => Skip = BashFactAttribute.Reason;
}
