using System.Text.Json;
using GroupRL.Cli;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>Optimizers behind a pipe, as a user runs them.</summary>
public sealed class PipedOptimizerTests : IDisposable
{
    private static readonly string s_serve = $"dotnet {typeof(CommandLine).Assembly.Location} serve";

    private static readonly string s_python = $"python3 {Repository.Path("examples/python/adamw.py")}";

    private readonly Grouprl _grouprl = new();

    public void Dispose() => _grouprl.Dispose();

    [Fact]
    public void What_the_command_serves_keeps_every_law_and_is_what_it_says()
    {
        var rows = Rows(0, Falsify($"{s_serve} adamw", "--like", "adamw"));
        Assert.Equal("holds", Verdict(rows, "like-trajectory"));
        Assert.Equal("holds", Verdict(rows, "momentum-tail"));
        Assert.Equal("not applicable", Verdict(rows, "translation"));
    }

    [PythonFact]
    public void The_example_in_Python_takes_the_way_of_adamw()
    {
        var rows = Rows(0, Falsify(s_python, "--like", "adamw"));
        Assert.Equal("holds", Verdict(rows, "like-trajectory"));
    }

    [PythonFact]
    public void Both_are_told_the_hyperparameters_of_the_command_line()
    {
        string[] given = ["--hyperparameters", """{"lr":0.01,"betas":[0.8,0.9],"beta1":0.8,"beta2":0.9,"eps":1e-6,"weight_decay":0.1}"""];
        Assert.Equal("holds", Verdict(Rows(0, Falsify(s_python, ["--like", "adamw", .. given])), "like-trajectory"));
    }

    [PythonFact]
    public void Beside_another_optimizer_the_first_step_apart_and_what_differs_are_named()
    {
        var row = Assert.Single(Rows(1, Falsify(s_python, "--like", "adam-l2")), row => row.GetProperty("claim").GetString() == "like-trajectory");
        string why = row.GetProperty("counterexample").GetProperty("why").GetString()!;
        Assert.StartsWith("they part at step 1", why, StringComparison.Ordinal);
        Assert.EndsWith("what makes adam-l2 this one is decay decoupled from the moments in place of coupled (L2)", why, StringComparison.Ordinal);
    }

