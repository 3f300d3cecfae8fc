using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl catalogue</c>: every objective and optimizer by its id, and every part by its name.</summary>
internal sealed partial class CatalogueCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Lists the objectives and the optimizers, or with <paramref name="parts"/> the parts; <paramref name="markdown"/> as the pages of docs/ hold them.</summary>
    public int Run(bool parts, bool markdown)
    {
        if (json)
            _report.Print(parts ? PartsAsJson() : ObjectivesAsJson());
        else if (markdown)
            terminal.Output.Write(parts ? PartsAsMarkdown() : ObjectivesAsMarkdown());
        else
            Show(parts);
        return ExitCode.Kept;
    }

    private static (string Kind, IEnumerable<(string Name, List<FieldText> Fields)> Parts)[] Kinds =>
    [
        ("rewards", Parts.Shapings.Listed), ("advantage", Parts.Advantages.Listed), ("kernel", Parts.Kernels.Listed), ("shape", Parts.Shapes.Listed),
        ("weight, correction", Parts.Weights.Listed), ("regularisers", Parts.Regularisers.Listed),
    ];

    private void Show(bool parts)
    {
        if (!parts)
        {
            Write("objective", Catalogue.All.Select(entry => (entry.Id, entry.Formula, entry.Source, entry.Departure)));
            terminal.Output.WriteLine();
            Write("optimizer", Optimizers);
            return;
        }

        var table = terminal.Table("field", "part", "parameters");
        foreach (var (kind, listed) in Kinds)
        {
            foreach (var (name, fields) in listed)
                table.AddRow(Markup.Escape(kind), Markup.Escape(name), Markup.Escape(Plain(string.Join("; ", fields))));
        }

        terminal.Write(table);
    }

    private static IEnumerable<(string Id, string Formula, string Source, string Departure)> Optimizers => OptimizerCatalogue.Entries
        .Select(entry => (entry.Id, $"{entry.Formula}: {OptimizerText.Settings(entry.Optimizer)}", entry.Source, entry.Departure));

    private void Write(string kind, IEnumerable<(string Id, string Formula, string Source, string Departure)> entries)
    {
        var table = terminal.Table(kind, "formula", "source", "departs");
        foreach (var (id, formula, source, departure) in entries)
            table.AddRow(Markup.Escape(id), Markup.Escape(formula), Markup.Escape(source), Markup.Escape(departure));
        terminal.Write(table);
    }

    private static JsonObject ObjectivesAsJson() => new()
    {
        ["schema"] = "grouprl-catalogue/1",
        ["objectives"] = new JsonArray([.. Catalogue.All.Select(entry => new JsonObject
        {
            ["id"] = entry.Id,
            ["formula"] = entry.Formula,
            ["source"] = entry.Source,
            ["departure"] = entry.Departure,
            ["composition"] = Composition.Write(entry.Objective),
        })]),
        ["optimizers"] = new JsonArray([.. OptimizerCatalogue.Entries.Select(entry => new JsonObject
        {
            ["id"] = entry.Id,
            ["formula"] = entry.Formula,
            ["settings"] = OptimizerText.Settings(entry.Optimizer),
            ["source"] = entry.Source,
            ["departure"] = entry.Departure,
        })]),
    };

    private static JsonObject PartsAsJson() => new()
    {
        ["schema"] = "grouprl-parts/1",
        ["parts"] = new JsonArray([.. Kinds.SelectMany(kind => kind.Parts.Select(part => new JsonObject
        {
            ["field"] = kind.Kind,
            ["name"] = part.Name,
            ["parameters"] = new JsonArray([.. part.Fields.Select(field => new JsonObject
            {
                ["name"] = field.Field,
                ["holds"] = Plain(field.Words),
                ["required"] = field.Required,
            })]),
        }))]),
    };

    private static string ObjectivesAsMarkdown()
    {
        using var text = new StringWriter { NewLine = "\n" };
        text.WriteLine("# The catalogue");
        text.WriteLine();
        text.WriteLine("Every objective and optimizer by its id, as `grouprl catalogue --markdown` prints it.");
        text.WriteLine();
        text.WriteLine("## Objectives");
        text.WriteLine();
        text.WriteLine("First the papers' canonical forms, then each library's own. `grouprl claims ID` shows an objective's parts and what the theory expects");
        text.WriteLine("of it, `grouprl diff A B` how two differ.");
        Rows(Catalogue.All.Select(entry => (entry.Id, entry.Formula, entry.Source, entry.Departure)));
        text.WriteLine();
        text.WriteLine("## Optimizers");
        text.WriteLine();
        text.WriteLine("First the algorithms at PyTorch's defaults, then what libraries train with.");
        Rows(Optimizers);
        return text.ToString();

        void Rows(IEnumerable<(string Id, string Formula, string Source, string Departure)> entries)
        {
            text.WriteLine();
            text.WriteLine("| id | formula | source | departs |");
            text.WriteLine("|---|---|---|---|");
            foreach (var (id, formula, source, departure) in entries)
                text.WriteLine($"| `{id}` | {Cell(formula)} | {Cell(source)} | {Cell(departure)} |");
        }
    }

    private static string PartsAsMarkdown()
    {
        using var text = new StringWriter { NewLine = "\n" };
        text.WriteLine("# The parts of a proposal");
        text.WriteLine();
        text.WriteLine("Every part by the name that a proposal calls it, as `grouprl catalogue --parts --markdown` prints it. Defaults are bold; `!` marks what");
        text.WriteLine("is required. A part without parameters may be its name alone. A clip's `low` and `high` are ε: the range is [1 − low, 1 + high]; its");
        text.WriteLine("`cap` and `dual` are ratios; it excludes a `shape`. What each part computes is the doc comment of its record in `src/Objectives`.");
        foreach (var (kind, parts) in Kinds)
        {
            text.WriteLine();
            text.WriteLine($"## {kind}");
            text.WriteLine();
            text.WriteLine("| part | parameters |");
            text.WriteLine("|---|---|");
            foreach (var (name, fields) in parts)
                text.WriteLine($"| `{name}` | {Cell(string.Join("; ", fields))} |");
        }

        text.WriteLine();
        text.Write(LossFile.Documentation);
        return text.ToString();
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    // Where nothing can be bold, the default says so.
    private static string Plain(string words) => Bold().Replace(words, "$1 (default)").Replace("`", "", StringComparison.Ordinal);

    [GeneratedRegex(@"\*\*(.+?)\*\*")]
    private static partial Regex Bold();
}
