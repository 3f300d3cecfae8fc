using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>The mistakes in verl's and OpenRLHF's parts that their recorded runs must notice.</summary>
public static class VerlMutants
{
    private const string Vanilla = "verl/vanilla.json", Modes = "verl/agg_modes.json", Gspo = "verl/gspo.json", Sapo = "verl/sapo.json", Gpg = "verl/gpg.json";
    private const string GeoMean = "verl/geo_mean.json", Cispo = "verl/cispo.json", Tv = "verl/dppo_tv.json", Kl = "verl/dppo_kl.json", Dro = "verl/dro.json";
    private const string ClipCov = "verl/clip_cov.json", KlCov = "verl/kl_cov.json", Rollout = "verl/rollout_correction.json", Orlhf = "openrlhf/policy_loss.json";
    private const string Ragged = "g4_p2_ragged", Extreme = "g8_p1_extreme_ratios", Mixed = "g6_p3_mixed";
    private const string SeqMean = "loss_agg_mode=seq-mean-token-mean", Norm = "loss_agg_mode=seq-mean-token-sum-norm", Share = "clip_cov_ratio=0.1";
    private const string Tis = "rollout_is_threshold=1.1", Pop = "rollout_is_threshold=0.9_1.1", Row = "rollout_is=sequence", Even = "rollout_is_batch_normalize=true";
    private const string Narrow = "vllm_is_truncated_threshold=[0.9,1.1]", PopType = "vllm_is_correction_type=icepop", MaskType = "vllm_is_correction_type=seq-mask-tis";

