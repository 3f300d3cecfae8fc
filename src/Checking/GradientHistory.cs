using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Optimizers;

namespace GroupRL.Checking;

/// <summary>What an optimizer claim is checked on: a start, gradients, and a factor on them.</summary>
/// <param name="Theta">θ₀, shape [d].</param>
/// <param name="Gradients">g₁ … g_T, shape [T, d].</param>
/// <param name="Exponent">k: the factor a = 2ᵏ, exact in float64.</param>
public sealed record GradientHistory(ImmutableArray<double> Theta, ImmutableArray<ImmutableArray<double>> Gradients, int Exponent)
{
    /// <summary>The columns of a matrix, whose rows follow one another; 0 for a vector.</summary>
    public int Columns { get; init; }

    /// <summary>What the parameters are.</summary>
    public ParameterShape Shape => Columns == 0 ? ParameterShape.Vector(Dimension) : ParameterShape.Matrix(Dimension / Columns, Columns);

    /// <summary>a = 2ᵏ.</summary>
    public double Scale => Math.ScaleB(1, Exponent);

    /// <summary>d.</summary>
    public int Dimension => Theta.Length;

    /// <summary>T.</summary>
    public int Steps => Gradients.Length;

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"θ₀ = {Vector(Theta)}, gradients = [{string.Join(", ", Gradients.Select(Vector))}], a = 2^{Exponent}{(Columns == 0 ? "" : $", rows of {Columns}")}");

    private static string Vector(ImmutableArray<double> values) =>
        $"[{string.Join(", ", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}]";
}

/// <summary>
/// Gradient histories of 1–13 steps in 1–3 dimensions, or of matrices of 1–3 rows and columns, of sizes 1e−8 to 1e4, with factors 2⁻²⁰ … 2²⁰
/// other than 1.
/// </summary>
public sealed record HistoryDomain : Domain<GradientHistory>
{
    /// <summary>Whether parameters are matrices.</summary>
    public bool OfMatrices { get; init; }

    /// <summary>The most steps that a history has.</summary>
    public const int MostSteps = 13;

    /// <summary>Whether parameters are vectors or matrices, either as often.</summary>
    public bool OrMatrices { get; init; }

