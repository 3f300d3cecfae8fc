using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using GroupRL.Properties.Optimizers;
using Xunit;

namespace GroupRL.Properties.Golden;

/// <summary>docs/golden.md says what runs; this says whether it is so.</summary>
public partial class ManifestTests
{
    private static readonly string[] s_inputs = ["cases.json", "optim/gradients.json", "optim/gradients_matrix.json"];

    [Fact]
    public void The_page_lists_every_shipped_file_with_its_number_of_runs_and_the_total()
    {
        var shipped = Shipped().ToDictionary(file => file, file => GoldenFolder.ReadShipped(file)["runs"].Items.Count());
        Assert.Equal(shipped, Listed());
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{shipped.Values.Sum()} runs in {shipped.Count} files."), Page(), StringComparison.Ordinal);
        Assert.All(s_inputs, input => Assert.Contains($"`{input}`", Page(), StringComparison.Ordinal));
    }

    [Fact]
    public void Every_shipped_file_names_its_source_and_is_run_by_a_theory()
    {
        string[] run =
        [
            .. typeof(ManifestTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
                .SelectMany(method => method.GetCustomAttributes<MemberDataAttribute>()).SelectMany(data => data.Parameters ?? []).OfType<string>(),
            .. GoldenOptimizerRun.Files, "optim/clip_grad_norm.json",
        ];
        Assert.All(Shipped(), file =>
        {
            Assert.NotEmpty(GoldenFolder.ReadShipped(file)["source"].Text);
            Assert.Contains(file, run);
        });
    }

    private static IEnumerable<string> Shipped() => Directory.EnumerateFiles(GoldenFolder.ShippedRoot, "*.json", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(GoldenFolder.ShippedRoot, path).Replace('\\', '/')).Except(s_inputs);

    private static Dictionary<string, int> Listed() => Row().Matches(Page())
        .ToDictionary(row => row.Groups[1].Value, row => int.Parse(row.Groups[2].Value, CultureInfo.InvariantCulture));

    private static string Page() => File.ReadAllText(Repository.Path("docs/golden.md"));

    [GeneratedRegex(@"^\| `([^`]+\.json)` \| (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
