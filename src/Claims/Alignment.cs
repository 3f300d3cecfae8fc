using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Policies;
using TinyClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Claims.TinyCase>;

namespace GroupRL.Claims;

/// <summary>
/// What a step of the surrogate points to on average, against what was asked for: E[∇J] beside ∇E[R], every completion and every group of a
/// tiny policy enumerated, on-policy.
/// </summary>
public static class Alignment
{
    // Each case enumerates tens to hundreds of groups.
    private const int CostOfEnumeration = 10;

    private const Traits Spoken = Traits.UnregularisedOnPolicy | Traits.UnshapedRewards;

    /// <summary>One prompt, any rewards: E[∇J] = w·G·α·λ·∇E[R].</summary>
    public static TinyClaim OnePrompt { get; } = new()
    {
        Id = "expected-gradient-alignment",
        Family = Family.Surrogate,
        Statement = "For one prompt, E[∇J] = w·G·α·λ·∇E[R] for every reward, λ the slope of the mean advantage in the row's own reward: 1 − 1/G with the group's mean as the baseline, 1 with the others'. True where one number α weighs every token and that mean advantage is a line; with one number, only there.",
        Hypotheses = ["on-policy, all policies of the batch agreeing", "β = 0", "rewards used as they are", "no masking", "one prompt"],
        Source = "derived here; arXiv:2503.20783 (the biases of 1/L and of the std)",
        Quantity = "|E[∇J] − w·G·α·λ·∇E[R]|, or what the best multiple of ∇E[R] leaves of E[∇J]",
        Consequence = "training climbs something else than the expected reward",
        Cost = CostOfEnumeration,
        Missing = Unknown,
        Expect = objective => (IsFlat(objective), objective.Advantage.ExpectedSlope(2)) switch
        {
            (false, _) => NotFlat(),
            (_, null) => Expectation.Refuted("the mean advantage is no line in the reward"),
            _ => Expectation.Holds("E[A | y] = λR(y) + const, and E[∇log π] = 0"),
        },
        Domain = _ => new TinyDomain(),
        Outside = (_, value) => OtherPrompts(value, 1),
        Measure = Gap,
        Why = WhyNot,
    };

    /// <summary>One prompt, rewards 0 and 1: parallel for every advantage that reads rewards alone.</summary>
    public static TinyClaim Binary { get; } = new()
    {
        Id = "expected-gradient-alignment-binary",
        Family = Family.Surrogate,
        Statement = "For one prompt and rewards 0 and 1, E[∇J] is a multiple ≥ 0 of ∇E[R] for every advantage that reads the group's rewards alone and does not fall as the own reward rises, if one number weighs every token: a function of a binary reward is a line.",
        Hypotheses = ["on-policy, all policies of the batch agreeing", "β = 0", "rewards 0 and 1, used as they are", "no masking", "one prompt"],
        Source = "derived here",
        Quantity = "|E[∇J] − w·G·α·λ·∇E[R]|, or what the best multiple of ∇E[R] leaves of E[∇J]",
        Consequence = "training climbs something else than the pass rate",
        Cost = CostOfEnumeration,
        Missing = Unknown,
        Expect = objective => (IsFlat(objective), IsBlind(objective)) switch
        {
            (false, _) => NotFlat(),
            (_, false) => Expectation.Refuted("advantages that see more than rewards"),
            _ => Expectation.Holds("a function of a binary reward is a line"),
        },
        Domain = _ => new TinyDomain { Binary = true },
        Outside = (_, value) => OtherPrompts(value, 1) ?? NotBinary(value),
        Measure = Gap,
        Why = WhyNot,
    };

    /// <summary>Two prompts of different pass rates: parallel iff the prompts get one factor.</summary>
    public static TinyClaim TwoPrompts { get; } = new()
    {
        Id = "expected-gradient-alignment-prompts",
        Family = Family.Surrogate,
        Statement = "For two prompts of different pass rates, each with its own table of logits, E[∇J] is a multiple ≥ 0 of the gradient of the mean pass rate where one number weighs every token and every prompt gets one factor, whatever its pass rate. A standard deviation gives p the factor w(p) of prompt-weighting, which is constant at G = 2 and 3 only.",
        Hypotheses = ["on-policy, all policies of the batch agreeing", "β = 0", "rewards 0 and 1, used as they are", "no masking", "two prompts with groups of one size, that share no parameter"],
        Source = "derived here",
        Quantity = "|E[∇J] − w·G·α·λ·∇E[R]|, or what the best multiple of ∇E[R] leaves of E[∇J]",
        Consequence = "prompts of some pass rates count for more than others: the mean pass rate is not what rises",
        Cost = 2 * CostOfEnumeration,
        Missing = objective => Unknown(objective) ?? (IsFlat(objective) && IsBlind(objective) && objective.Advantage.ExpectedSlope(2) is null
            ? Requirements.Missing(objective, Traits.AffineAdvantage)
            : null),
        Expect = objective => (IsFlat(objective), IsBlind(objective), objective.Advantage.ExpectedSlope(2)) switch
        {
            (false, _, _) => NotFlat(),
            (_, false, _) => Expectation.Refuted("advantages that see more than rewards"),
            (_, _, null) => Expectation.Refuted("the factor of a prompt varies with its pass rate from G = 4 on"),
            _ => Expectation.Holds("one factor for every pass rate"),
        },
        Domain = objective => new TinyDomain { Binary = true, Prompts = 2, Smallest = !objective.Traits.HasFlag(Traits.GroupIsolated) },
        Outside = (_, value) => OtherPrompts(value, 2) ?? NotBinary(value),
        Measure = Gap,
        Why = WhyNot,
    };

