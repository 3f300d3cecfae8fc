using System.Text.Json;
using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// TRL's configuration language read as a composition of parts. Every setting is taken once; what is left over, or asks for something
/// that the parts do not express, fails with a sentence.
/// </summary>
internal sealed class TrlSettings
{
    // Read by loss types and switches that are refused below, so without effect on the losses that are composed here.
    private static readonly string[] s_inert =
    [
        "sapo_temperature_neg", "sapo_temperature_pos", "vespo_k_pos", "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg",
        "vllm_importance_sampling_correction", "vllm_importance_sampling_mode", "vllm_importance_sampling_clip_max",
        "vllm_importance_sampling_clip_min",
    ];

    private readonly string _where;
    private readonly Dictionary<string, GoldenNode> _left = [];

    /// <summary>A run's settings over the file's defaults.</summary>
    public TrlSettings(GoldenNode? defaults, GoldenNode hyper)
    {
        _where = hyper.Where;
        foreach (var (key, value) in defaults is { Kind: JsonValueKind.Object } some ? some.Properties : [])
            _left[key] = value;
        foreach (var (key, value) in hyper.Properties)
            _left[key] = value;
    }

    /// <summary>GRPOTrainer's objective.</summary>
    public SurrogateObjective Grpo()
    {
        var loss = Take("loss_type");
        var level = Take("importance_sampling_level");
        double low = Number("epsilon"), high = NumberOrNull("epsilon_high") ?? low, beta = Number("beta");
        double cap = NumberOrNull("delta") ?? double.PositiveInfinity;
        var objective = new SurrogateObjective(GrpoAdvantage(), GrpoKernel(loss, level, low, high, cap), GrpoWeight(loss))
        {
            // k3, outside the clip, under the token weight of the loss itself.
            Regularisers = beta == 0 ? [] : [new KlPenalty(KlEstimator.K3, beta)],
        };

        MustBe("use_bias_correction_kl", false);
        MustBe("use_adaptive_entropy", false);
        MustBe("use_vllm", false);
        MustBe("top_entropy_quantile", 1);
        MustBe("entropy_coef", 0);
        if (Take("off_policy_mask_threshold") is { Kind: not JsonValueKind.Null } threshold)
            throw threshold.Bad("cannot be expressed unless it is null");
        if (Take("multi_objective_aggregation") is { Text: not "sum_then_normalize" } aggregation)
            throw aggregation.Bad("cannot be expressed unless it is sum_then_normalize");
        foreach (string key in s_inert)
            _left.Remove(key);
        return Whole(objective);
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

    private static Kernel GrpoKernel(GoldenNode loss, GoldenNode level, double low, double high, double cap) =>
        (loss.Text, level.Text) switch
        {
            // cispo reads neither epsilon nor delta, and epsilon_high is the cap of the weight itself.
            ("cispo", "token") => new ClippedImportance(0, high),
            ("cispo", _) => throw level.Bad("cannot be expressed for cispo unless it is token"),
            ("grpo" or "bnpo" or "dr_grpo" or "dapo", "token") => new TokenRatio(Clipped(low, high, cap)),
            ("grpo" or "bnpo" or "dr_grpo" or "dapo", "sequence") => new SequenceRatio(RatioLevel.SequenceMean, Clipped(low, high, cap)),
            (_, "token" or "sequence") => throw loss.Bad("must be one of grpo, bnpo, dr_grpo, dapo, cispo to be expressed"),
            _ => throw level.Bad("must be token or sequence to be expressed"),
        };

    // A delta below 1 + epsilon_high trades places with it: positive advantages stop at the smaller bound, negative at the larger.
    private static Clip Clipped(double low, double high, double cap) =>
        1 + high <= cap ? Clip.Range(low, high, cap) : new Clip(1 - low, cap, 1 + high);

    private TokenWeight GrpoWeight(GoldenNode loss)
    {
        double steps =
            Number("gradient_accumulation"), items = Number("num_items_factor"), length = Number("max_completion_length");
        return loss.Text switch
        {
            // The micro-batch's own averages are divided by the accumulation steps …
            "grpo" => new Divided(TrlFlavours.RowMean, steps),
            "bnpo" => new Divided(new BatchTokenMean(), steps),
            "dr_grpo" => new Divided(new RowSum { Averaged = Average.OverRows, Length = length }, steps),
            // … while the token count of the whole accumulated batch holds them already.
            "dapo" or "cispo" => new BatchTokenMean { Items = items },
            _ => throw loss.Bad("has no token weight here"),
        };
    }

    private SurrogateObjective Whole(SurrogateObjective objective) => _left.Count == 0
        ? objective
        : throw _left.First().Value.Bad($"is the setting '{_left.First().Key}', which nothing here reads");

    private GoldenNode Take(string key) => _left.Remove(key, out var value)
        ? value
        : throw new InvalidDataException($"Golden file {_where} lacks the setting '{key}', and so do the file's defaults.");

    private double Number(string key) => Finite(Take(key));

    private double? NumberOrNull(string key) => Take(key) is { Kind: not JsonValueKind.Null } value ? Finite(value) : null;

    private static double Finite(GoldenNode value) =>
        double.IsFinite(value.Number) ? value.Number : throw value.Bad("must be a finite number");

    private void MustBe(string key, bool neutral)
    {
        if (Take(key) is var value && value.Flag != neutral)
            throw value.Bad($"cannot be expressed unless it is {(neutral ? "true" : "false")}");
    }

    private void MustBe(string key, int neutral)
    {
        if (Take(key) is var value && value.Number != neutral)
            throw value.Bad($"cannot be expressed unless it is {neutral}");
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
