using GroupRL.Checking;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>A claim against a candidate: its verdict, and whether that was expected.</summary>
/// <param name="Row">The row.</param>
/// <param name="Verdict">Its verdict.</param>
/// <param name="Reason">Why a refutation was expected; null where none was.</param>
/// <param name="Counts">Whether what it finds decides the exit code.</param>
/// <param name="Saved">The counterexample's file; null where there is none.</param>
internal sealed record Judged(LedgerRow Row, Verdict Verdict, string? Reason, bool Counts, string? Saved)
{
    /// <summary>The claim.</summary>
    public Claim Claim => Row.Claim;

    /// <summary>The claim's id, and the optimizer's where there is one.</summary>
    public string Title => Row.Optimizer.Length > 0 ? $"{Claim.Id} ({Row.Optimizer})" : Claim.Id;

    /// <summary>Whether a counterexample was found.</summary>
    public bool Refuted => Verdict.Kind == VerdictKind.Refuted;

    /// <summary>A refutation that nobody expected, or an expected one that did not come.</summary>
    public bool Surprise => Verdict.Kind != VerdictKind.Undecided && Refuted != (Reason is not null) && !Describing;

    /// <summary>A refutation that tells what kind of objective this is, as the theory predicts.</summary>
    public bool Describing => Reason is null && Claim.Describes && (Verdict.Kind, Row.Expected.Kind) == (VerdictKind.Refuted, VerdictKind.Refuted);

    /// <summary>What was expected, where that explains the verdict; "" elsewhere.</summary>
    public string Note => this switch
    {
        { Describing: true } => $"by design: {Row.Expected.Because}",
        { Reason: null } => "",
        { Surprise: true } => "EXPECTED TO BE REFUTED",
        _ => $"expected: {Reason}",
    };

    /// <summary>The evidence behind the verdict, and what was expected.</summary>
    public string Evidence => Report.Evidence(Claim, Verdict) + (Note.Length > 0 ? $" · {Note}" : "");
}
