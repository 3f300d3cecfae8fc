using System.Text.Json;
using GroupRL.Claims;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>Losses behind a pipe, by their command or by a proposal file that names one, wherever an objective may be named.</summary>
public sealed class LossFileTests : IDisposable
{
    private const string Batch = """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":0,"logps":[-1],"old_logps":[-1],"tokens":[0]},{"reward":1,"logps":[-1,-2],"old_logps":[-1,-2],"tokens":[0,1]}]}]}""";

    private readonly Grouprl _grouprl = new();

    [Fact]
    public void The_commands_that_a_report_prints_check_evaluate_and_replay_its_counterexample()
    {
        string[] loss = ["--command", Serving("grpo")];
        var row = Row(Falsify(loss), "prefix-neutrality");
        string file = row.GetProperty("file").GetString()!;
        string token = row.GetProperty("replay").GetString()!.Split(' ').First(word => word.Contains('@', StringComparison.Ordinal));

        var check = _grouprl.Json(["check", "prefix-neutrality", .. loss, "--batch", file, "--out", _grouprl.Path_("out")]);
        Assert.Equal(("refuted", row.GetProperty("measured").GetDouble()), (check.GetProperty("verdict").GetString(), check.GetProperty("measured").GetDouble()));
        Assert.Equal(1, _grouprl.Run(["check", "prefix-neutrality", .. loss, "--batch", file]).Exit);
        Assert.Equal(0, _grouprl.Run(["check", "prefix-neutrality", "--command", Serving("dr-grpo"), "--batch", file]).Exit);
        Assert.Equal(1, _grouprl.Run(["replay", token, .. loss, "--out", _grouprl.Path_("out")]).Exit);
        Assert.Equal(0, _grouprl.Run(["evaluate", .. loss, "--batch", file]).Exit);
    }

