using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>How Muon brings its matrix to a norm of at most 1 before it iterates.</summary>
public enum MuonNorm
{
    /// <summary>X = u/max(‖u‖, ε): torch. Above ε the scale of the gradients is gone exactly.</summary>
    Clamped,

    /// <summary>X = u/(‖u‖ + ε): KellerJordan/Muon.</summary>
    Added,
}

/// <summary>How Muon's step depends on the matrix's shape.</summary>
public enum MuonAdjustment
{
    /// <summary>√max(1, rows/columns): torch's "original", KellerJordan/Muon.</summary>
    Original,

    /// <summary>0.2·√max(rows, columns), so that an entry moves about as far as under AdamW: torch's "match_rms_adamw".</summary>
    MatchRmsAdamW,
}

/// <summary>What <see cref="ScaleByMuon"/> remembers.</summary>
/// <param name="Shape">The parameters' shape, a matrix.</param>
/// <param name="Buffer">B_t, shape [rows·columns], unit of the gradient.</param>
public sealed record MuonState(ParameterShape Shape, ImmutableArray<double> Buffer) : TransformState;

/// <summary>
/// B_t = μB_{t−1} + (1−μ)G_t, U = (1−μ)G_t + μB_t with Nesterov or else B_t; X = U/‖U‖_F, five times X ← aX + (bA + cA²)X
/// with A = XXᵀ (for more rows than columns the same of the transpose), (a, b, c) = (3.4445, −4.7750, 2.0315); u =
/// X·adjustment. Shape [rows, columns], dimensionless. The iteration drives every singular value to about 1 (between 0.7 and
/// 1.2): u is near the nearest orthogonal matrix.
/// </summary>
/// <remarks>
/// Source: pytorch @ 098e03f9, torch/optim/_muon.py, _single_tensor_muon; KellerJordan/Muon @ 857d1adc, muon.py. Departures:
/// both iterate in bfloat16, this in float64; torch's docstring prints B = μB + G where its code, as here, interpolates. 0/0
/// is 0. After the gradient stops B keeps its direction, so u stays what it was: the overshoot has no end until ‖U‖ falls to
/// ε.
/// </remarks>
/// <param name="Mu">μ, in [0, 1).</param>
/// <param name="Nesterov">Whether to look ahead.</param>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient.</param>
/// <param name="Norm">Where ε stands.</param>
/// <param name="Adjustment">What the shape does to the step.</param>
public record ScaleByMuon(
    double Mu = 0.95,
    bool Nesterov = true,
    double Epsilon = 1e-7,
    MuonNorm Norm = MuonNorm.Clamped,
    MuonAdjustment Adjustment = MuonAdjustment.Original) : Guarded(Epsilon)
{
    // Rounded up by 8e−10, which is more than five iterations in float64 can add (see the remarks on tails).
    private const double LargestEntry = 1.202368606;

    /// <summary>How often the polynomial is applied.</summary>
    public const int Iterations = 5;

    /// <summary>a, b, c of the odd polynomial ax + bx³ + cx⁵ that each iteration applies to the singular values.</summary>
    public static ImmutableArray<double> Coefficients { get; } = [3.4445, -4.7750, 2.0315];

    /// <summary>μ, in [0, 1).</summary>
    public double Mu { get; init => field = Require.InUnitInterval(value, nameof(Mu)); }
        = Require.InUnitInterval(Mu, nameof(Mu));

    /// <inheritdoc/>
    public override Scaling Scaling => UpToEpsilon("the norm divides the scale out");

    /// <inheritdoc/>
    public override bool Remembers => Mu > 0;

    /// <summary>None without a shape.</summary>
    public override double? Bound(int t) => null;

    /// <summary>
    /// No entry exceeds the largest singular value, and none of these the largest value of p on [0, 1.21], a range that p does not leave:
    /// p(0.554529…) = 1.20236860516…; times the adjustment.
    /// </summary>
    public override double? Bound(int t, ParameterShape shape) => LargestEntry * Adjusted(shape);

    /// <summary>
    /// diag(σ, √(1−σ²)) at every step, σ = 0.00411135…, which four iterations bring to 0.554529…; with a single row or column the only
    /// singular value is 1, and iterates to 0.6964….
    /// </summary>
    public override double[][]? Extremes(int t, ParameterShape shape)
    {
        const double Sigma = 0.004111351535935337;
        double[][] gradients = [.. Enumerable.Range(0, shape.Size).Select(_ => new double[t])];
        bool several = Math.Min(shape.Rows, shape.Columns) > 1;
        Array.Fill(gradients[0], several ? Sigma : 1);
        if (several)
            Array.Fill(gradients[shape.Columns + 1], Math.Sqrt(1 - (Sigma * Sigma)));
        return gradients;
    }

    /// <summary>0 without memory; else the iteration of what ε leaves of a smaller norm may be larger, and the last step holds G_T besides.</summary>
    public override double? TailRatio(int steps, int k) => Mu == 0 ? 0 : null;

    /// <inheritdoc/>
    public override bool CouplesCoordinates => true;

    /// <inheritdoc/>
    public override bool TakesVectors => false;

    /// <summary>None coordinate by coordinate: the whole matrix keeps its direction.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) => null;

    /// <summary>
    /// The iteration of μᵏB_T (Nesterov: μᵏ⁺¹B_T), B_T = (1−μ) Σ μ^(T−s) Gₛ, times the adjustment: above ε the same matrix
    /// for every k.
    /// </summary>
    /// <remarks>
    /// Rounding: p(x) = ax + bx³ + cx⁵ maps [0, 1] into [0, 1.21] and [0, 1.21] into itself, where |p′| ≤ 3.97. So each
    /// iteration hands on errors of its input at most 3.97 times (divided differences of p are means of p′), and adds the
    /// roundings of sums whose terms are bounded through ‖X‖_F ≤ 1.21√n. A sum B_T that cancels is known no better than its
    /// terms.
    /// </remarks>
    public override ClosedForm[]? Tails(double[][] gradients, ParameterShape shape, int k)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ClosedForm[] sums = [.. gradients.Select(own => ClosedSums.Mean(Mu, own).Times(Math.Pow(Mu, Nesterov ? k + 1 : k)))];
        double[] memory = [.. sums.Select(sum => sum.Value)];
        double norm = ClipByGlobalNorm.Norm(memory), terms = ClipByGlobalNorm.Norm([.. sums.Select(sum => sum.Magnitude)]);
        if (terms == 0)
            return [.. sums.Select(_ => ClosedForm.Zero)];

        const double Slope = 3.97;
        double amplified = Math.Pow(Slope, Iterations);
        double size = 1.21 * Math.Sqrt(Math.Min(shape.Rows, shape.Columns)), square = size * size;
        double iteration = size * (-(Coefficients[1] * square) + Coefficients[0] + (Coefficients[2] * square * square));
        // A memory that is 0 but for rounding can point anywhere: as far off as it can be.
        double condition = norm == 0 ? Math.ScaleB(1, 52) : 1 + (terms / norm);
        double magnitude = Adjusted(shape) * ((amplified * condition) + (iteration * (amplified - 1) / (Slope - 1)));
        int roundings = sums[0].Roundings + (2 * k) + (4 * Math.Max(shape.Rows, shape.Columns)) + 16;
        return [.. Orthogonalised(memory, shape).Select(x => new ClosedForm(Adjusted(shape) * x, magnitude, roundings))];
    }

    /// <summary>Refused: a vector has no singular values.</summary>
    public override TransformState Initial(int dimension) => Initial(ParameterShape.Vector(dimension));

    /// <inheritdoc/>
    public override TransformState Initial(ParameterShape shape) => shape.IsMatrix
        ? new MuonState(shape, [.. new double[shape.Size]])
        : throw new ArgumentException(
            Require.Say($"Muon needs parameters that are a matrix of rows and columns; got {shape}."), nameof(shape));

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        MuonState past = Own<MuonState>(state);
        Require.Dimension(update, past.Shape.Size, nameof(update));

        double[] buffer = new double[update.Length];
        double[] ahead = new double[update.Length];
        for (int j = 0; j < buffer.Length; j++)
        {
            buffer[j] = (Mu * past.Buffer[j]) + ((1 - Mu) * update[j]);
            ahead[j] = Nesterov ? ((1 - Mu) * update[j]) + (Mu * buffer[j]) : buffer[j];
        }

        double[] direction = Orthogonalised(ahead, past.Shape);
        for (int j = 0; j < direction.Length; j++)
            direction[j] *= Adjusted(past.Shape);
        return (past with { Buffer = ImmutableCollectionsMarshal.AsImmutableArray(buffer) }, direction);
    }

    private double Adjusted(ParameterShape shape) => Adjustment == MuonAdjustment.Original
        ? Math.Sqrt(Math.Max(1, (double)shape.Rows / shape.Columns))
        : 0.2 * Math.Sqrt(Math.Max(shape.Rows, shape.Columns));

    // The matrix after normalisation and five iterations, row after row.
    private double[] Orthogonalised(ReadOnlySpan<double> matrix, ParameterShape shape)
    {
        double norm = ClipByGlobalNorm.Norm(matrix);
        double divisor = Norm == MuonNorm.Clamped ? Math.Max(norm, Epsilon) : norm + Epsilon;
        bool transposed = shape.Rows > shape.Columns;
        int rows = transposed ? shape.Columns : shape.Rows, columns = transposed ? shape.Rows : shape.Columns;
        double[] x = Layout(matrix, shape.Columns, rows, columns, transposed);
        for (int j = 0; j < x.Length; j++)
            x[j] = x[j] == 0 ? 0 : x[j] / divisor;

        for (int iteration = 0; iteration < Iterations; iteration++)
            x = Iterated(x, rows, columns);
        return Layout(x, columns, shape.Rows, shape.Columns, transposed);
    }

    // aX + (bA + cA²)X, A = XXᵀ.
    private static double[] Iterated(double[] x, int rows, int columns)
    {
        double[] gram = new double[rows * rows], polynomial = new double[rows * rows], next = new double[x.Length];
        for (int i = 0; i < rows; i++)
        {
            for (int k = 0; k < rows; k++)
            {
                for (int j = 0; j < columns; j++)
                    gram[(i * rows) + k] += x[(i * columns) + j] * x[(k * columns) + j];
            }
        }

        for (int i = 0; i < rows; i++)
        {
            for (int k = 0; k < rows; k++)
            {
                double square = 0;
                for (int l = 0; l < rows; l++)
                    square += gram[(i * rows) + l] * gram[(l * rows) + k];
                polynomial[(i * rows) + k] = (Coefficients[1] * gram[(i * rows) + k]) + (Coefficients[2] * square);
            }
        }

        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double sum = 0;
                for (int k = 0; k < rows; k++)
                    sum += polynomial[(i * rows) + k] * x[(k * columns) + j];
                next[(i * columns) + j] = (Coefficients[0] * x[(i * columns) + j]) + sum;
            }
        }

        return next;
    }

    // Rows × columns of the matrix or of its transpose; stride is the width of what is read.
    private static double[] Layout(ReadOnlySpan<double> matrix, int stride, int rows, int columns, bool transposed)
    {
        double[] laid = new double[matrix.Length];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
                laid[(i * columns) + j] = matrix[transposed ? (j * stride) + i : (i * stride) + j];
        }

        return laid;
    }
}
