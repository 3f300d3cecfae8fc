using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Optimizers;

/// <summary>Walks and the gradients they are fed.</summary>
internal static class Trajectory
{
    /// <summary>The optimizer of an id.</summary>
    public static Optimizer Find(string id) => OptimizerCatalogue.TryFind(id) ?? throw new ArgumentException(id);

    /// <summary>The steps of a vector.</summary>
    public static OptimizerStep[] Walk(Optimizer optimizer, double[] theta, double[][] gradients) =>
        Walk(optimizer, ParameterShape.Vector(theta.Length), theta, gradients);

    /// <summary>The steps of parameters of a shape.</summary>
    public static OptimizerStep[] Walk(Optimizer optimizer, ParameterShape shape, double[] theta, double[][] gradients)
    {
        OptimizerStep[] steps = new OptimizerStep[gradients.Length];
        OptimizerState state = optimizer.Initial(shape);
        for (int t = 0; t < steps.Length; t++)
        {
            steps[t] = optimizer.Step(state, theta, gradients[t]);
            (state, theta, _) = steps[t];
        }

        return steps;
    }

    /// <summary>Gradients of both signs over several magnitudes, the same in every run.</summary>
    public static double[][] History(int steps, int dimension)
    {
        Random random = new(20260105);
        return
        [
            .. Enumerable.Range(0, steps).Select(_ => Enumerable.Range(0, dimension)
                .Select(_ => ((2 * random.NextDouble()) - 1) * Math.Pow(10, random.Next(-2, 3))).ToArray()),
        ];
    }

    /// <summary>A history times 2ᵏ.</summary>
    public static double[][] Scaled(double[][] history, int exponent) =>
        [.. history.Select(row => row.Select(g => Math.ScaleB(g, exponent)).ToArray())];

    /// <summary>Asserts that numbers agree to the bit.</summary>
    public static void Same(double[] expected, double[] actual) =>
        Assert.Equal(expected.Select(BitConverter.DoubleToInt64Bits), actual.Select(BitConverter.DoubleToInt64Bits));
}
