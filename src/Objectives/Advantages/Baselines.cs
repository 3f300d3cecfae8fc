namespace GroupRL.Objectives;

/// <summary>A = R: REINFORCE without a baseline.</summary>
public sealed record NoBaseline : RowAdvantage
{
    /// <inheritdoc/>
    internal override bool ReadsOwnRowOnly => true;

    /// <inheritdoc/>
    public override Traits Traits => Traits.KeepsCentring | Traits.KeepsShift | Traits.GroupIsolated | Traits.LengthBlind;

    /// <inheritdoc/>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => (this, 1);

    /// <inheritdoc/>
    public override double? ExpectedSlope(int count) => 1;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int i = 0; i < rewards.Length; i++)
            advantages[i] = double.IsNaN(rewards[i]) ? 0 : rewards[i];
    }
}

/// <summary>A = R − R_greedy, the reward of the prompt's greedy completion. Refused where the batch carries none.</summary>
/// <remarks>arXiv:2310.10505 (ReMax); verl @ 1dda039b, compute_remax_outcome_advantage.</remarks>
public sealed record GreedyBaseline : RowAdvantage
{
    /// <inheritdoc/>
    internal override bool ReadsOwnRowOnly => true;

    /// <inheritdoc/>
    public override Traits Traits => Traits.GroupIsolated | Traits.LengthBlind | Traits.ShiftBlind;

    /// <summary>1: the greedy completion does not depend on what was sampled.</summary>
    public override double? ExpectedSlope(int count) => 1;

    /// <inheritdoc/>
    public override bool ReadsGreedyReward => true;

    /// <inheritdoc/>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => (this, 1);

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int i = 0; i < rewards.Length; i++)
            advantages[i] = double.IsNaN(rewards[i]) ? 0 : rewards[i] - batch.GreedyReward(i);
    }
}

/// <summary>A = Rᵢ − b, b = Σⱼ nⱼRⱼ / Σⱼ nⱼ over the group: the optimal baseline where the squared score grows with the length.</summary>
/// <remarks>
/// arXiv:2505.23585 (OPO); verl @ 1dda039b, compute_opo_outcome_advantage, which keeps a lone reward. Not centred: Σᵢ nᵢAᵢ = 0 instead.
/// Dead rows weigh 0 in b; they only keep a group from counting one reward, unless <see cref="GroupwiseAdvantage.Over"/> leaves them
/// out. In a group of dead rows A = 0. Summed from the first live row's reward, so that equal rewards leave exactly 0.
/// </remarks>
public sealed record LengthWeightedBaseline : GroupwiseAdvantage
{
    /// <summary>Over the tokens of each group, and so over those of the batch, the advantages add to 0.</summary>
    public override Traits Traits => base.Traits | (Lone == LoneReward.IsKept && Over == Counted.LiveRows ? Traits.None : Traits.TokenCentred);

    /// <inheritdoc/>
    public override double? LargestFactor => 1;

    /// <inheritdoc/>
    protected override void FillGroup(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        double origin = double.NaN, sum = 0;
        long tokens = 0;
        for (int i = start; i < start + length; i++)
        {
            if (!Takes(batch, i, rewards) || batch.Length(i) == 0)
                continue;
            origin = double.IsNaN(origin) ? rewards[i] : origin;
            sum += batch.Length(i) * (rewards[i] - origin);
            tokens += batch.Length(i);
        }

        if (!double.IsFinite(sum))
            throw InvalidInputException.Because($"The rewards of group {batch.FirstGroup + g} are too large: their sum weighted by length overflows float64.");
        for (int i = start; i < start + length; i++)
            advantages[i] = Takes(batch, i, rewards) && tokens > 0 ? rewards[i] - origin - (sum / tokens) : 0;
    }
}

/// <summary>A = R⁽¹⁾ − R⁽²⁾ for the best completion of a group, by how much it lifts the group's best reward; 0 for all others.</summary>
/// <remarks>
/// arXiv:2503.19595 (pass@k); verl @ 1dda039b, compute_grpo_passk_outcome_advantage, divides it by s + 1e−6 (ddof 1) and refuses a lone
/// reward. Two that tie for the best lift nothing: A = 0 throughout.
/// </remarks>
public sealed record BestOfGroup : GroupwiseAdvantage
{
    /// <summary>Whether it is divided by s + ε, s the group's standard deviation with ddof 1.</summary>
    public bool Scaled { get; init; }

    /// <inheritdoc/>
    public override bool NeverNegative => true;

    /// <summary>ε ≥ 0, added to s outside the root, in units of reward.</summary>
    public double Epsilon { get; init => field = StandardScore.CheckedEpsilon(value); }

    /// <inheritdoc/>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => Scaled ? (this with { Epsilon = Epsilon / scale }, 0) : (this, 1);

    /// <inheritdoc/>
    public override Traits Traits => base.Traits | Traits.LengthBlind;

