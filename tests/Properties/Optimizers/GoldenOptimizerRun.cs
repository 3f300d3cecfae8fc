using System.Collections.Immutable;
using System.Text.Json;
using GroupRL.Optimizers;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Optimizers;

/// <summary>
/// A recorded trajectory: the optimizer that the run's settings describe, what it was fed, and where it went. A setting
/// that is not understood is an error, for a run that is half read proves nothing.
/// </summary>
public sealed record GoldenOptimizerRun(
    Optimizer Optimizer, ParameterShape Shape, double[] Theta0, double[][] Gradients, double[][] Expected)
{
    /// <summary>The recorded precision.</summary>
    public const double Relative = 1e-12;

    // A step of 1e−6 hides behind θ's size, so displacements are compared too. 1−βᵗ loses digits as β → 1 (1e−16/1e−6 for
    // GTPO's 0.999999), hence not 1e−12.
    private const double RelativeDisplacement = 1e-9;

    /// <summary>Every file of runs.</summary>
    public static ImmutableArray<string> Files { get; } =
    [
        .. new[]
        {
            "sgd", "adam", "adamw", "nadam_current", "nadam_torch_1_13_1", "radam", "rmsprop", "adagrad_adamax_adadelta", "lion", "adafactor",
            "muon", ClipFile,
        }.Select(name => $"optim/{name}.json"),
    ];

    private const string ClipFile = "clip_grad_norm";

    /// <summary>Reads a run of a file; <paramref name="read"/> gives a file of the folder.</summary>
    public static GoldenOptimizerRun Read(string file, GoldenNode run, Func<string, GoldenNode> read)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(read);
        if (file.Contains(ClipFile, StringComparison.Ordinal))
            return ReadClip(run);
        Only(run, "a run", "optimizer", "shape", "hyper", "sequence", "params");
        var optimizer = Compose(run, read(file)["source"].Text);
        bool matrix = !optimizer.TakesVectors || (run.Find("shape")?.Text.StartsWith("matrix", StringComparison.Ordinal) ?? false);
        GoldenNode inputs = read(matrix ? "optim/gradients_matrix.json" : "optim/gradients.json");
        GoldenNode start = inputs[matrix ? "W0" : "theta0"];
        GoldenOptimizerRun found = new(
            optimizer,
            matrix ? ParameterShape.Matrix(start.Rows.Length, start.Rows[0].Length) : ParameterShape.Vector(start.Numbers.Length),
            start.Flat,
            [.. inputs["sequences"][run["sequence"].Text].Items.Select(step => step.Flat)],
            [.. run["params"].Items.Select(step => step.Flat)]);
        return found.Gradients.Length == found.Expected.Length
            ? found
            : throw run["params"].Bad($"needs one row for each of the {found.Gradients.Length} gradients");
    }

    /// <summary>Reads a run of clip_grad_norm as one step of η = 1 from θ = 0: it ends at minus the clipped gradient.</summary>
    public static GoldenOptimizerRun ReadClip(GoldenNode run)
    {
        Only(run, "a clipping run", "max_norm", "grads", "total_norm", "clipped");
        double[] gradient = run["grads"].Flat;
        Optimizer optimizer = new("clip", [new ClipByGlobalNorm(run["max_norm"].Number), new ScaleByLearningRate(1)]);
        return new(optimizer, ParameterShape.Vector(gradient.Length), new double[gradient.Length], [gradient], [[.. run["clipped"].Flat.Select(g => -g)]]);
    }

    /// <summary>The optimizer that a run's name and settings describe; NAdam's rule depends on the torch that ran it, too.</summary>
    public static Optimizer Compose(GoldenNode run, string source)
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
            case "NAdam":
                Only(hyper, name, "lr", "betas", "eps", "weight_decay", "momentum_decay");
                bool bug = source.StartsWith("torch 1.13.1", StringComparison.Ordinal);
                return new(name, [.. Decay(hyper), new ScaleByNAdam(Beta(hyper, 0), Beta(hyper, 1), hyper["eps"].Number, hyper["momentum_decay"].Number, bug), Rate(hyper)]);
            case "RAdam":
                Only(hyper, name, "lr", "betas", "eps", "weight_decay");
                return new(name, [.. Decay(hyper), new ScaleByRAdam(Beta(hyper, 0), Beta(hyper, 1), hyper["eps"].Number), Rate(hyper)]);
            case "RMSprop":
                Only(hyper, name, "lr", "momentum", "alpha", "eps", "centered", "weight_decay");
                return new(name, [.. Decay(hyper), new ScaleByRms(hyper["alpha"].Number, hyper["eps"].Number, hyper["centered"].Flag, hyper["momentum"].Number), Rate(hyper)]);
            case "Adagrad":
                Only(hyper, name, "lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value");
                return new(name, [.. Decay(hyper), new ScaleByAdagrad(hyper["eps"].Number, hyper["lr_decay"].Number, hyper["initial_accumulator_value"].Number), Rate(hyper)]);
            case "Adamax":
                Only(hyper, name, "lr", "betas", "eps", "weight_decay");
                return new(name, [.. Decay(hyper), new ScaleByAdamax(Beta(hyper, 0), Beta(hyper, 1), hyper["eps"].Number), Rate(hyper)]);
            case "Adadelta":
                Only(hyper, name, "lr", "rho", "eps", "weight_decay");
                return new(name, [.. Decay(hyper), new ScaleByAdadelta(hyper["rho"].Number, hyper["eps"].Number), Rate(hyper)]);
            case "Lion":
                Only(hyper, name, "lr", "betas", "weight_decay");
                return new(name, [new ScaleByLion(Beta(hyper, 0), Beta(hyper, 1)), .. Decay(hyper), Rate(hyper)]);
            case "Adafactor":
                Only(hyper, name, "lr", "beta2_decay", "eps", "d", "weight_decay");
                return new(name, [Adafactor(hyper), .. Decay(hyper), Rate(hyper)]);
            case "Muon":
                Only(hyper, name, "lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "ns_steps", "eps", "adjust_lr_fn");
                return new(name, [Muon(hyper), .. Decay(hyper), Rate(hyper)]);
            default:
                throw run["optimizer"].Bad($"must be one of {Known}");
        }
    }

    private const string Known = "SGD, Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad, Adamax, Adadelta, Lion, Adafactor, Muon";

    /// <summary>Fails unless <paramref name="optimizer"/> walks the recorded trajectory.</summary>
    public void IsWalkedBy(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        double size = Largest(Expected.Append(Theta0));
        double travel = Largest(Expected.Select(row => Minus(row, Theta0)));

        OptimizerState state = optimizer.Initial(Shape);
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
        return new(Beta(hyper, 0), Beta(hyper, 1), hyper["eps"].Number, AmsGrad: hyper["amsgrad"].Flag);
    }

    // An ε of null is the spacing of the float that torch ran in, float64.
    private static ScaleByAdafactor Adafactor(GoldenNode hyper)
    {
        GoldenNode[] eps = [.. hyper["eps"].Items];
        double lr = hyper["lr"].Number;
        return eps.Length == 2
            ? new(
                -hyper["beta2_decay"].Number,
                eps[0].Kind == JsonValueKind.Null ? ScaleByAdafactor.Spacing : eps[0].Number,
                eps[1].Number,
                hyper["d"].Number,
                Horizon: 1 / (lr * lr))
            : throw hyper["eps"].Bad("needs 2 entries");
    }

    private static ScaleByMuon Muon(GoldenNode hyper)
    {
        if (!hyper["ns_coefficients"].Numbers.SequenceEqual(ScaleByMuon.Coefficients))
            throw hyper["ns_coefficients"].Bad("must be the coefficients that are encoded");
        if (hyper["ns_steps"].Number != ScaleByMuon.Iterations)
            throw hyper["ns_steps"].Bad("must be the number of iterations that is encoded");
        return new(hyper["momentum"].Number, hyper["nesterov"].Flag, hyper["eps"].Number, Adjustment: hyper["adjust_lr_fn"].Text switch
        {
            "original" => MuonAdjustment.Original,
            "match_rms_adamw" => MuonAdjustment.MatchRmsAdamW,
            _ => throw hyper["adjust_lr_fn"].Bad("must be original or match_rms_adamw"),
        });
    }

    private static double Beta(GoldenNode hyper, int which) => hyper["betas"].Numbers is { Length: 2 } betas
        ? betas[which]
        : throw hyper["betas"].Bad("needs 2 numbers");

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
