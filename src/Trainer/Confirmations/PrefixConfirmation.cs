using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace GroupRL.Trainer;

/// <summary>What an objective under an optimizer did to the first token that a group shares, over all seeds.</summary>
/// <param name="Objective">The objective's id.</param>
/// <param name="Optimizer">The optimizer's id.</param>
/// <param name="LengthBonus">κ: the sign of the covariance of length and reward.</param>
/// <param name="Neutral">Whether the theory predicts Cₜ = 0 for every batch.</param>
/// <param name="Predicted">The mean over seeds of Σ η·Cₜ·‖∇ log π(o)‖², nats: what Cₜ alone does to the shared token under SGD.</param>
/// <param name="Drift">The mean over seeds of Σ Δ log π(o) + KL(π ‖ π′), nats: what became of it, beyond what a step that knows nothing of o does.</param>
/// <param name="Error">The standard error of that mean.</param>
/// <param name="PValue">Of Student's two-sided test that the mean drift is 0; 1 where no seed drifts at all.</param>
/// <param name="SameSign">The share of steps that went the way of Cₜ, among those where Cₜ is more than rounding; NaN where there is none.</param>
/// <param name="Correlation">Pearson's, of predicted and measured drift over all steps; NaN where one does not vary.</param>
public sealed record PrefixRow(
    string Objective, string Optimizer, double LengthBonus, bool Neutral, double Predicted, double Drift, double Error, double PValue, double SameSign, double Correlation)
{
    /// <summary>What rounding alone may move the token by, nats.</summary>
    internal double Rounding { get; init; }

    /// <summary>Half of the width of the mean's 99 % interval, nats.</summary>
    internal double Interval { get; init; }

    /// <summary>The number of steps that <see cref="SameSign"/> is a share of.</summary>
    internal int Pushes { get; init; }
}

/// <summary>
/// The first finding of arXiv:2601.05002 in training: rewards that do not depend on the first token, and length that covaries with the reward,
/// move the first token under objectives whose weights depend on length, and under no others. Each group draws its first token together
/// (<see cref="MajorityTask"/>), so that the group is the set S of Cₜ = Σ cᵢₜ.
/// </summary>
/// <param name="Policy">A policy of <see cref="TaskPolicies"/>, or another, for a task.</param>
public sealed record PrefixConfirmation(Func<VerifiableTask, IPolicy> Policy)
{
    /// <summary>The level of the tests against zero; that of each is this over their number.</summary>
    public const double Level = 0.01;

    // What is left where G terms below 1 cancel, and a step of SGD and of Adam on it: its quotient is at most that over ε.
    private const double Rounding = 64 * Tolerance.UnitRoundoff;

    private static readonly string[] s_objectives = ["grpo", "dr-grpo", "dapo", "cispo"];
    private static readonly double[] s_bonuses = [1, 0, -1];

    /// <summary>The seeds of a row.</summary>
    public int Seeds { get; init; } = 30;

    /// <summary>The first of the seeds, which follow one another.</summary>
    public ulong FirstSeed { get; init; }

    /// <summary>The steps of a run.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>What all η are times.</summary>
    public double RateScale { get; init; } = 1;

    /// <summary>The optimizers, at the η that <see cref="RateScale"/> is times.</summary>
    public static ImmutableArray<Optimizer> Optimizers { get; } = [OptimizerCatalogue.Sgd.With(0.1), OptimizerCatalogue.Adam.With(0.01)];

    /// <summary>The settings, one a row: objectives by optimizers by the sign of the covariance.</summary>
    public ImmutableArray<PrefixSetting> Settings =>
    [
        .. from optimizer in Optimizers
           from objective in s_objectives
           from bonus in s_bonuses
           select new PrefixSetting(objective, optimizer.With(optimizer.LearningRate * RateScale), bonus),
    ];

    /// <summary>Runs a setting from all seeds.</summary>
    public PrefixRow Run(PrefixSetting setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        var objective = Catalogue.Find(setting.Objective)!.Objective;
        bool neutral = objective.Traits.HasFlag(Traits.Centred | Traits.UniformWeight | Traits.CommonOnPolicyGain);
        List<double> predicted = [], measured = [], sums = [], expected = [];
        var task = new MajorityTask(setting.LengthBonus);
        var policy = Policy(task);
        for (int seed = 0; seed < Seeds; seed++)
        {
            var run = new TrainingRun(task, policy, objective, setting.Optimizer) { Seed = FirstSeed + (ulong)seed };
            int before = measured.Count;
            var state = run.Initial();
            for (int step = 0; step < Steps; step++)
                state = run.Step(state, taken => Look(policy, taken, setting.Optimizer.LearningRate, neutral, predicted, measured)).State;
            sums.Add(measured.Skip(before).Sum() / task.Prompts);
            expected.Add(predicted.Skip(before).Sum() / task.Prompts);
        }

        var pushed = predicted.Zip(measured).Where(pair => Math.Abs(pair.First) > Rounding).ToArray();
        double error = sums.StandardDeviation() / Math.Sqrt(Seeds), mean = sums.Mean();
        return new(
            setting.Objective, setting.Optimizer.Id, setting.LengthBonus,
            neutral,
            expected.Mean(), mean, error,
            error == 0 ? 1 : 2 * StudentT.CDF(0, 1, Seeds - 1, -Math.Abs(mean / error)),
            pushed.Length == 0 ? double.NaN : pushed.Count(pair => Math.Sign(pair.First) == Math.Sign(pair.Second)) / (double)pushed.Length,
            pushed.Length == 0 ? double.NaN : Correlation.Pearson(predicted, measured))
        {
            Pushes = pushed.Length,
            Interval = error * StudentT.InvCDF(0, 1, Seeds - 1, 0.995),
            Rounding = Steps * setting.Optimizer.LearningRate * Rounding / (setting.Optimizer.Adam?.Epsilon ?? 1),
        };
    }

