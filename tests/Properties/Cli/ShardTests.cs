using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Cli;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>Runs that are cut in shards: together they tell what one run tells, and nothing is lost, repeated or left out in silence.</summary>
public sealed partial class ShardTests : IDisposable
{
    private const string Biased = Grouprl.Head + """ "name":"biased","base":"dr-grpo","weight":"row-mean","expect":{"prefix-neutrality":"1/length"}}""";

    private readonly Grouprl _grouprl = new();

    private string Folder => _grouprl.Path_("run");

    private string Counterexamples => _grouprl.Path_("counterexamples");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Shards_of_any_number_tell_what_one_run_tells(int count)
    {
        string[] falsify = ["falsify", Compiled("RarelyLost"), "--cases", "2500"];
        var whole = Rows(_grouprl.Json([.. falsify, "--out", Counterexamples]));
        Run(count, falsify);
        var merged = Rows(_grouprl.Json("merge", Folder, "--out", Counterexamples));

        Assert.Equal(whole.Select(WithoutCase), merged.Select(WithoutCase));
        // The run is one that stops in other blocks than the first, and not everywhere.
        var refuted = whole.Where(row => Word(row) == "refuted").ToArray();
        Assert.Contains(refuted, row => row["cases"]!.GetValue<int>() > Block.Size);
        Assert.Contains(whole, row => Word(row) == "holds" && row["cases"]!.GetValue<int>() == 2500);
    }

    [Fact]
    public void The_smallest_counterexample_is_that_of_all_blocks_whatever_the_number_of_shards()
    {
        string[] falsify = ["falsify", Compiled("RarelyLost"), "--cases", "2500"];
        Run(1, falsify);
        var one = Rows(_grouprl.Json("merge", Folder));
        Directory.Delete(Folder, recursive: true);
        Run(4, falsify);
        var items = Directory.EnumerateFiles(Folder).SelectMany(File.ReadLines).Select(line => JsonNode.Parse(line)!).Where(line => line["counterexample"] is not null).ToLookup(line => (string)line["claim"]!);
        var four = Rows(_grouprl.Json("merge", Folder));

        foreach (var row in four.Where(row => Word(row) == "refuted"))
        {
            var all = items[(string)row["claim"]!].OrderBy(line => (long)line["counterexample"]!["size"]![0]!).ThenBy(line => (int)line["block"]!);
            var smallest = all.First();
            Assert.Equal((string)smallest["counterexample"]!["case"]!, (string)row["counterexample"]!["case"]!);
            Assert.Equal($"shard {((int)smallest["item"]! % 4) + 1} of 4, in block {smallest["block"]}", (string)row["counterexample"]!["found_by"]!);
        }

        Assert.Contains(items, claim => claim.Count() > 1);
        Assert.Equal(one.Select(row => WithoutFinder(row["counterexample"])), four.Select(row => WithoutFinder(row["counterexample"])));
    }

    [Theory]
    [InlineData]
    [InlineData("--json")]
    [InlineData("--junit")]
    [InlineData("--sarif")]
    [InlineData("--markdown")]
    [InlineData("--no-expect")]
    [InlineData("--fail-on", "contract")]
    [InlineData("--expect", "prefix-masked-truncation")]
    public void Every_report_is_that_of_one_run_and_says_which_shard_found_a_case(params string[] form)
    {
        string[] falsify = ["falsify", _grouprl.File("biased.json", Biased), "--cases", "30"];
        var (exit, output, _) = _grouprl.Run([.. falsify, .. form, "--out", Counterexamples]);
        string[] saved = Saved();
        Directory.Delete(Counterexamples, recursive: true);
        Run(3, falsify);
        var merged = _grouprl.Run(["merge", Folder, .. form, "--out", Counterexamples]);

        Assert.Equal((exit, output, ""), (merged.Exit, WithoutFinders(merged.Output), merged.Error));
        Assert.Equal(saved, Saved());
        if (form is not ["--sarif"])
            Assert.Matches("found.by.* of 3, in block 0", merged.Output);

        string[] Saved() => [.. Directory.EnumerateFiles(Counterexamples).Order(StringComparer.Ordinal).Select(file => $"{file}: {File.ReadAllText(file)}")];
    }

