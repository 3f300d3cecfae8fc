using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

public class VerlGoldenTests
{
    private const string ClipFraction = "actor/pg_clipfrac", DualFraction = "actor/pg_clipfrac_lower";

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "verl/vanilla.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/agg_modes.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/gspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/sapo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/gpg.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/geo_mean.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/cispo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/dppo_tv.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/dppo_kl.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/dro.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/clip_cov.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/kl_cov.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/rollout_correction.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "openrlhf/policy_loss.json", MemberType = typeof(GoldenFolder))]
    public void The_composed_objective_gives_the_numbers_that_the_library_recorded_and_no_others(string file, string run)
    {
        var recorded = VerlRun.Of(file, run);
        recorded.Check(recorded.Objective);
        recorded.RejectsNumbersThatAreOff();
        recorded.RejectsNaN();
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "verl/clip_cov.json", MemberType = typeof(GoldenFolder))]
    public void A_dropped_token_lies_within_the_bounds_of_the_covariance_and_there_are_no_more_than_allowed(string file, string run)
    {
        var recorded = VerlRun.Of(file, run);
        var (batch, drop) = (recorded.Batch, (CovarianceDrop)recorded.Objective.Correction);
        double[] logp = batch[Column.Logp].ToArray(), old = batch[Column.OldLogp].ToArray(), advantages = recorded.Advantages;
        double count = batch.Tokens + 1e-8, meanAdvantage = advantages.Sum() / count, meanLogp = logp.Sum() / count;
        bool[] dropped = VerlRun.Dropped(batch, advantages, [.. recorded.Gradients.SelectMany(row => row)], drop.Clip);
        bool[] candidates = [.. Enumerable.Range(0, batch.Tokens).Select(t => ((advantages[t] - meanAdvantage) * (logp[t] - meanLogp)) is var cov
            && cov > drop.Low && cov < drop.High && (advantages[t] == 0 || !drop.Clip.Kills(Math.Exp(logp[t] - old[t]), advantages[t])))];
        Assert.All(Enumerable.Range(0, batch.Tokens).Where(t => dropped[t]), t => Assert.True(candidates[t]));
        Assert.InRange(dropped.Count(is_ => is_), 0, Math.Max(1, (int)(drop.Fraction * batch.Tokens)));

        // As many as are allowed, and the part drops just these.
        double[] weights = new double[batch.Tokens];
        drop.Fill(batch, advantages, weights);
        Assert.Equal(Math.Min(drop.Most(batch.Tokens), candidates.Count(is_ => is_)), weights.Count(mu => mu == 0));
        Assert.All(Enumerable.Range(0, batch.Tokens).Where(t => advantages[t] != 0), t => Assert.Equal(dropped[t] ? 0 : 1, weights[t]));
    }

    [Fact]
    public void Many_tokens_were_dropped_in_the_recorded_runs()
    {
        int dropped = 0;
        foreach (var node in GoldenFolder.ReadShipped("verl/clip_cov.json")["runs"].Items.Index())
        {
            var recorded = VerlRun.Of("verl/clip_cov.json", $"{node.Index:000}");
            dropped += VerlRun.Dropped(
                recorded.Batch, recorded.Advantages, [.. recorded.Gradients.SelectMany(row => row)], ((CovarianceDrop)recorded.Objective.Correction).Clip).Count(is_ => is_);
        }

        Assert.InRange(dropped, 10, 100);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "verl/kl_cov.json", MemberType = typeof(GoldenFolder))]
    public void Without_ties_random_numbers_do_not_touch_the_choice_of_the_largest_covariances(string file, string run)
    {
        var recorded = VerlRun.Of(file, run);
        (recorded with { Batch = recorded.Batch.With(Column.Random, new double[recorded.Batch.Tokens]) }).Check(recorded.Objective);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "verl/vanilla.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/agg_modes.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/gspo.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/dppo_tv.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/dppo_kl.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/clip_cov.json", MemberType = typeof(GoldenFolder))]
    public void The_clipped_fractions_are_those_of_the_parts_regions(string file, string run)
    {
        var recorded = VerlRun.Of(file, run);
        var metrics = GoldenFolder.Run(file, run)["metrics"];
        double tokens = recorded.Batch.Tokens + 1e-8;
        if (recorded.Objective.Correction is TrustRegion or CovarianceDrop)
        {
            double[] weights = new double[recorded.Batch.Tokens];
            recorded.Objective.Correction.Fill(recorded.Batch, recorded.Advantages, weights);
            Assert.Equal(metrics[ClipFraction].Number, weights.Count(mu => mu == 0) / tokens, 1e-12);
            return;
        }

        var region = recorded.Objective.Kernel.Region!;
        var undual = region with { Dual = double.PositiveInfinity };
        double[] ratios = [.. Ratios(recorded)];
        int clipped = 0, dual = 0;
        for (int t = 0; t < ratios.Length; t++)
        {
            if (recorded.Advantages[t] == 0)
                continue;
            clipped += undual.Kills(ratios[t], recorded.Advantages[t]) ? 1 : 0;
            dual += region.Kills(ratios[t], recorded.Advantages[t]) && !undual.Kills(ratios[t], recorded.Advantages[t]) ? 1 : 0;
        }

        Assert.Equal(metrics[ClipFraction].Number, clipped / tokens, 1e-12);
        Assert.Equal(metrics[DualFraction].Number, dual / tokens, 1e-12);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "verl/rejection_masks.json", MemberType = typeof(GoldenFolder))]
    public void The_rejected_tokens_are_those_that_verl_rejects(string file, string run)
    {
        var node = GoldenFolder.Run(file, run);
        var batch = RecordedRun.BatchOf(GoldenFolder.Read("cases.json"), node["case"]);
        var settings = new GoldenSettings(node["hyper"]);
        var mask = VerlSettings.Rejection(settings.Take("rollout_rs"), settings.TakeOrNull("rollout_rs_threshold"), Column.OldLogp, Column.RolloutLogp);
        settings.End();
        double[] weights = new double[batch.Tokens];
        mask.Fill(batch, new double[batch.Tokens], weights);
        Assert.Equal(RecordedRun.PerToken(batch, node["mask"]), weights);
    }

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "verl/kl_estimators.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "openrlhf/kl.json", MemberType = typeof(GoldenFolder))]
    public void A_KL_estimator_has_the_recorded_values_and_gradients_at_every_token(string file, string run)
    {
        var node = GoldenFolder.Run(file, run);
        bool verl = file.StartsWith("verl/", StringComparison.Ordinal);
        var settings = new GoldenSettings(node["hyper"]);
        var penalty = verl ? VerlSettings.Kl(settings.Take("kl_penalty"), -1) : OrlhfSettings.Kl(settings.Take("kl_estimator"), -1);
        settings.End();
        var batch = node["case"].Text == "grid"
            ? RolloutBatch.Of([[new() { Reward = 0, Logps = node["logp"].Numbers, OldLogps = node["logp"].Numbers, RefLogps = node["ref"].Numbers }]])
            : RecordedRun.BatchOf(GoldenFolder.Read("cases.json"), node["case"]);

        // OpenRLHF computes in float32: differences of log-probs are off by its spacing at their size.
        double relative = verl ? 1e-12 : 1e-5;
        double[] values = [.. Enumerable.Range(0, batch.Tokens).Select(t => Penalise(penalty, batch, Unit(batch.Tokens, t)).Value)];
        var (mean, slopes) = Penalise(penalty, batch, [.. Enumerable.Repeat(1.0, batch.Tokens)]);
        GoldenAssert.Close("value", node["value"].Flat, values, relative);
        GoldenAssert.Close("dvalue_dlogp", node["dvalue_dlogp"].Flat, slopes, relative);
        if (node.Find("token_mean") is { } tokenMean)
            GoldenAssert.Close("token_mean", [tokenMean.Number], [mean / batch.Tokens], 0, relative * values.Max(Math.Abs));
    }

    private static IEnumerable<double> Ratios(RecordedRun recorded)
    {
        var batch = recorded.Batch;
        bool rows = recorded.Objective.Kernel.Ratio == RatioLevel.SequenceMean;
        for (int i = 0; i < batch.Rows; i++)
        {
            double[] logRatios = [.. batch[Column.Logp][batch.Row(i)].ToArray().Zip(batch[Column.OldLogp][batch.Row(i)].ToArray(), (a, b) => a - b)];
            foreach (double logRatio in logRatios)
                yield return Math.Exp(rows ? logRatios.Sum() / logRatios.Length : Math.Clamp(logRatio, -20, 20));
        }
    }

    private static double[] Unit(int n, int t)
    {
        double[] unit = new double[n];
        unit[t] = 1;
        return unit;
    }

    private static (double Value, double[] Slopes) Penalise(KlPenalty penalty, RolloutBatch batch, double[] weights)
    {
        double[] slopes = new double[batch.Tokens];
        return (penalty.Add(batch, batch[Column.Logp], weights, slopes, new double[batch.Tokens]), slopes);
    }
}
