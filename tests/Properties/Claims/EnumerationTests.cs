using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Policies;
using GroupRL.Properties.Objectives;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>Exact expectations over tiny policies: the enumeration against brute force, and what theory says of expected gradients.</summary>
public class EnumerationTests
{
    private static readonly TinyPolicy s_small = Drawn(2, 2, seed: 1);
    private static readonly TinyPolicy s_other = Drawn(2, 2, seed: 2);
    private static readonly TinyPolicy s_deep = Drawn(2, 3, seed: 3);

    // The completions of s_small: . a. b. aa ab ba bb
    private static readonly ImmutableArray<double> s_binary = [0, 1, 0, 0, 1, 0, 0];
    private static readonly ImmutableArray<double> s_harder = [0, 0, 0, 0, 0, 0, 1];
    private static readonly ImmutableArray<double> s_reals = [0.3, -0.4, 1.1, 0.2, -1.3, 0.7, 0.9];

    [Theory]
    [InlineData(1, 1, 1, 2)]
    [InlineData(1, 3, 3, 4)]
    [InlineData(2, 2, 3, 7)]
    [InlineData(2, 3, 7, 15)]
    [InlineData(3, 4, 40, 121)]
    public void A_tree_of_letters_has_as_many_nodes_and_completions_as_a_hand_counts(int letters, int limit, int nodes, int completions)
    {
        var policy = Drawn(letters, limit, seed: 4);

        Assert.Equal((nodes, completions), (policy.Nodes, policy.Completions));
        Assert.Equal(completions, Enumerable.Range(0, completions).Select(policy.Text).Distinct().Count());
        Assert.Equal(1, Enumerable.Range(0, completions).Sum(policy.Probability), 1e-14);
        Assert.All(Enumerable.Range(0, completions), y => Assert.True(policy.Text(y).IndexOf('.', StringComparison.Ordinal) == policy.Length(y) - 1 || policy.Length(y) == limit));
    }

    [Fact]
    public void Completions_are_listed_node_by_node_and_then_those_that_the_limit_ends() =>
        Assert.Equal([".", "a.", "b.", "aa.", "ab.", "ba.", "bb.", "aaa", "aab", "aba", "abb", "baa", "bab", "bba", "bbb"], Enumerable.Range(0, 15).Select(s_deep.Text));

    [Fact]
    public void Probabilities_are_softmaxes_of_a_node_by_hand()
    {
        // Root: logits 0, ln 2, ln 3 of a, b and the end: 1/6, 1/3, 1/2. After a: 1/4, 1/4, 1/2. After b: 1/3 each.
        var policy = new TinyPolicy(2, 2, [0, Math.Log(2), Math.Log(3), 0, 0, Math.Log(2), 1, 1, 1]);

        Assert.Equal([1.0 / 2, 1.0 / 12, 1.0 / 9, 1.0 / 24, 1.0 / 24, 1.0 / 9, 1.0 / 9], Enumerable.Range(0, 7).Select(policy.Probability), Near);
        Assert.Equal("a.", policy.Text(1));
        Assert.Equal([-Math.Log(6), -Math.Log(2)], policy.Logps(1), Near);
        Assert.Equal([(1.0 / 36) + (1.0 / 9) + (1.0 / 4), 3.0 / 8], policy.SumPiSquared(1), Near);
        Assert.Equal([(Math.Log(6) / 6) + (Math.Log(3) / 3) + (Math.Log(2) / 2), 1.5 * Math.Log(2)], policy.Entropies(1), Near);
        Assert.Equal(".", policy.Text(policy.Greedy));
        Assert.Equal("aa", new TinyPolicy(2, 2, new double[9].ToImmutableArray()).Text(3));
        Assert.Equal(3, new TinyPolicy(2, 2, new double[9].ToImmutableArray()).Greedy);
    }

    [Fact]
    public void A_tree_without_letters_or_with_other_logits_is_refused_in_a_sentence()
    {
        Assert.Equal("A tiny policy needs at least 1 letter and 1 token a completion; got 0 and 2.", Refusal.Of(() => new TinyPolicy(0, 2, [])));
        Assert.Equal("A tiny policy of 3 nodes needs 9 finite logits; got 2.", Refusal.Of(() => new TinyPolicy(2, 2, [1, 2])));
        Assert.Equal("A tiny prompt needs a reward for each of 7 completions; got 1.", Refusal.Of(() => new TinyPrompt(s_small, [1], 2)));
    }

