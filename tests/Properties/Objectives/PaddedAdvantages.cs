using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// Advantages written a second time, as loops over padded arrays and masks, straight from the formulas. They share no code with the
/// library, and sum what the library accumulates. Padding is NaN: a mask forgotten shows.
/// </summary>
internal sealed class PaddedAdvantages
{
    private readonly int[] _group;
    private readonly double[] _rewards;
    private readonly double[] _greedy;
    private readonly bool[][] _mask;

    public PaddedAdvantages(RolloutBatch batch)
    {
        var rows = batch.ToRollouts().SelectMany((group, g) => group.Select(row => (Group: g, Row: row))).ToArray();
        int width = rows.Max(row => row.Row.Logps.Length);
        _group = [.. rows.Select(row => row.Group)];
        _rewards = [.. rows.Select(row => row.Row.Rewards[0]!.Value)];
        _greedy = [.. rows.Select(row => row.Row.GreedyReward!.Value)];
        _mask = [.. rows.Select(row => Enumerable.Range(0, width).Select(t => t < row.Row.Logps.Length && (row.Row.Mask?[t] ?? true)).ToArray())];
        Old = Pad(row => row.OldLogps);
        Reference = Pad(row => row.RefLogps!);
        Entropy = Pad(row => row.Entropies!);
        Values = Pad(row => row.Values!);
        Collisions = Pad(row => row.SumPiSquared!);
        Given = Pad(row => row.TokenRewards!);

        double[][] Pad(Func<Rollout, double[]> column) =>
        [
            .. rows.Select(row => Enumerable.Range(0, width).Select(t => t < row.Row.Logps.Length ? column(row.Row)[t] : double.NaN).ToArray()),
        ];
    }

    private double[][] Old { get; }

    private double[][] Reference { get; }

    private double[][] Entropy { get; }

    private double[][] Values { get; }

    private double[][] Collisions { get; }

    private double[][] Given { get; }

    private int B => _rewards.Length;

    private int T => _mask[0].Length;

    /// <summary>Those at unmasked tokens, in order.</summary>
    public double[] Valid(double[][] padded) => [.. Enumerable.Range(0, B).SelectMany(i => Tokens(i).Select(t => padded[i][t]))];

    /// <summary>One number a row at every position.</summary>
    public double[][] Spread(Func<int, double> row) => Each((i, _) => row(i));

    /// <summary>Rᵢ − greedy.</summary>
    public double[][] Greedy() => Spread(i => _rewards[i] - _greedy[i]);

    /// <summary>Rᵢ.</summary>
    public double[][] Reward() => Spread(i => _rewards[i]);

    /// <summary>Rᵢ − R̄.</summary>
    public double[][] Centred() => Spread(Centre);

    /// <summary>Σₛ≥ₜ γ^(tokens from t to s) rₛ, each summand by itself; cut: only while no masked token stands between.</summary>
    public double[][] Returns(double gamma, double beta = 0, double largest = double.PositiveInfinity, bool given = false, bool cut = false) => Each((i, t) =>
    {
        double sum = 0;
        for (int s = t; s < T; s++)
        {
            if (_mask[i][s])
                sum += Math.Pow(gamma, Between(i, t, s)) * Earned(i, s, beta, largest, given);
            else if (cut)
                break;
        }

        return sum;
    });

    /// <summary>Σₛ≥ₜ (γλ)^(tokens from t to s) (rₛ + γVₛ₊₁ − Vₛ).</summary>
    public double[][] Gae(double gamma, double lambda) => Each((i, t) => Tokens(i).Where(s => s >= t).Sum(s =>
    {
        int[] later = [.. Tokens(i).Where(u => u > s).Take(1)];
        double next = later.Length == 0 ? 0 : Values[i][later[0]];
        return Math.Pow(gamma * lambda, Between(i, t, s)) * (Earned(i, s, 0, 1, false) + (gamma * next) - Values[i][s]);
    }));

