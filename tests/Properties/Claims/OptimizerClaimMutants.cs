using System.Collections.Immutable;
using GroupRL.Optimizers;
using GroupRL.Properties.Optimizers;

namespace GroupRL.Properties.Claims;

/// <summary>Optimizers that promise what a claim about optimizers alone needs, and do not keep it.</summary>
internal static class OptimizerClaimMutants
{
    /// <summary>The claim, the fault in words, and the optimizer.</summary>
    internal static ImmutableArray<(string Claim, string Fault, Optimizer Optimizer)> All { get; } =
    [
        ("optimizer-scale-identity", "ε inside the root under the promise of one outside", Spoiled("adam-epsilon-inside-root", OptimizerCatalogue.Adam)),
        ("optimizer-scale-identity", "RAdam that adapts early", Spoiled("radam-threshold-of-the-paper", OptimizerCatalogue.RAdam)),
        ("optimizer-scale-identity", "Adadelta's ε outside its roots", Spoiled("adadelta-epsilon-outside", OptimizerCatalogue.Adadelta)),
        ("optimizer-scale-identity", "a clip by the squared norm", Spoiled("clip-squared-norm", OptimizerCatalogue.ClippedSgd)),
        ("optimizer-scale-identity", "a clip that leaves out δ where the gradient is long", Replaced<ClipByGlobalNorm>(OptimizerCatalogue.ClippedAdamW, clip => new SpoiledClip(clip, (own, u) => Shrunk(own, u, ClipByGlobalNorm.Norm(u) > 2 ? 0 : own.Delta)))),
        ("optimizer-scale-identity", "Adafactor with one floor for gradients and squares", Replaced<ScaleByAdafactor>(OptimizerCatalogue.Adafactor, right => new OneFloor(right))),
        ("optimizer-scale-identity", "a decay that does not read its λ", Replaced<AddDecayedWeights>(OptimizerCatalogue.AdamL2, decay => new SpoiledDecay(decay, 1e-2))),
        ("sign-methods-scale-invariance", "Signum without its sign", Spoiled("signum-without-sign", OptimizerCatalogue.Signum)),
        ("sign-methods-scale-invariance", "Lion without its sign", Spoiled("lion-without-sign", OptimizerCatalogue.Lion)),
        ("sign-methods-scale-invariance", "a sign that is 0 below 1e−6", Replaced<ScaleBySign>(OptimizerCatalogue.SignSgd, right => new SpoiledSign(right, (state, u, _) => (state, [.. u.Select(g => Math.Abs(g) < 1e-6 ? 0.0 : Math.Sign(g))])))),
        ("clip-norm-invariance", "a clip of each coordinate by itself", Spoiled("clip-by-value", OptimizerCatalogue.ClippedAdamW)),
        ("clip-norm-invariance", "a clip by the squared norm", Spoiled("clip-squared-norm", OptimizerCatalogue.TrlAdamW)),
        ("clip-norm-invariance", "no clip", Spoiled("clip-never", OptimizerCatalogue.ClippedSgd)),
        ("clip-norm-invariance", "no δ", Spoiled("clip-without-delta", OptimizerCatalogue.ClippedSgd)),
        ("scale-switch", "memory under the promise of none", Replaced<ScaleBySign>(OptimizerCatalogue.SignSgd, right => new SpoiledSign(right, (state, u, theta) => new ScaleBySign(0.9).Apply(state, u, theta)))),
        ("adam-step-bound", "Adam's v not corrected", Spoiled("adam-square-uncorrected", OptimizerCatalogue.TrlAdamW)),
        ("adam-step-bound", "a step one thousandth too long", Replaced<ScaleByLearningRate>(OptimizerCatalogue.Adam, rate => new SpoiledRate(rate, -1.001 * rate.Eta))),
        ("adam-step-bound", "AMSGrad that weighs the last gradient twice", Replaced<ScaleByAdam>(OptimizerCatalogue.AmsGrad, adam => new AdamOfParts(adam, OptimizerMutants.RightAdam with { Mean = (a, m, g) => (0.8 * m) + ((1 - a.Beta1) * 2 * g) }))),
        ("adam-step-bound", "NAdam that looks ahead of a constant μ", Spoiled("nadam-mu-constant", OptimizerCatalogue.NAdam)),
        ("adam-step-bound", "RMSprop with a longer memory", Replaced<ScaleByRms>(OptimizerCatalogue.RmsProp, right => new SpoiledRms(right, (state, u, theta) => new ScaleByRms(0.995).Apply(state, u, theta)))),
        ("adam-step-bound", "RMSprop centred under the promise of one that is not", Spoiled("rmsprop-centred-or-not", OptimizerCatalogue.RmsProp)),
        ("adam-step-bound", "Adagrad that sums sizes", Spoiled("adagrad-sums-sizes", OptimizerCatalogue.Adagrad)),
        ("adam-step-bound", "Adamax with a shorter memory of sizes", Replaced<ScaleByAdamax>(OptimizerCatalogue.Adamax, right => new SpoiledAdamax(right, (state, u, theta) => new ScaleByAdamax(0.9, 0.9).Apply(state, u, theta)))),
        ("adam-step-bound", "RAdam unrectified", Spoiled("radam-unrectified", OptimizerCatalogue.RAdam)),
        ("adam-step-bound", "Adadelta with a longer memory", Replaced<ScaleByAdadelta>(OptimizerCatalogue.Adadelta, right => new SpoiledAdadelta(right, (state, u, theta) => new ScaleByAdadelta(0.95).Apply(state, u, theta)))),
        ("adam-step-bound", "Muon that keeps its norm", Spoiled("muon-unnormalised", OptimizerCatalogue.Muon)),
        ("adam-step-bound", "Lion without its sign", Spoiled("lion-without-sign", OptimizerCatalogue.Lion)),
        ("scale-switch-bound", "Signum without its sign", Spoiled("signum-without-sign", OptimizerCatalogue.Signum)),
        ("scale-switch-bound", "Adam's v not corrected", Spoiled("adam-square-uncorrected", OptimizerCatalogue.AdamW)),
        ("scale-switch-bound", "Lion that steps half as far again", Replaced<ScaleByLearningRate>(OptimizerCatalogue.Lion, rate => new SpoiledRate(rate, -1.5 * rate.Eta))),
        ("momentum-total", "the bias corrections one step ahead", Spoiled("adam-step-off-by-one", OptimizerCatalogue.Adam)),
        ("momentum-total", "betas swapped", Spoiled("adam-betas-swapped", OptimizerCatalogue.SwiftAdamW)),
        ("momentum-total", "AMSGrad that forgets its largest v", Spoiled("amsgrad-forgotten", OptimizerCatalogue.AmsGrad)),
        ("momentum-total", "a buffer that shrinks more slowly", Replaced<Momentum>(OptimizerCatalogue.Momentum, right => new MomentumOfParts(right, OptimizerMutants.RightMomentum with { Next = (p, b, g) => (0.91 * b) + g }))),
        ("momentum-total", "memory under the promise of none", Replaced<ScaleByRms>(OptimizerCatalogue.RmsProp, right => new SpoiledRms(right, (state, u, theta) => new ScaleByRms(Momentum: 0.1).Apply(state, u, theta)))),
        ("momentum-total", "a mean that outlives its β₁ by a millionth", Replaced<ScaleByAdam>(OptimizerCatalogue.TrlAdamW, adam => new AdamOfParts(adam, OptimizerMutants.RightAdam with { Mean = (a, m, g) => (a.Beta1 * (1 + 1e-6) * m) + ((1 - a.Beta1) * g) }))),
        ("epsilon-keeps-tail", "no first moment", Spoiled("adam-mean-forgotten", OptimizerCatalogue.Adam)),
        ("epsilon-keeps-tail", "the past of alternating sign", Spoiled("adam-mean-reversed", OptimizerCatalogue.AmsGrad)),
        ("epsilon-keeps-tail", "an ε that grows after zero gradients", Replaced<ScaleByAdam>(OptimizerCatalogue.TrlAdamW, adam => new AdamOfParts(adam, OptimizerMutants.RightAdam with { Quotient = (a, m, v, c1, c2) => AdamParts.RightQuotient(a with { Epsilon = a.Epsilon * (1 + (1e-3 * c1)) }, m, v, c1, c2) }))),
        ("epsilon-removes-tail", "memory under the promise of none", Replaced<ScaleByRms>(OptimizerCatalogue.RmsProp, right => new SpoiledRms(right, (state, u, theta) => new ScaleByRms(Momentum: 0.1).Apply(state, u, theta)))),
        ("overshoot-bound", "Adam's v not corrected", Spoiled("adam-square-uncorrected", OptimizerCatalogue.TrlAdamW)),
        ("overshoot-bound", "betas swapped", Spoiled("adam-betas-swapped", OptimizerCatalogue.OpenRlhfAdam)),
        ("overshoot-bound", "a step one hundredth too long", Replaced<ScaleByLearningRate>(OptimizerCatalogue.Signum, rate => new SpoiledRate(rate, -1.01 * rate.Eta))),
        ("overshoot-bound", "memory under the promise of none", Replaced<ScaleBySign>(OptimizerCatalogue.SignSgd, right => new SpoiledSign(right, (state, u, theta) => new ScaleBySign(0.9).Apply(state, u, theta)))),
        ("look-ahead-clip", "an endless tail under the promise of none", Replaced<ScaleBySign>(OptimizerCatalogue.SignSgd, right => new SpoiledSign(right, (state, u, theta) => new ScaleBySign(0.9).Apply(state, u, theta)))),
        ("look-ahead-clip", "a tail that shrinks more slowly than it says", Replaced<Momentum>(OptimizerCatalogue.Momentum, right => new MomentumOfParts(right, OptimizerMutants.RightMomentum with { Next = (p, b, g) => (0.995 * b) + g }))),
        ("momentum-reset-stops", "a first state that is not empty", Replaced<ScaleBySign>(OptimizerCatalogue.Signum, right => new Prejudiced(right))),
    ];

