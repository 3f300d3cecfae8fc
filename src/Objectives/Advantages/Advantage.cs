using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// The advantage Aᵢₜ of each trainable token, from the shaped rewards, shape [N]; frozen: no gradient flows through it. Most are one
/// number a row: <see cref="RowAdvantage"/>.
/// </summary>
public abstract record Advantage
{
    /// <summary>What this advantage promises.</summary>
    public abstract Traits Traits { get; }

    /// <summary>The columns it reads.</summary>
    public virtual ImmutableArray<Column> Reads => [];

    /// <summary>Whether it reads the reward of each prompt's greedy completion.</summary>
    public virtual bool ReadsGreedyReward => false;

    /// <summary>How many trainable tokens a batch needs for the advantage to be defined.</summary>
    public virtual int LeastTokens => 0;

    /// <summary>k in A = k·(R − R̄) of a group with these moments; null where the advantage is not of that form.</summary>
    /// <exception cref="InvalidInputException">Moments for which the advantage is not defined.</exception>
    public virtual double? Factor(in RewardMoments moments) => null;

    /// <summary>The largest k over all groups, by which the rounding of R − R̄ may be multiplied; +∞ where nothing bounds it, null where unknown.</summary>
    public virtual double? LargestFactor => null;

    /// <summary>
    /// Dimensional analysis: A of rewards that are all multiplied by a = <paramref name="scale"/> &gt; 0, and with them everything else in units of reward
    /// that a batch carries, is a to the power of the degree times what the returned advantage, whose constants in units of reward are over a,
    /// makes of the rewards themselves: degree 1 without, 0 with a division by a standard deviation. Null where there is no such law.
    /// </summary>
    public virtual (Advantage Rescaled, int Degree)? Under(double scale) => null;

    /// <summary>
    /// max|x|/s of what is centred last and divided by s: by how much the advantages amplify the rounding of its mean. 0 where nothing but a
    /// group's rewards is centred.
    /// </summary>
    public virtual double CentringCondition(RolloutBatch batch, ReadOnlySpan<double> rewards) => 0;

    /// <summary>Whether all tokens of a row have one advantage.</summary>
    public virtual bool OneNumberARow => false;

    /// <summary>Whether no advantage is ever below 0, so that what acts by their signs treats all alike.</summary>
    public virtual bool NeverNegative => false;

    /// <summary>
    /// λ in E[A | the row's own completion] = λ·R + a number, over <paramref name="count"/> − 1 other completions drawn alike, whatever the
    /// policy and its rewards are; null where the mean advantage is no such line.
    /// </summary>
    public virtual double? ExpectedSlope(int count) => null;

    /// <summary>Whether equal rewards are recognised before any arithmetic, so that A = 0 exactly.</summary>
    internal virtual bool RecognisesEqualRewards => false;

    /// <summary>Whether each row's advantages read that row alone, so that a row without tokens has no say in anything.</summary>
    internal virtual bool ReadsOwnRowOnly => false;

    /// <summary>The promise to ignore dead rows as tokens see it: a dead row has none that could get an advantage.</summary>
    private protected static Traits DeadRowsOf(Advantage inner) =>
        inner.ReadsOwnRowOnly ? Traits.IgnoresDeadRows : inner.Traits & Traits.IgnoresDeadRows;

    /// <summary>Writes Aᵢₜ for every trainable token, shape [N], from one reward a row, shape [B], NaN where it is missing.</summary>
    /// <exception cref="InvalidInputException">Rewards for which the advantage is not defined.</exception>
    public abstract void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages);
}

/// <summary>An advantage that is one number a row.</summary>
public abstract record RowAdvantage : Advantage
{
    /// <inheritdoc/>
    public sealed override bool OneNumberARow => true;

    /// <summary>The standard score that this is; null where it is none.</summary>
    public virtual StandardScore? AsScore() => null;

    /// <summary><see cref="Advantage.Under"/>, whose rescaled advantage is one of rows, too.</summary>
    public virtual (RowAdvantage Rescaled, int Degree)? RowsUnder(double scale) => null;

    /// <inheritdoc/>
    public sealed override (Advantage Rescaled, int Degree)? Under(double scale) => RowsUnder(scale);

    /// <summary>Writes Aᵢ for every row, dead rows included, shape [B]; 0 where the reward is missing.</summary>
    /// <exception cref="InvalidInputException">Rewards for which the advantage is not defined.</exception>
    public abstract void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages);

    /// <inheritdoc/>
    public sealed override void Fill(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        using var rows = new Scratch(batch.Rows);
        FillRows(batch, rewards, rows.Span);
        Spread(batch, rows.Span, advantages);
    }

    internal static void Spread(RolloutBatch batch, ReadOnlySpan<double> rows, Span<double> tokens)
    {
        for (int i = 0; i < batch.Rows; i++)
            tokens[batch.Row(i)].Fill(rows[i]);
    }
}

