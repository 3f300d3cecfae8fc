using GroupRL.Claims;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Xunit;

/// <summary>An optimizer of known links before every claim about optimizers: derive from it, supply the optimizer, and each claim is a test.</summary>
public abstract class OptimizerContract : ClaimContract
{
    /// <summary>The optimizer.</summary>
    protected abstract Optimizer Optimizer { get; }

    /// <inheritdoc/>
    protected override string Name => Optimizer.Id;

    /// <summary>The ids of the claims.</summary>
    public static TheoryData<string> Claims => [.. Ledger.OptimizerClaims.Select(claim => claim.Id)];

    /// <summary>A claim is kept, or refuted as expected.</summary>
    [SkippableTheory]
    [MemberData(nameof(Claims))]
    public void Keeps(string claim) => Judge(Ledger.OptimizerRows(Optimizer).First(row => row.Claim.Id == claim));

    /// <summary>Whatever is expected is expected of a claim that there is.</summary>
    [Fact]
    public void ExpectsNothingOfUnknownClaims() => RefuseUnknown(Ledger.OptimizerClaims.Select(claim => claim.Id));
}
