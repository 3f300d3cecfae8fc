using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>Runs that are shared among machines, and what says how verdicts are judged and printed, of one run or of all shards together.</summary>
internal static partial class CommandLine
{
    private static readonly Option<string?> ShardOf = new("--shard")
    {
        Description = "Do the i-th of n shares of the run only, and write it to --out as it goes; grouprl merge tells the verdicts.",
        HelpName = "i/n",
    };

    private static readonly Option<string[]> Expect = new("--expect") { Description = "A claim whose refutation is expected.", HelpName = "CLAIM" };

    private static readonly Option<bool> NoExpect = new("--no-expect") { Description = "Ignore every expectation, the file's too." };

    private static readonly Option<string> FailOnClass = new("--fail-on")
    {
        Description = "Which refutations exit code 1 stands for.",
        HelpName = "contract|theory|any",
        DefaultValueFactory = _ => "any",
    };

    // What decides the exit code of falsify.
    private static Option[] Judging => [Expect, NoExpect, FailOnClass];

    private static Command Merge()
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of the run." };
        var command = new Command("merge", "Print the verdicts of a run from the files of its shards, and end as the whole run would.") { folder };
        foreach (var option in (Option[])[.. Judging, Out, .. VerdictForm.Options])
            command.Add(option);
        command.SetAction(parsed =>
        {
            var (form, saved) = (VerdictForm.Printed(parsed), VerdictForm.Saved(parsed));
            return new MergeCommand(TerminalOf(parsed), Ledger.Rows).Run(
                parsed.GetValue(folder)!,
                judged =>
                {
                    LossSource.Refuse(parsed, [.. Judging, Out, .. VerdictForm.Options.Where(option => option.Name is not ("--json" or "--markdown"))], "belongs to falsify, and these are shards of the ledger");
                    return new LedgerCommand(TerminalOf(parsed)).PrintMerged(judged, form?.Option.Name switch { "--json" => LedgerForm.Json, "--markdown" => LedgerForm.Markdown, _ => LedgerForm.Grid });
                },
                (candidate, verdicts) => new FalsifyCommand(TerminalOf(parsed), form, saved).Print(candidate, verdicts, Expectations(parsed), FailsOn(parsed), parsed.GetValue(Out)!));
        });
        return command;
    }

    // The shard that a command line asks for, which prints nothing that others would say; null where it asks for the whole run.
    private static Shard? ShardFrom(ParseResult parsed, IEnumerable<Option> ofWholeRuns)
    {
        if (parsed.GetValue(ShardOf) is not { } text)
            return null;
        LossSource.Refuse(parsed, ofWholeRuns, "belongs to a whole run or to grouprl merge, not to a shard");
        if (parsed.GetResult(Out.Name) is not System.CommandLine.Parsing.OptionResult { Implicit: false })
            throw InvalidInputException.Because($"{ShardOf.Name} needs {Out.Name} DIR, the folder of the run.");
        return IndexOfCount().Match(text) is { Success: true } match
            && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && int.TryParse(match.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && index >= 1 && index <= count && count <= Shard.Most
            ? new(index, count)
            : throw InvalidInputException.Because($"{ShardOf.Name} must be i/n, whole numbers with 1 ≤ i ≤ n ≤ {Shard.Most}, as 3/8; got \"{text}\".");
    }

    // Where the processes of a candidate leave what they say: shards of one run may do so at once.
    private static string WorkFolder(ParseResult parsed) => ShardFrom(parsed, []) is { } shard
        ? Path.Combine(parsed.GetValue(Out)!, ShardHeader.NameOf(shard))
        : parsed.GetValue(Out)!;

    // Null: none, the file's neither.
    private static string[]? Expectations(ParseResult parsed) => parsed.GetValue(NoExpect) ? null : parsed.GetValue(Expect) ?? [];

    private static FailOn FailsOn(ParseResult parsed) => parsed.GetValue(FailOnClass) switch
    {
        "any" => FailOn.Any,
        "contract" => FailOn.Contract,
        "theory" => FailOn.Theory,
        var other => throw InvalidInputException.Because($"{FailOnClass.Name} must be contract, theory or any; got \"{other}\"."),
    };

    [GeneratedRegex("^([0-9]+)/([0-9]+)$")]
    private static partial Regex IndexOfCount();
}
