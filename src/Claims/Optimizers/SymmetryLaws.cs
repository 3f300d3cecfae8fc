using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Optimizers;
using TrajectoryClaim = GroupRL.Claims.Claim<GroupRL.Claims.OptimizerSubject, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>What changes with the parameters' names, signs and origin: nothing but these.</summary>
public static class SymmetryLaws
{
    private const double Shift = 4;

    /// <summary>Coordinates alone.</summary>
    public static TrajectoryClaim Apart { get; } = OptimizerLaw.Same(
        "coordinates-apart",
        "Coordinates do not mix: alone, a coordinate takes the way that it takes beside others.",
        OptimizerPromises.Separable,
        exact: false,
        "alone",
        (subject, history) => (subject.Walk(history), Trajectory.Beside([.. Enumerable.Range(0, history.Dimension).Select(j => subject.Walk(Only(history, j)))])),
        "one parameter with a large gradient decides how far all others move");

    /// <summary>The order of coordinates.</summary>
    public static TrajectoryClaim Permutation { get; } = OptimizerLaw.Same(
        "coordinate-permutation",
        "The order of the coordinates has no say: reversed, they take the reversed way.",
        OptimizerPromises.Symmetric,
        exact: false,
        "with the coordinates in reverse order",
        (subject, history) => (subject.Walk(history), subject.Walk(Reversed(history)).Reversed()),
        "where a parameter is stored decides how it is trained");

    /// <summary>The sign of parameters.</summary>
    public static TrajectoryClaim Sign { get; } = OptimizerLaw.Same(
        "sign-symmetry",
        "Negated parameters under negated gradients take the negated way, to the bit.",
        OptimizerPromises.Odd,
        exact: true,
        "negated, under negated gradients",
        (subject, history) => (subject.Walk(history), subject.Walk(Negated(history)).Select(theta => -theta)),
        "up and down are not alike: parameters drift to one side");

    /// <summary>The origin.</summary>
    public static TrajectoryClaim Translation { get; } = OptimizerLaw.Same(
        "translation",
        "Without decay a step does not depend on θ: a start that is shifted by 4 shifts the way by 4.",
        OptimizerPromises.NoDecay,
        exact: false,
        "from a start that is nearer to 0 by 4, and moved back",
        (subject, history) => (subject.Walk(Shifted(history)), subject.Walk(history).Select(theta => theta + Shift)),
        "a decay, or a step in proportion to θ, acts that nobody has asked for");

    private static GradientHistory Only(GradientHistory history, int j) => history with
    {
        Theta = [history.Theta[j]],
        Gradients = [.. history.Gradients.Select(gradient => ImmutableArray.Create(gradient[j]))],
    };

    private static GradientHistory Reversed(GradientHistory history) => history with
    {
        Theta = [.. history.Theta.Reverse()],
        Gradients = [.. history.Gradients.Select(gradient => gradient.Reverse().ToImmutableArray())],
    };

    private static GradientHistory Negated(GradientHistory history) =>
        OptimizerLaw.WithGradients(history, g => -g) with { Theta = [.. history.Theta.Select(theta => -theta)] };

    private static GradientHistory Shifted(GradientHistory history) => history with { Theta = [.. history.Theta.Select(theta => theta + Shift)] };
}
