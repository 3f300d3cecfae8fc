using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl evaluate</c>: an objective on a batch.</summary>
/// <param name="terminal">Where to.</param>
/// <param name="json">Whether it prints JSON.</param>
/// <param name="length">From which length on, in bytes, a file is read group by group without being told.</param>
internal sealed class EvaluateCommand(Terminal terminal, bool json, long length = EvaluateCommand.Long)
{
    /// <summary>How long a file is that is read group by group without being told: 256 MiB, in bytes.</summary>
    public const long Long = 1L << 28;

    private readonly Report _report = new(terminal);

    /// <summary>Evaluates and prints, in the batch's nesting: the batch at once, or group by group, where that is asked for or the file is long.</summary>
    public int Run(Proposal proposal, string file, bool stream)
    {
        var reading = proposal.Objective.ReadingWholeBatch().ToArray();
        if (stream && reading is [var field, ..])
            throw InvalidInputException.Because($"{proposal.Name} cannot be evaluated group by group: its {field}, {PartText.Of(Composition.Write(proposal.Objective)[field])}, reads the whole batch; leave --stream out.");
        using var opened = Files.Open(file);
        if (stream && !opened.CanSeek && proposal.Objective.ReadsSize())
            throw InvalidInputException.Because($"{file} is a pipe, which can be read once; under --stream {proposal.Name} reads a batch twice, first for how large it is. Leave --stream out, or store the batch.");
        return stream || (reading.Length == 0 && opened.CanSeek && opened.Length >= length)
            ? Stream(proposal, opened, file)
            : Run(proposal, Files.ReadBatch(opened, file), file);
    }

    private int Run(Proposal proposal, RolloutBatch batch, string file)
    {
        var evaluation = Files.Within(file, () => proposal.Objective.Evaluate(batch));
        if (json)
        {
            using var writer = new EvaluationWriter(terminal.Output, proposal.Name);
            writer.Write(batch, evaluation);
            writer.End(evaluation.Value);
        }
        else
        {
            Headline(proposal.Name, evaluation.Value);
            terminal.Write(_report.Draw(batch, evaluation));
        }

        return ExitCode.Kept;
    }

    // Of no group more is kept than what it adds to the value.
    private int Stream(Proposal proposal, FileStream opened, string file)
    {
        var objective = proposal.Objective;
        var whole = objective.ReadsSize() ? Files.ReadGroups(opened, file).Aggregate(default(BatchSize), (size, group) => size + BatchSize.Of(group)) : default;
        using var writer = json ? new EvaluationWriter(terminal.Output, proposal.Name) : null;
        BatchSize seen = default;
        double value = 0;
        foreach (var group in Files.ReadGroups(opened, file))
        {
            var size = BatchSize.Of(group);
            var evaluation = Files.Within(file, () => objective.Within(size, whole).Evaluate(group));
            writer?.Write(group, evaluation);
            (seen, value) = (seen + size, value + evaluation.Value);
        }

        writer?.End(value);
        if (!json)
        {
            Headline(proposal.Name, value);
            _report.Line($"  {seen.Groups} groups, {seen.Rows} completions, {seen.Tokens} tokens, read one group at a time; --json prints advantages and coefficients");
        }

        return ExitCode.Kept;
    }

    /// <summary>The same of a loss that only answers: its coefficients are the gradient of J, of what a trainer climbs.</summary>
    public int Run(LossSubject loss, RolloutBatch batch, string file)
    {
        var response = Files.Within(file, () => loss.Ask(batch));
        string name = loss.Loss.Signature.Name;
        // Of the two zeros the one without a sign.
        double value = response.Value + 0.0;
        if (json)
        {
            using var writer = new EvaluationWriter(terminal.Output, name);
            writer.Write(batch, response);
            writer.End(value);
        }
        else
        {
            Headline(name, value);
            terminal.Write(_report.Draw(batch, response));
        }

        return ExitCode.Kept;
    }

    private void Headline(string name, double value) =>
        _report.Line($"[bold]{Markup.Escape(name)}[/]  value {Report.Number(value)}, loss {Report.Number(0 - value)}");
}