    [Fact]
    public void Scores_are_the_derivatives_of_the_log_probabilities()
    {
        const double h = 1e-5;
        for (int y = 0; y < s_deep.Completions; y++)
        {
            double[] score = Score(s_deep, y);
            for (int j = 0; j < s_deep.Parameters; j++)
            {
                double slope = (Math.Log(Moved(s_deep, j, h).Probability(y)) - Math.Log(Moved(s_deep, j, -h).Probability(y))) / (2 * h);
                Assert.Equal(slope, score[j], 1e-9);
            }
        }
    }

    [Fact]
    public void The_gradient_of_the_expected_reward_is_its_derivative()
    {
        const double h = 1e-5;
        double[] rewards = [.. Enumerable.Range(0, 15).Select(y => Math.Sin(3 * y))], gradient = s_deep.Gradient(rewards);
        for (int j = 0; j < s_deep.Parameters; j++)
            Assert.Equal((Moved(s_deep, j, h).Mean(rewards) - Moved(s_deep, j, -h).Mean(rewards)) / (2 * h), gradient[j], 1e-9);
    }

    [Theory]
    [InlineData(7, 2, 28)]
    [InlineData(7, 3, 84)]
    [InlineData(15, 2, 120)]
    [InlineData(15, 4, 3060)]
    public void Multisets_stand_for_all_orders_of_drawing(int items, int size, int count)
    {
        var all = ExpectedGradient.Multisets(items, size).ToArray();

        Assert.Equal(count, all.Select(multiset => string.Join(' ', multiset)).Distinct().Count());
        Assert.Equal(count, all.Length);
        Assert.Equal(Math.Pow(items, size), all.Sum(ExpectedGradient.Orders));
        Assert.All(all, multiset => Assert.Equal(multiset.Order(), multiset));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void The_probabilities_of_all_groups_add_to_one(int count) =>
        Assert.Equal(1, ExpectedGradient.Of(Catalogue.DrGrpo, [new(s_deep, [.. new double[15]], count)]).Probability, 1e-13);

    [Theory]
    [InlineData(2, 1, 6)]
    [InlineData(2, 4, 3)]
    [InlineData(3, 1, 5)]
    [InlineData(3, 2, 4)]
    [InlineData(3, 3, 2)]
    [InlineData(3, 3, 4)]
    [InlineData(4, 2, 3)]
    [InlineData(5, 2, 2)]
    [InlineData(9, 1, 1)]
    public void As_many_batches_are_evaluated_as_the_growth_law_says(int vocabulary, int limit, int count)
    {
        var space = new GroupSpace(vocabulary, limit, count);
        var policy = Drawn(vocabulary - 1, limit, seed: 5);
        var expected = ExpectedGradient.Of(Catalogue.DrGrpo, [new(policy, [.. Enumerable.Range(0, policy.Completions).Select(y => Math.Sin(3 * y))], count)]);

        Assert.Equal(policy.Completions, space.Completions);
        Assert.Equal(space.Groups, expected.Batches);
        Assert.Equal(space.Ordered, ExpectedGradient.Multisets(policy.Completions, count).Sum(ExpectedGradient.Orders));
        Assert.Equal(1, expected.Probability, Tolerance.Roundings(expected.Batches + (count * (1 + (limit * (vocabulary + 1))))));
        Assert.InRange(expected.Sums, count * space.Groups / space.Completions, (count * space.Groups / space.Completions) + (2 * space.Completions));
    }

    [Theory]
    [InlineData(2, 5)]
    [InlineData(3, 3)]
    [InlineData(4, 4)]
    public void Completions_are_the_texts_of_one_length_cut_at_their_end_token(int vocabulary, int limit)
    {
        var policy = Drawn(vocabulary - 1, limit, seed: 6);
        HashSet<string> cut = [];
        for (int text = 0; text < Math.Pow(vocabulary, limit); text++)
        {
            int[] tokens = [.. Enumerable.Range(0, limit).Select(t => text / (int)Math.Pow(vocabulary, t) % vocabulary)];
            int end = Array.IndexOf(tokens, vocabulary - 1);
            cut.Add(string.Join(' ', end < 0 ? tokens : tokens[..(end + 1)]));
        }

        Assert.Equal(new GroupSpace(vocabulary, limit, 1).Completions, cut.Count);
        Assert.Equal(cut.Order(), Enumerable.Range(0, policy.Completions).Select(y => string.Join(' ', policy.Tokens(y).ToArray())).Order());
    }

    [Fact]
    public void The_growth_law_goes_beyond_what_can_be_enumerated()
    {
        // C(1368, 4).
        Assert.Equal((1365, 145286988210), (new GroupSpace(5, 5, 4).Completions, new GroupSpace(5, 5, 4).Groups));
        Assert.Equal(double.PositiveInfinity, new GroupSpace(1_000_000, 100, 4).Completions);
        Assert.Equal(double.PositiveInfinity, new GroupSpace(3, 10, 1_000_000).Groups);
    }

    [Theory]
    [InlineData("dr-grpo", 3, 2, 4)]
    [InlineData("luspo", 2, 3, 3)]
    [InlineData("dapo", 2, 1, 30)]
    public void A_sum_of_sums_is_the_plain_sum_within_its_roundings(string id, int vocabulary, int limit, int count)
    {
        // The plain sum, group by group, row by row and token by token, in decimals of 28 digits.
        var objective = Catalogue.Find(id)!.Objective;
        var policy = Drawn(vocabulary - 1, limit, seed: 7);
        var prompt = new TinyPrompt(policy, [.. Enumerable.Range(0, policy.Completions).Select(y => Math.Sin(3 * y))], count);
        decimal[] plain = new decimal[policy.Parameters];
        foreach (var group in ExpectedGradient.Multisets(policy.Completions, count))
        {
            var batch = RolloutBatch.Of([[.. group.Select(y => prompt.Completion(y, objective))]]);
            double[] c = objective.Evaluate(batch).Coefficients;
            decimal chance = group.Aggregate((decimal)ExpectedGradient.Orders(group), (product, y) => product * (decimal)policy.Probability(y));
            for (int k = 0; k < count; k++)
            {
                for (int t = 0; t < batch.Length(k); t++)
                {
                    var score = new double[policy.Parameters];
                    policy.AddScore(group[k], [.. new double[t], 1], score);
                    for (int j = 0; j < plain.Length; j++)
                        plain[j] += chance * (decimal)c[batch.Row(k)][t] * (decimal)score[j];
                }
            }
        }

        var expected = ExpectedGradient.Of(objective, [prompt]);
        double bound = Tolerance.Summation(expected.Sums + count + 8, expected.Magnitude);
        Assert.All(plain.Zip(expected.Gradient), pair => Assert.InRange(Math.Abs(pair.Second - (double)pair.First), 0, bound));
    }

    [Theory]
    [InlineData("grpo")]
    [InlineData("dapo")]
    [InlineData("rloo")]
    [InlineData("opo")]
    [InlineData("remax")]
    [InlineData("gvpo")]
    [InlineData("reinforce++")]
    [InlineData("verl:optimal_token_baseline")]
    [InlineData("trl:gdpo")]
    [InlineData("aspo")]
    public void Groups_of_two_are_what_a_double_loop_over_ordered_pairs_gives(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        var prompt = new TinyPrompt(s_small, s_reals, 2);
        var sum = new double[s_small.Parameters];
        for (int first = 0; first < 7; first++)
        {
            for (int second = 0; second < 7; second++)
            {
                var batch = RolloutBatch.Of([[prompt.Completion(first, objective), prompt.Completion(second, objective)]]);
                double[] c = objective.Evaluate(batch).Coefficients;
                double chance = s_small.Probability(first) * s_small.Probability(second);
                foreach (var (y, row) in new[] { (first, 0), (second, 1) })
                {
                    for (int t = 0; t < s_small.Length(y); t++)
                    {
                        int node = s_small.NodesOf(y)[t] * 3;
                        for (int v = 0; v < 3; v++)
                            sum[node + v] += chance * c[batch.Row(row)][t] * ((v == s_small.Tokens(y)[t] ? 1 : 0) - Pi(s_small, node + v));
                    }
                }
            }
        }

        Assert.Equal(sum, ExpectedGradient.Of(objective, [prompt]).Gradient, (a, b) => Math.Abs(a - b) < 1e-14);
    }

    [Fact]
    public void Prompts_one_by_one_are_prompts_together_where_no_group_sees_another()
    {
        var together = Catalogue.Grpo with { Weight = new FormulaWeight(Catalogue.Grpo.Weight.Traits & ~Traits.GroupIsolated, (b, i) => 1.0 / (b.Groups * b.GroupSize(b.GroupOf(i)) * b.Length(i))) };
        ImmutableArray<TinyPrompt> prompts = [new(s_small, s_binary, 2), new(s_other, s_harder, 3)];
        var (apart, joint) = (ExpectedGradient.Of(Catalogue.Grpo, prompts), ExpectedGradient.Of(together, prompts));

        Assert.Equal(joint.Gradient, apart.Gradient, Near);
        Assert.Equal((28 + 84, 28 * 84), (apart.Batches, joint.Batches));
        Assert.Equal((1.0, 1.0), (apart.Probability, joint.Probability), (a, b) => Near(a.Item1, b.Item1) && Near(a.Item2, b.Item2));
    }

    [Fact]
    public void What_is_read_beside_log_probs_is_the_policys_own()
    {
        var everything = new SurrogateObjective(new GreedyBaseline(), new TokenRatio(new Unclipped()), new RowSum())
        {
            Rewards = new WeightedRewards([1, 1, 1]),
            Regularisers = [.. new[] { Column.RefLogp, Column.RolloutLogp, Column.Entropy, Column.SumPiSquared, Column.Value, Column.TokenReward, Column.Random }.Select(column => new Reading(column))],
        };
        var rollout = new TinyPrompt(s_small, s_reals, 2).Completion(4, everything);

        Assert.Equal([s_reals[4], 0, 0], rollout.Rewards);
        Assert.Equal(s_reals[s_small.Greedy], rollout.GreedyReward);
        Assert.All(new[] { rollout.OldLogps, rollout.RefLogps, rollout.RolloutLogps }, logps => Assert.Equal(s_small.Logps(4), logps!));
        Assert.Equal(s_small.Entropies(4), rollout.Entropies!);
        Assert.Equal(s_small.SumPiSquared(4), rollout.SumPiSquared!);
        Assert.Equal([0, 0], rollout.Values!);
        Assert.Equal([0, 0], rollout.TokenRewards!);
        Assert.Equal([0.5, 0.5], rollout.Random!);
    }

    [Theory]
    [InlineData("rloo", true)]
    [InlineData("remax", true)]
    [InlineData("dr-grpo", false)]
    public void Group_sizes_that_differ_between_prompts_keep_a_slope_of_one_and_break_one_minus_one_over_G(string id, bool parallel)
    {
        // Dr. GRPO: (G − 1)/G is 1/2 for the first prompt and 2/3 for the second.
        ImmutableArray<TinyPrompt> prompts = [new(s_small, s_reals, 2), new(s_other, s_reals, 3)];
        var gradient = ExpectedGradient.Of(Catalogue.Find(id)!.Objective, prompts).Gradient;

        Assert.Equal(parallel, IsParallel(gradient, ExpectedGradient.OfReward(prompts)));
        Assert.True(IsParallel(gradient[..9], ExpectedGradient.OfReward(prompts)[..9]));
        Assert.True(IsParallel(gradient[9..], ExpectedGradient.OfReward(prompts)[9..]));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0.5)]
    public void Off_policy_and_unclipped_a_ratio_of_whole_sequences_is_exact_and_a_tokens_is_not(bool mean, double factor)
    {
        // E_b[ρ(R − b)∇log π] = E_π[R∇log π] − E[b]·E_π[∇log π], and the last mean is 0.
        var rloo = Catalogue.Rloo with { Advantage = mean ? new MeanBaseline() : new LeaveOneOut() };
        ImmutableArray<TinyPrompt> prompts = [new(s_small, s_reals, 2) { Behaviour = s_other }];
        var wanted = ExpectedGradient.OfReward(prompts);
        var sequence = ExpectedGradient.Of(rloo with { Kernel = new SequenceRatio(RatioLevel.SequenceSum, new Unclipped()) }, prompts).Gradient;
        var token = ExpectedGradient.Of(rloo with { Kernel = new TokenRatio(new Unclipped()) }, prompts).Gradient;

        Assert.Equal(wanted.Select(w => factor * w), sequence, Near);
        Assert.False(IsParallel(token, wanted));
    }