    /// <summary>Mutants that a recorded run rejects.</summary>
    public static ImmutableArray<ObjectiveMutant> CaughtByGolden { get; } =
    [
        // The dual clip.
        new("dual-clip-forgotten", "no dual clip", Region(clip => clip with { Dual = double.PositiveInfinity }), Vanilla, Extreme),
        new("dual-clip-at-4", "c = 4 instead of 3", Region(clip => clip with { Dual = 4 }), Vanilla, Extreme),
        new("dual-clip-as-cap", "ratios capped at c before the minimum, for the value, too", Region(clip => new Clip(clip.Low, clip.High, 1.5)), Vanilla, Extreme),
        new("dual-clip-not-heard", "OpenRLHF's dual_clip left out", Region(clip => clip with { Dual = double.PositiveInfinity }), Orlhf, Extreme, "dual_clip=3.0"),
        new("dual-clip-gradient", "the value bounded, the gradient not",
            Shaped((clip, r, a) => (clip.At(r, a).Value, a < 0 && r > clip.Dual ? r * a : clip.At(r, a).Slope)), Vanilla, Extreme),
        new("dual-clip-value", "the gradient bounded, the value not",
            Shaped((clip, r, a) => ((clip with { Dual = double.PositiveInfinity }).At(r, a).Value, clip.At(r, a).Slope)), Vanilla, Extreme),

        // Aggregation and advantages.
        new("verl-std-epsilon", "ε = 1e−4 instead of 1e−6", Advantage(TrlFlavours.GroupScaled), Vanilla, Ragged),
        new("orlhf-std-epsilon", "ε = 1e−6 instead of 1e−9", Advantage(VerlFlavours.GroupScaled), Orlhf, Ragged),
        new("verl-std-unwanted", "divided where norm_adv_by_std is false", Advantage(VerlFlavours.GroupScaled), Modes, Ragged, Norm),
        new("token-mean-epsilon", "1e−8 beside N", Weight(_ => new BatchTokenMean { CountEpsilon = 1e-8 }), Vanilla, Ragged),
        new("row-mean-epsilon-forgotten", "no 1e−8 beside n", Weight(_ => new RowMean { Averaged = Average.OverRows }), Modes, Ragged, SeqMean),
        new("row-mean-by-prompt", "the mean over each prompt's rows only", Weight(_ => new RowMean { CountEpsilon = 1e-8, Averaged = Average.Nothing }), Modes, Ragged, SeqMean),
        new("token-sum-averaged", "1/N instead of 1", Weight(_ => new BatchTokenMean()), Modes, Ragged, "loss_agg_mode=token-sum"),
        new("row-sum-averaged-by-length", "1/(B n) instead of 1/B", Weight(_ => VerlFlavours.RowMean), Modes, Ragged, "loss_agg_mode=seq-mean-token-sum"),
        new("padded-width-forgotten", "no division by the padded width", Weight(_ => new RowSum { Averaged = Average.OverLiveRows }), Modes, Ragged, Norm),
        new("padded-width-of-the-row", "each row's own width", Weight(_ => VerlFlavours.RowMean), Modes, Ragged, Norm),
        new("scale-factor-not-heard", "the padded width instead of loss_scale_factor",
            Weight(_ => new PaddedRowSum { Averaged = Average.OverLiveRows }), Modes, Ragged, "loss_scale_factor=16"),
        new("orlhf-token-level-not-heard", "the token mean where the row mean is asked for", Weight(_ => new BatchTokenMean()), Orlhf, Ragged, "token_level_loss=false"),

        // Kernels.
        new("verl-gspo-as-token", "the token's ratio", Kernel(kernel => new TokenRatio(kernel.Region!)), Gspo, Ragged),
        new("verl-gspo-agreed-average", "loss_agg_mode instead of the mean over rows", Weight(_ => new BatchTokenMean()), Gspo, Ragged),
        new("verl-gspo-sum", "the sum of log-ratios", Kernel(kernel => new SequenceRatio(RatioLevel.SequenceSum, kernel.Region!)), Gspo, Ragged),
        new("verl-gspo-capped-at-0", "log s clamped at 0.01 instead of 10", Kernel(kernel => ((SequenceTokenRatio)kernel) with { LogCap = 0.01 }), Gspo, Ragged, "clip_ratio_low=0.2"),
        new("sapo-taus-swapped", "τ of the other sign", Kernel(_ => new TokenRatio(new SoftGate(1.05, 1))), Sapo, Ragged),
        new("sapo-one-tau", "τ = 1 for both signs", Kernel(_ => new TokenRatio(new SoftGate(1, 1))), Sapo, Ragged),
        new("sapo-agreed-average", "loss_agg_mode instead of the mean over rows", Weight(_ => new BatchTokenMean()), Sapo, Ragged),
        new("gpg-with-ratio", "r A instead of A log π", Kernel(_ => new TokenRatio(new Unclipped())), Gpg, Ragged),
        new("geo-mean-epsilon-forgotten", "no 1e−8 beside n", Kernel(_ => new GeometricMean(0.4, 0.4)), GeoMean, Ragged),
        new("geo-mean-clips-ratios", "clipped at 0.6 and 1.4 instead of e^±0.4",
            Kernel(_ => new GeometricMean(-Math.Log(0.6), Math.Log(1.4)) { CountEpsilon = 1e-8 }), GeoMean, Extreme),
        new("geo-mean-clips-the-mean", "the mean of log-ratios clipped, not each",
            Kernel(_ => new SequenceRatio(RatioLevel.SequenceMean, new Clip(Math.Exp(-0.4), Math.Exp(0.4)))), GeoMean, Extreme),
        new("geo-mean-agreed-average", "loss_agg_mode instead of the mean over rows", Weight(_ => new BatchTokenMean()), GeoMean, Ragged),
        new("verl-cispo-one-sided", "not clipped from below", Kernel(kernel => new ClippedImportance(0, ((ClippedImportance)kernel).High)), Cispo, Extreme),
        new("verl-cispo-as-cap", "0.2 as the cap itself", Kernel(_ => new ClippedImportance(0, 0.2)), Cispo, Ragged),

        // Trust regions.
        new("dppo-uncapped", "no cap of the weight", Kernel(_ => new ClippedImportance(0, double.MaxValue)), Tv, Extreme),
        new("dppo-mask-forgotten", "no mask", Correction(_ => TokenWeight.One), Tv, Extreme, "clip_ratio_low=0.01"),
        new("dppo-sides-swapped", "ε_low and ε_high swapped", Correction(region => Swapped(region)), Tv, Extreme, "clip_ratio_low=0.01"),
        new("dppo-kl-sides-swapped", "ε_low and ε_high swapped", Correction(region => Swapped(region)), Kl, Extreme, "clip_ratio_low=0.001"),
        new("dppo-two-sided", "masked whatever the sign of A", Correction(_ => new ProbabilityRegion(0.15)), Tv, Extreme),
        new("dppo-region-of-ratio", "masked where PPO would clip", Correction(_ => new CovarianceFree(Clip.Range(0.15, 0.15))), Tv, Extreme),
        new("dppo-tv-for-kl", "the total variation instead of the divergence", Correction(_ => new TotalVariationRegion(0.001, 0.002)), Kl, Extreme, "clip_ratio_low=0.001"),
        new("dppo-kl-one-term", "the sampled token's term of the divergence alone", Correction(region => new TokenTermRegion(((BinaryKlRegion)region).Low, ((BinaryKlRegion)region).High)), Kl, Extreme, "clip_ratio_low=0.001"),

        // Regularisers against the behaviour policy.
        new("dro-beta-whole", "β x² instead of β x²/2", Penalty(term => term with { Beta = 2 * term.Beta }), Dro, Ragged),
        new("dro-against-reference", "against the reference", Penalty(term => ((KlPenalty)term) with { Against = Column.RefLogp }), Dro, Ragged),
        new("dro-k3", "k3 instead of k2", Penalty(term => ((KlPenalty)term) with { Estimator = KlEstimator.K3 }), Dro, Ragged),
        new("kl-cov-signed", "x instead of |x|", Penalty(term => ((KlPenalty)term) with { Estimator = KlEstimator.K1 }), KlCov, Extreme),
        new("kl-cov-everywhere", "the penalty at all tokens", Penalty(term => term with { Where = TokenWeight.One }), KlCov, Ragged),
        new("kl-cov-one-more", "a share of 0.2 instead of 0.1", Penalty(term => term with { Where = new TopCovariance(0.2) }), KlCov, Ragged),
        new("kl-cov-largest-log-prob", "the covariance without its advantages", Penalty(term => term with { Where = new TopOf((_, l) => l) }), KlCov, Ragged),
        new("kl-cov-smallest", "the smallest covariances", Penalty(term => term with { Where = new TopOf((a, l) => -a * l) }), KlCov, Ragged),
        new("kl-cov-magnitude", "the largest absolute covariances", Penalty(term => term with { Where = new TopOf((a, l) => Math.Abs(a * l)) }), KlCov, Ragged),
        new("kl-cov-clipped", "PPO's clip", Kernel(_ => new TokenRatio(Clip.Range(0.2, 0.2))), KlCov, Extreme),

        // Clip-cov.
        new("clip-cov-drops-none", "nothing dropped", Correction(_ => TokenWeight.One), ClipCov, Ragged, Share),
        new("clip-cov-one-more", "a share of 0.2 instead of 0.1", Drop((drop, _) => new(0.2, drop.Low, drop.High, drop.Clip)), ClipCov, Ragged, Share),
        new("clip-cov-bounds", "−0.1 and 0.1 as the bounds", Drop((drop, _) => new(drop.Fraction, -0.1, 0.1, drop.Clip)), ClipCov, Ragged, Share),
        new("clip-cov-drop-kept", "all but the drop", Correction(correction => new OneMinus(correction)), ClipCov, Ragged, Share),
        new("clip-cov-dual", "a dual clip of 3, too", Region(clip => clip with { Dual = 3 }), ClipCov, Extreme),

        // Weights for a sampler that is not the behaviour policy.
        new("tis-forgotten", "no weights", Correction(_ => TokenWeight.One), Rollout, Ragged),
        new("tis-inverted", "the sampler over the behaviour policy",
            Correction(_ => new TruncatedImportance(RatioLevel.Token, 0, 1.1) { Of = Column.RolloutLogp, Against = Column.OldLogp }), Rollout, Ragged, Tis),
        new("tis-of-current-policy", "the current policy over the sampler",
            Correction(_ => new TruncatedImportance(RatioLevel.Token, 0, 1.1) { Of = Column.Logp }), Rollout, Ragged, Tis),
        new("tis-untruncated", "no upper bound", Correction(_ => new TruncatedImportance(RatioLevel.Token)), Rollout, Ragged, Tis),
        new("tis-lower-bound", "clamped from below at 1/1.1 too", Correction(_ => new TruncatedImportance(RatioLevel.Token, 1 / 1.1, 1.1)), Rollout, Ragged, Tis),
        new("tis-rows", "the ratio of whole rows", Correction(_ => new TruncatedImportance(RatioLevel.SequenceSum, 0, 1.1)), Rollout, Ragged, Tis),
        new("tis-geometric", "the geometric mean instead of the product", Correction(_ => new TruncatedImportance(RatioLevel.SequenceMean, 0, 1.3)), Rollout, Ragged, Row),
        new("icepop-as-tis", "clamped instead of dropped", Correction(_ => new TruncatedImportance(RatioLevel.Token, 0.9, 1.1)), Rollout, Ragged, Pop),
        new("icepop-as-mask", "kept tokens with weight 1", Correction(_ => new ImportanceMask(RatioLevel.Token, 0.9, 1.1)), Rollout, Ragged, Pop),
        new("icepop-one-sided", "only large ratios dropped",
            Correction(_ => new TruncatedImportance(RatioLevel.Token).Times(new ImportanceMask(RatioLevel.Token, 0, 1.1))), Rollout, Ragged, Pop),
        new("normalisation-of-weights-forgotten", "rollout_is_batch_normalize not heard", Correction(weight => ((MeanNormalised)weight).Inner), Rollout, Ragged, Even),
        new("normalisation-epsilon-forgotten", "no 1e−8 beside the counts", Correction(weight => ((MeanNormalised)weight) with { CountEpsilon = 0 }), Rollout, Ragged, Even),
        new("normalisation-over-rows", "the mean over rows where tokens have weights of their own",
            Correction(weight => new MeanNormalised(((MeanNormalised)weight).Inner, MeanOf.Rows) { CountEpsilon = 1e-8 }), Rollout, Ragged, Even),
        new("bypass-weight-forgotten", "REINFORCE without weights", Correction(_ => TokenWeight.One), Rollout, Ragged, Bypass("reinforce", "token")),
        new("bypass-weight-of-sampler", "against the sampler's log-probs instead of ℓ°",
            Correction(weight => ((TruncatedImportance)weight) with { Against = Column.RolloutLogp }), Rollout, Ragged, Bypass("reinforce", "token")),
        new("bypass-row-as-token", "the token's ratio for the row's",
            Correction(_ => new TruncatedImportance(RatioLevel.Token, 0, 2) { Of = Column.Logp, Against = Column.OldLogp }), Rollout, Ragged, Bypass("reinforce", "sequence")),
        new("bypass-counted-twice", "weights on top of the clipped ratio",
            Correction(_ => new TruncatedImportance(RatioLevel.Token, 0, 2) { Of = Column.Logp, Against = Column.OldLogp }), Rollout, Ragged, Bypass("ppo_clip", "token")),
        new("orlhf-tis-one-sided", "not clamped from below", Correction(_ => new TruncatedImportance(RatioLevel.Token, 0, 1.1)), Orlhf, Mixed, Narrow),
        new("orlhf-icepop-clamped", "clamped instead of dropped", Correction(_ => new TruncatedImportance(RatioLevel.Token, 0.9, 1.1)), Orlhf, Mixed, PopType),
        new("orlhf-gate-of-the-product", "gated on the product of ratios",
            Correction(_ => new TruncatedImportance(RatioLevel.Token).Times(new ImportanceMask(RatioLevel.SequenceSum, 0.97, 1.03))), Orlhf, Mixed, MaskType),
        new("orlhf-gate-without-weight", "a gate alone", Correction(_ => new ImportanceMask(RatioLevel.SequenceMean, 0.97, 1.03)), Orlhf, Mixed, MaskType),
        new("orlhf-gate-clamps", "the token's weight clamped to the gate's bounds, too",
            Correction(_ => new TruncatedImportance(RatioLevel.Token, 0.97, 1.03).Times(new ImportanceMask(RatioLevel.SequenceMean, 0.97, 1.03))), Orlhf, Mixed, MaskType),
    ];

