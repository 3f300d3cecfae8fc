using Xunit;

namespace GroupRL.Properties.Cli;

public sealed class WrongInputTests : IDisposable
{
    private const string Batch = """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[-1],"old_logps":[-1]},{"reward":0,"logps":[-1],"old_logps":[-1]}]}]}""";

    private readonly Grouprl _grouprl = new();

    [Fact]
    public void An_unknown_command_names_the_nearest_first() =>
        _grouprl.Refuses(["falsfy"], "There is no command \"falsfy\"", "known are falsify");

    [Fact]
    public void A_missing_argument_is_refused() => _grouprl.Refuses(["falsify"], "falsify");

    [Fact]
    public void An_unknown_option_is_refused() => _grouprl.Refuses(["ledger", "--colour"], "--colour");

    [Fact]
    public void A_number_that_is_none_is_refused() => _grouprl.Refuses(["ledger", "--cases", "many"], "many");

    [Fact]
    public void No_cases_are_too_few() => _grouprl.Refuses(["ledger", "--cases", "0"], "at least 1; got 0");

    [Theory]
    [InlineData("tightness", "prefix-bias", "no claim \"prefix-bias\"; known are")]
    [InlineData("tightness", "prefix-neutrality", "prefix-neutrality has no bound but rounding, so nothing can come near it; bounds are prefix-bias-magnitude")]
    [InlineData("map", "adam-scale", "no claim \"adam-scale\"; known are advantage-scale, adam-scale-deviation")]
    [InlineData("map", "prefix-neutrality", "prefix-neutrality has no map; adam-epsilon-identity, adam-scale-deviation, overshoot-strict, momentum-tail have one")]
    public void A_claim_without_what_is_asked_for_is_refused_and_those_with_it_are_named(string command, string claim, string words) =>
        _grouprl.Refuses([command, claim], words);

    [Fact]
    public void A_map_needs_a_claim() => _grouprl.Refuses(["map"], "map needs CLAIM");

    [Fact]
    public void A_grid_is_coarse_or_fine() => _grouprl.Refuses(["map", "momentum-tail", "--grid", "medium"], "--grid must be coarse or fine; got \"medium\"");

    [Theory]
    [InlineData("adam-scale-deviation", "sgd", "sgd's is none: needs a root of second moments")]
    [InlineData("adam-epsilon-identity", "adam-eps-root", "inside the root ε scales with a²")]
    [InlineData("adam-scale-deviation", "adamm", "There is no optimizer \"adamm\"; known are adam")]
    [InlineData("overshoot-strict", "adam", "a map over Adam's own settings, so leave --optimizer out")]
    public void A_map_of_an_optimizer_without_its_edge_is_refused(string claim, string optimizer, string words) =>
        _grouprl.Refuses(["map", claim, "--optimizer", optimizer], words);

    [Fact]
    public void A_file_that_does_not_exist_is_named() => _grouprl.Refuses(["falsify", _grouprl.Path_("absent.json")], "absent.json", "no such file");

    [Fact]
    public void A_folder_is_no_proposal() => _grouprl.Refuses(["falsify", Path.GetTempPath()], "cannot be read");

