using GroupRL.Properties.Cli;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary><c>grouprl confirm</c> as it prints.</summary>
public sealed class ConfirmCommandTests : IDisposable
{
    private readonly Grouprl _grouprl = new();

    [Theory]
    [InlineData("prefix", "--seeds", "30", "--steps", "25")]
    [InlineData("scale", "--steps", "5")]
    [InlineData("overshoot", "--steps", "4")]
    public void Predictions_stand_beside_measurements_in_every_form(string finding, params string[] options)
    {
        string[] command = ["confirm", finding, "--policy", "log-linear", .. options];
        var (exit, table, error) = _grouprl.Run(command);
        var json = _grouprl.Json(command);
        string page = _grouprl.Run([.. command, "--markdown"]).Output;

        Assert.Equal((0, ""), (exit, error));
        int findings = json.GetProperty("findings").GetArrayLength();
        Assert.True(findings > 5);
        Assert.Equal(findings, table.Split('\n').Count(line => line.StartsWith("agrees ", StringComparison.Ordinal)));
        Assert.Equal(findings, page.Split('\n').Count(line => line.StartsWith("| agrees |", StringComparison.Ordinal)));
        Assert.Equal("grouprl-confirmation/1", json.GetProperty("schema").GetString());
        Assert.True(json.GetProperty("agrees").GetBoolean());
        Assert.NotEqual(0, json.GetProperty("rows").GetArrayLength());
        Assert.All([table, page], text => Assert.Contains($"{finding}: all {findings} predictions agree with what was measured.", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Without_enough_seeds_a_finding_is_not_seen_and_the_command_says_so()
    {
        var (exit, output, _) = _grouprl.Run("confirm", "prefix", "--policy", "log-linear", "--seeds", "2", "--steps", "2");

        Assert.Equal(1, exit);
        Assert.Contains("DISAGREES", output, StringComparison.Ordinal);
        Assert.Contains("predictions disagree with what was measured.", output, StringComparison.Ordinal);
    }

    public void Dispose() => _grouprl.Dispose();
}
