using GroupRL.Checking;
using GroupRL.Optimizers;
using TrajectoryClaim = GroupRL.Claims.Claim<GroupRL.Claims.OptimizerSubject, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>What a step may depend on: the gradients up to it, and nothing else.</summary>
public static class RunLaws
{
    /// <summary>Fresh state.</summary>
    public static TrajectoryClaim FreshState { get; } = OptimizerLaw.Same(
        "fresh-state",
        "A run starts from fresh state: after another run the same run takes the same way, to the bit.",
        OptimizerPromises.None,
        exact: true,
        "after another run",
        (subject, history) =>
        {
            var first = subject.Walk(history);
            subject.Walk(Other(history));
            return (first, subject.Walk(history));
        },
        "state is kept, or chance decides: an experiment depends on the one before it") with
    {
        // The one law of a subject whose runs do not repeat.
        Missing = _ => null,
    };

    /// <summary>No look-ahead.</summary>
    public static TrajectoryClaim NoLookAhead { get; } = OptimizerLaw.Same(
        "no-look-ahead",
        "θ_t depends on g₁ … g_t alone: another last gradient changes no θ before it.",
        OptimizerPromises.None,
        exact: true,
        "with another last gradient",
        (subject, history) => (subject.Walk(history).Take(history.Steps - 1), subject.Walk(OtherEnd(history)).Take(history.Steps - 1)),
        "the step uses what is not known yet: what is tested offline cannot be trained");

    /// <summary>A prefix of a run.</summary>
    public static TrajectoryClaim Prefix { get; } = OptimizerLaw.Same(
        "run-prefix",
        "A run of T gradients begins with the run of the first T − 1: how many follow has no say.",
        OptimizerPromises.None,
        exact: false,
        "in a run that ends one step earlier",
        (subject, history) => history.Steps == 1 ? Nothing(subject, history)
            : (subject.Walk(history).Take(history.Steps - 1), subject.Walk(history with { Gradients = history.Gradients[..^1] })),
        "a schedule is hidden in the optimizer: a run that is stopped early is not the beginning of the longer one");

    private static (Trajectory Expected, Trajectory Got) Nothing(OptimizerSubject subject, GradientHistory history) => subject.Walk(history).Take(0) is var start ? (start, start) : default;

    private static GradientHistory Other(GradientHistory history) => OptimizerLaw.WithGradients(history, g => 1 - (3 * g));

    private static GradientHistory OtherEnd(GradientHistory history) => history with
    {
        Gradients = history.Gradients.SetItem(history.Steps - 1, [.. history.Gradients[^1].Select(g => 1 - (3 * g))]),
    };
}
