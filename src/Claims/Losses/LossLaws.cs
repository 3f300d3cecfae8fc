using System.Collections.Immutable;

namespace GroupRL.Claims;

/// <summary>Every law of losses of which nothing is known but their answers. An explicit list: nothing is discovered.</summary>
public static class LossLaws
{
    /// <summary>What every sound loss keeps.</summary>
    public static ImmutableArray<Claim<LossSubject>> Contract { get; } =
    [
        PaddedLaws.Garbage, PaddedLaws.NonFinite, PaddedLaws.Width, PaddedLaws.Square, PaddedLaws.OneToken, PaddedLaws.DeadRow, PaddedLaws.DeadGroup, PaddedLaws.Lone,
        PaddedLaws.RowPermutation, PaddedLaws.Interleaved, GroupLaws.Isolation, GroupLaws.Duplicate, GroupLaws.Accumulation, GroupLaws.Devices,
        RewardLaws.ShiftLaw, RewardLaws.ScaleLaw, RewardLaws.ExtremesLaw, RewardLaws.EqualRewards, RewardLaws.InexactEqualRewards, RewardLaws.Sign, RewardLaws.Bound,
        RatioLaws.ImportanceRatio, RatioLaws.RowUniform, RatioLaws.Sign, RatioLaws.Pessimism, RatioLaws.Quadrants,
        KlLaws.Zero, KlLaws.Pull, KlLaws.NonNegative, KlLaws.Expectation,
        GradientLaws.Consistency, GradientLaws.Finiteness,
    ];

    /// <summary>The biases that a design may choose.</summary>
    public static ImmutableArray<Claim<LossSubject>> Theory { get; } =
    [
        LossTheory.PrefixNeutrality, LossTheory.MaskedTruncation, LossTheory.OffPolicyNeutrality, LossTheory.ScaleBlind, LossTheory.ScaleProportional,
        LossTheory.NoHardStop, LossTheory.OnPolicyValue, LossTheory.LengthCredit, LossAlignment.OnePrompt, LossAlignment.TwoPrompts,
    ];

    /// <summary>Both.</summary>
    public static ImmutableArray<Claim<LossSubject>> Claims { get; } = [.. Contract, .. Theory];

    /// <summary>What a loss keeps that is meant to be another one.</summary>
    public static ImmutableArray<Claim<LossSubject>> OfLikeness { get; } = [Likeness.Gradient, Likeness.Value];

    /// <summary>The law of that id, or null.</summary>
    public static Claim<LossSubject>? Find(string id) => OfLikeness.Concat(Claims).FirstOrDefault(claim => claim.Id == id);

    /// <summary>A loss against every law.</summary>
    public static IEnumerable<LedgerRow> Rows(LossSubject subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return (subject.Oracle is null ? Claims : [.. OfLikeness, .. Claims]).Select(claim => claim.Against(subject, subject.Loss.Signature.Name, ""));
    }
}
