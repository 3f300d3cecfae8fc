using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>A design with one thing changed.</summary>
/// <param name="Change">The change in words.</param>
/// <param name="Optimizer">The design with it.</param>
internal sealed record OptimizerAlteration(string Change, IOptimizer Optimizer);

/// <summary>What goes wrong when an optimizer is written down again: one constant, one place, one step that is left out.</summary>
internal static class OptimizerAlterations
{
    private static readonly ImmutableArray<double> s_epsilons = [0, 1e-15, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3], s_decays = [0, 1e-3, 1e-2, 0.1], s_betas = [0, 0.5, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999];

    private static readonly ImmutableArray<double> s_rates = [0.1, 0.5, 2, 10, 100];

    /// <summary>Every alteration of a design that differs from it, and every other optimizer of the catalogue.</summary>
    public static IEnumerable<OptimizerAlteration> Of(Optimizer design)
    {
        foreach (var (change, altered) in Chains(design).Where(altered => !altered.Chain.SequenceEqual(design.Chain)))
            yield return new(change, new CatalogueOptimizer(design with { Chain = altered }));
        yield return new("the sign of the gradient turned", new Fed(design, gradients => [.. gradients.Select(gradient => gradient.Select(g => -g).ToArray())]));
        yield return new("every gradient used one step late", new Fed(design, gradients => [.. gradients.Select((gradient, t) => t == 0 ? new double[gradient.Length] : gradients[t - 1])]));
        foreach (var other in OptimizerCatalogue.All.Where(other => other.TakesVectors && !other.Chain.SequenceEqual(design.Chain)))
            yield return new($"{other.Id} in its place", new CatalogueOptimizer(other));
    }

    private static IEnumerable<(string Change, ImmutableArray<Transform> Chain)> Chains(Optimizer design) =>
        design.Chain.SelectMany((link, at) => Links(link).Select(other => (other.Change, design.Chain.SetItem(at, other.Link)))).Concat(Decays(design)).Concat(Clips(design));

    private static IEnumerable<(string Change, Transform Link)> Links(Transform link) => link switch
    {
        ScaleByLearningRate rate => s_rates.Select(times => (Say($"the learning rate times {times}"), (Transform)new ScaleByLearningRate(times * rate.Eta))),
        ScaleByAdam adam =>
        [
            .. Enum.GetValues<EpsilonPlacement>().Select(placement => (Say($"ε {Where(placement)} in place of {Where(adam.Placement)}"), (Transform)(adam with { Placement = placement }))),
            .. s_epsilons.Select(epsilon => (Say($"ε = {epsilon} in place of {adam.Epsilon}"), (Transform)(adam with { Epsilon = epsilon }))),
            .. s_betas.Select(beta => (Say($"β₁ = {beta} in place of {adam.Beta1}"), (Transform)(adam with { Beta1 = beta }))),
            .. s_betas.Select(beta => (Say($"β₂ = {beta} in place of {adam.Beta2}"), (Transform)(adam with { Beta2 = beta }))),
            ("β₁ and β₂ swapped", adam with { Beta1 = adam.Beta2, Beta2 = adam.Beta1 }),
            (adam.AmsGrad ? "v in place of its maximum" : "the maximum of v in place of v (AMSGrad)", adam with { AmsGrad = !adam.AmsGrad }),
            ("no bias correction", new UncorrectedAdam(adam, mean: false, square: false)),
            ("no bias correction of m", new UncorrectedAdam(adam, mean: false, square: true)),
            ("no bias correction of v", new UncorrectedAdam(adam, mean: true, square: false)),
        ],
        Momentum momentum =>
        [
            .. momentum.Dampening > 0 ? [] : new[] { (momentum.Nesterov ? "no look-ahead (Nesterov's)" : "Nesterov's look-ahead", (Transform)(momentum with { Nesterov = !momentum.Nesterov })) },
            .. s_betas.Where(beta => beta < 1).Select(beta => (Say($"μ = {beta} in place of {momentum.Mu}"), (Transform)(momentum with { Mu = beta }))),
            .. momentum.Nesterov ? [] : new[] { ("a gradient that enters the buffer by 1 − μ", (Transform)(momentum with { Dampening = momentum.Mu })) },
        ],
        ScaleByLion lion => [("β₁ and β₂ swapped", lion with { Beta1 = lion.Beta2, Beta2 = lion.Beta1 })],
        Guarded guarded => s_epsilons.Select(epsilon => (Say($"ε = {epsilon} in place of {guarded.Epsilon}"), (Transform)(guarded with { Epsilon = epsilon }))),
        _ => [],
    };

