namespace GroupRL.Objectives;

/// <summary>A per-token quantity of a <see cref="RolloutBatch"/>, stored for trainable tokens only, shape [ragged].</summary>
public enum Column
{
    /// <summary>ℓ = log π_θ(token), the current policy, in nats; the point at which stop-gradient terms are frozen.</summary>
    Logp,

    /// <summary>ℓ° = log π_old(token), the behaviour policy of the surrogate, in nats.</summary>
    OldLogp,

    /// <summary>ℓʳ = log π_ref(token), the reference policy of a KL penalty, in nats.</summary>
    RefLogp,

    /// <summary>log π_rollout(token) as the sampling engine reported it, in nats.</summary>
    RolloutLogp,

    /// <summary>H, the entropy of the current next-token distribution, in nats.</summary>
    Entropy,

    /// <summary>V, a critic's value at the token, in units of reward.</summary>
    Value,

    /// <summary>Σ_v π(v)², the collision probability of the current next-token distribution, in [0, 1].</summary>
    SumPiSquared,

    /// <summary>A reward given at the token itself, in units of reward.</summary>
    TokenReward,

    /// <summary>A uniform random number in [0, 1), by which methods that choose tokens at random choose: randomness is data.</summary>
    Random,
}

/// <summary>The names of the columns in files, and the rule each value must keep.</summary>
public static class Columns
{
    /// <summary>
    /// How far above zero a log-prob may lie: eight spacings of float32 at 1, the rounding of a trainer's log-softmax.
    /// </summary>
    public const double LogpRounding = 1e-6;

    private static readonly string[] FieldNames =
        ["logps", "old_logps", "ref_logps", "rollout_logps", "entropies", "values", "sum_pi_squared", "token_rewards", "random"];

    // In the order of the columns, too: the least and the largest number, and what is asked of those in between.
    private static readonly (double Least, double Most, string Rule)[] Rules =
    [
        .. Enumerable.Repeat((double.MinValue, LogpRounding, "must not exceed 0, being a log-probability"), 4),
        (-LogpRounding, double.MaxValue, "must not be negative, being an entropy"),
        (double.MinValue, double.MaxValue, ""),
        (0, 1 + LogpRounding, "must lie in [0, 1], being a collision probability"),
        (double.MinValue, double.MaxValue, ""),
        (0, Math.BitDecrement(1.0), "must lie in [0, 1), being a uniform random number"),
    ];

    private static readonly Column[] Every = Enum.GetValues<Column>();

    /// <summary>Every column, in the order of <see cref="Column"/>.</summary>
    public static IReadOnlyList<Column> All => Every;

    /// <summary>The same, for who goes through them for each row.</summary>
    internal static ReadOnlySpan<Column> Each => Every;

    /// <summary>The field of schema <c>grouprl-batch/1</c> that holds <paramref name="column"/>.</summary>
    public static string Field(this Column column) => FieldNames[(int)column];

    /// <summary>The column itself, where it holds log-probs.</summary>
    internal static Column LogProbs(Column column, string name) => column is Column.Logp or Column.OldLogp or Column.RefLogp or Column.RolloutLogp
        ? column
        : throw InvalidInputException.Because($"{name} is logps, old_logps, ref_logps or rollout_logps; got {column.Field()}.");

    /// <summary>Between which numbers, both ends included, the entries of <paramref name="column"/> lie.</summary>
    internal static (double Least, double Most) Bounds(this Column column) => (Rules[(int)column].Least, Rules[(int)column].Most);

    /// <summary>The rule that <paramref name="value"/> breaks as an entry of <paramref name="column"/>, or null where it keeps them all.</summary>
    internal static string? BrokenRule(this Column column, double value)
    {
        var (least, most, rule) = Rules[(int)column];
        return !double.IsFinite(value) ? "must be a finite number" : value < least || value > most ? rule : null;
    }
}
