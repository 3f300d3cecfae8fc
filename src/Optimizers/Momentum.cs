using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>What <see cref="Momentum"/> remembers.</summary>
/// <param name="Step">t, the number of gradients seen.</param>
/// <param name="Buffer">b_t, shape [d], unit of the gradient; zero before the first step.</param>
public sealed record MomentumState(int Step, ImmutableArray<double> Buffer) : TransformState;

/// <summary>
/// b₁ = g₁, b_t = μ b_{t−1} + (1 − d) g_t; u_t = b_t, or with Nesterov u_t = g_t + μ b_t. Shape [d], unit of the gradient.
/// </summary>
/// <remarks>
/// Source: torch 1.13.1, torch/optim/sgd.py, _single_tensor_sgd. The first buffer is g₁ itself and not (1 − d) g₁, as in torch.
/// Departures: Sutskever et al. (ICML 2013) put the learning rate inside the buffer, which differs once η changes; torch admits
/// μ ≥ 1, which never forgets, and is refused here. After the gradient stops at T, u_{T+k} = μᵏ b_T (Nesterov: μᵏ⁺¹ b_T).
/// </remarks>
/// <param name="Mu">μ, in [0, 1).</param>
/// <param name="Dampening">d, in [0, 1].</param>
/// <param name="Nesterov">Whether to look ahead; as in torch, only without dampening.</param>
public record Momentum(double Mu, double Dampening = 0, bool Nesterov = false) : Direction
{
    /// <summary>μ, in [0, 1).</summary>
    public double Mu { get; init => field = Require.InUnitInterval(value, nameof(Mu)); }
        = Require.InUnitInterval(Mu, nameof(Mu));

    /// <summary>d, in [0, 1]: every gradient after the first enters the buffer with the weight 1 − d.</summary>
    public double Dampening { get; init => field = Undamped(Require.InClosedUnitInterval(value, nameof(Dampening)), Nesterov); }
        = Undamped(Require.InClosedUnitInterval(Dampening, nameof(Dampening)), Nesterov);

    /// <summary>Whether u_t = g_t + μ b_t instead of b_t. In a <c>with</c>, clear the dampening first.</summary>
    public bool Nesterov
    {
        get;
        init
        {
            Undamped(Dampening, value);
            field = value;
        }
    } = Nesterov;

    /// <inheritdoc/>
    public override TransformState Initial(int dimension) =>
        new MomentumState(0, [.. new double[Require.PositiveDimension(dimension)]]);

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        MomentumState past = Own<MomentumState>(state);
        Require.Dimension(update, past.Buffer.Length, nameof(update));

        double[] buffer = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < buffer.Length; j++)
        {
            buffer[j] = past.Step == 0 ? update[j] : (Mu * past.Buffer[j]) + ((1 - Dampening) * update[j]);
            direction[j] = Nesterov ? update[j] + (Mu * buffer[j]) : buffer[j];
        }

        return (new MomentumState(past.Step + 1, ImmutableCollectionsMarshal.AsImmutableArray(buffer)), direction);
    }

    /// <inheritdoc/>
    public override Scaling Scaling => Scaling.Proportional;

    /// <inheritdoc/>
    public override bool Remembers => Mu > 0;

    /// <summary>μᵏ; with Nesterov the last step holds g_T besides, and the ratio depends on it.</summary>
    public override double? TailRatio(int steps, int k) => Nesterov && Mu > 0 ? null : Math.Pow(Mu, k);

    /// <summary>μᵏ·b_T, with Nesterov μᵏ⁺¹·b_T, b_T = μ^(T−1) g₁ + (1 − d) Σ_{s&gt;1} μ^(T−s) gₛ.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k)
    {
        double[] weighted = gradients.ToArray();
        for (int s = 1; s < weighted.Length; s++)
            weighted[s] *= 1 - Dampening;
        ClosedForm buffer = ClosedSums.Sum(Mu, 1, weighted);
        return (buffer with { Roundings = buffer.Roundings + (2 * k) }).Times(Math.Pow(Mu, Nesterov ? k + 1 : k));
    }

    private static double Undamped(double dampening, bool nesterov) =>
        nesterov && dampening != 0
            ? throw new ArgumentException(
                Require.Say($"Nesterov momentum needs zero dampening; got {dampening}."), nameof(dampening))
            : dampening;
}
