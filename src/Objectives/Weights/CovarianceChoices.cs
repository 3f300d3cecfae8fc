using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// A choice of tokens by cov = (A − Ā)(ℓ − ℓ̄), both means over all trainable tokens of the batch, at the batch's own log-probs. It falls
/// on at most max(1, ⌊fraction·N⌋) tokens; where it is random, the randomness is <see cref="Column.Random"/>. Tokens that tie are chosen
/// together or not at all, so that the order of rows carries no meaning. arXiv:2505.22617.
/// </summary>
/// <remarks>
/// Sums in another order give other last bits, so covariances are rounded to 2⁻⁴⁰ of max|A|·max|ℓ|, up to a power of 2: what differs by less is
/// a tie, and what differs from a bound by less is the bound. No library does that.
/// </remarks>
/// <param name="Fraction">The share of all tokens that is chosen, in (0, 1].</param>
public abstract record CovarianceChoice(double Fraction) : TokenWeight
{
    // Sums over N tokens round by N·2⁻⁵³ at worst: below the grain up to thousands of tokens, and as a rule far beyond.

    /// <summary>The share of all tokens that is chosen.</summary>
    public double Fraction { get; } = Fraction is > 0 and <= 1
        ? Fraction
        : throw InvalidInputException.Because($"The share of tokens that a covariance chooses must lie in (0, 1]; got {Fraction}.");

    /// <summary>ε ≥ 0 beside N in both means: 1e−8 in verl's clip-cov; 0 unless said otherwise.</summary>
    public double CountEpsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a token count"); }

    /// <summary>Advantages differ between rows, and so does the choice; the means see the whole batch.</summary>
    public sealed override Traits Traits => Traits.None;

    /// <inheritdoc/>
    public sealed override bool ReadsAdvantageSizes => true;

    /// <summary>The largest number of tokens that is chosen of <paramref name="tokens"/>: max(1, ⌊fraction·N⌋).</summary>
    public int Most(int tokens) => Math.Max(1, (int)(Fraction * tokens));

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        using var covariances = new Scratch(weights.Length);
        var logp = batch[Column.Logp];
        var (meanAdvantage, largestAdvantage) = Mean(advantages);
        var (meanLogp, largestLogp) = Mean(logp);
        double largest = largestAdvantage * largestLogp;
        double grain = largest > 0 ? Math.ScaleB(1, Math.ILogB(largest) - Rounding.Grain) : 0;
        for (int t = 0; t < weights.Length; t++)
        {
            double covariance = (advantages[t] - meanAdvantage) * (logp[t] - meanLogp);
            covariances.Span[t] = grain > 0 ? Math.Round(covariance / grain) * grain : covariance;
        }

        Choose(batch, advantages, covariances.Span, weights);
    }

    /// <summary>Writes the weights; <paramref name="covariances"/> may be overwritten.</summary>
    private protected abstract void Choose(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> covariances, Span<double> weights);

    private (double Mean, double Largest) Mean(ReadOnlySpan<double> values)
    {
        double sum = 0, largest = 0;
        foreach (double value in values)
            (sum, largest) = (sum + value, Math.Max(largest, Math.Abs(value)));
        return (sum / (values.Length + CountEpsilon), largest);
    }
}

/// <summary>
/// μ = 0 at the tokens of smallest <see cref="Column.Random"/> among those with low &lt; cov &lt; high that the clip leaves alone, 1 elsewhere:
/// clip-cov's drop. arXiv:2505.22617.
/// </summary>
/// <param name="Fraction">The share of all tokens that is dropped at most, in (0, 1].</param>
/// <param name="Low">The covariance above which a token may be dropped, in units of advantage times nats.</param>
/// <param name="High">The covariance below which a token may be dropped, in the same units.</param>
/// <param name="Clip">The clip range of the objective's kernel: what it kills already is no candidate.</param>
/// <remarks>verl @ 1dda039b, compute_policy_loss_clip_cov, which draws the tokens with torch.randperm.</remarks>
public sealed record CovarianceDrop(double Fraction, double Low, double High, Clip Clip) : CovarianceChoice(Fraction)
{
    /// <summary>The covariance above which a token may be dropped.</summary>
    public double Low { get; } = Low < High
        ? Low
        : throw InvalidInputException.Because($"Covariances of dropped tokens need low < high; got {Low} and {High}.");

    /// <summary>The covariance below which a token may be dropped.</summary>
    public double High { get; } = High;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Column.Random];

    private protected override void Choose(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> covariances, Span<double> weights)
    {
        ReadOnlySpan<double> logp = batch[Column.Logp], old = batch[Column.OldLogp], random = batch[Column.Random];
        double largest = 0;
        foreach (double advantage in advantages)
            largest = Math.Max(largest, Math.Abs(advantage));
        for (int t = 0; t < weights.Length; t++)
        {
            bool clipped = !Rounding.IsNoise(advantages[t], largest) && Clip.Kills(Math.Exp(logp[t] - old[t]), advantages[t]);
            covariances[t] = !clipped && covariances[t] > Low && covariances[t] < High ? random[t] : double.PositiveInfinity;
        }

        weights.Fill(1);
        Selection.Smallest(covariances, Most(weights.Length), 0, weights);
    }
}

/// <summary>
/// 1 at the tokens of largest covariance, 0 elsewhere: where kl-cov's penalty acts. Equal covariances are told apart by
/// <see cref="Column.Random"/>. arXiv:2505.22617.
/// </summary>
/// <param name="Fraction">The share of all tokens that is chosen, in (0, 1].</param>
/// <remarks>verl @ 1dda039b, compute_policy_loss_kl_cov, where torch.topk tells ties apart.</remarks>
public sealed record TopCovariance(double Fraction) : CovarianceChoice(Fraction)
{
    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [Column.Random];

    private protected override void Choose(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> covariances, Span<double> weights)
    {
        var random = batch[Column.Random];
        foreach (ref double covariance in covariances)
            covariance = -covariance;
        weights.Clear();
        var (left, tie) = Selection.Smallest(covariances, Most(weights.Length), 1, weights);
        for (int t = 0; t < covariances.Length && left > 0; t++)
            covariances[t] = covariances[t] == tie ? random[t] : double.PositiveInfinity;
        if (left > 0)
            Selection.Smallest(covariances, left, 1, weights);
    }
}

/// <summary>Choices of the smallest keys that do not depend on their order.</summary>
internal static class Selection
{
    /// <summary>
    /// Writes <paramref name="mark"/> at the <paramref name="count"/> smallest keys. Keys of +∞ are never chosen, and equal keys together or,
    /// where they do not all fit, not at all: then returns how many are still to be chosen, and the key of those that tie.
    /// </summary>
    public static (int Left, double Tie) Smallest(ReadOnlySpan<double> keys, int count, double mark, Span<double> marks)
    {
        if (keys.Length == 0)
            return (0, double.NaN);
        using var sorted = new Scratch(keys.Length);
        keys.CopyTo(sorted.Span);
        sorted.Span.Sort();
        count = Math.Min(count, keys.Length);
        double last = sorted.Span[count - 1];
        bool fits = double.IsPositiveInfinity(last) || count == keys.Length || sorted.Span[count] > last;
        int chosen = 0;
        for (int t = 0; t < keys.Length; t++)
        {
            if (double.IsPositiveInfinity(keys[t]) || keys[t] > last || (keys[t] == last && !fits))
                continue;
            marks[t] = mark;
            chosen++;
        }

        return fits ? (0, double.NaN) : (count - chosen, last);
    }
}
