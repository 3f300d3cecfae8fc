using System.Text;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>Files, with one sentence for whatever is wrong with them.</summary>
internal static class Files
{
    /// <summary>The text of a file.</summary>
    public static string Read(string path)
    {
        try
        {
            return Reading(path, () => File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)));
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidInputException($"{path} is not UTF-8: byte {error.Index} begins no character.", error);
        }
    }

    /// <summary>The bytes of a file.</summary>
    public static byte[] ReadBytes(string path) => Reading(path, () => File.ReadAllBytes(path));

    /// <summary>Runs <paramref name="read"/>, and says in a sentence why <paramref name="path"/> cannot be read.</summary>
    public static T Reading<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or (ArgumentException and not (InvalidInputException or DecoderFallbackException)))
        {
            throw new InvalidInputException($"{path} cannot be read: {Sentence(error)}", error);
        }
    }

    /// <summary>A file to be read.</summary>
    public static FileStream Open(string path) => Reading(path, () => File.OpenRead(path));

    /// <summary>Reads a batch.</summary>
    public static RolloutBatch ReadBatch(string path)
    {
        using var file = Open(path);
        return ReadBatch(file, path);
    }

    /// <summary>Reads a batch from a file that was opened under that path.</summary>
    public static RolloutBatch ReadBatch(FileStream file, string path) => Reading(path, () => Within(path, () => BatchReader.Read(file)));

    /// <summary>The same group by group, from the beginning.</summary>
    public static IEnumerable<RolloutBatch> ReadGroups(FileStream file, string path)
    {
        if (file.CanSeek)
            file.Position = 0;
        using var groups = BatchReader.ReadGroups(file).GetEnumerator();
        while (Reading(path, () => Within(path, groups.MoveNext)))
            yield return groups.Current;
    }

    /// <summary>Writes a file whole or not at all, and makes its folder.</summary>
    public static void Write(string path, string text)
    {
        string partial = path + ".partial";
        Writing(path, () =>
        {
            MakeFolder(path);
            File.WriteAllText(partial, text);
            File.Move(partial, path, overwrite: true);
            return path;
        });
    }

    /// <summary>A log that is written line by line; its folder is made.</summary>
    public static StreamWriter Log(string path)
    {
        MakeFolder(path);
        return new(path) { AutoFlush = true };
    }

    // Other shares than none take a lock that two writers may have at once, where locks are advisory.
    /// <summary>A file to be written on, by no one else meanwhile; it and its folder are made where they are not there.</summary>
    public static FileStream Hold(string path) => Writing(path, () =>
    {
        MakeFolder(path);
        return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
    });

    /// <summary>Makes the folder that a file is to lie in.</summary>
    public static void MakeFolder(string path) => Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);

    /// <summary>Runs <paramref name="write"/>, and says in a sentence why <paramref name="path"/> cannot be written.</summary>
    public static T Writing<T>(string path, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidInputException($"{path} cannot be written: {error.Message}", error);
        }
    }

    /// <summary>Refuses a folder that cannot be written to, before work is done whose results belong there.</summary>
    public static void Probe(string folder)
    {
        bool existed = Directory.Exists(folder);
        string probe = Path.Combine(folder, ".grouprl");
        Write(probe, "");
        File.Delete(probe);
        // A run that refutes nothing leaves no empty folder behind.
        if (!existed)
            Directory.Delete(folder);
    }

    /// <summary>Runs <paramref name="read"/>; an input error then names the file.</summary>
    public static T Within<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidInputException error)
        {
            throw new InvalidInputException($"{path}: {error.Message}", error);
        }
    }

    private static string Sentence(Exception error) => error switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file.",
        UnauthorizedAccessException => "access is denied, or it is a folder.",
        ArgumentException or NotSupportedException => "it is no valid path.",
        _ => error.Message,
    };
}
