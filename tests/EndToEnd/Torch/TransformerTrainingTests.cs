using System.Collections.Immutable;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;
using GroupRL.Properties.Cli;
using GroupRL.Torch;
using GroupRL.Trainer;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>The findings on a transformer, in small; <c>grouprl confirm --policy transformer</c> runs them in full.</summary>
public sealed class TransformerTrainingTests
{
    private static readonly string[] s_prefix = ["grpo", "dr-grpo"];

    [SkippableTheory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    public void A_shared_first_token_is_moved_by_length_weights_and_by_no_others(string dtype)
    {
        var confirmation = new PrefixConfirmation(Policy(dtype)) { Seeds = 12, Steps = 20, RateScale = 0.05 };
        var rows = confirmation.Settings.Where(setting => setting.Optimizer.Id == "sgd" && setting.LengthBonus != 0 && s_prefix.Contains(setting.Objective)).Select(confirmation.Run);

        Agrees(PrefixConfirmation.Judge([.. rows], tabular: false));
    }

    [SkippableTheory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    public void Scaled_rewards_take_it_the_way_that_the_theory_says(string dtype)
    {
        var confirmation = new ScaleConfirmation(Policy(dtype)) { Steps = 5, RateScale = 0.05 };
        var rows = confirmation.Settings.Where(setting => setting.Optimizer.Id is "sgd" or "adamw").Select(confirmation.Run);

        Agrees(ScaleConfirmation.Judge([.. rows], [], Devices.UnitRoundoff(dtype)));
    }

    [SkippableTheory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    public void A_batch_of_equal_rewards_moves_it_by_the_tail_alone(string dtype)
    {
        var confirmation = new OvershootConfirmation(Policy(dtype)) { Batches = 2, Further = 20, RateScale = 0.005 };

        Agrees(OvershootConfirmation.Judge([], [.. OvershootConfirmation.Optimizers.Where(optimizer => !optimizer.Id.EndsWith("reset", StringComparison.Ordinal)).Select(confirmation.OnEqualRewards)]));
    }

    [Fact]
    public void It_learns_a_task()
    {
        var task = new SumTask();
        var run = new TrainingRun(task, Policy("float32")(task), Catalogue.DrGrpo, OptimizerCatalogue.Adam.With(0.003));
        TrainingTests.MustLearn(run, steps: 80, atLeast: 0.1);
    }

    [Fact]
    public void A_matrix_optimizer_has_no_row_where_parameters_are_many_tensors() =>
        Assert.DoesNotContain(new ScaleConfirmation(Policy("float32")).Settings, setting => setting.Optimizer.Id == "muon");

    [Fact]
    public void Runs_are_stored_and_taken_up_and_wrong_devices_refused()
    {
        using var grouprl = new Grouprl();
        string[] train = ["train", "--objective", "grpo", "--optimizer", "adamw", "--policy", "transformer", "--device", "cpu", "--group-size", "4"];
        string once = grouprl.Path_("once"), twice = grouprl.Path_("twice");

        Assert.Equal(0, grouprl.Run([.. train, "--steps", "4", "--out", once]).Exit);
        Assert.Equal(0, grouprl.Run([.. train, "--steps", "2", "--out", twice]).Exit);
        Assert.Equal(0, grouprl.Run([.. train, "--steps", "4", "--out", twice]).Exit);
        Assert.Equal(File.ReadAllText(Path.Combine(once, "checkpoint")), File.ReadAllText(Path.Combine(twice, "checkpoint")));
        grouprl.Refuses(["confirm", "scale", "--policy", "transformer", "--device", "tpu"], "A device must be cuda or cpu; got tpu");
        grouprl.Refuses(["confirm", "scale", "--policy", "transformer", "--dtype", "float8"], "A dtype must be float64, float32 or bfloat16; got float8");
        grouprl.Refuses(["confirm", "scale", "--device", "cpu"], "--device is for the policy transformer");
    }

    private static Func<VerifiableTask, IPolicy> Policy(string dtype)
    {
        Skip.If(dtype == "bfloat16" && !Devices.HasBfloat16(null), "This device has no bfloat16; one that has runs this test.");
        return task => TaskPolicies.For(task, new TransformerPolicy(new() { Vocabulary = task.Vocabulary, Prompts = task.Prompts, Limit = task.Limit, Dtype = dtype }));
    }

    private static void Agrees<TRow>(Confirmation<TRow> confirmation)
    {
        ImmutableArray<Finding> wrong = [.. confirmation.Findings.Where(finding => !finding.Agrees)];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
        Assert.NotEmpty(confirmation.Findings);
    }
}
