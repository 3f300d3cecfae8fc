using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>The command <c>grouprl</c>: its subcommands, options and exit codes.</summary>
internal static partial class CommandLine
{
    /// <summary>Where counterexamples are saved unless said otherwise.</summary>
    public const string DefaultFolder = "counterexamples";

    private static readonly Option<bool> Json = new("--json") { Description = "Print JSON instead of tables." };

    private static readonly Option<bool> Markdown = new("--markdown") { Description = "Print a page of the documentation." };

    private static readonly Option<int> Cases = new("--cases")
    {
        Description = "Cases for each row; half of them for a process, unless it is told.",
        DefaultValueFactory = _ => Profile.Ci.Cases,
    };

    private static readonly Option<string> Objective = new("--objective")
    {
        Description = "A catalogue id or a proposal file.",
        HelpName = "ID|FILE",
    };

    private static readonly Option<string> RequiredObjective = new("--objective")
    {
        Description = Objective.Description,
        HelpName = Objective.HelpName,
        Required = true,
    };

    private static readonly Option<string> Batch = new("--batch")
    {
        Description = "A batch of rollouts, schema grouprl-batch/1.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<string> Optimizer = new("--optimizer")
    {
        Description = "The optimizer of claims about training.",
        HelpName = "ID",
        DefaultValueFactory = _ => OptimizerCatalogue.TrlAdamW.Id,
    };

    private static readonly Option<string> Out = new("--out")
    {
        Description = "The folder that counterexamples are saved in.",
        HelpName = "DIR",
        DefaultValueFactory = _ => DefaultFolder,
    };

    // Built once: an option that commands share remembers every tree that it was put in.
    private static readonly Lazy<RootCommand> s_root = new(Root);

    /// <summary>Parses and runs; every error a user can make ends in one sentence and exit code 2.</summary>
    public static int Run(IReadOnlyList<string> args, Terminal terminal) => Run(args, terminal, s_root.Value);

    /// <summary>The same for a program of a user's, which judges its own candidate and takes the options of <c>falsify</c>.</summary>
    public static int Run(IReadOnlyList<string> args, Terminal terminal, OwnProgram program) => Run(args, terminal, Falsify(program));

    private static int Run(IReadOnlyList<string> args, Terminal terminal, Command root)
    {
        CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            var parsed = root.Parse(args);
            bool nothingToDo = args.Count == 0 && root.Action is null;
            if (parsed.Errors.Count > 0 && !nothingToDo)
                throw new InvalidInputException(Sentence(parsed));
            int code = parsed.Invoke(new OnTerminal(terminal) { Output = terminal.Output, Error = TextWriter.Null, EnableDefaultExceptionHandler = false });
            return nothingToDo ? ExitCode.Usage : code;
        }
        catch (Exception error) when (error is InvalidInputException or BrokenProcessException or BrokenSubjectException)
        {
            return Fail(terminal, error.Message);
        }
#pragma warning disable CA1031 // The last resort: whatever is left is a defect of ours, and a user gets a sentence of that, too.
        catch (Exception error)
#pragma warning restore CA1031
        {
            if (ForeignCode.Sentence(error) is { } sentence)
                return Fail(terminal, sentence);
            return Fail(terminal, $"a defect of grouprl, please report it with this command and its files: {error.GetType().Name}, {error.Message}");
        }
    }

    // One line, whatever a file or an argument smuggled into it.
    internal static int Fail(Terminal terminal, string sentence)
    {
        terminal.Error.WriteLine($"grouprl: {string.Concat(sentence.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()))}");
        return ExitCode.Usage;
    }

    private static Terminal TerminalOf(ParseResult parsed) => ((OnTerminal)parsed.InvocationConfiguration).Terminal;

    private sealed class OnTerminal(Terminal terminal) : InvocationConfiguration
    {
        public Terminal Terminal { get; } = terminal;
    }

    private static RootCommand Root() => new("Falsifies group-based RL objectives: claims are checked on generated cases, counterexamples are shrunk.")
    {
        Falsify(),
        Identify(),
        Serve(),
        Claims(),
        LedgerGrid(),
        Merge(),
        Tightness(),
        Map(),
        Evaluate(),
        Replay(),
        Check(),
        Diff(),
        Audit(),
        Align(),
        CatalogueList(),
        Step(),
        Train(),
        Confirm(),
    };

