namespace GroupRL.Optimizers;

/// <summary>What one link of a chain remembers between two steps. Immutable: it can be kept, shared and replayed.</summary>
public abstract record TransformState;

/// <summary>The state of a link that remembers nothing.</summary>
public sealed record Stateless : TransformState
{
    private Stateless()
    {
    }

    /// <summary>The only value.</summary>
    public static Stateless Instance { get; } = new();
}

/// <summary>
/// One link of an optimizer: (state, u [d], θ [d]) ↦ (state′, u′ [d]), a pure function. Source: the gradient transformations of
/// optax (<c>optax.chain</c>). Departure: optax works on trees of arrays, this on one flat vector of float64.
/// </summary>
/// <remarks>The concrete links are open to inheritance for one purpose: a test puts a wrong rule under a right name.</remarks>
public abstract record Transform
{
    /// <summary>The state before the first step, for <paramref name="dimension"/> parameters.</summary>
    public virtual TransformState Initial(int dimension)
    {
        Require.PositiveDimension(dimension);
        return Stateless.Instance;
    }

    /// <summary>The state before the first step, for parameters of a shape; most links see the flat vector alone.</summary>
    public virtual TransformState Initial(ParameterShape shape) => Initial(shape.Size);

    /// <summary>What the link makes of updates that are all scaled; the default is that of a link linear in them.</summary>
    public virtual Scaling Scaling => Scaling.Proportional;

    /// <summary>Whether a coordinate's update may depend on other coordinates, as under a norm.</summary>
    public virtual bool CouplesCoordinates => false;

    /// <summary>Whether the link takes a vector; one that does not needs a matrix.</summary>
    public virtual bool TakesVectors => true;

    /// <summary>
    /// The next state, and the update handed to the next link, shape [d]. Pure: the arguments are never changed and the
    /// returned array is fresh. <paramref name="theta"/> is the parameter vector before the step.
    /// </summary>
    public abstract (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta);

    /// <summary>
    /// The state as the type that this link made in <see cref="Initial(int)"/>; another link's state is refused.
    /// </summary>
    protected TState Own<TState>(TransformState state) where TState : TransformState =>
        state as TState ?? throw new ArgumentException(
            Require.Say($"{GetType().Name} needs its own {typeof(TState).Name}; got {state?.GetType().Name ?? "null"}."),
            nameof(state));
}

/// <summary>
/// A link that turns gradients into a direction, mostly by what it remembers of them: momentum, Adam. Weight decay before it
/// enters that memory (coupled), after it does not (decoupled). A chain has at most one.
/// </summary>
public abstract record Direction : Transform
{
    /// <inheritdoc/>
    public abstract override Scaling Scaling { get; }

    /// <summary>
    /// u_{T+k} of one coordinate, k ≥ 1, when g₁ … g_T are followed by zeros: a closed form over the history, apart from the
    /// recurrence in <see cref="Transform.Apply"/>. Null where there is none coordinate by coordinate.
    /// </summary>
    public abstract ClosedForm? Tail(ReadOnlySpan<double> gradients, int k);

    /// <summary>
    /// The same of all coordinates, <paramref name="gradients"/> being [d, T]: by default each by itself. Null where the link
    /// says nothing.
    /// </summary>
    public virtual ClosedForm[]? Tails(double[][] gradients, ParameterShape shape, int k)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ClosedForm?[] each = [.. gradients.Select(own => Tail(own, k))];
        return each.Contains(null) ? null : [.. each.Select(own => own!.Value)];
    }
}
