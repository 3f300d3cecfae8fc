using System.Collections.Immutable;

namespace GroupRL.Optimizers;

/// <summary>
/// What an optimizer promises of its design, so that no law accuses it of what it never claimed. The first three are assumed unless it says
/// otherwise: <see cref="Sound"/>.
/// </summary>
[Flags]
public enum OptimizerPromises
{
    /// <summary>Nothing but what needs no promise.</summary>
    None = 0,

    /// <summary>From θ₀ = 0 the first step moves no coordinate along its own gradient; a matrix of curvature may.</summary>
    Descends = 1 << 0,

    /// <summary>All coordinates are treated alike.</summary>
    Symmetric = 1 << 1,

    /// <summary>Negated parameters and gradients negate the way.</summary>
    Odd = 1 << 2,

    /// <summary>A coordinate's way depends on its own gradients alone; a clip by the global norm, Adafactor and Muon do not promise it.</summary>
    Separable = 1 << 3,

    /// <summary>Steps do not depend on θ: no weight decay, and no step in proportion to θ (Adafactor's).</summary>
    NoDecay = 1 << 4,

    /// <summary>What is assumed of an optimizer that does not say.</summary>
    Sound = Descends | Symmetric | Odd,
}

/// <summary>Promises by the words that files and command lines call them.</summary>
public static class OptimizerPromiseNames
{
    /// <summary>Every single promise and its word.</summary>
    public static ImmutableArray<(OptimizerPromises Promise, string Word)> Words { get; } =
    [
        (OptimizerPromises.Descends, "descends"),
        (OptimizerPromises.Symmetric, "symmetric"),
        (OptimizerPromises.Odd, "odd"),
        (OptimizerPromises.Separable, "separable"),
        (OptimizerPromises.NoDecay, "no-decay"),
    ];

    /// <summary>Each promise of <paramref name="promises"/> as a word.</summary>
    public static IEnumerable<string> InWords(this OptimizerPromises promises) =>
        Words.Where(known => promises.HasFlag(known.Promise)).Select(known => known.Word);

    /// <summary>What an optimizer of known links promises.</summary>
    public static OptimizerPromises Of(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        bool readsTheta = optimizer.CoupledDecay + optimizer.DecoupledDecay > 0 || optimizer.Link<ScaleByAdafactor>() is not null;
        return OptimizerPromises.Sound
            | (optimizer.CouplesCoordinates ? OptimizerPromises.None : OptimizerPromises.Separable)
            | (readsTheta ? OptimizerPromises.None : OptimizerPromises.NoDecay);
    }
}
