using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>
/// The ledger's claims about biases, of a loss that answers and says nothing more. Where the traits of its design are known, they decide
/// whether a claim speaks of it; elsewhere every one does.
/// </summary>
public static class LossTheory
{
    private const double Factor = 16, FarLogRatio = 3;

    /// <summary>Cₜ = 0 on a shared prefix.</summary>
    public static LossClaim PrefixNeutrality { get; } = Of(
        Prefix.Neutrality,
        batch => SharedPrefix.NotShared(batch) ?? SharedPrefix.DeadRow(batch),
        (_, cases) => cases with { OnPolicy = true, SharedPrefix = true, DeadRows = Presence.Never },
        (subject, batch) => WorstPush(subject, Seen(subject, batch)),
        WhyPushed);

    /// <summary>The same where a completion is masked.</summary>
    public static LossClaim MaskedTruncation { get; } = Of(
        Prefix.MaskedTruncation,
        batch => SharedPrefix.NotShared(batch) ?? (SharedPrefix.DeadRow(batch) is null ? "some completion has no trainable token; every one has" : null),
        (_, cases) => cases with { OnPolicy = true, SharedPrefix = true, DeadRows = Presence.Always },
        (subject, batch) => WorstPush(subject, Seen(subject, batch)),
        WhyPushed);

    /// <summary>The same off-policy.</summary>
    public static LossClaim OffPolicyNeutrality { get; } = Of(
        PrefixOffPolicy.Neutrality,
        batch => PrefixOffPolicy.NotOnePolicy(batch) ?? SharedPrefix.DeadRow(batch),
        (_, cases) => cases with { SharedPrefix = true, DeadRows = Presence.Never, LargestLogRatio = FarLogRatio },
        (subject, batch) => WorstPush(subject, Seen(subject, batch)),
        WhyPushed);

    /// <summary>J = 0 on-policy.</summary>
    public static LossClaim OnPolicyValue { get; } = Of(
        Surrogate.OnPolicyValue,
        OnPolicyAndLive,
        (_, cases) => cases with { OnPolicy = true, SharedPrefix = true, DeadRows = Presence.Never },
        (subject, batch) =>
        {
            var response = subject.Ask(Seen(subject, batch).With(Column.Entropy, new double[batch.Tokens]));
            return new(Math.Abs(response.Value), batch.Tokens * subject.Rounding(batch, response.Largest));
        },
        (_, _, worst) => string.Create(CultureInfo.InvariantCulture, $"on-policy the value is {worst.Measured:G6}"));

    /// <summary>A longer completion.</summary>
    public static LossClaim LengthCredit { get; } = Of(
        Surrogate.LengthCredit,
        OnPolicyAndLive,
        (_, cases) => cases with { OnPolicy = true, DeadRows = Presence.Never },
        (subject, batch) =>
        {
            var (own, grown) = (subject.Ask(Seen(subject, batch)).Coefficients, GrownCoefficients(subject, batch));
            return LossLaw.Gap(subject, batch, own, grown);
        },
        (subject, batch, worst) => LossLaw.Difference(batch, worst, "with a token more in the first completion", subject.Ask(Seen(subject, batch)).Coefficients, GrownCoefficients(subject, batch)));

    /// <summary>No gradient stops.</summary>
    public static LossClaim NoHardStop { get; } = Of(
        Clipping.NoHardStop,
        FarOff,
        // A token that a mask has taken out is not weighed: where a design is known to have one, cases stay so near that it does not act. Nor do gains of
        // whole rows underflow there.
        (subject, cases) => cases with
        {
            LargestLogRatio = subject.Design switch
            {
                { Correction: not ConstantWeight } => 0.01,
                { Kernel.Ratio: not RatioLevel.Token } => 0.3,
                _ => 1,
            },
            DeadRows = Presence.Never,
        },
        (subject, batch) =>
        {
            var lower = Lowered(batch);
            var (on, off) = (subject.Ask(Reworked.OnPolicy(lower)), subject.Ask(Reworked.AtReference(lower)));
            double rounding = subject.Rounding(batch, on.Largest);
            var worst = new Measurement(0, 0);
            for (int t = 0; t < batch.Tokens; t++)
                worst = worst.Worst(new(Math.Abs(on.Coefficients[t]) > rounding && off.Coefficients[t] == 0 ? Math.Abs(on.Coefficients[t]) : 0, 0, 0, t));
            return worst;
        },
        (_, batch, worst) => string.Create(CultureInfo.InvariantCulture, $"{batch.PlaceOf(worst.Position)} has a gradient of size {worst.Measured:G6} on-policy and none at log-ratio {batch[Column.Logp][worst.Position] - batch[Column.OldLogp][worst.Position]:G4}: what momentum carries on from there nothing stops"));

    /// <summary>c(aR) = c(R).</summary>
    public static LossClaim ScaleBlind { get; } = Scaled(
        "gradient-scale-blind", "Rewards times 16 leave every gradient as it was: a standard deviation (and no ε beside it) divides their unit out. Then no optimizer sees it either.", 0);

    /// <summary>c(aR) = a·c(R).</summary>
    public static LossClaim ScaleProportional { get; } = Scaled(
        "gradient-scale-proportional", "Rewards times 16 multiply every gradient by 16: nothing divides their unit out. Adam then does, up to its ε.", 1);

