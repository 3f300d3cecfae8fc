using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>An optimizer before the laws, and what is held against it.</summary>
/// <param name="Optimizer">The optimizer.</param>
public sealed record OptimizerSubject(IOptimizer Optimizer)
{
    private static readonly ImmutableArray<double> s_theta = [1, -0.5];

    private static readonly ImmutableArray<ImmutableArray<double>> s_gradients = [[1, -2], [0.5, 3], [-0.25, 1]], s_others = [[-7, 5], [4, -3]];

    private bool? _repeats;

    /// <summary>What it promises; what it says itself, or what is assumed of a sound optimizer.</summary>
    public OptimizerPromises Promises { get; init; } = Optimizer.Promises ?? OptimizerPromises.Sound;

    /// <summary>What it is meant to be: another optimizer, whose trajectories are its own; null where it is its own.</summary>
    public IOptimizer? Oracle { get; init; }

    /// <summary>η as it was told; null where nobody told it.</summary>
    public double? LearningRate { get; init; } = Optimizer.Design?.LearningRate;

    /// <summary>u of the numbers it computes with.</summary>
    public double UnitRoundoff { get; init; } = Tolerance.UnitRoundoff;

    /// <summary>The design that it is known to have: that of its oracle, or its own; null where that is not known.</summary>
    public Optimizer? Design => Oracle is null ? Optimizer.Design : Oracle.Design;

    /// <summary>Whether a run after another one is the run before it: where it is not, no law but that one can be judged.</summary>
    public bool Repeats => _repeats ??= Repeated();

    /// <summary>The trajectory that it takes from θ₀ under a history's gradients.</summary>
    /// <exception cref="InvalidInputException">It refuses the run.</exception>
    public Trajectory Walk(GradientHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        return Trajectory.Of(Optimizer, history.Theta, history.Gradients);
    }

    /// <summary>The trajectory that it is meant to take.</summary>
    public Trajectory Expect(GradientHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        return Trajectory.Of(Oracle!, history.Theta, history.Gradients);
    }

    /// <summary>The first step from θ₀ = 0 under one gradient of one coordinate.</summary>
    public double FirstStep(double gradient) => Trajectory.Of(Optimizer, [0], [[gradient]])[1, 0];

    /// <summary>
    /// What rounding may leave between two trajectories that are one in the reals: some dozen roundings a step, each of the numbers that the coordinate
    /// went through.
    /// </summary>
    public double Rounding(Trajectory way, int t, int j)
    {
        ArgumentNullException.ThrowIfNull(way);
        return UnitRoundoff * (64 + (16 * t)) * way.Magnitude(t, j);
    }

    private bool Repeated()
    {
        try
        {
            var first = Trajectory.Of(Optimizer, s_theta, s_gradients);
            Trajectory.Of(Optimizer, s_theta, s_others);
            var again = Trajectory.Of(Optimizer, s_theta, s_gradients);
            return Enumerable.Range(0, s_gradients.Length + 1).All(t => first[t, 0].Equals(again[t, 0]) && first[t, 1].Equals(again[t, 1]));
        }
        catch (InvalidInputException)
        {
            // What it refuses, it refuses in the laws, too.
            return true;
        }
    }
}
