using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>How a command is run as a loss or an optimizer.</summary>
/// <param name="Command">The command, as a shell reads it.</param>
/// <param name="Limit">The time that a case may take; the greeting, with its imports, may take three times that.</param>
/// <param name="Jobs">How many processes answer at once.</param>
/// <param name="Folder">Where its log and the request that broke it are saved.</param>
internal sealed record PipeOptions(string Command, TimeSpan Limit, int Jobs, string Folder);

/// <summary>What counts the requests that it has answered.</summary>
internal interface IAnswering : IDisposable
{
    /// <summary>How many requests were answered, and in which time.</summary>
    (long Count, TimeSpan Time) Answered { get; }
}

/// <summary>A loss behind a pipe: one process or several that answer requests of <c>grouprl-loss/1</c>.</summary>
internal sealed class PipedLoss : ILoss, IAnswering
{
    private readonly Pipe _pipe;
    private readonly JsonObject _hyperparameters;

    /// <summary>Starts and greets the command; <paramref name="name"/> is what reports call it, null: what it calls itself.</summary>
    public PipedLoss(PipeOptions options, JsonObject hyperparameters, string? name = null)
    {
        _hyperparameters = hyperparameters;
        _pipe = new(options, LossProtocol.Schema);
        try
        {
            var signature = _pipe.Read(_pipe.Greeting, hello => LossProtocol.ReadHello(hello, Path.GetFileName(options.Command.Split(' ')[^1])));
            Signature = name is null ? signature : signature with { Name = name };
        }
        catch
        {
            _pipe.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public LossSignature Signature { get; }

    /// <inheritdoc/>
    public (long Count, TimeSpan Time) Answered => _pipe.Answered;

    /// <inheritdoc/>
    public LossAnswer Evaluate(PaddedBatch batch) => _pipe.Ask(
        id => LossProtocol.Request(id, batch, _hyperparameters),
        answer => LossProtocol.ReadAnswer(answer, batch),
        (first, second) => first.Loss.Equals(second.Loss) && first.Gradient.AsSpan().SequenceEqual(second.Gradient) ? null
            : FormattableString.Invariant($"is not deterministic: to one batch it answered the loss {first.Loss:R} and then {second.Loss:R}{(first.Loss.Equals(second.Loss) ? ", with another gradient" : "")}"));

    /// <inheritdoc/>
    public void Dispose() => _pipe.Dispose();
}

/// <summary>Processes that answer numbered requests in order: what losses and optimizers behind pipes share.</summary>
internal sealed class Pipe : IDisposable
{
    private readonly PipeOptions _options;
    private readonly string _request;
    private readonly BlockingCollection<LineProcess> _idle = [];
    private readonly List<LineProcess> _all = [];
    private readonly Stopwatch _clock = new();
    private readonly Lock _gate = new();
    private BrokenProcessException? _broken;
    private long _id;
    private long _answered;

    /// <summary>Starts and greets the processes.</summary>
    public Pipe(PipeOptions options, string schema, string request = "batch")
    {
        (_options, _request) = (options, request);
        try
        {
            for (int job = 0; job < options.Jobs; job++)
                _all.Add(new(options.Command, Path.Combine(options.Folder, FormattableString.Invariant($"process-{job}.log"))));
            foreach (var process in _all)
            {
                Greeting = process.Exchange(LossProtocol.Hello(schema), 3 * options.Limit);
                _idle.Add(process);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the last process answered to the greeting.</summary>
    public string Greeting { get; } = "";

    /// <summary>How many requests were answered, and in which time.</summary>
    public (long Count, TimeSpan Time) Answered => (_answered, _clock.Elapsed);

    /// <summary>Reads an answer; what is wrong with it ends the processes.</summary>
    public T Read<T>(string line, Func<JsonElement, T> read)
    {
        try
        {
            using var document = LossProtocol.Parse(line, "It");
            return StrictJson.Read("It", () => read(document.RootElement));
        }
        catch (InvalidInputException error)
        {
            throw Break($"answered {LineProcess.Quote(line)}: {error.Message.TrimEnd('.')}", request: null);
        }
    }

    /// <summary>Asks one of the processes; now and then twice, where <paramref name="differ"/> says how two answers to one request differ.</summary>
    /// <exception cref="InvalidInputException">It refuses the request with an error of its own.</exception>
    /// <exception cref="BrokenProcessException">It does not keep the protocol; then it is asked nothing more.</exception>
    public T Ask<T>(Func<long, string> request, Func<JsonElement, T> read, Func<T, T, string?>? differ = null)
    {
        if (_broken is not null)
            throw _broken;
        var process = _idle.Take();
        try
        {
            long id = Interlocked.Increment(ref _id);
            lock (_gate)
                _clock.Start();
            var first = Once(process, id, request(id), read);
            if (differ is null || !CheckedLoss.IsDoubted(id))
                return first;
            long again = Interlocked.Increment(ref _id);
            var second = Once(process, again, request(again), read);
            return differ(first, second) is { } difference ? throw Break(difference, request(again)) : first;
        }
        finally
        {
            _idle.Add(process);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var process in _all)
            process.Dispose();
        _idle.Dispose();
    }

    private T Once<T>(LineProcess process, long id, string request, Func<JsonElement, T> read)
    {
        string line;
        try
        {
            line = process.Exchange(request, _options.Limit);
        }
        catch (BrokenProcessException error)
        {
            throw Break(error, request);
        }

        Interlocked.Increment(ref _answered);
        string? refusal;
        try
        {
            using var document = LossProtocol.Parse(line, "it");
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("id", out var own) || own.ValueKind != JsonValueKind.Number || !own.TryGetInt64(out long answered) || answered != id)
                throw InvalidInputException.Because($"an answer repeats the id of its request, {id}");
            refusal = root.TryGetProperty("error", out var said) ? said.ToString() : null;
            if (refusal is null)
                return StrictJson.Read("it", () => read(root));
        }
        catch (InvalidInputException error)
        {
            throw Break($"answered {LineProcess.Quote(line)}: {error.Message.TrimEnd('.')}", request);
        }

        throw new InvalidInputException($"The process refuses the {_request}: {refusal}");
    }

    private BrokenProcessException Break(string what, string? request) => Break(new BrokenProcessException($"The process {what}."), request);

    private BrokenProcessException Break(BrokenProcessException error, string? request)
    {
        lock (_gate)
        {
            if (_broken is not null)
                return _broken;
            string saved = "";
            if (request is not null)
            {
                string file = Path.Combine(_options.Folder, "broken-request.json");
                Files.Write(file, request + "\n");
                saved = $" The request is in {file}.";
            }

            _broken = new($"{error.Message}{saved}");
            return _broken;
        }
    }
}
