using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

public class TrlSettingsTests
{
    private static readonly GoldenNode s_defaults = GoldenFolder.ReadShipped("trl/grpo.json")["defaults"];

    [Theory]
    [InlineData("""{"loss_type":"real"}""", "loss_type must be one of grpo, bnpo, dr_grpo, dapo, luspo, cispo, sapo, vespo to be expressed; got real.")]
    [InlineData("""{"loss_type":"luspo","importance_sampling_level":"token"}""", "importance_sampling_level cannot be expressed for luspo unless it is sequence; got token.")]
    [InlineData("""{"loss_type":"luspo","importance_sampling_level":"sequence","beta":0.1}""", "beta cannot be expressed for luspo, which averages it over padding, unless it is 0; got 0.1.")]
    [InlineData("""{"loss_type":"luspo","importance_sampling_level":"sequence","top_entropy_quantile":0.2}""", "top_entropy_quantile cannot be expressed for luspo unless it is 1; got 0.2.")]
    [InlineData("""{"loss_type":"luspo","importance_sampling_level":"sequence","use_vllm":true,"vllm_importance_sampling_mode":"token_mask"}""", "vllm_importance_sampling_mode cannot be expressed for luspo; got token_mask.")]
    [InlineData("""{"loss_type":"vespo","use_vllm":true,"vllm_importance_sampling_mode":"sequence_mask"}""", "vllm_importance_sampling_mode cannot be expressed for vespo; got sequence_mask.")]
    [InlineData("""{"importance_sampling_level":"row"}""", "importance_sampling_level must be token, sequence or sequence_token to be expressed; got row.")]
    [InlineData("""{"loss_type":"sapo","importance_sampling_level":"sequence_token"}""", "importance_sampling_level must be token, sequence or sequence_token to be expressed; got sequence_token.")]
    [InlineData("""{"loss_type":"cispo","importance_sampling_level":"sequence"}""", "importance_sampling_level cannot be expressed for cispo unless it is token; got sequence.")]
    [InlineData("""{"loss_type":"vespo","importance_sampling_level":"sequence"}""", "importance_sampling_level cannot be expressed for vespo unless it is token; got sequence.")]
    [InlineData("""{"scale_rewards":"std"}""", "scale_rewards must be group, batch or none; got std.")]
    [InlineData("""{"use_vllm":true,"vllm_importance_sampling_mode":"row_mask"}""", "vllm_importance_sampling_mode must be token_truncate, token_mask, sequence_truncate or sequence_mask; got row_mask.")]
    [InlineData("""{"use_bias_correction_kl":true,"beta":0.1,"importance_sampling_level":"sequence"}""", "use_bias_correction_kl cannot be expressed with a ratio of sequences unless it is false; got true.")]
    [InlineData("""{"use_adaptive_entropy":true}""", "use_adaptive_entropy cannot be expressed unless it is false; got true.")]
    [InlineData("""{"top_entropy_quantile":0.2,"entropy_coef":0.01}""", "entropy_coef cannot be expressed beside a top_entropy_quantile unless it is 0; got 0.01.")]
    [InlineData("""{"off_policy_mask_threshold":"NaN"}""", "off_policy_mask_threshold must be a finite number; got NaN.")]
    [InlineData("""{"multi_objective_aggregation":"normalize_then_sum"}""", "multi_objective_aggregation cannot be expressed unless it is sum_then_normalize; got normalize_then_sum.")]
    [InlineData("""{"epsilon":"NaN"}""", "epsilon must be a finite number; got NaN.")]
    [InlineData("""{"epsilom":0.2}""", "epsilom is the setting 'epsilom', which nothing here reads; got 0.2.")]
    public void What_the_parts_do_not_express_is_refused(string hyper, string sentence)
    {
        var refused = Assert.Throws<InvalidDataException>(() => new TrlSettings(s_defaults, GoldenNode.Parse("hyper", hyper)).Grpo());
        Assert.Equal($"Golden file hyper.{sentence}", refused.Message);
    }

    [Fact]
    public void A_setting_without_a_value_is_refused()
    {
        var refused = Assert.Throws<InvalidDataException>(() => new TrlSettings(null, GoldenNode.Parse("hyper", """{"epsilon":0.2}""")).Rloo());
        Assert.Equal("Golden file hyper lacks the setting 'epsilon_high', and there is no default.", refused.Message);
    }

    [Fact]
    public void A_runs_settings_go_before_the_defaults()
    {
        Assert.Equal(Clip.Range(0.2, 0.2), Grpo("{}").Kernel.Region);
        Assert.Equal(Clip.Range(0.3, 0.3), Grpo("""{"epsilon":0.3}""").Kernel.Region);
        Assert.Equal(Clip.Range(0.2, 0.28, 2.5), Grpo("""{"epsilon_high":0.28,"delta":2.5}""").Kernel.Region);
        Assert.Equal(new ClippedImportance(0, 0.2), Grpo("""{"loss_type":"cispo"}""").Kernel);
    }

    [Fact]
    public void Switches_become_corrections_and_penalties()
    {
        TokenWeight drift = new OffPolicyMask(0.02), fork = new EntropyQuantileMask(1 - 0.2);
        Assert.Equal(TokenWeight.One, Grpo("{}").Correction);
        Assert.Equal(drift, Grpo("""{"off_policy_mask_threshold":0.02}""").Correction);
        Assert.Equal(drift.Times(fork), Grpo("""{"off_policy_mask_threshold":0.02,"top_entropy_quantile":0.2}""").Correction);
        Assert.Equal(
            new OffPolicyMask(0.02) { Sampler = Column.RolloutLogp }.Times(TrlFlavours.VllmCorrection),
            Grpo("""{"off_policy_mask_threshold":0.02,"use_vllm":true}""").Correction);
        Assert.Equal(
            new OffPolicyMask(0.02) { Sampler = Column.RolloutLogp },
            Grpo("""{"off_policy_mask_threshold":0.02,"use_vllm":true,"vllm_importance_sampling_correction":false}""").Correction);
        Assert.Equal([new KlPenalty(KlEstimator.K3, 0.1) { TimesRatio = true }], Grpo("""{"beta":0.1,"use_bias_correction_kl":true}""").Regularisers.ToArray());
        Assert.Empty(Grpo("""{"use_bias_correction_kl":true}""").Regularisers);
    }

