using System.Collections.Immutable;

namespace GroupRL.Checking;

/// <summary>What the search of a block found, or one run in several blocks: all that a verdict is made from.</summary>
public sealed record Findings
{
    /// <summary>The share of cases that every corner must get before "Holds" is said.</summary>
    public const double CoverageFloor = 0.01;

    /// <summary>How many cases were checked.</summary>
    public int Cases { get; init; }

    /// <summary>How many of them lay in each corner.</summary>
    public ImmutableSortedDictionary<string, int> Corners { get; init; } = ImmutableSortedDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <summary>How many of them the subject refused, which neither keep nor break the claim.</summary>
    public int Refused { get; init; }

    /// <summary>Why it refused the first of them; empty where it refused none.</summary>
    public string Refusal { get; init; } = "";

    /// <summary>Why a block had no cases at all; empty where each had some.</summary>
    public string Unbuilt { get; init; } = "";

    /// <summary>The case that breaks the claim; null where none was found.</summary>
    public Counterexample? Counterexample { get; init; }

    /// <summary>Whether every case was checked and kept the claim.</summary>
    public bool AllKept => Counterexample is null && Refused == 0 && Unbuilt.Length == 0;

    /// <summary>What one run finds in blocks, given in their order: their sum up to the first that fails, where it stops.</summary>
    public static Findings InOrder(IEnumerable<Findings> blocks)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        var corners = ImmutableSortedDictionary.CreateBuilder<string, int>(StringComparer.Ordinal);
        var sum = new Findings();
        foreach (var block in blocks)
        {
            foreach (var (corner, count) in block.Corners)
                corners[corner] = corners.GetValueOrDefault(corner) + count;
            sum = new()
            {
                Cases = sum.Cases + block.Cases,
                Refused = sum.Refused + block.Refused,
                Refusal = sum.Refusal.Length > 0 ? sum.Refusal : block.Refusal,
                Unbuilt = sum.Unbuilt.Length > 0 ? sum.Unbuilt : block.Unbuilt,
                Counterexample = block.Counterexample,
            };
            if (block.Counterexample is not null)
                break;
        }

        return sum with { Corners = corners.ToImmutable() };
    }

    /// <summary>The verdict: a counterexample refutes whatever else was found, and only cases that are all kept and reach every corner hold.</summary>
    public Verdict ToVerdict()
    {
        string missed = Corners.Where(corner => corner.Value < CoverageFloor * Cases)
            .Select(corner => FormattableString.Invariant($"the corner \"{corner.Key}\" was reached in {corner.Value} of {Cases} cases, below the floor of {CoverageFloor:P0}: more cases may reach it"))
            .FirstOrDefault("");
        return this switch
        {
            { Counterexample: not null } => Of(VerdictKind.Refuted),
            { Unbuilt.Length: > 0 } => Of(VerdictKind.Undecided, $"no case that keeps the hypotheses could be built: {Unbuilt}"),
            { Refused: > 0 } => Of(VerdictKind.Undecided, FormattableString.Invariant($"{Refused} of {Cases} cases were refused, the first because: {Refusal}")),
            _ => Of(missed.Length > 0 ? VerdictKind.Undecided : VerdictKind.Holds, missed),
        };

        Verdict Of(VerdictKind kind, string reason = "") => new() { Kind = kind, Cases = Cases, Corners = Corners, Reason = reason, Counterexample = Counterexample };
    }
}
