using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// verl's and OpenRLHF's flavours and the forms of trust regions written a second time, as loops over padded arrays and masks. They share
/// no code with the library: J only, no gradient.
/// </summary>
internal static class PaddedPolicyRegions
{
    /// <summary>J of entry <paramref name="id"/> at the log-probs <paramref name="moved"/>.</summary>
    public static double Value(string id, RolloutBatch batch, double[] moved)
    {
        var p = new Table(batch, moved);
        double[] a = p.Scores(id.StartsWith("verl:", StringComparison.Ordinal) ? 1e-6 : id.StartsWith("openrlhf:", StringComparison.Ordinal) ? 1e-9 : 0);
        double[] centred = p.Centred();
        return id switch
        {
            "verl:vanilla" or "verl:bypass_ppo" => p.TokenMean((i, t) => Dual(p.Safe(i, t), a[i])),
            "verl:grpo" => p.RowMeans((i, t) => Dual(p.Safe(i, t), a[i])),
            "verl:dr_grpo" => p.Sum((i, t) => Dual(p.Safe(i, t), centred[i])) / p.Live / p.T,
            "verl:gspo" => p.RowMeans((i, t) => Ppo(Math.Exp(Math.Min(p.MeanFrozen(i) + p.L[i, t] - p.F[i, t], 10)), a[i])),
            "verl:sapo" => p.RowMeans((i, t) => (a[i] > 0 ? 4 : 4 / 1.05) / (1 + Math.Exp(-(a[i] > 0 ? 1 : 1.05) * (p.Safe(i, t) - 1))) * a[i]),
            "verl:geo_mean" => GeoMean(p, a),
            "verl:cispo" => p.TokenMean((i, t) => Math.Min(Math.Max(p.Frozen(i, t), 0.8), 1.2) * a[i] * p.L[i, t]),
            "verl:dppo_tv" => p.TokenMean((i, t) => InTv(p, i, t, a[i], 0.2) ? Math.Min(p.Frozen(i, t), 3) * a[i] * p.L[i, t] : 0),
            "verl:dppo_kl" => p.TokenMean((i, t) => InKl(p, i, t, a[i], 0.2) ? Math.Min(p.Frozen(i, t), 3) * a[i] * p.L[i, t] : 0),
            "verl:dro" => p.TokenMean((i, t) => (a[i] * p.L[i, t]) - (0.25 * Square(p.L[i, t] - p.Old[i, t]))),
            "verl:clip_cov" => Drops(p, a, 0.0002, 1, 5, 1e-8) is var drop ? p.TokenMean((i, t) => drop[i, t] ? 0 : Ppo(p.Ratio(i, t), a[i])) : 0,
            "verl:kl_cov" => Top(p, a, 0.0002) is var top ? p.TokenMean((i, t) => (p.Ratio(i, t) * a[i]) - (top[i, t] ? 0.1 * Math.Abs(p.L[i, t] - p.Old[i, t]) : 0)) : 0,
            "verl:kl_loss" => p.TokenMean((i, t) => Dual(p.Safe(i, t), a[i]) - (0.001 * K3(p.Ref[i, t] - p.L[i, t]))),
            "verl:tis" => p.TokenMean((i, t) => Math.Min(p.Sampler(i, t), 2) * Dual(p.Safe(i, t), a[i])),
            "verl:tis_sequence" => p.TokenMean((i, t) => Math.Min(Math.Exp(p.RowSum(i, s => p.Old[i, s] - p.Roll[i, s])), 2) * Dual(p.Safe(i, t), a[i])),
            "verl:icepop" => p.TokenMean((i, t) => p.Sampler(i, t) is >= 0.5 and <= 5 and var w ? w * Dual(p.Safe(i, t), a[i]) : 0),
            "verl:geo_rs" => GeoRs(p, a),
            "verl:bypass_reinforce" => p.TokenMean((i, t) => Math.Min(p.Frozen(i, t), 2) * a[i] * p.L[i, t]),
            "verl:bypass_reinforce_sequence" => p.TokenMean((i, t) => Math.Min(Math.Exp(p.RowSum(i, s => p.F[i, s] - p.Old[i, s])), 2) * a[i] * p.L[i, t]),
            "openrlhf:ppo" => p.TokenMean((i, t) => Ppo(p.Safe(i, t), a[i])),
            "openrlhf:ppo-dual" => p.TokenMean((i, t) => Dual(p.Safe(i, t), a[i])),
            "openrlhf:gspo" => p.RowMeans((i, t) => Ppo(Math.Exp(p.RowSum(i, s => p.L[i, s] - p.Old[i, s]) / p.N(i)), a[i])),
            "openrlhf:tis" => p.TokenMean((i, t) => Math.Min(Math.Max(p.Sampler(i, t), 0.5), 5) * Ppo(p.Safe(i, t), a[i])),
            "openrlhf:icepop" => p.TokenMean((i, t) => p.Sampler(i, t) is >= 0.5 and <= 5 and var w ? w * Ppo(p.Safe(i, t), a[i]) : 0),
            "openrlhf:seq-mask-tis" => p.TokenMean((i, t) => Math.Exp(p.RowSum(i, s => p.Old[i, s] - p.Roll[i, s]) / p.N(i)) is >= 0.5 and <= 5
                ? p.Sampler(i, t) * Ppo(p.Safe(i, t), a[i])
                : 0),
            "openrlhf:kl-loss" => p.TokenMean((i, t) => Ppo(p.Safe(i, t), a[i]) - (0.01 * K3(p.Ref[i, t] - p.L[i, t]))),
            "dppo-tv" => p.PromptMeans((i, t) => InTv(p, i, t, centred[i], 0.15) ? p.Ratio(i, t) * centred[i] : 0),
            "dppo-kl" => p.PromptMeans((i, t) => InKl(p, i, t, centred[i], 0.05) ? p.Ratio(i, t) * centred[i] : 0),
            "dro" => p.GroupTokenMeans((i, t) => (centred[i] * p.L[i, t]) - (0.25 * Square(p.L[i, t] - p.Old[i, t]))),
            "clip-cov" => Drops(p, a, 0.0002, 1, 5, 0) is var drop ? p.GroupTokenMeans((i, t) => drop[i, t] ? 0 : Ppo(p.Ratio(i, t), a[i])) : 0,
            "kl-cov" => Top(p, a, 0.0002) is var top
                ? p.GroupTokenMeans((i, t) => (p.Ratio(i, t) * a[i]) - (top[i, t] ? Math.Abs(p.L[i, t] - p.Old[i, t]) : 0))
                : 0,
            _ => throw new NotSupportedException($"The entry {id} has no second derivation in {nameof(PaddedPolicyRegions)}."),
        };
    }