    /// <summary>The factor of a prompt of pass rate p: w(p) = E[k·σ̂²]/(p(1 − p)).</summary>
    public static TinyClaim PromptWeighting { get; } = new()
    {
        Id = "prompt-weighting",
        Family = Family.Surrogate,
        Statement = "With rewards 0 and 1 and A = k·(R − R̄), E[∇J] = w·G·α·w(p)·∇p with w(p) = E[k·σ̂²]/(p(1 − p)), σ̂² = p̂(1 − p̂) of the group's binomial pass rate p̂. With the population std and ε = 0: 1 at G = 2, √2 at G = 3, from G = 4 on falling from √(G − 1) at p → 0 (the sample's: √((G − 1)/G) times that).",
        Hypotheses = ["on-policy, all policies of the batch agreeing", "β = 0", "rewards 0 and 1, used as they are", "no masking", "one prompt"],
        Source = "derived here",
        Quantity = "|E[∇J] − w·G·α·w(p)·∇p|",
        Consequence = "which prompts count for more does not follow from their pass rates",
        Cost = CostOfEnumeration,
        Missing = objective => Requirements.Missing(objective, Spoken | Traits.AffineAdvantage | Traits.FlatWeight) ?? Unknown(objective),
        Expect = _ => Expectation.Holds("the covariance of A and R in a group, in closed form"),
        Domain = _ => new TinyDomain { Binary = true },
        Outside = (_, value) => OtherPrompts(value, 1) ?? NotBinary(value),
        Measure = (objective, value) => Gap(objective, value, BinomialSlope(objective, value)),
        Why = WhyNot,
    };

    /// <summary>How E[∇J] relates to ∇E[R].</summary>
    /// <param name="Cosine">Their cosine; null where one of them is 0.</param>
    /// <param name="Factor">f of the multiple f·∇E[R] that is nearest to E[∇J].</param>
    public readonly record struct Relation(double? Cosine, double Factor);

    /// <summary>How E[∇J] relates to ∇E[R] on a case.</summary>
    /// <exception cref="InvalidInputException">The objective refuses a group of the case.</exception>
    public static Relation Of(SurrogateObjective objective, TinyCase value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var wanted = ExpectedGradient.OfReward(value.Prompts);
        var gradient = ExpectedGradient.Of(objective, value.Prompts).Gradient;
        return new(Comparison.Of(wanted.AsSpan(), gradient.AsSpan()).Cosine, Nearest(gradient, wanted));
    }

    /// <summary>What the nearest multiple ≥ 0 of ∇E[R] leaves of E[∇J], with what of it may be rounding, and the largest entry of E[∇J].</summary>
    internal static (Measurement Left, double Size) Rest(SurrogateObjective objective, TinyCase value)
    {
        var expected = ExpectedGradient.Of(objective, value.Prompts);
        return (Gap(objective, value, expected, slope: null), expected.Gradient.Max(Math.Abs));
    }

    private static Measurement Gap(SurrogateObjective objective, TinyCase value) => Gap(objective, value, Slope(objective, value.Count));

    private static Measurement Gap(SurrogateObjective objective, TinyCase value, double? slope) =>
        Gap(objective, value, ExpectedGradient.Of(objective, value.Prompts), slope);

    // All policies agree, so that a kernel's gain is the one of a ratio of 1. A kernel that takes the mean over the group off every coefficient
    // takes a row's own share off, which a centred advantage has lost already.
    private static double? Slope(SurrogateObjective objective, int count)
    {
        bool loses = objective.Kernel.Traits.HasFlag(Traits.ZeroSum) && !objective.Advantage.Traits.HasFlag(Traits.Centred);
        return IsFlat(objective) ? objective.Advantage.ExpectedSlope(count) * (loses ? (count - 1.0) / count : 1) : null;
    }

