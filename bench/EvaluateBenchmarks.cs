using BenchmarkDotNet.Attributes;
using GroupRL.Objectives;

namespace GroupRL.Bench;

/// <summary>
/// Tokens per second of the definition and of its evaluation over vectors, for every kernel, as ratios to a plain copy of the 32 bytes a token that GRPO with a
/// KL penalty must read and write.
/// </summary>
[MemoryDiagnoser, OperationsPerSecond]
public class EvaluateBenchmarks
{
    private const int Tokens = 1 << 20;

    private readonly Workspace _workspace = new();
    private readonly double[] _coefficients = new double[Tokens];
    private readonly double[] _source = new double[2 * Tokens];
    private readonly double[] _target = new double[2 * Tokens];
    private readonly RolloutBatch _batch = KernelCases.Batch(Tokens);
    private SurrogateObjective _objective = null!;
    private VectorEvaluator _vectors = null!;

    public static IEnumerable<string> Kernels => KernelCases.All.Select(kernel => kernel.Name);

    [ParamsSource(nameof(Kernels))]
    public string Kernel { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _objective = KernelCases.All.Single(kernel => kernel.Name == Kernel).Objective;
        _vectors = new(_objective);
    }

    /// <summary>Copies 16 bytes a token, which moves 32.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Tokens)]
    public void MemoryCopy() => _source.CopyTo(_target, 0);

    [Benchmark(OperationsPerInvoke = Tokens)]
    public double Definition() => _objective.Evaluate(_batch, _batch[Column.Logp], _coefficients, _workspace);

    [Benchmark(OperationsPerInvoke = Tokens)]
    public double Vectors() => _vectors.Evaluate(_batch, _coefficients);
}
