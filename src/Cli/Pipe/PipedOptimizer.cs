using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>An optimizer behind a pipe: one process or several that answer requests of <c>grouprl-optimizer/1</c>.</summary>
internal sealed class PipedOptimizer : IOptimizer, IAnswering
{
    private readonly Pipe _pipe;
    private readonly JsonObject _hyperparameters;
    private readonly OptimizerHello _hello;

    /// <summary>Starts and greets the command.</summary>
    public PipedOptimizer(PipeOptions options, JsonObject hyperparameters)
    {
        _hyperparameters = hyperparameters;
        _pipe = new(options, OptimizerProtocol.Schema, "run");
        try
        {
            _hello = _pipe.Read(_pipe.Greeting, hello => OptimizerProtocol.ReadHello(hello, Path.GetFileName(options.Command.Split(' ')[^1])));
            Design = _hello.Design is null ? null : OptimizerParameters.Apply(_hello.Design, JsonSerializer.SerializeToElement(hyperparameters), "hyperparameters");
        }
        catch
        {
            _pipe.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Name => _hello.Name;

    /// <inheritdoc/>
    public OptimizerPromises? Promises => _hello.Promises ?? (Design is null ? null : OptimizerPromiseNames.Of(Design));

    /// <inheritdoc/>
    public Optimizer? Design { get; }

    /// <inheritdoc/>
    public (long Count, TimeSpan Time) Answered => _pipe.Answered;

    // That a run repeats is a law of its own (fresh-state), so that none is asked for twice here.
    /// <inheritdoc/>
    public double[][] Run(double[] theta, double[][] gradients) => _pipe.Ask(
        id => OptimizerProtocol.Request(id, theta, gradients, _hyperparameters),
        answer => OptimizerProtocol.ReadAnswer(answer, gradients.Length, theta.Length));

    /// <inheritdoc/>
    public void Dispose() => _pipe.Dispose();
}
