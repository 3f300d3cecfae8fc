using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using GroupRL.Checking;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>
/// SARIF 2.1.0, as code scanning reads it: a rule a claim, a result a refutation. What was not decided, or did not come although it was
/// expected, is a notification of the run.
/// </summary>
internal static class SarifVerdicts
{
    private const string Schema = "https://json.schemastore.org/sarif-2.1.0.json";

    /// <summary>The report.</summary>
    public static string Write(Judgement judgement)
    {
        var results = judgement.Rows.Select((row, k) => (Row: row, Rule: k)).Where(pair => pair.Row.Refuted);
        var notifications = judgement.Rows.Select((row, k) => (Row: row, Rule: k)).Where(pair => !pair.Row.Refuted && (pair.Row.Surprise || pair.Row.Verdict.Kind == VerdictKind.Undecided));
        return Report.Text(new JsonObject
        {
            ["$schema"] = Schema,
            ["version"] = "2.1.0",
            ["runs"] = new JsonArray(new JsonObject
            {
                ["tool"] = new JsonObject
                {
                    ["driver"] = new JsonObject
                    {
                        ["name"] = "grouprl",
                        ["semanticVersion"] = Report.Version,
                        ["rules"] = new JsonArray([.. judgement.Rows.Select(Rule)]),
                    },
                },
                ["automationDetails"] = new JsonObject { ["id"] = $"grouprl/{judgement.Candidate.Name}" },
                ["columnKind"] = "utf16CodeUnits",
                ["invocations"] = new JsonArray(new JsonObject
                {
                    ["executionSuccessful"] = true,
                    ["exitCode"] = judgement.Exit,
                    ["exitCodeDescription"] = judgement.Summary,
                    ["toolExecutionNotifications"] = new JsonArray([.. notifications.Select(pair => Notification(pair.Row, pair.Rule))]),
                }),
                ["results"] = new JsonArray([.. results.Select(pair => Result(judgement, pair.Row, pair.Rule))]),
            }),
        }) + "\n";
    }

    // Where a claim is derived is a path, which the schema does not take for helpUri: it is in the help's text.
    private static JsonObject Rule(Judged row) => new JsonObject
    {
        ["id"] = row.Claim.Id,
        ["shortDescription"] = Message(row.Claim.Statement),
        ["help"] = Message($"{(row.Claim.Consequence.Length > 0 ? $"In a run: {row.Claim.Consequence}. " : "")}Assumes: {string.Join("; ", row.Claim.Hypotheses)}. Source: {row.Claim.Source}. Derivation: {row.Claim.Derivation}"),
        ["defaultConfiguration"] = new JsonObject { ["level"] = row.Claim.Class == ClaimClass.Contract ? "error" : "warning" },
        ["properties"] = new JsonObject { ["class"] = Judgement.Word(row.Claim.Class), ["derivation"] = row.Claim.Derivation },
    };

    private static JsonObject Result(Judgement judgement, Judged row, int rule)
    {
        var found = row.Verdict.Counterexample!;
        var (replay, _) = Report.Commands(row.Row, judgement.Candidate.Reference, found, row.Saved, judgement.Candidate.Program);
        string run = row.Claim.Consequence.Length > 0 ? $" In a run: {row.Claim.Consequence}." : "";
        string note = row.Note.Length > 0 ? $" ({row.Note})" : "";
        return new()
        {
            ["ruleId"] = row.Claim.Id,
            ["ruleIndex"] = rule,
            ["level"] = !row.Surprise ? "note" : row.Claim.Class == ClaimClass.Contract ? "error" : "warning",
            ["message"] = Message($"{judgement.Candidate.Name}: {found.Why}{note}.{run} Replay: {replay}"),
            ["locations"] = new JsonArray(Location(judgement.Candidate, row)),
            ["partialFingerprints"] = new JsonObject { ["claimAndSubject/v1"] = Fingerprint($"{row.Title}/{judgement.Candidate.Name}") },
            ["properties"] = new JsonObject
            {
                ["quantity"] = row.Claim.Quantity,
                ["measured"] = Report.ToJson(found.Measurement.Measured),
                ["must_be"] = row.Claim.Requirement(found.Measurement),
                ["case"] = CaseText.Of(found.Case),
                ["counterexample"] = row.Saved,
                ["replay"] = replay,
            },
        };
    }

    private static JsonObject Notification(Judged row, int rule) => new JsonObject
    {
        ["descriptor"] = new JsonObject { ["id"] = row.Claim.Id },
        ["associatedRule"] = new JsonObject { ["id"] = row.Claim.Id, ["index"] = rule },
        ["level"] = "warning",
        ["message"] = Message($"{Report.Word(row.Verdict.Kind)}: {row.Evidence}"),
    };

    private static JsonObject Message(string text) => new() { ["text"] = text };

    // What the author wrote, if it is a file: an alert belongs beside it; else the batch that was saved.
    private static JsonObject Location(Candidate candidate, Judged row)
    {
        var location = new JsonObject { ["logicalLocations"] = new JsonArray(new JsonObject { ["name"] = candidate.Name, ["kind"] = "module" }) };
        if ((candidate.Source ?? row.Saved) is { } file)
        {
            location["physicalLocation"] = new JsonObject
            {
                ["artifactLocation"] = new JsonObject { ["uri"] = UriOf(file) },
                ["region"] = new JsonObject { ["startLine"] = 1 },
            };
        }

        return location;
    }

    // Relative to where the command runs, which is a checkout's root where alerts are to find their files.
    private static string UriOf(string file)
    {
        string relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), file);
        return Path.IsPathRooted(relative) || relative.StartsWith("..", StringComparison.Ordinal)
            ? new Uri(Path.GetFullPath(file)).AbsoluteUri
            : string.Join('/', relative.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).Select(Uri.EscapeDataString));
    }

    private static string Fingerprint(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
