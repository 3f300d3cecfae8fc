namespace GroupRL.Properties.Objectives;

/// <summary>The wider field's objectives written a second time: papers, TRL's other losses, prime-rl, slime, OpenKimi.</summary>
internal static partial class PaddedObjectives
{
    private static double? Form(string id, Padded p) => id switch
    {
        "luspo" => Rows(p, true, (g, i) => p.N(g, i) * Ppo(Geometric(p, g, i), Score(p)[g][i], 2e-3, 2.5e-3)),
        "gspo-token" => Means(p, true, (g, i, t) => Ppo(GspoToken(p, g, i, t), Score(p)[g][i], 3e-4, 4e-4)),
        "gmpo" => Rows(p, true, (g, i) => Gmpo(p, g, i, Score(p)[g][i])),
        "sapo" => Means(p, true, (g, i, t) => Gate(p.Ratio(g, i, t), Score(p)[g][i])),
        "vespo" => TokenMeanOfGroups(p, (g, i, t) => Gamma(p, g, i, Score(p)[g][i], 1) * Score(p)[g][i] * p.Logp[g, i, t]),
        "gppo" => TokenMeanOfGroups(p, (g, i, t) => Gppo(p, g, i, t, Score(p)[g][i])),
        "aspo" => TokenMeanOfGroups(p, (g, i, t) => Aspo(p, g, i, t, Score(p)[g][i])),
        "aipo" => TokenMeanOfGroups(p, (g, i, t) => Math.Min(p.Ratio(g, i, t), 8) * Score(p)[g][i]),
        "opmd" => Rows(p, true, (g, i) => -Math.Pow(Centred(p)[g][i] - (0.01 * LogWhole(p, g, i)), 2) / 0.02),
        "gvpo" => Gvpo(p, 0.1),
        "gpg" => TokenMeanOfGroups(p, (g, i, t) => Centred(p)[g][i] * p.Logp[g, i, t]),
        "rgra" => Means(p, true, (g, i, t) => Score(p)[g][i] * p.Logp[g, i, t]) - (0.04 * Penalty(p, y => Math.Exp(y) - y - 1)),
        "lambda-grpo" => Means(p, true, (g, i, t) => Ppo(p.Ratio(g, i, t), Score(p)[g][i], 0.2, 0.2) / Sharers(p, g, i, t)),

        "trl:luspo" => Rows(p, false, (g, i) => p.N(g, i) * Ppo(Geometric(p, g, i), TrlScore(p)[g][i], 0.2, 0.2)),
        "trl:gspo_token" => Means(p, false, (g, i, t) => Ppo(GspoToken(p, g, i, t), TrlScore(p)[g][i], 0.2, 0.2)),
        "trl:gmpo" => Rows(p, false, (g, i) => Gmpo(p, g, i, TrlScore(p)[g][i])),
        "trl:sapo" => Means(p, false, (g, i, t) => Gate(p.Ratio(g, i, t), TrlScore(p)[g][i])),
        "trl:vespo" => TrlTokens(p, (g, i, t) => Gamma(p, g, i, TrlScore(p)[g][i], 1) * TrlScore(p)[g][i] * p.Logp[g, i, t]),
        "trl:vespo+vllm" => TrlTokens(
            p, (g, i, t) => Gamma(p, g, i, TrlScore(p)[g][i], Product(p, g, i, s => Math.Min(Mismatch(p, g, i, s), 3))) * TrlScore(p)[g][i] * p.Logp[g, i, t]),
        "trl:grpo+vllm" => Means(p, false, (g, i, t) => Dropped(Product(p, g, i, s => Mismatch(p, g, i, s))) * Ppo(p.Ratio(g, i, t), TrlScore(p)[g][i], 0.2, 0.2)),
        "trl:dapo+vllm" => TrlTokens(p, (g, i, t) => Dropped(Product(p, g, i, s => Mismatch(p, g, i, s))) * Ppo(p.Ratio(g, i, t), TrlScore(p)[g][i], 0.2, 0.2)),
        "trl:async_grpo" => TrlTokens(p, (g, i, t) => Ppo(p.Ratio(g, i, t), Scored(p, 0, 1e-8)[g][i], 0.2, 0.2)),

        "prime-rl:default" => TrlTokens(p, (g, i, t) => Squared(p, g, i, t, Centred(p)[g][i] > 0 ? Moved(p, g, i, t) <= 0.2 : Moved(p, g, i, t) >= -0.2)),
        "prime-rl:ipo" => TrlTokens(p, (g, i, t) => Squared(p, g, i, t, Math.Abs(Moved(p, g, i, t)) <= 0.1)),
        "prime-rl:aipo" => TrlTokens(p, (g, i, t) => Math.Min(p.Ratio(g, i, t), 8) * Centred(p)[g][i]),
        "slime:grpo" => Means(p, false, (g, i, t) => Ppo(p.Ratio(g, i, t), Scored(p, 1, 1e-6)[g][i], 0.2, 0.2)),
        "slime:grpo+tis" => Means(p, false, (g, i, t) => Math.Min(Mismatch(p, g, i, t), 2) * Ppo(p.Ratio(g, i, t), Scored(p, 1, 1e-6)[g][i], 0.2, 0.2)),
        "slime:gspo" => Rows(p, false, (g, i) => Ppo(Geometric(p, g, i), Scored(p, 1, 1e-6)[g][i], 0.2, 0.2)),
        "slime:cispo" => Means(p, false, (g, i, t) => Math.Clamp(p.FrozenRatio(g, i, t), 0.8, 1.2) * Scored(p, 1, 1e-6)[g][i] * p.Logp[g, i, t]),
        "swift:grpo" => Means(p, false, (g, i, t) => Ppo(p.Ratio(g, i, t), TrlScore(p)[g][i], 0.2, 0.2) - (0.04 * K3(p, g, i, t))),
        "swift:grpo+tis" => Means(
            p, false, (g, i, t) => Math.Min(Mismatch(p, g, i, t), 2) * (Ppo(p.Ratio(g, i, t), TrlScore(p)[g][i], 0.2, 0.2) - (0.04 * K3(p, g, i, t)))),
        "swift:fipo" => TrlTokens(p, (g, i, t) => Future(p, g, i, t) * Ppo(p.Ratio(g, i, t), TrlScore(p)[g][i], 0.2, 0.2)),
        "openkimi:opmd" => Rows(p, false, (g, i) => -0.005 * Math.Pow((Centred(p)[g][i] / 0.01) - LogWhole(p, g, i), 2) / p.N(g, i)),
        "openkimi:opmd-sum-norm" => Rows(p, false, (g, i) => -0.005 * Math.Pow((Centred(p)[g][i] / 0.01) - LogWhole(p, g, i), 2) / p.T),
        _ => null,
    };