    /// <summary>Mistakes in a mask by divergence, each of which some recorded mask must notice.</summary>
    internal static ImmutableArray<(string Id, Func<DivergenceMask, TokenWeight> Break)> Masks { get; } =
    [
        ("k1-of-log-r", mask => mask.Statistic == KlEstimator.K1 ? mask with { Of = mask.Against, Against = mask.Of } : mask),
        ("k3-reversed", mask => mask.Statistic == KlEstimator.K3 ? mask with { Of = mask.Against, Against = mask.Of } : mask),
        ("k2-without-half", mask => mask.Statistic == KlEstimator.K2 ? Bounded(mask, mask.Low, mask.High / 2) : mask),
        ("k3-as-k2", mask => mask.Statistic == KlEstimator.K3 ? new DivergenceMask(KlEstimator.K2, mask.Over, mask.Low, mask.High) : mask),
        ("k1-one-sided", mask => Bounded(mask, double.NegativeInfinity, mask.High)),
        ("k1-without-upper-bound", mask => mask.Statistic == KlEstimator.K1 ? Bounded(mask, mask.Low, double.PositiveInfinity) : mask),
        ("sum-as-mean", mask => mask.Over == Pooling.RowSum ? new DivergenceMask(mask.Statistic, Pooling.RowMean, mask.Low, mask.High) : mask),
        ("mean-as-sum", mask => mask.Over == Pooling.RowMean ? new DivergenceMask(mask.Statistic, Pooling.RowSum, mask.Low, mask.High) : mask),
        ("max-as-mean", mask => mask.Over == Pooling.RowMax ? new DivergenceMask(mask.Statistic, Pooling.RowMean, mask.Low, mask.High) : mask),
        ("rows-as-tokens", mask => mask.Over != Pooling.Token ? new DivergenceMask(mask.Statistic, Pooling.Token, mask.Low, mask.High) : mask),
        ("kept-and-dropped-swapped", mask => new OneMinus(mask)),
        ("of-the-current-policy", mask => mask with { Of = Column.Logp }),
    ];

