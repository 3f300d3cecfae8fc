using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>What <c>falsify</c> found out about a candidate: what every form of its report is written from.</summary>
/// <param name="Candidate">The candidate.</param>
/// <param name="Rows">Every claim against it.</param>
internal sealed record Judgement(Candidate Candidate, ImmutableArray<Judged> Rows)
{
    /// <summary>The classes in the order of reports, each with its heading.</summary>
    public static ImmutableArray<(ClaimClass Class, string Heading)> Classes { get; } =
    [
        (ClaimClass.Contract, "contract: what every sound design keeps"),
        (ClaimClass.Theory, "theory: the biases that a design may choose"),
    ];

    /// <summary>What the command ends with.</summary>
    public int Exit => Rows.Any(row => row.Surprise && row.Counts) ? ExitCode.Refuted
        : Rows.Any(row => row.Verdict.Kind == VerdictKind.Undecided && row.Counts) ? ExitCode.Undecided
        : ExitCode.Kept;

    /// <summary>The refutations that are told in full: a choice of the design needs no case.</summary>
    public IEnumerable<Judged> Refutations => Rows.Where(row => row.Refuted && !row.Describing);

    /// <summary>Whether the loss does not answer as what it is meant to be.</summary>
    public bool Differs => Candidate.Loss?.Oracle is not null && Rows.Any(row => row.Refuted && row.Claim == Likeness.Gradient);

    /// <summary>The outcome in a sentence.</summary>
    public string Summary => Exit switch
    {
        ExitCode.Refuted => $"Not as expected: {List(row => row.Surprise && row.Counts)}.",
        ExitCode.Undecided => $"Undecided: {List(row => row.Verdict.Kind == VerdictKind.Undecided)}.",
        _ when Rows.Any(row => row.Reason is not null) => "Every verdict is as expected.",
        _ when Rows.FirstOrDefault(row => row.Surprise) is { Claim.Class: var other } => $"The {Word(other == ClaimClass.Theory ? ClaimClass.Contract : ClaimClass.Theory)} is kept.",
        _ => "Nothing was refuted.",
    };

    /// <summary>The rows of a class.</summary>
    public ImmutableArray<Judged> Of(ClaimClass kind) => [.. Rows.Where(row => row.Claim.Class == kind)];

    /// <summary>A class in a word.</summary>
    public static string Word(ClaimClass kind) => kind.ToString().ToLowerInvariant();

    private string List(Func<Judged, bool> which) => string.Join(", ", Rows.Where(which).Select(row => row.Claim.Id));
}
