using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>What four libraries recorded of their advantages, their settings read as compositions of parts.</summary>
internal static class RecordedAdvantageReaders
{
    /// <summary>Every file of recorded advantages, with the number of runs that ships.</summary>
    public static IReadOnlyDictionary<string, int> Files { get; } = new Dictionary<string, int>
    {
        ["trl/advantages.json"] = 36,
        ["verl/advantages_1.json"] = 80,
        ["verl/advantages_2.json"] = 80,
        ["openrlhf/advantages.json"] = 60,
        ["forks/ms_swift_advantages.json"] = 70,
        ["forks/opmd_kimi.json"] = 40,
    };

    /// <summary>A run of a file.</summary>
    public static RecordedAdvantages Read(string file, GoldenNode run) => file.Split('/') switch
    {
        ["trl", ..] => TrlAdvantages.Of(run),
        ["verl", ..] => VerlAdvantages.Of(run),
        ["openrlhf", ..] => OrlhfAdvantages.Of(run),
        [_, "ms_swift_advantages.json"] => SwiftAdvantages.Of(run),
        [_, "opmd_kimi.json"] => OpenKimiAdvantages.Of(run),
        _ => throw new InvalidDataException($"Golden file {file} has no reader of its advantages."),
    };

    /// <summary>The first shipped run of a case that has these settings, as in "gamma=0.9".</summary>
    public static RecordedAdvantages Shipped(string file, string name, params string[] settings)
    {
        var found = GoldenFolder.ReadShipped(file)["runs"].Items.First(run => run["case"].Text == name && settings.All(setting => Has(run, setting)));
        return Read(file, found);
    }

    private static bool Has(GoldenNode run, string setting) => run.Properties
        .Concat(run.Find("hyper")?.Properties ?? [])
        .Any(property => $"{property.Key}={property.Value.Raw}" == setting);
}

/// <summary>GRPOTrainer's advantage block.</summary>
internal static class TrlAdvantages
{
    public static RecordedAdvantages Of(GoldenNode node)
    {
        var run = new GoldenSettings(node);
        _ = run.Take("case").Text;
        var (scale, aggregation) = (run.Take("scale_rewards"), run.Take("multi_objective_aggregation"));
        double[] weights = run.Take("reward_weights").Numbers;
        var batch = BatchOf(run.Take("rewards"), (int)run.Number("G"));
        var (shaping, advantage) = Parts(scale, aggregation, weights);
        double[] advantages = run.Take("advantages").Numbers, stds = run.Take("std").Numbers;
        run.End();
        var pool = aggregation.Text == "normalize_then_sum" || scale.Text == "batch" ? Pool.Batch : Pool.Group;
        return new()
        {
            Batch = batch,
            Rewards = shaping,
            Advantage = advantage,
            Expected = advantages,
            OneARow = true,
            Others = [new("std", stds, moved => Stds(moved, shaping, pool))],
        };
    }

    /// <summary>Settings as parts.</summary>
    public static (RewardShaping Rewards, RowAdvantage Advantage) Parts(GoldenNode scale, GoldenNode aggregation, double[] weights)
    {
        // Where one completion of a group has the reward alone, its standard deviation is NaN, and so is left out of the sum: 0.
        var score = new StandardScore { Epsilon = TrlFlavours.StdEpsilon, Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero };
        return (aggregation.Text, scale.Text) switch
        {
            ("sum_then_normalize", "group") => (Sum(), score),
            ("sum_then_normalize", "batch") => (Sum(), new BatchScaledBaseline(TrlFlavours.StdEpsilon)),
            ("sum_then_normalize", "none") => (Sum(), new MeanBaseline { Equal = EqualRewards.AreComputed }),
            ("sum_then_normalize", _) => throw scale.Bad("must be group, batch or none"),

            // scale_rewards is not read here.
            ("normalize_then_sum", _) => (
                new ScoredRewards(score, [.. weights]) { Missing = MissingReward.Skipped },
                new BatchNormalised(new NoBaseline(), TrlFlavours.StdEpsilon)),
            _ => throw aggregation.Bad("must be sum_then_normalize or normalize_then_sum"),
        };

        RewardShaping Sum() => new WeightedRewards([.. weights]) { Missing = MissingReward.Skipped };
    }

