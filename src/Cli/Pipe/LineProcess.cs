using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace GroupRL.Cli;

/// <summary>
/// Another's process that answers lines with lines. It is held to a time limit, and ended with all that it has started when it breaks a rule
/// or is disposed of.
/// </summary>
internal sealed class LineProcess : IDisposable
{
    private const int LongestLine = 16 << 20;
    private const int LongestLog = 16 << 20;
    private const int Shown = 60;

    // Requests are ASCII, and the smallest pipes of the systems that this runs on hold 16 KiB.
    private const int AlwaysFits = 16 << 10;
    private const int KillSignal = 9;

    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(2);
    private static readonly ConcurrentDictionary<LineProcess, bool> s_running = new();

    private readonly Process _process;
    private readonly bool _ownGroup;
    private readonly string _log;
    private readonly BlockingCollection<string?> _lines = new(boundedCapacity: 64);
    private readonly Thread _reader;
    private readonly Thread _errors;
    private int _ended;
    private string _lastError = "";

    static LineProcess()
    {
        // Whoever ends this process ends those that it has started; only SIGKILL leaves them to find their input closed.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();
        Console.CancelKeyPress += (_, _) => KillAll();
    }

    /// <summary>Starts a command as a shell reads it; what it writes to its error output goes to a file.</summary>
    public LineProcess(string command, string log)
    {
        _log = log;
        string? session = OperatingSystem.IsWindows() ? null : Find("setsid");
        _ownGroup = session is not null;
        var start = new ProcessStartInfo(OperatingSystem.IsWindows() ? "cmd.exe" : session ?? "/bin/sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        foreach (string word in OperatingSystem.IsWindows() ? ["/c", command] : session is null ? new[] { "-c", command } : ["/bin/sh", "-c", command])
            start.ArgumentList.Add(word);
        _process = Process.Start(start) ?? throw new BrokenProcessException($"The command {command} could not be started.");
        s_running[this] = true;
        _reader = new(ReadLines) { IsBackground = true, Name = "answers" };
        _errors = new(CopyErrors) { IsBackground = true, Name = "errors" };
        _reader.Start();
        _errors.Start();
    }

    /// <summary>Sends a line and returns the one that answers it.</summary>
    /// <exception cref="BrokenProcessException">There is no such line within <paramref name="limit"/>, or one was there unasked.</exception>
    public string Exchange(string line, TimeSpan limit)
    {
        if (_lines.TryTake(out string? unasked))
            throw unasked is null ? Ended() : Broken($"printed a line that answers nothing, {Quote(unasked)}: its output belongs to the protocol, everything else to its error output");
        var clock = Stopwatch.StartNew();
        if (!TrySend(line, limit))
            throw Broken($"did not read its input within {Seconds(limit)}");
        var left = limit - clock.Elapsed;
        if (!_lines.TryTake(out string? answer, left > TimeSpan.Zero ? left : TimeSpan.Zero))
            throw Broken($"did not answer within {Seconds(limit)}");
        return answer ?? throw Ended();
    }

    // What fits into a pipe cannot wait for who reads it, and needs no thread of its own.
    private bool TrySend(string line, TimeSpan limit)
    {
        if (line.Length < AlwaysFits)
        {
            Send(line);
            return true;
        }

        var writer = new Thread(() => Send(line)) { IsBackground = true, Name = "request" };
        writer.Start();
        return writer.Join(limit);
    }

    private void Send(string line)
    {
        try
        {
            _process.StandardInput.Write(line);
            _process.StandardInput.Write('\n');
            _process.StandardInput.Flush();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It has gone: its last words, or its end, are what comes instead of an answer.
        }
    }

    /// <summary>Ends the process for breaking a rule.</summary>
    public BrokenProcessException Broken(string what)
    {
        Kill();
        return new($"The process {what}.");
    }

    /// <summary>The head of a line, for a sentence.</summary>
    public static string Quote(string line) => line.Length <= Shown ? $"\"{line}\"" : $"\"{line[..Shown]}…\"";

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // What it did not read, it will not miss.
        }

        if (_ended == 0)
            _process.WaitForExit(s_farewell);
        Kill();
        _reader.Join(s_farewell);
        _errors.Join(s_farewell);
        _process.Dispose();
    }

    private BrokenProcessException Ended()
    {
        _process.WaitForExit(s_farewell);
        _errors.Join(s_farewell);
        string code = _process.HasExited ? FormattableString.Invariant($" with exit code {_process.ExitCode}") : "";
        string last = _lastError.Length > 0 ? $"; the last line of its error output is {Quote(_lastError)}" : "";
        return Broken($"ended{code} where an answer was due{last}");
    }

    private void Kill()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 1)
            return;
        s_running.TryRemove(this, out _);
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception or AggregateException)
        {
            // It has ended by itself.
        }

        // What it started and left behind is in its group still.
        if (_ownGroup)
            _ = NativeKill(-_process.Id, KillSignal);
    }

    private static void KillAll()
    {
        foreach (var process in s_running.Keys)
            process.Kill();
    }

    private void ReadLines()
    {
        foreach (string line in Lines(_process.StandardOutput))
            _lines.Add(line);
        _lines.Add(null);
    }

    private void CopyErrors()
    {
        StreamWriter? log = null;
        long written = 0;
        foreach (string line in Lines(_process.StandardError).Where(line => !string.IsNullOrWhiteSpace(line)))
        {
            _lastError = line;
            log ??= Files.Log(_log);
            if (written <= LongestLog)
                log.WriteLine(line);
            written += line.Length;
        }

        log?.Dispose();
    }

    // The lines of a stream until it ends; of one that is too long the head alone, so that no flood fills the memory.
    private static IEnumerable<string> Lines(StreamReader stream)
    {
        var line = new StringBuilder();
        bool cut = false;
        char[] buffer = new char[1 << 15];
        for (int read = Read(stream, buffer); read > 0; read = Read(stream, buffer))
        {
            int start = 0;
            for (int at = Array.IndexOf(buffer, '\n', 0, read); at >= 0; at = Array.IndexOf(buffer, '\n', start, read - start))
            {
                if (!cut)
                    yield return line.Append(buffer, start, at - start).ToString().TrimEnd('\r');
                cut = false;
                line.Clear();
                start = at + 1;
            }

            if (!cut)
                line.Append(buffer, start, read - start);
            if (line.Length <= LongestLine)
                continue;
            yield return line.ToString(0, Shown + 1);
            cut = true;
            line.Clear();
        }

        if (line.Length > 0)
            yield return line.ToString();
    }

    private static int Read(StreamReader stream, char[] buffer)
    {
        try
        {
            return stream.Read(buffer);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Killed: the end is the end.
            return 0;
        }
    }

    private static string Seconds(TimeSpan limit) => FormattableString.Invariant($"{limit.TotalSeconds:G3} s");

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeKill(int process, int signal);
}
