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
    [InlineData("docs/catalogue.md", "catalogue --markdown")]
    [InlineData("docs/proposals.md", "catalogue --parts --markdown")]
    public void A_printed_page_is_what_the_command_prints(string page, string command)
    {
        using var output = new StringWriter();
        Assert.Equal(0, CommandLine.Run(command.Split(' '), new Terminal(output, TextWriter.Null, plainOutput: true, plainError: true)));
        Assert.True(output.ToString() == File.ReadAllText(Repository.Path(page)), $"{page} is not what `grouprl {command}` prints: print it again into the page.");
    }
}
