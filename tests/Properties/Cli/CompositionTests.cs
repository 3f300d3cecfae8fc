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

    [Fact]
    public void Every_part_can_be_listed_and_is_listed_once()
    {
        using var grouprl = new Grouprl();
        var (exit, output, _) = grouprl.Run("catalogue", "--parts");
        Assert.Equal(0, exit);
        Assert.All(["standard-score", "token-ratio", "soft-gate", "truncated-importance", "kl-in-reward", "entropy-bonus"], name => Assert.Contains(name, output, StringComparison.Ordinal));
        foreach (var names in new[] { Parts.Advantages.Names, Parts.Kernels.Names, Parts.Shapes.Names, Parts.Weights.Names, Parts.Regularisers.Names, Parts.Shapings.Names })
            Assert.Equal(names.Distinct(), names);
    }

    [Fact]
    public void The_catalogue_is_listed_with_what_each_objective_is_made_of()
    {
        using var grouprl = new Grouprl();
        var objectives = grouprl.Json("catalogue").GetProperty("objectives");
        Assert.Equal(Catalogue.All.Length, objectives.GetArrayLength());
        Assert.Equal("standard-score", objectives[0].GetProperty("composition").GetProperty("advantage").GetString());
        Assert.Contains(grouprl.Json("catalogue", "--parts").GetProperty("parts").EnumerateArray(), part =>
            part.GetProperty("name").GetString() == "clipped-importance" && part.GetProperty("parameters").GetArrayLength() == 3);
    }
}
