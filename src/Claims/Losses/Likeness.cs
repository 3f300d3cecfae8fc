using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>A design that answers nearly as a loss does.</summary>
/// <param name="Id">The catalogue entry that it is, or from which it differs by one part.</param>
/// <param name="Part">The part by which it differs; empty: none.</param>
/// <param name="Objective">The design.</param>
/// <param name="Distance">Σ|c − c′| / Σ(|c| + |c′|) over probes: 0 is the same, 1 as far as two gradients can be.</param>
/// <param name="Factor">What its gradients are multiplied by for that distance; 1 where they are taken as they are.</param>
public sealed record Resemblance(string Id, string Part, SurrogateObjective Objective, double Distance, double Factor);

/// <summary>A loss beside another one that it is meant to be, or beside all that are known.</summary>
public static class Likeness
{
    private const int ProbeCount = 48;

    /// <summary>A distance below which two gradients are one.</summary>
    public const double Same = 1e-9;

    /// <summary>The same gradient.</summary>
    public static LossClaim Gradient { get; } = Of(
        "like-gradient",
        "Its gradient is that of the loss that it is meant to be, on every batch.",
        (subject, batch) => LossLaw.Gap(subject, batch, subject.Expect(batch).Coefficients, subject.Ask(batch).Coefficients),
        (subject, batch, worst) => LossLaw.Difference(batch, worst, "beside the loss that it is meant to be", subject.Expect(batch).Coefficients, subject.Ask(batch).Coefficients),
        "the run optimises another objective than the one it is reported under");

    /// <summary>The same value.</summary>
    public static LossClaim Value { get; } = Of(
        "like-loss",
        "Its value is that of the loss that it is meant to be, on every batch.",
        (subject, batch) =>
        {
            var (expected, got) = (subject.Expect(batch), subject.Ask(batch));
            double magnitude = Math.Abs(expected.Value) + Math.Abs(got.Value) + expected.Coefficients.Sum(Math.Abs);
            return new(Math.Abs(expected.Value - got.Value), subject.Rounding(batch, magnitude));
        },
        (subject, batch, _) => string.Create(CultureInfo.InvariantCulture, $"J is {subject.Ask(batch).Value:G6}, where {subject.Expect(batch).Value:G6} is expected"),
        "the logged loss is not the one it is reported as");

    /// <summary>The designs of the catalogue by their distance from a loss, nearest first, and among equals in the catalogue's order.</summary>
    public static ImmutableArray<Resemblance> Nearest(LossSubject subject)
    {
        var probes = Probes(subject);
        return
        [
            .. Catalogue.All.Where(entry => Fits(subject, entry.Objective)).Select(entry => Resembling(entry.Id, "", entry.Objective, probes)).OfType<Resemblance>()
                .OrderBy(found => Math.Round(found.Distance, 9)),
        ];
    }

    /// <summary>
    /// What explains that a loss answers otherwise than a design: for each part of it, the part that the catalogue knows (or another number in its
    /// place) by which the design comes nearest to the loss; the best first.
    /// </summary>
    public static ImmutableArray<Resemblance> Explain(LossSubject subject, string id, SurrogateObjective design)
    {
        var probes = Probes(subject);
        return
        [
            .. Replacements(design).Where(other => Fits(subject, other.Objective)).Select(other => Resembling(id, other.Part, other.Objective, probes)).OfType<Resemblance>()
                .GroupBy(found => found.Part).Select(part => part.MinBy(found => found.Distance)!).OrderBy(found => found.Distance),
        ];
    }

    private static LossClaim Of(
        string id, string statement, Func<LossSubject, RolloutBatch, Measurement> measure, Func<LossSubject, RolloutBatch, Measurement, string> why, string consequence) =>
        LossLaw.Contract(id, statement, LossPromises.None, (_, cases) => cases with { LargestLogRatio = 2 }, measure, why, consequence) with { Missing = subject => subject.Oracle is null ? "a loss that it is meant to be" : null, Hypotheses = ["log-ratios of at most 2 a token", "rewards are multiples of ¼ from −2 to 2"] };

    // A design that needs columns the loss is not asked with cannot be told from it.
    private static bool Fits(LossSubject subject, SurrogateObjective objective) =>
        (objective.Rewards.Count ?? 1) == subject.Loss.Signature.Rewards && (!objective.Advantage.ReadsGreedyReward || subject.Loss.Signature.GreedyRewards)
        && objective.Reads.All(column => LossLaw.Cases(subject).Reads.Contains(column) || column is Column.Logp or Column.OldLogp);

    private static ImmutableArray<(RolloutBatch Batch, double[] Coefficients)> Probes(LossSubject subject)
    {
        // Some on-policy, since a design may differ off-policy only, and the other way round; some near it, where clip bounds lie.
        return
        [
            .. Enumerable.Range(0, ProbeCount).Select(k => (LossLaw.Cases(subject) with { OnPolicy = k % 4 == 0, LargestLogRatio = k % 4 == 1 ? 2 : 0.4 }).Build(new((ulong)(k + 1) * 0x9E3779B97F4A7C15, 100 * (k + 1) / ProbeCount)))
                .Select(batch => (batch, subject.Ask(batch).Coefficients)),
        ];
    }

