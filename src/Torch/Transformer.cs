using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GroupRL.Torch;

/// <summary>
/// The layers, over plain tensors, inside the caller's dispose scope. Vectors of the residual stream are rows, shape [rows · T, W], so that every
/// linear layer is one matrix product.
/// </summary>
/// <param name="settings">Sizes.</param>
/// <param name="master">Parameters in the numbers of θ: embeddings and norms.</param>
/// <param name="working">The same parameters in the numbers of the matrix products.</param>
internal sealed class Transformer(TransformerSettings settings, IReadOnlyDictionary<string, Tensor> master, IReadOnlyDictionary<string, Tensor> working)
{
    private readonly int _width = settings.Width;
    private readonly ScalarType _precise = master["embedding"].dtype;

    /// <summary>z, shape [N, V].</summary>
    public Tensor Logits(PaddedSequences batch)
    {
        var device = master["embedding"].device;
        var x = Embedded(HostMemory.Tensor<long>(batch.Inputs, ScalarType.Int64, batch.Rows * batch.Length).to(device), batch);
        using Scalar never = double.NegativeInfinity;
        var later = full([batch.Length, batch.Length], never, dtype: _precise, device: device).triu(1);
        for (int layer = 0; layer < settings.Layers; layer++)
        {
            x = x.Plus(Attention($"{layer}.attention", x, later, batch));
            x = x.Plus(Linear($"{layer}.mlp.out", Linear($"{layer}.mlp.in", Norm($"{layer}.mlp.norm", x)).gelu()));
        }

        var drawn = x.index_select(0, HostMemory.Tensor<long>(batch.Drawn, ScalarType.Int64, batch.Drawn.Length).to(device));
        return Linear("head", Norm("norm", drawn)).to_type(_precise);
    }

    // A product with indicators, since the gradient of a lookup is a sum in no certain order on a GPU, and runs must repeat.
    private Tensor Embedded(Tensor inputs, PaddedSequences batch)
    {
        var table = master["embedding"];
        var tokens = functional.one_hot(inputs, table.shape[0]).to_type(_precise).mm(table);
        return tokens.view(batch.Rows, batch.Length, _width).Plus(master["position"].narrow(0, 0, batch.Length)).view(-1, _width);
    }

    // softmax(Q·Kᵀ/√(W/heads) + M)·V with M = −∞ at later positions, heads side by side.
    private Tensor Attention(string name, Tensor x, Tensor later, PaddedSequences batch)
    {
        int head = _width / settings.Heads;
        using Scalar scale = 1 / Math.Sqrt(head);
        var parts = Linear($"{name}.in", Norm($"{name}.norm", x))
            .view(batch.Rows, batch.Length, 3, settings.Heads, head).permute(2, 0, 3, 1, 4).unbind(0);
        Tensor query = parts[0] * scale, key = parts[1], value = parts[2];
        var weights = query.matmul(key.transpose(-2, -1)).to_type(_precise).Plus(later).softmax(-1);
        var mixed = weights.to_type(value.dtype).matmul(value).transpose(1, 2);
        return Linear($"{name}.out", mixed.reshape(-1, _width));
    }

    // gain·(x − mean)/√(var + 1e−5) + bias, arXiv:1607.06450.
    private Tensor Norm(string name, Tensor x) =>
        functional.layer_norm(x, [_width], weight: master[$"{name}.gain"], bias: master[$"{name}.bias"], eps: 1e-5);

    private Tensor Linear(string name, Tensor x)
    {
        var weight = working[$"{name}.weight"];
        return functional.linear(x.to_type(weight.dtype), weight, working[$"{name}.bias"]);
    }
}
