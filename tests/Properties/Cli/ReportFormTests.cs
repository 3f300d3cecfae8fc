using System.Text.Json;
using System.Xml.Linq;
using GroupRL.Claims;
using GroupRL.Cli;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>The forms of a report: each is read back, and says what the table says.</summary>
public sealed class ReportFormTests : IDisposable
{
    private const string LengthNormalised = Grouprl.Head + """ "name":"biased","base":"dr-grpo","weight":"row-mean" """;
    private const string Expecting = LengthNormalised + ""","expect":{"prefix-neutrality":"1/length"}}""";

    private readonly Grouprl _grouprl = new();

    [Fact]
    public void Every_form_counts_what_the_table_counts()
    {
        string table = Falsify(Expecting).Output;
        var (holds, refuted) = (Count(table, " holds "), Count(table, " refuted "));
        var rows = Json(Falsify(Expecting, "--json").Output).GetProperty("rows").EnumerateArray().ToArray();
        var suites = XDocument.Parse(Falsify(Expecting, "--junit").Output).Root!.Elements("testsuite").ToArray();
        var run = Json(Falsify(Expecting, "--sarif").Output).GetProperty("runs")[0];
        string markdown = Falsify(Expecting, "--markdown").Output;

        Assert.Equal((holds, refuted), (rows.Count(row => Verdict(row) == "holds"), rows.Count(row => Verdict(row) == "refuted")));
        Assert.Equal(rows.Length, suites.Elements("testcase").Count());
        Assert.Equal(holds, suites.Elements("testcase").Count(test => !test.HasElements));
        Assert.Equal(rows.Count(row => Verdict(row) == "refuted" && !row.GetProperty("as_expected").GetBoolean()), suites.Elements("testcase").Elements("failure").Count());
        Assert.Equal(rows.Length, run.GetProperty("tool").GetProperty("driver").GetProperty("rules").GetArrayLength());
        Assert.Equal(refuted, run.GetProperty("results").GetArrayLength());
        Assert.Equal((holds, refuted), (Count(markdown, "| holds |"), Count(markdown, "| refuted |")));
        Assert.Equal(rows.Count(row => Verdict(row) == "refuted" && !row.GetProperty("by_design").GetBoolean()), Count(markdown, "\n### "));
    }

    [Theory]
    [InlineData("--json")]
    [InlineData("--junit")]
    [InlineData("--sarif")]
    [InlineData("--markdown")]
    public void A_form_changes_no_exit_code(string form)
    {
        Assert.Equal(1, Falsify(Expecting, form).Exit);
        Assert.Equal(0, Falsify(Grouprl.Head + """ "base":"grpo-k3"}""", form).Exit);
    }

    [Fact]
    public void A_refutation_shows_its_case_what_was_measured_why_what_it_does_its_replay_and_its_file_in_every_form()
    {
        string saved = Path.Combine(_grouprl.Path_("out"), "biased.prefix-neutrality.json");
        string consequence = Ledger.Find("prefix-neutrality")!.Consequence;
        string[] everywhere = ["0.125", "1.25E-15", "weighs its token 0.5", consequence, "replay prefix-neutrality@", saved];
        foreach (string form in new[] { "", "--json", "--junit", "--sarif", "--markdown" })
        {
            string output = Falsify(LengthNormalised + "}", form.Length > 0 ? [form] : []).Output;
            Assert.All(everywhere, word => Assert.True(output.Contains(word, StringComparison.Ordinal), $"{form}: {word}"));
        }
    }

    [Fact]
    public void Every_claim_of_the_contract_and_of_losses_says_what_breaking_it_does() =>
        Assert.All(Ledger.Claims.Where(claim => claim.Class == ClaimClass.Contract).Concat(LossLaws.OfLikeness).Concat(LossLaws.Claims), claim => Assert.NotEmpty(claim.Consequence));

