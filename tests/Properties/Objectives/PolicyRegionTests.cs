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
}
