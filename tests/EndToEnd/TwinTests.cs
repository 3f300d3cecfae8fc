using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Trainer;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>Who trains on aR goes the way of a twin on R, over the whole catalogue.</summary>
public class TwinTests
{
    public static TheoryData<string> Objectives => [.. Catalogue.All.Select(entry => entry.Id)];

    public static TheoryData<string> Optimizers => [.. OptimizerCatalogue.All.Select(optimizer => optimizer.Id)];

    // OPMD, GVPO and clip-cov are not of degree 1 in the advantages; RAdam's first steps are of another degree than its later ones.
    private static readonly string[] s_single = ["opmd", "gvpo", "clip-cov", "verl:clip_cov", "openkimi:opmd", "openkimi:ploo", "openkimi:opmd-sum-norm", "radam"];

    [Theory]
    [MemberData(nameof(Objectives))]
    public void A_run_on_scaled_rewards_is_that_of_its_twin_to_the_bit(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        Assert.All([OptimizerCatalogue.Sgd.With(0.1), OptimizerCatalogue.AdamW.With(0.02)], optimizer => MustMeet(id, new(objective, optimizer)));
    }

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Under_every_optimizer(string id) => MustMeet(id, new(Catalogue.Find("dr-grpo")!.Objective, OptimizerCatalogue.TryFind(id)!.With(0.02)));

    private static void MustMeet(string id, Training training)
    {
        Assert.All([1024.0, 1 / 1024.0], scale =>
        {
            var twin = EndToEndScale.Twin(training, scale);
            Assert.Equal(s_single.Contains(id), twin is null);
            if (twin is not null)
                Assert.Equal(Way(training, scale), Way(twin, 1));
        });
    }

    private static double[] Way(Training training, double scale)
    {
        var run = TrainingTests.Run(new SumTask(), "log-linear", training.Objective, training.Optimizer) with { RewardScale = scale, InnerSteps = 3, GroupSize = 4 };
        var state = run.Initial();
        for (int step = 0; step < 4; step++)
            state = run.Step(state).State;
        return state.Theta;
    }
}
