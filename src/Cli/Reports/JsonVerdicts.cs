using System.Text.Json.Nodes;

namespace GroupRL.Cli;

/// <summary>Schema <c>grouprl-verdicts/1</c>.</summary>
internal static class JsonVerdicts
{
    /// <summary>The report.</summary>
    public static string Write(Judgement judgement) => Report.Text(new JsonObject
    {
        ["schema"] = "grouprl-verdicts/1",
        ["proposal"] = judgement.Candidate.Name,
        ["exit"] = judgement.Exit,
        ["summary"] = judgement.Summary,
        ["rows"] = new JsonArray([.. judgement.Rows.Select(row =>
        {
            var node = Report.ToJson(row.Row, judgement.Candidate.Reference, row.Verdict, row.Saved, judgement.Candidate.Program);
            node["expected_refutation"] = row.Reason;
            node["by_design"] = row.Describing;
            node["as_expected"] = !row.Surprise;
            node["counts"] = row.Counts;
            return node;
        })]),
    }) + "\n";
}
