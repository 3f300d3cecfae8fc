using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>What several forms share.</summary>
internal static class Tensors
{
    /// <summary>Values where a condition holds, 0 elsewhere: unlike a product with 1 and 0, also where they are not finite.</summary>
    public static Tensor Only(this Tensor values, Tensor condition) => torch.where(condition, values, torch.zeros_like(values));

    /// <summary>1 where <paramref name="condition"/> holds, 0 elsewhere.</summary>
    public static Tensor Indicator(this Tensor condition) => condition.to(float64);

    /// <summary>Where nothing is missing.</summary>
    public static Tensor Known(this Tensor values) => values.isnan().logical_not();

    /// <summary>The sum over the trainable tokens of each row, shape [B].</summary>
    public static Tensor RowSum(this TensorBatch batch, Tensor values) => values.Only(batch.Trained).sum(1);

    /// <summary>The sum over a row's tokens over their number, shape [B]; 0 for a dead row.</summary>
    public static Tensor RowMean(this TensorBatch batch, Tensor values) => batch.RowSum(values) / batch.Lengths.clamp(min: 1);

    /// <summary>The quantile of each row's trainable tokens, interpolated linearly, shape [B]; 0 for a dead row.</summary>
    public static Tensor RowQuantile(this TensorBatch batch, Tensor values, double quantile) => torch.stack(
    [
        .. Enumerable.Range(0, batch.Rows).Select(i => values[i].masked_select(batch.Trained[i]) is { NumberOfElements: > 0 } row
            ? row.quantile(torch.tensor(quantile)).reshape([])
            : torch.zeros([], dtype: float64)),
    ]);

    /// <summary>Whether a number is rounding beside the largest: |x| ≤ 2⁻⁴⁰·max|x|.</summary>
    public static Tensor IsNoise(this Tensor values, Tensor largest) => values.abs().le(largest * Math.ScaleB(1, -40));

    /// <summary>The refusal of a part that is not written over tensors.</summary>
    public static InvalidInputException NoForm(object part) =>
        InvalidInputException.Because($"The part {part.GetType().Name} has no form over tensors.");
}
