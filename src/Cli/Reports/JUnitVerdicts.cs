using System.Collections.Immutable;
using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using GroupRL.Checking;

namespace GroupRL.Cli;

/// <summary>
/// JUnit's XML, as test reporters read it: a suite a class of claims, a case a claim. What decides the exit code fails or errs; everything
/// else that does not hold is skipped.
/// </summary>
internal static class JUnitVerdicts
{
    /// <summary>The report.</summary>
    public static string Write(Judgement judgement)
    {
        var suites = Judgement.Classes.Select(known => (known.Class, Rows: judgement.Of(known.Class))).Where(suite => !suite.Rows.IsEmpty);
        var root = new XElement("testsuites", new XAttribute("name", Safe($"grouprl falsify {judgement.Candidate.Name}")), Counts(judgement.Rows));
        root.Add(suites.Select(suite => new XElement(
            "testsuite", new XAttribute("name", Judgement.Word(suite.Class)), Counts(suite.Rows), suite.Rows.Select(row => Case(judgement, row)))));
        return $"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{root.ToString().Replace("\r\n", "\n", StringComparison.Ordinal)}\n";
    }

    private static XElement Case(Judgement judgement, Judged row)
    {
        var element = new XElement("testcase", new XAttribute("name", row.Claim.Id), new XAttribute("classname", Safe(judgement.Candidate.Name)));
        string word = Outcome(row);
        if (word == "skipped")
            element.Add(new XElement(word, Message(Reason(row))));
        else if (word.Length > 0)
            element.Add(new XElement(word, Message(row.Refuted ? row.Verdict.Counterexample!.Why : Reason(row)), Safe(row.Refuted ? Explanation.Whole(judgement, row) : Reason(row))));
        return element;
    }

    // "" passes.
    private static string Outcome(Judged row) => row switch
    {
        { Surprise: true, Counts: true } => "failure",
        { Verdict.Kind: VerdictKind.Undecided, Counts: true } => "error",
        { Verdict.Kind: VerdictKind.Holds, Surprise: false } => "",
        _ => "skipped",
    };

    private static string Reason(Judged row) => $"{Report.Word(row.Verdict.Kind)}: {row.Evidence}{(row.Refuted && row.Note.Length == 0 ? $" · {row.Verdict.Counterexample!.Why}" : "")}";

    private static XAttribute Message(string text) => new("message", Safe(text));

    private static IEnumerable<XAttribute> Counts(ImmutableArray<Judged> rows) =>
    [
        new("tests", rows.Length),
        .. new[] { ("failures", "failure"), ("errors", "error"), ("skipped", "skipped") }.Select(count => new XAttribute(count.Item1, rows.Count(row => Outcome(row) == count.Item2))),
    ];

    // XML cannot hold every character, not even escaped; a carriage return would come back as a new line.
    private static string Safe(string text)
    {
        var safe = new System.Text.StringBuilder(text.Length);
        for (int k = 0; k < text.Length; k++)
        {
            if (k + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[k + 1], text[k]))
                safe.Append(text, k++, 2);
            else if (XmlConvert.IsXmlChar(text[k]) && text[k] != '\r')
                safe.Append(text[k]);
            else
                safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[k]:x4}");
        }

        return safe.ToString();
    }
}
