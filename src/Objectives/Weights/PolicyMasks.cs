using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// μ = 1 where A ≥ 0 or the row's mean of ℓ_sampler − ℓ is at most δ, 0 elsewhere: rows of negative advantage that the policy has left
/// behind are dropped. DeepSeek-V3.2's off-policy sequence masking; frozen.
/// </summary>
/// <param name="Threshold">δ, in nats a token.</param>
/// <remarks>
/// TRL @ f2cd5771, get_off_policy_mask: the sampler is the sampling engine where vLLM is used, else the behaviour policy.
/// slime @ 624b824a, compute_opsm_mask.
/// </remarks>
public sealed record OffPolicyMask(double Threshold) : TokenWeight
{
    /// <summary>δ, in nats a token.</summary>
    public double Threshold { get; } = Checks.Finite(Threshold, "An off-policy mask's threshold");

    /// <summary>The log-probs of what the completions were sampled from.</summary>
    public Column Sampler { get; init => field = Columns.LogProbs(value, "An off-policy mask's sampler"); } = Column.OldLogp;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Sampler];

    /// <inheritdoc/>
    public override bool OneNumberARow => true;

    /// <summary>On-policy a row that the behaviour policy sampled has mean 0.</summary>
    public override Traits Traits => Traits.GroupIsolated
        | (Threshold >= 0 ? Traits.FlatWeight : Traits.None)
        | (Sampler is Column.Logp or Column.OldLogp && Threshold >= 0 ? Traits.UniformWeight | Traits.LengthBlind : Traits.None);

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        ReadOnlySpan<double> sampler = batch[Sampler], logp = batch[Column.Logp];
        for (int i = 0; i < batch.Rows; i++)
        {
            var (start, n) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            double sum = 0;
            for (int t = start; t < start + n; t++)
                sum += sampler[t] - logp[t];
            for (int t = start; t < start + n; t++)
                weights[t] = advantages[t] >= 0 || sum / n <= Threshold ? 1 : 0;
        }
    }
}

/// <summary>
/// μ = 1 at tokens whose entropy is at least the q-quantile of the entropies of all trainable tokens of the batch, 0 elsewhere: only
/// forking tokens are trained on. arXiv:2506.01939.
/// </summary>
/// <param name="Quantile">q in [0, 1]; the largest 1 − q of the entropies are kept.</param>
/// <remarks>
/// TRL @ f2cd5771, get_high_entropy_mask, q = 1 − top_entropy_quantile: torch.quantile of float32 entropies, interpolated linearly;
/// here entropies are rounded to float32 on both sides of the comparison.
/// </remarks>
public sealed record EntropyQuantileMask(double Quantile) : TokenWeight
{
    /// <summary>q.</summary>
    public double Quantile { get; } = Quantiles.Checked(Quantile);

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Column.Entropy];

    /// <summary>On a shared prefix all rows have the same entropies; the threshold sees the whole batch.</summary>
    public override Traits Traits => Traits.UniformWeight | Traits.UniformOffPolicy;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        if (batch.Tokens == 0)
            return;
        var entropies = batch[Column.Entropy];
        using var sorted = new Scratch(entropies.Length);
        for (int t = 0; t < entropies.Length; t++)
            sorted.Span[t] = (float)entropies[t];
        float threshold = Quantiles.Single(sorted.Span, Quantile);
        for (int t = 0; t < entropies.Length; t++)
            weights[t] = (float)entropies[t] >= threshold ? 1 : 0;
    }
}
