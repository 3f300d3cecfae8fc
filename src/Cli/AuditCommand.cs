using System.Globalization;
using System.Text.Json.Nodes;
using GroupRL.Claims;
using GroupRL.Objectives;
using Spectre.Console;

namespace GroupRL.Cli;

/// <summary><c>grouprl audit</c>: what an objective does to a user's own rollouts, and what another would have done.</summary>
internal sealed class AuditCommand(Terminal terminal, bool json)
{
    private const int LongestTable = 20;

    private readonly Report _report = new(terminal);

    /// <summary>Audits and prints; nothing is judged, so the exit code is 0.</summary>
    public int Run(Proposal proposal, Proposal other, RolloutBatch batch, string file)
    {
        var audit = Files.Within(file, () => Audit.Of(proposal.Objective, batch));
        var (instead, refusal) = Instead(other, batch);
        if (json)
            _report.Print(ToJson(proposal, other, batch, audit, instead, refusal));
        else
            Show(proposal, other, batch, audit, instead, refusal);
        return ExitCode.Kept;
    }

    // A batch may lack what the other objective reads: then its column is missing, not the audit.
    private static (Audit? Audit, string Refusal) Instead(Proposal other, RolloutBatch batch)
    {
        try
        {
            return (Audit.Of(other.Objective, batch), "");
        }
        catch (InvalidInputException error)
        {
            return (null, error.Message);
        }
    }

    private void Show(Proposal proposal, Proposal other, RolloutBatch batch, Audit audit, Audit? instead, string refusal)
    {
        _report.Line(Markup.Escape(FormattableString.Invariant(
            $"{proposal.Name} on {batch.Groups} prompts, {batch.Rows} completions, {batch.Tokens} trainable tokens: value {Report.Number(audit.Evaluation.Value)}")));
        ShowSegments(batch, audit, other, instead);
        ShowGroups(audit);
        ShowClipped(batch, audit.Clipped);
        terminal.Output.WriteLine();
        terminal.Output.WriteLine(instead is null
            ? $"{other.Name} instead: not to be had on this batch. {refusal}"
            : $"{other.Name} instead: {InWords(Comparison.Of(audit.Evaluation.Coefficients, instead.Evaluation.Coefficients), batch, proposal.Name, other.Name)}.");
    }

    private void ShowSegments(RolloutBatch batch, Audit audit, Proposal other, Audit? instead)
    {
        terminal.Output.WriteLine();
        if (!batch.HasIds)
        {
            terminal.Output.WriteLine("Shared prefixes: unknown, for the batch carries no tokens.");
            return;
        }

        SegmentPush[] shared = [.. audit.Segments.Where(push => batch.GroupSize(push.Segment.Group) > 1)];
        SegmentPush[] whole = [.. shared.Where(push => push.Segment.Rows.Length == batch.GroupSize(push.Segment.Group))];
        terminal.Output.WriteLine(FormattableString.Invariant(
            $"Shared prefixes: {whole.Length} common to all completions of a prompt, {whole.Count(push => !push.Cancels)} of them pushed although no completion stands out there; {shared.Length - whole.Length} common to some only, where a push is credit.{(shared.Length > LongestTable ? FormattableString.Invariant($" The {LongestTable} strongest:") : "")}"));
        var order = Enumerable.Range(0, audit.Segments.Length).Where(k => batch.GroupSize(audit.Segments[k].Segment.Group) > 1)
            .OrderByDescending(k => audit.Segments[k].Cancels ? 0 : audit.Segments[k].Pushes.Sum(Math.Abs)).Take(LongestTable).ToArray();
        if (order.Length == 0)
            return;
        var table = terminal.Table(
            ["group", "completions", "positions", "direction", "sum of C", "largest C", "share of sum |c|", "because of", .. instead is null ? [] : new[] { $"{other.Name}: sum of C", "share" }]);
        foreach (int k in order)
        {
            var (segment, pushes) = (audit.Segments[k].Segment, audit.Segments[k].Pushes);
            string[] theirs = instead is null ? [] : [Sum(instead.Segments[k], instead), Share(instead.Segments[k])];
            string[] cells =
            [
                FormattableString.Invariant($"{segment.Group}"),
                FormattableString.Invariant($"{segment.Rows.Length} of {batch.GroupSize(segment.Group)}"),
                FormattableString.Invariant($"{segment.From}–{segment.From + segment.Length - 1}"),
                Direction(audit.Segments[k], audit),
                Sum(audit.Segments[k], audit),
                Report.Number(pushes.MaxBy(Math.Abs)),
                Share(audit.Segments[k]),
                string.Join(", ", audit.Segments[k].Causes),
                .. theirs,
            ];
            table.AddRow([.. cells.Select(Markup.Escape)]);
        }

        terminal.Write(table);
    }

