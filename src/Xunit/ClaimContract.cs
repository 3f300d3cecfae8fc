using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Cli;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Xunit;

/// <summary>What a subject is held to, as tests: what the contracts of objectives, losses and optimizers share.</summary>
public abstract class ClaimContract
{
    /// <summary>What messages call the subject; the cases that it is judged on derive from it and the claim's id.</summary>
    protected virtual string Name => GetType().Name;

    /// <summary>How many cases each claim gets.</summary>
    protected virtual int Cases => Profile.Ci.Cases;

    /// <summary>Claim → why its refutation is expected. An expected refutation that does not come fails, too.</summary>
    protected virtual IReadOnlyDictionary<string, string> Expected => ImmutableDictionary<string, string>.Empty;

    /// <summary>Judges a claim: passes where it is kept, or refuted as expected; is skipped where the claim does not speak of the subject.</summary>
    private protected void Judge(LedgerRow row)
    {
        var verdict = row.Judge(new(Cases));
        bool expected = Expected.TryGetValue(row.Claim.Id, out string? because);
        // Some claims only tell what kind of subject this is, and the theory knows which.
        bool byDesign = row.Claim.Describes && row.Expected.Kind == VerdictKind.Refuted;
        switch (verdict.Kind)
        {
            case VerdictKind.Refuted when !expected && !byDesign:
                throw new XunitException(Explanation.Of(row, Name, verdict.Counterexample!));
            case not VerdictKind.Refuted when expected:
                throw new XunitException(Explanation.OfVanished(row, Name, verdict, because!));
            case VerdictKind.Undecided:
                throw new XunitException($"{row.Claim.Id} is undecided for {Name}: {verdict.Reason}.");
            case VerdictKind.NotApplicable:
                Skip.If(true, $"{row.Claim.Id} does not speak of {Name}: it needs {verdict.Reason}.");
                break;
        }
    }

    /// <summary>Fails where something is expected of what is no claim about such a subject.</summary>
    private protected void RefuseUnknown(IEnumerable<string> claims)
    {
        string[] known = [.. claims];
        if (Expected.Keys.FirstOrDefault(claim => !known.Contains(claim)) is { } unknown)
            throw new XunitException($"Expected speaks of \"{unknown}\", which is no claim about such a subject; known are {Nearest.List(unknown, known, "")}.");
    }
}