    /// <inheritdoc/>
    protected override void FillGroup(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        var rows = batch.Group(g);
        var (start, length) = rows.GetOffsetAndLength(batch.Rows);
        int best = -1;
        double first = double.NegativeInfinity, second = double.NegativeInfinity;
        for (int i = start; i < start + length; i++)
        {
            if (!Takes(batch, i, rewards))
                continue;
            if (best < 0 || rewards[i] > first)
                (best, first, second) = (i, rewards[i], first);
            else
                second = Math.Max(second, rewards[i]);
        }

        if (double.IsNegativeInfinity(second))
            throw InvalidInputException.Because($"The best of a group is compared with the next, so it needs at least 2 rewards; group {batch.FirstGroup + g} has 1.");
        advantages[rows].Clear();
        double gap = first - second;
        advantages[best] = gap == 0 || !Scaled ? gap : gap / (RewardMoments.Of(batch, rows, rewards, Over).Std(ddof: 1) + Epsilon);
    }
}

/// <summary>A = Rᵢ − τ·log meanⱼ exp(Rⱼ/τ) over the other completions of the group, or over all: the soft maximum as the baseline.</summary>
/// <param name="Tau">τ &gt; 0, in units of reward: near 0 the baseline is the best reward, far above the rewards their mean.</param>
/// <remarks>
/// arXiv:2501.12599 (Kimi k1.5) over all, the log-partition function; OpenKimi @ 3126d4c8, compute_partition_loo_outcome_advantage, over the
/// others, with τ = 0.01, a floor of 1e−8 and a lone reward kept; TRL @ f2cd5771, experimental/a2po, over all (of reference samples).
/// Not centred.
/// </remarks>
public sealed record PartitionBaseline(double Tau) : GroupwiseAdvantage
{
    /// <summary>τ &gt; 0, in units of reward.</summary>
    public double Tau { get; init => field = Checks.Positive(value, "The temperature of a partition function"); } =
        Checks.Positive(Tau, "The temperature of a partition function");

    /// <summary>Whether a completion's own reward is left out of its baseline.</summary>
    public bool LeavesOut { get; init; } = true;

    /// <summary>
    /// The least mean of exp((R − Rₘₐₓ)/τ), Rₘₐₓ the best of the whole group: bounds the advantage of the best by −τ·log of it. 0: none.
    /// </summary>
    public double Floor { get; init => field = Returns.CheckedShare(value, "The floor of a partition function"); }

    /// <summary>1 where the baseline is the others' alone.</summary>
    public override double? ExpectedSlope(int count) => LeavesOut && Floor == 0 ? 1 : null;

    /// <summary>τ is in units of reward.</summary>
    public override (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => (this with { Tau = Tau / scale }, 1);

    /// <inheritdoc/>
    public override Traits Traits => base.Traits | Traits.LengthBlind;

    /// <summary>1: a sum of exponentials is never far from the largest of them, which is exactly 1.</summary>
    public override double? LargestFactor => 1;

    /// <inheritdoc/>
    protected override void FillGroup(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        double best = Best(batch, start, length, rewards, -1);
        for (int i = start; i < start + length; i++)
            advantages[i] = Takes(batch, i, rewards) ? rewards[i] - Soft(batch, g, rewards, LeavesOut ? i : -1, best) : 0;
    }

    // Without a floor the shift is the best that takes part, so that its exponential is 1 and nothing underflows.
    private double Soft(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, int left, double best)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        double shift = Floor > 0 ? best : Best(batch, start, length, rewards, left), mean = 0, less = 0;
        int count = 0;
        for (int j = start; j < start + length; j++)
        {
            if (j == left || !Takes(batch, j, rewards))
                continue;
            mean += Math.Exp((rewards[j] - shift) / Tau);
            less += ExpM1((rewards[j] - shift) / Tau);
            count++;
        }

        // Rewards that differ by little of τ leave a mean near 1, which is known better by what it lacks.
        (mean, less) = (mean / count, less / count);
        return count > 0
            ? shift + (Tau * (less > -0.5 && Floor <= 0.5 ? Log1P(less) : Math.Log(Math.Max(mean, Floor))))
            : throw InvalidInputException.Because($"A leave-one-out baseline needs at least 2 completions in a group; got 1 (group {batch.FirstGroup + g}).");
    }

    // exp x − 1 and log (1 + x) to a few roundings for small x too (Kahan): the errors of u cancel in the quotients.
    private static double ExpM1(double x)
    {
        double u = Math.Exp(x);
        return u == 1 ? x : u - 1 == -1 ? -1 : (u - 1) * (x / Math.Log(u));
    }

    private static double Log1P(double x)
    {
        double u = 1 + x;
        return u == 1 ? x : Math.Log(u) * (x / (u - 1));
    }

    private double Best(RolloutBatch batch, int start, int length, ReadOnlySpan<double> rewards, int left)
    {
        double best = double.NegativeInfinity;
        for (int j = start; j < start + length; j++)
            best = j != left && Takes(batch, j, rewards) ? Math.Max(best, rewards[j]) : best;
        return best;
    }
}
