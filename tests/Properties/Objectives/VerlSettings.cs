using System.Globalization;
using System.Text.Json;
using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// verl's configuration language read as a composition of parts. Every setting is taken once; what is left over, or asks for something
/// that the parts do not express, fails with a sentence.
/// </summary>
internal sealed class VerlSettings(GoldenNode? defaults, GoldenNode hyper)
{
    private static readonly string[] s_clip = ["clip_ratio", "clip_ratio_low", "clip_ratio_high"];
    private static readonly string[] s_sapo = ["tau_pos", "tau_neg"];
    private static readonly string[] s_clipCov = ["clip_cov_ratio", "clip_cov_lb", "clip_cov_ub"];
    private static readonly string[] s_klCov = ["kl_cov_ratio", "ppo_kl_coef"];

    // What each loss mode does not read, though the configuration holds it. loss_agg_mode and loss_scale_factor are read by all, if only
    // for a KL term: gspo, sapo and geo_mean average in their own way whatever it says.
    private static readonly Dictionary<string, string[]> s_ignored = new()
    {
        ["vanilla"] = [.. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["bypass_mode"] = [.. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["gspo"] = ["clip_ratio_c", .. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["sapo"] = [.. s_clip, "clip_ratio_c", .. s_clipCov, .. s_klCov, "dro_beta"],
        ["gpg"] = [.. s_clip, "clip_ratio_c", .. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["geo_mean"] = ["clip_ratio_c", .. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["cispo"] = ["clip_ratio_c", .. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["dppo_tv"] = [.. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["dppo_kl"] = [.. s_sapo, .. s_clipCov, .. s_klCov, "dro_beta"],
        ["dro"] = [.. s_clip, "clip_ratio_c", .. s_sapo, .. s_clipCov, .. s_klCov],
        ["clip_cov"] = ["clip_ratio_c", .. s_sapo, .. s_klCov, "dro_beta", "torch_manual_seed"],
        ["kl_cov"] = [.. s_clip, "clip_ratio_c", .. s_sapo, .. s_clipCov, "dro_beta"],
    };

    private readonly GoldenSettings _settings = new(hyper, defaults);

    /// <summary>The run's objective.</summary>
    public SurrogateObjective Objective()
    {
        var mode = _settings.Take("loss_mode");
        if (!s_ignored.TryGetValue(mode.Text, out string[]? ignored))
            throw mode.Bad($"must be one of {string.Join(", ", s_ignored.Keys)}");
        var advantage = Advantage();
        var aggregation = _settings.Take("loss_agg_mode");
        var agreed = Aggregation(aggregation, _settings.NumberOrNull("loss_scale_factor"));
        var objective = Loss(mode, new(advantage, new LogLikelihood(), agreed));
        objective = mode.Text == "bypass_mode" ? Bypass(objective, aggregation) : Decoupled(mode, objective, aggregation);
        objective = WithPenalty(objective, agreed);
        if (_settings.Number("entropy_coeff") is not 0 and var entropy)
            objective = objective with { Regularisers = [.. objective.Regularisers, new EntropyBonus(entropy) { Weight = agreed }] };
        _settings.Ignore(ignored);
        _settings.End();
        return objective;
    }

    /// <summary>verl's KL estimators, by name.</summary>
    public static KlPenalty Kl(GoldenNode name, double beta)
    {
        string text = name.Text, bare = text.EndsWith('+') ? text[..^1] : text;
        KlPenalty penalty = bare switch
        {
            "kl" or "k1" => new(KlEstimator.K1, beta),
            "mse" or "k2" => new(KlEstimator.K2, beta),
            "abs" => new(KlEstimator.Absolute, beta),
            "low_var_kl" or "k3" => new(KlEstimator.K3, beta) { LogBound = VerlFlavours.LogBound, ValueBound = VerlFlavours.KlBound },
            _ => throw name.Bad("must be kl, k1, abs, mse, k2, low_var_kl or k3, with or without +"),
        };
        return text == bare ? penalty : penalty with { StraightThrough = true };
    }

    /// <summary>rollout_rs: the masks that the options ask for, multiplied.</summary>
    public static TokenWeight Rejection(GoldenNode options, GoldenNode? thresholds, Column of, Column against)
    {
        string[] names = [.. options.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];
        if (thresholds is not { } given)
            throw options.Bad("needs a rollout_rs_threshold");
        string[] specs = given.Kind == JsonValueKind.Number
            ? [given.Raw]
            : given.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length == 0 || specs.Length != 1 && specs.Length != names.Length)
            throw given.Bad($"must hold one threshold, or one for each of {names.Length} options");
        return names.Select(TokenWeight (name, i) => Mask(options, name, given, specs[specs.Length == 1 ? 0 : i], of, against))
            .Aggregate((all, mask) => all.Times(mask));
    }

    private static DivergenceMask Mask(GoldenNode options, string name, GoldenNode thresholds, string spec, Column of, Column against)
    {
        var (over, statistic) = name.Split('_') is [.. var words, var last]
            ? (string.Join('_', words) switch
            {
                "token" => Pooling.Token,
                "seq_sum" => Pooling.RowSum,
                "seq_mean" => Pooling.RowMean,
                "seq_max" when last != "k1" => Pooling.RowMax,
                _ => throw options.Bad($"must hold token, seq_sum, seq_mean or seq_max of k1, k2 or k3 (no seq_max_k1), not {name}"),
            }, last switch
            {
                "k1" => KlEstimator.K1,
                "k2" => KlEstimator.K2,
                "k3" => KlEstimator.K3,
                _ => throw options.Bad($"must hold token, seq_sum, seq_mean or seq_max of k1, k2 or k3 (no seq_max_k1), not {name}"),
            })
            : throw options.Bad("must hold an option");
        var (lower, upper) = Bounds(thresholds, spec);
        if (statistic != KlEstimator.K1 && lower is not null)
            throw thresholds.Bad($"must hold one upper bound for {name}");
        var (low, high) = statistic == KlEstimator.K1
            ? (Math.Log(lower ?? (1 / upper)), Math.Log(upper))
            : (double.NegativeInfinity, upper);
        return new DivergenceMask(statistic, over, low, high)
        {
            Of = of,
            Against = against,
            LogBound = VerlFlavours.LogBound,
            CountEpsilon = VerlFlavours.CountEpsilon,
        };
    }

    // "lower_upper", or the upper bound alone; both are positive.
    private static (double? Lower, double Upper) Bounds(GoldenNode where, string spec)
    {
        double?[] parts = [.. spec.Split('_').Select(part =>
            double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double bound) && bound > 0 ? bound : (double?)null)];
        return parts switch
        {
            [{ } upper] => (null, upper),
            [{ } lower, { } upper] when lower <= upper => (lower, upper),
            _ => throw where.Bad("must be a positive bound, or lower_upper"),
        };
    }

    private RowAdvantage Advantage()
    {
        var estimator = _settings.Take("adv_estimator");
        bool scaled = _settings.Take("norm_adv_by_std").Flag;
        return estimator.Text switch
        {
            "grpo" => scaled ? VerlFlavours.GroupScaled : VerlFlavours.Unscaled,
            // It reads no flag: the std is computed, and not used.
            "gpg" => new NonzeroScaled(VerlFlavours.Unscaled),
            _ => throw estimator.Bad("must be grpo or gpg to be expressed"),
        };
    }

    private static TokenWeight Aggregation(GoldenNode mode, double? scale) => (mode.Text, scale) switch
    {
        ("token-mean", _) => new BatchTokenMean(),
        ("token-sum", _) => TokenWeight.One,
        ("seq-mean-token-sum", _) => new RowSum { Averaged = Average.OverLiveRows },
        ("seq-mean-token-sum-norm", null) => new PaddedRowSum { Averaged = Average.OverLiveRows },
        ("seq-mean-token-sum-norm", { } length) => new RowSum { Averaged = Average.OverLiveRows, Length = length },
        ("seq-mean-token-mean", _) => VerlFlavours.RowMean,
        _ => throw mode.Bad("must be token-mean, token-sum, seq-mean-token-sum, seq-mean-token-sum-norm or seq-mean-token-mean"),
    };

    private SurrogateObjective Loss(GoldenNode mode, SurrogateObjective of) => mode.Text switch
    {
        "vanilla" or "bypass_mode" => of with
        {
            Kernel = new TokenRatio(ClipRange() with { Dual = _settings.Number("clip_ratio_c") }) { LogBound = VerlFlavours.LogBound },
        },
        "gspo" => of with { Kernel = new SequenceTokenRatio(ClipRange()) { LogCap = VerlFlavours.SequenceLogCap }, Weight = VerlFlavours.RowMean },
        "sapo" => of with
        {
            Kernel = new TokenRatio(new SoftGate(_settings.Number("tau_pos"), _settings.Number("tau_neg"))) { LogBound = VerlFlavours.LogBound },
            Weight = VerlFlavours.RowMean,
        },
        "gpg" => of,
        "geo_mean" => of with
        {
            Kernel = Within((low, high) => new GeometricMean(low, high) { CountEpsilon = VerlFlavours.CountEpsilon }),
            Weight = new RowMean { Averaged = Average.OverRows },
        },
        "cispo" => of with { Kernel = Within((low, high) => Weighted(Math.Max(0, 1 - low), 1 + high)) },
        "dppo_tv" => of with
        {
            Kernel = Weighted(0, _settings.Number("clip_ratio_c")),
            Correction = Within((low, high) => new TotalVariationRegion(low, high)),
        },
        "dppo_kl" => of with
        {
            Kernel = Weighted(0, _settings.Number("clip_ratio_c")),
            Correction = Within((low, high) => new BinaryKlRegion(low, high)),
        },
        "dro" => of with { Regularisers = [new KlPenalty(KlEstimator.K2, _settings.Number("dro_beta")) { Against = Column.OldLogp, Corrected = true }] },
        "clip_cov" => ClipCov(of, ClipRange()),
        "kl_cov" => of with
        {
            Kernel = new TokenRatio(new Unclipped()),
            Regularisers =
            [
                new KlPenalty(KlEstimator.Absolute, _settings.Number("ppo_kl_coef"))
                {
                    Against = Column.OldLogp, Corrected = true, Where = new TopCovariance(_settings.Number("kl_cov_ratio")),
                },
            ],
        },
        _ => throw mode.Bad("has no loss here"),
    };

    private SurrogateObjective ClipCov(SurrogateObjective of, Clip clip) => of with
    {
        Kernel = new TokenRatio(clip),
        Correction = new CovarianceDrop(
            _settings.Number("clip_cov_ratio"), _settings.Number("clip_cov_lb"), _settings.Number("clip_cov_ub"), clip)
        {
            CountEpsilon = VerlFlavours.CountEpsilon,
        },
    };

    private static ClippedImportance Weighted(double low, double high) => new(low, high) { LogBound = VerlFlavours.LogBound };

    private Clip ClipRange() => Within((low, high) => Clip.Range(low, high));

    private TPart Within<TPart>(Func<double, double, TPart> make)
    {
        double both = _settings.Number("clip_ratio");
        return make(_settings.NumberOrNull("clip_ratio_low") ?? both, _settings.NumberOrNull("clip_ratio_high") ?? both);
    }

    // Weights and masks that the trainer computes before the loss, from the sampler's log-probs.
    private SurrogateObjective Decoupled(GoldenNode mode, SurrogateObjective objective, GoldenNode aggregation)
    {
        var weights = Importance(_settings, Column.OldLogp, Column.RolloutLogp);
        if (weights is not null && mode.Text == "geo_mean")
            throw mode.Bad("cannot be expressed with rollout_is: it takes the geometric mean of the weights");
        var options = _settings.TakeOrNull("rollout_rs");
        var threshold = _settings.TakeOrNull("rollout_rs_threshold");
        if (options is not null && mode.Text != "vanilla")
            throw mode.Bad("cannot be expressed with rollout_rs unless it is vanilla or bypass_mode");
        return Corrected(objective, weights, options is { } some ? Kept(some, threshold, aggregation, Column.OldLogp, Column.RolloutLogp) : null);
    }

    // The rollout policy is ℓ°; reinforce multiplies by the weights, ppo_clip leaves them to its ratio.
    private SurrogateObjective Bypass(SurrogateObjective objective, GoldenNode aggregation)
    {
        var correction = _settings.Take("rollout_correction");
        var inner = new GoldenSettings(correction);
        var type = inner.TakeOrNull("loss_type");
        var weights = Importance(inner, Column.Logp, Column.OldLogp);
        var options = inner.TakeOrNull("rollout_rs");
        var threshold = inner.TakeOrNull("rollout_rs_threshold");
        inner.End();
        var mask = options is { } some ? Kept(some, threshold, aggregation, Column.Logp, Column.OldLogp) : null;
        return type?.Text switch
        {
            "reinforce" => Corrected(objective with { Kernel = new LogLikelihood() }, weights, mask),
            "ppo_clip" or null => Corrected(objective, null, mask),
            _ => throw type.Value.Bad("must be reinforce or ppo_clip"),
        };
    }

    // What is rejected leaves the loss's mask, and so the count of tokens that the mean divides by.
    private static MeanNormalised Kept(GoldenNode options, GoldenNode? threshold, GoldenNode aggregation, Column of, Column against) =>
        aggregation.Text == "token-mean"
            ? new(Rejection(options, threshold, of, against), MeanOf.Tokens)
            : throw aggregation.Bad("cannot be expressed with rollout_rs unless it is token-mean");

    private static SurrogateObjective Corrected(SurrogateObjective objective, params TokenWeight?[] factors) => factors.OfType<TokenWeight>()
        .Aggregate(objective, (all, factor) => all with { Correction = all.Correction == TokenWeight.One ? factor : all.Correction.Times(factor) });

    private static TokenWeight? Importance(GoldenSettings settings, Column of, Column against)
    {
        var level = settings.TakeOrNull("rollout_is");
        var threshold = settings.TakeOrNull("rollout_is_threshold");
        bool normalised = settings.TakeOrNull("rollout_is_batch_normalize")?.Flag ?? false;
        if (level is not { } some)
            return null;
        var ratio = some.Text switch
        {
            "token" => RatioLevel.Token,
            "sequence" => RatioLevel.SequenceSum,
            _ => throw some.Bad("must be token or sequence"),
        };
        var (lower, upper) = threshold is { } given ? Bounds(given, given.Raw) : (null, 2);
        TokenWeight weight = new TruncatedImportance(ratio, 0, upper) { Of = of, Against = against, LogBound = VerlFlavours.LogBound };
        if (lower is { } low)
            weight = weight.Times(new ImportanceMask(ratio, low, upper) { Of = of, Against = against, LogBound = VerlFlavours.LogBound });
        return normalised
            ? new MeanNormalised(weight, ratio == RatioLevel.Token ? MeanOf.Tokens : MeanOf.Rows)
            {
                CountEpsilon = VerlFlavours.CountEpsilon,
                Least = VerlFlavours.CountEpsilon,
            }
            : weight;
    }

    // use_kl_loss: under loss_agg_mode, whatever the loss itself is averaged by.
    private SurrogateObjective WithPenalty(SurrogateObjective objective, TokenWeight weight)
    {
        bool used = _settings.Take("use_kl_loss").Flag;
        double beta = _settings.Number("kl_loss_coef");
        var penalty = Kl(_settings.Take("kl_loss_type"), beta) with { Weight = weight };
        return used ? objective with { Regularisers = [.. objective.Regularisers, penalty] } : objective;
    }
}
