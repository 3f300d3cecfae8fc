using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>Advantages worked out on paper, by the sentence that says what each shows: what the recorded numbers lack.</summary>
internal static class AdvantageCases
{
    private static readonly SingleReward s_skipping = new() { Missing = MissingReward.Skipped };
    private static readonly double s_half = Math.Log(0.5);

    /// <summary>Every case.</summary>
    public static IReadOnlyDictionary<string, RecordedAdvantages> All { get; } = new Dictionary<string, RecordedAdvantages>
    {
        // R/(1 + ε) = 0.5/1.25; the other group's s is √2.
        ["a lone reward that is kept is scored against 0 and 1"] = Rows(
            new StandardScore { Epsilon = 0.25, Lone = LoneReward.IsKept },
            RolloutBatch.Of([[Row(0.5, 0)], [Row(1, 0), Row(3, 0)]]),
            0.4, -1 / (Math.Sqrt(2) + 0.25), 1 / (Math.Sqrt(2) + 0.25)),
        ["a lone reward that is kept has no baseline"] = Rows(new LeaveOneOut { Lone = LoneReward.IsKept }, Rewards(0.5), 0.5),
        ["a lone reward gives zero where that is the rule, computed or not"] = Rows(
            new LeaveOneOut { Lone = LoneReward.GivesZero, Equal = EqualRewards.AreComputed }, Rewards(0.5), 0),
        ["a reward is lone where the others are missing"] = Rows(
            new MeanBaseline { Lone = LoneReward.IsKept }, Group(Row(0.5, 0), Missing()), 0.5, 0).Skipping(),
        ["a reward is lone where the others' rows are dead and only live rows count"] = Rows(
            new MeanBaseline { Lone = LoneReward.IsKept, Over = Counted.LiveRows }, Group(Row(0.5, 0), Dead(7)), 0.5, 0),

        // b = (1·1 + 3·5)/4 = 4.
        ["longer rows weigh more in a length-weighted baseline"] = Rows(
            new LengthWeightedBaseline(), Group(Row(1, 0), Row(5, 0, 0, 0)), -3, 1),
        ["a dead row weighs nothing in a length-weighted baseline"] = Rows(
            new LengthWeightedBaseline(), Group(Row(1, 0), Row(5, 0, 0, 0), Dead(100)), -3, 1, 96),
        ["a dead row gets no length-weighted advantage where only live rows count"] = Rows(
            new LengthWeightedBaseline { Over = Counted.LiveRows }, Group(Row(1, 0), Row(5, 0, 0, 0), Dead(100)), -3, 1, 0),
        ["a group of dead rows has no length-weighted baseline and gets zeros"] = Rows(
            new LengthWeightedBaseline(), Group(Dead(1), Dead(2)), 0, 0),
        ["a missing reward weighs nothing in a length-weighted baseline"] = Rows(
            new LengthWeightedBaseline(), Group(Row(1, 0), Missing(), Row(5, 0, 0, 0)), -3, 0, 1).Skipping(),

        ["only the best of a group gets what it lifts the best by"] = Rows(new BestOfGroup(), Rewards(1, 4, 2), 0, 2, 0),
        ["the best of a group may come first and all may be negative"] = Rows(new BestOfGroup(), Rewards(-1, -4, -3), 2, 0, 0),
        ["two that tie for the best lift nothing"] = Rows(new BestOfGroup { Scaled = true }, Rewards(4, 1, 4), 0, 0, 0),

        // Mean 7/3; squares 16/9 + 25/9 + 1/9 = 42/9, over 2.
        ["what the best lifts is divided by the sample standard deviation plus ε"] = Rows(
            new BestOfGroup { Scaled = true, Epsilon = 0.5 }, Rewards(1, 4, 2), 0, 2 / (Math.Sqrt(7.0 / 3) + 0.5), 0),
        ["a missing reward is not the next best"] = Rows(
            new BestOfGroup(), Group(Row(1, 0), Missing(), Row(4, 0)), 0, 0, 3).Skipping(),
        ["a dead row may be the best and takes the lift with it"] = Rows(new BestOfGroup(), Group(Row(1, 0), Row(2, 0), Dead(9)), 0, 0, 7),

        // B = 4, one reward is not 0.
        ["rewards that are not 0 inherit the weight of those that are"] = Rows(
            new NonzeroScaled(new MeanBaseline()), RolloutBatch.Of([[Row(0, 0), Row(2, 0)], [Row(0, 0), Row(0, 0)]]), -4, 4, 0, 0),
        ["a negative reward is not 0 and a norm divides"] = Rows(
            new NonzeroScaled(new MeanBaseline()) { Norm = 2 }, Rewards(-1, 0, 0, 1), -1, 0, 0, 1),
        ["rewards that are all 0 give zeros"] = Rows(new NonzeroScaled(new NoBaseline()), Rewards(0, 0), 0, 0),
        ["a missing reward is no row that teaches nothing"] = Rows(
            new NonzeroScaled(new MeanBaseline()), Group(Row(0, 0), Missing(), Row(2, 0)), -2, 0, 2).Skipping(),

        // exp R = 1, 3, 5: means of the others 4, 3 and 2.
        ["a partition baseline is the soft maximum of the others"] = Rows(
            new PartitionBaseline(1), Rewards(0, Math.Log(3), Math.Log(5)), -Math.Log(4), 0, Math.Log(2.5)),
        ["over all, a partition baseline is one number"] = Rows(
            new PartitionBaseline(1) { LeavesOut = false }, Rewards(0, Math.Log(3)), -Math.Log(2), Math.Log(1.5)),
        ["a temperature stretches a partition baseline"] = Rows(
            new PartitionBaseline(2) { LeavesOut = false }, Rewards(0, 2 * Math.Log(3)), -2 * Math.Log(2), 2 * Math.Log(1.5)),
        ["a partition baseline of huge rewards is the best of the others"] = Rows(
            new PartitionBaseline(0.01), Rewards(1e300, -1e300, 3e299), 7e299, -2e300, -7e299),

        // The mean over the others, exp(−100), is below the floor.
        ["a floor bounds the advantage of the best by −τ·log of it"] = Rows(
            new PartitionBaseline(1) { Floor = 1e-8 }, Rewards(100, 0), -Math.Log(1e-8), -100),

        // Δ/τ = 1e−12: b = Δ·½ to first order, which exp and log of numbers near 1 would lose.
        ["a partition baseline of rewards that differ by little of τ is their mean"] = Rows(
            new PartitionBaseline(1) { LeavesOut = false }, Rewards(0, 1e-12), -0.5e-12, 0.5e-12),
        ["a missing reward is in no partition"] = Rows(
            new PartitionBaseline(1), Group(Row(0, 0), Missing(), Row(1, 0)), -1, 0, 1).Skipping(),
        ["a lone reward has no partition baseline where it is kept"] = Rows(new PartitionBaseline(1) { Lone = LoneReward.IsKept }, Rewards(-3), -3),

        ["the greedy completion's reward is taken off"] = Rows(
            new GreedyBaseline(), Group(Row(3, 0) with { GreedyReward = 1 }, Row(-2, 0) with { GreedyReward = 1 }), 2, -3),

        ["returns are discounted backwards from the end"] = Tokens(
            new Returns { Discount = 0.5 }, Group(Row(4, 0, 0, 0)), 1, 2, 4),
        ["returns of huge and of negative rewards are no different"] = Tokens(
            new Returns { Discount = 0.5 }, Group(Row(-1e300, 0, 0), Row(1e300, 0)), -5e299, -1e300, 1e300),

        // r = 1, 0, 4 + 2.
        ["rewards at tokens are summed with the outcome"] = Tokens(
            new Returns { Rewards = new() { AtTokens = true }, Discount = 0.5 },
            Group(Row(4, 0, 0, 0) with { TokenRewards = [1, 0, 2] }), 2.5, 3, 6),

        // k1 = 2 and −4 at the two tokens.
        ["a KL is taken off at every token"] = Tokens(
            new Returns { Rewards = new() { Beta = 0.5 } },
            Group(new Rollout { Reward = 4, Logps = [-9, -9], OldLogps = [-1, -5], RefLogps = [-3, -1] }), -1 + 6, 6),
        ["a KL beyond the largest that counts is cut off on both sides"] = Tokens(
            new Returns { Rewards = new() { Beta = 0.5, LargestKl = 1 } },
            Group(new Rollout { Reward = 4, Logps = [-9, -9], OldLogps = [-1, -5], RefLogps = [-3, -1] }), -0.5 + 4.5, 4.5),
        ["a masked token neither earns nor discounts"] = Tokens(
            new Returns { Rewards = new() { AtTokens = true }, Discount = 0.5 },
            Group(Row(4, 0, 0, 0) with { TokenRewards = [1, 100, 2], Mask = [true, false, true] }), 4, 6),
        ["returns that start anew at gaps leave nothing to what stands before a tool's output"] = Tokens(
            new Returns { Discount = 0.5, CutAtGaps = true },
            Group(Row(4, 0, 0, 0, 0) with { Mask = [true, false, true, true] }), 0, 2, 4),
        ["a row whose reward is missing returns nothing, and a dead one has no tokens"] = Tokens(
            new Returns { Rewards = new() { AtTokens = true } },
            Group(Missing() with { TokenRewards = [5] }, Dead(3) with { TokenRewards = [5, 5] }, Row(2, 0) with { TokenRewards = [5] }), 0, 7).Skipping(),

        // δ₁ = 4 − 2, δ₀ = 0.5·2 − 1 = 0.
        ["GAE sums discounted steps of the critic"] = Tokens(
            new GeneralisedAdvantage(0.5, 0.5), Group(Row(4, 0, 0) with { Values = [1, 2] }), 0.5, 2),
        ["GAE steps over masked tokens and the values they have"] = Tokens(
            new GeneralisedAdvantage(0.5, 0.5), Group(Row(4, 0, 0, 0) with { Values = [1, 100, 2], Mask = [true, false, true] }), 0.5, 2),
        ["GAE gives zeros where the reward is missing"] = Tokens(
            new GeneralisedAdvantage(0.5, 0.5), Group(Missing() with { Values = [9] }, Row(4, 0) with { Values = [1] }), 0, 3).Skipping(),

        // 1, 4, 4: mean 3, squares 4 + 1 + 1 = 6, over 2.
        ["whitening counts tokens, not rows"] = Tokens(
            new TokenWhitened(new NoBaseline()), Group(Row(1, 0), Row(4, 0, 0)), -2 / Math.Sqrt(3), 1 / Math.Sqrt(3), 1 / Math.Sqrt(3)),
        ["whitening with ddof 0 divides by the population standard deviation"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Ddof = 0 }, Group(Row(1, 0), Row(4, 0, 0)), -Math.Sqrt(2), Math.Sqrt(0.5), Math.Sqrt(0.5)),
        ["whitening's ε is added inside the root"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Epsilon = 1 }, Group(Row(1, 0), Row(4, 0, 0)), -1, 0.5, 0.5),
        ["a variance below its floor is the floor"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Ddof = 0, Floor = 4 }, Group(Row(1, 0), Row(4, 0, 0)), -1, 0.5, 0.5),
        ["a variance above its floor is itself"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Floor = 1 }, Group(Row(1, 0), Row(4, 0, 0)), -2 / Math.Sqrt(3), 1 / Math.Sqrt(3), 1 / Math.Sqrt(3)),
        ["whitening without its division only centres"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Scaled = false }, Group(Row(1, 0), Row(4, 0, 0)), -2, 1, 1),

        // Mean 9/4; squares 25/16 + 2·49/16 = 123/16, over 4, times 3/2.
        ["padding divides both sums by more tokens than there are"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Padding = 1 }, Group(Row(1, 0), Row(4, 0, 0)),
            -1.25 / Math.Sqrt(369 / 128.0), 1.75 / Math.Sqrt(369 / 128.0), 1.75 / Math.Sqrt(369 / 128.0)),
        ["verl's whitening leaves a rest of rewards that are all equal, by the padding of its mean"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Epsilon = 1e-8, Padding = 0.25 }, Group(Row(1, 0), Row(1, 0)),
            1 / 9.0 / Math.Sqrt((2 / 81.0 / 2.25 * 2) + 1e-8), 1 / 9.0 / Math.Sqrt((2 / 81.0 / 2.25 * 2) + 1e-8)),
        ["equal advantages are whitened to zeros"] = Tokens(new TokenWhitened(new NoBaseline()), Group(Row(2, 0), Row(2, 0, 0)), 0, 0, 0),
        ["one token is whitened to zero where ddof is 0"] = Tokens(new TokenWhitened(new NoBaseline()) { Ddof = 0 }, Group(Row(2, 0)), 0),
        ["tokens without a reward and dead rows take no part in whitening"] = Tokens(
            new TokenWhitened(new NoBaseline()) { Scaled = false }, Group(Row(1, 0), Missing(), Dead(100), Row(4, 0, 0)), -2, 0, 1, 1).Skipping(),

        // Energies ½, 1 | 1 | and their sums: b₀ = (4·½ + 1·1)/(3/2) = 2; at position 1 the first row is its own baseline …
        ["an optimal token baseline weighs returns by the energy of each row so far"] = Tokens(
            new OptimalTokenBaseline(), Energies(Energetic(4, 0.5, 0.5), Energetic(1, 1)), 2, 0, -1),

        // … unless the tail has none.
        ["a private tail has no baseline where that is asked for"] = Tokens(
            new OptimalTokenBaseline { ZeroTail = true }, Energies(Energetic(4, 0.5, 0.5), Energetic(1, 1)), 2, 4, -1),

        // b₀ = 3/(3/2 + ½).
        ["ε is added to the sum of energies"] = Tokens(
            new OptimalTokenBaseline { Epsilon = 0.5, ZeroTail = true }, Energies(Energetic(4, 0.5, 0.5), Energetic(1, 1)), 2.5, 4, -0.5),

        // The second row's one token stands at position 1, where the first row's energy is ½ + ½: b₁ = (4·1 + 1·1)/2.
        ["positions are those in the completion, masked tokens included"] = Tokens(
            new OptimalTokenBaseline { ZeroTail = true },
            Energies(Energetic(4, 0.5, 0.5), Energetic(1, 1, 1) with { Mask = [false, true] }), 0, 1.5, -1.5),
        ["a row that is trained on alone is not its own optimal baseline"] = Tokens(
            new OptimalTokenBaseline(), Energies(Energetic(4, 0.5, 0.5), Energetic(9, 1) with { Mask = [false] }), 4, 4),
        ["where no row has energy there is no baseline"] = Tokens(
            new OptimalTokenBaseline(), Energies(Energetic(4, 0), Energetic(1, 0)), 4, 1),
        ["columns that contradict each other leave no negative energy"] = Tokens(
            new OptimalTokenBaseline(), Energies(Energetic(4, 1), Energetic(1, 0.5) with { OldLogps = [0] }), 0, -3),
        ["a missing reward is in no optimal baseline"] = Tokens(
            new OptimalTokenBaseline(), Energies(Energetic(4, 0.5), Energetic(0, 1) with { Rewards = [null] }, Energetic(1, 1)), 2, 0, -1).Skipping(),

        // R − R̄ = ∓1; H̄ = 0.4, 0.75.
        ["a completion's mean entropy is taken off, and one that is at a loss gets nothing"] = Rows(
            new EntropyShaped(new MeanBaseline()), Group(Row(1, 0, 0) with { Entropies = [0.2, 0.6] }, Row(3, 0) with { Entropies = [0.75] }), -1.04, 0),
        ["an entropy at the threshold is learned from"] = Rows(
            new EntropyShaped(new MeanBaseline()) { Threshold = 0.5, Scale = 0.5 },
            Group(Row(1, 0) with { Entropies = [0.5] }, Row(3, 0) with { Entropies = [0] }), -1.25, 1),
        ["a dead row has no entropy and keeps its advantage, a missing reward has none"] = Rows(
            new EntropyShaped(new MeanBaseline()),
            Group(Row(1, 0) with { Entropies = [0] }, Dead(3) with { Entropies = [9, 9] }, Missing() with { Entropies = [0.1] }), -1, 1, 0).Skipping(),

        ["advantages are clipped after their baseline is taken off"] = Rows(
            new ClippedAdvantage(new MeanBaseline(), -10, 10), Rewards(100, 160, 145, 135), -10, 10, 10, 0),
        ["a clip that leaves 0 out moves no missing row"] = Rows(
            new ClippedAdvantage(new NoBaseline(), 1, 2), Group(Row(0, 0), Missing()), 1, 0).Skipping(),

        // R − others ∓3, s = 3/√2; the lone group has s = 0.
        ["leave-one-out may be divided by the group's standard deviation"] = Rows(
            new ScaledByRewards(new LeaveOneOut { Lone = LoneReward.IsKept }, Pool.Group, 0.5),
            RolloutBatch.Of([[Row(0, 0), Row(3, 0)], [Row(7, 0)]]), -3 / ((3 / Math.Sqrt(2)) + 0.5), 3 / ((3 / Math.Sqrt(2)) + 0.5), 14),

        // Rewards 0, 3, 0, 3: squares 4·9/4, over 3.
        ["leave-one-out may be divided by the batch's standard deviation"] = Rows(
            new ScaledByRewards(new LeaveOneOut(), Pool.Batch, 0.5),
            RolloutBatch.Of([[Row(0, 0), Row(3, 0)], [Row(0, 0), Row(3, 0)]]), [.. new[] { -3, 3, -3, 3 }.Select(a => a / (Math.Sqrt(3) + 0.5))]),

        // 1 and 4: mean 2.5, squares 4.5, over 1.
        ["a missing reward takes no part in a batch normalisation"] = Rows(
            new BatchNormalised(new NoBaseline(), 0.5), Group(Row(1, 0), Missing(), Row(4, 0)),
            -1.5 / (Math.Sqrt(4.5) + 0.5), 0, 1.5 / (Math.Sqrt(4.5) + 0.5)).Skipping(),
        ["a batch whose rewards are all missing is normalised to zeros"] = Rows(
            new BatchNormalised(new NoBaseline(), 0.5), Group(Missing(), Missing()), 0, 0).Skipping(),

        // ∓1 of the first, 2·(∓3) of the second.
        ["several rewards are scored each in its group and then weighed"] = Rows(
            new NoBaseline(), Group(Row(0, 0) with { Rewards = [0, -3] }, Row(0, 0) with { Rewards = [2, 3] }), -7, 7) with
        {
            Rewards = new ScoredRewards(new MeanBaseline(), [1, 2]),
        },

        // The second reward is there once, and then compares with nothing; the third row has none.
        ["a reward that is there once adds nothing, and a row without any gets nothing"] = Rows(
            new MeanBaseline(), Group(
                Row(0, 0) with { Rewards = [0, 5] }, Row(0, 0) with { Rewards = [2, null] }, Row(0, 0) with { Rewards = [null, null] }), -1, 1, 0) with
        {
            Rewards = new ScoredRewards(new MeanBaseline { Equal = EqualRewards.AreComputed, Lone = LoneReward.GivesZero }, [1, 1]) { Missing = MissingReward.Skipped },
        },
    };

    private static RecordedAdvantages Skipping(this RecordedAdvantages run) => run with { Rewards = s_skipping };

    private static RecordedAdvantages Rows(RowAdvantage advantage, RolloutBatch batch, params double[] expected) =>
        new() { Batch = batch, Advantage = advantage, Expected = expected, OneARow = true };

    private static RecordedAdvantages Tokens(Advantage advantage, RolloutBatch batch, params double[] expected) =>
        new() { Batch = batch, Advantage = advantage, Expected = expected };

    private static Rollout Missing() => Row(0, 0) with { Rewards = [null] };

    private static RolloutBatch Energies(params Rollout[] rows) => Group(rows);

    // Each token has π = ½, so that its energy 1 − 2π + Σπ² is Σπ².
    private static Rollout Energetic(double reward, params double[] energies) => new()
    {
        Reward = reward,
        Logps = [.. energies.Select(_ => s_half)],
        OldLogps = [.. energies.Select(_ => s_half)],
        SumPiSquared = energies,
    };
}
