using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary>
/// <c>grouprl claims [ID]</c>: what is claimed, under which hypotheses, by whom, and why it is so; of an objective, what it is made of
/// and what the theory expects of it.
/// </summary>
internal sealed class ClaimsCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Lists all claims, or shows the claim or the objective of <paramref name="id"/>.</summary>
    public int Run(string? id)
    {
        if (id is not null && Ledger.Find(id) is null)
            return Show(Catalogue.Find(id) ?? throw Unknown(id));
        var claims = id is null ? Ledger.Claims : [Ledger.Find(id)!];
        if (json)
            _report.Print(new JsonObject { ["schema"] = "grouprl-claims/1", ["claims"] = new JsonArray([.. claims.Select(ToJson)]) });
        else if (id is null)
            List(claims);
        else
            Show(claims[0]);
        return ExitCode.Kept;
    }

    private static InvalidInputException Unknown(string id) => InvalidInputException.Because(
        $"there is no claim or objective \"{id}\"; known are {Nearest.List(id, Ledger.Claims.Select(claim => claim.Id).Concat(Catalogue.All.Select(entry => entry.Id)))}.");

    private int Show(CatalogueEntry entry)
    {
        var composition = Composition.Write(entry.Objective);
        LedgerRow[] rows = [.. Ledger.ObjectiveRows(entry.Id, entry.Objective)];
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-objective/1",
                ["id"] = entry.Id,
                ["formula"] = entry.Formula,
                ["source"] = entry.Source,
                ["departure"] = entry.Departure,
                ["composition"] = composition,
                ["expected"] = new JsonArray([.. rows.Select(row => new JsonObject
                {
                    ["claim"] = row.Claim.Id,
                    ["verdict"] = Report.Word(row.Expected.Kind),
                    ["because"] = row.Expected.Because,
                })]),
            });
            return ExitCode.Kept;
        }

        _report.Line($"[bold]{Markup.Escape(entry.Id)}[/]");
        _report.Line(Markup.Escape($"  {entry.Formula}"));
        terminal.Output.WriteLine();
        foreach (var (part, written) in composition)
            _report.Line(Markup.Escape($"  {part,-13} {PartText.Of(written)}"));
        _report.Line(Markup.Escape($"  {"source",-13} {entry.Source}"));
        if (entry.Departure.Length > 0)
            _report.Line(Markup.Escape($"  {"departs",-13} {entry.Departure}"));
        terminal.Output.WriteLine();
        var table = terminal.Table("claim", "expected", "because");
        foreach (var row in rows)
            table.AddRow(Markup.Escape(row.Claim.Id), Report.Styled(row.Expected.Kind), Markup.Escape(row.Expected.Because));
        terminal.Write(table);
        return ExitCode.Kept;
    }

    private void List(IEnumerable<Claim> claims)
    {
        var table = terminal.Table("claim", "statement");
        foreach (var claim in claims)
            table.AddRow(Markup.Escape(claim.Id), Markup.Escape(claim.Statement));
        terminal.Write(table);
    }

    private void Show(Claim claim)
    {
        _report.Line($"[bold]{Markup.Escape(claim.Id)}[/]");
        _report.Line(Markup.Escape($"  {claim.Statement}"));
        terminal.Output.WriteLine();
        foreach (string hypothesis in claim.Hypotheses)
            _report.Line(Markup.Escape($"  assumes     {hypothesis}"));
        _report.Line(Markup.Escape($"  measures    {claim.Quantity}"));
        _report.Line(Markup.Escape($"  source      {claim.Source}"));
        _report.Line(Markup.Escape($"  derivation  {claim.Derivation}"));
        terminal.Output.WriteLine();
        var table = terminal.Table("subject", "expected", "because");
        foreach (var row in Ledger.Rows.Where(row => row.Claim == claim))
            table.AddRow(Markup.Escape(row.Subject), Report.Styled(row.Expected.Kind), Markup.Escape(row.Expected.Because));
        terminal.Write(table);
    }

    private static JsonNode ToJson(Claim claim) => new JsonObject
    {
        ["id"] = claim.Id,
        ["statement"] = claim.Statement,
        ["hypotheses"] = new JsonArray([.. claim.Hypotheses.Select(text => (JsonNode?)text)]),
        ["quantity"] = claim.Quantity,
        ["source"] = claim.Source,
        ["derivation"] = claim.Derivation,
        ["expected"] = new JsonArray([.. Ledger.Rows.Where(row => row.Claim == claim).Select(row => new JsonObject
        {
            ["subject"] = row.Subject,
            ["verdict"] = Report.Word(row.Expected.Kind),
            ["because"] = row.Expected.Because,
        })]),
    };
}