    /// <summary>The tokens that clip-cov drops, by any constants.</summary>
    public static bool[,] Drops(Table p, double[] a, double share, double low, double high, double epsilon)
    {
        var cov = Covariances(p, a, epsilon);
        var chosen = new bool[p.B, p.T];
        var candidates = cov.Where(c => c.Value > low && c.Value < high && !(a[c.I] > 0 && p.Frozen(c.I, c.At) > 1.2) && !(a[c.I] < 0 && p.Frozen(c.I, c.At) < 0.8));
        foreach (var (i, t, _) in candidates.OrderBy(c => p.Random[c.I, c.At]).Take(Math.Max(1, (int)(share * cov.Count))))
            chosen[i, t] = true;
        return chosen;
    }

    /// <summary>The tokens of largest covariance.</summary>
    public static bool[,] Top(Table p, double[] a, double share)
    {
        var cov = Covariances(p, a, 0);
        var chosen = new bool[p.B, p.T];
        foreach (var (i, t, _) in cov.OrderByDescending(c => c.Value).ThenBy(c => p.Random[c.I, c.At]).Take(Math.Max(1, (int)(share * cov.Count))))
            chosen[i, t] = true;
        return chosen;
    }

    private static List<(int I, int At, double Value)> Covariances(Table p, double[] a, double epsilon)
    {
        double n = p.Sum((_, _) => 1) + epsilon, meanA = p.Sum((i, _) => a[i]) / n, meanL = p.Sum((i, t) => p.F[i, t]) / n;
        // Rows that trained alone, or all of one advantage: their covariances are 0, and tie.
        double[] live = [.. a.Where((_, i) => p.N(i) > 0)];
        meanA = epsilon == 0 && live.Length > 0 && live.Max() - live.Min() < 1e-14 ? live[0] : meanA;
        List<(int, int, double)> all = [];
        for (int i = 0; i < p.B; i++)
        {
            for (int t = 0; t < p.T; t++)
            {
                if (p.Mask[i, t])
                    all.Add((i, t, (a[i] - meanA) * (p.F[i, t] - meanL)));
            }
        }

        return all;
    }

    private static double GeoMean(Table p, double[] a)
    {
        double sum = 0;
        for (int i = 0; i < p.B; i++)
        {
            double clipped = p.RowSum(i, t => a[i] > 0 ? Math.Min(p.L[i, t] - p.Old[i, t], 0.2) : Math.Max(p.L[i, t] - p.Old[i, t], -0.2));
            sum += Math.Exp(clipped / (p.N(i) + 1e-8)) * a[i] * p.N(i) / (p.N(i) + 1e-8) / p.B;
        }

        return sum;
    }

    private static double GeoRs(Table p, double[] a)
    {
        bool Kept(int i) => -p.RowSum(i, t => p.Old[i, t] - p.Roll[i, t]) / (p.N(i) + 1e-8) is var k1 && k1 >= Math.Log(0.999) && k1 <= Math.Log(1.001);
        double kept = p.Sum((i, _) => Kept(i) ? 1 : 0);
        return kept == 0 ? 0 : p.Sum((i, t) => Kept(i) ? Dual(p.Safe(i, t), a[i]) : 0) / kept;
    }

    private static double Ppo(double r, double a) => Math.Min(r * a, Math.Min(Math.Max(r, 0.8), 1.2) * a);

    private static double Dual(double r, double a) => a < 0 ? Math.Max(Ppo(r, a), 3 * a) : Ppo(r, a);

    private static double Square(double x) => x * x;

