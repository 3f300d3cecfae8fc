using System.Collections.Immutable;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>Verdicts as a table: a line a subject, a column a claim; of pairs, a line and a column each for one of the two.</summary>
internal sealed record VerdictGrid(string Title, ImmutableArray<string> Columns, ImmutableArray<(string Subject, ImmutableArray<JudgedRow> Cells)> Lines)
{
    /// <summary>A family's grids: of its claims about objectives, of those about optimizers, and of each claim about pairs.</summary>
    public static IEnumerable<VerdictGrid> OfFamily(Family family, IEnumerable<JudgedRow> judged)
    {
        var own = judged.Where(row => row.Row.Claim.Family == family).ToArray();
        string name = family.ToString().ToLowerInvariant();
        return OfClaims(name, own).Concat(own.Where(IsPair).GroupBy(row => row.Row.Claim.Id).SelectMany(claim => OfPairs(claim.Key, [.. claim])));
    }

    /// <summary>The grids of claims about objectives alone and of claims about optimizers alone, where there are any.</summary>
    public static IEnumerable<VerdictGrid> OfClaims(string name, IReadOnlyList<JudgedRow> judged)
    {
        if (judged.Any(row => row.Row.Optimizer.Length == 0))
            yield return Of($"{name}: objectives", judged.Where(row => row.Row.Optimizer.Length == 0), row => row.Objective, row => row.Claim.Id);
        if (judged.Any(row => row.Row.Objective.Length == 0))
            yield return Of($"{name}: optimizers", judged.Where(row => row.Row.Objective.Length == 0), row => row.Optimizer, row => row.Claim.Id);
    }

    /// <summary>
    /// The grids of a claim about pairs. Not every pair is judged: the optimizers that many objectives meet are columns, all others stand
    /// under the objectives that meet them.
    /// </summary>
    public static IEnumerable<VerdictGrid> OfPairs(string name, IReadOnlyList<JudgedRow> judged)
    {
        int optimizers = judged.Select(row => row.Row.Optimizer).Distinct().Count();
        var broad = judged.CountBy(row => row.Row.Objective).Where(count => count.Value == optimizers).Select(count => count.Key).ToHashSet();
        var common = judged.Where(row => !broad.Contains(row.Row.Objective)).Select(row => row.Row.Optimizer).ToHashSet();
        yield return Of($"{name}: objectives", judged.Where(row => common.Contains(row.Row.Optimizer)), row => row.Objective, row => row.Optimizer);
        if (broad.Count > 0)
            yield return Of($"{name}: optimizers", judged.Where(row => broad.Contains(row.Row.Objective)), row => row.Optimizer, row => row.Objective);
    }

    /// <summary>Whether a row is about an objective under an optimizer.</summary>
    public static bool IsPair(JudgedRow row) => row.Row is { Objective.Length: > 0, Optimizer.Length: > 0 };

    private static VerdictGrid Of(string title, IEnumerable<JudgedRow> judged, Func<LedgerRow, string> lineOf, Func<LedgerRow, string> columnOf)
    {
        var cells = judged.ToArray();
        ImmutableArray<string> columns = [.. cells.Select(cell => columnOf(cell.Row)).Distinct()];
        return new(title, columns,
        [
            .. cells.GroupBy(cell => lineOf(cell.Row)).Select(line =>
            {
                var byColumn = line.ToDictionary(cell => columnOf(cell.Row));
                return (line.Key, columns.Select(column => byColumn[column]).ToImmutableArray());
            }),
        ]);
    }
}
