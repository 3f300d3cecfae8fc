using System.Runtime.InteropServices;

namespace GroupRL.Optimizers;

/// <summary>
/// Signum: m_t = βm_{t−1} + (1−β)g_t, u = sign(m_t); with β = 0 signSGD, u = sign(g_t). Shape [d], each entry −1, 0 or 1.
/// </summary>
/// <remarks>
/// Source: arXiv:1802.04434, algorithms 1 and 2. With β = 0 it stops with its gradient; with β &gt; 0 it never stops: u =
/// sign(m_T) at every step after T, until m underflows.
/// </remarks>
/// <param name="Beta">β, in [0, 1).</param>
public record ScaleBySign(double Beta = 0) : Direction
{
    /// <summary>β, in [0, 1).</summary>
    public double Beta { get; init => field = Require.InUnitInterval(value, nameof(Beta)); }
        = Require.InUnitInterval(Beta, nameof(Beta));

    /// <inheritdoc/>
    public override Scaling Scaling => new(ScaleLaw.Invariant, "a sign has no scale");

    /// <inheritdoc/>
    public override bool Remembers => Beta > 0;

    /// <summary>1.</summary>
    public override double? Bound(int t) => 1;

    /// <summary>Any: equal gradients.</summary>
    public override double[]? Extreme(int t) => [.. Enumerable.Repeat(1.0, t)];

    /// <summary>1 for ever, or 0 without memory.</summary>
    public override double? TailRatio(int steps, int k) => Beta > 0 ? 1 : 0;

    /// <summary>sign(βᵏm_T), m_T = (1−β) Σ β^(T−s) gₛ.</summary>
    public override ClosedForm? Tail(ReadOnlySpan<double> gradients, int k) =>
        ClosedSums.Mean(Beta, gradients).Times(Math.Pow(Beta, k)).Sign();

    /// <inheritdoc/>
    public override TransformState Initial(int dimension) => new SignState([.. new double[Require.PositiveDimension(dimension)]]);

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
    {
        SignState past = Own<SignState>(state);
        Require.Dimension(update, past.Mean.Length, nameof(update));

        double[] mean = new double[update.Length];
        double[] direction = new double[update.Length];
        for (int j = 0; j < update.Length; j++)
        {
            mean[j] = (Beta * past.Mean[j]) + ((1 - Beta) * update[j]);
            direction[j] = Math.Sign(mean[j]);
        }

        return (new SignState(ImmutableCollectionsMarshal.AsImmutableArray(mean)), direction);
    }
}
