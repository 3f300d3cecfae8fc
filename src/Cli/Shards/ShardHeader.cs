using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>The first line of a shard's file: of which run it is which part.</summary>
/// <param name="What">The command, <c>ledger</c> or <c>falsify</c>.</param>
/// <param name="Shard">Which part.</param>
/// <param name="Cases">Cases a row.</param>
/// <param name="Digest">SHA-256 of what is judged: <see cref="RunDigest"/>.</param>
/// <param name="Version">The version of the command that judges.</param>
/// <param name="Subject">Of <c>falsify</c>, what reports need of the candidate: <see cref="RecordedSubject"/>.</param>
internal sealed record ShardHeader(string What, Shard Shard, int Cases, string Digest, string Version, JsonNode? Subject)
{
    /// <summary>The schema of the files.</summary>
    public const string Schema = "grouprl-shard/1";

    public const string Ledger = "ledger", Falsify = "falsify";

    /// <summary>The name of the file that holds the shard.</summary>
    public string FileName => NameOf(Shard) + ".jsonl";

    /// <summary>A shard as files and folders are called by it.</summary>
    public static string NameOf(Shard shard) => FormattableString.Invariant($"shard-{shard.Index}-of-{shard.Count}");

    /// <summary>What distinguishes runs, in words.</summary>
    public IEnumerable<(string Name, string Value)> Run =>
    [
        ("the command", What), ("the number of shards", FormattableString.Invariant($"{Shard.Count}")), ("the number of cases", FormattableString.Invariant($"{Cases}")),
        ("the version", Version), ("the digest of what is judged", Digest),
    ];

    /// <summary>How the run of another header differs from this one's, as "the number of cases 500, not 1000"; null where it does not.</summary>
    public string? Difference(ShardHeader other) => other.Run.Zip(Run).Where(pair => pair.First != pair.Second)
        .Select(pair => $"{pair.First.Name} {pair.First.Value}, not {pair.Second.Value}").FirstOrDefault();

    /// <summary>The line.</summary>
    public JsonObject ToJson()
    {
        var line = new JsonObject
        {
            ["schema"] = Schema,
            ["what"] = What,
            ["i"] = Shard.Index,
            ["n"] = Shard.Count,
            ["cases"] = Cases,
            ["digest"] = Digest,
            ["version"] = Version,
        };
        if (Subject is not null)
            line["subject"] = Subject.DeepClone();
        return line;
    }

    /// <summary>Reads the line.</summary>
    public static ShardHeader Read(JsonElement element)
    {
        var fields = new Fields(element, "", "the header");
        if (fields.Text("schema") is not Schema and var schema)
            throw InvalidInputException.Because($"schema must be \"{Schema}\"; got \"{schema}\".");
        string what = fields.Choice("what", (Ledger, Ledger), (Falsify, Falsify));
        var shard = new Shard(fields.Whole("i"), fields.Whole("n"));
        if (shard.Index < 1 || shard.Index > shard.Count || shard.Count > Shard.Most)
            throw InvalidInputException.Because($"i must be from 1 to n, and n at most {Shard.Most}; got {shard.Index} of {shard.Count}.");
        int cases = fields.Whole("cases");
        string digest = fields.Text("digest");
        string version = fields.Text("version");
        var subject = fields.Find("subject") switch
        {
            null => null,
            { ValueKind: JsonValueKind.Object } given => JsonObject.Create(given.Clone()),
            { } other => throw InvalidInputException.Because($"subject must be an object; got {other.ValueKind}."),
        };
        if (subject is null != (what == Ledger))
            throw InvalidInputException.Because($"a header has a subject if and only if it is of {Falsify}.");
        fields.End();
        return new(what, shard, cases, digest, version, subject);
    }
}
