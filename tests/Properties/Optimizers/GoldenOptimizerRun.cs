using System.Collections.Immutable;
using GroupRL.Optimizers;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Optimizers;

/// <summary>
/// A recorded trajectory: the optimizer that the run's settings describe, what it was fed, and where it went. A setting
/// that is not understood is an error, for a run that is half read proves nothing.
/// </summary>
public sealed record GoldenOptimizerRun(Optimizer Optimizer, double[] Theta0, double[][] Gradients, double[][] Expected)
{
    /// <summary>The recorded precision.</summary>
    public const double Relative = 1e-12;

    // A step of 1e−6 hides behind θ's size, so displacements are compared too. 1−βᵗ loses digits as β → 1 (1e−16/1e−6 for
    // GTPO's 0.999999), hence not 1e−12.
    private const double RelativeDisplacement = 1e-9;

    /// <summary>Reads a run of sgd, adam or adamw; <paramref name="gradients"/> is gradients.json.</summary>
    public static GoldenOptimizerRun Read(GoldenNode run, GoldenNode gradients)
    {
        Only(run, "a run", "optimizer", "hyper", "sequence", "params");
        GoldenOptimizerRun read = new(
            Compose(run),
            gradients["theta0"].Numbers,
            gradients["sequences"][run["sequence"].Text].Rows,
            run["params"].Rows);
        return read.Gradients.Length == read.Expected.Length
            ? read
            : throw run["params"].Bad($"needs one row for each of the {read.Gradients.Length} gradients");
    }

    /// <summary>Reads a run of clip_grad_norm as one step of η = 1 from θ = 0: it ends at minus the clipped gradient.</summary>
    public static GoldenOptimizerRun ReadClip(GoldenNode run)
    {
        Only(run, "a clipping run", "max_norm", "grads", "total_norm", "clipped");
        double[] gradient = run["grads"].Flat;
        Optimizer optimizer = new("clip", [new ClipByGlobalNorm(run["max_norm"].Number), new ScaleByLearningRate(1)]);
        return new(optimizer, new double[gradient.Length], [gradient], [[.. run["clipped"].Flat.Select(g => -g)]]);
    }

    /// <summary>The optimizer that a run's name and settings describe.</summary>
    public static Optimizer Compose(GoldenNode run)
    {
        GoldenNode hyper = run["hyper"];
        string name = run["optimizer"].Text;
        switch (name)
        {
            case "SGD":
                Only(hyper, name, "lr", "momentum", "dampening", "weight_decay", "nesterov");
                double mu = hyper["momentum"].Number;
                double dampening = hyper["dampening"].Number;
                bool nesterov = hyper["nesterov"].Flag;
                // Without momentum torch keeps no buffer, and so never dampens.
                ImmutableArray<Momentum> momentum = mu == 0 ? [] : [new(mu, dampening, nesterov)];
                return new(name, [.. Decay(hyper), .. momentum, Rate(hyper)]);
            case "Adam":
                return new(name, [.. Decay(hyper), Adam(hyper, name), Rate(hyper)]);
            case "AdamW":
                return new(name, [Adam(hyper, name), .. Decay(hyper), Rate(hyper)]);
            default:
                throw run["optimizer"].Bad("must be SGD, Adam or AdamW");
        }
    }

    /// <summary>Fails unless <paramref name="optimizer"/> walks the recorded trajectory.</summary>
    public void IsWalkedBy(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        double size = Largest(Expected.Append(Theta0));
        double travel = Largest(Expected.Select(row => Minus(row, Theta0)));

        OptimizerState state = optimizer.Initial(Theta0.Length);
        double[] theta = Theta0;
        for (int t = 0; t < Gradients.Length; t++)
        {
            (state, theta, _) = optimizer.Step(state, theta, Gradients[t]);
            GoldenAssert.Close($"{optimizer.Id} step {t + 1} params", Expected[t], theta, 0, floor: Relative * size);

            // Both sides round θ to half an ulp (2⁻⁵³) once or twice a step.
            double rounding = (t + 1) * 4 * Math.ScaleB(size, -53);
            GoldenAssert.Close(
                $"{optimizer.Id} step {t + 1} displacement",
                Minus(Expected[t], Theta0),
                Minus(theta, Theta0),
                0,
                floor: (RelativeDisplacement * travel) + rounding);
        }
    }

    private static ScaleByAdam Adam(GoldenNode hyper, string name)
    {
        Only(hyper, name, "lr", "betas", "eps", "weight_decay", "amsgrad");
        return hyper["betas"].Numbers is [double beta1, double beta2]
            ? new(beta1, beta2, hyper["eps"].Number, AmsGrad: hyper["amsgrad"].Flag)
            : throw hyper["betas"].Bad("needs 2 numbers");
    }

    private static ImmutableArray<AddDecayedWeights> Decay(GoldenNode hyper) =>
        hyper["weight_decay"].Number is var lambda && lambda == 0 ? [] : [new(lambda)];

    private static ScaleByLearningRate Rate(GoldenNode hyper) => new(hyper["lr"].Number);

    private static void Only(GoldenNode node, string owner, params string[] known)
    {
        foreach ((string key, GoldenNode value) in node.Properties)
        {
            if (!known.Contains(key))
                throw value.Bad($"is a setting that is not encoded for {owner}, which has {string.Join(", ", known)}");
        }
    }

    private static double Largest(IEnumerable<double[]> rows) => rows.SelectMany(row => row).Max(Math.Abs);

    private static double[] Minus(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];
}
