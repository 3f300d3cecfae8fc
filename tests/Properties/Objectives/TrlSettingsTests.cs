using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

public class TrlSettingsTests
{
    private static readonly GoldenNode s_defaults = GoldenFolder.ReadShipped("trl/grpo.json")["defaults"];

    [Theory]
    [InlineData("""{"loss_type":"luspo"}""", "loss_type must be one of grpo, bnpo, dr_grpo, dapo, cispo to be expressed; got luspo.")]
    [InlineData("""{"loss_type":"sapo"}""", "loss_type must be one of grpo, bnpo, dr_grpo, dapo, cispo to be expressed; got sapo.")]
    [InlineData("""{"importance_sampling_level":"sequence_token"}""", "importance_sampling_level must be token or sequence to be expressed; got sequence_token.")]
    [InlineData("""{"loss_type":"cispo","importance_sampling_level":"sequence"}""", "importance_sampling_level cannot be expressed for cispo unless it is token; got sequence.")]
    [InlineData("""{"scale_rewards":"std"}""", "scale_rewards must be group, batch or none; got std.")]
    [InlineData("""{"use_vllm":true}""", "use_vllm cannot be expressed unless it is false; got true.")]
    [InlineData("""{"use_bias_correction_kl":true}""", "use_bias_correction_kl cannot be expressed unless it is false; got true.")]
    [InlineData("""{"use_adaptive_entropy":true}""", "use_adaptive_entropy cannot be expressed unless it is false; got true.")]
    [InlineData("""{"top_entropy_quantile":0.2}""", "top_entropy_quantile cannot be expressed unless it is 1; got 0.2.")]
    [InlineData("""{"entropy_coef":0.01}""", "entropy_coef cannot be expressed unless it is 0; got 0.01.")]
    [InlineData("""{"off_policy_mask_threshold":0.02}""", "off_policy_mask_threshold cannot be expressed unless it is null; got 0.02.")]
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
        Assert.Equal("Golden file hyper lacks the setting 'epsilon_high', and so do the file's defaults.", refused.Message);
    }

    [Fact]
    public void A_runs_settings_go_before_the_defaults()
    {
        Assert.Equal(Clip.Range(0.2, 0.2), Grpo("{}").Kernel.Region);
        Assert.Equal(Clip.Range(0.3, 0.3), Grpo("""{"epsilon":0.3}""").Kernel.Region);
        Assert.Equal(Clip.Range(0.2, 0.28, 2.5), Grpo("""{"epsilon_high":0.28,"delta":2.5}""").Kernel.Region);
        Assert.Equal(new ClippedImportance(0, 0.2), Grpo("""{"loss_type":"cispo"}""").Kernel);
    }

    [Theory]
    [InlineData("grpo", 4)]
    [InlineData("bnpo", 4)]
    [InlineData("dr_grpo", 4)]
    [InlineData("dapo", 1)]
    [InlineData("cispo", 1)]
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

    private static SurrogateObjective Grpo(string hyper) => new TrlSettings(s_defaults, GoldenNode.Parse("hyper", hyper)).Grpo();
}
