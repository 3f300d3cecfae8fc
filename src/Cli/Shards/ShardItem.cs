using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>A line of a shard's file: what was found in one block of one row.</summary>
/// <param name="Number">The item's number in the run.</param>
/// <param name="Claim">The row's claim.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Block">The block's index.</param>
/// <param name="Found">What was found.</param>
/// <param name="Grid">What the candidate made of the counterexample; null where there is nothing to be shown.</param>
internal sealed record ShardItem(long Number, string Claim, string Subject, int Block, Findings Found, CaseGrid? Grid)
{
    /// <summary>The line of an item.</summary>
    public static JsonObject Write(Item item, LedgerRow row, Findings found, Func<object, CaseGrid?> gridOf)
    {
        var line = new JsonObject
        {
            ["item"] = item.Number,
            ["claim"] = row.Claim.Id,
            ["subject"] = row.Subject,
            ["block"] = item.Block,
            ["cases"] = found.Cases,
            ["corners"] = new JsonObject(found.Corners.Select(corner => KeyValuePair.Create(corner.Key, (JsonNode?)corner.Value))),
        };
        if (found.Refused > 0)
            (line["refused"], line["refusal"]) = (found.Refused, found.Refusal);
        if (found.Unbuilt.Length > 0)
            line["unbuilt"] = found.Unbuilt;
        if (found.Counterexample is { } counterexample)
            line["counterexample"] = Write(counterexample, row, gridOf(counterexample.Case));
        return line;
    }

    /// <summary>Reads the line.</summary>
    public static ShardItem Read(JsonElement element)
    {
        var fields = new Fields(element, "", "the item");
        var grid = (CaseGrid?)null;
        var item = new ShardItem(
            fields.Find("item") is { ValueKind: JsonValueKind.Number } given && given.TryGetInt64(out long number) ? number : throw InvalidInputException.Because($"the item needs the field \"item\", a whole number."),
            fields.Text("claim"),
            fields.AnyText("subject"),
            fields.Whole("block"),
            new()
            {
                Cases = fields.Whole("cases"),
                Corners = Corners(fields),
                Refused = fields.Find("refused") is null ? 0 : fields.Whole("refused"),
                Refusal = fields.AnyText("refusal", ""),
                Unbuilt = fields.AnyText("unbuilt", ""),
                Counterexample = fields.Find("counterexample") is { } found ? ReadCounterexample(new(found, "counterexample"), out grid) : null,
            },
            grid);
        fields.End();
        return item;
    }

    private static ImmutableSortedDictionary<string, int> Corners(Fields fields)
    {
        var counts = new Fields(fields.Find("corners") ?? throw InvalidInputException.Because($"the item needs the field \"corners\", an object."), "corners");
        // Names are few and repeat in every line.
        return counts.Names.ToImmutableSortedDictionary(string.Intern, counts.Whole, StringComparer.Ordinal);
    }

    private static JsonObject Write(Counterexample found, LedgerRow row, CaseGrid? grid)
    {
        var json = new JsonObject { ["case"] = Report.OfCase(found.Case) };
        if (found.Case is not RolloutBatch)
            (json["line"], json["size"]) = (CaseText.Of(found.Case), new JsonArray([.. CaseText.Size(found.Case).Select(part => JsonValue.Create(part))]));
        json["measured"] = Report.ToJson(found.Measurement.Measured);
        json["bound"] = Report.ToJson(found.Measurement.Bound);
        json["at_least"] = found.Measurement.AtLeast;
        json["group"] = found.Measurement.Group;
        json["position"] = found.Measurement.Position;
        json["why"] = found.Why;
        json["shrinks"] = found.Shrinks;
        json["replay"] = ReplayToken.Of(row, found.Point).ToString();
        if (grid is not null)
            json["grid"] = new JsonArray([.. grid.Rows.Prepend(grid.Columns).Select(cells => new JsonArray([.. cells.Select(cell => JsonValue.Create(cell))]))]);
        return json;
    }

    private static Counterexample ReadCounterexample(Fields fields, out CaseGrid? grid)
    {
        var given = fields.Find("case") ?? throw InvalidInputException.Because($"counterexample needs the field \"case\".");
        object value = given.ValueKind == JsonValueKind.String
            ? new RecordedCase(given.GetString()!, fields.AnyText("line"), [.. fields.Numbers("size").Select(part => (long)part)])
            : BatchReader.Read(given.GetRawText());
        var measurement = new Measurement(fields.AnyNumber("measured"), fields.AnyNumber("bound"), (int)fields.Number("group"), (int)fields.Number("position"), fields.Flag("at_least"));
        var found = new Counterexample(value, measurement, fields.AnyText("why"), ReplayToken.Parse(fields.AnyText("replay")).Point, fields.Whole("shrinks"));
        grid = fields.Find("grid") is null ? null : ReadGrid([.. fields.Items("grid").Select((cells, k) => Fields.AsItems(cells, FormattableString.Invariant($"grid[{k}]")).Select(cell => cell.GetString()!).ToImmutableArray())]);
        fields.End();
        return found;
    }

    private static CaseGrid ReadGrid(ImmutableArray<ImmutableArray<string>> lines) => lines is [var columns, .. var rows] && rows.All(row => row.Length == columns.Length)
        ? new(columns, rows)
        : throw InvalidInputException.Because($"counterexample.grid must be an array of headings and rows of as many cells.");
}
