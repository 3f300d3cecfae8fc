using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Xunit;

/// <summary>An objective of known parts before every claim about objectives: derive from it, supply the objective, and each claim is a test.</summary>
public abstract class ObjectiveContract : ClaimContract
{
    /// <summary>The objective.</summary>
    protected abstract SurrogateObjective Objective { get; }

    /// <summary>The optimizer of the claims about training.</summary>
    protected virtual Optimizer Optimizer => OptimizerCatalogue.TrlAdamW;

    /// <summary>The ids of the claims.</summary>
    public static TheoryData<string> Claims => [.. Ledger.ObjectiveClaims.Select(claim => claim.Id), .. Ledger.TrainingClaims.Select(claim => claim.Id)];

    /// <summary>A claim is kept, or refuted as expected.</summary>
    [SkippableTheory]
    [MemberData(nameof(Claims))]
    public void Keeps(string claim) => Judge(
        Ledger.ObjectiveRows(Name, Objective).Concat(Ledger.TrainingRows(Name, Objective, Optimizer)).First(row => row.Claim.Id == claim));

    /// <summary>Whatever is expected is expected of a claim that there is.</summary>
    [Fact]
    public void ExpectsNothingOfUnknownClaims() => RefuseUnknown(Ledger.ObjectiveClaims.Select(claim => claim.Id).Concat(Ledger.TrainingClaims.Select(claim => claim.Id)));
}
