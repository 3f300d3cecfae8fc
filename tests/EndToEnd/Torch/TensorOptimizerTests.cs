using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Torch;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>
/// Our optimizers against torch.optim's over 50 steps on random gradients of magnitudes 10⁻² to 10². The way from θ₀ agrees to 10⁻¹² of itself,
/// save what adding each update to θ rounds: half an ulp of θ a step, on both sides.
/// </summary>
public class TensorOptimizerTests
{
    private const int Steps = 50, Dimension = 6;

    private const double Tolerance = 1e-12, UnitRoundoff = 1.0 / (1L << 53);

    [Theory]
    [InlineData("sgd")]
    [InlineData("momentum")]
    [InlineData("nesterov")]
    [InlineData("adam")]
    [InlineData("adam-l2")]
    [InlineData("adamw")]
    [InlineData("amsgrad")]
    [InlineData("rmsprop")]
    [InlineData("rmsprop-centered")]
    [InlineData("rmsprop-momentum")]
    [InlineData("adagrad")]
    [InlineData("adamax")]
    [InlineData("adadelta")]
    [InlineData("clip+sgd")]
    [InlineData("clip+adamw")]
    [InlineData("trl:adamw")]
    [InlineData("verl:adamw")]
    [InlineData("openrlhf:adam")]
    [InlineData("prime-rl:adamw")]
    [InlineData("slime:adam")]
    [InlineData("gtpo:adamw")]
    [InlineData("swift:adamw")]
    public void Torch_takes_the_steps_of_an_entry(string id) => MustAgree(OptimizerCatalogue.TryFind(id)!);

    [SkippableFact]
    public void Torch_takes_the_steps_of_nadam()
    {
        Skip.IfNot(TensorOptimizers.NAdamKeepsItsProduct, "This TorchSharp's NAdam leaves the product of its momenta at 0.");
        MustAgree(OptimizerCatalogue.NAdam);
    }

    [SkippableFact]
    public void An_nadam_that_leaves_its_product_at_0_corrects_no_momentum()
    {
        Skip.If(TensorOptimizers.NAdamKeepsItsProduct, "This TorchSharp's NAdam keeps the product of its momenta.");
        var rule = OptimizerCatalogue.NAdam.Link<ScaleByNAdam>()!;
        double rate = OptimizerCatalogue.NAdam.LearningRate;
        double[][] history = History(), way = Torchs(parameters => torch.optim.NAdam(parameters, lr: rate), _ => { }, Start(), history);
        double[] mean = new double[Dimension], square = new double[Dimension];
        for (int t = 1; t <= Steps; t++)
        {
            for (int j = 0; j < Dimension; j++)
            {
                double g = history[t - 1][j];
                (mean[j], square[j]) = ((rule.Beta1 * mean[j]) + ((1 - rule.Beta1) * g), (rule.Beta2 * square[j]) + ((1 - rule.Beta2) * g * g));
                double root = Math.Sqrt(square[j] / (1 - Math.Pow(rule.Beta2, t))) + rule.Epsilon;
                double update = (((1 - rule.Mu(t)) * g) + (rule.Mu(t + 1) * mean[j])) / root;
                Assert.Equal(-rate * update, way[t][j] - way[t - 1][j], 1e-15);
            }
        }
    }

    [Fact]
    public void Torch_takes_the_steps_of_radam_at_a_rate_of_1() =>
        MustAgree(OptimizerCatalogue.RAdam with { Chain = [OptimizerCatalogue.RAdam.Chain[0], new ScaleByLearningRate(1)] });

    // ρ_t passes 5 at step 6; t6·η·rect/√v in TorchSharp's source, where t6 is m̂·η already.
    [Fact]
    public void The_rectified_steps_of_TorchSharps_radam_are_multiplied_by_the_rate_twice()
    {
        double rate = OptimizerCatalogue.RAdam.LearningRate;
        double[][] history = History();
        double[] first = Start();
        double[][] ours = Ours(OptimizerCatalogue.RAdam, first, history);
        double[][] torchs = Torchs(parameters => torch.optim.RAdam(parameters, lr: rate), _ => { }, first, history);
        for (int t = 1; t <= Steps; t++)
        {
            double factor = t <= 5 ? 1 : rate;
            for (int j = 0; j < Dimension; j++)
                Assert.Equal(factor * (ours[t][j] - ours[t - 1][j]), torchs[t][j] - torchs[t - 1][j], 1e-15);
        }
    }