    private static Measurement Gap(SurrogateObjective objective, TinyCase value, ExpectedGradient expected, double? slope)
    {
        var prompts = value.Prompts;
        var wanted = ExpectedGradient.OfReward(prompts);
        double alpha = Alpha(objective, prompts), mass = value.Count * alpha * prompts.Length;
        double factor = slope is { } known ? Gain(objective)!.Value * mass * known : Math.Max(0, Nearest(expected.Gradient, wanted));

        // Centring rewards rounds by their size, which all G rows of up to Limit tokens are weighed with; a probability is a product of G·Limit
        // quotients of sums of V. There are fewer sums than groups, unless G is large beside the number of completions. A factor that is fitted takes
        // up as much of the error again, in the norm.
        double largest = prompts.Max(prompt => prompt.Rewards.Max(Math.Abs));
        int quotients = value.Count * value.Limit * Math.Max(8, 2 * (value.Letters + 2));
        int roundings = Math.Max(expected.Batches, expected.Sums) + quotients + 32;
        double bound = Tolerance.Summation(roundings, expected.Magnitude + (8 * largest * Math.Abs(mass) * value.Limit)) * (slope is null ? 1 + Math.Sqrt(wanted.Length) : 1);
        if (!double.IsFinite(bound))
            bound = double.NaN;
        var worst = new Measurement(0, bound);
        int table = prompts[0].Policy.Parameters;
        for (int j = 0; j < wanted.Length; j++)
            worst = worst.Worst(new(Math.Abs(expected.Gradient[j] - (factor * wanted[j])), bound, j / table, j % table / prompts[0].Policy.Vocabulary));
        return worst;
    }

    // λ of 0/1 rewards: k·σ̂² of the binomial number of right completions over p(1 − p). Where all or none are right there is no advantage.
    private static double BinomialSlope(SurrogateObjective objective, TinyCase value)
    {
        var prompt = value.Prompts[0];
        int size = value.Count;
        double right = prompt.Policy.Mean(prompt.Rewards.AsSpan()), wrong = prompt.Policy.Mean(prompt.Rewards.Select(reward => 1 - reward).ToArray());
        if (right == 0 || wrong == 0)
            return 0;
        double slope = 0, ways = 1;
        for (int k = 1; k < size; k++)
        {
            ways *= (size - k + 1.0) / k;
            double rate = k / (double)size, variance = rate * (1 - rate);
            double factor = objective.Advantage.Factor(new RewardMoments(size, k, 1, size * variance))!.Value;
            slope += ways * Math.Pow(right, k - 1) * Math.Pow(wrong, size - k - 1) * factor * variance;
        }

        return slope;
    }

    private static double Alpha(SurrogateObjective objective, ImmutableArray<TinyPrompt> prompts) => objective
        .Evaluate(RolloutBatch.Of([.. prompts.Select(prompt => Enumerable.Range(0, prompt.Count).Select(k => prompt.Completion(k % prompt.Policy.Completions, objective)).ToArray())]))
        .Weights[0];

    /// <summary>f of the multiple f·∇E[R] that is nearest to E[∇J].</summary>
    internal static double Nearest(ImmutableArray<double> gradient, ImmutableArray<double> wanted)
    {
        // Scaled, so that no square overflows or underflows.
        double scale = wanted.Max(Math.Abs);
        return scale == 0 ? 0 : gradient.Zip(wanted, (g, w) => g * (w / scale)).Sum() / wanted.Sum(w => w / scale * w);
    }

    // w of the kernel where every ratio is 1.
    private static double? Gain(SurrogateObjective objective) => objective.Kernel.Traits.HasFlag(Traits.ZeroSum) ? 1 : objective.Kernel.OnPolicyGain;

    private static bool IsFlat(SurrogateObjective objective) => objective.Traits.HasFlag(Traits.FlatWeight);

    private static bool IsBlind(SurrogateObjective objective) => objective.Advantage.Traits.HasFlag(Traits.LengthBlind);

    private static Expectation NotFlat() => Expectation.Refuted($"needs {Traits.FlatWeight.InWords().Single()}");

    // A weight that varies is enough to refute; beside one that does not, kernel and advantage must be known.
    private static string? Unknown(SurrogateObjective objective) => Requirements.Missing(objective, Spoken) ?? (IsFlat(objective), Gain(objective)) switch
    {
        (true, null) => Requirements.Missing(objective, Traits.CommonOnPolicyGain),
        (true, _) when objective.Advantage.Reads.Any(column => column is Column.RefLogp or Column.TokenReward) => Traits.UnshapedRewards.InWords().Single(),
        _ => null,
    };

    private static string? OtherPrompts(TinyCase value, int count) =>
        value.Logits.Length == count ? null : FormattableString.Invariant($"the number of prompts is {count}; it is {value.Logits.Length}");

    private static string? NotBinary(TinyCase value) =>
        value.Rewards.All(rewards => rewards.All(reward => reward is 0 or 1)) ? null : "rewards are 0 and 1; some are not";

    private static string WhyNot(SurrogateObjective objective, TinyCase value, Measurement worst)
    {
        var prompts = value.Prompts;
        var relation = Of(objective, value);
        var each = prompts.Select((_, p) => Of(objective, value with { Logits = [value.Logits[p]], Rewards = [value.Rewards[p]] }));
        string alone = value.Logits.Length == 1 ? "" : $"; prompt by prompt {string.Join(" and ", each.Select(InWords))}";
        return $"E[∇J] and ∇E[R] have {InWords(relation)}{alone}; what is left is largest at node {worst.Position} of prompt {worst.Group}";
    }

    private static string InWords(Relation relation) => string.Create(
        CultureInfo.InvariantCulture, $"{(relation.Cosine is { } cosine ? $"cosine {cosine:G8}" : "no cosine, one of them being 0,")} and factor {relation.Factor:G8}");
}
