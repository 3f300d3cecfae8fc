using System.Globalization;
using System.Text;
using System.Text.Json;
using GroupRL.Objectives;
using GroupRL.Trainer;

namespace GroupRL.Cli;

/// <summary>
/// <c>grouprl train</c>: a seeded training run. Its folder holds <c>metrics.jsonl</c>, a line a batch, and <c>checkpoint</c>; a run that was
/// killed is taken up from there by the same command, and ends with the same bytes as one that was not.
/// </summary>
internal sealed class TrainCommand(Terminal terminal)
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Trains until <paramref name="steps"/> batches are done, and stores the state after every <paramref name="every"/>th.</summary>
    public int Run(TrainingRun run, IReadOnlyDictionary<string, string> settings, int steps, int every, string folder)
    {
        string stored = Path.Combine(folder, "checkpoint"), metrics = Path.Combine(folder, "metrics.jsonl");
        var from = File.Exists(stored) ? Files.Within(stored, () => Checkpoint.Read(Files.Read(stored))) : null;
        from?.Require(settings);
        var state = from?.State ?? run.Initial();
        if (state.Step > steps)
            throw InvalidInputException.Because($"{stored} holds a run of {state.Step} steps already; --steps must be at least that, got {steps}.");

        using var lines = Files.Continue(metrics, from?.Written ?? 0);
        int taken = state.Step;
        var seen = terminal.Progress("train: steps", Enumerable.Range(taken, steps - taken).ToArray(), _ =>
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
            : string.Create(CultureInfo.InvariantCulture, $"{steps} steps{(taken > 0 ? $", the first {taken} of them before" : "")}; at the last: mean reward {last.Reward:G4}, {last.Length:G3} tokens, ratios {last.SmallestRatio:G4} to {last.LargestRatio:G4}, {last.Outside:P0} of the tokens outside of the clip region."));
        terminal.Output.WriteLine($"{metrics} has a line for each, {stored} the state.");
        return ExitCode.Kept;
    }
}
