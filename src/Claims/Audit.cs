using System.Collections.Immutable;
using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>
/// A run of positions whose tokens, prefix included, several completions of a group share: a segment of the group's prefix tree.
/// </summary>
/// <param name="Group">The group.</param>
/// <param name="Rows">The completions that share it, as rows of the batch, at least 2.</param>
/// <param name="From">The first position.</param>
/// <param name="Length">The number of positions, at least 1.</param>
public sealed record SharedSegment(int Group, ImmutableArray<int> Rows, int From, int Length)
{
    /// <summary>All segments of a group that at least 2 completions share, from the front. Tokens of unknown id are shared by none.</summary>
    /// <exception cref="InvalidInputException">The batch carries no token ids.</exception>
    public static IEnumerable<SharedSegment> Of(RolloutGroup group) =>
        Below(group, [.. Enumerable.Range(group.FirstRow, group.Count)], 0);

    private static IEnumerable<SharedSegment> Below(RolloutGroup group, ImmutableArray<int> rows, int from)
    {
        int end = from;
        while (rows.All(i => Token(i, end) is { } token && token == Token(rows[0], end)))
            end++;
        if (end > from)
            yield return new(group.Index, rows, from, end - from);
        foreach (var branch in rows.Where(i => Token(i, end) is not null).GroupBy(i => Token(i, end)).Where(branch => branch.Count() > 1))
        {
            foreach (var segment in Below(group, [.. branch], end))
                yield return segment;
        }

        int? Token(int row, int position)
        {
            var ids = group.Batch.Ids(row);
            return position < ids.Length && ids[position] != RolloutBatch.UnknownId ? ids[position] : null;
        }
    }
}

/// <summary>What an objective does to one shared segment.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Pushes">Cₜ = Σᵢ cᵢₜ over the completions that share it, shape [segment].</param>
/// <param name="Sizes">Σᵢ |cᵢₜ|, shape [segment]: what Cₜ would be if nothing cancelled.</param>
/// <param name="Roundings">What rounding leaves of a Cₜ that is zero in the reals, shape [segment].</param>
/// <param name="Causes">Why a prefix that the whole group shares is pushed, in words; empty where it is not, and for a part of the group.</param>
public sealed record SegmentPush(
    SharedSegment Segment, ImmutableArray<double> Pushes, ImmutableArray<double> Sizes, ImmutableArray<double> Roundings, ImmutableArray<string> Causes)
{
    /// <summary>Σₜ |Cₜ| / Σₜ Σᵢ |cᵢₜ|: 0 where all cancels, 1 where nothing does; 0 where there is nothing.</summary>
    public double Relative => Sizes.Sum() is > 0 and var size ? Pushes.Sum(Math.Abs) / size : 0;

    /// <summary>Whether every Cₜ is within rounding of zero.</summary>
    public bool Cancels => Pushes.Zip(Roundings).All(push => Math.Abs(push.First) <= push.Second);
}

/// <summary>A group's rewards and advantages.</summary>
/// <param name="Group">The group.</param>
/// <param name="Covariance">The population covariance of length and shaped reward over the completions that have both, in tokens × reward.</param>
/// <param name="Correlation">The same over the product of their standard deviations; null where one of those is 0.</param>
/// <param name="RewardSpread">max R − min R, in units of reward.</param>
/// <param name="LargestReward">max |R|, in units of reward.</param>
/// <param name="LargestAdvantage">max |A| over the group's tokens.</param>
/// <param name="Signal">What the advantages are made of.</param>
public sealed record GroupAudit(
    int Group, double Covariance, double? Correlation, double RewardSpread, double LargestReward, double LargestAdvantage, AdvantageSignal Signal);

/// <summary>What the advantages of a group are made of.</summary>
public enum AdvantageSignal
{
    /// <summary>Rewards that differ.</summary>
    Rewards,

    /// <summary>Nothing: all are 0.</summary>
    None,

    /// <summary>Rewards that differ by no more than float64 rounds them by: noise, which a division by their spread makes as large as a signal.</summary>
    Rounding,

    /// <summary>Rewards that differ by no more than float32 would round them by: a trainer that keeps rewards in float32 sees noise.</summary>
    SinglePrecisionRounding,
}

