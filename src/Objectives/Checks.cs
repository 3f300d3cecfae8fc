namespace GroupRL.Objectives;

/// <summary>Rules of the parts' numbers, each stated once; a comparison that NaN must fail is written so that it does.</summary>
internal static class Checks
{
    public static double Positive(double value, string name) => value > 0 && double.IsFinite(value)
        ? value
        : throw InvalidInputException.Because($"{name} must be a finite number > 0; got {value}.");

    public static double AtLeastZero(double value, string name) => value >= 0 && double.IsFinite(value)
        ? value
        : throw InvalidInputException.Because($"{name} must be a finite number ≥ 0; got {value}.");

    public static double PositiveBound(double value, string name) => value > 0
        ? value
        : throw InvalidInputException.Because($"{name} must be > 0 (infinite: none); got {value}.");

    public static double Finite(double value, string name) => double.IsFinite(value)
        ? value
        : throw InvalidInputException.Because($"{name} must be a finite number; got {value}.");
}
