using System.Text.Json;
using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// TRL's configuration language read as a composition of parts. Every setting is taken once; what is left over, or asks for something
/// that the parts do not express, fails with a sentence.
/// </summary>
internal sealed class TrlSettings(GoldenNode? defaults, GoldenNode hyper) : StrictSettings(defaults, hyper)
{
    private static readonly string[] s_sapo = ["sapo_temperature_neg", "sapo_temperature_pos"];
    private static readonly string[] s_vespo = ["vespo_k_pos", "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg"];
    private static readonly string[] s_vllm =
    [
        "vllm_importance_sampling_correction", "vllm_importance_sampling_mode", "vllm_importance_sampling_clip_max",
        "vllm_importance_sampling_clip_min",
    ];
    private static readonly string[] s_others = [.. s_sapo, .. s_vespo];

    // What each loss type does not read.
    private static readonly Dictionary<string, string[]> s_inert = new()
    {
        ["grpo"] = [.. s_others, "max_completion_length", "num_items_factor"],
        ["bnpo"] = [.. s_others, "max_completion_length", "num_items_factor"],
        ["dr_grpo"] = [.. s_others, "num_items_factor"],
        ["dapo"] = [.. s_others, "max_completion_length", "gradient_accumulation"],
        ["luspo"] = [.. s_others, "max_completion_length", "num_items_factor"],
        ["cispo"] = [.. s_others, "max_completion_length", "gradient_accumulation", "delta"],
        ["sapo"] = [.. s_vespo, "max_completion_length", "num_items_factor", "epsilon", "epsilon_high", "delta"],
        ["vespo"] = [.. s_sapo, "max_completion_length", "gradient_accumulation", "epsilon", "epsilon_high", "delta"],
    };

    // What the trainer of GMPO does not read, whatever the loss type it is given.
    private static readonly string[] s_inertForGmpo =
    [
        .. s_others, "max_completion_length", "num_items_factor", "delta", "use_bias_correction_kl", "off_policy_mask_threshold", "entropy_coef",
        "use_adaptive_entropy", "use_vllm", .. s_vllm, "importance_sampling_level",
    ];

    private bool _usesVllm;
    private double _steps = 1;
    private TokenWeight _weight = TokenWeight.One;

    /// <summary>GRPOTrainer's objective.</summary>
    public SurrogateObjective Grpo()
    {
        var loss = Take("loss_type");
        if (!s_inert.TryGetValue(loss.Text, out string[]? inert))
            throw loss.Bad($"must be one of {string.Join(", ", s_inert.Keys)} to be expressed");
        Discard(inert);
        var level = Take("importance_sampling_level");
        var mismatch = Mismatch(loss);
        var objective = new SurrogateObjective(GrpoAdvantage(), GrpoKernel(loss, level, mismatch), GrpoWeight(loss));
        TokenWeight[] masks = [.. OffPolicy(loss), .. HighEntropy(loss)];
        if (mismatch is not null && loss.Text != "vespo")
            masks = [.. masks, mismatch];
        return Whole(objective with
        {
            Correction = masks is [] ? TokenWeight.One : masks.Aggregate((all, mask) => all.Times(mask)),
            Regularisers = [.. Penalty(loss, level), .. Bonus(loss, masks.OfType<EntropyQuantileMask>().Any())],
        });
    }

    /// <summary>The objective of experimental/gspo_token, which has neither off-policy mask, bias correction nor entropy bonus.</summary>
    public SurrogateObjective GspoToken()
    {
        foreach (string key in (string[])["use_bias_correction_kl", "use_adaptive_entropy", "entropy_coef", "off_policy_mask_threshold"])
        {
            if (Peek(key) is { } value && value is not { Kind: JsonValueKind.False or JsonValueKind.Null } and not { Raw: "0" or "0.0" })
                throw value.Bad("is not read by this trainer");
        }

        if (Peek("loss_type") is { } loss && loss.Text is not ("grpo" or "bnpo" or "dr_grpo" or "dapo"))
            throw loss.Bad("must be one of grpo, bnpo, dr_grpo, dapo for this trainer");
        return Grpo();
    }

