namespace GroupRL.Objectives;

/// <summary>
/// λᵢₜ = 1/#{j of the group: the first t tokens of completion j are those of i}: a process step that several completions take counts
/// once. arXiv:2509.21154 (λ-GRPO). Masked tokens are part of the prefix; it ends at a token whose id is not known. Reads token ids.
/// </summary>
/// <remarks>coli-saar/grpo-prm @ 6bc58b1b, InfPRMTree.loss_scales; equal completions share all their tokens.</remarks>
public sealed record PrefixShare : TokenWeight
{
    /// <inheritdoc/>
    public override bool ReadsGroup => true;

    /// <summary>Where the whole group shares a token, λ = 1/G for all rows.</summary>
    public override Traits Traits => Traits.UniformWeight | Traits.UniformOffPolicy | Traits.GroupIsolated;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            var (first, count) = batch.Group(g).GetOffsetAndLength(batch.Rows);
            for (int i = first; i < first + count; i++)
                FillRow(batch, i, first, count, weights[batch.Row(i)]);
        }
    }

    private static void FillRow(RolloutBatch batch, int i, int first, int count, Span<double> weights)
    {
        if (weights.Length == 0)
            return;
        // sharers[t]: how many others share exactly t tokens with i.
        using var scratch = new Scratch(batch.FullLength(i) + 1);
        var sharers = scratch.Span;
        sharers.Clear();
        var ids = batch.Ids(i);
        int known = ids.IndexOf(RolloutBatch.UnknownId);
        for (int j = first; j < first + count; j++)
        {
            int shared = ids.CommonPrefixLength(batch.Ids(j));
            if (j != i)
                sharers[known < 0 ? shared : Math.Min(shared, known)]++;
        }

        for (int t = sharers.Length - 2; t >= 0; t--)
            sharers[t] += sharers[t + 1];
        var positions = batch.Positions(i);
        for (int t = 0; t < weights.Length; t++)
            weights[t] = 1 / (1 + sharers[positions[t] + 1]);
    }
}

/// <summary>
/// λᵢₜ/max(1, cᵢ), the weight of conflict tokens: a token is in conflict where some completion of positive and some of negative
/// advantage have its id at its place. λ is the product of two factors: <see cref="Positive"/> (A &gt; 0) or <see cref="Negative"/> (A &lt; 0)
/// in the unbroken run of conflicts from the start, places counted from the start, and the same from the end, places counted from the
/// end; 1 elsewhere and where A = 0. c is the longer run's number of tokens. arXiv:2508.03772 (GTPO). Reads token ids.
/// </summary>
/// <param name="Positive">The factor of a conflict token where A &gt; 0, ≥ 0.</param>
/// <param name="Negative">The factor of a conflict token where A &lt; 0, ≥ 0.</param>
/// <remarks>
/// winstonsmith1897/GTPO @ 5d33811e, build_conflict_mask. It counts c over the union of the forward run with the backward run in its own,
/// reversed, coordinates, which is the longer of the two, not their sum. Places are counted over trainable tokens here, and an advantage
/// within 2⁻⁴⁰ of the group's largest has no sign.
/// </remarks>
public sealed record ConflictWeight(double Positive = 2, double Negative = 0) : TokenWeight
{
    /// <summary>The factor of a conflict token where A &gt; 0.</summary>
    public double Positive { get; } = Checks.AtLeastZero(Positive, "A conflict token's factor");

    /// <summary>The factor of a conflict token where A &lt; 0.</summary>
    public double Negative { get; } = Checks.AtLeastZero(Negative, "A conflict token's factor");

    /// <summary>Whether the row is divided by max(1, c).</summary>
    public bool PerConflict { get; init; } = true;

    /// <summary>The advantage whose signs conflict: the rewards' own, before entropy shapes it.</summary>
    public RowAdvantage Signs { get; init; } = new MeanBaseline();

    /// <inheritdoc/>
    public override bool ReadsGroup => true;

    /// <summary>Signs that do not survive a factor on the rewards.</summary>
    public override bool ReadsAdvantageSizes => Signs.RowsUnder(2) is not var (rescaled, _) || rescaled != Signs;

    /// <summary>On a shared prefix rows of A &gt; 0 and of A &lt; 0 differ, by intent.</summary>
    public override Traits Traits => Signs.Traits & Traits.GroupIsolated;

    /// <inheritdoc/>
    public override System.Collections.Immutable.ImmutableArray<Column> Reads => Signs.Reads;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        using Scratch rewards = new(batch.Rows), signs = new(batch.Rows);
        RewardShaping.None.Fill(batch, rewards.Span);
        Signs.FillRows(batch, rewards.Span, signs.Span);
        for (int g = 0; g < batch.Groups; g++)
            DropNoise(signs.Span[batch.Group(g)]);
        for (int i = 0; i < batch.Rows; i++)
        {
            var row = weights[batch.Row(i)];
            int forward = signs.Span[i] == 0 ? 0 : Run(batch, signs.Span, i, fromEnd: false);
            int backward = signs.Span[i] == 0 ? 0 : Run(batch, signs.Span, i, fromEnd: true);
            double factor = signs.Span[i] > 0 ? Positive : Negative, share = PerConflict ? 1.0 / Math.Max(1, Math.Max(forward, backward)) : 1;
            for (int t = 0; t < row.Length; t++)
                row[t] = share * (t < forward ? factor : 1) * (row.Length - t <= backward ? factor : 1);
        }
    }

    // A sign that is rounding is none.
    private static void DropNoise(Span<double> signs)
    {
        double largest = 0;
        foreach (double sign in signs)
            largest = Math.Max(largest, Math.Abs(sign));
        foreach (ref double sign in signs)
            sign = Rounding.IsNoise(sign, largest) ? 0 : sign;
    }

    private static int Run(RolloutBatch batch, ReadOnlySpan<double> signs, int i, bool fromEnd)
    {
        var group = batch.Group(batch.GroupOf(i));
        int run = 0;
        while (run < batch.Length(i) && Conflicts(batch, signs, group, IdAt(batch, i, run, fromEnd), run, fromEnd))
            run++;
        return run;
    }

    private static bool Conflicts(RolloutBatch batch, ReadOnlySpan<double> signs, Range group, int id, int place, bool fromEnd)
    {
        bool positive = false, negative = false;
        var (first, count) = group.GetOffsetAndLength(batch.Rows);
        for (int j = first; j < first + count; j++)
        {
            if (place >= batch.Length(j) || IdAt(batch, j, place, fromEnd) != id)
                continue;
            positive |= signs[j] > 0;
            negative |= signs[j] < 0;
        }

        return positive && negative;
    }

    private static int IdAt(RolloutBatch batch, int i, int place, bool fromEnd)
    {
        var positions = batch.Positions(i);
        return batch.Ids(i)[positions[fromEnd ? positions.Length - 1 - place : place]];
    }
}
