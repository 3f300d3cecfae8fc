using System.Collections.Immutable;
using GroupRL.Objectives;
using GroupRL.Policies;

namespace GroupRL.Trainer;

/// <summary>The policies that can be trained on any task, with exact gradients in float64.</summary>
public static class TaskPolicies
{
    /// <summary>Their names.</summary>
    public static ImmutableArray<string> Names => ["tree", "log-linear"];

    /// <summary>The policy called <paramref name="name"/> for the contexts of <paramref name="task"/>.</summary>
    /// <exception cref="InvalidInputException">There is no such policy.</exception>
    public static IPolicy Of(string name, VerifiableTask task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return For(task, name switch
        {
            "tree" => new LinearPolicy(new PrefixTree(task.Prompts, task.Vocabulary, task.Limit)),
            "log-linear" => new LinearPolicy(new NGrams(task.Prompts, task.Vocabulary, task.Limit)),
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
