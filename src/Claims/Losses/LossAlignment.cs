using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Policies;
using TinyClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Claims.TinyCase>;

namespace GroupRL.Claims;

/// <summary>Where a loss that only answers points on average: E[∇J] beside ∇E[R], every group of a tiny policy asked for.</summary>
public static class LossAlignment
{
    // Each case asks for a dozen groups a prompt.
    private const int CostOfEnumeration = 10;

    /// <summary>One prompt.</summary>
    public static TinyClaim OnePrompt { get; } = Of(Alignment.OnePrompt, new() { Quick = true });

    /// <summary>Two prompts of different pass rates.</summary>
    public static TinyClaim TwoPrompts { get; } = Of(Alignment.TwoPrompts, new() { Quick = true, Binary = true, Prompts = 2 });

    private static TinyClaim Of(Claim<SurrogateObjective, TinyCase> claim, TinyDomain domain) => new()
    {
        Id = claim.Id,
        Family = claim.Family,
        Statement = claim.Statement,
        Hypotheses = claim.Hypotheses,
        Source = claim.Source,
        Consequence = claim.Consequence,
        Quantity = "what the best multiple of ∇E[R] leaves of E[∇J]",
        Cost = CostOfEnumeration,
        Missing = subject => subject.Design is { } design ? claim.Missing(design) : LossLaw.Lacks(subject, LossPromises.AnyGroupSize | LossPromises.KlStationary),
        Expect = subject => subject.Design is { } design ? claim.Expect(design) : Expectation.Holds("no bias of the design is known"),
        Domain = _ => domain,
        Measure = Left,
        Why = (subject, value, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"E[∇J] and ∇E[R] have cosine {Comparison.Of(ExpectedGradient.OfReward(value.Prompts).AsSpan(), Expected(subject, value).Gradient.AsSpan()).Cosine:G8}: {worst.Measured:G4} of E[∇J] is no multiple of ∇E[R]"),
    };

    private static Measurement Left(LossSubject subject, TinyCase value)
    {
        var wanted = ExpectedGradient.OfReward(value.Prompts);
        var expected = Expected(subject, value);
        double factor = Math.Max(0, Alignment.Nearest(expected.Gradient, wanted));
        // Roundings as of any answer, of advantages that centring has made of rewards of size 3.
        double bound = subject.UnitRoundoff * (4096 + (256 * expected.Batches)) * (expected.Magnitude + value.Prompts.Max(prompt => prompt.Rewards.Max(Math.Abs)));
        var worst = new Measurement(0, bound);
        for (int j = 0; j < wanted.Length; j++)
            worst = worst.Worst(new(Math.Abs(expected.Gradient[j] - (factor * wanted[j])), bound, 0, j));
        return worst;
    }

    private static ExpectedGradient Expected(LossSubject subject, TinyCase value)
    {
        var signature = subject.Loss.Signature;
        ImmutableArray<Column> reads = [.. LossLaw.Cases(subject).Reads];
        return ExpectedGradient.Of(
            (batch, coefficients) => subject.Ask(batch).Coefficients.CopyTo(coefficients),
            (prompt, y) => prompt.Completion(y, reads, signature.Rewards, signature.GreedyRewards),
            subject.Promises.HasFlag(LossPromises.GroupIsolated),
            value.Prompts);
    }
}
