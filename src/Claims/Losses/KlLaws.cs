using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>
/// A penalty towards the reference policy, seen where rewards are equal: there the surrogate is worth nothing and has no gradient, and what
/// is left of a loss is its penalty.
/// </summary>
public static class KlLaws
{
    private const double LeastDivergence = 1e-3;

    private static readonly double[] s_policy = [0.5, 0.5], s_reference = [0.25, 0.75];

    /// <summary>0 and stationary at the reference.</summary>
    public static LossClaim Zero { get; } = Penalty(
        "kl-zero",
        "At the reference a penalty is 0 and has no gradient.",
        LossPromises.KlStationary,
        (subject, batch) =>
        {
            var response = subject.Ask(Alone(Reworked.OnPolicy(batch)));
            return new Measurement(Math.Abs(response.Value), 0, 0, -1).Worst(LossLaw.Zero(response.Coefficients));
        },
        (_, batch, worst) => string.Create(CultureInfo.InvariantCulture, $"at the reference {(worst.Position < 0 ? "J" : $"the gradient of J at {batch.PlaceOf(worst.Position)}")} is {worst.Measured:G6} in size, with all rewards equal"),
        "the policy drifts from the reference for no reason but its own penalty (k1 as a loss does that: its gradient is a constant)");

    /// <summary>It pulls.</summary>
    public static LossClaim Pull { get; } = Penalty(
        "kl-sign",
        "Where the policy is likelier than the reference the penalty pushes it down, where it is less likely up: c has the sign of log π_ref − log π, and is not 0 where they differ by 10⁻³ to 1.",
        LossPromises.KlPulls,
        (subject, batch) =>
        {
            double[] got = subject.Ask(Apart(batch)).Coefficients;
            double largest = got.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
            var worst = new Measurement(0, 0);
            for (int t = 0; t < got.Length; t++)
            {
                double distance = Distance(batch, t);
                bool kept = Math.Abs(distance) is < 1e-3 or > 1 ? got[t] * distance >= 0 || Math.Abs(distance) < 1e-3 : got[t] * distance > 0;
                worst = worst.Worst(new(kept ? 0 : Math.Max(Math.Abs(got[t]), largest == 0 ? 1 : double.Epsilon), 0, 0, t));
            }

            return worst;
        },
        (subject, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"{batch.PlaceOf(worst.Position)} has log π_ref − log π = {Distance(batch, worst.Position):G4} and the penalty's gradient of J is {subject.Ask(Apart(batch)).Coefficients[worst.Position]:G6}"),
        "the penalty pushes away from the reference, or does not pull at all: the KL of the run grows whatever β is");

    /// <summary>κ ≥ 0.</summary>
    public static LossClaim NonNegative { get; } = Penalty(
        "kl-non-negative",
        "The penalty is never negative: J ≤ 0 where all rewards are equal.",
        LossPromises.KlNonNegative,
        (subject, batch) =>
        {
            var response = subject.Ask(Apart(batch));
            return new(response.Value, subject.Rounding(batch, response.Largest + Math.Abs(response.Value)));
        },
        (_, _, worst) => string.Create(CultureInfo.InvariantCulture, $"with all rewards equal J is {worst.Measured:G6}: the penalty pays"),
        "the loss falls by moving away from the reference");

    /// <summary>E[κ] ∝ KL.</summary>
    public static LossClaim Expectation { get; } = Penalty(
        "kl-expectation",
        "Summed over every token by its probability, the penalty is KL(π ‖ π_ref) times one number β > 0, whatever the two policies are.",
        LossPromises.KlUnbiased | LossPromises.GroupIsolated,
        (subject, batch) =>
        {
            var (policy, reference) = Policies(batch);
            // Two policies that are one have nothing to be compared by.
            if (Divergence(policy, reference) < LeastDivergence)
                return new(0, 0);
            var (beta, known) = (Penalised(subject, policy, reference) / Divergence(policy, reference), Penalised(subject, s_policy, s_reference) / Divergence(s_policy, s_reference));
            // The estimator is a difference of numbers of size 1, and the divergence may be small.
            double rounding = subject.UnitRoundoff * 1e4 * Math.Max(Math.Abs(known), Math.Abs(beta)) * (1 + (1 / Divergence(policy, reference)));
            return new(known > 0 ? Math.Abs(beta - known) : double.NaN, rounding);
        },
        (subject, batch, _) =>
        {
            var (policy, reference) = Policies(batch);
            return string.Create(CultureInfo.InvariantCulture, $"for π = [{Text(policy)}] and π_ref = [{Text(reference)}] the mean penalty is {Penalised(subject, policy, reference):G6}, {Penalised(subject, policy, reference) / Divergence(policy, reference):G6} of their KL divergence; for π = [{Text(s_policy)}] and π_ref = [{Text(s_reference)}] it is {Penalised(subject, s_policy, s_reference) / Divergence(s_policy, s_reference):G6} of theirs");
        },
        "what is logged and punished as KL is another quantity (k2's mean is one, to second order)") with
    {
        Cost = 2,
    };

