using GroupRL.Objectives;

namespace GroupRL.Torch;

/// <summary>What a <see cref="TransformerPolicy"/> is made of, where it computes and in which numbers.</summary>
public sealed record TransformerSettings
{
    /// <summary>V ≥ 2, the number of tokens that may come next.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>The number of prompts, ≥ 1; each is a token of its own.</summary>
    public required int Prompts { get; init; }

    /// <summary>The largest number of tokens of a completion, ≥ 1.</summary>
    public required int Limit { get; init; }

    /// <summary>The number of blocks of attention and MLP, ≥ 1.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>The number of attention heads, a divisor of the width.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>W ≥ 1, the width of the residual stream; the MLPs are 4·W wide.</summary>
    public int Width { get; init; } = 64;

    /// <summary><c>cuda</c> or <c>cpu</c>; null: <c>cuda</c> where there is one.</summary>
    public string? Device { get; init; }

    /// <summary>
    /// The numbers of the matrix products: <c>float64</c>, <c>float32</c>, or <c>bfloat16</c>, where parameters, residual stream, softmax, LayerNorm and
    /// gradient stay float32.
    /// </summary>
    public string Dtype { get; init; } = "float32";

    internal void Check()
    {
        if (Vocabulary < 2 || Prompts < 1 || Limit < 1)
            throw InvalidInputException.Because($"A transformer needs at least 2 tokens to choose from, 1 prompt and 1 token a completion; got {Vocabulary}, {Prompts} and {Limit}.");
        if (Layers < 1 || Heads < 1 || Width < 1 || Width % Heads != 0)
            throw InvalidInputException.Because($"A transformer needs at least 1 layer and a width that its heads share evenly; got {Layers} layers, width {Width} and {Heads} heads.");
    }
}