    private static RolloutBatch BatchOf(GoldenNode rewards, int size) => RolloutBatch.Of(
    [
        .. rewards.Rows.Select(row => new Rollout
        {
            Rewards = [.. row.Select(reward => double.IsNaN(reward) ? (double?)null : reward)],
            Logps = [-1],
            OldLogps = [-1],
        }).Chunk(size),
    ]);

    private static double[] Stds(RolloutBatch batch, RewardShaping shaping, Pool pool)
    {
        double[] rewards = new double[batch.Rows];
        shaping.Fill(batch, rewards);
        return
        [
            .. Enumerable.Range(0, batch.Rows).Select(i =>
                RewardMoments.Of(batch, pool == Pool.Batch ? .. : batch.Group(batch.GroupOf(i)), rewards, Counted.AllRows).Std(1)),
        ];
    }
}

/// <summary>verl's adv_estimator.</summary>
internal static class VerlAdvantages
{
    public static RecordedAdvantages Of(GoldenNode node)
    {
        var run = new GoldenSettings(node);
        var estimator = run.Take("adv_estimator");
        var hyper = new GoldenSettings(run.Take("hyper"));
        var batch = RecordedAdvantages.BatchOf(run);
        if (run.TakeOrNull("values") is { } values)
            batch = batch.With(Column.Value, values.Flat);
        if (run.TakeOrNull("sum_pi_squared") is { } collisions)
            batch = batch.With(Column.SumPiSquared, collisions.Flat);
        if (run.TakeOrNull("reward_baselines") is { } greedy)
            batch = WithGreedy(batch, greedy.Numbers);
        double[] advantages = RecordedRun.PerToken(batch, run.Take("advantages"));
        var returns = run.TakeOrNull("returns");
        var parts = Parts(estimator, hyper);
        run.End();
        return new()
        {
            Batch = batch,
            Rewards = parts.Rewards,
            Advantage = parts.Advantage,
            Expected = advantages,
            InSingle = estimator.Text is "grpo_vectorized" or "gdpo",
            Others = returns is { } recorded ? [new("returns", RecordedRun.PerToken(batch, recorded), moved => ReturnsOf(moved, parts))] : [],
        };
    }

    /// <summary>An estimator's parts; its returns are those of an advantage, plus the critic's values where it has one.</summary>
    public static (RewardShaping Rewards, Advantage Advantage, Advantage Returns) Parts(GoldenNode estimator, GoldenSettings hyper)
    {
        var centred = new MeanBaseline { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };
        var left = new LeaveOneOut { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };
        var score = new StandardScore { Epsilon = 1e-6, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };
        var rewards = RewardShaping.None;
        Advantage returns = new Returns(), advantage;
        switch (estimator.Text)
        {
            case "grpo" or "grpo_vectorized":
                double epsilon = hyper.Number("epsilon");
                advantage = hyper.Take("norm_adv_by_std").Flag ? score with { Epsilon = epsilon } : centred;
                break;
            case "gdpo":
                (rewards, advantage) = (new ScoredRewards(score, []), Whitened(new NoBaseline()));
                break;
            case "grpo_passk":
                advantage = new BestOfGroup { Scaled = true, Epsilon = 1e-6, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsRefused };
                break;
            case "rloo":
                advantage = left;
                break;
            case "rloo_vectorized":
                advantage = left with { Lone = LoneReward.GivesZero };
                break;
            case "opo":
                advantage = new LengthWeightedBaseline { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };
                break;
            case "gpg":
                advantage = new NonzeroScaled(centred);
                break;
            case "remax":
                advantage = new GreedyBaseline();
                break;
            case "reinforce_plus_plus":
                returns = new Returns { Discount = hyper.Number("gamma"), CutAtGaps = true };
                advantage = Whitened(returns);
                break;
            case "reinforce_plus_plus_baseline":
                advantage = Whitened(centred);
                break;
            case "optimal_token_baseline":
                advantage = new OptimalTokenBaseline { Epsilon = hyper.Number("epsilon"), ZeroTail = hyper.Take("handle_zero_tail").Flag };
                break;
            case "gae":
                returns = new GeneralisedAdvantage(hyper.Number("gamma"), hyper.Number("lam"));
                advantage = Whitened(returns);
                break;
            default:
                throw estimator.Bad("names no estimator that the parts express");
        }

        hyper.End();
        return (rewards, advantage, returns);
    }

