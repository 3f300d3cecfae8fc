using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>Everything that an optimizer remembers between two steps; immutable.</summary>
/// <param name="Dimension">d, the number of parameters; a matrix is flat, row after row.</param>
/// <param name="Links">One state per link of the chain.</param>
public sealed record OptimizerState(int Dimension, ImmutableArray<TransformState> Links);

/// <summary>The outcome of one step. The arrays are fresh: they belong to the caller, and no state shares them.</summary>
/// <param name="State">The state for the next step.</param>
/// <param name="Theta">θ′ = θ + Δ, shape [d].</param>
/// <param name="Update">Δ, shape [d], unit of θ; the sign and the learning rate are in it.</param>
public sealed record OptimizerStep(OptimizerState State, double[] Theta, double[] Update);

/// <summary>
/// A chain of pure links: the gradient of the loss enters at the front, Δ leaves at the end, and θ′ = θ + Δ. The loss is
/// minimised: who climbs an objective J passes −∇J.
/// </summary>
/// <remarks>
/// Source: optax.chain; each link names its own source and departures. Two optimizers with equal ids and equal links are equal.
/// </remarks>
/// <param name="Id">The name that reports and test rows carry, not blank.</param>
/// <param name="Chain">The links in order, at most one <see cref="Direction"/> and before it at most one clip; the end is the only learning rate.</param>
public sealed record Optimizer(string Id, ImmutableArray<Transform> Chain)
{
    /// <summary>The name that reports and test rows carry, not blank.</summary>
    public string Id { get; init => field = Named(value); } = Named(Id);

    /// <summary>The links in order, at most one <see cref="Direction"/> and before it at most one clip; the end is the only learning rate.</summary>
    public ImmutableArray<Transform> Chain { get; init => field = WellFormed(value); } = WellFormed(Chain);

    /// <summary>η, unit of θ per unit of the update.</summary>
    public double LearningRate => ((ScaleByLearningRate)Chain[^1]).Eta;

    /// <summary>The same optimizer at another η.</summary>
    public Optimizer With(double learningRate) => this with { Chain = [.. Chain[..^1], new ScaleByLearningRate(learningRate)] };

    /// <summary>
    /// λ of the decay before the <see cref="Direction"/>, 0 without one. A chain without a direction (plain SGD), where the two
    /// conventions are the same step, counts here.
    /// </summary>
    public double CoupledDecay => Decay(..DirectionAt);

    /// <summary>
    /// λ of the decay after the <see cref="Direction"/>, 0 without one: θ shrinks by the factor 1 − ηλ, whatever the gradient.
    /// </summary>
    public double DecoupledDecay => Decay(DirectionAt..);

    /// <summary>The momentum link, or null.</summary>
    public Momentum? Momentum => Link<Momentum>();

    /// <summary>The Adam link, or null.</summary>
    public ScaleByAdam? Adam => Link<ScaleByAdam>();

    /// <summary>The clipping link, or null.</summary>
    public ClipByGlobalNorm? Clip => Link<ClipByGlobalNorm>();

    /// <summary>
    /// How the step answers scaled gradients: the first link that does not hand the scale on decides, for after it nothing
    /// is left to scale, or nothing can be said.
    /// </summary>
    public Scaling Scaling =>
        Chain.Select(link => link.Scaling).FirstOrDefault(scaling => scaling.Law != ScaleLaw.Proportional)
            ?? Scaling.Proportional;

    /// <summary>
    /// What gradients scaled by <paramref name="scale"/> make of the step-th update: another optimizer's on unscaled gradients, times a
    /// factor. Each link hands its factor on to the next; null where one does not say.
    /// </summary>
    public (Optimizer Optimizer, double Factor)? Under(double scale, int step)
    {
        Transform[] links = new Transform[Chain.Length];
        double factor = scale;
        for (int i = 0; i < links.Length; i++)
        {
            if (Chain[i].Under(factor, step) is not { } rescaled)
                return null;
            (links[i], factor) = rescaled;
        }

        return (this with { Chain = [.. links] }, factor);
    }

    /// <summary>Whether what <see cref="Under"/> says is the same at all steps.</summary>
    public bool StepsScaleAlike => Chain.All(link => link.StepsScaleAlike);

    /// <summary>Whether some link lets an update depend on earlier gradients.</summary>
    public bool Remembers => Chain.Any(link => link.Remembers);

    /// <summary>Whether some link lets a coordinate's update depend on other coordinates.</summary>
    public bool CouplesCoordinates => Chain.Any(link => link.CouplesCoordinates);

    /// <summary>Whether every link takes a vector; where one does not, parameters are matrices.</summary>
    public bool TakesVectors => Chain.All(link => link.TakesVectors);

