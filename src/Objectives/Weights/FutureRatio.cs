namespace GroupRL.Objectives;

/// <summary>
/// μₜ = clamp(exp(Σ_{u ≥ t} γ^(u − t)·xᵤ), low, high), x = ℓ − ℓ° of the row's tokens: a token counts by what became of those after it;
/// where A &lt; 0 and r exceeds <see cref="Safety"/>, μ is clamped to [0.8, 1] after that. Frozen. arXiv:2603.19835 (FIPO).
/// </summary>
/// <param name="HalfLife">The distance in tokens over which γ halves: γ = 2^(−1/half-life).</param>
/// <param name="Low">The least factor.</param>
/// <param name="High">The largest factor.</param>
/// <remarks>modelscope/ms-swift @ 3602360a, loss_type="fipo", _compute_fipo_influence; its half-life is 32, its range [1, 1.2].</remarks>
public sealed record FutureRatio(double HalfLife = 32, double Low = 1, double High = 1.2) : TokenWeight
{
    private const double SafeLow = 0.8, SafeHigh = 1;

    /// <summary>The distance in tokens over which γ halves.</summary>
    public double HalfLife { get; } = Checks.Positive(HalfLife, "A future ratio's half-life");

    /// <summary>The least factor.</summary>
    public double Low { get; } = Low >= 0 && Low <= 1 && High >= 1
        ? Low
        : throw InvalidInputException.Because($"A future ratio's range needs 0 ≤ low ≤ 1 ≤ high; got {Low} and {High}.");

    /// <summary>The largest factor.</summary>
    public double High { get; } = High;

    /// <summary>The ratio beyond which tokens of negative advantage are not amplified; +∞: none. 4 in ms-swift.</summary>
    public double Safety { get; init => field = Checks.PositiveBound(value, "A future ratio's safety bound"); } = 4;

    /// <inheritdoc/>
    public override bool OneNumberARowOnPolicy => true;

    /// <summary>On-policy every factor is 1.</summary>
    public override Traits Traits => Traits.UniformWeight | Traits.GroupIsolated | Traits.LengthBlind | Traits.FlatWeight;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        ReadOnlySpan<double> logp = batch[Column.Logp], old = batch[Column.OldLogp];
        double gamma = Math.Pow(2, -1 / HalfLife);
        for (int i = 0; i < batch.Rows; i++)
        {
            var (start, n) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            double future = 0;
            for (int t = start + n - 1; t >= start; t--)
            {
                double x = logp[t] - old[t];
                future = x + (gamma * future);
                weights[t] = Math.Clamp(Math.Exp(future), Low, High);
                if (advantages[t] < 0 && Math.Exp(x) > Safety)
                    weights[t] = Math.Clamp(weights[t], SafeLow, SafeHigh);
            }
        }
    }
}
