using System.Collections.Immutable;
using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Losses;

/// <summary>
/// Losses with one realistic defect each, drawn from public threads about trainers: each is a few lines that spoil a sound trainer's loss, and is
/// refuted by the contract where a law can know, by its likeness to the sound one elsewhere.
/// </summary>
public sealed class CorpusTests(Corpus corpus) : IClassFixture<Corpus>
{
    private const string Like = "like";

    private static readonly Lazy<ImmutableSortedDictionary<string, string>> s_caughtBy = new(() => ReadCorpus("caught_by"));

    public static TheoryData<string> Defects => [.. s_caughtBy.Value.Keys];

    [TorchTheory]
    [MemberData(nameof(Defects))]
    public void A_defect_is_refuted_by_the_law_that_can_know_it_with_a_case_that_fits_on_a_page(string defect)
    {
        string law = s_caughtBy.Value[defect];
        var subject = Subject(corpus.Loss(defect)) with { Oracle = law == Like ? corpus.Loss("trainer") : null };

        var verdict = LossLaws.Find(law == Like ? "like-gradient" : law)!.Against(subject, defect, "").Judge(new(500));

        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
        if (verdict.Counterexample!.Case is not RolloutBatch batch)
            return;
        Assert.InRange(batch.Groups, 1, 2);
        Assert.All(Enumerable.Range(0, batch.Groups), g => Assert.InRange(batch.GroupSize(g), 1, 3));
        Assert.All(Enumerable.Range(0, batch.Rows), i => Assert.InRange(batch.FullLength(i), 1, 3));
    }

    [Fact]
    public void Every_defect_cites_a_thread_of_its_own_and_names_a_law()
    {
        var threads = ReadCorpus("thread");

        Assert.InRange(threads.Count, 25, int.MaxValue);
        Assert.All(threads.Values, thread => Assert.Matches(@"^https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+", thread));
        Assert.All(threads.Keys, defect => Assert.Contains(threads[defect], File.ReadAllText(Repository.Path($"{Corpus.Folder}/defects/{defect}.py")), StringComparison.Ordinal));
        Assert.All(s_caughtBy.Value.Values, law => Assert.True(law == Like || LossLaws.Find(law)?.Class == ClaimClass.Contract, law));
        Assert.Equal(threads.Keys, Directory.EnumerateFiles(Repository.Path($"{Corpus.Folder}/defects"), "*.py").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));
    }

    internal static LossSubject Subject(ILoss loss) => new(loss)
    {
        Promises = LossPromises.Sound | LossPromises.TokenRatio,
        Clip = Clip.Range(0.2, 0.2),
    };

    private static ImmutableSortedDictionary<string, string> ReadCorpus(string field)
    {
        using var corpus = JsonDocument.Parse(File.ReadAllText(Repository.Path($"{Corpus.Folder}/corpus.json")));
        return corpus.RootElement.EnumerateArray().ToImmutableSortedDictionary(entry => entry.GetProperty("name").GetString()!, entry => entry.GetProperty(field).GetString()!, StringComparer.Ordinal);
    }
}
