using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// The catalogue's objectives written a second time, as loops over padded arrays and masks, straight from the formulas of the
/// papers and of TRL. They share no code with the library: J only, no gradient.
/// </summary>
internal static partial class PaddedObjectives
{
    private static readonly HashSet<string> s_regions =
        [.. VerlFlavours.All.Concat(OpenRlhfFlavours.All).Concat(PolicyRegionForms.All).Select(entry => entry.Id)];

    /// <summary>J of entry <paramref name="id"/> at the log-probs <paramref name="moved"/>; null where it was not written a second time.</summary>
    public static double? Value(string id, RolloutBatch batch, double[] moved)
    {
        var p = new Padded(batch, moved);
        return Estimator(id, p, batch) ?? id switch
        {
            "grpo" => MeanOfRows(p, Score(p), 0.2, 0.2) / p.P,
            "grpo-k1" => (MeanOfRows(p, Score(p), 0.2, 0.2) / p.P) - (0.04 * Penalty(p, y => -y)),
            "grpo-k2" => (MeanOfRows(p, Score(p), 0.2, 0.2) / p.P) - (0.04 * Penalty(p, y => y * y / 2)),
            "grpo-k3" => (MeanOfRows(p, Score(p), 0.2, 0.2) / p.P) - (0.04 * Penalty(p, y => Math.Exp(y) - y - 1)),
            "dr-grpo" => DrGrpo(p),
            "dapo" => TokenMeanOfGroups(p, (g, i, t) => Ppo(p.Ratio(g, i, t), Score(p)[g][i], 0.2, 0.28)),
            "gspo" => Gspo(p),
            "cispo" => TokenMeanOfGroups(p, (g, i, t) => Math.Min(p.FrozenRatio(g, i, t), 5) * Score(p)[g][i] * p.Logp[g, i, t]),
            "rloo" => Reinforce(p),
            "trl:grpo" => TrlRows(p, TrlScore(p), 0),
            "trl:dr_grpo" => TrlRows(p, Centred(p), 512),
            "trl:dapo" or "trl:bnpo" => TrlTokens(p, (g, i, t) => Ppo(p.Ratio(g, i, t), TrlScore(p)[g][i], 0.2, 0.2)),
            "trl:gspo" => TrlGspo(p),
            "trl:cispo" => TrlTokens(p, (g, i, t) => Math.Min(p.FrozenRatio(g, i, t), 0.2) * TrlScore(p)[g][i] * p.Logp[g, i, t]),
            "trl:rloo" => TrlRloo(p),
            _ when s_regions.Contains(id) => PaddedPolicyRegions.Value(id, batch, moved),
            _ => Form(id, p),
        };
    }

    private static double Ppo(double r, double a, double low, double high) =>
        Math.Min(r * a, Math.Min(Math.Max(r, 1 - low), 1 + high) * a);

