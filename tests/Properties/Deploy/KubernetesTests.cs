using k8s;
using k8s.Models;
using Xunit;
using YamlDotNet.Core;

namespace GroupRL.Properties.Deploy;

/// <summary>The jobs of deploy/kubernetes, read as the types of the API, and their commands run as the pods would run them.</summary>
public sealed class KubernetesTests
{
    private static readonly string s_shards = File.ReadAllText(Repository.Path("deploy/kubernetes/shards.yaml"));
    private static readonly string s_merge = File.ReadAllText(Repository.Path("deploy/kubernetes/merge.yaml"));

    [BashFact]
    public void The_pods_of_an_indexed_job_are_all_shards_and_each_one_once() => Assert.Empty(Faults(s_shards, s_merge));

    [BashTheory]
    [InlineData("completionMode: Indexed", "completionMode: NonIndexed", "the job is not indexed")]
    [InlineData("completions: 8", "completions: 9", "the pods are not the shards 1 to 9 of 9")]
    [InlineData("parallelism: 8", "parallelism: 7", "not all pods run at once")]
    [InlineData("value: \"8\"", "value: \"9\"", "the pods are not the shards 1 to 8 of 8")]
    [InlineData("INDEX + 1", "INDEX + 0", "the pods are not the shards 1 to 8 of 8")]
    [InlineData("--cases \"$CASES\"", "", "the cases are not passed")]
    [InlineData("--out \"$OUT\"", "--out /tmp", "the shards do not write to the volume")]
    [InlineData("mountPath: /search", "mountPath: /elsewhere", "the shards do not write to the volume")]
    [InlineData("name: grouprl-search", "name: other-search", "the volume is not claimed")]
    [InlineData("ReadWriteMany", "ReadWriteOnce", "pods of several nodes cannot write")]
    [InlineData("restartPolicy: Never", "restartPolicy: OnFailure", "failures are not counted for each shard")]
    [InlineData("backoffLimitPerIndex: 5", "backoffLimit: 5", "failures are not counted for each shard")]
    [InlineData("podReplacementPolicy: Failed", "podReplacementPolicy: TerminatingOrFailed", "two pods can write one shard")]
    [InlineData("- action: Ignore", "- {action: FailJob, onExitCodes: {operator: In, values: [2]}}\n      - action: Ignore", "one failure ends the search")]
    public void Other_jobs_of_shards_are_refused(string piece, string other, string fault) => Assert.Contains(fault, Faults(Shell.Mutate(s_shards, piece, other), s_merge));

    [BashTheory]
    [InlineData("[merge, /search]", "[merge, /other]", "the merge does not read what the shards wrote")]
    [InlineData("claimName: grouprl-search", "claimName: other-search", "the merge does not read what the shards wrote")]
    [InlineData("workingDir: /search", "workingDir: /", "the merge has no place for counterexamples")]
    [InlineData("backoffLimit: 0", "backoffLimit: 6", "a verdict is tried again")]
    [InlineData("image: grouprl:latest", "image: other:latest", "the merge has another image")]
    public void Other_jobs_of_a_merge_are_refused(string piece, string other, string fault) => Assert.Contains(fault, Faults(s_shards, Shell.Mutate(s_merge, piece, other)));

    [Fact]
    public void A_field_that_the_api_does_not_have_is_no_job() =>
        Assert.Contains("completionMood", Assert.Throws<YamlException>(() => Read(Shell.Mutate(s_shards, "completionMode", "completionMood"))).Message, StringComparison.Ordinal);

    private static (V1PersistentVolumeClaim Claim, V1Job Job) Read(string shards)
    {
        string[] documents = shards.Split("\n---\n");
        return (KubernetesYaml.Deserialize<V1PersistentVolumeClaim>(documents[0], strict: true), KubernetesYaml.Deserialize<V1Job>(documents[1], strict: true));
    }

    private static IEnumerable<string> Faults(string shardsText, string mergeText)
    {
        var (claim, job) = Read(shardsText);
        var merge = KubernetesYaml.Deserialize<V1Job>(mergeText, strict: true);
        int n = job.Spec.Completions ?? 0;
        var pod = job.Spec.Template.Spec;
        using var shell = new Shell();
        shell.Program("grouprl", Shell.Echo);
        var commands = Enumerable.Range(0, n).Select(index => Command(shell, pod.Containers[0], index)).ToArray();
        string? volume = MountOf(job, claim.Metadata.Name);

        if (job.Spec.CompletionMode != "Indexed")
            yield return "the job is not indexed";
        if (job.Spec.Parallelism != n)
            yield return "not all pods run at once";
        if (!commands.Select(words => Shell.After("--shard", words)).SequenceEqual(Enumerable.Range(1, n).Select(i => $"{i}/{n}")))
            yield return $"the pods are not the shards 1 to {n} of {n}";
        if (commands.Any(words => Shell.After("--cases", words) != Variable(pod.Containers[0], "CASES")))
            yield return "the cases are not passed";
        if (volume is null)
            yield return "the volume is not claimed";
        if (commands.Any(words => Shell.After("--out", words) != volume))
            yield return "the shards do not write to the volume";
        if (!claim.Spec.AccessModes.Contains("ReadWriteMany"))
            yield return "pods of several nodes cannot write";
        if (pod.RestartPolicy != "Never" || job.Spec.BackoffLimitPerIndex is null)
            yield return "failures are not counted for each shard";
        if (job.Spec.PodReplacementPolicy != "Failed")
            yield return "two pods can write one shard";
        // A full volume and a lock that a lost node still holds end with the code of bad input.
        if (job.Spec.PodFailurePolicy.Rules.Any(rule => rule.Action == "FailJob"))
            yield return "one failure ends the search";

        var merger = merge.Spec.Template.Spec.Containers[0];
        if (!merger.Args.SequenceEqual(["merge", MountOf(merge, claim.Metadata.Name)]))
            yield return "the merge does not read what the shards wrote";
        if (merger.WorkingDir != volume)
            yield return "the merge has no place for counterexamples";
        if (merge.Spec.BackoffLimit != 0)
            yield return "a verdict is tried again";
        if (merger.Image != pod.Containers[0].Image)
            yield return "the merge has another image";
    }

    // Where a job's first container sees the volume of a claim; null where it does not.
    private static string? MountOf(V1Job job, string claim)
    {
        var pod = job.Spec.Template.Spec;
        var volume = pod.Volumes.FirstOrDefault(volume => volume.PersistentVolumeClaim?.ClaimName == claim);
        return pod.Containers[0].VolumeMounts.FirstOrDefault(mount => mount.Name == volume?.Name)?.MountPath;
    }

    private static string? Variable(V1Container container, string name) => container.Env.FirstOrDefault(variable => variable.Name == name)?.Value;

    // The words that grouprl gets in the pod of an index.
    private static string[] Command(Shell shell, V1Container container, int index)
    {
        var (exit, output, error) = shell.Run(
            container.Command[0],
            [.. container.Command.Skip(1), .. container.Args],
            [("JOB_COMPLETION_INDEX", $"{index}"), .. container.Env.Select(variable => (variable.Name, variable.Value))]);
        Assert.Empty(error);
        Assert.Equal(0, exit);
        return output;
    }
}
