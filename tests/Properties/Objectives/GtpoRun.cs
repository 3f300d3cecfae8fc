using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>A run of GTPO's own code: logits in, gradients of logits out; log-probs and entropies are worked out here.</summary>
internal static class GtpoRun
{
    public static RecordedRun Of(GoldenNode run, ForkSettings settings)
    {
        var hyper = run["hyper"];
        double scale = hyper["ENT_SCALE"].Number, threshold = hyper["ENT_THRESHOLD"].Number, guard = hyper["EPS"].Number;
        int[][] ids = [.. run["completion_ids"].Rows.Select(row => row.Select(id => (int)id).ToArray())];
        double[][][] logits = [.. run["logits"].Items.Select(row => row.Rows)];
        double[][][] logps = [.. logits.Select(row => row.Select(LogSoftmax).ToArray())];
        double[] rewards = run["rewards"].Numbers, raw = run["advantages_raw"].Numbers, entropies = run["mean_entropy"].Numbers;
        var batch = RolloutBatch.Of([[.. rewards.Select((reward, i) =>
        {
            double[] own = [.. logps[i].Select((token, t) => token[ids[i][t]])];
            return new Rollout { Reward = reward, Logps = own, OldLogps = own, Tokens = ids[i], Entropies = [.. logps[i].Select(token => Entropy(token, guard))] };
        })]]);

        double[] Shaped(double[] advantages, double[] means) =>
            [.. advantages.Select((a, i) => means[i] <= threshold ? a - (scale * means[i]) : 0)];
        double[] means = [.. Enumerable.Range(0, batch.Rows).Select(i => batch[Column.Entropy][batch.Row(i)].ToArray().Average())];
        double[] signs = Batches.AdvantagesOf(TrlFlavours.Unscaled, batch);
        double[] advantages = Shaped(raw, entropies);
        double[] gradients = run["grad_logits"].Flat;
        return new()
        {
            Batch = batch,
            Objective = settings.Gtpo(),
            Advantages = [.. advantages.SelectMany((a, i) => Enumerable.Repeat(a, batch.Length(i)))],
            Loss = run["loss"].Numbers.Single(),
            Gradients = [.. run["grad_logits"].Items.Select((row, i) => row.Rows.Select((token, t) => OfLogp(token, logps[i][t], ids[i][t])).ToArray())],
            Others =
            [
                new("mean_entropy", entropies, _ => means),
                new("advantages_raw", raw, _ => signs),
                new("delta", run["delta"].Flat, objective => Fill(Conflicts(objective) with { PerConflict = false }, batch)),
                // At least 1 in the peer where A ≠ 0, whether or not there is a conflict.
                new("n_conflict", run["n_conflict"].Numbers, objective => [.. Counts(objective, batch).Select((n, i) => signs[i] == 0 ? 0 : Math.Max(1, n))]),
                new("conflict", run["conflict"].Flat, objective =>
                    [.. Counts(objective, batch).SelectMany((n, i) => Enumerable.Range(0, batch.Length(i)).Select(t => t < n ? 1.0 : 0))]),
                new("grad_logits", gradients, objective => OfLogits(objective.Evaluate(batch).Coefficients, logps, ids)),
            ],
        };
    }

    private static ConflictWeight Conflicts(SurrogateObjective objective) =>
        ((ProductWeight)objective.Weight).Factors.OfType<ConflictWeight>().Single();

    // The divisor is what is left of the weight where conflicts weigh 1; where none weighs 2 there are none.
    private static IEnumerable<double> Counts(SurrogateObjective objective, RolloutBatch batch)
    {
        var conflicts = Conflicts(objective);
        double[] shares = Fill(new ConflictWeight(1, 1) { Signs = conflicts.Signs, PerConflict = conflicts.PerConflict }, batch);
        double[] marks = Fill(new ConflictWeight(2, 2) { Signs = conflicts.Signs, PerConflict = false }, batch);
        return Enumerable.Range(0, batch.Rows).Select(i => marks[batch.Row(i)].All(mark => mark == 1) ? 0 : 1 / shares[batch.Row(i)][0]);
    }

    private static double[] Fill(TokenWeight weight, RolloutBatch batch)
    {
        double[] weights = new double[batch.Tokens];
        weight.Fill(batch, new double[batch.Tokens], weights);
        return weights;
    }

    private static double[] LogSoftmax(double[] logits)
    {
        double largest = logits.Max(), sum = logits.Sum(logit => Math.Exp(logit - largest));
        return [.. logits.Select(logit => logit - largest - Math.Log(sum))];
    }

    // −Σ p log max(p, 1e−6)
    private static double Entropy(double[] logps, double guard) => -logps.Sum(logp => Math.Exp(logp) * Math.Log(Math.Max(Math.Exp(logp), guard)));

    // ∂logit_v = ∂logp·(1[v = token] − p_v), read off where that factor is largest.
    private static double OfLogp(double[] gradient, double[] logps, int token)
    {
        double[] factors = [.. logps.Select((logp, v) => (v == token ? 1 : 0) - Math.Exp(logp))];
        int best = Array.IndexOf(factors, factors.MaxBy(Math.Abs));
        return gradient[best] / factors[best];
    }

    private static double[] OfLogits(double[] coefficients, double[][][] logps, int[][] ids)
    {
        int next = 0;
        return
        [
            .. logps.SelectMany((row, i) => row.SelectMany((token, t) =>
            {
                double c = coefficients[next++];
                return token.Select((logp, v) => -c * ((v == ids[i][t] ? 1 : 0) - Math.Exp(logp))).ToArray();
            })),
        ];
    }
}
