using GroupRL.Claims;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Xunit;

/// <summary>An optimizer of which nothing is known but the way it takes before every law of optimizers: derive from it, supply the optimizer, and each law is a test.</summary>
public abstract class BlackBoxOptimizerContract : ClaimContract
{
    /// <summary>The optimizer.</summary>
    protected abstract IOptimizer Optimizer { get; }

    /// <summary>The optimizer and what is held against it: override it to say what it is meant to be, what it promises, or how precisely it computes.</summary>
    protected virtual OptimizerSubject Subject => new(Optimizer);

    /// <inheritdoc/>
    protected override string Name => Optimizer.Name;

    /// <summary>The ids of the laws.</summary>
    public static TheoryData<string> Claims => [.. OptimizerLaws.Claims.Select(claim => claim.Id)];

    /// <summary>A law is kept, or refuted as expected.</summary>
    [SkippableTheory]
    [MemberData(nameof(Claims))]
    public void Keeps(string claim) => Judge(OptimizerLaws.Find(claim)!.Against(Subject, Name, ""));

    /// <summary>Whatever is expected is expected of a law that there is.</summary>
    [Fact]
    public void ExpectsNothingOfUnknownClaims() => RefuseUnknown(OptimizerLaws.Claims.Select(claim => claim.Id));
}
