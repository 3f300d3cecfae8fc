using System.CommandLine;
using System.Globalization;
using GroupRL.Objectives;
using GroupRL.Trainer;

namespace GroupRL.Cli;

/// <summary>The commands that train.</summary>
internal static partial class CommandLine
{
    private static readonly Option<string> Policy = new("--policy")
    {
        Description = "The policy: a table of all contexts, or one whose contexts share parameters.",
        HelpName = "tree|log-linear",
        DefaultValueFactory = _ => "tree",
    };

    private static readonly Option<int> Seed = new("--seed") { Description = "What everything random comes from.", DefaultValueFactory = _ => 0 };

    private static Command Train(Terminal terminal)
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
            task, bonus, Policy, RequiredObjective, Optimizer, rate, size, inner, steps, scale, Seed, every, folder,
        };
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

            var problem = VerifiableTask.Of(parsed.GetValue(task)!, parsed.GetValue(bonus));
            var policy = TaskPolicies.Of(parsed.GetValue(Policy)!, problem);
            var run = new TrainingRun(problem, policy, proposal.Objective, optimizer)
            {
                GroupSize = parsed.GetValue(size),
                InnerSteps = parsed.GetValue(inner),
                RewardScale = parsed.GetValue(scale),
                Seed = (ulong)AtLeast(Seed.Name, parsed.GetValue(Seed), 0),
            };
            Dictionary<string, string> settings = new()
            {
                ["task"] = problem.Id,
                ["policy"] = policy.Id,
                ["objective"] = Composition.Write(proposal.Objective, whole: true).ToJsonString(),
                ["optimizer"] = $"{optimizer.Id}: {OptimizerText.Settings(optimizer)}",
                ["group size"] = Text(run.GroupSize),
                ["inner steps"] = Text(run.InnerSteps),
                ["reward scale"] = Text(run.RewardScale),
                ["seed"] = Text(run.Seed),
            };
            return new TrainCommand(terminal).Run(
                run, settings, AtLeast(steps.Name, parsed.GetValue(steps), 1), AtLeast(every.Name, parsed.GetValue(every), 1), parsed.GetValue(folder)!);

            static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
        });
        return command;
    }

    private static Command Confirm(Terminal terminal)
    {
        var finding = new Argument<string>("FINDING") { Description = "Which of the three.", HelpName = "prefix|scale|overshoot" };
        var seeds = new Option<int>("--seeds") { Description = "The runs of each setting of prefix, at least 30 for its tests to say something.", DefaultValueFactory = _ => 30 };
        var steps = new Option<int?>("--steps") { Description = "The steps of a run; 100 for prefix, 40 for scale, 20 batches for overshoot where omitted." };
        var command = new Command("confirm", "See a finding of the theory in training, predictions beside measurements.") { finding, Policy, seeds, steps, Seed, Markdown, Json };
        command.SetAction(parsed =>
        {
            string name = parsed.GetValue(Policy)!;
            var confirm = new ConfirmCommand(
                terminal, parsed.GetValue(Json) ? ConfirmForm.Json : parsed.GetValue(Markdown) ? ConfirmForm.Markdown : ConfirmForm.Table, platform: "", jobs: -1);
            int Steps(int usual) => parsed.GetValue(steps) is { } wanted ? AtLeast(steps.Name, wanted, 1) : usual;
            return parsed.GetValue(finding) switch
            {
                "prefix" => confirm.Prefix(
                    new(task => TaskPolicies.Of(name, task)) { Seeds = AtLeast(seeds.Name, parsed.GetValue(seeds), 2), Steps = Steps(100), FirstSeed = (ulong)AtLeast(Seed.Name, parsed.GetValue(Seed), 0) }, tabular: name == "tree"),
                "scale" => confirm.Scale(new(task => TaskPolicies.Of(name, task)) { Steps = Steps(40), Seed = (ulong)AtLeast(Seed.Name, parsed.GetValue(Seed), 0) }),
                "overshoot" => confirm.Overshoot(new(task => TaskPolicies.Of(name, task)) { Batches = Steps(20), Seed = (ulong)AtLeast(Seed.Name, parsed.GetValue(Seed), 0) }),
                var other => throw InvalidInputException.Because($"FINDING must be prefix, scale or overshoot; got \"{other}\"."),
            };
        });
        return command;
    }

    private static int AtLeast(string option, int value, int least) => value >= least
        ? value
        : throw InvalidInputException.Because($"{option} must be at least {least}; got {value}.");
}
