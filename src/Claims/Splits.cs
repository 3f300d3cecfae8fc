using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using ObjectiveClaim = GroupRL.Claims.Claim<GroupRL.Objectives.SurrogateObjective, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>
/// Family M, splits: the gradient of a batch against those of its micro-batches, or devices, put together as trainers do. Advantages are
/// computed before the split.
/// </summary>
public static class Splits
{
    private const string Hypothesis = "advantages are computed before the split";

    private const string Consequence = "micro-batches, or devices, that are put together so train another objective than the whole batch";

    /// <summary>The mean of the parts' coefficients.</summary>
    public static ObjectiveClaim MeanOfMeans { get; } = Between(
        "split-mean-of-means",
        "With as many prompts and rows in each part, the mean of the coefficients of micro-batches (or devices) that hold whole groups is the batch's. True of averages over prompts or rows; token means need equal token counts, sums a sum.",
        Share.Prompts,
        equal: true,
        share => share is Share.Prompts or Share.Rows or Share.LiveRows);

    /// <summary>The mean weighted by rows.</summary>
    public static ObjectiveClaim RowWeighted { get; } = Between(
        "split-row-weighted",
        "The mean, weighted by their rows, of the coefficients of micro-batches (or devices) that hold whole groups is the batch's: true of averages over all rows, whatever the parts.",
        Share.Rows,
        equal: false,
        share => share is Share.Rows or Share.LiveRows);

    /// <summary>The mean weighted by tokens.</summary>
    public static ObjectiveClaim TokenWeighted { get; } = Between(
        "split-token-weighted",
        "The mean, weighted by their trainable tokens, of the coefficients of micro-batches (or devices) that hold whole groups is the batch's: true of means over each part's own tokens.",
        Share.Tokens,
        equal: false,
        share => share == Share.Tokens);

    /// <summary>The sum.</summary>
    public static ObjectiveClaim Sum { get; } = Between(
        "split-sum",
        "The sum of the coefficients of micro-batches (or devices) that hold whole groups is the batch's: true where a token's weight does not see how large its part is, as under a divisor that counts the accumulated batch.",
        Share.Whole,
        equal: false,
        share => share == Share.Whole);

    /// <summary>A cut inside a group.</summary>
    public static ObjectiveClaim WithinGroup { get; } = new()
    {
        Id = "split-within-group",
        Describes = true,
        Family = Family.Surrogate,
        Statement = "A cut inside a group, too, leaves the coefficients as they are, if the parts are put together by the objective's own share (rows, tokens, or a sum). Averages over prompts, and kernels or weights that see their group, need whole groups.",
        Hypotheses = [Hypothesis, "two parts, the first without the last row"],
        Source = "derived here",
        Quantity = "|cᵢₜ − Σ share·cᵢₜ of its part|",
        Consequence = Consequence,
        Missing = objective => objective.Share() == Share.None ? "a share by which parts add up" : null,
        Expect = objective => objective switch
        {
            _ when objective.Share() == Share.Prompts => Expectation.Refuted("an average over prompts counts a group that is cut twice"),
            { Kernel: not RowKernel } => Expectation.Refuted("the kernel couples the rows of a group"),
            _ when objective.WeighsByGroup() => Expectation.Refuted("a weight sees the other rows of its group"),
            _ => Expectation.Holds("rows do not see each other"),
        },
        Domain = objective => Requirements.Domain(objective) with { DeadRows = Presence.Never, SharedPrefix = true, Bounds = null },
        Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? SharedPrefix.DeadRow(batch),
        Measure = (objective, batch) => Gap(objective, batch, Cut(batch, batch.Rows - 1), (part, whole) => objective.Share().Of(part, whole)),
        Why = Explain,
    };

    private static ObjectiveClaim Between(
        string id, string statement, Share by, bool equal, Func<Share, bool> adds) => new()
        {
            Id = id,
            Describes = true,
            Family = Family.Surrogate,
            Statement = statement,
            Hypotheses = [Hypothesis, equal ? "two prompts with groups of one size, one a part" : "2 or 3 prompts, the first one alone in its part", "every row has a trainable token"],
            Source = "derived here",
            Quantity = "|cᵢₜ − share·cᵢₜ of its part|",
            Consequence = Consequence,
            Missing = _ => null,
            Expect = objective => adds(objective.Share())
                ? Expectation.Holds(equal ? "both parts have the same share" : $"parts add up {InWords(by)}")
                : Expectation.Refuted($"parts add up {InWords(objective.Share())}"),
            Domain = objective => Requirements.Domain(objective) with { DeadRows = Presence.Never, Prompts = equal ? 2 : 3, EqualGroups = equal },
            Outside = (_, batch) => Requirements.SingleCompletion(batch) ?? SharedPrefix.DeadRow(batch) ?? NotSplit(batch, equal),
            Measure = (objective, batch) => Gap(objective, batch, Cut(batch, batch.GroupSize(0)), (part, whole) => by.Of(part, whole)),
            Why = Explain,
        };

