using System.Collections.Immutable;
using System.Text;
using GroupRL.Checking;
using GroupRL.Claims;

namespace GroupRL.Cli;

/// <summary>docs/claims.md: every claim with its verdicts, and of what is refuted why, and by which case.</summary>
internal sealed class ClaimsPage
{
    private static readonly ImmutableArray<(Family Family, char Letter, string Title)> s_families =
    [
        (Family.Prefix, 'P', "Shared prefixes"), (Family.Scale, 'S', "The scale of rewards"),
        (Family.Overshoot, 'O', "Clipping and overshoot"), (Family.Surrogate, 'M', "What the surrogate optimises"),
    ];

    private readonly StringBuilder _page = new();
    private readonly JudgedRow[] _judged;
    private readonly Dictionary<string, string> _labels;

    private ClaimsPage(JudgedRow[] judged)
    {
        _judged = judged;
        _labels = s_families.SelectMany(family => Claims(family.Family).Select((claim, k) => (claim.Id, Label: FormattableString.Invariant($"{family.Letter}{k + 1}"))))
            .ToDictionary(claim => claim.Id, claim => claim.Label);
    }

    /// <summary>The page of these rows.</summary>
    public static string Print(JudgedRow[] judged) => new ClaimsPage(judged).Print();

    private string Print()
    {
        Say("# The claims");
        Say();
        Say("Every claim for the whole catalogue, as `grouprl ledger --markdown` prints it: what is claimed, for which subjects it holds, and by which smallest");
        Say("case it is refuted for the others. A verdict is the outcome of a search, and the build fails where it is not the one that the theory predicts.");
        Say("\"Holds\" always means \"not falsified\"; `grouprl ledger --json` has the number of cases, `grouprl claims ID` every subject with its reason.");
        Say();
        Say(Counts(_judged, $"{Ledger.Claims.Length} claims, {_judged.Length} rows: "));
        Say();
        Say("✓ holds · ✗ refuted, as the theory says · blank: does not apply, for a trait is missing · ? undecided · ! not what the theory says");
        foreach (var (family, _, title) in s_families.Where(family => Claims(family.Family).Any()))
        {
            Section($"## {title}");
            Say(string.Join(" · ", Claims(family).Select(claim => $"{_labels[claim.Id]} [{claim.Id}](#{claim.Id})")));
            foreach (var grid in VerdictGrid.OfClaims(title, [.. _judged.Where(row => row.Row.Claim.Family == family)]))
                Grid(grid, column => $"[{_labels[column]}](#{column})");
            foreach (var claim in Claims(family))
                Write(claim, [.. _judged.Where(row => row.Row.Claim == claim)]);
        }

        return _page.ToString();
    }

    private static IEnumerable<Claim> Claims(Family family) => Ledger.Claims.Where(claim => claim.Family == family);

    private void Write(Claim claim, JudgedRow[] judged)
    {
        Section($"### {claim.Id}");
        Say($"**{_labels[claim.Id]}.** {claim.Statement}");
        Say();
        Say($"- *Assumes* {string.Join("; ", claim.Hypotheses)}.");
        Say($"- *Measures* `{claim.Quantity}`.");
        Say($"- *Source* {claim.Source}; [derivation]({Path.GetRelativePath("docs", claim.Derivation).Replace('\\', '/')}).");
        Say($"- *Verdicts* {Counts(judged, "")}");
        foreach (var grid in judged.Any(VerdictGrid.IsPair) ? VerdictGrid.OfPairs(claim.Id, judged) : [])
            Grid(grid, column => $"`{column}`");
        Refutations(claim, judged);
        var silent = judged.Where(row => row.Verdict.Kind == VerdictKind.NotApplicable).GroupBy(row => row.Row.Expected.Because).ToArray();
        if (silent.Length == 0)
            return;
        Say();
        Say($"Does not apply: {string.Join("; ", silent.Select(group => $"{group.Key}: {Subjects([.. group], judged)}"))}.");
    }

    private void Refutations(Claim claim, JudgedRow[] judged)
    {
        var refuted = judged.Where(row => row.Verdict.Counterexample is not null).GroupBy(row => row.Row.Expected.Because).ToArray();
        if (refuted.Length == 0)
            return;
        Say();
        Line(["refuted for", "because", "smallest counterexample", "measured"]);
        Line(["---", "---", "---", "---"]);
        foreach (var group in refuted)
        {
            var smallest = group.MinBy(row => row.Verdict.Counterexample!.Case, CaseText.BySize)!;
            var found = smallest.Verdict.Counterexample!;
            Line(
            [
                Subjects([.. group], judged),
                group.Key,
                $"`{smallest.Row.Subject}`: {CaseText.Of(found.Case)}",
                $"{Report.Number(found.Measurement.Measured)}, {Report.Bound(claim, found.Measurement)}",
            ]);
        }
    }

    // Of pairs, an optimizer that all of its objectives stand under is named once.
    private static string Subjects(JudgedRow[] rows, JudgedRow[] all) => VerdictGrid.IsPair(rows[0])
        ? string.Join("; ", rows.GroupBy(row => row.Row.Optimizer).Select(group =>
        {
            int met = all.Count(row => row.Row.Optimizer == group.Key);
            return met == group.Count() && met > 1
                ? FormattableString.Invariant($"`{group.Key}` with each of its {met} objectives")
                : $"`{group.Key}` with {Codes(group.Select(row => row.Row.Objective))}";
        }))
        : Codes(rows.Select(row => row.Row.Subject));

    private static string Codes(IEnumerable<string> ids) => string.Join(", ", ids.Select(id => $"`{id}`"));

    private static string Counts(JudgedRow[] judged, string front)
    {
        var counts = judged.CountBy(row => row.Verdict.Kind).ToDictionary();
        return front + string.Join(", ", new[]
        {
            (VerdictKind.Holds, "hold"), (VerdictKind.Refuted, "are refuted"), (VerdictKind.NotApplicable, "do not apply"), (VerdictKind.Undecided, "are undecided"),
        }.Where(kind => counts.ContainsKey(kind.Item1)).Select(kind => FormattableString.Invariant($"{counts[kind.Item1]} {kind.Item2}"))) + ".";
    }

    private void Grid(VerdictGrid grid, Func<string, string> heading)
    {
        Say();
        Line(["", .. grid.Columns.Select(heading)]);
        Line(["---", .. grid.Columns.Select(_ => ":-:")]);
        foreach (var (subject, cells) in grid.Lines)
            Line([$"`{subject}`", .. cells.Select(Mark)]);
    }

    private static string Mark(JudgedRow row)
    {
        string mark = row.Verdict.Kind switch
        {
            VerdictKind.Holds => "✓",
            VerdictKind.Refuted => "✗",
            VerdictKind.NotApplicable => "",
            _ => "?",
        };
        return row.AsExpected ? mark : $"{mark}!";
    }

    private void Section(string heading)
    {
        Say();
        Say(heading);
        Say();
    }

    private void Say(string line = "") => _page.Append(line).Append('\n');

    private void Line(IEnumerable<string> cells) => Say($"| {string.Join(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |");
}
