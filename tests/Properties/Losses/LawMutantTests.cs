using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Losses.SpoiledLoss;

namespace GroupRL.Properties.Losses;

/// <summary>A law that nothing can fail says nothing: each is shown a loss that promises to keep it and does not, and one that does.</summary>
public class LawMutantTests
{
    private const int Cases = 400;

    private static readonly SurrogateObjective s_grpo = Catalogue.Find("trl:grpo")!.Objective;

    private static readonly SurrogateObjective s_drGrpo = Catalogue.DrGrpo with { Advantage = new MeanBaseline { Over = Counted.LiveRows } };

    private static readonly ImmutableArray<(string Law, string Fault, ILoss Loss)> s_mutants =
    [
        ("padding-garbage", "masked log-probs are counted in", Times(s_grpo, batch => 1 + (0.01 * Masked(batch, Column.OldLogp).Where(double.IsFinite).Sum()))),
        ("padding-garbage", "masked tokens get a gradient", Answered(s_grpo, (batch, cell, gradient) => batch.Mask[cell] ? gradient : 1e-3 * batch[Column.Logp]![cell])),
        ("padding-non-finite", "a mask that multiplies", Answered(s_grpo, (batch, _, gradient) => gradient + Masked(batch, Column.Logp).Sum(x => 0 * x))),
        ("padding-invariance", "a mean over the padded width", Times(s_grpo, batch => 1.0 / batch.Width)),
        ("square-batch", "advantages along columns where N = T", Answered(s_grpo, (batch, cell, gradient) => batch.Rows == batch.Width ? gradient * (1 + (cell % batch.Width)) : gradient)),
        ("one-token", "a column that is squeezed away", Answered(s_grpo, (batch, cell, gradient) => batch.Width == 1 ? gradient * (cell + 1) : gradient)),
        ("dead-row", "0/0 over a row without tokens", Times(s_grpo, batch => Rows(batch).Any(mask => !mask.Contains(true)) ? double.NaN : 1)),
        ("dead-group", "rows that are counted while the dead ones are sorted out", Answered(s_grpo, (batch, cell, gradient) => Labels(batch).Any(mask => !mask.Contains(true)) ? gradient * (1 + (cell / batch.Width)) : gradient)),
        ("lone-completion", "a standard deviation over one completion less than there are", Times(s_grpo, batch => batch.Groups.GroupBy(label => label).Any(rows => rows.Count() == 1) ? double.NaN : 1)),
        ("loss-sign", "a clip that stops what is good at ratio 1", Answered(s_grpo, (batch, _, gradient) => Math.Max(gradient, 0))),
        ("row-permutation", "a weight by the place in the batch", Answered(s_grpo, (batch, cell, gradient) => gradient * (1 + (0.01 * (cell / batch.Width))))),
        ("interleaved-groups", "groups cut off in a row", Asked(s_grpo, batch => batch with { Groups = [.. batch.Groups.Order()] })),
        ("group-isolation", "statistics of the batch", Asked(s_grpo, batch => batch with { Groups = new int[batch.Rows] })),
        ("duplicate-batch", "a mean that is divided by the rows once more", Times(s_grpo, batch => 1.0 / batch.Rows)),
        ("accumulation-invariance", "means of micro-batches, averaged", new SpoiledLoss(s_grpo, (batch, answer) => MeanOfMeans(batch, batch.Accumulation, answer))),
        ("device-invariance", "means of devices, averaged", new SpoiledLoss(s_grpo, (batch, answer) => MeanOfMeans(batch, batch.Devices, answer))),
        ("reward-shift", "a weight that counts rewards", Times(s_grpo, batch => 1 + (0.1 * batch.Rewards.Sum(own => own[0] ?? 0)))),
        ("reward-scale", "rewards that saturate", Rewarded(s_drGrpo, Math.Tanh)),
        ("reward-extremes", "a small spread taken for none", Times(s_grpo, batch => batch.Rewards.Max(own => Math.Abs(own[0] ?? 0)) is > 0 and < 1e-9 ? double.NaN : 1)),
        ("equal-rewards", "a standard deviation without ε", Answered(s_grpo, (batch, cell, gradient) => Group(batch, cell).Distinct().Count() == 1 ? double.NaN : gradient)),
        ("equal-rewards", "an advantage plus a constant", Answered(s_grpo, (batch, cell, gradient) => batch.Mask[cell] ? gradient - 1e-6 : gradient)),
        ("equal-rewards-inexact", "a standard deviation without ε", new ObjectiveLoss("computed", Catalogue.Grpo with { Advantage = new StandardScore { Equal = EqualRewards.AreComputed } })),
        ("loss-sign", "an objective that is minimised", Times(s_grpo, _ => -1)),
        ("advantage-bound", "a variance for a standard deviation", Answered(s_drGrpo, (batch, cell, gradient) => gradient / Math.Max(Variance(Group(batch, cell)), 1e-9))),
        ("importance-ratio", "the ratio inverted", Asked(Catalogue.Cispo, batch => batch.With(Column.OldLogp, [.. batch[Column.Logp]!.Zip(batch[Column.OldLogp]!, (logp, old) => (2 * logp) - old)]))),
        ("row-uniform", "advantages off by a token", Answered(s_grpo, (batch, cell, gradient) => cell % batch.Width == 0 && batch.Mask[cell] ? 2 * gradient : gradient)),
        ("coefficient-sign", "a gain that turns round far off-policy", Answered(s_grpo, (batch, cell, gradient) => batch[Column.Logp]![cell] - batch[Column.OldLogp]![cell] < -1 ? -gradient : gradient)),
        ("clip-pessimism", "a clip on both sides for either sign", Answered(s_grpo, (batch, cell, gradient) => Math.Abs(batch[Column.Logp]![cell] - batch[Column.OldLogp]![cell]) > 0.18 ? 0 : gradient)),
        ("clip-quadrants", "another upper bound", new Declared(s_grpo with { Kernel = new TokenRatio(Clip.Range(0.2, 0.28)) }, Clip.Range(0.2, 0.2))),
        ("clip-quadrants", "an upper bound that is the lower one's", new Declared(s_grpo with { Kernel = new TokenRatio(Clip.Range(0.28, 0.2)) }, Clip.Range(0.2, 0.28))),
        ("clip-quadrants", "a dual clip for A > 0 too", new Declared(s_grpo with { Kernel = new TokenRatio(Clip.Range(0.2, 0.2) with { Dual = 3 }) }, Clip.Range(0.2, 0.2))),
        ("kl-zero", "k1 for a loss", Penalised(KlEstimator.K1, 0.04, LossPromises.KlStationary)),
        ("kl-sign", "a penalty that is added", Penalised(KlEstimator.K3, -0.04, LossPromises.None)),
        ("kl-sign", "a penalty that is detached", Answered(With(KlEstimator.K3, 0.04), (batch, cell, gradient) => Group(batch, cell).Distinct().Count() == 1 ? 0 : gradient)),
        ("kl-non-negative", "k1 for a penalty", Penalised(KlEstimator.K1, 0.04, LossPromises.KlNonNegative)),
        ("kl-expectation", "k2 for an estimate of KL", Penalised(KlEstimator.K2, 0.04, LossPromises.KlUnbiased)),
        ("gradient-consistency", "a gradient 3 % off", Times(s_grpo, _ => 1.03)),
        ("finiteness", "an overflow far off-policy", Answered(s_grpo, (batch, cell, gradient) => batch[Column.Logp]![cell] - batch[Column.OldLogp]![cell] > 15 ? double.PositiveInfinity : gradient)),
        ("like-gradient", "a token mean for a mean of rows", new ObjectiveLoss("other", Catalogue.Find("trl:dapo")!.Objective)),
        ("like-loss", "a value plus a constant", new SpoiledLoss(s_grpo, (batch, answer) => answer(batch) is var sound ? sound with { Loss = sound.Loss + 1e-3 } : null!)),
        ("prefix-neutrality", "a mean of rows", new ObjectiveLoss("grpo", s_grpo)),
        ("prefix-masked-truncation", "a dead row whose reward counts", new ObjectiveLoss("dr-grpo", Catalogue.DrGrpo)),
        ("prefix-off-policy-neutrality", "a clip by sign", new ObjectiveLoss("dr-grpo", Catalogue.DrGrpo)),
        ("gradient-scale-blind", "advantages in units of reward", new ObjectiveLoss("dr-grpo", Catalogue.DrGrpo)),
        ("gradient-scale-proportional", "a standard deviation", new ObjectiveLoss("grpo", Catalogue.Grpo)),
        ("no-hard-stop", "a clip", new Unknown(Catalogue.Grpo)),
        ("on-policy-value", "rows of different mass", new ObjectiveLoss("dr-grpo", Catalogue.DrGrpo)),
        ("length-credit", "a mean of rows", new ObjectiveLoss("grpo", s_grpo)),
        ("expected-gradient-alignment", "a standard deviation and a mean of rows", new ObjectiveLoss("grpo", s_grpo)),
        ("expected-gradient-alignment-prompts", "a standard deviation", new ObjectiveLoss("grpo", Catalogue.Grpo)),
    ];

