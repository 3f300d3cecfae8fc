using System.CommandLine;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>What a command line puts before the laws, and how many cases it gets.</summary>
internal static partial class CommandLine
{
    // What a process answers takes its time: half of the usual cases, unless it is told how many.
    private static int CasesOf(ParseResult parsed, Candidate candidate) =>
        candidate.Answered is not null && parsed.GetResult(Cases) is not { Implicit: false } ? Profile.Ci.Cases / 2 : Positive(parsed.GetValue(Cases));

    // A loss that only answers, of --command or of a file that names one; null where the parts are known.
    private static Candidate? LossOf(ParseResult parsed, string? reference, string argument) => (reference, LossSource.IsNamed(parsed)) switch
    {
        (null, false) when OptimizerSource.IsNamed(parsed) => OptimizerSource.Open(parsed, WorkFolder(parsed)),
        _ when OptimizerSource.IsNamed(parsed) => throw InvalidInputException.Because($"--optimizer-command excludes {(reference is null ? "--command" : argument)}."),
        (null, true) => LossSource.Open(parsed, WorkFolder(parsed)),
        ({ } word, false) when CodeReference.Is(word) => CodeReference.Load(word) is { Value: not SurrogateObjective } code ? CandidateOf(parsed, code) : null,
        ({ } file, false) => LossFile.TryRead(file) is { } loss ? LossSource.Open(parsed, WorkFolder(parsed), loss) : null,
        (null, false) => throw InvalidInputException.Because($"{parsed.CommandResult.Command.Name} needs {argument}{(parsed.CommandResult.Command.Options.Contains(OptimizerSource.Command) ? ", --command or --optimizer-command" : " or --command")}."),
        _ => throw InvalidInputException.Because($"{argument} and --command exclude each other."),
    };

    private static Candidate CandidateOf(ParseResult parsed, string? reference, string argument, Func<string, Proposal> read) =>
        LossOf(parsed, reference, argument) ?? CandidateOf(parsed, CodeReference.Is(reference!) ? Proposal.Resolve(reference!) : read(reference!));

    private static Candidate CandidateOf(ParseResult parsed, CodeSubject code) => code.Value switch
    {
        ILoss loss => LossSource.Open(parsed, loss, code.Words(Objective.Name)),
        IOptimizer answering => OptimizerSource.Open(parsed, answering, code.Words(Objective.Name)),
        Optimizer optimizer => Candidate.Of(optimizer, code.Words(Optimizer.Name)),
        _ => CandidateOf(parsed, Proposal.OfCode(code)),
    };

    private static Candidate CandidateOf(ParseResult parsed, Proposal proposal) =>
        Candidate.Of(proposal, KnownOptimizer(parsed.GetValue(Optimizer)!), OwnOptimizer(parsed.GetValue(Optimizer))?.Words ?? []);

    // An optimizer that no id names, and the words that do.
    private static (Optimizer Optimizer, string[] Words)? OwnOptimizer(string? word) =>
        word is not null && CodeReference.Is(word) ? (CodeReference.Load(word).AsOptimizer(), [Optimizer.Name, word]) : null;

    /// <summary>The optimizer of an id, or a sentence that there is none.</summary>
    internal static Optimizer KnownOptimizer(string id) => OwnOptimizer(id)?.Optimizer ?? OptimizerCatalogue.TryFind(id)
        ?? throw InvalidInputException.Because($"There is no optimizer \"{id}\"; known are {Nearest.List(id, OptimizerCatalogue.All.Select(known => known.Id))}.");
}
