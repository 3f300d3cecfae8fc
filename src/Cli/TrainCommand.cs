using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using GroupRL.Objectives;
using GroupRL.Trainer;

namespace GroupRL.Cli;

/// <summary>
/// <c>grouprl train</c>: a seeded training run. Its folder holds <c>metrics.jsonl</c>, a line a batch, and <c>checkpoint</c>; a run that was
/// killed is taken up from there by the same command, and ends with the same bytes as one that was not.
/// </summary>
internal sealed class TrainCommand(Terminal terminal)
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Trains until <paramref name="steps"/> batches are done, and stores the state after every <paramref name="every"/>th.</summary>
    public int Run(TrainingRun run, IReadOnlyDictionary<string, string> settings, int steps, int every, string folder)
    {
        string stored = Path.Combine(folder, "checkpoint"), metrics = Path.Combine(folder, "metrics.jsonl");
        // The file is held first, so that no other process writes what is read next.
        using var lines = Files.Hold(metrics);
        if (!File.Exists(stored))
        {
            if (lines.Length > 0)
                throw InvalidInputException.Because($"{metrics} is there already, and no checkpoint beside it that it could belong to: train elsewhere.");
            Files.Write(stored, new Checkpoint(settings, 0, run.Initial()).ToText());
        }

        var (_, written, state) = Stored(stored, settings);
        if (state.Step > steps)
            throw InvalidInputException.Because($"{stored} holds a run of {state.Step} steps already; --steps must be at least that, got {steps}.");
        if (lines.Length < written)
            throw InvalidInputException.Because($"{metrics} has {lines.Length} bytes where at least {written} were written.");
        lines.SetLength(written);
        lines.Position = written;
        int taken = state.Step;
        var seen = terminal.Progress("train", "steps", Enumerable.Range(taken, steps - taken).ToArray(), _ =>
        {
            var step = run.Step(state);
            state = step.State;
            lines.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(step.Metrics, s_json) + "\n"));
            if (state.Step % every == 0 || state.Step == steps)
            {
                // First the lines, then what says that they are there.
                lines.Flush(flushToDisk: true);
                Files.Write(stored, new Checkpoint(settings, lines.Position, state).ToText());
            }

            return step.Metrics;
        }, jobs: 1);
        terminal.Output.WriteLine(seen is not [.., var last]
            ? string.Create(CultureInfo.InvariantCulture, $"{folder} holds this run of {steps} steps already.")
            : string.Create(CultureInfo.InvariantCulture, $"{steps} steps{(taken > 0 ? $", the first {taken} of them before" : "")}; at the last: mean reward {last.Reward:G4}, {last.Length:G3} tokens, ratios {last.SmallestRatio:G4} to {last.LargestRatio:G4}, {last.Outside:P0} of them beyond 1 ± 0.2."));
        terminal.Output.WriteLine($"{metrics} has a line for each, {stored} the state.");
        return ExitCode.Kept;
    }

    private static Checkpoint Stored(string path, IReadOnlyDictionary<string, string> settings) => Files.Within(path, () =>
    {
        var checkpoint = Checkpoint.Read(Files.Read(path));
        checkpoint.Require(settings);
        return checkpoint;
    });
}
