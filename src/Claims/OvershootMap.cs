using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;

namespace GroupRL.Claims;

/// <summary>Hyperparameters of inner steps on one batch.</summary>
/// <param name="Beta1">β₁.</param>
/// <param name="Beta2">β₂.</param>
/// <param name="LearningRate">η, in logits a step of size 1.</param>
/// <param name="InnerSteps">N, the optimizer steps on one batch.</param>
/// <param name="Clip">ε of the clip region [1 − ε, 1 + ε].</param>
public sealed record OvershootSetting(double Beta1, double Beta2, double LearningRate, int InnerSteps, double Clip);

/// <summary>What became of the token, beside the bound.</summary>
/// <param name="Setting">The hyperparameters.</param>
/// <param name="LargestRatio">The largest r that was reached.</param>
/// <param name="StepsBeyond">The steps that began beyond the clip region, that is without a gradient.</param>
/// <param name="Bound">(1+ε)·exp(2η·max_T(1+tail_{N−T}(T))·U(T)), from the hyperparameters alone.</param>
public sealed record OvershootPoint(OvershootSetting Setting, double LargestRatio, int StepsBeyond, double Bound)
{
    /// <summary>The share of inner steps that began beyond the region.</summary>
    public double ShareBeyond => (double)StepsBeyond / Setting.InnerSteps;
}

/// <summary>
/// How far past the clip an optimizer carries a token: a tabular softmax node of two tokens, of which the sampled one has a positive
/// advantage, under Adam from a fresh state and the clipped token ratio. arXiv:2601.05002, appendix D.
/// </summary>
public static class OvershootMap
{
    // A rare token: log π moves by (1 − π) of what its logit gains on the other, so the bound's factor 2 is nearly had.
    private static readonly double s_logp = Math.Log(0.01);

    /// <summary>Runs the inner steps of one setting, from the ratio 1.</summary>
    public static OvershootPoint Run(OvershootSetting setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        var bounds = new AdamBounds(setting.Beta1, setting.Beta2);
        double bound = bounds.LargestRatio(setting.LearningRate, setting.InnerSteps, setting.Clip);
        var clip = Clip.Range(setting.Clip, setting.Clip);
        var objective = new SurrogateObjective(new NoBaseline(), new TokenRatio(clip), new RowMean());
        var adam = new Optimizer("adam", [new ScaleByAdam(setting.Beta1, setting.Beta2), new ScaleByLearningRate(setting.LearningRate)]);
        var batch = RolloutBatch.Of([[new Rollout { Reward = 1, Logps = [s_logp], OldLogps = [s_logp], Tokens = [0] }]]);
        var policy = PrefixTreePolicy.Spanning(batch);

        double[] theta = policy.Logits(batch[Column.Logp]), logp = [s_logp], coefficients = [0], gradient = new double[policy.Parameters];
        var (state, workspace) = (adam.Initial(policy.Parameters), new Workspace());
        double ratio = 1, largest = 1;
        int beyond = 0;
        for (int n = 0; n < setting.InnerSteps; n++)
        {
            beyond += ratio > clip.High ? 1 : 0;
            objective.Evaluate(batch, logp, coefficients, workspace);
            policy.Gradient(theta, coefficients, gradient);
            var step = adam.Step(state, theta, [.. gradient.Select(g => -g)]);
            (state, theta) = (step.State, step.Theta);
            policy.LogProbs(theta, logp);
            ratio = Math.Exp(logp[0] - s_logp);
            largest = Math.Max(largest, ratio);
        }

        return new(setting, largest, beyond, bound);
    }
}
