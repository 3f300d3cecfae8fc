using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>Every entry against a second derivation of its value, and its coefficients against differences of both.</summary>
public class CatalogueTests
{
    private static readonly int[] s_seeds = [.. Enumerable.Range(1, 16)];

    // The values are sums of at most a hundred terms of size 1 to 10.
    private const double Rounding = 1e-13;

    // Central differences of step h have a truncation error of h²/6·|J‴| and a rounding error of 10⁻¹⁶/h.
    private const double Step = 1e-5;
    private const double DifferenceError = 1e-9;

    // A kink within the step would be differenced across.
    private const double KinkMargin = 10 * Step;

    public static TheoryData<string> Ids => [.. Catalogue.All.Select(entry => entry.Id)];

    // An entry of known parts needs none: the parts are derived, and its coefficients are still differenced.
    public static TheoryData<string> DerivedIds =>
        [.. Catalogue.All.Select(entry => entry.Id).Where(id => Mismatched.Batch(1) is var batch && PaddedObjectives.Value(id, batch, batch[Column.Logp].ToArray()) is not null)];

    [Theory]
    [MemberData(nameof(DerivedIds))]
    public void The_value_is_that_of_the_padded_formula(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        foreach (int seed in s_seeds)
        {
            var batch = Mismatched.Batch(seed);
            foreach (double[] logp in new[] { batch[Column.Logp].ToArray(), Moved(batch, seed) })
            {
                double actual = objective.Evaluate(batch, logp, new double[batch.Tokens], new Workspace());
                Assert.Equal(PaddedObjectives.Value(id, batch, logp)!.Value, actual, Rounding * 100);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_coefficients_are_the_differences_of_the_padded_formula_and_of_the_value_itself(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        int tokens = 0, live = 0;
        foreach (int seed in s_seeds)
        {
            var batch = Mismatched.Batch(seed);
            double[] logp = Moved(batch, seed), coefficients = new double[batch.Tokens];
            objective.Evaluate(batch, logp, coefficients, new Workspace());
            for (int i = 0; i < batch.Rows; i++)
            {
                var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
                for (int t = start; t < start + length; t++)
                {
                    if (NearKink(objective, batch, logp, start, length, t))
                        continue;
                    double own = Difference(x => objective.Evaluate(batch, x, new double[batch.Tokens], new Workspace()), logp, t);
                    double padded = PaddedObjectives.Value(id, batch, logp) is null ? own : Difference(x => PaddedObjectives.Value(id, batch, x)!.Value, logp, t);
                    Assert.Equal(padded, coefficients[t], DifferenceError);
                    Assert.Equal(own, coefficients[t], DifferenceError);
                    tokens++;
                    live += coefficients[t] != 0 ? 1 : 0;
                }
            }
        }

        // Not vacuous: hardly a token skipped, and many with a coefficient, but for what keeps few rows.
        Assert.InRange(tokens, 200, int.MaxValue);
        Assert.InRange(live, id == "verl:geo_rs" ? 0 : 20, int.MaxValue);
    }

    [Fact]
    public void Ids_are_unique_and_found()
    {
        Assert.Equal(Catalogue.All.Length, Catalogue.All.Select(entry => entry.Id).Distinct().Count());
        Assert.All(Catalogue.All, entry => Assert.Same(entry, Catalogue.Find(entry.Id)));
        Assert.Null(Catalogue.Find("GRPO"));
    }

    [Fact]
    public void Every_entry_names_its_formula_and_its_source()
    {
        Assert.All(Catalogue.All, entry => Assert.NotEmpty(entry.Formula));
        Assert.All(Catalogue.All, entry => Assert.NotEmpty(entry.Source));
        Assert.All(Catalogue.All.Where(entry => entry.Id.Contains(':', StringComparison.Ordinal)), entry => Assert.NotEmpty(entry.Departure));
    }

    [Fact]
    public void An_objective_prints_its_parts()
    {
        Assert.All(Catalogue.All, entry => Assert.Contains(entry.Objective.Kernel.GetType().Name, entry.Objective.ToString(), StringComparison.Ordinal));
        Assert.Equal("Clip { Low = 0.8, High = 1.2, Cap = Infinity, Dual = 3 }", (Clip.Range(0.2, 0.2) with { Dual = 3 }).ToString());
    }

    private static bool NearKink(SurrogateObjective objective, RolloutBatch batch, double[] logp, int start, int length, int t)
    {
        double sum = 0, still = 0, token = logp[t] - batch[Column.OldLogp][t];
        for (int s = start; s < start + length; s++)
        {
            sum += logp[s] - batch[Column.OldLogp][s];
            still += batch[Column.Logp][s] - batch[Column.OldLogp][s];
        }

        double ratio = objective.Kernel switch
        {
            // GSPO-token's ratio moves with its own token alone.
            SequenceTokenRatio => (still / length) + logp[t] - batch[Column.Logp][t],
            { Ratio: RatioLevel.Token } => token,
            { Ratio: RatioLevel.SequenceMean } => sum / length,
            _ => sum,
        };

        // |x| has a kink at 0.
        bool ownKink = objective.Regularisers.Any(term => term is KlPenalty { Estimator: KlEstimator.Absolute }) && Math.Abs(token) < KinkMargin;
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