    [Fact]
    public void A_masked_truncation_breaks_Dr_GRPO()
    {
        // Completions that the limit ends, aa ab ba bb, are masked while their rewards count.
        ImmutableArray<TinyPrompt> whole = [new(s_small, s_reals, 3)], masked = [whole[0] with { Masked = y => y >= 3 }];

        Assert.True(IsParallel(ExpectedGradient.Of(Catalogue.DrGrpo, whole).Gradient, ExpectedGradient.OfReward(whole)));
        Assert.False(IsParallel(ExpectedGradient.Of(Catalogue.DrGrpo, masked).Gradient, ExpectedGradient.OfReward(whole)));
    }

    [Theory]
    [InlineData("dr-grpo", 2)]
    [InlineData("dr-grpo", 4)]
    [InlineData("luspo", 3)]
    public void Dropping_groups_without_variance_divides_by_the_chance_to_keep_one(string id, int count)
    {
        var objective = Catalogue.Find(id)!.Objective;
        ImmutableArray<TinyPrompt> prompts = [new(s_small, s_binary, count)];
        var all = ExpectedGradient.Of(objective, prompts);
        var kept = ExpectedGradient.Of(objective, prompts, (_, group) => group.Select(y => s_binary[y]).Distinct().Count() > 1);
        double p = s_small.Mean(s_binary.AsSpan()), q = 1 - Math.Pow(p, count) - Math.Pow(1 - p, count);

        Assert.Equal(q, kept.Probability, 1e-14);
        Assert.Equal(all.Gradient.Select(g => g / q), kept.Gradient.Select(g => g / kept.Probability), Near);
    }

