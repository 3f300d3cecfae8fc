using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Policies;

namespace GroupRL.Claims;

/// <summary>What an expectation is enumerated on: tiny policies, one a prompt, and a reward for each completion.</summary>
/// <param name="Letters">How many tokens there are beside the end token.</param>
/// <param name="Limit">The largest number of tokens of a completion.</param>
/// <param name="Count">G, drawn for each prompt.</param>
/// <param name="Logits">z, shape [prompts, nodes · (letters + 1)].</param>
/// <param name="Rewards">R(y), shape [prompts, completions].</param>
public sealed record TinyCase(int Letters, int Limit, int Count, ImmutableArray<ImmutableArray<double>> Logits, ImmutableArray<ImmutableArray<double>> Rewards)
{
    /// <summary>How many groups of a prompt there are to enumerate.</summary>
    public GroupSpace Space => new(Letters + 1, Limit, Count);

    /// <summary>The prompts, each with its policy.</summary>
    public ImmutableArray<TinyPrompt> Prompts => [.. Logits.Zip(Rewards, (logits, rewards) => new TinyPrompt(new(Letters, Limit, logits), rewards, Count))];

    internal static int Parameters(int letters, int limit) => TinyPolicy.CountNodes(letters, limit) * (letters + 1);

    internal static int Completions(int letters, int limit) => TinyPolicy.CountCompletions(letters, limit);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"V = {Letters + 1}, limit {Limit}, G = {Count}; {string.Join("; ", Prompts.Select((prompt, p) => $"prompt {p}: z = [{Numbers(Logits[p])}], {string.Join(", ", Rewards[p].Select((reward, y) => $"R({prompt.Policy.Text(y)}) = {Number(reward)}"))}"))}");

    private static string Numbers(IEnumerable<double> values) => string.Join(", ", values.Select(Number));

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>Tiny policies of 3 tokens and limit 2 and 3 with logits up to 1.5 in size, groups of 2 to 4, and rewards of a kind.</summary>
internal sealed record TinyDomain : Domain<TinyCase>
{
    /// <summary>How many prompts each case has.</summary>
    public int Prompts { get; init; } = 1;

    /// <summary>Rewards 0 and 1; off: reals, whole numbers and decimals.</summary>
    public bool Binary { get; init; }

    /// <summary>Whether some cases have one reward for all completions of a prompt, so that there is nothing to learn.</summary>
    public bool EqualRewards { get; init; } = true;

    /// <summary>2 tokens and a limit of 3, groups of 2 to 4, and rewards of size 1: for who answers a batch slowly.</summary>
    public bool Quick { get; init; }

