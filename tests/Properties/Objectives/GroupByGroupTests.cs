using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// An objective evaluated group by group, told of the whole batch no more than how large it is, is the objective on the batch: wherever its parts say so,
/// and nowhere else.
/// </summary>
public class GroupByGroupTests
{
    private const int Cases = 12;

    public static TheoryData<string> Streamed => [.. Catalogue.All.Where(entry => !entry.Objective.ReadingWholeBatch().Any()).Select(entry => entry.Id)];

    public static TheoryData<string> Whole => [.. Catalogue.All.Where(entry => entry.Objective.ReadingWholeBatch().Any()).Select(entry => entry.Id)];

    public static TheoryData<string> Faults => [.. s_mutants.Select(mutant => mutant.Fault)];

    private static readonly (string Fault, SurrogateObjective Objective)[] s_mutants =
    [
        ("a baseline with a tenth of the next group's", Catalogue.DrGrpo with { Advantage = new LeakyBaseline() }),
        ("rewards times the batch's largest", Catalogue.Rloo with { Rewards = new TimesBest() }),
        ("a mean over all tokens under the name of a sum", Catalogue.Grpo with { Weight = new FormulaWeight(Traits.GroupIsolated, (b, i) => 1.0 / b.Tokens) }),
        ("a correction by the batch's number of rows under the name of a token's own", Catalogue.Grpo with { Correction = new FormulaWeight(Traits.GroupIsolated, (b, i) => 1.0 / b.Rows) }),
        ("a penalty's mean over all tokens under the name of a sum", Catalogue.Grpo with { Regularisers = [new KlPenalty(KlEstimator.K1, 1) { Weight = new FormulaWeight(Traits.GroupIsolated, (b, i) => 1.0 / b.Tokens) }] }),
        ("a penalty where the batch is long, under the name of everywhere", Catalogue.Grpo with { Regularisers = [new KlPenalty(KlEstimator.K1, 1) { Where = new FormulaWeight(Traits.GroupIsolated, (b, i) => b.Rows > 6 ? 1 : 0) }] }),
        ("a mean over live rows under the name of one over all rows", Catalogue.Grpo with { Weight = new OtherShare(new RowMean { Averaged = Average.OverLiveRows }, Share.Rows) }),
        ("a bonus that adds to the value alone, by the batch's tokens", Catalogue.Grpo with { Regularisers = [new EntropyBonus(1) { Weight = new FormulaWeight(Traits.GroupIsolated, (b, i) => 1.0 / b.Tokens) }] }),
    ];

