using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Claims;

public sealed class DocumentationTests
{
    public static TheoryData<string> ClaimIds => [.. Ledger.Claims.Select(claim => claim.Id)];

    public static TheoryData<string> ObjectiveIds => [.. Catalogue.All.Select(entry => entry.Id)];

    public static TheoryData<string> OptimizerIds => [.. OptimizerCatalogue.All.Select(optimizer => optimizer.Id)];

    [Theory]
    [MemberData(nameof(ClaimIds))]
    public void Every_claim_has_a_derivation_under_its_id(string id)
    {
        var claim = Ledger.Find(id)!;
        string[] parts = claim.Derivation.Split('#');
        Assert.Contains($"## {parts[1]}", File.ReadLines(InRepository(parts[0])));
    }

    [Theory]
    [MemberData(nameof(ObjectiveIds))]
    public void Every_objective_is_named_in_the_readme(string id) =>
        Assert.Contains($"`{id}`", File.ReadAllText(InRepository("README.md")), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(OptimizerIds))]
    public void Every_optimizer_is_named_in_the_readme(string id) =>
        Assert.Contains($"`{id}`", File.ReadAllText(InRepository("README.md")), StringComparison.Ordinal);

    private static string InRepository(string path)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Verify.sln")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, path);
    }
}
