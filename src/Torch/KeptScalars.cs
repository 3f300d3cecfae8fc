using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>
/// Arithmetic whose scalars are kept. TorchSharp hands a Scalar's memory to libtorch and lets go of the object that owns it, so that a garbage
/// collection during the call frees what is being read: a wrong number, or an exception, once in thousands of steps. Even the sum of two tensors
/// has such a scalar. Others are to be held by <c>using</c>; products of tensors have none.
/// </summary>
internal static class KeptScalars
{
    private static readonly Scalar s_one = 1;

    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, alpha: s_one);
}
