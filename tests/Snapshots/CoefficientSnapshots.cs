using System.Globalization;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Snapshots;

public sealed class CoefficientSnapshots
{
    // Two prompts. The first group shares one token, has lengths 1, 2 and 3 and ratios inside, at and beyond common clip ranges; the
    // second holds a fully masked completion and a masked token.
    private static readonly RolloutBatch Worked = RolloutBatch.Of(
    [
        [
            Row(1, [-0.5], [-0.5], [-0.75]),
            Row(0, [-0.5, -1.5], [-0.5, -1.25], [-0.75, -1.5]),
            Row(0, [-0.5, -0.25, -2], [-0.5, -0.75, -1], [-0.75, -0.5, -1.5]),
        ],
        [
            Row(0.5, [-1, -2], [-1.125, -2], [-1, -2]) with { Mask = [false, false] },
            Row(2, [-1, -3, -0.5], [-1, -2.5, -0.75], [-1, -3, -0.5]) with { Mask = [true, false, true] },
        ],
    ]);

    [Fact]
    public void Worked_coefficients()
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine("Rewards 1 0 0 | 0.5 2; the first completion of the second group is fully masked.");
        text.WriteLine("Ratios  1 | 1, e^-0.25 | 1, e^0.5, e^-1 || – | 1, e^0.25");
        foreach (var entry in Catalogue.All)
        {
            var evaluation = entry.Objective.Evaluate(Worked);
            text.WriteLine();
            text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entry.Id}: value {evaluation.Value:G10}"));
            for (int i = 0; i < Worked.Rows; i++)
            {
                string coefficients = string.Join("  ", evaluation.Coefficients[Worked.Row(i)].Select(c => c.ToString("G10", CultureInfo.InvariantCulture)));
                string advantages = evaluation.RowAdvantages is { } rows
                    ? rows[i].ToString("G10", CultureInfo.InvariantCulture)
                    : string.Join(' ', evaluation.Advantages[Worked.Row(i)].Select(a => a.ToString("G10", CultureInfo.InvariantCulture)));
                text.WriteLine($"  A {advantages,14}  c  {coefficients}".TrimEnd());
            }
        }

        Snapshot.Verify(text.ToString(), this);
    }

    private static Rollout Row(double reward, double[] logps, double[] old, double[] reference) =>
        new()
        {
            Reward = reward,
            Logps = logps,
            OldLogps = old,
            RefLogps = reference,
            RolloutLogps = [.. old.Select(x => x - 0.125)],
            Entropies = [.. logps.Select(x => -x)],
            Values = [.. logps.Select((_, t) => 0.25 * t)],
            SumPiSquared = [.. logps.Select(x => Math.Exp(x))],
            TokenRewards = [.. logps.Select(_ => 0.0)],
            Random = [.. logps.Select((_, t) => 0.125 * (t + 1))],
            GreedyReward = 0.5,
            Tokens = [.. logps.Select((_, t) => t)],
        };
}