    /// <summary>Groups of 2, and a limit of 3 with 2 tokens only: where prompts must be enumerated together, more is too much.</summary>
    public bool Smallest { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Corner<TinyCase>> Corners =>
    [
        new("G = 2", value => value.Count == 2),
        .. Quick ? [] : (Corner<TinyCase>[])[new("limit 2", value => value.Limit == 2)],
        new("limit 3", value => value.Limit == 3),
        new("uniform policies", value => value.Logits.All(logits => logits.All(z => z == 0))),
        .. Smallest ? [] : (Corner<TinyCase>[])[new("G = 3", value => value.Count == 3), new("G = 4", value => value.Count == 4)],
        .. EqualRewards ? (Corner<TinyCase>[])[new("equal rewards", value => value.Rewards.Any(rewards => rewards.All(reward => reward == rewards[0])))] : [],
        .. Binary || Quick ? [] : (Corner<TinyCase>[])[new("rewards of size 1e8", value => value.Rewards.Any(rewards => rewards.Any(reward => Math.Abs(reward) > 1e6)))],
    ];

    /// <inheritdoc/>
    public override TinyCase Build(Draw draw)
    {
        // 3,060 groups of 4 of 15 completions say little that 210 groups of 4 of 7, or 120 of 2 of 15, do not.
        bool deep = draw.Chance(0.3) && !Quick;
        int letters = Quick || (deep && Smallest) ? 1 : 2, limit = deep || Quick ? 3 : 2, count = Smallest ? 2 : deep ? draw.Pick(2, 2, 2, 3) : draw.Whole(2, 4);
        return Build(draw, letters, limit, count, uniform: draw.Chance(0.15));
    }

    /// <summary>A case of a given shape.</summary>
    public TinyCase Build(Draw draw, int letters, int limit, int count, bool uniform = false) => new(
        letters,
        limit,
        count,
        [.. Enumerable.Range(0, Prompts).Select(_ => Drawn(TinyCase.Parameters(letters, limit), () => uniform ? 0 : draw.Real(-1.5, 1.5)))],
        [.. Enumerable.Range(0, Prompts).Select(_ => RewardsOf(draw, TinyCase.Completions(letters, limit)))]);

    /// <inheritdoc/>
    public override IEnumerable<TinyCase> Shrink(TinyCase value)
    {
        long size = Complexity(value);
        return Candidates(value).Where(candidate => Complexity(candidate) < size);
    }

    private ImmutableArray<double> RewardsOf(Draw draw, int completions)
    {
        if (EqualRewards && draw.Chance(0.15))
            return [.. Enumerable.Repeat(Binary ? draw.Whole(0, 1) : draw.Real(-3, 3), completions)];
        if (Binary)
        {
            // Both rewards occur: at a place each that differ.
            int right = draw.Whole(0, completions - 1), wrong = (right + draw.Whole(1, completions - 1)) % completions;
            var rewards = Drawn(completions, () => draw.Whole(0, 1));
            return rewards.SetItem(right, 1).SetItem(wrong, 0);
        }

        double scale = Quick ? 1 : draw.Pick(1, 1, 1, 1, 1, 1e-8, 1e8);
        int kind = EqualRewards ? draw.Whole(0, 2) : 2;
        return Drawn(completions, () => scale * kind switch { 0 => draw.Whole(-2, 2), 1 => draw.Whole(-20, 20) / 10.0, _ => draw.Real(-3, 3) });
    }

    private static ImmutableArray<double> Drawn(int count, Func<double> next)
    {
        var values = new double[count];
        foreach (ref double value in values.AsSpan())
            value = next();
        return [.. values];
    }

    // Trees first, then groups, then the digits of what is left.
    private static long Complexity(TinyCase value) =>
        (1_000_000L * value.Logits.Length * value.Limit) + (100_000L * value.Count) + value.Logits.Concat(value.Rewards).SelectMany(numbers => numbers).Sum(Digits);

    private static long Digits(double x) => x == 0 ? 0 : (2 * x.ToString("R", CultureInfo.InvariantCulture).Length) + (x == 1 ? -1 : 0);

    private static IEnumerable<TinyCase> Candidates(TinyCase value)
    {
        // The first nodes and completions of a tree are those of the tree that is one token less deep.
        if (value.Limit > 2)
        {
            yield return value with
            {
                Limit = 2,
                Logits = [.. value.Logits.Select(logits => logits[..TinyCase.Parameters(value.Letters, 2)])],
                Rewards = [.. value.Rewards.Select(rewards => rewards[..TinyCase.Completions(value.Letters, 2)])],
            };
        }

        for (int count = 2; count < value.Count; count++)
            yield return value with { Count = count };
        yield return value with { Logits = [.. value.Logits.Select(logits => Each(logits, _ => 0))] };
        for (int y = 0; y < value.Rewards[0].Length; y++)
        {
            yield return value with { Rewards = [.. value.Rewards.Select(rewards => Each(rewards, _ => 0).SetItem(y, 1))] };
            for (int p = 0; p < value.Rewards.Length; p++)
                yield return value with { Rewards = value.Rewards.SetItem(p, Each(value.Rewards[p], _ => 0).SetItem(y, 1)) };
        }

        double largest = value.Rewards.Max(rewards => rewards.Max(Math.Abs));
        if (largest > 0)
            yield return value with { Rewards = [.. value.Rewards.Select(rewards => Each(rewards, reward => Rounded(reward / largest, 1)))] };
        foreach (int digits in new[] { 0, 1 })
        {
            yield return value with { Logits = [.. value.Logits.Select(logits => Each(logits, z => Rounded(z, digits)))] };
            yield return value with { Rewards = [.. value.Rewards.Select(rewards => Each(rewards, reward => Rounded(reward, digits)))] };
        }

        for (int p = 0; p < value.Logits.Length; p++)
        {
            for (int j = 0; j < value.Logits[p].Length; j++)
                yield return value with { Logits = value.Logits.SetItem(p, value.Logits[p].SetItem(j, 0)) };
            for (int y = 0; y < value.Rewards[p].Length; y++)
                yield return value with { Rewards = value.Rewards.SetItem(p, value.Rewards[p].SetItem(y, 0)) };
        }
    }

    // Never a negative zero, which prints as one.
    private static double Rounded(double value, int digits) => Math.Round(value, digits) + 0.0;

    private static ImmutableArray<double> Each(ImmutableArray<double> values, Func<double, double> change) => [.. values.Select(change)];
}