    /// <summary>The setting rollout_correction of a run in bypass mode.</summary>
    private static string Bypass(string loss, string level) =>
        $$"""rollout_correction={"loss_type":"{{loss}}","rollout_is":"{{level}}","rollout_is_threshold":2.0,"rollout_rs":null}""";

    private static DivergenceMask Bounded(DivergenceMask mask, double low, double high) => new(mask.Statistic, mask.Over, low, high);

    private static TokenWeight Swapped(TokenWeight region) => region switch
    {
        TotalVariationRegion(var low, var high) => new TotalVariationRegion(high, low),
        BinaryKlRegion(var low, var high) => new BinaryKlRegion(high, low),
        _ => region,
    };

    private static Func<SurrogateObjective, SurrogateObjective> Advantage(Advantage advantage) => objective => objective with { Advantage = advantage };

    private static Func<SurrogateObjective, SurrogateObjective> Weight(Func<TokenWeight, TokenWeight> change) =>
        objective => objective with { Weight = change(objective.Weight) };

    private static Func<SurrogateObjective, SurrogateObjective> Correction(Func<TokenWeight, TokenWeight> change) =>
        objective => objective with { Correction = change(objective.Correction) };

    private static Func<SurrogateObjective, SurrogateObjective> Drop(Func<CovarianceDrop, Clip, CovarianceDrop> change) =>
        Correction(drop => change((CovarianceDrop)drop, ((CovarianceDrop)drop).Clip) with { CountEpsilon = ((CovarianceDrop)drop).CountEpsilon });

