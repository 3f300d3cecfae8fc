using System.Text;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// The file of a shard, held by this process alone, to which a line is added as an item is finished. Killed at any moment it has a whole header,
/// whole lines, and at most one torn line at its end, which is cut off when it is taken up.
/// </summary>
internal sealed class ShardFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly string _path;
    private readonly Lock _gate = new();
    private bool _failed;

    private ShardFile(FileStream stream, string path, ShardText text) => (_stream, _path, Text) = (stream, path, text);

    /// <summary>What it held when it was opened.</summary>
    public ShardText Text { get; }

    /// <summary>Opens the file, or begins it with <paramref name="header"/>.</summary>
    /// <exception cref="InvalidInputException">Another process holds it, or it is of another run.</exception>
    public static ShardFile Open(string path, ShardHeader header)
    {
        var stream = Files.Writing(path, () => File.Exists(path) ? Held(path, FileMode.Open) : Begun(path, header));
        try
        {
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var text = ShardText.Read(bytes, path);
            if (header.Difference(text.Header) is { } difference)
                throw new InvalidInputException($"{path} is of another run, with {difference}: choose another folder, or take the file away.");
            return text.Header.Shard == header.Shard
                ? new(stream, path, text)
                : throw new InvalidInputException($"{path} holds {text.Header.Shard}, not {header.Shard}: take the file away.");
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Cuts off what is torn, so that lines can be added.</summary>
    public void Mend()
    {
        _stream.SetLength(Text.Whole);
        _stream.Position = Text.Whole;
    }

    /// <summary>Adds a line. Once this returns it is there, whatever becomes of the process.</summary>
    public void Append(JsonObject line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line.ToJsonString() + "\n");
        lock (_gate)
        {
            // Behind a line that could be written in part only, as on a full disk, none may follow; whoever wrote it has thrown.
            if (_failed)
                return;
            _failed = true;
            Files.Writing(_path, () =>
            {
                _stream.Write(bytes);
                _stream.Flush();
                return bytes.Length;
            });
            _failed = false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    // Written aside and renamed, so that no file is ever seen without its header. The lock is the file's, not the name's.
    private static FileStream Begun(string path, ShardHeader header)
    {
        Files.MakeFolder(path);
        string partial = path + ".partial";
        var stream = Held(partial, FileMode.OpenOrCreate);
        try
        {
            // Another process may have begun it since it was looked for; under this lock none can.
            if (File.Exists(path))
                throw new IOException("another process has just begun it.");
            stream.SetLength(0);
            stream.Write(Encoding.UTF8.GetBytes(header.ToJson().ToJsonString() + "\n"));
            stream.Flush(flushToDisk: true);
            File.Move(partial, path);
            stream.Position = 0;
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    // Only to share nothing is a lock that excludes a second writer everywhere.
    private static FileStream Held(string path, FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
}
