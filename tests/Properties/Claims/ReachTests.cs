using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Properties.Objectives;
using Xunit;

namespace GroupRL.Properties.Claims;

/// <summary>Faults that show in one place only, or by little: a claim that looks at the first position, group or coordinate, or too kindly, misses them.</summary>
public sealed class ReachTests
{
    private static readonly Dictionary<string, (string Claim, SurrogateObjective Objective)> s_objectives = new()
    {
        ["a weight apart at the second token of the first completion, unseen by its advantage"] = ("prefix-neutrality", Catalogue.DrGrpo with { Weight = new SecondToken(Catalogue.DrGrpo.Weight) }),
        ["a mass apart at the second token"] = ("prefix-bias-binary", Catalogue.Grpo with { Weight = new SecondToken(Catalogue.Grpo.Weight) }),
        ["a coefficient off at the second token"] = ("prefix-bias-sign", Catalogue.Grpo with { Kernel = new Leaking((RowKernel)Catalogue.Grpo.Kernel, (group, length, t) => t == 1 ? 1e-6 : 0) }),
        ["weights apart in the second group"] = ("prefix-neutrality", Catalogue.DrGrpo with { Weight = new FormulaWeight(Catalogue.DrGrpo.Weight.Traits, (b, i) => b.GroupOf(i) > 0 && i == b.Group(b.GroupOf(i)).Start.Value ? 2 : 1) }),
        ["a leak beyond the bounds in the second group"] = ("clip-zero-coefficient", Catalogue.Grpo with { Kernel = new Leaking((RowKernel)Catalogue.Grpo.Kernel, (group, length, t) => group > 0 ? 1e-9 : 0) }),
        ["an error that cancels between two tokens"] = ("gradient-consistency", Catalogue.Grpo with { Kernel = new Leaking((RowKernel)Catalogue.Grpo.Kernel, (group, length, t) => (length, t) switch { ( > 1, 0) => 1e-3, ( > 1, 1) => -1e-3, _ => 0 }) }),
        ["a slope one part in 10⁸ off"] = ("gradient-consistency", Catalogue.DrGrpo with { Kernel = new TokenRatio(new FormulaShape(Catalogue.DrGrpo.Kernel.Region!, (clip, r, a) => (clip.At(r, a).Value, (1 + 1e-8) * clip.At(r, a).Slope))) }),
        ["the first row's advantage one part in 10¹² off"] = ("permutation-invariance", Catalogue.DrGrpo with { Advantage = new ChangedAdvantage(new MeanBaseline(), (i, a) => i == 0 ? a * (1 + 1e-12) : a) }),
        ["advantages that miss 0 by 10⁻¹² each"] = ("prefix-neutrality", Catalogue.DrGrpo with { Advantage = new ChangedAdvantage(new MeanBaseline(), (_, a) => a + 1e-12) }),
        ["an advantage of equal rewards a hundred roundings high"] = ("degenerate-group", Catalogue.DrGrpo with { Advantage = new Proportional(1e-13) }),
    };

    private static readonly Dictionary<string, (string Claim, Optimizer Optimizer, VerdictKind Verdict)> s_optimizers = new()
    {
        ["a constant push on the second coordinate"] = ("sgd-scale-equivariance", OptimizerCatalogue.Sgd with { Chain = [new SecondCoordinate(1e-3), .. OptimizerCatalogue.Sgd.Chain] }, VerdictKind.Refuted),
        ["momentum that ends with the second zero gradient"] = ("momentum-tail", new("short", [new ShortMemory(), new ScaleByLearningRate(0.1)]), VerdictKind.Refuted),
        ["ε inside the root"] = ("momentum-tail", WithEpsilon(EpsilonPlacement.InsideRoot), VerdictKind.Holds),
        ["ε beside the uncorrected root"] = ("momentum-tail", WithEpsilon(EpsilonPlacement.Uncorrected), VerdictKind.Holds),
    };

    public static TheoryData<string> Objectives => [.. s_objectives.Keys];

    public static TheoryData<string> Optimizers => [.. s_optimizers.Keys];

