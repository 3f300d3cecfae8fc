using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>Losses, objectives and optimizers by their compiled types: this assembly is its own user.</summary>
public sealed class CompiledTests : IDisposable
{
    private readonly Grouprl _grouprl = new();

    private static string Assembly => typeof(CompiledTests).Assembly.Location;

    [Fact]
    public void A_sound_loss_keeps_the_contract()
    {
        var (exit, output, error) = Falsify("SoundLoss", "--fail-on", "contract");

        Assert.Equal("", error);
        Assert.Contains("gradient-consistency", output, StringComparison.Ordinal);
        Assert.Equal(0, exit);
    }

    [Fact]
    public void A_broken_loss_is_refuted_and_its_replay_refutes_it_again()
    {
        var report = _grouprl.Json("falsify", Name("NegatedLoss"), "--cases", "100", "--like", "dr-grpo", "--fail-on", "contract", "--out", _grouprl.Path_("out"));
        Assert.Equal(1, report.GetProperty("exit").GetInt32());
        var found = report.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("claim").GetString() == "like-gradient").GetProperty("counterexample");

        // What is printed is what a shell reads: no word of it needs more than quotes taken off.
        string[] replay = Words(found.GetProperty("replay").GetString()!, "replay"), judge = Words(found.GetProperty("judge").GetString()!, "check");
        Assert.Equal(1, _grouprl.Run(replay).Exit);
        Assert.Equal(1, _grouprl.Run(judge).Exit);
        judge[Array.IndexOf(judge, "--objective") + 1] = Name("SoundLoss");
        Assert.Equal(0, _grouprl.Run(judge).Exit);
    }

    [Fact]
    public void An_objective_is_judged_and_replayed_as_a_composition()
    {
        var report = _grouprl.Json("falsify", Name("OneObjective"), "--cases", "100", "--out", _grouprl.Path_("out"));
        var neutral = report.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("claim").GetString() == "prefix-neutrality");

        Assert.Equal("OneObjective", report.GetProperty("proposal").GetString());
        Assert.Equal("refuted", neutral.GetProperty("verdict").GetString());
        Assert.Equal(1, _grouprl.Run(Words(neutral.GetProperty("counterexample").GetProperty("replay").GetString()!, "replay")).Exit);
        Assert.Contains("the same", _grouprl.Run("diff", Name("OneObjective"), "grpo").Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void One_of_several_objectives_of_a_type_is_named_by_its_property() =>
        Assert.Contains(
            "permutation-invariance · TwoObjectives.Second\n",
            _grouprl.Run("check", "permutation-invariance", "--objective", Name("TwoObjectives.Second"), "--batch", Repository.Path("examples/batches/rollouts.json")).Output,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("OwnDescent", 0)]
    [InlineData("OwnAscent", 1)]
    public void An_optimizer_that_only_answers_is_judged_by_its_type(string type, int exit)
    {
        var (got, output, _) = _grouprl.Run("falsify", $"{Assembly}#GroupRL.Properties.Contracts.{type}", "--fail-on", "contract", "--cases", "100", "--out", _grouprl.Path_("out"));

        Assert.Equal(exit, got);
        Assert.Contains("first-step-descends", output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_optimizer_is_judged_and_replayed_by_its_type()
    {
        var report = _grouprl.Json("falsify", Name("OneOptimizer"), "--cases", "100", "--out", _grouprl.Path_("out"));
        var refuted = report.GetProperty("rows").EnumerateArray().First(row => row.GetProperty("verdict").GetString() == "refuted");

        Assert.Equal("mine", refuted.GetProperty("optimizer").GetString());
        string[] replay = Words(refuted.GetProperty("counterexample").GetProperty("replay").GetString()!, "replay");
        Assert.Contains(Name("OneOptimizer"), replay);
        Assert.Equal(1, _grouprl.Run(replay).Exit);
    }

    [Fact]
    public void An_optimizer_beside_a_proposal_is_named_by_its_type_too()
    {
        string proposal = _grouprl.File("p.json", Grouprl.Head + """ "base":"grpo"}""");
        var report = _grouprl.Json("falsify", proposal, "--optimizer", Name("OneOptimizer"), "--cases", "50", "--out", _grouprl.Path_("out"));
        var refuted = report.GetProperty("rows").EnumerateArray().First(row => row.TryGetProperty("optimizer", out _) && row.GetProperty("verdict").GetString() == "refuted");

        Assert.Equal(1, _grouprl.Run(Words(refuted.GetProperty("counterexample").GetProperty("replay").GetString()!, "replay")).Exit);
    }

    [Theory]
    [InlineData("SoundLos", "has no type GroupRL.Properties.Cli.Compiled.SoundLos; those that can be judged are GroupRL.Properties.Cli.Compiled.SoundLoss,")]
    [InlineData("OneObjective.Other", "has no type")]
    [InlineData("AbstractLoss", "AbstractLoss is abstract")]
    [InlineData("GenericLoss`1", "GenericLoss`1 is generic")]
    [InlineData("ParameterLoss", "ParameterLoss has no public constructor without parameters")]
    [InlineData("StillbornLoss", "the constructor threw NotSupportedException in StillbornLoss: there is no GPU.")]
    [InlineData("TwoObjectives", "TwoObjectives.First or ", "TwoObjectives.Second: name one of them")]
    [InlineData("NoObjective", "NoObjective is null")]
    [InlineData("FailingObjective", "the property Instance threw FormatException in FailingObjective.get_Instance: not a number.")]
    [InlineData("FaultyObjective", "Compiled code threw IndexOutOfRangeException in FaultyAdvantage.FillRows: Index was outside the bounds of the array.")]
    [InlineData("ThrowingLoss", "Compiled code threw KeyNotFoundException in ThrowingLoss.Evaluate: no such key.")]
    [InlineData("ShortLoss", "The loss sound answers a batch of ", "with a gradient of 0 numbers, not ")]
    [InlineData("CountingLoss", "The loss sound is not deterministic, or not safe to ask by several threads at once: to one batch it answered the loss 1 and then 2.")]
    [InlineData("UnsignedLoss", "The loss UnsignedLoss has no signature: it is null.")]
    public void A_wrong_type_is_refused_in_one_sentence(string type, params string[] words) => _grouprl.Refuses(["falsify", Name(type), "--out", _grouprl.Path_("out")], words);

    [Theory]
    [InlineData("diff", "dr-grpo")]
    [InlineData("align", "--objective")]
    [InlineData("evaluate", "--batch", "BATCH", "--objective")]
    [InlineData("audit", "--batch", "BATCH", "--objective")]
    public void Whatever_reads_an_objective_says_what_its_code_threw(params string[] command) => _grouprl.Refuses(
        [.. command.Select(word => word == "BATCH" ? Repository.Path("examples/batches/rollouts.json") : word), Name("FaultyObjective")], "Compiled code threw IndexOutOfRangeException in FaultyAdvantage.FillRows");

    [Theory]
    [InlineData("diff", "dr-grpo")]
    [InlineData("diff", "dapo")]
    [InlineData("align", "--objective")]
    [InlineData("evaluate", "--batch", "BATCH", "--objective")]
    [InlineData("audit", "--batch", "BATCH", "--objective")]
    public void Whatever_reads_an_objective_reads_one_with_a_part_of_its_users_own(params string[] command)
    {
        var (exit, output, error) = _grouprl.Run([.. command.Select(word => word == "BATCH" ? Repository.Path("examples/batches/rollouts.json") : word), Name("OwnObjective")]);
        Assert.Equal("", error);
        Assert.NotEqual("", output);
        Assert.Equal(0, exit);
    }

    [Fact]
    public void A_part_of_a_users_own_is_called_by_its_type_and_settings() =>
        Assert.Contains("FirstAsBaseline (share 0.5)", _grouprl.Run("diff", "dr-grpo", Name("OwnObjective")).Output, StringComparison.Ordinal);

    [Fact]
    public void A_type_that_is_nothing_to_judge_is_refused() =>
        _grouprl.Refuses(["falsify", $"{Assembly}#GroupRL.Properties.Cli.CompiledTests"], "CompiledTests of ", "neither implements ILoss or IOptimizer nor has a public static property of type SurrogateObjective or Optimizer; those that can be judged are");

    [Fact]
    public void An_assembly_without_a_type_lists_its_own() => _grouprl.Refuses(["falsify", Assembly], "names no type, as ", "those that can be judged are GroupRL.Properties.");

    [Fact]
    public void An_assembly_that_is_not_there_is_refused() => _grouprl.Refuses(["falsify", _grouprl.Path_("absent.dll#A.B")], "absent.dll cannot be read: there is no such file.");

    [Fact]
    public void A_folder_is_no_assembly() => _grouprl.Refuses(["falsify", $"{Directory.CreateDirectory(_grouprl.Path_("folder.dll")).FullName}#A.B"], "folder.dll cannot be read: there is no such file.");

    [Fact]
    public void What_is_no_assembly_is_refused() => _grouprl.Refuses(["falsify", $"{_grouprl.File("text.dll", "no code")}#A.B"], "text.dll is no assembly that .NET 10 can load.");

    [Fact]
    public void An_assembly_without_anything_to_judge_is_refused() =>
        _grouprl.Refuses(["falsify", $"{typeof(FactAttribute).Assembly.Location}#A.B"], "has no type A.B; no type in it is a loss or has an objective or an optimizer.");

    [Fact]
    public void A_loss_is_no_composition() =>
        _grouprl.Refuses(["diff", "grpo", Name("SoundLoss")], "is a loss, where an objective is needed: a static property of type SurrogateObjective.");

    [Fact]
    public void An_objective_is_no_optimizer() => _grouprl.Refuses(["map", "momentum-tail", "--optimizer", Name("OneObjective")], "is an objective, where an optimizer is needed");

    [Theory]
    [InlineData("--jobs", "2")]
    [InlineData("--timeout", "2")]
    [InlineData("--like-command", "cat")]
    [InlineData("--hyperparameters", "{}")]
    public void What_speaks_of_a_command_says_nothing_of_compiled_code(string option, string value) =>
        _grouprl.Refuses(["falsify", Name("SoundLoss"), option, value], $"{option} belongs to --command, not to a loss that is compiled code: leave it out.");

    [Fact]
    public void The_command_takes_its_own_assemblies_as_they_are() =>
        Assert.Equal(0, _grouprl.Run("diff", "grpo", $"{typeof(ILoss).Assembly.Location}#GroupRL.Objectives.Catalogue.Grpo").Exit);

    [Fact]
    public void A_program_of_a_users_refuses_what_names_another_subject()
    {
        OwnProgram program() => new(new("", "mine", Catalogue.DrGrpo));
        Assert.Contains("p.json names another subject, but this program judges mine", Own(program(), "p.json").Error, StringComparison.Ordinal);
        Assert.Contains("--command names another subject", Own(program(), "--command", "cat").Error, StringComparison.Ordinal);
        Assert.Contains("--like speaks of what only answers", Own(program(), "--like", "grpo").Error, StringComparison.Ordinal);
        Assert.Contains("--check CLAIM and --batch FILE need each other", Own(program(), "--check", "prefix-neutrality").Error, StringComparison.Ordinal);
        Assert.Contains("There is no option --bogus", Own(program(), "--bogus").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_of_a_users_needs_no_arguments_and_judges_losses_and_optimizers_too()
    {
        Assert.Equal(0, Own(new(new("", "sound", new Compiled.SoundLoss())), "--cases", "100", "--fail-on", "contract").Exit);
        Assert.Contains("mine", Own(new(new("", "mine", Compiled.OneOptimizer.Instance)), "--cases", "20").Output, StringComparison.Ordinal);
        Assert.Contains("Usage:", Own(new(new("", "mine", Compiled.OneOptimizer.Instance)), "--help").Output, StringComparison.Ordinal);
    }

    private static string Name(string type) => $"{Assembly}#GroupRL.Properties.Cli.Compiled.{type}";

    private (int Exit, string Output, string Error) Falsify(string type, params string[] more) =>
        _grouprl.Run(["falsify", Name(type), "--cases", "100", "--out", _grouprl.Path_("out"), .. more]);

    private (int Exit, string Output, string Error) Own(OwnProgram program, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exit = CommandLine.Run([.. args, "--out", _grouprl.Path_("out")], new Terminal(output, error, plainOutput: true, plainError: true), program);
        return (exit, output.ToString(), error.ToString());
    }

    // The words of a printed command from ours on.
    private static string[] Words(string command, string first)
    {
        string[] words = [.. command.Split(' ').Select(word => word.Trim('\''))];
        return words[Array.IndexOf(words, first)..];
    }

    public void Dispose() => _grouprl.Dispose();
}
