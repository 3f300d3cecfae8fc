using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// J = Σ α μ φ − Σₖ βₖ Σ αₖ κₖ, always maximised (loss = −J). α weighs the coefficient (c = α μ φ′), μ is a detached correction, φ the
/// kernel, κ a regulariser. "Frozen" is the batch's own log-probs; only the evaluation point moves. An objective reaches the policy
/// through the sampled tokens' log-probs alone, so ∇J = Σ c ∇ℓ with c = ∂J/∂ℓ, the token coefficients.
/// </summary>
public sealed record SurrogateObjective(Advantage Advantage, Kernel Kernel, TokenWeight Weight)
{
    /// <summary>How a completion's rewards become the one that the advantage reads.</summary>
    public RewardShaping Rewards { get; init; } = RewardShaping.None;

    /// <summary>μ, a detached factor on each token's term; 1 unless said otherwise.</summary>
    public TokenWeight Correction { get; init; } = TokenWeight.One;

    /// <summary>The regularisers, subtracted.</summary>
    public ImmutableArray<Regulariser> Regularisers { get; init; } = [];

    /// <summary>Equal where all parts are.</summary>
    public bool Equals(SurrogateObjective? other) => other is not null
        && (Rewards, Advantage, Kernel, Weight, Correction) == (other.Rewards, other.Advantage, other.Kernel, other.Weight, other.Correction)
        && Regularisers.SequenceEqual(other.Regularisers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rewards, Advantage, Kernel, Weight, Correction, Regularisers.Length);

    /// <summary>What the whole objective promises.</summary>
    public Traits Traits
    {
        get
        {
            const Traits ofAll = Traits.GroupIsolated | Traits.LengthBlind;
            var common = Rewards.Traits & Advantage.Traits & Kernel.Traits & Weight.Traits & Correction.Traits & ofAll;
            foreach (var term in Active)
                common &= (term.Weight ?? Weight).Traits & term.Where.Traits;
            var weight = Correction.Traits.HasFlag(Traits.UniformWeight)
                ? Weight.Traits & ~(Correction is ConstantWeight ? Traits.None : Traits.RowMeanWeight)
                : Traits.None;
            weight = (weight & ~Traits.FlatWeight) | (Weight.Traits & Correction.Traits & Traits.FlatWeight);
            var shaped = Rewards.Traits.HasFlag(Traits.Centred) && Advantage.Traits.HasFlag(Traits.KeepsCentring) ? Traits.Centred : Traits.None;
            bool shiftBlind = (Rewards.Traits.HasFlag(Traits.ShiftBlind) && !Advantage.ReadsGreedyReward) || (Rewards.Traits.HasFlag(Traits.KeepsShift) && Advantage.Traits.HasFlag(Traits.ShiftBlind)
                    && (Rewards.Count == 1 || !Advantage.ReadsGreedyReward));
            var lost = !Kernel.EvensRows ? Traits.None
                : (Weight.OneNumberARowOnPolicy && Correction.OneNumberARowOnPolicy && Advantage.OneNumberARow ? Traits.None : EvenedOnPolicy)
                    | (Weight.OneNumberARow && Correction.OneNumberARow && Advantage.OneNumberARow ? Traits.None : Traits.HardClip);
            var composed = ofAll | lost | Traits.IgnoresDeadRows | Traits.ShiftBlind | Traits.KeepsShift | Traits.UniformOffPolicy
                | (Weight.ReadsAdvantageSizes || Correction.ReadsAdvantageSizes ? Traits.Homogeneous : Traits.None);
            return (((Rewards.Traits & Traits.UnshapedRewards) | Advantage.Traits | Kernel.Traits | weight) & ~composed)
                | (common & ~lost) | shaped | (shiftBlind ? Traits.ShiftBlind : Traits.None)
                | (Weight.Traits & Correction.Traits & Traits.UniformOffPolicy)
                | (Rewards.Traits & Advantage.Traits & Traits.IgnoresDeadRows)
                | (Active.Any() ? Traits.None : Traits.Unregularised)
                | (Active.All(term => term.SilentOnPolicy) ? Traits.UnregularisedOnPolicy : Traits.None);
        }
    }

    /// <summary>The columns that a batch must carry.</summary>
    public ImmutableArray<Column> Reads =>
    [
        .. new[] { Column.Logp, Column.OldLogp }
            .Concat(Rewards.Reads).Concat(Advantage.Reads).Concat(Kernel.Reads).Concat(Weight.Reads).Concat(Correction.Reads)
            .Concat(Active.SelectMany(term => term.Reads.Concat(term.Weight?.Reads ?? []).Concat(term.Where.Reads)))
            .Distinct(),
    ];

