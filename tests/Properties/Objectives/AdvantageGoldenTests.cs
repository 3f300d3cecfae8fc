using GroupRL.Properties.Golden;
using Xunit;
using Xunit.Abstractions;

namespace GroupRL.Properties.Objectives;

/// <summary>From rewards to the advantages that the libraries recorded.</summary>
public class AdvantageGoldenTests(ITestOutputHelper output)
{
    public static TheoryData<string> Files => [.. RecordedAdvantageReaders.Files.Keys];

    [Theory]
    [MemberData(nameof(GoldenFolder.Runs), "trl/advantages.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/advantages_1.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "verl/advantages_2.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "openrlhf/advantages.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "forks/ms_swift_advantages.json", MemberType = typeof(GoldenFolder))]
    [MemberData(nameof(GoldenFolder.Runs), "forks/opmd_kimi.json", MemberType = typeof(GoldenFolder))]
    public void The_composed_advantage_gives_the_numbers_that_a_library_recorded_and_no_others(string file, string run) =>
        RecordedAdvantageReaders.Read(file, GoldenFolder.Run(file, run)).CheckAndRejectOthers();

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_run_of_a_shipped_file_is_read_and_its_numbers_are_known_unless_they_are_zero_or_rounding(string file)
    {
        var runs = GoldenFolder.ReadShipped(file)["runs"].Items.Select(run => RecordedAdvantageReaders.Read(file, run)).ToArray();
        Assert.Equal(RecordedAdvantageReaders.Files[file], runs.Length);
        var known = runs.Where(run => run.WhyNotKnown() is null);
        output.WriteLine($"{file}: {runs.Length} runs, worst relative error {known.Max(run => run.WorstError()):G3}");
        foreach (var why in runs.Select(run => run.WhyNotKnown()).OfType<string>().CountBy(why => why))
            output.WriteLine($"  {why.Value} runs are not known to ten tolerances: {why.Key}");
    }
}
