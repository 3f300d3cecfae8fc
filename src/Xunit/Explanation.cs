using System.Globalization;
using System.Text;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Xunit;

/// <summary>Why a test fails, with all that is needed to see it again.</summary>
internal static class Explanation
{
    /// <summary>Of a refutation that nobody expected.</summary>
    public static string Of(LedgerRow row, string name, Counterexample found)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{row.Claim.Id} is refuted for {name}.\n\n  {row.Claim.Statement}\n\n");
        Line("case", found.Case is RolloutBatch batch ? BatchWriter.Write(batch) : found.Case.ToString()!);
        Line("measured", string.Create(CultureInfo.InvariantCulture, $"{row.Claim.Quantity} = {found.Measurement.Measured:G6}, must be {row.Claim.Requirement(found.Measurement)}"));
        Line("why", found.Why);
        if (row.Claim.Consequence.Length > 0)
            Line("in a run", row.Claim.Consequence);
        Line("seed", string.Create(CultureInfo.InvariantCulture, $"{found.Point.Seed:x}-{found.Point.Gamma:x}-{found.Point.Size:x}, of the case before it was shrunk; this test draws the same cases in every run"));
        Line("accept", $"[\"{row.Claim.Id}\"] = \"why\" in Expected");
        return text.ToString();

        void Line(string label, string value) => text.Append(CultureInfo.InvariantCulture, $"  {label,-8}  {value}\n");
    }

    /// <summary>Of a refutation that was expected and did not come.</summary>
    public static string OfVanished(LedgerRow row, string name, Verdict verdict, string because) =>
        $"{row.Claim.Id} was expected to be refuted for {name} (\"{because}\"), but {verdict.Kind switch
        {
            VerdictKind.Holds => string.Create(CultureInfo.InvariantCulture, $"it holds in {verdict.Cases} cases"),
            VerdictKind.NotApplicable => $"it does not speak of it: it needs {verdict.Reason}",
            _ => $"it is undecided: {verdict.Reason}",
        }}. Take it out of Expected, or find out what changed.";
}
