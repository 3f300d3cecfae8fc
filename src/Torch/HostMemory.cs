using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>
/// Copies between arrays and tensors, for callers inside a dispose scope. TorchSharp's own factories pin arrays or alias them, differently
/// in its versions.
/// </summary>
internal static class HostMemory
{
    public static Tensor Tensor<T>(ReadOnlySpan<T> values, ScalarType type, params long[] shape)
        where T : unmanaged
    {
        var tensor = empty(shape, dtype: type);
        MemoryMarshal.AsBytes(values).CopyTo(tensor.bytes);
        return tensor;
    }

    public static double[] Array(Tensor tensor) =>
        MemoryMarshal.Cast<byte, double>(tensor.detach().to(ScalarType.Float64, CPU).contiguous().bytes).ToArray();
}