/// <summary>Where an objective's own coefficient is 0 although advantage and weight are not.</summary>
/// <param name="Tokens">Trainable tokens with A ≠ 0 and α·μ ≠ 0.</param>
/// <param name="Positive">Those of positive advantage whose coefficient is 0.</param>
/// <param name="Negative">Those of negative advantage whose coefficient is 0.</param>
/// <param name="Dropped">Trainable tokens with A ≠ 0 whose weight α·μ is 0.</param>
public readonly record struct ClippedShare(int Tokens, int Positive, int Negative, int Dropped);

/// <summary>What an objective does to a batch of a user's own.</summary>
public sealed record Audit
{
    // 2⁻²⁴, the unit roundoff of float32.
    private const double SingleRoundoff = 1.0 / (1 << 24);

    /// <summary>The evaluation that was audited.</summary>
    public required Evaluation Evaluation { get; init; }

    /// <summary>Every shared segment; empty where the batch carries no token ids.</summary>
    public required ImmutableArray<SegmentPush> Segments { get; init; }

    /// <summary>Every group.</summary>
    public required ImmutableArray<GroupAudit> Groups { get; init; }

    /// <summary>What the clip, or a mask, took out.</summary>
    public required ClippedShare Clipped { get; init; }

    /// <summary>Audits <paramref name="objective"/> on <paramref name="batch"/>.</summary>
    /// <exception cref="InvalidInputException">The batch lacks what the objective reads, or a result overflows float64.</exception>
    public static Audit Of(SurrogateObjective objective, RolloutBatch batch)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(batch);
        var evaluation = objective.Evaluate(batch);
        return new()
        {
            Evaluation = evaluation,
            Segments = batch.HasIds
                ? [.. Enumerable.Range(0, batch.Groups).SelectMany(g => SharedSegment.Of(batch[g])).Select(segment => Push(objective, batch, evaluation, segment))]
                : [],
            Groups = [.. Enumerable.Range(0, batch.Groups).Select(g => OfGroup(objective, batch, evaluation, g))],
            Clipped = ClippedOf(objective, batch, evaluation),
        };
    }

    private static SegmentPush Push(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, SharedSegment segment)
    {
        double centring = Requirements.AdvantageRounding(objective, batch, evaluation, segment.Group);
        double gain = Math.Abs(objective.Kernel.OnPolicyGain ?? 1);
        var (pushes, sizes, roundings) = (new double[segment.Length], new double[segment.Length], new double[segment.Length]);
        for (int t = 0; t < segment.Length; t++)
        {
            double weight = 0;
            foreach (int row in segment.Rows)
            {
                int token = new Completion(batch, row).TokenAt(segment.From + t);
                if (token < 0)
                    continue;
                pushes[t] += evaluation.Coefficients[token];
                sizes[t] += Math.Abs(evaluation.Coefficients[token]);
                weight += Math.Abs(evaluation.Weights[token]);
            }

            roundings[t] = Tolerance.Summation(segment.Rows.Length + 8, sizes[t]) + (gain * weight * centring);
        }

        var push = new SegmentPush(segment, [.. pushes], [.. sizes], [.. roundings], []);
        return push.Cancels || segment.Rows.Length < batch.GroupSize(segment.Group) ? push : push with { Causes = [.. CausesOf(objective, batch, evaluation, segment, centring)] };
    }

    // The hypotheses of prefix-neutrality, one by one: whichever is broken may push. What remains on-policy is the weights' doing.
    private static IEnumerable<string> CausesOf(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, SharedSegment segment, double centring)
    {
        int[] tokens = [.. segment.Rows.Select(row => new Completion(batch, row).TokenAt(segment.From))];
        if (!objective.Traits.HasFlag(Traits.UnregularisedOnPolicy))
            yield return "penalty";
        if (tokens.Any(token => token < 0))
            yield return "masked completion";
        int[] live = [.. tokens.Where(token => token >= 0)];
        double[] advantages = [.. live.Select(token => evaluation.Advantages[token])], weights = [.. live.Select(token => evaluation.Weights[token])];
        if (Math.Abs(advantages.Sum()) > Tolerance.Summation(live.Length + 8, advantages.Sum(Math.Abs)) + (live.Length * centring))
            yield return "advantages that do not cancel";
        var (logp, old) = (batch[Column.Logp].ToArray(), batch[Column.OldLogp].ToArray());
        bool offPolicy = objective.Kernel.Traits.HasFlag(Traits.SequenceRatio)
            ? segment.Rows.Any(row => Enumerable.Range(batch.Row(row).Start.Value, batch.Length(row)).Any(token => logp[token] != old[token]))
            : live.Any(token => logp[token] != old[token]);
        if (offPolicy)
            yield return "ratios off-policy";
        if (weights.Length > 0 && weights.Max() != weights.Min())
            yield return "unequal weights";
    }

    private static GroupAudit OfGroup(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int g)
    {
        int[] rows = [.. Enumerable.Range(batch[g].FirstRow, batch.GroupSize(g)).Where(i => !double.IsNaN(evaluation.Rewards[i]))];
        double[] rewards = [.. rows.Select(i => evaluation.Rewards[i])], lengths = [.. rows.Select(i => (double)batch.Length(i))];
        double advantage = evaluation.Advantages[batch.GroupTokens(g)].Select(Math.Abs).DefaultIfEmpty().Max();
        double spread = rows.Length > 0 ? rewards.Max() - rewards.Min() : 0, largest = rewards.Select(Math.Abs).DefaultIfEmpty().Max();
        // Only where advantages compare the rewards of a group is a spread of rewards all that they can be made of.
        bool compares = rows.Length > 1 && objective.Advantage.Traits.HasFlag(Traits.ComparesRewards);
        return new(g, Covariance(lengths, rewards), Correlation(lengths, rewards), spread, largest, advantage, (advantage, spread) switch
        {
            (0, _) => AdvantageSignal.None,
            _ when !compares => AdvantageSignal.Rewards,
            _ when spread <= 2 * Tolerance.Summation(rows.Length + 2, largest) => AdvantageSignal.Rounding,
            _ when spread <= 2 * SingleRoundoff * largest => AdvantageSignal.SinglePrecisionRounding,
            _ => AdvantageSignal.Rewards,
        });
    }

    private static double Covariance(double[] x, double[] y) => x.Length == 0 ? 0 : Deviations(x).Zip(Deviations(y), (a, b) => a * b / x.Length).Sum();

    // Of deviations scaled to largest 1, so that no square overflows or underflows.
    private static double? Correlation(double[] x, double[] y)
    {
        double[] a = Scaled(Deviations(x)), b = Scaled(Deviations(y));
        double scale = Math.Sqrt(a.Sum(value => value * value)) * Math.Sqrt(b.Sum(value => value * value));
        return scale > 0 ? Math.Clamp(a.Zip(b, (one, two) => one * two).Sum() / scale, -1, 1) : null;
    }

    // From the first, whose difference to numbers of its size is exact, and then from the mean of those.
    private static double[] Deviations(double[] x)
    {
        double[] differences = [.. x.Select(value => value - x[0])];
        double mean = differences.Select(difference => difference / x.Length).DefaultIfEmpty().Sum();
        return [.. differences.Select(difference => difference - mean)];
    }

    private static double[] Scaled(double[] x) => x.Select(Math.Abs).DefaultIfEmpty().Max() is > 0 and var largest ? [.. x.Select(value => value / largest)] : x;

    // A penalty has a gradient of its own where the clip has none.
    private static ClippedShare ClippedOf(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation)
    {
        double[] coefficients = (objective with { Regularisers = [] }).Evaluate(batch).Coefficients;
        int tokens = 0, positive = 0, negative = 0, dropped = 0;
        for (int t = 0; t < batch.Tokens; t++)
        {
            if (evaluation.Advantages[t] == 0)
                continue;
            if (evaluation.Weights[t] == 0)
            {
                dropped++;
                continue;
            }

            tokens++;
            if (coefficients[t] == 0)
                (evaluation.Advantages[t] > 0 ? ref positive : ref negative)++;
        }

        return new(tokens, positive, negative, dropped);
    }
}
