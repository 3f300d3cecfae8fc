using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary><c>--shard i/n --out DIR</c> of <c>ledger</c> and <c>falsify</c>: one share of a run, a line as each of its items is finished.</summary>
/// <param name="terminal">Where progress goes.</param>
/// <param name="shard">Which share.</param>
/// <param name="folder">The folder of the run.</param>
internal sealed class ShardCommand(Terminal terminal, Shard shard, string folder)
{
    /// <summary>The most blocks of a run: 2·10¹⁰ cases.</summary>
    private const int MostItems = 20_000_000;

    /// <summary>Runs a share of a ledger.</summary>
    public int Run(IReadOnlyList<LedgerRow> ledger, int cases) => Run(new(ShardHeader.Ledger, shard, cases, RunDigest.Of(ledger), Report.Version, Subject: null), ledger, _ => null, jobs: -1);

    /// <summary>Runs a share of the claims against a candidate.</summary>
    public int Run(Candidate candidate, int cases) => Run(
        new(ShardHeader.Falsify, shard, cases, RunDigest.Of(candidate), Report.Version, RecordedSubject.Write(candidate)),
        candidate.Rows,
        value => CaseGrid.Of(candidate, value),
        candidate.Jobs);

    // Verdicts are for whoever has all shards: a finished one ends with 0, whatever it found.
    private int Run(ShardHeader header, IReadOnlyList<LedgerRow> rows, Func<object, CaseGrid?> gridOf, int jobs)
    {
        var profile = new Profile(header.Cases);
        string path = Path.Combine(folder, header.FileName);
        var items = ItemsOf(rows, profile);
        using var file = ShardFile.Open(path, header);
        file.Text.Check(path, rows, items);
        file.Mend();
        if (file.Text.Ended)
        {
            terminal.Output.WriteLine(FormattableString.Invariant($"{path} is finished already, with {file.Text.Items.Count} items."));
            return ExitCode.Kept;
        }

        var finished = file.Text.Items.Select(item => item.Number).ToHashSet();
        Item[] left = [.. items.Where(item => shard.Has(item) && !finished.Contains(item.Number))];
        int all = finished.Count + left.Length;
        terminal.Progress(
            shard.ToString(),
            "blocks",
            left,
            item =>
            {
                var row = rows[item.Row];
                var found = row.Search(row.BlockOf(profile, item.Block));
                file.Append(ShardItem.Write(item, row, found, gridOf));
                return found.Cases;
            },
            jobs,
            count => count);
        file.Append(ShardText.EndLine(all));
        terminal.Output.WriteLine(FormattableString.Invariant($"{path} is finished, with {all} items{(finished.Count > 0 ? $", {finished.Count} of them from before" : "")}; grouprl merge {Report.Quoted(folder)} tells the verdicts of all {shard.Count}."));
        return ExitCode.Kept;
    }

    /// <summary>The items of a run, by their numbers.</summary>
    /// <exception cref="InvalidInputException">There are more than a list of them can hold in reason.</exception>
    public static IReadOnlyList<Item> ItemsOf(IReadOnlyList<LedgerRow> rows, Profile profile)
    {
        long blocks = rows.Sum(row => (long)Block.Count(row.Cases(profile)));
        return blocks <= MostItems
            ? [.. Item.Of(rows.Select(row => row.Cases(profile)))]
            : throw InvalidInputException.Because($"A run that is shared has at most {MostItems} blocks of {Block.Size} cases; {profile.Cases} cases a row make {blocks}.");
    }
}
