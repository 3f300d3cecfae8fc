using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;
using Xunit.Abstractions;

namespace GroupRL.Properties.Claims;

/// <summary>Advantages that no entry of the catalogue has yet, in Dr. GRPO's surrogate: their traits predict the verdict of every claim.</summary>
public class AdvantageClaimsTests(ITestOutputHelper output)
{
    private static readonly GroupAdvantage s_score = new StandardScore { Epsilon = 1e-6, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };
    private static readonly GroupAdvantage s_centred = new MeanBaseline { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };

    // The bound of permutation-invariance measures rounding by the largest advantage that is left. Where scores of several rewards cancel (GDPO,
    // not among them), or a clip or a threshold takes the large ones away (ClippedAdvantage, EntropyShaped, in 1 of 30,000 cases), the rewards
    // rounded by more: so these are judged by the thousand cases of the ci profile, always.
    private static readonly Dictionary<string, Advantage> s_advantages = new()
    {
        ["verl grpo"] = s_score,
        ["verl rloo"] = new LeaveOneOut { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept },
        ["opo"] = new LengthWeightedBaseline { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept },
        ["opo of live rows"] = new LengthWeightedBaseline { Over = Counted.LiveRows },
        ["pass@k"] = new BestOfGroup { Scaled = true, Epsilon = 1e-6, Equal = EqualRewards.AreComputed },
        ["gpg"] = new NonzeroScaled(s_centred),
        ["gpg that recognises equal rewards"] = new NonzeroScaled(new MeanBaseline()),
        ["remax"] = new GreedyBaseline(),
        ["reinforce++"] = new TokenWhitened(new Returns { Discount = 0.9 }) { Epsilon = 1e-8, Padding = 1e-8 },
        ["reinforce++-baseline"] = new TokenWhitened(s_centred) { Epsilon = 1e-8, Padding = 1e-8 },
        ["optimal token baseline"] = new OptimalTokenBaseline { Epsilon = 1e-8, ZeroTail = true },
        ["gae"] = new TokenWhitened(new GeneralisedAdvantage(1, 0.95)) { Epsilon = 1e-8, Padding = 1e-8 },
        ["returns of leave-one-out"] = new Returns { Rewards = new() { Outcome = new LeaveOneOut { Equal = EqualRewards.AreComputed } } },
        ["discounted leave-one-out"] = new Returns { Rewards = new() { Outcome = new LeaveOneOut() }, Discount = 0.9 },
        ["orlhf rloo"] = new Returns { Rewards = new() { Outcome = new ClippedAdvantage(new LeaveOneOut { Equal = EqualRewards.AreComputed }, -10, 10) } },
        ["orlhf rloo with KL"] = new Returns { Rewards = new() { Outcome = new LeaveOneOut(), Beta = 0.01, LargestKl = 10 } },
        ["orlhf reinforce_baseline"] = new TokenWhitened(new MeanBaseline { Equal = EqualRewards.AreComputed }) { Ddof = 0, Floor = 1e-8 },
        ["swift rloo, group"] = new ScaledByRewards(new LeaveOneOut { Equal = EqualRewards.AreComputed }, Pool.Group, 1e-4),
        ["swift rloo, batch"] = new ScaledByRewards(new LeaveOneOut { Equal = EqualRewards.AreComputed }, Pool.Batch, 1e-4),
        ["swift reinforce++, batch"] = new BatchNormalised(new MeanBaseline { Equal = EqualRewards.AreComputed }, 1e-4),
        ["ploo"] = new PartitionBaseline(0.01) { Floor = 1e-8, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept },
        ["partition over all"] = new PartitionBaseline(0.5) { LeavesOut = false },
        ["gtpo"] = new EntropyShaped(new MeanBaseline()),
    };

    public static TheoryData<string> Names => [.. s_advantages.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_claims_verdict_is_the_one_that_the_traits_predict(string name)
    {
        var objective = Catalogue.DrGrpo with { Advantage = s_advantages[name] };
        List<string> wrong = [];
        foreach (var row in Ledger.ObjectiveRows(name, objective))
        {
            var verdict = row.Judge(Profile.Ci);
            output.WriteLine($"{row.Claim.Id}: {verdict.Kind} {verdict.Reason}; predicted {row.Expected.Kind} ({row.Expected.Because})");

            // verl refuses a batch of one trainable token too, and the claims have no hypothesis against it.
            bool refused = verdict.Kind == VerdictKind.Undecided && verdict.Reason.Contains("Whitening with ddof 1 needs", StringComparison.Ordinal);
            if (verdict.Kind != row.Expected.Kind && !refused)
                wrong.Add(LedgerProfile.Explain(row, verdict));
        }

        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }
}
