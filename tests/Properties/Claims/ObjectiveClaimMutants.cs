using System.Collections.Immutable;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Properties.Objectives;

namespace GroupRL.Properties.Claims;

/// <summary>Objectives, and trainings, that promise what a claim of families P, S and M asks for and do not keep it.</summary>
internal static class ObjectiveClaimMutants
{
    private static readonly SurrogateObjective s_rowCispo = Catalogue.Grpo with { Kernel = new ClippedImportance(0, 5) };

    public static ImmutableArray<(string Claim, string Fault, SurrogateObjective Objective)> Objectives { get; } =
    [
        ("prefix-factorisation", "a slope one part in 10⁹ off", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), 1 + 1e-9))),
        ("prefix-factorisation", "no gradient at the ratio 1 for A < 0", Shaped(Catalogue.Dapo, (clip, r, a) => r == 1 && a < 0 ? (a, 0) : clip.At(r, a))),
        ("prefix-drift-direction", "a kernel of the wrong sign", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), -1))),
        ("prefix-drift-direction", "negative advantages five times stronger", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), a < 0 ? 5 : 1))),
        ("prefix-clip-asymmetry", "a gradient that leaks 1e−9 of itself beyond the bounds", Shaped(Catalogue.Dapo, (clip, r, a) => a != 0 && clip.Kills(r, a) ? (0, 1e-9 * r * a) : clip.At(r, a))),
        ("prefix-clip-asymmetry", "no gradient on either side of the range, for either sign", Shaped(Catalogue.DrGrpo, (clip, r, a) => (clip.At(r, a).Value, r < clip.Low || r > clip.High ? 0 : r * a))),
        ("prefix-off-policy-neutrality", "negative advantages 3 % stronger off-policy", Catalogue.Cispo with { Kernel = BySign(Catalogue.Cispo.Kernel, 1.03) }),
        ("prefix-off-policy-neutrality", "a correction of whole rows under the promise of a token's", Catalogue.Cispo with { Correction = new FormulaWeight(TokenWeight.One.Traits, (b, i) => Math.Exp(b[Column.Logp][b.Row(i).Start.Value] - b[Column.OldLogp][b.Row(i).Start.Value] - (0.1 * b.Length(i)))) }),
        ("prefix-regulariser-residue", "a penalty of alternating sign", Catalogue.Grpo with { Regularisers = [new KlPenalty(KlEstimator.K1, 0.04) { Weight = new FormulaWeight(TokenWeight.One.Traits, (b, i) => i % 2 == 0 ? 1 : -1) }] }),
        ("advantage-shift-invariance", "a baseline one part in 10⁶ too low", Catalogue.DrGrpo with { Advantage = new FormulaUnderName(new MeanBaseline(), (r, all) => r - (all.Average() * (1 - 1e-6))) }),
        ("advantage-shift-invariance", "a leave-one-out mean over all completions", Catalogue.Rloo with { Advantage = new FormulaUnderName(new LeaveOneOut(), (r, all) => r - ((all.Sum() - r) / all.Length)) }),
        ("advantage-scale", "an ε that is not said", Catalogue.Grpo with { Advantage = new FormulaUnderName(new StandardScore(), (r, all) => (r - all.Average()) / (Spread(all) + 1e-4)) }),
        ("advantage-scale", "no standard deviation under the name of one", Catalogue.Grpo with { Advantage = new FormulaUnderName(new StandardScore(), (r, all) => r - all.Average()) }),
        ("coefficient-homogeneity", "a slope that saturates in A", Shaped(Catalogue.DrGrpo, (clip, r, a) => (clip.At(r, a).Value, clip.At(r, a).Slope / (1 + Math.Abs(a))))),
        ("coefficient-homogeneity", "a mask by the size of A", Catalogue.DrGrpo with { Correction = new BySize(a => a > 1 ? 0 : 1) }),
        ("no-hard-stop", "a cap beyond which there is no gradient", Catalogue.Cispo with { Kernel = new FormulaKernel(Catalogue.Cispo.Kernel, p => p.FrozenRatio > 5 ? (0, 0) : (p.FrozenRatio * p.Advantage * p.Logp, p.FrozenRatio * p.Advantage)) }),
        ("no-hard-stop", "a soft gate that ends", PaperForms.Sapo with { Kernel = new FormulaKernel(PaperForms.Sapo.Kernel, p => Math.Abs(p.Logp - p.Old) > 2 ? (0, 0) : (p.Advantage, p.Advantage)) }),
        ("on-policy-value", "negative advantages worth 1 % more", Shaped(Catalogue.Grpo, (clip, r, a) => (clip.At(r, a).Value * (a < 0 ? 1.01 : 1), clip.At(r, a).Slope))),
        ("on-policy-value", "weights 1/(n + 1)", Weighted(Catalogue.Grpo, (b, i) => 1.0 / (b.Length(i) + 1))),
        ("on-policy-equivalence", "a slope one part in 10⁹ off", Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), 1 + 1e-9))),
        ("on-policy-equivalence", "a mean without its 1/n", Catalogue.Gspo with { Kernel = new OnPolicyUnit(new ChangedCoefficients((RowKernel)Catalogue.Gspo.Kernel, (n, c) => n * c)) }),
        ("length-credit", "weights 1/(1000 + n) under the promise of a constant", Weighted(Catalogue.DrGrpo, (b, i) => 1.0 / (1000 + b.Length(i)))),
        ("padding-invariance", "weights 1/T", Weighted(Catalogue.Grpo, (b, i) => 1.0 / b.FullLength(i))),
        ("group-isolation", "a baseline with a tenth of the next group's", Catalogue.DrGrpo with { Advantage = new LeakyBaseline() }),
        ("group-isolation", "a token mean over the batch under the promise of one over the group", Weighted(Catalogue.Dapo, (b, i) => 1.0 / b.Tokens)),
        ("finiteness", "a third completion that is taken for granted", Catalogue.Grpo with { Advantage = new FormulaUnderName(new MeanBaseline(), (r, all) => r - all[2]) }),
        ("split-mean-of-means", "a mean over the squared number of rows", Catalogue.DrGrpo with { Weight = new WeightOfShare(Share.Prompts, (b, i) => 1.0 / ((double)b.Rows * b.Rows)) }),
        ("split-row-weighted", "a token mean under the name of a row mean", Catalogue.DrGrpo with { Weight = new WeightOfShare(Share.Rows, (b, i) => 1.0 / b.Tokens) }),
        ("split-token-weighted", "a row mean under the name of a token mean", Catalogue.DrGrpo with { Weight = new WeightOfShare(Share.Tokens, (b, i) => 1.0 / b.Rows) }),
        ("split-sum", "a mean over rows under the name of a sum", Catalogue.DrGrpo with { Weight = new WeightOfShare(Share.Whole, (b, i) => 1.0 / b.Rows) }),
        ("split-within-group", "a mean over the group under the name of one over all rows", Catalogue.DrGrpo with { Weight = new WeightOfShare(Share.Rows, (b, i) => 1.0 / b.Rows / b.GroupSize(b.GroupOf(i))) }),
        ("equal-rewards-rounding", "a spread half as large", TrlFlavours.Grpo with { Advantage = new FormulaUnderName((RowAdvantage)TrlFlavours.Grpo.Advantage, (r, all) => 2 * (r - all.Average()) / (Spread(all) + 1e-18)) }),
    ];

    public static ImmutableArray<(string Claim, string Fault, Training Training)> Trainings { get; } =
    [
        ("prefix-adam-amplification", "a kernel of the wrong sign", new(Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), -1)), OptimizerCatalogue.TrlAdamW)),
        ("prefix-adam-amplification", "negative advantages five times stronger", new(Shaped(Catalogue.Grpo, (clip, r, a) => Times(clip.At(r, a), a < 0 ? 5 : 1)), OptimizerCatalogue.Adam)),
        ("prefix-covariance-drift", "negative advantages 3 % stronger", new(s_rowCispo with { Kernel = BySign(s_rowCispo.Kernel, 1.03) }, OptimizerCatalogue.Sgd)),
        ("prefix-covariance-drift", "the same under Adam", new(s_rowCispo with { Kernel = BySign(s_rowCispo.Kernel, 1.03) }, OptimizerCatalogue.Adam)),
        ("end-to-end-scale", "an ε that is not said", new(Catalogue.Grpo with { Advantage = new FormulaUnderName(new StandardScore(), (r, all) => (r - all.Average()) / (Spread(all) + 1e-4)) }, OptimizerCatalogue.Sgd)),
        ("end-to-end-scale", "a slope that saturates in A, under signs", new(Shaped(Catalogue.DrGrpo, (clip, r, a) => (clip.At(r, a).Value, clip.At(r, a).Slope + (a > 5 ? -2 * r * a : 0))), OptimizerCatalogue.SignSgd)),
        ("crossing-overshoot", "steps twice as long as promised", new(Catalogue.Grpo, OptimizerCatalogue.Adam with { Chain = [.. OptimizerCatalogue.Adam.Chain.Select(link => link is ScaleByAdam adam ? new LongAdam(adam) : link)] })),
        ("regulariser-breaks-scale", "a penalty that grows with the advantage", new(Catalogue.DrGrpo with { Regularisers = [new KlPenalty(KlEstimator.K3, 0.04) { Where = new BySize(a => a) }] }, OptimizerCatalogue.Adam)),
    ];

    private static SurrogateObjective Weighted(SurrogateObjective objective, Func<RolloutBatch, int, double> formula) =>
        objective with { Weight = new FormulaWeight(objective.Weight.Traits, formula) };

    private static SurrogateObjective Shaped(SurrogateObjective objective, Func<Clip, double, double, (double Value, double Slope)> formula) =>
        objective with { Kernel = new TokenRatio(new FormulaShape(objective.Kernel.Region!, formula)) };

    private static (double Value, double Slope) Times((double Value, double Slope) right, double factor) => (factor * right.Value, factor * right.Slope);

    private static FormulaKernel BySign(Kernel right, double factor) => new(right, p =>
    {
        double slope = Math.Min(p.FrozenRatio, 5) * p.Advantage * (p.Advantage < 0 ? factor : 1);
        return (slope * p.Logp, slope);
    });

    private static double Spread(double[] rewards) => Math.Sqrt(rewards.Sum(r => (r - rewards.Average()) * (r - rewards.Average())) / (rewards.Length - 1));

    /// <summary>A group's advantages by any formula, with all promises of another advantage.</summary>
    private sealed record FormulaUnderName(RowAdvantage Said, Func<double, double[], double> Formula) : RowAdvantage
    {
        public override Traits Traits => Said.Traits;

        public override StandardScore? AsScore() => Said.AsScore();

        public override double? LargestFactor => Said.LargestFactor;

        public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => Said.RowsUnder(scale) is var (_, degree) ? (this, degree) : null;

        public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) =>
            new FormulaAdvantage(Formula).FillRows(batch, rewards, advantages);
    }

    /// <summary>A factor by the size of each token's advantage.</summary>
    private sealed record BySize(Func<double, double> Factor) : TokenWeight
    {
        public override Traits Traits => One.Traits;

        public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
        {
            for (int t = 0; t < weights.Length; t++)
                weights[t] = Factor(Math.Abs(advantages[t]));
        }
    }

    /// <summary>Weights by any formula that say by which share parts add up.</summary>
    private sealed record WeightOfShare(Share Said, Func<RolloutBatch, int, double> Formula) : TokenWeight
    {
        public override Traits Traits => Traits.UniformWeight;

        public override Share Share => Said;

        public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) =>
            new FormulaWeight(Traits, Formula).Fill(batch, advantages, weights);
    }

    /// <summary>Adam with steps twice as long.</summary>
    private sealed record LongAdam : ScaleByAdam
    {
        public LongAdam(ScaleByAdam right) : base(right)
        {
        }

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
        {
            var (next, direction) = base.Apply(state, update, theta);
            return (next, [.. direction.Select(u => 2 * u)]);
        }
    }

    /// <summary>A kernel that says its on-policy gain is 1.</summary>
    private sealed record OnPolicyUnit(RowKernel Inner) : RowKernel
    {
        public override Traits Traits => Inner.Traits;

        public override RatioLevel Ratio => Inner.Ratio;

        public override double? OnPolicyGain => 1;

        public override double Row(in RowView row, Span<double> coefficients) => Inner.Row(row, coefficients);
    }
}
