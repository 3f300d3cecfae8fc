using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary><c>grouprl merge DIR</c>: the verdicts of a run from the files of its shards alone. Nothing is judged, and nobody's code runs.</summary>
/// <param name="terminal">Where problems go.</param>
/// <param name="ledger">The rows of the ledger, as this command has them.</param>
internal sealed class MergeCommand(Terminal terminal, IReadOnlyList<LedgerRow> ledger)
{
    private readonly List<string> _problems = [];

    /// <summary>
    /// Reads the shards of a folder and prints what <paramref name="ofLedger"/> or <paramref name="ofCandidate"/> make of them; where one is missing,
    /// torn, of another run or there twice, says which, and nothing else.
    /// </summary>
    public int Run(string folder, Func<JudgedRow[], int> ofLedger, Func<Candidate, IReadOnlyList<Verdict>, int> ofCandidate)
    {
        var headers = Headers(folder);
        var run = Run(headers);
        var shards = Shards(folder, headers, run);
        if (run.Version != Report.Version)
            return Refuse($"{folder} holds a run of version {run.Version}, and this is {Report.Version}: the version that judged merges.");
        if (run.What == ShardHeader.Ledger && run.Digest != RunDigest.Of(ledger))
            return Refuse($"{folder} holds a run of another ledger than this command's.");
        Dictionary<object, CaseGrid> grids = new(ReferenceEqualityComparer.Instance);
        var candidate = run.Subject is null ? null : Files.Within($"{headers[0].Path}, line 1", () => RecordedSubject.Read(JsonSerializer.SerializeToElement(run.Subject), grids));
        var verdicts = Gather(shards, candidate?.Rows ?? ledger, run.Cases, grids);
        return _problems.Count > 0 ? Refuse()
            : candidate is null ? ofLedger([.. ledger.Zip(verdicts, (row, verdict) => new JudgedRow(row, verdict))])
            : ofCandidate(candidate, verdicts);
    }

    // The first line of every file; one that has none is a problem, and no shard.
    private (string Path, ShardHeader Header)[] Headers(string folder)
    {
        if (!Directory.Exists(folder))
            throw new InvalidInputException($"{folder} cannot be read: there is no such folder.");
        string[] paths = [.. Directory.EnumerateFiles(folder, "*.jsonl").Order(StringComparer.Ordinal)];
        var headers = paths.SelectMany(path => Try(() => (path, ShardText.HeaderOf(path)))).ToArray();
        return paths.Length == 0 ? throw new InvalidInputException($"{folder} holds no shard, a file shard-i-of-n.jsonl.")
            : headers.Length > 0 ? headers
            : throw new InvalidInputException(_problems[0]);
    }

    // The run that most files are of.
    private static ShardHeader Run((string Path, ShardHeader Header)[] headers) =>
        headers.GroupBy(shard => string.Join('\n', shard.Header.Run)).MaxBy(group => group.Count())!.First().Header;

    // One file for each shard of the run; what keeps it from being so is a problem.
    private (string Path, ShardHeader Header)[] Shards(string folder, (string Path, ShardHeader Header)[] headers, ShardHeader run)
    {
        foreach (var (path, header) in headers)
        {
            if (run.Difference(header) is { } difference)
                _problems.Add($"{path} is of another run than the others, with {difference}.");
        }

        var files = headers.Where(shard => run.Difference(shard.Header) is null).ToLookup(shard => shard.Header.Shard.Index);
        for (int i = 1; i <= run.Shard.Count; i++)
        {
            var shard = run.Shard with { Index = i };
            string path = Path.Combine(folder, $"{ShardHeader.NameOf(shard)}.jsonl");
            // A file of its name that is not of the run, or cannot be read, has been named.
            bool named = File.Exists(path) && !headers.Any(other => other.Path == path && run.Difference(other.Header) is null);
            if (!files.Contains(i) && !named)
                _problems.Add($"{shard} is missing: there is no {path}.");
            else if (files[i].Skip(1).Any())
                _problems.Add($"{shard} is there more than once: {string.Join(" and ", files[i].Select(file => file.Path))}.");
        }

        return [.. files.Select(file => file.First())];
    }

    // The verdict of every row, of those shards that are whole; the others are problems.
    private Verdict[] Gather(IEnumerable<(string Path, ShardHeader Header)> shards, IReadOnlyList<LedgerRow> rows, int cases, IDictionary<object, CaseGrid> grids)
    {
        GatheredRow[] gathered = [.. rows.Select(row => new GatheredRow(row))];
        var items = ShardCommand.ItemsOf(rows, new(cases));
        foreach (var (path, header) in shards)
        {
            foreach (var item in Try(() => Finished(path, rows, items)).SelectMany(found => found))
                gathered[items[(int)item.Number].Row].Add(header.Shard, item);
        }

        return [.. gathered.Select(row => row.Judge(grids))];
    }

    private static IReadOnlyList<ShardItem> Finished(string path, IReadOnlyList<LedgerRow> rows, IReadOnlyList<Item> items)
    {
        var text = ShardText.Read(Files.ReadBytes(path), path);
        text.Check(path, rows, items);
        var shard = text.Header.Shard;
        return text.Ended && !text.Torn
            ? text.Items
            : throw InvalidInputException.Because($"{path} is {(text.Torn ? "torn in its last line" : "not finished")}, with {text.Items.Count} of {shard.CountOf(items.Count)} items: run {shard} again, and it goes on from there.");
    }

    private T[] Try<T>(Func<T> read)
    {
        try
        {
            return [read()];
        }
        catch (InvalidInputException error)
        {
            _problems.Add(error.Message);
            return [];
        }
    }

    private int Refuse(params ReadOnlySpan<string> more)
    {
        foreach (string problem in (string[])[.. _problems, .. more])
            CommandLine.Fail(terminal, problem);
        return ExitCode.Usage;
    }
}
