using System.Globalization;

namespace GroupRL.Optimizers;

/// <summary>The rules of the layer, each stated once: the sentence names the rule and the value that broke it.</summary>
internal static class Require
{
    // The comparisons are written so that NaN fails them.

    public static double FiniteAtLeastZero(double value, string name) =>
        double.IsFinite(value) && value >= 0
            ? value
            : throw Broken(name, $"{name} must be a finite number of at least 0; got {value}.");

    public static double FinitePositive(double value, string name) =>
        double.IsFinite(value) && value > 0
            ? value
            : throw Broken(name, $"{name} must be a finite number above 0; got {value}.");

    public static double InUnitInterval(double value, string name) =>
        value is >= 0 and < 1
            ? value
            : throw Broken(name, $"{name} must be at least 0 and below 1; got {value}.");

    public static double InClosedUnitInterval(double value, string name) =>
        value is >= 0 and <= 1
            ? value
            : throw Broken(name, $"{name} must be at least 0 and at most 1; got {value}.");

    public static int PositiveDimension(int dimension) =>
        dimension >= 1
            ? dimension
            : throw Broken(nameof(dimension), $"A parameter vector needs at least 1 coordinate; got {dimension}.");

    public static void Dimension(ReadOnlySpan<double> vector, int dimension, string name)
    {
        if (vector.Length != dimension)
        {
            throw new ArgumentException(
                Say($"{name} needs {dimension} coordinates, one per parameter; got {vector.Length}."), name);
        }
    }

    public static void Finite(ReadOnlySpan<double> vector, string name)
    {
        for (int j = 0; j < vector.Length; j++)
        {
            if (!double.IsFinite(vector[j]))
                throw new ArgumentException(Say($"{name} must be finite; coordinate {j} is {vector[j]}."), name);
        }
    }

    public static double Fits(double square, string owner, int coordinate, double gradient) =>
        double.IsFinite(square)
            ? square
            : throw new OverflowException(
                Say($"{owner}'s second moment must fit in float64; coordinate {coordinate} has the gradient {gradient}."));

    public static string Say(FormattableString sentence) => sentence.ToString(CultureInfo.InvariantCulture);

    private static ArgumentOutOfRangeException Broken(string name, FormattableString sentence) => new(name, Say(sentence));
}
