using System.Collections.Immutable;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>What Adam's sensitivity to the scale of rewards is at one point: theory beside the optimizer itself.</summary>
/// <param name="RootOverEpsilon">√v̂/ε, dimensionless.</param>
/// <param name="Scale">a, the factor on the gradient.</param>
/// <param name="Predicted">u_a/u_1 − 1 = (a−1)/(a√v̂/ε + 1).</param>
/// <param name="Measured">The same of two steps of Adam.</param>
public sealed record ScaleEdgePoint(double RootOverEpsilon, double Scale, double Predicted, double Measured);

/// <summary>Where insensitivity to the scale of rewards ends: √v̂ ~ ε. Derivation: adam-scale-deviation.</summary>
public static class ScaleEdge
{
    /// <summary>Every √v̂/ε with every a, after one gradient of size √v̂. ε stands outside the root and is above 0.</summary>
    public static ImmutableArray<ScaleEdgePoint> Of(ScaleByAdam adam, ReadOnlySpan<double> rootsOverEpsilon, ReadOnlySpan<double> scales)
    {
        ArgumentNullException.ThrowIfNull(adam);
        List<ScaleEdgePoint> points = [];
        foreach (double root in rootsOverEpsilon)
        {
            foreach (double scale in scales)
                points.Add(new(root, scale, (scale - 1) / ((scale * root) + 1), (First(adam, scale * root * adam.Epsilon) / First(adam, root * adam.Epsilon)) - 1));
        }

        return [.. points];
    }

    private static double First(ScaleByAdam adam, double gradient) => adam.Apply(adam.Initial(1), [gradient], [0]).Update[0];
}

/// <summary>How far a token gets beyond its clip at one setting: the bound beside a simulated node.</summary>
/// <param name="Beta1">β₁.</param>
/// <param name="Beta2">β₂.</param>
/// <param name="LearningRate">η.</param>
/// <param name="InnerSteps">Steps on one batch.</param>
/// <param name="EpsilonHigh">ε_high of the clip.</param>
/// <param name="Bound">(1+ε_high)·exp(2η·max_T (1+Σ ρ)·U(T)) over the steps that there are.</param>
/// <param name="LargestRatio">The largest ratio of the simulated token.</param>
/// <param name="ShareBeyond">The share of its steps after which the ratio was beyond 1+ε_high.</param>
public sealed record OvershootPoint(
    double Beta1, double Beta2, double LearningRate, int InnerSteps, double EpsilonHigh, double Bound, double LargestRatio, double ShareBeyond);

/// <summary>
/// Inner steps of Adam, from a fresh state, on a softmax node of two tokens of which one was sampled, with advantage 1: the gradient of
/// min(r, clip(r)) is r·(e_o − π) up to the clip and 0 beyond. Derivation: overshoot-bound.
/// </summary>
public static class OvershootMap
{
    /// <summary>The point of one setting; the token starts at probability <paramref name="probability"/>, and ε is negligible.</summary>
    public static OvershootPoint At(double beta1, double beta2, double learningRate, int innerSteps, double epsilonHigh, double probability = 0.1)
    {
        var optimizer = new Optimizer("adam", [new ScaleByAdam(beta1, beta2, 1e-12), new ScaleByLearningRate(learningRate)]);
        double bracket = Enumerable.Range(1, innerSteps).Max(steps => NodeOvershoot.Bracket(optimizer, steps, innerSteps - steps) ?? double.PositiveInfinity);
        var state = optimizer.Initial(2);
        double[] logits = [Math.Log(probability), Math.Log(1 - probability)];
        double largest = 1;
        int beyond = 0;
        for (int step = 0; step < innerSteps; step++)
        {
            double token = 1 / (1 + Math.Exp(logits[1] - logits[0])), ratio = token / probability;
            double push = ratio > 1 + epsilonHigh ? 0 : ratio * (1 - token);
            var next = optimizer.Step(state, logits, [-push, push]);
            (state, logits) = (next.State, next.Theta);
            double after = 1 / (1 + Math.Exp(logits[1] - logits[0])) / probability;
            largest = Math.Max(largest, after);
            beyond += after > 1 + epsilonHigh ? 1 : 0;
        }

        return new(beta1, beta2, learningRate, innerSteps, epsilonHigh, (1 + epsilonHigh) * Math.Exp(2 * learningRate * bracket), largest, (double)beyond / innerSteps);
    }
}
