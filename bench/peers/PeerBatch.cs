using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Bench.Peers;

/// <summary>A batch that both sides evaluate: columns as raw float64 in a folder of its own, which goes with it.</summary>
internal sealed class PeerBatch : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("grouprl-peers-");

    public PeerBatch(RolloutBatch batch, PeerProcess peer)
    {
        Batch = batch;
        foreach (var column in new[] { Column.Logp, Column.OldLogp, Column.RefLogp, Column.Entropy })
            Write(column.Field(), batch[column]);
        double[] rewards = [.. Enumerable.Range(0, batch.Rows).Select(i => batch.TryReward(i, 0, out double reward) ? reward : double.NaN)];
        Write("rewards", rewards);
        peer.Ask(new()
        {
            ["do"] = "load",
            ["folder"] = _folder.FullName,
            ["rows"] = batch.Rows,
            ["length"] = batch.Length(0),
            ["group"] = batch.GroupSize(0),
        });
    }

    public RolloutBatch Batch { get; }

    /// <summary>∂loss/∂ℓ of the peer's last evaluation, shape [N].</summary>
    public double[] Gradient(PeerProcess peer)
    {
        string file = Path.Combine(_folder.FullName, "gradient.f64");
        peer.Ask(new() { ["do"] = "gradient", ["file"] = file });
        return MemoryMarshal.Cast<byte, double>(File.ReadAllBytes(file)).ToArray();
    }

    public JsonObject Evaluate(PeerProcess peer, string name, int threads) =>
        peer.Ask(new() { ["do"] = "evaluate", ["name"] = name, ["threads"] = threads });

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private void Write(string name, ReadOnlySpan<double> values) =>
        File.WriteAllBytes(Path.Combine(_folder.FullName, $"{name}.f64"), MemoryMarshal.AsBytes(values));
}
