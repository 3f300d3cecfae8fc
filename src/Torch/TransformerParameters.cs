using System.Collections.Immutable;
using GroupRL.Checking;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>A tensor of θ: its values before training are normal with this mean and deviation.</summary>
internal readonly record struct ParameterBlock(string Name, ImmutableArray<long> Shape, double Mean, double Deviation)
{
    public long Size => Shape.Aggregate(1L, (size, side) => size * side);
}

/// <summary>The tensors that θ consists of, one after another in row-major order; matrices are [out, in].</summary>
internal sealed class TransformerParameters
{
    private readonly ImmutableArray<ParameterBlock> _blocks;
    private readonly long[] _sizes;

    public TransformerParameters(TransformerSettings settings)
    {
        _blocks = [.. List(settings)];
        _sizes = [.. _blocks.Select(block => block.Size)];
        Count = checked((int)_sizes.Sum());
    }

    /// <summary>d.</summary>
    public int Count { get; }

    /// <summary>θ before training; torch's own generators draw other numbers in other versions and on other devices.</summary>
    public double[] Initial(ulong seed)
    {
        var draw = new Draw(seed, 0);
        var theta = new List<double>(Count);
        foreach (var block in _blocks)
        {
            for (long k = 0; k < block.Size; k++)
                theta.Add(block.Deviation == 0 ? block.Mean : block.Mean + (block.Deviation * Normal(draw)));
        }

        return [.. theta];
    }

    /// <summary>Views of θ, shape [d], by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Views(Tensor theta)
    {
        // One split, since the gradient of a slice is a vector as long as θ, and there are dozens.
        var parts = theta.split(_sizes, dim: 0);
        return _blocks.Zip(parts).ToDictionary(pair => pair.First.Name, pair => pair.Second.view([.. pair.First.Shape]));
    }

    // Deviations are 1/√fan-in, for the layers that add to the residual stream divided by √(2·layers) as in GPT-2; the head's is 0.02, so that
    // a fresh policy is nearly uniform.
    private static IEnumerable<ParameterBlock> List(TransformerSettings settings)
    {
        long width = settings.Width;
        double narrow = 1 / Math.Sqrt(width), residual = 1 / Math.Sqrt(2 * settings.Layers);
        yield return new("embedding", [settings.Prompts + settings.Vocabulary, width], 0, narrow);
        yield return new("position", [settings.Limit, width], 0, narrow);
        for (int layer = 0; layer < settings.Layers; layer++)
        {
            foreach (var block in Norm($"{layer}.attention.norm")
                .Concat(Linear($"{layer}.attention.in", 3 * width, width, narrow))
                .Concat(Linear($"{layer}.attention.out", width, width, narrow * residual))
                .Concat(Norm($"{layer}.mlp.norm"))
                .Concat(Linear($"{layer}.mlp.in", 4 * width, width, narrow))
                .Concat(Linear($"{layer}.mlp.out", width, 4 * width, narrow / 2 * residual)))
                yield return block;
        }

        foreach (var block in Norm("norm").Concat(Linear("head", settings.Vocabulary, width, 0.02)))
            yield return block;

        ParameterBlock[] Norm(string name) => [new($"{name}.gain", [width], 1, 0), new($"{name}.bias", [width], 0, 0)];

        ParameterBlock[] Linear(string name, long wide, long from, double deviation) =>
            [new($"{name}.weight", [wide, from], 0, deviation), new($"{name}.bias", [wide], 0, 0)];
    }

    // Box and Muller (1958); 1 − u, since u may be 0.
    private static double Normal(Draw draw) => Math.Sqrt(-2 * Math.Log(1 - draw.Unit())) * Math.Cos(2 * Math.PI * draw.Unit());
}
