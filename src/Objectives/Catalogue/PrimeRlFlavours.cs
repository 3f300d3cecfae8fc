using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// prime-rl's losses, whose behaviour policy is the sampling engine itself: A = R − R̄, mean over all tokens of the batch, no hard clip
/// of the ratio but a mask of tokens. PrimeIntellect-ai/prime-rl @ 559b4477, src/prime_rl/trainer/rl/loss.py.
/// </summary>
public static class PrimeRlFlavours
{
    private const string Source = "PrimeIntellect-ai/prime-rl @ 559b4477";

    /// <summary>kl_tau·x² as a penalty on k2 = x²/2: β = 2·kl_tau.</summary>
    /// <param name="tau">kl_tau; 1e−3 by default.</param>
    public static Regulariser SquaredLogRatio(double tau) => new KlPenalty(KlEstimator.K2, 2 * tau) { Against = Column.OldLogp };

    /// <summary>default_loss_fn: r·A inside the total-variation region of 0.2, and 1e−3·(log r)² on every token.</summary>
    public static SurrogateObjective Default { get; } =
        new(TrlFlavours.Unscaled, new TokenRatio(new Unclipped()), new BatchTokenMean())
        {
            Correction = new TotalVariationRegion(0.2, 0.2),
            Regularisers = [SquaredLogRatio(1e-3)],
        };

    /// <summary>ipo_loss_fn: the region is |p − q| ≤ 0.1, whatever the sign of A.</summary>
    public static SurrogateObjective Ipo { get; } = Default with { Correction = new ProbabilityRegion(0.1) };

    /// <summary>compute_loss of October 2025 (@ ce9217b2): min(r, 8)·A with the clamp differentiated, without a region or a penalty.</summary>
    public static SurrogateObjective Aipo { get; } =
        new(TrlFlavours.Unscaled, new TokenRatio(new Clip(0, 8, 8)), new BatchTokenMean());

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("prime-rl:default", Default, "mean over all tokens of r A where p − q ≤ 0.2 (A > 0) or ≥ −0.2 (else), minus 1e−3 (log r)²", Source, "dppo without a cap on the ratio, with a squared log-ratio"),
        new("prime-rl:ipo", Ipo, "mean over all tokens of r A where |p − q| ≤ 0.1, minus 1e−3 (log r)²", Source, "the region does not look at the sign of A"),
        new("prime-rl:aipo", Aipo, "mean over all tokens of min(r, 8) A, no gradient beyond", "PrimeIntellect-ai/prime-rl @ ce9217b2", "δ = 8; the clamp is differentiated"),
    ];
}
