using GroupRL.Claims;
using GroupRL.Cli;
using Xunit;

namespace GroupRL.Properties.Claims;

public sealed class DocumentationTests
{
    private static readonly string[] s_labels = ["*Statement.* ", "*Hypotheses.* ", "*Proof.* ", "*Without them.* ", "*Source.* "];

    /// <summary>Where each claim and law says that its derivation stands: those that are asked of objectives and of losses, or of optimizers and of their ways, alike say it once.</summary>
    public static TheoryData<string> Derivations => [.. Ledger.Claims.Concat(LossLaws.OfLikeness).Concat(LossLaws.Claims).Concat(OptimizerLaws.Claims).Select(claim => claim.Derivation).Distinct()];

    [Theory]
    [MemberData(nameof(Derivations))]
    public void Every_claim_has_a_derivation_under_its_id(string derivation) =>
        Assert.Contains($"## {derivation.Split('#')[1]}", File.ReadLines(Repository.Path(derivation.Split('#')[0])));

    [Theory]
    [MemberData(nameof(Derivations))]
    public void A_derivation_says_statement_hypotheses_proof_what_is_left_without_them_and_source_in_this_order(string derivation)
    {
        string page = derivation.Split('#')[0], id = derivation.Split('#')[1];
        string[] section = [.. File.ReadLines(Repository.Path(page)).SkipWhile(line => line != $"## {id}").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))];

        Assert.Equal(s_labels, section.SelectMany(line => s_labels.Where(label => line.StartsWith(label, StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("docs/catalogue.md", "catalogue --markdown")]
    [InlineData("docs/proposals.md", "catalogue --parts --markdown")]
    public void A_printed_page_is_what_the_command_prints(string page, string command)
    {
        using var output = new StringWriter();
        Assert.Equal(0, CommandLine.Run(command.Split(' '), new Terminal(output, TextWriter.Null, plainOutput: true, plainError: true)));
        Assert.True(output.ToString() == File.ReadAllText(Repository.Path(page)), $"{page} is not what `grouprl {command}` prints: print it again into the page.");
    }
    [Fact]
    public void The_page_of_claims_is_what_the_command_prints()
    {
        string printed = ClaimsPage.Print([.. LedgerProfile.Ci]), page = File.ReadAllText(Repository.Path("docs/claims.md"));
        var (left, right) = (page.Split('\n'), printed.Split('\n'));
        int line = left.Zip(right).TakeWhile(pair => pair.First == pair.Second).Count();

        Assert.True(
            page == printed,
            $"docs/claims.md is not what the ledger says, from line {line + 1} on:\n  {left.ElementAtOrDefault(line)}\n  {right.ElementAtOrDefault(line)}\nPrint it again: dotnet run --project src/Cli -- ledger --markdown > docs/claims.md");
    }
}
