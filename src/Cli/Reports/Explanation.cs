namespace GroupRL.Cli;

/// <summary>What a report says of a refutation, as plain text for forms that hold text.</summary>
internal static class Explanation
{
    /// <summary>All of it: the statement, the case, measured and bound, why, what it does in a run, and the commands.</summary>
    public static string Whole(Judgement judgement, Judged row) =>
        Plain(terminal => new Report(terminal).Show(row.Row, judgement.Candidate, row.Verdict, row.Saved));

    /// <summary>Which part of what a loss is meant to be explains best that it answers otherwise.</summary>
    public static string OfDifference(Judgement judgement) =>
        Plain(terminal => new IdentifyCommand(terminal, json: false).PrintExplanation(judgement.Candidate.Loss!));

    private static string Plain(Action<Terminal> print)
    {
        using var text = new StringWriter { NewLine = "\n" };
        print(new(text, TextWriter.Null, plainOutput: true, plainError: true));
        return text.ToString().Trim('\n');
    }
}
