namespace GroupRL.Objectives;

/// <summary>
/// What a loss promises of its design, so that no law accuses it of what it never claimed. All but the last three are those of a sound
/// loss of the GRPO family, and assumed unless it says otherwise: <see cref="Sound"/>.
/// </summary>
[Flags]
public enum LossPromises
{
    /// <summary>Nothing but what needs no promise.</summary>
    None = 0,

    /// <summary>Advantages compare the rewards of a group: a shift common to all of them changes nothing, and equal rewards teach nothing.</summary>
    ComparesRewards = 1 << 0,

    /// <summary>A group's gradient sees no other group's rewards and log-probs.</summary>
    GroupIsolated = 1 << 1,

    /// <summary>Rewards times a &gt; 1 give a gradient between the one before and a times it.</summary>
    KeepsScale = 1 << 2,

    /// <summary>An advantage is at most the range of rewards (or 1, where that is larger) times what a lone reward of 1 gets.</summary>
    BoundedAdvantage = 1 << 3,

    /// <summary>On-policy the trained tokens of a completion have one gradient.</summary>
    OneCreditARow = 1 << 4,

    /// <summary>Off-policy a token's gradient keeps the sign it has on-policy, or is 0.</summary>
    KeepsSign = 1 << 5,

    /// <summary>What became less likely and is good, or more likely and is bad, keeps its gradient: a clip is pessimistic.</summary>
    PessimisticClip = 1 << 6,

    /// <summary>Near on-policy a token's gradient is the one on-policy times an importance ratio: its own, its row's, or none at all.</summary>
    ImportanceRatio = 1 << 7,

    /// <summary>On-policy the best completion of a group is pushed up and the worst down.</summary>
    PushesUp = 1 << 8,

    /// <summary>A penalty towards the reference is 0 and has no gradient at the reference itself.</summary>
    KlStationary = 1 << 9,

    /// <summary>Its gradient pulls towards the reference.</summary>
    KlPulls = 1 << 10,

    /// <summary>It is never negative.</summary>
    KlNonNegative = 1 << 11,

    /// <summary>Its estimator's mean is the KL divergence.</summary>
    KlUnbiased = 1 << 12,

    /// <summary>The width that a batch is padded to has no say.</summary>
    WidthBlind = 1 << 13,

    /// <summary>NaN and ∞ at masked places have no say.</summary>
    NonFinitePadding = 1 << 14,

    /// <summary>Groups may have different sizes.</summary>
    AnyGroupSize = 1 << 15,

    /// <summary>A fully masked completion at most rescales the gradients of other groups, all by one factor: that of a divisor that counts it.</summary>
    MaskedRowsOnlyRescale = 1 << 16,

    /// <summary>A batch beside a copy of itself has the gradient of the batch, or half of it in each.</summary>
    Averages = 1 << 17,

    /// <summary>A prompt may have a single completion.</summary>
    LoneCompletions = 1 << 18,

    /// <summary>The importance ratio is each token's own.</summary>
    TokenRatio = 1 << 19,

    /// <summary>The importance ratio is one a row, of the mean of its log-ratios.</summary>
    SequenceRatio = 1 << 20,

    /// <summary>No term is detached: the gradient is the derivative of the loss as it is.</summary>
    NoStopGradients = 1 << 21,

    /// <summary>What is assumed of a loss that does not say.</summary>
    Sound = (1 << 19) - 1,
}

/// <summary>Promises by the words that files and command lines call them.</summary>
public static class LossPromiseNames
{
    /// <summary>Every single promise and its word.</summary>
    public static IReadOnlyDictionary<LossPromises, string> Words { get; } = Enum.GetValues<LossPromises>()
        .Where(promise => int.PopCount((int)promise) == 1)
        .ToDictionary(promise => promise, promise => Kebab(promise.ToString()));

    /// <summary>Each promise of <paramref name="promises"/> as a word.</summary>
    public static IEnumerable<string> InWords(this LossPromises promises) => Words.Where(word => promises.HasFlag(word.Key)).Select(word => word.Value);

    private static string Kebab(string name) => string.Concat(name.Select((c, k) => char.IsUpper(c) && k > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
