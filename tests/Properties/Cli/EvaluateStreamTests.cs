using System.Text.Json;
using GroupRL.Cli;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary><c>evaluate --stream</c>: what is printed of a batch of which one group at a time is held.</summary>
public sealed class EvaluateStreamTests : IDisposable
{
    // Two prompts, four completions, eight tokens: shares of a half, which do not round.
    private const string Batch = """
        {"schema":"grouprl-batch/1"}
        {"completions":[{"reward":1,"logps":[-1,-2],"old_logps":[-1.25,-2],"ref_logps":[-1,-1]},{"reward":0,"logps":[-1,-2],"old_logps":[-1,-2.5],"ref_logps":[-1,-1]}]}
        {"completions":[{"reward":0,"logps":[-3,-2,-1],"old_logps":[-3,-2,-1],"ref_logps":[-1,-1,-1],"mask":[1,0,1]},{"reward":2,"logps":[-1,-4],"old_logps":[-1,-4],"ref_logps":[-1,-1]}]}
        """;

    private readonly Grouprl _grouprl = new();

    [Theory]
    [InlineData("grpo-k3")]
    [InlineData("dapo")]
    [InlineData("trl:dapo")]
    [InlineData("trl:rloo")]
    [InlineData("verl:vanilla")]
    [InlineData("verl:grpo")]
    public void The_output_is_the_same_byte_for_byte_where_shares_do_not_round(string id)
    {
        string[] command = ["evaluate", "--objective", id, "--batch", _grouprl.File("b.jsonl", Batch), "--json"];
        var whole = _grouprl.Run(command);
        Assert.Equal((0, ""), (whole.Exit, whole.Error));
        Assert.Equal(whole, _grouprl.Run([.. command, "--stream"]));
        Assert.Equal(2, JsonDocument.Parse(whole.Output).RootElement.GetProperty("groups").GetArrayLength());
    }

    [Fact]
    public void An_objective_without_a_share_is_streamed_byte_for_byte_in_one_pass()
    {
        string proposal = _grouprl.File("sum.json", Grouprl.Head + """ "base":"grpo","weight":{"name":"constant","value":0.3}}""");
        string[] command = ["evaluate", "--objective", proposal, "--batch", Path.Combine(AppContext.BaseDirectory, "examples", "rollouts.json"), "--json"];
        Assert.Equal(_grouprl.Run(command), _grouprl.Run([.. command, "--stream"]));
    }

    [Fact]
    public void Without_json_the_value_is_printed_and_how_much_was_read_and_no_row()
    {
        string[] command = ["evaluate", "--objective", "dr-grpo", "--batch", _grouprl.File("b.jsonl", Batch)];
        string[] whole = _grouprl.Run(command).Output.TrimEnd().Split('\n'), streamed = _grouprl.Run([.. command, "--stream"]).Output.TrimEnd().Split('\n');
        Assert.Equal(6, whole.Length);
        Assert.Equal([whole[0], "  2 groups, 4 completions, 8 tokens, read one group at a time; --json prints advantages and coefficients"], streamed);
    }

    [Fact]
    public void A_long_file_is_streamed_without_being_told_where_the_objective_allows_it()
    {
        string batch = _grouprl.File("b.jsonl", Batch);
        Assert.Contains("one group at a time", Run("grpo", new FileInfo(batch).Length), StringComparison.Ordinal);
        Assert.DoesNotContain("one group at a time", Run("grpo", new FileInfo(batch).Length + 1), StringComparison.Ordinal);
        Assert.DoesNotContain("one group at a time", Run("verl:dr_grpo", 0), StringComparison.Ordinal);

        string Run(string id, long length)
        {
            using var output = new StringWriter();
            Assert.Equal(0, new EvaluateCommand(new Terminal(output, TextWriter.Null, plainOutput: true, plainError: true), json: false, length).Run(Proposal.Resolve(id), batch, stream: false));
            return output.ToString();
        }
    }

    [Theory]
    [InlineData("trl:gdpo", "its advantage, batch-normalised")]
    [InlineData("verl:dr_grpo", "its weight, padded-row-sum")]
    [InlineData("verl:geo_rs", "its correction, mean-normalised")]
    [InlineData("kl-cov", "its regularisers, ")]
    public void What_reads_the_whole_batch_is_named_and_refused(string id, string words) => _grouprl.Refuses(
        ["evaluate", "--objective", id, "--batch", _grouprl.File("b.jsonl", Batch), "--stream"], $"{id} cannot be evaluated group by group", words, "leave --stream out");

    [Fact]
    public void A_loss_that_only_answers_is_not_streamed() => _grouprl.Refuses(
        ["evaluate", "--command", $"'{Path.Combine(AppContext.BaseDirectory, "grouprl")}' serve grpo", "--batch", _grouprl.File("b.jsonl", Batch), "--stream"], "--stream needs an objective of known parts");

    [Theory]
    [InlineData("-4],\"old", "-4]],\"old", "line 3, byte")]
    [InlineData("\"reward\":2", "\"reward\":null", "group 1, completion 1 is missing")]
    [InlineData("[-1,-4],\"ref", "[-1],\"ref", "group 1, completion 1 old_logps has 1 where logps has 2")]
    [InlineData("[-1,-4],\"old", "[0,-4],\"old", "group 1, completion 1, token 0")]
    public void What_is_wrong_is_refused_in_the_same_sentence_and_before_anything_is_printed(string right, string wrong, string words)
    {
        // The last case is a ratio that overflows.
        string text = Batch.Replace(right, wrong, StringComparison.Ordinal).Replace("[0,-4],\"old_logps\":[-1", "[0,-4],\"old_logps\":[-900", StringComparison.Ordinal)
            .Replace("\"reward\":2,\"logps\":[0", "\"reward\":-2,\"logps\":[0", StringComparison.Ordinal);
        string[] command = ["evaluate", "--objective", "grpo", "--batch", _grouprl.File("b.jsonl", text)];
        _grouprl.Refuses([.. command, "--stream"], words);
        Assert.Equal(_grouprl.Run(command), _grouprl.Run([.. command, "--stream"]));
    }

    public void Dispose() => _grouprl.Dispose();
}
