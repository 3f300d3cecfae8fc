using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>Mistakes in the wider field's kernels, weights, corrections and penalties, each of which a recorded run must reject.</summary>
public static class FormMutants
{
    private const string Options = "trl/grpo_options.json", Luspo = "trl/luspo.json", Sapo = "trl/sapo.json", Vespo = "trl/vespo.json";
    private const string Tis = "trl/tis_modes.json", GspoToken = "trl/gspo_token.json", Gmpo = "trl/gmpo.json", Gppo = "forks/gppo.json";
    private const string Aspo = "forks/aspo.json", Opmd = "forks/opmd_kimi.json", Prime = "forks/prime_rl.json", Slime = "forks/slime.json";
    private const string Aipo = "forks/aipo_prime_rl_2025_10.json", Gtpo = "gtpo/gtpo_official.json", Lambda = "gtpo/lambda_grpo_prm.json";
    private const string Ragged = "g4_p2_ragged", Extreme = "g8_p1_extreme_ratios", AtBound = "g4_p1_ratio_at_bound", Mixed = "g6_p3_mixed";
    private const string Tree = "g4_tree_ragged", Duplicates = "g6_dups_and_len1", Suffix = "g4_ragged_prefix_suffix", Eight = "g8_mixed";

    /// <summary>All of them.</summary>
    public static ImmutableArray<ObjectiveMutant> All { get; } =
    [
        // LUSPO, SAPO, GSPO-token, GMPO.
        new("luspo-row-mean", "the row over its length: GSPO", Weight(_ => TrlFlavours.RowMean), Luspo, Ragged),
        new("luspo-clip-of-sums", "the ratio of whole sequences", Kernel(k => new SequenceRatio(RatioLevel.SequenceSum, k.Region!)), Luspo, Ragged),
        new("sapo-one-temperature", "τ = 1 for both signs", Kernel(_ => new TokenRatio(new SoftGate(1, 1))), Sapo, Ragged),
        new("sapo-temperatures-swapped", "τ by the other sign", Kernel(_ => new TokenRatio(new SoftGate(1.05, 1))), Sapo, Ragged),
        new("sapo-hard", "PPO's clip", Kernel(_ => new TokenRatio(Clip.Range(0.2, 0.2))), Sapo, Extreme),
        new("gspo-token-as-token", "the token's own ratio", Kernel(k => new TokenRatio(k.Region!)), GspoToken, Ragged, "epsilon=0.2"),
        new("gspo-token-sum", "the sum of log-ratios instead of the mean",
            Kernel(k => new SequenceRatio(RatioLevel.SequenceSum, k.Region!)), GspoToken, Ragged, "epsilon=0.2"),
        new("gmpo-unclipped", "no clip", Kernel(_ => new GeometricMean(1e3, 1e3)), Gmpo, Extreme),
        new("gmpo-sides-swapped", "ε_low and ε_high swapped", Kernel(k => new GeometricMean(((GeometricMean)k).High, ((GeometricMean)k).Low)), Gmpo, AtBound),
        new("gmpo-clipped-mean", "the mean clipped, not the tokens",
            Kernel(_ => new SequenceRatio(RatioLevel.SequenceMean, new Clip(Math.Exp(-0.4), Math.Exp(0.4)))), Gmpo, Extreme),
        new("gmpo-clipped-tokens-learn", "clipped tokens get the row's coefficient", Kernel(k => new FormulaRows(k, ClippedTokensLearn)), Gmpo, Extreme),
        new("gmpo-penalty-forgotten", "β = 0", o => o with { Regularisers = [] }, Gmpo, Ragged, "beta=0.04"),

        // VESPO.
        new("vespo-signs-swapped", "k and λ by the other sign", Kernel(_ => new GammaGain(3, 2, 2, 3)), Vespo, Ragged),
        new("vespo-k", "k = 2 where A < 0", Kernel(_ => new GammaGain(2, 3, 2, 2)), Vespo, Ragged),
        new("vespo-unnormalised", "g(1) = e^−λ", Kernel(k => new FormulaRows(k, (in RowView row, Span<double> c) => Gamma(row, c, mean: false, unit: false))), Vespo, Ragged),
        new("vespo-mean", "w of the mean log-ratio", Kernel(k => new FormulaRows(k, (in RowView row, Span<double> c) => Gamma(row, c, mean: true, unit: true))), Vespo, Ragged),
        new("vespo-as-grpo", "min(r A, clip(r) A)", Kernel(_ => new TokenRatio(Clip.Range(0.2, 0.2))), Vespo, Ragged),
        new("vespo-mismatch-forgotten", "w without the sampling engine", Kernel(_ => new GammaGain()), Vespo, Ragged, "use_vllm=true"),
        new("vespo-mismatch-outside", "the mismatch as a correction, too",
            o => o with { Correction = new TruncatedImportance(RatioLevel.Token, High: 3) }, Vespo, Ragged, "use_vllm=true"),
        new("vespo-mismatch-untruncated", "truncated at 1 instead of 3",
            Kernel(_ => new GammaGain { Mismatch = new TruncatedImportance(RatioLevel.Token, High: 1) }), Vespo, Ragged, "use_vllm=true"),
        new("vespo-row-mean", "1/(B n) instead of 1/N", Weight(_ => TrlFlavours.RowMean), Vespo, Ragged),

        // Corrections.
        new("tis-mask-truncates", "clamped instead of dropped", Correct(_ => new TruncatedImportance(RatioLevel.SequenceSum, 0.7, 1.3)), Tis, Ragged, "vllm_importance_sampling_mode=sequence_mask"),
        new("tis-mask-without-ratio", "1 where kept", Correct(w => (ImportanceMask)w with { TimesRatio = false }), Tis, Ragged, "vllm_importance_sampling_mode=token_mask"),
        new("tis-mean", "the geometric mean instead of the product", Correct(_ => new TruncatedImportance(RatioLevel.SequenceMean, High: 1.3)), Tis, Ragged, "vllm_importance_sampling_mode=sequence_truncate"),
        new("tis-token", "tokens instead of rows", Correct(_ => new TruncatedImportance(RatioLevel.Token, High: 1.3)), Tis, Ragged, "vllm_importance_sampling_mode=sequence_truncate"),
        new("tis-inverted", "the sampling engine over the behaviour policy",
            Correct(w => (TruncatedImportance)w with { Of = Column.RolloutLogp, Against = Column.OldLogp }), Tis, Ragged, "vllm_importance_sampling_mode=token_truncate"),
        new("tis-of-current", "the current policy over the sampling engine", Correct(w => (TruncatedImportance)w with { Of = Column.Logp }), Tis, Ragged, "vllm_importance_sampling_mode=token_truncate"),
        new("tis-forgotten", "no correction", Correct(_ => TokenWeight.One), Tis, Ragged),
        new("opsm-sign", "ℓ − ℓ_sampler", Correct(w => new FormulaWeight(w.Traits, (b, i) => Drift(b, i) <= 0.02 ? 1 : 0)), Options, Ragged, "off_policy_mask_threshold=0.02"),
        new("opsm-positive-too", "rows of positive advantage dropped, too", Correct(w => new ToldAdvantages(w, a => -Math.Abs(a))), Options, Ragged, "off_policy_mask_threshold=0.02"),
        new("opsm-sampler", "the sampling engine instead of the behaviour policy",
            Correct(w => (OffPolicyMask)w with { Sampler = Column.RolloutLogp }), Options, Ragged, "off_policy_mask_threshold=0.02"),
        new("entropy-least", "the least entropies kept", Correct(w => new ChangedWeight(w, (_, _, kept) => 1 - kept)), Options, Ragged, "top_entropy_quantile=0.2"),
        new("entropy-quantile", "q instead of 1 − q", Correct(_ => new EntropyQuantileMask(0.2)), Options, Ragged, "top_entropy_quantile=0.2"),
        new("entropy-renormalised", "divided by the share that is kept",
            Correct(w => new ChangedWeight(w, (_, _, kept) => kept * 5)), Options, Ragged, "top_entropy_quantile=0.2"),

        // Penalties.
        new("kl-uncorrected", "k3 without the ratio", Penalty(k => k with { TimesRatio = false }), Options, Ragged, "use_bias_correction_kl=true"),
        new("kl-ratio-in-correction", "the ratio detached", o => o with { Regularisers = [new KlPenalty(KlEstimator.K3, 0.04) { Where = new TruncatedImportance(RatioLevel.Token) { Of = Column.Logp, Against = Column.OldLogp } }] }, Options, Ragged, "use_bias_correction_kl=true"),
        new("entropy-bonus-sign", "entropy punished", o => o with { Regularisers = [((EntropyBonus)o.Regularisers[0]) with { Beta = -0.01 }] }, Options, Ragged, "entropy_coef=0.01"),
        new("entropy-bonus-weight", "under the loss's own weight", o => o with { Regularisers = [new EntropyBonus(0.01)] }, Options, Ragged, "entropy_coef=0.01"),
        new("accumulation-forgotten", "not over the accumulation steps", Weight(_ => TrlFlavours.RowMean), Options, Ragged, "gradient_accumulation=4"),
        new("delta-forgotten", "no cap for negative advantages", Kernel(k => new TokenRatio(new Clip(k.Region!.Low, k.Region.High))), Options, Extreme, "delta=2.5"),
        new("square-halved", "kl_tau·x²/2", Penalty(k => k with { Beta = k.Beta / 2 }), Prime, Ragged),
        new("square-against-reference", "against the reference", Penalty(k => k with { Against = Column.RefLogp }), Prime, Ragged),
        new("square-corrected", "the squared log-ratio masked, too", Penalty(k => k with { Corrected = true }), Prime, Extreme, "dppo_mask_low=0.01"),
        new("square-forgotten", "no squared log-ratio", o => o with { Regularisers = [] }, Prime, Ragged),

        // Trust regions and caps.
        new("region-two-sided", "|p − q| where the sign of A counts", Correct(_ => new ProbabilityRegion(0.02)), Prime, Ragged, "dppo_mask_low=0.01"),
        new("region-sides-swapped", "ε_low and ε_high swapped", Correct(_ => new TotalVariationRegion(0.02, 0.01)), Prime, Mixed, "dppo_mask_low=0.01"),
        new("region-sign-swapped", "by the other sign of A", Correct(w => new ToldAdvantages(w, a => -a)), Prime, Extreme),
        new("region-forgotten", "no region", Correct(_ => TokenWeight.One), Prime, Extreme, "dppo_mask_low=0.01"),
        new("ipo-one-sided", "by the sign of A", Correct(_ => new TotalVariationRegion(0.1, 0.1)), Prime, Extreme, "ipo_threshold=0.1"),
        new("aipo-cap-for-one-sign", "no cap where A < 0", Kernel(k => new TokenRatio(new Clip(0, k.Region!.High))), Aipo, Extreme, "clip_ratio=1.2"),
        new("aipo-gradient-beyond", "the value capped, the gradient not", Kernel(k => new ClippedImportance(0, k.Region!.High)), Aipo, Extreme),
        new("aipo-sum", "the sum of log-ratios", Kernel(k => new SequenceRatio(RatioLevel.SequenceSum, k.Region!)), Aipo, Ragged, "ratio_type=sequence"),
        new("aipo-sequence-per-token", "each token 1/scale", Weight(_ => new BatchTokenMean()), Aipo, Ragged, "ratio_type=sequence"),

        // GPPO, ASPO, slime's dual clip.
        new("gppo-hard", "PPO's clip: no gradient beyond", Kernel(k => new TokenRatio(((GradientPreservingClip)k).Clip)), Gppo, Extreme),
        new("gppo-unclipped", "r A", Kernel(_ => new TokenRatio(new Unclipped())), Gppo, Extreme),
        new("gppo-dual-forgotten", "no dual clip", Kernel(k => new GradientPreservingClip(((GradientPreservingClip)k).Clip with { Dual = double.PositiveInfinity })), Gppo, Extreme),
        new("gppo-sides-swapped", "ε_low and ε_high swapped", Kernel(_ => new GradientPreservingClip(Clip.Range(0.28, 0.2) with { Dual = 3 })), Gppo, Extreme, "cliprange_high=0.28"),
        new("fork-count-epsilon", "1/N instead of 1/(N + 1e−8)", Weight(_ => new BatchTokenMean()), Gppo, Ragged),
        new("aspo-as-ppo", "the ratio the right way up", Kernel(_ => new TokenRatio(Clip.Range(0.2, 0.2))), Aspo, Ragged),
        new("aspo-entropies-swapped", "ε of the other entropies", Kernel(k => new FlippedRatio(((FlippedRatio)k).HighEntropy, ((FlippedRatio)k).LowEntropy)), Aspo, Extreme),
        new("aspo-one-range", "ε of low entropies for all", Kernel(k => (FlippedRatio)k with { Quantile = 1 }), Aspo, Extreme),
        new("aspo-dual-forgotten", "no largest gain", Kernel(k => (FlippedRatio)k with { Dual = 1e9 }), Aspo, Extreme),
        new("aspo-quantile", "the median", Kernel(k => (FlippedRatio)k with { Quantile = 0.5 }), Aspo, Extreme),
        new("slime-dual-forgotten", "no dual clip", Kernel(k => new TokenRatio(new Clip(k.Region!.Low, k.Region.High))), Slime, Extreme, "eps_clip_c=3.0"),
        new("slime-cispo-two-sided", "clipped from below at 0.8", Kernel(k => new ClippedImportance(0.8, ((ClippedImportance)k).High)), Slime, Extreme, "fn=compute_cispo_loss"),
        new("slime-cispo-cap", "eps_clip_high as the cap itself", Kernel(_ => new ClippedImportance(0, 4)), Slime, Extreme, "fn=compute_cispo_loss"),

        // OPMD.
        new("opmd-unregularised", "A·S: no pull", Kernel(_ => new LogLikelihood()), Opmd, Ragged),
        new("opmd-tau", "τ doubled", Kernel(k => new LogRatioRegression(2 * ((LogRatioRegression)k).Tau)), Opmd, Ragged),
        new("opmd-row-sum", "not over the row's length", Weight(_ => new RowSum { Averaged = Average.OverRows }), Opmd, Ragged),
        new("opmd-mean-ratio", "the mean log-ratio in the residual", Kernel(k => new FormulaRows(k, MeanRegression)), Opmd, Ragged),
        new("opmd-padded-width", "over n instead of T", Weight(_ => TrlFlavours.RowMean), Opmd, Ragged, "loss_agg_mode=seq-mean-token-sum-norm"),

        // λ-GRPO and GTPO.
        new("share-without-itself", "1/max(1, others)", Factor(1, w => new ChangedWeight(w, (_, _, share) => share == 1 ? 1 : 1 / ((1 / share) - 1))), Lambda, Tree),
        new("share-late", "the prefix before the token", Factor(1, _ => new FormulaShare(0)), Lambda, Tree),
        new("share-any-place", "the same token at the same place, whatever comes before", Factor(1, _ => new FormulaShare(2)), Lambda, Tree),
        new("share-of-duplicates", "duplicates do not share", Factor(1, _ => new FormulaShare(3)), Lambda, Duplicates),
        new("share-forgotten", "no share", Factor(1, _ => TokenWeight.One), Lambda, Tree),
        new("share-not-of-penalty", "the penalty without λ", o => o with { Regularisers = [new KlPenalty(KlEstimator.K3, 0.04) { Weight = TrlFlavours.RowMean }] }, Lambda, Tree, "beta=0.04"),
        new("conflict-forward-only", "no run from the end",
            Factor(1, w => new ChangedWeight(w, (_, _, lambda) => lambda > 1 ? Math.Sqrt(lambda * 2) : lambda)), Gtpo, "g4_len1"),
        new("conflict-negative-kept", "negative conflict tokens weigh 1", Conflicts(w => new ConflictWeight(2, 1) { Signs = w.Signs }), Gtpo, Suffix),
        new("conflict-positive-once", "positive conflict tokens weigh 1", Conflicts(w => new ConflictWeight(1, 0) { Signs = w.Signs }), Gtpo, Suffix),
        new("conflict-divisor-forgotten", "not over the conflicts", Conflicts(w => w with { PerConflict = false }), Gtpo, Suffix),
        new("conflict-signs-inverted", "by the other sign", Conflicts(w => w with { Signs = new ChangedAdvantage(w.Signs, (_, a) => -a) }), Gtpo, Suffix),
        new("conflict-signs-of-rewards", "by the rewards' own signs", Conflicts(w => w with { Signs = new NoBaseline() }), Gtpo, Suffix),
        new("gtpo-mean", "averaged over the group", Factor(0, _ => new RowMean()), Gtpo, Eight),
        new("gtpo-log-likelihood", "A·ℓ in value", Kernel(_ => new LogLikelihood()), Gtpo, Eight),
    ];

