using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>A candidate in the header of a shard: what reports need of it where neither it nor its code is at hand.</summary>
internal static class RecordedSubject
{
    // Laws of losses and of optimizers have ids that claims of the ledger have, too.
    private static readonly (string Word, Func<string, Claim?> Find)[] s_laws =
        [("ledger", Ledger.Find), ("losses", LossLaws.Find), ("optimizers", OptimizerLaws.Find)];

    /// <summary>The candidate in JSON.</summary>
    public static JsonObject Write(Candidate candidate) => new()
    {
        ["name"] = candidate.Name,
        ["reference"] = new JsonArray([.. candidate.Reference.Select(word => JsonValue.Create(word))]),
        ["program"] = candidate.Program,
        ["laws"] = s_laws[candidate.Loss is not null ? 1 : candidate.Optimizer is not null ? 2 : 0].Word,
        ["expected"] = new JsonObject(candidate.Expected.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
        ["rows"] = new JsonArray([.. candidate.Rows.Select(row => new JsonObject
        {
            ["claim"] = row.Claim.Id,
            ["objective"] = row.Objective,
            ["optimizer"] = row.Optimizer,
            ["expected"] = row.Expected.Kind.ToString(),
            ["because"] = row.Expected.Missing ?? row.Expected.Because,
        })]),
    };

    /// <summary>The candidate again, and what it made of its counterexamples.</summary>
    public static Candidate Read(JsonElement element, IReadOnlyDictionary<object, CaseGrid> grids)
    {
        var fields = new Fields(element, "subject");
        string name = fields.AnyText("name");
        string[] reference = [.. fields.Items("reference").Select((word, k) => Text(word, FormattableString.Invariant($"subject.reference[{k}]")))];
        string? program = fields.Find("program") is { ValueKind: JsonValueKind.String } given ? given.GetString() : null;
        var find = fields.Choice("laws", s_laws);
        var expected = fields.Find("expected") is { ValueKind: JsonValueKind.Object } reasons
            ? reasons.EnumerateObject().ToImmutableSortedDictionary(entry => entry.Name, entry => Text(entry.Value, $"subject.expected.{entry.Name}"))
            : throw InvalidInputException.Because($"subject.expected must be an object of claims and reasons.");
        LedgerRow[] rows = [.. fields.Items("rows").Select((row, k) => Row(new(row, FormattableString.Invariant($"subject.rows[{k}]")), find))];
        fields.End();
        return Candidate.Recorded(name, reference, rows, expected, grids) with { Program = program };
    }

    private static string Text(JsonElement element, string place) => element.ValueKind == JsonValueKind.String
        ? element.GetString()!
        : throw InvalidInputException.Because($"{place} must be a text; got {element.ValueKind}.");

    private static LedgerRow Row(Fields fields, Func<string, Claim?> find)
    {
        string id = fields.Text("claim"), objective = fields.AnyText("objective"), optimizer = fields.AnyText("optimizer");
        var kind = fields.Choice("expected", [.. Enum.GetValues<VerdictKind>().Select(kind => (kind.ToString(), kind))]);
        string because = fields.AnyText("because");
        fields.End();
        return new(
            find(id) ?? throw InvalidInputException.Because($"{fields.At("claim")} names the unknown claim \"{id}\"."),
            objective,
            optimizer,
            kind == VerdictKind.NotApplicable ? Expectation.NotApplicable(because) : new(kind, because),
            _ => throw NotAtHand(),
            _ => throw NotAtHand(),
            Check: null,
            Tightness: null);

        InvalidOperationException NotAtHand() => new($"What {id} speaks of was judged elsewhere.");
    }
}
