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
}
