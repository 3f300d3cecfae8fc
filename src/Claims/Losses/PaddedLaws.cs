using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>The padded world: what rectangles, masks and the order of rows must not do to a gradient.</summary>
public static class PaddedLaws
{
    private static readonly ImmutableArray<double> s_nonFinite = [double.NaN, double.PositiveInfinity, double.NegativeInfinity];

    /// <summary>Finite numbers at masked places.</summary>
    public static LossClaim Garbage { get; } = Laid(
        "padding-garbage",
        "Finite garbage at masked places (padding, a tool's output, a fully masked completion) changes no gradient and gets none itself.",
        LossPromises.None,
        (_, cases) => cases,
        _ => new() { ExtraColumns = 1, Filler = (column, row, t) => -0.25 - (((7 * row) + (3 * t) + (5 * (int)column)) % 11) },
        "with garbage at masked places",
        "the gradient depends on whatever the model says of padding, which no reward ever judged");

    /// <summary>NaN and ∞ at masked places.</summary>
    public static LossClaim NonFinite { get; } = Laid(
        "padding-non-finite",
        "NaN and ∞ at masked places change no gradient and get none: a mask chooses, it does not multiply (0·NaN is NaN, forwards and backwards).",
        LossPromises.NonFinitePadding,
        (_, cases) => cases,
        _ => new() { ExtraColumns = 1, Filler = (column, row, t) => s_nonFinite[(row + t + (int)column) % 3] },
        "with NaN and infinities at masked places",
        "one padded log-prob of −∞ turns the whole step into NaN");

    /// <summary>More padding.</summary>
    public static LossClaim Width { get; } = Laid(
        "padding-invariance",
        "Two more columns of padding change no gradient.",
        LossPromises.WidthBlind,
        (_, cases) => cases,
        _ => new() { ExtraColumns = 2 },
        "with two more columns of padding",
        "the step size depends on the longest completion that happens to share the batch");

    /// <summary>N = T.</summary>
    public static LossClaim Square { get; } = Laid(
        "square-batch",
        "A batch of as many rows as columns is a batch like any other: one more column changes no gradient. Only at N = T does [N] spread over columns where rows were meant.",
        LossPromises.WidthBlind,
        (_, cases) => cases with { Square = true },
        _ => new() { ExtraColumns = 1 },
        "one column wider than its N = T",
        "at N = T every advantage meets the wrong tokens, silently");

    /// <summary>T = 1.</summary>
    public static LossClaim OneToken { get; } = Laid(
        "one-token",
        "Completions of one token are completions like any other: a second column, of padding, changes no gradient. Only at T = 1 does a squeeze take the column away.",
        LossPromises.WidthBlind,
        (_, cases) => cases with { LongestCompletion = 1, Square = false },
        _ => new() { ExtraColumns = 1 },
        "with a second column beside its only one",
        "short answers are trained by a mixture of each other's advantages");

    /// <summary>Rows in another order.</summary>
    public static LossClaim RowPermutation { get; } = Laid(
        "row-permutation",
        "The completions of a group in another order have the same gradients.",
        LossPromises.None,
        (_, cases) => cases,
        batch => new() { Order = [.. Enumerable.Range(0, batch.Groups).SelectMany(g => Enumerable.Range(batch[g].FirstRow, batch.GroupSize(g)).Reverse())] },
        "with each group's completions in the opposite order",
        "what a completion learns depends on when it was sampled");

    /// <summary>Groups interleaved.</summary>
    public static LossClaim Interleaved { get; } = Laid(
        "interleaved-groups",
        "Groups are told by their labels: rows that alternate between groups, under labels in no order, have the same gradients.",
        LossPromises.None,
        (_, cases) => cases with { Prompts = 2 },
        batch => new() { Order = [.. Alternating(batch)], Labels = [.. Enumerable.Range(0, batch.Groups).Select(g => 5 - (3 * g))] },
        "with the rows of its groups interleaved",
        "after a shuffle or a sampler without grouping, completions are compared with those of other prompts");

    /// <summary>A masked completion.</summary>
    public static LossClaim DeadRow { get; } = LossLaw.Contract(
        "dead-row",
        "A fully masked completion leaves loss and gradients finite and has none itself, whatever its group does with its reward; groups without one are at most multiplied by one common factor.",
        LossPromises.MaskedRowsOnlyRescale | LossPromises.GroupIsolated,
        (_, cases) => cases with { DeadRows = Presence.Never, Prompts = 2 },
        (subject, batch) =>
        {
            var (before, masked) = (subject.Ask(batch), Masked(batch));
            return Scaled(subject, batch, before.Coefficients, subject.Ask(masked), batch.GroupTokens(0).End.Value, masked.GroupTokens(0).End.Value);
        },
        (subject, batch, worst) => Explain(subject.Ask(Masked(batch)), worst, "the first completion of group 0 fully masked"),
        "one truncated completion stops the run with NaN, or shifts what others learn");

