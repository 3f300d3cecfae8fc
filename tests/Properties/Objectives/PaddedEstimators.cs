using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>The entries whose advantage is more than a centred reward, written a second time on top of <see cref="PaddedAdvantages"/>.</summary>
internal static partial class PaddedObjectives
{
    private static double? Estimator(string id, Padded p, RolloutBatch batch)
    {
        var a = new PaddedAdvantages(batch);
        return id switch
        {
            "verl:gpg" => TrlTokens(p, Of(a.Nonzero(1), (r, adv, logp) => adv * logp)),
            "verl:rloo" => Vanilla(Other(p)),
            "verl:opo" => Vanilla(a.LengthWeighted()),
            "verl:grpo_passk" => Vanilla(a.Best(1e-6)),
            "verl:remax" => Vanilla(a.Greedy()),
            "verl:reinforce_plus_plus" => Vanilla(a.Whitened(a.Returns(1, cut: true), 1, 1e-8, 0, 1e-8)),
            "verl:reinforce_plus_plus_baseline" => Vanilla(a.Whitened(a.Centred(), 1, 1e-8, 0, 1e-8)),
            "verl:gdpo" => Vanilla(a.Whitened(Spread(Scored(p, 1, 1e-6)), 1, 1e-8, 0, 1e-8)),
            "verl:optimal_token_baseline" => Vanilla(a.OptimalToken(1e-8, zeroTail: true)),
            "verl:gae" => Vanilla(a.Whitened(a.Gae(1, 1), 1, 1e-8, 0, 1e-8)),
            "openrlhf:rloo" => Clipped(Other(p)),
            "openrlhf:dr_grpo" => Clipped(a.Centred()),
            "openrlhf:reinforce_baseline" => Clipped(a.Whitened(a.Centred(), 0, 0, 1e-8, 0)),
            "openrlhf:reinforce" => Clipped(a.Whitened(a.Returns(1, 0.01, 10), 0, 0, 1e-8, 0)),
            "opo" => Sums(a.LengthWeighted()),
            "remax" => Sums(a.Greedy()),
            "reinforce++" => Clipped(Bare(a.Returns(1, 0.01))),
            "reinforce++-baseline" => Clipped(Bare(a.Centred())),
            "ppo" => Clipped(Bare(a.Gae(1, 0.95))),
            "pass-at-k" => TokenMeanOfGroups(p, Of(Lift(p), (r, adv, _) => Ppo(r, adv, 0.2, 0.28))),
            "gtpo" => Means(p, true, (g, i, t) => Conflict(p, g, i, t) * a.EntropyShaped(0.1, 0.7)[Row(g, i)][t] * p.Ratio(g, i, t) / p.FrozenRatio(g, i, t)),
            "trl:gdpo" => TrlTokens(p, Of(OverBatch(TrlScore(p), 1e-4), (r, adv, _) => Ppo(r, adv, 0.2, 0.2))),
            "swift:rloo" => Swift(Other(p)),
            "swift:reinforce_plus_plus" => Swift(OverBatch(Centred(p), 1e-4)),
            "swift:gdpo" => Swift(OverBatch(Scored(p, 1, 1e-8), 1e-8)),
            "openkimi:ploo" => Rows(p, false, (g, i) => -0.005 * Math.Pow((Soft(p, g, i) / 0.01) - LogWhole(p, g, i), 2) / p.N(g, i)),
            _ => null,
        };

        double Vanilla(double[][] advantages) => TrlTokens(p, Of(advantages, (r, adv, _) => adv < 0 ? Math.Max(Ppo(r, adv, 0.2, 0.2), 3 * adv) : Ppo(r, adv, 0.2, 0.2)));

        double Clipped(double[][] advantages) => TrlTokens(p, Of(advantages, (r, adv, _) => Ppo(r, adv, 0.2, 0.2)));

        // Where nothing varies beyond rounding nothing is learned.
        double[][] Bare(double[][] inner)
        {
            double[] valid = a.Valid(inner);
            return valid.Max() - valid.Min() <= 1e-12 * valid.Max(Math.Abs) ? Spread([.. p.Rewards.Select(group => new double[group.Length])]) : a.Whitened(inner, 1, 0, 0, 0);
        }

        double Sums(double[][] advantages) => Rows(p, true, (g, i) =>
            Enumerable.Range(0, p.T).Where(t => p.Mask[g, i, t]).Sum(t => advantages[Row(g, i)][t] * p.Logp[g, i, t]));

        double Swift(double[][] advantages) => Means(p, false, (g, i, t) => Ppo(p.Ratio(g, i, t), advantages[Row(g, i)][t], 0.2, 0.2) - (0.04 * K3(p, g, i, t)));

        Func<int, int, int, double> Of(double[][] advantages, Func<double, double, double, double> term) =>
            (g, i, t) => term(p.Ratio(g, i, t), advantages[Row(g, i)][t], p.Logp[g, i, t]);

        int Row(int g, int i) => p.G[..g].Sum() + i;

        double[][] Spread(double[][] groups) => [.. groups.SelectMany(group => group).Select(value => Enumerable.Repeat(value, p.T).ToArray())];

        double[][] Other(Padded q) => Spread([.. q.Rewards.Select(group => group.Select((reward, i) => reward - group.Where((_, j) => j != i).Average()).ToArray())]);

        double[][] Lift(Padded q) => Spread([.. q.Rewards.Select(group => group.Select((reward, i) =>
            group.Index().All(other => other.Index == i || other.Item < reward) ? reward - group.Where((_, j) => j != i).Max() : 0).ToArray())]);

        double[][] OverBatch(double[][] groups, double epsilon)
        {
            double[] all = [.. groups.SelectMany(group => group)];
            double mean = all.Average(), std = Math.Sqrt(all.Sum(x => (x - mean) * (x - mean)) / (all.Length - 1));
            return Spread([.. groups.Select(group => group.Select(x => (x - mean) / (std + epsilon)).ToArray())]);
        }
    }

    private static double Soft(Padded p, int g, int i)
    {
        double[] rewards = p.Rewards[g];
        double best = rewards.Max(), mean = rewards.Where((_, j) => j != i).Average(reward => Math.Exp((reward - best) / 0.01));
        return rewards[i] - best - (0.01 * Math.Log(Math.Max(mean, 1e-8)));
    }
}
