using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// φ = ψ(s, A) of one ratio a row, s = exp(z), z the mean or the sum of ℓ − ℓ°. With j = ∂z/∂ℓ (1/n for a mean, 1 for a sum) the row is
/// worth w̄·ψ/j, so that every token's coefficient is w̄·dψ/dz: weights stay weights of coefficients. arXiv:2507.18071 (GSPO).
/// </summary>
public sealed record SequenceRatio : RowKernel
{
    /// <summary>The kernel of shape <paramref name="shape"/> in the ratio of <paramref name="level"/>.</summary>
    public SequenceRatio(RatioLevel level, Shape shape)
    {
        Ratio = level is RatioLevel.SequenceMean or RatioLevel.SequenceSum
            ? level
            : throw InvalidInputException.Because($"A sequence ratio is of the mean or the sum of a row's log-ratios; got {level}.");
        Shape = shape;
    }

    /// <summary>ψ.</summary>
    public Shape Shape { get; init; }

    /// <inheritdoc/>
    public override bool EvensRows => true;

    /// <inheritdoc/>
    public override RatioLevel Ratio { get; }

    /// <inheritdoc/>
    public override Traits Traits => Traits.SequenceRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.VanishesWithAdvantage | Traits.Homogeneous
        | Traits.LengthBlind | (Region is null ? Traits.None : Traits.HardClip) | (Shape.Traits & Traits.RatioValued);

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override Clip? Region => Shape.Region;

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks => Shape.Kinks;

    /// <inheritdoc/>
    public override double Row(in RowView row, Span<double> coefficients)
    {
        bool mean = Ratio == RatioLevel.SequenceMean;
        double z = mean ? row.LogRatio() / row.Length : row.LogRatio();
        var (value, slope) = Shape.At(Math.Exp(z), row.Advantage);
        double mass = row.Mass, average = mass / row.Length;
        for (int t = 0; t < row.Length; t++)
            coefficients[t] += average * slope;
        return (mean ? mass : average) * value;
    }
}

/// <summary>
/// φ = ψ(sₜ, Aₜ), sₜ = sg(s)·exp(ℓ − sg(ℓ)): the row's geometric-mean ratio in value, the token's own gradient. arXiv:2507.18071,
/// GSPO-token; with one advantage a row its coefficients are those of <see cref="SequenceRatio"/>.
/// </summary>
/// <remarks>TRL @ f2cd5771, experimental/gspo_token; verl @ 1dda039b, compute_policy_loss_gspo (log s clamped at 10).</remarks>
public sealed record SequenceTokenRatio(Shape Shape) : RowKernel
{
    /// <summary>log sₜ is clamped from above at this, without a gradient beyond; +∞: not clamped.</summary>
    public double LogCap { get; init => field = Checks.PositiveBound(value, "A log-ratio's cap"); } = double.PositiveInfinity;

    /// <inheritdoc/>
    public override RatioLevel Ratio => RatioLevel.SequenceMean;

    /// <inheritdoc/>
    public override Traits Traits => Traits.SequenceRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.VanishesWithAdvantage | Traits.Homogeneous
        | Traits.LengthBlind | (Region is null ? Traits.None : Traits.HardClip) | (Shape.Traits & Traits.RatioValued);

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override double Reach => LogCap < 10 ? LogCap : double.PositiveInfinity;

    /// <summary>The shape's; a cap of log s caps it.</summary>
    public override Clip? Region => Shape.Region?.CappedAt(Math.Exp(LogCap));

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks => double.IsFinite(LogCap) ? [.. Shape.Kinks, LogCap] : Shape.Kinks;

    /// <inheritdoc/>
    public override double Row(in RowView row, Span<double> coefficients)
    {
        double mean = row.FrozenLogRatio() / row.Length, sum = 0;
        for (int t = 0; t < row.Length; t++)
        {
            double z = mean + (row.Logp[t] - row.Frozen[t]);
            var (value, slope) = Shape.At(Math.Exp(Math.Min(z, LogCap)), row.Advantages[t]);
            sum += row.Weights[t] * value;
            coefficients[t] += row.Weights[t] * (z > LogCap ? 0 : slope);
        }

        return sum;
    }
}

/// <summary>
/// φ = s·A with s = exp(Σₜ clip(xₜ)/n), x = ℓ − ℓ°, clip(x) = min(x, ε_high) for A &gt; 0 and max(x, −ε_low) for A &lt; 0: the geometric
/// mean of ratios clipped one by one, in log space. Slope s·A at unclipped tokens, 0 at clipped ones. arXiv:2507.20673 (GMPO).
/// </summary>
/// <param name="Low">ε_low ≥ 0, in nats.</param>
/// <param name="High">ε_high ≥ 0, in nats.</param>
/// <remarks>TRL @ f2cd5771, experimental/gmpo; verl @ 1dda039b, compute_policy_loss_geo_mean.</remarks>
public sealed record GeometricMean(double Low, double High) : RowKernel
{
    /// <summary>ε_low, in nats.</summary>
    public double Low { get; } = Checks.AtLeastZero(Low, "A geometric mean's ε_low");

    /// <summary>ε_high, in nats.</summary>
    public double High { get; } = Checks.AtLeastZero(High, "A geometric mean's ε_high");

    /// <summary>Added to n in the mean of log-ratios and in that of advantages: 1e−8 in verl; 0 unless said otherwise.</summary>
    public double CountEpsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a token count"); }

    /// <inheritdoc/>
    public override bool EvensRows => true;

    /// <inheritdoc/>
    public override RatioLevel Ratio => RatioLevel.Token;

