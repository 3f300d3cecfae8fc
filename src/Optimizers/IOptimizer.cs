namespace GroupRL.Optimizers;

/// <summary>
/// An optimizer of which nothing is known but the trajectories it takes: a trainer's code, in any language. Every run starts from fresh state; it
/// must be deterministic, and may be asked by several threads at once.
/// </summary>
public interface IOptimizer
{
    /// <summary>What reports call it.</summary>
    string Name { get; }

    /// <summary>What it promises of itself; null where it does not say.</summary>
    OptimizerPromises? Promises => null;

    /// <summary>The optimizer of known links that it is; null where that is not known.</summary>
    Optimizer? Design => null;

    /// <summary>
    /// θ₁ … θ_T, shape [T, d], from θ₀ (<paramref name="theta"/>, shape [d]) under g₁ … g_T (<paramref name="gradients"/>, shape [T, d]), the
    /// gradients of a loss that is minimised.
    /// </summary>
    double[][] Run(double[] theta, double[][] gradients);
}
