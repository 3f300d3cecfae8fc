using System.Globalization;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Snapshots;

public sealed class AlignmentSnapshots
{
    [Fact]
    public void Expected_gradients()
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine("E[∇J] beside ∇E[R], every group of a tiny policy enumerated: V = 3, at most 3 tokens, G = 4, rewards 0 and 1.");
        text.WriteLine("cosine and factor on one prompt, then on two, of at most 2 tokens (–: groups see each other); the worst cosine over drawn");
        text.WriteLine("policies with real-valued rewards; then, at G = 2 with a reward of its own for each completion, what is missing to be neutral");
        text.WriteLine("on shared prefixes, of one mass for every row, and parallel. A line of – has a regulariser that acts on-policy.");
        text.WriteLine();
        text.WriteLine(Line("", "cosine", "factor", "cosine 2", "factor 2", "worst", "neutral", "mass", "parallel"));
        foreach (var entry in Catalogue.All)
        {
            text.WriteLine(AlignmentReport.Of(entry.Objective, AlignmentCases.Fixed) is { } report
                ? Line(
                    entry.Id,
                    Cosine(report.OnePrompt.Cosine),
                    Number(report.OnePrompt.Factor),
                    report.TwoPrompts is { } two ? Cosine(two.Cosine) : "–",
                    report.TwoPrompts is { } both ? Number(both.Factor) : "–",
                    Cosine(report.WorstCosine),
                    Defect(report.Defects.Neutrality),
                    Defect(report.Defects.Mass),
                    Defect(report.Defects.Alignment))
                : Line(entry.Id, "–", "–", "–", "–", "–", "–", "–", "–"));
        }

        Snapshot.Verify(text.ToString(), this);
    }

    // Six digits are beyond rounding on every machine; a defect below 10⁻¹² is rounding.
    private static string Cosine(double? cosine) => cosine is { } known ? known.ToString("F6", CultureInfo.InvariantCulture) : "none";

    private static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    private static string Defect(double value) => value < 1e-12 ? "0" : value.ToString("G5", CultureInfo.InvariantCulture);

    private static string Line(string id, params string[] cells) => $"{id,-32}{string.Concat(cells.Select(cell => cell.PadLeft(14)))}".TrimEnd();
}
