using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>OpenRLHF's arguments of PolicyLoss read as a composition of parts, as strictly as <see cref="VerlSettings"/>.</summary>
internal sealed class OrlhfSettings(GoldenNode hyper)
{
    // The defaults of PolicyLoss's arguments; the threshold's is the command line's.
    private static readonly GoldenNode s_defaults = GoldenNode.Parse(
        "the defaults of PolicyLoss",
        """
        {
          "clip_eps_low": 0.2, "clip_eps_high": 0.2, "dual_clip": null, "token_level_loss": true, "policy_loss_type": "ppo",
          "enable_vllm_is_correction": false, "vllm_is_truncated_threshold": [0.5, 5.0], "vllm_is_correction_type": "tis"
        }
        """);

    private readonly GoldenSettings _settings = new(hyper, s_defaults);

    /// <summary>The run's objective.</summary>
    public SurrogateObjective Objective()
    {
        var type = _settings.Take("policy_loss_type");
        bool perToken = _settings.Take("token_level_loss").Flag;
        var clip = Clip.Range(_settings.Number("clip_eps_low"), _settings.Number("clip_eps_high")) with
        {
            Dual = _settings.NumberOrNull("dual_clip") ?? double.PositiveInfinity,
        };
        var objective = type.Text switch
        {
            "ppo" => new SurrogateObjective(
                OpenRlhfFlavours.GroupScaled, new TokenRatio(clip) { LogBound = OpenRlhfFlavours.LogBound },
                perToken ? new BatchTokenMean() : OpenRlhfFlavours.RowMean),
            // Reads token_level_loss, and sets it to false.
            "gspo" => new(OpenRlhfFlavours.GroupScaled, new SequenceRatio(RatioLevel.SequenceMean, clip), OpenRlhfFlavours.RowMean),
            _ => throw type.Bad("must be ppo or gspo"),
        };
        var correction = Correction();
        if (correction is not null && type.Text == "gspo")
            throw type.Bad("cannot be expressed with enable_vllm_is_correction: its ratio is against the sampler then");
        _settings.End();
        return correction is null ? objective : objective with { Correction = correction };
    }

    /// <summary>compute_approx_kl, by name.</summary>
    public static KlPenalty Kl(GoldenNode name, double beta) => new(
        name.Text switch
        {
            "k1" => KlEstimator.K1,
            "k2" => KlEstimator.K2,
            "k3" => KlEstimator.K3,
            _ => throw name.Bad("must be k1, k2 or k3"),
        },
        beta)
    { ValueBound = OpenRlhfFlavours.KlBound };

    private TokenWeight? Correction()
    {
        bool enabled = _settings.Take("enable_vllm_is_correction").Flag;
        var (threshold, type) = (_settings.Take("vllm_is_truncated_threshold"), _settings.Take("vllm_is_correction_type"));
        if (threshold.Numbers is not [var low, var high])
            throw threshold.Bad("must be two numbers");
        TokenWeight weight = type.Text switch
        {
            "tis" => new TruncatedImportance(RatioLevel.Token, low, high),
            "icepop" => new TruncatedImportance(RatioLevel.Token).Times(new ImportanceMask(RatioLevel.Token, low, high)),
            "seq-mask-tis" => new TruncatedImportance(RatioLevel.Token).Times(new ImportanceMask(RatioLevel.SequenceMean, low, high)),
            _ => throw type.Bad("must be tis, icepop or seq-mask-tis"),
        };
        return enabled ? weight : null;
    }
}
