using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Policies;

/// <summary>
/// A tabular softmax policy so small that all of its completions can be listed: at most <see cref="Limit"/> tokens of a few letters, ended by
/// an end token or by the limit. Every context is a node with V logits of its own, π(o | node) = e^{z_o} / Σ_v e^{z_v}; the root is node 0,
/// letter l leads from node k to node k·letters + 1 + l. Two letters and a limit of 3 make 7 nodes and 15 completions.
/// </summary>
public sealed class TinyPolicy
{
    private readonly int[][] _tokens;
    private readonly int[][] _nodes;
    private readonly double[] _pi;
    private readonly double[] _probabilities;

    /// <summary>The policy of <paramref name="letters"/> letters and completions of at most <paramref name="limit"/> tokens.</summary>
    /// <param name="letters">V − 1 ≥ 1; the end token has the last id, V − 1.</param>
    /// <param name="limit">The largest number of tokens of a completion, ≥ 1.</param>
    /// <param name="logits">z, shape [nodes · V], node by node.</param>
    /// <exception cref="InvalidInputException">Less than one letter or token, a wrong number of logits, or one that is not finite.</exception>
    public TinyPolicy(int letters, int limit, ImmutableArray<double> logits)
    {
        if (letters < 1 || limit < 1)
            throw InvalidInputException.Because($"A tiny policy needs at least 1 letter and 1 token a completion; got {letters} and {limit}.");
        (Letters, Limit, Nodes) = (letters, limit, CountNodes(letters, limit));
        if (logits.Length != Parameters || !logits.All(double.IsFinite))
            throw InvalidInputException.Because($"A tiny policy of {Nodes} nodes needs {Parameters} finite logits; got {logits.Length}.");
        Logits = logits;
        _pi = Softmax(logits, Vocabulary);
        (_tokens, _nodes) = List(letters, Nodes);
        _probabilities = [.. Enumerable.Range(0, _tokens.Length).Select(y => PiOf(y).Aggregate(1.0, (product, pi) => product * pi))];
    }

    /// <summary>The number of letters.</summary>
    public int Letters { get; }

    /// <summary>The largest number of tokens of a completion.</summary>
    public int Limit { get; }

    /// <summary>z, shape [nodes · V].</summary>
    public ImmutableArray<double> Logits { get; }

    /// <summary>V: the letters and the end token.</summary>
    public int Vocabulary => Letters + 1;

    /// <summary>The number of contexts.</summary>
    public int Nodes { get; }

    /// <summary>The number of logits.</summary>
    public int Parameters => Nodes * Vocabulary;

    /// <summary>The number of completions: one that the end token ends at each node, node by node, then those that the limit ends.</summary>
    public int Completions => _tokens.Length;

    /// <summary>The completion of the likeliest token at each node, the first of equals.</summary>
    public int Greedy
    {
        get
        {
            // Completions are numbered as the nodes at which they end, those that the limit ends as the nodes that would come next.
            int node = 0;
            while (node < Nodes && Likeliest(node) is var token && token != Letters)
                node = (node * Letters) + 1 + token;
            return node;
        }
    }

    /// <summary>The number of contexts, 1 + letters + … + letters^(limit − 1).</summary>
    public static int CountNodes(int letters, int limit) => Enumerable.Range(0, limit).Aggregate(0, (nodes, _) => checked((nodes * letters) + 1));

    /// <summary>The number of completions, a node's one each and letters^limit.</summary>
    public static int CountCompletions(int letters, int limit) => CountNodes(letters, limit + 1);

    /// <summary>The token ids of completion <paramref name="y"/>, shape [L].</summary>
    public ReadOnlySpan<int> Tokens(int y) => _tokens[y];

    /// <summary>The nodes at which its tokens are drawn, shape [L].</summary>
    public ReadOnlySpan<int> NodesOf(int y) => _nodes[y];

    /// <summary>L, its number of tokens.</summary>
    public int Length(int y) => _tokens[y].Length;

    /// <summary>Its letters, and a full stop for the end token.</summary>
    public string Text(int y) => string.Concat(_tokens[y].Select(token => token == Letters ? '.' : (char)('a' + token)));

    /// <summary>π(y), the product of its tokens' probabilities.</summary>
    public double Probability(int y) => _probabilities[y];

