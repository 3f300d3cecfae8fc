using GroupRL.Claims;
using GroupRL.Cli;
using Xunit;

namespace GroupRL.Properties.Claims;

public sealed class DocumentationTests
{
    public static TheoryData<string> ClaimIds => [.. Ledger.Claims.Select(claim => claim.Id)];

    [Theory]
    [MemberData(nameof(ClaimIds))]
    public void Every_claim_has_a_derivation_under_its_id(string id)
    {
        var claim = Ledger.Find(id)!;
        string[] parts = claim.Derivation.Split('#');
        Assert.Contains($"## {parts[1]}", File.ReadLines(Repository.Path(parts[0])));
    }

    [Theory]
    [MemberData(nameof(ClaimIds))]
    public void A_derivation_says_statement_hypotheses_proof_what_is_left_without_them_and_source_in_this_order(string id)
    {
        string[] parts = Ledger.Find(id)!.Derivation.Split('#');
        string[] section = [.. File.ReadLines(Repository.Path(parts[0])).SkipWhile(line => line != $"## {id}").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))];
        string[] labels = ["*Statement.* ", "*Hypotheses.* ", "*Proof.* ", "*Without them.* ", "*Source.* "];

        Assert.Equal(labels, section.SelectMany(line => labels.Where(label => line.StartsWith(label, StringComparison.Ordinal))));
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
}
