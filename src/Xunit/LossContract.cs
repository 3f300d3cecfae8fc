using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Xunit;

/// <summary>A loss of which nothing is known but its answers before every law of losses: derive from it, supply the loss, and each law is a test.</summary>
public abstract class LossContract : ClaimContract
{
    /// <summary>The loss.</summary>
    protected abstract ILoss Loss { get; }

    /// <summary>The loss and what is held against it: override it to say what the loss is meant to be, what it promises, or how precisely it computes.</summary>
    protected virtual LossSubject Subject => new(Loss);

    /// <inheritdoc/>
    protected override string Name => Loss.Signature.Name;

    /// <summary>The ids of the laws.</summary>
    public static TheoryData<string> Claims => [.. Laws.Select(claim => claim.Id)];

    /// <summary>A law is kept, or refuted as expected.</summary>
    [SkippableTheory]
    [MemberData(nameof(Claims))]
    public void Keeps(string claim)
    {
        var subject = Subject;
        Judge(LossLaws.Find(claim)!.Against(subject with { Loss = new CheckedLoss(subject.Loss) }, Name, ""));
    }

    /// <summary>Whatever is expected is expected of a law that there is.</summary>
    [Fact]
    public void ExpectsNothingOfUnknownClaims() => RefuseUnknown(Laws.Select(claim => claim.Id));

    private static IEnumerable<Claim> Laws => LossLaws.OfLikeness.Concat(LossLaws.Claims);
}
