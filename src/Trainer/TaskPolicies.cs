using System.Collections.Immutable;
using GroupRL.Objectives;
using GroupRL.Policies;

namespace GroupRL.Trainer;

/// <summary>The policies that can be trained on any task, with exact gradients in float64.</summary>
public static class TaskPolicies
{
    /// <summary>The table of all contexts.</summary>
    public const string Tree = "tree";

    /// <summary>The policy whose contexts share parameters.</summary>
    public const string LogLinear = "log-linear";

    /// <summary>Their names.</summary>
    public static ImmutableArray<string> Names => [Tree, LogLinear];

    /// <summary>The policy called <paramref name="name"/> for the contexts of <paramref name="task"/>.</summary>
    /// <exception cref="InvalidInputException">There is no such policy.</exception>
    public static IPolicy Of(string name, VerifiableTask task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return For(task, name switch
        {
            Tree => new LinearPolicy(new PrefixTree(task.Prompts, task.Vocabulary, task.Limit)),
            LogLinear => new LinearPolicy(new NGrams(task.Prompts, task.Vocabulary, task.Limit)),
            _ => throw InvalidInputException.Because($"There is no policy \"{name}\"; known are {string.Join(", ", Names)}."),
        });
    }

    /// <summary>A policy that the task's opening says nothing to.</summary>
    public static IPolicy For(VerifiableTask task, IPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(task);
        return task.Opening == 0 ? policy : new UnseenOpening(policy, task.Opening, task.End);
    }
}
