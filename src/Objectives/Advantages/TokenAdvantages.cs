using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// What each trainable token earns, shape [N], units of reward: rᵢₜ = Aᵢ at the row's last trainable token, plus what
/// <see cref="Column.TokenReward"/> gives, less β·k1. A row whose reward is missing earns nothing; a dead row has no token to earn it at.
/// </summary>
public sealed record TokenRewards
{
    /// <summary>Aᵢ, what the last token earns: the reward itself, or one with a baseline taken off.</summary>
    public RowAdvantage Outcome { get; init; } = new NoBaseline();

    /// <summary>β ≥ 0 of −β·(ℓ° − ℓʳ) at every token: the k1 estimate of KL(old‖ref) as a penalty, without gradient.</summary>
    public double Beta { get; init => field = Checks.AtLeastZero(value, "The weight of a KL in the rewards"); }

    /// <summary>The largest |ℓ° − ℓʳ| that counts, in nats; infinite: none. OpenRLHF: 10.</summary>
    public double LargestKl { get; init => field = Checks.PositiveBound(value, "The largest KL in the rewards"); } = double.PositiveInfinity;

    /// <summary>Whether <see cref="Column.TokenReward"/> is added.</summary>
    public bool AtTokens { get; init; }

    /// <summary>The columns they read.</summary>
    public ImmutableArray<Column> Reads =>
    [
        .. Outcome.Reads,
        .. Beta > 0 ? (Column[])[Column.OldLogp, Column.RefLogp] : [],
        .. AtTokens ? (Column[])[Column.TokenReward] : [],
    ];

    /// <summary>The same where rewards, values and rewards at tokens are multiplied by a = <paramref name="scale"/>; null where there is no one degree.</summary>
    internal (TokenRewards Rescaled, int Degree)? Under(double scale) => Outcome.RowsUnder(scale) is var (outcome, degree) && (degree == 1 || !AtTokens)
        ? (this with { Outcome = outcome, Beta = Beta / Math.Pow(scale, degree) }, degree)
        : null;

    /// <summary>Whether the outcome is all that is earned.</summary>
    internal bool OutcomeAlone => Beta == 0 && !AtTokens;

    /// <summary>Writes rᵢₜ for every trainable token.</summary>
    /// <exception cref="InvalidInputException">The batch lacks a column, or rewards for which the outcome is not defined.</exception>
    public void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> tokens)
    {
        using var outcome = new Scratch(batch.Rows);
        Outcome.FillRows(batch, rewards, outcome.Span);
        tokens.Clear();
        for (int i = 0; i < batch.Rows; i++)
        {
            var own = tokens[batch.Row(i)];
            if (own.IsEmpty || double.IsNaN(rewards[i]))
                continue;
            own[^1] = outcome.Span[i];
            if (AtTokens)
            {
                var given = batch[Column.TokenReward][batch.Row(i)];
                for (int t = 0; t < own.Length; t++)
                    own[t] += given[t];
            }

            if (Beta > 0)
            {
                var old = batch[Column.OldLogp][batch.Row(i)];
                var reference = batch[Column.RefLogp][batch.Row(i)];
                for (int t = 0; t < own.Length; t++)
                    own[t] -= Beta * Math.Clamp(old[t] - reference[t], -LargestKl, LargestKl);
            }
        }
    }
}

/// <summary>Aᵢₜ = Σₛ≥ₜ γˢ⁻ᵗ rᵢₛ over the row's trainable tokens: the return, in units of reward.</summary>
/// <remarks>
/// arXiv:2501.03262 (REINFORCE++), before whitening; verl @ 1dda039b, compute_reinforce_plus_plus_outcome_advantage; OpenRLHF @ 3c3be623,
/// get_cumulative_returns. Steps are counted in trainable tokens: a masked token neither earns nor discounts.
/// </remarks>
public sealed record Returns : Advantage
{
    /// <summary>r, what each token earns.</summary>
    public TokenRewards Rewards { get; init; } = new();

    /// <summary>γ in [0, 1].</summary>
    public double Discount { get; init => field = CheckedShare(value, "A discount"); } = 1;