    [Theory]
    [MemberData(nameof(Objectives))]
    public void A_fault_in_one_place_is_found(string fault)
    {
        var (claim, objective) = s_objectives[fault];
        var verdict = Ledger.ObjectiveRows(fault, objective).Single(row => row.Claim.Id == claim).Judge(Profile.Ci);
        Assert.Equal((VerdictKind.Refuted, ""), (verdict.Kind, verdict.Reason));
    }

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void An_optimizers_fault_is_found_and_a_right_one_is_not_accused(string subject)
    {
        var (claim, optimizer, expected) = s_optimizers[subject];
        var row = Ledger.OptimizerRows(optimizer).Single(row => row.Claim.Id == claim);
        var verdict = row.Judge(Profile.Ci);
        Assert.True(verdict.Kind == expected, LedgerProfile.Explain(row, verdict));
        Assert.Equal(VerdictKind.Holds, row.Expected.Kind);
    }

    [Fact]
    public void A_tail_is_followed_beyond_its_first_step()
    {
        var measured = Overshoot.MomentumTail.Measure(s_optimizers["momentum that ends with the second zero gradient"].Optimizer, new([0], [[1]], 1));
        Assert.False(measured.Holds);
        Assert.Equal(2, measured.Position);
    }

    [Fact]
    public void Rewards_that_are_not_binary_are_outside_the_binary_claim()
    {
        var batch = Shared(0.5, 0);
        Assert.Contains("rewards are 0 or 1", PrefixBias.BiasBinary.Outside(Catalogue.Grpo, batch), StringComparison.Ordinal);
        Assert.Contains("a right and a wrong completion", PrefixBias.BiasBinary.Outside(Catalogue.Grpo, Shared(1, 1)), StringComparison.Ordinal);
        Assert.Null(PrefixBias.BiasBinary.Outside(Catalogue.Grpo, Shared(1, 0)));
    }

    [Fact]
    public void A_batch_without_a_dead_row_is_outside_the_truncation_claim() =>
        Assert.Contains("has no trainable token; every one has", Prefix.MaskedTruncation.Outside(Catalogue.DrGrpo, Shared(1, 0)), StringComparison.Ordinal);

    [Fact]
    public void The_rounding_of_a_shared_prefix_is_bounded_by_a_few_spacings()
    {
        var measured = Prefix.Neutrality.Measure(Catalogue.DrGrpo, Shared(1, 0));
        Assert.InRange(measured.Bound, 1e-16, 1e-14);
        Assert.InRange(measured.Measured, 0, measured.Bound);
    }

    [Fact]
    public void Without_memory_no_step_beyond_the_region_rises()
    {
        var verdict = Overshoot.Strict.Judge(new(Catalogue.Grpo, OptimizerCatalogue.Sgd), "grpo+sgd", Profile.Ci);
        Assert.Equal(20, verdict.Counterexample!.Measurement.Measured);
    }

    [Fact]
    public void Several_rewards_of_a_completion_are_drawn_apart()
    {
        var domain = new RolloutDomain { RewardCount = 2 };
        Assert.Contains(Enumerable.Range(0, 50), seed =>
        {
            var batch = domain.Build(new Draw((ulong)seed, 50));
            Assert.Equal(2, batch.RewardsPerRow);
            return batch.TryReward(0, 0, out double first) && batch.TryReward(0, 1, out double second) && first != second;
        });
    }

    [Fact]
    public void A_ratio_on_a_kink_is_outside_the_gradient_claim()
    {
        var batch = Shared(1, 0).With(Column.Logp, [-1, -1]).With(Column.OldLogp, [-1 - Math.Log(1.2), -1]);
        Assert.Contains("clip bounds", Contract.GradientConsistency.Outside(Catalogue.Grpo, batch), StringComparison.Ordinal);
        Assert.Null(Contract.GradientConsistency.Outside(Catalogue.Rloo, batch));
    }

    [Fact]
    public void A_corner_contains_only_what_it_names()
    {
        var domain = new RolloutDomain { Bounds = Clip.Range(0.2, 0.2) };
        var batch = Shared(1, 0).With(Column.OldLogp, [-4, -1]).With(Column.Logp, [-1, -2]);
        Assert.All(
            ["|log-ratio| of 20", "ratio exactly 1", "ratio exactly at the lower bound", "ratio exactly at the upper bound"],
            name => Assert.False(domain.Corners.Single(corner => corner.Name == name).Contains(batch), name));
    }

