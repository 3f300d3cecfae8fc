using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;
using GroupRL.Trainer;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>Policies whose gradients are exact.</summary>
public class PolicyTests
{
    public static TheoryData<string> Policies => [.. TaskPolicies.Names];

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_pull_back_is_the_derivative_of_the_logits(string name)
    {
        var task = new SumTask();
        var policy = TaskPolicies.Of(name, task);
        Sequence[] sequences = [new(0, [0, 1, 2, 3]), new(2, [0, 1, 0]), new(0, [0])];
        double[] theta = Waves(policy.Parameters, 0.7), slopes = Waves(8 * task.Vocabulary, 1.3), direction = Waves(policy.Parameters, 2.1);
        using var pass = policy.Forward(theta, sequences);

        double derivative = pass.PullBack(slopes).Zip(direction, (g, d) => g * d).Sum();
        // Logits are linear in θ: a difference over a step of 1 is the derivative itself.
        using var moved = policy.Forward([.. theta.Zip(direction, (t, d) => t + d)], sequences);
        double difference = slopes.Select((slope, k) => slope * (moved.Logits[k] - pass.Logits[k])).Sum();

        Assert.NotEqual(0, derivative);
        Assert.Equal(difference, derivative, 10);
    }

    [Fact]
    public void Contexts_of_the_tree_share_nothing_and_those_of_the_log_linear_policy_do()
    {
        var task = new SumTask();
        Sequence[] one = [new(0, [1])], other = [new(1, [2, 1])];

        Assert.Equal(0, Overlap(TaskPolicies.Of("tree", task)));
        Assert.NotEqual(0, Overlap(TaskPolicies.Of("log-linear", task)));

        double Overlap(IPolicy policy)
        {
            using var first = policy.Forward(policy.Initial(0), one);
            using var second = policy.Forward(policy.Initial(0), other);
            return first.PullBack([1, 0, 0, 0]).Zip(second.PullBack([1, 0, 0, 0, 1, 0, 0, 0]), (a, b) => a * b).Sum();
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void What_an_opening_was_no_later_context_sees(string name)
    {
        var task = new MajorityTask();
        var policy = TaskPolicies.Of(name, task);
        double[] theta = Waves(policy.Parameters, 0.9);
        using var one = policy.Forward(theta, [new(0, [0, 1, 2, 3])]);
        using var other = policy.Forward(theta, [new(0, [3, 1, 2, 3])]);

        Assert.Equal(one.Logits.ToArray(), other.Logits.ToArray());
    }

    [Fact]
    public void Distributions_are_those_of_softmax()
    {
        double[] logits = [0, Math.Log(2), Math.Log(5), 1000, 1000, -1000];
        var pi = new TokenDistributions(logits, 3);

        Assert.Equal(Math.Log(0.125), pi.LogPi(0)[0], 14);
        Assert.Equal(Math.Log(0.625), pi.LogPi(0)[2], 14);
        Assert.Equal(-(0.125 * Math.Log(0.125)) - (0.25 * Math.Log(0.25)) - (0.625 * Math.Log(0.625)), pi.Entropy(0), 14);
        Assert.Equal(0.015625 + 0.0625 + 0.390625, pi.SumPiSquared(0), 14);
        Assert.Equal(2, pi.Likeliest(0));
        Assert.Equal([0, 0, 1, 1, 2, 2], new[] { 0, 0.124, 0.126, 0.374, 0.376, 0.9999 }.Select(uniform => pi.Drawn(0, uniform)));
        Assert.Equal(Math.Log(0.5), pi.LogPi(1)[1], 12);
        Assert.Equal(Math.Log(2), pi.Entropy(1), 12);
        Assert.Contains("logits must be finite; token 1 has NaN", Assert.Throws<InvalidInputException>(() => new TokenDistributions([0, 0, double.NaN, 0], 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Slopes_are_the_derivatives_of_log_probs_and_entropy()
    {
        double[] logits = [0.3, -1.2, 0.8, 0.1];
        const double C = 1.7, H = -0.6, Step = 1e-6;
        var slopes = new double[4];
        new TokenDistributions(logits, 4).AddSlopes(0, 2, C, H, slopes);

        for (int v = 0; v < 4; v++)
        {
            double[] up = [.. logits], down = [.. logits];
            (up[v], down[v]) = (up[v] + Step, down[v] - Step);
            Assert.Equal((Value(up) - Value(down)) / (2 * Step), slopes[v], 8);
        }

        static double Value(double[] at)
        {
            var pi = new TokenDistributions(at, 4);
            return (C * pi.LogPi(0)[2]) + (H * pi.Entropy(0));
        }
    }

    [Fact]
    public void Parameters_of_another_number_are_refused() => Assert.Contains(
        "policy has 5460 parameters; got 3",
        Assert.Throws<InvalidInputException>(() => new LinearPolicy(new PrefixTree(1, 4, 6)).Forward(new double[3], [])).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_direction_that_is_reset_is_the_direction_until_its_gradient_is_zero_and_then_a_new_one()
    {
        var within = new ScaleByAdam();
        var plain = new Optimizer("plain", [within, new ScaleByLearningRate(0.1)]);
        var reset = new Optimizer("reset", [new ResetWhereGradientStops(within), new ScaleByLearningRate(0.1)]);
        double[][] gradients = [[1, -2], [0.5, 3], [0, 1], [2, -1]];

        double[][] kept = Updates(plain, gradients), own = Updates(reset, gradients), again = Updates(plain, [[2, 0]]);
        Assert.Equal(kept[0], own[0]);
        Assert.Equal(kept[1], own[1]);
        Assert.NotEqual(0, kept[2][0]);
        Assert.Equal(0, own[2][0]);
        Assert.Equal([.. kept.Select(update => update[1])], own.Select(update => update[1]));
        Assert.Equal(again[0][0], own[3][0]);
        Assert.Throws<ArgumentException>(() => new ResetWhereGradientStops(new ScaleByMuon()));

        // A coordinate that was just reset is at its first step, which for RAdam has no bound, and another degree than the later ones.
        var adam = new ResetWhereGradientStops(new ScaleByAdam(Beta2: 0.95));
        var rectified = new ResetWhereGradientStops(new ScaleByRAdam());
        Assert.Equal(Enumerable.Range(1, 30).Max(t => new ScaleByAdam(Beta2: 0.95).Bound(t)), adam.Bound(30));
        Assert.Null(rectified.Bound(30));
        Assert.NotNull(adam.Under(1024, 1));
        Assert.Null(rectified.Under(1024, 1));

        static double[][] Updates(Optimizer optimizer, double[][] gradients)
        {
            var state = optimizer.Initial(gradients[0].Length);
            return [.. gradients.Select(gradient =>
            {
                var step = optimizer.Step(state, new double[gradient.Length], gradient);
                state = step.State;
                return step.Update;
            })];
        }
    }

    internal static double[] Waves(int count, double frequency) => [.. Enumerable.Range(1, count).Select(k => Math.Sin(frequency * k))];
}
