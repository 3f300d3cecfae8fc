using GroupRL.Checking;
using GroupRL.Policies;
using GroupRL.Torch;
using Xunit;
using static GroupRL.EndToEnd.TransformerCases;

namespace GroupRL.EndToEnd;

/// <summary>What slopes on logits pull back to, against the logits themselves.</summary>
public class TransformerGradientTests
{
    [Fact]
    public void A_gradient_is_that_of_central_differences()
    {
        var policy = new TransformerPolicy(Settings);
        double[] theta = Theta(policy, 11), slopes = Uniform(12, 75), gradient = PullBack(policy, theta, Ragged, slopes);
        double typical = Math.Sqrt(gradient.Average(own => own * own));
        var draw = new Draw(13, 0);
        // The error of a difference is h²/6 of the third derivative and the rounding of Σ slope·z over h.
        const double Step = 1e-5;
        for (int trial = 0; trial < 30; trial++)
        {
            int k = draw.Whole(0, policy.Parameters - 1);
            double difference = (Along(k, Step) - Along(k, -Step)) / (2 * Step);

            Assert.Equal(gradient[k], difference, 1e-6 * Math.Max(Math.Abs(gradient[k]), typical));
        }

        double Along(int k, double h)
        {
            double[] moved = [.. theta];
            moved[k] += h;
            return Dot(slopes, Logits(policy, moved, Ragged));
        }
    }

    [Fact]
    public void A_gradient_leaves_a_remainder_of_third_order_in_every_direction_and_a_wrong_one_does_not()
    {
        var policy = new TransformerPolicy(Settings);
        double[] theta = Theta(policy, 14), slopes = Uniform(15, 75), gradient = PullBack(policy, theta, Ragged, slopes);
        for (ulong seed = 16; seed < 19; seed++)
        {
            double[] direction = Uniform(seed, policy.Parameters);
            double slope = Dot(gradient, direction);

            Assert.True(Order(direction, slope) > TaylorCheck.LeastOrder);
            Assert.False(Order(direction, slope * 1.0001) > TaylorCheck.LeastOrder);
        }

        double Order(double[] direction, double slope) => TaylorCheck.Order(
            h => Dot(slopes, Logits(policy, [.. theta.Zip(direction, (own, way) => own + (h * way))], Ragged)), slope, 1e-2, 1e-11);
    }

    [Fact]
    public void A_pass_pulls_back_as_often_as_it_is_asked_and_linearly()
    {
        var policy = new TransformerPolicy(Settings);
        using var pass = policy.Forward(Theta(policy, 20), Ragged);
        double[] slopes = Uniform(21, 75), once = pass.PullBack(slopes), twice = pass.PullBack([.. slopes.Select(slope => 2 * slope)]);

        Assert.Equal(once, pass.PullBack(slopes));
        Assert.All(once.Zip(twice), pair => Assert.Equal(2 * pair.First, pair.Second, 1e-12));
        Assert.All(pass.PullBack(new double[75]), own => Assert.Equal(0, own));
    }

    [Fact]
    public void What_no_sequence_reads_has_no_gradient()
    {
        var policy = new TransformerPolicy(Settings);
        double[] gradient = PullBack(policy, Theta(policy, 22), [new(1, [0, 4]), new(1, [0])], Uniform(23, 15));

        // Rows of the embedding: 3 prompts, then 5 tokens; then 7 positions. Prompt 1, token 0 and positions 0 and 1 are read.
        for (int row = 0; row < 15; row++)
            Assert.Equal(row is 1 or 3 or 8 or 9, gradient.AsSpan(row * 16, 16).ContainsAnyExcept(0));
    }

    [Fact]
    public void A_pass_that_was_disposed_of_pulls_nothing_back()
    {
        var policy = new TransformerPolicy(Settings);
        var pass = policy.Forward(policy.Initial(0), [new Sequence(0, [1])]);
        pass.Dispose();
        pass.Dispose();

        Assert.Throws<ObjectDisposedException>(() => pass.PullBack(new double[5]));
    }
}
