using BenchmarkDotNet.Attributes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Bench;

/// <summary>
/// Time for each case of a property: generation, check and bookkeeping, as a ratio to evaluating the objective alone on one small batch.
/// Cases per second are the inverse of the mean.
/// </summary>
[OperationsPerSecond]
public class FalsifyBenchmarks
{
    private const int Cases = 1000;

    private static readonly RolloutBatch Small = RolloutBatch.Of(
    [
        [
            new() { Reward = 1, Logps = [-1, -2], OldLogps = [-1, -2], Tokens = [0, 1] },
            new() { Reward = 0, Logps = [-1, -2, -3], OldLogps = [-1, -2, -3], Tokens = [0, 2, 1] },
            new() { Reward = 0, Logps = [-1], OldLogps = [-1], Tokens = [0] },
        ],
    ]);

    [Benchmark(Baseline = true)]
    public double EvaluateAlone() => Catalogue.DrGrpo.Evaluate(Small).Value;

    [Benchmark(OperationsPerInvoke = Cases)]
    public Verdict PrefixNeutrality() => Prefix.Neutrality.Judge(Catalogue.DrGrpo, "dr-grpo", new Profile(Cases));

    [Benchmark(OperationsPerInvoke = Cases)]
    public Verdict ClipZeroCoefficient() => Clipping.ZeroCoefficient.Judge(Catalogue.DrGrpo, "dr-grpo", new Profile(Cases));

    [Benchmark(OperationsPerInvoke = Cases)]
    public Verdict GradientConsistency() => Contract.GradientConsistency.Judge(Catalogue.DrGrpo, "dr-grpo", new Profile(Cases));
}
