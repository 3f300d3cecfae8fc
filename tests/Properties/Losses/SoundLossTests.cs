using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Cli;
using Xunit;

namespace GroupRL.Properties.Losses;

/// <summary>No law accuses a sound loss in Python.</summary>
public sealed class SoundLossTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("grouprl").FullName;

    [TorchTheory]
    [InlineData(Corpus.Folder + "/trainer.py")]
    [InlineData("examples/python/grpo_torch.py")]
    public void A_sound_loss_of_torch_keeps_the_whole_contract(string script) => KeepsContract(Python.Command(Python.Torch!, script));

    [PythonFact]
    public void A_sound_loss_without_torch_keeps_the_whole_contract() => KeepsContract(Python.Command(Python.Plain!, "examples/python/grpo_plain.py"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void KeepsContract(string command)
    {
        using var loss = new PipedLoss(new(command, TimeSpan.FromSeconds(20), 1, _folder), []);
        foreach (var law in LossLaws.Contract)
        {
            var verdict = law.Against(CorpusTests.Subject(loss), "sound", "").Judge(new(300));
            Assert.True(verdict.Kind is VerdictKind.Holds or VerdictKind.NotApplicable, $"{law.Id}: {verdict.Kind}, {verdict.Reason}{verdict.Counterexample?.Why}");
        }
    }
}
