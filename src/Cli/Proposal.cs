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
        return File.Exists(idOrFile)
            ? ReadFile(idOrFile)
            : throw InvalidInputException.Because(
                $"\"{idOrFile}\" is neither a file nor an objective of the catalogue: {Nearest.List(idOrFile, Catalogue.All.Select(known => known.Id))}.");
    }

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
        if (fields.Text("schema") is not Schema and var schema)
            throw InvalidInputException.Because($"schema must be \"{Schema}\"; got \"{schema}\".");
        string name = fields.Text("name", fileName);
        if (string.IsNullOrWhiteSpace(name) || name.Length > LongestName)
            throw InvalidInputException.Because($"name must have 1 to {LongestName} characters; got {name.Length}.");
        fields.Text("description", "");
        var proposal = new Proposal(name, reference, Compose(fields, Base(fields)), Expectations(fields));
        fields.End();
        return proposal;
    }

    private static SurrogateObjective? Base(Fields fields)
    {
        if (fields.Find("base") is not { } element)
            return null;
        string id = Fields.AsText(element, "base");
        return Catalogue.Find(id)?.Objective
            ?? throw InvalidInputException.Because($"base names the unknown objective \"{id}\"; known are {Nearest.List(id, Catalogue.All.Select(entry => entry.Id))}.");
    }

    private static SurrogateObjective Compose(Fields fields, SurrogateObjective? start)
    {
        var objective = new SurrogateObjective(
            fields.Find("advantage") is { } advantage ? Parts.Advantage(advantage, "advantage") : start?.Advantage ?? throw Lacks("advantage"),
            fields.Find("kernel") is { } kernel ? Parts.Kernel(kernel, "kernel") : start?.Kernel ?? throw Lacks("kernel"),
            fields.Find("weight") is { } weight ? Parts.Weight(weight, "weight") : start?.Weight ?? throw Lacks("weight"));
        return objective with
        {
            Rewards = fields.Find("rewards") is { } rewards ? Shaping(rewards) : start?.Rewards ?? objective.Rewards,
            Correction = fields.Find("correction") is { } correction ? Parts.Weight(correction, "correction") : start?.Correction ?? objective.Correction,
            Regularisers = fields.Find("regularisers") is not null
                ? [.. fields.Items("regularisers").Select((part, k) => Parts.Regulariser(part, $"regularisers[{k}]"))]
                : start?.Regularisers ?? objective.Regularisers,
        };

        static InvalidInputException Lacks(string part) =>
            InvalidInputException.Because($"a proposal needs the field \"{part}\", or a \"base\" that has one.");
    }

    // One step of shaping, or several in their order.
    private static RewardShaping Shaping(JsonElement rewards)
    {
        if (rewards.ValueKind != JsonValueKind.Array)
            return Parts.Shaping(rewards, "rewards", RewardShaping.None);
        var steps = rewards.EnumerateArray().ToArray();
        return steps.Length == 0
            ? throw InvalidInputException.Because($"rewards must name at least one step; leave it out to keep those of the base.")
            : steps.Index().Aggregate(RewardShaping.None, (inner, step) => Parts.Shaping(step.Item, $"rewards[{step.Index}]", inner));
    }

    private static ImmutableSortedDictionary<string, string> Expectations(Fields fields)
    {
        var expected = ImmutableSortedDictionary<string, string>.Empty;
        if (fields.Find("expect") is not { } element)
            return expected;
        if (element.ValueKind != JsonValueKind.Object)
            throw InvalidInputException.Because($"expect must be an object of claims and reasons; got {element.GetRawText()}.");
        foreach (var entry in element.EnumerateObject())
            expected = expected.Add(ExpectableClaim(entry.Name), Fields.AsText(entry.Value, $"expect.{entry.Name}"));
        return expected;
    }

    /// <summary>The id itself, if it is that of a claim that speaks of objectives.</summary>
    public static string ExpectableClaim(string id) => Ledger.OptimizerClaims.Any(claim => claim.Id == KnownClaim(id))
        ? throw InvalidInputException.Because($"The claim \"{id}\" speaks of optimizers, so a proposal of an objective cannot expect anything of it.")
        : id;

    /// <summary>The id itself, if it is a claim's.</summary>
    public static string KnownClaim(string id) => Ledger.Find(id)?.Id
        ?? throw InvalidInputException.Because($"there is no claim \"{id}\"; known are {Nearest.List(id, Ledger.Claims.Select(claim => claim.Id))}.");
}