    // Σ_g (1/G) Σ_i (1/n_i) Σ_t min(r A, clip(r) A)
    private static double MeanOfRows(Padded p, double[][] a, double low, double high)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
            {
                double row = 0, n = 0;
                for (int t = 0; t < p.T; t++)
                {
                    if (p.Mask[g, i, t])
                    {
                        row += Ppo(p.Ratio(g, i, t), a[g][i], low, high);
                        n++;
                    }
                }

                sum += row / Math.Max(n, 1) / p.G[g];
            }
        }

        return sum;
    }

    // (1/P) Σ_g (1/G) Σ_i (1/n_i) Σ_t k(ℓʳ − ℓ)
    private static double Penalty(Padded p, Func<double, double> k)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
            {
                double row = 0, n = 0;
                for (int t = 0; t < p.T; t++)
                {
                    row += p.Mask[g, i, t] ? k(p.Reference[g, i, t] - p.Logp[g, i, t]) : 0;
                    n += p.Mask[g, i, t] ? 1 : 0;
                }

                sum += row / Math.Max(n, 1) / p.G[g] / p.P;
            }
        }

        return sum;
    }

    private static double DrGrpo(Padded p)
    {
        double[][] a = Centred(p);
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
            {
                for (int t = 0; t < p.T; t++)
                    sum += p.Mask[g, i, t] ? Ppo(p.Ratio(g, i, t), a[g][i], 0.2, 0.2) / p.G[g] / p.P : 0;
            }
        }

        return sum;
    }

    // (1/P) Σ_g (1/Σ_i n_i) Σ_i Σ_t term
    private static double TokenMeanOfGroups(Padded p, Func<int, int, int, double> term)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            double group = 0, tokens = 0;
            for (int i = 0; i < p.G[g]; i++)
            {
                for (int t = 0; t < p.T; t++)
                {
                    if (p.Mask[g, i, t])
                    {
                        group += term(g, i, t);
                        tokens++;
                    }
                }
            }

            sum += group / Math.Max(tokens, 1) / p.P;
        }

        return sum;
    }

    private static double Gspo(Padded p)
    {
        double[][] a = Score(p);
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
                sum += p.N(g, i) == 0 ? 0 : Ppo(Math.Pow(p.WholeRatio(g, i), 1.0 / p.N(g, i)), a[g][i], 3e-4, 4e-4) / p.G[g] / p.P;
        }

        return sum;
    }

    private static double Reinforce(Padded p)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
            {
                double likelihood = 0;
                for (int t = 0; t < p.T; t++)
                    likelihood += p.Mask[g, i, t] ? p.Logp[g, i, t] : 0;
                sum += LeaveOneOut(p.Rewards[g], i) * likelihood / p.G[g] / p.P;
            }
        }

        return sum;
    }

    // (1/B) Σ_rows (1/n_i or 1/L) Σ_t min(r A, clip(r) A); L = 0 stands for n_i.
    private static double TrlRows(Padded p, double[][] a, double length)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
            {
                for (int t = 0; t < p.T; t++)
                    sum += p.Mask[g, i, t] ? Ppo(p.Ratio(g, i, t), a[g][i], 0.2, 0.2) / (length > 0 ? length : p.N(g, i)) / p.B : 0;
            }
        }

        return sum;
    }

    // (1/N) Σ over all tokens of the batch
    private static double TrlTokens(Padded p, Func<int, int, int, double> term)
    {
        double sum = 0, tokens = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
            {
                for (int t = 0; t < p.T; t++)
                {
                    sum += p.Mask[g, i, t] ? term(g, i, t) : 0;
                    tokens += p.Mask[g, i, t] ? 1 : 0;
                }
            }
        }

        return sum / Math.Max(tokens, 1);
    }

    private static double TrlGspo(Padded p)
    {
        double[][] a = TrlScore(p);
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
                sum += p.N(g, i) == 0 ? 0 : Ppo(Math.Pow(p.WholeRatio(g, i), 1.0 / p.N(g, i)), a[g][i], 0.2, 0.2) / p.B;
        }

        return sum;
    }

    private static double TrlRloo(Padded p)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            double[] shaped = [.. p.Rewards[g]];
            for (int i = 0; i < p.G[g]; i++)
            {
                for (int t = 0; t < p.T; t++)
                    shaped[i] -= p.Mask[g, i, t] ? 0.05 * (p.Old[g, i, t] - p.Reference[g, i, t]) : 0;
            }

            // The library gives a row without tokens no value; TRL adds its constant −A/B to the loss.
            for (int i = 0; i < p.G[g]; i++)
                sum += p.N(g, i) == 0 ? 0 : Ppo(p.WholeRatio(g, i), LeaveOneOut(shaped, i), 0.2, 0.2) / p.B;
        }

        return sum;
    }

    private static double LeaveOneOut(double[] rewards, int i)
    {
        double others = 0;
        for (int j = 0; j < rewards.Length; j++)
            others += j == i ? 0 : rewards[j];
        return rewards[i] - (others / (rewards.Length - 1));
    }

    private static double[][] Centred(Padded p) =>
        [.. p.Rewards.Select(group => group.Select(reward => reward - group.Average()).ToArray())];

    private static double[][] Score(Padded p) =>
        [.. p.Rewards.Select(group => group.Max() == group.Min()
            ? new double[group.Length]
            : group.Select(reward => (reward - group.Average()) / Std(group)).ToArray())];

    private static double[][] TrlScore(Padded p) =>
        [.. p.Rewards.Select(group => group.Select(reward => (reward - group.Average()) / (Std(group) + 1e-4)).ToArray())];

    private static double Std(double[] values) =>
        Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / (values.Length - 1));

    // [prompt, completion, position], padded with NaN: a mask forgotten shows.
    private sealed class Padded
    {
        public Padded(RolloutBatch batch, double[] moved)
        {
            var groups = batch.ToRollouts();
            (P, B) = (groups.Count, groups.Sum(group => group.Count));
            G = [.. groups.Select(group => group.Count)];
            T = groups.Max(group => group.Max(row => row.Logps.Length));
            Rewards = [.. groups.Select(group => group.Select(row => row.Rewards[0]!.Value).ToArray())];
            Mask = new bool[P, G.Max(), T];
            (Logp, Frozen, Old, Reference) = (Empty(), Empty(), Empty(), Empty());
            (Rollout, Entropy, Id) = (Empty(), Empty(), Empty());
            int token = 0;
            for (int g = 0; g < P; g++)
            {
                for (int i = 0; i < G[g]; i++)
                {
                    var row = groups[g][i];
                    for (int t = 0; t < row.Logps.Length; t++)
                    {
                        Mask[g, i, t] = row.Mask?[t] ?? true;
                        Id[g, i, t] = row.Tokens![t];
                        if (!Mask[g, i, t])
                            continue;
                        (Logp[g, i, t], Frozen[g, i, t]) = (moved[token++], row.Logps[t]);
                        (Old[g, i, t], Reference[g, i, t]) = (row.OldLogps[t], row.RefLogps![t]);
                        (Rollout[g, i, t], Entropy[g, i, t]) = (row.RolloutLogps![t], row.Entropies![t]);
                    }
                }
            }
        }

        public int P { get; }

        public int B { get; }

        public int T { get; }

        public int[] G { get; }

        public double[][] Rewards { get; }

        public bool[,,] Mask { get; }

        public double[,,] Logp { get; }

        public double[,,] Frozen { get; }

        public double[,,] Old { get; }

        public double[,,] Reference { get; }

        public double[,,] Rollout { get; }

        public double[,,] Entropy { get; }

        // Of masked tokens, too; NaN beyond a row's end.
        public double[,,] Id { get; }

        public double Ratio(int g, int i, int t) => Math.Exp(Logp[g, i, t] - Old[g, i, t]);

        public double FrozenRatio(int g, int i, int t) => Math.Exp(Frozen[g, i, t] - Old[g, i, t]);

        public int N(int g, int i)
        {
            int n = 0;
            for (int t = 0; t < T; t++)
                n += Mask[g, i, t] ? 1 : 0;
            return n;
        }

        public double WholeRatio(int g, int i)
        {
            double product = 1;
            for (int t = 0; t < T; t++)
                product *= Mask[g, i, t] ? Ratio(g, i, t) : 1;
            return product;
        }

        private double[,,] Empty()
        {
            double[,,] array = new double[P, G.Max(), T];
            System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref array[0, 0, 0], array.Length).Fill(double.NaN);
            return array;
        }
    }
}