    private static Func<SurrogateObjective, SurrogateObjective> Kernel(Func<Kernel, Kernel> change) => o => o with { Kernel = change(o.Kernel) };

    private static Func<SurrogateObjective, SurrogateObjective> Weight(Func<TokenWeight, TokenWeight> change) => o => o with { Weight = change(o.Weight) };

    private static Func<SurrogateObjective, SurrogateObjective> Correct(Func<TokenWeight, TokenWeight> change) =>
        o => o with { Correction = change(o.Correction is ProductWeight { Factors: [var mask, ConstantWeight { Value: 1 }] } ? mask : o.Correction) };

    private static Func<SurrogateObjective, SurrogateObjective> Penalty(Func<KlPenalty, KlPenalty> change) =>
        o => o with { Regularisers = [change((KlPenalty)o.Regularisers[0])] };

    private static Func<SurrogateObjective, SurrogateObjective> Factor(int k, Func<TokenWeight, TokenWeight> change) =>
        Weight(weight => new ProductWeight(((ProductWeight)weight).Factors.SetItem(k, change(((ProductWeight)weight).Factors[k]))));

    private static Func<SurrogateObjective, SurrogateObjective> Conflicts(Func<ConflictWeight, ConflictWeight> change) =>
        Factor(1, weight => change((ConflictWeight)weight));

