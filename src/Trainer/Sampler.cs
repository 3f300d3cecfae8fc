using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Policies;

namespace GroupRL.Trainer;

/// <summary>The completions of a step, group after group.</summary>
/// <param name="Sequences">The completions, shape [B].</param>
/// <param name="LogProbs">log π of their tokens as they were drawn, nats, ragged.</param>
internal sealed record Samples(ImmutableArray<Sequence> Sequences, double[][] LogProbs);

/// <summary>
/// Draws completions token by token. Every token of every completion has a uniform number of its own, a function of the seed, the step, the
/// completion and the position: two runs that differ a little draw the same but where the difference decides.
/// </summary>
internal sealed class Sampler(VerifiableTask task, IPolicy policy, int groupSize, ulong seed)
{
    /// <summary>One group a prompt, drawn from the policy at <paramref name="theta"/>.</summary>
    public Samples Draw(ReadOnlySpan<double> theta, int step) => Complete(
        theta,
        [.. Enumerable.Range(0, task.Prompts).SelectMany(prompt => Enumerable.Repeat(prompt, groupSize))],
        (pi, k, row, position) => pi.Drawn(k, Uniform(step, position < task.Opening ? row - (row % groupSize) : row, position)));

    /// <summary>The completion of the likeliest tokens, one a prompt.</summary>
    public Samples Greedy(ReadOnlySpan<double> theta) => Complete(theta, [.. Enumerable.Range(0, task.Prompts)], (pi, k, _, _) => pi.Likeliest(k));

    /// <summary>A uniform number in [0, 1) of a place.</summary>
    public double Uniform(params ReadOnlySpan<int> place)
    {
        // Mixed before a coordinate enters: seed 1 at step 0 is not seed 0 at step 1.
        ulong mixed = new Draw(seed, 0).Bits();
        foreach (int coordinate in place)
            mixed = new Draw(mixed ^ (uint)coordinate, 0).Bits();
        return new Draw(mixed, 0).Unit();
    }

    private Samples Complete(ReadOnlySpan<double> theta, int[] prompts, Func<TokenDistributions, int, int, int, int> choose)
    {
        List<int>[] tokens = [.. prompts.Select(_ => new List<int>())];
        List<double>[] logps = [.. prompts.Select(_ => new List<double>())];
        int[] open = [.. Enumerable.Range(0, prompts.Length)];
        for (int position = 0; open.Length > 0; position++)
        {
            // The token to come stands there only so that its context is asked for.
            Sequence[] asked = [.. open.Select(row => new Sequence(prompts[row], [.. tokens[row], 0]))];
            using var pass = policy.Forward(theta, asked);
            var pi = new TokenDistributions(pass.Logits, task.Vocabulary);
            foreach (var (k, row) in open.Index())
            {
                int context = (k * (position + 1)) + position, token = choose(pi, context, row, position);
                tokens[row].Add(token);
                logps[row].Add(pi.LogPi(context)[token]);
            }

            open = [.. open.Where(row => !task.IsOver([.. tokens[row]]))];
        }

        return new([.. prompts.Zip(tokens, (prompt, own) => new Sequence(prompt, [.. own]))], [.. logps.Select(own => own.ToArray())]);
    }
}
