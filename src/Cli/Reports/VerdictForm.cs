using System.CommandLine;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>A form of a report for machines, which is text: printed in place of the table, or saved beside what is printed.</summary>
/// <param name="Option">The option that prints it.</param>
/// <param name="Ending">The ending of the files that hold it.</param>
/// <param name="Write">The report in this form; it ends with a new line.</param>
internal sealed record VerdictForm(Option<bool> Option, string Ending, Func<Judgement, string> Write)
{
    /// <summary>Every one of them.</summary>
    public static IReadOnlyList<VerdictForm> All { get; } =
    [
        new(new("--json") { Description = "Print JSON instead of tables." }, ".json", JsonVerdicts.Write),
        new(new("--junit") { Description = "Print JUnit's XML, a test case a claim, instead of tables." }, ".xml", JUnitVerdicts.Write),
        new(new("--sarif") { Description = "Print SARIF 2.1.0, a result a refutation, instead of tables." }, ".sarif", SarifVerdicts.Write),
        new(new("--markdown") { Description = "Print Markdown, as for the summary of a GitHub step, instead of tables." }, ".md", MarkdownVerdicts.Write),
    ];

    private static readonly Option<string[]> Save = new("--save")
    {
        Description = $"Save the report beside what is printed, in the form of the file's ending: {Endings}; may be given several times.",
        HelpName = "FILE",
    };

    /// <summary>The options that choose forms.</summary>
    public static IEnumerable<Option> Options => [.. All.Select(form => form.Option), Save];

    private static string Endings => string.Join(", ", All.Select(form => form.Ending));

    /// <summary>The form that a command line asks to print; null for tables.</summary>
    public static VerdictForm? Printed(ParseResult parsed) => All.Where(form => parsed.GetValue(form.Option)).ToArray() switch
    {
        [] => null,
        [var only] => only,
        [var first, var second, ..] => throw InvalidInputException.Because($"{first.Option.Name} and {second.Option.Name} exclude each other: --save FILE writes a second form."),
    };

    /// <summary>The files that a command line asks to save, each with its form; none is left for the end of a run to refuse.</summary>
    public static IReadOnlyList<(string File, VerdictForm Form)> Saved(ParseResult parsed) => [.. (parsed.GetValue(Save) ?? []).Select(file =>
    {
        string ending = Path.GetExtension(file);
        var form = All.FirstOrDefault(form => string.Equals(form.Ending, ending, StringComparison.OrdinalIgnoreCase))
            ?? throw InvalidInputException.Because($"--save chooses the form by the file's ending, one of {Endings}; got \"{file}\".");
        if (Directory.Exists(file))
            throw InvalidInputException.Because($"--save needs a file; {file} is a folder.");
        Files.Probe(Path.GetDirectoryName(Path.GetFullPath(file))!);
        return (file, form);
    })];
}
