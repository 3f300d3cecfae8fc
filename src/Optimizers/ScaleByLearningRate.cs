namespace GroupRL.Optimizers;

/// <summary>
/// u′ = −ηu, shape [d], unit of θ: the last link, after which θ ← θ + u′ descends the loss. Source: optax.scale_by_learning_rate.
/// Constant: a schedule is another chain for each step (<c>with</c>), over the same state.
/// </summary>
/// <param name="Eta">η ≥ 0, unit of θ per unit of the update.</param>
public record ScaleByLearningRate(double Eta) : Transform
{
    /// <summary>η ≥ 0, unit of θ per unit of the update.</summary>
    public double Eta { get; init => field = Require.FiniteAtLeastZero(value, nameof(Eta)); }
        = Require.FiniteAtLeastZero(Eta, nameof(Eta));

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        double[] step = new double[update.Length];
        for (int j = 0; j < step.Length; j++)
            step[j] = -Eta * update[j];
        return (state, step);
    }
}
