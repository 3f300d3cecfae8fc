using BenchmarkDotNet.Attributes;
using GroupRL.Objectives;

namespace GroupRL.Bench;

/// <summary>Tokens per second of an evaluation, as a ratio to a plain copy of the bytes that it must read and write.</summary>
[MemoryDiagnoser, OperationsPerSecond]
public class EvaluateBenchmarks
{
    private const int Groups = 16;
    private const int Rows = 8;
    private const int Length = 1024;

    private readonly Workspace _workspace = new();
    private RolloutBatch _batch = null!;
    private double[] _coefficients = [];
    private double[] _source = [];
    private double[] _target = [];

    [Params("grpo", "grpo-k3", "dr-grpo", "gspo", "cispo", "rloo")]
    public string Objective { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(20260105);
        _batch = RolloutBatch.Of([.. Enumerable.Range(0, Groups).Select(_ => Enumerable.Range(0, Rows).Select(_ => Completion(random)).ToArray())]);
        _coefficients = new double[_batch.Tokens];
        // Current, behaviour and reference log-probs are read, coefficients written: 32 bytes a token.
        _source = new double[2 * _batch.Tokens];
        _target = new double[2 * _batch.Tokens];
    }

    /// <summary>Copies 16 bytes a token, which moves 32.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Groups * Rows * Length)]
    public void MemoryCopy() => _source.CopyTo(_target, 0);

    [Benchmark(OperationsPerInvoke = Groups * Rows * Length)]
    public double Evaluate() =>
        Catalogue.Find(Objective)!.Objective.Evaluate(_batch, _batch[Column.Logp], _coefficients, _workspace);

    private static Rollout Completion(Random random)
    {
        double[] logps = [.. Enumerable.Range(0, Length).Select(_ => -3 * random.NextDouble())];
        double[] Near(double distance) => [.. logps.Select(logp => Math.Min(0, logp + (distance * (random.NextDouble() - 0.5))))];
        return new() { Reward = random.Next(2), Logps = logps, OldLogps = Near(0.5), RefLogps = Near(1) };
    }
}
