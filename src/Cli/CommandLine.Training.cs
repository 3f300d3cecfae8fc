using System.CommandLine;
using System.Globalization;
using GroupRL.Objectives;
using GroupRL.Trainer;

namespace GroupRL.Cli;

/// <summary>The commands that train.</summary>
internal static partial class CommandLine
{
    // A group beyond this holds more memory than it says anything.
    private const int MostCompletions = 100_000;

    private static readonly Option<int> Seed = new("--seed") { Description = "What everything random comes from.", DefaultValueFactory = _ => 0 };

    private static Command Train()
    {
        var task = new Option<string>("--task") { Description = "What is rewarded.", HelpName = string.Join('|', VerifiableTask.Names), DefaultValueFactory = _ => SumTask.Name };
        var bonus = new Option<double?>("--length-bonus") { Description = "κ of the task majority: how much a completion's length earns." };
        var rate = new Option<double?>("--learning-rate") { Description = "η, in place of the optimizer's own." };
        var size = new Option<int>("--group-size") { Description = "G, the completions of a group.", DefaultValueFactory = _ => 8 };
        var inner = new Option<int>("--inner-steps") { Description = "μ, the steps on a batch.", DefaultValueFactory = _ => 1 };
        var steps = new Option<int>("--steps") { Description = "How many batches.", DefaultValueFactory = _ => 100 };
        var scale = new Option<double>("--reward-scale") { Description = "a, the factor on all rewards.", DefaultValueFactory = _ => 1 };
        var every = new Option<int>("--checkpoint-every") { Description = "After how many steps the state is stored.", DefaultValueFactory = _ => 10 };
        var folder = new Option<string>("--out") { Description = "The folder of the run; one that holds it already is taken up.", HelpName = "DIR", Required = true };
        var command = new Command("train", "Train a small policy on a task with a verifiable reward, with any objective and optimizer.")
        {
            task, bonus, RequiredObjective, Optimizer, rate, size, inner, steps, scale, Seed, every, folder,
        };
        foreach (var option in PolicySource.Options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            var proposal = Proposal.Resolve(parsed.GetValue(RequiredObjective)!);
            var optimizer = KnownOptimizer(parsed.GetValue(Optimizer)!);
            if (parsed.GetValue(rate) is { } eta)
            {
                optimizer = double.IsFinite(eta) && eta >= 0
                    ? optimizer.With(eta)
                    : throw InvalidInputException.Because($"{rate.Name} must be a finite number, at least 0; got {eta}.");
            }

            if (string.IsNullOrWhiteSpace(parsed.GetValue(folder)))
                throw InvalidInputException.Because($"{folder.Name} must name a folder; got \"{parsed.GetValue(folder)}\".");
            var problem = VerifiableTask.Of(parsed.GetValue(task)!, parsed.GetValue(bonus));
            var policy = PolicySource.Open(parsed);
            var run = new TrainingRun(problem, policy.Of(problem), proposal.Objective, optimizer)
            {
                GroupSize = parsed.GetValue(size) is <= MostCompletions and var completions
                    ? completions
                    : throw InvalidInputException.Because($"{size.Name} must be at most {MostCompletions}; got {parsed.GetValue(size)}."),
                InnerSteps = parsed.GetValue(inner),
                RewardScale = parsed.GetValue(scale),
                Seed = (ulong)AtLeast(Seed.Name, parsed.GetValue(Seed), 0),
            };
            Dictionary<string, string> settings = new()
            {
                ["task"] = problem.Id,
                ["policy"] = policy.Platform.Length == 0 ? policy.Name : policy.Platform,
                ["objective"] = CodeReference.Is(proposal.Reference) ? proposal.Reference : Composition.Write(proposal.Objective, whole: true).ToJsonString(),
                ["optimizer"] = $"{optimizer.Id}: {OptimizerText.Settings(optimizer)}",
                ["group size"] = Text(run.GroupSize),
                ["inner steps"] = Text(run.InnerSteps),
                ["reward scale"] = Text(run.RewardScale),
                ["seed"] = Text(run.Seed),
            };
            return new TrainCommand(TerminalOf(parsed)).Run(
                run, settings, AtLeast(steps.Name, parsed.GetValue(steps), 1), AtLeast(every.Name, parsed.GetValue(every), 1), parsed.GetValue(folder)!);

            static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
        });
        return command;
    }

    private static Command Confirm()
    {
        var finding = new Argument<string>("FINDING") { Description = "Which of the three.", HelpName = "prefix|scale|overshoot" };
        var seeds = new Option<int?>("--seeds") { Description = "The runs of each setting of prefix; 30 where omitted." };
        var steps = new Option<int?>("--steps") { Description = "The steps of a run, batches for overshoot; a number that shows the finding where omitted." };
        var command = new Command("confirm", "See a finding of the theory in training, predictions beside measurements.") { finding, seeds, steps, Seed, Markdown, Json };
        foreach (var option in PolicySource.Options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            var policy = PolicySource.Open(parsed);
            var form = parsed.GetValue(Json) ? ConfirmForm.Json : parsed.GetValue(Markdown) ? ConfirmForm.Markdown : ConfirmForm.Table;
            var confirm = new ConfirmCommand(TerminalOf(parsed), form, policy);
            ulong seed = (ulong)AtLeast(Seed.Name, parsed.GetValue(Seed), 0);
            int? wanted = parsed.GetValue(steps) is { } given ? AtLeast(steps.Name, given, 1) : null;
            if (parsed.GetValue(Json) && parsed.GetValue(Markdown))
                throw InvalidInputException.Because($"A confirmation is printed in one form, --json or --markdown; got both.");
            if (parsed.GetValue(seeds) is not null && parsed.GetValue(finding) != "prefix")
                throw InvalidInputException.Because($"--seeds is for prefix; the other findings are seen in one run of each setting, --seed says which.");
            return parsed.GetValue(finding) switch
            {
                "prefix" => confirm.Prefix(AtLeast(seeds.Name, parsed.GetValue(seeds) ?? 30, 2), wanted, seed),
                "scale" => confirm.Scale(wanted, seed),
                "overshoot" => confirm.Overshoot(wanted, seed),
                var other => throw InvalidInputException.Because($"FINDING must be prefix, scale or overshoot; got \"{other}\"."),
            };
        });
        return command;
    }

    private static int AtLeast(string option, int value, int least) => value >= least
        ? value
        : throw InvalidInputException.Because($"{option} must be at least {least}; got {value}.");
}
