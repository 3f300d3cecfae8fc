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

    /// <summary>The leave-one-out soft maximum as the baseline, τ = 0.01 in both places: compute_partition_loo_outcome_advantage.</summary>
    public static SurrogateObjective Ploo { get; } = Opmd with
    {
        Advantage = new PartitionBaseline(0.01) { Floor = 1e-8, Equal = EqualRewards.AreComputed, Lone = LoneReward.IsKept },
    };

    /// <summary>Every flavour, under its id.</summary>
    public static ImmutableArray<CatalogueEntry> All { get; } =
    [
        new("openkimi:opmd", Opmd, "minus the mean over rows of ½τ (A/τ − S)²/n, τ = 0.01, S = Σ log r, A = R − mean", Source, "each row over its length"),
        new("openkimi:ploo", Ploo, "openkimi:opmd with A = R − τ log mean of exp(R/τ) over the others, that mean at least 1e−8", Source, "leave-one-out, and bounded"),
        new("openkimi:opmd-sum-norm", OpmdSumNorm, "minus the mean over rows of ½τ (A/τ − S)²/T, T the longest row", Source, "each row over the padded width"),
    ];
}
