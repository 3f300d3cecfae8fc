using GroupRL.Objectives;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Golden;

/// <summary>Numbers that a peer recorded, and how they come about here: from the batch, shape [B] or [N].</summary>
internal sealed record RecordedNumbers(string Name, double[] Expected, Func<RolloutBatch, double[]> Own);

/// <summary>What a peer made of rewards: its inputs as a batch, its settings as parts, and the advantages that it gave.</summary>
internal sealed record RecordedAdvantages
{
    private const double Double = 1.0 / (1L << 53), Single = 1.0 / (1 << 24);

    public required RolloutBatch Batch { get; init; }

    public required Advantage Advantage { get; init; }

    public RewardShaping Rewards { get; init; } = RewardShaping.None;

    /// <summary>Aᵢₜ, shape [N], or Aᵢ, shape [B], where <see cref="OneARow"/>.</summary>
    public required double[] Expected { get; init; }

    public bool OneARow { get; init; }

    /// <summary>Whether the peer computes in float32: then 1e−5 is asked for, else 1e−12.</summary>
    public bool InSingle { get; init; }

    /// <summary>Returns and standard deviations.</summary>
    public RecordedNumbers[] Others { get; init; } = [];

    public double Relative => InSingle ? 1e-5 : 1e-12;

    /// <summary>A run's batch and advantages; its parts are for the reader to add.</summary>
    public static RolloutBatch BatchOf(GoldenSettings run) => RecordedRun.BatchOf(GoldenFolder.Read("cases.json"), run.Take("case"));

    /// <summary>Fails unless these parts give the recorded numbers.</summary>
    public void Check(Advantage advantage, RewardShaping rewards)
    {
        foreach (var measured in Measure(advantage, rewards))
            measured.Compare(measured.Expected);
    }

    /// <summary>Fails unless the composed parts give the recorded numbers, and no others.</summary>
    public void CheckAndRejectOthers()
    {
        foreach (var measured in Measure(Advantage, Rewards))
        {
            measured.Compare(measured.Expected);
            if (measured.IsKnown(Relative))
                Assert.ThrowsAny<XunitException>(() => measured.Compare([.. measured.Expected.Select(a => a * (1 + (10 * Relative)))]));
            for (int j = 0; j < measured.Expected.Length; j++)
            {
                double[] holed = [.. measured.Expected];
                holed[j] = double.NaN;
                Assert.ThrowsAny<XunitException>(() => measured.Compare(holed));
            }
        }
    }

    /// <summary>Why advantages that are off by ten times the agreement asked for cannot be told from the recorded ones; null where they can.</summary>
    public string? WhyNotKnown() => Measure(Advantage, Rewards).First() switch
    {
        var measured when measured.IsKnown(Relative) => null,
        var measured when measured.Expected.All(a => a == 0) => "all are zero",
        _ when SomeGroupHasEqualRewards() => "rewards that are equal in a group leave advantages of rounding",
        _ => throw new InvalidOperationException("The numbers should be known, and are not."),
    };

    /// <summary>The largest error relative to the largest recorded advantage; 0 where that is 0.</summary>
    public double WorstError()
    {
        var measured = Measure(Advantage, Rewards).First();
        double largest = measured.Expected.Max(Math.Abs);
        return largest == 0 ? 0 : measured.Expected.Zip(measured.Own, (expected, own) => Math.Abs(expected - own)).Max() / largest;
    }

    private bool SomeGroupHasEqualRewards() => Batch.ToRollouts().Any(group => Enumerable.Range(0, Batch.RewardsPerRow).Any(k =>
        group.Select(row => row.Rewards[k]).Where(reward => reward is not null).Distinct().Count() == 1));

    private double[] Values(RolloutBatch batch, Advantage advantage, RewardShaping shaping)
    {
        double[] rewards = new double[batch.Rows], values = new double[OneARow ? batch.Rows : batch.Tokens];
        shaping.Fill(batch, rewards);
        if (OneARow)
            ((RowAdvantage)advantage).FillRows(batch, rewards, values);
        else
            advantage.Fill(batch, rewards, values);
        return values;
    }

    private IEnumerable<Measured> Measure(Advantage advantage, RewardShaping shaping) =>
        Others.Prepend(new("advantages", Expected, batch => Values(batch, advantage, shaping))).Select(Measure);

    // A reward of 0 is exact, a missing one stays missing, and all others carry the rounding of sums of as many as there are.
    private Measured Measure(RecordedNumbers numbers)
    {
        var rollouts = Batch.ToRollouts();
        double?[] rewards = [.. rollouts.SelectMany(group => group).SelectMany(row => row.Rewards)];
        double error = (rewards.Length + 2) * (InSingle ? Single : Double) * rewards.Max(reward => Math.Abs(reward ?? 0));
        double[] own = numbers.Own(Batch);
        double[] floor = RoundingFloor.Of(
            own, [.. rewards.Select(reward => reward ?? 0)], i => rewards[i] is null or 0 ? 0 : error, moved => numbers.Own(With(moved, rewards)));
        return new(numbers.Name, numbers.Expected, own, floor, Relative);
    }

    private RolloutBatch With(double[] moved, double?[] rewards)
    {
        var rollouts = Batch.ToRollouts();
        var groups = new Rollout[rollouts.Count][];
        for (int g = 0, next = 0; g < groups.Length; g++)
        {
            groups[g] = new Rollout[rollouts[g].Count];
            for (int k = 0; k < groups[g].Length; k++, next += Batch.RewardsPerRow)
            {
                int start = next;
                groups[g][k] = rollouts[g][k] with
                {
                    Rewards = [.. Enumerable.Range(start, Batch.RewardsPerRow).Select(i => rewards[i] is null ? null : (double?)moved[i])],
                };
            }
        }

        return RolloutBatch.Of(groups);
    }

    private sealed record Measured(string Name, double[] Expected, double[] Own, double[] Floor, double Relative)
    {
        private double Allowed(int j) => (Relative * Expected.Max(Math.Abs)) + Floor[j];

        public bool IsKnown(double relative) => Enumerable.Range(0, Expected.Length).Any(j => 10 * relative * Math.Abs(Expected[j]) > 2 * Allowed(j));

        public void Compare(double[] expected)
        {
            Assert.Equal(expected.Length, Own.Length);
            for (int j = 0; j < expected.Length; j++)
                GoldenAssert.Close($"{Name}, number {j}", expected.AsSpan(j, 1), Own.AsSpan(j, 1), 0, Allowed(j));
        }
    }
}
