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

    public void Dispose() => _grouprl.Dispose();
}
