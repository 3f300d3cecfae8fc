using MathNet.Numerics.Distributions;

namespace GroupRL.Checking;

/// <summary>What n cases without a failure say about the failure rate of the domain.</summary>
public static class FailureRate
{
    /// <summary>
    /// The Clopper–Pearson upper bound at confidence 99 % on the probability that a case of the domain fails, after
    /// <paramref name="cases"/> independent cases of which none did: 1 − 0.01^(1/n).
    /// </summary>
    public static double UpperBound99(int cases) => Beta.InvCDF(1, cases, 0.99);
}