    /// <summary>
    /// Whether the sum starts anew before a masked token, so that what stands before a tool's output gets nothing of what comes after it:
    /// verl's reinforce_plus_plus, whose reset after the end of a completion acts at every masked token.
    /// </summary>
    public bool CutAtGaps { get; init; }

    /// <inheritdoc/>
    public override bool OneNumberARow => Plain;

    /// <inheritdoc/>
    public override bool NeverNegative => Rewards.OutcomeAlone && Rewards.Outcome.NeverNegative;

    // The outcome's own advantage at every token of the row.
    private bool Plain => Rewards.OutcomeAlone && Discount == 1 && !CutAtGaps;

    /// <summary>The outcome's where it reaches every token unchanged; discounted, it still compares what the outcome compares.</summary>
    public override Traits Traits => Plain
        ? Rewards.Outcome.Traits
            | DeadRowsOf(Rewards.Outcome)
        : (Rewards.Outcome.Traits & (Traits.GroupIsolated | Traits.ShiftBlind | (Rewards.OutcomeAlone ? Traits.ComparesRewards : Traits.None)))
            | (Discount == 1 && !CutAtGaps ? Rewards.Outcome.Traits & Traits.KeepsShift : Traits.None)
            | DeadRowsOf(Rewards.Outcome);

    /// <inheritdoc/>
    public override (Advantage Rescaled, int Degree)? Under(double scale) =>
        Rewards.Under(scale) is var (rewards, degree) ? (this with { Rewards = rewards }, degree) : null;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Rewards.Reads;

    /// <inheritdoc/>
    public override bool ReadsGreedyReward => Rewards.Outcome.ReadsGreedyReward;

    /// <inheritdoc/>
    public override double? Factor(in RewardMoments moments) => Plain ? Rewards.Outcome.Factor(moments) : null;

    /// <inheritdoc/>
    public override double? ExpectedSlope(int count) => Plain ? Rewards.Outcome.ExpectedSlope(count) : null;

    /// <inheritdoc/>
    public override double? LargestFactor => Rewards.OutcomeAlone && !RecognisesEqualRewards ? Rewards.Outcome.LargestFactor : null;

    /// <inheritdoc/>
    internal override bool RecognisesEqualRewards => Rewards.OutcomeAlone && Rewards.Outcome.RecognisesEqualRewards;

    /// <inheritdoc/>
    internal override bool ReadsOwnRowOnly => Rewards.Outcome.ReadsOwnRowOnly;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Rewards.Fill(batch, rewards, advantages);
        for (int i = 0; i < batch.Rows; i++)
            Accumulate(advantages[batch.Row(i)], CutAtGaps ? batch.Positions(i) : [], Discount);
    }

    internal static double CheckedShare(double value, string name) => value is >= 0 and <= 1
        ? value
        : throw InvalidInputException.Because($"{name} must lie in [0, 1]; got {value}.");

    internal static void Accumulate(Span<double> row, ReadOnlySpan<int> positions, double discount)
    {
        for (int t = row.Length - 2; t >= 0; t--)
            row[t] += positions.IsEmpty || positions[t + 1] == positions[t] + 1 ? discount * row[t + 1] : 0;
    }
}

/// <summary>Aᵢₜ = Σₛ≥ₜ (γλ)ˢ⁻ᵗ δᵢₛ, δᵢₛ = rᵢₛ + γVᵢₛ₊₁ − Vᵢₛ, V = 0 beyond the row's last trainable token; a masked token is stepped over.</summary>
/// <param name="Discount">γ in [0, 1].</param>
/// <param name="Lambda">λ in [0, 1].</param>
/// <remarks>arXiv:1506.02438 (GAE); verl @ 1dda039b, compute_gae_advantage_return, which whitens it. A + V is what a critic learns.</remarks>
public sealed record GeneralisedAdvantage(double Discount, double Lambda) : Advantage
{
    /// <summary>r, what each token earns.</summary>
    public TokenRewards Rewards { get; init; } = new();

    /// <summary>γ in [0, 1].</summary>
    public double Discount { get; init => field = Returns.CheckedShare(value, "A discount"); } = Returns.CheckedShare(Discount, "A discount");

