using Xunit;

namespace GroupRL.Properties.Cli;

public sealed class AlignTests : IDisposable
{
    private readonly Grouprl _grouprl = new();

    [Fact]
    public void An_objective_s_expected_gradient_is_measured_beside_the_reward_s()
    {
        var report = _grouprl.Json("align", "--objective", "dr-grpo").GetProperty("objectives")[0];

        Assert.Equal("dr-grpo", report.GetProperty("objective").GetString());
        Assert.Equal(1, report.GetProperty("cosine").GetDouble(), 1e-12);
        Assert.Equal(0.75, report.GetProperty("factor").GetDouble(), 1e-12);
        Assert.Equal(0.75, report.GetProperty("two_prompts").GetProperty("factor").GetDouble(), 1e-12);
        Assert.Equal(2.0 / 3, report.GetProperty("mass_spread").GetDouble(), 1e-12);
    }

    [Fact]
    public void A_proposal_is_measured_too()
    {
        string file = _grouprl.File("p.json", Grouprl.Head + """ "name":"remainder","base":"dr-grpo","weight":{"name":"remainder-on-last","length":3}}""");
        var (exit, output, _) = _grouprl.Run("align", "--objective", file);

        Assert.Equal(0, exit);
        Assert.Matches(@"remainder +0\.9\d{5} .* 0 +0 +0\.\d+", output);
    }

    [Fact]
    public void A_regulariser_that_acts_on_policy_leaves_nothing_to_measure()
    {
        Assert.Equal("a regulariser acts on-policy", _grouprl.Json("align", "--objective", "grpo-k3").GetProperty("objectives")[0].GetProperty("reason").GetString());
        Assert.Contains("grpo-k3    –", _grouprl.Run("align", "--objective", "grpo-k3").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_larger_vocabulary_length_or_group_is_enumerated_when_it_is_asked_for()
    {
        var report = _grouprl.Json("align", "--objective", "rloo", "--vocabulary", "4", "--length", "2", "--group-size", "3");

        Assert.Equal((4, 2, 3), (report.GetProperty("vocabulary").GetInt32(), report.GetProperty("length").GetInt32(), report.GetProperty("group_size").GetInt32()));
        Assert.Equal((13, 455), (report.GetProperty("completions").GetInt32(), report.GetProperty("groups").GetInt32()));
        Assert.Equal(1, report.GetProperty("objectives")[0].GetProperty("factor").GetDouble(), 1e-12);
        Assert.Equal(1, report.GetProperty("objectives")[0].GetProperty("two_prompts").GetProperty("cosine").GetDouble(), 1e-12);
        Assert.Equal(0.5, report.GetProperty("objectives")[0].GetProperty("mass_spread").GetDouble(), 1e-12);
    }

    [Fact]
    public void Groups_may_be_larger_than_there_are_completions()
    {
        var report = _grouprl.Json("align", "--objective", "dr-grpo", "--vocabulary", "2", "--length", "1", "--group-size", "20");

        Assert.Equal((2, 21), (report.GetProperty("completions").GetInt32(), report.GetProperty("groups").GetInt32()));
        Assert.Equal(0.95, report.GetProperty("objectives")[0].GetProperty("factor").GetDouble(), 1e-12);
    }

    [Fact]
    public void What_is_not_said_of_the_groups_is_as_usual()
    {
        Assert.Contains("V = 3, at most 3 tokens, G = 4: 15 completions, 3,060 groups, 50,625 in the order of drawing", _grouprl.Run("align", "--objective", "rloo").Output, StringComparison.Ordinal);
        Assert.Contains("V = 3, at most 3 tokens, G = 2: 15 completions, 120 groups, 225 in the order of drawing", _grouprl.Run("align", "--objective", "rloo", "--group-size", "2").Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--vocabulary", "1", "--vocabulary must be at least 2; got 1.")]
    [InlineData("--length", "0", "--length must be at least 1; got 0.")]
    [InlineData("--group-size", "1", "--group-size must be at least 2; got 1.")]
    [InlineData("--vocabulary", "30", "A vocabulary of 30, a length of 3 and a group size of 4 make 25260 completions and 1.69678E+16 groups of up to 4 × 3 tokens; at most 200000000 tokens are enumerated.")]
    [InlineData("--length", "2000", "A vocabulary of 3, a length of 2000 and a group size of 4 make more than 1E+308 completions and more than 1E+308 groups of up to 4 × 2000 tokens; at most 200000000 tokens are enumerated.")]
    public void Groups_that_no_run_could_enumerate_are_refused_with_their_number(string option, string value, string sentence) =>
        _grouprl.Refuses(["align", "--objective", "rloo", option, value], sentence);

    public void Dispose() => _grouprl.Dispose();
}
