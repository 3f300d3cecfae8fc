using System.Globalization;
using System.Security.Cryptography;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;
using Xunit.Abstractions;

namespace GroupRL.Properties.Claims;

/// <summary>
/// How deep the ledger is searched: GROUPRL_PROFILE is <c>ci</c> (the default: 1,000 cases a row, fixed seeds), <c>deep</c> (100,000,
/// seeds moved by a salt that is printed first), or <c>deep:SALT</c>, which repeats a deep run.
/// </summary>
internal static class LedgerProfile
{
    private const string Variable = "GROUPRL_PROFILE";

    // One salt a process, so that every row of a run is repeated by the same one.
    private static readonly Lazy<string> s_name = new(() => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => "ci",
        "deep" => string.Create(CultureInfo.InvariantCulture, $"deep:{BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))}"),
        var name => name,
    });

    /// <summary>The profile of this run.</summary>
    public static Profile Current => Parse(s_name.Value);

    /// <summary>The profile of a name.</summary>
    /// <exception cref="ArgumentException">There is no such profile; the sentence says which there are.</exception>
    public static Profile Parse(string name) => name switch
    {
        "ci" => Profile.Ci,
        _ when name.StartsWith("deep:", StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan("deep:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong salt) => Profile.Deep(salt),
        _ => throw new ArgumentException($"{Variable} must be ci, deep, or deep: and the salt of a run to repeat; got \"{name}\".", nameof(name)),
    };

    // A search costs more than everything that is asked of its verdict, so each row is judged once a process.
    private static readonly Dictionary<(string Claim, string Objective, string Optimizer), (LedgerRow Row, Lazy<Verdict> Verdict)> s_judged = Ledger.Rows.ToDictionary(
        row => (row.Claim.Id, row.Objective, row.Optimizer), row => (row, new Lazy<Verdict>(() => row.Judge(Current))));

    /// <summary>The verdict on a row; fails with everything there is to know where the theory predicts another.</summary>
    public static Verdict Verify(string claimId, string objectiveId, string optimizerId, ITestOutputHelper output)
    {
        var (row, judged) = s_judged[(claimId, objectiveId, optimizerId)];
        if (Current.Salt != 0)
            output.WriteLine($"{Variable}={s_name.Value}: {row.Claim.Id}, {row.Subject}");
        Assert.True(judged.Value.Kind == row.Expected.Kind, Explain(row, judged.Value));
        return judged.Value;
    }

    /// <summary>Every row's verdict under the ci profile: where that is the profile of this run, the one that its test sees.</summary>
    public static IEnumerable<JudgedRow> Ci => Ledger.Rows.Select(row => new JudgedRow(
        row, Current == Profile.Ci ? s_judged[(row.Claim.Id, row.Objective, row.Optimizer)].Verdict.Value : row.Judge(Profile.Ci)));

    /// <summary>The row of these ids.</summary>
    public static LedgerRow Find(string claimId, string objectiveId, string optimizerId) => s_judged[(claimId, objectiveId, optimizerId)].Row;

    /// <summary>The ids of a family's rows; with <paramref name="expected"/>, of those that the theory predicts to be so.</summary>
    public static TheoryData<string, string, string> Names(Family family, VerdictKind? expected = null)
    {
        TheoryData<string, string, string> names = [];
        foreach (var row in Ledger.Rows.Where(row => row.Claim.Family == family && (expected is null || row.Expected.Kind == expected)))
            names.Add(row.Claim.Id, row.Objective, row.Optimizer);
        return names;
    }

    /// <summary>Everything there is to know about a verdict that is not the predicted one.</summary>
    public static string Explain(LedgerRow row, Verdict verdict)
    {
        List<string> lines =
        [
            $"{row.Claim.Id}, {row.Subject}: {row.Claim.Statement}",
            $"the theory predicts {row.Expected.Kind} ({row.Expected.Because}); the search of {verdict.Cases} cases says {verdict.Kind}",
        ];
        if (verdict.Reason.Length > 0)
            lines.Add($"reason: {verdict.Reason}");
        if (verdict.Counterexample is { } found)
        {
            lines.Add($"case ({found.Shrinks} shrinks): {(found.Case is RolloutBatch batch ? BatchWriter.Write(batch) : found.Case)}");
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{row.Claim.Quantity}: {found.Measurement.Measured:R}, bound {(found.Measurement.AtLeast ? "≥" : "≤")} {found.Measurement.Bound:R}, group {found.Measurement.Group}, position {found.Measurement.Position}"));
            lines.Add($"why: {found.Why}");
        }

        lines.Add($"again: {Command(row)}");
        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>The one command that runs a row again. MSBuild, which carries the filter, wants its quotes and commas as %22 and %2C.</summary>
    public static string Command(LedgerRow row) =>
        $"{Variable}={s_name.Value} dotnet test Verify.sln --filter 'DisplayName~claimId: %22{row.Claim.Id}%22%2C objectiveId: %22{row.Objective}%22%2C optimizerId: %22{row.Optimizer}%22'";
}
