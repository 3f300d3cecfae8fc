using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// φ = sg(g(w))·A·ℓ, g(w) = e^λ·w^k·e^(−λw), w = exp(Σₜ (ℓ − ℓ°)) of the row at the batch's own log-probs: a score function whose gain is
/// 1 at w = 1, largest at w = k/λ, and fades on both sides; k and λ by the sign of A. arXiv:2602.10693 (VESPO).
/// </summary>
/// <param name="PositiveK">k ≥ 0 where A ≥ 0.</param>
/// <param name="PositiveLambda">λ &gt; 0 where A ≥ 0.</param>
/// <param name="NegativeK">k ≥ 0 where A &lt; 0.</param>
/// <param name="NegativeLambda">λ &gt; 0 where A &lt; 0.</param>
/// <remarks>
/// TRL @ f2cd5771, get_gamma_weights, whose numbers the bounds are: each token's log-ratio within ±20, log w within [log 1e−8, 20], a
/// gain that is no finite number counts as 0.
/// </remarks>
public sealed record GammaGain(double PositiveK = 2, double PositiveLambda = 3, double NegativeK = 3, double NegativeLambda = 2) : RowKernel
{
    internal const double LargestLog = 20;

    private static readonly double s_smallestLog = Math.Log(1e-8);

    /// <summary>k where A ≥ 0.</summary>
    public double PositiveK { get; } = Checks.AtLeastZero(PositiveK, "A gamma gain's k");

    /// <summary>λ where A ≥ 0.</summary>
    public double PositiveLambda { get; } = Checks.Positive(PositiveLambda, "A gamma gain's λ");

    /// <summary>k where A &lt; 0.</summary>
    public double NegativeK { get; } = Checks.AtLeastZero(NegativeK, "A gamma gain's k");

    /// <summary>λ where A &lt; 0.</summary>
    public double NegativeLambda { get; } = Checks.Positive(NegativeLambda, "A gamma gain's λ");

    /// <summary>
    /// A token ratio whose logarithms, within [log 1e−8, 20], are added to log w: the mismatch between the behaviour policy and the sampling
    /// engine, inside the gain instead of a correction outside it. Null: none.
    /// </summary>
    public PolicyRatioWeight? Mismatch
    {
        get;
        init => field = value is null or { Level: RatioLevel.Token }
            ? value
            : throw InvalidInputException.Because($"The mismatch inside a gamma gain is a ratio of tokens; got {value.Level}.");
    }

    /// <inheritdoc/>
    public override RatioLevel Ratio => RatioLevel.SequenceSum;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Mismatch?.Reads ?? [];

    /// <summary>With a mismatch w is not 1 on-policy, and the gain not common.</summary>
    public override Traits Traits => Traits.SequenceRatio | Traits.GroupIsolated | Traits.VanishesWithAdvantage | Traits.Homogeneous
        | (Mismatch is null ? Traits.CommonOnPolicyGain | Traits.LengthBlind : Traits.None);

    /// <inheritdoc/>
    public override double? OnPolicyGain => Mismatch is null ? 1 : null;

    /// <inheritdoc/>
    public override double Row(in RowView row, Span<double> coefficients)
    {
        double sum = 0;
        var (positive, negative) = Gains(LogRatio(row));
        for (int t = 0; t < row.Length; t++)
        {
            double slope = row.Weights[t] * ((row.Advantages[t] >= 0 ? positive : negative) * row.Advantages[t]);
            sum += slope * row.Logp[t];
            coefficients[t] += slope;
        }

        return sum;
    }

    private double LogRatio(in RowView row)
    {
        double log = 0;
        for (int t = 0; t < row.Length; t++)
            log += Math.Clamp(row.Frozen[t] - row.Old[t], -LargestLog, LargestLog);
        if (Mismatch is null)
            return log;
        ReadOnlySpan<double> of = row.Completion[Mismatch.Of], against = row.Completion[Mismatch.Against];
        for (int t = 0; t < row.Length; t++)
            log += Math.Clamp(Math.Log(Mismatch.AtLogRatio(of[t] - against[t])), s_smallestLog, LargestLog);
        return log;
    }

    internal (double Positive, double Negative) Gains(double logRatio)
    {
        double log = Math.Clamp(logRatio, s_smallestLog, LargestLog);
        return (Gain(log, PositiveK, PositiveLambda), Gain(log, NegativeK, NegativeLambda));
    }

    private static double Gain(double log, double k, double lambda) =>
        Math.Exp(lambda + (k * log) - (lambda * Math.Exp(log))) is var gain && double.IsFinite(gain) ? gain : 0;
}
