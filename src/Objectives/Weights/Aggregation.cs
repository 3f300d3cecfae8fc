namespace GroupRL.Objectives;

/// <summary>What an average over completions runs over.</summary>
public enum Average
{
    /// <summary>Each prompt's completions are averaged, then the prompts: a row counts 1/(P·G_g). The papers.</summary>
    OverPrompts,

    /// <summary>All rows of the batch are averaged at once: a row counts 1/B. TRL; the same where all groups are of one size.</summary>
    OverRows,

    /// <summary>All rows with a trainable token are averaged at once. verl, OpenRLHF.</summary>
    OverLiveRows,

    /// <summary>Rows are added, not averaged: a row counts 1.</summary>
    Nothing,
}

/// <summary>Weights that give every row of a group the same mass, before any division by its length.</summary>
public abstract record RowAveragedWeight : RowWeight
{
    /// <summary>What the average runs over.</summary>
    public Average Averaged { get; init; } = Average.OverPrompts;

    /// <inheritdoc/>
    public override Share Share => ReadsPadding ? Share.None : Averaged switch
    {
        Average.OverPrompts => Share.Prompts,
        Average.OverRows => Share.Rows,
        Average.OverLiveRows => Share.LiveRows,
        _ => Share.Whole,
    };

    /// <summary>The number that a row of group <paramref name="g"/> is divided by: P·G_g, B, the number of live rows, or 1.</summary>
    public double RowDivisor(RolloutBatch batch, int g) => Averaged switch
    {
        Average.OverPrompts => (double)batch.Groups * batch.GroupSize(g),
        Average.OverRows => batch.Rows,
        Average.OverLiveRows => BatchSize.Of(batch).LiveRows,
        Average.Nothing => 1,
        _ => throw InvalidInputException.Because($"There is no average {Averaged}."),
    };

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, Span<double> weights)
    {
        double length = LengthOf(batch);
        for (int g = 0; g < batch.Groups; g++)
        {
            double share = 1 / RowDivisor(batch, g);
            var (start, count) = batch.Group(g).GetOffsetAndLength(batch.Rows);
            for (int i = start; i < start + count; i++)
                weights[i] = share / Divisor(batch.Length(i), length);
        }
    }

    /// <summary>What a row's share is divided by for each of its n tokens.</summary>
    /// <param name="n">nᵢ.</param>
    /// <param name="length">What <see cref="LengthOf"/> said.</param>
    protected abstract double Divisor(int n, double length);

    /// <summary>A length that all rows of the batch are divided by.</summary>
    protected virtual double LengthOf(RolloutBatch batch) => 1;
}

/// <summary>α = share/(nᵢ + ε): the mean over a row's tokens. GRPO (arXiv:2402.03300), GSPO; long completions get small weights.</summary>
public sealed record RowMean : RowAveragedWeight
{
    /// <summary>ε ≥ 0 beside the token count: 1e−8 in verl @ 1dda039b and OpenRLHF @ 3c3be623, 0 in TRL and here.</summary>
    public double CountEpsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a token count"); }

    /// <inheritdoc/>
    public override Traits Traits => (CountEpsilon == 0 ? Traits.RowMeanWeight : Traits.None)
        | (Averaged == Average.OverLiveRows ? Traits.None : Traits.GroupIsolated);

    /// <inheritdoc/>
    protected override double Divisor(int n, double length) => n + CountEpsilon;
}

/// <summary>α = share/L: the sum over a row's tokens, over one constant L. Dr. GRPO (arXiv:2503.20783) has L = 1.</summary>
/// <remarks>TRL @ f2cd5771, loss_type="dr_grpo": L = max_completion_length, averaged over rows.</remarks>
public sealed record RowSum : RowAveragedWeight
{
    /// <summary>L &gt; 0, in tokens.</summary>
    public double Length { get; init => field = Checks.Positive(value, "A constant length"); } = 1;

