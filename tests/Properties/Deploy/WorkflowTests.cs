using System.IO.Enumeration;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace GroupRL.Properties.Deploy;

/// <summary>The workflow of a deep search: the shards that its matrix runs, what they hand over, and what the merge makes of it.</summary>
public sealed class WorkflowTests
{
    private static readonly string s_workflow = File.ReadAllText(Repository.Path(".github/workflows/deep.yml"));

    [BashFact]
    public void The_matrix_runs_all_shards_and_the_merge_has_all_of_them() => Assert.Empty(Faults(s_workflow));

    [BashTheory]
    [InlineData("schedule:", "push:", "the search does not run by itself")]
    [InlineData("workflow_dispatch:", "push:", "the search cannot be asked for")]
    [InlineData("6, 7, 8]", "6, 8]", "the jobs are not the shards 1 to 7 of 7")]
    [InlineData("shard: [1, ", "shard: [0, 1, ", "the jobs are not the shards 1 to 9 of 9")]
    [InlineData("strategy.job-total", "strategy.job-index", "the jobs are not the shards 1 to 8 of 8")]
    [InlineData("--shard \"$SHARD\"", "--shard \"1/8\"", "the jobs are not the shards 1 to 8 of 8")]
    [InlineData("fail-fast: false", "fail-fast: true", "a shard's failure ends the others")]
    [InlineData("--cases \"$CASES\"", "", "the cases are not passed")]
    [InlineData("-- \"${search[@]}\"", "-- ledger", "what to run is not passed")]
    [InlineData("name: shard-${{ matrix.shard }}", "name: shards", "two shards hand over one artifact")]
    [InlineData("name: shard-${{ matrix.shard }}", "name: part-${{ matrix.shard }}", "the merge does not fetch every artifact")]
    [InlineData("path: search/", "path: results/", "a shard does not hand over what it wrote")]
    [InlineData("if-no-files-found: error", "if-no-files-found: ignore", "a shard may hand over nothing")]
    [InlineData("needs: shard", "needs: []", "the merge does not wait for the shards")]
    [InlineData("merge-multiple: true", "merge-multiple: false", "the artifacts do not lie in one folder")]
    [InlineData("merge search", "merge other", "the merge reads another folder")]
    [InlineData("exit \"$code\"", "exit 0", "the merge's exit code is lost")]
    [InlineData("{ echo '```text'; cat table.txt; echo '```'; } >>\"$GITHUB_STEP_SUMMARY\"", "", "the summary has no table")]
    public void Other_workflows_are_refused(string piece, string other, string fault) => Assert.Contains(fault, Faults(Shell.Mutate(s_workflow, piece, other)));

    private static IEnumerable<string> Faults(string text)
    {
        var workflow = Yaml.Documents(text).Single();
        if (workflow.At("on", "schedule", 0, "cron") is null)
            yield return "the search does not run by itself";
        if (workflow.At("on", "workflow_dispatch", "inputs", "cases") is null)
            yield return "the search cannot be asked for";

        var shard = workflow.At("jobs", "shard")!;
        string[] matrix = shard.Texts("strategy", "matrix", "shard");
        int n = matrix.Length;
        using var shell = new Shell();
        shell.Program("dotnet", Shell.Echo);
        var commands = matrix.Select(value => Search(shell, shard, value, n)).ToArray();
        if (!commands.Select(words => Shell.After("--shard", words)).SequenceEqual(Enumerable.Range(1, n).Select(i => $"{i}/{n}")))
            yield return $"the jobs are not the shards 1 to {n} of {n}";
        if (shard.Text("strategy", "fail-fast") != "false")
            yield return "a shard's failure ends the others";
        if (commands.Any(words => Shell.After("--cases", words) != "1000"))
            yield return "the cases are not passed";
        if (commands.Any(words => !words.SkipWhile(word => word != "--").Skip(1).Take(2).SequenceEqual(["falsify", "mine.json"])))
            yield return "what to run is not passed";

        var upload = Uses(shard, "actions/upload-artifact");
        string[] artifacts = [.. matrix.Select(value => Expand(upload.Text("name")!, value, n))];
        if (artifacts.Distinct().Count() < n)
            yield return "two shards hand over one artifact";
        if (commands.Any(words => $"{Shell.After("--out", words)}/" != upload.Text("path")))
            yield return "a shard does not hand over what it wrote";
        if (upload.Text("if-no-files-found") != "error")
            yield return "a shard may hand over nothing";

        var merge = workflow.At("jobs", "merge")!;
        var download = Uses(merge, "actions/download-artifact");
        if (merge.Text("needs") != "shard")
            yield return "the merge does not wait for the shards";
        if (!artifacts.All(name => FileSystemName.MatchesSimpleExpression(download.Text("pattern"), name)))
            yield return "the merge does not fetch every artifact";
        if (download.Text("merge-multiple") != "true")
            yield return "the artifacts do not lie in one folder";

        shell.Program("dotnet", $"{Shell.Echo}; echo the table; exit 1");
        string summary = Path.Combine(shell.Folder, "summary.md");
        var (exit, words, _) = shell.Run("bash", ["-eo", "pipefail", "-c", Step(merge, "Merge")], ("GITHUB_STEP_SUMMARY", summary));
        if (Shell.After("merge", words) != download.Text("path"))
            yield return "the merge reads another folder";
        if (exit != 1)
            yield return "the merge's exit code is lost";
        if (!File.Exists(summary) || !File.ReadAllText(summary).Contains("the table", StringComparison.Ordinal))
            yield return "the summary has no table";
    }

    // The words that dotnet gets in the job of a shard, when a search of a proposal was asked for.
    private static string[] Search(Shell shell, YamlNode job, string shard, int n)
    {
        var (exit, output, error) = shell.Run(
            "bash",
            ["-eo", "pipefail", "-c", Step(job, "Search")],
            [.. job.Pairs("env").Select(pair => (pair.Name, Expand(pair.Value, shard, n))), ("SEARCH", "falsify mine.json"), ("CASES", "1000")]);
        Assert.Empty(error);
        Assert.Equal(0, exit);
        return output;
    }

    private static string Expand(string text, string shard, int n) => text
        .Replace("${{ matrix.shard }}", shard, StringComparison.Ordinal)
        .Replace("${{ strategy.job-total }}", $"{n}", StringComparison.Ordinal);

    private static string Step(YamlNode job, string name) => job.Items("steps").Single(step => step.Text("name") == name).Text("run")!;

    private static YamlNode Uses(YamlNode job, string action) =>
        job.Items("steps").Single(step => step.Text("uses")?.StartsWith($"{action}@", StringComparison.Ordinal) == true).At("with")!;
}
