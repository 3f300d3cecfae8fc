namespace GroupRL.Objectives;

/// <summary>
/// One sampled completion as a trainer hands it over, masked tokens included: the raw material of a <see cref="RolloutBatch"/>,
/// which checks it. All per-token arrays have one entry per token of the completion; at masked tokens their values are ignored.
/// </summary>
public sealed record Rollout
{
    private readonly double[]?[] _columns = new double[Columns.All.Count][];

    /// <summary>The completion's rewards, shape [K]; null marks a missing one.</summary>
    public IReadOnlyList<double?> Rewards { get; init; } = [];

    /// <summary>The completion's only reward: sets <see cref="Rewards"/> to one entry.</summary>
    public double Reward
    {
        init => Rewards = [value];
    }

    /// <summary>ℓ, log-probs under the current policy, shape [T], nats.</summary>
    public required double[] Logps
    {
        get => _columns[(int)Column.Logp]!;
        init => _columns[(int)Column.Logp] = value;
    }

    /// <summary>ℓ°, log-probs under the behaviour policy, shape [T], nats.</summary>
    public required double[] OldLogps
    {
        get => _columns[(int)Column.OldLogp]!;
        init => _columns[(int)Column.OldLogp] = value;
    }

    /// <summary>ℓʳ, log-probs under the reference policy, shape [T], nats; null where there is none.</summary>
    public double[]? RefLogps
    {
        get => _columns[(int)Column.RefLogp];
        init => _columns[(int)Column.RefLogp] = value;
    }

    /// <summary>Log-probs that the sampling engine reported, shape [T], nats; null where there are none.</summary>
    public double[]? RolloutLogps
    {
        get => _columns[(int)Column.RolloutLogp];
        init => _columns[(int)Column.RolloutLogp] = value;
    }

    /// <summary>Entropies of the current next-token distributions, shape [T], nats; null where there are none.</summary>
    public double[]? Entropies
    {
        get => _columns[(int)Column.Entropy];
        init => _columns[(int)Column.Entropy] = value;
    }

    /// <summary>A critic's values, shape [T], units of reward; null where there is no critic.</summary>
    public double[]? Values
    {
        get => _columns[(int)Column.Value];
        init => _columns[(int)Column.Value] = value;
    }

    /// <summary>Σ_v π(v)² per token, shape [T]; null where absent.</summary>
    public double[]? SumPiSquared
    {
        get => _columns[(int)Column.SumPiSquared];
        init => _columns[(int)Column.SumPiSquared] = value;
    }

    /// <summary>Rewards given at single tokens, shape [T]; null where absent.</summary>
    public double[]? TokenRewards
    {
        get => _columns[(int)Column.TokenReward];
        init => _columns[(int)Column.TokenReward] = value;
    }

    /// <summary>Uniform random numbers in [0, 1), shape [T]; null where no method chooses at random.</summary>
    public double[]? Random
    {
        get => _columns[(int)Column.Random];
        init => _columns[(int)Column.Random] = value;
    }

    /// <summary>Token ids, shape [T]; null where unknown (shared prefixes cannot be found then).</summary>
    public int[]? Tokens { get; init; }

    /// <summary>True where a token is trained on; null: everywhere. A token of a tool's output is context, not trained on.</summary>
    public bool[]? Mask { get; init; }

    /// <summary>The reward of the prompt's greedy completion (ReMax's baseline); null where absent.</summary>
    public double? GreedyReward { get; init; }

    /// <summary>The array behind <paramref name="column"/>, or null where the completion lacks it.</summary>
    public double[]? this[Column column] => _columns[(int)column];

    /// <summary>A copy in which <paramref name="column"/> holds <paramref name="values"/>; null removes it.</summary>
    public Rollout With(Column column, double[]? values)
    {
        var copy = this with { };
        copy._columns[(int)column] = values;
        return copy;
    }

    /// <summary>A copy in which every column holds what <paramref name="values"/> says of it; null removes it.</summary>
    internal Rollout With(Func<Column, double[]?> values)
    {
        var copy = this with { };
        foreach (var column in Columns.All)
            copy._columns[(int)column] = values(column);
        return copy;
    }

    private Rollout(Rollout original)
    {
        _columns = [.. original._columns];
        Rewards = original.Rewards;
        Tokens = original.Tokens;
        Mask = original.Mask;
        GreedyReward = original.GreedyReward;
    }
}