    [Theory]
    [InlineData(2, 0.70710678118654752)]
    [InlineData(3, 1.1547005383792515)]
    public void A_standard_deviation_leaves_two_prompts_parallel_in_groups_of_two_and_three(int count, double factor)
    {
        // The sample's √((G − 1)/G) times 1 and √2: 1/√2 and 2/√3.
        ImmutableArray<TinyPrompt> prompts = [new(s_small, s_binary, count), new(s_other, s_harder, count)];

        Assert.Equal(ExpectedGradient.OfReward(prompts).Select(w => factor * w), ExpectedGradient.Of(PaperForms.Luspo, prompts).Gradient, Near);
    }

    [Fact]
    public void From_groups_of_four_on_it_turns_two_prompts_apart_but_never_below_0_999399()
    {
        // w falls from w(0) = 3/2 to w(1/2) = 1.39952…; two gradients of one size are turned furthest, to 2√(w₁w₂)/(w₁ + w₂) (Kantorovich).
        double least = 1;
        for (double rare = 1; rare < 12; rare += 0.5)
        {
            ImmutableArray<TinyPrompt> prompts = [OneToken(rare, 4), OneToken(0, 4)];
            var gradient = ExpectedGradient.Of(PaperForms.Luspo, prompts).Gradient;
            double first = gradient[0] / prompts[0].Policy.Gradient(prompts[0].Rewards.AsSpan())[0] * 2, second = gradient[2] / prompts[1].Policy.Gradient(prompts[1].Rewards.AsSpan())[0] * 2;
            Assert.InRange(first, second, 1.5);
            least = Math.Min(least, 2 * Math.Sqrt(first * second) / (first + second));
        }

        double half = 4 * ((8.0 / 16 * (3.0 / 16) / 0.5) + (6.0 / 16 * 0.25 / Math.Sqrt(1.0 / 3)));
        Assert.Equal(1.39952, half, 1e-5);
        Assert.Equal(2 * Math.Sqrt(1.5 * half) / (1.5 + half), least, 1e-6);
        Assert.InRange(least, 0.999399, 0.999400);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    public void A_rare_success_weighs_the_root_of_G_minus_one(int count)
    {
        // One right of G: σ̂² = (G − 1)/G², σ̂ = √(G − 1)/G, G·σ̂ = √(G − 1).
        var prompt = OneToken(25, count);
        var objective = PaperForms.Luspo with { Advantage = new StandardScore { Ddof = 0 } };

        Assert.Equal(Math.Sqrt(count - 1), ExpectedGradient.Of(objective, [prompt]).Gradient[0] / prompt.Policy.Gradient(prompt.Rewards.AsSpan())[0], 1e-9);
    }

    [Fact]
    public void Two_scales_of_rewards_break_a_standard_deviation_in_groups_of_two()
    {
        ImmutableArray<TinyPrompt> prompts = [new(s_small, s_binary, 2), new(s_other, [.. s_harder.Select(reward => 2 * reward)], 2)];
        var (gradient, wanted) = (ExpectedGradient.Of(PaperForms.Luspo, prompts).Gradient, ExpectedGradient.OfReward(prompts));

        Assert.True(IsParallel(gradient[..9], wanted[..9]) && IsParallel(gradient[9..], wanted[9..]));
        Assert.False(IsParallel(gradient, wanted));
    }

    [Fact]
    public void A_baseline_weighted_by_the_lengths_of_the_others_is_exact_and_by_all_lengths_is_not()
    {
        ImmutableArray<TinyPrompt> prompts = [new(s_deep, [.. Enumerable.Range(0, 15).Select(y => Math.Sin(3 * y))], 3)];

        Assert.Equal(ExpectedGradient.OfReward(prompts), ExpectedGradient.Of(Catalogue.Rloo with { Advantage = new OthersByLength() }, prompts).Gradient, Near);
        Assert.False(IsParallel(ExpectedGradient.Of(PaperForms.Opo, prompts).Gradient, ExpectedGradient.OfReward(prompts)));
    }

    [Fact]
    public void A_padded_width_is_one_number_where_only_equal_completions_are_narrower()
    {
        // At a limit of 2 a group with an advantage has two completions that differ, one of which has 2 tokens. At 3 it may have 2 or 3.
        var objective = Catalogue.DrGrpo with { Weight = new PaddedRowSum() };
        ImmutableArray<TinyPrompt> narrow = [new(s_small, s_reals, 3)], wide = [new(s_deep, [.. Enumerable.Range(0, 15).Select(y => Math.Sin(3 * y))], 3)];

        Assert.True(IsParallel(ExpectedGradient.Of(objective, narrow).Gradient, ExpectedGradient.OfReward(narrow)));
        Assert.False(IsParallel(ExpectedGradient.Of(objective, wide).Gradient, ExpectedGradient.OfReward(wide)));
    }

    [Fact]
    public void A_remainder_on_the_last_token_is_neutral_and_of_one_mass_and_points_elsewhere()
    {
        var defects = Trilemma.Of(Remainder(2), Case(s_small, s_reals, 3));

        Assert.InRange(Math.Max(defects.Neutrality, defects.Mass), 0, defects.Rounding);
        Assert.InRange(defects.Alignment, 0.01, 1);
    }

    [Fact]
    public void It_points_right_where_only_the_shortest_completion_is_rewarded()
    {
        // R = 1 for "." alone: Cov(R, v) has the root's block only, π(.)(m − (m − w)π(.))·(e. − π): one reward is not every reward.
        var defects = Trilemma.Of(Remainder(2), Case(s_small, [1, 0, 0, 0, 0, 0, 0], 3));

        Assert.InRange(defects.Largest, 0, defects.Rounding);
    }

    [Fact]
    public void With_two_tokens_a_weight_made_for_the_policy_has_all_three()
    {
        // V = 2, limit 2: 1 + π(.) on ".", π(.) on a first letter and 1 after it differ from 1 by one vector at the root, whatever the completion.
        var policy = Drawn(1, 2, seed: 7);
        double end = policy.Probability(0);
        var objective = Catalogue.Rloo with
        {
            Weight = new ChangedWeight(new RowSum(), (batch, token, alpha) => alpha * Enumerable.Range(0, batch.Rows)
                .Where(i => token >= batch.Row(i).Start.Value && token < batch.Row(i).End.Value)
                .Select(i => batch.Length(i) == 1 ? 1 + end : token == batch.Row(i).Start.Value ? end : 1).Single()),
        };

        foreach (var rewards in new ImmutableArray<double>[] { [1, 0, 0], [0, 1, 0], [0.3, -0.7, 1.1] })
        {
            var defects = Trilemma.Of(objective, Case(policy, rewards, 3));
            Assert.InRange(defects.Largest, 0, defects.Rounding);
        }
    }

    [Fact]
    public void Weights_that_read_the_whole_group_and_the_policy_can_have_all_three()
    {
        // G = 2, the other's reward as the baseline: E[∇J] = ½·Σ π(y)π(y′)(R(y) − R(y′))·(v(y; y′) − v(y′; y)) with v(y; y′) = Σₜ a(t, y, y′)·sₜ(y). All
        // three are linear in a, and at a mass of 3/2 have solutions: each row of the system is an equation, its last entry the right side.
        var unknowns = (from y in Enumerable.Range(0, 7) from other in Enumerable.Range(0, 7) from t in Enumerable.Range(0, s_small.Length(y)) select (t, y, other)).ToArray();
        var index = unknowns.Select((unknown, k) => (unknown, k)).ToDictionary(pair => pair.unknown, pair => pair.k);
        List<double[]> system = [];
        for (int y = 0; y < 7; y++)
        {
            double[][] parallel = [.. Score(s_small, y).Select(Equation)];
            for (int other = 0; other < 7; other++)
            {
                Add(parallel, y, other, s_small.Probability(other));
                Add(parallel, other, y, -s_small.Probability(other));
                double[] mass = Equation(1.5);
                for (int t = 0; t < s_small.Length(y); t++)
                    mass[index[(t, y, other)]] = 1;
                system.Add(mass);
                for (int t = 0; t < s_small.Tokens(y).CommonPrefixLength(s_small.Tokens(other)); t++)
                {
                    double[] neutral = Equation(0);
                    neutral[index[(t, y, other)]] += 1;
                    neutral[index[(t, other, y)]] -= 1;
                    system.Add(neutral);
                }
            }

            system.AddRange(parallel);
        }

        double[] a = Solution([.. system]);
        var objective = Catalogue.Rloo with
        {
            Weight = new ChangedWeight(new RowSum(), (batch, token, alpha) =>
            {
                int i = token < batch.Row(0).End.Value ? 0 : 1;
                return alpha * a[index[(token - batch.Row(i).Start.Value, Listed(batch, i), Listed(batch, 1 - i))]];
            }),
        };

        foreach (var rewards in new[] { s_reals, s_binary, s_harder })
            Assert.InRange(Trilemma.Of(objective, Case(s_small, rewards, 2)).Largest, 0, 1e-10);

        double[] Equation(double right) => [.. new double[unknowns.Length], right];

        int Listed(RolloutBatch batch, int i) => Enumerable.Range(0, 7).First(y => batch.Ids(i).SequenceEqual(s_small.Tokens(y)));

        void Add(double[][] parallel, int y, int other, double factor)
        {
            for (int t = 0; t < s_small.Length(y); t++)
            {
                var score = new double[s_small.Parameters];
                s_small.AddScore(y, [.. new double[t], factor], score);
                for (int j = 0; j < score.Length; j++)
                    parallel[j][index[(t, y, other)]] += score[j];
            }
        }
    }

    [Fact]
    public void Weights_of_a_remainder_on_the_last_token_by_hand()
    {
        // L = 4, G = 3: 1/12 a token, and 1/3 − (n − 1)/12 on the last: 4/12 of one, 3/12 of two, 1/12 of four.
        var batch = RolloutBatch.Of([[Row(1), Row(2), Row(4)]]);

        Assert.Equal([4.0 / 12, 1.0 / 12, 3.0 / 12, 1.0 / 12, 1.0 / 12, 1.0 / 12, 1.0 / 12], Fill(new RemainderOnLast(4), batch), Near);
        Assert.Equal(Fill(new RowSum { Length = 4 }, batch)[3..], Fill(new RemainderOnLast(4), batch)[3..], Near);
        Assert.Equal("A remainder on the last token needs rows of at most 3 tokens; group 0, completion 2 has 4.", Refusal.Of(() => Fill(new RemainderOnLast(3), batch)));
        Assert.Equal("A largest length must be a finite number > 0; got 0.", Refusal.Of(() => new RemainderOnLast(0)));
    }

    [Theory]
    [InlineData(Average.OverPrompts)]
    [InlineData(Average.OverRows)]
    [InlineData(Average.OverLiveRows)]
    [InlineData(Average.Nothing)]
    public void A_remainder_on_the_last_token_written_a_second_time_over_a_padded_grid(Average average)
    {
        // Two prompts; a masked token inside a row, and a row that is masked throughout.
        var batch = RolloutBatch.Of(
        [
            [Row(3), Row(1), Row(2) with { Mask = [false, false] }],
            [Row(4) with { Mask = [true, false, true, true] }, Row(2)],
        ]);
        bool[,] mask = { { true, true, true, false }, { true, false, false, false }, { false, false, false, false }, { true, false, true, true }, { true, true, false, false } };
        int[] group = [0, 0, 0, 1, 1], sizes = [3, 2];
        List<double> padded = [];
        for (int i = 0; i < 5; i++)
        {
            double share = average switch { Average.OverPrompts => 1.0 / (2 * sizes[group[i]]), Average.OverRows => 1.0 / 5, Average.OverLiveRows => 1.0 / 4, _ => 1 }, left = share;
            for (int t = 0; t < 4; t++)
            {
                if (!mask[i, t])
                    continue;
                bool more = Enumerable.Range(t + 1, 3 - t).Any(s => mask[i, s]);
                padded.Add(more ? share / 5 : left);
                left -= share / 5;
            }
        }

        Assert.Equal(padded, Fill(new RemainderOnLast(5) { Averaged = average }, batch), Near);
    }

    [Fact]
    public void The_slope_of_a_mean_advantage_is_what_the_others_leave_of_it()
    {
        // Two values of R, averaged over every draw of two others from a die of three: E[A | R = 3] − E[A | R = 0] over 3.
        foreach (var advantage in new RowAdvantage[] { new MeanBaseline(), new LeaveOneOut(), new NoBaseline() })
            Assert.Equal((MeanAdvantage(advantage, 3) - MeanAdvantage(advantage, 0)) / 3, advantage.ExpectedSlope(3)!.Value, 1e-14);
        Assert.Null(new StandardScore().ExpectedSlope(3));
        Assert.Equal(1, new GeneralisedAdvantage(1, 1).ExpectedSlope(3));
        Assert.Null(new GeneralisedAdvantage(1, 0.9).ExpectedSlope(3));
        Assert.Equal(2.0 / 3, new Returns { Rewards = new() { Outcome = new MeanBaseline() } }.ExpectedSlope(3));
    }

    // Gauss-Jordan with the largest pivot; unknowns that are left free are 0.
    private static double[] Solution(double[][] system)
    {
        int unknowns = system[0].Length - 1;
        var solution = new double[unknowns];
        List<int> pivots = [];
        for (int k = 0; k < unknowns; k++)
        {
            int best = Enumerable.Range(pivots.Count, system.Length - pivots.Count).MaxBy(row => Math.Abs(system[row][k]));
            if (Math.Abs(system[best][k]) < 1e-9)
                continue;
            int top = pivots.Count;
            (system[top], system[best]) = (system[best], system[top]);
            system[top] = [.. system[top].Select(entry => entry / system[top][k])];
            for (int row = 0; row < system.Length; row++)
            {
                double factor = row == top ? 0 : system[row][k];
                for (int j = 0; j <= unknowns && factor != 0; j++)
                    system[row][j] -= factor * system[top][j];
            }

            pivots.Add(k);
        }

        for (int row = 0; row < pivots.Count; row++)
            solution[pivots[row]] = system[row][unknowns];
        return solution;
    }

    private static double MeanAdvantage(RowAdvantage advantage, double own)
    {
        double[] die = [-1, 0.5, 2], values = new double[3];
        double sum = 0;
        var batch = RolloutBatch.Of([[Row(1), Row(1), Row(1)]]);
        foreach (double second in die)
        {
            foreach (double third in die)
            {
                advantage.FillRows(batch, [own, second, third], values);
                sum += values[0] / 9;
            }
        }

        return sum;
    }

    private static SurrogateObjective Remainder(double length) => Catalogue.DrGrpo with { Weight = new RemainderOnLast(length) };

    private static TinyCase Case(TinyPolicy policy, ImmutableArray<double> rewards, int count) => new(policy.Letters, policy.Limit, count, [policy.Logits], [rewards]);

    // One letter, one token: right with probability 1/(1 + e^rare).
    private static TinyPrompt OneToken(double rare, int count) => new(new(1, 1, [0, rare]), [0, 1], count);

    private static TinyPolicy Drawn(int letters, int limit, ulong seed)
    {
        var draw = new Draw(seed, 100);
        return new(letters, limit, [.. Enumerable.Range(0, TinyPolicy.CountNodes(letters, limit) * (letters + 1)).Select(_ => draw.Real(-1.5, 1.5))]);
    }

    private static TinyPolicy Moved(TinyPolicy policy, int j, double h) => new(policy.Letters, policy.Limit, policy.Logits.SetItem(j, policy.Logits[j] + h));

    private static double[] Score(TinyPolicy policy, int y)
    {
        var score = new double[policy.Parameters];
        policy.AddScore(y, Enumerable.Repeat(1.0, policy.Length(y)).ToArray(), score);
        return score;
    }

    private static double Pi(TinyPolicy policy, int j)
    {
        int first = j / policy.Vocabulary * policy.Vocabulary;
        return Math.Exp(policy.Logits[j]) / policy.Logits.Skip(first).Take(policy.Vocabulary).Sum(Math.Exp);
    }

    private static bool IsParallel(ImmutableArray<double> first, ImmutableArray<double> second)
    {
        double factor = first.Zip(second, (a, b) => a * b).Sum() / second.Sum(b => b * b);
        return factor > 0 && first.Zip(second, (a, b) => Math.Abs(a - (factor * b))).Max() < 1e-14;
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-13;

    private static double[] Fill(TokenWeight weight, RolloutBatch batch)
    {
        var weights = new double[batch.Tokens];
        weight.Fill(batch, new double[batch.Tokens], weights);
        return weights;
    }

    private static Rollout Row(int length)
    {
        double[] logps = [.. Enumerable.Repeat(-1.0, length)];
        return new() { Reward = 0, Logps = logps, OldLogps = logps };
    }

    /// <summary>A = R − Σⱼ nⱼRⱼ/Σⱼ nⱼ over the other completions.</summary>
    private sealed record OthersByLength : RowAdvantage
    {
        public override Traits Traits => Traits.GroupIsolated;

        public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
        {
            for (int i = 0; i < batch.Rows; i++)
            {
                double sum = 0, tokens = 0;
                for (int j = 0; j < batch.Rows; j++)
                {
                    if (j == i)
                        continue;
                    sum += batch.Length(j) * rewards[j];
                    tokens += batch.Length(j);
                }

                advantages[i] = rewards[i] - (sum / tokens);
            }
        }
    }

    /// <summary>A regulariser that reads a column and does nothing.</summary>
    private sealed record Reading(Column Column) : Regulariser(1)
    {
        public override ImmutableArray<Column> Reads => [Column];

        public override double Add(
            RolloutBatch batch, ReadOnlySpan<double> logp, ReadOnlySpan<double> weights, Span<double> coefficients, Span<double> entropyCoefficients) => 0;
    }
}
