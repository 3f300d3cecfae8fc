using BenchmarkDotNet.Attributes;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Policies;

namespace GroupRL.Bench;

/// <summary>Time for each group of an exact expectation over the 3,060 groups of 4 of 15 completions.</summary>
[MemoryDiagnoser, OperationsPerSecond]
public class EnumerationBenchmarks
{
    private const int Groups = 3060;

    private static readonly TinyCase Case = AlignmentCases.Fixed.OnePrompt;

    [Params("rloo", "grpo", "dapo", "gspo", "gtpo", "kl-cov")]
    public string Objective { get; set; } = "";

    [Benchmark(OperationsPerInvoke = Groups)]
    public ExpectedGradient Enumerate() => ExpectedGradient.Of(Catalogue.Find(Objective)!.Objective, Case.Prompts);
}
