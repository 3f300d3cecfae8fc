using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>One claim for one subject: the theory's prediction beside what a search finds.</summary>
/// <param name="Claim">The claim.</param>
/// <param name="Objective">The objective's id; empty for a claim about optimizers alone.</param>
/// <param name="Optimizer">The optimizer's id; empty for a claim about objectives alone.</param>
/// <param name="Expected">The prediction; for a claim that does not speak of the subject, NotApplicable and the missing trait.</param>
/// <param name="Search">Searches a block of cases for a counterexample.</param>
/// <param name="Replay">Builds one case again.</param>
/// <param name="Check">Judges a given batch: the hypothesis it breaks, or what is measured on it; null where cases are no batches.</param>
/// <param name="Tightness">Searches for the case that is nearest to the claim's bound; null for identities.</param>
public sealed record LedgerRow(
    Claim Claim,
    string Objective,
    string Optimizer,
    Expectation Expected,
    Func<Block, Findings> Search,
    Func<ReplayPoint, Verdict> Replay,
    Func<RolloutBatch, BatchCheck>? Check,
    Func<Profile, Tightness>? Tightness)
{
    /// <summary>What the claim is about: an objective, an optimizer, or both joined by " + ".</summary>
    public string Subject => string.Join(" + ", Ids);

    private IEnumerable<string> Ids => new[] { Objective, Optimizer }.Where(id => id.Length > 0);

    /// <summary>How many cases it gets; 0 where the claim does not speak of the subject.</summary>
    public int Cases(Profile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return Expected.Missing is null ? Math.Max(1, profile.Cases / Claim.Cost) : 0;
    }

    /// <summary>One block of its cases.</summary>
    public Block BlockOf(Profile profile, int index)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return Block.Of(profile.Seed(Claim.Id, string.Join('+', Ids)), Cases(profile), index);
    }

    /// <summary>Searches for a counterexample, block after block.</summary>
    public Verdict Judge(Profile profile) => Conclude(Enumerable.Range(0, Block.Count(Cases(profile))).Select(index => Search(BlockOf(profile, index))));

    /// <summary>The verdict of what was found in its blocks, given in their order; none is asked for behind the first that fails.</summary>
    public Verdict Conclude(IEnumerable<Findings> blocks) => Expected.Missing is { } missing ? Verdict.NotApplicable(missing) : Findings.InOrder(blocks).ToVerdict();
}

/// <summary>A claim on one given batch.</summary>
/// <param name="Outside">The hypothesis or trait that keeps the claim from speaking of it; null where it does.</param>
/// <param name="Measurement">What was measured.</param>
/// <param name="Why">Why it breaks the claim; empty where it keeps it.</param>
public sealed record BatchCheck(string? Outside, Measurement Measurement, string Why);

/// <summary>Every claim, and every row of claims against the catalogue. Explicit lists: nothing is discovered.</summary>
public static class Ledger
{
    /// <summary>Claims about objectives.</summary>
    public static ImmutableArray<Claim<SurrogateObjective>> ObjectiveClaims { get; } =
    [
        Prefix.Factorisation, Prefix.Neutrality, Prefix.MaskedTruncation, PrefixBias.BiasSign, PrefixBias.BiasMagnitude, PrefixBias.BiasBinary,
        PrefixTraining.DriftDirection, PrefixOffPolicy.ClipAsymmetry, PrefixOffPolicy.Neutrality, PrefixOffPolicy.RegulariserResidue,
        RewardScale.ShiftInvariance, RewardScale.AdvantageScale, RewardScale.CoefficientHomogeneity,
        Clipping.ZeroCoefficient, Clipping.NoHardStop,
        Surrogate.OnPolicyValue, Surrogate.OnPolicyEquivalence, Surrogate.LengthCredit, Surrogate.PaddingInvariance, Surrogate.GroupIsolation, Surrogate.Finiteness,
        Splits.MeanOfMeans, Splits.RowWeighted, Splits.TokenWeighted, Splits.Sum, Splits.WithinGroup,
        Contract.GradientConsistency, Contract.DegenerateGroup, EqualRewardRounding.Bound, Contract.PermutationInvariance,
        Alignment.OnePrompt, Alignment.Binary, Alignment.TwoPrompts, Alignment.PromptWeighting, Trilemma.Weight,
    ];