    /// <summary>Sets the rows beside what the theory says of them.</summary>
    public static Confirmation<PrefixRow> Judge(IReadOnlyList<PrefixRow> rows, bool tabular)
    {
        ArgumentNullException.ThrowIfNull(rows);
        double level = Level / rows.Count;
        var findings = new List<Finding>();
        foreach (var row in rows)
        {
            string who = FormattableString.Invariant($"{row.Objective} under {row.Optimizer}, κ = {row.LengthBonus}");
            string seen = FormattableString.Invariant($"drift {row.Drift:G4} ± {row.Error:G2}, p = {row.PValue:G2}");
            double pushed = rows.Where(other => !other.Neutral && other.LengthBonus != 0 && other.Optimizer == row.Optimizer).Select(other => Math.Abs(other.Drift)).DefaultIfEmpty(double.PositiveInfinity).Min();
            if (row.Neutral && tabular)
                findings.Add(new(FormattableString.Invariant($"{who}: Cₜ = 0, so that the shared token does not move, but for what rounding lets through ({row.Rounding:G1})"), seen, Math.Abs(row.Drift) <= row.Rounding));
            else if (row.Neutral)
                findings.Add(new(FormattableString.Invariant($"{who}: Cₜ = 0, so that the mean drift is 0 (not rejected at {level:G2}, and its 99 % interval within half of what GRPO's pushes gave, ±{pushed / 2:G3})"), FormattableString.Invariant($"{seen}, interval ±{row.Interval:G3} about it"), row.PValue >= level && Math.Abs(row.Drift) + row.Interval < pushed / 2));
            else if (row.LengthBonus != 0)
                findings.Add(new(FormattableString.Invariant($"{who}: Cₜ = G·Cov(1/L, A), so that the shared token {(row.LengthBonus > 0 ? "falls" : "rises")} (0 rejected at {level:G2})"), seen, row.PValue < level && Math.Sign(row.Drift) == -Math.Sign(row.LengthBonus)));
            if (!row.Neutral && row.Optimizer == OptimizerCatalogue.Sgd.Id)
            {
                findings.Add(tabular
                    ? new($"{who}: every step goes the way of Cₜ, whatever its size", FormattableString.Invariant($"{row.SameSign:P2} of the steps, correlation {row.Correlation:F4}"), row.SameSign == 1 && row.Correlation > 0.99)
                    : new($"{who}: more steps than by chance go the way of Cₜ, beside what other tokens do", FormattableString.Invariant($"{row.SameSign:P1} of the steps, correlation {row.Correlation:F3}"), row.SameSign > 0.5 + (3 * Math.Sqrt(0.25 / row.Pushes)) && row.Correlation > 0));
            }
        }

        return new([.. rows], [.. findings]);
    }

    // C = G·Cov(1/(P·G·L), (R − R̄)/s) of GRPO, from lengths and rewards alone: what the run itself computed is not asked.
    private static double LengthPush(RolloutBatch batch, int g)
    {
        int[] rows = [.. Enumerable.Range(batch.Group(g).Start.Value, batch.GroupSize(g))];
        double[] rewards = [.. rows.Select(row => batch.TryReward(row, 0, out double reward) ? reward : 0)];
        double[] weights = [.. rows.Select(row => 1.0 / (batch.Groups * rows.Length * batch.Length(row)))];
        double spread = rewards.StandardDeviation();
        return spread == 0 ? 0 : rows.Length * weights.PopulationCovariance(rewards) / spread;
    }

    private static void Look(IPolicy policy, InnerStep step, double learningRate, bool neutral, List<double> predicted, List<double> measured)
    {
        var batch = step.Batch;
        double[] after = [.. step.Theta.Zip(step.Update, (theta, update) => theta + update)];
        Sequence[] roots = [.. Enumerable.Range(0, batch.Groups).Select(g => new Sequence(g, [batch.Ids(batch.Group(g).Start.Value)[0]]))];
        using var pass = policy.Forward(step.Theta, roots);
        using var moved = policy.Forward(after, roots);
        TokenDistributions pi = new(pass.Logits, policy.Vocabulary), next = new(moved.Logits, policy.Vocabulary);
        for (int g = 0; g < batch.Groups; g++)
        {
            int token = roots[g].Tokens[0];
            double push = neutral ? 0 : LengthPush(batch, g);
            var slopes = new double[batch.Groups * policy.Vocabulary];
            pi.AddSlopes(g, token, 1, 0, slopes.AsSpan(g * policy.Vocabulary, policy.Vocabulary));
            predicted.Add(learningRate * push * pass.PullBack(slopes).Sum(score => score * score));
            double divergence = 0;
            for (int v = 0; v < policy.Vocabulary; v++)
                divergence += Math.Exp(pi.LogPi(g)[v]) * (pi.LogPi(g)[v] - next.LogPi(g)[v]);
            measured.Add(next.LogPi(g)[token] - pi.LogPi(g)[token] + divergence);
        }
    }
}

/// <summary>What a row of the prefix confirmation trains with.</summary>
/// <param name="Objective">The objective's id.</param>
/// <param name="Optimizer">The optimizer.</param>
/// <param name="LengthBonus">κ.</param>
public sealed record PrefixSetting(string Objective, Optimizer Optimizer, double LengthBonus);
