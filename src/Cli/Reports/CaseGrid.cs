using System.Collections.Immutable;
using System.Globalization;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>A batch as text, a row a completion, beside what a subject makes of it.</summary>
/// <param name="Columns">The headings.</param>
/// <param name="Rows">The cells of each completion.</param>
internal sealed record CaseGrid(ImmutableArray<string> Columns, ImmutableArray<ImmutableArray<string>> Rows)
{
    private const int LongestRow = 8;

    // Policies that a loss may compare with; shown where they are others than the current one.
    private static readonly (Column Column, string Heading)[] s_others = [(Column.RefLogp, "to the reference"), (Column.RolloutLogp, "to the sampler")];

    /// <summary>What a candidate makes of a case; null where the case is no batch, or there is no candidate.</summary>
    public static CaseGrid? Of(Candidate? candidate, object value) => (candidate, value) switch
    {
        ({ Grids: { } grids }, _) => grids.GetValueOrDefault(value),
        ({ Proposal: { } proposal }, RolloutBatch batch) => Of(batch, OrRefused(() => proposal.Objective.Evaluate(batch))),
        ({ Loss: { } loss }, RolloutBatch batch) => Of(batch, OrRefused(() => loss.Ask(batch))),
        _ => null,
    };

    /// <summary>A batch and what a loss answers to it: the gradient of J, that is of what a trainer climbs; null where it refuses the batch.</summary>
    public static CaseGrid Of(RolloutBatch batch, LossResponse? response)
    {
        var others = s_others.Where(other => batch.Has(other.Column) && Completions(batch).Any(completion => LogRatios(completion, other.Column).Any(ratio => ratio != 0))).ToArray();
        return new(
            ["group", "completion", "reward", "length", "log-ratios", .. others.Select(other => other.Heading), "gradient of J"],
            [.. Completions(batch).Select(completion => (ImmutableArray<string>)
            [
                .. Place(completion),
                Rewards(completion),
                Length(completion),
                Spread(completion, LogRatios(completion)),
                .. others.Select(other => Spread(completion, LogRatios(completion, other.Column))),
                response is null ? "refused" : Spread(completion, response.Coefficients.AsSpan(batch.Row(completion.Row))),
            ])]);
    }

    /// <summary>A batch and what an objective makes of it; null where it refuses the batch.</summary>
    public static CaseGrid Of(RolloutBatch batch, Evaluation? evaluation)
    {
        bool shaped = evaluation is not null
            && (batch.RewardsPerRow != 1 || Enumerable.Range(0, batch.Rows).Any(i => !batch.TryReward(i, 0, out double reward) || reward != evaluation.Rewards[i]));
        return new(
            ["group", "completion", shaped ? "shaped reward" : "reward", "advantage", "length", "shared", "log-ratios", "coefficients"],
            [.. Completions(batch).Select(completion => (ImmutableArray<string>)
            [
                .. Place(completion),
                Report.Number(evaluation?.Rewards[completion.Row] ?? (batch.TryReward(completion.Row, 0, out double given) ? given : double.NaN)),
                evaluation is null ? "refused" : evaluation.RowAdvantages is { } rows ? Report.Number(rows[completion.Row]) : Spread(completion, evaluation.Advantages[batch.Row(completion.Row)]),
                Length(completion),
                batch.HasIds ? batch[batch.GroupOf(completion.Row)].SharedPrefix().ToString(CultureInfo.InvariantCulture) : "?",
                Spread(completion, LogRatios(completion)),
                evaluation is null ? "refused" : Spread(completion, evaluation.Coefficients[batch.Row(completion.Row)]),
            ])]);
    }

    // A counterexample may be a batch that its subject refuses.
    private static T? OrRefused<T>(Func<T> evaluate)
        where T : class
    {
        try
        {
            return evaluate();
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    private static IEnumerable<Completion> Completions(RolloutBatch batch) => Enumerable.Range(0, batch.Rows).Select(i => new Completion(batch, i));

    private static IEnumerable<string> Place(Completion completion)
    {
        int group = completion.Batch.GroupOf(completion.Row);
        return [FormattableString.Invariant($"{group}"), FormattableString.Invariant($"{completion.Row - completion.Batch[group].FirstRow}")];
    }

    private static string Rewards(Completion completion) => string.Join(' ', Enumerable.Range(0, completion.Batch.RewardsPerRow)
        .Select(k => completion.Batch.TryReward(completion.Row, k, out double reward) ? Report.Number(reward) : "none"));

    private static string Length(Completion completion) => completion.Length == completion.FullLength
        ? FormattableString.Invariant($"{completion.Length}")
        : FormattableString.Invariant($"{completion.Length} of {completion.FullLength}");

    private static double[] LogRatios(Completion completion, Column other = Column.OldLogp) =>
        [.. completion[Column.Logp].ToArray().Zip(completion[other].ToArray(), (logp, old) => logp - old)];

    // A masked token shows as a dot; a long completion by its ends.
    private static string Spread(Completion completion, ReadOnlySpan<double> values)
    {
        string[] shown = [.. Enumerable.Repeat("·", completion.FullLength)];
        for (int m = 0; m < values.Length; m++)
            shown[completion.Positions[m]] = Report.Number(values[m]);
        return shown.Length <= LongestRow
            ? string.Join(' ', shown)
            : string.Join(' ', [.. shown[..(LongestRow / 2)], $"… {shown.Length - LongestRow} more …", .. shown[^(LongestRow / 2)..]]);
    }
}
