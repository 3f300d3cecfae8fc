namespace GroupRL.Objectives;

/// <summary>Advantages that were computed before, one a token, shape [N]: a trainer fixes them before it splits a batch or takes inner steps.</summary>
public sealed record GivenAdvantages(double[] Tokens) : Advantage
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) => Tokens.CopyTo(advantages);
}

/// <summary>Weights that were computed before, one a token, shape [N].</summary>
public sealed record GivenWeights(double[] Tokens) : TokenWeight
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) => Tokens.CopyTo(weights);
}

/// <summary>Rewards that nothing reads.</summary>
public sealed record NoRewards : RewardShaping
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.GroupIsolated;

    /// <inheritdoc/>
    public override int? Count => null;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, Span<double> rewards) => rewards.Clear();
}
