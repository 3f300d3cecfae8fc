namespace GroupRL.Objectives;

/// <summary>
/// φ = sg(g)·A·ℓ, slope sg(g)·A: a score-function kernel. Only ℓ carries a gradient; the gain g is taken at the frozen log-probs.
/// </summary>
public abstract record ScoreKernel : TokenKernel
{
    /// <summary>g at a token.</summary>
    protected abstract double Gain(in Point point);

    /// <inheritdoc/>
    public override Traits Traits => Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.VanishesWithAdvantage
        | Traits.Homogeneous | Traits.SignBlind | Traits.LengthBlind;

    /// <inheritdoc/>
    public override double? OnPolicyGain => Gain(new(0, 0, 0, 1));

    /// <inheritdoc/>
    public sealed override (double Value, double Slope) At(in Point point)
    {
        if (point.Advantage == 0)
            return (0, 0);
        double slope = Gain(point) * point.Advantage;
        return (slope * point.Logp, slope);
    }
}

/// <summary>φ = A·ℓ: REINFORCE, no importance ratio. arXiv:2402.14740 (RLOO), 2504.02546 (GPG), 2603.18756 (RGRA).</summary>
public sealed record LogLikelihood : ScoreKernel
{
    /// <inheritdoc/>
    protected override double Gain(in Point point) => 1;
}

/// <summary>φ = sg(clamp(r, low, high))·A·ℓ: the ratio is clipped, the gradient never. arXiv:2506.13585 (CISPO), 2510.13786.</summary>
/// <param name="Low">The lower bound of the weight; 0: none.</param>
/// <param name="High">The upper bound of the weight, itself (not 1 + ε).</param>
public sealed record ClippedImportance(double Low, double High) : ScoreKernel
{
    /// <summary>The lower bound of the weight.</summary>
    public double Low { get; } = Low >= 0 && High > 0 && Low <= High
        ? Low
        : throw InvalidInputException.Because($"The bounds of a clipped importance weight need 0 ≤ low ≤ high, high > 0; got {Low} and {High}.");

    /// <summary>The upper bound of the weight.</summary>
    public double High { get; } = High;

    /// <summary>The log-ratio is clamped to ±this before its exponential; +∞: not clamped.</summary>
    public double LogBound { get; init => field = Checks.PositiveBound(value, "A log-ratio's bound"); } = double.PositiveInfinity;

    /// <inheritdoc/>
    public override Traits Traits => base.Traits | Traits.TokenRatio;

    /// <inheritdoc/>
    protected override double Gain(in Point point) =>
        Math.Clamp(Math.Exp(Math.Clamp(point.Frozen - point.Old, -LogBound, LogBound)), Low, High);
}