    /// <summary>Claims about optimizers.</summary>
    public static ImmutableArray<Claim<Optimizer>> OptimizerClaims { get; } =
        [
        Scale.AdamEpsilonIdentity, Scale.AdamScaleDeviation, Scale.SgdEquivariance,
        ScaleIdentities.OptimizerIdentity, ScaleIdentities.Invariance, ScaleIdentities.ClipInvariance, ScaleIdentities.Switch,
        StepBounds.StepBound, StepBounds.SwitchBound,
        Overshoot.MomentumTail, Tails.MomentumTotal, Tails.EpsilonKeepsTail, Tails.EpsilonRemovesTail,
        NodeOvershoot.Bound, NodeOvershoot.LookAheadClip, NodeOvershoot.ResetStops,
    ];

    /// <summary>Claims about objectives under optimizers.</summary>
    public static ImmutableArray<Claim<Training>> TrainingClaims { get; } = [PrefixTraining.AdamAmplification, PrefixTraining.CovarianceDrift, RewardScale.RegulariserBreaksScale, EndToEndScale.Blind, Overshoot.Strict, Overshoot.Crossing];

    /// <summary>Every claim.</summary>
    public static ImmutableArray<Claim> Claims { get; } = [.. ObjectiveClaims, .. OptimizerClaims, .. TrainingClaims];

    // Every row asks every part for its traits, so the thousands of them are built once, and not before they are asked for.
    private static readonly Lazy<ImmutableArray<LedgerRow>> s_rows = new(() =>
    [
        .. Catalogue.All.SelectMany(entry => ObjectiveRows(entry.Id, entry.Objective)),
        .. OptimizerCatalogue.All.SelectMany(OptimizerRows),
        .. Pairings.SelectMany(pair => TrainingRows(pair.Entry.Id, pair.Entry.Objective, pair.Optimizer)),
    ]);

    /// <summary>Every row of the catalogue.</summary>
    public static ImmutableArray<LedgerRow> Rows => s_rows.Value;

    /// <summary>
    /// The objectives and optimizers that are judged together. A claim about training asks one thing of the objective and
    /// another of the optimizer, so not every pair tells something new: every objective that some claim about training speaks of is paired with
    /// an optimizer with memory (TRL's) and one without (SGD), and GRPO and Dr. GRPO, whose advantages do not see the scale of rewards and do, with
    /// every optimizer.
    /// </summary>
    public static IEnumerable<(CatalogueEntry Entry, Optimizer Optimizer)> Pairings =>
        from entry in Catalogue.All
        where TrainingClaims.Any(claim => claim.Missing(new Training(entry.Objective, OptimizerCatalogue.Sgd)) is null)
        from optimizer in OptimizerCatalogue.All
        where ReferenceEquals(entry.Objective, Catalogue.Grpo) || ReferenceEquals(entry.Objective, Catalogue.DrGrpo) || optimizer == OptimizerCatalogue.TrlAdamW || optimizer == OptimizerCatalogue.Sgd
        select (entry, optimizer);

    /// <summary>The claim of id <paramref name="id"/>, or null.</summary>
    public static Claim? Find(string id) => Claims.FirstOrDefault(claim => claim.Id == id);

    /// <summary>An objective against every claim about objectives.</summary>
    public static IEnumerable<LedgerRow> ObjectiveRows(string id, SurrogateObjective objective) =>
        ObjectiveClaims.Select(claim => claim.Against(objective, id, ""));

    /// <summary>An optimizer against every claim about optimizers.</summary>
    public static IEnumerable<LedgerRow> OptimizerRows(Optimizer optimizer) =>
        OptimizerClaims.Select(claim => claim.Against(optimizer, "", optimizer.Id));

    /// <summary>An objective under an optimizer against every claim about both.</summary>
    public static IEnumerable<LedgerRow> TrainingRows(string id, SurrogateObjective objective, Optimizer optimizer) =>
        TrainingClaims.Select(claim => claim.Against(new Training(objective, optimizer), id, optimizer.Id));
}
