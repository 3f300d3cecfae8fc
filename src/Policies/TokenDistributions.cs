using GroupRL.Objectives;

namespace GroupRL.Policies;

/// <summary>The distributions that tokens are drawn from, π = softmax(z), shape [N, V], with what objectives read of them.</summary>
public sealed class TokenDistributions
{
    private readonly int _vocabulary;
    private readonly double[] _logPi;

    /// <summary>The distributions of logits, shape [N, V].</summary>
    /// <exception cref="InvalidInputException">A logit is not finite.</exception>
    public TokenDistributions(ReadOnlySpan<double> logits, int vocabulary)
    {
        _vocabulary = vocabulary;
        _logPi = logits.ToArray();
        for (int first = 0; first < _logPi.Length; first += vocabulary)
        {
            var own = _logPi.AsSpan(first, vocabulary);
            double largest = double.NegativeInfinity, sum = 0;
            foreach (double z in own)
            {
                if (!double.IsFinite(z))
                    throw InvalidInputException.Because($"A policy's logits must be finite; token {first / vocabulary} has {z}.");
                largest = Math.Max(largest, z);
            }

            foreach (double z in own)
                sum += Math.Exp(z - largest);
            double normaliser = largest + Math.Log(sum);
            foreach (ref double z in own)
                z = Math.Min(z - normaliser, 0);
        }
    }

    /// <summary>log π of all V tokens at token <paramref name="k"/>, nats.</summary>
    public ReadOnlySpan<double> LogPi(int k) => _logPi.AsSpan(k * _vocabulary, _vocabulary);

    /// <summary>H = −Σ π log π, nats.</summary>
    public double Entropy(int k)
    {
        double entropy = 0;
        foreach (double logPi in LogPi(k))
            entropy -= Math.Exp(logPi) * logPi;
        return entropy;
    }

    /// <summary>Σ π².</summary>
    public double SumPiSquared(int k)
    {
        double sum = 0;
        foreach (double logPi in LogPi(k))
            sum += Math.Exp(2 * logPi);
        return Math.Min(sum, 1);
    }

    /// <summary>The likeliest token, the first of equals.</summary>
    public int Likeliest(int k)
    {
        var own = LogPi(k);
        int best = 0;
        for (int v = 1; v < own.Length; v++)
            best = own[v] > own[best] ? v : best;
        return best;
    }

    /// <summary>The token at which Σ π first exceeds <paramref name="uniform"/> in [0, 1).</summary>
    public int Drawn(int k, double uniform)
    {
        var own = LogPi(k);
        double sum = 0;
        for (int v = 0; v < own.Length - 1; v++)
        {
            sum += Math.Exp(own[v]);
            if (uniform < sum)
                return v;
        }

        return own.Length - 1;
    }

    /// <summary>
    /// Adds c·∂ log π(o)/∂z = c·(e_o − π) and h·∂H/∂z = −h·π·(log π + H) to slopes on the logits of token <paramref name="k"/>, shape [V].
    /// </summary>
    /// <param name="k">Which token.</param>
    /// <param name="id">o, the token that was drawn.</param>
    /// <param name="coefficient">c = ∂J/∂ log π(o).</param>
    /// <param name="entropyCoefficient">h = ∂J/∂H.</param>
    /// <param name="slopes">What is added to, shape [V].</param>
    public void AddSlopes(int k, int id, double coefficient, double entropyCoefficient, Span<double> slopes)
    {
        var own = LogPi(k);
        double entropy = entropyCoefficient == 0 ? 0 : Entropy(k);
        for (int v = 0; v < own.Length; v++)
            slopes[v] -= Math.Exp(own[v]) * (coefficient + (entropyCoefficient * (own[v] + entropy)));
        slopes[id] += coefficient;
    }
}
