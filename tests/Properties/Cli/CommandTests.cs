using GroupRL.Claims;
using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Cli;

public sealed class CommandTests : IDisposable
{
    private const string LengthNormalised = Grouprl.Head + """ "base":"dr-grpo","weight":"row-mean" """;
    private const string All = """ "expect":{"prefix-neutrality":"a","prefix-masked-truncation":"b","expected-gradient-alignment":"c","expected-gradient-alignment-binary":"d","expected-gradient-alignment-prompts":"e"} """;
    private const string Shared = """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":0,"logps":[-1],"old_logps":[-1],"tokens":[0]},{"reward":1,"logps":[-1,-2],"old_logps":[-1,-2],"tokens":[0,1]}]}]}""";

    private readonly Grouprl _grouprl = new();

    [Theory]
    [InlineData(LengthNormalised + "}", new string[0], 1)]
    [InlineData(LengthNormalised + "," + All + "}", new string[0], 0)]
    [InlineData(LengthNormalised + "," + All + "}", new[] { "--no-expect" }, 1)]
    [InlineData(LengthNormalised + "}", new[] { "--expect", "prefix-neutrality", "--expect", "prefix-masked-truncation", "--expect", "expected-gradient-alignment", "--expect", "expected-gradient-alignment-binary", "--expect", "expected-gradient-alignment-prompts" }, 0)]
    [InlineData(LengthNormalised + "}", new[] { "--expect", "prefix-neutrality" }, 1)]
    [InlineData(LengthNormalised + "}", new[] { "--expect", "prefix-neutrality", "--expect", "prefix-masked-truncation", "--no-expect" }, 1)]
    [InlineData(Grouprl.Head + """ "base":"grpo-k3"}""", new string[0], 0)]
    [InlineData(Grouprl.Head + """ "base":"grpo-k3","expect":{"prefix-neutrality":"it does not apply"}}""", new string[0], 1)]
    [InlineData(Grouprl.Head + """ "base":"grpo-k3","expect":{"gradient-consistency":"it holds"}}""", new string[0], 1)]
    [InlineData(Grouprl.Head + """ "base":"grpo-k3","advantage":{"name":"standard-score","equal-rewards":"are-computed"}}""", new string[0], 3)]
    [InlineData(Grouprl.Head + """ "base":"dr-grpo","rewards":{"name":"clipped","low":0,"high":0}}""", new string[0], 3)]
    [InlineData(Grouprl.Head + """ "base":"dr-grpo","correction":{"name":"constant","value":0}}""", new string[0], 3)]
    [InlineData(Grouprl.Head + """ "base":"dr-grpo","correction":{"name":"constant","value":0},"expect":{"overshoot-strict":"undecided"}}""", new string[0], 3)]
    public void The_exit_code_tells_expected_from_unexpected(string proposal, string[] options, int exit) =>
        Assert.Equal(exit, Falsify(proposal, options).Exit);

    [Fact]
    public void A_refutation_wins_over_an_undecided_row() => Assert.Equal(1, Falsify(
        Grouprl.Head + """ "base":"grpo","weight":"row-mean","advantage":{"name":"standard-score","equal-rewards":"are-computed"}}""").Exit);

    [Fact]
    public void A_proposal_with_a_base_inherits_no_expectation() =>
        Assert.Equal(1, Falsify(Grouprl.Head + """ "base":"grpo"}""").Exit);

    [Fact]
    public void The_smallest_counterexample_to_neutrality_is_two_completions_of_lengths_1_and_2()
    {
        string folder = _grouprl.Path_("out");
        _grouprl.Run("falsify", _grouprl.File("p.json", LengthNormalised + "}"), "--out", folder);
        var batch = BatchReader.Read(File.ReadAllText(Path.Combine(folder, "p.prefix-neutrality.json")));
        Assert.Equal((1, 2, 1, 2, 1), (batch.Groups, batch.Rows, batch.Length(0), batch.Length(1), batch[0].SharedPrefix()));
    }

