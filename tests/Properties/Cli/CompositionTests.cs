using System.Text.Json;
using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Cli;

public class CompositionTests
{
    public static TheoryData<string> Ids => [.. Catalogue.All.Select(entry => entry.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void An_objective_of_the_catalogue_can_be_written_as_a_proposal_and_read_again(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        using var written = JsonDocument.Parse(Composition.Write(objective).ToJsonString());
        var fields = new Fields(written.RootElement, "");
        Assert.Equal(objective, Composition.Read(fields, null));
        fields.End();
    }

    [Fact]
    public void Defaults_are_left_out_and_bounds_are_written_as_their_epsilon()
    {
        Assert.Equal("""{"advantage":"standard-score","kernel":{"name":"token-ratio","clip":{"low":0.2,"high":0.28}},"weight":"group-token-mean"}""", Composition.Write(Catalogue.Dapo).ToJsonString());
    }

    [Fact]
    public void Steps_of_shaping_are_written_in_their_order()
    {
        var objective = TrlFlavours.Rloo with { Rewards = new KlInReward(new ClippedReward(new WeightedRewards([1, 2]), -1, 1), 0.5) };
        Assert.Equal(
            """[{"name":"weighted-sum","weights":[1,2]},{"name":"clipped","low":-1,"high":1},{"name":"kl-in-reward","beta":0.5}]""",
            Composition.Write(objective)["rewards"]!.ToJsonString());
    }
}