    private static double Drift(RolloutBatch batch, int i)
    {
        double sum = 0;
        for (int t = batch.Row(i).Start.Value; t < batch.Row(i).End.Value; t++)
            sum += batch[Column.Logp][t] - batch[Column.OldLogp][t];
        return sum / batch.Length(i);
    }

    private static double Gamma(in RowView row, Span<double> coefficients, bool mean, bool unit)
    {
        double log = row.FrozenLogRatio() / (mean ? row.Length : 1), sum = 0;
        for (int t = 0; t < row.Length; t++)
        {
            double k = row.Advantages[t] >= 0 ? 2 : 3, lambda = 5 - k;
            double slope = row.Weights[t] * row.Advantages[t] * Math.Exp((unit ? lambda : 0) + (k * log) - (lambda * Math.Exp(log)));
            coefficients[t] += slope;
            sum += slope * row.Logp[t];
        }

        return sum;
    }

    private static double ClippedTokensLearn(in RowView row, Span<double> coefficients)
    {
        double value = new GeometricMean(0.4, 0.4).Row(row, coefficients);
        foreach (ref double c in coefficients)
            c = value / row.Length;
        return value;
    }

    private static double MeanRegression(in RowView row, Span<double> coefficients)
    {
        double gap = row.Advantage - (0.01 * row.LogRatio() / row.Length), average = row.Mass / row.Length;
        foreach (ref double c in coefficients)
            c += average * gap / row.Length;
        return -average * gap * gap / 0.02;
    }

    // 0: shared before the token; 2: the token alone; 3: proper prefixes only, equal completions not counted.
    private sealed record FormulaShare(int Rule) : TokenWeight
    {
        public override Traits Traits => Traits.None;

        public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
        {
            for (int i = 0; i < batch.Rows; i++)
            {
                for (int t = 0; t < batch.Length(i); t++)
                    weights[batch.Row(i).Start.Value + t] = 1.0 / Enumerable.Range(0, batch.Rows).Count(j => j == i || Shares(batch.Ids(i), batch.Ids(j), t));
            }
        }

        private bool Shares(ReadOnlySpan<int> own, ReadOnlySpan<int> other, int t) => Rule switch
        {
            0 => own.CommonPrefixLength(other) >= t,
            2 => t < other.Length && other[t] == own[t],
            _ => own.CommonPrefixLength(other) > t && !own.SequenceEqual(other),
        };
    }
}
