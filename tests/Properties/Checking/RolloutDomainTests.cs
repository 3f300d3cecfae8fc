using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Checking;

/// <summary>Domains build what their claims assume, and get where a careless generator does not.</summary>
public class RolloutDomainTests
{
    private const int Cases = 2000;

    // Most rows of the ledger have their domain in common with others, and its cases are built once for all of them.
    private static readonly Dictionary<(string Claim, string Objective), Lazy<Dictionary<(string Claim, string Objective), string>>> s_wrong = Pairs
        .GroupBy(pair => Content(pair.Claim.Domain(pair.Entry.Objective)))
        .SelectMany(shared => shared.Zip(Enumerable.Repeat(new Lazy<Dictionary<(string, string), string>>(() => Wrong([.. shared])), shared.Count())))
        .ToDictionary(pair => (pair.First.Claim.Id, pair.First.Entry.Id), pair => pair.Second);

    /// <summary>Every claim about objectives for every objective that it speaks of.</summary>
    public static TheoryData<string, string> Rows
    {
        get
        {
            TheoryData<string, string> rows = [];
            foreach (var (claim, entry) in Pairs)
                rows.Add(claim.Id, entry.Id);
            return rows;
        }
    }

    private static IEnumerable<(Claim<SurrogateObjective, RolloutBatch> Claim, CatalogueEntry Entry)> Pairs =>
        from claim in Ledger.ObjectiveClaims.OfType<Claim<SurrogateObjective, RolloutBatch>>()
        from entry in Catalogue.All
        where claim.Missing(entry.Objective) is null
        select (claim, entry);

