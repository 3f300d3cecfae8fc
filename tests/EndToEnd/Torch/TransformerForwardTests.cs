using GroupRL.Objectives;
using GroupRL.Torch;
using Xunit;
using static GroupRL.EndToEnd.TransformerCases;

namespace GroupRL.EndToEnd;

/// <summary>The logits of the transformer: what they are, what they may depend on, and in which numbers.</summary>
public class TransformerForwardTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    public void Logits_are_those_of_the_same_network_in_plain_loops(int layers, int heads)
    {
        var settings = Settings with { Layers = layers, Heads = heads };
        var policy = new TransformerPolicy(settings);
        double[] theta = Theta(policy, 1), logits = Logits(policy, theta, Ragged);

        var plain = new PlainTransformer(settings, theta);
        double[] byLoops = [.. Ragged.SelectMany(sequence => plain.Logits(sequence.Prompt, sequence.Tokens)).SelectMany(own => own)];
        Assert.Equal(15 * 5, byLoops.Length);
        AssertNear(byLoops, logits, 1e-12 * byLoops.Max(Math.Abs));
    }

    [Fact]
    public void A_token_is_seen_by_the_tokens_after_it_alone()
    {
        var policy = new TransformerPolicy(Settings);
        double[] theta = Theta(policy, 2);
        for (int t = 0; t < 7; t++)
        {
            double[] before = Logits(policy, theta, [new(1, [0, 0, 3, 1, 2, 2, 4])]);
            double[] after = Logits(policy, theta, [new(1, Ragged[2].Tokens.SetItem(t, (Ragged[2].Tokens[t] + 1) % 5))]);

            AssertNear(before[..((t + 1) * 5)], after[..((t + 1) * 5)], 1e-12);
            for (int later = t + 1; later < 7; later++)
                Assert.True(Distance(before[(later * 5)..((later * 5) + 5)], after[(later * 5)..((later * 5) + 5)]) > 1e-3);
        }
    }

    [Fact]
    public void A_prompt_is_seen_by_every_token()
    {
        var policy = new TransformerPolicy(Settings);
        double[] theta = Theta(policy, 2), one = Logits(policy, theta, [Ragged[2]]), other = Logits(policy, theta, [Ragged[2] with { Prompt = 0 }]);

        for (int t = 0; t < 7; t++)
            Assert.True(Distance(one[(t * 5)..((t * 5) + 5)], other[(t * 5)..((t * 5) + 5)]) > 1e-3);
    }

    [Fact]
    public void A_sequence_has_the_same_logits_alone_and_padded_among_others()
    {
        var policy = new TransformerPolicy(Settings);
        double[] theta = Theta(policy, 3), together = Logits(policy, theta, Ragged);

        AssertNear([.. Ragged.SelectMany(sequence => Logits(policy, theta, [sequence]))], together, 1e-12);
        AssertNear(Logits(policy, theta, [new(2, [0])]), together[25..30], 1e-12);
    }

    [Fact]
    public void Single_precision_is_near_to_double()
    {
        Assert.True(RelativeError("float32") < 1e-4);
        Assert.True(RelativeError("float32") > 1e-12, "float32 must be another computation than float64");
    }

    [SkippableFact]
    public void Half_precision_is_near_to_double_and_its_gradient_too()
    {
        Skip.IfNot(Devices.HasBfloat16(null), "the device has no bfloat16");

        Assert.True(RelativeError("bfloat16") < 5e-2);
        Assert.True(RelativeError("bfloat16") > 1e-4, "bfloat16 must be another computation than float32");
        Assert.True(GradientError("bfloat16") < 5e-2);
        Assert.True(GradientError("float32") < 1e-4);
    }

    [Fact]
    public void Parameters_before_training_are_those_of_their_seed_on_any_device_and_in_any_dtype()
    {
        double[] theta = new TransformerPolicy(Settings).Initial(4);

        Assert.Equal(theta, new TransformerPolicy(Settings with { Dtype = "float32", Device = "cpu" }).Initial(4));
        Assert.DoesNotContain(new TransformerPolicy(Settings).Initial(5).Zip(theta), pair => pair.First == pair.Second && pair.First is not (0 or 1));
    }

    [Fact]
    public void A_fresh_policy_is_nearly_uniform_and_has_the_deviations_of_its_fan_ins()
    {
        var settings = new TransformerSettings { Vocabulary = 12, Prompts = 8, Limit = 12, Dtype = "float64" };
        var policy = new TransformerPolicy(settings);
        double[] theta = policy.Initial(6);

        Assert.Equal((20 * 64) + (12 * 64) + (2 * ((12 * 64 * 64) + (13 * 64))) + 128 + (12 * 65), policy.Parameters);
        Assert.Equal(policy.Parameters, theta.Length);
        // The first 20·64 numbers are the embedding; a sample of n has the deviation of its law within 1/√(2n), thrice.
        Assert.Equal(1.0 / 8, Math.Sqrt(theta[..1280].Average(own => own * own)), 3.0 / 8 / Math.Sqrt(2 * 1280));
        Assert.All(Logits(policy, theta, [new(0, [1, 2, 3])]), z => Assert.InRange(z, -1, 1));
        Assert.Equal(5 * 64, theta.Count(own => own == 1));
        Assert.Equal((5 * 64) + (2 * 9 * 64) + 12, theta.Count(own => own == 0));
    }

    [Fact]
    public void What_a_policy_cannot_take_is_told_in_a_sentence()
    {
        var policy = new TransformerPolicy(Settings);
        double[] theta = policy.Initial(0);

        Refused("A token id must be one of 0 … 4; sequence 1 has 5 at token 0.", () => policy.Forward(theta, [new(0, [1]), new(0, [5])]));
        Refused("A token id must be one of 0 … 4; sequence 0 has -1 at token 1.", () => policy.Forward(theta, [new(0, [1, -1])]));
        Refused("A prompt must be one of 0 … 2; sequence 0 has 3.", () => policy.Forward(theta, [new(3, [1])]));
        Refused("A sequence must have 1 … 7 tokens; sequence 0 has 8.", () => policy.Forward(theta, [new(0, [0, 0, 0, 0, 0, 0, 0, 0])]));
        Refused("A sequence must have 1 … 7 tokens; sequence 0 has 0.", () => policy.Forward(theta, [new(0, [])]));
        Refused("A sequence must have 1 … 7 tokens; sequence 0 has 0.", () => policy.Forward(theta, [new(0, default)]));
        Refused("A policy needs at least 1 sequence; got none.", () => policy.Forward(theta, []));
        Refused($"θ must have {policy.Parameters} numbers; got {policy.Parameters - 1}.", () => policy.Forward(theta.AsSpan()[1..], Ragged));
        Refused("There must be one slope a logit, 75; got 74.", () => PullBack(policy, theta, Ragged, new double[74]));
    }

    [Fact]
    public void Sizes_that_make_no_network_are_told_in_a_sentence()
    {
        Refused(
            "A transformer needs at least 2 tokens to choose from, 1 prompt and 1 token a completion; got 1, 3 and 7.",
            () => new TransformerPolicy(Settings with { Vocabulary = 1 }));
        Refused(
            "A transformer needs at least 1 layer and a width that its heads share evenly; got 2 layers, width 16 and 3 heads.",
            () => new TransformerPolicy(Settings with { Heads = 3 }));
    }

    private static double RelativeError(string dtype)
    {
        var precise = new TransformerPolicy(Settings);
        double[] theta = Theta(precise, 7), right = Logits(precise, theta, Ragged);
        return Distance(right, Logits(new(Settings with { Dtype = dtype }), theta, Ragged)) / right.Max(Math.Abs);
    }

    private static double GradientError(string dtype)
    {
        var precise = new TransformerPolicy(Settings);
        double[] theta = Theta(precise, 7), slopes = Uniform(8, 75), right = PullBack(precise, theta, Ragged, slopes);
        return Distance(right, PullBack(new(Settings with { Dtype = dtype }), theta, Ragged, slopes)) / right.Max(Math.Abs);
    }

    private static double Distance(double[] expected, double[] actual) => expected.Zip(actual, (left, right) => Math.Abs(left - right)).Max();

    private static void AssertNear(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(Distance(expected, actual), 0, tolerance);
    }

    private static void Refused(string sentence, Func<object> act) => Assert.Equal(sentence, Assert.Throws<InvalidInputException>(act).Message);
}
