using System.Text;
using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>What the file of a shard holds.</summary>
/// <param name="Header">Its first line.</param>
/// <param name="Items">The items that are finished, in the order of their lines.</param>
/// <param name="Ended">Whether the line that ends the shard is there.</param>
/// <param name="Whole">Up to which byte it is whole: what is behind is a torn line.</param>
/// <param name="Torn">Whether there is such a line.</param>
internal sealed record ShardText(ShardHeader Header, IReadOnlyList<ShardItem> Items, bool Ended, long Whole, bool Torn)
{
    private const string End = "end";

    /// <summary>The line that ends a shard of so many items.</summary>
    public static System.Text.Json.Nodes.JsonObject EndLine(int items) => new() { [End] = items };

    /// <summary>The header of a file.</summary>
    public static ShardHeader HeaderOf(string path)
    {
        byte[] first = Encoding.UTF8.GetBytes(Files.Reading(path, () => File.ReadLines(path).FirstOrDefault("")) + "\n");
        return Read(first, path).Header;
    }

    /// <summary>Reads a file. A last line that has no new line or is no JSON is torn: it was being written as the process was killed.</summary>
    public static ShardText Read(byte[] bytes, string path)
    {
        ShardHeader? header = null;
        List<ShardItem> items = [];
        int? ended = null;
        int line = 0, start = 0;
        for (int length; start < bytes.Length; start += length + 1)
        {
            line++;
            length = bytes.AsSpan(start).IndexOf((byte)'\n');
            if (length < 0)
                break;
            using var document = TryParse(bytes.AsMemory(start, length));
            if (document is null && start + length + 1 == bytes.Length)
                break;
            Within(() =>
            {
                var root = document?.RootElement ?? throw InvalidInputException.Because($"it is no JSON.");
                if (ended is not null)
                    throw InvalidInputException.Because($"nothing follows the line that ends a shard.");
                if (header is null)
                    header = ShardHeader.Read(root);
                else if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty(End, out _))
                    ended = new Fields(root, "", "the end").Whole(End);
                else
                    items.Add(ShardItem.Read(root));
                return 0;
            });
        }

        if (header is null)
            throw new InvalidInputException($"{path} is no shard: it has no whole line, and the first is {ShardHeader.Schema}'s header.");
        if (ended is { } count && count != items.Count)
            throw new InvalidInputException($"{path} is damaged: it ends after {count} items, and has {items.Count}.");
        return new(header, items, ended is not null, start, start < bytes.Length);

        T Within<T>(Func<T> read) => Files.Within(FormattableString.Invariant($"{path}, line {line}"), () => StrictJson.Read("It", read));
    }

    /// <summary>Refuses items that are not the shard's own, or are there twice.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">The rows of the run.</param>
    /// <param name="items">The items of the run, by their numbers.</param>
    public void Check(string path, IReadOnlyList<LedgerRow> rows, IReadOnlyList<Item> items)
    {
        HashSet<long> seen = [];
        foreach (var item in Items)
        {
            bool own = item.Number >= 0 && item.Number < items.Count && items[(int)item.Number] is var place && Header.Shard.Has(place)
                && (place.Block, rows[place.Row].Claim.Id, rows[place.Row].Subject) == (item.Block, item.Claim, item.Subject);
            if (!own)
                throw new InvalidInputException(FormattableString.Invariant($"{path} is damaged: its item {item.Number}, block {item.Block} of {item.Claim} for {item.Subject}, is none of {Header.Shard}."));
            if (Impossible(item, rows[items[(int)item.Number].Row]) is { } fault)
                throw new InvalidInputException(FormattableString.Invariant($"{path} is damaged: {fault} in its item {item.Number}."));
            if (!seen.Add(item.Number))
                throw new InvalidInputException(FormattableString.Invariant($"{path} is damaged: its item {item.Number} is there twice."));
        }

        if (Ended && seen.Count != Header.Shard.CountOf(items.Count))
            throw new InvalidInputException(FormattableString.Invariant($"{path} is damaged: it ends after {seen.Count} items, and {Header.Shard} has {Header.Shard.CountOf(items.Count)}."));
    }

    // What no search of the block can have found, in words.
    private string? Impossible(ShardItem item, LedgerRow row)
    {
        int cases = row.BlockOf(new(Header.Cases), item.Block).Cases;
        var found = item.Found;
        return found.Cases > cases || (found.Cases < cases && found.Counterexample is null && found.Unbuilt.Length == 0)
            ? FormattableString.Invariant($"{found.Cases} cases were checked of {cases}, without a counterexample,")
            // Shrinking a counterexample asks for cases that are not counted.
            : found.Refused > found.Cases && found.Counterexample is null ? FormattableString.Invariant($"{found.Refused} of {found.Cases} cases were refused")
            : found.Corners.FirstOrDefault(corner => corner.Value > found.Cases) is { Key: not null } corner ? FormattableString.Invariant($"the corner \"{corner.Key}\" has {corner.Value} of {found.Cases} cases")
            : null;
    }

    private static JsonDocument? TryParse(ReadOnlyMemory<byte> line)
    {
        try
        {
            return StrictJson.Parse(Encoding.UTF8.GetString(line.Span), "It");
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }
}
