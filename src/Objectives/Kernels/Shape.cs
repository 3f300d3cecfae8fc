using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace GroupRL.Objectives;

/// <summary>ψ(r, A): what an importance ratio, of a token or of a sequence, is worth, and its slope dψ/d log r.</summary>
public abstract record Shape
{
    /// <summary>ψ and dψ/d log r at ratio r ≥ 0 and advantage A.</summary>
    public abstract (double Value, double Slope) At(double ratio, double advantage);

    /// <summary>What a kernel of this shape promises beyond others: <see cref="Traits.RatioValued"/> where ψ(1, A) = A, <see cref="Traits.SignBlind"/> where ψ is linear in A.</summary>
    public virtual Traits Traits => Traits.None;

    /// <summary>The log-ratios at which ψ is not differentiable, for some A.</summary>
    public virtual ImmutableArray<double> Kinks => [];

    /// <summary>The ratios at which the coefficient vanishes for A ≠ 0; null where it never does.</summary>
    public virtual Clip? Region => null;
}

/// <summary>ψ = r·A, slope r·A: plain importance sampling.</summary>
public sealed record Unclipped : Shape
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.RatioValued | Traits.SignBlind;

    /// <inheritdoc/>
    public override (double Value, double Slope) At(double ratio, double advantage) =>
        advantage == 0 ? (0, 0) : (ratio * advantage, ratio * advantage);
}

/// <summary>
/// ψ = min(min(r, cap)·A, clamp(r, low, high)·A), low = 1 − ε_low, high = 1 + ε_high, and for A &lt; 0 at least dual·A. Slope r·A where
/// A &gt; 0 and r ≤ high, or where A &lt; 0 and low ≤ r ≤ min(cap, dual); 0 elsewhere. The full gradient flows at the bounds themselves, none
/// one ulp beyond; at r = dual half of it does. arXiv:1707.06347; the dual clip 1912.09729.
/// </summary>
/// <remarks>
/// torch.clamp passes the gradient at its bounds, and torch.min splits a tie in halves, which add up again at the bounds but not at the
/// dual clip's constant: TRL @ f2cd5771, verl @ 1dda039b.
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

    /// <summary>c of the dual clip: for A &lt; 0, ψ is at least c·A, without a gradient beyond r = c; +∞: none.</summary>
    public double Dual
    {
        get;
        init => field = value > 1 ? value : throw InvalidInputException.Because($"A dual clip's constant must be > 1; got {value}.");
    }

        = double.PositiveInfinity;

    /// <summary>The clip range [1 − ε_low, 1 + ε_high].</summary>
    public static Clip Range(double low, double high, double cap = double.PositiveInfinity)
    {
        if (!(low >= 0 && high >= 0 && double.IsFinite(low) && double.IsFinite(high)))
            throw InvalidInputException.Because($"A clip range's ε_low and ε_high must be finite numbers ≥ 0; got {low} and {high}.");
        return new(1 - low, 1 + high, cap);
    }

    /// <inheritdoc/>
    public override Clip? Region => double.IsPositiveInfinity(High) && Low <= 0 && double.IsPositiveInfinity(Math.Min(Cap, Dual)) ? null : this;

    /// <summary>A cap at the upper bound and no lower one treat both signs alike.</summary>
    public override Traits Traits => Traits.RatioValued | (Low <= 0 && Cap == High && (Dual > High || double.IsPositiveInfinity(High)) ? Traits.SignBlind : Traits.None);

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks =>
        [.. new[] { Low, High, Cap, Dual }.Where(bound => bound > 0 && double.IsFinite(bound)).Select(bound => Math.Log(bound))];

    /// <summary>This clip where ratios beyond <paramref name="cap"/> have no gradient for A &lt; 0 either; itself where they have none as it is.</summary>
    internal Clip CappedAt(double cap) => cap >= Math.Min(Cap, Dual) || cap < High ? this : new(Low, High, cap) { Dual = Dual };

    /// <summary>Whether a token of ratio r and advantage A ≠ 0 gets no gradient.</summary>
    public bool Kills(double ratio, double advantage) =>
        advantage > 0 ? ratio > High : ratio < Low || ratio > Cap || ratio > Dual;

    /// <summary>Without the region, which is the clip itself: printed, it would never end.</summary>
    protected override bool PrintMembers(StringBuilder builder)
    {
        builder.Append(CultureInfo.InvariantCulture, $"Low = {Low}, High = {High}, Cap = {Cap}, Dual = {Dual}");
        return true;
    }

    /// <inheritdoc/>
    public override (double Value, double Slope) At(double ratio, double advantage)
    {
        if (advantage == 0)
            return (0, 0);
        double value = Math.Min(Math.Min(ratio, Cap) * advantage, Math.Clamp(ratio, Low, High) * advantage);
        if (advantage < 0)
            value = Math.Max(value, Dual * advantage);
        double slope = Kills(ratio, advantage) ? 0 : ratio * advantage;
        return (value, advantage < 0 && ratio == Dual ? slope / 2 : slope);
    }
}

/// <summary>ψ = (4/τ)·σ(τ(r − 1))·A, slope 4p(1 − p)·r·A with p = σ(τ(r − 1)): a soft clip, r·A at r = 1. arXiv:2511.20347 (SAPO).</summary>
/// <param name="PositiveTau">τ where A &gt; 0.</param>
/// <param name="NegativeTau">τ elsewhere.</param>
public sealed record SoftGate(double PositiveTau = 1, double NegativeTau = 1.05) : Shape
{
    /// <summary>τ where A &gt; 0.</summary>
    public double PositiveTau { get; } = Checks.Positive(PositiveTau, "A soft gate's τ");

    /// <summary>One gate for both signs is linear in A, and worth 2A/τ at ratio 1.</summary>
    public override Traits Traits => PositiveTau == NegativeTau ? Traits.SignBlind | Traits.RatioValued : Traits.None;

    /// <summary>τ where A ≤ 0.</summary>
    public double NegativeTau { get; } = Checks.Positive(NegativeTau, "A soft gate's τ");

    /// <inheritdoc/>
    public override (double Value, double Slope) At(double ratio, double advantage)
    {
        if (advantage == 0)
            return (0, 0);
        double tau = advantage > 0 ? PositiveTau : NegativeTau, argument = tau * (ratio - 1);
        // 1 − p as σ of the opposite: a difference would lose p's tail.
        double p = Sigmoid(argument), rest = Sigmoid(-argument);
        return (4 / tau * p * advantage, rest == 0 ? 0 : 4 * p * rest * ratio * advantage);
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
