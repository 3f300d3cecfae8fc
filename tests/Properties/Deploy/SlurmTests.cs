using Xunit;

namespace GroupRL.Properties.Deploy;

/// <summary>The scripts of deploy/slurm, without Slurm: what they refuse, what they submit and what a task runs. deploy/slurm/test.sh runs them on a Slurm.</summary>
public sealed class SlurmTests
{
    private static readonly string s_folder = Repository.Path("deploy/slurm");

    public static TheoryData<string> Scripts => [.. Directory.EnumerateFiles(s_folder).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    [BashTheory]
    [MemberData(nameof(Scripts))]
    public void Every_script_is_bash(string name)
    {
        using var shell = new Shell();
        string text = File.ReadAllText(Path.Combine(s_folder, name));
        Assert.Equal(0, shell.Run("bash", ["-n", shell.Write("sound", text)]).Exit);
        Assert.NotEqual(0, shell.Run("bash", ["-n", shell.Write("torn", $"{text}if")]).Exit);
        Assert.Contains("set -euo pipefail", text, StringComparison.Ordinal);
    }

    [BashTheory]
    [InlineData("", "SHARDS, CASES, OUT and what to run", "0 of these words")]
    [InlineData("8 1000 out", "SHARDS, CASES, OUT and what to run", "3 of these words")]
    [InlineData("0 1000 out ledger", "SHARDS", "'0'")]
    [InlineData("eight 1000 out ledger", "SHARDS", "'eight'")]
    [InlineData("8 -5 out ledger", "CASES", "'-5'")]
    [InlineData("8 1000 out train", "ledger or falsify", "'train'")]
    [InlineData("8 1000 out ledger mine.json", "ledger takes no file", "'mine.json'")]
    [InlineData("8 1000 out falsify", "falsify takes one file", "0")]
    [InlineData("8 1000 out falsify absent.json", "absent.json", "cannot be read")]
    [InlineData("8 1000 out falsify absent.dll#Type", "absent.dll", "cannot be read")]
    [InlineData("8 1000 /dev/null/out ledger", "/dev/null/out", "cannot be written")]
    public void Wrong_words_are_refused_in_one_sentence(string words, params string[] expected)
    {
        using var shell = new Shell();
        shell.Program("grouprl", Shell.Echo);
        shell.Program("sbatch", "echo 41");
        Refused(shell.Run("bash", [Path.Combine(s_folder, "submit.sh"), .. words.Split(' ', StringSplitOptions.RemoveEmptyEntries)]), expected);
    }

    [BashFact]
    public void A_command_that_is_not_there_is_refused_in_one_sentence()
    {
        using var shell = new Shell();
        shell.Program("sbatch", "echo 41");
        Refused(shell.Run("bash", [Path.Combine(s_folder, "submit.sh"), "8", "1000", "out", "ledger"], ("GROUPRL", "no-such-command")), "no-such-command", "GROUPRL");
    }

    [BashFact]
    public void The_tasks_of_the_array_are_all_shards_and_the_merge_waits_for_them() => Assert.Empty(Faults("", "", ""));

    [BashTheory]
    [InlineData("submit.sh", "--array=\"1-$shards\"", "--array=\"0-$shards\"", "the tasks are not the shards 1 to 3 of 3")]
    [InlineData("submit.sh", "--dependency=\"afterok:$array\"", "", "the merge does not wait for the array")]
    [InlineData("submit.sh", "afterok:", "afternotok:", "the merge does not wait for the array")]
    [InlineData("submit.sh", "array=${array%%;*}", "", "the merge does not wait for the array")]
    [InlineData("submit.sh", "--kill-on-invalid-dep=yes", "", "the merge waits for ever where a shard failed")]
    [InlineData("shard.sbatch", "$SLURM_ARRAY_TASK_ID/", "1/", "the tasks are not the shards 1 to 3 of 3")]
    [InlineData("shard.sbatch", "\"$@\"", "ledger", "the tasks run something else")]
    [InlineData("shard.sbatch", "exit \"$code\"", "exit 0", "a task's exit code is lost")]
    [InlineData("shard.sbatch", "#SBATCH --requeue", "#", "a killed task is not started again")]
    [InlineData("shard.sbatch", "--open-mode=append", "--open-mode=truncate", "a task that is started again forgets its log")]
    [InlineData("shard.sbatch", "--signal=B:USR1@60", "--signal=USR1@60", "a task is not told that its time is nearly up")]
    [InlineData("merge.sbatch", "merge \"$@\"", "merge .", "the merge reads another folder")]
    public void Other_scripts_are_refused(string script, string piece, string other, string fault) => Assert.Contains(fault, Faults(script, piece, other));

    // What is wrong with a search in 3 shards, one script being another.
    private static IEnumerable<string> Faults(string script, string piece, string other)
    {
        using var shell = new Shell();
        string[] Script(string name, string[] words, params (string, string)[] variables) => shell.Run("bash", [Path.Combine(shell.Folder, name), .. words], variables).Output;
        string[] names = ["submit.sh", "shard.sbatch", "merge.sbatch"];
        var texts = names.ToDictionary(name => name, name => File.ReadAllText(Path.Combine(s_folder, name)));
        if (script.Length > 0)
            texts[script] = Shell.Mutate(texts[script], piece, other);
        foreach (var (name, text) in texts)
            shell.Write(name, text);
        string mine = shell.Write("mine.json", "{}");
        shell.Program("grouprl", $"{Shell.Echo}; exit 2");
        // Of a call the words are kept in a file of its job's number; with several clusters, the cluster's name stands behind it.
        shell.Program("sbatch", """
            n=41
            [ ! -e 41 ] || n=42
            printf '%s\n' "$@" >$n
            echo "$n;cluster"
            """);
        var (exit, _, error) = shell.Run("bash", [Path.Combine(shell.Folder, "submit.sh"), "3", "1000", "out", "falsify", mine]);
        Assert.Empty(error);
        Assert.Equal(0, exit);

        string[] array = File.ReadAllLines(Path.Combine(shell.Folder, "41"));
        string[] merge = File.ReadAllLines(Path.Combine(shell.Folder, "42"));
        string[] ArgumentsOf(string[] words, string name) => [.. words.SkipWhile(word => !word.EndsWith(name, StringComparison.Ordinal)).Skip(1)];
        int[] range = [.. array.Single(word => word.StartsWith("--array=", StringComparison.Ordinal))["--array=".Length..].Split('-').Select(int.Parse)];
        string[][] tasks = [.. Enumerable.Range(range[0], range[1] - range[0] + 1).Select(i => Script("shard.sbatch", ArgumentsOf(array, "shard.sbatch"), ("SLURM_ARRAY_TASK_ID", $"{i}")))];
        if (!tasks.Select(words => Shell.After("--shard", words)).SequenceEqual(["1/3", "2/3", "3/3"]))
            yield return "the tasks are not the shards 1 to 3 of 3";
        string @out = Path.Combine(shell.Folder, "out");
        if (tasks.Any(words => words is not ["falsify", var file, ..] || file != mine || Shell.After("--cases", words) != "1000" || Shell.After("--out", words) != @out))
            yield return "the tasks run something else";
        if (shell.Run("bash", [Path.Combine(shell.Folder, "shard.sbatch"), .. ArgumentsOf(array, "shard.sbatch")], ("SLURM_ARRAY_TASK_ID", "1")).Exit != 2)
            yield return "a task's exit code is lost";
        if (!merge.Contains("--dependency=afterok:41"))
            yield return "the merge does not wait for the array";
        if (!merge.Contains("--kill-on-invalid-dep=yes"))
            yield return "the merge waits for ever where a shard failed";
        if (!Script("merge.sbatch", ArgumentsOf(merge, "merge.sbatch")).SequenceEqual(["merge", @out, "--out", Path.Combine(@out, "counterexamples")]))
            yield return "the merge reads another folder";

        string[] directives = [.. texts["shard.sbatch"].Split('\n').Where(line => line.StartsWith("#SBATCH ", StringComparison.Ordinal)).Select(line => line["#SBATCH ".Length..])];
        if (!directives.Contains("--requeue"))
            yield return "a killed task is not started again";
        if (!directives.Contains("--open-mode=append"))
            yield return "a task that is started again forgets its log";
        if (!directives.Any(line => line.StartsWith("--signal=B:USR1@", StringComparison.Ordinal)))
            yield return "a task is not told that its time is nearly up";
    }

    private static void Refused((int Exit, string[] Output, string[] Error) run, params string[] words)
    {
        Assert.Equal(2, run.Exit);
        Assert.Empty(run.Output);
        string sentence = Assert.Single(run.Error);
        Assert.StartsWith("submit.sh: ", sentence, StringComparison.Ordinal);
        Assert.EndsWith(".", sentence, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, sentence, StringComparison.Ordinal));
    }
}
