using System.Globalization;
using System.Text.Json.Nodes;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl step</c>: the way that an optimizer takes under given gradients.</summary>
internal sealed class StepCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Steps through all gradients and prints θ₀, θ₁, … with the updates between them.</summary>
    public int Run(Optimizer optimizer, GradientFile input, string file)
    {
        if (!optimizer.TakesVectors && !input.Shape.IsMatrix)
            throw InvalidInputException.Because($"{file}: {optimizer.Id} moves matrices, so theta must be an array of rows; got {input.Shape}.");
        OptimizerStep[] steps = Walk(optimizer, input, file);
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-trajectory/1",
                ["optimizer"] = optimizer.Id,
                ["theta"] = Nested(input.Theta, input.Shape),
                ["steps"] = new JsonArray([.. steps.Select(step => new JsonObject
                {
                    ["update"] = Nested(step.Update, input.Shape),
                    ["theta"] = Nested(step.Theta, input.Shape),
                })]),
            });
            return ExitCode.Kept;
        }

        var entry = OptimizerCatalogue.Entries.First(entry => entry.Id == optimizer.Id);
        _report.Line($"[bold]{Markup.Escape(optimizer.Id)}[/]  {Markup.Escape(entry.Formula)}");
        terminal.Output.WriteLine($"  {OptimizerText.Settings(optimizer)}");
        var table = terminal.Table("step", "update", "θ");
        table.AddRow("0", "", Markup.Escape(Shown(input.Theta, input.Shape)));
        foreach (var (t, step) in steps.Index())
            table.AddRow((t + 1).ToString(CultureInfo.InvariantCulture), Markup.Escape(Shown(step.Update, input.Shape)), Markup.Escape(Shown(step.Theta, input.Shape)));
        terminal.Write(table);
        return ExitCode.Kept;
    }

    private static OptimizerStep[] Walk(Optimizer optimizer, GradientFile input, string file)
    {
        var state = optimizer.Initial(input.Shape);
        double[] theta = input.Theta;
        var steps = new OptimizerStep[input.Gradients.Length];
        for (int t = 0; t < steps.Length; t++)
        {
            try
            {
                steps[t] = optimizer.Step(state, theta, input.Gradients[t]);
            }
            catch (ArithmeticException overflow)
            {
                throw new InvalidInputException(FormattableString.Invariant($"{file}: step {t + 1}: {overflow.Message}"), overflow);
            }

            (state, theta) = (steps[t].State, steps[t].Theta);
        }

        return steps;
    }

    // A matrix row after row, as it is written: 1 2; 3 4.
    private static string Shown(double[] values, ParameterShape shape) =>
        string.Join("; ", Rows(values, shape).Select(row => string.Join(' ', row.Select(value => Report.Number(Plain(value))))));

    private static JsonArray Nested(double[] values, ParameterShape shape)
    {
        JsonArray[] rows = [.. Rows(values, shape).Select(row => new JsonArray([.. row.Select(value => (JsonNode?)Plain(value))]))];
        return shape.IsMatrix ? new JsonArray([.. rows]) : rows[0];
    }

    // −0, which is what −η·0 is, shown as 0.
    private static double Plain(double value) => value == 0 ? 0 : value;

    private static IEnumerable<double[]> Rows(double[] values, ParameterShape shape) => shape.IsMatrix ? values.Chunk(shape.Columns) : [values];
}
