using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary>Verdicts and counterexamples, as a person would explain them and as JSON.</summary>
internal sealed class Report(Terminal terminal)
{
    private const int LongestRow = 8;

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A number as reports show it.</summary>
    public static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    /// <summary>A verdict in a word.</summary>
    public static string Word(VerdictKind kind) => kind switch
    {
        VerdictKind.Holds => "holds",
        VerdictKind.Refuted => "refuted",
        VerdictKind.NotApplicable => "not applicable",
        _ => "undecided",
    };

    /// <summary>The colour of a verdict.</summary>
    public static string Styled(VerdictKind kind) => kind switch
    {
        VerdictKind.Holds => "[green]holds[/]",
        VerdictKind.Refuted => "[red]refuted[/]",
        VerdictKind.NotApplicable => "[grey]not applicable[/]",
        _ => "[yellow]undecided[/]",
    };

    /// <summary>The evidence behind a verdict in a phrase.</summary>
    public static string Evidence(Claim claim, Verdict verdict) => verdict.Kind switch
    {
        VerdictKind.Holds => string.Create(CultureInfo.InvariantCulture, $"not falsified in {verdict.Cases} cases: at most {verdict.FailureRateBound:P2} fail (99 %)"),
        VerdictKind.Refuted => $"measured {Number(verdict.Counterexample!.Measurement.Measured)}, {Bound(claim, verdict.Counterexample.Measurement)}",
        VerdictKind.NotApplicable => $"needs {verdict.Reason}",
        _ => verdict.Reason,
    };

    /// <summary>The command that a user types to run <paramref name="arguments"/>, from where this command was run.</summary>
    public static string Command(params IEnumerable<string> arguments) =>
        $"{Invocation()} {string.Join(' ', arguments.Select(Quoted))}";

    // As a POSIX shell reads it: within single quotes nothing is special but the quote itself.
    private static string Quoted(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "_./:@%+=,-".Contains(c, StringComparison.Ordinal))
        ? word
        : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    // Built in a checkout, the command is not on the path: dotnet run finds it by its project.
    private static string Invocation()
    {
        string bin = Path.Combine("src", "Cli", "bin") + Path.DirectorySeparatorChar;
        int at = AppContext.BaseDirectory.IndexOf(bin, StringComparison.Ordinal);
        return at < 0
            ? "grouprl"
            : $"dotnet run --project {Path.GetRelativePath(Directory.GetCurrentDirectory(), AppContext.BaseDirectory[..(at + "src/Cli".Length)])} --";
    }

    /// <summary>The commands that replay and judge a counterexample, and its file.</summary>
    public static (string Replay, string Judge) Commands(LedgerRow row, string reference, Counterexample found, string? saved)
    {
        string[] objective = row.Objective.Length > 0 ? ["--objective", reference] : [];
        string[] optimizer = row.Optimizer.Length > 0 ? ["--optimizer", row.Optimizer] : [];
        string folder = saved is null ? CommandLine.DefaultFolder : Path.GetDirectoryName(saved)!;
        return (
            Command(["replay", ReplayToken.Of(row, found.Point).ToString(), .. objective, .. folder == CommandLine.DefaultFolder ? [] : new[] { "--out", folder }]),
            saved is null ? "" : Command(["check", row.Claim.Id, .. objective, .. optimizer, "--batch", saved]));
    }

    /// <summary>Saves a counterexample that is a batch; returns its file, or null for a case of another kind.</summary>
    public static string? Save(LedgerRow row, string name, Counterexample found, string folder)
    {
        if (found.Case is not RolloutBatch batch)
            return null;
        string optimizer = row.Optimizer.Length > 0 ? $".{FileName(row.Optimizer)}" : "";
        string file = Path.Combine(folder, $"{FileName(name)}.{row.Claim.Id}{optimizer}.json");
        Files.Write(file, BatchWriter.Write(batch) + "\n");
        return file;
    }