    private static Func<SurrogateObjective, SurrogateObjective> Kernel(Func<Kernel, Kernel> change) =>
        objective => objective with { Kernel = change(objective.Kernel) };

    private static Func<SurrogateObjective, SurrogateObjective> Region(Func<Clip, Clip> change) =>
        Kernel(kernel => ((TokenRatio)kernel) with { Shape = change(kernel.Region!) });

    private static Func<SurrogateObjective, SurrogateObjective> Shaped(Func<Clip, double, double, (double Value, double Slope)> formula) =>
        Kernel(kernel => new TokenRatio(new FormulaShape(kernel.Region!, formula)));

    private static Func<SurrogateObjective, SurrogateObjective> Penalty(Func<Regulariser, Regulariser> change) =>
        objective => objective with { Regularisers = [change(objective.Regularisers[0])] };
}

/// <summary>1 − another weight.</summary>
internal sealed record OneMinus(TokenWeight Inner) : TokenWeight
{
    public override Traits Traits => Inner.Traits;

    public override ImmutableArray<Column> Reads => Inner.Reads;

    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        Inner.Fill(batch, advantages, weights);
        foreach (ref double weight in weights)
            weight = 1 - weight;
    }
}

/// <summary>1 where PPO's clip leaves a token alone: the ratio's region in the place of a trust region.</summary>
internal sealed record CovarianceFree(Clip Clip) : TokenWeight
{
    public override Traits Traits => Traits.UniformWeight;

    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        for (int t = 0; t < weights.Length; t++)
            weights[t] = advantages[t] != 0 && Clip.Kills(Math.Exp(batch[Column.Logp][t] - batch[Column.OldLogp][t]), advantages[t]) ? 0 : 1;
    }
}

/// <summary>A trust region of q·log(q/p) alone.</summary>
internal sealed record TokenTermRegion(double Low, double High) : TrustRegion
{
    protected override bool Contains(double logp, double old, double advantage)
    {
        double divergence = Math.Exp(old) * (old - logp);
        return advantage > 0 ? divergence <= High || logp <= old : divergence <= Low || logp >= old;
    }
}

/// <summary>1 at the tenth of the tokens, one at least, that is largest by any formula of the centred A and ℓ.</summary>
internal sealed record TopOf(Func<double, double, double> Formula) : TokenWeight
{
    public override Traits Traits => Traits.None;

    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        double[] logp = batch[Column.Logp].ToArray(), a = advantages.ToArray();
        weights.Clear();
        foreach (int t in Enumerable.Range(0, a.Length).OrderByDescending(t => Formula(a[t] - a.Average(), logp[t] - logp.Average())).Take(Math.Max(1, a.Length / 10)))
            weights[t] = 1;
    }
}