    /// <summary>(A − m)/s over all unmasked tokens.</summary>
    public double[][] Whitened(double[][] inner, int ddof, double epsilon, double floor, double padding, bool scaled = true)
    {
        double[] valid = Valid(inner);
        double count = valid.Length, mean = valid.Sum() / (count + padding);
        double variance = valid.Sum(a => Math.Pow(a - mean, 2)) / (count + padding) * count / (count - ddof);
        return Each((i, t) => (inner[i][t] - mean) / (scaled ? Math.Sqrt(Math.Max(variance + epsilon, floor)) : 1));
    }

    /// <summary>Gₜ − Σ GW/(ΣW + ε) over the group's rows that are unmasked at t.</summary>
    public double[][] OptimalToken(double epsilon, bool zeroTail)
    {
        double[][] returns = Returns(1);
        return Each((i, t) =>
        {
            int[] live = [.. Mates(i).Where(j => Tokens(j).Any())];
            bool tail = live.Where(j => j != i).All(j => Tokens(j).Max() < t);
            if (live.Length == 1 || (zeroTail && tail))
                return returns[i][t];
            double above = 0, below = epsilon;
            foreach (int j in live.Where(j => _mask[j][t]))
            {
                double energy = Tokens(j).Where(s => s <= t).Sum(s => 1 - (2 * Math.Exp(Old[j][s])) + Collisions[j][s]);
                above += returns[j][t] * energy;
                below += energy;
            }

            return returns[i][t] - (above / below);
        });
    }

    /// <summary>Rᵢ − R̄ − λH̄ if H̄ ≤ h, else 0.</summary>
    public double[][] EntropyShaped(double scale, double threshold) => Spread(i =>
    {
        double entropy = Tokens(i).Select(t => Entropy[i][t]).DefaultIfEmpty().Average();
        return entropy <= threshold ? Centre(i) - (scale * entropy) : 0;
    });

    /// <summary>Rᵢ − Σ nR/Σ n.</summary>
    public double[][] LengthWeighted() => Spread(i =>
        _rewards[i] - (Mates(i).Sum(j => Tokens(j).Count() * _rewards[j]) / Mates(i).Sum(j => Tokens(j).Count())));

    /// <summary>Best minus next, of the best alone, over s + ε.</summary>
    public double[][] Best(double epsilon) => Spread(i =>
    {
        double[] sorted = [.. Mates(i).Select(j => _rewards[j]).OrderDescending()];
        double std = Math.Sqrt(sorted.Sum(r => Math.Pow(r - sorted.Average(), 2)) / (sorted.Length - 1));
        return _rewards[i] == sorted[0] ? (sorted[0] - sorted[1]) / (std + epsilon) : 0;
    });

    /// <summary>(B/max(#{R ≠ 0}, 1)) (Rᵢ − R̄)/f.</summary>
    public double[][] Nonzero(double norm) => Spread(i => B / (double)Math.Max(_rewards.Count(r => r != 0), 1) * Centre(i) / norm);

    /// <summary>Rᵢ − τ log mean exp(R/τ).</summary>
    public double[][] Partition(double tau, bool leavesOut) => Spread(i =>
        _rewards[i] - (tau * Math.Log(Mates(i).Where(j => !leavesOut || j != i).Average(j => Math.Exp(_rewards[j] / tau)))));

    private double[][] Each(Func<int, int, double> value) =>
        [.. Enumerable.Range(0, B).Select(i => Enumerable.Range(0, T).Select(t => _mask[i][t] ? value(i, t) : double.NaN).ToArray())];

    private IEnumerable<int> Tokens(int i) => Enumerable.Range(0, T).Where(t => _mask[i][t]);

    private IEnumerable<int> Mates(int i) => Enumerable.Range(0, B).Where(j => _group[j] == _group[i]);

    private double Centre(int i) => _rewards[i] - Mates(i).Average(j => _rewards[j]);

    private int Between(int i, int t, int s) => Tokens(i).Count(u => u >= t && u < s);

    private double Earned(int i, int t, double beta, double largest, bool given) =>
        (t == Tokens(i).Max() ? _rewards[i] : 0)
        + (given ? Given[i][t] : 0)
        - (beta == 0 ? 0 : beta * Math.Max(-largest, Math.Min(largest, Old[i][t] - Reference[i][t])));
}