    private static LossClaim Scaled(string id, string statement, int degree) => new()
    {
        Id = id,
        Family = Family.Loss,
        Describes = true,
        Statement = statement,
        Hypotheses = ["at the reference", "rewards are multiples of ¼ from −2 to 2"],
        Source = "arXiv:2601.05002, appendix C; derived here",
        Quantity = degree == 0 ? "|c(16R) − c(R)|" : "|c(16R) − 16·c(R)|",
        Consequence = degree == 0 ? "rewards in other units take steps of another size, unless the optimizer divides it out" : "the scale of the rewards is not the scale of the steps",
        Missing = subject => LossLaw.Lacks(subject, LossPromises.ComparesRewards | LossPromises.KlStationary),
        Expect = _ => Expectation.Choice,
        Domain = subject => LossLaw.Cases(subject) with { Rewards = RewardKind.PlainUnequal },
        Outside = (_, batch) => Requirements.SingleCompletion(batch),
        Measure = (subject, batch) => LossLaw.Gap(subject, batch, Expected(subject, batch, degree), Times(subject, batch)),
        Why = (subject, batch, worst) => LossLaw.Difference(batch, worst, "with all rewards times 16", Expected(subject, batch, degree), Times(subject, batch)),
    };

    private static double[] Expected(LossSubject subject, RolloutBatch batch, int degree) =>
        [.. subject.Ask(Reworked.AtReference(batch)).Coefficients.Select(c => Math.Pow(Factor, degree) * c)];

    private static double[] Times(LossSubject subject, RolloutBatch batch) =>
        subject.Ask(Reworked.WithRewards(Reworked.AtReference(batch), (_, r) => Factor * r)).Coefficients;

    // At the same ratios no token is certain: a mask by divergence takes out what is.
    private static RolloutBatch Lowered(RolloutBatch batch) => new[] { Column.Logp, Column.OldLogp }.Aggregate(batch, (with, column) => with.With(column, [.. with[column].ToArray().Select(x => x - 1)]));

    // Of a known design a claim's hypotheses say that no penalty acts; of another it is taken to where none does, the reference.
    private static RolloutBatch Seen(LossSubject subject, RolloutBatch batch) => subject.Design is null ? Reworked.ToReference(batch) : batch;

    // A claim of the ledger under its own id, words and hypotheses.
    private static LossClaim Of(
        Claim<SurrogateObjective, RolloutBatch> claim, Func<RolloutBatch, string?> outside, Func<LossSubject, RolloutDomain, RolloutDomain> cases,
        Func<LossSubject, RolloutBatch, Measurement> measure, Func<LossSubject, RolloutBatch, Measurement, string> why) => new()
        {
            Id = claim.Id,
            Family = claim.Family,
            Describes = claim.Describes,
            Statement = claim.Statement,
            Hypotheses = claim.Hypotheses,
            Source = claim.Source,
            Quantity = claim.Quantity,
            Consequence = claim.Consequence,
            Missing = subject => subject.Design is { } design ? claim.Missing(design) : null,
            Expect = subject => subject.Design is { } design ? claim.Expect(design) : claim.Describes ? Expectation.Choice : Expectation.Holds("no bias of the design is known"),
            Domain = subject => cases(subject, LossLaw.Cases(subject) with { Rewards = RewardKind.PlainUnequal }),
            Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? outside(batch),
            Measure = measure,
            Why = why,
        };

    private static string? OnPolicyAndLive(RolloutBatch batch) => Requirements.OffPolicy(batch) ?? SharedPrefix.DeadRow(batch);

    private static string? FarOff(RolloutBatch batch) =>
        batch[Column.Logp].ToArray().Zip(batch[Column.OldLogp].ToArray(), (logp, old) => Math.Abs(logp - old)).All(distance => distance <= FarLogRatio)
            ? SharedPrefix.DeadRow(batch)
            : "gains do not underflow; a token is too far off-policy";

    private static Measurement WorstPush(LossSubject subject, RolloutBatch batch)
    {
        var response = subject.Ask(batch);
        double rounding = batch.Rows * subject.Rounding(batch, response.Largest);
        var worst = new Measurement(0, rounding);
        foreach (var (group, position) in SharedPrefix.SharedPositions(batch))
            worst = worst.Worst(new(Math.Abs(Terms(response, group, position).Sum()), rounding, group.Index, position));
        return worst;
    }

    private static IEnumerable<double> Terms(LossResponse response, RolloutGroup group, int position) => Enumerable.Range(0, group.Count)
        .Select(k => group[k].TokenAt(position)).Where(token => token >= 0).Select(token => response.Coefficients[token]);

    private static string WhyPushed(LossSubject subject, RolloutBatch batch, Measurement worst) => string.Create(
        CultureInfo.InvariantCulture,
        $"the gradients of the shared token {worst.Position} of group {worst.Group} add to {worst.Measured:G6} in size, although its completions share its log-prob: no reward of the group's says that it is good or bad");

    private static double[] GrownCoefficients(LossSubject subject, RolloutBatch batch)
    {
        double[] grown = subject.Ask(Surrogate.Grown(Seen(subject, batch))).Coefficients;
        int n = batch.Length(0);
        return [.. grown[..n], .. grown[(n + 1)..]];
    }
}
