using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>The settings of verl's forks and of other trainers, read as compositions of parts: one method for each recorded function.</summary>
internal sealed class ForkSettings(GoldenNode hyper) : StrictSettings(null, hyper)
{
    // (R − R̄)/(s + 1e−6), ddof 1: verl and slime alike.
    private static readonly RowAdvantage s_score = (RowAdvantage)SlimeFlavours.Grpo.Advantage;

    // masked_mean of verl's forks.
    private static readonly TokenWeight s_tokenMean = new BatchTokenMean { CountEpsilon = 1e-8 };

    /// <summary>KlearReasoner, compute_gppo_loss.</summary>
    public SurrogateObjective Gppo()
    {
        // cliprange stands in for a bound that is not given; both are.
        Discard("cliprange");
        MustBe("loss_agg_mode", "token-mean");
        var clip = Clip.Range(Number("cliprange_low"), Number("cliprange_high")) with { Dual = Number("clip_ratio_c") };
        return Whole(new(s_score, new GradientPreservingClip(clip), s_tokenMean));
    }

    /// <summary>Archer2.0, compute_policy_loss_archer.</summary>
    public SurrogateObjective Aspo()
    {
        MustBe("loss_agg_mode", "token-mean");
        var low = Clip.Range(Number("negative_low_entropy_clip_ratio_low"), Number("positive_low_entropy_clip_ratio_high"));
        var high = Clip.Range(Number("negative_high_entropy_clip_ratio_low"), Number("positive_high_entropy_clip_ratio_high"));
        double dual = Number("negative_clip_ratio_c");
        if (Take("positive_clip_ratio_c") is var other && other.Number != dual)
            throw other.Bad("cannot be expressed unless it is negative_clip_ratio_c");
        return Whole(new(s_score, new FlippedRatio(low, high) { Dual = dual, Quantile = Number("token_entropy_quantile"), LogBound = 20 }, s_tokenMean));
    }

    /// <summary>OpenKimi, compute_policy_loss_opmd.</summary>
    public SurrogateObjective Opmd()
    {
        var mode = Take("loss_agg_mode");
        var flavour = mode.Text switch
        {
            "seq-mean-token-mean" => OpenKimiFlavours.Opmd,
            "seq-mean-token-sum-norm" => OpenKimiFlavours.OpmdSumNorm,
            _ => throw mode.Bad("must be seq-mean-token-mean or seq-mean-token-sum-norm"),
        };
        return Whole(flavour with { Kernel = new LogRatioRegression(Number("pmd_tau")) });
    }

    /// <summary>prime-rl, default_loss_fn and ipo_loss_fn.</summary>
    public SurrogateObjective PrimeRl()
    {
        MustBe("scale", "1/sum of lengths (rl_scale = token count)");
        var function = Take("fn");
        TokenWeight region = function.Text switch
        {
            "default_loss_fn" => new TotalVariationRegion(Number("dppo_mask_low"), Number("dppo_mask_high")),
            "ipo_loss_fn" => new ProbabilityRegion(Number("ipo_threshold")),
            _ => throw function.Bad("must be default_loss_fn or ipo_loss_fn"),
        };
        return Whole(PrimeRlFlavours.Default with
        {
            Correction = region.Times(Number("adv_tau")),
            Regularisers = [PrimeRlFlavours.SquaredLogRatio(Number("kl_tau"))],
        });
    }

    /// <summary>prime-rl of October 2025, compute_loss.</summary>
    public SurrogateObjective Aipo()
    {
        var (type, normed, cap) = (Take("ratio_type"), Take("ratio_length_norm"), Take("clip_ratio"));
        double scale = Number("loss_scale");

        // A sequence's log-ratio is clamped at 10 first, which no cap below e^10 sees.
        if (!(Finite(cap) < Math.Exp(10)))
            throw cap.Bad("cannot be expressed unless it is less than e^10");
        var clip = new Clip(0, cap.Number, cap.Number);
        var (kernel, weight) = (type.Text, normed.Flag) switch
        {
            ("token", false) => ((Kernel)new TokenRatio(clip), TokenWeight.One),
            ("token", true) => throw normed.Bad("is not read with ratio_type token"),
            ("sequence", true) => (new SequenceRatio(RatioLevel.SequenceMean, clip), new RowMean { Averaged = Average.Nothing }),
            ("sequence", false) => (new SequenceRatio(RatioLevel.SequenceSum, clip), TokenWeight.One),
            _ => throw type.Bad("must be token or sequence"),
        };
        return Whole(PrimeRlFlavours.Aipo with { Kernel = kernel, Weight = new Divided(weight, scale) });
    }

    /// <summary>slime, compute_policy_loss and compute_cispo_loss: losses of tokens, not aggregated.</summary>
    public SurrogateObjective Slime()
    {
        var function = Take("fn");
        double low = Number("eps_clip"), high = Number("eps_clip_high");
        Kernel kernel = function.Text switch
        {
            "compute_policy_loss" when Peek("eps_clip_c") is null => new TokenRatio(Clip.Range(low, high)),
            "compute_policy_loss" => new TokenRatio(Clip.Range(low, high) with { Dual = Number("eps_clip_c") }),
            "compute_cispo_loss" => new ClippedImportance(1 - low, 1 + high),
            _ => throw function.Bad("must be compute_policy_loss or compute_cispo_loss"),
        };
        return Whole(new(s_score, kernel, TokenWeight.One));
    }

    /// <summary>grpo-prm, LambdaGRPOTrainer._step: the penalty has the tokens' λ, too.</summary>
    public SurrogateObjective LambdaGrpo()
    {
        var loss = Take("loss_type");
        double epsilon = Number("epsilon"), beta = Number("beta");
        TokenWeight weight = loss.Text switch
        {
            "grpo" => TrlFlavours.RowMean,
            "dapo" => new BatchTokenMean(),
            _ => throw loss.Bad("must be grpo or dapo"),
        };

        // The first pass detaches its own log-probs instead of reading old ones.
        Kernel kernel = Take("off_policy").Flag ? new TokenRatio(Clip.Range(epsilon, epsilon)) : new OwnRatio();
        return Whole(new(TrlFlavours.GroupScaled, kernel, Take("loss_scale").Flag ? weight.Times(new PrefixShare()) : weight)
        {
            Regularisers = beta == 0 ? [] : [new KlPenalty(KlEstimator.K3, beta)],
        });
    }

    /// <summary>GTPO's constants; its advantage is handed in.</summary>
    public SurrogateObjective Gtpo()
    {
        // Where padding is stripped, and inside the entropies, which the batch carries.
        Discard("PAD_ID", "EPS");
        var shaped = new EntropyShaped(TrlFlavours.Unscaled) { Scale = Number("ENT_SCALE"), Threshold = Number("ENT_THRESHOLD") };
        var conflicts = new ConflictWeight(Number("W_RAW")) { Signs = TrlFlavours.Unscaled };
        return Whole(new(shaped, new OwnRatio(), new RowMean { Averaged = Average.Nothing }.Times(conflicts)));
    }
}
