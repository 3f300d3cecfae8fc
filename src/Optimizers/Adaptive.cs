namespace GroupRL.Optimizers;

/// <summary>A direction that divides by a root of second moments which an ε guards.</summary>
/// <param name="Epsilon">ε ≥ 0; its unit is the link's to say.</param>
public abstract record Adaptive(double Epsilon) : Guarded(Epsilon)
{
    /// <summary>
    /// √v̂_T of one coordinate after these gradients: the root without ε, unit of the gradient, as a closed form over the
    /// history.
    /// </summary>
    public abstract ClosedForm Root(ReadOnlySpan<double> gradients);

    /// <summary>
    /// Why u_T is not a quotient n/(√v̂_T + ε) in which n and √v̂_T scale with the gradients, as the second half of a sentence;
    /// null where it is.
    /// </summary>
    public virtual string? NoSimpleQuotient => null;
}