    [PythonFact]
    public void A_counterexample_is_replayed_by_the_command_that_its_report_prints()
    {
        var (exit, output, _) = _grouprl.Run([.. Falsify(s_python, "--like", "adam-l2"), "--cases", "50"]);
        Assert.Equal(1, exit);
        string token = output.Split('\n').First(line => line.TrimStart().StartsWith("replay", StringComparison.Ordinal)).Split(' ').First(word => word.Contains('@', StringComparison.Ordinal));
        var replayed = _grouprl.Run("replay", token, "--optimizer-command", s_python, "--like", "adam-l2", "--out", _grouprl.Path_("out"));
        Assert.Equal((1, ""), (replayed.Exit, replayed.Error));
        Assert.Contains("like-trajectory · adamw", replayed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_served_optimizer_answers_line_by_line_and_refuses_in_a_sentence()
    {
        string[] requests =
        [
            """{"schema":"grouprl-optimizer/1","hello":true}""",
            """{"schema":"grouprl-loss/1","hello":true}""",
            """{"id":1,"theta":[1,2],"gradients":[[1,0],[0.5,1]],"hyperparameters":{"lr":0.5}}""",
            """{"id":2,"theta":[1],"gradients":[[1,2]]}""",
            """{"id":3,"theta":[1],"gradients":[["NaN"]]}""",
            """{"id":4,"theta":[1],"gradients":[[1]],"hyperparameters":{"beta":1}}""",
            """{"id":5,"theta":[1],"gradients":[[1]],"hyperparameters":{"lr":-1}}""",
            """{"id":6,"theta":[],"gradients":[]}""",
        ];
        using var output = new StringWriter();
        Assert.Equal(0, new ServeCommand(new StringReader(string.Join('\n', requests)), output).Run(OptimizerCatalogue.Sgd));
        string[] expected =
        [
            """{"name":"sgd","catalogue":"sgd","promises":["descends","symmetric","odd","separable","no-decay"]}""",
            """{"id":null,"error":"sgd is an optimizer and speaks grouprl-optimizer/1; got a greeting of grouprl-loss/1."}""",
            """{"id":1,"thetas":[[0.5,2],[0.25,1.5]]}""",
            """{"id":2,"error":"gradients[0] must have 1 numbers, as theta has; got 2."}""",
            """{"id":3,"error":"gradient must be finite; coordinate 0 is NaN."}""",
            """{"id":4,"error":"hyperparameters has the unknown name \u0022beta\u0022; those of sgd are lr."}""",
            """{"id":5,"error":"hyperparameters.lr: Eta must be a finite number of at least 0; got -1."}""",
            """{"id":6,"error":"A parameter vector needs at least 1 coordinate; got 0."}""",
        ];
        Assert.Equal(expected, output.ToString().TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("adamw", "lr 0.001, weight_decay 0.01, beta1 0.9, beta2 0.999, eps 1E-08")]
    [InlineData("trl:adamw", "lr 1E-06, weight_decay 0, beta1 0.9, beta2 0.999, eps 1E-08, max_norm 1")]
    [InlineData("nesterov", "lr 0.001, momentum 0.9, dampening 0")]
    [InlineData("rmsprop-momentum", "lr 0.01, alpha 0.99, momentum 0.9, eps 1E-08")]
    [InlineData("adafactor", "lr 0.01, beta2_decay -0.8, eps1 2.220446049250313E-16, eps2 0.001, d 1")]
    public void Hyperparameters_have_the_names_of_torch(string id, string expected) => Assert.Equal(
        expected,
        string.Join(", ", OptimizerParameters.Of(OptimizerCatalogue.TryFind(id)!).Select(parameter => FormattableString.Invariant($"{parameter.Name} {parameter.Value:R}"))));

    [Fact]
    public void Every_number_of_an_optimizer_can_be_given_again()
    {
        foreach (var optimizer in OptimizerCatalogue.All.Where(optimizer => optimizer.TakesVectors))
        {
            var given = JsonSerializer.SerializeToElement(OptimizerParameters.ToJson(optimizer));
            Assert.Equal(new CatalogueOptimizer(optimizer).Run([1], [[1], [2]]), new CatalogueOptimizer(OptimizerParameters.Apply(optimizer, given, "here")).Run([1], [[1], [2]]));
        }
    }

    [Theory]
    [InlineData("cat >/dev/null", "The process did not answer within 3 s")]
    [InlineData("false", "The process ended with exit code 1 where an answer was due")]
    [InlineData("""read -r h; echo '{"name":"x","promises":["even"]}'""", "promises has the unknown word \"even\"")]
    [InlineData("""read -r h; echo '{"name":"x","catalogue":"adamx"}'""", "There is no optimizer \"adamx\"")]
    [InlineData("""read -r h; echo '{"error":"no such schema"}'""", "it refuses grouprl-optimizer/1: no such schema")]
    [InlineData("""read -r h; echo '{"name":"x"}'; read -r a; echo '{"id":1,"thetas":[[1]]}'; cat""", "thetas must be 3 arrays of 2 numbers, one after each gradient; got 1 of 1")]
    [InlineData("""read -r h; echo '{"name":"x"}'; read -r a; echo '{"id":1}'; cat""", "needs the field \"thetas\"")]
    public void A_process_that_breaks_the_protocol_ends_in_a_sentence(string command, string sentence) =>
        _grouprl.Refuses([.. Falsify(command), "--timeout", "1"], sentence);

    [Fact]
    public void Wrong_options_end_in_a_sentence()
    {
        _grouprl.Refuses(Falsify("cat", "--like", "grpo"), "There is no optimizer \"grpo\"");
        _grouprl.Refuses(Falsify("cat", "--like", "muon"), "muon moves matrices");
        _grouprl.Refuses(Falsify("cat", "--like", "adamw", "--hyperparameters", """{"momentum":1}"""), "those of adamw are");
        _grouprl.Refuses(Falsify("cat", "--like", "adamw", "--hyperparameters", """{"betas":[1]}"""), "betas must be two numbers");
        _grouprl.Refuses(Falsify("cat", "--like-command", "cat"), "--like-command is for losses");
        _grouprl.Refuses(Falsify("cat", "--command", "cat"), "--optimizer-command excludes --command");
        _grouprl.Refuses(Falsify("cat", "mine.json"), "--optimizer-command excludes FILE");
        _grouprl.Refuses(Falsify($"{s_serve} sgd", "--promises", "even"), "--promises has the unknown word \"even\"");
        _grouprl.Refuses(["serve", "muon"], "muon moves matrices");
        _grouprl.Refuses(["tightness", "translation"], "has no bound but rounding");
    }

    private string[] Falsify(string command, params string[] more) => ["falsify", "--optimizer-command", command, "--out", _grouprl.Path_("out"), .. more];

    private JsonElement[] Rows(int exit, string[] args)
    {
        // On a busy machine its error output tells how far it is.
        var (code, output, error) = _grouprl.Run([.. args, "--cases", "100", "--json"]);
        Assert.True(code == exit, error);
        using var document = JsonDocument.Parse(output);
        return [.. document.RootElement.Clone().GetProperty("rows").EnumerateArray()];
    }

    private static string Verdict(JsonElement[] rows, string claim) => rows.Single(row => row.GetProperty("claim").GetString() == claim).GetProperty("verdict").GetString()!;
}