    [Theory]
    [MemberData(nameof(Streamed))]
    public void Groups_that_come_one_at_a_time_add_up_to_the_batch(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        Assert.All(Drawn(objective), batch => Assert.Null(Difference(objective, batch)));
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public void What_reads_the_whole_batch_is_not_made_up_of_groups_by_any_share(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        foreach (var share in Enum.GetValues<Share>())
            Assert.Contains(Drawn(objective), batch => Differs(objective, batch, share));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void An_objective_that_claims_to_read_no_more_than_its_groups_is_seen_through(string fault)
    {
        var objective = s_mutants.Single(mutant => mutant.Fault == fault).Objective;
        Assert.Empty(objective.ReadingWholeBatch());
        Assert.Contains(Drawn(objective), batch => Difference(objective, batch) is not null);
    }

    [Theory]
    [MemberData(nameof(Streamed))]
    public void Where_no_weight_counts_the_batch_its_size_need_not_be_known_and_nothing_rounds(string id)
    {
        var entry = Catalogue.Find(id)!.Objective;
        var objective = entry with
        {
            Weight = new ConstantWeight(0.375),
            Regularisers = [.. entry.Regularisers.Select(term => term with { Weight = null })],
        };
        Assert.False(objective.ReadsSize());
        foreach (var batch in Drawn(objective))
        {
            var evaluation = objective.Evaluate(batch);
            Assert.Equal(evaluation.Coefficients, Groups(batch).SelectMany(group => objective.Within(BatchSize.Of(group), default).Evaluate(group).Coefficients));
            Assert.Equal(evaluation.Advantages, Groups(batch).SelectMany(group => objective.Evaluate(group).Advantages));
        }
    }

    [Fact]
    public void Each_term_adds_up_by_a_share_of_its_own()
    {
        var objective = Catalogue.Grpo with
        {
            Weight = new BatchTokenMean(),
            Regularisers =
            [
                new KlPenalty(KlEstimator.K3, 0.1) { Weight = new RowMean { Averaged = Average.OverRows } },
                new KlPenalty(KlEstimator.K2, 0.2) { Weight = new RowSum { Averaged = Average.OverLiveRows } },
                new KlPenalty(KlEstimator.K1, 0.3),
                new EntropyBonus(0.4) { Weight = new GroupTokenMean() },
                new EntropyBonus(0.5) { Weight = new BatchTokenMean { Accumulated = true, CountEpsilon = 0.25 } },
            ],
        };
        Assert.Equal(Share.None, objective.Share());
        Assert.Empty(objective.ReadingWholeBatch());
        Assert.All(Drawn(objective), batch => Assert.Null(Difference(objective, batch)));
    }

    [Fact]
    public void The_part_that_reads_the_whole_batch_is_named()
    {
        Assert.Equal(["advantage"], Catalogue.Find("trl:gdpo")!.Objective.ReadingWholeBatch());
        Assert.Equal(["weight"], Catalogue.Find("verl:dr_grpo")!.Objective.ReadingWholeBatch());
        Assert.Equal(["correction"], Catalogue.Find("verl:geo_rs")!.Objective.ReadingWholeBatch());
        Assert.Equal(["regularisers"], Catalogue.Find("kl-cov")!.Objective.ReadingWholeBatch());
        Assert.Equal(["rewards", "correction"], (Catalogue.Grpo with { Rewards = new FormulaRewards((_, _) => 0), Correction = new BatchTokenMean() }).ReadingWholeBatch());
        Assert.Empty((Catalogue.Grpo with { Regularisers = [.. Catalogue.Find("kl-cov")!.Objective.Regularisers.Select(term => term with { Beta = 0 })] }).ReadingWholeBatch());
    }

    [Fact]
    public void A_batch_without_a_trainable_token_and_one_with_groups_that_have_none_add_up_too()
    {
        Rollout[] live = [Batches.Row(1, 0.1, -0.2), Batches.Row(0, 0.3)], dead = [Batches.Dead(1), Batches.Dead(0)];
        foreach (var weight in new TokenWeight[] { new RowMean { Averaged = Average.OverLiveRows }, new GroupTokenMean(), new BatchTokenMean(), new BatchTokenMean { Accumulated = true } })
        {
            var objective = Catalogue.DrGrpo with { Weight = weight };
            Assert.Null(Difference(objective, RolloutBatch.Of([dead, live, dead])));
            Assert.Null(Difference(objective, RolloutBatch.Of([dead, dead])));
        }
    }

    [Fact]
    public void A_group_of_a_larger_batch_is_refused_under_its_number_there()
    {
        Rollout plain = Batches.Row(1, 0), other = Batches.Row(0, 0), far = Batches.Row(0, 0) with { Logps = [0], OldLogps = [-800] };
        var cases = new (SurrogateObjective Objective, Rollout[] Group)[]
        {
            (Catalogue.Grpo, [plain, far]),
            (Catalogue.Grpo, [plain, other with { Rewards = [null] }]),
            (Catalogue.DrGrpo, [plain with { Rewards = [1e308] }, other with { Rewards = [1.5e308] }]),
            (Catalogue.Grpo with { Advantage = new MeanBaseline { Lone = LoneReward.IsRefused } }, [plain]),
            (Catalogue.Grpo with { Weight = new RemainderOnLast(1) }, [plain, Batches.Row(0, 0, 0)]),
            (Catalogue.Grpo with { Advantage = new StandardScore { Equal = EqualRewards.AreComputed } }, [plain, plain]),
            (Catalogue.Grpo with { Advantage = new PartitionBaseline(1) { LeavesOut = true, Equal = EqualRewards.AreComputed } }, [plain]),
            (Catalogue.Grpo with { Advantage = new BestOfGroup { Equal = EqualRewards.AreComputed } }, [plain]),
            (Catalogue.Grpo with { Advantage = new LengthWeightedBaseline() }, [plain with { Rewards = [1e308] }, other with { Rewards = [-1e308] }]),
            (Catalogue.Grpo with { Correction = new LengthPreference(5, 0.5, 0, 0) }, [plain, Batches.Row(0, 0, 0, 0)]),
        };
        Assert.All(cases, refused =>
        {
            var batch = RolloutBatch.Of([[plain, other], [other, plain], refused.Group]);
            string sentence = Refusal.Of(() => refused.Objective.Evaluate(batch));
            Assert.Contains("group 2", sentence, StringComparison.Ordinal);
            Assert.Equal(sentence, Refusal.Of(() => Groups(batch).Select(group => refused.Objective.Within(BatchSize.Of(group), BatchSize.Of(batch)).Evaluate(group)).ToArray()));
        });
    }

    private static IEnumerable<RolloutBatch> Drawn(SurrogateObjective objective)
    {
        var domain = ((RolloutDomain)Contract.PermutationInvariance.Domain(objective)) with { Prompts = 3 };
        return Enumerable.Range(1, Cases).Select(seed => SampledInPart(domain.Build(new Draw((ulong)seed, 40))));
    }

    // Every other row comes from a sampler that is the behaviour policy: what masks by their distance leaves some in and takes some out.
    private static RolloutBatch SampledInPart(RolloutBatch batch)
    {
        if (!batch.Has(Column.RolloutLogp))
            return batch;
        double[] rollout = batch[Column.RolloutLogp].ToArray();
        for (int i = 0; i < batch.Rows; i += 2)
            batch[Column.OldLogp][batch.Row(i)].CopyTo(rollout.AsSpan(batch.Row(i)));
        return batch.With(Column.RolloutLogp, rollout);
    }

    private static IEnumerable<RolloutBatch> Groups(RolloutBatch batch) => BatchReader.ReadGroups(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(BatchWriter.Write(batch))));

    private static bool Differs(SurrogateObjective objective, RolloutBatch batch, Share share)
    {
        double[] coefficients = [.. Groups(batch).SelectMany(group => objective.Evaluate(group).Coefficients.Select(c => share.Of(group, batch) * c))];
        double[] bounds = Bounds(objective, batch).Coefficients;
        return objective.Evaluate(batch).Coefficients.Zip(coefficients, (whole, part) => Math.Abs(whole - part)).Zip(bounds).Any(pair => pair.First > pair.Second);
    }

    // What is further from the batch's own than rounding allows, in words; null where nothing is.
    private static string? Difference(SurrogateObjective objective, RolloutBatch batch)
    {
        var whole = objective.Evaluate(batch);
        Evaluation[] parts = [.. Groups(batch).Select(group => objective.Within(BatchSize.Of(group), BatchSize.Of(batch)).Evaluate(group))];
        var bounds = Bounds(objective, batch);
        double value = parts.Sum(part => part.Value);
        if (!(Math.Abs(value - whole.Value) <= bounds.Value))
            return FormattableString.Invariant($"the value is {whole.Value} and {value}, bound {bounds.Value}");
        return Furthest("coefficient", whole.Coefficients, part => part.Coefficients, bounds.Coefficients)
            ?? Furthest("advantage", whole.Advantages, part => part.Advantages, new double[batch.Tokens])
            ?? (whole.EntropyCoefficients is { } entropy ? Furthest("entropy coefficient", entropy, part => part.EntropyCoefficients!, bounds.Entropy) : null);

        string? Furthest(string what, double[] own, Func<Evaluation, double[]> of, double[] allowed)
        {
            double[] added = [.. parts.SelectMany(of)];
            int t = Enumerable.Range(0, own.Length).FirstOrDefault(t => !(Math.Abs(own[t] - added[t]) <= allowed[t]), -1);
            return t < 0 ? null : FormattableString.Invariant($"the {what} of {batch.PlaceOf(t)} is {own[t]} and {added[t]}, bound {allowed[t]}");
        }
    }

    // Value and coefficients are linear in the weights: each is a sum of what one token's weight makes of one term, which is seen by leaving out all others.
    // Either evaluation is that sum, up to a rounding for each summand and a few for each weight.
    private static (double Value, double[] Coefficients, double[] Entropy) Bounds(SurrogateObjective objective, RolloutBatch batch)
    {
        double value = 0;
        double[] coefficients = new double[batch.Tokens], entropy = new double[batch.Tokens];
        foreach (var term in Terms(objective))
        {
            for (int t = 0; t < batch.Tokens; t++)
            {
                var alone = Alone(term, t).Evaluate(batch);
                value += Math.Abs(alone.Value);
                for (int s = 0; s < batch.Tokens; s++)
                {
                    coefficients[s] += Math.Abs(alone.Coefficients[s]);
                    entropy[s] += Math.Abs(alone.EntropyCoefficients?[s] ?? 0);
                }
            }
        }

        int roundings = 2 * (batch.Tokens + batch.Rows + 16);
        return (Tolerance.Summation(roundings, value), [.. coefficients.Select(Bound)], [.. entropy.Select(Bound)]);

        double Bound(double magnitude) => Tolerance.Summation(roundings, magnitude);
    }

    private static IEnumerable<SurrogateObjective> Terms(SurrogateObjective objective)
    {
        yield return objective with { Regularisers = [] };
        foreach (var term in objective.Regularisers)
            yield return objective with { Kernel = new Nothing(), Regularisers = [term] };
    }

    private static SurrogateObjective Alone(SurrogateObjective objective, int token) => objective with
    {
        Correction = objective.Correction.Times(new Only(token)),
        Regularisers = [.. objective.Regularisers.Select(term => term with { Where = term.Where.Times(new Only(token)) })],
    };

    /// <summary>1 for one token of the batch, 0 for all others.</summary>
    private sealed record Only(int Token) : TokenWeight
    {
        public override Traits Traits => Traits.None;

        public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
        {
            weights.Clear();
            weights[Token] = 1;
        }
    }

    /// <summary>A kernel without a value.</summary>
    private sealed record Nothing : Kernel
    {
        public override Traits Traits => Traits.GroupIsolated;

        public override RatioLevel Ratio => RatioLevel.Token;

        public override double Group(in GroupView group, Span<double> coefficients) => 0;
    }

    /// <summary>A weight that says another share of itself.</summary>
    private sealed record OtherShare(TokenWeight Inner, Share Said) : TokenWeight
    {
        public override Traits Traits => Inner.Traits;

        public override Share Share => Said;

        public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) => Inner.Fill(batch, advantages, weights);
    }

    /// <summary>R times the largest reward of the batch under the promise of isolation.</summary>
    private sealed record TimesBest : RewardShaping
    {
        public override Traits Traits => Traits.GroupIsolated;

        public override void Fill(RolloutBatch batch, Span<double> rewards)
        {
            None.Fill(batch, rewards);
            double best = double.NegativeInfinity;
            foreach (double reward in rewards)
                best = Math.Max(best, reward);
            foreach (ref double reward in rewards)
                reward *= best;
        }
    }
}