/// <summary>Which rows of a group take part in its advantages.</summary>
public enum Counted
{
    /// <summary>All rows: a fully masked completion's reward still counts. What every trainer does.</summary>
    AllRows,

    /// <summary>Rows with a trainable token; the others get A = 0. The cure of the bias that masked truncation causes.</summary>
    LiveRows,
}

/// <summary>What is done where all counted rewards of a group are equal.</summary>
public enum EqualRewards
{
    /// <summary>A = 0 exactly, recognised before any arithmetic. The canonical forms.</summary>
    GiveZero,

    /// <summary>The formula as it stands: a mean that rounds away from the rewards leaves advantages of rounding. The trainers.</summary>
    AreComputed,
}

/// <summary>What is done where a group counts one reward only, so that there is nothing to compare it with.</summary>
public enum LoneReward
{
    /// <summary>As in any group: <see cref="EqualRewards"/>, then the formula, which refuses where it needs others. The papers, who have no such group.</summary>
    IsAnyGroup,

    /// <summary>A = 0. verl's rloo_vectorized; TRL, where only one completion of a group has the reward.</summary>
    GivesZero,

    /// <summary>The baseline is 0 and the standard deviation 1: A = R, or R/(1 + ε). verl's grpo, rloo, opo and gpg; OpenKimi's ploo.</summary>
    IsKept,

    /// <summary>The batch is refused. OpenRLHF's rloo; verl's grpo_passk.</summary>
    IsRefused,
}

/// <summary>The statistics of the counted rewards of one group.</summary>
/// <param name="Count">G, how many rewards are counted.</param>
/// <param name="Sum">Σ R, summed in row order.</param>
/// <param name="Scale">A power of two near the largest |R − R̄|, so that no square overflows or underflows.</param>
/// <param name="ScaledSquares">Σ ((R − R̄)/scale)².</param>
public readonly record struct RewardMoments(int Count, double Sum, double Scale, double ScaledSquares)
{
    /// <summary>R̄ = Σ R / G.</summary>
    public double Mean => Sum / Count;

    /// <summary>√(Σ (R − R̄)² / (G − ddof)).</summary>
    /// <exception cref="InvalidInputException">G ≤ ddof, or the result overflows float64.</exception>
    public double Std(int ddof)
    {
        if (Count <= ddof)
            throw InvalidInputException.Because($"A standard deviation with ddof {ddof} needs at least {ddof + 1} rewards; got {Count}.");
        double std = Scale * Math.Sqrt(ScaledSquares / (Count - ddof));
        return double.IsFinite(std)
            ? std
            : throw InvalidInputException.Because($"The rewards are too large: their standard deviation overflows float64.");
    }

    /// <summary>The moments of the counted rewards of rows <paramref name="rows"/>.</summary>
    /// <exception cref="InvalidInputException">The rewards' sum overflows float64.</exception>
    public static RewardMoments Of(RolloutBatch batch, Range rows, ReadOnlySpan<double> rewards, Counted counted)
    {
        var (start, length) = rows.GetOffsetAndLength(batch.Rows);
        int count = 0;
        double sum = 0;
        for (int i = start; i < start + length; i++)
        {
            if (!Counts(batch, i, rewards, counted))
                continue;
            sum += rewards[i];
            count++;
        }

        double mean = sum / count, largest = 0;
        for (int i = start; i < start + length; i++)
        {
            if (Counts(batch, i, rewards, counted))
                largest = Math.Max(largest, Math.Abs(rewards[i] - mean));
        }

        if (!double.IsFinite(sum) || !double.IsFinite(largest))
            throw InvalidInputException.Because($"The rewards of group {batch.FirstGroup + batch.GroupOf(start)} are too large: their sum or spread overflows float64.");
        double scale = largest > 0 ? Math.ScaleB(1, Math.ILogB(largest)) : 1, squares = 0;
        for (int i = start; i < start + length; i++)
        {
            if (Counts(batch, i, rewards, counted))
                squares += (rewards[i] - mean) / scale * ((rewards[i] - mean) / scale);
        }

        return new(count, sum, scale, squares);
    }

    // A missing reward takes no part.
    internal static bool Counts(RolloutBatch batch, int i, ReadOnlySpan<double> rewards, Counted counted) =>
        !double.IsNaN(rewards[i]) && (counted == Counted.AllRows || batch.Length(i) > 0);
}