    public static TheoryData<string, string> Bounded => new()
    {
        { "grpo", "Token" }, { "dapo", "Token" }, { "gspo", "SequenceMean" }, { "trl:gspo", "SequenceMean" }, { "trl:rloo", "SequenceSum" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Every_case_keeps_the_hypotheses_of_its_claim_and_every_corner_gets_its_share(string claimId, string objectiveId) =>
        Assert.Equal("", s_wrong[(claimId, objectiveId)].Value[(claimId, objectiveId)]);

    [Fact]
    public void Every_case_of_a_training_keeps_the_hypotheses_of_its_claim()
    {
        foreach (var claim in Ledger.TrainingClaims.OfType<Claim<Training, RolloutBatch>>())
        {
            foreach (var (entry, optimizer) in Ledger.Pairings)
            {
                var training = new Training(entry.Objective, optimizer);
                if (claim.Missing(training) is not null)
                    continue;
                for (int k = 0; k < 20; k++)
                    Assert.Null(claim.Outside(training, claim.Domain(training).Build(DrawOf(5 * k))));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Bounded))]
    public void Ratios_sit_on_the_bounds_to_the_bit_and_one_step_of_the_log_ratio_off_them(string objectiveId, string level)
    {
        var objective = Catalogue.Find(objectiveId)!.Objective;
        var region = objective.Kernel.Region!;
        Assert.Equal(level, objective.Kernel.Ratio.ToString());
        var domain = Clipping.ZeroCoefficient.Domain(objective);

        int at = 0, above = 0, below = 0;
        for (int k = 0; k < Cases; k++)
        {
            var batch = domain.Build(DrawOf(k));
            for (int i = 0; i < batch.Rows; i++)
            {
                foreach (double ratio in Ratios(objective.Kernel.Ratio, batch, i))
                {
                    foreach (double bound in new[] { region.Low, region.High })
                    {
                        at += ratio == bound ? 1 : 0;
                        // Two spacings of the exponential at most: one of the logarithm is about one of the ratio.
                        above += ratio > bound && ratio <= bound * (1 + 1e-15) ? 1 : 0;
                        below += ratio < bound && ratio >= bound * (1 - 1e-15) ? 1 : 0;
                    }
                }
            }
        }

        Assert.True(at > 100 && above > 100 && below > 100, $"at {at}, above {above}, below {below}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1 + 1e-9)]
    [InlineData(1.2)]
    [InlineData(20)]
    [InlineData(1e6)]
    public void A_bound_however_near_to_1_or_far_from_it_is_found_at_once(double high)
    {
        // Near 1 there are more logarithms of one ratio than anyone can walk through.
        var domain = new RolloutDomain { Bounds = new Clip(1, high) };
        for (int k = 0; k < 200; k++)
            Assert.True(domain.Build(DrawOf(k)).Rows >= 2);
    }

    [Fact]
    public void The_same_draw_builds_the_same_batch()
    {
        foreach (var domain in new RolloutDomain[] { new(), new() { OnPolicy = true, SharedPrefix = true }, new() { Reads = [Column.RefLogp, Column.Entropy] } })
        {
            for (int k = 0; k < 200; k++)
                Assert.Equal(BatchWriter.Write(domain.Build(DrawOf(k))), BatchWriter.Write(domain.Build(DrawOf(k))));
        }
    }

    [Fact]
    public void A_batch_has_1_to_3_groups_of_2_to_5_completions_and_grows_with_the_draw()
    {
        for (int size = 0; size <= 100; size += 10)
        {
            for (ulong seed = 0; seed < 300; seed++)
            {
                var batch = new RolloutDomain().Build(new(seed, size));
                Assert.InRange(batch.Groups, 1, 3);
                Assert.All(Enumerable.Range(0, batch.Groups), g => Assert.InRange(batch.GroupSize(g), 2, size < 50 ? 3 : size < 100 ? 4 : 5));
            }
        }
    }

    [Fact]
    public void An_on_policy_domain_has_ratio_1_everywhere_and_shared_prefixes_are_one_policys()
    {
        var domain = new RolloutDomain { OnPolicy = true, SharedPrefix = true, Reads = [Column.RefLogp] };
        for (int k = 0; k < Cases; k++)
        {
            var batch = domain.Build(DrawOf(k));
            Assert.True(batch[Column.Logp].SequenceEqual(batch[Column.OldLogp]));
            for (int g = 0; g < batch.Groups; g++)
            {
                int shared = batch[g].SharedPrefix();
                Assert.True(shared >= 1);
                for (int position = 0; position < shared; position++)
                {
                    foreach (var column in new[] { Column.Logp, Column.RefLogp })
                    {
                        var values = Enumerable.Range(0, batch.GroupSize(g)).Select(i => batch[g][i].TokenAt(position)).Where(token => token >= 0)
                            .Select(token => batch[column][token]);
                        Assert.Single(values.Distinct());
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(Presence.Never)]
    [InlineData(Presence.Sometimes)]
    [InlineData(Presence.Always)]
    public void Dead_rows_are_present_as_often_as_asked(Presence presence)
    {
        var domain = new RolloutDomain { DeadRows = presence };
        int dead = Enumerable.Range(0, Cases).Count(k => domain.Build(DrawOf(k)) is var batch && Enumerable.Range(0, batch.Rows).Any(i => batch.Length(i) == 0));

        Assert.InRange(dead, presence == Presence.Always ? Cases : presence == Presence.Sometimes ? Cases / 20 : 0, presence == Presence.Never ? 0 : presence == Presence.Sometimes ? Cases / 2 : Cases);
    }

    [Fact]
    public void A_dead_row_that_is_always_there_has_the_only_largest_reward_of_the_first_group()
    {
        // Otherwise its advantage could be 0, and the claim that it biases the group would be refuted by chance alone.
        var domain = new RolloutDomain { DeadRows = Presence.Always, OnPolicy = true, SharedPrefix = true };
        for (int k = 0; k < Cases; k++)
        {
            var batch = domain.Build(DrawOf(k));
            var rewards = Enumerable.Range(0, batch.GroupSize(0)).Select(i => (Dead: batch.Length(i) == 0, Reward: RewardOf(batch, i))).ToArray();
            double largest = rewards.Max(row => row.Reward);
            Assert.True(Assert.Single(rewards, row => row.Reward == largest).Dead);
        }
    }

    [Theory]
    [InlineData(RewardKind.MixedBinary)]
    [InlineData(RewardKind.EqualInGroup)]
    public void Rewards_are_of_the_kind_that_was_asked_for(RewardKind kind)
    {
        int unequal = 0;
        for (int k = 0; k < Cases; k++)
        {
            var batch = new RolloutDomain { Rewards = kind }.Build(DrawOf(k));
            for (int g = 0; g < batch.Groups; g++)
            {
                double[] rewards = [.. Enumerable.Range(batch[g].FirstRow, batch.GroupSize(g)).Select(i => RewardOf(batch, i)).Distinct()];
                if (kind == RewardKind.MixedBinary)
                    Assert.Equal([0, 1], rewards.Order());
                else if (g == 0)
                    Assert.Single(rewards);
                else
                    unequal += rewards.Length > 1 ? 1 : 0;
            }
        }

        // A degenerate group stands beside others that are not.
        Assert.Equal(kind == RewardKind.EqualInGroup, unequal > 0);
    }

    [Fact]
    public void Ratios_keep_their_distance_from_what_they_are_told_to()
    {
        double[] kinks = [Math.Log(0.8), 0, 0.0015, 0.003, Math.Log(1.2)];
        foreach (var level in Enum.GetValues<RatioLevel>())
        {
            var domain = new RolloutDomain { Level = level, AwayFrom = [.. kinks] };
            for (int k = 0; k < Cases; k++)
            {
                var batch = domain.Build(DrawOf(k));
                for (int i = 0; i < batch.Rows; i++)
                {
                    foreach (double ratio in Ratios(level, batch, i))
                        Assert.All(kinks, kink => Assert.True(Math.Abs(Math.Log(ratio) - kink) >= RolloutDomain.KinkMargin));
                }
            }
        }
    }

    // What is wrong with the one domain of these rows for each of them, "" where nothing is.
    private static Dictionary<(string Claim, string Objective), string> Wrong((Claim<SurrogateObjective, RolloutBatch> Claim, CatalogueEntry Entry)[] rows)
    {
        string[] wrong = [.. rows.Select(_ => "")];
        var domain = rows[0].Claim.Domain(rows[0].Entry.Objective);
        var corners = domain.Corners;
        int[] reached = new int[corners.Length];
        for (int k = 0; k < Cases; k++)
        {
            var batch = domain.Build(DrawOf(k));
            for (int row = 0; row < rows.Length; row++)
            {
                if (rows[row].Claim.Outside(rows[row].Entry.Objective, batch) is { } broken)
                    wrong[row] += $"case {k}: {broken}\n";
            }

            for (int corner = 0; corner < reached.Length; corner++)
                reached[corner] += corners[corner].Contains(batch) ? 1 : 0;
        }

        // Twice the floor, so that no unlucky seed leaves a row undecided.
        string missed = string.Concat(corners.Zip(reached).Where(corner => corner.Second < 0.02 * Cases).Select(corner => $"{corner.First.Name}: {corner.Second} of {Cases}\n"));
        return rows.Zip(wrong).ToDictionary(row => (row.First.Claim.Id, row.First.Entry.Id), row => row.Second + missed);
    }

    // Equal where two domains build the same cases: arrays are compared by what they hold.
    private static (Domain<RolloutBatch> Domain, string Arrays) Content(Domain<RolloutBatch> domain) => domain is RolloutDomain own
        ? (own with { Reads = [], AwayFrom = [], Unasked = [] }, $"{string.Join(' ', own.Reads)}; {string.Join(' ', own.AwayFrom)}; {string.Join(' ', own.Unasked)}")
        : (domain, "");

    private static double RewardOf(RolloutBatch batch, int i)
    {
        Assert.True(batch.TryReward(i, 0, out double reward));
        return reward;
    }

    private static IEnumerable<double> Ratios(RatioLevel level, RolloutBatch batch, int i)
    {
        double[] logRatios = [.. batch[Column.Logp][batch.Row(i)].ToArray().Zip(batch[Column.OldLogp][batch.Row(i)].ToArray(), (logp, old) => logp - old)];
        return (level, logRatios.Length) switch
        {
            (_, 0) => [],
            (RatioLevel.Token, _) => logRatios.Select(Math.Exp),
            (RatioLevel.SequenceMean, int n) => [Math.Exp(logRatios.Sum() / n)],
            _ => [Math.Exp(logRatios.Sum())],
        };
    }

    private static Draw DrawOf(int k) => new((ulong)k * 0x9E3779B97F4A7C15, k % 101);
}