    [Theory]
    [InlineData("lion")]
    [InlineData("adam-eps-root")]
    [InlineData("muon")]
    [InlineData("radam")]
    public void What_torch_has_not_or_not_alike_is_refused_by_its_id(string id)
    {
        string refusal = Assert.Throws<InvalidInputException>(() => TensorOptimizers.Of(OptimizerCatalogue.TryFind(id)!, [])).Message;
        Assert.Equal($"The optimizer {id} has no form in torch.optim.", refusal);
    }

    [Theory]
    [InlineData("adam", "adamw")]
    [InlineData("adam-l2", "adamw")]
    [InlineData("adam", "amsgrad")]
    [InlineData("momentum", "nesterov")]
    [InlineData("rmsprop", "rmsprop-centered")]
    [InlineData("clip+adamw", "adamw")]
    [InlineData("trl:adamw", "openrlhf:adam")]
    public void A_wrong_optimizer_is_told_from_the_right_one(string right, string wrong) =>
        Assert.InRange(Worst(OptimizerCatalogue.TryFind(right)!, OptimizerCatalogue.TryFind(wrong)!), 1e3 * Tolerance, double.PositiveInfinity);

    private static void MustAgree(Optimizer optimizer) => Assert.InRange(Worst(optimizer, optimizer), 0, Tolerance);

    // The largest error of a coordinate's way from θ₀, beyond the rounding of θ, relative to that way.
    private static double Worst(Optimizer ours, Optimizer theirs)
    {
        double[][] history = History();
        double[] first = Start();
        double[][] mine = Ours(ours, first, history);
        double[][] torchs = Torchs(own => TensorOptimizers.Of(theirs, own), own => TensorOptimizers.Clip(theirs, own), first, history);
        double worst = 0;
        for (int t = 1; t <= Steps; t++)
        {
            for (int j = 0; j < Dimension; j++)
            {
                double rounding = t * UnitRoundoff * (Math.Abs(first[j]) + Math.Abs(mine[t][j]));
                worst = Math.Max(worst, (Math.Abs(mine[t][j] - torchs[t][j]) - rounding) / Math.Abs(mine[t][j] - first[j]));
            }
        }

        return worst;
    }

    private static double[][] Ours(Optimizer optimizer, double[] theta, double[][] history)
    {
        double[][] way = [theta, .. new double[history.Length][]];
        var state = optimizer.Initial(theta.Length);
        for (int t = 0; t < history.Length; t++)
            (state, way[t + 1], _) = optimizer.Step(state, way[t], history[t]);
        return way;
    }

    // The gradient of θ·g is g, exactly.
    private static double[][] Torchs(
        Func<IReadOnlyList<Parameter>, torch.optim.Optimizer> optimizer, Action<IReadOnlyList<Parameter>> clip, double[] theta, double[][] history)
    {
        using var scope = torch.NewDisposeScope();
        Parameter[] parameters = [new(torch.tensor(theta))];
        using var own = optimizer(parameters);
        double[][] way = [theta, .. new double[history.Length][]];
        for (int t = 0; t < history.Length; t++)
        {
            own.zero_grad();
            (parameters[0] * torch.tensor(history[t])).sum().backward();
            clip(parameters);
            own.step();
            way[t + 1] = [.. parameters[0].detach().data<double>()];
        }

        return way;
    }

    private static double[] Start() => [.. Enumerable.Range(0, Dimension).Select(j => 0.5 - (0.3 * j))];

    private static double[][] History()
    {
        Random random = new(20260107);
        return
        [
            .. Enumerable.Range(0, Steps).Select(_ => Enumerable.Range(0, Dimension)
                .Select(_ => ((2 * random.NextDouble()) - 1) * Math.Pow(10, random.Next(-2, 3))).ToArray()),
        ];
    }
}
