using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>The option by which a command line names an optimizer that only answers; the others it has in common with a loss.</summary>
internal static class OptimizerSource
{
    /// <summary>The optimizer's command.</summary>
    public static readonly Option<string?> Command = new("--optimizer-command")
    {
        Description = "An optimizer in any language: a command that speaks grouprl-optimizer/1 over its input and output. --like names an optimizer then.",
        HelpName = "COMMAND",
    };

    /// <summary>Whether the command line names such an optimizer.</summary>
    public static bool IsNamed(ParseResult parsed) => parsed.GetValue(Command) is not null;

    /// <summary>The optimizer of the command line.</summary>
    public static Candidate Open(ParseResult parsed, string folder)
    {
        string command = parsed.GetValue(Command)!;
        if (parsed.GetValue(LossSource.LikeCommand) is not null)
            throw InvalidInputException.Because($"--like-command is for losses; an optimizer is compared with one of the catalogue, --like ID.");
        var pipe = LossSource.PipeOf(parsed, command, folder);
        var given = LossSource.ParametersOf(parsed) ?? [];
        var like = parsed.GetValue(LossSource.Like) is { } id ? OptimizerParameters.Apply(OfVectors(CommandLine.KnownOptimizer(id)), JsonSerializer.SerializeToElement(given), "--hyperparameters") : null;
        // What it is meant to be it should be told in numbers, too.
        var told = like is null ? given : LossSource.Merged(OptimizerParameters.ToJson(like), given);
        var piped = new PipedOptimizer(pipe, told);
        try
        {
            return Candidate.Of(Subject(parsed, piped, like, told), LossSource.Reference(parsed, [Command.Name, command]), pipe.Jobs, piped) with { Command = command };
        }
        catch
        {
            piped.Dispose();
            throw;
        }
    }

    /// <summary>An optimizer of this process, under the options of the command line; <paramref name="words"/> name it again.</summary>
    public static Candidate Open(ParseResult parsed, IOptimizer optimizer, params string[] words)
    {
        LossSource.Refuse(parsed, [LossSource.LikeCommand, LossSource.Parameters, LossSource.Timeout, LossSource.Jobs], "belongs to commands, not to an optimizer that is compiled code");
        var like = parsed.GetValue(LossSource.Like) is { } id ? OfVectors(CommandLine.KnownOptimizer(id)) : null;
        return Candidate.Of(Subject(parsed, optimizer, like, []), LossSource.Reference(parsed, words), -1, optimizer as IDisposable);
    }

    /// <summary>The optimizer itself, if it moves vectors.</summary>
    public static Optimizer OfVectors(Optimizer optimizer) => optimizer.TakesVectors
        ? optimizer
        : throw InvalidInputException.Because($"{optimizer.Id} moves matrices, and runs of {OptimizerProtocol.Schema} move vectors.");

    private static OptimizerSubject Subject(ParseResult parsed, IOptimizer optimizer, Optimizer? like, JsonObject told)
    {
        var subject = new OptimizerSubject(optimizer)
        {
            Oracle = like is null ? null : new CatalogueOptimizer(like),
            UnitRoundoff = LossSource.RoundoffOf(parsed),
            LearningRate = told["lr"] is JsonValue rate && rate.GetValueKind() == JsonValueKind.Number ? rate.GetValue<double>() : optimizer.Design?.LearningRate,
        };
        if (parsed.GetValue(LossSource.Promises) is { Length: > 0 } words)
            return subject with { Promises = OptimizerProtocol.ReadPromises(words.SelectMany(word => word.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)), "--promises") };
        // An optimizer that says nothing of itself promises what it is meant to be promises.
        return optimizer.Promises is null && like is not null ? subject with { Promises = OptimizerPromiseNames.Of(like) } : subject;
    }
}
