using Xunit;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("GroupRL.Properties.LongestFirst", "GroupRL.Properties")]

namespace GroupRL.Properties;

/// <summary>
/// Starts the classes that take longest before all others, so that none of them is left alone at the end with one core of several; first those that wait for
/// processes, while other assemblies' tests still run beside them.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly Type[] s_longest =
    [
        typeof(Losses.SoundLossTests), typeof(Losses.HostileProcessTests), typeof(Cli.ProcessTests), typeof(Claims.OvershootLedgerTests),
        typeof(Claims.SurrogateLedgerTests), typeof(Losses.CatalogueLossTests), typeof(Cli.LossFileTests), typeof(Losses.LikenessTests), typeof(Claims.ScaleLedgerTests),
        typeof(Claims.UnseenOptimizerTests), typeof(Cli.ReportFormTests), typeof(Losses.CorpusTests), typeof(Cli.CommandTests), typeof(Cli.ShardTests),
        typeof(Losses.PipeTests), typeof(Claims.AdvantageClaimsTests), typeof(Cli.PipedOptimizerTests), typeof(Checking.RolloutDomainTests), typeof(Claims.DocumentationTests),
    ];

    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) => testCollections.OrderBy(Rank);

    // A class without a collection of its own is one by itself, "Test collection for" and its name.
    private static int Rank(ITestCollection collection)
    {
        int rank = Array.FindIndex(s_longest, type => collection.DisplayName.EndsWith($" {type.FullName}", StringComparison.Ordinal));
        return rank < 0 ? s_longest.Length : rank;
    }
}
