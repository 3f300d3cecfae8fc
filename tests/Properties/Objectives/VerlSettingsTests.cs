using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

public class VerlSettingsTests
{
    private const string Run = "\"adv_estimator\":\"grpo\",\"norm_adv_by_std\":true";

    private static readonly GoldenNode s_defaults = GoldenFolder.ReadShipped("verl/vanilla.json")["defaults"];

    [Theory]
    [InlineData("""{"loss_mode":"ppo"}""", "loss_mode must be one of vanilla, bypass_mode, gspo, sapo, gpg, geo_mean, cispo, dppo_tv, dppo_kl, dro, clip_cov, kl_cov; got ppo.")]
    [InlineData("""{"adv_estimator":"gae"}""", "adv_estimator must be grpo or gpg to be expressed; got gae.")]
    [InlineData("""{"loss_agg_mode":"mean"}""", "loss_agg_mode must be token-mean, token-sum, seq-mean-token-sum, seq-mean-token-sum-norm or seq-mean-token-mean; got mean.")]
    [InlineData("""{"clip_ratio_low":"NaN"}""", "clip_ratio_low must be a finite number; got NaN.")]
    [InlineData("""{"clip_ratio_lower":0.2}""", "clip_ratio_lower is the setting 'clip_ratio_lower', which nothing here reads; got 0.2.")]
    [InlineData("""{"torch_manual_seed":0}""", "torch_manual_seed is the setting 'torch_manual_seed', which nothing here reads; got 0.")]
    [InlineData("""{"kl_loss_type":"full"}""", "kl_loss_type must be kl, k1, abs, mse, k2, low_var_kl or k3, with or without +; got full.")]
    [InlineData("""{"loss_mode":"dro","dro_beta":null}""", "dro_beta must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"; got null.")]
    [InlineData("""{"rollout_is":"row"}""", "rollout_is must be token or sequence; got row.")]
    [InlineData("""{"rollout_is":"token","rollout_is_threshold":"2_1"}""", "rollout_is_threshold must be a positive bound, or lower_upper; got 2_1.")]
    [InlineData("""{"rollout_is":"token","rollout_is_threshold":-1}""", "rollout_is_threshold must be a positive bound, or lower_upper; got -1.")]
    [InlineData("""{"loss_mode":"geo_mean","rollout_is":"token"}""", "loss_mode cannot be expressed with rollout_is: it takes the geometric mean of the weights; got geo_mean.")]
    [InlineData("""{"loss_mode":"gspo","rollout_rs":"token_k1","rollout_rs_threshold":2}""", "loss_mode cannot be expressed with rollout_rs unless it is vanilla or bypass_mode; got gspo.")]
    [InlineData("""{"loss_agg_mode":"token-sum","rollout_rs":"token_k1","rollout_rs_threshold":2}""", "loss_agg_mode cannot be expressed with rollout_rs unless it is token-mean; got token-sum.")]
    [InlineData("""{"rollout_rs":"token_k1"}""", "rollout_rs needs a rollout_rs_threshold; got token_k1.")]
    [InlineData("""{"rollout_rs":"seq_max_k1","rollout_rs_threshold":2}""", "rollout_rs must hold token, seq_sum, seq_mean or seq_max of k1, k2 or k3 (no seq_max_k1), not seq_max_k1; got seq_max_k1.")]
    [InlineData("""{"rollout_rs":"token_k4","rollout_rs_threshold":2}""", "rollout_rs must hold token, seq_sum, seq_mean or seq_max of k1, k2 or k3 (no seq_max_k1), not token_k4; got token_k4.")]
    [InlineData("""{"rollout_rs":"token_k2","rollout_rs_threshold":"1_2"}""", "rollout_rs_threshold must hold one upper bound for token_k2; got 1_2.")]
    [InlineData("""{"rollout_rs":"token_k1,token_k2","rollout_rs_threshold":"1,2,3"}""", "rollout_rs_threshold must hold one threshold, or one for each of 2 options; got 1,2,3.")]
    [InlineData("""{"loss_mode":"bypass_mode","rollout_correction":{"loss_type":"ppo"}}""", "rollout_correction.loss_type must be reinforce or ppo_clip; got ppo.")]
    [InlineData("""{"loss_mode":"bypass_mode","rollout_correction":{"rollout_iss":"token"}}""", "rollout_correction.rollout_iss is the setting 'rollout_iss', which nothing here reads; got token.")]
    [InlineData("""{"loss_mode":"bypass_mode","rollout_is":"token","rollout_correction":{}}""", "rollout_is is the setting 'rollout_is', which nothing here reads; got token.")]
    [InlineData("""{"rollout_correction":{}}""", "rollout_correction is the setting 'rollout_correction', which nothing here reads; got {}.")]
    public void What_the_parts_do_not_express_is_refused(string hyper, string sentence)
    {
        var refused = Assert.Throws<InvalidDataException>(() => Verl(hyper));
        Assert.Equal($"Golden file hyper.{sentence}", refused.Message);
    }

    [Theory]
    [InlineData("""{"policy_loss_type":"grpo"}""", "policy_loss_type must be ppo or gspo; got grpo.")]
    [InlineData("""{"vllm_is_correction_type":"mis"}""", "vllm_is_correction_type must be tis, icepop or seq-mask-tis; got mis.")]
    [InlineData("""{"vllm_is_truncated_threshold":[2.0]}""", "vllm_is_truncated_threshold must be two numbers; got [2.0].")]
    [InlineData("""{"policy_loss_type":"gspo","enable_vllm_is_correction":true}""", "policy_loss_type cannot be expressed with enable_vllm_is_correction: its ratio is against the sampler then; got gspo.")]
    [InlineData("""{"clip_eps":0.2}""", "clip_eps is the setting 'clip_eps', which nothing here reads; got 0.2.")]
    public void What_OpenRLHF_asks_for_and_the_parts_do_not_express_is_refused(string hyper, string sentence)
    {
        var refused = Assert.Throws<InvalidDataException>(() => new OrlhfSettings(GoldenNode.Parse("hyper", hyper)).Objective());
        Assert.Equal($"Golden file hyper.{sentence}", refused.Message);
    }

    [Fact]
    public void Libraries_at_their_defaults_give_the_flavours()
    {
        Assert.Equal(VerlFlavours.Vanilla, Verl("{}"));
        Assert.Equal(VerlFlavours.Grpo, Verl("""{"loss_agg_mode":"seq-mean-token-mean"}"""));
        Assert.Equal(VerlFlavours.DrGrpo, Verl("""{"loss_agg_mode":"seq-mean-token-sum-norm","norm_adv_by_std":false}"""));
        Assert.Equal(VerlFlavours.Gspo, Verl("""{"loss_mode":"gspo"}"""));
        Assert.Equal(VerlFlavours.Sapo, Verl("""{"loss_mode":"sapo"}"""));
        Assert.Equal(VerlFlavours.Gpg, Verl("""{"loss_mode":"gpg","adv_estimator":"gpg"}"""));
        Assert.Equal(VerlFlavours.GeoMean, Verl("""{"loss_mode":"geo_mean"}"""));
        Assert.Equal(VerlFlavours.Cispo, Verl("""{"loss_mode":"cispo"}"""));
        Assert.Equal(VerlFlavours.DppoTv, Verl("""{"loss_mode":"dppo_tv"}"""));
        Assert.Equal(VerlFlavours.DppoKl, Verl("""{"loss_mode":"dppo_kl"}"""));
        Assert.Equal(VerlFlavours.Dro, Verl("""{"loss_mode":"dro","dro_beta":0.5}"""));
        Assert.Equal(VerlFlavours.ClipCov, Verl("""{"loss_mode":"clip_cov"}"""));
        Assert.Equal(VerlFlavours.KlCov, Verl("""{"loss_mode":"kl_cov"}"""));
        Assert.Equal(VerlFlavours.Tis, Verl("""{"rollout_is":"token"}"""));
        Assert.Equal(VerlFlavours.SequenceTis, Verl("""{"rollout_is":"sequence"}"""));
        Assert.Equal(VerlFlavours.IcePop, Verl("""{"rollout_is":"token","rollout_is_threshold":"0.5_5.0"}"""));
        Assert.Equal(VerlFlavours.GeoRs, Verl("""{"rollout_rs":"seq_mean_k1","rollout_rs_threshold":"0.999_1.001"}"""));
        Assert.Equal(VerlFlavours.Vanilla, Verl("""{"loss_mode":"bypass_mode","rollout_correction":{"rollout_is":"token"}}"""));
        Assert.Equal(VerlFlavours.BypassReinforce, Verl("""{"loss_mode":"bypass_mode","rollout_correction":{"loss_type":"reinforce","rollout_is":"token"}}"""));
        Assert.Equal(VerlFlavours.BypassReinforceSequence, Verl("""{"loss_mode":"bypass_mode","rollout_correction":{"loss_type":"reinforce","rollout_is":"sequence"}}"""));
        Assert.Equal(OpenRlhfFlavours.Ppo, Orlhf("{}"));
        Assert.Equal(OpenRlhfFlavours.PpoDual, Orlhf("""{"dual_clip":3}"""));
        Assert.Equal(OpenRlhfFlavours.Gspo, Orlhf("""{"policy_loss_type":"gspo"}"""));
        Assert.Equal(OpenRlhfFlavours.Tis, Orlhf("""{"enable_vllm_is_correction":true}"""));
        Assert.Equal(OpenRlhfFlavours.IcePop, Orlhf("""{"enable_vllm_is_correction":true,"vllm_is_correction_type":"icepop"}"""));
        Assert.Equal(OpenRlhfFlavours.SequenceMaskTis, Orlhf("""{"enable_vllm_is_correction":true,"vllm_is_correction_type":"seq-mask-tis"}"""));
    }

    [Fact]
    public void A_KL_term_keeps_the_agreed_average_where_the_loss_forces_its_own()
    {
        var objective = Verl("""{"loss_mode":"gspo","use_kl_loss":true,"entropy_coeff":0.01}""");
        Assert.Equal(VerlFlavours.RowMean, objective.Weight);
        Assert.Equal(2, objective.Regularisers.Length);
        Assert.Equal(
            new KlPenalty(KlEstimator.K3, 0.001) { LogBound = 20, ValueBound = 10, Weight = new BatchTokenMean() }, objective.Regularisers[0]);
        Assert.Equal(new EntropyBonus(0.01) { Weight = new BatchTokenMean() }, objective.Regularisers[1]);
        Assert.Equal(
            VerlFlavours.KlLoss with { Regularisers = [VerlFlavours.KlLoss.Regularisers[0] with { Weight = new BatchTokenMean() }] },
            Verl("""{"use_kl_loss":true}"""));
    }

    [Fact]
    public void One_threshold_serves_all_options_and_a_lone_bound_of_k1_is_symmetric()
    {
        DivergenceMask k1 = new(KlEstimator.K1, Pooling.Token, Math.Log(0.5), Math.Log(2)) { LogBound = 20, CountEpsilon = 1e-8 };
        DivergenceMask k3 = new(KlEstimator.K3, Pooling.RowMax, double.NegativeInfinity, 2) { LogBound = 20, CountEpsilon = 1e-8 };
        Assert.Equal(k1.Times(k3), Rejection("token_k1, seq_max_k3,token_k1", "2"));
        Assert.Equal(k1.Times(k3), Rejection("token_k1,seq_max_k3", "\"0.5_2, 2\""));
    }

    [Fact]
    public void A_whole_loss_of_kept_tokens_is_that_of_a_batch_that_holds_no_others()
    {
        var objective = Verl("""{"rollout_rs":"token_k1,seq_mean_k3","rollout_rs_threshold":"1.1,0.02"}""");
        foreach (int seed in Enumerable.Range(1, 16))
        {
            var batch = Mismatched.Batch(seed);
            double[] mask = new double[batch.Tokens];
            ((MeanNormalised)objective.Correction).Inner.Fill(batch, mask, mask);
            int next = 0;
            var kept = RolloutBatch.Of([.. batch.ToRollouts().Select(group => (IReadOnlyList<Rollout>)[.. group.Select(row => row with
            {
                Mask = [.. (row.Mask ?? [.. row.Logps.Select(_ => true)]).Select(trained => trained && mask[next++] == 1)],
            })])]);
            Assert.Equal(mask.Sum(), kept.Tokens);
            Assert.Equal(VerlFlavours.Vanilla.Evaluate(kept).Value, objective.Evaluate(batch).Value, 1e-12);
        }
    }

    private static TokenWeight Rejection(string options, string threshold) => VerlSettings.Rejection(
        GoldenNode.Parse("options", $"\"{options}\""), GoldenNode.Parse("threshold", threshold), Column.OldLogp, Column.RolloutLogp);

    private static SurrogateObjective Verl(string hyper)
    {
        // The run's own settings stand behind the common ones, so that they go before them.
        var common = GoldenNode.Parse("hyper", $$"""{{{Run}}}""");
        Dictionary<string, string> all = [];
        foreach (var (key, value) in s_defaults.Properties.Concat(common.Properties))
            all[key] = value.Json.GetRawText();
        var defaults = GoldenNode.Parse("defaults", $"{{{string.Join(',', all.Select(p => $"\"{p.Key}\":{p.Value}"))}}}");
        return new VerlSettings(defaults, GoldenNode.Parse("hyper", hyper)).Objective();
    }

    private static SurrogateObjective Orlhf(string hyper) => new OrlhfSettings(GoldenNode.Parse("hyper", hyper)).Objective();
}
