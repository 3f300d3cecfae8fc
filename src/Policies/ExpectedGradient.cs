using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Policies;

/// <summary>A prompt that a tiny policy answers, with a reward for each of its completions.</summary>
/// <param name="Policy">The policy; the sampler, the behaviour policy and the reference, too, unless said otherwise.</param>
/// <param name="Rewards">R(y), shape [completions].</param>
/// <param name="Count">G, how many completions are drawn.</param>
public sealed record TinyPrompt(TinyPolicy Policy, ImmutableArray<double> Rewards, int Count)
{
    private const double Uniform = 0.5;

    /// <summary>R(y), shape [completions].</summary>
    public ImmutableArray<double> Rewards { get; } = Rewards.Length == Policy.Completions
        ? Rewards
        : throw InvalidInputException.Because($"A tiny prompt needs a reward for each of {Policy.Completions} completions; got {Rewards.Length}.");

    /// <summary>The policy that completions are drawn from, whose log-probs are ℓ°; a policy of the same tree.</summary>
    public TinyPolicy Behaviour { get; init; } = Policy;

    /// <summary>Which completions are masked: their reward counts, and they have no trainable token.</summary>
    public Func<int, bool> Masked { get; init; } = _ => false;

    /// <summary>
    /// Completion <paramref name="y"/> with the columns that <paramref name="objective"/> reads, all of them this very policy's: entropies and
    /// Σπ² of its nodes, ℓʳ and the sampler's ℓ = ℓ°. There is no critic, V = 0, no token earns anything by itself, random numbers are 0.5, and
    /// where several rewards are asked for the first is R(y) and the others are 0.
    /// </summary>
    public Rollout Completion(int y, SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        return Completion(y, objective.Reads, objective.Rewards.Count ?? 2, objective.Advantage.ReadsGreedyReward);
    }

    /// <summary>The same with the columns <paramref name="reads"/>, <paramref name="rewards"/> rewards, and the greedy completion's where it is asked for.</summary>
    public Rollout Completion(int y, IEnumerable<Column> reads, int rewards, bool greedy)
    {
        double[] old = Behaviour.Logps(y);
        var rollout = new Rollout
        {
            Rewards = [Rewards[y], .. Enumerable.Repeat((double?)0, rewards - 1)],
            Logps = Policy.Logps(y),
            OldLogps = old,
            Tokens = [.. Policy.Tokens(y)],
            Mask = Masked(y) ? new bool[old.Length] : null,
            GreedyReward = greedy ? Rewards[Policy.Greedy] : null,
        };
        return reads.Where(column => column is not (Column.Logp or Column.OldLogp)).Aggregate(rollout, (with, column) => with.With(column, column switch
        {
            Column.RefLogp or Column.RolloutLogp => old,
            Column.Entropy => Policy.Entropies(y),
            Column.SumPiSquared => Policy.SumPiSquared(y),
            Column.Random => [.. old.Select(_ => Uniform)],
            _ => new double[old.Length],
        }));
    }
}

/// <summary>Writes ∂J/∂ℓ of a batch at its own log-probs, shape [N].</summary>
public delegate void Coefficients(RolloutBatch batch, Span<double> coefficients);

