using System.CommandLine;
using System.Reflection;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>A program of a user's that judges what it holds: it takes the options of <c>falsify</c>, and as options what are other commands of ours.</summary>
/// <param name="subject">What it holds.</param>
internal sealed class OwnProgram(CodeSubject subject)
{
    private readonly Option<string?> _replay = new("--replay") { Description = "Build one generated case again, judge and shrink it.", HelpName = "TOKEN" };
    private readonly Option<string?> _check = new("--check") { Description = "Judge one claim on the batch of --batch.", HelpName = "CLAIM" };
    private readonly Option<string?> _batch = new("--batch") { Description = "A batch of rollouts, schema grouprl-batch/1.", HelpName = "FILE" };

    /// <summary>The options that stand for other commands of ours.</summary>
    public IEnumerable<Option> Options => [_replay, _check, _batch];

    /// <summary>The candidate, made by <paramref name="open"/> once the command line names no other.</summary>
    public Candidate Open(ParseResult parsed, string? file, Option<string> optimizer, Func<ParseResult, CodeSubject, Candidate> open)
    {
        string judges = $"this program judges {subject.Name}";
        if (file?.StartsWith('-') == true)
            throw new InvalidInputException($"There is no option {file}.");
        if (file is not null)
            throw new InvalidInputException($"{file} names another subject, but {judges}: leave it out.");
        if (LossSource.IsNamed(parsed))
            throw new InvalidInputException($"--command names another subject, but {judges}: leave it out.");
        if (subject.Value is not (ILoss or IOptimizer))
            LossSource.Refuse(parsed, LossSource.Options, $"speaks of what only answers, but {judges}, whose parts are known");
        var candidate = open(parsed, subject);
        return candidate with
        {
            Program = Command(),
            Reference = parsed.GetResult(optimizer) is { Implicit: false } && subject.Value is SurrogateObjective && !candidate.Reference.Contains(optimizer.Name)
                ? [.. candidate.Reference, optimizer.Name, parsed.GetValue(optimizer)!]
                : candidate.Reference,
        };
    }

    /// <summary>Does what an option asks for that stands for another command; the exit code, or null where there is none.</summary>
    public int? TryOther(ParseResult parsed, Candidate candidate, Terminal terminal, bool json, string folder)
    {
        string? token = parsed.GetValue(_replay), claim = parsed.GetValue(_check), batch = parsed.GetValue(_batch);
        return (token, claim, batch) switch
        {
            (null, null, null) => null,
            ({ } point, null, null) => new ReplayCommand(terminal, json).Run(ReplayToken.Parse(point), candidate, folder),
            (null, { } id, { } file) => new CheckCommand(terminal, json).Run(Proposal.KnownClaim(id), candidate, Files.ReadBatch(file), file),
            (null, _, _) => throw InvalidInputException.Because($"--check CLAIM and --batch FILE need each other."),
            _ => throw InvalidInputException.Because($"--replay and --check exclude each other."),
        };
    }

    // How whoever runs this program runs it: a file-based program by its file, another by what the build made of it.
    private static string Command() => (AppContext.GetData("EntryPointFilePath"), Environment.ProcessPath) switch
    {
        (string file, _) => $"dotnet run {Report.Quoted(FromHere(file))} --",
        (_, { } process) when Path.GetFileNameWithoutExtension(process) != "dotnet" => Report.Quoted(FromHere(process)),
        _ => $"dotnet {Report.Quoted(FromHere(Assembly.GetEntryAssembly()!.Location))}",
    };

    // A shell runs what lies in its folder only by a path that has one.
    private static string FromHere(string path)
    {
        string relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        return relative.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) ? relative : Path.Combine(".", relative);
    }
}
