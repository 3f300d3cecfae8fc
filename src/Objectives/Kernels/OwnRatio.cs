namespace GroupRL.Objectives;

/// <summary>
/// φ = exp(ℓ − sg(ℓ))·A: value A, slope A at the batch's own log-probs, whatever the behaviour policy was. A policy gradient without
/// importance sampling, as trainers that take one step a batch write it.
/// </summary>
/// <remarks>winstonsmith1897/GTPO @ 5d33811e, gtpo_compute_loss; TRL where no old log-probs were stored.</remarks>
public sealed record OwnRatio : TokenKernel
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.VanishesWithAdvantage
        | Traits.Homogeneous | Traits.SignBlind | Traits.RatioValued | Traits.LengthBlind;

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override (double Value, double Slope) At(in Point point)
    {
        double value = point.Advantage == 0 ? 0 : Math.Exp(point.Logp - point.Frozen) * point.Advantage;
        return (value, value);
    }
}