    [Fact]
    public void A_saved_counterexample_is_refuted_again_and_its_token_replays_it()
    {
        string folder = _grouprl.Path_("out"), file = _grouprl.File("p.json", LengthNormalised + "}");
        var row = _grouprl.Json("falsify", file, "--out", folder).GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("claim").GetString() == "prefix-neutrality");
        var found = row.GetProperty("counterexample");
        string saved = found.GetProperty("file").GetString()!;
        string token = found.GetProperty("replay").GetString()!.Split(' ').First(word => word.Contains('@', StringComparison.Ordinal));

        Assert.Equal(1, _grouprl.Run("check", "prefix-neutrality", "--objective", file, "--batch", saved).Exit);
        Assert.Equal(0, _grouprl.Run("check", "prefix-neutrality", "--objective", "dr-grpo", "--batch", saved).Exit);
        var replayed = _grouprl.Json("replay", token, "--objective", file, "--out", folder);
        Assert.Equal(Compact(found, "case"), Compact(replayed.GetProperty("counterexample"), "case"));
        Assert.Equal(1, _grouprl.Run("replay", token, "--objective", file, "--out", folder).Exit);
    }

    [Fact]
    public void A_replay_that_passes_is_no_verdict()
    {
        var (exit, output, _) = _grouprl.Run("replay", "prefix-neutrality@1-3-1", "--objective", "dr-grpo");
        Assert.Equal(3, exit);
        Assert.Contains("undecided", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_case_outside_the_hypotheses_is_left_undecided()
    {
        string batch = _grouprl.File("b.json", Shared.Replace("[-1,-2],\"old", "[-1.5,-2],\"old", StringComparison.Ordinal));
        var (exit, output, _) = _grouprl.Run("check", "prefix-neutrality", "--objective", "dr-grpo", "--batch", batch);
        Assert.Equal(3, exit);
        Assert.Contains("on-policy", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_prints_value_loss_advantages_and_coefficients_in_the_batchs_nesting()
    {
        string masked = Shared.Replace("\"tokens\":[0,1]", "\"tokens\":[0,1],\"mask\":[1,0]", StringComparison.Ordinal);
        var result = _grouprl.Json("evaluate", "--objective", "dr-grpo", "--batch", _grouprl.File("b.json", masked));
        Assert.Equal(0, result.GetProperty("value").GetDouble());
        Assert.Equal("""[{"advantages":[-0.5,0.5],"coefficients":[[-0.25],[0.25,0]]}]""", Compact(result, "groups"));
    }

    [Fact]
    public void A_token_after_a_masked_one_keeps_its_place()
    {
        string masked = Shared.Replace("\"tokens\":[0,1]", "\"tokens\":[0,1],\"mask\":[0,1]", StringComparison.Ordinal);
        string batch = _grouprl.File("b.json", masked);
        Assert.Equal("""[{"advantages":[-0.5,0.5],"coefficients":[[-0.25],[0,0.25]]}]""", Compact(_grouprl.Json("evaluate", "--objective", "dr-grpo", "--batch", batch), "groups"));
        Assert.Contains("· 0.25", _grouprl.Run("evaluate", "--objective", "dr-grpo", "--batch", batch).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(100)]
    public void A_token_reads_back_as_it_was_printed(int size)
    {
        var token = new ReplayToken("overshoot-strict", "clip+sgd", new(ulong.MaxValue, 0x1f, size));
        Assert.Equal(token, ReplayToken.Parse(token.ToString()));
    }

    [Fact]
    public void Too_few_cases_to_reach_every_corner_decide_nothing()
    {
        Assert.Equal(3, _grouprl.Run("ledger", "--cases", "2").Exit);
        var (exit, output, _) = _grouprl.Run("falsify", _grouprl.File("p.json", Grouprl.Head + """ "base":"grpo-k3"}"""), "--cases", "2", "--out", _grouprl.Path_("out"));
        Assert.Equal(3, exit);
        Assert.Contains("below the floor of 1 %", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_prints_entropy_coefficients_where_there_is_a_bonus()
    {
        string proposal = _grouprl.File("p.json", Grouprl.Head + """ "base":"dr-grpo","regularisers":[{"name":"entropy-bonus","beta":0.5,"weight":{"name":"constant","value":2}}]}""");
        string batch = _grouprl.File("b.json", """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[-1],"old_logps":[-1],"entropies":[0.25]},{"reward":1,"logps":[-1],"old_logps":[-1],"entropies":[0.75]}]}]}""");
        var result = _grouprl.Json("evaluate", "--objective", proposal, "--batch", batch);
        Assert.Equal(1, result.GetProperty("value").GetDouble());
        Assert.Equal("[[1],[1]]", Compact(result.GetProperty("groups")[0], "entropy_coefficients"));
    }

    [Fact]
    public void Every_part_of_the_proposal_language_can_be_composed()
    {
        string proposal = _grouprl.File("p.json", Grouprl.Head + """
            "name": "everything",
            "rewards": [{"name":"weighted-sum","weights":[1,0.5]}, {"name":"clipped","low":-1,"high":2}, {"name":"kl-in-reward","beta":0.1}],
            "advantage": {"name":"batch-normalised","of":{"name":"leave-one-out","over":"live-rows","equal-rewards":"are-computed"},"epsilon":1e-4},
            "kernel": {"name":"sequence-ratio","of":"sum","clip":{"low":0.2,"high":0.3,"cap":4}},
            "weight": {"name":"row-sum","average":"over-rows","length":8},
            "correction": {"name":"constant","value":0.5},
            "regularisers": [{"name":"kl","estimator":"k1","beta":0.1,"against":"old_logps","weight":"batch-token-mean"}]}
            """);
        var objective = Proposal.ReadFile(proposal).Objective;
        Assert.Equal(
            new SurrogateObjective(
                new BatchNormalised(new LeaveOneOut { Over = Counted.LiveRows, Equal = EqualRewards.AreComputed }, 1e-4),
                new SequenceRatio(RatioLevel.SequenceSum, Clip.Range(0.2, 0.3, 4)),
                new RowSum { Averaged = Average.OverRows, Length = 8 })
            {
                Rewards = new KlInReward(new ClippedReward(new WeightedRewards([1, 0.5]), -1, 2), 0.1),
                Correction = new ConstantWeight(0.5),
                Regularisers = [new KlPenalty(KlEstimator.K1, 0.1) { Against = Column.OldLogp, Weight = new BatchTokenMean() }],
            },
            objective);
        // A leave-one-out baseline over a single trained row is refused, so some rows stay undecided; none is a usage error.
        Assert.Equal(3, Falsify(File.ReadAllText(proposal)).Exit);
    }

    [Theory]
    [InlineData("""{"base":"trl:dr_grpo","weight":{"name":"row-sum","length":8192},"regularisers":[{"name":"kl","beta":0.04,"weight":"row-mean"}]""", 0)]
    [InlineData("""{"base":"trl:dr_grpo","regularisers":[{"name":"kl","beta":0.04,"weight":{"name":"constant","value":1}}]""", 0)]
    [InlineData("""{"base":"dr-grpo","regularisers":[{"name":"entropy-bonus","beta":0.1,"weight":"row-mean"}]""", 0)]
    [InlineData("""{"base":"dapo","regularisers":[{"name":"entropy-bonus","beta":0}],"expect":{"prefix-masked-truncation":"x","expected-gradient-alignment":"x","expected-gradient-alignment-binary":"x","expected-gradient-alignment-prompts":"x"}""", 0)]
    [InlineData("""{"base":"trl:rloo","rewards":"single","advantage":{"name":"batch-normalised","of":{"name":"leave-one-out","equal-rewards":"are-computed"},"epsilon":1e-4},"expect":{"prefix-masked-truncation":"x","expected-gradient-alignment":"x"}""", 0)]
    [InlineData("""{"base":"dr-grpo","weight":{"name":"row-sum","length":1e300},"expect":{"prefix-masked-truncation":"x"}""", 3)]
    [InlineData("""{"base":"dr-grpo","weight":{"name":"row-sum","length":1e-300},"expect":{"prefix-masked-truncation":"x"}""", 3)]
    [InlineData("""{"base":"grpo","rewards":{"name":"weighted-sum","weights":[1e308,1e308]}""", 1)]
    public void No_right_objective_is_accused_and_none_crashes(string proposal, int exit)
    {
        var (actual, output, _) = Falsify(proposal.Replace("{\"base\"", Grouprl.Head + "\"base\"", StringComparison.Ordinal) + "}");
        Assert.True(actual == exit, output);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1e-300")]
    [InlineData("1e-16")]
    public void An_epsilon_that_protects_nothing_is_refuted_on_equal_rewards(string epsilon)
    {
        string proposal = _grouprl.File("p.json", $"{Grouprl.Head}\"base\":\"grpo\",\"advantage\":{{\"name\":\"standard-score\",\"epsilon\":{epsilon},\"equal-rewards\":\"are-computed\"}}}}");
        string completion = """{"reward":0.1,"logps":[-1],"old_logps":[-1]}""";
        string batch = _grouprl.File("b.json", $$"""{"schema":"grouprl-batch/1","groups":[{"completions":[ {{completion}},{{completion}},{{completion}} ]}]}""");
        Assert.Equal(1, _grouprl.Run("check", "degenerate-group", "--objective", proposal, "--batch", batch).Exit);
    }

    [Fact]
    public void A_path_is_quoted_so_that_a_shell_reads_it_back()
    {
        string folder = Directory.CreateDirectory(_grouprl.Path_("a b;$(x)'y")).FullName;
        string file = Path.Combine(folder, "p.json");
        File.WriteAllText(file, LengthNormalised + "}");
        var (_, output, _) = _grouprl.Run("falsify", file, "--out", _grouprl.Path_("out"));
        Assert.Contains($"--objective '{file.Replace("'", "'\\''", StringComparison.Ordinal)}'", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_refutes_nothing_leaves_no_folder_behind()
    {
        Assert.Equal(0, Falsify(Grouprl.Head + """ "base":"grpo-k3"}""").Exit);
        Assert.False(Directory.Exists(_grouprl.Path_("out")));
    }

    [Fact]
    public void A_long_completion_is_shown_by_its_ends()
    {
        string logps = string.Join(',', Enumerable.Repeat("-0.123456789", 200));
        string batch = _grouprl.File("b.json", $$"""{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[{{logps}}],"old_logps":[{{logps}}]},{"reward":0,"logps":[-1],"old_logps":[-1]}]}]}""");
        var (_, output, _) = _grouprl.Run("evaluate", "--objective", "grpo", "--batch", batch);
        Assert.Contains("… 192 more …", output, StringComparison.Ordinal);
        Assert.All(output.TrimEnd().Split('\n'), line => Assert.InRange(line.Length, 1, 250));
        Assert.Contains("advantage", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Claims_lists_every_claim_and_shows_one_whole()
    {
        Assert.Equal(Ledger.Claims.Length, _grouprl.Json("claims").GetProperty("claims").GetArrayLength());
        var (exit, output, _) = _grouprl.Run("claims", "prefix-neutrality");
        Assert.Equal(0, exit);
        Assert.All(["assumes", "source", "arXiv:2601.05002", "docs/derivations/prefix.md#prefix-neutrality"], word => Assert.Contains(word, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("length-normalised", 0, 1)]
    [InlineData("no-baseline", 0, 1)]
    [InlineData("live-baseline", 0, 0)]
    [InlineData("sequence-clip-kl", 0, 1)]
    public void The_examples_do_what_they_say(string name, int declared, int undeclared)
    {
        string file = Path.Combine(AppContext.BaseDirectory, "examples", $"{name}.json"), folder = _grouprl.Path_("out");
        Assert.Equal(declared, _grouprl.Run("falsify", file, "--out", folder).Exit);
        Assert.Equal(undeclared, _grouprl.Run("falsify", file, "--no-expect", "--out", folder).Exit);
    }

    public void Dispose() => _grouprl.Dispose();

    private static string Compact(System.Text.Json.JsonElement element, string field) =>
        string.Concat(element.GetProperty(field).GetRawText().Where(c => !char.IsWhiteSpace(c)));

    private (int Exit, string Output, string Error) Falsify(string proposal, params string[] options) =>
        _grouprl.Run(["falsify", _grouprl.File("p.json", proposal), "--out", _grouprl.Path_("out"), .. options]);
}
