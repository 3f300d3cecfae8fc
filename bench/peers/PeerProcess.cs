using System.Diagnostics;
using System.Text.Json.Nodes;

namespace GroupRL.Bench.Peers;

/// <summary>peers.py in a process of its own: one request and one answer a line.</summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;

    private PeerProcess(Process process, JsonObject greeting) => (_process, Greeting) = (process, greeting);

    /// <summary>The versions it runs.</summary>
    public JsonObject Greeting { get; }

    /// <summary>Starts the first Python that has what the peers need.</summary>
    /// <exception cref="PeerException">None has.</exception>
    public static PeerProcess Start(string script)
    {
        string? missing = null;
        // Where another Python comes first, Debian's has its packages still.
        foreach (string python in new[] { Environment.GetEnvironmentVariable("GROUPRL_PYTHON") ?? "python3", "python3", "/usr/bin/python3" })
        {
            Process process;
            try
            {
                process = Process.Start(new ProcessStartInfo(python, [script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            }
            catch (System.ComponentModel.Win32Exception error)
            {
                missing ??= error.Message;
                continue;
            }

            var greeting = Parse(process.StandardOutput.ReadLine());
            if (greeting["error"] is null)
                return new(process, greeting);
            missing = (string)greeting["error"]!;
            process.WaitForExit();
            process.Dispose();
        }

        throw new PeerException($"The peers cannot run: {missing}.");
    }

    /// <summary>Asks and waits for the answer.</summary>
    /// <exception cref="PeerException">The process ended.</exception>
    public JsonObject Ask(JsonObject request)
    {
        _process.StandardInput.WriteLine(request.ToJsonString());
        _process.StandardInput.Flush();
        return Parse(_process.StandardOutput.ReadLine());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static JsonObject Parse(string? line) => line is null
        ? throw new PeerException("The peers' process ended before it answered; what it wrote is above.")
        : JsonNode.Parse(line)!.AsObject();
}

/// <summary>Why the peers could not be measured, in one sentence.</summary>
internal sealed class PeerException(string message) : Exception(message);