    [Fact]
    public void Of_two_measurements_that_keep_their_bounds_alike_the_later_one_is_shown() =>
        Assert.Equal(1, new Measurement(0, 0).Worst(new(0, 1)).Bound);

    [Fact]
    public void Probabilities_that_miss_1_by_a_millionth_are_no_policy()
    {
        var batch = RolloutBatch.Of(
        [
            [
                new() { Reward = 1, Logps = [Math.Log(0.5)], OldLogps = [-1], Tokens = [0] },
                new() { Reward = 0, Logps = [Math.Log(0.5 + 1e-6)], OldLogps = [-1], Tokens = [1] },
            ],
        ]);
        Assert.Throws<InvalidInputException>(() => GroupRL.Policies.PrefixTreePolicy.Spanning(batch).Logits(batch[Column.Logp]));
    }

    private static Optimizer WithEpsilon(EpsilonPlacement placement) =>
        new("adam", [new ScaleByAdam(Epsilon: 1e-2, Placement: placement), new ScaleByLearningRate(1e-3)]);

    private static RolloutBatch Shared(double first, double second) => RolloutBatch.Of(
    [
        [
            new() { Reward = first, Logps = [-1], OldLogps = [-1], Tokens = [0] },
            new() { Reward = second, Logps = [-1], OldLogps = [-1], Tokens = [0] },
        ],
    ]);

    /// <summary>Another weight, doubled at the second trained token of each group's first row.</summary>
    private sealed record SecondToken(TokenWeight Inner) : TokenWeight
    {
        public override Traits Traits => Inner.Traits;

        public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
        {
            Inner.Fill(batch, advantages, weights);
            for (int g = 0; g < batch.Groups; g++)
            {
                var first = weights[batch.Row(batch[g].FirstRow)];
                if (first.Length > 1)
                    first[1] *= 2;
            }
        }
    }

    /// <summary>Another kernel with something added to its coefficients: (first group: 0, length of the row, token) → c.</summary>
    private sealed record Leaking(RowKernel Inner, Func<int, int, int, double> Leak) : Kernel
    {
        public override Traits Traits => Inner.Traits;

        public override double? OnPolicyGain => Inner.OnPolicyGain;

        public override RatioLevel Ratio => Inner.Ratio;

        public override Clip? Region => Inner.Region;

        public override System.Collections.Immutable.ImmutableArray<double> Kinks => Inner.Kinks;

        public override double Group(in GroupView group, Span<double> coefficients)
        {
            double value = Inner.Group(group, coefficients);
            for (int k = 0; k < group.Rows; k++)
            {
                var row = group[k];
                for (int t = 0; t < row.Length; t++)
                    coefficients[row.Start + t] += Leak(group.Tokens.Start.Value > 0 ? 1 : 0, row.Length, t);
            }

            return value;
        }
    }

    /// <summary>R − R̄ + share·R, under the promise of a mean baseline.</summary>
    private sealed record Proportional(double Share) : RowAdvantage
    {
        public override Traits Traits => new MeanBaseline().Traits;

        public override double? LargestFactor => 1;

        public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
        {
            new MeanBaseline().FillRows(batch, rewards, advantages);
            for (int i = 0; i < rewards.Length; i++)
                advantages[i] += Share * rewards[i];
        }
    }

    private sealed record SecondCoordinate(double Push) : Transform
    {
        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
        {
            double[] pushed = update.ToArray();
            if (pushed.Length > 1)
                pushed[1] += Push;
            return (state, pushed);
        }
    }

    private sealed record ZerosSeen(TransformState Inner, int Count) : TransformState;

    /// <summary>Momentum that is forgotten once two gradients in a row were zero.</summary>
    private sealed record ShortMemory() : Momentum(0.9)
    {
        public override TransformState Initial(int dimension) => new ZerosSeen(base.Initial(dimension), 0);

        public override (TransformState State, double[] Update) Apply(TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta)
        {
            var seen = (ZerosSeen)state;
            int count = update.ContainsAnyExcept(0.0) ? 0 : seen.Count + 1;
            var (inner, direction) = base.Apply(seen.Inner, update, theta);
            return (new ZerosSeen(inner, count), count > 1 ? new double[direction.Length] : direction);
        }
    }
}
