using System.CommandLine;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Policies;
using GroupRL.Trainer;
#if TORCHSHARP
using GroupRL.Torch;
#endif

namespace GroupRL.Cli;

/// <summary>The policy that a command line asks for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Of">The policy for a task.</param>
/// <param name="Platform">What it computes on and in which numbers; empty for the suite's own float64.</param>
/// <param name="Precision">The unit roundoff of these numbers.</param>
internal sealed record PolicySource(string Name, Func<VerifiableTask, IPolicy> Of, string Platform, double Precision)
{
    private const string Transformer = "transformer";

    private static readonly Option<string> s_policy = new("--policy")
    {
        Description = "The policy: a table of all contexts, or one whose contexts share parameters.",
        HelpName = string.Join('|', TaskPolicies.Names.Append(Transformer)),
        DefaultValueFactory = _ => TaskPolicies.Tree,
    };

    private static readonly Option<string?> s_device = new("--device") { Description = "What a transformer computes on; cuda where there is one, else cpu.", HelpName = "cuda|cpu" };

    private static readonly Option<string?> s_dtype = new("--dtype") { Description = "The numbers of a transformer; float32 where omitted.", HelpName = "float64|float32|bfloat16" };

    /// <summary>The options that it is read from.</summary>
    public static IEnumerable<Option> Options => [s_policy, s_device, s_dtype];

    /// <summary>Whether it is a table, whose contexts share nothing.</summary>
    public bool IsTabular => Name == TaskPolicies.Tree;

    /// <summary>Whether it is a transformer, whose runs take their time.</summary>
    public bool IsTransformer => Name == Transformer;

    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidInputException">There is no such policy, or not in this build.</exception>
    public static PolicySource Open(ParseResult parsed)
    {
        string name = parsed.GetValue(s_policy)!;
        string? device = parsed.GetValue(s_device), dtype = parsed.GetValue(s_dtype);
        if (name == Transformer)
            return OfTransformer(device, dtype ?? "float32");
        if ((device is null ? dtype is null ? null : s_dtype.Name : s_device.Name) is { } option)
            throw InvalidInputException.Because($"{option} is for the policy {Transformer}; a {name} policy computes in float64 on the processor.");
        return TaskPolicies.Names.Contains(name)
            ? new(name, task => TaskPolicies.Of(name, task), "", Tolerance.UnitRoundoff)
            : throw InvalidInputException.Because($"There is no policy \"{name}\"; known are {Nearest.List(name, TaskPolicies.Names.Append(Transformer))}.");
    }

#if TORCHSHARP
    private static PolicySource OfTransformer(string? device, string dtype)
    {
        // Made once for no task of anyone's, so that a device or dtype that is not there is refused before anything is trained.
        var policy = Of(new SumTask());
        return new(Transformer, task => TaskPolicies.For(task, Of(task)), $"{policy.Id} on {policy.Description}", Devices.UnitRoundoff(dtype));

        TransformerPolicy Of(VerifiableTask task) => new(new() { Vocabulary = task.Vocabulary, Prompts = task.Prompts, Limit = task.Limit, Device = device, Dtype = dtype });
    }
#else
    private static PolicySource OfTransformer(string? device, string dtype) => throw InvalidInputException.Because(
        $"The policy {Transformer}{(device is null ? "" : $" on {device}")} in {dtype} needs TorchSharp, which this build is without: build it with -p:TorchSharp=cpu or -p:TorchSharp=cuda (README, \"With TorchSharp\").");
#endif
}