    // Of grouprl, or all that a program does that judges its own candidate.
    private static Command Falsify(OwnProgram? program = null)
    {
        var file = new Argument<string?>("FILE") { Description = "A proposal, schema grouprl-proposal/1, or compiled code, path.dll#Namespace.Type.", Arity = ArgumentArity.ZeroOrOne, Hidden = program is not null };
        var command = program is null
            ? new Command("falsify", "Check a proposal, or a loss or an optimizer in any language, against every claim that speaks of it.") { OptimizerSource.Command }
            : new RootCommand("Check what this program holds against every claim that speaks of it.");
        command.Add(file);
        foreach (var option in (Option[])[.. Judging, Optimizer, Cases, ShardOf, Out, .. LossSource.Options, .. VerdictForm.Options, .. program?.Options ?? []])
            command.Add(option);
        command.SetAction(parsed =>
        {
            var shard = ShardFrom(parsed, [.. Judging, .. VerdictForm.Options, .. program?.Options ?? []]);
            var (form, saved) = (VerdictForm.Printed(parsed), VerdictForm.Saved(parsed));
            using var candidate = program is null ? CandidateOf(parsed, parsed.GetValue(file), "FILE", Proposal.ReadFile) : program.Open(parsed, parsed.GetValue(file), Optimizer, CandidateOf);
            if (program?.TryOther(parsed, candidate, TerminalOf(parsed), parsed.GetValue(Json), parsed.GetValue(Out)!) is { } exit)
                return exit;
            int cases = CasesOf(parsed, candidate);
            return shard is { } part
                ? new ShardCommand(TerminalOf(parsed), part, parsed.GetValue(Out)!).Run(candidate, cases)
                : new FalsifyCommand(TerminalOf(parsed), form, saved).Run(candidate, Expectations(parsed), FailsOn(parsed), cases, parsed.GetValue(Out)!);
        });
        return command;
    }

