using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>OpenKimi's policy mirror descent, A = R − R̄. horizon-rl/OpenKimi @ 3126d4c8, openkimi/pmd/core_algos.py.</summary>
public static class OpenKimiFlavours
{
    private const string Source = "horizon-rl/OpenKimi @ 3126d4c8";

    /// <summary>loss_agg_mode="seq-mean-token-mean": ½τ(A/τ − S)²/n, mean over rows, τ = 0.01.</summary>
    public static SurrogateObjective Opmd { get; } =
        new(TrlFlavours.Unscaled, new LogRatioRegression(0.01), new RowMean { Averaged = Average.OverRows });

    /// <summary>loss_agg_mode="seq-mean-token-sum-norm": over the padded width T instead of n.</summary>
    public static SurrogateObjective OpmdSumNorm { get; } = Opmd with { Weight = new PaddedRowSum { Averaged = Average.OverRows } };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("openkimi:opmd", Opmd, "minus the mean over rows of ½τ (A/τ − S)²/n, τ = 0.01, S = Σ log r, A = R − mean", Source, "each row over its length"),
        new("openkimi:opmd-sum-norm", OpmdSumNorm, "minus the mean over rows of ½τ (A/τ − S)²/T, T the longest row", Source, "each row over the padded width"),
    ];
}
