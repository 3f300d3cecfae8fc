using System.Collections.Immutable;
using GroupRL.Checking;
using Profile = GroupRL.Claims.Profile;

namespace GroupRL.Cli;

/// <summary>Which refutations count against a candidate.</summary>
internal enum FailOn
{
    /// <summary>All of them.</summary>
    Any,

    /// <summary>Those of the contract.</summary>
    Contract,

    /// <summary>Those of the theory.</summary>
    Theory,
}

/// <summary><c>grouprl falsify</c>: a candidate against every claim that speaks of it.</summary>
/// <param name="terminal">Where the report goes.</param>
/// <param name="form">The form that it is printed in; null: tables.</param>
/// <param name="saved">The files that it is saved in, besides.</param>
internal sealed class FalsifyCommand(Terminal terminal, VerdictForm? form, IReadOnlyList<(string File, VerdictForm Form)> saved)
{
    /// <summary>Judges and prints; <paramref name="expect"/> null ignores every expectation, the file's too.</summary>
    public int Run(Candidate candidate, string[]? expect, FailOn failOn, int cases, string folder)
    {
        _ = Expected(candidate, expect);
        Files.Probe(folder);
        return Print(
            candidate,
            terminal.Progress(candidate.Name, "claims", candidate.Rows, row => row.Judge(new Profile(cases)), candidate.Jobs, verdict => verdict.Cases),
            expect,
            failOn,
            folder);
    }

    /// <summary>Prints verdicts on a candidate, one for each of its rows; returns the exit code.</summary>
    public int Print(Candidate candidate, IEnumerable<Verdict> verdicts, string[]? expect, FailOn failOn, string folder)
    {
        var expected = Expected(candidate, expect);
        var judgement = new Judgement(candidate, [.. candidate.Rows.Zip(verdicts, (row, verdict) => new Judged(
            row,
            verdict,
            expected.GetValueOrDefault(row.Claim.Id),
            Counts: failOn == FailOn.Any || failOn.ToString() == row.Claim.Class.ToString(),
            verdict.Counterexample is { } found && !(row.Claim.Describes && row.Expected.Kind == VerdictKind.Refuted) ? Report.Save(row, candidate.Name, found, folder) : null))]);
        foreach (var (file, other) in saved)
            Files.Write(file, other.Write(judgement));
        if (form is null)
            new VerdictTable(terminal).Print(judgement);
        else
            terminal.Output.Write(form.Write(judgement));
        return judgement.Exit;
    }

    private static ImmutableSortedDictionary<string, string> Expected(Candidate candidate, string[]? expect) => expect is null
        ? ImmutableSortedDictionary<string, string>.Empty
        : candidate.Expected.SetItems(expect.Where(claim => !candidate.Expected.ContainsKey(claim))
            .Select(claim => KeyValuePair.Create(candidate.Row(claim).Claim.Id, "declared on the command line")));
}