    /// <inheritdoc/>
    public override Traits Traits => Traits.SequenceRatio | Traits.GroupIsolated | Traits.VanishesWithAdvantage | Traits.HardClip | Traits.Homogeneous
        | (CountEpsilon == 0 ? Traits.CommonOnPolicyGain | Traits.RatioValued | Traits.LengthBlind : Traits.None);

    /// <inheritdoc/>
    public override double? OnPolicyGain => CountEpsilon == 0 ? 1 : null;

    /// <summary>[e^−ε_low, e^ε_high], a region of each token's own ratio.</summary>
    public override Clip Region => new(Math.Exp(-Low), Math.Exp(High));

    /// <inheritdoc/>
    public override bool ClipsLogRatios => true;

    /// <inheritdoc/>
    public override ImmutableArray<double> Kinks => [-Low, High];

    /// <inheritdoc/>
    public override double Row(in RowView row, Span<double> coefficients)
    {
        double count = row.Length + CountEpsilon, advantage = row.Advantage * row.Length / count, sum = 0;
        if (advantage == 0)
            return 0;
        for (int t = 0; t < row.Length; t++)
            sum += Clipped(row.Logp[t] - row.Old[t], advantage);
        double value = Math.Exp(sum / count) * advantage, mass = row.Mass;
        for (int t = 0; t < row.Length; t++)
        {
            double x = row.Logp[t] - row.Old[t];
            coefficients[t] += Clipped(x, advantage) == x ? mass / count * value : 0;
        }

        return mass * value;
    }

    private double Clipped(double x, double advantage) => advantage > 0 ? Math.Min(x, High) : Math.Max(x, -Low);
}

/// <summary>
/// φ = −½τ(A/τ − S)², S = Σₜ (ℓ − ℓ°) of the row, slope A − τS: a regression of log-ratios on advantages, which pulls S back to A/τ.
/// arXiv:2501.12599 (Kimi k1.5, OPMD). A row is worth w̄·φ.
/// </summary>
/// <param name="Tau">τ &gt; 0, in units of reward a nat.</param>
/// <remarks>horizon-rl/OpenKimi @ 3126d4c8, compute_policy_loss_opmd.</remarks>
public sealed record LogRatioRegression(double Tau) : RowKernel
{
    /// <summary>τ &gt; 0, in units of reward a nat.</summary>
    public double Tau { get; init => field = Checks.Positive(value, "A log-ratio regression's τ"); } = Checks.Positive(Tau, "A log-ratio regression's τ");

    /// <inheritdoc/>
    public override bool EvensRows => true;

    /// <inheritdoc/>
    public override RatioLevel Ratio => RatioLevel.SequenceSum;

    /// <inheritdoc/>
    public override Traits Traits => Traits.SequenceRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.LengthBlind;

    /// <inheritdoc/>
    public override double? OnPolicyGain => 1;

    /// <inheritdoc/>
    public override double Row(in RowView row, Span<double> coefficients)
    {
        double slope = row.Advantage - (Tau * row.LogRatio()), average = row.Mass / row.Length;
        for (int t = 0; t < row.Length; t++)
            coefficients[t] += average * slope;
        return -average * slope * slope / (2 * Tau);
    }
}

/// <summary>
/// J = −Σᵢ w̄ᵢ·Dᵢ²/(2β), Dᵢ = Aᵢ − β(Sᵢ − S̄), S = Σₜ (ℓ − ℓ°), S̄ its mean over the group: the regression of centred log-ratios on centred
/// rewards of arXiv:2504.19599 (GVPO), over β so that the coefficient on-policy is w̄A. Row k's tokens get w̄ₖDₖ − mean(w̄D), which adds to
/// zero over the group, on-policy and off. Rows without trainable tokens take no part.
/// </summary>
/// <param name="Beta">β &gt; 0, in units of reward a nat.</param>
public sealed record GroupVariance(double Beta) : Kernel
{
    /// <summary>β &gt; 0, in units of reward a nat.</summary>
    public double Beta { get; init => field = Checks.Positive(value, "A group variance's β"); } = Checks.Positive(Beta, "A group variance's β");

    /// <inheritdoc/>
    public override bool EvensRows => true;

    /// <inheritdoc/>
    public override RatioLevel Ratio => RatioLevel.SequenceSum;

    /// <inheritdoc/>
    public override Traits Traits => Traits.SequenceRatio | Traits.GroupIsolated | Traits.ZeroSum | Traits.LengthBlind;

    /// <inheritdoc/>
    public override double Group(in GroupView group, Span<double> coefficients)
    {
        int live = 0;
        double mean = 0, common = 0, value = 0;
        for (int k = 0; k < group.Rows; k++)
        {
            if (group[k].Length == 0)
                continue;
            mean += group[k].LogRatio();
            live++;
        }

        mean /= live;
        for (int k = 0; k < group.Rows; k++)
        {
            var row = group[k];
            if (row.Length == 0)
                continue;
            double gap = row.Advantage - (Beta * (row.LogRatio() - mean)), weight = row.Mass / row.Length;
            common += weight * gap / live;
            value -= weight * gap * gap / (2 * Beta);
        }

        for (int k = 0; k < group.Rows; k++)
        {
            var row = group[k];
            if (row.Length == 0)
                continue;
            double gap = row.Advantage - (Beta * (row.LogRatio() - mean)), coefficient = (row.Mass / row.Length * gap) - common;
            foreach (ref double c in coefficients.Slice(row.Start, row.Length))
                c += coefficient;
        }

        return value;
    }
}
