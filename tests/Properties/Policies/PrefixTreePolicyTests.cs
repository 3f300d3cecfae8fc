using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Policies;
using Xunit;

namespace GroupRL.Properties.Policies;

/// <summary>The tabular softmax over a prefix tree, against finite differences and by hand.</summary>
public class PrefixTreePolicyTests
{
    public static TheoryData<string> Objectives => ["grpo", "dr-grpo", "dapo", "gspo", "cispo", "rloo", "grpo-k3", "trl:rloo"];

    [Fact]
    public void A_shared_prefix_shares_nodes_and_prompts_do_not()
    {
        // Two prompts with the same two completions each: [0 1] and [0 2] visit the root twice and the node after 0 twice.
        var batch = RolloutBatch.Of([[Row([0, 1]), Row([0, 2])], [Row([0, 1]), Row([0, 2])]]);
        var policy = PrefixTreePolicy.Spanning(batch);

        Assert.Equal([0, 1, 0, 1, 2, 3, 2, 3], Enumerable.Range(0, batch.Tokens).Select(policy.NodeOf));
        Assert.Equal((4, 3, 12), (policy.Nodes, policy.Vocabulary, policy.Parameters));
    }

    [Fact]
    public void The_same_token_after_another_prefix_is_another_node()
    {
        var policy = PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([0, 5]), Row([1, 5])]]));

        Assert.Equal([0, 1, 0, 2], Enumerable.Range(0, 4).Select(policy.NodeOf));
        Assert.Equal(6, policy.Vocabulary);
    }

    [Fact]
    public void A_vocabulary_has_at_least_two_tokens() =>
        Assert.Equal(2, PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([0]), Row([0])]])).Vocabulary);

    [Fact]
    public void A_masked_token_extends_the_context_and_has_no_choice_of_its_own()
    {
        // [0 (1) 2] and [0 (3) 2]: the masked tokens differ, so the last ones stand in different contexts; no node is theirs.
        var batch = RolloutBatch.Of([[Row([0, 1, 2]) with { Mask = [true, false, true] }, Row([0, 3, 2]) with { Mask = [true, false, true] }]]);
        var policy = PrefixTreePolicy.Spanning(batch);

        Assert.Equal(4, batch.Tokens);
        Assert.Equal([0, 1, 0, 2], Enumerable.Range(0, 4).Select(policy.NodeOf));
        Assert.Equal((3, 4), (policy.Nodes, policy.Vocabulary));
    }

    [Fact]
    public void A_dead_row_adds_no_node()
    {
        var policy = PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([1, 1]), Row([0, 0, 0]) with { Mask = [false, false, false] }]]));

        Assert.Equal(2, policy.Nodes);
    }

    [Fact]
    public void The_score_of_a_token_is_its_indicator_minus_the_probabilities_of_its_node()
    {
        // One node, V = 3, logits 0, ln 2, ln 3: π = 1/6, 1/3, 1/2. The score of token 1 is (−1/6, 2/3, −1/2).
        var policy = PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([1]), Row([2]) with { Mask = [false] }]]));
        var gradient = new double[3];
        policy.Gradient([0, Math.Log(2), Math.Log(3)], [1], gradient);

        double[] byHand = [-1.0 / 6, 2.0 / 3, -1.0 / 2];
        Assert.All(gradient.Zip(byHand), pair => Assert.Equal(pair.Second, pair.First, 1e-15));
    }

    [Fact]
    public void Scores_are_the_derivatives_of_the_log_probs()
    {
        foreach (var batch in Batches(60))
        {
            var policy = PrefixTreePolicy.Spanning(batch);
            var draw = new Draw(17, 0);
            double[] logits = Random(draw, policy.Parameters, 2), direction = Random(draw, policy.Parameters, 1), gradient = new double[policy.Parameters];
            for (int token = 0; token < batch.Tokens; token++)
            {
                var one = new double[batch.Tokens];
                one[token] = 1;
                policy.Gradient(logits, one, gradient);
                int watched = token;
                double order = TaylorCheck.Order(h => LogProbs(policy, batch, Along(logits, direction, h))[watched], Dot(gradient, direction), 1e-2, 1e-14);
                Assert.True(order >= 2.9, $"order {order}");
                // A wrong one would be seen.
                Assert.True(TaylorCheck.Order(h => LogProbs(policy, batch, Along(logits, direction, h))[watched], 1e-4 + Dot(gradient, direction), 1e-2, 1e-14) < 2);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Objectives))]
    public void The_gradient_of_an_objective_through_the_policy_is_the_sum_of_coefficients_times_scores(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        int checks = 0;
        foreach (var near in Batches(60))
        {
            // Near enough to the behaviour policy that a step of 1e−3 through the logits crosses no clip bound, far enough to be off it.
            var policy = PrefixTreePolicy.Spanning(near);
            var draw = new Draw(23, 0);
            double[] logits = Random(draw, policy.Parameters, 1), direction = Random(draw, policy.Parameters, 1), gradient = new double[policy.Parameters];
            double[] logp = LogProbs(policy, near, logits);
            double gap = id == "gspo" ? 1e-4 : 0.05;
            var batch = near.With(Column.Logp, logp).With(Column.OldLogp, [.. logp.Select(x => x - gap)]).With(Column.RefLogp, [.. logp.Select(x => 0.9 * x)]);
            var evaluation = objective.Evaluate(batch);
            policy.Gradient(logits, evaluation.Coefficients, gradient);
            var workspace = new Workspace();
            var unused = new double[batch.Tokens];
            double order = TaylorCheck.Order(
                h => objective.Evaluate(batch, LogProbs(policy, batch, Along(logits, direction, h)), unused, workspace),
                Dot(gradient, direction),
                id == "gspo" ? 1e-5 : id == "trl:rloo" ? 1e-4 : 1e-3,
                1e-13 * (1 + evaluation.Advantages.Max(Math.Abs)));
            Assert.True(order >= TaylorCheck.LeastOrder, $"order {order}");
            checks += evaluation.Coefficients.Any(c => c != 0) ? 1 : 0;
        }

        Assert.True(checks >= 40, $"only {checks} batches had a gradient at all");
    }

    [Fact]
    public void The_gradient_adds_to_nothing_at_every_node()
    {
        // Moving all logits of a node together changes no probability.
        foreach (var batch in Batches(40))
        {
            var policy = PrefixTreePolicy.Spanning(batch);
            var draw = new Draw(5, 0);
            var gradient = new double[policy.Parameters];
            policy.Gradient(Random(draw, policy.Parameters, 3), Random(draw, batch.Tokens, 1), gradient);
            for (int node = 0; node < policy.Nodes; node++)
            {
                double[] own = gradient[(node * policy.Vocabulary)..((node + 1) * policy.Vocabulary)];
                Assert.Equal(0, own.Sum(), 1e-14 * (1 + own.Sum(Math.Abs)) * policy.Vocabulary);
            }
        }
    }

    [Fact]
    public void Probabilities_add_to_1_at_every_node_even_for_large_logits()
    {
        // All tokens of the vocabulary sampled once at one node.
        var batch = RolloutBatch.Of([[Row([0]), Row([1]), Row([2]), Row([3])]]);
        var policy = PrefixTreePolicy.Spanning(batch);
        foreach (double size in new double[] { 1, 30, 700, 1e5 })
        {
            double[] logp = LogProbs(policy, batch, Random(new Draw(3, 0), 4, size));
            Assert.Equal(1, logp.Sum(Math.Exp), 1e-9);
            Assert.All(logp, x => Assert.True(x <= 0 && double.IsFinite(x)));
        }
    }

    [Fact]
    public void Logits_give_the_log_probs_that_they_were_made_from()
    {
        foreach (var batch in Batches(100))
        {
            var policy = PrefixTreePolicy.Spanning(batch);
            double[] logp = LogProbs(policy, batch, Random(new Draw(11, 0), policy.Parameters, 2));
            double[] again = LogProbs(policy, batch, policy.Logits(logp));
            Assert.All(logp.Zip(again), pair => Assert.Equal(pair.First, pair.Second, 1e-13));
        }
    }

    [Fact]
    public void What_mass_a_node_has_left_is_shared_evenly()
    {
        // V = 4, one token of probability 0.4: 0.2 for each of the others.
        var policy = PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([0]), Row([3]) with { Mask = [false] }]]));
        double[] logits = policy.Logits([Math.Log(0.4)]);

        Assert.All(logits[1..], logit => Assert.Equal(0.2, Math.Exp(logit), 1e-15));
    }

    [Fact]
    public void Two_log_probs_for_one_token_in_one_context_are_refused()
    {
        var policy = PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([0, 1]), Row([0, 2])]]));
        var refusal = Assert.Throws<InvalidInputException>(() => policy.Logits([-1, -2, -1.5, -2]));

        Assert.Equal("One token in one context has two log-probs: -1 and -1.5.", refusal.Message);
    }

    [Theory]
    [InlineData(0.6, 0.6)]
    [InlineData(0.5, 0.5)]
    public void Probabilities_that_leave_nothing_for_the_other_tokens_are_refused(double first, double second)
    {
        // V = 3, two of them sampled.
        var policy = PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([0]), Row([1]), Row([2]) with { Mask = [false] }]]));
        var refusal = Assert.Throws<InvalidInputException>(() => policy.Logits([Math.Log(first), Math.Log(second)]));

        Assert.Contains("must add to less than 1", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Probabilities_of_a_node_without_other_tokens_must_add_to_1()
    {
        var policy = PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([0]), Row([1])]]));

        Assert.Equal(2, policy.Logits([Math.Log(0.3), Math.Log(0.7)]).Length);
        Assert.Contains("must add to exactly 1", Assert.Throws<InvalidInputException>(() => policy.Logits([-1, -1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_negative_token_id_is_refused_where_it_stands()
    {
        var batch = RolloutBatch.Of([[Row([0]), Row([0, -7])]]);

        Assert.Equal("A tabular policy needs to know all token ids, and ids ≥ 0; row 1 has -7 at token 1.", Assert.Throws<InvalidInputException>(() => PrefixTreePolicy.Spanning(batch)).Message);
    }

    [Fact]
    public void A_batch_without_token_ids_is_refused() =>
        Assert.Throws<InvalidInputException>(() => PrefixTreePolicy.Spanning(RolloutBatch.Of([[Row([0]) with { Tokens = null }, Row([0]) with { Tokens = null }]])));

    private static Rollout Row(int[] ids)
    {
        double[] logps = [.. ids.Select(_ => -1.0)];
        return new() { Reward = 0, Logps = logps, OldLogps = logps, Tokens = ids };
    }

    private static IEnumerable<RolloutBatch> Batches(int count)
    {
        var domain = new RolloutDomain { OnPolicy = true, SharedPrefix = true, Reads = [Column.RefLogp] };
        return Enumerable.Range(0, count).Select(k => domain.Build(new((ulong)k, 100)));
    }

    private static double[] Random(Draw draw, int count, double size) => [.. Enumerable.Range(0, count).Select(_ => draw.Real(-size, size))];

    private static double[] Along(double[] start, double[] direction, double h) => [.. start.Zip(direction, (x, d) => x + (h * d))];

    private static double Dot(double[] left, double[] right) => left.Zip(right, (a, b) => a * b).Sum();

    private static double[] LogProbs(PrefixTreePolicy policy, RolloutBatch batch, double[] logits)
    {
        var logp = new double[batch.Tokens];
        policy.LogProbs(logits, logp);
        return logp;
    }
}