    [Theory]
    [InlineData("NegatedLoss")]
    [InlineData("OneOptimizer")]
    [InlineData("OneObjective")]
    public void Whatever_is_judged_its_report_needs_no_more_than_the_shards(string type)
    {
        string[] falsify = ["falsify", Compiled(type), "--cases", "20"];
        var (exit, output, _) = _grouprl.Run([.. falsify, "--out", Counterexamples]);
        Run(2, falsify);
        var merged = _grouprl.Run("merge", Folder, "--out", Counterexamples);

        Assert.Equal((exit, output, ""), (merged.Exit, WithoutFinders(merged.Output), merged.Error));
    }

    [Fact]
    public void Shards_of_a_ledger_tell_what_one_run_tells()
    {
        const int Cases = 1100;
        LedgerRow[] slice = [.. Ledger.Rows.Where(row => row.Subject is "adam" or "grpo" && row.Claim.Family is Family.Prefix or Family.Scale)];
        for (int i = 1; i <= 3; i++)
            Assert.Equal(0, new ShardCommand(Quiet(TextWriter.Null), new(i, 3), Folder).Run(slice, Cases));
        JudgedRow[] whole = [.. slice.Select(row => new JudgedRow(row, row.Judge(new(Cases))))], merged = [];
        int exit = new MergeCommand(Quiet(TextWriter.Null), slice).Run(Folder, judged => Print(merged = judged, LedgerForm.Grid).Exit, (_, _) => -1);

        Assert.Equal((Print(whole, LedgerForm.Grid).Exit, Print(whole, LedgerForm.Grid).Text), (exit, Print(merged, LedgerForm.Grid).Text));
        Assert.Equal(Json(whole).Select(WithoutCase), Json(merged).Select(WithoutCase));
        // Of a refutation the page tells the case, which may be another one than one run finds.
        Assert.Equal(Case().Replace(Print(whole, LedgerForm.Markdown).Text, ""), Case().Replace(Print(merged, LedgerForm.Markdown).Text, ""));
        Assert.Contains(merged, row => row.Verdict.Kind == VerdictKind.Refuted);
        Assert.Contains(merged, row => row.Verdict is { Kind: VerdictKind.Holds, Cases: Cases });
        Assert.Contains("smallest counterexample", Merged().Text, StringComparison.Ordinal);

        (int Exit, string Text) Print(JudgedRow[] judged, LedgerForm form)
        {
            using var text = new StringWriter();
            return (new LedgerCommand(Quiet(text)).Print(judged, form), text.ToString());
        }

        (int Exit, string Text) Merged()
        {
            using var text = new StringWriter();
            return (new LedgerCommand(Quiet(text)).PrintMerged(merged, LedgerForm.Grid), text.ToString());
        }

        JsonObject[] Json(JudgedRow[] judged)
        {
            using var report = JsonDocument.Parse(Print(judged, LedgerForm.Json).Text);
            return Rows(report.RootElement);
        }
    }

