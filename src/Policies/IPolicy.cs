using System.Collections.Immutable;

namespace GroupRL.Policies;

/// <summary>A completion of a prompt, or its beginning.</summary>
/// <param name="Prompt">Which prompt it answers, 0 ≤ prompt &lt; number of prompts.</param>
/// <param name="Tokens">Its token ids, 0 ≤ id &lt; V, shape [L].</param>
public sealed record Sequence(int Prompt, ImmutableArray<int> Tokens);

/// <summary>
/// An autoregressive policy π_θ(o | prompt, the tokens before). θ is data, one flat vector, and a policy is two functions of it: the logits of
/// next tokens, and the exact pull-back of a slope on logits to a gradient on θ. Softmax, log-probs and entropies are made of the logits by
/// <see cref="TokenDistributions"/>, once for all policies.
/// </summary>
public interface IPolicy
{
    /// <summary>The name that reports carry.</summary>
    string Id { get; }

    /// <summary>V, the number of tokens that may come next; the end token has the last id, V − 1.</summary>
    int Vocabulary { get; }

    /// <summary>d, the number of parameters.</summary>
    int Parameters { get; }

    /// <summary>The rows and columns of θ where it is one matrix, in row-major order; null where it is not.</summary>
    (int Rows, int Columns)? Matrix { get; }

    /// <summary>θ before training, shape [d]; the same for the same seed.</summary>
    double[] Initial(ulong seed);

    /// <summary>The policy at <paramref name="theta"/>, shape [d], on all contexts at which the tokens of <paramref name="sequences"/> are drawn.</summary>
    IForwardPass Forward(ReadOnlySpan<double> theta, IReadOnlyList<Sequence> sequences);
}

/// <summary>What a policy computed, kept until it is disposed of so that a slope can be pulled back.</summary>
public interface IForwardPass : IDisposable
{
    /// <summary>z, shape [N, V], N = Σ L: for each token of each sequence the logits that it is drawn from.</summary>
    ReadOnlySpan<double> Logits { get; }

    /// <summary>Σ slope · ∂z/∂θ, shape [d], for slopes on logits, shape [N, V].</summary>
    double[] PullBack(ReadOnlySpan<double> slopes);
}