    // Names that a file cannot have are told apart by a hash of what was replaced.
    private static string FileName(string name)
    {
        string safe = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '+' ? c : '_'));
        return safe == name ? name : $"{safe}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..4]}";
    }

    /// <summary>Shows a counterexample: the case, the measured number beside the bound, why, and how to see it again.</summary>
    public void Show(LedgerRow row, SurrogateObjective? objective, string reference, Verdict verdict, string? saved)
    {
        var found = verdict.Counterexample!;
        var (replay, judge) = Commands(row, reference, found, saved);
        terminal.Output.WriteLine();
        Line($"[bold]{Markup.Escape($"{row.Claim.Id} · {row.Subject}")}[/]");
        Line($"  {Markup.Escape(row.Claim.Statement)}");
        terminal.Output.WriteLine();
        if (found.Case is RolloutBatch batch && objective is not null)
            terminal.Write(Draw(batch, TryEvaluate(objective, batch)));
        else
            terminal.Output.WriteLine($"  {found.Case}");
        terminal.Output.WriteLine();
        Line($"  [red]measured[/]  {Markup.Escape($"{row.Claim.Quantity} = {Number(found.Measurement.Measured)}, {Bound(row.Claim, found.Measurement)}")}");
        Line($"  why       {Markup.Escape(found.Why)}");
        // Commands are to be copied: nothing may fold them.
        if (saved is not null)
            terminal.Output.WriteLine($"  judge     {judge}");
        terminal.Output.WriteLine($"  replay    {replay}");
    }

    // A counterexample may be a batch that the objective refuses.
    private static Evaluation? TryEvaluate(SurrogateObjective objective, RolloutBatch batch)
    {
        try
        {
            return objective.Evaluate(batch);
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    /// <summary>A batch and what an objective makes of it, a row a completion; null where it refuses the batch.</summary>
    public Table Draw(RolloutBatch batch, Evaluation? evaluation)
    {
        bool shaped = evaluation is not null
            && (batch.RewardsPerRow != 1 || Enumerable.Range(0, batch.Rows).Any(i => !batch.TryReward(i, 0, out double reward) || reward != evaluation.Rewards[i]));
        var table = terminal.Table("group", "completion", shaped ? "shaped reward" : "reward", "advantage", "length", "shared", "log-ratios", "coefficients");
        for (int g = 0; g < batch.Groups; g++)
        {
            string shared = batch.HasIds ? batch[g].SharedPrefix().ToString(CultureInfo.InvariantCulture) : "?";
            for (int k = 0; k < batch.GroupSize(g); k++)
            {
                var completion = batch[g][k];
                double[] ratios = [.. completion[Column.Logp].ToArray().Zip(completion[Column.OldLogp].ToArray(), (logp, old) => logp - old)];
                table.AddRow([.. new[]
                {
                    FormattableString.Invariant($"{g}"),
                    FormattableString.Invariant($"{k}"),
                    Number(evaluation?.Rewards[completion.Row] ?? (batch.TryReward(completion.Row, 0, out double given) ? given : double.NaN)),
                    evaluation is null ? "refused" : evaluation.RowAdvantages is { } rows ? Number(rows[completion.Row]) : Spread(completion, evaluation.Advantages[batch.Row(completion.Row)]),
                    completion.Length == completion.FullLength
                        ? FormattableString.Invariant($"{completion.Length}")
                        : FormattableString.Invariant($"{completion.Length} of {completion.FullLength}"),
                    shared,
                    Spread(completion, ratios),
                    evaluation is null ? "refused" : Spread(completion, evaluation.Coefficients[batch.Row(completion.Row)]),
                }.Select(Markup.Escape)]);
            }
        }

        return table;
    }

    /// <summary>A row and its verdict.</summary>
    public static JsonObject ToJson(LedgerRow row, string reference, Verdict verdict, string? saved)
    {
        var json = new JsonObject { ["claim"] = row.Claim.Id };
        if (row.Objective.Length > 0)
            json["objective"] = row.Objective;
        if (row.Optimizer.Length > 0)
            json["optimizer"] = row.Optimizer;
        json["verdict"] = Word(verdict.Kind);
        json["cases"] = verdict.Cases;
        if (verdict.FailureRateBound is { } bound)
            json["failure_rate_bound_99"] = bound;
        if (verdict.Reason.Length > 0)
            json["reason"] = verdict.Reason;
        if (verdict.Corners.Count > 0)
            json["corners"] = new JsonObject(verdict.Corners.Select(corner => KeyValuePair.Create(corner.Key, (JsonNode?)corner.Value)));
        if (verdict.Counterexample is { } found)
        {
            var (replay, judge) = Commands(row, reference, found, saved);
            json["counterexample"] = new JsonObject
            {
                ["case"] = found.Case is RolloutBatch batch ? JsonNode.Parse(BatchWriter.Write(batch)) : found.Case.ToString(),
                ["quantity"] = row.Claim.Quantity,
                ["measured"] = ToJson(found.Measurement.Measured),
                ["bound"] = ToJson(found.Measurement.Bound),
                ["why"] = found.Why,
                ["shrinks"] = found.Shrinks,
                ["file"] = saved,
                ["judge"] = judge.Length > 0 ? judge : null,
                ["replay"] = replay,
            };
        }

        return json;
    }

    /// <summary>A number that JSON may not have a form for.</summary>
    public static JsonNode ToJson(double value) => double.IsFinite(value) ? JsonValue.Create(value) : JsonValue.Create(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Prints JSON.</summary>
    public void Print(JsonNode json) => terminal.Output.WriteLine(json.ToJsonString(Indented));

    /// <summary>Prints a line with markup.</summary>
    public void Line(string markup)
    {
        if (terminal.Plain)
            terminal.Output.WriteLine(Markup.Remove(markup));
        else
            terminal.Console.MarkupLine(markup);
    }

    /// <summary>The bound of a measurement, in words.</summary>
    public static string Bound(Claim claim, Measurement m) => m switch
    {
        { AtLeast: true } => $"must be at least {Number(m.Bound)}",
        { Bound: 0 } => "must be 0",
        _ when claim.IsBound => $"must be at most {Number(m.Bound)}",
        _ => $"must be at most {m.Bound.ToString("G3", CultureInfo.InvariantCulture)} (rounding)",
    };

    // A masked token shows as a dot; a long completion by its ends.
    private static string Spread(Completion completion, ReadOnlySpan<double> values)
    {
        string[] shown = [.. Enumerable.Repeat("·", completion.FullLength)];
        for (int m = 0; m < values.Length; m++)
            shown[completion.Positions[m]] = Number(values[m]);
        return shown.Length <= LongestRow
            ? string.Join(' ', shown)
            : string.Join(' ', [.. shown[..(LongestRow / 2)], $"… {shown.Length - LongestRow} more …", .. shown[^(LongestRow / 2)..]]);
    }
}
