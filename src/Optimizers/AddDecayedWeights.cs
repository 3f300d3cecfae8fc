namespace GroupRL.Optimizers;

/// <summary>
/// u′ = u + λθ, shape [d], unit of u. Its place is the convention. Before the <see cref="Direction"/> the decay enters
/// the moments: coupled, classical L2 (torch's SGD and Adam). After it, it does not: decoupled (arXiv:1711.05101; torch's
/// AdamW), and the step is θ − η(d + λθ).
/// </summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/{sgd,adam,adamw}.py; optax.add_decayed_weights. Departures: torch's AdamW multiplies θ by
/// (1 − ηλ) first and then subtracts ηd: the same in the reals, rounding apart. The paper of AdamW scales λ by a schedule
/// but not by the learning rate; here, as in torch, the decay per step is ηλ.
/// </remarks>
/// <param name="Lambda">λ ≥ 0, unit of the update per unit of θ.</param>
public record AddDecayedWeights(double Lambda) : Transform
{
    /// <summary>λ ≥ 0, unit of the update per unit of θ.</summary>
    public double Lambda { get; init => field = Require.FiniteAtLeastZero(value, nameof(Lambda)); }
        = Require.FiniteAtLeastZero(Lambda, nameof(Lambda));

    /// <inheritdoc/>
    public override Scaling Scaling => Lambda == 0
        ? Scaling.Proportional
        : new(ScaleLaw.Neither, "the decay term does not scale with the gradient");

    /// <summary>λ has the unit of the update per unit of θ: u and (λ/c)θ, times c.</summary>
    public override Rescaled? Under(double scale, int step) => new(this with { Lambda = Lambda / scale }, scale);

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        Require.Dimension(theta, update.Length, nameof(theta));
        double[] decayed = new double[update.Length];
        for (int j = 0; j < decayed.Length; j++)
            decayed[j] = update[j] + (Lambda * theta[j]);
        return (state, decayed);
    }
}