    /// <summary>Every gradient is longer than this, before and after the factor; 0: as it comes.</summary>
    public double LongerThan { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Corner<GradientHistory>> Corners => [.. s_corners.Where(corner => LongerThan == 0 || corner.Name != Small), .. OrMatrices ? s_matrix : []];

    private const string Small = "gradients as small as ε";

    private static readonly ImmutableArray<Corner<GradientHistory>> s_matrix = [new("a matrix of several rows and columns", history => history.Columns > 1 && history.Shape.Rows > 1)];

    private static readonly ImmutableArray<Corner<GradientHistory>> s_corners =
    [
        new("one step", history => history.Steps == 1),
        new("a coordinate without gradient", history => AnyCoordinate(history, values => values.All(g => g == 0))),
        new("a constant gradient", history => history.Steps > 1 && AnyCoordinate(history, values => values[0] != 0 && values.All(g => g == values[0]))),
        new("a sign that changes", history => AnyCoordinate(history, values => values.Any(g => g > 0) && values.Any(g => g < 0))),
        new(Small, history => history.Gradients.All(g => g.All(x => Math.Abs(x) < 1e-6))),
        new("a gradient longer than 1", history => history.Gradients.Any(g => Math.Sqrt(g.Sum(x => x * x)) > 1)),
        new("a factor below 1", history => history.Exponent < 0),
        new("a factor above 1", history => history.Exponent > 0),
    ];

    /// <inheritdoc/>
    public override GradientHistory Build(Draw draw)
    {
        int columns = OfMatrices || (OrMatrices && draw.Chance(0.5)) ? draw.Whole(1, 3) : 0, dimension = draw.Whole(1, 3) * Math.Max(1, columns), steps = draw.Chance(0.1) ? 1 : draw.Whole(1, 3 + (draw.Size / 10));
        double size = draw.Chance(0.15) ? 1e-8 : draw.LogReal(1e-6, 1e3);
        var coordinates = new double[dimension][];
        for (int j = 0; j < dimension; j++)
        {
            double constant = draw.Sign() * size * draw.Real(0.1, 2);
            int kind = draw.Whole(0, 9);
            coordinates[j] = new double[steps];
            for (int t = 0; t < steps; t++)
            {
                coordinates[j][t] = kind switch
                {
                    0 => 0,
                    1 => constant,
                    2 => draw.Chance(0.5) ? 0 : draw.Sign() * size,
                    _ => draw.Sign() * size * draw.LogReal(0.01, 10),
                };
            }
        }

        var history = new GradientHistory(
            [.. coordinates.Select(_ => draw.Real(-2, 2))],
            [.. Enumerable.Range(0, steps).Select(t => coordinates.Select(values => values[t]).ToImmutableArray())],
            draw.Sign() * draw.Whole(1, 20))
        {
            Columns = columns,
        };
        return LongerThan == 0 ? history : history with { Gradients = [.. history.Gradients.Select(gradient => Longer(gradient, history.Scale))] };
    }

    // Longer by a power of two, so that what is equal or zero stays it; only a gradient of nothing gets an entry.
    private ImmutableArray<double> Longer(ImmutableArray<double> gradient, double scale)
    {
        double least = LongerThan / Math.Min(1, scale);
        if (gradient.All(g => g == 0))
            gradient = gradient.SetItem(0, 1);
        double norm = Math.Sqrt(gradient.Sum(g => g * g));
        return norm > least ? gradient : [.. gradient.Select(g => Math.ScaleB(g, 1 + Math.ILogB(least / norm) + 1))];
    }

    /// <inheritdoc/>
    public override IEnumerable<GradientHistory> Shrink(GradientHistory value)
    {
        long size = Complexity(value);
        return Candidates(value).Where(candidate => Complexity(candidate) < size);
    }

    /// <summary>The size of a history: dimensions and steps first, then the digits of its numbers.</summary>
    public static long Complexity(GradientHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        return (1_000_000L * history.Dimension * (history.Steps + 1)) + (10 * Math.Abs(history.Exponent)) + (history.Exponent < 0 ? 1 : 0)
            + history.Theta.Concat(history.Gradients.SelectMany(g => g)).Sum(Digits);

        static long Digits(double x) => x == 0 ? 0 : (2 * x.ToString("R", CultureInfo.InvariantCulture).Length) + (x == 1 ? -1 : 0);
    }

    private static IEnumerable<GradientHistory> Candidates(GradientHistory history)
    {
        for (int j = 0; j < history.Dimension && history.Dimension > 1; j++)
            yield return Only(history, index => index == j) with { Columns = Math.Min(1, history.Columns) };
        for (int row = 0; history.Columns > 0 && row < history.Shape.Rows && history.Shape.Rows > 1; row++)
            yield return Only(history, index => index / history.Columns != row);
        for (int column = 0; column < history.Columns && history.Columns > 1; column++)
            yield return Only(history, index => index % history.Columns != column) with { Columns = history.Columns - 1 };
        for (int t = 0; t < history.Steps && history.Steps > 1; t++)
            yield return history with { Gradients = history.Gradients.RemoveAt(t) };
        foreach (int exponent in new[] { 1, -1, history.Exponent / 2 })
        {
            if (exponent != 0)
                yield return history with { Exponent = exponent };
        }

        foreach (double plain in new double[] { 0, 1, -1 })
        {
            yield return history with { Theta = [.. history.Theta.Select(_ => plain)] };
            for (int t = 0; t < history.Steps; t++)
                yield return history with { Gradients = history.Gradients.SetItem(t, [.. history.Gradients[t].Select(_ => plain)]) };
        }

        foreach (int digits in new[] { 0, 1, 3 })
        {
            yield return history with { Theta = [.. history.Theta.Select(x => Math.Round(x, digits))] };
            for (int t = 0; t < history.Steps; t++)
                yield return history with { Gradients = history.Gradients.SetItem(t, [.. history.Gradients[t].Select(x => Math.Round(x, digits))]) };
        }
    }

    private static GradientHistory Only(GradientHistory history, Func<int, bool> kept) => history with
    {
        Theta = [.. history.Theta.Where((_, index) => kept(index))],
        Gradients = [.. history.Gradients.Select(gradient => gradient.Where((_, index) => kept(index)).ToImmutableArray())],
    };

    private static bool AnyCoordinate(GradientHistory history, Func<double[], bool> holds)
    {
        for (int j = 0; j < history.Dimension; j++)
        {
            if (holds([.. history.Gradients.Select(g => g[j])]))
                return true;
        }

        return false;
    }
}
