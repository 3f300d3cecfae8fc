using System.Text.Json.Serialization;

namespace GroupRL.Optimizers;

/// <summary>
/// What the flat vector of parameters stands for: a vector [d], or a matrix [rows, columns] in row-major order. Only links that
/// read rows and columns (Adafactor, Muon) tell them apart.
/// </summary>
public readonly record struct ParameterShape
{
    private const int MostEntries = int.MaxValue;

    [JsonConstructor]
    private ParameterShape(int rows, int columns, bool isMatrix) => (Rows, Columns, IsMatrix) = (rows, columns, isMatrix);

    /// <summary>The rows of a matrix; d for a vector.</summary>
    public int Rows { get; }

    /// <summary>The columns of a matrix; 1 for a vector.</summary>
    public int Columns { get; }

    /// <summary>Whether it is a matrix; one of a single row or column still is.</summary>
    public bool IsMatrix { get; }

    /// <summary>d, the number of parameters.</summary>
    [JsonIgnore]
    public int Size => Rows * Columns;

    /// <summary>A vector of <paramref name="dimension"/> ≥ 1 parameters.</summary>
    public static ParameterShape Vector(int dimension) => new(Require.PositiveDimension(dimension), 1, isMatrix: false);

    /// <summary>A matrix of <paramref name="rows"/> ≥ 1 times <paramref name="columns"/> ≥ 1 parameters.</summary>
    public static ParameterShape Matrix(int rows, int columns) =>
        rows >= 1 && columns >= 1 && (long)rows * columns <= MostEntries
            ? new(rows, columns, isMatrix: true)
            : throw new ArgumentException(Require.Say(
                $"A parameter matrix needs a row and a column, and at most {MostEntries} entries; got {rows} by {columns}."));

    /// <inheritdoc/>
    public override string ToString() =>
        Require.Say(IsMatrix ? (FormattableString)$"a matrix of {Rows} by {Columns}" : $"a vector of {Rows}");
}
