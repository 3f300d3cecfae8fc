using GroupRL.Cli;
using GroupRL.Objectives;

namespace GroupRL.Properties.Losses;

/// <summary>The losses of the corpus, each by its script's name, behind one process that imports torch once for all of them.</summary>
public sealed class Corpus : IDisposable
{
    /// <summary>Where the scripts are.</summary>
    public const string Folder = "tests/Properties/Losses/corpus";

    private readonly string _folder = Directory.CreateTempSubdirectory("grouprl").FullName;
    private readonly Lazy<Pipe> _host;

    public Corpus() => _host = new(() => new(new(Python.Command(Python.Torch!, $"{Folder}/host.py"), TimeSpan.FromSeconds(20), 1, _folder), LossProtocol.Schema));

    /// <summary>The loss that a script serves, as if it were asked by itself.</summary>
    public ILoss Loss(string script)
    {
        var signature = _host.Value.Read(_host.Value.Greeting, hello => LossProtocol.ReadHello(hello.GetProperty("greetings").GetProperty(script), script));
        return new Hosted(_host.Value, script, signature);
    }

    public void Dispose()
    {
        if (_host.IsValueCreated)
            _host.Value.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class Hosted(Pipe host, string script, LossSignature signature) : ILoss
    {
        public LossSignature Signature => signature;

        public LossAnswer Evaluate(PaddedBatch batch) => host.Ask(
            id => LossProtocol.Request(id, batch, new() { ["script"] = script }), answer => LossProtocol.ReadAnswer(answer, batch));
    }
}
