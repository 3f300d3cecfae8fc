using System.Collections.Immutable;
using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary>
/// <c>grouprl claims [ID]</c>: what is claimed, under which hypotheses, by whom, and why it is so; of an objective, what it is made of,
/// what the theory expects of it, and its hyperparameters.
/// </summary>
internal sealed class ClaimsCommand(Terminal terminal, bool json)
{
    private static readonly ImmutableArray<Claim> s_laws = [.. LossLaws.OfLikeness, .. LossLaws.Claims];

    private static readonly ImmutableArray<Claim> s_optimizerLaws = [.. OptimizerLaws.Claims];

    private readonly Report _report = new(terminal);

    /// <summary>Lists all claims, or shows the claim or the objective of <paramref name="id"/>.</summary>
    public int Run(string? id)
    {
        // A law of losses may have the id of a claim, whose words for objectives are others.
        Claim[] claims = id is null ? [.. Ledger.Claims] : Ledger.Find(id) is { } claim ? [claim] : [];
        Claim[] laws = id is null ? [.. s_laws] : LossLaws.Find(id) is { } law ? [law] : [];
        Claim[] others = id is null ? [.. s_optimizerLaws] : OptimizerLaws.Find(id) is { } other ? [other] : [];
        if (claims.Length + laws.Length + others.Length == 0)
            return Show(Catalogue.Find(id!) ?? throw Unknown(id!));
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-claims/1",
                ["claims"] = new JsonArray([.. claims.Select(ToJson)]),
                ["laws_of_losses"] = new JsonArray([.. laws.Select(ToJson)]),
                ["laws_of_optimizers"] = new JsonArray([.. others.Select(ToJson)]),
            });
        }
        else if (id is null)
        {
            List("claim", claims);
            terminal.Output.WriteLine();
            List("law of losses", laws);
            terminal.Output.WriteLine();
            List("law of optimizers", others);
        }
        else
        {
            Show(claims.Concat(laws).Concat(others).First(), laws.Concat(others).FirstOrDefault());
        }

        return ExitCode.Kept;
    }

    /// <summary>Lists the hyperparameters of an objective or an optimizer by the names that <c>--hyperparameters</c> takes.</summary>
    public int RunParameters(string id) => OptimizerCatalogue.TryFind(id) is { } optimizer
        ? RunParameters(id, "optimizer", OptimizerParameters.Of(optimizer).Select(parameter => (parameter.Name, parameter.Name, parameter.Value)))
        : RunParameters(id, "objective", Hyperparameters.Of(Proposal.Resolve(id).Objective));

    private int RunParameters(string id, string kind, IEnumerable<(string Name, string Path, double Value)> parameters)
    {
        if (json)
        {
            _report.Print(new JsonObject
            {
                ["schema"] = "grouprl-parameters/1",
                [kind] = id,
                ["parameters"] = new JsonArray([.. parameters.Select(parameter => new JsonObject { ["name"] = parameter.Name, ["path"] = parameter.Path, ["value"] = parameter.Value })]),
            });
            return ExitCode.Kept;
        }

        _report.Line($"[bold]{Markup.Escape(id)}[/]");
        var table = terminal.Table("name", "value", "path");
        foreach (var (name, path, value) in parameters)
            table.AddRow(Markup.Escape(name), Report.Number(value), Markup.Escape(path));
        terminal.Write(table);
        return ExitCode.Kept;
    }

    private static InvalidInputException Unknown(string id) => InvalidInputException.Because(
        $"there is no claim or objective \"{id}\"; known are {Nearest.List(id, Ledger.Claims.Concat(s_laws).Concat(s_optimizerLaws).Select(claim => claim.Id).Concat(Catalogue.All.Select(entry => entry.Id)).Distinct())}.");

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

    private void List(string heading, IEnumerable<Claim> claims)
    {
        var table = terminal.Table(heading, "class", "statement");
        foreach (var claim in claims)
            table.AddRow(Markup.Escape(claim.Id), Judgement.Word(claim.Class), Markup.Escape(claim.Statement));
        terminal.Write(table);
    }

    private void Show(Claim claim, Claim? law)
    {
        _report.Line($"[bold]{Markup.Escape(claim.Id)}[/]");
        _report.Line(Markup.Escape($"  {claim.Statement}"));
        if (law is not null && law.Statement != claim.Statement)
            _report.Line(Markup.Escape($"  Of a loss that only answers: {law.Statement}"));
        terminal.Output.WriteLine();
        foreach (string hypothesis in claim.Hypotheses)
            _report.Line(Markup.Escape($"  assumes     {hypothesis}"));
        _report.Line(Markup.Escape($"  measures    {claim.Quantity}"));
        _report.Line(Markup.Escape($"  class       {Judgement.Word(claim.Class)}"));
        if (claim.Consequence.Length > 0)
            _report.Line(Markup.Escape($"  in a run    {claim.Consequence}"));
        _report.Line(Markup.Escape($"  source      {claim.Source}"));
        _report.Line(Markup.Escape($"  derivation  {claim.Derivation}"));
        LedgerRow[] rows = [.. Ledger.Rows.Where(row => row.Claim == claim)];
        if (rows.Length == 0)
            return;
        terminal.Output.WriteLine();
        var table = terminal.Table("subject", "expected", "because");
        foreach (var row in rows)
            table.AddRow(Markup.Escape(row.Subject), Report.Styled(row.Expected.Kind), Markup.Escape(row.Expected.Because));
        terminal.Write(table);
    }

    private static JsonNode ToJson(Claim claim) => new JsonObject
    {
        ["id"] = claim.Id,
        ["statement"] = claim.Statement,
        ["hypotheses"] = new JsonArray([.. claim.Hypotheses.Select(text => (JsonNode?)text)]),
        ["quantity"] = claim.Quantity,
        ["class"] = Judgement.Word(claim.Class),
        ["in_a_run"] = claim.Consequence.Length > 0 ? claim.Consequence : null,
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