    /// <inheritdoc/>
    public override Pool? OneNumberOver => Averaged == Average.OverPrompts ? Pool.Group : Pool.Batch;

    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.UniformOffPolicy | Traits.LengthBlind | Traits.FlatWeight
        | (Averaged == Average.OverLiveRows ? Traits.None : Traits.GroupIsolated);

    /// <inheritdoc/>
    protected override double Divisor(int n, double length) => Length;
}

/// <summary>α = share/T, T the longest row of the batch, masked tokens included: the width of the padded batch.</summary>
/// <remarks>verl @ 1dda039b, seq-mean-token-sum-norm without a loss_scale_factor: its Dr. GRPO, whose scale is the micro-batch's.</remarks>
public sealed record PaddedRowSum : RowAveragedWeight
{
    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.UniformOffPolicy;

    /// <inheritdoc/>
    public override bool ReadsPadding => true;

    /// <inheritdoc/>
    public override Pool? OneNumberOver => Averaged == Average.OverPrompts ? Pool.Group : Pool.Batch;

    /// <inheritdoc/>
    protected override double Divisor(int n, double length) => length;

    /// <inheritdoc/>
    protected override double LengthOf(RolloutBatch batch)
    {
        int longest = 1;
        for (int i = 0; i < batch.Rows; i++)
            longest = Math.Max(longest, batch.FullLength(i));
        return longest;
    }
}

/// <summary>α = 1/(P·Σ_{j∈g} nⱼ): the mean over the tokens of a group, then over prompts. DAPO (arXiv:2503.14476), CISPO (2506.13585).</summary>
public sealed record GroupTokenMean : RowWeight
{
    /// <inheritdoc/>
    public override Share Share => Share.Prompts;

    /// <inheritdoc/>
    public override Pool? OneNumberOver => Pool.Group;

    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.UniformOffPolicy | Traits.GroupIsolated;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, Span<double> weights)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            var (start, end) = (batch.GroupTokens(g).Start.Value, batch.GroupTokens(g).End.Value);
            weights[batch.Group(g)].Fill(1.0 / ((double)batch.Groups * (end - start)));
        }
    }
}

/// <summary>α = 1/(N·items + ε): the mean over all tokens of the batch, so that prompts with long answers weigh more.</summary>
/// <remarks>
/// TRL @ f2cd5771: loss_type="bnpo" (N of the micro-batch) and, <see cref="Accumulated"/>, "dapo", "cispo" and "vespo". verl @ 1dda039b and OpenRLHF @ 3c3be623: token-mean.
/// </remarks>
public sealed record BatchTokenMean : RowWeight
{
    /// <summary>How many times the tokens of this batch the divisor counts; 1 where the batch is all there is.</summary>
    public double Items { get; init => field = Checks.Positive(value, "A token count's factor"); } = 1;

    /// <summary>
    /// Whether a micro-batch's divisor counts the tokens of all micro-batches and devices of a step: TRL's num_items_in_batch. Off: its own.
    /// </summary>
    public bool Accumulated { get; init; }

    /// <inheritdoc/>
    public override Pool? OneNumberOver => Pool.Batch;

    /// <inheritdoc/>
    public override Share Share => Accumulated ? Share.Whole : CountEpsilon == 0 ? Share.Tokens : Share.None;

    /// <inheritdoc/>
    public override bool ReadsSize => true;

    /// <summary>A part without tokens weighs nothing.</summary>
    public override TokenWeight OfPart(BatchSize part, BatchSize whole) =>
        Accumulated && part.Tokens > 0 ? this with { Items = Items * whole.Tokens / part.Tokens } : this;

    /// <summary>ε ≥ 0 beside the token count: 1e−8 in the masked_mean of verl's forks; 0 unless said otherwise.</summary>
    public double CountEpsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a token count"); }

    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.UniformOffPolicy;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, Span<double> weights) =>
        weights.Fill(1 / ((batch.Tokens * Items) + CountEpsilon));
}