    private static double K3(double y) => Math.Min(Math.Exp(y) - y - 1, 10);

    private static bool InTv(Table p, int i, int t, double a, double bound) =>
        (Math.Exp(p.F[i, t]) - Math.Exp(p.Old[i, t])) * (a > 0 ? 1 : -1) <= bound;

    private static bool InKl(Table p, int i, int t, double a, double bound)
    {
        double now = Math.Exp(p.F[i, t]), before = Math.Exp(p.Old[i, t]);
        double divergence = (before * Math.Log(before / now)) + ((1 - before) * Math.Log((1 - before + 1e-8) / (1 - now + 1e-8)));
        return divergence <= bound || (a > 0 ? now <= before : now >= before);
    }

    // [completion, position], padded with NaN: a mask forgotten shows.
    internal sealed class Table
    {
        private readonly int[] _prompt;
        private readonly double[] _rewards;
        private readonly int[] _sizes;

        public Table(RolloutBatch batch, double[] moved)
        {
            var groups = batch.ToRollouts();
            Rollout[] rows = [.. groups.SelectMany(group => group)];
            _prompt = [.. groups.SelectMany((group, g) => group.Select(_ => g))];
            _rewards = [.. rows.Select(row => row.Rewards[0]!.Value)];
            _sizes = [.. groups.Select(group => group.Count)];
            (B, T) = (rows.Length, rows.Max(row => row.Logps.Length));
            Mask = new bool[B, T];
            (L, F, Old, Ref, Roll, Random) = (Empty(), Empty(), Empty(), Empty(), Empty(), Empty());
            int token = 0;
            for (int i = 0; i < B; i++)
            {
                for (int t = 0; t < rows[i].Logps.Length; t++)
                {
                    Mask[i, t] = rows[i].Mask?[t] ?? true;
                    if (!Mask[i, t])
                        continue;
                    (L[i, t], F[i, t], Old[i, t]) = (moved[token++], rows[i].Logps[t], rows[i].OldLogps[t]);
                    (Ref[i, t], Roll[i, t], Random[i, t]) = (rows[i].RefLogps![t], rows[i].RolloutLogps![t], rows[i].Random![t]);
                }
            }

            Live = Enumerable.Range(0, B).Count(i => N(i) > 0);
        }

        public int B { get; }

        public int T { get; }

        public int Live { get; }

        public bool[,] Mask { get; }

        public double[,] L { get; }

        public double[,] F { get; }

        public double[,] Old { get; }

        public double[,] Ref { get; }

        public double[,] Roll { get; }

        public double[,] Random { get; }

        public double Ratio(int i, int t) => Math.Exp(L[i, t] - Old[i, t]);

        public double Safe(int i, int t) => Math.Exp(Math.Min(Math.Max(L[i, t] - Old[i, t], -20), 20));

        public double Frozen(int i, int t) => Math.Exp(F[i, t] - Old[i, t]);

        public double Sampler(int i, int t) => Math.Exp(Old[i, t] - Roll[i, t]);

        public double MeanFrozen(int i) => RowSum(i, t => F[i, t] - Old[i, t]) / N(i);

        public double N(int i) => RowSum(i, _ => 1);

        public double RowSum(int i, Func<int, double> term)
        {
            double sum = 0;
            for (int t = 0; t < T; t++)
                sum += Mask[i, t] ? term(t) : 0;
            return sum;
        }

        public double Sum(Func<int, int, double> term)
        {
            double sum = 0;
            for (int i = 0; i < B; i++)
                sum += RowSum(i, t => term(i, t));
            return sum;
        }

        public double TokenMean(Func<int, int, double> term) => Sum(term) / Math.Max(1, Sum((_, _) => 1));

        public double RowMeans(Func<int, int, double> term) => Sum((i, t) => term(i, t) / (N(i) + 1e-8)) / Math.Max(1, Live);

        public double PromptMeans(Func<int, int, double> term) => Sum((i, t) => term(i, t) / _sizes[_prompt[i]] / _sizes.Length);

        public double GroupTokenMeans(Func<int, int, double> term)
        {
            double[] tokens = new double[_sizes.Length];
            for (int i = 0; i < B; i++)
                tokens[_prompt[i]] += N(i);
            return Sum((i, t) => term(i, t) / tokens[_prompt[i]] / _sizes.Length);
        }

        public double[] Centred() => [.. _rewards.Select((reward, i) => reward - Group(i).Average())];

        // ε = 0: equal rewards give 0.
        public double[] Scores(double epsilon) => [.. _rewards.Select((reward, i) => epsilon == 0 && Group(i).Distinct().Count() == 1
            ? 0
            : (reward - Group(i).Average()) / (Std(Group(i)) + epsilon))];

        private double[] Group(int i) => [.. _rewards.Where((_, j) => _prompt[j] == _prompt[i])];

        private static double Std(double[] values) => Math.Sqrt(values.Sum(value => Square(value - values.Average())) / (values.Length - 1));

        private double[,] Empty()
        {
            double[,] array = new double[B, T];
            System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref array[0, 0], array.Length).Fill(double.NaN);
            return array;
        }
    }
}
