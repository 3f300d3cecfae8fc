using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>ψ(r, A): what an importance ratio, of a token or of a sequence, is worth, and its slope dψ/d log r.</summary>
public abstract record Shape
{
    /// <summary>ψ and dψ/d log r at ratio r ≥ 0 and advantage A.</summary>
    public abstract (double Value, double Slope) At(double ratio, double advantage);

    /// <summary>The log-ratios at which ψ is not differentiable, for some A.</summary>
    public virtual ImmutableArray<double> Kinks => [];

    /// <summary>The ratios at which the coefficient vanishes for A ≠ 0; null where it never does.</summary>
    public virtual Clip? Region => null;
}

/// <summary>ψ = r·A, slope r·A: plain importance sampling.</summary>
public sealed record Unclipped : Shape
{
    /// <inheritdoc/>
    public override (double Value, double Slope) At(double ratio, double advantage) =>
        advantage == 0 ? (0, 0) : (ratio * advantage, ratio * advantage);
}

/// <summary>
/// ψ = min(min(r, cap)·A, clamp(r, low, high)·A), low = 1 − ε_low, high = 1 + ε_high. Slope r·A where A &gt; 0 and r ≤ high, or where
/// A &lt; 0 and low ≤ r ≤ cap; 0 elsewhere. The full gradient flows at the bounds themselves, none one ulp beyond. arXiv:1707.06347.
/// </summary>
/// <remarks>
/// torch.clamp passes the gradient at its bounds, and torch.min splits a tie in halves that add up again: TRL @ f2cd5771, verl @ 1dda039b.
/// </remarks>
/// <param name="Low">1 − ε_low, the ratio below which a token of negative advantage gets no gradient.</param>
/// <param name="High">1 + ε_high, the ratio above which a token of positive advantage gets no gradient.</param>
/// <param name="Cap">The ratio above which a token of negative advantage gets none either; +∞: no cap. TRL's delta (INTELLECT-2).</param>
public sealed record Clip(double Low, double High, double Cap = double.PositiveInfinity) : Shape
{
    /// <summary>1 − ε_low.</summary>
    public double Low { get; } = Low <= 1 && High >= 1 && Cap >= High
        ? Low
        : throw InvalidInputException.Because($"A clip range needs low ≤ 1 ≤ high ≤ cap; got low {Low}, high {High}, cap {Cap}.");

    /// <summary>1 + ε_high.</summary>
    public double High { get; } = High;

    /// <summary>The ratio above which a token of negative advantage gets no gradient; +∞: no cap.</summary>
    public double Cap { get; } = Cap;

    /// <summary>The clip range [1 − ε_low, 1 + ε_high].</summary>
    public static Clip Range(double low, double high, double cap = double.PositiveInfinity)
    {
        if (!(low >= 0 && high >= 0 && double.IsFinite(low) && double.IsFinite(high)))
            throw InvalidInputException.Because($"A clip range's ε_low and ε_high must be finite numbers ≥ 0; got {low} and {high}.");
        return new(1 - low, 1 + high, cap);
    }

    /// <inheritdoc/>
    public override Clip Region => this;

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks
    {
        get
        {
            double high = Math.Log(High);
            return (Low > 0, double.IsFinite(Cap)) switch
            {
                (true, true) => [Math.Log(Low), high, Math.Log(Cap)],
                (true, false) => [Math.Log(Low), high],
                (false, true) => [high, Math.Log(Cap)],
                (false, false) => [high],
            };
        }
    }

    /// <summary>Whether a token of ratio r and advantage A ≠ 0 gets no gradient.</summary>
    public bool Kills(double ratio, double advantage) => advantage > 0 ? ratio > High : ratio < Low || ratio > Cap;

    /// <inheritdoc/>
    public override (double Value, double Slope) At(double ratio, double advantage)
    {
        if (advantage == 0)
            return (0, 0);
        double value = Math.Min(Math.Min(ratio, Cap) * advantage, Math.Clamp(ratio, Low, High) * advantage);
        return (value, Kills(ratio, advantage) ? 0 : ratio * advantage);
    }
}