    // Σ over rows with tokens of term/(P·G), or of term/B.
    private static double Rows(Padded p, bool overPrompts, Func<int, int, double> term)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            for (int i = 0; i < p.G[g]; i++)
                sum += p.N(g, i) == 0 ? 0 : term(g, i) / (overPrompts ? p.P * p.G[g] : p.B);
        }

        return sum;
    }

    private static double Means(Padded p, bool overPrompts, Func<int, int, int, double> term) => Rows(p, overPrompts, (g, i) =>
    {
        double row = 0;
        for (int t = 0; t < p.T; t++)
            row += p.Mask[g, i, t] ? term(g, i, t) : 0;
        return row / p.N(g, i);
    });

    private static double LogRatio(Padded p, int g, int i, int t) => p.Logp[g, i, t] - p.Old[g, i, t];

    private static double LogWhole(Padded p, int g, int i) => Math.Log(p.WholeRatio(g, i));

    private static double Geometric(Padded p, int g, int i) => Math.Pow(p.WholeRatio(g, i), 1.0 / p.N(g, i));

    private static double Product(Padded p, int g, int i, Func<int, double> factor)
    {
        double product = 1;
        for (int t = 0; t < p.T; t++)
            product *= p.Mask[g, i, t] ? factor(t) : 1;
        return product;
    }

    private static double GspoToken(Padded p, int g, int i, int t) =>
        Math.Pow(Product(p, g, i, s => p.FrozenRatio(g, i, s)), 1.0 / p.N(g, i)) * p.Ratio(g, i, t) / p.FrozenRatio(g, i, t);

    private static double Gmpo(Padded p, int g, int i, double a)
    {
        double low = Math.Exp(-0.4), high = Math.Exp(0.4);
        return a * Math.Pow(Product(p, g, i, t => a > 0 ? Math.Min(p.Ratio(g, i, t), high) : Math.Max(p.Ratio(g, i, t), low)), 1.0 / p.N(g, i));
    }

    private static double Gate(double r, double a)
    {
        double tau = a > 0 ? 1 : 1.05;
        return a * 4 / tau * Math.Exp(tau * (r - 1)) / (1 + Math.Exp(tau * (r - 1)));
    }

    private static double Gamma(Padded p, int g, int i, double a, double mismatch)
    {
        double w = Product(p, g, i, t => p.FrozenRatio(g, i, t)) * mismatch;
        return a >= 0 ? Math.Exp(3) * w * w * Math.Exp(-3 * w) : Math.Exp(2) * w * w * w * Math.Exp(-2 * w);
    }

    private static double Gppo(Padded p, int g, int i, int t, double a)
    {
        double r = p.Ratio(g, i, t), frozen = p.FrozenRatio(g, i, t);
        double clipped = frozen > 1.2 ? 1.2 * r / frozen : frozen < 0.8 ? 0.8 * r / frozen : r;
        return Math.Min(r * a, clipped * a);
    }

    private static double Aspo(Padded p, int g, int i, int t, double a)
    {
        double[] entropies = [.. Enumerable.Range(0, p.T).Where(s => p.Mask[g, i, s]).Select(s => p.Entropy[g, i, s]).Order()];
        double rank = 0.8 * (entropies.Length - 1);
        int below = (int)Math.Floor(rank);
        double quantile = below + 1 < entropies.Length ? entropies[below] + ((rank - below) * (entropies[below + 1] - entropies[below])) : entropies[^1];
        double e = p.Entropy[g, i, t] <= quantile ? 0.2 : 0.4, r = p.Ratio(g, i, t), frozen = p.FrozenRatio(g, i, t);
        if (a < 0)
            return frozen > 3 ? 3 * a * p.Logp[g, i, t] : a * Math.Max(r, 1 - e);
        double still = Math.Min(frozen, 1 + e);
        return still < 1.0 / 3 ? 3 * a * p.Logp[g, i, t] : a * Math.Min(r, 1 + e) / still / still;
    }

    private static double Gvpo(Padded p, double beta)
    {
        double sum = 0;
        for (int g = 0; g < p.P; g++)
        {
            int[] live = [.. Enumerable.Range(0, p.G[g]).Where(i => p.N(g, i) > 0)];
            foreach (int i in live)
            {
                double gap = beta * (LogWhole(p, g, i) - live.Average(j => LogWhole(p, g, j))) - Centred(p)[g][i];
                sum -= gap * gap / 2 / beta / p.G[g] / p.P;
            }
        }

        return sum;
    }

    // λ/max(1, c) by sets of (place, id), places counted over trainable tokens from either end.
    private static double Conflict(Padded p, int g, int i, int t)
    {
        double[] a = Centred(p)[g];
        double[][] ids = [.. Enumerable.Range(0, p.G[g]).Select(j => Enumerable.Range(0, p.T).Where(s => p.Mask[g, j, s]).Select(s => p.Id[g, j, s]).ToArray())];
        int place = Enumerable.Range(0, t).Count(s => p.Mask[g, i, s]);
        int forward = Run(ids), backward = Run([.. ids.Select(row => row.Reverse().ToArray())]);
        if (a[i] == 0)
            return 1;
        double factor = a[i] > 0 ? 2 : 0;
        return (place < forward ? factor : 1) * (ids[i].Length - 1 - place < backward ? factor : 1) / Math.Max(1, Math.Max(forward, backward));

        int Run(double[][] rows) => rows[i].Index().TakeWhile(token =>
            Enumerable.Range(0, rows.Length).Any(j => a[j] > 0 && token.Index < rows[j].Length && rows[j][token.Index] == token.Item)
            && Enumerable.Range(0, rows.Length).Any(j => a[j] < 0 && token.Index < rows[j].Length && rows[j][token.Index] == token.Item)).Count();
    }

    private static int Sharers(Padded p, int g, int i, int t) =>
        Enumerable.Range(0, p.G[g]).Count(j => Enumerable.Range(0, t + 1).All(s => p.Id[g, j, s] == p.Id[g, i, s]));

    private static double Mismatch(Padded p, int g, int i, int t) => Math.Exp(p.Old[g, i, t] - p.Rollout[g, i, t]);

    private static double K3(Padded p, int g, int i, int t) =>
        p.Reference[g, i, t] - p.Logp[g, i, t] is var y && Math.Exp(y) - y - 1 is var k3 && k3 < 10 ? k3 : 10;

    private static double Future(Padded p, int g, int i, int t)
    {
        double sum = 0, gap = 0;
        for (int u = t; u < p.T; u++)
        {
            if (p.Mask[g, i, u])
                sum += Math.Pow(0.5, gap++ / 32) * Math.Log(p.FrozenRatio(g, i, u));
        }

        return Math.Clamp(Math.Exp(sum), 1, 1.2);
    }

    private static double Dropped(double ratio) => ratio > 3 ? 0 : ratio;

    private static double Moved(Padded p, int g, int i, int t) => Math.Exp(p.Frozen[g, i, t]) - Math.Exp(p.Old[g, i, t]);

    private static double Squared(Padded p, int g, int i, int t, bool kept) =>
        (kept ? p.Ratio(g, i, t) * Centred(p)[g][i] : 0) - (1e-3 * Math.Pow(LogRatio(p, g, i, t), 2));

    private static double[][] Scored(Padded p, int ddof, double epsilon) =>
    [
        .. p.Rewards.Select(group =>
        {
            double std = Math.Sqrt(group.Sum(reward => Math.Pow(reward - group.Average(), 2)) / (group.Length - ddof));
            return group.Select(reward => (reward - group.Average()) / (std + epsilon)).ToArray();
        }),
    ];
}
