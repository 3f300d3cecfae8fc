using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>What an importance ratio and its clip may do to the gradient that a token has on-policy.</summary>
public static class RatioLaws
{
    private const double Beside = 1e-6;

    private static readonly (string Name, Func<double[], int, double> Of)[] s_ratios =
    [
        ("its own ratio", (logRatios, t) => Math.Exp(logRatios[t])),
        ("the ratio of its row's mean", (logRatios, _) => Math.Exp(logRatios.Average())),
        ("the ratio of its row's sum", (logRatios, _) => Math.Exp(logRatios.Sum())),
        ("1", (_, _) => 1),
    ];

    /// <summary>c = r·c on-policy.</summary>
    public static LossClaim ImportanceRatio { get; } = LossLaw.Contract(
        "importance-ratio",
        "Near on-policy, within any clip, a token's gradient is the one it has on-policy times an importance ratio, current over behaviour: its own, that of its row's mean or sum, or 1; the same for all tokens of the batch (the declared one, where one is).",
        LossPromises.ImportanceRatio | LossPromises.KlStationary,
        (_, cases) => cases with { LargestLogRatio = 0.08, DeadRows = Presence.Never },
        (subject, batch) => RatioGaps(subject, batch).Aggregate((best, other) => other.Holds && !best.Holds || other.Measured < best.Measured ? other : best),
        (subject, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"{batch.PlaceOf(worst.Position)} has log-ratio {batch[Column.Logp][worst.Position] - batch[Column.OldLogp][worst.Position]:G4}, and its gradient goes from {subject.Ask(Reworked.OnPolicy(batch)).Coefficients[worst.Position]:G6} on-policy to {subject.Ask(Reworked.AtReference(batch)).Coefficients[worst.Position]:G6}: no {string.Join(", no ", Ratios(subject).Select(ratio => ratio.Name))}"),
        "off-policy steps are weighed by something that is no likelihood ratio, and the surrogate is no longer an estimate of anything");

    /// <summary>One gradient a row.</summary>
    public static LossClaim RowUniform { get; } = LossLaw.Contract(
        "row-uniform",
        "On-policy all trained tokens of a completion have one gradient: the completion was rewarded as a whole.",
        LossPromises.OneCreditARow | LossPromises.KlStationary,
        (_, cases) => cases with { OnPolicy = true },
        (subject, batch) =>
        {
            double[] got = subject.Ask(Reworked.OnPolicy(batch)).Coefficients;
            return LossLaw.Gap(subject, batch, FirstOfRow(batch, got), got);
        },
        (subject, batch, worst) => LossLaw.Difference(batch, worst, "on-policy", FirstOfRow(batch, subject.Ask(Reworked.OnPolicy(batch)).Coefficients), subject.Ask(Reworked.OnPolicy(batch)).Coefficients),
        "tokens get the advantages of other completions, or of other places");

    /// <summary>The sign does not turn.</summary>
    public static LossClaim Sign { get; } = LossLaw.Contract(
        "coefficient-sign",
        "Off-policy a token's gradient has the sign that it has on-policy, or is 0, at every ratio up to e³: a clip or a cap may stop a token, and never turns it round.",
        LossPromises.KeepsSign | LossPromises.KlStationary,
        (_, cases) => cases with { LargestLogRatio = 3, DeadRows = Presence.Never },
        (subject, batch) =>
        {
            var (on, off) = (subject.Ask(Reworked.OnPolicy(batch)), subject.Ask(Reworked.AtReference(batch)));
            double rounding = subject.Rounding(batch, on.Largest);
            var worst = new Measurement(0, 0);
            for (int t = 0; t < batch.Tokens; t++)
            {
                bool turned = double.IsNaN(off.Coefficients[t]) || (Math.Sign(on.Coefficients[t]) * Math.Sign(off.Coefficients[t]) < 0 && Math.Abs(on.Coefficients[t]) > rounding);
                worst = worst.Worst(new(turned ? Math.Abs(off.Coefficients[t]) : 0, 0, 0, t));
            }

            return worst;
        },
        (subject, batch, worst) => Turn(subject, batch, worst, Reworked.AtReference(batch)),
        "off-policy tokens are pushed against their advantage, the further they have moved the harder");

