using System.Collections.Immutable;

namespace GroupRL.Checking;

/// <summary>What was measured on one case, beside the bound that the claim sets.</summary>
/// <param name="Measured">The measured number; NaN keeps no bound.</param>
/// <param name="Bound">The bound.</param>
/// <param name="Group">The group it was measured in.</param>
/// <param name="Position">The token position (or step) it was measured at.</param>
/// <param name="AtLeast">Whether the bound is a lower one.</param>
public readonly record struct Measurement(double Measured, double Bound, int Group = 0, int Position = 0, bool AtLeast = false)
{
    /// <summary>Whether the bound is kept.</summary>
    public bool Holds => AtLeast ? Measured >= Bound : Measured <= Bound;

    /// <summary>The one of two measurements that is nearer to breaking its bound, or breaks it more; the other one where they are even.</summary>
    public Measurement Worst(in Measurement other) => Holds != other.Holds
        ? Holds ? other : this
        : Severity(other) >= Severity(this) ? other : this;

    private static double Severity(in Measurement m) => m switch
    {
        { Measured: double.NaN } => double.PositiveInfinity,
        { AtLeast: true } => m.Bound - m.Measured,
        { Measured: 0 } => 0,
        _ => m.Measured / m.Bound,
    };
}

/// <summary>What is said of a claim for one objective or optimizer.</summary>
public enum VerdictKind
{
    /// <summary>Not falsified in n cases that reached every corner.</summary>
    Holds,

    /// <summary>A counterexample exists.</summary>
    Refuted,

    /// <summary>A hypothesis is a trait that the subject lacks.</summary>
    NotApplicable,

    /// <summary>The search could not be completed: a corner was not reached, or a case could not be evaluated.</summary>
    Undecided,
}

/// <summary>A case that breaks a claim.</summary>
/// <param name="Case">The shrunk case.</param>
/// <param name="Measurement">What was measured on it.</param>
/// <param name="Why">One sentence of why, with the case's numbers.</param>
/// <param name="Point">Where the original case was built.</param>
/// <param name="Shrinks">How many steps of shrinking led to it.</param>
public sealed record Counterexample(object Case, Measurement Measurement, string Why, ReplayPoint Point, int Shrinks)
{
    /// <summary>Which part of a run found it; empty where there was one part alone.</summary>
    public string FoundBy { get; init; } = "";
}

/// <summary>A verdict and the evidence for it.</summary>
public sealed record Verdict
{
    /// <summary>The verdict.</summary>
    public required VerdictKind Kind { get; init; }

    /// <summary>That of a claim which does not speak of the subject, for a trait is missing.</summary>
    public static Verdict NotApplicable(string missing) => new() { Kind = VerdictKind.NotApplicable, Reason = missing };

    /// <summary>How many cases were checked.</summary>
    public int Cases { get; init; }

    /// <summary>The trait that is missing, or why the search is undecided; empty otherwise.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The counterexample of a refutation.</summary>
    public Counterexample? Counterexample { get; init; }

    /// <summary>How many cases lay in each corner.</summary>
    public ImmutableSortedDictionary<string, int> Corners { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>The 99 % upper bound on the domain's failure rate where the claim holds; null otherwise.</summary>
    public double? FailureRateBound => Kind == VerdictKind.Holds ? FailureRate.UpperBound99(Cases) : null;
}
