using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>The options by which a command line names a loss that only answers, and says what it is held to.</summary>
internal static class LossSource
{
    private const double Float32Roundoff = 1.0 / (1 << 24);

    private static readonly Option<string?> Command = new("--command") { Description = "A loss in any language: a command that speaks grouprl-loss/1 over its input and output.", HelpName = "COMMAND" };

    internal static readonly Option<string?> Like = new("--like") { Description = "The objective that the loss is meant to be.", HelpName = "ID|FILE" };

    internal static readonly Option<string?> LikeCommand = new("--like-command") { Description = "A command that answers as the loss is meant to.", HelpName = "COMMAND" };

    internal static readonly Option<string[]> Promises = new("--promises")
    {
        Description = "What the loss promises, in place of what it says itself: words as group-isolated, sound (all of them), -kl-unbiased (all but), clip=0.8..1.2.",
        HelpName = "WORD",
        AllowMultipleArgumentsPerToken = true,
    };

    internal static readonly Option<string?> Parameters = new("--hyperparameters") { Description = "Hyperparameters as a JSON object, passed to the loss and to what it is like.", HelpName = "JSON" };

    internal static readonly Option<double> Timeout = new("--timeout") { Description = "Seconds that a case may take.", HelpName = "SECONDS", DefaultValueFactory = _ => 20 };

    internal static readonly Option<int> Jobs = new("--jobs") { Description = "How many processes answer at once.", HelpName = "N", DefaultValueFactory = _ => 1 };

    internal static readonly Option<string> Precision = new("--precision") { Description = "The numbers that the loss computes with.", HelpName = "float64|float32", DefaultValueFactory = _ => "float64" };

    /// <summary>All of them.</summary>
    public static IEnumerable<Option> Options => [Command, Like, LikeCommand, Promises, Parameters, Timeout, Jobs, Precision];

    /// <summary>Whether the command line names such a loss.</summary>
    public static bool IsNamed(ParseResult parsed) => parsed.GetValue(Command) is not null;

    /// <summary>The loss of the command line.</summary>
    public static Candidate Open(ParseResult parsed, string folder) => Open(parsed, folder, LossFile.Of(parsed.GetValue(Command)!));

    /// <summary>A loss under the options of the command line, and where they say nothing under those of its file.</summary>
    public static Candidate Open(ParseResult parsed, string folder, LossFile file)
    {
        var pipe = PipeOf(parsed, file.Command, folder);
        var parameters = ParametersOf(parsed) ?? file.Hyperparameters ?? [];
        var like = (parsed.GetValue(Like) ?? (parsed.GetValue(LikeCommand) is null ? file.Like : null)) is { } id ? Proposal.Resolve(id) : null;
        var design = like is null ? null : Hyperparameters.Apply(like.Objective, JsonSerializer.SerializeToElement(parameters), "--hyperparameters");
        var loss = new PipedLoss(pipe, parameters, file.Name);
        PipedLoss? other = null;
        try
        {
            other = parsed.GetValue(LikeCommand) is { } upstream ? new PipedLoss(pipe with { Command = upstream, Folder = Path.Combine(folder, "like") }, parameters) : null;
            if (other is not null && design is not null)
                throw InvalidInputException.Because($"--like and --like-command exclude each other.");
            var subject = Subject(parsed, loss, design is null ? other : new ObjectiveLoss(like!.Name, design), file.Promises);
            var candidate = Candidate.Of(subject, Reference(parsed, file.Reference), file.Expected, pipe.Jobs, new Both(loss, other)) with { Command = file.Command };
            foreach (string claim in file.Expected.Keys)
                candidate.Row(claim);
            return candidate;
        }
        catch
        {
            loss.Dispose();
            other?.Dispose();
            throw;
        }
    }

    /// <summary>A loss of this process, under the options of the command line; <paramref name="words"/> name it again.</summary>
    public static Candidate Open(ParseResult parsed, ILoss loss, params string[] words)
    {
        Refuse(parsed, [LikeCommand, Parameters, Timeout, Jobs], "belongs to --command, not to a loss that is compiled code");
        var like = parsed.GetValue(Like) is { } id ? Proposal.Resolve(id) : null;
        var subject = Subject(parsed, new CheckedLoss(loss), like is null ? null : new ObjectiveLoss(like.Name, like.Objective), []);
        return Candidate.Of(subject, Reference(parsed, words), ImmutableSortedDictionary<string, string>.Empty, -1, loss as IDisposable);
    }

