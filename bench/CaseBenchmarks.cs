using System.Collections.Immutable;
using BenchmarkDotNet.Attributes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Bench;

/// <summary>Where a case's time goes: the whole of it, and each of its parts alone on the same kind of cases. What the parts leave is bookkeeping and cold caches.</summary>
[MemoryDiagnoser]
public class CaseBenchmarks
{
    private const int Cases = 1000;

    private static readonly SurrogateObjective Objective = Catalogue.DrGrpo;

    private static readonly ImmutableArray<ObjectiveClaim> Claims = [Prefix.Neutrality, Clipping.ZeroCoefficient, Contract.GradientConsistency];

    private ObjectiveClaim _claim = Prefix.Neutrality;
    private Domain<RolloutBatch> _domain = null!;
    private ImmutableArray<Corner<RolloutBatch>> _corners;
    private RolloutBatch[] _batches = [];
    private Rollout[][][] _rollouts = [];

    public static IEnumerable<string> Ids => Claims.Select(claim => claim.Id);

    [ParamsSource(nameof(Ids))]
    public string Claim { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _claim = Claims.Single(claim => claim.Id == Claim);
        _domain = _claim.Domain(Objective);
        _corners = _domain.Corners;
        _batches = [.. Enumerable.Range(0, Cases).Select(k => _domain.Build(DrawOf(k)))];
        _rollouts = [.. _batches.Select(batch => batch.ToRollouts().Select(group => group.ToArray()).ToArray())];
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Cases)]
    public Verdict Whole() => _claim.Judge(Objective, "dr-grpo", new Profile(Cases));

    /// <summary>The engine's own share: seeds, sizes and its plumbing, around a case and a property of nothing.</summary>
    [Benchmark(OperationsPerInvoke = Cases)]
    public Search<int> EngineAlone() => Falsifier.Run(new Nothing(), _ => true, _ => true, seed: 1, Cases);

    [Benchmark(OperationsPerInvoke = Cases)]
    public int BuildAlone()
    {
        int tokens = 0;
        for (int k = 0; k < Cases; k++)
            tokens += _domain.Build(DrawOf(k)).Tokens;
        return tokens;
    }

    /// <summary>The part of building that checks rollouts and lays them out flat.</summary>
    [Benchmark(OperationsPerInvoke = Cases)]
    public int BatchAlone()
    {
        int tokens = 0;
        foreach (var rollouts in _rollouts)
            tokens += RolloutBatch.Of(rollouts).Tokens;
        return tokens;
    }

    [Benchmark(OperationsPerInvoke = Cases)]
    public int CornersAlone()
    {
        int reached = 0;
        foreach (var batch in _batches)
        {
            foreach (var corner in _corners)
                reached += corner.Contains(batch) ? 1 : 0;
        }

        return reached;
    }

    [Benchmark(OperationsPerInvoke = Cases)]
    public int MeasureAlone()
    {
        int kept = 0;
        foreach (var batch in _batches)
            kept += _claim.MeasureWithin(Objective, batch).Holds ? 1 : 0;
        return kept;
    }

    // Sizes rise from 0 to 99 over and over, as the engine's do once over a run.
    private static Draw DrawOf(int k) => new((ulong)k, k % 100);

    private sealed record Nothing : Domain<int>
    {
        public override ImmutableArray<Corner<int>> Corners => [];

        public override int Build(Draw draw) => draw.Size;

        public override IEnumerable<int> Shrink(int value) => [];
    }
}