    /// <summary>λ in [0, 1].</summary>
    public double Lambda { get; init => field = Returns.CheckedShare(value, "The λ of an advantage"); } = Returns.CheckedShare(Lambda, "The λ of an advantage");

    /// <inheritdoc/>
    public override Traits Traits => (Rewards.Outcome.Traits & (Traits.GroupIsolated | Traits.ShiftBlind | (Undiscounted ? Traits.LengthBlind : Traits.None)))
        | (Discount * Lambda == 1 ? Rewards.Outcome.Traits & Traits.KeepsShift : Traits.None)
        | DeadRowsOf(Rewards.Outcome);

    /// <summary>Values are in units of reward.</summary>
    public override (Advantage Rescaled, int Degree)? Under(double scale) =>
        Rewards.Under(scale) is var (rewards, degree) && degree == 1 ? (this with { Rewards = rewards }, 1) : null;

    /// <summary>The outcome's where A = Aᵢ − Vᵢₜ: a value of the prefix alone is a baseline.</summary>
    public override double? ExpectedSlope(int count) => Undiscounted ? Rewards.Outcome.ExpectedSlope(count) : null;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [.. Rewards.Reads, Column.Value];

    /// <inheritdoc/>
    internal override bool ReadsOwnRowOnly => Rewards.Outcome.ReadsOwnRowOnly;

    private bool Undiscounted => Rewards.OutcomeAlone && Discount == 1 && Lambda == 1;

    /// <inheritdoc/>
    public override bool ReadsGreedyReward => Rewards.Outcome.ReadsGreedyReward;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Rewards.Fill(batch, rewards, advantages);
        for (int i = 0; i < batch.Rows; i++)
        {
            if (double.IsNaN(rewards[i]))
                continue;
            var row = advantages[batch.Row(i)];
            var values = batch[Column.Value][batch.Row(i)];
            double next = 0, later = 0;
            for (int t = row.Length - 1; t >= 0; t--)
            {
                later = row[t] + (Discount * next) - values[t] + (Discount * Lambda * later);
                (row[t], next) = (later, values[t]);
            }
        }
    }
}

/// <summary>
/// Aᵢₜ = Gᵢₜ − bₜ, bₜ = Σᵢ GᵢₜWᵢₜ / (Σᵢ Wᵢₜ + ε) over the rows of the group that train on position t, Gᵢₜ the undiscounted return and
/// Wᵢₜ = Σₛ≤ₜ (1 − 2πᵢₛ + Σᵥπᵢₛ(v)²) the squared score of the row so far: each position's optimal baseline.
/// </summary>
/// <remarks>
/// verl @ 1dda039b, compute_optimal_token_baseline_advantage, ε = 1e−8 and handle_zero_tail; π = exp ℓ°, Σπ² of
/// <see cref="Column.SumPiSquared"/>; a summand that is negative, because the two columns contradict each other (Σπ² &lt; π²), is 0. Positions are those in the completion, masked tokens included. Where ΣW + ε = 0, bₜ = 0; so it is in a
/// group of one row that is trained on. On a prefix that a group shares and trains on throughout, W is one number and Σᵢ Aᵢₜ = 0 but for ε and
/// for W = 0, so it is not promised. verl measures the tail of <see cref="ZeroTail"/> in trainable tokens, here it is in positions: the two
/// differ where a token within a row is masked.
/// </remarks>
public sealed record OptimalTokenBaseline : Advantage
{
    /// <summary>r, what each token earns.</summary>
    public TokenRewards Rewards { get; init; } = new();

    /// <summary>ε ≥ 0, added to ΣW.</summary>
    public double Epsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a sum of squared scores"); }

    /// <summary>Whether b = 0 beyond the end of the group's second longest row, where a row would be its own baseline.</summary>
    public bool ZeroTail { get; init; }

    /// <inheritdoc/>
    public override Traits Traits => (Rewards.Outcome.Traits & (Traits.GroupIsolated | Traits.ShiftBlind)) | DeadRowsOf(Rewards.Outcome);