    // What a kernel that evens rows out promises of rows that have one weight and one advantage only.
    private const Traits EvenedOnPolicy = Traits.CommonOnPolicyGain | Traits.UniformWeight | Traits.RowMeanWeight | Traits.LengthBlind;

    private IEnumerable<Regulariser> Active => Regularisers.Where(term => term.Beta != 0);

    /// <summary>J, its coefficients and what they were made of, at the batch's own log-probs.</summary>
    /// <exception cref="InvalidInputException">The batch lacks what the objective reads, or a result overflows float64.</exception>
    public Evaluation Evaluate(RolloutBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var workspace = new Workspace();
        var coefficients = new double[batch.Tokens];
        double value = Evaluate(batch, batch[Column.Logp], coefficients, workspace);
        return new()
        {
            Value = value,
            Rewards = workspace.Rewards.ToArray(),
            RowAdvantages = Advantage is RowAdvantage ? workspace.RowAdvantages.ToArray() : null,
            Advantages = workspace.Advantages.ToArray(),
            Weights = Corrected(workspace).ToArray(),
            Coefficients = coefficients,
            EntropyCoefficients = Regularisers.Any(term => term.ActsOnEntropy) ? workspace.EntropyCoefficients.ToArray() : null,
        };
    }

    /// <summary>
    /// J at the evaluation point <paramref name="logp"/>, shape [N], everything detached taken at the batch's own log-probs; writes
    /// ∂J/∂ℓ to <paramref name="coefficients"/>, shape [N]. Allocates nothing once <paramref name="workspace"/> has grown.
    /// </summary>
    /// <exception cref="InvalidInputException">The batch lacks what the objective reads, or a result overflows float64.</exception>
    public double Evaluate(RolloutBatch batch, ReadOnlySpan<double> logp, Span<double> coefficients, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(workspace);
        RefuseOtherLengths(batch, logp.Length, coefficients.Length);
        Prepare(batch, workspace);
        coefficients.Clear();
        double value = 0;
        for (int g = 0; g < batch.Groups; g++)
            value += Kernel.Group(new(batch, g, logp, workspace.Advantages, Corrected(workspace)), coefficients[batch.GroupTokens(g)]);
        foreach (var term in Regularisers)
        {
            if (term.Beta != 0)
                value += Add(term, batch, logp, coefficients, workspace);
        }

        RefuseNonFinite(batch, logp, workspace, Advantage is RowAdvantage, value, coefficients);
        return value;
    }

    internal static void RefuseOtherLengths(RolloutBatch batch, int logps, int coefficients)
    {
        if (logps != batch.Tokens || coefficients != batch.Tokens)
        {
            throw InvalidInputException.Because(
                $"An evaluation needs one log-prob and one coefficient for each of the {batch.Tokens} trainable tokens; got {logps} and {coefficients}.");
        }
    }

    // What is detached: rewards, advantages, weights with and without the correction.
    internal void Prepare(RolloutBatch batch, Workspace workspace)
    {
        workspace.Fit(batch);
        Rewards.Fill(batch, workspace.Rewards);
        if (Advantage is RowAdvantage rows)
        {
            rows.FillRows(batch, workspace.Rewards, workspace.RowAdvantages);
            RowAdvantage.Spread(batch, workspace.RowAdvantages, workspace.Advantages);
        }
        else
        {
            Advantage.Fill(batch, workspace.Rewards, workspace.Advantages);
        }

        Weight.Fill(batch, workspace.Advantages, workspace.UncorrectedWeights);
        if (Correction == TokenWeight.One)
            return;
        workspace.UncorrectedWeights.CopyTo(workspace.CorrectedWeights);
        Multiply(Correction, batch, workspace.Advantages, workspace.CorrectedWeights);
    }

    // α·μ as it was prepared.
    internal ReadOnlySpan<double> Corrected(Workspace workspace) => Correction == TokenWeight.One ? workspace.UncorrectedWeights : workspace.CorrectedWeights;

    internal double Add(Regulariser term, RolloutBatch batch, ReadOnlySpan<double> logp, Span<double> coefficients, Workspace workspace)
    {
        var weights = term.Corrected ? Corrected(workspace) : workspace.UncorrectedWeights;
        if (term.Weight is not null || term.Where != TokenWeight.One)
            weights = OwnWeights(term, batch, weights, workspace);
        return term.Add(batch, logp, weights, coefficients, workspace.EntropyCoefficients);
    }

    // A weight of its own, times where it acts, times the correction where that is wanted.
    private ReadOnlySpan<double> OwnWeights(Regulariser term, RolloutBatch batch, ReadOnlySpan<double> common, Workspace workspace)
    {
        var own = workspace.OtherWeights;
        common.CopyTo(own);
        if (term.Weight is not null)
        {
            term.Weight.Fill(batch, workspace.Advantages, own);
            if (term.Corrected)
                Multiply(Correction, batch, workspace.Advantages, own);
        }

        Multiply(term.Where, batch, workspace.Advantages, own);
        return own;
    }

