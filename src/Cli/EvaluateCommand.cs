using System.Text.Json.Nodes;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl evaluate</c>: an objective on a batch.</summary>
internal sealed class EvaluateCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Evaluates and prints, in the batch's nesting.</summary>
    public int Run(Proposal proposal, RolloutBatch batch, string file)
    {
        var evaluation = Files.Within(file, () => proposal.Objective.Evaluate(batch));
        if (json)
        {
            var result = new JsonObject
            {
                ["schema"] = "grouprl-evaluation/1",
                ["objective"] = proposal.Name,
                ["value"] = evaluation.Value,
                ["loss"] = evaluation.Loss,
                ["advantages"] = Nested(batch, completion => evaluation.RowAdvantages is { } rows ? rows[completion.Row] : PerToken(completion, evaluation.Advantages)),
                ["coefficients"] = Nested(batch, completion => PerToken(completion, evaluation.Coefficients)),
            };
            if (evaluation.EntropyCoefficients is { } entropy)
                result["entropy_coefficients"] = Nested(batch, completion => PerToken(completion, entropy));
            _report.Print(result);
        }
        else
        {
            _report.Line($"[bold]{Markup.Escape(proposal.Name)}[/]  value {Report.Number(evaluation.Value)}, loss {Report.Number(evaluation.Loss)}");
            terminal.Write(_report.Draw(batch, evaluation));
        }

        return ExitCode.Kept;
    }

    private static JsonArray Nested(RolloutBatch batch, Func<Completion, JsonNode> of) =>
        new([.. Enumerable.Range(0, batch.Groups).Select(g =>
            new JsonArray([.. Enumerable.Range(0, batch.GroupSize(g)).Select(k => of(batch[g][k]))]))]);

    // A masked token has no coefficient: it stands as 0, so that positions agree with the batch's own arrays.
    private static JsonArray PerToken(Completion completion, double[] values)
    {
        var spread = new double[completion.FullLength];
        var own = values.AsSpan(completion.Batch.Row(completion.Row));
        for (int m = 0; m < own.Length; m++)
            spread[completion.Positions[m]] = own[m];
        return new([.. spread.Select(value => (JsonNode?)value)]);
    }
}