    /// <summary>Refuses options that the command line has and that say nothing of its subject.</summary>
    public static void Refuse(ParseResult parsed, IEnumerable<Option> options, string because)
    {
        if (options.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
            throw new InvalidInputException($"{given.Name} {because}: leave it out.");
    }

    /// <summary>How the options of the command line run a command.</summary>
    internal static PipeOptions PipeOf(ParseResult parsed, string command, string folder)
    {
        if (parsed.GetValue(Timeout) is var seconds && !(seconds > 0 && double.IsFinite(seconds)))
            throw InvalidInputException.Because($"--timeout must be a number of seconds above 0; got {seconds}.");
        return new(command, TimeSpan.FromSeconds(seconds), parsed.GetValue(Jobs) is >= 1 and var jobs ? jobs : throw InvalidInputException.Because($"--jobs must be at least 1; got {parsed.GetValue(Jobs)}."), folder);
    }

    /// <summary>u of the numbers that it computes with.</summary>
    internal static double RoundoffOf(ParseResult parsed) => parsed.GetValue(Precision) switch
    {
        "float64" => Tolerance.UnitRoundoff,
        "float32" => Float32Roundoff,
        var other => throw InvalidInputException.Because($"--precision must be float64 or float32; got \"{other}\"."),
    };

    private static LossSubject Subject(ParseResult parsed, ILoss loss, ILoss? oracle, ImmutableArray<string> promised)
    {
        var subject = new LossSubject(loss)
        {
            Oracle = oracle,
            UnitRoundoff = RoundoffOf(parsed),
        };
        bool given = parsed.GetValue(Promises) is { Length: > 0 };
        string[] words = given ? [.. parsed.GetValue(Promises)!.SelectMany(word => word.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))] : [.. promised];
        if (words.Length > 0)
        {
            var (promises, clip) = PromiseWords.Read(words, given ? "--promises" : "promises");
            return subject with { Promises = promises, Clip = clip };
        }

        // A loss that says nothing of itself promises what it is meant to be promises.
        return loss.Signature.Promises is null && oracle?.Signature is { Promises: { } meant } signature ? subject with { Promises = meant, Clip = signature.Clip } : subject;
    }

    /// <summary>The hyperparameters of the command line; null where it gives none.</summary>
    internal static JsonObject? ParametersOf(ParseResult parsed)
    {
        if (parsed.GetValue(Parameters) is not { } text)
            return null;
        using var document = StrictJson.Parse(text, "--hyperparameters");
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? JsonObject.Create(document.RootElement.Clone())!
            : throw InvalidInputException.Because($"--hyperparameters must be an object of names and numbers; got {text}.");
    }

    /// <summary>All of them, those that are given in place of the others.</summary>
    internal static JsonObject Merged(JsonObject all, JsonObject given)
    {
        foreach (var (name, value) in given)
            all[name] = value?.DeepClone();
        return all;
    }

    // Whatever changes what is judged; time limits and jobs do not.
    internal static string[] Reference(ParseResult parsed, IEnumerable<string> own)
    {
        List<string> words = [.. own];
        foreach (var other in new[] { Like, LikeCommand, Parameters })
        {
            if (parsed.GetValue(other) is { } value)
                words.AddRange([other.Name, value]);
        }

        if (parsed.GetValue(Promises) is { Length: > 0 } promises)
            words.AddRange([Promises.Name, string.Join(',', promises)]);
        if (parsed.GetValue(Precision) is var precision && precision != "float64")
            words.AddRange([Precision.Name, precision!]);
        return [.. words];
    }

    /// <summary>A loss and what it is meant to be, ended together; the answers counted are the loss's.</summary>
    private sealed class Both(PipedLoss loss, PipedLoss? other) : IAnswering
    {
        /// <inheritdoc/>
        public (long Count, TimeSpan Time) Answered => loss.Answered;

        /// <inheritdoc/>
        public void Dispose()
        {
            loss.Dispose();
            other?.Dispose();
        }
    }
}