    private static Resemblance? Resembling(string id, string part, SurrogateObjective objective, ImmutableArray<(RolloutBatch Batch, double[] Coefficients)> probes)
    {
        try
        {
            double[][] expected = [.. probes.Select(probe => objective.Evaluate(probe.Batch).Coefficients)];
            double plain = Distance(expected, 1), factor = LossLaw.Factor(expected.SelectMany(c => c), probes.SelectMany(probe => probe.Coefficients));
            double scaled = factor > 0 && double.IsFinite(factor) ? Distance(expected, factor) : double.PositiveInfinity;
            return scaled < plain / 4 ? new(id, part, objective, scaled, factor) : new(id, part, objective, plain, 1);
        }
        catch (InvalidInputException)
        {
            // A design that refuses a probe which the loss answers is none of its kind.
            return null;
        }

        double Distance(double[][] expected, double factor)
        {
            double apart = 0, size = 0;
            for (int k = 0; k < expected.Length; k++)
            {
                for (int t = 0; t < expected[k].Length; t++)
                {
                    double own = probes[k].Coefficients[t], other = factor * expected[k][t];
                    apart += double.IsFinite(own) ? Math.Abs(own - other) : Math.Abs(other);
                    size += double.IsFinite(own) ? Math.Abs(own) + Math.Abs(other) : Math.Abs(other);
                }
            }

            return size == 0 ? 0 : apart / size;
        }
    }

    private static IEnumerable<(string Part, SurrogateObjective Objective)> Replacements(SurrogateObjective design)
    {
        var known = Catalogue.All.Select(entry => entry.Objective).ToArray();
        foreach (var advantage in known.Select(other => other.Advantage).Concat(OtherAdvantages(design.Advantage)).Distinct().Where(other => other != design.Advantage))
            yield return ("advantage", design with { Advantage = advantage });
        foreach (var shaping in known.Select(other => other.Rewards).Distinct().Where(other => other != design.Rewards && other.Count == design.Rewards.Count))
            yield return ("rewards", design with { Rewards = shaping });
        foreach (var kernel in known.Select(other => other.Kernel).Concat(OtherClips(design.Kernel)).Distinct().Where(other => other != design.Kernel))
            yield return (Clipped(kernel) is not null && Clipped(design.Kernel) is not null ? "clip" : "ratio", design with { Kernel = kernel });
        foreach (var weight in known.Select(other => other.Weight).Distinct().Where(other => other != design.Weight))
            yield return ("weight", design with { Weight = weight });
        foreach (var correction in known.Select(other => other.Correction).Distinct().Where(other => other != design.Correction))
            yield return ("correction", design with { Correction = correction });
        foreach (var regularisers in known.Select(other => other.Regularisers).Concat(OtherPenalties(design.Regularisers)).Where(other => !other.SequenceEqual(design.Regularisers)))
            yield return ("regularisers", design with { Regularisers = regularisers });
    }

    // Of the same kernel only the clip differs.
    private static Clip? Clipped(Kernel kernel) => kernel is TokenRatio { Shape: Clip clip } ? clip : null;

    private static IEnumerable<Advantage> OtherAdvantages(Advantage advantage)
    {
        if (advantage is not StandardScore score)
            yield break;
        foreach (int ddof in new[] { 0, 1 })
        {
            foreach (double epsilon in new[] { score.Epsilon, 0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1 })
                yield return score with { Ddof = ddof, Epsilon = epsilon };
        }
    }

    private static IEnumerable<Kernel> OtherClips(Kernel kernel)
    {
        if (Clipped(kernel) is null)
            yield break;
        foreach (double low in new[] { 0.1, 0.2, 0.28, 0.3 })
        {
            foreach (double high in new[] { 0.1, 0.2, 0.28, 0.3 })
                yield return new TokenRatio(Clip.Range(low, high));
        }

        foreach (double dual in new[] { 2.0, 3, 4, 5, 10 })
            yield return new TokenRatio(Clipped(kernel)! with { Dual = dual });
        yield return new TokenRatio(new Clip(0, double.PositiveInfinity));
    }

    private static IEnumerable<ImmutableArray<Regulariser>> OtherPenalties(ImmutableArray<Regulariser> own)
    {
        double beta = own.OfType<KlPenalty>().Select(term => term.Beta).FirstOrDefault(0.04);
        yield return [];
        foreach (var estimator in Enum.GetValues<KlEstimator>())
        {
            foreach (double factor in new[] { 1, -1, 0.1, 10, 0.5, 2, 0.25, 0.025 })
                yield return [new KlPenalty(estimator, factor * beta)];
        }
    }
}
