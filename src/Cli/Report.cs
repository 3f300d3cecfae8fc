using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
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
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = Encoder,
    };

    /// <summary>The version of this command, and the commit that it was built from where that is known.</summary>
    public static string Version { get; } = typeof(Report).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>How texts are written in JSON: as they are, wherever that is JSON.</summary>
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

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
    public static string Command(string? program, params IEnumerable<string> arguments) =>
        $"{program ?? Invocation()} {string.Join(' ', arguments.Select(Quoted))}";

    /// <summary>A word as a POSIX shell reads it: within single quotes nothing is special but the quote itself.</summary>
    public static string Quoted(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "_./:@%+=,-".Contains(c, StringComparison.Ordinal))
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

    /// <summary>The commands that replay and judge a counterexample; a <paramref name="program"/> of a user's takes as options what are commands of ours.</summary>
    public static (string Replay, string Judge) Commands(LedgerRow row, IReadOnlyList<string> reference, Counterexample found, string? saved, string? program = null)
    {
        string[] optimizer = row.Optimizer.Length > 0 && !reference.Contains("--optimizer") ? ["--optimizer", row.Optimizer] : [];
        string folder = saved is null ? CommandLine.DefaultFolder : Path.GetDirectoryName(saved)!;
        string option = program is null ? "" : "--";
        return (
            Command(program, [$"{option}replay", ReplayToken.Of(row, found.Point).ToString(), .. reference, .. folder == CommandLine.DefaultFolder ? [] : new[] { "--out", folder }]),
            saved is null ? "" : Command(program, [$"{option}check", row.Claim.Id, .. reference, .. optimizer, "--batch", saved]));
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
    public void Show(LedgerRow row, Candidate? candidate, Verdict verdict, string? saved)
    {
        var found = verdict.Counterexample!;
        var (replay, judge) = Commands(row, candidate?.Reference ?? [], found, saved, candidate?.Program);
        terminal.Output.WriteLine();
        Line($"[bold]{Markup.Escape($"{row.Claim.Id} · {row.Subject}")}[/]");
        Line($"  {Markup.Escape(row.Claim.Statement)}");
        terminal.Output.WriteLine();
        if (CaseGrid.Of(candidate, found.Case) is { } grid)
            terminal.Write(Draw(grid));
        else
            terminal.Output.WriteLine($"  {found.Case}");
        terminal.Output.WriteLine();
        Line($"  [red]measured[/]  {Markup.Escape($"{row.Claim.Quantity} = {Number(found.Measurement.Measured)}, {Bound(row.Claim, found.Measurement)}")}");
        Line($"  why       {Markup.Escape(found.Why)}");
        if (row.Claim is { Family: Family.Loss, Class: ClaimClass.Contract })
            Line($"  assumes   {Markup.Escape(string.Join("; ", row.Claim.Hypotheses))}");
        if (row.Claim.Consequence.Length > 0)
            Line($"  in a run  {Markup.Escape(row.Claim.Consequence)}");
        if (found.FoundBy.Length > 0)
            Line($"  found by  {Markup.Escape(found.FoundBy)}");
        // Commands are to be copied: nothing may fold them.
        if (saved is not null)
            terminal.Output.WriteLine($"  judge     {judge}");
        terminal.Output.WriteLine($"  replay    {replay}");
    }

    /// <summary>A batch and what a loss answers to it, a row a completion; null where it refuses the batch.</summary>
    public Table Draw(RolloutBatch batch, LossResponse? response) => Draw(CaseGrid.Of(batch, response));

    /// <summary>A batch and what an objective makes of it, a row a completion; null where it refuses the batch.</summary>
    public Table Draw(RolloutBatch batch, Evaluation? evaluation) => Draw(CaseGrid.Of(batch, evaluation));

    /// <summary>A batch and what a subject makes of it, a row a completion.</summary>
    public Table Draw(CaseGrid grid)
    {
        var table = terminal.Table([.. grid.Columns]);
        foreach (var row in grid.Rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        return table;
    }

    /// <summary>A row and its verdict.</summary>
    public static JsonObject ToJson(LedgerRow row, IReadOnlyList<string> reference, Verdict verdict, string? saved, string? program = null)
    {
        var json = new JsonObject { ["claim"] = row.Claim.Id, ["class"] = row.Claim.Class.ToString().ToLowerInvariant() };
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
            var (replay, judge) = Commands(row, reference, found, saved, program);
            json["counterexample"] = new JsonObject
            {
                ["case"] = OfCase(found.Case),
                ["quantity"] = row.Claim.Quantity,
                ["measured"] = ToJson(found.Measurement.Measured),
                ["bound"] = ToJson(found.Measurement.Bound),
                ["must_be"] = row.Claim.Requirement(found.Measurement),
                ["why"] = found.Why,
                ["in_a_run"] = row.Claim.Consequence.Length > 0 ? row.Claim.Consequence : null,
                ["shrinks"] = found.Shrinks,
                ["file"] = saved,
                ["judge"] = judge.Length > 0 ? judge : null,
                ["replay"] = replay,
            };
            if (found.FoundBy.Length > 0)
                json["counterexample"]!["found_by"] = found.FoundBy;
        }

        return json;
    }

    /// <summary>A case: a batch in the form of its files, another one as its text.</summary>
    public static JsonNode OfCase(object value) => value is RolloutBatch batch ? JsonNode.Parse(BatchWriter.Write(batch))! : JsonValue.Create(value.ToString()!);

    /// <summary>A number that JSON may not have a form for.</summary>
    public static JsonNode ToJson(double value) => double.IsFinite(value) ? JsonValue.Create(value) : JsonValue.Create(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Prints JSON.</summary>
    public void Print(JsonNode json) => terminal.Output.WriteLine(Text(json));

    /// <summary>JSON as it is printed.</summary>
    public static string Text(JsonNode json) => json.ToJsonString(Indented);

    /// <summary>Prints a line with markup.</summary>
    public void Line(string markup)
    {
        if (terminal.Plain)
            terminal.Output.WriteLine(Markup.Remove(markup));
        else
            terminal.Console.MarkupLine(markup);
    }

    /// <summary>The bound of a measurement, in words.</summary>
    public static string Bound(Claim claim, Measurement m) => $"must be {claim.Requirement(m)}";
}
