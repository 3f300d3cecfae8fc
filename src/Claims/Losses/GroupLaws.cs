using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>Groups, and parts of a batch: whom a gradient may depend on, and that a split changes nothing.</summary>
public static class GroupLaws
{
    /// <summary>Other groups' rewards and log-probs.</summary>
    public static LossClaim Isolation { get; } = LossLaw.Contract(
        "group-isolation",
        "Other rewards and log-probs of one prompt's completions change no gradient of another prompt's.",
        LossPromises.GroupIsolated,
        (_, cases) => cases with { Prompts = 2 },
        (subject, batch) =>
        {
            int kept = batch.GroupTokens(0).End.Value;
            double[] before = subject.Ask(batch).Coefficients, after = subject.Ask(OtherLastGroup(batch)).Coefficients;
            return LossLaw.Gap(subject, batch, before, [.. after[..kept], .. before[kept..]]);
        },
        (subject, batch, worst) => LossLaw.Difference(batch, worst, "with other rewards and log-probs in the last group", subject.Ask(batch).Coefficients, subject.Ask(OtherLastGroup(batch)).Coefficients),
        "an easy prompt beside a hard one decides what the hard one teaches");

    /// <summary>The batch beside a copy.</summary>
    public static LossClaim Duplicate { get; } = LossLaw.Contract(
        "duplicate-batch",
        "Beside a copy of itself, as prompts of their own, a batch and its copy have one gradient: what it was (a sum) or half of it (a mean).",
        LossPromises.GroupIsolated | LossPromises.Averages,
        (_, cases) => cases,
        (subject, batch) =>
        {
            var (before, after) = (subject.Ask(batch).Coefficients, subject.Ask(Doubled(batch)).Coefficients);
            double factor = FactorOf(before, after);
            double[] expected = [.. before.Select(c => factor * c)];
            return LossLaw.Gap(subject, batch, expected, after[..before.Length], LossLaw.CountGuard)
                .Worst(LossLaw.Gap(subject, batch, expected, after[before.Length..], LossLaw.CountGuard));
        },
        (subject, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"beside its copy the gradient of {batch.PlaceOf(worst.Position)} goes from {subject.Ask(batch).Coefficients[worst.Position]:G6} to {subject.Ask(Doubled(batch)).Coefficients[worst.Position]:G6} (in the copy {subject.Ask(Doubled(batch)).Coefficients[worst.Position + batch.Tokens]:G6})"),
        "the learning rate changes with the number of prompts in a way that is neither a sum nor a mean");

    /// <summary>Micro-batches.</summary>
    public static LossClaim Accumulation { get; } = Split(
        "accumulation-invariance", "micro-batches", LossCapabilities.Accumulation, "accumulation", (padded, parts) => padded with { Accumulation = parts },
        "the run with a smaller micro-batch is another objective, which no log shows");

    /// <summary>Devices.</summary>
    public static LossClaim Devices { get; } = Split(
        "device-invariance", "devices", LossCapabilities.Devices, "devices", (padded, parts) => padded with { Devices = parts },
        "the run on more devices is another objective, which no log shows");

    private static LossClaim Split(
        string id, string parts, LossCapabilities capability, string word, Func<PaddedBatch, ImmutableArray<int>, PaddedBatch> cut, string consequence) =>
        LossLaw.Contract(
            id,
            $"Over two {parts}, whose rows are cut anywhere, the effective gradient is that of the whole batch.",
            LossPromises.None,
            (_, cases) => cases with { DeadRows = Presence.Never },
            (subject, batch) =>
            {
                double[] whole = subject.Ask(batch).Coefficients;
                // Every cut: which one breaks it depends on the lengths on either side.
                return Enumerable.Range(1, batch.Rows - 1)
                    .Select(first => LossLaw.Gap(subject, batch, whole, Cut(subject, batch, first, cut).Coefficients, LossLaw.CountGuard) with { Group = first })
                    .Aggregate((worst, other) => worst.Worst(other));
            },
            (subject, batch, worst) => LossLaw.Difference(
                batch, worst, $"with {worst.Group} rows in the first of two {parts} and {batch.Rows - worst.Group} in the other", subject.Ask(batch).Coefficients, Cut(subject, batch, worst.Group, cut).Coefficients),
            consequence) with
        {
            Missing = subject => subject.Can(capability) ? null : $"the capability {word}",
            Hypotheses = [$"has the capability {word}", "every completion has a trained token"],
            Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? SharedPrefix.DeadRow(batch),
        };

    private static LossResponse Cut(LossSubject subject, RolloutBatch batch, int first, Func<PaddedBatch, ImmutableArray<int>, PaddedBatch> cut) =>
        subject.Ask(batch, change: padded => cut(padded, [first, batch.Rows - first]));

    private static double FactorOf(double[] before, double[] after) => Math.Abs(LossLaw.Factor(before, after) - 1) < 0.25 ? 1 : 0.5;

    private static RolloutBatch Doubled(RolloutBatch batch)
    {
        Rollout[][] groups = [.. batch.ToRollouts().Select(group => group.ToArray())];
        return RolloutBatch.Of([.. groups, .. groups]);
    }

    private static RolloutBatch OtherLastGroup(RolloutBatch batch) => RolloutBatch.Of(
    [
        .. batch.ToRollouts().Select((group, g) => group.Select((row, k) => g < batch.Groups - 1 ? row : row with
        {
            Rewards = [.. row.Rewards.Select(reward => (2 * reward) + k + 1)],
            Logps = [.. row.Logps.Select(logp => logp - 0.125)],
        }).ToArray()),
    ]);
}