    /// <summary>log π of its tokens, shape [L], nats.</summary>
    public double[] Logps(int y) => [.. PiOf(y).Select(pi => Math.Log(pi))];

    /// <summary>The entropies of the nodes at which its tokens are drawn, shape [L], nats.</summary>
    public double[] Entropies(int y) => [.. _nodes[y].Select(node => -Node(node).ToArray().Sum(pi => pi == 0 ? 0 : pi * Math.Log(pi)))];

    /// <summary>Σ_v π(v)² of those nodes, shape [L].</summary>
    public double[] SumPiSquared(int y) => [.. _nodes[y].Select(node => Node(node).ToArray().Sum(pi => pi * pi))];

    /// <summary>Adds Σₜ cₜ·∇log π(yₜ) = Σₜ cₜ·(e_{yₜ} − π), shape [parameters], for coefficients c, shape [L].</summary>
    public void AddScore(int y, ReadOnlySpan<double> coefficients, Span<double> gradient)
    {
        for (int t = 0; t < coefficients.Length; t++)
        {
            int first = _nodes[y][t] * Vocabulary;
            for (int v = 0; v < Vocabulary; v++)
                gradient[first + v] -= coefficients[t] * _pi[first + v];
            gradient[first + _tokens[y][t]] += coefficients[t];
        }
    }

    /// <summary>E[R] = Σ_y π(y)·R(y) for a reward per completion, shape [completions].</summary>
    public double Mean(ReadOnlySpan<double> rewards)
    {
        double mean = 0;
        for (int y = 0; y < Completions; y++)
            mean += _probabilities[y] * rewards[y];
        return mean;
    }

    /// <summary>∇E[R] = Σ_y π(y)·(R(y) − E[R])·∇log π(y), shape [parameters].</summary>
    public double[] Gradient(ReadOnlySpan<double> rewards)
    {
        double mean = Mean(rewards);
        var gradient = new double[Parameters];
        for (int y = 0; y < Completions; y++)
        {
            double[] coefficients = new double[Length(y)];
            Array.Fill(coefficients, _probabilities[y] * (rewards[y] - mean));
            AddScore(y, coefficients, gradient);
        }

        return gradient;
    }

    // A completion ends at its node, or takes a letter at one of the last nodes, which has no children.
    private static (int[][] Tokens, int[][] Nodes) List(int letters, int nodes)
    {
        List<int[]> tokens = [], visited = [];
        for (int node = 0; node < nodes; node++)
            Add(node, letters);
        for (int node = 0; node < nodes; node++)
        {
            for (int letter = 0; letter < letters && (node * letters) + 1 >= nodes; letter++)
                Add(node, letter);
        }

        return ([.. tokens], [.. visited]);

        void Add(int node, int last)
        {
            List<int> ids = [last], path = [node];
            for (int at = node; at > 0; at = (at - 1) / letters)
            {
                ids.Insert(0, (at - 1) % letters);
                path.Insert(0, (at - 1) / letters);
            }

            tokens.Add([.. ids]);
            visited.Add([.. path]);
        }
    }

    // Divided by their sum, so that the probabilities of a node add to 1 within V + 1 roundings, whatever the exponentials' are.
    private static double[] Softmax(ImmutableArray<double> logits, int vocabulary)
    {
        var pi = new double[logits.Length];
        for (int first = 0; first < pi.Length; first += vocabulary)
        {
            var own = logits.AsSpan().Slice(first, vocabulary);
            double largest = double.NegativeInfinity, sum = 0;
            foreach (double logit in own)
                largest = Math.Max(largest, logit);
            for (int v = 0; v < vocabulary; v++)
                sum += pi[first + v] = Math.Exp(own[v] - largest);
            for (int v = 0; v < vocabulary; v++)
                pi[first + v] /= sum;
        }

        return pi;
    }

    private ReadOnlySpan<double> Node(int node) => _pi.AsSpan(node * Vocabulary, Vocabulary);

    private IEnumerable<double> PiOf(int y) => _tokens[y].Zip(_nodes[y], (token, node) => _pi[(node * Vocabulary) + token]);

    private int Likeliest(int node)
    {
        int best = 0;
        for (int v = 1; v < Vocabulary; v++)
            best = Node(node)[v] > Node(node)[best] ? v : best;
        return best;
    }
}