    [Fact]
    public void A_shard_that_is_killed_at_any_byte_is_taken_up_and_loses_and_repeats_nothing()
    {
        string[] shard = Shard(1, 1, "falsify", Compiled("OneOptimizer"), "--cases", "20");
        _grouprl.Run(shard);
        string path = File_(1, 1);
        byte[] whole = File.ReadAllBytes(path);
        string[] lines = Lines(whole);
        string merged = _grouprl.Run("merge", Folder, "--json").Output;
        int header = Array.IndexOf(whole, (byte)'\n') + 1;

        // Every kind of end: after the header, within a line, before its new line, after it, and drawn ones.
        var draw = new Draw(7, 0);
        int[] ends = [header, header + 1, .. Enumerable.Range(header, whole.Length - header).Where(k => whole[k] == '\n').Take(3).SelectMany(k => new[] { k, k + 1 }), whole.Length - 1, .. Enumerable.Range(0, 10).Select(_ => draw.Whole(header, whole.Length - 1))];
        foreach (int end in ends)
        {
            File.WriteAllBytes(path, whole[..end]);
            int kept = Lines(whole[..end]).Length - 1;
            var (exit, output, _) = _grouprl.Run(shard);

            Assert.Equal(0, exit);
            Assert.Contains(kept > 0 ? $", {Math.Min(kept, lines.Length - 2)} of them from before;" : "items; grouprl merge", output, StringComparison.Ordinal);
            byte[] again = File.ReadAllBytes(path);
            Assert.Equal(lines.Order(StringComparer.Ordinal), Lines(again).Order(StringComparer.Ordinal));
            Assert.Equal(whole[..(whole.AsSpan(0, end).LastIndexOf((byte)'\n') + 1)], again[..(whole.AsSpan(0, end).LastIndexOf((byte)'\n') + 1)]);
            Assert.Equal(merged, _grouprl.Run("merge", Folder, "--json").Output);
        }

        // What is written on a disk that lost power may be a line, and no JSON.
        File.WriteAllText(path, string.Join('\n', lines[..3]) + "\n\0\0\0\0\n");
        _grouprl.Run(shard);
        Assert.Equal(lines.Order(StringComparer.Ordinal), Lines(File.ReadAllBytes(path)).Order(StringComparer.Ordinal));

        static string[] Lines(byte[] bytes) => Encoding.UTF8.GetString(bytes.AsSpan(0, bytes.AsSpan().LastIndexOf((byte)'\n') + 1)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void A_finished_shard_is_left_alone_and_says_so()
    {
        string[] shard = Shard(2, 2, "falsify", Compiled("OneOptimizer"), "--cases", "20");
        _grouprl.Run(shard);
        byte[] whole = File.ReadAllBytes(File_(2, 2));
        var (exit, output, _) = _grouprl.Run(shard);

        Assert.Equal(0, exit);
        Assert.Contains("is finished already", output, StringComparison.Ordinal);
        Assert.Equal(whole, File.ReadAllBytes(File_(2, 2)));
    }

    [Fact]
    public void Shards_that_have_nothing_to_do_are_finished_and_merged_like_others()
    {
        string[] falsify = ["falsify", Compiled("OneOptimizer"), "--cases", "20"];
        var (exit, output, _) = _grouprl.Run([.. falsify, "--out", Counterexamples]);
        Run(30, falsify);

        Assert.Contains(Directory.EnumerateFiles(Folder), file => File.ReadAllLines(file) is [_, """{"end":0}"""]);
        var merged = _grouprl.Run("merge", Folder, "--out", Counterexamples);
        Assert.Equal((exit, output), (merged.Exit, WithoutFinders(merged.Output)));
    }

    [Fact]
    public void A_shard_that_another_process_writes_is_refused()
    {
        string[] shard = Shard(1, 2, "falsify", Compiled("OneOptimizer"), "--cases", "20");
        Directory.CreateDirectory(Folder);
        using (new FileStream(File_(1, 2) + ".partial", FileMode.Create, FileAccess.ReadWrite, FileShare.None))
            _grouprl.Refuses(shard, "shard-1-of-2.jsonl cannot be written: ", "another process");
        Assert.Equal(0, _grouprl.Run(shard).Exit);
        using (new FileStream(File_(1, 2), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            _grouprl.Refuses(shard, "shard-1-of-2.jsonl cannot be written: ", "another process");
            Assert.Contains("shard-1-of-2.jsonl cannot be read: ", _grouprl.Run("merge", Folder).Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_shard_of_another_run_is_not_taken_up()
    {
        string proposal = _grouprl.File("biased.json", Biased);
        string[] falsify = ["falsify", proposal, "--cases", "5"];
        Assert.Equal(0, _grouprl.Run(Shard(1, 2, falsify)).Exit);
        byte[] whole = File.ReadAllBytes(File_(1, 2));

        _grouprl.Refuses(Shard(1, 2, [.. falsify[..2], "--cases", "6"]), "is of another run, with the number of cases 5, not 6");
        _grouprl.Refuses(Shard(1, 2, [.. falsify, "--optimizer", "sgd"]), "is of another run, with the digest of what is judged ");
        _grouprl.Refuses(Shard(1, 2, "ledger", "--cases", "5"), "is of another run, with the command falsify, not ledger");
        _grouprl.File("biased.json", Biased.Replace("dr-grpo", "grpo", StringComparison.Ordinal));
        _grouprl.Refuses(Shard(1, 2, falsify), "is of another run, with the digest of what is judged ");
        Assert.Equal(whole, File.ReadAllBytes(File_(1, 2)));

        _grouprl.File("biased.json", Biased);
        File.WriteAllBytes(File_(2, 2), whole);
        _grouprl.Refuses(Shard(2, 2, falsify), "shard-2-of-2.jsonl holds shard 1 of 2, not shard 2 of 2");
        File.WriteAllText(File_(1, 2), Encoding.UTF8.GetString(whole).Replace(Report.Version.Replace("+", "\\u002B", StringComparison.Ordinal), "0.0.1", StringComparison.Ordinal));
        _grouprl.Refuses(Shard(1, 2, falsify), "is of another run, with the version 0.0.1, not ");
    }

    [Fact]
    public void What_is_missing_torn_of_another_run_or_there_twice_is_named_and_nothing_is_told()
    {
        string[] falsify = ["falsify", Compiled("OneOptimizer"), "--cases", "20"];
        Run(4, falsify);
        byte[] second = File.ReadAllBytes(File_(2, 4)), third = File.ReadAllBytes(File_(3, 4));

        File.Move(File_(1, 4), _grouprl.Path_("kept"));
        Problems("shard 1 of 4 is missing: there is no ");
        File.Move(_grouprl.Path_("kept"), File_(1, 4));

        File.WriteAllBytes(File_(2, 4), second[..^20]);
        Problems("shard-2-of-4.jsonl is torn in its last line, with ", "run shard 2 of 4 again, and it goes on from there.");
        File.WriteAllBytes(File_(2, 4), second[..(second.AsSpan()[..^1].LastIndexOf((byte)'\n') + 1)]);
        Problems("shard-2-of-4.jsonl is not finished, with ", "run shard 2 of 4 again, and it goes on from there.");
        File.WriteAllBytes(File_(2, 4), second[..10]);
        Problems("shard-2-of-4.jsonl is no shard");
        File.WriteAllBytes(File_(2, 4), second);

        File.Copy(File_(3, 4), Path.Combine(Folder, "shard-3-of-4 (1).jsonl"));
        Problems("shard 3 of 4 is there more than once: ", "shard-3-of-4 (1).jsonl and ");
        File.Delete(Path.Combine(Folder, "shard-3-of-4 (1).jsonl"));

        _grouprl.Run("falsify", Compiled("OneOptimizer"), "--cases", "21", "--shard", "3/4", "--out", _grouprl.Path_("other"));
        File.Copy(Path.Combine(_grouprl.Path_("other"), "shard-3-of-4.jsonl"), File_(3, 4), overwrite: true);
        Problems("shard-3-of-4.jsonl is of another run than the others, with the number of cases 21, not 20.");

        // All of it at once is all named.
        File.Delete(File_(1, 4));
        File.WriteAllBytes(File_(2, 4), second[..^20]);
        var (exit, output, error) = _grouprl.Run("merge", Folder);
        Assert.Equal((2, "", 3), (exit, output, error.TrimEnd().Split('\n').Length));
        File.WriteAllBytes(File_(3, 4), third);
        Assert.Equal(2, _grouprl.Run("merge", Folder).Error.TrimEnd().Split('\n').Length);

        void Problems(params string[] words) => _grouprl.Refuses(["merge", Folder], words);
    }

    [Theory]
    [InlineData("\"item\":2", "\"item\":1", "is damaged: its item 1, block 0 of ")]
    [InlineData("\"item\":2", "\"item\":999", "is damaged: its item 999, block 0 of ")]
    [InlineData("\"end\":", "\"end\":9", "is damaged: it ends after 9")]
    [InlineData("{\"end\":", "{\"end\":11}\n{\"end\":", "nothing follows the line that ends a shard")]
    [InlineData("\"cases\":20", "\"cases\":-20", "line 1: cases must be a whole number of at least 0; got -20")]
    [InlineData("\"n\":1", "\"n\":0", "line 1: i must be from 1 to n, and n at most 1000000; got 1 of 0")]
    [InlineData("\"cases\":20,\"corners\"", "\"cases\":21,\"corners\"", "is damaged: 21 cases were checked of 20")]
    [InlineData("\"subject\":{", "\"subject\":5,\"other\":{", "line 1: subject must be an object; got Number")]
    [InlineData("{\"item\":2", "{\"item\":2,\"extra\":0", "the item has the unknown field \"extra\"")]
    [InlineData("{\"item\":2", "{\"item\":2,", "it is no JSON")]
    public void Lines_that_no_run_has_written_are_refused_by_both(string written, string changed, string words)
    {
        string[] shard = Shard(1, 1, "falsify", Compiled("OneOptimizer"), "--cases", "20");
        _grouprl.Run(shard);
        string text = File.ReadAllText(File_(1, 1));
        Assert.Contains(written, text, StringComparison.Ordinal);
        int at = text.IndexOf(written, StringComparison.Ordinal);
        File.WriteAllText(File_(1, 1), text[..at] + changed + text[(at + written.Length)..]);

        _grouprl.Refuses(shard, "shard-1-of-1.jsonl", words);
        _grouprl.Refuses(["merge", Folder], "shard-1-of-1.jsonl", words);
    }

    [Fact]
    public void A_finished_shard_with_a_torn_line_behind_its_end_is_mended_by_running_it_again()
    {
        string[] shard = Shard(1, 1, "falsify", Compiled("OneOptimizer"), "--cases", "20");
        _grouprl.Run(shard);
        byte[] whole = File.ReadAllBytes(File_(1, 1));
        File.AppendAllText(File_(1, 1), "x");
        _grouprl.Refuses(["merge", Folder], "is torn in its last line", "run shard 1 of 1 again");

        Assert.Equal(0, _grouprl.Run(shard).Exit);
        Assert.Equal(whole, File.ReadAllBytes(File_(1, 1)));
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("python3 {0} --verbose")]
    [InlineData("sh -c \"exec '{0}' --config={1}\"")]
    public void Every_file_that_a_command_names_is_in_the_digest_whatever_it_is_called(string command)
    {
        string named = string.Format(System.Globalization.CultureInfo.InvariantCulture, command, _grouprl.File("loss", "one"), _grouprl.File("settings.json", "{}"));
        string before = RunDigest.OfWord(named);
        Assert.Equal(before, RunDigest.OfWord(named));

        _grouprl.File("loss", "two");
        Assert.NotEqual(before, RunDigest.OfWord(named));
    }

    [Fact]
    public void More_blocks_than_a_run_may_have_are_refused() =>
        _grouprl.Refuses(Shard(1, 2, "ledger", "--cases", "2147483647"), "A run that is shared has at most 20000000 blocks of 1000 cases");

    [Fact]
    public void What_a_command_line_cannot_mean_is_refused_in_one_sentence()
    {
        string[] falsify = ["falsify", Compiled("OneOptimizer")];
        foreach (string wrong in new[] { "0/3", "4/3", "1", "1/0", "a/b", "1/3/5", "-1/3", "1/99999999999", "1/1000001", "" })
            _grouprl.Refuses([.. falsify, "--shard", wrong, "--out", Folder], $"--shard must be i/n, whole numbers with 1 ≤ i ≤ n ≤ 1000000, as 3/8; got \"{wrong}\"");
        _grouprl.Refuses([.. falsify, "--shard", "1/3"], "--shard needs --out DIR");
        _grouprl.Refuses(["ledger", "--shard", "1/3"], "--shard needs --out DIR");
        _grouprl.Refuses(["ledger", "--out", Folder], "--out is the folder of a run's shards, and belongs to --shard: leave it out");
        _grouprl.Refuses([.. falsify, "--shard", "1/3", "--out", Folder, "--json"], "--json belongs to a whole run or to grouprl merge, not to a shard: leave it out");
        _grouprl.Refuses([.. falsify, "--shard", "1/3", "--out", Folder, "--expect", "no-decay"], "--expect belongs to a whole run or to grouprl merge");
        Assert.False(Directory.Exists(Folder));

        _grouprl.Refuses(["merge", Folder], "cannot be read: there is no such folder");
        Directory.CreateDirectory(Folder);
        _grouprl.Refuses(["merge", Folder], "holds no shard");
        Run(1, [.. falsify, "--cases", "5"]);
        _grouprl.Refuses(["merge", Folder, "--expect", "no-such-claim"], "The claim no-such-claim does not speak of ");
    }

    [Fact]
    public void Shards_of_another_ledger_are_not_merged_with_this_one()
    {
        LedgerRow[] rows = [.. Ledger.Rows.Where(row => row.Subject == "adam")];
        new ShardCommand(Quiet(TextWriter.Null), new(1, 1), Folder).Run(rows, 5);

        _grouprl.Refuses(["merge", Folder], "holds a run of another ledger than this command's");
    }

    public void Dispose() => _grouprl.Dispose();

    private static string Compiled(string type) => $"{typeof(ShardTests).Assembly.Location}#GroupRL.Properties.Cli.Compiled.{type}";

    private string File_(int i, int n) => Path.Combine(Folder, FormattableString.Invariant($"shard-{i}-of-{n}.jsonl"));

    private string[] Shard(int i, int n, params string[] command) => [.. command, "--shard", $"{i}/{n}", "--out", Folder];

    private void Run(int count, string[] command)
    {
        for (int i = 1; i <= count; i++)
            Assert.Equal((0, ""), (_grouprl.Run(Shard(i, count, command)) is var (exit, _, error) ? exit : -1, error));
    }

    private static Terminal Quiet(TextWriter output) => new(output, TextWriter.Null, plainOutput: true, plainError: true);

    private static JsonObject[] Rows(JsonElement report) => [.. report.GetProperty("rows").EnumerateArray().Select(row => JsonObject.Create(row.Clone())!)];

    private static string Word(JsonObject row) => (string)row["verdict"]!;

    // Of a refutation one run tells the first case, and shards the smallest.
    private static string WithoutCase(JsonObject row)
    {
        var rest = (JsonObject)row.DeepClone();
        rest.Remove("counterexample");
        return rest.ToJsonString();
    }

    private static string? WithoutFinder(JsonNode? found)
    {
        (found as JsonObject)?.Remove("found_by");
        return found?.ToJsonString();
    }

    // A line of text, a bullet, or a field of JSON and the comma before it.
    private static string WithoutFinders(string report) => Finder().Replace(report, "");

    [GeneratedRegex(@"(^  found by  .*\n)|(^- \*\*found by\*\* .*\n)|(,\n *""found_by"": "".*"")", RegexOptions.Multiline)]
    private static partial Regex Finder();

    [GeneratedRegex(@"`[^`]*`: .* \| [^|]*\|$", RegexOptions.Multiline)]
    private static partial Regex Case();
}
