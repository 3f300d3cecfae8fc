using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Cli;
using Xunit;
using Profile = GroupRL.Claims.Profile;

namespace GroupRL.Snapshots;

/// <summary>The whole ledger, judged once for all that is printed of it.</summary>
public sealed class LedgerSnapshots
{
    private const string Page = "docs/claims.md";

    private static readonly Lazy<JudgedRow[]> s_judged = new(() => new LedgerCommand(Quiet()).Judge(Profile.Ci.Cases));

    [Fact]
    public void Verdict_grid() => Snapshot.Verify(Grouprl.Show("ledger", terminal => new LedgerCommand(terminal).Print(s_judged.Value, LedgerForm.Grid)), this);

    [Fact]
    public void The_page_of_claims_is_what_the_command_prints()
    {
        string printed = Grouprl.Print(terminal => new LedgerCommand(terminal).Print(s_judged.Value, LedgerForm.Markdown)).Output;
        string path = Path.Combine(Snapshot.FolderOf("Verify.sln"), Page), page = File.Exists(path) ? File.ReadAllText(path) : "";

        Assert.True(
            page == printed,
            $"{Page} is not what the ledger says. {Snapshot.FirstDifference(page, printed)}\nPrint it again: dotnet run --project src/Cli -- ledger --markdown > {Page}");
    }

    [Fact]
    public void Every_row_has_the_verdict_that_the_theory_predicts_and_every_refutation_its_case()
    {
        Assert.Equal(Ledger.Rows.Length, s_judged.Value.Length);
        Assert.All(s_judged.Value, judged => Assert.True(judged.AsExpected, $"{judged.Row.Claim.Id}, {judged.Row.Subject}: {judged.Verdict.Kind} {judged.Verdict.Reason}"));
        Assert.All(s_judged.Value, judged => Assert.Equal(judged.Row.Expected.Kind == VerdictKind.Refuted, judged.Verdict.Counterexample is not null));
    }

    private static Terminal Quiet() => new(TextWriter.Null, TextWriter.Null, plainOutput: true, plainError: true);
}
