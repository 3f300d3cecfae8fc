using GroupRL.Objectives;
using GroupRL.Torch;

namespace GroupRL.EndToEnd;

/// <summary>How far our evaluation of an objective and autograd's of another are apart over random batches.</summary>
/// <param name="Judged">How many batches both evaluated.</param>
/// <param name="Refused">How many both refused.</param>
/// <param name="Contested">How many only one of them refused.</param>
/// <param name="Live">How many of our coefficients were not 0.</param>
/// <param name="Worst">The largest error relative to the number's natural magnitude; +∞ where a number is none.</param>
internal sealed record Agreement(int Judged, int Refused, int Contested, int Live, double Worst)
{
    /// <summary>Our evaluation of <paramref name="ours"/> against autograd's of <paramref name="theirs"/>.</summary>
    public static Agreement Of(SurrogateObjective ours, SurrogateObjective theirs, IEnumerable<RolloutBatch> batches)
    {
        var sum = new Agreement(0, 0, 0, 0, 0);
        foreach (var batch in batches)
        {
            var (mine, other) = (OrRefusal(() => ours.Evaluate(batch)), OrRefusal(() => TensorObjective.Evaluate(theirs, batch)));
            sum = (mine, other) switch
            {
                (null, null) => sum with { Refused = sum.Refused + 1 },
                (not null, not null) => sum with
                {
                    Judged = sum.Judged + 1,
                    Live = sum.Live + mine.Coefficients.Count(c => c != 0),
                    Worst = Math.Max(sum.Worst, Error(ours, batch, mine, other)),
                },
                _ => sum with { Contested = sum.Contested + 1 },
            };
        }

        return sum;
    }

    // The natural magnitude of an advantage is 1, the unit of reward. Of a coefficient it is what an advantage of 1 or −1 would make of it, at
    // the token's ratio or at ratio 1 (its weight): there terms cancel, here they do not. Of J it is the sum of these.
    private static double Error(SurrogateObjective objective, RolloutBatch batch, Evaluation ours, TensorEvaluation autograd)
    {
        double[] up = AtAdvantage(1), down = AtAdvantage(-1), ones = [.. up.Select(_ => 1.0)];
        double[] unit = [.. ours.Weights.Select((weight, t) => new[] { weight, up[t], down[t] }.Max(Math.Abs))];
        return new[]
        {
            Largest(ours.Advantages, autograd.Advantages, ones),
            Largest(ours.Weights, autograd.Weights, ours.Weights),
            Largest(ours.Coefficients, autograd.Coefficients, unit),
            Largest(ours.EntropyCoefficients ?? [], autograd.EntropyCoefficients ?? [], ours.Weights),
            Largest([ours.Value], [autograd.Value], [unit.Sum() + ours.Coefficients.Sum(Math.Abs)]),
        }.Max();

        double[] AtAdvantage(double advantage) => (objective with
        {
            Rewards = new NoRewards(),
            Advantage = new GivenAdvantages([.. ours.Advantages.Select(_ => advantage)]),
        }).Evaluate(batch).Coefficients;
    }

    private static double Largest(double[] ours, double[] theirs, double[] magnitudes) => ours.Length == theirs.Length
        ? ours.Zip(theirs, magnitudes).Select(each => Relative(each.First, each.Second, each.Third)).DefaultIfEmpty().Max()
        : double.PositiveInfinity;

    // 0 over 0 is no error; what is no number is the largest.
    private static double Relative(double ours, double theirs, double magnitude)
    {
        double relative = ours == theirs ? 0 : Math.Abs(ours - theirs) / (Math.Abs(ours) + Math.Abs(magnitude));
        return double.IsNaN(relative) ? double.PositiveInfinity : relative;
    }

    private static T? OrRefusal<T>(Func<T> evaluate) where T : class
    {
        try
        {
            return evaluate();
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }
}
