using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using TrainingClaim = GroupRL.Claims.Claim<GroupRL.Claims.Training, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>How training on aR lies to training on R.</summary>
public enum ScaleClass
{
    /// <summary>The same trajectory.</summary>
    Exact,

    /// <summary>The same as far as an ε, of the advantage or of the optimizer, is small.</summary>
    UpToEpsilon,

    /// <summary>Another trajectory.</summary>
    Sensitive,
}

/// <summary>Family S end to end: an objective under an optimizer, trained on rewards R and aR.</summary>
public static class EndToEndScale
{
    private const double Factor = 1024;
    private const int Steps = 4;

    /// <summary>The steps on aR are those on R.</summary>
    public static TrainingClaim Blind { get; } = new()
    {
        Id = "end-to-end-scale",
        Family = Family.Scale,
        Describes = true,
        Statement = "Trained on aR the policy goes the way that it goes on R, bit for bit at a = 2ᵏ. Exact where a standard deviation without ε divides the scale out of the advantages, under any optimizer, or where coefficients are proportional to the rewards and the optimizer keeps signs or directions alone; else true up to an ε, of the advantage or of the optimizer, or not at all.",
        Hypotheses = ["on-policy at the start", "every token has a Bernoulli policy of its own", "fresh optimizer state", "everything in units of reward that the batch carries is scaled", "no overflow or underflow"],
        Source = "arXiv:2601.05002, appendix C; derived here",
        Quantity = "|Δθ on aR − Δθ on R|, over 4 inner steps",
        Consequence = "the same rewards in other units are another run",
        Missing = training => training.Optimizer.TakesVectors ? null : "an optimizer of vectors (this one's parameters are matrices)",
        Expect = Predicted,
        Domain = training => Requirements.Domain(training.Objective) with { OnPolicy = true, Bounds = null },
        Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? Requirements.OffPolicy(batch) ?? Certain(batch),
        Measure = Gap,
        Why = (training, _, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with all rewards times {Factor} step {worst.Position + 1} of {training.Optimizer.Id} differs by {worst.Measured:G3}"),
    };

    /// <summary>How the trajectory on aR lies to that on R, and why.</summary>
    public static (ScaleClass Class, string Because) ClassOf(Training training)
    {
        ArgumentNullException.ThrowIfNull(training);
        var (objective, optimizer) = training;
        if (Requirements.Under(objective, Factor) is not var (advantage, rewards, degree))
            return (ScaleClass.Sensitive, "advantages have no one degree in the rewards");
        bool constant = advantage == objective.Advantage && rewards == objective.Rewards;
        return (degree, constant) switch
        {
            (0, true) => (ScaleClass.Exact, "rewards are divided by their own spread"),
            (0, false) => (ScaleClass.UpToEpsilon, "true up to the ε beside the spread of the rewards"),
            (_, false) => (ScaleClass.Sensitive, "a constant in units of reward does not scale"),
            _ when Requirements.ActsOnLogProbs(objective) => (ScaleClass.Sensitive, "a penalty does not scale with the rewards"),
            _ when Requirements.Missing(objective, Traits.Homogeneous) is { } missing => (ScaleClass.Sensitive, $"needs {missing}"),
            _ => optimizer.Scaling.Law switch
            {
                ScaleLaw.Invariant => (ScaleClass.Exact, "coefficients scale, and the optimizer does not see it"),
                ScaleLaw.UpToEpsilon => (ScaleClass.UpToEpsilon, "true up to the optimizer's ε"),
                ScaleLaw.Proportional => (ScaleClass.Sensitive, "the step scales with the rewards"),
                _ => (ScaleClass.Sensitive, optimizer.Scaling.Because),
            },
        };
    }

    /// <summary>
    /// Whose trajectory on R is that of <paramref name="training"/> on aR, bit for bit at a = 2ᵏ: constants in units of reward over a, those in units
    /// of the gradient over aᵈ (d the degree of the advantages), β over aᵈ too, η times what the optimizer hands on. Null where a part has no such law, or another at some
    /// steps: RAdam's first ones are as large as the gradient, its later ones are not.
    /// </summary>
    public static Training? Twin(Training training, double scale)
    {
        ArgumentNullException.ThrowIfNull(training);
        var (objective, optimizer) = training;
        if (Requirements.Under(objective, scale) is not var (advantage, rewards, degree) || Requirements.Missing(objective, Traits.Homogeneous) is not null)
            return null;
        double gradients = Math.Pow(scale, degree);
        var twin = objective with
        {
            Advantage = advantage,
            Rewards = rewards,
            Regularisers = [.. objective.Regularisers.Select(term => term with { Beta = term.Beta / gradients })],
        };
        return optimizer.StepsScaleAlike && optimizer.Under(gradients, step: 1) is var (under, factor)
            ? new(twin, under.With(under.LearningRate * factor))
            : null;
    }

    private static Expectation Predicted(Training training) => ClassOf(training) switch
    {
        (ScaleClass.Exact, var because) => Expectation.Holds(because),
        (_, var because) => Expectation.Refuted(because),
    };

    private static string? Certain(RolloutBatch batch)
    {
        int certain = batch[Column.Logp].ToArray().AsSpan().IndexOfAnyExceptInRange(double.NegativeInfinity, -1e-9);
        return certain < 0 ? null : FormattableString.Invariant($"every token could have been another; {batch.PlaceOf(certain)} has log-prob {batch[Column.Logp][certain]}");
    }

    private static Measurement Gap(Training training, RolloutBatch batch)
    {
        double[][] plain = Run(training, batch), scaled = Run(training, RewardScale.Scaled(batch, Factor));
        var worst = new Measurement(0, 0);
        for (int step = 0; step < Steps; step++)
        {
            for (int t = 0; t < batch.Tokens; t++)
                worst = worst.Worst(new(Math.Abs(plain[step][t] - scaled[step][t]), 0, 0, step));
        }

        return worst;
    }

    // log π = −log(1 + e^(−θ)), d log π/dθ = 1 − π: a token's log-prob stays one, however far θ goes.
    private static double[][] Run(Training training, RolloutBatch batch)
    {
        double[] theta = [.. batch[Column.Logp].ToArray().Select(logp => logp - Math.Log(-Math.Exp(logp) + 1))];
        var updates = new double[Steps][];
        if (theta.Length == 0)
            return [.. updates.Select(_ => Array.Empty<double>())];
        var state = training.Optimizer.Initial(theta.Length);
        for (int step = 0; step < Steps; step++)
        {
            double[] logp = step == 0 ? batch[Column.Logp].ToArray() : [.. theta.Select(z => z < -700 ? z : -Math.Log(1 + Math.Exp(-z)))];
            double[] gradient = training.Objective.Evaluate(batch.With(Column.Logp, logp)).Coefficients;
            for (int t = 0; t < gradient.Length; t++)
                gradient[t] *= -(1 - Math.Exp(logp[t]));
            var next = training.Optimizer.Step(state, theta, gradient);
            (state, theta, updates[step]) = (next.State, next.Theta, next.Update);
        }

        return updates;
    }
}
