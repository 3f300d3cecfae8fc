namespace GroupRL.Optimizers;

/// <summary>An optimizer of known links as one that is known by its trajectories alone.</summary>
public sealed class CatalogueOptimizer : IOptimizer
{
    private readonly Optimizer _optimizer;

    /// <summary>Of an optimizer that takes vectors; one of matrices is refused.</summary>
    public CatalogueOptimizer(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        _optimizer = optimizer.TakesVectors
            ? optimizer
            : throw new ArgumentException(Require.Say($"A run moves a vector; {optimizer.Id} moves matrices."), nameof(optimizer));
    }

    /// <inheritdoc/>
    public string Name => _optimizer.Id;

    /// <inheritdoc/>
    public OptimizerPromises? Promises => OptimizerPromiseNames.Of(_optimizer);

    /// <inheritdoc/>
    public Optimizer Design => _optimizer;

    /// <inheritdoc/>
    public double[][] Run(double[] theta, double[][] gradients)
    {
        ArgumentNullException.ThrowIfNull(theta);
        ArgumentNullException.ThrowIfNull(gradients);
        OptimizerState state = _optimizer.Initial(theta.Length);
        double[][] thetas = new double[gradients.Length][];
        for (int t = 0; t < thetas.Length; t++)
        {
            OptimizerStep step = _optimizer.Step(state, theta, gradients[t]);
            (state, theta) = (step.State, step.Theta);
            thetas[t] = theta;
        }

        return thetas;
    }
}