    /// <summary>The objective of experimental/gmpo.</summary>
    public SurrogateObjective Gmpo()
    {
        Discard(s_inertForGmpo);
        var loss = Take("loss_type");
        if (loss.Text != "grpo")
            throw loss.Bad("is not read by this trainer unless it is grpo");
        double low = Number("epsilon"), high = NumberOrNull("epsilon_high") ?? low, beta = Number("beta");
        MustBe("top_entropy_quantile", 1);
        SumsThenNormalizes();
        return Whole(new(GrpoAdvantage(), new GeometricMean(low, high), new Divided(TrlFlavours.RowMean, Number("gradient_accumulation")))
        {
            Regularisers = beta == 0 ? [] : [new KlPenalty(KlEstimator.K3, beta)],
        });
    }

    /// <summary>RLOOTrainer's objective.</summary>
    public SurrogateObjective Rloo()
    {
        double low = Number("epsilon"), high = NumberOrNull("epsilon_high") ?? low, beta = Number("beta");
        RowAdvantage advantage = new LeaveOneOut { Equal = EqualRewards.AreComputed };
        if (Take("normalize_advantages").Flag)
            advantage = new BatchNormalised(advantage, TrlFlavours.StdEpsilon);
        var rewards = RewardShaping.None;
        if (Take("reward_clip_range") is { Kind: not JsonValueKind.Null } range)
        {
            rewards = range.Numbers is [double from, double to]
                ? new ClippedReward(rewards, from, to)
                : throw range.Bad("must be null or two numbers");
        }

        // beta weighs k1 of the behaviour policy, summed over the completion, after the reward's clip.
        if (beta != 0)
            rewards = new KlInReward(rewards, beta);
        var kernel = new SequenceRatio(RatioLevel.SequenceSum, Clip.Range(low, high));
        return Whole(new(advantage, kernel, new RowSum { Averaged = Average.OverRows }) { Rewards = rewards });
    }

    private RowAdvantage GrpoAdvantage()
    {
        var scale = Take("scale_rewards");
        return scale.Text switch
        {
            "group" => TrlFlavours.GroupScaled,
            "batch" => TrlFlavours.BatchScaled,
            "none" => TrlFlavours.Unscaled,
            _ => throw scale.Bad("must be group, batch or none"),
        };
    }

    // The ratio of the behaviour policy to vLLM, by mode; null where there is none to correct.
    private PolicyRatioWeight? Mismatch(GoldenNode loss)
    {
        var (vllm, on) = (Take("use_vllm").Flag, Take(s_vllm[0]).Flag);
        if (!vllm || !on)
        {
            _usesVllm = vllm;
            Discard(s_vllm);
            return null;
        }

        _usesVllm = true;
        var mode = Take(s_vllm[1]);
        double high = NumberOrNull(s_vllm[2]) ?? double.PositiveInfinity, low = NumberOrNull(s_vllm[3]) ?? 0;
        if (loss.Text is "vespo" or "luspo" && mode.Text.StartsWith("token", StringComparison.Ordinal) == (loss.Text == "luspo"))
            throw mode.Bad($"cannot be expressed for {loss.Text}");
        return mode.Text switch
        {
            "token_truncate" => new TruncatedImportance(RatioLevel.Token, low, high),
            "sequence_truncate" => new TruncatedImportance(RatioLevel.SequenceSum, low, high),
            "token_mask" => new ImportanceMask(RatioLevel.Token, low, high) { TimesRatio = true },
            "sequence_mask" => new ImportanceMask(RatioLevel.SequenceSum, low, high) { TimesRatio = true },
            _ => throw mode.Bad("must be token_truncate, token_mask, sequence_truncate or sequence_mask"),
        };
    }

    // Against what was sampled: vLLM where it is used, else the behaviour policy.
    private IEnumerable<TokenWeight> OffPolicy(GoldenNode loss) => NumberOrNull("off_policy_mask_threshold") is { } threshold
        ? [new OffPolicyMask(threshold) { Sampler = _usesVllm ? Column.RolloutLogp : Column.OldLogp }]
        : [];

    private IEnumerable<TokenWeight> HighEntropy(GoldenNode loss)
    {
        var quantile = Take("top_entropy_quantile");
        if (quantile.Number == 1)
            return [];
        return loss.Text == "luspo" ? throw quantile.Bad("cannot be expressed for luspo unless it is 1") : [new EntropyQuantileMask(1 - Finite(quantile))];
    }

