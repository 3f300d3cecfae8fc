namespace GroupRL.Optimizers;

/// <summary>A direction with an ε in a denominator.</summary>
/// <param name="Epsilon">ε ≥ 0; its unit is the link's to say.</param>
public abstract record Guarded(double Epsilon) : Direction
{
    /// <summary>ε ≥ 0; unit of the gradient unless the link says otherwise.</summary>
    public double Epsilon { get; init => field = Require.FiniteAtLeastZero(value, nameof(Epsilon)); }
        = Require.FiniteAtLeastZero(Epsilon, nameof(Epsilon));

    /// <inheritdoc/>
    public override Rescaled? Under(double scale, int step) =>
        Scaling.Law == ScaleLaw.UpToEpsilon ? new(this with { Epsilon = Epsilon / scale }, 1) : base.Under(scale, step);

    /// <summary>The scaling of a link in which ε has the unit of the gradient and everything else scales.</summary>
    protected Scaling UpToEpsilon(string because) =>
        Epsilon == 0 ? new(ScaleLaw.Invariant, "without ε the gradients' scale cancels") : new(ScaleLaw.UpToEpsilon, because);
}
