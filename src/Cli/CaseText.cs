using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>A case in one line, and how large it is.</summary>
internal static class CaseText
{
    private const int ShownSteps = 6;

    private static readonly (Column Column, string Name)[] s_policies =
        [(Column.OldLogp, "log-ratios"), (Column.RefLogp, "to the reference"), (Column.RolloutLogp, "to the sampler")];

    /// <summary>The case in one line: of a batch rewards, lengths, the shared prefix, and the log-ratios to other policies where some are not 0; of a history its first gradients.</summary>
    public static string Of(object value) => value switch
    {
        RolloutBatch { Groups: 1 } batch => Group(batch[0]),
        RolloutBatch batch => string.Join(" ", Enumerable.Range(0, batch.Groups).Select(g => $"[{Group(batch[g])}]")),
        GradientHistory history => History(history),
        RecordedCase recorded => recorded.Line,
        _ => value.ToString()!,
    };

    /// <summary>The size that its shrinker gives a case, to be compared by <see cref="RolloutShrinker.Compare"/>; of other cases, how long their text is.</summary>
    public static IReadOnlyList<long> Size(object value) => value switch
    {
        RolloutBatch batch => RolloutShrinker.Complexity(batch),
        GradientHistory history => [HistoryDomain.Complexity(history)],
        RecordedCase recorded => recorded.Size,
        _ => [Of(value).Length],
    };

    /// <summary>Orders cases of one claim by their size, the smallest first.</summary>
    public static IComparer<object> BySize { get; } = Comparer<object>.Create((left, right) => RolloutShrinker.Compare(Size(left), Size(right)));

    private static string Group(RolloutGroup group)
    {
        Completion[] rows = [.. Enumerable.Range(0, group.Count).Select(k => group[k])];
        List<string> parts =
        [
            $"rewards {string.Join(", ", rows.Select(Rewards))}",
            $"lengths {string.Join(", ", rows.Select(row => row.Length == row.FullLength ? Text(row.Length) : $"{Text(row.Length)} of {Text(row.FullLength)}"))}",
        ];
        if (group.Batch.HasIds)
            parts.Add($"shared {Text(group.SharedPrefix())}");
        if (group.Batch.HasGreedyRewards)
            parts.Add($"greedy reward {Text(group.Batch.GreedyReward(group.FirstRow))}");
        foreach (var (column, name) in s_policies.Where(policy => group.Batch.Has(policy.Column)))
        {
            double[][] ratios = [.. rows.Select(row => row[Column.Logp].ToArray().Zip(row[column].ToArray(), (logp, other) => logp - other).ToArray())];
            if (ratios.Any(row => row.Any(ratio => ratio != 0)))
                parts.Add($"{name} {string.Join(", ", ratios.Select(row => $"({string.Join(' ', row.Select(Text))})"))}");
        }

        return string.Join("; ", parts);
    }

    private static string History(GradientHistory history)
    {
        string gradients = string.Join(", ", history.Gradients.Take(ShownSteps).Select(Vector));
        string more = history.Steps > ShownSteps ? FormattableString.Invariant($", … {history.Steps - ShownSteps} more") : "";
        string rows = history.Columns == 0 ? "" : FormattableString.Invariant($", rows of {history.Columns}");
        return FormattableString.Invariant($"gradients {gradients}{more}; θ₀ {Vector(history.Theta)}; a = 2^{history.Exponent}{rows}");
    }

    private static string Vector(ImmutableArray<double> values) => values.Length == 1 ? Text(values[0]) : $"({string.Join(' ', values.Select(Text))})";

    private static string Rewards(Completion row)
    {
        string[] rewards = [.. Enumerable.Range(0, row.Batch.RewardsPerRow).Select(k => row.Batch.TryReward(row.Row, k, out double reward) ? Text(reward) : "none")];
        return rewards.Length == 1 ? rewards[0] : $"({string.Join(' ', rewards)})";
    }

    private static string Text(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