    private static Optimizer Spoiled(string mutant, Optimizer right) => OptimizerMutants.Find(mutant).Of(right)!;

    private static Optimizer Replaced<T>(Optimizer right, Func<T, Transform> change) where T : Transform =>
        right with { Chain = [.. right.Chain.Select(link => link is T own ? change(own) : link)] };

    private static double[] Shrunk(ClipByGlobalNorm clip, double[] u, double delta) =>
        [.. u.Select(x => x * Math.Min(1, clip.MaxNorm / (ClipByGlobalNorm.Norm(u) + delta)))];

    /// <summary>Adafactor that knows one floor only, of gradients and of their squares.</summary>
    private sealed record OneFloor : ScaleByAdafactor
    {
        public OneFloor(ScaleByAdafactor right) : base(right)
        {
        }

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) =>
            new ScaleByAdafactor(MomentDecay, Epsilon, SmallestScale, ClipThreshold, Horizon).Apply(state, update, theta);
    }

    /// <summary>Signum that begins with a memory.</summary>
    private sealed record Prejudiced : ScaleBySign
    {
        public Prejudiced(ScaleBySign right) : base(right)
        {
        }

        public override TransformState Initial(int dimension) => new SignState([.. Enumerable.Repeat(1e-3, dimension)]);
    }
}
