using System.Collections.Immutable;
using System.Text.Json;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>An objective under a name, with the refutations that its author expects.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Reference">How a command line names it again: a catalogue id or a file's path.</param>
/// <param name="Objective">The objective.</param>
/// <param name="Expected">Claim id → why its refutation is expected.</param>
internal sealed record Proposal(string Name, string Reference, SurrogateObjective Objective, ImmutableSortedDictionary<string, string> Expected)
{
    private const int LongestName = 100;

    /// <summary>The schema of proposal files.</summary>
    public const string Schema = "grouprl-proposal/1";

    /// <summary>The catalogue's entry of that id, or the proposal in that file.</summary>
    public static Proposal Resolve(string idOrFile)
    {
        if (Catalogue.Find(idOrFile) is { } entry)
            return new(entry.Id, entry.Id, entry.Objective, ImmutableSortedDictionary<string, string>.Empty);
        if (CodeReference.Is(idOrFile))
            return OfCode(CodeReference.Load(idOrFile));
        return File.Exists(idOrFile)
            ? ReadFile(idOrFile)
            : throw InvalidInputException.Because(
                $"\"{idOrFile}\" is neither a file nor an objective of the catalogue: {Nearest.List(idOrFile, Catalogue.All.Select(known => known.Id))}.");
    }

    /// <summary>An objective that is code of a user's.</summary>
    public static Proposal OfCode(CodeSubject code) => new(code.Name, code.Word, code.AsObjective(), ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>Reads a proposal file.</summary>
    public static Proposal ReadFile(string path)
    {
        string text = Files.Read(path);
        return Files.Within(path, () => StrictJson.Read("The proposal", () => Read(text, Path.GetFileNameWithoutExtension(path), path)));
    }

    private static Proposal Read(string text, string fileName, string reference)
    {
        using var document = StrictJson.Parse(text, "The proposal");
        var fields = new Fields(document.RootElement, "");
        CheckSchema(fields);
        LossFile.Refuse(fields);
        string name = NameOf(fields, fileName)!;
        fields.Text("description", "");
        var proposal = new Proposal(name, reference, Composition.Read(fields, Base(fields)), Expectations(fields, ExpectableClaim));
        fields.End();
        return proposal;
    }

    /// <summary>Refuses a file of another schema.</summary>
    public static void CheckSchema(Fields fields)
    {
        if (fields.Text("schema") is not Schema and var schema)
            throw InvalidInputException.Because($"schema must be \"{Schema}\"; got \"{schema}\".");
    }

    /// <summary>What reports call it.</summary>
    public static string? NameOf(Fields fields, string? fallback)
    {
        string? name = fields.Find("name") is { } given ? Fields.AsText(given, "name") : fallback;
        return name is not null && (string.IsNullOrWhiteSpace(name) || name.Length > LongestName)
            ? throw InvalidInputException.Because($"name must have 1 to {LongestName} characters; got {name.Length}.")
            : name;
    }

    private static SurrogateObjective? Base(Fields fields)
    {
        if (fields.Find("base") is not { } element)
            return null;
        string id = Fields.AsText(element, "base");
        return Catalogue.Find(id)?.Objective
            ?? throw InvalidInputException.Because($"base names the unknown objective \"{id}\"; known are {Nearest.List(id, Catalogue.All.Select(entry => entry.Id))}.");
    }

    /// <summary>Claim id → why its refutation is expected.</summary>
    public static ImmutableSortedDictionary<string, string> Expectations(Fields fields, Func<string, string> known)
    {
        var expected = ImmutableSortedDictionary<string, string>.Empty;
        if (fields.Find("expect") is not { } element)
            return expected;
        if (element.ValueKind != JsonValueKind.Object)
            throw InvalidInputException.Because($"expect must be an object of claims and reasons; got {element.GetRawText()}.");
        foreach (var entry in element.EnumerateObject())
            expected = expected.Add(known(entry.Name), Fields.AsText(entry.Value, $"expect.{entry.Name}"));
        return expected;
    }

    /// <summary>The id itself, if it is that of a claim that speaks of objectives.</summary>
    public static string ExpectableClaim(string id) => Ledger.OptimizerClaims.Any(claim => claim.Id == KnownClaim(id))
        ? throw InvalidInputException.Because($"The claim \"{id}\" speaks of optimizers, so a proposal of an objective cannot expect anything of it.")
        : id;

    /// <summary>The id itself, if it is that of a claim of the ledger.</summary>
    public static string LedgerClaim(string id) => Ledger.Find(id)?.Id
        ?? throw InvalidInputException.Because($"there is no claim \"{id}\"; known are {Nearest.List(id, Ledger.Claims.Select(claim => claim.Id))}.");

    /// <summary>The id itself, if it is that of a claim, or of a law of losses or optimizers.</summary>
    public static string KnownClaim(string id) => Ledger.Find(id)?.Id ?? LossLaws.Find(id)?.Id ?? OptimizerLaws.Find(id)?.Id
        ?? throw InvalidInputException.Because($"there is no claim \"{id}\"; known are {Nearest.List(id, Ledger.Claims.Concat(LossLaws.Claims).Concat(OptimizerLaws.Claims).Select(claim => claim.Id).Distinct())}.");
}
