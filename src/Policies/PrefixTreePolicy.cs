using GroupRL.Objectives;

namespace GroupRL.Policies;

/// <summary>
/// A tabular softmax policy over the prefix tree that a batch's completions span, one tree a prompt: every context has its own V
/// logits, log π(o | context) = z_o − log Σ_v e^{z_v}. Contexts share no parameters, so the score of a token is e_o − π at its node
/// and zero elsewhere, exactly.
/// </summary>
public sealed class PrefixTreePolicy
{
    private readonly int[] _nodeOfToken;
    private readonly int[] _idOfToken;

    private PrefixTreePolicy(int vocabulary, int nodes, int[] nodeOfToken, int[] idOfToken)
    {
        Vocabulary = vocabulary;
        Nodes = nodes;
        _nodeOfToken = nodeOfToken;
        _idOfToken = idOfToken;
    }

    /// <summary>V, the number of tokens that may follow any context: ids 0 … V − 1.</summary>
    public int Vocabulary { get; }

    /// <summary>The number of contexts at which some trainable token was sampled.</summary>
    public int Nodes { get; }

    /// <summary>The number of logits, V at each node; node k's are [k·V, (k+1)·V).</summary>
    public int Parameters => Nodes * Vocabulary;

    /// <summary>The policy whose contexts are those of <paramref name="batch"/>; V is one more than the largest token id, at least 2.</summary>
    /// <exception cref="InvalidInputException">The batch has no token ids, or a negative one.</exception>
    public static PrefixTreePolicy Spanning(RolloutBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        // A context is the node it extends and the token that extends it; prompts are contexts of their own, marked by token −1.
        var contexts = new Dictionary<(int Parent, int Token), int>();
        var nodeOfContext = new Dictionary<int, int>();
        var nodeOfToken = new int[batch.Tokens];
        var idOfToken = new int[batch.Tokens];
        int largest = 1;
        for (int i = 0; i < batch.Rows; i++)
        {
            var ids = batch.Ids(i);
            var positions = batch.Positions(i);
            int token = batch.Row(i).Start.Value, trainable = 0;
            int context = Child(-1 - batch.GroupOf(i), -1);
            for (int t = 0; t < ids.Length; t++)
            {
                if (ids[t] < 0)
                    throw InvalidInputException.Because($"A tabular policy needs to know all token ids, and ids ≥ 0; row {i} has {(ids[t] == RolloutBatch.UnknownId ? "an unknown one" : ids[t])} at token {t}.");
                largest = Math.Max(largest, ids[t]);
                if (trainable < positions.Length && positions[trainable] == t)
                {
                    if (!nodeOfContext.TryGetValue(context, out int node))
                        nodeOfContext[context] = node = nodeOfContext.Count;
                    nodeOfToken[token + trainable] = node;
                    idOfToken[token + trainable] = ids[t];
                    trainable++;
                }

                context = Child(context, ids[t]);
            }
        }

        return new(largest + 1, nodeOfContext.Count, nodeOfToken, idOfToken);

        int Child(int parent, int id)
        {
            if (!contexts.TryGetValue((parent, id), out int child))
                contexts[(parent, id)] = child = contexts.Count;
            return child;
        }
    }

    /// <summary>The node of trainable token <paramref name="token"/>.</summary>
    public int NodeOf(int token) => _nodeOfToken[token];

    /// <summary>
    /// Logits under which every sampled token has the log-prob that <paramref name="logp"/>, shape [N], gives it; what mass a node has
    /// left is shared evenly by its other tokens.
    /// </summary>
    /// <exception cref="InvalidInputException">No policy has these log-probs: two differ at one token of a node, or a node's exceed 1.</exception>
    public double[] Logits(ReadOnlySpan<double> logp)
    {
        var logits = new double[Parameters];
        Array.Fill(logits, double.NaN);
        for (int k = 0; k < _nodeOfToken.Length; k++)
        {
            ref double logit = ref logits[(_nodeOfToken[k] * Vocabulary) + _idOfToken[k]];
            if (!double.IsNaN(logit) && logit != logp[k])
                throw InvalidInputException.Because($"One token in one context has two log-probs: {logit} and {logp[k]}.");
            logit = logp[k];
        }

        for (int node = 0; node < Nodes; node++)
        {
            var own = logits.AsSpan(node * Vocabulary, Vocabulary);
            double left = 1;
            int others = 0;
            foreach (double logit in own)
            {
                if (double.IsNaN(logit))
                    others++;
                else
                    left -= Math.Exp(logit);
            }

            // Where every token was sampled there is no mass to share; the sum may miss 1 by the rounding of V exponentials.
            if (others > 0 ? left <= 0 : Math.Abs(left) > Vocabulary * 1e-15)
                throw InvalidInputException.Because($"The probabilities in one context must add to {(others > 0 ? "less than" : "exactly")} 1; they miss it by {left}.");
            foreach (ref double logit in own)
            {
                if (double.IsNaN(logit))
                    logit = Math.Log(left / others);
            }
        }

        return logits;
    }

    /// <summary>Writes log π of every trainable token, shape [N], nats.</summary>
    public void LogProbs(ReadOnlySpan<double> logits, Span<double> logp)
    {
        Span<double> normaliser = new double[Nodes];
        for (int node = 0; node < Nodes; node++)
            normaliser[node] = LogSumExp(Node(logits, node));
        for (int k = 0; k < _nodeOfToken.Length; k++)
            logp[k] = logits[(_nodeOfToken[k] * Vocabulary) + _idOfToken[k]] - normaliser[_nodeOfToken[k]];
    }

    /// <summary>Writes ∇_z J = Σ c·∇ log π = Σ c·(e_o − π), shape [parameters], for coefficients c, shape [N].</summary>
    public void Gradient(ReadOnlySpan<double> logits, ReadOnlySpan<double> coefficients, Span<double> gradient)
    {
        gradient.Clear();
        Span<double> mass = new double[Nodes];
        for (int k = 0; k < coefficients.Length; k++)
        {
            gradient[(_nodeOfToken[k] * Vocabulary) + _idOfToken[k]] += coefficients[k];
            mass[_nodeOfToken[k]] += coefficients[k];
        }

        for (int node = 0; node < Nodes; node++)
        {
            var own = Node(logits, node);
            double normaliser = LogSumExp(own);
            for (int v = 0; v < Vocabulary; v++)
                gradient[(node * Vocabulary) + v] -= mass[node] * Math.Exp(own[v] - normaliser);
        }
    }

    private ReadOnlySpan<double> Node(ReadOnlySpan<double> logits, int node) => logits.Slice(node * Vocabulary, Vocabulary);

    private static double LogSumExp(ReadOnlySpan<double> logits)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (double logit in logits)
            largest = Math.Max(largest, logit);
        foreach (double logit in logits)
            sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }
}
