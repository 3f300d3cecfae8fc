using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>
/// What Adam's two decay rates alone say of its updates u = m̂/√v̂ (ε = 0, no weight decay), for every gradient history.
/// arXiv:2601.05002, appendix C–D; the forms with bias corrections are derived in docs/derivations/overshoot.md.
/// </summary>
/// <param name="Beta1">β₁ in [0, 1).</param>
/// <param name="Beta2">β₂ in (β₁², 1): only then are updates bounded and does the tail end.</param>
public sealed record AdamBounds(double Beta1, double Beta2)
{
    /// <summary>β₁.</summary>
    public double Beta1 { get; } = Beta1 is >= 0 and < 1
        ? Beta1
        : throw InvalidInputException.Because($"β₁ must be at least 0 and below 1; got {Beta1}.");

    /// <summary>β₂.</summary>
    public double Beta2 { get; } = Beta2 < 1 && Beta2 > Beta1 * Beta1
        ? Beta2
        : throw InvalidInputException.Because($"β₂ must be above β₁² = {Beta1 * Beta1} and below 1, or updates have no bound; got {Beta2}.");

    private readonly ScaleByAdam _adam = new(Beta1, Beta2, Epsilon: 0);

    /// <summary>ρ = β₁/√β₂, by which an update shrinks with each further step once the bias corrections are gone.</summary>
    public double Decay => Beta1 / Math.Sqrt(Beta2);

    /// <summary>
    /// U(t) = (1−β₁)/√(1−β₂) · √((1−qᵗ)/(1−q)) · √(1−β₂ᵗ)/(1−β₁ᵗ), q = β₁²/β₂: the largest |u_t|, attained by gₛ ∝ (β₁/β₂)^(t−s).
    /// </summary>
    public double LargestUpdate(int t) => _adam.Bound(t)!.Value;

    /// <summary>U(∞).</summary>
    public double LargestUpdateLimit => (1 - Beta1) / Math.Sqrt((1 - Beta2) * (1 - (Decay * Decay)));

    /// <summary>|u_{T+k}|/|u_T| where gradients are zero after step T: ρᵏ · (1−β₁ᵀ)/(1−β₁ᵀ⁺ᵏ) · √((1−β₂ᵀ⁺ᵏ)/(1−β₂ᵀ)).</summary>
    public double Tail(int t, int k) => _adam.TailRatio(t, k)!.Value;

    /// <summary>tail_K(T) = Σ_{k=1}^{K} |u_{T+k}|/|u_T|, in steps' worth of u_T; the terms below rounding are left out.</summary>
    public double TailTotal(int t, int steps = int.MaxValue)
    {
        double total = 0;
        for (int k = 1; k <= steps; k++)
        {
            double term = Tail(t, k);
            total += term;
            if (term <= 1e-17 * total)
                break;
        }

        return total;
    }

    /// <summary>tail_∞(∞) = ρ/(1−ρ).</summary>
    public double TailTotalLimit => Decay / (1 - Decay);

    /// <summary>The T ≤ <paramref name="longest"/> with the largest tail_∞(T), and that total.</summary>
    public (int T, double Total) WorstTail(int longest) => Enumerable.Range(1, longest).Select(t => (t, TailTotal(t))).MaxBy(worst => worst.Item2);

    /// <summary>(1 + tail_∞(∞))·U(∞), the bracket of the overshoot bound for a history without end.</summary>
    public double BracketLimit => (1 + TailTotalLimit) * LargestUpdateLimit;

    /// <summary>
    /// max_{1≤T≤N} (1 + tail_{N−T}(T))·U(T): of N inner steps from a fresh state, what the one at T that leaves the clip region and
    /// all that follow it can move a logit, in units of η.
    /// </summary>
    public double Bracket(int innerSteps) => innerSteps >= 1
        ? Enumerable.Range(1, innerSteps).Max(t => (1 + TailTotal(t, innerSteps - t)) * LargestUpdate(t))
        : throw InvalidInputException.Because($"A bracket is over at least 1 inner step; got {innerSteps}.");

    /// <summary>(1+ε)·exp(2η·bracket): the largest ratio within N inner steps of a tabular softmax, since |Δ log π| ≤ 2‖Δz‖∞.</summary>
    public double LargestRatio(double learningRate, int innerSteps, double clip) => (1 + clip) * Math.Exp(2 * learningRate * Bracket(innerSteps));
}
