namespace GroupRL.Cli;

/// <summary>What the command ends with. Where several apply, usage wins over refuted, refuted over undecided.</summary>
internal static class ExitCode
{
    /// <summary>Nothing was refuted beyond what was declared as expected.</summary>
    public const int Kept = 0;

    /// <summary>Something was refuted that was not expected, or an expectation did not come true.</summary>
    public const int Refuted = 1;

    /// <summary>The command line or a file breaks a rule.</summary>
    public const int Usage = 2;

    /// <summary>A search could not be completed.</summary>
    public const int Undecided = 3;
}
