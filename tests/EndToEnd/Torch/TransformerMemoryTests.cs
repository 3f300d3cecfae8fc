using GroupRL.Policies;
using GroupRL.Torch;
using Xunit;
using static GroupRL.EndToEnd.TransformerCases;
using static TorchSharp.torch;

namespace GroupRL.EndToEnd;

/// <summary>Tests that count all tensors of the process, and so run while no other does.</summary>
[CollectionDefinition(nameof(TransformerMemory), DisableParallelization = true)]
public sealed class TransformerMemory;

/// <summary>What passes leave behind.</summary>
[Collection(nameof(TransformerMemory))]
public class TransformerMemoryTests
{
    // θ in float32 has 14 kB, so that ten thousand kept ones would be 138 MB, and one in eight would show.
    private const long Growth = 16 << 20;

    private static readonly TransformerSettings s_tiny = new() { Vocabulary = 3, Prompts = 1, Limit = 2, Layers = 1, Heads = 1, Width = 16, Device = "cpu" };
    private static readonly Sequence[] s_sequences = [new(0, [1, 2]), new(0, [2])];

    [Fact]
    public void Ten_thousand_steps_leave_nothing_behind_and_kept_ones_would_show()
    {
        var policy = new TransformerPolicy(s_tiny);
        double[] theta = Theta(policy, 30), slopes = Uniform(31, 9);
        Steps(2000);
        long tensors = Tensor.TotalCount, memory = WorkingSet();
        Steps(10_000);

        Assert.Equal(tensors, Tensor.TotalCount);
        Assert.InRange(WorkingSet() - memory, long.MinValue, Growth);

        IForwardPass[] kept = [.. Enumerable.Range(0, 2500).Select(_ => policy.Forward(theta, s_sequences))];
        Assert.InRange(WorkingSet() - memory, Growth, long.MaxValue);
        foreach (var pass in kept)
            pass.Dispose();

        void Steps(int count)
        {
            for (int step = 0; step < count; step++)
                PullBack(policy, theta, s_sequences, slopes);
        }
    }

    [Fact]
    public void A_pass_keeps_its_parameters_and_logits_until_it_is_disposed_of_whatever_scope_it_was_made_in()
    {
        var policy = new TransformerPolicy(s_tiny);
        double[] theta = Theta(policy, 32);
        long before = Tensor.TotalCount;
        IForwardPass pass;
        using (NewDisposeScope())
            pass = policy.Forward(theta, [new(0, [1, 2])]);

        Assert.Equal(before + 2, Tensor.TotalCount);
        Assert.Contains(pass.PullBack([1, 0, 0, 0, 0, 0]), own => own != 0);
        Assert.Equal(before + 2, Tensor.TotalCount);
        pass.Dispose();
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public async Task Logits_and_gradients_do_not_move_while_the_collector_frees_what_they_are_made_of()
    {
        var policy = new TransformerPolicy(s_tiny);
        double[] theta = Theta(policy, 34), slopes = Uniform(35, 9), logits = Logits(policy, theta, s_sequences);
        double[] gradient = PullBack(policy, theta, s_sequences, slopes);
        using var done = new CancellationTokenSource();
        var collector = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });

        for (int step = 0; step < 2000; step++)
        {
            using var pass = policy.Forward(theta, s_sequences);
            Assert.Equal(logits, pass.Logits.ToArray());
            Assert.Equal(gradient, pass.PullBack(slopes));
        }

        await done.CancelAsync();
        await collector;
    }

    private static long WorkingSet()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return Environment.WorkingSet;
    }
}