/// <summary>E[∇J] over every group of completions that can be drawn, without sampling.</summary>
/// <param name="Gradient">Σ over groups of probability · Σ c·∇ℓ, shape [parameters], the prompts' tables one after another.</param>
/// <param name="Magnitude">The same sum of Σ|c|: what the rounding of <paramref name="Gradient"/> is relative to.</param>
/// <param name="Probability">The probability of the groups that were kept: 1 where all are.</param>
/// <param name="Batches">How many batches were evaluated.</param>
/// <param name="Sums">How many sums a term of an entry of <paramref name="Gradient"/> goes through at most.</param>
public sealed record ExpectedGradient(ImmutableArray<double> Gradient, double Magnitude, double Probability, int Batches, int Sums)
{
    /// <summary>
    /// E[∇J] of <paramref name="objective"/> at the current policies, groups drawn from the behaviour policies. Completions are exchangeable, so a
    /// group is a multiset of G completions, of probability G!/Π m_y! · Π π(y)^{m_y}. Where a group's coefficients see no other group the
    /// prompts are enumerated one by one, and together elsewhere.
    /// </summary>
    /// <param name="objective">J.</param>
    /// <param name="prompts">The prompts, at least 1.</param>
    /// <param name="kept">Which groups of a prompt are trained on, given their completions; the others add nothing.</param>
    /// <exception cref="InvalidInputException">The objective refuses a group.</exception>
    public static ExpectedGradient Of(SurrogateObjective objective, ImmutableArray<TinyPrompt> prompts, Func<int, ImmutableArray<int>, bool>? kept = null)
    {
        ArgumentNullException.ThrowIfNull(objective);
        var workspace = new Workspace();
        return Of(
            (batch, coefficients) => objective.Evaluate(batch, batch[Column.Logp], coefficients, workspace),
            (prompt, y) => prompt.Completion(y, objective),
            objective.Traits.HasFlag(Traits.GroupIsolated),
            prompts,
            kept);
    }

    /// <summary>The same of whatever gives coefficients to batches.</summary>
    /// <param name="coefficients">Writes ∂J/∂ℓ of a batch, shape [N].</param>
    /// <param name="completion">A completion of a prompt with all columns that are read.</param>
    /// <param name="isolated">Whether a group's coefficients see no other group.</param>
    /// <param name="prompts">The prompts, at least 1.</param>
    /// <param name="kept">Which groups of a prompt are trained on, given their completions; the others add nothing.</param>
    public static ExpectedGradient Of(
        Coefficients coefficients, Func<TinyPrompt, int, Rollout> completion, bool isolated, ImmutableArray<TinyPrompt> prompts, Func<int, ImmutableArray<int>, bool>? kept = null)
    {
        ArgumentNullException.ThrowIfNull(coefficients);
        ArgumentNullException.ThrowIfNull(completion);
        var sum = new Sum(coefficients, completion, prompts);
        var groups = prompts.Select((prompt, p) => Multisets(prompt.Policy.Completions, prompt.Count).Where(group => kept?.Invoke(p, group) ?? true).Select(group => sum.Rows(p, group))).ToArray();
        if (prompts.Length == 1 || !isolated)
        {
            foreach (var together in Product(groups))
                sum.Add(together, ..prompts.Length, weight: 1);
        }
        else
        {
            // What the others drew is of no matter, only that they are there.
            ImmutableArray<int>[] together = [.. groups.Select(group => group.First())];
            for (int p = 0; p < prompts.Length; p++)
            {
                var first = together[p];
                foreach (var group in groups[p])
                {
                    together[p] = group;
                    sum.Add(together, p..(p + 1), 1.0 / prompts.Length);
                }

                together[p] = first;
            }
        }

        return sum.Result();
    }

    /// <summary>∇ of the mean over prompts of E[R], in the layout of <see cref="Gradient"/>.</summary>
    public static ImmutableArray<double> OfReward(ImmutableArray<TinyPrompt> prompts) =>
        [.. prompts.SelectMany(prompt => prompt.Policy.Gradient(prompt.Rewards.AsSpan()).Select(g => g / prompts.Length))];

    /// <summary>The multisets of <paramref name="size"/> of <paramref name="items"/> items, each in ascending order.</summary>
    public static IEnumerable<ImmutableArray<int>> Multisets(int items, int size)
    {
        var members = new int[size];
        while (true)
        {
            yield return [.. members];
            int last = size - 1;
            while (last >= 0 && members[last] == items - 1)
                last--;
            if (last < 0)
                yield break;
            members.AsSpan(last).Fill(members[last] + 1);
        }
    }

    /// <summary>G!/Π m_y!, in how many orders a multiset can be drawn.</summary>
    public static double Orders(ImmutableArray<int> multiset)
    {
        double orders = 1;
        for (int k = 0, run = 0; k < multiset.Length; k++)
        {
            run = k > 0 && multiset[k] == multiset[k - 1] ? run + 1 : 1;
            orders *= (k + 1.0) / run;
        }

        return orders;
    }

