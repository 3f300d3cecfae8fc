using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// Writes schema <c>grouprl-evaluation/2</c> as it comes: an object a group, in the batch's nesting, and after the last of them the value and the loss. It
/// holds the text of no more than one group.
/// </summary>
internal sealed class EvaluationWriter : IDisposable
{
    private readonly TextWriter _output;
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly Utf8JsonWriter _json;

    /// <summary>Nothing is written to <paramref name="output"/> before the first group.</summary>
    public EvaluationWriter(TextWriter output, string name)
    {
        (_output, _json) = (output, new(_text, new() { Indented = true, Encoder = Report.Encoder }));
        _json.WriteStartObject();
        _json.WriteString("schema", "grouprl-evaluation/2");
        _json.WriteString("objective", name);
        _json.WriteStartArray("groups");
    }

    /// <summary>The groups of a batch and what an objective makes of them.</summary>
    public void Write(RolloutBatch batch, Evaluation evaluation)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            _json.WriteStartObject();
            WriteRows("advantages", batch[g], row => WriteAdvantage(row, evaluation));
            WriteRows("coefficients", batch[g], row => WriteTokens(row, evaluation.Coefficients));
            if (evaluation.EntropyCoefficients is { } entropy)
                WriteRows("entropy_coefficients", batch[g], row => WriteTokens(row, entropy));
            _json.WriteEndObject();
            Flush();
        }
    }

    /// <summary>The groups of a batch and the gradient that a loss answers.</summary>
    public void Write(RolloutBatch batch, LossResponse response)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            _json.WriteStartObject();
            WriteRows("coefficients", batch[g], row => WriteTokens(row, response.Coefficients));
            _json.WriteEndObject();
            Flush();
        }
    }

    /// <summary>J and −J, which no longer change.</summary>
    public void End(double value)
    {
        _json.WriteEndArray();
        _json.WritePropertyName("value");
        WriteNumber(value);
        _json.WritePropertyName("loss");
        WriteNumber(0 - value);
        _json.WriteEndObject();
        Flush();
        _output.WriteLine();
    }

    /// <inheritdoc/>
    public void Dispose() => _json.Dispose();

    private void WriteRows(string field, RolloutGroup group, Action<Completion> write)
    {
        _json.WriteStartArray(field);
        for (int k = 0; k < group.Count; k++)
            write(group[k]);
        _json.WriteEndArray();
    }

    private void WriteAdvantage(Completion row, Evaluation evaluation)
    {
        if (evaluation.RowAdvantages is { } rows)
            WriteNumber(rows[row.Row]);
        else
            WriteTokens(row, evaluation.Advantages);
    }

    // A masked token has no coefficient: it stands as 0, so that positions agree with the batch's own arrays.
    private void WriteTokens(Completion row, double[] values)
    {
        var own = values.AsSpan(row.Batch.Row(row.Row));
        _json.WriteStartArray();
        for (int t = 0, m = 0; t < row.FullLength; t++)
            WriteNumber(m < own.Length && row.Positions[m] == t ? own[m++] : 0);
        _json.WriteEndArray();
    }

    // A loss may answer what JSON has no form for.
    private void WriteNumber(double value)
    {
        if (double.IsFinite(value))
            _json.WriteNumberValue(value);
        else
            _json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
    }

    private void Flush()
    {
        _json.Flush();
        _output.Write(Encoding.UTF8.GetString(_text.WrittenSpan));
        _text.ResetWrittenCount();
    }
}
