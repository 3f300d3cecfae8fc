using System.Collections.Immutable;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>Every flavour and form of this family against a second derivation, and its coefficients against differences of both.</summary>
public class PolicyRegionTests
{
    private static readonly int[] s_seeds = [.. Enumerable.Range(1, 16)];

    // The values are sums of at most a hundred terms of size 1 to 10.
    private const double Rounding = 1e-11;

    // Central differences of step h have a truncation error of h²/6·|J‴| and a rounding error of 10⁻¹⁶/h.
    private const double Step = 1e-5;
    private const double DifferenceError = 1e-9;

    // A kink within the step would be differenced across.
    private const double KinkMargin = 10 * Step;

    private static readonly ImmutableArray<CatalogueEntry> s_entries =
        [.. VerlFlavours.All, .. OpenRlhfFlavours.All, .. PolicyRegionForms.All];

    public static TheoryData<string> Ids => [.. s_entries.Select(entry => entry.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_value_is_that_of_the_padded_formula_and_the_coefficients_are_its_differences(string id)
    {
        var objective = s_entries.Single(entry => entry.Id == id).Objective;
        int tokens = 0, live = 0;
        foreach (int seed in s_seeds)
        {
            var batch = Mismatched.Batch(seed);
            double[] logp = Batches.Moved(batch, seed), coefficients = new double[batch.Tokens];
            Assert.Equal(PaddedPolicyRegions.Value(id, batch, batch[Column.Logp].ToArray()), objective.Evaluate(batch).Value, Rounding);
            double value = objective.Evaluate(batch, logp, coefficients, new Workspace());
            Assert.Equal(PaddedPolicyRegions.Value(id, batch, logp), value, Rounding);
            for (int i = 0; i < batch.Rows; i++)
            {
                var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
                for (int t = start; t < start + length; t++)
                {
                    if (NearKink(objective, batch, logp, start, length, t))
                        continue;
                    double padded = Difference(x => PaddedPolicyRegions.Value(id, batch, x), logp, t);
                    double own = Difference(x => objective.Evaluate(batch, x, new double[batch.Tokens], new Workspace()), logp, t);
                    Assert.Equal(padded, coefficients[t], DifferenceError);
                    Assert.Equal(own, coefficients[t], DifferenceError);
                    tokens++;
                    live += coefficients[t] != 0 ? 1 : 0;
                }
            }
        }

        // Not vacuous: hardly a token skipped, and many with a coefficient, but for what keeps few rows.
        Assert.InRange(tokens, 200, int.MaxValue);
        Assert.InRange(live, id == "verl:geo_rs" ? 0 : 60, int.MaxValue);
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.3)]
    [InlineData(1.0)]
    public void Choices_by_covariance_are_those_of_sorted_lists(double share)
    {
        int dropped = 0, top = 0;
        foreach (int seed in s_seeds)
        {
            var batch = Mismatched.Batch(seed);
            var table = new PaddedPolicyRegions.Table(batch, batch[Column.Logp].ToArray());
            double[] advantages = new double[batch.Tokens], rows = table.Scores(1e-6);
            for (int i = 0; i < batch.Rows; i++)
                advantages.AsSpan(batch.Row(i)).Fill(rows[i]);
            bool[,] drops = PaddedPolicyRegions.Drops(table, rows, share, -0.2, 0.6, 1e-8), tops = PaddedPolicyRegions.Top(table, rows, share);
            double[] drop = Filled(new CovarianceDrop(share, -0.2, 0.6, Clip.Range(0.2, 0.2)) { CountEpsilon = 1e-8 }, batch, advantages);
            Assert.Equal(Masked(table, drops, 0), drop);
            Assert.Equal(Masked(table, tops, 1), Filled(new TopCovariance(share), batch, advantages));
            dropped += drop.Count(mu => mu == 0);
            top += tops.Cast<bool>().Count(is_ => is_);
        }

        Assert.InRange(dropped, 8, int.MaxValue);
        Assert.InRange(top, 16, int.MaxValue);
    }

    [Theory]
    [InlineData(KlEstimator.K1)]
    [InlineData(KlEstimator.K2)]
    [InlineData(KlEstimator.K3)]
    [InlineData(KlEstimator.Absolute)]
    public void Masks_by_divergence_and_their_means_are_those_of_padded_loops(KlEstimator statistic)
    {
        foreach (int seed in s_seeds)
        {
            var batch = Mismatched.Batch(seed);
            var p = new PaddedPolicyRegions.Table(batch, batch[Column.Logp].ToArray());
            double D(int i, int t) => Math.Log(p.Sampler(i, t)) is var x && statistic == KlEstimator.K1 ? -x
                : statistic == KlEstimator.K2 ? x * x / 2 : statistic == KlEstimator.K3 ? Math.Exp(x) - 1 - x : Math.Abs(x);
            foreach (var over in Enum.GetValues<Pooling>())
            {
                double Pooled(int i, int t) => over switch
                {
                    Pooling.Token => D(i, t),
                    Pooling.RowSum => p.RowSum(i, s => D(i, s)),
                    Pooling.RowMean => p.RowSum(i, s => D(i, s)) / p.N(i),
                    _ => Enumerable.Range(0, p.T).Where(s => p.Mask[i, s]).Max(s => D(i, s)),
                };
                bool[,] kept = new bool[p.B, p.T];
                for (int i = 0; i < p.B; i++)
                {
                    for (int t = 0; t < p.T; t++)
                        kept[i, t] = p.Mask[i, t] && Pooled(i, t) >= -0.07 && Pooled(i, t) <= 0.03;
                }

                DivergenceMask mask = new(statistic, over, -0.07, 0.03);
                double[] none = new double[batch.Tokens], expected = Masked(p, kept, 1);
                Assert.Equal(expected, Filled(mask, batch, none));

                double tokens = p.Sum((_, _) => 1) is var n && n > 0 ? p.Sum((i, t) => kept[i, t] ? 1 : 0) / n : 0;
                double rows = p.Live == 0 ? 0 : Enumerable.Range(0, p.B).Where(i => p.N(i) > 0).Average(i => p.RowSum(i, t => kept[i, t] ? 1 : 0) / p.N(i));
                Assert.Equal([.. expected.Select(w => tokens > 0 ? w / tokens : w)], Filled(new MeanNormalised(mask, MeanOf.Tokens), batch, none), Near);
                Assert.Equal([.. expected.Select(w => rows > 0 ? w / rows : w)], Filled(new MeanNormalised(mask, MeanOf.Rows), batch, none), Near);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_second_evaluation_allocates_nothing(string id)
    {
        var objective = s_entries.Single(entry => entry.Id == id).Objective;
        var batch = Mismatched.Batch(3);
        double[] logp = batch[Column.Logp].ToArray(), coefficients = new double[batch.Tokens];
        var workspace = new Workspace();
        objective.Evaluate(batch, logp, coefficients, workspace);
        long before = GC.GetAllocatedBytesForCurrentThread();
        objective.Evaluate(batch, logp, coefficients, workspace);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_batch_of_dead_rows_is_worth_nothing()
    {
        Rollout dead = Batches.Dead(1) with { RefLogps = [0, 0], RolloutLogps = [0, 0], Random = [0, 0] };
        foreach (var entry in s_entries)
        {
            var evaluation = entry.Objective.Evaluate(RolloutBatch.Of([[dead, dead with { Reward = 2 }], [dead, dead]]));
            Assert.Equal(0.0, evaluation.Value);
            Assert.Empty(evaluation.Coefficients);
        }
    }

    [Fact]
    public void Ids_are_unique_and_every_entry_names_its_formula_and_source_and_a_flavour_its_departure()
    {
        Assert.Distinct(s_entries.Concat(TrlFlavours.All).Select(entry => entry.Id));
        Assert.All(s_entries, entry => Assert.NotEmpty(entry.Formula));
        Assert.All(s_entries, entry => Assert.NotEmpty(entry.Source));
        Assert.All(VerlFlavours.All.Concat(OpenRlhfFlavours.All), entry => Assert.NotEmpty(entry.Departure));
        Assert.All(PolicyRegionForms.All, entry => Assert.Empty(entry.Departure));
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-14;

    private static double[] Filled(TokenWeight weight, RolloutBatch batch, double[] advantages)
    {
        double[] weights = new double[batch.Tokens];
        weight.Fill(batch, advantages, weights);
        return weights;
    }

    // The padded choice as one number a trainable token: mark where it fell, 1 − mark elsewhere.
    private static double[] Masked(PaddedPolicyRegions.Table table, bool[,] chosen, double mark) =>
        [.. from i in Enumerable.Range(0, table.B) from t in Enumerable.Range(0, table.T) where table.Mask[i, t] select chosen[i, t] ? mark : 1 - mark];

    private static bool NearKink(SurrogateObjective objective, RolloutBatch batch, double[] logp, int start, int length, int t)
    {
        double sum = 0;
        for (int s = start; s < start + length; s++)
            sum += logp[s] - batch[Column.OldLogp][s];
        double token = logp[t] - batch[Column.OldLogp][t];
        double ratio = objective.Kernel.Ratio == RatioLevel.Token ? token : sum / length;

        // |x| has a kink at 0; GSPO-token's ratio moves with its own token alone.
        bool ownKink = objective.Regularisers.Any(term => term is KlPenalty { Estimator: KlEstimator.Absolute }) && Math.Abs(token) < KinkMargin;
        if (objective.Kernel is SequenceTokenRatio)
        {
            double still = 0;
            for (int s = start; s < start + length; s++)
                still += batch[Column.Logp][s] - batch[Column.OldLogp][s];
            ratio = (still / length) + logp[t] - batch[Column.Logp][t];
        }

        return ownKink || objective.Kernel.Kinks.Any(kink => Math.Abs(kink - ratio) < KinkMargin);
    }

    private static double Difference(Func<double[], double> value, double[] at, int t)
    {
        double[] up = [.. at], down = [.. at];
        up[t] += Step;
        down[t] -= Step;
        return (value(up) - value(down)) / (up[t] - down[t]);
    }
}
