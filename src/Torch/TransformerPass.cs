using GroupRL.Objectives;
using GroupRL.Policies;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Logits with the graph that they come from, which the tensor of logits keeps alive.</summary>
internal sealed class TransformerPass : IForwardPass
{
    private readonly Tensor _theta;
    private readonly Tensor _logits;
    private readonly double[] _values;
    private bool _disposed;

    public TransformerPass(
        TransformerSettings settings, TransformerParameters parameters, ScalarType dtype, Device device, ReadOnlySpan<double> theta, PaddedSequences batch)
    {
        using var scope = NewDisposeScope();
        var precise = dtype == ScalarType.BFloat16 ? ScalarType.Float32 : dtype;
        // Born with its gradient: to ask for it later leaks the tensor in TorchSharp 0.99.
        var leaf = empty([theta.Length], dtype: precise, device: device, requires_grad: true);
        using (no_grad())
            leaf.copy_(HostMemory.Tensor(theta, ScalarType.Float64, theta.Length));
        using var differentiable = enable_grad();
        var master = parameters.Views(leaf);
        var logits = new Transformer(settings, master, dtype == precise ? master : parameters.Views(leaf.to_type(dtype))).Logits(batch);
        _values = HostMemory.Array(logits);
        (_theta, _logits) = (leaf.DetachFromDisposeScope(), logits.DetachFromDisposeScope());
    }

    public ReadOnlySpan<double> Logits => _values;

    public double[] PullBack(ReadOnlySpan<double> slopes)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (slopes.Length != _values.Length)
            throw InvalidInputException.Because($"There must be one slope a logit, {_values.Length}; got {slopes.Length}.");
        using var scope = NewDisposeScope();
        var upstream = HostMemory.Tensor(slopes, ScalarType.Float64, _logits.shape).to_type(_logits.dtype).to(_logits.device);
        var gradients = autograd.grad(outputs: [_logits], inputs: [_theta], grad_outputs: [upstream], retain_graph: true, create_graph: false, allow_unused: false);
        return HostMemory.Array(gradients[0]);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _logits.Dispose();
        _theta.Dispose();
    }
}