    /// <summary>The squared scores, and the ε beside their sum, have no unit of reward.</summary>
    public override (Advantage Rescaled, int Degree)? Under(double scale) =>
        Rewards.Under(scale) is var (rewards, degree) ? (this with { Rewards = rewards }, degree) : null;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [.. Rewards.Reads, Column.OldLogp, Column.SumPiSquared];

    /// <inheritdoc/>
    public override bool ReadsGreedyReward => Rewards.Outcome.ReadsGreedyReward;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Rewards.Fill(batch, rewards, advantages);
        for (int i = 0; i < batch.Rows; i++)
            Returns.Accumulate(advantages[batch.Row(i)], [], discount: 1);
        for (int g = 0; g < batch.Groups; g++)
        {
            var (longest, second) = Ends(batch, g, rewards);
            if (second >= 0)
                TakeOff(batch, g, rewards, advantages, longest + 1, ZeroTail ? second + 1 : longest + 1);
        }
    }

    private void TakeOff(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages, int positions, int shared)
    {
        using var scratch = new Scratch(2 * positions);
        var weighted = scratch.Span[..positions];
        var weights = scratch.Span[positions..];
        scratch.Span.Clear();
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        for (int i = start; i < start + length; i++)
        {
            if (double.IsNaN(rewards[i]))
                continue;
            double energy = 0;
            var row = advantages[batch.Row(i)];
            var places = batch.Positions(i);
            var old = batch[Column.OldLogp][batch.Row(i)];
            var collisions = batch[Column.SumPiSquared][batch.Row(i)];
            for (int t = 0; t < old.Length; t++)
            {
                energy += Math.Max(0, 1 - (2 * Math.Exp(old[t])) + collisions[t]);
                weighted[places[t]] += row[t] * energy;
                weights[places[t]] += energy;
            }
        }

        for (int i = start; i < start + length; i++)
        {
            var row = advantages[batch.Row(i)];
            var places = batch.Positions(i);
            for (int t = 0; t < row.Length && places[t] < shared && !double.IsNaN(rewards[i]); t++)
                row[t] -= weights[places[t]] + Epsilon == 0 ? 0 : weighted[places[t]] / (weights[places[t]] + Epsilon);
        }
    }

    // The last trained-on positions of the group's two longest rows; −1 for a row that there is not.
    private static (int Longest, int Second) Ends(RolloutBatch batch, int g, ReadOnlySpan<double> rewards)
    {
        int longest = -1, second = -1;
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        for (int i = start; i < start + length; i++)
        {
            int end = batch.Length(i) == 0 || double.IsNaN(rewards[i]) ? -1 : batch.Positions(i)[^1];
            (longest, second) = end > longest ? (end, longest) : (longest, Math.Max(second, end));
        }

        return (longest, second);
    }
}

/// <summary>
/// (A − m)/s of another advantage over all trainable tokens of the batch, m their mean and s² their variance: whitening. Tokens of a row
/// whose reward is missing take no part and get 0.
/// </summary>
/// <param name="Inner">The advantage that is whitened.</param>
/// <remarks>
/// m = Σ A/(N + p); v = Σ (A − m)²/(N + p) · N/(N − ddof); s = √max(v + ε, floor). verl @ 1dda039b, masked_whiten: ddof 1, p = ε = 1e−8.
/// OpenRLHF @ 3c3be623: ddof 0, floor 1e−8; no_std_norm leaves the division out. Without ε and floor a spread within 2⁻⁴⁰ of the largest
/// advantage is rounding, and A = 0. Longer rows weigh more in m, so that not even a centred
/// advantage stays centred in its group, unless all rows have one length.
/// </remarks>
public sealed record TokenWhitened(Advantage Inner) : Advantage
{
    /// <summary>Degrees of freedom taken off the divisor of the variance: 1 or 0.</summary>
    public int Ddof { get; init => field = value is 0 or 1 ? value : throw InvalidInputException.Because($"ddof must be 0 or 1; got {value}."); } = 1;

    /// <summary>ε ≥ 0, added to the variance inside the root.</summary>
    public double Epsilon { get; init => field = Checks.AtLeastZero(value, "The ε beside a variance"); }

    /// <summary>The least variance, ≥ 0.</summary>
    public double Floor { get; init => field = Checks.AtLeastZero(value, "The floor of a variance"); }