    [Fact]
    public void A_nul_in_a_path_is_refused() => _grouprl.Refuses(["falsify", "a\0b"], "cannot be read");

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("""{"schema":"grouprl-proposal/1","base":"grpo" """, "not valid JSON at line 1")]
    [InlineData("[]", "must be an object")]
    [InlineData("{}", "needs the field \"schema\"")]
    [InlineData("""{"schema":"grouprl-proposal/2"}""", "schema must be \"grouprl-proposal/1\"")]
    [InlineData(Grouprl.Head + """ "base":"grpo","base":"gspo"}""", "not valid JSON")]
    [InlineData(Grouprl.Head + """ "base":"grop"}""", "unknown objective \"grop\"; known are grpo")]
    [InlineData(Grouprl.Head + """ "base":3}""", "base must be a text; got 3")]
    [InlineData(Grouprl.Head + """ "advantage":"none","kernel":"log-likelihood"}""", "needs the field \"weight\", or a \"base\"")]
    [InlineData(Grouprl.Head + """ "base":"grpo","wieght":"row-mean"}""", "unknown field \"wieght\"; known are weight")]
    [InlineData(Grouprl.Head + """ "base":"grpo","weight":"row-men"}""", "unknown weight \"row-men\"; known are row-mean")]
    [InlineData(Grouprl.Head + """ "base":"grpo","kernel":{"name":"token-ratio","clip":{"low":0.2}}}""", "kernel.clip needs the field \"high\"")]
    [InlineData(Grouprl.Head + """ "base":"grpo","kernel":{"name":"token-ratio","clip":{"low":0.2,"high":0.2,"capp":3}}}""", "kernel.clip has the unknown field \"capp\"; known are cap")]
    [InlineData(Grouprl.Head + """ "base":"grpo","kernel":{"name":"token-ratio","clip":{"low":-0.2,"high":0.2}}}""", "kernel: A clip range")]
    [InlineData(Grouprl.Head + """ "base":"grpo","kernel":{"name":"token-ratio","clip":{"low":NaN,"high":0.2}}}""", "not valid JSON")]
    [InlineData(Grouprl.Head + """ "base":"grpo","kernel":{"name":"token-ratio","clip":{"low":1e999,"high":0.2}}}""", "kernel.clip.low must be a finite number; got 1e999")]
    [InlineData(Grouprl.Head + """ "base":"grpo","advantage":{"name":"standard-score","std":"sampel"}}""", "advantage.std must be one of sample")]
    [InlineData(Grouprl.Head + """ "base":"grpo","advantage":{"name":"standard-score","epsilon":-1}}""", "advantage: The ε")]
    [InlineData(Grouprl.Head + """ "base":"grpo","advantage":{}}""", "advantage needs the field \"name\"")]
    [InlineData(Grouprl.Head + """ "base":"grpo","regularisers":{"name":"kl","beta":1}}""", "regularisers must be an array")]
    [InlineData(Grouprl.Head + """ "base":"grpo","regularisers":[{"name":"kl"}]}""", "regularisers[0] needs the field \"beta\"")]
    [InlineData(Grouprl.Head + """ "base":"grpo","expect":["prefix-neutrality"]}""", "expect must be an object")]
    [InlineData(Grouprl.Head + """ "base":"grpo","expect":{"prefix-neutral":"x"}}""", "no claim \"prefix-neutral\"; known are prefix-neutrality")]
    [InlineData(Grouprl.Head + """ "base":"grpo","expect":{"momentum-tail":"x"}}""", "speaks of optimizers")]
    [InlineData(Grouprl.Head + """ "base":"grpo","name":"\ud800"}""", "half of a UTF-16 surrogate pair")]
    [InlineData(Grouprl.Head + """ "base":"grpo","\ud800":1}""", "half of a UTF-16 surrogate pair")]
    [InlineData(Grouprl.Head + """ "base":"grpo","name":"a\nb"}""", "name must be a text of one line")]
    [InlineData(Grouprl.Head + """ "base":"grpo","name":""}""", "name must have 1 to 100 characters")]
    [InlineData(Grouprl.Head + """ "base":"grpo","rewards":[]}""", "rewards must name at least one step")]
    [InlineData(Grouprl.Head + """ "base":"grpo","rewards":{"name":"weighted-sum","weights":[]}}""", "at least 1 number")]
    [InlineData(Grouprl.Head + """ "base":"grpo","rewards":[{"name":"kl-in-reward","beta":1},{"name":"weighted-sum","weights":[1]}]}""", "rewards[1] reads the completion's own rewards, so it must come first")]
    public void A_wrong_proposal_is_refused_in_one_sentence(string text, string words) =>
        _grouprl.Refuses(["falsify", _grouprl.File("wrong.json", text)], words);

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"compl""", "not valid JSON at line 1")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[]}""", "at least 1 group")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":NaN,"logps":[-1],"old_logps":[-1]}]}]}""", "not valid JSON")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[-1],"old_logps":["NaN"]}]}]}""", "groups[0].completions[0].old_logps[0] must be a finite number")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[0.5],"old_logps":[-1]}]}]}""", "must not exceed 0")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[-1],"olds":[-1]}]}]}""", "unknown field \"olds\"")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":null,"logps":[-1],"old_logps":[-1]}]}]}""", "is missing")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"completions":[{"rewards":[1,2],"logps":[-1],"old_logps":[-1]}]}]}""", "takes 1 reward")]
    [InlineData("""{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[-1],"old_logps":[-900]},{"reward":0,"logps":[-900],"old_logps":[-1]}]}]}""", null)]
    public void A_wrong_batch_is_refused_in_one_sentence(string text, string? words)
    {
        string batch = _grouprl.File("wrong.json", text);
        if (words is null)
            Assert.Equal(0, _grouprl.Run("evaluate", "--objective", "grpo", "--batch", batch).Exit);
        else
            _grouprl.Refuses(["evaluate", "--objective", "grpo", "--batch", batch], "wrong.json", words);
    }

    [Fact]
    public void A_ratio_beyond_float64_is_refused_with_its_place() => _grouprl.Refuses(
        [
            "evaluate", "--objective", "grpo", "--batch",
            _grouprl.File("wide.json", """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":0,"logps":[-1],"old_logps":[-900]},{"reward":1,"logps":[-1],"old_logps":[-1]}]}]}"""),
        ],
        "overflows float64", "group 0, completion 0, token 0", "log-ratio is 899");

    [Fact]
    public void A_column_that_the_objective_reads_must_be_there() =>
        _grouprl.Refuses(["evaluate", "--objective", "grpo-k3", "--batch", _grouprl.File("b.json", Batch)], "has no ref_logps");

    [Fact]
    public void An_unknown_objective_names_the_nearest_first() =>
        _grouprl.Refuses(["evaluate", "--objective", "gropo", "--batch", _grouprl.File("b.json", Batch)], "\"gropo\" is neither a file nor an objective", ": grpo,");

    [Theory]
    [InlineData("nonsense")]
    [InlineData("prefix-neutrality@1-2-3")]
    [InlineData("prefix-neutrality@1-3-ffff")]
    [InlineData("prefix-neutrality@1-3")]
    public void A_token_that_no_report_printed_is_refused(string token) =>
        _grouprl.Refuses(["replay", token, "--objective", "grpo"], "replay token", token);

    [Fact]
    public void A_token_of_an_objective_needs_one() => _grouprl.Refuses(["replay", "prefix-neutrality@1-3-1"], "name it with --objective");

    [Fact]
    public void A_token_of_an_optimizer_takes_no_objective() =>
        _grouprl.Refuses(["replay", "momentum-tail+sgd@1-3-1", "--objective", "grpo"], "leave --objective out");

    [Fact]
    public void A_claim_about_optimizers_cannot_be_checked_on_a_batch() =>
        _grouprl.Refuses(["check", "momentum-tail", "--objective", "grpo", "--batch", _grouprl.File("b.json", Batch)], "speaks of optimizers");

    [Fact]
    public void Nothing_to_do_prints_help_and_is_a_usage_error()
    {
        var (exit, output, _) = _grouprl.Run();
        Assert.Equal(2, exit);
        Assert.Contains("falsify", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_utf8_is_refused()
    {
        string path = _grouprl.File("latin.json", "");
        File.WriteAllBytes(path, [0x7b, 0xe9, 0x7d]);
        _grouprl.Refuses(["falsify", path], "latin.json is not UTF-8");
    }

    [Fact]
    public void Control_characters_of_a_file_do_not_reach_the_terminal() => _grouprl.Refuses(
        ["evaluate", "--objective", "grpo", "--batch", _grouprl.File("b.json", Batch.Replace("\"reward\":1", "\"a\\nb\\u001b[31m\":1", StringComparison.Ordinal))],
        "a\\u000ab\\u001b[31m");

    [Fact]
    public void An_output_folder_that_cannot_be_made_is_refused() => _grouprl.Refuses(
        [
            "falsify", _grouprl.File("p.json", Grouprl.Head + """ "base":"grpo"}"""), "--out", Path.Combine(_grouprl.File("file", ""), "sub"),
        ],
        "cannot be written");

    public void Dispose() => _grouprl.Dispose();
}