    private static TokenWhitened Whitened(Advantage inner) => new(inner) { Epsilon = 1e-8, Padding = 1e-8 };

    private static RolloutBatch WithGreedy(RolloutBatch batch, double[] greedy)
    {
        int next = 0;
        return RolloutBatch.Of([.. batch.ToRollouts().Select(group => group.Select(row => row with { GreedyReward = greedy[next++] }).ToArray())]);
    }

    private static double[] ReturnsOf(RolloutBatch batch, (RewardShaping Rewards, Advantage Advantage, Advantage Returns) parts)
    {
        double[] rewards = new double[batch.Rows], tokens = new double[batch.Tokens];
        parts.Rewards.Fill(batch, rewards);
        parts.Returns.Fill(batch, rewards, tokens);
        if (parts.Returns is GeneralisedAdvantage)
        {
            for (int t = 0; t < tokens.Length; t++)
                tokens[t] += batch[Column.Value][t];
        }

        return tokens;
    }
}

/// <summary>OpenRLHF's advantage_estimator, with its KL in the reward and its reward clip, which meets the rewards last.</summary>
internal static class OrlhfAdvantages
{
    public static RecordedAdvantages Of(GoldenNode node)
    {
        var run = new GoldenSettings(node);
        var hyper = new GoldenSettings(run.Take("hyper"));
        var batch = RecordedAdvantages.BatchOf(run);
        var estimator = hyper.Take("estimator");
        double[] advantages = RecordedRun.PerToken(batch, run.Take("advantages"));
        run.End();
        return new()
        {
            Batch = batch,
            Advantage = Parts(estimator, hyper),
            Expected = advantages,
            InSingle = estimator.Text is "reinforce" or "reinforce_baseline",
        };
    }

    /// <summary>Settings as parts.</summary>
    public static Advantage Parts(GoldenNode estimator, GoldenSettings hyper)
    {
        bool scaled = !hyper.Take("no_std_norm").Flag;
        double discount = hyper.Number("gamma"), beta = hyper.Number("kl_coef");
        var range = hyper.Take("reward_clip_range");
        hyper.End();
        RowAdvantage outcome = estimator.Text switch
        {
            "rloo" => new LeaveOneOut { Equal = EqualRewards.AreComputed, Lone = LoneReward.IsRefused },
            "reinforce_baseline" or "dr_grpo" => new MeanBaseline { Equal = EqualRewards.AreComputed },
            "group_norm" => new StandardScore { Epsilon = 1e-9, Equal = EqualRewards.AreComputed },
            "reinforce" => new NoBaseline(),
            _ => throw estimator.Bad("must be rloo, reinforce_baseline, dr_grpo, group_norm or reinforce"),
        };
        outcome = range.Numbers is [double low, double high] ? new ClippedAdvantage(outcome, low, high) : throw range.Bad("must be two numbers");

        // Behind a baseline gamma is set to 1.
        var returns = new Returns
        {
            Rewards = new() { Outcome = outcome, Beta = beta, LargestKl = 10 },
            Discount = estimator.Text == "reinforce" ? discount : 1,
        };
        return estimator.Text is "reinforce" or "reinforce_baseline" ? new TokenWhitened(returns) { Ddof = 0, Floor = 1e-8, Scaled = scaled } : returns;
    }
}

/// <summary>ms-swift's advantage_estimator and scale_rewards.</summary>
internal static class SwiftAdvantages
{
    private const double Epsilon = 1e-4, GdpoEpsilon = 1e-8;

