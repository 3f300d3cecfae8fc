using System.Text.Json.Nodes;
using GroupRL.Claims;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl claims [ID]</c>: what is claimed, under which hypotheses, by whom, and why it is so.</summary>
internal sealed class ClaimsCommand(Terminal terminal, bool json)
{
    private readonly Report _report = new(terminal);

    /// <summary>Lists all claims, or shows the one of <paramref name="id"/>.</summary>
    public int Run(string? id)
    {
        var claims = id is null ? Ledger.Claims : [Ledger.Find(Proposal.KnownClaim(id))!];
        if (json)
            _report.Print(new JsonObject { ["schema"] = "grouprl-claims/1", ["claims"] = new JsonArray([.. claims.Select(ToJson)]) });
        else if (id is null)
            List(claims);
        else
            Show(claims[0]);
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
