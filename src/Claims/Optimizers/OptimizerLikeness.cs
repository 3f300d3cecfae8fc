using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using TrajectoryClaim = GroupRL.Claims.Claim<GroupRL.Claims.OptimizerSubject, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>A change by which an optimizer comes near to another.</summary>
/// <param name="Change">The change in words.</param>
/// <param name="Distance">Σ|θ − θ′| / Σ(|Δ| + |Δ′|) over probes: 0 is the same.</param>
public sealed record OptimizerResemblance(string Change, double Distance);

/// <summary>An optimizer beside another one that it is meant to be.</summary>
public static class OptimizerLikeness
{
    private const int ProbeCount = 24;

    /// <summary>A distance below which two optimizers are one.</summary>
    public const double Same = 1e-6;

    /// <summary>The same way.</summary>
    public static TrajectoryClaim LikeTrajectory { get; } = OptimizerLaw.Contract(
        "like-trajectory",
        "It takes the way of the optimizer that it is meant to be, from any start and from 0, up to 64 + 16t roundings of the numbers that a coordinate has gone through at step t.",
        OptimizerPromises.None,
        (subject, history) => Parting(subject, history).Worst,
        (subject, history, _) => Parting(subject, history) is var (from, worst)
            ? $"they part at step {worst.Position}: {OptimizerLaw.Parted(worst, from == history ? "there" : "from θ₀ = 0", subject.Expect(from), subject.Walk(from))}{Nearest(subject)}"
            : "",
        "the run is trained by another optimizer than the one it is reported under");

    /// <summary>The changes of what an optimizer is meant to be by which that comes near to what it does; the best first.</summary>
    public static ImmutableArray<OptimizerResemblance> Explain(OptimizerSubject subject, Optimizer design)
    {
        ArgumentNullException.ThrowIfNull(subject);
        var probes = Probes(subject);
        return
        [
            .. OptimizerAlterations.Of(design)
                .Select(alteration => new OptimizerResemblance(alteration.Change, Distance(probes, alteration.Optimizer)))
                .OrderBy(found => Math.Round(found.Distance, 12)),
        ];
    }

    /// <summary>How far an optimizer is from what it is meant to be.</summary>
    public static double Distance(OptimizerSubject subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return Distance(Probes(subject), subject.Oracle!);
    }

    private static (GradientHistory From, Measurement Worst) Parting(OptimizerSubject subject, GradientHistory history)
    {
        var worst = OptimizerLaw.Gap(subject, subject.Expect(history), subject.Walk(history));
        if (!worst.Holds)
            return (history, worst);
        // From 0 a step is not rounded to the last place of a parameter beside which it is small.
        var origin = OptimizerLaw.FromZero(history);
        return (origin, OptimizerLaw.Gap(subject, subject.Expect(origin), subject.Walk(origin)));
    }

    private static string Nearest(OptimizerSubject subject)
    {
        if (subject.Design is not { } design)
            return "";
        var nearest = Explain(subject, design)[0];
        return nearest.Distance < Same
            ? $"; what makes {design.Id} this one is {nearest.Change}"
            : string.Create(CultureInfo.InvariantCulture, $"; no single change makes {design.Id} this one, nearest comes {nearest.Change} (distance {nearest.Distance:G3} of 1, {Distance(subject):G3} without)");
    }

    // Half of them from 0, where the smallest step is seen; all of several steps.
    private static ImmutableArray<(GradientHistory History, Trajectory Trajectory)> Probes(OptimizerSubject subject)
    {
        var domain = new HistoryDomain();
        return
        [
            .. Enumerable.Range(1, ProbeCount).Select(k => domain.Build(new((ulong)k * 0x9E3779B97F4A7C15, 100)))
                .Select((history, k) => k % 2 == 0 ? history : OptimizerLaw.FromZero(history))
                .Select(history => (history, subject.Walk(history))),
        ];
    }

    private static double Distance(ImmutableArray<(GradientHistory History, Trajectory Trajectory)> probes, IOptimizer other)
    {
        double apart = 0;
        foreach (var (history, own) in probes)
        {
            Trajectory way;
            try
            {
                way = Trajectory.Of(other, history.Theta, history.Gradients);
            }
            catch (ArithmeticException)
            {
                // A way that leaves float64 is as far as can be from one that does not.
                return 1;
            }

            double gap = 0, length = 0;
            for (int j = 0; j < own.Dimension; j++)
            {
                for (int t = 1; t <= own.Steps; t++)
                    gap = Math.Max(gap, double.IsFinite(own[t, j]) ? Math.Abs(own[t, j] - way[t, j]) : double.PositiveInfinity);
                length = Math.Max(length, way.Length(way.Steps, j) + (double.IsFinite(own[own.Steps, j]) ? own.Length(own.Steps, j) : 0));
            }

            // Every probe counts alike, however long its steps are; one that nothing moves says nothing.
            apart += length == 0 ? 0 : Math.Min(1, gap / length);
        }

        return apart / probes.Length;
    }
}
