using System.Text.Json.Nodes;
using GroupRL.Claims;
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

    /// <summary>The same of a loss that only answers: its coefficients are the gradient of J, of what a trainer climbs.</summary>
    public int Run(LossSubject loss, RolloutBatch batch, string file)
    {
        var response = Files.Within(file, () => loss.Ask(batch));
        string name = loss.Loss.Signature.Name;
        // Of the two zeros the one without a sign.
        double value = response.Value + 0.0, negated = 0.0 - value;
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-evaluation/1",
                ["objective"] = name,
                ["value"] = Report.ToJson(value),
                ["loss"] = Report.ToJson(negated),
                ["coefficients"] = Nested(batch, completion => PerToken(completion, response.Coefficients)),
            });
        }
        else
        {
            _report.Line($"[bold]{Markup.Escape(name)}[/]  value {Report.Number(value)}, loss {Report.Number(negated)}");
            terminal.Write(_report.Draw(batch, response));
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
        return new([.. spread.Select(value => (JsonNode?)Report.ToJson(value))]);
    }
}