    [Fact]
    public void JUnit_has_a_suite_for_each_class_and_the_reason_of_what_is_skipped()
    {
        var root = XDocument.Parse(Falsify(Expecting, "--junit", "--fail-on", "theory").Output).Root!;
        var theory = root.Elements("testsuite").Single(suite => suite.Attribute("name")!.Value == "theory");
        var expected = theory.Elements("testcase").Single(test => test.Attribute("name")!.Value == "prefix-neutrality");

        Assert.Equal(["contract", "theory"], root.Elements("testsuite").Select(suite => suite.Attribute("name")!.Value));
        Assert.All(root.Descendants("testcase"), test => Assert.Equal("biased", test.Attribute("classname")!.Value));
        Assert.Contains("expected: 1/length", expected.Element("skipped")!.Attribute("message")!.Value, StringComparison.Ordinal);
        Assert.Equal(theory.Elements("testcase").Elements("failure").Count(), int.Parse(root.Attribute("failures")!.Value, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(
            RowOf(Json(Falsify(Expecting, "--json").Output), "prefix-masked-truncation").GetProperty("counterexample").GetProperty("why").GetString(),
            theory.Elements("testcase").Single(test => test.Attribute("name")!.Value == "prefix-masked-truncation").Element("failure")!.Attribute("message")!.Value);
    }

    [Fact]
    public void What_does_not_count_is_skipped_and_what_is_undecided_errs()
    {
        var uncounted = XDocument.Parse(Falsify(LengthNormalised + "}", "--junit", "--fail-on", "contract").Output);
        Assert.Empty(uncounted.Descendants("failure"));
        Assert.Contains(uncounted.Descendants("skipped"), skipped => skipped.Attribute("message")!.Value.StartsWith("refuted: measured", StringComparison.Ordinal));

        var (exit, output, _) = Falsify(Grouprl.Head + """ "base":"grpo-k3"}""", "--cases", "2", "--junit");
        Assert.Equal(3, exit);
        Assert.NotEmpty(XDocument.Parse(output).Descendants("error"));
    }

    [Fact]
    public void An_expected_refutation_that_does_not_come_fails_and_is_a_notification()
    {
        const string Proposal = Grouprl.Head + """ "base":"grpo-k3","expect":{"finiteness":"it holds"}}""";
        var failure = Assert.Single(XDocument.Parse(Falsify(Proposal, "--junit").Output).Descendants("failure"));
        Assert.Contains("EXPECTED TO BE REFUTED", failure.Attribute("message")!.Value, StringComparison.Ordinal);

        var run = Json(Falsify(Proposal, "--sarif").Output).GetProperty("runs")[0];
        Assert.DoesNotContain(run.GetProperty("results").EnumerateArray(), result => result.GetProperty("ruleId").GetString() == "finiteness");
        var notification = Assert.Single(run.GetProperty("invocations")[0].GetProperty("toolExecutionNotifications").EnumerateArray().ToArray());
        Assert.Equal("finiteness", notification.GetProperty("associatedRule").GetProperty("id").GetString());
    }

    [Fact]
    public void Sarif_has_the_fields_that_its_schema_requires_and_levels_by_class()
    {
        var log = Json(Falsify(Expecting, "--sarif").Output);
        var run = log.GetProperty("runs")[0];
        var rules = run.GetProperty("tool").GetProperty("driver").GetProperty("rules");

        Assert.Equal(("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json"), (log.GetProperty("version").GetString(), log.GetProperty("$schema").GetString()));
        Assert.Equal("grouprl", run.GetProperty("tool").GetProperty("driver").GetProperty("name").GetString());
        Assert.All(run.GetProperty("results").EnumerateArray(), result =>
        {
            var rule = rules[result.GetProperty("ruleIndex").GetInt32()];
            Assert.Equal(rule.GetProperty("id").GetString(), result.GetProperty("ruleId").GetString());
            Assert.NotEmpty(rule.GetProperty("shortDescription").GetProperty("text").GetString()!);
            Assert.EndsWith("p.json", result.GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("artifactLocation").GetProperty("uri").GetString(), StringComparison.Ordinal);
            Assert.Contains("replay", result.GetProperty("message").GetProperty("text").GetString(), StringComparison.Ordinal);
        });
        Assert.Equal(("note", "warning"), (Level("prefix-neutrality"), Level("prefix-masked-truncation")));
        Assert.Equal("error", Level("padding-invariance", Json(Falsify(Grouprl.Head + """ "base":"dr-grpo","weight":"padded-row-sum"}""", "--sarif").Output).GetProperty("runs")[0]));

        string Level(string claim, JsonElement? of = null) => (of ?? run).GetProperty("results").EnumerateArray()
            .Single(result => result.GetProperty("ruleId").GetString() == claim).GetProperty("level").GetString()!;
    }

    [Fact]
    public void A_name_of_markup_newlines_and_control_characters_is_safe_in_every_form()
    {
        const string Name = "a<b>&|`c`\n# d\r\u0001\u2028\ud800";
        var proposal = new Proposal(Name, "a|b\n.json", new(new MeanBaseline(), new TokenRatio(Clip.Range(0.2, 0.2)), new RowMean()), System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty);
        using var candidate = Candidate.Of(proposal, OptimizerCatalogue.TrlAdamW);
        var row = candidate.Row("prefix-neutrality");
        var judgement = new Judgement(candidate, [new(row, row.Judge(new Profile(20)), "x<y\u0000\n|", Counts: true, Saved: null), new(row, row.Judge(new Profile(20)), null, Counts: true, Saved: "a b<c.json")]);

        var junit = XDocument.Parse(JUnitVerdicts.Write(judgement));
        Assert.Equal("a<b>&|`c`\n# d\\u000d\\u0001\u2028\\ud800", junit.Descendants("testcase").First().Attribute("classname")!.Value);
        string[] markdown = MarkdownVerdicts.Write(judgement).Split('\n');
        Assert.Equal("# ❌ a&lt;b&gt;&amp;\\|\\`c\\` \\# d \\\\u0001 \ud800", markdown[0]);
        Assert.All(markdown.Where(line => line.StartsWith("| prefix-neutrality", StringComparison.Ordinal)), line => Assert.Equal(4, line.Replace("\\|", "", StringComparison.Ordinal).Count(c => c == '|')));
        Assert.Equal(2, Json(SarifVerdicts.Write(judgement)).GetProperty("runs")[0].GetProperty("results").GetArrayLength());
        Assert.Equal(2, Json(JsonVerdicts.Write(judgement)).GetProperty("rows").GetArrayLength());
    }

    [Fact]
    public void A_fence_is_longer_than_any_that_it_holds()
    {
        Assert.Equal("```", MarkdownText.FenceOf("a `b` c"));
        Assert.Equal("`````", MarkdownText.FenceOf("a ```` b"));
    }

    [Fact]
    public void Forms_are_saved_by_their_endings_beside_what_is_printed()
    {
        string[] files = [.. new[] { "r.json", "deep/er/r.xml", "r.sarif", "r.MD" }.Select(_grouprl.Path_)];
        var (exit, output, _) = Falsify(LengthNormalised + "}", [.. files.SelectMany(file => new[] { "--save", file })]);

        Assert.Equal(1, exit);
        Assert.StartsWith("biased", output, StringComparison.Ordinal);
        Assert.Equal("grouprl-verdicts/1", Json(File.ReadAllText(files[0])).GetProperty("schema").GetString());
        Assert.Equal("testsuites", XDocument.Load(files[1]).Root!.Name.LocalName);
        Assert.Equal("2.1.0", Json(File.ReadAllText(files[2])).GetProperty("version").GetString());
        Assert.StartsWith("# ❌ biased", File.ReadAllText(files[3]), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(files[2]), Falsify(LengthNormalised + "}", "--sarif").Output);
    }

    [Fact]
    public void Two_forms_on_one_output_are_refused() => _grouprl.Refuses(["falsify", File_(), "--junit", "--markdown"], "--junit and --markdown exclude each other");

    [Fact]
    public void A_file_whose_ending_names_no_form_is_refused() => _grouprl.Refuses(["falsify", File_(), "--save", "report.txt"], ".json, .xml, .sarif, .md", "\"report.txt\"");

    [Fact]
    public void A_file_that_cannot_be_saved_is_refused_before_the_work()
    {
        _grouprl.Refuses(["falsify", File_(), "--save", Path.Combine(_grouprl.File("file", ""), "r.md")], "cannot be written");
        _grouprl.Refuses(["falsify", File_(), "--save", Directory.CreateDirectory(_grouprl.Path_("folder.md")).FullName], "is a folder");
    }

    public void Dispose() => _grouprl.Dispose();

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private static JsonElement RowOf(JsonElement report, string claim) => report.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("claim").GetString() == claim);

    private static string Verdict(JsonElement row) => row.GetProperty("verdict").GetString()!;

    private static int Count(string text, string what) => text.Split(what).Length - 1;

    private string File_() => _grouprl.File("p.json", LengthNormalised + "}");

    private (int Exit, string Output, string Error) Falsify(string proposal, params string[] options) =>
        _grouprl.Run(["falsify", _grouprl.File("p.json", proposal), "--out", _grouprl.Path_("out"), .. options]);
}
