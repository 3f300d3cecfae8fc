namespace GroupRL.Objectives;

/// <summary>
/// What is too small to decide anything: choices by a sign or by an order are made on numbers that the order of a sum does not change.
/// </summary>
internal static class Rounding
{
    /// <summary>Numbers that differ by less than 2^−this of the largest are taken to be equal.</summary>
    public const int Grain = 40;

    /// <summary>Whether <paramref name="value"/> is rounding beside <paramref name="largest"/>.</summary>
    public static bool IsNoise(double value, double largest) => Math.Abs(value) <= Math.ScaleB(largest, -Grain);
}
