using GroupRL.Objectives;
using GroupRL.Policies;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>
/// A small causal transformer (arXiv:1706.03762; LayerNorm before each part, arXiv:2002.04745): token t of a completion is drawn from the logits
/// at position t, whose inputs are the prompt and the t tokens before. x₀ = embedding + position; x ← x + attention(norm(x)); x ← x + MLP(norm(x)), the
/// MLP 4·W wide with GELU (its exact form, x·Φ(x)); z = head(norm(x)). No dropout: a pass is a function of θ.
/// </summary>
public sealed class TransformerPolicy : IPolicy
{
    private readonly TransformerSettings _settings;
    private readonly TransformerParameters _parameters;
    private readonly ScalarType _dtype;
    private readonly Device _device;

    /// <summary>The policy of these settings.</summary>
    /// <exception cref="InvalidInputException">A size is too small, the heads do not share the width evenly, or the device or dtype is unknown or not there.</exception>
    public TransformerPolicy(TransformerSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings.Check();
        (_settings, _parameters) = (settings, new(settings));
        (_dtype, _device) = (Devices.Dtype(settings.Dtype, settings.Device), Devices.Named(settings.Device));
        Description = Devices.Describe(settings.Device, settings.Dtype);
    }

    /// <inheritdoc/>
    public string Id => FormattableString.Invariant($"transformer-{_settings.Layers}x{_settings.Width}");

    /// <summary>For reports: device, dtype and versions.</summary>
    public string Description { get; }

    /// <inheritdoc/>
    public int Vocabulary => _settings.Vocabulary;

    /// <inheritdoc/>
    public int Parameters => _parameters.Count;

    /// <summary>Null: θ is many tensors.</summary>
    public (int Rows, int Columns)? Matrix => null;

    /// <summary>
    /// θ before training, shape [d], the same on every device and in every dtype: gains 1, biases 0, the rest normal with deviation 1/√fan-in, divided
    /// by √(2·layers) where a layer adds to the residual stream, and 0.02 at the head, so that a fresh policy is nearly uniform.
    /// </summary>
    public double[] Initial(ulong seed) => _parameters.Initial(seed);

    /// <inheritdoc/>
    /// <exception cref="InvalidInputException">
    /// <paramref name="theta"/> has the wrong length, there is no sequence, or one is empty, too long, or has an unknown prompt or token.
    /// </exception>
    public IForwardPass Forward(ReadOnlySpan<double> theta, IReadOnlyList<Sequence> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        if (theta.Length != Parameters)
            throw InvalidInputException.Because($"θ must have {Parameters} numbers; got {theta.Length}.");
        return new TransformerPass(_settings, _parameters, _dtype, _device, theta, PaddedSequences.Of(sequences, _settings));
    }
}
