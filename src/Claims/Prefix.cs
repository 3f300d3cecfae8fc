using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>
/// Family P, shared prefixes. On the positions that a whole group shares, log-probs and scores coincide, so the group pushes the
/// token by Cₜ = Σᵢ cᵢₜ alone. arXiv:2601.05002, appendix B.1–B.2 (eq. 17–18).
/// </summary>
public static class Prefix
{
    private const string Paper = "arXiv:2601.05002, appendix B";

    private const Traits NeutralTraits = Traits.Centred | Traits.UniformWeight | Traits.CommonOnPolicyGain;

    /// <summary>Cₜ = Σᵢ αᵢₜAᵢₜ: all that a group does to a shared token, on-policy.</summary>
    public static ObjectiveClaim Factorisation { get; } = new()
    {
        Id = "prefix-factorisation",
        Describes = true,
        Family = Family.Prefix,
        Statement = "The gradient contribution of a shared token is Cₜ·∇ℓₜ, and on-policy Cₜ = Σᵢ αᵢₜAᵢₜ, the advantages weighed by the token weights alone.",
        Hypotheses = SharedPrefix.Hypotheses,
        Source = Paper + " (eq. 17–18)",
        Quantity = "|Σᵢ cᵢₜ − Σᵢ αᵢₜAᵢₜ|",
        Consequence = "the drift of an opening that all completions share cannot be read off advantages and weights",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = UnitGain,
        Domain = objective => Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = FactorGap,
        Why = (objective, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the coefficients at position {worst.Position} of group {worst.Group} add to {SharedPrefix.Push(objective.Evaluate(batch), batch[worst.Group], worst.Position).Sum:G6}, {worst.Measured:G3} off what weights times advantages add to"),
    };

    /// <summary>Cₜ = 0 on a prefix that the whole group shares and is trained on, on-policy, β = 0.</summary>
    public static ObjectiveClaim Neutrality { get; } = new()
    {
        Id = "prefix-neutrality",
        Family = Family.Prefix,
        Statement = "On a prefix that the whole group shares, Cₜ = Σᵢ cᵢₜ = 0. True for every centred advantage iff the token weight is the same for all rows.",
        Hypotheses = SharedPrefix.Hypotheses,
        Source = Paper,
        Quantity = "|Σᵢ cᵢₜ|",
        Consequence = "the opening that all completions share drifts with their lengths or rewards, although nothing says that it is good or bad",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = objective => Neutral(objective, NeutralTraits),
        Domain = objective => Cases(objective, Presence.Never, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = WorstPush,
        Why = WhyPushed,
    };

    /// <summary>The same where a completion is fully masked but its reward counts: C = −αA_dead.</summary>
    public static ObjectiveClaim MaskedTruncation { get; } = new()
    {
        Id = "prefix-masked-truncation",
        Family = Family.Prefix,
        Statement = "Cₜ = 0 on a prefix that the whole group shares, even where a completion is fully masked (a truncated one) while its reward counts. Refuted by Cₜ = −α·A_dead unless masked rows take no part in the advantages.",
        Hypotheses = ["on-policy", "β = 0, or a regulariser without a gradient on-policy", "at least 2 completions a group, sharing at least 1 token", "a completion without trainable tokens; all others are trainable on the shared prefix"],
        Source = Paper + "; derived here",
        Quantity = "|Σᵢ cᵢₜ|",
        Consequence = "every truncated completion pushes the opening that it shares with all others: up where its reward is low",
        Missing = objective => Requirements.Missing(objective, Traits.UnregularisedOnPolicy),
        Expect = objective => Neutral(objective, NeutralTraits | Traits.IgnoresDeadRows),
        Domain = objective => Cases(objective, Presence.Always, RewardKind.Any),
        Outside = (_, batch) => SharedPrefix.NotShared(batch) ?? (SharedPrefix.DeadRow(batch) is null ? "some completion has no trainable token; every one has" : null),
        Measure = WorstPush,
        Why = WhyPushed,
    };

    /// <summary>Whether on-policy coefficients are αA.</summary>
    internal static Expectation UnitGain(SurrogateObjective objective) => objective switch
    {
        { Kernel.OnPolicyGain: 1 } when objective.Traits.HasFlag(Traits.CommonOnPolicyGain) => Expectation.Holds("on-policy every coefficient is αA"),
        _ when objective.Traits.HasFlag(Traits.ZeroSum) && Requirements.Missing(objective, Traits.Centred | Traits.UniformWeight) is null =>
            Expectation.Holds("the mean that the kernel takes off is that of centred advantages"),
        { Kernel.OnPolicyGain: { } gain } when gain != 1 => Expectation.Refuted(string.Create(CultureInfo.InvariantCulture, $"on-policy every coefficient is {gain:R}·αA")),
        _ => Expectation.Refuted("on-policy the coefficient is not αA"),
    };

    /// <summary>On-policy cases whose groups share a prefix.</summary>
    internal static RolloutDomain Cases(SurrogateObjective objective, Presence deadRows, RewardKind rewards) =>
        Requirements.Domain(objective) with { OnPolicy = true, SharedPrefix = true, DeadRows = deadRows, Rewards = rewards, Bounds = null };

    private static Expectation Neutral(SurrogateObjective objective, Traits needed)
    {
        if (objective.Traits.HasFlag(Traits.ZeroSum))
            return Expectation.Holds("the kernel takes the mean over the group off every coefficient");
        return Requirements.Missing(objective, needed) is { } missing
            ? Expectation.Refuted($"needs {missing}")
            : Expectation.Holds("Σᵢ αᵢₜAᵢ is α times a sum of centred advantages");
    }

    private static Measurement WorstPush(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            var push = SharedPrefix.Push(evaluation, group, position);
            worst = worst.Worst(new(Math.Abs(push.Sum), push.Rounding(objective, evaluation, group), group.Index, position));
        }

        return worst;
    }

    private static Measurement FactorGap(SurrogateObjective objective, RolloutBatch batch)
    {
        var evaluation = objective.Evaluate(batch);
        bool zeroSum = objective.Traits.HasFlag(Traits.ZeroSum);
        var worst = new Measurement(0, 0);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
        {
            var push = SharedPrefix.Push(evaluation, group, position);
            var (predicted, magnitude) = SharedPrefix.WeighedAdvantages(evaluation, group, position);
            // Coefficients that a kernel makes cancel differ from αA by what the advantages' centring leaves.
            double bound = Tolerance.Summation((2 * group.Count) + 8 + Requirements.RowRoundings(objective, batch), push.Magnitude + magnitude) + (zeroSum ? 2 * push.Rounding(objective, evaluation, group) : 0);
            worst = worst.Worst(new(Math.Abs(push.Sum - predicted), bound, group.Index, position));
        }

        return worst;
    }

    private static string WhyPushed(SurrogateObjective objective, RolloutBatch batch, Measurement worst)
    {
        var evaluation = objective.Evaluate(batch);
        var group = batch[worst.Group];
        var live = Enumerable.Range(0, group.Count).Where(k => group[k].TokenAt(worst.Position) >= 0).ToArray();
        double[] weights = [.. live.Select(k => evaluation.Weights[group[k].TokenAt(worst.Position)])];
        double advantages = live.Sum(k => evaluation.Advantages[group[k].TokenAt(worst.Position)]);
        string place = FormattableString.Invariant($"the shared token {worst.Position} of group {worst.Group}");
        string direction = SharedPrefix.Push(evaluation, group, worst.Position).Sum > 0 ? "up" : "down";
        int light = live[Array.IndexOf(weights, weights.Min())], heavy = live[Array.IndexOf(weights, weights.Max())];
        return (weights.Min() != weights.Max(), live.Length < group.Count) switch
        {
            (true, _) => string.Create(
                CultureInfo.InvariantCulture,
                $"completion {heavy} (length {group[heavy].Length}) weighs its token {weights.Max():G6} and completion {light} (length {group[light].Length}) {weights.Min():G6}, so advantages that cancel are weighed apart and {place} is pushed {direction}"),
            (_, true) => string.Create(
                CultureInfo.InvariantCulture,
                $"completion {Enumerable.Range(0, group.Count).First(k => !live.Contains(k))} has no trained token to push back with, but its reward counts, so the others' advantages do not cancel and {place} is pushed {direction}"),
            _ => string.Create(
                CultureInfo.InvariantCulture,
                $"the advantages of the group add there to {advantages:G6}, not to 0, so {place} is pushed {direction}"),
        };
    }
}
