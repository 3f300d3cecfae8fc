using System.Collections.Immutable;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ScaleByAdafactor"/> remembers.</summary>
/// <param name="Step">t, the number of gradients seen.</param>
/// <param name="Shape">The parameters' shape.</param>
/// <param name="Rows">R_t, shape [rows]: the average of each row's mean g²; of a vector, v_t itself, shape [d].</param>
/// <param name="Columns">C_t, shape [columns]: the same of each column; of a vector, empty.</param>
public sealed record AdafactorState(int Step, ParameterShape Shape, ImmutableArray<double> Rows, ImmutableArray<double> Columns)
    : TransformState;

/// <summary>
/// w_t = t^−c; of a vector v_t = v_{t−1} + w_t(g² − v_{t−1}); of a matrix R_t and C_t average the rows' and columns' mean g²
/// in the same way, and v = R Cᵀ/max(mean(R), ε₃). U = g/max(√v, ε), u = max(ε₂, RMS(θ))·min(1, √(τ/t))·U/max(1, RMS(U)/d).
/// Shape [d], unit of θ.
/// </summary>
/// <remarks>
/// Source: pytorch @ 051d6a09, torch/optim/_adafactor.py, _single_tensor_adafactor; arXiv:1804.04235. Departures from the
/// paper, as in torch: no first moment, ε is a floor instead of a summand, and decay is decoupled. From torch: its relative
/// step is min(η, 1/√t) = η·min(1, √(τ/t)) with τ = η⁻², which here is a setting of its own, because a link does not know the
/// η at the chain's end. A g² beyond float64 is refused, as in <see cref="ScaleByAdam"/>. In torch's matrix form ε₃ is ε itself, a floor of
/// gradients and of their squares at once: scaling the gradients by a is scaling ε by 1/a and ε₃ by 1/a², which no single ε can follow. So
/// the law of one ε is exact for vectors, and for matrices while mean(R) stays above ε.
/// </remarks>
/// <param name="MomentDecay">c ≥ 0; torch's −beta2_decay.</param>
/// <param name="Epsilon">ε ≥ 0, unit of the gradient; torch's eps[0], by default the spacing of float64 at 1.</param>
/// <param name="SmallestScale">ε₂ ≥ 0, unit of θ: the step's scale where θ is small; torch's eps[1].</param>
/// <param name="ClipThreshold">d &gt; 0, the largest RMS of U that is let through.</param>
/// <param name="Horizon">τ &gt; 0, the steps after which the rate falls as 1/√t; torch: η⁻².</param>
/// <param name="MeanFloor">ε₃ ≥ 0, unit of the gradient squared, the floor of mean(R); null: ε, as in torch.</param>
public record ScaleByAdafactor(
    double MomentDecay = 0.8,
    double Epsilon = ScaleByAdafactor.Spacing,
    double SmallestScale = 1e-3,
    double ClipThreshold = 1,
    double Horizon = 1e4,
    double? MeanFloor = null) : Adaptive(Epsilon)
{
    /// <summary>2⁻⁵², the spacing of float64 at 1: what torch's eps[0] is where it is not given.</summary>
    public const double Spacing = 1.0 / (1L << 52);

    /// <summary>c ≥ 0.</summary>
    public double MomentDecay { get; init => field = Require.FiniteAtLeastZero(value, nameof(MomentDecay)); }
        = Require.FiniteAtLeastZero(MomentDecay, nameof(MomentDecay));

    /// <summary>ε₂ ≥ 0, unit of θ.</summary>
    public double SmallestScale { get; init => field = Require.FiniteAtLeastZero(value, nameof(SmallestScale)); }
        = Require.FiniteAtLeastZero(SmallestScale, nameof(SmallestScale));

    /// <summary>d &gt; 0, the largest RMS of U that is let through.</summary>
    public double ClipThreshold { get; init => field = Require.FinitePositive(value, nameof(ClipThreshold)); }
        = Require.FinitePositive(ClipThreshold, nameof(ClipThreshold));

    /// <summary>τ &gt; 0, the steps after which the rate falls as 1/√t.</summary>
    public double Horizon { get; init => field = Require.FinitePositive(value, nameof(Horizon)); }
        = Require.FinitePositive(Horizon, nameof(Horizon));

    /// <summary>ε₃ ≥ 0, unit of the gradient squared; null: ε.</summary>
    public double? MeanFloor { get; init => field = value is { } floor ? Require.FiniteAtLeastZero(floor, nameof(MeanFloor)) : null; }
        = MeanFloor is { } given ? Require.FiniteAtLeastZero(given, nameof(MeanFloor)) : null;

    /// <inheritdoc/>
    public override Scaling Scaling => Epsilon == 0 && MeanFloor > 0
        ? new(ScaleLaw.UpToEpsilon, "the floor of mean(R) does not scale with the gradient")
        : UpToEpsilon("g scales with a, the floored root with a");

    /// <summary>ε/c and ε₃/c²: exact for matrices, too.</summary>
    public override Rescaled? Under(double scale, int step) =>
        new(this with { Epsilon = Epsilon / scale, MeanFloor = (MeanFloor ?? Epsilon) / (scale * scale) }, 1);

    /// <inheritdoc/>
    public override bool Remembers => MomentDecay > 0;

    /// <summary>None from the settings alone: the step is a share of RMS(θ), and θ can have any size.</summary>
    public override double? Bound(int t) => null;

    /// <summary>0.</summary>
    public override double? TailRatio(int steps, int k) => 0;

    /// <inheritdoc/>
    public override bool CouplesCoordinates => true;

    /// <inheritdoc/>
    public override string? NoSimpleQuotient => Epsilon > 0 ? "ε is a floor, not a summand" : null;

    /// <summary>√v_T of a vector's coordinate, v_T = Σ wₛ Π_{r&gt;s}(1−w_r) gₛ².</summary>
    public override ClosedForm Root(ReadOnlySpan<double> gradients)
    {
        double sum = 0, kept = 1;
        for (int s = gradients.Length; s >= 1; s--)
        {
            double weight = Weight(s);
            sum += weight * kept * gradients[s - 1] * gradients[s - 1];
            kept *= 1 - weight;
        }

        return new ClosedForm(sum, sum, (6 * gradients.Length) + 8).Root();
    }

    /// <summary>0: a direction without momentum stops with its gradient.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) => ClosedForm.Zero;

    /// <inheritdoc/>
    public override TransformState Initial(int dimension) => Initial(ParameterShape.Vector(dimension));

    /// <inheritdoc/>
    public override TransformState Initial(ParameterShape shape) =>
        new AdafactorState(0, shape, [.. new double[shape.Rows]], [.. new double[shape.IsMatrix ? shape.Columns : 0]]);

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        AdafactorState past = Own<AdafactorState>(state);
        Require.Dimension(update, past.Shape.Size, nameof(update));
        Require.Dimension(theta, past.Shape.Size, nameof(theta));

        int t = past.Step + 1, columns = past.Shape.Columns;
        double[] means = new double[past.Rows.Length], columnMeans = new double[past.Columns.Length];
        for (int j = 0; j < update.Length; j++)
        {
            double square = Require.Fits(update[j] * update[j], "Adafactor", j, update[j]);
            // A vector is a matrix of one column here, whose rows are its coordinates.
            means[j / columns] += square / columns;
            if (past.Shape.IsMatrix)
                columnMeans[j % columns] += square / past.Shape.Rows;
        }

        ImmutableArray<double> rows = Average(past.Rows, means, Weight(t));
        ImmutableArray<double> across = Average(past.Columns, columnMeans, Weight(t));
        double largest = Math.Max(rows.Sum() / rows.Length, MeanFloor ?? Epsilon);
        double[] direction = new double[update.Length];
        for (int j = 0; j < direction.Length; j++)
        {
            double square = !past.Shape.IsMatrix ? rows[j] : largest == 0 ? 0 : rows[j / columns] * across[j % columns] / largest;
            direction[j] = update[j] == 0 ? 0 : update[j] / Math.Sqrt(Math.Max(square, Epsilon * Epsilon));
        }

        double scale = Math.Max(SmallestScale, RootMeanSquare(theta)) * Math.Min(1, Math.Sqrt(Horizon / t))
            / Math.Max(1, RootMeanSquare(direction) / ClipThreshold);
        for (int j = 0; j < direction.Length; j++)
            direction[j] *= scale;
        return (new AdafactorState(t, past.Shape, rows, across), direction);
    }

    private static ImmutableArray<double> Average(ImmutableArray<double> past, double[] now, double weight) =>
        [.. past.Zip(now, (old, fresh) => old + (weight * (fresh - old)))];

    private static double RootMeanSquare(ReadOnlySpan<double> vector) => ClipByGlobalNorm.Norm(vector) / Math.Sqrt(vector.Length);

    private double Weight(int t) => Math.Pow(t, -MomentDecay);
}
