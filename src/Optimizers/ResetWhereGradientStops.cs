using System.Collections.Immutable;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="ResetWhereGradientStops"/> remembers: a state of its own for each coordinate.</summary>
/// <param name="Coordinates">The states of the link within, shape [d].</param>
public sealed record ResetState(ImmutableArray<TransformState> Coordinates) : TransformState;

/// <summary>
/// A direction that forgets a coordinate when its gradient is exactly zero, and does not move it: u_j = 0 and a first state where g_j = 0, the
/// direction within elsewhere. A clipped token has a zero coefficient, so that momentum no longer carries what it alone moves past the clip;
/// as the state is a first one, the blindness to scale stays (momentum-reset-stops, docs/derivations/overshoot.md). A coupled decay before it is part
/// of the gradient, which is then hardly ever zero.
/// Derived here; no library has it.
/// </summary>
/// <param name="Within">The direction; one that moves each coordinate by itself.</param>
public sealed record ResetWhereGradientStops(Direction Within) : Direction
{
    /// <summary>The direction; one that moves each coordinate by itself.</summary>
    public Direction Within { get; init => field = Separate(value); } = Separate(Within);

    /// <inheritdoc/>
    public override Scaling Scaling => Within.Scaling;

    /// <inheritdoc/>
    public override Rescaled? Under(double scale, int step) =>
        // A coordinate is at a step of its own, so that only what is the same at all of them can be said.
        Within.StepsScaleAlike && Within.Under(scale, step) is (Direction within, var factor) ? new(this with { Within = within }, factor) : null;

    /// <inheritdoc/>
    public override bool Remembers => Within.Remembers;

    /// <summary>0 from the first zero gradient on.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) => ClosedForm.Zero;

    /// <inheritdoc/>
    public override double? TailRatio(int steps, int k) => 0;

    /// <summary>The largest bound of a history that is at most as long; null where one of them has none.</summary>
    public override double? Bound(int t) => Enumerable.Range(1, t).Select(Within.Bound).Aggregate((most, own) => most is { } one && own is { } other ? Math.Max(one, other) : null);

    /// <inheritdoc/>
    public override TransformState Initial(int dimension) =>
        new ResetState([.. Enumerable.Repeat(Within.Initial(1), Require.PositiveDimension(dimension))]);

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        var past = Own<ResetState>(state);
        Require.Dimension(update, past.Coordinates.Length, nameof(update));
        var first = Within.Initial(1);
        var next = new TransformState[update.Length];
        var direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            next[j] = first;
            if (update[j] == 0)
                continue;
            (next[j], var own) = Within.Apply(past.Coordinates[j], update.Slice(j, 1), theta.Slice(j, 1));
            direction[j] = own[0];
        }

        return (new ResetState([.. next]), direction);
    }

    private static Direction Separate(Direction within) => within is { CouplesCoordinates: false, TakesVectors: true }
        ? within
        : throw new ArgumentException(Require.Say($"A reset of coordinates needs a direction that moves each by itself; {within?.GetType().Name ?? "null"} does not."));
}
