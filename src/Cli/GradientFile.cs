using System.Text.Json;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>Parameters and the gradients that they are given, one after another.</summary>
/// <param name="Shape">What the parameters are: a vector, or a matrix that was written as rows.</param>
/// <param name="Theta">θ₀, flat.</param>
/// <param name="Gradients">g₁ … g_T, each flat.</param>
internal sealed record GradientFile(ParameterShape Shape, double[] Theta, double[][] Gradients)
{
    /// <summary>The schema of gradient files.</summary>
    public const string Schema = "grouprl-gradients/1";

    /// <summary>Reads a file; every number is finite and every gradient has the form of θ.</summary>
    public static GradientFile ReadFile(string path)
    {
        string text = Files.Read(path);
        return Files.Within(path, () => StrictJson.Read("The gradients", () => Read(text)));
    }

    private static GradientFile Read(string text)
    {
        using var document = StrictJson.Parse(text, "The gradients");
        var fields = new Fields(document.RootElement, "", "the file");
        if (fields.Text("schema") is not Schema and var schema)
            throw InvalidInputException.Because($"schema must be \"{Schema}\"; got \"{schema}\".");
        JsonElement[] start = [.. fields.Items("theta")];
        bool matrix = start.Length > 0 && start[0].ValueKind == JsonValueKind.Array;
        int rows = NotEmpty(start.Length, "theta", matrix ? "row" : "number");
        int columns = matrix ? NotEmpty(start[0].GetArrayLength(), "theta[0]", "number") : 1;
        var shape = matrix ? ParameterShape.Matrix(rows, columns) : ParameterShape.Vector(rows);

        double[] theta = Values(start, "theta", shape);
        JsonElement[] gradients = [.. fields.Items("gradients")];
        NotEmpty(gradients.Length, "gradients", "gradient");
        double[][] history =
        [
            .. gradients.Select((gradient, t) =>
                Values([.. Fields.AsItems(gradient, FormattableString.Invariant($"gradients[{t}]"))], FormattableString.Invariant($"gradients[{t}]"), shape)),
        ];
        fields.End();
        return new(shape, theta, history);
    }

    private static double[] Values(JsonElement[] items, string place, ParameterShape shape)
    {
        Length(items.Length, shape.Rows, place, shape.IsMatrix ? "rows" : "numbers");
        if (!shape.IsMatrix)
            return Numbers(items, place);
        return
        [
            .. items.SelectMany((item, i) =>
            {
                string at = FormattableString.Invariant($"{place}[{i}]");
                JsonElement[] row = [.. Fields.AsItems(item, at)];
                Length(row.Length, shape.Columns, at, "numbers");
                return Numbers(row, at);
            }),
        ];
    }

    private static double[] Numbers(JsonElement[] items, string place) =>
        [.. items.Select((item, j) => Fields.AsNumber(item, FormattableString.Invariant($"{place}[{j}]")))];

    private static void Length(int found, int needed, string place, string what)
    {
        if (found != needed)
            throw InvalidInputException.Because($"{place} needs {needed} {what}, the form of theta; got {found}.");
    }

    private static int NotEmpty(int count, string place, string what) => count > 0
        ? count
        : throw InvalidInputException.Because($"{place} needs at least 1 {what}; got none.");
}