    public static TheoryData<string, string> Mutants
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var (law, fault, _) in s_mutants)
                rows.Add(law, fault);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Mutants))]
    public void A_law_refutes_a_loss_with_its_fault_by_a_case_that_fits_on_a_page(string law, string fault)
    {
        var (_, _, loss) = s_mutants.Single(mutant => (mutant.Law, mutant.Fault) == (law, fault));
        var verdict = LossLaws.Find(law)!.Against(Subject(law, loss), "mutant", "").Judge(new(Cases));

        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
        Assert.NotEmpty(verdict.Counterexample!.Why);
        if (verdict.Counterexample.Case is not RolloutBatch batch)
            return;
        Assert.InRange(batch.Groups, 1, 2);
        Assert.All(Enumerable.Range(0, batch.Groups), g => Assert.InRange(batch.GroupSize(g), 1, 3));
        // A batch of as many rows as columns is as large as its prompts.
        Assert.All(Enumerable.Range(0, batch.Rows), i => Assert.InRange(batch.FullLength(i), 1, 3));
    }

    [Fact]
    public void Every_law_has_a_mutant() =>
        Assert.Empty(LossLaws.OfLikeness.Concat(LossLaws.Claims).Select(claim => claim.Id).Except(s_mutants.Select(mutant => mutant.Law)));

    [Theory]
    [MemberData(nameof(Mutants))]
    public void A_law_holds_for_a_loss_without_the_fault(string law, string fault)
    {
        var sound = law switch
        {
            "prefix-neutrality" or "prefix-masked-truncation" or "length-credit" or "gradient-scale-proportional" or "expected-gradient-alignment" or "expected-gradient-alignment-prompts" => s_drGrpo,
            "prefix-off-policy-neutrality" or "no-hard-stop" => s_drGrpo with { Kernel = new ClippedImportance(0, 5) },
            "gradient-scale-blind" or "on-policy-value" => Catalogue.Grpo,
            _ when law.StartsWith("kl-", StringComparison.Ordinal) => With(KlEstimator.K3, 0.04),
            _ => s_grpo,
        };
        var verdict = LossLaws.Find(law)!.Against(Subject(law, new ObjectiveLoss("sound", sound)) with { Oracle = law.StartsWith("like", StringComparison.Ordinal) ? new ObjectiveLoss("itself", sound) : null }, "sound", "").Judge(new(Cases));

        Assert.True(verdict.Kind == VerdictKind.Holds, $"{law} beside \"{fault}\": {verdict.Kind} {verdict.Reason}{verdict.Counterexample?.Why}");
    }

    private static LossSubject Subject(string law, ILoss loss) => new(loss)
    {
        Oracle = law.StartsWith("like", StringComparison.Ordinal) ? new ObjectiveLoss("trl:grpo", s_grpo) : null,
    };

    private static SurrogateObjective With(KlEstimator estimator, double beta) => s_grpo with { Regularisers = [new KlPenalty(estimator, beta)] };

    private static Promising Penalised(KlEstimator estimator, double beta, LossPromises more) => new(With(estimator, beta), more);

    private static IEnumerable<double> Masked(PaddedBatch batch, Column column) => batch[column]!.Where((_, cell) => !batch.Mask[cell]);

    private static IEnumerable<bool[]> Rows(PaddedBatch batch) => batch.Mask.Chunk(batch.Width);

    private static IEnumerable<bool[]> Labels(PaddedBatch batch) => Enumerable.Range(0, batch.Rows).GroupBy(row => batch.Groups[row]).Select(rows => rows.SelectMany(row => Rows(batch).ElementAt(row)).ToArray());

    private static double[] Group(PaddedBatch batch, int cell) =>
        [.. Enumerable.Range(0, batch.Rows).Where(row => batch.Groups[row] == batch.Groups[cell / batch.Width]).Select(row => batch.Rewards[row][0] ?? 0)];

    private static double Variance(double[] values) => values.Average(x => x * x) - (values.Average() * values.Average());

    private static LossAnswer MeanOfMeans(PaddedBatch batch, ImmutableArray<int> parts, Func<PaddedBatch, LossAnswer> answer)
    {
        var whole = answer(batch with { Accumulation = [], Devices = [] });
        if (parts.IsEmpty)
            return whole;
        int[] part = [.. parts.SelectMany((rows, k) => Enumerable.Repeat(k, rows))];
        return whole with { Gradient = [.. whole.Gradient.Select((gradient, cell) => gradient * batch.Rows / (parts.Length * parts[part[cell / batch.Width]]))] };
    }

    /// <summary>An objective that promises more than its parts do.</summary>
    private sealed class Promising(SurrogateObjective objective, LossPromises more) : ILoss
    {
        private readonly ObjectiveLoss _loss = new("promising", objective);

        public LossSignature Signature => _loss.Signature with { Promises = _loss.Signature.Promises | more };

        public LossAnswer Evaluate(PaddedBatch batch) => _loss.Evaluate(batch);
    }

    /// <summary>An objective that declares another clip range than it has.</summary>
    private sealed class Declared(SurrogateObjective objective, Clip clip) : ILoss
    {
        private readonly ObjectiveLoss _loss = new("declared", objective);

        public LossSignature Signature => _loss.Signature with { Clip = clip };

        public LossAnswer Evaluate(PaddedBatch batch) => _loss.Evaluate(batch);
    }

    /// <summary>An objective that does not say what it is.</summary>
    private sealed class Unknown(SurrogateObjective objective) : ILoss
    {
        private readonly ObjectiveLoss _loss = new("unknown", objective);

        public LossSignature Signature => _loss.Signature with { Design = null };

        public LossAnswer Evaluate(PaddedBatch batch) => _loss.Evaluate(batch);
    }
}
