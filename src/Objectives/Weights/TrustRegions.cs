namespace GroupRL.Objectives;

/// <summary>
/// μ = 1 at tokens inside a trust region of probabilities, 0 outside; p = π(token) at the batch's own log-probs, q = π_old(token).
/// Frozen: a mask, not a clip of the ratio.
/// </summary>
public abstract record TrustRegion : TokenWeight
{
    /// <inheritdoc/>
    public sealed override bool OneNumberARowOnPolicy => true;

    /// <summary>On-policy p = q, which every trust region contains.</summary>
    public override Traits Traits => Traits.UniformWeight | Traits.GroupIsolated | Traits.LengthBlind | Traits.FlatWeight;

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        ReadOnlySpan<double> logp = batch[Column.Logp], old = batch[Column.OldLogp];
        for (int t = 0; t < weights.Length; t++)
            weights[t] = Contains(logp[t], old[t], advantages[t]) ? 1 : 0;
    }

    /// <summary>Whether the token is inside.</summary>
    protected abstract bool Contains(double logp, double old, double advantage);
}

/// <summary>
/// The total variation of the token alone, one-sided: p − q ≤ ε_high where A &gt; 0, p − q ≥ −ε_low elsewhere. arXiv:2602.04879 (DPPO).
/// </summary>
/// <param name="Low">ε_low ≥ 0, a difference of probabilities.</param>
/// <param name="High">ε_high ≥ 0, a difference of probabilities.</param>
/// <remarks>verl @ 1dda039b, compute_policy_loss_dppo_tv; PrimeIntellect-ai/prime-rl @ 559b4477, default_loss_fn.</remarks>
public sealed record TotalVariationRegion(double Low, double High) : TrustRegion
{
    /// <summary>ε_low.</summary>
    public double Low { get; } = Checks.AtLeastZero(Low, "A trust region's ε_low");

    /// <summary>ε_high.</summary>
    public double High { get; } = Checks.AtLeastZero(High, "A trust region's ε_high");

    /// <inheritdoc/>
    protected override bool Contains(double logp, double old, double advantage)
    {
        double shift = Math.Exp(logp) - Math.Exp(old);
        return advantage > 0 ? shift <= High : shift >= -Low;
    }
}

/// <summary>
/// The KL divergence of the token against all others, D = q(log q − log p) + (1 − q)·log((1 − q + δ)/(1 − p + δ)), δ = 1e−8, one-sided:
/// D ≤ ε_high or p ≤ q where A &gt; 0, D ≤ ε_low or p ≥ q elsewhere. arXiv:2602.04879 (DPPO).
/// </summary>
/// <param name="Low">ε_low ≥ 0, in nats.</param>
/// <param name="High">ε_high ≥ 0, in nats.</param>
/// <remarks>verl @ 1dda039b, compute_policy_loss_dppo_kl.</remarks>
public sealed record BinaryKlRegion(double Low, double High) : TrustRegion
{
    private const double Delta = 1e-8;

    /// <summary>ε_low, in nats.</summary>
    public double Low { get; } = Checks.AtLeastZero(Low, "A trust region's ε_low");

    /// <summary>ε_high, in nats.</summary>
    public double High { get; } = Checks.AtLeastZero(High, "A trust region's ε_high");

    /// <inheritdoc/>
    protected override bool Contains(double logp, double old, double advantage)
    {
        double p = Math.Exp(logp), q = Math.Exp(old);
        double divergence = (q * (old - logp)) + ((1 - q) * Math.Log((1 - q + Delta) / (1 - p + Delta)));
        return advantage > 0 ? divergence <= High || p <= q : divergence <= Low || p >= q;
    }
}

/// <summary>|p − q| ≤ threshold, whatever the advantage's sign: prime-rl's IPO mask.</summary>
/// <param name="Threshold">A difference of probabilities, ≥ 0.</param>
/// <remarks>PrimeIntellect-ai/prime-rl @ 559b4477, ipo_loss_fn.</remarks>
public sealed record ProbabilityRegion(double Threshold) : TrustRegion
{
    /// <summary>Blind to the advantage, it takes a shared token from all rows or from none.</summary>
    public override Traits Traits => base.Traits | Traits.UniformOffPolicy;

    /// <summary>The largest |p − q|.</summary>
    public double Threshold { get; } = Checks.AtLeastZero(Threshold, "A trust region's threshold");

    /// <inheritdoc/>
    protected override bool Contains(double logp, double old, double advantage) => Math.Abs(Math.Exp(logp) - Math.Exp(old)) <= Threshold;
}