    /// <summary>What has gone the wrong way keeps its gradient.</summary>
    public static LossClaim Pessimism { get; } = LossLaw.Contract(
        "clip-pessimism",
        "A good completion that has become less likely, and a bad one that has become more likely (ratios within 0.7 … 1.3), keep their gradient: a clip stops what has gone far enough the right way.",
        LossPromises.PessimisticClip | LossPromises.KlStationary,
        (_, cases) => cases with { LargestLogRatio = 0.25, DeadRows = Presence.Never },
        (subject, batch) =>
        {
            double[] on = subject.Ask(Reworked.OnPolicy(batch)).Coefficients;
            var gone = Gone(batch, on, (c, distance) => c > 0 ? -distance : distance);
            double[] off = subject.Ask(gone).Coefficients;
            double rounding = subject.Rounding(gone, on.Select(Math.Abs).Max());
            var worst = new Measurement(0, 0);
            for (int t = 0; t < on.Length; t++)
                worst = worst.Worst(new(Math.Abs(on[t]) > rounding && off[t] == 0 ? Math.Abs(on[t]) : double.IsNaN(off[t]) ? off[t] : 0, 0, 0, t));
            return worst;
        },
        (subject, batch, worst) => Turn(subject, batch, worst, Gone(batch, subject.Ask(Reworked.OnPolicy(batch)).Coefficients, (c, distance) => c > 0 ? -distance : distance)),
        "a token that an inner step has pushed the wrong way cannot come back");

    /// <summary>The declared clip region, on all of its sides.</summary>
    public static LossClaim Quadrants { get; } = LossLaw.Contract(
        "clip-quadrants",
        "Beyond the declared bounds (by 10⁻⁶ and by far) c = 0 for A > 0 above and for A < 0 below, and beyond a cap or a dual clip for A < 0; on the other sides, and within, c has the sign of A. At a bound itself either is right.",
        LossPromises.KlStationary,
        (_, cases) => cases with { OnPolicy = true, DeadRows = Presence.Never },
        (subject, batch) =>
        {
            double[] on = subject.Ask(Reworked.OnPolicy(batch)).Coefficients;
            double rounding = subject.Rounding(batch, on.Select(Math.Abs).Max());
            return Points(subject.Clip!).Select((ratio, k) => Side(subject, batch, on, ratio, rounding) with { Group = k }).Aggregate((worst, other) => worst.Worst(other));
        },
        (subject, batch, worst) =>
        {
            double ratio = Points(subject.Clip!).ElementAt(worst.Group), on = subject.Ask(Reworked.OnPolicy(batch)).Coefficients[worst.Position];
            string side = Clipping.IsDead(subject.Clip!, ratio, on) ? "beyond the clip range, where it must be 0" : "where the clip does not act";
            return string.Create(CultureInfo.InvariantCulture, $"{batch.PlaceOf(worst.Position)} has {(on > 0 ? "A > 0" : "A < 0")} and ratio {ratio:R}, {side} ([{subject.Clip!.Low:R}, {subject.Clip.High:R}]), yet its gradient is {subject.Ask(At(batch, Math.Log(ratio))).Coefficients[worst.Position]:G6}");
        },
        "tokens are stopped that should learn, or pushed on that have left the trust region") with
    {
        Cost = 2,
        Missing = subject => subject.Clip is null ? "a declared clip range"
            : (subject.Promises & (LossPromises.TokenRatio | LossPromises.SequenceRatio)) == 0 ? "the promise token-ratio or sequence-ratio"
            : LossLaw.Lacks(subject, LossPromises.KlStationary),
        Hypotheses = ["declares its clip range and whether ratios are of tokens or of sequences", "promises kl-stationary", "all tokens of a batch have one ratio"],
    };

    private static (string Name, Func<double[], int, double> Of)[] Ratios(LossSubject subject) =>
        subject.Promises.HasFlag(LossPromises.TokenRatio) ? s_ratios[..1] : subject.Promises.HasFlag(LossPromises.SequenceRatio) ? s_ratios[1..2] : s_ratios;

