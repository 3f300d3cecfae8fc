using System.Text.Json.Serialization;

namespace GroupRL.Optimizers;

/// <summary>What one link of a chain remembers between two steps. Immutable: it can be kept, shared, stored as JSON and replayed.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "link")]
[JsonDerivedType(typeof(Stateless), "stateless")]
[JsonDerivedType(typeof(AdadeltaState), "adadelta")]
[JsonDerivedType(typeof(AdafactorState), "adafactor")]
[JsonDerivedType(typeof(AdagradState), "adagrad")]
[JsonDerivedType(typeof(AdamState), "adam")]
[JsonDerivedType(typeof(AdamaxState), "adamax")]
[JsonDerivedType(typeof(MomentumState), "momentum")]
[JsonDerivedType(typeof(MuonState), "muon")]
[JsonDerivedType(typeof(NAdamState), "nadam")]
[JsonDerivedType(typeof(RAdamState), "radam")]
[JsonDerivedType(typeof(RmsState), "rms")]
[JsonDerivedType(typeof(ResetState), "reset")]
[JsonDerivedType(typeof(SignState), "sign")]
public abstract record TransformState;

/// <summary>The state of a link that remembers nothing.</summary>
public sealed record Stateless : TransformState
{
    [JsonConstructor]
    private Stateless()
    {
    }

    /// <summary>The only value.</summary>
    public static Stateless Instance { get; } = new();
}

/// <summary>A link as scaled updates see it: u_link(c·x; θ) = Factor·u_Link(x; θ), bit for bit at c = 2ᵏ, barring overflow and underflow.</summary>
/// <param name="Link">The link, each of its constants that has a unit rescaled.</param>
/// <param name="Factor">How many times as large its update is.</param>
public readonly record struct Rescaled(Transform Link, double Factor);

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

    /// <summary>Whether what <see cref="Under"/> says is the same at all steps.</summary>
    public virtual bool StepsScaleAlike => true;

    /// <summary>The state before the first step, for parameters of a shape; most links see the flat vector alone.</summary>
    public virtual TransformState Initial(ParameterShape shape) => Initial(shape.Size);

    /// <summary>What the link makes of updates that are all scaled; the default is that of a link linear in them.</summary>
    public virtual Scaling Scaling => Scaling.Proportional;

    /// <summary>
    /// What scaled updates make of the link, by the units of its constants: on updates that are all <paramref name="scale"/> times as large
    /// it is another link on unscaled ones, times a factor. A link with memory is the same other link at every step; its factor may depend
    /// on <paramref name="step"/>, counted from 1. Null where the link does not say.
    /// </summary>
    public virtual Rescaled? Under(double scale, int step) => Scaling.Law switch
    {
        ScaleLaw.Proportional => new(this, scale),
        ScaleLaw.Invariant => new(this, 1),
        _ => null,
    };

    /// <summary>Whether an update may depend on earlier ones.</summary>
    public virtual bool Remembers => false;

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

    /// <summary>As far as the link says nothing else, it remembers.</summary>
    public override bool Remembers => true;

    /// <summary>
    /// U(t): no t gradients, whatever they are, make |u_t| of a coordinate larger. Scalar, unit of u. Null where no such number follows from
    /// the settings alone.
    /// </summary>
    public virtual double? Bound(int t) => null;

    /// <summary>The same for parameters of a shape; most links see coordinates alone.</summary>
    public virtual double? Bound(int t, ParameterShape shape) => Bound(t);

    /// <summary>
    /// g₁ … g_t of one coordinate, up to a common factor, on which |u_t| comes as near to <see cref="Bound(int)"/> as is known, the more so the
    /// larger the factor is beside ε; null where no construction is known.
    /// </summary>
    public virtual double[]? Extreme(int t) => null;

    /// <summary>The same of all coordinates, shape [d, t]: by default every coordinate takes the one history.</summary>
    public virtual double[][]? Extremes(int t, ParameterShape shape) =>
        Extreme(t) is { } own ? [.. Enumerable.Repeat(own, shape.Size)] : null;

    /// <summary>
    /// u_{T+k}/u_T, k ≥ 1, when g₁ … g_T are followed by zeros and ε is negligible; an ε that is not makes it smaller, never larger. Null
    /// where it depends on the history.
    /// </summary>
    public virtual double? TailRatio(int steps, int k) => null;
}