    private static IEnumerable<ImmutableArray<int>[]> Product(IEnumerable<ImmutableArray<int>>[] groups) => groups.Aggregate(
        (IEnumerable<ImmutableArray<int>[]>)[[]], (sofar, own) => sofar.SelectMany(together => own.Select(group => (ImmutableArray<int>[])[.. together, group])));

    /// <summary>
    /// The sum in the making. All completions of all prompts are one batch, whose rows groups are made of. What groups give a completion's tokens is
    /// summed there, and goes through the policies once, at the end.
    /// </summary>
    private sealed class Sum
    {
        private readonly Coefficients _fill;
        private readonly ImmutableArray<TinyPrompt> _prompts;
        private readonly RolloutBatch _completions;
        private readonly double[] _chances;
        private readonly double[] _slopes;
        private readonly int[] _drawn;
        private double[] _coefficients = [];
        private double _magnitude;
        private double _probability;
        private int _batches;

        public Sum(Coefficients fill, Func<TinyPrompt, int, Rollout> completion, ImmutableArray<TinyPrompt> prompts)
        {
            (_fill, _prompts) = (fill, prompts);
            _completions = RolloutBatch.Of([.. prompts.Select(prompt => Enumerable.Range(0, prompt.Policy.Completions).Select(y => completion(prompt, y)).ToArray())]);
            _chances = [.. prompts.SelectMany(prompt => Enumerable.Range(0, prompt.Policy.Completions).Select(prompt.Behaviour.Probability))];
            _slopes = new double[_completions.Tokens];
            _drawn = new int[_completions.Rows];
        }

        /// <summary>The rows of a prompt's completions.</summary>
        public ImmutableArray<int> Rows(int p, ImmutableArray<int> group)
        {
            int first = _completions.Group(p).Start.Value;
            return first == 0 ? group : [.. group.Select(y => first + y)];
        }

        /// <summary>Adds what a batch of groups gives the completions of <paramref name="counted"/> prompts, times their groups' probability.</summary>
        public void Add(ImmutableArray<int>[] groups, Range counted, double weight)
        {
            var batch = _completions.Regrouped(groups);
            if (_coefficients.Length < batch.Tokens)
                _coefficients = new double[batch.Tokens];
            var coefficients = _coefficients.AsSpan(0, batch.Tokens);
            _fill(batch, coefficients);
            double probability = 1;
            foreach (var group in groups.AsSpan(counted))
                probability *= Chance(group);
            for (int p = counted.Start.Value; p < counted.End.Value; p++)
            {
                int first = batch.Group(p).Start.Value;
                for (int k = 0; k < groups[p].Length; k++)
                {
                    var own = coefficients[batch.Row(first + k)];
                    var slopes = _slopes.AsSpan(_completions.Row(groups[p][k]));
                    _drawn[groups[p][k]]++;
                    for (int t = 0; t < own.Length; t++)
                    {
                        double slope = probability * own[t];
                        slopes[t] += slope;
                        _magnitude += Math.Abs(slope);
                    }
                }
            }

            _probability += weight * probability;
            _batches++;
        }

        // A token's slope is summed once for each time that its completion was drawn, and an entry twice for each completion.
        public ExpectedGradient Result() => new(
            [.. _prompts.SelectMany((prompt, p) => PulledBack(prompt.Policy, _completions.Group(p).Start.Value))],
            _magnitude,
            _probability,
            _batches,
            _drawn.Max() + (2 * _prompts.Max(prompt => prompt.Policy.Completions)));

        private double[] PulledBack(TinyPolicy policy, int first)
        {
            var gradient = new double[policy.Parameters];
            for (int y = 0; y < policy.Completions; y++)
                policy.AddScore(y, _slopes.AsSpan(_completions.Row(first + y)), gradient);
            return gradient;
        }

        private double Chance(ImmutableArray<int> group)
        {
            double chance = Orders(group);
            foreach (int row in group)
                chance *= _chances[row];
            return chance;
        }
    }
}