    private static Command Identify()
    {
        var command = new Command("identify", "Find the objective of the catalogue that a loss answers like, and say what differs.") { Out, Json };
        foreach (var option in LossSource.Options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            if (!LossSource.IsNamed(parsed))
                throw InvalidInputException.Because($"identify needs --command.");
            using var candidate = LossSource.Open(parsed, parsed.GetValue(Out)!);
            return new IdentifyCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(candidate.Loss!);
        });
        return command;
    }

    private static Command Serve()
    {
        var id = new Argument<string>("ID") { Description = "A catalogue id, of an optimizer too, or a proposal file." };
        var command = new Command("serve", "Answer over input and output as a loss behind a pipe does, schema grouprl-loss/1, or an optimizer, grouprl-optimizer/1.") { id };
        command.SetAction(parsed => OptimizerCatalogue.TryFind(parsed.GetValue(id)!) is { } optimizer
            ? new ServeCommand(Console.In, Console.Out).Run(optimizer)
            : new ServeCommand(Console.In, Console.Out).Run(Proposal.Resolve(parsed.GetValue(id)!)));
        return command;
    }

    private static Command Claims()
    {
        var id = new Argument<string?>("ID") { Description = "One claim, or an objective of the catalogue; all claims where omitted.", Arity = ArgumentArity.ZeroOrOne };
        var parameters = new Option<bool>("--parameters") { Description = "List the hyperparameters of an objective or an optimizer instead." };
        var command = new Command("claims", "List the claims, or show one with its hypotheses, source and derivation, or an objective with its parts and what is expected of it.") { id, parameters, Json };
        command.SetAction(parsed =>
        {
            var claims = new ClaimsCommand(TerminalOf(parsed), parsed.GetValue(Json));
            return (parsed.GetValue(id), parsed.GetValue(parameters)) switch
            {
                (null, true) => throw InvalidInputException.Because($"claims --parameters needs ID, an objective or an optimizer."),
                ({ } objective, true) => claims.RunParameters(objective),
                var (one, _) => claims.Run(one),
            };
        });
        return command;
    }

    private static Command LedgerGrid()
    {
        var folder = new Option<string>(Out.Name) { Description = "The folder of the run that a shard is of.", HelpName = Out.HelpName };
        var command = new Command("ledger", "Judge every claim for the whole catalogue and print the grid.") { Cases, ShardOf, folder, Markdown, Json };
        command.SetAction(parsed =>
        {
            int cases = Positive(parsed.GetValue(Cases));
            if (ShardFrom(parsed, [Markdown, Json]) is { } shard)
                return new ShardCommand(TerminalOf(parsed), shard, parsed.GetValue(folder)!).Run(Ledger.Rows, cases);
            LossSource.Refuse(parsed, [folder], $"is the folder of a run's shards, and belongs to {ShardOf.Name}");
            return new LedgerCommand(TerminalOf(parsed)).Run(cases, parsed.GetValue(Json) ? LedgerForm.Json : parsed.GetValue(Markdown) ? LedgerForm.Markdown : LedgerForm.Grid);
        });
        return command;
    }

    private static Command Tightness()
    {
        var claim = new Argument<string?>("CLAIM") { Description = "One claim; all that are bounds where omitted.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("tightness", "Search for the case that comes nearest to a claim's bound, for every subject.") { claim, Json };
        command.SetAction(parsed => new TightnessCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(parsed.GetValue(claim)));
        return command;
    }

    private static Command Map()
    {
        var claim = new Argument<string>("CLAIM") { Description = "The claim to map." };
        var optimizer = new Option<string?>("--optimizer") { Description = "The optimizer whose edge is mapped; adamw where omitted.", HelpName = "ID" };
        var grid = new Option<string>("--grid") { Description = "How many points.", HelpName = "coarse|fine", DefaultValueFactory = _ => "coarse" };
        var command = new Command("map", "Map where a claim about scale or overshoot starts to matter.") { claim, optimizer, grid, Json };
        command.SetAction(parsed => new MapCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(
            Proposal.LedgerClaim(parsed.GetValue(claim)!),
            parsed.GetValue(optimizer) is { } id ? KnownOptimizer(id) : null,
            parsed.GetValue(grid) switch
            {
                "coarse" => false,
                "fine" => true,
                var other => throw InvalidInputException.Because($"--grid must be coarse or fine; got \"{other}\"."),
            }));
        return command;
    }

    private static Command Evaluate()
    {
        var stream = new Option<bool>("--stream") { Description = $"Hold one group at a time, as is done anyway with a file of {EvaluateCommand.Long >> 20} MiB or more where the objective allows it." };
        var command = new Command("evaluate", "Evaluate an objective on a batch: value, loss, advantages, coefficients.") { Objective, Batch, stream, Out, Json };
        foreach (var option in LossSource.Options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            var evaluate = new EvaluateCommand(TerminalOf(parsed), parsed.GetValue(Json));
            var (reference, file) = (parsed.GetValue(Objective), parsed.GetValue(Batch)!);
            using var loss = LossOf(parsed, reference, Objective.Name);
            if (loss is not null && parsed.GetValue(stream))
                throw InvalidInputException.Because($"--stream needs an objective of known parts: of a loss that only answers nobody knows how groups add up.");
            return loss is null
                ? evaluate.Run(Proposal.Resolve(reference!), file, parsed.GetValue(stream))
                : evaluate.Run(loss.Loss!, Files.ReadBatch(file), file);
        });
        return command;
    }

    private static Command Replay()
    {
        var token = new Argument<string>("TOKEN") { Description = "The token that a report printed." };
        var optimizer = new Option<string?>("--optimizer") { Description = "An optimizer that is compiled code, path.dll#Namespace.Type.", HelpName = "CODE" };
        var command = new Command("replay", "Build one generated case again, judge and shrink it.") { token, Objective, optimizer, OptimizerSource.Command, Out, Json };
        foreach (var option in LossSource.Options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            var replay = new ReplayCommand(TerminalOf(parsed), parsed.GetValue(Json));
            var read = ReplayToken.Parse(parsed.GetValue(token)!);
            string? reference = parsed.GetValue(Objective);
            using var loss = reference is null && !LossSource.IsNamed(parsed) && !OptimizerSource.IsNamed(parsed) ? null : LossOf(parsed, reference, Objective.Name);
            return loss is null
                ? replay.Run(read, reference, OwnOptimizer(parsed.GetValue(optimizer)), parsed.GetValue(Out)!)
                : replay.Run(read, loss, parsed.GetValue(Out)!);
        });
        return command;
    }

    private static Command Check()
    {
        var claim = new Argument<string>("CLAIM") { Description = "The claim to judge." };
        var command = new Command("check", "Judge one claim on a batch of yours.") { claim, Objective, Batch, Optimizer, Out, Json };
        foreach (var option in LossSource.Options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            string id = Proposal.KnownClaim(parsed.GetValue(claim)!), file = parsed.GetValue(Batch)!;
            using var candidate = CandidateOf(parsed, parsed.GetValue(Objective), Objective.Name, Proposal.Resolve);
            return new CheckCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(id, candidate, Files.ReadBatch(file), file);
        });
        return command;
    }

    private static Command Diff()
    {
        var first = new Argument<string>("A") { Description = "A catalogue id or a proposal file." };
        var second = new Argument<string>("B") { Description = "Another." };
        var batch = new Option<string?>("--batch") { Description = "The batch to compare them on; a small worked one where omitted.", HelpName = "FILE" };
        var command = new Command("diff", "Say in words and on a batch how two objectives differ.") { first, second, batch, Json };
        command.SetAction(parsed => new DiffCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(
            Proposal.Resolve(parsed.GetValue(first)!),
            Proposal.Resolve(parsed.GetValue(second)!),
            parsed.GetValue(batch) is { } file ? Files.ReadBatch(file) : null,
            parsed.GetValue(batch) ?? "the worked batch"));
        return command;
    }

    private static Command Audit()
    {
        var against = new Option<string>("--against")
        {
            Description = "What to compare with: a catalogue id or a proposal file.",
            HelpName = "ID|FILE",
            DefaultValueFactory = _ => "dr-grpo",
        };
        var command = new Command("audit", "Say what an objective does to your own rollouts: pushes on shared prefixes, clipped tokens, advantages of rounding.")
        {
            RequiredObjective, Batch, against, Json,
        };
        command.SetAction(parsed => new AuditCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(
            Proposal.Resolve(parsed.GetValue(RequiredObjective)!),
            Proposal.Resolve(parsed.GetValue(against)!),
            Files.ReadBatch(parsed.GetValue(Batch)!),
            parsed.GetValue(Batch)!));
        return command;
    }

    private static Command Align()
    {
        var usual = AlignmentCases.Fixed.OnePrompt.Space;
        var vocabulary = new Option<int?>("--vocabulary") { Description = FormattableString.Invariant($"V, the end token among them; {usual.Vocabulary} where omitted.") };
        var length = new Option<int?>("--length") { Description = FormattableString.Invariant($"The most tokens of a completion; {usual.Limit} where omitted.") };
        var size = new Option<int?>("--group-size") { Description = FormattableString.Invariant($"G, the completions of a group; {usual.Count} where omitted.") };
        var command = new Command("align", "Say where the expected gradient of an objective points, of every one of the catalogue where none is given.") { Objective, vocabulary, length, size, Json };
        command.SetAction(parsed =>
        {
            bool asked = new[] { vocabulary, length, size }.Any(option => parsed.GetValue(option) is not null);
            var cases = asked
                ? AlignmentCases.Drawn(new(
                    AtLeast(vocabulary.Name, parsed.GetValue(vocabulary) ?? usual.Vocabulary, 2),
                    AtLeast(length.Name, parsed.GetValue(length) ?? usual.Limit, 1),
                    AtLeast(size.Name, parsed.GetValue(size) ?? usual.Count, 2)))
                : AlignmentCases.Fixed;
            return new AlignCommand(TerminalOf(parsed), parsed.GetValue(Json), cases).Run(parsed.GetValue(Objective) is { } reference ? [Proposal.Resolve(reference)] : null);
        });
        return command;
    }

    private static Command CatalogueList()
    {
        var parts = new Option<bool>("--parts") { Description = "List the parts of proposals instead." };
        var command = new Command("catalogue", "List every objective with its formula, source and departures, or every part of a proposal.") { parts, Markdown, Json };
        command.SetAction(parsed => new CatalogueCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(parsed.GetValue(parts), parsed.GetValue(Markdown)));
        return command;
    }

    private static Command Step()
    {
        var optimizer = new Option<string>("--optimizer") { Description = "An optimizer of the catalogue.", HelpName = "ID", Required = true };
        var gradients = new Option<string>("--gradients") { Description = "Parameters and gradients, schema grouprl-gradients/1.", HelpName = "FILE", Required = true };
        var command = new Command("step", "Step an optimizer through gradients of yours and print its way.") { optimizer, gradients, Json };
        command.SetAction(parsed => new StepCommand(TerminalOf(parsed), parsed.GetValue(Json)).Run(
            KnownOptimizer(parsed.GetValue(optimizer)!), GradientFile.ReadFile(parsed.GetValue(gradients)!), parsed.GetValue(gradients)!));
        return command;
    }

    // The library's sentences are good except for an unknown command, where it does not say which there are.
    private static string Sentence(ParseResult parsed)
    {
        string sentence = ExpectedType().Replace(parsed.Errors[0].Message, type => type.Value.Contains("Int32", StringComparison.Ordinal) ? "as a whole number" : "as a number");
        if (sentence.StartsWith("Required argument missing for command", StringComparison.Ordinal))
            sentence = $"{parsed.CommandResult.Command.Name} needs {string.Join(" and ", parsed.CommandResult.Command.Arguments.Select(argument => argument.Name))}.";
        bool atRoot = parsed.CommandResult.Command is RootCommand { Subcommands.Count: > 0 };
        return atRoot && parsed.UnmatchedTokens.Count > 0
            ? $"There is no command \"{parsed.UnmatchedTokens[0]}\"; known are {Nearest.List(parsed.UnmatchedTokens[0], parsed.CommandResult.Command.Children.OfType<Command>().Select(command => command.Name))}."
            : sentence;
    }

    // A number, wherever a value is no text.
    [GeneratedRegex("as expected type '[^']*'")]
    private static partial Regex ExpectedType();

    private static int Positive(int cases) => cases >= 1
        ? cases
        : throw InvalidInputException.Because($"--cases must be at least 1; got {cases}.");
}
