using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Properties.Cli;
using Xunit;

namespace GroupRL.Properties.Losses;

/// <summary>A loss beside the one that it is meant to be, and beside all that are known.</summary>
public sealed class LikenessTests : IDisposable
{
    private readonly Grouprl _grouprl = new();

    public static TheoryData<string> Entries => [.. Catalogue.All.Select(entry => entry.Id)];

    [Theory]
    [MemberData(nameof(Entries))]
    public void Every_entry_is_identified_as_itself(string id)
    {
        var nearest = Likeness.Nearest(new(new ObjectiveLoss("unknown", Catalogue.Find(id)!.Objective)));

        Assert.Contains(nearest.TakeWhile(found => found.Distance < Likeness.Same), found => found.Id == id);
    }

    [Theory]
    [InlineData("dapo", "grpo", "weight")]
    [InlineData("dr-grpo", "grpo", "weight")]
    [InlineData("gspo", "grpo", "ratio")]
    [InlineData("grpo-k3", "grpo", "regularisers")]
    [InlineData("grpo-k1", "grpo-k3", "regularisers")]
    [InlineData("trl:grpo", "trl:dapo", "weight")]
    public void What_differs_by_one_part_is_explained_by_it_or_by_what_stands_beside_it(string own, string meant, string part)
    {
        var subject = new LossSubject(new ObjectiveLoss(own, Catalogue.Find(own)!.Objective)) { Oracle = new ObjectiveLoss(meant, Catalogue.Find(meant)!.Objective) };

        var parts = Likeness.Explain(subject, meant, subject.Design!);

        Assert.Contains(part, parts.Take(2).Select(found => found.Part));
        Assert.Equal(VerdictKind.Refuted, Likeness.Gradient.Judge(subject, own, new(200)).Kind);
    }

    [Theory]
    [InlineData("advantage", 0, 1e-4, 0.2, 0.04)]
    [InlineData("advantage", 1, 1e-2, 0.2, 0.04)]
    [InlineData("clip", 1, 1e-4, 0.28, 0.04)]
    [InlineData("regularisers", 1, 1e-4, 0.2, 0.4)]
    [InlineData("regularisers", 1, 1e-4, 0.2, -0.04)]
    public void A_number_that_differs_is_found(string part, int ddof, double epsilon, double high, double beta)
    {
        var meant = Make(1, 1e-4, 0.2, 0.04);
        var subject = new LossSubject(new ObjectiveLoss("own", Make(ddof, epsilon, high, beta))) { Oracle = new ObjectiveLoss("meant", meant) };

        var best = Likeness.Explain(subject, "meant", meant)[0];

        Assert.Equal(part, best.Part);
        Assert.InRange(best.Distance, 0, Likeness.Same);

        static SurrogateObjective Make(int ddof, double epsilon, double high, double beta) => Catalogue.Grpo with
        {
            Advantage = new StandardScore { Ddof = ddof, Epsilon = epsilon },
            Kernel = new TokenRatio(Clip.Range(0.2, high)),
            Regularisers = [new KlPenalty(KlEstimator.K3, beta)],
        };
    }

    [Fact]
    public void The_command_says_which_part_differs()
    {
        var (exit, output, _) = _grouprl.Run(
            "falsify", "--command", PipeTests.Serving("trl:grpo"), "--like", "trl:dapo", "--fail-on", "contract", "--cases", "40", "--out", _grouprl.Path_("out"));

        Assert.Equal(1, exit);
        Assert.Contains("What differs from trl:dapo is its weight: row-mean (average over-rows) in place of batch-token-mean", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_process_may_be_the_oracle()
    {
        string[] own = ["falsify", "--command", PipeTests.Serving("trl:grpo"), "--fail-on", "contract", "--cases", "60", "--out", _grouprl.Path_("out"), "--like-command"];

        Assert.Equal(0, _grouprl.Run([.. own, PipeTests.Serving("trl:grpo")]).Exit);
        Assert.Equal(1, _grouprl.Run([.. own, PipeTests.Serving("trl:bnpo")]).Exit);
    }

    [Fact]
    public void A_replay_command_refutes_again_by_the_same_case()
    {
        string folder = _grouprl.Path_("out");
        string[] loss = ["--command", PipeTests.Serving("trl:grpo"), "--like", "trl:dapo", "--out", folder];
        var row = _grouprl.Json(["falsify", .. loss, "--cases", "40"]).GetProperty("rows").EnumerateArray().First(row => row.GetProperty("claim").GetString() == "like-gradient");
        string token = row.GetProperty("counterexample").GetProperty("replay").GetString()!.Split("replay ")[1].Split(' ')[0];

        var again = _grouprl.Json(["replay", token, .. loss]);

        Assert.Equal("refuted", again.GetProperty("verdict").GetString());
        Assert.True(JsonElement.DeepEquals(row.GetProperty("counterexample").GetProperty("case"), again.GetProperty("counterexample").GetProperty("case")));
    }

    [Fact]
    public void A_loss_is_identified_through_its_pipe()
    {
        var (exit, output, _) = _grouprl.Run("identify", "--command", PipeTests.Serving("verl:gspo"), "--out", _grouprl.Path_("out"));

        Assert.Equal(0, exit);
        Assert.Contains("It answers as verl:gspo", output, StringComparison.Ordinal);
    }

    public void Dispose() => _grouprl.Dispose();
}