    // k3, outside the clip and the corrections, under the token weight of the loss itself.
    private IEnumerable<Regulariser> Penalty(GoldenNode loss, GoldenNode level)
    {
        var (beta, corrected) = (Take("beta"), Take("use_bias_correction_kl"));
        SumsThenNormalizes();
        if (Finite(beta) == 0)
            return [];
        if (loss.Text == "luspo")
            throw beta.Bad("cannot be expressed for luspo, which averages it over padding, unless it is 0");
        if (corrected.Flag && level.Text != "token")
            throw corrected.Bad("cannot be expressed with a ratio of sequences unless it is false");
        return [new KlPenalty(KlEstimator.K3, beta.Number) { TimesRatio = corrected.Flag }];
    }

    // The mean entropy of all tokens, whatever the loss type, or their sum over the items of the whole batch.
    private IEnumerable<Regulariser> Bonus(GoldenNode loss, bool masked)
    {
        MustBe("use_adaptive_entropy", false);
        var coefficient = Take("entropy_coef");
        if (Finite(coefficient) == 0)
            return [];
        return masked
            ? throw coefficient.Bad("cannot be expressed beside a top_entropy_quantile unless it is 0")
            : [new EntropyBonus(coefficient.Number) { Weight = loss.Text is "cispo" or "dapo" or "vespo" ? _weight : new Divided(new BatchTokenMean(), _steps) }];
    }

    private void SumsThenNormalizes() => MustBe("multi_objective_aggregation", "sum_then_normalize");

    private Kernel GrpoKernel(GoldenNode loss, GoldenNode level, PolicyRatioWeight? mismatch)
    {
        if (loss.Text == "cispo" && level.Text == "token")
        {
            // epsilon_high is the cap of the weight itself.
            double epsilon = Number("epsilon");
            return new ClippedImportance(0, NumberOrNull("epsilon_high") ?? epsilon);
        }

        if (loss.Text == "vespo" && level.Text == "token")
            return new GammaGain(Number(s_vespo[0]), Number(s_vespo[1]), Number(s_vespo[2]), Number(s_vespo[3])) { Mismatch = mismatch };
        Shape Gate() => loss.Text == "sapo" ? new SoftGate(Number(s_sapo[1]), Number(s_sapo[0])) : Clipped();
        return (loss.Text, level.Text) switch
        {
            ("cispo" or "vespo", _) => throw level.Bad($"cannot be expressed for {loss.Text} unless it is token"),
            (_, "sequence") => new SequenceRatio(RatioLevel.SequenceMean, Gate()),
            ("luspo", _) => throw level.Bad("cannot be expressed for luspo unless it is sequence"),
            (_, "token") => new TokenRatio(Gate()),
            ("grpo" or "bnpo" or "dr_grpo" or "dapo", "sequence_token") => new SequenceTokenRatio(Gate()),
            _ => throw level.Bad("must be token, sequence or sequence_token to be expressed"),
        };
    }

    private Clip Clipped()
    {
        double low = Number("epsilon"), high = NumberOrNull("epsilon_high") ?? low;
        return Clipped(low, high, NumberOrNull("delta") ?? double.PositiveInfinity);
    }

    // A delta below 1 + epsilon_high trades places with it: positive advantages stop at the smaller bound, negative at the larger.
    private static Clip Clipped(double low, double high, double cap) =>
        1 + high <= cap ? Clip.Range(low, high, cap) : new Clip(1 - low, cap, 1 + high);

    private TokenWeight GrpoWeight(GoldenNode loss)
    {
        // The micro-batch's own averages are divided by the accumulation steps, while the token count of the whole accumulated batch
        // holds them already.
        if (loss.Text is "dapo" or "cispo" or "vespo")
            return _weight = new BatchTokenMean { Accumulated = true, Items = Number("num_items_factor") };
        _steps = Number("gradient_accumulation");
        return _weight = new Divided(loss.Text switch
        {
            "grpo" or "sapo" => TrlFlavours.RowMean,
            "bnpo" => new BatchTokenMean(),
            "luspo" => new RowSum { Averaged = Average.OverRows },
            "dr_grpo" => new RowSum { Averaged = Average.OverRows, Length = Number("max_completion_length") },
            _ => throw loss.Bad("has no token weight here"),
        }, _steps);
    }
}

/// <summary>α/<paramref name="By"/>: another weight divided by one number.</summary>
internal sealed record Divided(TokenWeight Inner, double By) : TokenWeight
{
    /// <inheritdoc/>
    public override Traits Traits => Inner.Traits;

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        Inner.Fill(batch, advantages, weights);
        foreach (ref double weight in weights)
            weight /= By;
    }
}