    private static void Multiply(TokenWeight factor, RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        if (factor == TokenWeight.One)
            return;
        using var scratch = new Scratch(weights.Length);
        factor.Fill(batch, advantages, scratch.Span);
        for (int t = 0; t < weights.Length; t++)
            weights[t] *= scratch.Span[t];
    }

    private static void RefuseNonFinite(
        RolloutBatch batch, ReadOnlySpan<double> logp, Workspace workspace, bool rowAdvantages, double value, ReadOnlySpan<double> coefficients)
    {
        for (int i = 0; i < batch.Rows; i++)
        {
            // A missing reward that is skipped is NaN, and its advantage 0.
            double reward = workspace.Rewards[i], advantage = rowAdvantages ? workspace.RowAdvantages[i] : 0;
            if (!double.IsInfinity(reward) && double.IsFinite(advantage))
                continue;
            throw InvalidInputException.Because(
                $"A reward or an advantage is not a finite number: they are {reward} and {advantage} at {batch.PlaceOfRow(i)} (a spread of 0 without an ε, or an overflow).");
        }

        for (int t = 0; t < coefficients.Length; t++)
        {
            if (!double.IsFinite(workspace.Advantages[t]))
                throw InvalidInputException.Because($"An advantage is not a finite number: it is {workspace.Advantages[t]} at {batch.PlaceOf(t)}.");
            if (!double.IsFinite(coefficients[t]))
            {
                double ratio = logp[t] - batch[Column.OldLogp][t];
                throw InvalidInputException.Because(
                    $"A coefficient overflows float64: it is {coefficients[t]} at {batch.PlaceOf(t)}, where the log-ratio is {ratio}.");
            }
        }

        if (!double.IsFinite(value))
            throw InvalidInputException.Because($"The objective's value overflows float64: it is {value}.");
    }
}

/// <summary>The result of an evaluation.</summary>
public sealed record Evaluation
{
    /// <summary>J.</summary>
    public required double Value { get; init; }

    /// <summary>−J, what a trainer minimises; never a negative zero.</summary>
    public double Loss => 0 - Value;

    /// <summary>Rᵢ after shaping, shape [B]; NaN where it is missing and skipped.</summary>
    public required double[] Rewards { get; init; }

    /// <summary>Aᵢ, shape [B], dead rows included; null where the advantage is not one number a row.</summary>
    public double[]? RowAdvantages { get; init; }

    /// <summary>Aᵢₜ, shape [N].</summary>
    public required double[] Advantages { get; init; }

    /// <summary>αᵢₜ·μᵢₜ, shape [N].</summary>
    public required double[] Weights { get; init; }

    /// <summary>cᵢₜ = ∂J/∂ℓᵢₜ, shape [N].</summary>
    public required double[] Coefficients { get; init; }

    /// <summary>∂J/∂Hᵢₜ, shape [N]; null without an entropy bonus.</summary>
    public double[]? EntropyCoefficients { get; init; }
}

/// <summary>Scratch space of evaluations, grown to the largest batch it has seen. Not for use by two threads at once.</summary>
public sealed class Workspace
{
    private double[] _perRow = [];
    private double[] _perToken = [];
    private int _rows;
    private int _tokens;

    /// <summary>Rᵢ after shaping, as of the last evaluation, shape [B].</summary>
    public Span<double> Rewards => _perRow.AsSpan(0, _rows);

    /// <summary>Aᵢₜ, as of the last evaluation, shape [N].</summary>
    public Span<double> Advantages => _perToken.AsSpan(0, _tokens);

    /// <summary>αᵢₜ without the correction, as of the last evaluation, shape [N].</summary>
    public Span<double> UncorrectedWeights => _perToken.AsSpan(_tokens, _tokens);

    /// <summary>∂J/∂Hᵢₜ, as of the last evaluation, shape [N]; zero without an entropy bonus.</summary>
    public Span<double> EntropyCoefficients => _perToken.AsSpan(2 * _tokens, _tokens);

    internal Span<double> RowAdvantages => _perRow.AsSpan(_rows, _rows);

    internal Span<double> CorrectedWeights => _perToken.AsSpan(3 * _tokens, _tokens);

    internal Span<double> OtherWeights => _perToken.AsSpan(4 * _tokens, _tokens);

    internal void Fit(RolloutBatch batch)
    {
        (_rows, _tokens) = (batch.Rows, batch.Tokens);
        if (_perRow.Length < 2 * _rows)
            _perRow = new double[2 * _rows];
        if (_perToken.Length < 5 * _tokens)
            _perToken = new double[5 * _tokens];
        EntropyCoefficients.Clear();
    }
}
