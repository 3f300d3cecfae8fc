using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// A loss behind a pipe and what it is held to: of a proposal file that names a command in place of parts, or of a command line alone. What
/// the command line says comes first.
/// </summary>
/// <param name="Command">The command, run in the current directory.</param>
/// <param name="Reference">The words by which a command line names it again.</param>
internal sealed record LossFile(string Command, ImmutableArray<string> Reference)
{
    /// <summary>What a page on proposals says of such files.</summary>
    public const string Documentation = """
        ## A loss behind a command

        In place of parts a proposal may name a command, which answers for them over its input and output (schema `grouprl-loss/1`). It is read
        by a shell and runs in the current directory, not in the file's. Options of the command line come before what the file says.

        | field | what it is |
        |---|---|
        | `command`! | the command, as `python3 my_loss.py` |
        | `promises` | what the loss promises, in place of what it says itself: words as `group-isolated`, `sound` (all of them), `-kl-unbiased` (all but), `clip=0.8..1.2` |
        | `hyperparameters` | names and numbers, passed to the loss and to what it is like: `grouprl claims --parameters ID` lists those of an objective |
        | `like` | the objective that the loss is meant to be: a catalogue id or a proposal file |
        | `name`, `description`, `expect` | as in any proposal; without a name the loss names itself |

        """;

    private const string CommandField = "command";

    /// <summary>What reports call it; null: what it calls itself.</summary>
    public string? Name { get; private init; }

    /// <summary>What it promises, in words; empty: what it says itself.</summary>
    public ImmutableArray<string> Promises { get; private init; } = [];

    /// <summary>Hyperparameters; null where there are none.</summary>
    public JsonObject? Hyperparameters { get; private init; }

    /// <summary>The objective that it is meant to be.</summary>
    public string? Like { get; private init; }

    /// <summary>Claim → why its refutation is expected.</summary>
    public ImmutableSortedDictionary<string, string> Expected { get; private init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The loss of a command.</summary>
    public static LossFile Of(string command) => new(command, ["--command", command]);

    /// <summary>The loss of a proposal file; null where it is none, or its parts are known.</summary>
    public static LossFile? TryRead(string idOrFile)
    {
        if (Catalogue.Find(idOrFile) is not null || !File.Exists(idOrFile))
            return null;
        string text = Files.Read(idOrFile);
        return Files.Within(idOrFile, () => StrictJson.Read("The proposal", () => Read(text, idOrFile)));
    }

    /// <summary>Refuses a file that names a command where parts are needed.</summary>
    public static void Refuse(Fields fields)
    {
        if (fields.Find(CommandField) is not null)
            throw InvalidInputException.Because($"\"command\" names a loss that only answers, and here the parts of an objective are needed.");
    }

    private static LossFile? Read(string text, string path)
    {
        using var document = StrictJson.Parse(text, "The proposal");
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(CommandField, out _))
            return null;
        var fields = new Fields(document.RootElement, "");
        Proposal.CheckSchema(fields);
        if (Composition.PartFields.Prepend("base").FirstOrDefault(part => document.RootElement.TryGetProperty(part, out _)) is { } part)
            throw InvalidInputException.Because($"a proposal has parts or a \"command\", not both; got \"command\" and \"{part}\".");
        fields.Text("description", "");
        string command = fields.Text(CommandField);
        var loss = new LossFile(
            string.IsNullOrWhiteSpace(command) ? throw InvalidInputException.Because($"command must name a program; it is blank.") : command,
            ["--objective", path])
        {
            Name = Proposal.NameOf(fields, fallback: null),
            Promises = fields.Find("promises") is { } words ? [.. Fields.AsItems(words, "promises").Select((word, k) => Fields.AsText(word, $"promises[{k}]"))] : [],
            Hyperparameters = fields.Find("hyperparameters") is { } numbers ? AsObject(numbers) : null,
            Like = fields.Find("like") is { } id ? Fields.AsText(id, "like") : null,
            Expected = Proposal.Expectations(fields, claim => claim),
        };
        fields.End();
        _ = PromiseWords.Read(loss.Promises, "promises");
        return loss;
    }

    private static JsonObject AsObject(JsonElement value) => value.ValueKind == JsonValueKind.Object
        ? JsonObject.Create(value.Clone())!
        : throw InvalidInputException.Because($"hyperparameters must be an object of names and numbers; got {value.GetRawText()}.");
}
