using System.Collections.Immutable;
using GroupRL.Claims;
using GroupRL.Optimizers;
using static GroupRL.Optimizers.OptimizerCatalogue;

namespace GroupRL.Properties.Claims;

/// <summary>Optimizers of one realistic defect each, before the law that finds it.</summary>
internal static class OptimizerLawMutants
{
    private const OptimizerPromises Every = OptimizerPromises.Sound | OptimizerPromises.Separable | OptimizerPromises.NoDecay;

    /// <summary>The law, the fault in words, and the subject.</summary>
    internal static ImmutableArray<(string Law, string Fault, OptimizerSubject Subject)> All { get; } =
    [
        ("finite-trajectory", "0/0 where there is no gradient", new(new PlainAdamW.NothingBesideTheRoot())),
        ("finite-trajectory", "v not squared", new(new PlainAdamW.NotSquared())),
        ("finite-trajectory", "a last step that is left out", new(new WrittenOptimizer("short", (theta, gradients) => new CatalogueOptimizer(Adam).Run(theta, gradients)[..^1]))),
        ("fresh-state", "state kept across runs", new(new PlainAdamW.StateKept())),
        ("no-look-ahead", "the next gradient in the momentum", new(new PlainAdamW.NextGradient())),
        ("run-prefix", "a schedule by the length of the run", new(new PlainAdamW.CosineOfTheRun())),
        ("zero-gradient", "a first state that is not empty", new(new PlainAdamW.StateNotEmpty())),
        ("first-step-descends", "the sign turned", new(new PlainAdamW.SignFlipped())),
        ("constant-gradient", "a learning rate of whole numbers", new(new PlainAdamW.RateOfWholeNumbers()) { Promises = Every }),
        ("constant-gradient", "the sign turned", new(new PlainAdamW.SignFlipped()) { Promises = Every }),
        ("sign-symmetry", "a maximum of gradients in place of their sizes", new(new PlainAdamW.LargestWithoutItsSize())),
        ("coordinate-permutation", "a step count that every parameter advances", new(new PlainAdamW.CountedByParameter())),
        ("coordinates-apart", "one largest gradient for all", new(new PlainAdamW.OneLargestForAll()) { Promises = Every }),
        ("translation", "a decay under the promise of none", new(new PlainAdamW()) { Promises = Every }),
        ("translation", "decay coupled under the promise of none", new(new PlainAdamW.CoupledDecay()) { Promises = Every }),
        ("like-trajectory", "ε inside the root", Meant(new PlainAdamW.EpsilonInsideRoot(), AdamW)),
        ("like-trajectory", "no bias correction", Meant(new PlainAdamW.Uncorrected(), AdamW)),
        ("like-trajectory", "decay coupled", Meant(new PlainAdamW.CoupledDecay(), AdamW)),
        ("like-trajectory", "ten times the rate", Meant(new PlainAdamW.TenTimesTheRate(), Adam)),
        ("sign-methods-scale-invariance", "Lion without its sign", new(WrittenOptimizer.InPlaceOf(Lion, Adam))),
        ("scale-blind-up-to-epsilon", "no root of v", new(new PlainAdamW.RootForgotten { Design = Adam })),
        ("sgd-scale-equivariance", "a clip under the name of SGD", new(WrittenOptimizer.InPlaceOf(Sgd, ClippedSgd))),
        ("epsilon-edge", "a sign that is smoothed", new(WrittenOptimizer.InPlaceOf(SignSgd, RmsProp))),
        ("first-step-bound", "the rate forgotten at the first step", new(new PlainAdamW.RateForgottenAtFirst { Design = AdamW })),
        ("first-step-bound", "no bias correction", new(new PlainAdamW.Uncorrected { Design = AdamW })),
        ("adam-step-bound", "no bias correction", new(new PlainAdamW.Uncorrected { Design = AdamW })),
        ("stops-with-gradient", "a memory under the promise of none", new(WrittenOptimizer.InPlaceOf(RmsProp, RmsPropMomentum))),
        ("momentum-tail", "a longer memory", new(WrittenOptimizer.InPlaceOf(Adam, AmsGrad))),
        ("stands-without-gradient", "a decay under the promise of none", new(WrittenOptimizer.InPlaceOf(Adam, AdamW))),
    ];

    /// <summary>The fault, what explains it, and the subject.</summary>
    internal static ImmutableArray<(string Fault, string Change, OptimizerSubject Subject)> Explained { get; } =
    [
        ("ε inside the root", "ε inside the root in place of outside the root", Meant(new PlainAdamW.EpsilonInsideRoot(), AdamW)),
        ("no bias correction", "no bias correction", Meant(new PlainAdamW.Uncorrected(), AdamW)),
        ("decay coupled", "decay coupled to the moments (L2) in place of decoupled", Meant(new PlainAdamW.CoupledDecay(), AdamW)),
        ("ten times the rate", "the learning rate times 10", Meant(new PlainAdamW.TenTimesTheRate(), Adam)),
        ("the sign turned", "the sign of the gradient turned", Meant(new PlainAdamW.SignFlipped(), Adam)),
        ("betas swapped", "β₁ and β₂ swapped", Meant(new CatalogueOptimizer(Adam with { Chain = [new ScaleByAdam(0.999, 0.9), new ScaleByLearningRate(1e-3)] }), Adam)),
        ("another ε", "ε = 1E-06 in place of 1E-08", Meant(new PlainAdamW { Epsilon = 1e-6 }, AdamW)),
        ("no clip", "no clip", Meant(new CatalogueOptimizer(AdamW), ClippedAdamW)),
        ("no decay", "a decay of 0 in place of 0.01", Meant(new PlainAdamW(0), AdamW)),
    ];

    private static OptimizerSubject Meant(IOptimizer optimizer, Optimizer meant) => new(optimizer) { Oracle = new CatalogueOptimizer(meant) };
}
