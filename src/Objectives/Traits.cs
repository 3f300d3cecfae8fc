namespace GroupRL.Objectives;

/// <summary>
/// What a part of an objective promises. A claim's hypotheses are traits, so that an objective nobody has seen gets its verdicts,
/// and NotApplicable names the trait it lacks.
/// </summary>
[Flags]
public enum Traits
{
    /// <summary>No promise.</summary>
    None = 0,

    /// <summary>Σᵢ Aᵢₜ = 0 at every token that a whole group shares and trains on.</summary>
    Centred = 1 << 0,

    /// <summary>Rows without a trainable token take no part in the advantages of the others and get A = 0 themselves.</summary>
    IgnoresDeadRows = 1 << 1,

    /// <summary>A = k·(R − mean R) in each group, k given by <see cref="Advantage.Factor"/>.</summary>
    AffineAdvantage = 1 << 2,

    /// <summary>On-policy, αᵢₜμᵢₜ is the same for all rows of a group at every token that the whole group shares.</summary>
    UniformWeight = 1 << 3,

    /// <summary>αᵢₜ = m/nᵢ with one row mass m for all rows of a group.</summary>
    RowMeanWeight = 1 << 4,

    /// <summary>The importance ratio is each token's own, r = exp(ℓ − ℓ°).</summary>
    TokenRatio = 1 << 5,

    /// <summary>One importance ratio a row: of the mean or the sum of its log-ratios.</summary>
    SequenceRatio = 1 << 6,

    /// <summary>A region of ratios in which the coefficient is exactly zero.</summary>
    HardClip = 1 << 7,

    /// <summary>On-policy (ratio 1) every token's coefficient is w·αᵢₜAᵢ with one w ≠ 0.</summary>
    CommonOnPolicyGain = 1 << 8,

    /// <summary>A group's coefficients depend on no other group's data (its size and number apart).</summary>
    GroupIsolated = 1 << 9,

    /// <summary>No regulariser with β ≠ 0.</summary>
    Unregularised = 1 << 10,

    /// <summary>The advantage reads the rewards as they are: no KL term, clip or bonus in the reward.</summary>
    UnshapedRewards = 1 << 11,

    /// <summary>In the reals, A = 0 throughout a group whose rewards are all equal.</summary>
    ComparesRewards = 1 << 12,

    /// <summary>A = 0 at a token makes its coefficient 0.</summary>
    VanishesWithAdvantage = 1 << 13,

    /// <summary>Σᵢ cᵢₜ = 0 on a shared prefix whatever the advantages, the kernel coupling the rows of a group so that they cancel.</summary>
    ZeroSum = 1 << 14,

    /// <summary>No regulariser with β ≠ 0 has a gradient on-policy.</summary>
    UnregularisedOnPolicy = 1 << 15,

    /// <summary>Rewards that add to zero in every group give advantages that do.</summary>
    KeepsCentring = 1 << 16,

    /// <summary>One number added to every reward (the greedy completion's, too) changes no advantage.</summary>
    ShiftBlind = 1 << 17,

    /// <summary>One number added to every reward adds one number to every shaped reward or advantage.</summary>
    KeepsShift = 1 << 18,

    /// <summary>Advantages that are all multiplied by a &gt; 0 multiply the coefficients by a.</summary>
    Homogeneous = 1 << 19,

    /// <summary>A token's coefficient is w·g·A with a gain g of its own log-probs, whatever the sign of A.</summary>
    SignBlind = 1 << 20,

    /// <summary>On-policy the value is Σ αᵢₜAᵢₜ, or a multiple of it: a ratio of 1 is worth so many A.</summary>
    RatioValued = 1 << 21,

    /// <summary>αᵢₜμᵢₜ is the same for all rows of a group at every token that the whole group shares, off-policy too.</summary>
    UniformOffPolicy = 1 << 22,

    /// <summary>Σᵢₜ Aᵢₜ = 0 over the trainable tokens of the batch.</summary>
    TokenCentred = 1 << 25,

    /// <summary>On-policy, a token's coefficient does not depend on the length of its own or of any other row that has tokens.</summary>
    LengthBlind = 1 << 23,

    /// <summary>Where all policies of a batch agree, αμ is one number for all tokens of a group, set by the number of groups and rows alone.</summary>
    FlatWeight = 1 << 24,
}

/// <summary>Traits in words.</summary>
public static class TraitNames
{
    private static readonly Dictionary<Traits, string> Phrases = new()
    {
        [Traits.Centred] = "advantages centred in the group",
        [Traits.IgnoresDeadRows] = "advantages over rows with a trainable token only",
        [Traits.AffineAdvantage] = "advantages that are the centred rewards times one factor",
        [Traits.UniformWeight] = "one token weight for all rows of a group",
        [Traits.RowMeanWeight] = "token weights 1/length in each row",
        [Traits.TokenRatio] = "a token-level importance ratio",
        [Traits.SequenceRatio] = "a sequence-level importance ratio",
        [Traits.HardClip] = "a hard clip region",
        [Traits.CommonOnPolicyGain] = "a common on-policy gain",
        [Traits.GroupIsolated] = "coefficients that see their own group only",
        [Traits.Unregularised] = "β = 0 (no regulariser)",
        [Traits.UnshapedRewards] = "rewards used as they are",
        [Traits.ComparesRewards] = "advantages that compare the rewards of a group",
        [Traits.VanishesWithAdvantage] = "coefficients that vanish with the advantage",
        [Traits.ZeroSum] = "coefficients of a group that cancel by construction",
        [Traits.KeepsCentring] = "advantages that keep rewards centred",
        [Traits.ShiftBlind] = "advantages that compare rewards by their differences",
        [Traits.KeepsShift] = "rewards that pass a common shift on",
        [Traits.Homogeneous] = "coefficients proportional to the size of the advantages",
        [Traits.SignBlind] = "a gain that does not look at the sign of the advantage",
        [Traits.RatioValued] = "a value of A at ratio 1",
        [Traits.UniformOffPolicy] = "one token weight for all rows of a group, off-policy too",
        [Traits.TokenCentred] = "advantages that add to 0 over tokens",
        [Traits.LengthBlind] = "coefficients that see no length",
        [Traits.FlatWeight] = "one token weight whatever is sampled",
        [Traits.UnregularisedOnPolicy] = "β = 0 (no regulariser that acts on-policy)",
    };

    /// <summary>Each trait of <paramref name="traits"/> as a phrase.</summary>
    public static IEnumerable<string> InWords(this Traits traits) =>
        Phrases.Where(phrase => traits.HasFlag(phrase.Key)).Select(phrase => phrase.Value);
}