    /// <summary>The single link of type <typeparamref name="T"/>, or null without one; several are an error.</summary>
    public T? Link<T>() where T : Transform
    {
        T? found = null;
        foreach (var link in Chain)
        {
            if (link is not T own)
                continue;
            found = found is null
                ? own
                : throw new InvalidOperationException(
                    Require.Say($"{Id} has {Chain.OfType<T>().Count()} links of type {typeof(T).Name}, not one."));
        }

        return found;
    }

    /// <summary>The state before the first step, for a vector of <paramref name="dimension"/> ≥ 1 parameters.</summary>
    public OptimizerState Initial(int dimension) => Initial(ParameterShape.Vector(dimension));

    /// <summary>The state before the first step, for parameters of a shape.</summary>
    public OptimizerState Initial(ParameterShape shape) =>
        new(Require.PositiveDimension(shape.Size), [.. Chain.Select(link => link.Initial(shape))]);

    /// <summary>
    /// One step: θ′ = θ + Δ, all of shape [d]. <paramref name="gradient"/> is that of the loss at <paramref name="theta"/>.
    /// Pure: nothing that is passed in changes, and the same arguments give the same bits. A step that leaves float64 is an
    /// error.
    /// </summary>
    public OptimizerStep Step(OptimizerState state, ReadOnlySpan<double> theta, ReadOnlySpan<double> gradient)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Links.Length != Chain.Length)
        {
            throw new ArgumentException(
                Require.Say($"{Id} needs a state of {Chain.Length} links, its own; got {state.Links.Length}."), nameof(state));
        }

        Require.Dimension(theta, state.Dimension, nameof(theta));
        Require.Dimension(gradient, state.Dimension, nameof(gradient));
        Require.Finite(theta, nameof(theta));
        Require.Finite(gradient, nameof(gradient));

        TransformState[] links = new TransformState[Chain.Length];
        double[] update = gradient.ToArray();
        for (int i = 0; i < links.Length; i++)
            (links[i], update) = Chain[i].Apply(state.Links[i], update, theta);

        double[] moved = new double[theta.Length];
        for (int j = 0; j < moved.Length; j++)
        {
            moved[j] = theta[j] + update[j];
            if (!double.IsFinite(moved[j]))
            {
                throw new ArithmeticException(
                    Require.Say($"{Id}'s step must be finite; coordinate {j} moves from {theta[j]} by {update[j]}."));
            }
        }

        return new(state with { Links = ImmutableCollectionsMarshal.AsImmutableArray(links) }, moved, update);
    }

    /// <summary>Equal ids and equal links, in order.</summary>
    public bool Equals(Optimizer? other) => other is not null && Id == other.Id && Chain.SequenceEqual(other.Chain);

    /// <summary>Agrees with <see cref="Equals(Optimizer)"/>.</summary>
    public override int GetHashCode() => Chain.Aggregate(HashCode.Combine(Id), HashCode.Combine);

    // Without a direction: the end, so that every decay counts as before it.
    private int DirectionAt => Chain.TakeWhile(link => link is not Direction).Count();

    private double Decay(Range range) => Chain[range].OfType<AddDecayedWeights>().Sum(link => link.Lambda);

    private static string Named(string id) =>
        string.IsNullOrWhiteSpace(id)
            ? throw new ArgumentException("An optimizer needs an id that is not blank.", nameof(id))
            : id;

    private static ImmutableArray<Transform> WellFormed(ImmutableArray<Transform> chain)
    {
        if (chain.IsDefaultOrEmpty)
            throw new ArgumentException("A chain needs at least 1 link, ScaleByLearningRate; got none.", nameof(chain));
        if (chain.IndexOf(null!) is var missing and >= 0)
            throw new ArgumentException(Require.Say($"A chain has no null links; link {missing} is null."), nameof(chain));

        int rates = chain.Count(link => link is ScaleByLearningRate);
        if (rates != 1 || chain[^1] is not ScaleByLearningRate)
        {
            string last = chain[^1].GetType().Name;
            throw new ArgumentException(
                Require.Say($"A chain ends with its only ScaleByLearningRate; got {rates} of them and {last} at the end."),
                nameof(chain));
        }

        int directions = chain.Count(link => link is Direction);
        if (directions > 1)
            throw new ArgumentException(Require.Say($"A chain has at most 1 direction; got {directions}."), nameof(chain));
        int clips = chain.Count(link => link is ClipByGlobalNorm), early = chain.TakeWhile(link => link is not Direction).Count(link => link is ClipByGlobalNorm);
        return clips <= 1 && clips == early
            ? chain
            : throw new ArgumentException(Require.Say($"A chain clips gradients at most once, before its direction; got {clips} clips, {early} of them before it."), nameof(chain));
    }
}
