using GroupRL.Checking;
using GroupRL.Policies;
using GroupRL.Torch;

namespace GroupRL.EndToEnd;

/// <summary>A transformer with five tokens to choose from and three prompts, ragged sequences of it, and parameters that hide nothing.</summary>
internal static class TransformerCases
{
    public static TransformerSettings Settings => new() { Vocabulary = 5, Prompts = 3, Limit = 7, Heads = 2, Width = 16, Dtype = "float64" };

    public static IReadOnlyList<Sequence> Ragged => [new(0, [1, 2, 3, 0, 4]), new(2, [4]), new(1, [0, 0, 3, 1, 2, 2, 4]), new(0, [3, 4])];

    /// <summary>θ with no gain of 1 and no bias of 0, as after training.</summary>
    public static double[] Theta(TransformerPolicy policy, ulong seed)
    {
        var draw = new Draw(seed, 0);
        return [.. policy.Initial(seed).Select(own => own + draw.Real(-0.3, 0.3))];
    }

    public static double[] Uniform(ulong seed, int length)
    {
        var draw = new Draw(seed, 0);
        return [.. Enumerable.Range(0, length).Select(_ => draw.Real(-1, 1))];
    }

    public static double[] Logits(TransformerPolicy policy, double[] theta, IReadOnlyList<Sequence> sequences)
    {
        using var pass = policy.Forward(theta, sequences);
        return pass.Logits.ToArray();
    }

    public static double[] PullBack(TransformerPolicy policy, double[] theta, IReadOnlyList<Sequence> sequences, double[] slopes)
    {
        using var pass = policy.Forward(theta, sequences);
        return pass.PullBack(slopes);
    }

    public static double Dot(double[] a, double[] b) => a.Zip(b, (left, right) => left * right).Sum();
}
