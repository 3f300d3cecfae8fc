using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>What the laws of losses share: their cases, their hypotheses, and how two answers are compared.</summary>
internal static class LossLaw
{
    /// <summary>A guard of a divisor: trainers add 1e−8 to counts and to their sums, some 1e−6.</summary>
    public const double CountGuard = 1e-6;

    // The smallest ε that trainers put beside the spread of a batch.
    private const double WhiteningGuard = 1e-8;

    /// <summary>A law of the contract.</summary>
    public static LossClaim Contract(
        string id, string statement, LossPromises needs, Func<LossSubject, RolloutDomain, RolloutDomain> cases,
        Func<LossSubject, RolloutBatch, Measurement> measure, Func<LossSubject, RolloutBatch, Measurement, string> why, string consequence) => new()
        {
            Id = id,
            Family = Family.Loss,
            Class = ClaimClass.Contract,
            Statement = statement,
            Hypotheses = [.. needs.InWords().Select(word => $"promises {word}"), "rewards are multiples of ¼ from −2 to 2"],
            Source = "derived here",
            Quantity = "deviation",
            Consequence = consequence,
            Missing = subject => Lacks(subject, needs),
            Expect = _ => Expectation.Holds("every sound loss keeps it"),
            Domain = subject => cases(subject, Cases(subject)),
            Outside = (_, batch) => Requirements.SingleCompletion(batch),
            Measure = measure,
            Why = why,
        };

    /// <summary>The first promise of <paramref name="needs"/> that a subject does not make, in words; null where it makes all.</summary>
    public static string? Lacks(LossSubject subject, LossPromises needs) =>
        (needs & ~subject.Promises).InWords().FirstOrDefault() is { } word ? $"the promise {word}" : null;

    /// <summary>Off-policy batches whose numbers are plain: rewards on a grid, log-ratios of at most ½ a token.</summary>
    public static RolloutDomain Cases(LossSubject subject) => new()
    {
        Rewards = RewardKind.Plain,
        LargestLogRatio = 0.5,
        EqualGroups = !subject.Promises.HasFlag(LossPromises.AnyGroupSize),
        RewardCount = subject.Loss.Signature.Rewards,
        GreedyRewards = subject.Loss.Signature.GreedyRewards,
        LeastTokens = 2,
        Reads = [Column.RefLogp, Column.RolloutLogp, Column.Entropy, .. subject.Loss.Signature.Reads],
    };

    /// <summary>How far coefficients are from what they should be, beside what rounding may leave.</summary>
    /// <param name="subject">The loss.</param>
    /// <param name="batch">The batch that the coefficients are of.</param>
    /// <param name="expected">What they should be, shape [N].</param>
    /// <param name="got">What they are, shape [N].</param>
    /// <param name="slack">A relative error that is no fault: a guard beside a count.</param>
    public static Measurement Gap(LossSubject subject, RolloutBatch batch, IReadOnlyList<double> expected, IReadOnlyList<double> got, double slack = 0)
    {
        double largest = expected.Concat(got).Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        double bound = subject.Rounding(batch, largest) + (slack * largest);
        var worst = WorstGap(expected, got, bound);
        if (worst.Holds)
            return worst;
        // Where a clip, a mask or a group of near-equal rewards leaves no large coefficient, what is left has the rounding of those that are gone.
        var onPolicy = Reworked.OnPolicy(batch);
        double usual = Math.Max(subject.Ask(onPolicy).Largest, subject.Ask(Reworked.WithRewards(onPolicy, (row, _) => row % 2 == 0 ? 1 : 0)).Largest);
        double reference = Math.Max(usual, largest);
        // Advantages that are one in the reals are whitened to their rounding over the ε beside their spread: all that is left of them.
        double whitened = subject.Promises.HasFlag(LossPromises.GroupIsolated) ? 0 : 4 * subject.UnitRoundoff / WhiteningGuard;
        return WorstGap(expected, got, subject.Rounding(batch, reference) + (slack * reference) + whitened);
    }

    /// <summary>Coefficients that must all be 0, exactly.</summary>
    public static Measurement Zero(double[] coefficients)
    {
        var worst = new Measurement(0, 0);
        for (int t = 0; t < coefficients.Length; t++)
            worst = worst.Worst(new(Math.Abs(coefficients[t]), 0, 0, t));
        return worst;
    }

    /// <summary>What the coefficients are multiplied by, as near as one number comes: Σee′/Σe²; 1 where there are none.</summary>
    public static double Factor(IEnumerable<double> before, IEnumerable<double> after)
    {
        var pairs = before.Zip(after).ToArray();
        double size = pairs.Select(pair => Math.Abs(pair.First)).DefaultIfEmpty().Max();
        if (size == 0)
            return 1;
        double squares = pairs.Sum(pair => pair.First / size * (pair.First / size));
        return pairs.Sum(pair => pair.First / size * (pair.Second / size)) / squares;
    }

    /// <summary>Expected and got at the worst token.</summary>
    public static string Difference(RolloutBatch batch, Measurement worst, string change, double[] expected, double[] got) => string.Create(
        CultureInfo.InvariantCulture,
        $"{change}, the gradient of J at {batch.PlaceOf(worst.Position)} is {got[worst.Position]:G6}, where {expected[worst.Position]:G6} is expected");

    private static Measurement WorstGap(IReadOnlyList<double> expected, IReadOnlyList<double> got, double bound)
    {
        var worst = new Measurement(0, bound);
        for (int t = 0; t < expected.Count; t++)
            worst = worst.Worst(new(Math.Abs(expected[t] - got[t]), bound, 0, t));
        return worst;
    }
}
