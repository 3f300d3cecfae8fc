using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// What every entry of the catalogue keeps, beside the ledger's claims (gradient-consistency, permutation-invariance): groups do not see
/// each other where that is promised, extreme numbers end in numbers or in a sentence, and so does what cannot be evaluated.
/// </summary>
public class ContractTableTests
{
    private const int Cases = 40;

    public static TheoryData<string> Ids => [.. Catalogue.All.Select(entry => entry.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void Another_groups_rewards_and_log_probs_change_a_groups_coefficients_exactly_where_isolation_is_not_promised(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        int seen = 0;
        foreach (var batch in Drawn(objective).Where(batch => batch.Groups > 1))
        {
            var last = batch.Group(batch.Groups - 1);
            var other = RolloutBatch.Of([.. batch.ToRollouts().Select((group, g) => g < batch.Groups - 1 ? group : [.. group.Select((row, k) => Changed(row, k))])]);
            int kept = batch.GroupTokens(batch.Groups - 1).Start.Value;
            double[] own = objective.Evaluate(batch).Coefficients[..kept], changed = objective.Evaluate(other).Coefficients[..kept];
            seen += own.SequenceEqual(changed) ? 0 : 1;
            Assert.Equal(batch.Rows - last.Start.Value, other.GroupSize(batch.Groups - 1));
        }

        if (objective.Traits.HasFlag(Traits.GroupIsolated))
            Assert.Equal(0, seen);
        else if (!OnlyCountsOthers(objective))
            Assert.NotEqual(0, seen);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Extreme_finite_input_gives_finite_numbers_or_one_sentence(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        int evaluated = 0;
        foreach (var batch in Drawn(objective))
        {
            foreach (var extreme in new Func<Rollout, int, Rollout>[] { FarApart, HugeRewards, TinyRewards, Certain })
            {
                var stretched = RolloutBatch.Of([.. batch.ToRollouts().Select(group => group.Select(extreme).ToArray())]);
                try
                {
                    var evaluation = objective.Evaluate(stretched);
                    Assert.True(double.IsFinite(evaluation.Value));
                    Assert.All(evaluation.Coefficients, c => Assert.True(double.IsFinite(c)));
                    Assert.All(evaluation.Weights, w => Assert.True(double.IsFinite(w)));
                    Assert.All(evaluation.Advantages, a => Assert.True(double.IsFinite(a)));
                    evaluated++;
                }
                catch (InvalidInputException error)
                {
                    Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
                    Assert.DoesNotContain('\n', error.Message);
                }
            }
        }

        Assert.NotEqual(0, evaluated);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_batch_that_lacks_what_the_entry_reads_is_refused_with_the_column_s_name(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        var batch = Drawn(objective).First(batch => batch.Tokens > 0);
        foreach (var column in objective.Reads.Where(column => column is not (Column.Logp or Column.OldLogp)))
        {
            var lacking = RolloutBatch.Of([.. batch.ToRollouts().Select(group => group.Select(row => row.With(column, null)).ToArray())]);
            Assert.Contains(column.Field(), Refusal.Of(() => objective.Evaluate(lacking)), StringComparison.Ordinal);
        }

        if (objective.Advantage.ReadsGreedyReward)
        {
            var lacking = RolloutBatch.Of([.. batch.ToRollouts().Select(group => group.Select(row => row with { GreedyReward = null }).ToArray())]);
            Assert.Contains("greedy_reward", Refusal.Of(() => objective.Evaluate(lacking)), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_missing_reward_is_refused_or_skipped_as_the_entry_says_and_never_silently_a_number(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        var batch = Drawn(objective).First(batch => batch.Tokens > 0 && batch.GroupSize(0) > 2);
        var rows = batch.ToRollouts().Select(group => group.ToArray()).ToArray();
        rows[0][0] = rows[0][0] with { Rewards = [.. rows[0][0].Rewards.Select(_ => (double?)null)] };
        var lacking = RolloutBatch.Of(rows);
        if (Missing(objective.Rewards) == MissingReward.Skipped)
        {
            var evaluation = objective.Evaluate(lacking);
            Assert.All(evaluation.Advantages[lacking.Row(0)], a => Assert.Equal(0, a));
        }
        else
        {
            Assert.Contains("is missing", Refusal.Of(() => objective.Evaluate(lacking)), StringComparison.Ordinal);
        }
    }

    private static MissingReward Missing(RewardShaping rewards) => rewards switch
    {
        SingleReward single => single.Missing,
        SeveralRewards several => several.Missing,
        RewardStep step => Missing(step.Inner),
        _ => MissingReward.Refused,
    };

    // The other group's share enters through its number of tokens or rows alone, which the change above leaves as it is.
    private static bool OnlyCountsOthers(SurrogateObjective objective) =>
        (objective.Advantage.Traits & objective.Kernel.Traits & objective.Correction.Traits).HasFlag(Traits.GroupIsolated);

    private static IEnumerable<RolloutBatch> Drawn(SurrogateObjective objective)
    {
        var domain = Contract.PermutationInvariance.Domain(objective);
        return Enumerable.Range(1, Cases).Select(seed => domain.Build(new Draw((ulong)seed, 40)));
    }

    private static Rollout Changed(Rollout row, int k) => row with
    {
        Rewards = [.. row.Rewards.Select(reward => reward + k + 1)],
        Logps = [.. row.Logps.Select(logp => logp / 2)],
        RolloutLogps = row.RolloutLogps is null ? null : [.. row.OldLogps.Select(logp => k == 0 ? logp : logp - 1)],
    };

    private static Rollout FarApart(Rollout row, int k) => row with { Logps = [.. row.Logps.Select((logp, t) => (t + k) % 2 == 0 ? -1e4 : 0)] };

    private static Rollout HugeRewards(Rollout row, int k) => row with { Rewards = [.. row.Rewards.Select(reward => k % 2 == 0 ? 1e300 : (double?)-1e300)] };

    private static Rollout TinyRewards(Rollout row, int k) => row with { Rewards = [.. row.Rewards.Select(reward => k * 5e-324)] };

    private static Rollout Certain(Rollout row, int k) => row with { Logps = [.. row.Logps.Select(_ => 0.0)], OldLogps = [.. row.OldLogps.Select(_ => 0.0)] };
}
