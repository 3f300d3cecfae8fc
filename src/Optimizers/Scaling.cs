namespace GroupRL.Optimizers;

/// <summary>How an update answers when every gradient, from the first step on, is multiplied by c &gt; 0 at the same θ.</summary>
public enum ScaleLaw
{
    /// <summary>u(c·g) = c·u(g).</summary>
    Proportional,

    /// <summary>u(c·g) = u(g).</summary>
    Invariant,

    /// <summary>u(c·g; ε) = u(g; ε/c): invariant as far as ε is small beside the gradients.</summary>
    UpToEpsilon,

    /// <summary>None of these.</summary>
    Neither,
}

/// <summary>
/// What a link makes of updates that are scaled, and why: what it promises, so that claims can predict an optimizer that they
/// have never seen. All laws are exact at c = 2ᵏ, barring overflow and underflow.
/// </summary>
/// <param name="Law">The law.</param>
/// <param name="Because">Why, as the second half of a sentence.</param>
public sealed record Scaling(ScaleLaw Law, string Because)
{
    /// <summary>Of a link that is linear in the updates.</summary>
    public static Scaling Proportional { get; } = new(ScaleLaw.Proportional, "linear in the gradients");
}
