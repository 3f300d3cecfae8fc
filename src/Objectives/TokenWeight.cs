namespace GroupRL.Objectives;

/// <summary>
/// αᵢₜ, the weight of a token's coefficient, one for each trainable token, shape [N]; frozen. Also the form of the detached
/// corrections μ. Fully masked rows have no tokens and so no weight, but count in G and B.
/// </summary>
public abstract record TokenWeight
{
    /// <summary>1 everywhere.</summary>
    public static TokenWeight One { get; } = new ConstantWeight(1);

    /// <summary>What this weight promises.</summary>
    public abstract Traits Traits { get; }

    /// <summary>Writes αᵢₜ for every trainable token.</summary>
    public abstract void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights);
}

/// <summary>What an average over completions runs over.</summary>
public enum Average
{
    /// <summary>Each prompt's completions are averaged, then the prompts: a row counts 1/(P·G_g). The papers.</summary>
    OverPrompts,

    /// <summary>All rows of the batch are averaged at once: a row counts 1/B. The trainers; the same where all groups are of one size.</summary>
    OverRows,
}

/// <summary>Weights that give every row of a group the same mass, before any division by its length.</summary>
public abstract record RowAveragedWeight : TokenWeight
{
    /// <summary>What the average runs over.</summary>
    public Average Averaged { get; init; } = Average.OverPrompts;

    /// <summary>The share of a row of group <paramref name="g"/>: 1/(P·G_g) or 1/B.</summary>
    public double RowShare(RolloutBatch batch, int g) =>
        1.0 / (Averaged == Average.OverPrompts ? (double)batch.Groups * batch.GroupSize(g) : batch.Rows);

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            double share = RowShare(batch, g);
            var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
            for (int i = start; i < start + length; i++)
                weights[batch.Row(i)].Fill(share / Divisor(batch.Length(i)));
        }
    }

    /// <summary>What a row's share is divided by for each of its n tokens.</summary>
    protected abstract double Divisor(int n);
}

/// <summary>α = share/nᵢ: the mean over a row's tokens. GRPO (arXiv:2402.03300), GSPO; long completions get small weights.</summary>
public sealed record RowMean : RowAveragedWeight
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.RowMeanWeight | Traits.GroupIsolated;

    /// <inheritdoc/>
    protected override double Divisor(int n) => n;
}

/// <summary>α = share/L: the sum over a row's tokens, over one constant L. Dr. GRPO (arXiv:2503.20783) has L = 1.</summary>
/// <remarks>TRL @ f2cd5771, loss_type="dr_grpo": L = max_completion_length, averaged over rows.</remarks>
public sealed record RowSum : RowAveragedWeight
{
    /// <summary>L &gt; 0, in tokens.</summary>
    public double Length
    {
        get;
        init => field = value > 0 && double.IsFinite(value)
            ? value
            : throw InvalidInputException.Because($"A constant length must be a finite number > 0; got {value}.");
    }

        = 1;

    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.GroupIsolated;

    /// <inheritdoc/>
    protected override double Divisor(int n) => Length;
}

/// <summary>α = 1/(P·Σ_{j∈g} nⱼ): the mean over the tokens of a group, then over prompts. DAPO (arXiv:2503.14476), CISPO (2506.13585).</summary>
public sealed record GroupTokenMean : TokenWeight
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.GroupIsolated;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            var tokens = weights[batch.GroupTokens(g)];
            tokens.Fill(1.0 / ((double)batch.Groups * tokens.Length));
        }
    }
}

/// <summary>α = 1/N: the mean over all tokens of the batch, so that prompts with long answers weigh more.</summary>
/// <remarks>
/// TRL @ f2cd5771: loss_type="bnpo" (N of the micro-batch) and, with <see cref="Items"/> times N in a larger accumulated batch,
/// "dapo" and "cispo".
/// </remarks>
public sealed record BatchTokenMean : TokenWeight
{
    /// <summary>How many times the tokens of this batch the divisor counts; 1 where the batch is all there is.</summary>
    public double Items
    {
        get;
        init => field = value > 0 && double.IsFinite(value)
            ? value
            : throw InvalidInputException.Because($"A token count's factor must be a finite number > 0; got {value}.");
    }

        = 1;

    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) =>
        weights.Fill(1 / (batch.Tokens * Items));
}

/// <summary>α = <paramref name="Value"/> for every token.</summary>
public sealed record ConstantWeight(double Value) : TokenWeight
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.GroupIsolated;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) => weights.Fill(Value);
}