    /// <summary>Masked completions as a group of their own.</summary>
    public static LossClaim DeadGroup { get; } = LossLaw.Contract(
        "dead-group",
        "A prompt whose completions are all fully masked multiplies the gradients of the others by one common factor at most (1, or that of more rows, tokens or prompts to average over), and leaves them finite.",
        LossPromises.MaskedRowsOnlyRescale | LossPromises.GroupIsolated,
        (_, cases) => cases,
        (subject, batch) => Scaled(subject, batch, subject.Ask(batch).Coefficients, subject.Ask(WithDeadGroup(batch)), 0, 0),
        (subject, batch, worst) => Explain(subject.Ask(WithDeadGroup(batch)), worst, "a group of fully masked completions beside the others"),
        "one filtered prompt stops the run with NaN, or shifts what others learn");

    /// <summary>A completion alone in its group.</summary>
    public static LossClaim Lone { get; } = LossLaw.Contract(
        "lone-completion",
        "A prompt with a single completion leaves loss and gradients finite, and multiplies the gradients of the others by one common factor at most: there is nothing to compare it with.",
        LossPromises.LoneCompletions | LossPromises.MaskedRowsOnlyRescale | LossPromises.GroupIsolated,
        (_, cases) => cases,
        (subject, batch) => Scaled(subject, batch, subject.Ask(batch).Coefficients, subject.Ask(WithLone(batch)), 0, 0),
        (subject, batch, worst) => Explain(subject.Ask(WithLone(batch)), worst, "a prompt with a single completion beside the others"),
        "one prompt whose other completions were filtered away stops the run with NaN");

    private static LossClaim Laid(
        string id, string statement, LossPromises needs, Func<LossSubject, RolloutDomain, RolloutDomain> cases, Func<RolloutBatch, Padding> how, string change, string consequence) =>
        LossLaw.Contract(
            id,
            statement,
            needs,
            cases,
            (subject, batch) =>
            {
                var (plain, laid) = (subject.Ask(batch, Bare(how(batch))), subject.Ask(batch, how(batch)));
                var gap = LossLaw.Gap(subject, batch, plain.Coefficients, laid.Coefficients);
                return gap.Worst(new(laid.MaskedGradient, 0, 0, -1)).Worst(new(plain.MaskedGradient, 0, 0, -1));
            },
            (subject, batch, worst) => worst.Position < 0
                ? string.Create(CultureInfo.InvariantCulture, $"{change}, a masked place has a gradient of size {worst.Measured:G6}")
                : LossLaw.Difference(batch, worst, change, subject.Ask(batch, Bare(how(batch))).Coefficients, subject.Ask(batch, how(batch)).Coefficients),
            consequence);

    // Garbage is compared with zeros in the same places, everything else with the batch as it is.
    private static Padding Bare(Padding padding) => padding.Filler is null ? new() : padding with { Filler = null };

    private static IEnumerable<int> Alternating(RolloutBatch batch) => Enumerable.Range(0, batch.Rows)
        .OrderBy(i => i - batch[batch.GroupOf(i)].FirstRow).ThenByDescending(batch.GroupOf);

    private static RolloutBatch Masked(RolloutBatch batch) => RolloutBatch.Of(
    [
        .. batch.ToRollouts().Select((group, g) => group.Select((row, k) => g + k == 0 ? row with { Mask = new bool[row.Logps.Length] } : row).ToArray()),
    ]);

    private static RolloutBatch WithDeadGroup(RolloutBatch batch)
    {
        var groups = batch.ToRollouts();
        return RolloutBatch.Of([.. groups.Select(group => group.ToArray()), [.. groups[0].Select(row => row with { Mask = new bool[row.Logps.Length] })]]);
    }

    private static RolloutBatch WithLone(RolloutBatch batch)
    {
        var groups = batch.ToRollouts();
        return RolloutBatch.Of([.. groups.Select(group => group.ToArray()), [groups[0].FirstOrDefault(row => row.Mask?.Contains(true) ?? true) ?? groups[0][0]]]);
    }

    // Tokens from two places on are one another's, up to a factor; everything is finite, and nothing masked has a gradient.
    private static Measurement Scaled(LossSubject subject, RolloutBatch batch, double[] before, LossResponse after, int fromBefore, int fromAfter)
    {
        double[] own = before[fromBefore..], other = after.Coefficients[fromAfter..(fromAfter + own.Length)];
        bool finite = double.IsFinite(after.Value) && after.Coefficients.All(double.IsFinite);
        if (!finite || after.MaskedGradient != 0)
            return new(finite ? after.MaskedGradient : double.NaN, 0, 0, -1);
        double factor = LossLaw.Factor(own, other);
        double[] expected = [.. before];
        for (int t = 0; t < own.Length; t++)
            expected[fromBefore + t] = factor * own[t];
        double[] got = [.. before[..fromBefore], .. other];
        return factor > 0 ? LossLaw.Gap(subject, batch, expected, got, LossLaw.CountGuard) : new(-factor, 0, 0, -2);
    }

    private static string Explain(LossResponse after, Measurement worst, string change) => worst.Position switch
    {
        -1 when double.IsNaN(worst.Measured) => $"with {change} the loss is {Text(after.Value)} and some gradient is not a finite number",
        -1 => $"with {change} a masked place has a gradient of size {Text(worst.Measured)}",
        -2 => $"with {change} the other gradients are multiplied by {Text(-worst.Measured)}",
        _ => $"with {change} the other gradients are not all multiplied by one number: token {worst.Position} is off by {Text(worst.Measured)}",
    };

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