    // As much decay at the other place, another λ, or one that the learning rate does not multiply.
    private static IEnumerable<(string Change, ImmutableArray<Transform> Chain)> Decays(Optimizer design)
    {
        double coupled = design.CoupledDecay, decoupled = design.DecoupledDecay;
        int direction = design.Chain.TakeWhile(link => link is not Direction).Count();
        ImmutableArray<Transform> bare = [.. design.Chain.Where(link => link is not AddDecayedWeights)];
        int at = bare.TakeWhile(link => link is not Direction).Count();
        if (direction == design.Chain.Length)
            at = bare.Length - 1;
        else if (decoupled > 0)
            yield return ("decay coupled to the moments (L2) in place of decoupled", bare.Insert(at, new AddDecayedWeights(decoupled)));
        else if (coupled > 0)
            yield return ("decay decoupled from the moments in place of coupled (L2)", bare.Insert(at + 1, new AddDecayedWeights(coupled)));
        int place = coupled > 0 || direction == design.Chain.Length ? at : at + 1;
        foreach (double lambda in s_decays.Append(10 * (coupled + decoupled)).Distinct().Where(lambda => lambda != coupled + decoupled))
            yield return (Say($"a decay of {lambda} in place of {coupled + decoupled}"), bare.Insert(place, new AddDecayedWeights(lambda)));
        if (decoupled > 0 && design.LearningRate > 0)
            yield return ("a decay that the learning rate does not multiply", bare.Insert(place, new AddDecayedWeights(decoupled / design.LearningRate)));
    }

    private static IEnumerable<(string Change, ImmutableArray<Transform> Chain)> Clips(Optimizer design)
    {
        if (design.Clip is { } clip)
            yield return ("no clip", design.Chain.Remove(clip));
        else
            yield return ("gradients clipped to norm 1", design.Chain.Insert(0, new ClipByGlobalNorm(1)));
    }

    private static string Where(EpsilonPlacement placement) => placement switch
    {
        EpsilonPlacement.InsideRoot => "inside the root",
        EpsilonPlacement.Uncorrected => "beside the uncorrected root",
        _ => "outside the root",
    };

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>An optimizer that is fed other gradients.</summary>
    private sealed class Fed(Optimizer design, Func<double[][], double[][]> change) : IOptimizer
    {
        private readonly CatalogueOptimizer _optimizer = new(design);

        public string Name => _optimizer.Name;

        public double[][] Run(double[] theta, double[][] gradients) => _optimizer.Run(theta, change(gradients));
    }

    /// <summary>Adam that takes its averages as they are, although they start at 0.</summary>
    private sealed record UncorrectedAdam : ScaleByAdam
    {
        private readonly bool _mean, _square;

        public UncorrectedAdam(ScaleByAdam adam, bool mean, bool square) : base(adam) => (_mean, _square) = (mean, square);

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
        {
            var next = (AdamState)base.Apply(state, update, theta).State;
            double mean = _mean ? 1 - Math.Pow(Beta1, next.Step) : 1, square = _square ? 1 - Math.Pow(Beta2, next.Step) : 1;
            var second = AmsGrad ? next.Peak : next.Square;
            return (next, [.. next.Mean.Select((m, j) => m == 0 ? 0 : m / mean / (Math.Sqrt(second[j] / square) + Epsilon))]);
        }
    }
}
