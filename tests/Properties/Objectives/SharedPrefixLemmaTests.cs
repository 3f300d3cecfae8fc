using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// The numbers behind the shared-prefix lemma on the two recorded on-policy cases with three shared positions: |Σᵢ cᵢₜ| relative to the
/// largest coefficient, for the whole catalogue. What is predicted follows from the parts: a centred advantage, one weight, one gain.
/// </summary>
public class SharedPrefixLemmaTests
{
    // A sum of up to five terms of size 1, their advantages' centring included.
    private const double Rounding = 1e-15;

    // ε = 1e−8 beside a count or a weight, relative to counts and weights of size 1 and more.
    private const double OfEpsilon = 1e-7;

    public static TheoryData<string> Ids => [.. Catalogue.All.Where(entry => entry.Objective.Traits.HasFlag(Traits.UnregularisedOnPolicy)).Select(entry => entry.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_prefix_is_pushed_where_weights_or_advantages_do_not_cancel_and_nowhere_else(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        double ragged = Push(objective, "g5_p1_shared_prefix_ragged"), equal = Push(objective, "g4_p1_shared_prefix_equal_len");
        bool neutral = objective.Traits.HasFlag(Traits.ZeroSum) || objective.Traits.HasFlag(Traits.Centred | Traits.UniformWeight);
        if (neutral)
            Assert.InRange(ragged, 0, Rounding);
        else if (!Exceptions.ContainsKey(id))
            Assert.InRange(ragged, 1e-2, double.PositiveInfinity);

        // Equal lengths make weights that see lengths alone, and means that lengths weigh, what they are not otherwise: uniform, and centred.
        if (neutral || SeesLengthsAlone(objective))
            Assert.InRange(equal, 0, OfEpsilon);
    }

    /// <summary>Entries that promise nothing and yet do not push the prefix of these cases, and why.</summary>
    public static Dictionary<string, string> Exceptions { get; } = new()
    {
        ["verl:optimal_token_baseline"] = "neutral on a shared prefix but for 1e−8 beside the weights",
        ["openrlhf:seq-mask-tis"] = "its mask of rows drops none here, and its weights are the tokens'",
        ["trl:dapo+vllm"] = "its rows' weights are one here, the sampler being the behaviour policy",
        ["verl:tis_sequence"] = "its rows' weights are one here, the sampler being the behaviour policy",
        ["pass-at-k"] = "two completions tie for the best, so nothing is learned",
        ["verl:grpo_passk"] = "two completions tie for the best, so nothing is learned",
        ["gtpo"] = "every completion's entropy is above its threshold, so nothing is learned",
        ["verl:geo_rs"] = "its mask of rows drops all here",
        ["verl:clip_cov"] = "the token that it drops stands beyond the prefix",
        ["clip-cov"] = "the token that it drops stands beyond the prefix",
    };

    [Fact]
    public void The_exceptions_are_those_and_no_others()
    {
        string[] silent =
        [
            .. Catalogue.All.Where(entry => entry.Objective.Traits.HasFlag(Traits.UnregularisedOnPolicy) && !entry.Objective.Traits.HasFlag(Traits.ZeroSum))
                .Where(entry => !entry.Objective.Traits.HasFlag(Traits.Centred | Traits.UniformWeight) && Push(entry.Objective, "g5_p1_shared_prefix_ragged") < 1e-2)
                .Select(entry => entry.Id),
        ];
        Assert.Equal(Exceptions.Keys.Order(StringComparer.Ordinal), silent.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("trl:grpo", 0.1)]
    [InlineData("trl:gspo", 0.1)]
    [InlineData("trl:gspo_token", 0.1)]
    [InlineData("trl:sapo", 0.1)]
    [InlineData("trl:gmpo", 0.1)]
    [InlineData("openkimi:opmd", 0.1)]
    [InlineData("verl:grpo", 0.1)]
    [InlineData("verl:gspo", 0.1)]
    [InlineData("verl:sapo", 0.1)]
    [InlineData("verl:geo_mean", 0.1)]
    [InlineData("trl:dr_grpo", 0)]
    [InlineData("trl:dapo", 0)]
    [InlineData("trl:bnpo", 0)]
    [InlineData("trl:cispo", 0)]
    [InlineData("trl:vespo", 0)]
    [InlineData("trl:luspo", 0)]
    [InlineData("trl:rloo", 0)]
    [InlineData("verl:vanilla", 0)]
    [InlineData("verl:dr_grpo", 0)]
    [InlineData("verl:gpg", 0)]
    [InlineData("verl:dppo_tv", 0)]
    [InlineData("verl:dppo_kl", 0)]
    [InlineData("verl:dro", 0)]
    [InlineData("gppo", 0)]
    [InlineData("aspo", 0)]
    [InlineData("prime-rl:default", 0)]
    [InlineData("prime-rl:ipo", 0)]
    [InlineData("prime-rl:aipo", 0)]
    public void The_sizes_are_those_that_were_recorded_of_the_peers(string id, double size)
    {
        double ragged = Push(Catalogue.Find(id)!.Objective, "g5_p1_shared_prefix_ragged");
        Assert.InRange(ragged, size / 2, Math.Max(3 * size, Rounding));
    }

    private static bool SeesLengthsAlone(SurrogateObjective objective) => objective.Advantage.Traits.HasFlag(Traits.Centred)
        && objective.Weight is RowMean or ProductWeight { Factors: [RowMean, PrefixShare] } && objective.Correction.Traits.HasFlag(Traits.UniformWeight);

    private static double Push(SurrogateObjective objective, string name)
    {
        var (batch, shared) = Case(name);
        double[] coefficients = objective.Evaluate(batch).Coefficients;
        double largest = coefficients.Max(Math.Abs), push = 0;
        for (int t = 0; t < shared; t++)
            push = Math.Max(push, Math.Abs(Enumerable.Range(0, batch.Rows).Sum(i => coefficients[batch.Row(i).Start.Value + t])));
        return largest == 0 ? 0 : push / largest;
    }

    // The recorded case with token ids that share its prefix, and whatever else an objective may read, the same at shared positions.
    private static (RolloutBatch Batch, int Shared) Case(string name)
    {
        var cases = GoldenFolder.ReadShipped("cases.json");
        var one = cases["cases"].Items.Single(one => one["name"].Text == name);
        int shared = (int)one["prefix_len"].Number;
        var batch = RecordedRun.BatchOf(cases, one["name"]);
        var rows = batch.ToRollouts().Select(group => group.Select((row, k) => row with
        {
            Tokens = [.. row.Logps.Select((_, t) => t < shared ? t : 10 + k)],
            Values = [.. row.Logps.Select((_, t) => 0.1 * t)],
            SumPiSquared = [.. row.OldLogps.Select((x, t) => Math.Exp(x))],
            TokenRewards = [.. row.Logps.Select(_ => 0.0)],
            Random = [.. row.Logps.Select((_, t) => t < shared ? 0.9 : 0.1 * ((t + k) % 7))],
            RefLogps = [.. row.Logps],
            GreedyReward = 0.25,
        }).ToArray());
        return (RolloutBatch.Of([.. rows]), shared);
    }
}
