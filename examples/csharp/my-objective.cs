#:project ../../src/Cli/Cli.csproj
#:property PublishAot=false

// An objective with a part of one's own, before the laws: dotnet run my-objective.cs -- --cases 200
using GroupRL.Cli;
using GroupRL.Objectives;

return Grouprl.Falsify(args, "median-baseline", Catalogue.DrGrpo with { Advantage = new MedianBaseline() });

/// <summary>A = R − median(R): one outlier among the rewards does not turn the rest of its group round.</summary>
internal sealed record MedianBaseline : GroupwiseAdvantage
{
    // The base says that rewards are compared within their group, by their differences; nothing here looks at a length.
    public override Traits Traits => base.Traits | Traits.LengthBlind;

    protected override void FillGroup(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        List<double> counted = [];
        for (int i = start; i < start + length; i++)
        {
            if (Takes(batch, i, rewards))
                counted.Add(rewards[i]);
        }

        counted.Sort();
        double median = counted.Count == 0 ? 0 : (counted[(counted.Count - 1) / 2] + counted[counted.Count / 2]) / 2;
        for (int i = start; i < start + length; i++)
            advantages[i] = Takes(batch, i, rewards) ? rewards[i] - median : 0;
    }
}