    private static LossClaim Penalty(
        string id, string statement, LossPromises needs, Func<LossSubject, RolloutBatch, Measurement> measure, Func<LossSubject, RolloutBatch, Measurement, string> why, string consequence) =>
        LossLaw.Contract(
            id, statement, needs | LossPromises.ComparesRewards,
            (_, cases) => cases with { DeadRows = Presence.Never, LeastTokens = 2 },
            measure, why, consequence) with
        {
            Missing = subject => LossLaw.Lacks(subject, needs | LossPromises.ComparesRewards) ?? (subject.ReadsReference ? null : "a penalty (the loss does not react to ref_logps)"),
        };

    /// <summary>Whether a loss reacts to the reference's log-probs where all rewards are equal.</summary>
    internal static bool ReactsToReference(LossSubject subject)
    {
        var batch = Pair(subject, [-1, -0.5], [-1.25, -0.375]);
        var (apart, at) = (subject.Ask(batch), subject.Ask(Reworked.AtReference(batch)));
        return apart.Value != at.Value || !apart.Coefficients.SequenceEqual(at.Coefficients);
    }

    // Equal rewards, no entropy: the surrogate and its bonus are worth nothing.
    private static RolloutBatch Alone(RolloutBatch batch) => Reworked.EqualRewards(batch).With(Column.Entropy, new double[batch.Tokens]);

    // On-policy, away from the reference.
    private static RolloutBatch Apart(RolloutBatch batch) => Alone(Reworked.OnPolicy(batch)).With(Column.RefLogp, batch[Column.RefLogp]);

    private static double Distance(RolloutBatch batch, int t) => batch[Column.RefLogp][t] - batch[Column.Logp][t];

    // Two policies over as many tokens as the batch has, spelled out by its log-probs.
    private static (double[] Policy, double[] Reference) Policies(RolloutBatch batch) => (Softmax(batch[Column.Logp].ToArray()), Softmax(batch[Column.RefLogp].ToArray()));

    private static double[] Softmax(double[] logits)
    {
        double total = logits.Sum(Math.Exp);
        return [.. logits.Select(logit => Math.Exp(logit) / total)];
    }

    private static double Divergence(double[] policy, double[] reference) => policy.Zip(reference).Sum(pair => pair.First * Math.Log(pair.First / pair.Second));

    // −E[J] over the one token of a completion, of which each prompt has two alike.
    private static double Penalised(LossSubject subject, double[] policy, double[] reference) =>
        -policy.Zip(reference).Sum(pair => pair.First * subject.Ask(Pair(subject, [Math.Log(pair.First)], [Math.Log(pair.Second)])).Value);

    // Two completions alike, on-policy, with equal rewards and all that the loss reads.
    private static RolloutBatch Pair(LossSubject subject, double[] logps, double[] reference)
    {
        var signature = subject.Loss.Signature;
        var row = new Rollout
        {
            Rewards = [.. Enumerable.Repeat((double?)1, signature.Rewards)],
            Logps = logps,
            OldLogps = logps,
            RefLogps = reference,
            RolloutLogps = logps,
            Entropies = new double[logps.Length],
            Tokens = [.. Enumerable.Range(0, logps.Length)],
            GreedyReward = signature.GreedyRewards ? 1 : null,
        };
        row = signature.Reads.Where(column => row[column] is null).Aggregate(row, (with, column) => with.With(column, [.. logps.Select(_ => 0.5)]));
        return RolloutBatch.Of([[row, row]]);
    }

    private static string Text(double[] values) => string.Join(", ", values.Select(value => value.ToString("G4", CultureInfo.InvariantCulture)));
}
