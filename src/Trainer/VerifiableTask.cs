using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Trainer;

/// <summary>Prompts with a reward that a program can check, for completions of a few letters and an end token.</summary>
/// <param name="Prompts">The number of prompts; each is answered by one group a step.</param>
/// <param name="Letters">The number of letters; the end token has the id after theirs.</param>
/// <param name="Limit">The largest number of tokens of a completion, the end token included.</param>
public abstract record VerifiableTask(int Prompts, int Letters, int Limit)
{
    /// <summary>The tasks by name.</summary>
    public static ImmutableArray<string> Names => [SumTask.Name, MajorityTask.Name];

    /// <summary>The name, and its settings where they are not the usual ones.</summary>
    public abstract string Id { get; }

    /// <summary>V: the letters and the end token.</summary>
    public int Vocabulary => Letters + 1;

    /// <summary>The id of the end token.</summary>
    public int End => Letters;

    /// <summary>
    /// How many first tokens a group draws together before its completions branch, as samplers that share a prefix do. They say nothing: no
    /// reward and no later context depends on which they are, and none of them ends a completion.
    /// </summary>
    public virtual int Opening => 0;

    /// <summary>Whether a completion is over: by the end token or by the limit.</summary>
    public bool IsOver(ReadOnlySpan<int> tokens) => tokens.Length == Limit || (tokens.Length > Opening && tokens[^1] == End);

    /// <summary>R of a whole completion.</summary>
    public abstract double Reward(int prompt, ReadOnlySpan<int> tokens);

    /// <summary>The task called <paramref name="name"/>.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="lengthBonus">κ of <see cref="MajorityTask"/>; other tasks have none.</param>
    /// <exception cref="InvalidInputException">There is no such task, or it has no such knob.</exception>
    public static VerifiableTask Of(string name, double? lengthBonus = null) => (name, lengthBonus) switch
    {
        (MajorityTask.Name, var kappa) => new MajorityTask(kappa ?? 0),
        (SumTask.Name, null) => new SumTask(),
        (SumTask.Name, _) => throw InvalidInputException.Because($"The task {SumTask.Name} has no length bonus; {MajorityTask.Name} has."),
        _ => throw InvalidInputException.Because($"There is no task \"{name}\"; known are {string.Join(", ", Names)}."),
    };
}

/// <summary>
/// Letters are worth 1, 2 and 3; R is 1 where a completion ends by itself and its letters add to 2p + 3, p the prompt, and 0 elsewhere. Four
/// prompts of growing difficulty, completions of any length up to 6 tokens, prefixes shared by chance.
/// </summary>
public sealed record SumTask() : VerifiableTask(Prompts: 4, Letters: 3, Limit: 6)
{
    /// <summary>The name.</summary>
    public const string Name = "sum";

    /// <inheritdoc/>
    public override string Id => Name;

    /// <inheritdoc/>
    public override double Reward(int prompt, ReadOnlySpan<int> tokens)
    {
        int sum = 0;
        foreach (int token in tokens)
            sum += token == End ? 0 : token + 1;
        return tokens[^1] == End && sum == (2 * prompt) + 3 ? 1 : 0;
    }
}

/// <summary>
/// After a first token that says nothing: 1 where letter p (the prompt's) occurs more often than letter p + 1, ½ where as often, 0 where less
/// often, plus κ·L/6, L the completion's tokens. Where all letters are equally likely the first part does not covary with L, so that the sign
/// of κ is that of the covariance of length and reward.
/// </summary>
/// <param name="LengthBonus">κ, a finite number.</param>
public sealed record MajorityTask(double LengthBonus = 0) : VerifiableTask(Prompts: 2, Letters: 3, Limit: 6)
{
    /// <summary>The name.</summary>
    public const string Name = "majority";

    /// <summary>κ, a finite number.</summary>
    public double LengthBonus { get; init => field = Finite(value); } = Finite(LengthBonus);

    /// <inheritdoc/>
    public override string Id => LengthBonus == 0 ? Name : FormattableString.Invariant($"{Name} with length bonus {LengthBonus:R}");

    /// <inheritdoc/>
    public override int Opening => 1;

    /// <inheritdoc/>
    public override double Reward(int prompt, ReadOnlySpan<int> tokens)
    {
        int lead = 0;
        foreach (int token in tokens[Opening..])
            lead += token == prompt ? 1 : token == prompt + 1 ? -1 : 0;
        return ((Math.Sign(lead) + 1) / 2.0) + (LengthBonus * tokens.Length / Limit);
    }

    private static double Finite(double bonus) => double.IsFinite(bonus)
        ? bonus
        : throw InvalidInputException.Because($"A length bonus must be a finite number; got {bonus}.");
}
