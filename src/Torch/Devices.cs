using System.Runtime.InteropServices;
using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Where tensors live and in which numbers: names that people write, and what of it is here.</summary>
public static class Devices
{
    /// <summary>The device of a name; without one <c>cuda</c> where there is one, else <c>cpu</c>.</summary>
    /// <exception cref="InvalidInputException">The name is neither, or <c>cuda</c> where there is none.</exception>
    public static string Choose(string? wanted) => wanted switch
    {
        null => cuda.is_available() ? "cuda" : "cpu",
        "cpu" => "cpu",
        "cuda" => cuda.is_available()
            ? "cuda"
            : throw InvalidInputException.Because($"The device cuda was asked for, and there is none that this build of TorchSharp can use; cpu is always there."),
        _ => throw InvalidInputException.Because($"A device must be cuda or cpu; got {wanted}."),
    };

    /// <summary>Whether products of bfloat16 matrices can be computed there.</summary>
    public static bool HasBfloat16(string? device)
    {
        using var scope = NewDisposeScope();
        try
        {
            // Read back, since a GPU fails later than it is asked.
            var one = ones(1, 1, dtype: ScalarType.BFloat16, device: Named(device));
            return HostMemory.Array(one.mm(one)) is [1];
        }
        catch (ExternalException)
        {
            return false;
        }
    }

    /// <summary>For reports: the device, the dtype, the version of TorchSharp and that of the libtorch that it was built for.</summary>
    /// <exception cref="InvalidInputException">The device is unknown, or not there.</exception>
    public static string Describe(string? device, string dtype) =>
        $"{Choose(device)}, {dtype}, TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {__version__}";

    /// <summary>The unit roundoff of a dtype: 2⁻⁵³, 2⁻²⁴ or 2⁻⁸.</summary>
    /// <exception cref="InvalidInputException">The dtype is unknown.</exception>
    public static double UnitRoundoff(string dtype) => dtype switch
    {
        "float64" => Math.ScaleB(1, -53),
        "float32" => Math.ScaleB(1, -24),
        "bfloat16" => Math.ScaleB(1, -8),
        _ => throw UnknownDtype(dtype),
    };

    internal static ScalarType Dtype(string name, string? device) => name switch
    {
        "float64" => ScalarType.Float64,
        "float32" => ScalarType.Float32,
        "bfloat16" => HasBfloat16(device)
            ? ScalarType.BFloat16
            : throw InvalidInputException.Because($"The dtype bfloat16 was asked for, and the device {Choose(device)} does not have it."),
        _ => throw UnknownDtype(name),
    };

    private static InvalidInputException UnknownDtype(string name) => InvalidInputException.Because($"A dtype must be float64, float32 or bfloat16; got {name}.");

    internal static Device Named(string? device) => Choose(device) == "cuda" ? CUDA : CPU;
}
