using GroupRL.Objectives;

namespace GroupRL.Policies;

/// <summary>Which features a context has; each has the value 1, and all others 0.</summary>
public abstract record ContextFeatures
{
    /// <summary>The name that reports carry.</summary>
    public abstract string Id { get; }

    /// <summary>V, the number of tokens.</summary>
    public abstract int Vocabulary { get; }

    /// <summary>F, the number of features that there are.</summary>
    public abstract int Count { get; }

    /// <summary>How many of them a context has.</summary>
    public abstract int Active { get; }

    /// <summary>Writes those of the context after <paramref name="before"/>, in answer to <paramref name="prompt"/>, shape [Active], all different.</summary>
    public abstract void Of(int prompt, ReadOnlySpan<int> before, Span<int> features);
}

/// <summary>
/// One feature for every context, which is all that it has: a tabular policy over the prefix tree, whose contexts share nothing. The tree of
/// a prompt has V^t nodes after t tokens, those after fewer than <paramref name="Limit"/> tokens.
/// </summary>
/// <param name="Prompts">The number of prompts, a tree each.</param>
/// <param name="Vocabulary">V, the end token among them.</param>
/// <param name="Limit">The largest number of tokens of a completion.</param>
public sealed record PrefixTree(int Prompts, int Vocabulary, int Limit) : ContextFeatures
{
    private int Nodes => TinyPolicy.CountNodes(Vocabulary, Limit);

    /// <inheritdoc/>
    public override string Id => "tree";

    /// <summary>V, the end token among them.</summary>
    public override int Vocabulary { get; } = Vocabulary;

    /// <inheritdoc/>
    public override int Count => checked(Prompts * Nodes);

    /// <inheritdoc/>
    public override int Active => 1;

    /// <inheritdoc/>
    public override void Of(int prompt, ReadOnlySpan<int> before, Span<int> features)
    {
        int node = 0;
        foreach (int token in before)
            node = (node * Vocabulary) + 1 + token;
        features[0] = (prompt * Nodes) + node;
    }
}

/// <summary>
/// What contexts have in common: that they are contexts, the position, the position of this very prompt, the last token, and the last two.
/// Contexts share these features, so that a step on one token moves others.
/// </summary>
/// <param name="Prompts">The number of prompts.</param>
/// <param name="Vocabulary">V, the end token among them.</param>
/// <param name="Limit">The largest number of tokens of a completion.</param>
public sealed record NGrams(int Prompts, int Vocabulary, int Limit) : ContextFeatures
{
    // Before the first token there is none, which counts as one more.
    private int Symbols => Vocabulary + 1;

    /// <inheritdoc/>
    public override string Id => "log-linear";

    /// <summary>V, the end token among them.</summary>
    public override int Vocabulary { get; } = Vocabulary;

    /// <inheritdoc/>
    public override int Count => checked(((Prompts + 1) * Limit) + Symbols + (Symbols * Symbols) + 1);

    /// <inheritdoc/>
    public override int Active => 5;

    /// <inheritdoc/>
    public override void Of(int prompt, ReadOnlySpan<int> before, Span<int> features)
    {
        int last = before.Length > 0 ? before[^1] : Vocabulary, earlier = before.Length > 1 ? before[^2] : Vocabulary;
        int grams = (Prompts + 1) * Limit;
        features[0] = before.Length;
        features[1] = ((prompt + 1) * Limit) + before.Length;
        features[2] = grams + last;
        features[3] = grams + Symbols + (earlier * Symbols) + last;
        features[4] = Count - 1;
    }
}

/// <summary>
/// π = softmax(Σ_f W[f, ·]) over the features f of a context: a log-linear policy with parameters W, shape [F, V], and the exact pull-back
/// ∂z/∂W[f, ·] = 1 where the context has f. Tabular where a context has one feature of its own.
/// </summary>
/// <param name="features">The features of contexts.</param>
public sealed class LinearPolicy(ContextFeatures features) : IPolicy
{
    /// <summary>The features of contexts.</summary>
    public ContextFeatures Features { get; } = features;

    /// <inheritdoc/>
    public string Id => Features.Id;

    /// <inheritdoc/>
    public int Vocabulary => Features.Vocabulary;

    /// <inheritdoc/>
    public int Parameters => Features.Count * Vocabulary;

    /// <inheritdoc/>
    public (int Rows, int Columns)? Matrix => (Features.Count, Vocabulary);

    /// <summary>0, at which all tokens are equally likely, whatever the seed.</summary>
    public double[] Initial(ulong seed) => new double[Parameters];

    /// <inheritdoc/>
    public IForwardPass Forward(ReadOnlySpan<double> theta, IReadOnlyList<Sequence> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        if (theta.Length != Parameters)
            throw InvalidInputException.Because($"A {Id} policy has {Parameters} parameters; got {theta.Length}.");
        int active = Features.Active, vocabulary = Vocabulary, at = 0;
        var contexts = new int[sequences.Sum(sequence => sequence.Tokens.Length) * active];
        foreach (var (prompt, tokens) in sequences)
        {
            for (int t = 0; t < tokens.Length; t++, at += active)
                Features.Of(prompt, tokens.AsSpan()[..t], contexts.AsSpan(at, active));
        }

        var logits = new double[contexts.Length / active * vocabulary];
        for (int k = 0; k < contexts.Length; k++)
        {
            Span<double> own = logits.AsSpan(k / active * vocabulary, vocabulary);
            var weights = theta.Slice(contexts[k] * vocabulary, vocabulary);
            for (int v = 0; v < own.Length; v++)
                own[v] += weights[v];
        }

        return new Pass(Features, contexts, logits);
    }

    private sealed class Pass(ContextFeatures features, int[] contexts, double[] logits) : IForwardPass
    {
        public ReadOnlySpan<double> Logits => logits;

        public double[] PullBack(ReadOnlySpan<double> slopes)
        {
            int vocabulary = features.Vocabulary;
            var gradient = new double[features.Count * vocabulary];
            for (int k = 0; k < contexts.Length; k++)
            {
                var own = slopes.Slice(k / features.Active * vocabulary, vocabulary);
                for (int v = 0; v < own.Length; v++)
                    gradient[(contexts[k] * vocabulary) + v] += own[v];
            }

            return gradient;
        }

        public void Dispose()
        {
        }
    }
}