    public static RecordedAdvantages Of(GoldenNode node)
    {
        var run = new GoldenSettings(node);
        var hyper = new GoldenSettings(run.Take("hyper"));
        var batch = RecordedAdvantages.BatchOf(run);
        var (rewards, advantage) = Parts(hyper.Take("advantage_estimator"), hyper.Take("scale_rewards"));
        hyper.End();
        double[] advantages = run.Take("advantages").Numbers;
        run.End();
        return new() { Batch = batch, Rewards = rewards, Advantage = advantage, Expected = advantages, OneARow = true };
    }

    /// <summary>Settings as parts.</summary>
    public static (RewardShaping Rewards, RowAdvantage Advantage) Parts(GoldenNode estimator, GoldenNode scale)
    {
        var centred = new MeanBaseline { Equal = EqualRewards.AreComputed };
        var score = new StandardScore { Epsilon = Epsilon, Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero };
        var left = new LeaveOneOut { Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero };
        return (estimator.Text, scale.Text) switch
        {
            ("grpo" or "rloo", "gdpo") => (
                new ScoredRewards(score with { Epsilon = GdpoEpsilon }, []), new BatchNormalised(new NoBaseline(), GdpoEpsilon)),
            ("grpo" or "reinforce_plus_plus", "group") => (RewardShaping.None, score),
            ("grpo", "batch") => (RewardShaping.None, new BatchScaledBaseline(Epsilon)),
            ("rloo", "none") => (RewardShaping.None, left),
            ("rloo", "group") => (RewardShaping.None, new ScaledByRewards(left, Pool.Group, Epsilon)),
            ("rloo", "batch") => (RewardShaping.None, new ScaledByRewards(left, Pool.Batch, Epsilon)),

            // The mean over the batch of advantages that are centred in each group is 0.
            ("reinforce_plus_plus", "batch") => (RewardShaping.None, new BatchNormalised(centred, Epsilon)),
            ("grpo" or "reinforce_plus_plus", "none") => (RewardShaping.None, centred),

            // Of the estimators, reinforce_plus_plus alone has no branch for it.
            ("reinforce_plus_plus", "gdpo") => (RewardShaping.None, centred),
            ("grpo" or "rloo" or "reinforce_plus_plus", _) => throw scale.Bad("must be group, batch, none or gdpo"),
            _ => throw estimator.Bad("must be grpo, rloo or reinforce_plus_plus"),
        };
    }
}

/// <summary>OpenKimi's two advantages: the mean reward as the baseline, and the leave-one-out partition function.</summary>
internal static class OpenKimiAdvantages
{
    // What the loss and its gradient are is another matter.
    private static readonly string[] s_ofTheLoss = ["loss", "grad_logps", "metrics"];

    public static RecordedAdvantages Of(GoldenNode node)
    {
        var run = new GoldenSettings(node);
        var hyper = new GoldenSettings(run.Take("hyper"));
        var batch = RecordedAdvantages.BatchOf(run);
        double tau = hyper.Number("pmd_tau");
        _ = hyper.Take("loss_agg_mode").Text;
        hyper.End();
        foreach (string key in s_ofTheLoss)
            _ = run.Take(key);
        double[] ploo = run.Take("ploo_advantages").Numbers, centred = run.Take("advantages").Numbers;
        run.End();
        return new()
        {
            Batch = batch,
            Advantage = Ploo(tau),
            Expected = ploo,
            OneARow = true,
            Others = [new("mean-reward advantages", centred, Centred)],
        };
    }

    /// <summary>ploo.</summary>
    public static PartitionBaseline Ploo(double tau) => new(tau) { Floor = 1e-8, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept };

    private static double[] Centred(RolloutBatch batch)
    {
        double[] rewards = new double[batch.Rows], advantages = new double[batch.Rows];
        RewardShaping.None.Fill(batch, rewards);
        new MeanBaseline { Equal = EqualRewards.AreComputed }.FillRows(batch, rewards, advantages);
        return advantages;
    }
}
