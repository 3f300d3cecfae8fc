using System.Collections.Immutable;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>The trajectory of an optimizer: θ₀, θ₁, …, θ_T. What a run left out is NaN.</summary>
public sealed class Trajectory
{
    private readonly double[][] _thetas;

    private Trajectory(double[][] thetas) => _thetas = thetas;

    /// <summary>T.</summary>
    public int Steps => _thetas.Length - 1;

    /// <summary>d.</summary>
    public int Dimension => _thetas[0].Length;

    /// <summary>θ_t of coordinate j.</summary>
    public double this[int t, int j] => _thetas[t][j];

    /// <summary>The trajectory of a run.</summary>
    public static Trajectory Of(IOptimizer optimizer, ImmutableArray<double> theta, ImmutableArray<ImmutableArray<double>> gradients)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        double[][] run = optimizer.Run([.. theta], [.. gradients.Select(gradient => gradient.ToArray())]);
        bool formed = run.Length == gradients.Length && run.All(own => own.Length == theta.Length);
        return new([[.. theta], .. formed ? run : gradients.Select(gradient => gradient.Select(_ => double.NaN).ToArray())]);
    }

    /// <summary>Δ_t = θ_t − θ_{t−1} of coordinate j, t ≥ 1.</summary>
    public double Update(int t, int j) => _thetas[t][j] - _thetas[t - 1][j];

    /// <summary>The first <paramref name="steps"/> steps.</summary>
    public Trajectory Take(int steps) => new(_thetas[..(steps + 1)]);

    /// <summary>The trajectory in other numbers, coordinate by coordinate.</summary>
    public Trajectory Select(Func<double, double> change) => new([.. _thetas.Select(theta => theta.Select(change).ToArray())]);

    /// <summary>The trajectory with its coordinates the other way round.</summary>
    public Trajectory Reversed() => new([.. _thetas.Select(theta => theta.Reverse().ToArray())]);

    /// <summary>Trajectories of one coordinate each, side by side.</summary>
    public static Trajectory Beside(IReadOnlyList<Trajectory> alone) =>
        new([.. Enumerable.Range(0, alone[0]._thetas.Length).Select(t => alone.Select(own => own[t, 0]).ToArray())]);

    /// <summary>How far coordinate j went up to step t: Σ|Δ|.</summary>
    public double Length(int t, int j) => Enumerable.Range(1, t).Sum(s => Math.Abs(Update(s, j)));

    /// <summary>The size of the numbers that coordinate j went through up to step t: max|θ| + Σ|Δ|.</summary>
    public double Magnitude(int t, int j) => Enumerable.Range(0, t + 1).Max(s => Math.Abs(_thetas[s][j])) + Length(t, j);
}