    private static IEnumerable<Measurement> RatioGaps(LossSubject subject, RolloutBatch batch)
    {
        double[] on = subject.Ask(Reworked.OnPolicy(batch)).Coefficients, off = subject.Ask(Reworked.AtReference(batch)).Coefficients;
        return Ratios(subject).Select(ratio => RatioGap(subject, batch, on, off, ratio.Of));
    }

    private static Measurement RatioGap(LossSubject subject, RolloutBatch batch, double[] on, double[] off, Func<double[], int, double> ratio)
    {
        double[] expected = new double[on.Length];
        var (logp, old) = (batch[Column.Logp].ToArray(), batch[Column.OldLogp].ToArray());
        for (int i = 0; i < batch.Rows; i++)
        {
            var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            double[] logRatios = [.. Enumerable.Range(start, length).Select(t => logp[t] - old[t])];
            // What a clip has stopped says nothing of the ratio.
            for (int t = 0; t < length; t++)
                expected[start + t] = off[start + t] == 0 ? 0 : on[start + t] * ratio(logRatios, t);
        }

        return LossLaw.Gap(subject, batch, expected, off);
    }

    private static double[] FirstOfRow(RolloutBatch batch, double[] got)
    {
        double[] expected = [.. got];
        for (int i = 0; i < batch.Rows; i++)
        {
            var (start, length) = batch.Row(i).GetOffsetAndLength(batch.Tokens);
            expected.AsSpan(start, length).Fill(length > 0 ? got[start] : 0);
        }

        return expected;
    }

    private static string Turn(LossSubject subject, RolloutBatch batch, Measurement worst, RolloutBatch off) => string.Create(
        CultureInfo.InvariantCulture,
        $"the gradient of {batch.PlaceOf(worst.Position)} is {subject.Ask(Reworked.OnPolicy(batch)).Coefficients[worst.Position]:G6} on-policy and {subject.Ask(off).Coefficients[worst.Position]:G6} at log-ratio {off[Column.Logp][worst.Position] - off[Column.OldLogp][worst.Position]:G4}");

    // The same batch after every token has moved by a log-ratio that its on-policy gradient and its own distance decide.
    private static RolloutBatch Gone(RolloutBatch batch, double[] on, Func<double, double, double> logRatio)
    {
        double[] old = batch[Column.OldLogp].ToArray(), logp = batch[Column.Logp].ToArray(), current = new double[old.Length], behaviour = new double[old.Length];
        for (int t = 0; t < old.Length; t++)
        {
            double z = logRatio(on[t], Math.Abs(logp[t] - old[t])), start = Math.Min(old[t], logp[t]);
            (current[t], behaviour[t]) = (start + Math.Min(z, 0), start - Math.Max(z, 0));
        }

        return Reworked.AtReference(batch.With(Column.Logp, current).With(Column.OldLogp, behaviour));
    }

    private static RolloutBatch At(RolloutBatch batch, double logRatio) => Gone(batch, new double[batch.Tokens], (_, _) => logRatio);

    private static IEnumerable<double> Points(Clip clip)
    {
        double[] bounds = [.. new[] { clip.Low, clip.High, clip.Cap, clip.Dual }.Where(bound => bound > 0 && double.IsFinite(bound)).Distinct()];
        return [.. bounds.SelectMany(bound => new[] { bound * (1 - Beside), bound * (1 + Beside) }), bounds.Min() / 2, bounds.Max() * 2, bounds.Max() * 20];
    }

    private static Measurement Side(LossSubject subject, RolloutBatch batch, double[] on, double ratio, double rounding)
    {
        double[] off = subject.Ask(At(batch, Math.Log(ratio))).Coefficients;
        var worst = new Measurement(0, 0);
        for (int t = 0; t < on.Length; t++)
        {
            if (Math.Abs(on[t]) <= rounding)
                continue;
            bool dead = Clipping.IsDead(subject.Clip!, ratio, on[t]);
            double broken = double.IsNaN(off[t]) ? off[t] : dead ? Math.Abs(off[t]) : Math.Sign(off[t]) == Math.Sign(on[t]) ? 0 : Math.Abs(on[t]);
            worst = worst.Worst(new(broken, 0, 0, t));
        }

        return worst;
    }
}
