using GroupRL.Optimizers;

namespace GroupRL.Properties.Claims;

/// <summary>AdamW as one writes it in a trainer, loop after loop, with a place for every defect.</summary>
internal class PlainAdamW(double decay = 0.01) : IOptimizer
{
    private const double Beta1 = 0.9, Beta2 = 0.999;

    public string Name => GetType().Name;

    public OptimizerPromises? Promises { get; init; }

    public Optimizer? Design { get; init; }

    public double Epsilon { get; init; } = 1e-8;

    public double[][] Run(double[] theta, double[][] gradients)
    {
        double[][] thetas = new double[gradients.Length][];
        double[] at = [.. theta], first = First(at.Length), second = new double[at.Length];
        for (int t = 1; t <= gradients.Length; t++)
        {
            for (int j = 0; j < at.Length; j++)
            {
                double g = Gradient(gradients, t - 1, j, at[j]);
                first[j] = (Beta1 * first[j]) + ((1 - Beta1) * g);
                second[j] = Second(second[j], g);
                at[j] -= (Rate(t, gradients.Length) * Direction(first[j], second[j], Count(t, j, at.Length))) + (1e-3 * decay * at[j]);
            }

            thetas[t - 1] = [.. at];
        }

        return thetas;
    }

    protected virtual double[] First(int dimension) => new double[dimension];

    protected virtual double Gradient(double[][] gradients, int t, int j, double theta) => gradients[t][j];

    protected virtual double Second(double second, double g) => (Beta2 * second) + ((1 - Beta2) * g * g);

    protected virtual double Rate(int t, int steps) => 1e-3;

    protected virtual int Count(int t, int j, int dimension) => t;

    protected virtual double Direction(double m, double v, int t) => m / Mass(Beta1, t) / (Math.Sqrt(v / Mass(Beta2, t)) + Epsilon);

    protected static double Mass(double beta, int t) => 1 - Math.Pow(beta, t);

    internal sealed class SignFlipped() : PlainAdamW(0)
    {
        protected override double Rate(int t, int steps) => -1e-3;
    }

    internal sealed class RateOfWholeNumbers() : PlainAdamW(0)
    {
        protected override double Rate(int t, int steps) => 1 / 1000;
    }

    internal sealed class RateForgottenAtFirst : PlainAdamW
    {
        protected override double Rate(int t, int steps) => t == 1 ? 1 : 1e-3;
    }

    internal sealed class TenTimesTheRate() : PlainAdamW(0)
    {
        protected override double Rate(int t, int steps) => 1e-2;
    }

    internal sealed class CosineOfTheRun : PlainAdamW
    {
        protected override double Rate(int t, int steps) => 1e-3 * (1 + Math.Cos(Math.PI * (t - 1) / steps)) / 2;
    }

    internal sealed class Uncorrected(double decay = 0.01) : PlainAdamW(decay)
    {
        protected override double Direction(double m, double v, int t) => m / (Math.Sqrt(v) + Epsilon);
    }

    internal sealed class EpsilonInsideRoot : PlainAdamW
    {
        protected override double Direction(double m, double v, int t) => m / Mass(Beta1, t) / Math.Sqrt((v / Mass(Beta2, t)) + Epsilon);
    }

    internal sealed class RootForgotten() : PlainAdamW(0)
    {
        protected override double Direction(double m, double v, int t) => m / Mass(Beta1, t) / ((v / Mass(Beta2, t)) + Epsilon);
    }

    internal sealed class NotSquared : PlainAdamW
    {
        protected override double Second(double second, double g) => (Beta2 * second) + ((1 - Beta2) * g);
    }

    internal sealed class LargestWithoutItsSize() : PlainAdamW(0)
    {
        protected override double Second(double second, double g) => Math.Max(Beta2 * second, g);

        protected override double Direction(double m, double v, int t) => m / Mass(Beta1, t) / (v + Epsilon);
    }

    internal sealed class NothingBesideTheRoot : PlainAdamW
    {
        public NothingBesideTheRoot() => Epsilon = 0;
    }

    internal sealed class StateKept : PlainAdamW
    {
        private readonly Dictionary<int, double[]> _first = [];

        protected override double[] First(int dimension)
        {
            lock (_first)
                return _first.TryGetValue(dimension, out double[]? first) ? first : _first[dimension] = new double[dimension];
        }
    }

    internal sealed class StateNotEmpty() : PlainAdamW(0)
    {
        protected override double[] First(int dimension) => [.. Enumerable.Repeat(1e-3, dimension)];
    }

    internal sealed class NextGradient : PlainAdamW
    {
        protected override double Gradient(double[][] gradients, int t, int j, double theta) => gradients[Math.Min(t + 1, gradients.Length - 1)][j];
    }

    internal sealed class CountedByParameter : PlainAdamW
    {
        protected override int Count(int t, int j, int dimension) => ((t - 1) * dimension) + j + 1;
    }

    internal sealed class OneLargestForAll() : PlainAdamW(0)
    {
        protected override double Gradient(double[][] gradients, int t, int j, double theta) =>
            gradients[t].Max(Math.Abs) is var largest && largest > 1 ? gradients[t][j] / largest : gradients[t][j];
    }

    internal sealed class CoupledDecay() : PlainAdamW(0)
    {
        protected override double Gradient(double[][] gradients, int t, int j, double theta) => gradients[t][j] + (0.01 * theta);
    }
}

/// <summary>Any other optimizer, written down as its run.</summary>
internal sealed class WrittenOptimizer(string name, Func<double[], double[][], double[][]> run) : IOptimizer
{
    public string Name => name;

    public OptimizerPromises? Promises { get; init; }

    public Optimizer? Design { get; init; }

    public double[][] Run(double[] theta, double[][] gradients) => run(theta, gradients);

    /// <summary>An optimizer under the name, and so the promises, of another.</summary>
    public static WrittenOptimizer InPlaceOf(Optimizer design, Optimizer actual) =>
        new(actual.Id, new CatalogueOptimizer(actual).Run) { Design = design, Promises = OptimizerPromiseNames.Of(design) };
}