    private void ShowGroups(Audit audit)
    {
        terminal.Output.WriteLine();
        var known = audit.Groups.Where(group => group.Correlation is not null && group.Signal is not AdvantageSignal.Rounding).ToArray();
        terminal.Output.WriteLine(known.Length == 0
            ? "Length and reward: no prompt in which both vary."
            : FormattableString.Invariant(
                $"Length and reward: of {known.Length} prompts in which both vary, longer completions earn more in {known.Count(group => group.Covariance > 0)} and less in {known.Count(group => group.Covariance < 0)}; mean correlation {known.Average(group => group.Correlation!.Value):F3}."));
        var order = audit.Groups.OrderByDescending(group => group.Signal is AdvantageSignal.Rounding or AdvantageSignal.SinglePrecisionRounding)
            .ThenByDescending(group => Math.Abs(group.Correlation ?? 0)).Take(LongestTable).ToArray();
        var table = terminal.Table("group", "Cov(length, reward)", "correlation", "max |A|", "advantages are made of");
        foreach (var group in order)
        {
            table.AddRow([.. new[]
            {
                FormattableString.Invariant($"{group.Group}"),
                Report.Number(group.Covariance),
                group.Correlation is { } correlation ? FormattableString.Invariant($"{correlation:F3}") : "·",
                Report.Number(group.LargestAdvantage),
                InWords(group.Signal),
            }.Select(Markup.Escape)]);
        }

        terminal.Write(table);
        int noise = audit.Groups.Count(group => group.Signal == AdvantageSignal.Rounding);
        if (noise > 0)
            terminal.Output.WriteLine(FormattableString.Invariant($"Rounding alone: the advantages of {noise} of {audit.Groups.Length} prompts teach noise."));
    }

    private void ShowClipped(RolloutBatch batch, ClippedShare clipped)
    {
        terminal.Output.WriteLine();
        int gone = clipped.Positive + clipped.Negative;
        terminal.Output.WriteLine(clipped.Tokens == 0
            ? "Clipped: no token has an advantage."
            : FormattableString.Invariant(
                $"Clipped: {gone} of {clipped.Tokens} tokens with an advantage have no gradient ({(double)gone / clipped.Tokens:P2}): {clipped.Positive} of positive and {clipped.Negative} of negative advantage."));
        if (clipped.Dropped > 0)
            terminal.Output.WriteLine(FormattableString.Invariant($"Weighed 0: {clipped.Dropped} of {batch.Tokens} tokens with an advantage."));
    }

    /// <summary>A comparison in a sentence without its full stop.</summary>
    public static string InWords(Comparison comparison, RolloutBatch batch, string first, string second) => comparison.Cosine is { } cosine
        ? FormattableString.Invariant(
            $"cosine {cosine:F4} between the two gradients, {Report.Number(comparison.Ratio!.Value)} times the norm, {comparison.Opposed} of {batch.Tokens} tokens pushed the other way, {comparison.OneSided} pushed by one of the two only")
        : comparison.OneSided == 0 ? "neither has a gradient" : $"{(comparison.Ratio == 0 ? second : first)} has no gradient";

