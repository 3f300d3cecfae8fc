using System.Collections.Immutable;
using GroupRL.Objectives;
using GroupRL.Properties.Objectives;

namespace GroupRL.Properties.Claims;

/// <summary>Objectives that break the claims on expected gradients while their parts promise to keep them.</summary>
internal static class EnumerationMutants
{
    public static ImmutableArray<(string Claim, string Fault, SurrogateObjective Objective)> All { get; } =
    [
        ("expected-gradient-alignment", "a weight 1/length under the promise of one number", Weighted(Catalogue.DrGrpo, (b, i) => 1.0 / b.Length(i))),
        ("expected-gradient-alignment", "a last token one part in 10⁹ heavier", Catalogue.Rloo with { Weight = new ChangedWeight(new RowSum(), (b, t, alpha) => IsLast(b, t) ? alpha * (1 + 1e-9) : alpha) }),
        ("expected-gradient-alignment", "a standard deviation under the slope of a mean baseline", Catalogue.DrGrpo with { Advantage = new OtherSlope(new StandardScore(), new MeanBaseline()) }),
        ("expected-gradient-alignment", "a mean baseline under the slope of the others' mean", Catalogue.Rloo with { Advantage = new OtherSlope(new MeanBaseline(), new LeaveOneOut()) }),
        ("expected-gradient-alignment", "a slope of the kernel one part in 10⁹ off", Catalogue.DrGrpo with { Kernel = new TokenRatio(new FormulaShape(Catalogue.DrGrpo.Kernel.Region!, (clip, r, a) => (clip.At(r, a).Value, clip.At(r, a).Slope * (1 + 1e-9)))) }),
        ("expected-gradient-alignment-binary", "a weight 1/length under the promise of one number", Weighted(PaperForms.Luspo, (b, i) => 1.0 / b.Length(i))),
        ("expected-gradient-alignment-binary", "a baseline weighted by length under the promise to see none", PaperForms.Luspo with { Advantage = new OtherSlope(new LengthWeightedBaseline(), new StandardScore()) }),
        ("expected-gradient-alignment-prompts", "a standard deviation under the slope of a mean baseline", Catalogue.DrGrpo with { Advantage = new OtherSlope(new StandardScore(), new MeanBaseline()) }),
        ("expected-gradient-alignment-prompts", "the first prompt weighed apart", Weighted(Catalogue.Rloo, (b, i) => b.GroupOf(i) == 0 ? 1 : 1 + 1e-9)),
        ("prompt-weighting", "the population's standard deviation under the factor of the sample's", PaperForms.Luspo with { Advantage = new OtherSlope(new StandardScore { Ddof = 0 }, new StandardScore()) }),
        ("prompt-weighting", "an ε of 10⁻⁹ that is not said", PaperForms.Luspo with { Advantage = new OtherSlope(new StandardScore { Epsilon = 1e-9 }, new StandardScore()) }),
        ("weight-trilemma", "a kernel that undoes its weight 1/length", Catalogue.DrGrpo with { Weight = new RowMean(), Kernel = new ChangedCoefficients(new SequenceRatio(RatioLevel.SequenceMean, new Unclipped()), (n, c) => n * c) }),
        ("weight-trilemma", "one number for every token, of which the kernel gets 1/length", Catalogue.Rloo with { Weight = new RowMean(), Kernel = new ChangedCoefficients(new LogLikelihood(), (n, c) => n * c) }),
    ];

    private static SurrogateObjective Weighted(SurrogateObjective objective, Func<RolloutBatch, int, double> formula) =>
        objective with { Weight = new FormulaWeight(objective.Weight.Traits, formula) };

    private static bool IsLast(RolloutBatch batch, int token) => Enumerable.Range(0, batch.Rows).Any(i => batch.Row(i).End.Value == token + 1);

    /// <summary>An advantage that promises, and says of its factor and its slope, what another would.</summary>
    private sealed record OtherSlope(RowAdvantage Inner, Advantage Said) : RowAdvantage
    {
        public override Traits Traits => Said.Traits;

        public override double? Factor(in RewardMoments moments) => Said.Factor(moments);

        public override double? ExpectedSlope(int count) => Said.ExpectedSlope(count);

        public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) => Inner.FillRows(batch, rewards, advantages);
    }
}