    private static string InWords(Share share) => share switch
    {
        Share.Prompts => "weighed by their prompts",
        Share.Rows or Share.LiveRows => "weighed by their rows",
        Share.Tokens => "weighed by their tokens",
        Share.Whole => "as they are",
        _ => "by no share",
    };

    private static string? NotSplit(RolloutBatch batch, bool equal)
    {
        if (batch.Groups < 2)
            return "a batch that is split has 2 prompts or more; this one has 1";
        return equal && (batch.Groups != 2 || batch.GroupSize(0) != batch.GroupSize(1))
            ? FormattableString.Invariant($"parts are of one size: two prompts with groups of one size; there are {batch.Groups} with groups of {batch.GroupSize(0)} and {batch.GroupSize(1)}")
            : null;
    }

    private static (RolloutBatch First, RolloutBatch Second) Cut(RolloutBatch batch, int rows)
    {
        List<Rollout[]> first = [], second = [];
        int seen = 0;
        foreach (var group in batch.ToRollouts())
        {
            int kept = Math.Clamp(rows - seen, 0, group.Count);
            if (kept > 0)
                first.Add([.. group.Take(kept)]);
            if (kept < group.Count)
                second.Add([.. group.Skip(kept)]);
            seen += group.Count;
        }

        return (RolloutBatch.Of(first.ToArray()), RolloutBatch.Of(second.ToArray()));
    }

    private static Measurement Gap(
        SurrogateObjective objective, RolloutBatch batch, (RolloutBatch First, RolloutBatch Second) parts, Func<RolloutBatch, RolloutBatch, double> share)
    {
        var evaluation = objective.Evaluate(batch);
        double[]? unregularised = objective.Regularisers.IsEmpty ? null : (objective with { Regularisers = [] }).Evaluate(batch).Coefficients;
        var worst = new Measurement(0, 0);
        int start = 0;
        foreach (var part in new[] { parts.First, parts.Second })
        {
            double[] own = objective.OfPart(part, batch, evaluation.Advantages[start..(start + part.Tokens)]).Evaluate(part).Coefficients;
            for (int t = 0; t < own.Length; t++)
            {
                double weighed = share(part, batch) * own[t], whole = evaluation.Coefficients[start + t];
                double surrogate = Math.Abs(unregularised?[start + t] ?? 0);
                // The same numbers, once divided by one count and once by two: a few roundings of each summand.
                double bound = Tolerance.Summation(24 + Requirements.RowRoundings(objective, batch), Math.Abs(whole) + Math.Abs(weighed) + surrogate + Pull(objective, batch, evaluation, start + t))
                    + (objective.Kernel is RowKernel ? 0 : Requirements.PullRounding(objective, batch, evaluation, batch.GroupOf(RowOf(batch, start + t))));
                worst = worst.Worst(new(Math.Abs(weighed - whole), bound, 0, start + t));
            }

            start += own.Length;
        }

        return worst;
    }

    // |αA|: what a coefficient is made of where it cancels; in a kernel that couples rows, the largest of the group.
    private static double Pull(SurrogateObjective objective, RolloutBatch batch, Evaluation evaluation, int token)
    {
        var (first, length) = objective.Kernel is RowKernel ? (token, 1) : batch.GroupTokens(batch.GroupOf(RowOf(batch, token))).GetOffsetAndLength(batch.Tokens);
        return Enumerable.Range(first, length).Max(t => Math.Abs(evaluation.Weights[t] * evaluation.Advantages[t]));
    }

    private static int RowOf(RolloutBatch batch, int token) => Enumerable.Range(0, batch.Rows).First(i => token < batch.Row(i).End.Value);

    private static string Explain(SurrogateObjective objective, RolloutBatch batch, Measurement worst) => string.Create(
        CultureInfo.InvariantCulture,
        $"the coefficient of {batch.PlaceOf(worst.Position)} is {objective.Evaluate(batch).Coefficients[worst.Position]:G6} in the batch, and off that by {worst.Measured:G3} when its parts are put together");
}