    [Fact]
    public void An_entropy_bonus_is_a_mean_over_tokens_whatever_the_loss_type()
    {
        var batch = Batches.Ragged(2);
        foreach (string loss in new[] { "grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "vespo" })
        {
            var evaluation = Grpo($$"""{"loss_type":"{{loss}}","entropy_coef":0.5,"num_items_factor":1}""").Evaluate(batch);
            Assert.All(evaluation.EntropyCoefficients!, c => Assert.Equal(0.5 / batch.Tokens, c, 15));
        }

        Assert.All(
            Grpo("""{"entropy_coef":0.5,"gradient_accumulation":4}""").Evaluate(batch).EntropyCoefficients!, c => Assert.Equal(0.125 / batch.Tokens, c, 15));
        Assert.All(
            Grpo("""{"loss_type":"dapo","entropy_coef":0.5,"num_items_factor":2}""").Evaluate(batch).EntropyCoefficients!,
            c => Assert.Equal(0.25 / batch.Tokens, c, 15));
    }

    [Fact]
    public void The_experimental_trainers_refuse_what_they_do_not_read()
    {
        Assert.Equal(
            "Golden file hyper.entropy_coef is not read by this trainer; got 0.01.",
            Assert.Throws<InvalidDataException>(() => Settings("""{"entropy_coef":0.01}""").GspoToken()).Message);
        Assert.Equal(
            "Golden file hyper.loss_type must be one of grpo, bnpo, dr_grpo, dapo for this trainer; got sapo.",
            Assert.Throws<InvalidDataException>(() => Settings("""{"loss_type":"sapo"}""").GspoToken()).Message);
        Assert.Equal(
            "Golden file hyper.loss_type is not read by this trainer unless it is grpo; got dapo.",
            Assert.Throws<InvalidDataException>(() => Settings("""{"loss_type":"dapo"}""").Gmpo()).Message);
        Assert.Equal(
            "Golden file hyper.top_entropy_quantile cannot be expressed unless it is 1; got 0.2.",
            Assert.Throws<InvalidDataException>(() => Settings("""{"top_entropy_quantile":0.2}""").Gmpo()).Message);
    }

    [Theory]
    [InlineData("""{"fn":"compute_policy_loss","eps_clip":0.2,"eps_clip_high":0.2,"eps_clip_d":3}""", "eps_clip_d is the setting 'eps_clip_d', which nothing here reads; got 3.")]
    [InlineData("""{"fn":"compute_cispo_loss","eps_clip":0.2,"eps_clip_high":0.2,"eps_clip_c":3}""", "eps_clip_c is the setting 'eps_clip_c', which nothing here reads; got 3.")]
    [InlineData("""{"fn":"compute_gae","eps_clip":0.2,"eps_clip_high":0.2}""", "fn must be compute_policy_loss or compute_cispo_loss; got compute_gae.")]
    public void A_forks_settings_are_read_as_strictly(string hyper, string sentence)
    {
        var refused = Assert.Throws<InvalidDataException>(() => new ForkSettings(GoldenNode.Parse("hyper", hyper)).Slime());
        Assert.Equal($"Golden file hyper.{sentence}", refused.Message);
    }

    [Theory]
    [InlineData("grpo", 4)]
    [InlineData("bnpo", 4)]
    [InlineData("dr_grpo", 4)]
    [InlineData("dapo", 1)]
    [InlineData("cispo", 1)]
    [InlineData("sapo", 4)]
    [InlineData("vespo", 1)]
    public void Gradient_accumulation_divides_the_averages_of_a_micro_batch_and_not_those_of_all_tokens(string loss, double divisor)
    {
        // The penalty has the loss's weight, so all of J is divided.
        var batch = Batches.Ragged(2);
        double whole = Grpo($$"""{"loss_type":"{{loss}}","beta":0.1}""").Evaluate(batch).Value;
        double step = Grpo($$"""{"loss_type":"{{loss}}","beta":0.1,"gradient_accumulation":4}""").Evaluate(batch).Value;
        Assert.Equal(whole / divisor, step);
    }

    [Theory]
    [InlineData(1.3, 1.0, 1.3, 1.3)]
    [InlineData(1.4, 1.0, 1.3, 0.0)]
    [InlineData(1.4, -1.0, -1.4, -1.4)]
    [InlineData(1.6, -1.0, -1.5, 0.0)]
    public void A_delta_below_the_clips_upper_bound_acts_on_positive_advantages(double ratio, double advantage, double value, double slope)
    {
        // min(min(r, 1.3) A, clip(r, 0.8, 1.5) A)
        var shape = ((TokenRatio)Grpo("""{"epsilon_high":0.5,"delta":1.3}""").Kernel).Shape;
        Assert.Equal((value, slope), shape.At(ratio, advantage));
    }

    private static SurrogateObjective Grpo(string hyper) => Settings(hyper).Grpo();

    private static TrlSettings Settings(string hyper) => new(s_defaults, GoldenNode.Parse("hyper", hyper));
}
