using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Cli;

public sealed class AuditAndDiffTests : IDisposable
{
    private static readonly string s_rollouts = Path.Combine(AppContext.BaseDirectory, "examples", "rollouts.json");

    private readonly Grouprl _grouprl = new();

    [Fact]
    public void Audit_tells_what_grpo_does_to_the_example_and_what_dr_grpo_would_have_done()
    {
        var (exit, output, _) = _grouprl.Run("audit", "--objective", "grpo", "--batch", s_rollouts);
        Assert.Equal(0, exit);
        Assert.All(
            [
                "Shared prefixes: 4 common to all completions of a prompt, 2 of them pushed",
                "unequal weights",
                "noise      -0.0611111",
                "longer completions earn more in 1 and less in 1",
                "Rounding alone: the advantages of 1 of 4 prompts teach noise.",
                "Clipped: 1 of 75 tokens",
                "dr-grpo instead: cosine",
            ],
            sentence => Assert.Contains(sentence, output, StringComparison.Ordinal));
    }

    [Fact]
    public void Audit_as_json_holds_every_shared_segment_group_and_comparison()
    {
        var audit = _grouprl.Json("audit", "--objective", "trl:grpo", "--against", "trl:dapo", "--batch", s_rollouts);
        Assert.Equal("grouprl-audit/1", audit.GetProperty("schema").GetString());
        Assert.Equal(5, audit.GetProperty("shared").GetArrayLength());
        Assert.Equal(4, audit.GetProperty("groups").GetArrayLength());
        var first = audit.GetProperty("shared")[0];
        Assert.Equal(("up", 3), (first.GetProperty("direction").GetString(), first.GetProperty("pushes").GetArrayLength()));
        Assert.Equal("trl:dapo", audit.GetProperty("instead").GetProperty("objective").GetString());
        Assert.InRange(audit.GetProperty("instead").GetProperty("cosine").GetDouble(), 0.1, 0.9999);
    }

    [Fact]
    public void Audit_goes_on_where_the_other_objective_lacks_a_column()
    {
        var (exit, output, _) = _grouprl.Run("audit", "--objective", "grpo", "--against", "trl:rloo", "--batch", s_rollouts);
        Assert.Equal(0, exit);
        Assert.Contains("trl:rloo instead: not to be had on this batch. The batch has no ref_logps", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Audit_of_a_batch_without_tokens_says_that_prefixes_are_unknown()
    {
        string batch = _grouprl.File("b.json", """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[-1],"old_logps":[-1]},{"reward":0,"logps":[-1],"old_logps":[-1]}]}]}""");
        var (exit, output, _) = _grouprl.Run("audit", "--objective", "grpo", "--batch", batch);
        Assert.Equal(0, exit);
        Assert.Contains("Shared prefixes: unknown", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--objective", "grpoo", "\"grpoo\" is neither a file nor an objective of the catalogue: grpo")]
    [InlineData("--objective", "trl:rloo", "The batch has no ref_logps")]
    public void What_cannot_be_audited_is_refused_in_one_sentence(string option, string value, string sentence)
    {
        var (exit, _, error) = _grouprl.Run("audit", option, value, "--batch", s_rollouts);
        Assert.Equal(2, exit);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(sentence, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Diff_names_the_parts_the_claims_and_the_numbers_that_differ()
    {
        var (exit, output, _) = _grouprl.Run("diff", "grpo", "dr-grpo");
        Assert.Equal(0, exit);
        Assert.All(
            [
                "They differ in advantage, weight, and agree in rewards, kernel, correction, regularisers.",
                "grpo: refuted, needs one token weight for all rows of a group",
                "dr-grpo: holds",
                "its first shared token: grpo pushes it up by 0.0234549, dr-grpo leaves it.",
                "0 of 26 tokens pushed the other way",
            ],
            sentence => Assert.Contains(sentence, output, StringComparison.Ordinal));
        var json = _grouprl.Json("diff", "grpo", "grpo-k3");
        Assert.Equal("regularisers", Assert.Single(json.GetProperty("parts").EnumerateArray()).GetProperty("part").GetString());
        Assert.Contains("All parts are the same.", _grouprl.Run("diff", "verl:vanilla", "verl:bypass_ppo").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Diff_takes_a_batch_of_ones_own()
    {
        Assert.Contains("On " + s_rollouts, _grouprl.Run("diff", "grpo", "dapo", "--batch", s_rollouts).Output, StringComparison.Ordinal);
        var (exit, _, error) = _grouprl.Run("diff", "grpo", "grpo-k3", "--batch", s_rollouts);
        Assert.Equal(2, exit);
        Assert.Contains("grpo-k3: The batch has no ref_logps", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Claims_shows_an_objective_with_its_parts_and_expectations()
    {
        var (exit, output, _) = _grouprl.Run("claims", "trl:rloo");
        Assert.Equal(0, exit);
        Assert.All(["kl-in-reward (beta 0.05)", "leave-one-out", "huggingface/trl", "prefix-masked-truncation"], word => Assert.Contains(word, output, StringComparison.Ordinal));
        Assert.Equal("row-mean", _grouprl.Json("claims", "grpo").GetProperty("composition").GetProperty("weight").GetString());
        Assert.Contains("there is no claim or objective \"grpoo\"; known are grpo", _grouprl.Run("claims", "grpoo").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_objective_of_the_catalogue_can_be_told_from_grpo_on_the_worked_batch()
    {
        foreach (var entry in Catalogue.All)
            Assert.Equal(0, _grouprl.Run("diff", "grpo", entry.Id).Exit);
    }

    public void Dispose() => _grouprl.Dispose();
}