    /// <summary>p ≥ 0, added to the number of tokens where sums are divided by it.</summary>
    public double Padding { get; init => field = Checks.AtLeastZero(value, "The padding of a number of tokens"); }

    /// <summary>Whether it is divided by s.</summary>
    public bool Scaled { get; init; } = true;

    /// <inheritdoc/>
    public override Traits Traits => DeadRowsOf(Inner)
        | (Inner.Traits.HasFlag(Traits.ShiftBlind) || (Padding == 0 && Inner.Traits.HasFlag(Traits.KeepsShift)) ? Traits.ShiftBlind : Traits.None)
        | (Padding == 0 ? Traits.TokenCentred : Traits.None);

    /// <summary>ε and the floor stand beside a variance.</summary>
    public override (Advantage Rescaled, int Degree)? Under(double scale) => Inner.Under(scale) is var (inner, degree)
        ? (this with { Inner = inner, Epsilon = Epsilon / Math.Pow(scale, 2 * degree), Floor = Floor / Math.Pow(scale, 2 * degree) }, Scaled ? 0 : degree)
        : null;

    /// <inheritdoc/>
    public override bool OneNumberARow => Inner.OneNumberARow;

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => Inner.Reads;

    /// <inheritdoc/>
    public override bool ReadsGreedyReward => Inner.ReadsGreedyReward;

    /// <summary>A variance with ddof 1 needs 2.</summary>
    public override int LeastTokens => Scaled ? Ddof + 1 : Inner.LeastTokens;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.Fill(batch, rewards, advantages);
        var (count, mean, largest) = Survey(batch, rewards, advantages);
        if (count == 0)
            return;
        double std = Scaled ? Std(batch, rewards, advantages, count, mean) : 1;
        for (int i = 0; i < batch.Rows; i++)
        {
            if (double.IsNaN(rewards[i]))
                continue;
            foreach (ref double advantage in advantages[batch.Row(i)])
                advantage = advantage == mean || IsBare(std, largest) ? 0 : (advantage - mean) / std;
        }
    }

    /// <inheritdoc/>
    public override double CentringCondition(RolloutBatch batch, ReadOnlySpan<double> rewards)
    {
        using var inner = new Scratch(batch.Tokens);
        Inner.Fill(batch, rewards, inner.Span);
        var (count, mean, largest) = Survey(batch, rewards, inner.Span);
        double std = Scaled && count > Ddof ? Std(batch, rewards, inner.Span, count, mean) : 1;
        return largest == 0 || IsBare(std, largest) ? 0 : largest / std;
    }

    private (int Count, double Mean, double Largest) Survey(RolloutBatch batch, ReadOnlySpan<double> rewards, ReadOnlySpan<double> advantages)
    {
        int count = 0;
        double sum = 0, largest = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            if (double.IsNaN(rewards[i]))
                continue;
            foreach (double advantage in advantages[batch.Row(i)])
            {
                sum += advantage;
                largest = Math.Max(largest, Math.Abs(advantage));
            }

            count += batch.Length(i);
        }

        return (count, sum / (count + Padding), largest);
    }

    // A spread that is rounding, and has nothing beside it, would make noise of size 1.
    private bool IsBare(double std, double largest) => Scaled && Epsilon == 0 && Floor == 0 && Rounding.IsNoise(std, largest);

    private double Std(RolloutBatch batch, ReadOnlySpan<double> rewards, ReadOnlySpan<double> advantages, int count, double mean)
    {
        if (count <= Ddof)
            throw InvalidInputException.Because($"Whitening with ddof {Ddof} needs at least {Ddof + 1} trainable tokens; got {count}.");
        double squares = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            if (double.IsNaN(rewards[i]))
                continue;
            foreach (double advantage in advantages[batch.Row(i)])
                squares += (advantage - mean) * (advantage - mean);
        }

        double variance = squares / (count + Padding) * (count / (double)(count - Ddof));
        return double.IsFinite(variance)
            ? Math.Sqrt(Math.Max(variance + Epsilon, Floor))
            : throw InvalidInputException.Because($"The advantages are too large to be whitened: their variance overflows float64.");
    }
}
