using System.Collections.Immutable;
using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Losses;

/// <summary>
/// Losses with one realistic defect each, drawn from public threads about trainers: each is a few lines that spoil a sound trainer's loss, and is
/// refuted by the contract where a law can know, by its likeness to the sound one elsewhere.
/// </summary>
public sealed class CorpusTests : IDisposable
{
    private const string Folder = "tests/Properties/Losses/corpus", Like = "like";

    private static readonly Lazy<ImmutableSortedDictionary<string, string>> s_caughtBy = new(() => ReadCorpus("caught_by"));

    private readonly string _folder = Directory.CreateTempSubdirectory("grouprl").FullName;

    public static TheoryData<string> Defects => [.. s_caughtBy.Value.Keys];

    [TorchTheory]
    [MemberData(nameof(Defects))]
    public void A_defect_is_refuted_by_the_law_that_can_know_it_with_a_case_that_fits_on_a_page(string defect)
    {
        string law = s_caughtBy.Value[defect];
        using var spoiled = Loss($"defects/{defect}.py");
        using var sound = law == Like ? Loss("trainer.py") : null;

        var verdict = LossLaws.Find(law == Like ? "like-gradient" : law)!.Against(Subject(spoiled) with { Oracle = sound }, defect, "").Judge(new(500));

        Assert.Equal(VerdictKind.Refuted, verdict.Kind);
        if (verdict.Counterexample!.Case is not RolloutBatch batch)
            return;
        Assert.InRange(batch.Groups, 1, 2);
        Assert.All(Enumerable.Range(0, batch.Groups), g => Assert.InRange(batch.GroupSize(g), 1, 3));
        Assert.All(Enumerable.Range(0, batch.Rows), i => Assert.InRange(batch.FullLength(i), 1, 3));
    }

    [TorchTheory]
    [InlineData(Folder + "/trainer.py")]
    [InlineData("examples/python/grpo_torch.py")]
    public void A_sound_loss_of_torch_keeps_the_whole_contract(string script) => KeepsContract(Python.Command(Python.Torch!, script));

    [PythonFact]
    public void A_sound_loss_without_torch_keeps_the_whole_contract() => KeepsContract(Python.Command(Python.Plain!, "examples/python/grpo_plain.py"));

    [Fact]
    public void Every_defect_cites_a_thread_of_its_own_and_names_a_law()
    {
        var threads = ReadCorpus("thread");

        Assert.InRange(threads.Count, 25, int.MaxValue);
        Assert.All(threads.Values, thread => Assert.Matches(@"^https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+", thread));
        Assert.All(threads.Keys, defect => Assert.Contains(threads[defect], File.ReadAllText(Repository.Path($"{Folder}/defects/{defect}.py")), StringComparison.Ordinal));
        Assert.All(s_caughtBy.Value.Values, law => Assert.True(law == Like || LossLaws.Find(law)?.Class == ClaimClass.Contract, law));
        Assert.Equal(threads.Keys, Directory.EnumerateFiles(Repository.Path($"{Folder}/defects"), "*.py").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void KeepsContract(string command)
    {
        using var loss = new PipedLoss(new(command, TimeSpan.FromSeconds(20), 1, _folder), []);
        foreach (var law in LossLaws.Contract)
        {
            var verdict = law.Against(Subject(loss), "sound", "").Judge(new(300));
            Assert.True(verdict.Kind is VerdictKind.Holds or VerdictKind.NotApplicable, $"{law.Id}: {verdict.Kind}, {verdict.Reason}{verdict.Counterexample?.Why}");
        }
    }

    private PipedLoss Loss(string script) => new(new(Python.Command(Python.Torch!, $"{Folder}/{script}"), TimeSpan.FromSeconds(20), 1, _folder), []);

    private static LossSubject Subject(ILoss loss) => new(loss)
    {
        Promises = LossPromises.Sound | LossPromises.TokenRatio,
        Clip = Clip.Range(0.2, 0.2),
    };

    private static ImmutableSortedDictionary<string, string> ReadCorpus(string field)
    {
        using var corpus = JsonDocument.Parse(File.ReadAllText(Repository.Path($"{Folder}/corpus.json")));
        return corpus.RootElement.EnumerateArray().ToImmutableSortedDictionary(entry => entry.GetProperty("name").GetString()!, entry => entry.GetProperty(field).GetString()!, StringComparer.Ordinal);
    }
}