    private static string Direction(SegmentPush push, Audit audit) => push.Cancels
        ? IsNoise(push, audit) ? "noise" : "cancels"
        : push.Pushes.All(c => c >= 0) ? "up" : push.Pushes.All(c => c <= 0) ? "down" : "mixed";

    // Noise is shown as it is: the optimizer gets it.
    private static string Sum(SegmentPush push, Audit audit) => push.Cancels && !IsNoise(push, audit) ? "0 (rounding)" : Report.Number(push.Pushes.Sum());

    private static bool IsNoise(SegmentPush push, Audit audit) =>
        audit.Groups[push.Segment.Group].Signal is AdvantageSignal.Rounding or AdvantageSignal.SinglePrecisionRounding;

    private static string Share(SegmentPush push) => push.Cancels ? "0 %" : string.Create(CultureInfo.InvariantCulture, $"{push.Relative:P1}");

    private static string InWords(AdvantageSignal signal) => signal switch
    {
        AdvantageSignal.Rewards => "rewards",
        AdvantageSignal.None => "nothing: all are 0",
        AdvantageSignal.Rounding => "rounding alone",
        _ => "differences below float32's rounding",
    };

    private static JsonObject ToJson(Proposal proposal, Proposal other, RolloutBatch batch, Audit audit, Audit? instead, string refusal)
    {
        var comparison = instead is null ? default : Comparison.Of(audit.Evaluation.Coefficients, instead.Evaluation.Coefficients);
        return new()
        {
            ["schema"] = "grouprl-audit/1",
            ["objective"] = proposal.Name,
            ["value"] = audit.Evaluation.Value,
            ["prompts"] = batch.Groups,
            ["completions"] = batch.Rows,
            ["tokens"] = batch.Tokens,
            ["shared"] = batch.HasIds ? new JsonArray([.. audit.Segments.Select((push, k) => ToJson(push, instead?.Segments[k], audit))]) : null,
            ["groups"] = new JsonArray([.. audit.Groups.Select(ToJson)]),
            ["clipped"] = new JsonObject
            {
                ["tokens"] = audit.Clipped.Tokens,
                ["positive"] = audit.Clipped.Positive,
                ["negative"] = audit.Clipped.Negative,
                ["dropped"] = audit.Clipped.Dropped,
            },
            ["instead"] = new JsonObject
            {
                ["objective"] = other.Name,
                ["refused"] = instead is null ? refusal : null,
                ["cosine"] = comparison.Cosine,
                ["norm_ratio"] = comparison.Ratio,
                ["opposed"] = instead is null ? null : comparison.Opposed,
                ["one_sided"] = instead is null ? null : comparison.OneSided,
            },
        };
    }

    private static JsonObject ToJson(SegmentPush push, SegmentPush? instead, Audit audit) => new()
    {
        ["group"] = push.Segment.Group,
        ["completions"] = push.Segment.Rows.Length,
        ["from"] = push.Segment.From,
        ["direction"] = Direction(push, audit),
        ["causes"] = new JsonArray([.. push.Causes.Select(cause => (JsonNode?)cause)]),
        ["pushes"] = Numbers(push.Pushes),
        ["sizes"] = Numbers(push.Sizes),
        ["instead"] = instead is null ? null : Numbers(instead.Pushes),
    };

    private static JsonObject ToJson(GroupAudit group) => new()
    {
        ["group"] = group.Group,
        ["covariance"] = group.Covariance,
        ["correlation"] = group.Correlation,
        ["reward_spread"] = group.RewardSpread,
        ["largest_advantage"] = group.LargestAdvantage,
        ["advantages"] = InWords(group.Signal),
    };

    private static JsonArray Numbers(IEnumerable<double> values) => new([.. values.Select(value => (JsonNode?)value)]);
}