    [Fact]
    public void A_loss_is_evaluated_as_the_objective_that_it_serves()
    {
        string batch = _grouprl.File("b.json", Batch.Replace("\"tokens\":[0,1]", "\"tokens\":[0,1],\"mask\":[0,1]", StringComparison.Ordinal));
        var (own, served) = (_grouprl.Json("evaluate", "--objective", "grpo", "--batch", batch), _grouprl.Json("evaluate", "--command", Serving("grpo"), "--batch", batch));

        foreach (string field in new[] { "objective", "value", "loss" })
            Assert.Equal(own.GetProperty(field).GetRawText(), served.GetProperty(field).GetRawText());
        Assert.Equal(Group(own).GetProperty("coefficients").GetRawText(), Group(served).GetProperty("coefficients").GetRawText());
        Assert.False(Group(served).TryGetProperty("advantages", out _));
        Assert.Contains("gradient of J", _grouprl.Run("evaluate", "--command", Serving("grpo"), "--batch", batch).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_outside_a_hypothesis_decides_nothing_of_a_loss()
    {
        string batch = _grouprl.File("b.json", Batch.Replace("[-1,-2],\"old", "[-1.5,-2],\"old", StringComparison.Ordinal));
        var (exit, output, _) = _grouprl.Run("check", "prefix-neutrality", "--command", Serving("grpo"), "--batch", batch);
        Assert.Equal(3, exit);
        Assert.Contains("on-policy", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_proposal_that_names_a_command_is_falsified_under_its_own_name_and_settings()
    {
        string file = Proposal("grpo", """ "name":"mine","like":"grpo","hyperparameters":{"clip.high":0.3},"promises":["sound","-kl-unbiased"],"expect":{"prefix-neutrality":"1/length","prefix-masked-truncation":"masked"} """);
        var report = Falsify(file, "--fail-on", "contract");

        Assert.Equal("mine", report.GetProperty("proposal").GetString());
        Assert.Equal(0, report.GetProperty("exit").GetInt32());
        Assert.Equal("1/length", RowOf(report, "prefix-neutrality").GetProperty("expected_refutation").GetString());
        Assert.Equal("holds", RowOf(report, "like-gradient").GetProperty("verdict").GetString());
        Assert.Equal("the promise kl-unbiased", RowOf(report, "kl-expectation").GetProperty("reason").GetString());
        Assert.Contains($"--objective {file}", Row(report, "prefix-neutrality").GetProperty("replay").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, _grouprl.Run("check", "prefix-neutrality", "--objective", file, "--batch", _grouprl.File("b.json", Batch)).Exit);
    }

    [Fact]
    public void The_command_line_comes_before_the_file()
    {
        string file = Proposal("grpo", """ "like":"gspo" """);
        Assert.Equal("refuted", Like());
        Assert.Equal("holds", Like("--like", "grpo"));
        Assert.Equal("holds", Like("--like-command", Serving("grpo")));

        string Like(params string[] options) => RowOf(Falsify([file, .. options]), "like-gradient").GetProperty("verdict").GetString()!;
    }

    [Theory]
    [InlineData(""" "command":"true","advantage":"mean-baseline" """, "parts or a \"command\", not both", "\"advantage\"")]
    [InlineData(""" "command":"true","base":"grpo" """, "not both", "\"base\"")]
    [InlineData(""" "command":"true","lik":"grpo" """, "unknown field \"lik\"; known are like")]
    [InlineData(""" "command":" " """, "command must name a program")]
    [InlineData(""" "command":3 """, "command must be a text")]
    [InlineData(""" "command":"true","promises":"sound" """, "promises must be an array")]
    [InlineData(""" "command":"true","promises":["soundly"] """, "promises has the unknown word \"soundly\"; known are sound")]
    [InlineData(""" "command":"true","hyperparameters":[1] """, "hyperparameters must be an object")]
    [InlineData(""" "command":"true","name":"" """, "name must have 1 to 100 characters")]
    [InlineData(""" "command":"true","like":"gropo" """, "\"gropo\" is neither a file nor an objective")]
    public void A_wrong_proposal_of_a_command_is_refused(string fields, params string[] words) =>
        _grouprl.Refuses(["falsify", _grouprl.File("p.json", Grouprl.Head + fields + "}"), "--out", _grouprl.Path_("out")], words);

    [Fact]
    public void An_expectation_of_a_claim_that_does_not_speak_of_losses_is_refused() =>
        _grouprl.Refuses(["falsify", Proposal("grpo", """ "expect":{"prefix-bias-sign":"x"} """), "--out", _grouprl.Path_("out")], "prefix-bias-sign does not speak of grpo");

    [Fact]
    public void A_proposal_of_a_command_is_refused_where_parts_are_needed()
    {
        string file = Proposal("grpo", """ "name":"mine" """);
        foreach (string[] args in new[] { new[] { "diff", "grpo", file }, ["align", "--objective", file], ["claims", "--parameters", file] })
            _grouprl.Refuses(args, "here the parts of an objective are needed");
    }

    [Theory]
    [InlineData("check", "prefix-neutrality")]
    [InlineData("evaluate")]
    public void Check_and_evaluate_need_an_objective_or_a_command_and_not_both(params string[] command)
    {
        string batch = _grouprl.File("b.json", Batch);
        _grouprl.Refuses([.. command, "--batch", batch], $"{command[0]} needs --objective or --command");
        _grouprl.Refuses([.. command, "--batch", batch, "--objective", "grpo", "--command", "true"], "--objective and --command exclude each other");
        _grouprl.Refuses([.. command, "--batch", batch, "--command", "exit 3"], "exit code 3");
    }

    [Fact]
    public void A_claim_that_does_not_speak_of_a_subject_names_the_nearest_that_do()
    {
        string batch = _grouprl.File("b.json", Batch);
        _grouprl.Refuses(["check", "padding-garbage", "--objective", "grpo", "--batch", batch], "padding-garbage does not speak of grpo", "padding-invariance");
        _grouprl.Refuses(["check", "prefix-bias-sign", "--command", Serving("grpo"), "--batch", batch], "does not speak of grpo");
    }

    [Theory]
    [InlineData("tightness", "padding-garbage has no bound but rounding")]
    [InlineData("map", "there is no claim \"padding-garbage\"")]
    public void A_law_of_losses_has_no_map_and_no_tightness(string command, string words) => _grouprl.Refuses([command, "padding-garbage"], words);

    [Fact]
    public void Claims_lists_and_shows_the_laws_of_losses()
    {
        var listed = _grouprl.Json("claims").GetProperty("laws_of_losses");
        Assert.Equal(LossLaws.OfLikeness.Length + LossLaws.Claims.Length, listed.GetArrayLength());
        string table = _grouprl.Run("claims").Output;
        Assert.All(LossLaws.Claims, claim => Assert.Contains($"  {claim.Id} ", table, StringComparison.Ordinal));

        var law = LossLaws.Find("padding-garbage")!;
        var (exit, output, _) = _grouprl.Run("claims", law.Id);
        Assert.Equal(0, exit);
        Assert.All([law.Statement, .. law.Hypotheses, law.Consequence, "contract", law.Source], word => Assert.Contains(word, output, StringComparison.Ordinal));
        Assert.Contains(LossLaws.Find("padding-invariance")!.Statement, _grouprl.Run("claims", "padding-invariance").Output, StringComparison.Ordinal);
        _grouprl.Refuses(["claims", "paddin-garbage"], "no claim or objective \"paddin-garbage\"; known are padding-garbage,");
    }

    [Fact]
    public void Claims_lists_the_hyperparameters_that_a_loss_takes()
    {
        var parameters = _grouprl.Json("claims", "--parameters", "dapo").GetProperty("parameters").EnumerateArray()
            .ToDictionary(parameter => parameter.GetProperty("name").GetString()!, parameter => parameter.GetProperty("value").GetDouble());
        Assert.Equal((0.2, 0.28), (parameters["clip.low"], parameters["clip.high"]));
        Assert.Contains("kernel.clip.high", _grouprl.Run("claims", "--parameters", "dapo").Output, StringComparison.Ordinal);
        _grouprl.Refuses(["claims", "--parameters"], "needs ID");
        _grouprl.Refuses(["claims", "--parameters", "prefix-neutrality"], "neither a file nor an objective");
    }

    public void Dispose() => _grouprl.Dispose();

    // The very build that is tested serves an entry.
    private static string Serving(string id) => $"'{Path.Combine(AppContext.BaseDirectory, "grouprl")}' serve '{id}'";

    // How far a slow run is stands on the other stream.
    private JsonElement Falsify(params string[] args)
    {
        using var document = JsonDocument.Parse(_grouprl.Run(["falsify", .. args, "--out", _grouprl.Path_("out"), "--cases", "40", "--json"]).Output);
        return document.RootElement.Clone();
    }

    private static JsonElement Group(JsonElement evaluation) => evaluation.GetProperty("groups").EnumerateArray().Single();

    private static JsonElement RowOf(JsonElement report, string claim) => report.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("claim").GetString() == claim);

    private static JsonElement Row(JsonElement report, string claim) => RowOf(report, claim).GetProperty("counterexample");

    private string Proposal(string id, string fields) =>
        _grouprl.File("loss.json", $"{Grouprl.Head}\"command\":{JsonSerializer.Serialize(Serving(id))},{fields}}}");
}
