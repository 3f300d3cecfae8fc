using GroupRL.Objectives;
using GroupRL.Torch;
using TorchSharp;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>
/// Objectives over tensors in float64, each part from its formula, differentiated by autograd, against coefficients derived by hand. Both
/// sides round sums of some hundred terms, which are off by 10⁻¹⁴ at worst, more where a mean over tokens is taken off and a spread divides;
/// what differs in a constant differs by far more than the 10⁻¹⁰ that is asked for.
/// </summary>
public class TensorObjectiveTests
{
    private const int Batches = 100;

    private const double Tolerance = 1e-10;

    public static TheoryData<string> Ids => [.. Catalogue.All.Select(entry => entry.Id)];

    public static TheoryData<string> Forms => [.. FurtherForms.All.Keys];

    public static TheoryData<string> Mutants => [.. WrongForms.All.Keys];

    [Theory]
    [MemberData(nameof(Ids))]
    public void Autograd_finds_the_coefficients_of_every_entry(string id) => MustAgree(Catalogue.Find(id)!.Objective);

    [Theory]
    [MemberData(nameof(Forms))]
    public void Autograd_finds_the_coefficients_of_parts_that_no_entry_has(string form) => MustAgree(FurtherForms.All[form]);

    [Theory]
    [MemberData(nameof(Mutants))]
    public void A_wrong_form_is_told_from_the_right_one(string mutant)
    {
        var (id, spoil) = WrongForms.All[mutant];
        var right = Catalogue.Find(id)!.Objective;
        Assert.InRange(Agreement.Of(right, spoil(right), RandomBatches.For(right, Batches)).Worst, 1e3 * Tolerance, double.PositiveInfinity);
    }

    [Fact]
    public void Advantages_and_weights_that_are_given_are_taken_as_they_are()
    {
        foreach (var batch in RandomBatches.For(Catalogue.Grpo, Batches))
        {
            var whole = Catalogue.Grpo.Evaluate(batch);
            var given = Catalogue.Grpo with
            {
                Rewards = new NoRewards(),
                Advantage = new GivenAdvantages(whole.Advantages),
                Weight = new GivenWeights(whole.Weights),
            };
            var agreement = Agreement.Of(Catalogue.Grpo, given, [batch]);
            Assert.Equal(1, agreement.Judged);
            Assert.InRange(agreement.Worst, 0, Tolerance);
        }
    }

    [Fact]
    public void A_policy_that_makes_the_log_probs_is_differentiated_through()
    {
        // ℓ(s) = s·ℓ, so that dJ/ds = Σ c ℓ at s = 1.
        var objective = Catalogue.Find("grpo-k3")!.Objective;
        foreach (var batch in RandomBatches.For(objective, Batches))
        {
            using var scope = torch.NewDisposeScope();
            var policy = torch.ones(1, dtype: torch.float64, requires_grad: true);
            var value = TensorObjective.Value(objective, new(batch, new TensorBatch(batch)[Column.Logp] * policy));
            double[] terms = [.. objective.Evaluate(batch).Coefficients.Zip(batch[Column.Logp].ToArray(), (c, logp) => c * logp)];
            double error = torch.autograd.grad([value], [policy])[0].item<double>() - terms.Sum();
            Assert.InRange(Math.Abs(error), 0, Tolerance * (1 + terms.Sum(Math.Abs)));
        }
    }

    [Theory]
    [InlineData("slime:grpo")]
    [InlineData("openrlhf:rloo")]
    [InlineData("verl:grpo_passk")]
    [InlineData("trl:rloo")]
    public void What_we_refuse_of_a_lone_completion_the_tensors_refuse(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        var alone = RolloutBatch.Of([[new() { Reward = 1, Logps = [-1, -2], OldLogps = [-1, -1], RefLogps = [-1, -1] }]]);
        Assert.Equal(1, Agreement.Of(objective, objective, [alone]).Refused);
    }

    [Fact]
    public void A_batch_without_what_an_objective_reads_is_refused()
    {
        var batch = RandomBatches.For(Catalogue.Grpo, 1).Single();
        string refusal = Assert.Throws<InvalidInputException>(() => TensorObjective.Evaluate(Catalogue.Find("grpo-k3")!.Objective, batch)).Message;
        Assert.Equal("The batch has no ref_logps, which the objective reads.", refusal);
    }

    [Fact]
    public void A_part_of_a_users_own_is_refused_by_its_name()
    {
        var batch = RandomBatches.For(Catalogue.Grpo, 1).Single();
        var own = Catalogue.Grpo with { Kernel = new Cubed() };
        string refusal = Assert.Throws<InvalidInputException>(() => TensorObjective.Evaluate(own, batch)).Message;
        Assert.Equal("The part Cubed has no form over tensors.", refusal);
    }

    [Fact]
    public void The_batches_hold_what_careless_ones_miss()
    {
        var objective = Catalogue.Find("trl:gdpo")!.Objective;
        RolloutBatch[] batches = [.. RandomBatches.For(objective, Batches)];
        Contains(batch => batch.Groups > 1);
        Contains(batch => Rows(batch).Any(i => batch.Length(i) == 0));
        Contains(batch => Rows(batch).Any(i => batch.Length(i) is > 0 and var n && n < batch.FullLength(i)));
        Contains(batch => Rows(batch).Select(batch.FullLength).Distinct().Count() > 1);
        Contains(batch => Rows(batch).Any(i => !batch.TryReward(i, 0, out _)));
        Contains(batch => Groups(batch).Any(rewards => rewards.Distinct().Count() == 1));
        Contains(batch => Groups(batch).Any(rewards => rewards.Distinct().Count() is > 1 and var n && n < rewards.Length));
        Contains(batch => batch[Column.Logp].SequenceEqual(batch[Column.OldLogp]));
        Contains(batch => batch[Column.Logp].ToArray().Zip(batch[Column.OldLogp].ToArray(), (now, old) => Math.Abs(now - old)).Max() > 10);

        void Contains(Func<RolloutBatch, bool> corner) => Assert.InRange(batches.Count(corner), 3, Batches);

        static IEnumerable<int> Rows(RolloutBatch batch) => Enumerable.Range(0, batch.Rows);

        static IEnumerable<double[]> Groups(RolloutBatch batch) =>
            Rows(batch).GroupBy(batch.GroupOf, i => batch.TryReward(i, 0, out double reward) ? reward : double.NaN).Select(group => group.ToArray());
    }

    // Most of the batches are judged, none by one side alone, and enough of what is judged is not 0.
    private static void MustAgree(SurrogateObjective objective)
    {
        var agreement = Agreement.Of(objective, objective, RandomBatches.For(objective, Batches));
        Assert.Equal((Batches, 0, 0), (agreement.Judged, agreement.Refused, agreement.Contested));
        Assert.InRange(agreement.Live, 50, int.MaxValue);
        Assert.InRange(agreement.Worst, 0, Tolerance);
    }

    private sealed record Cubed : TokenKernel
    {
        public override Traits Traits => Traits.None;

        public override (double Value, double Slope) At(in Point point) => (Math.Pow(point.Logp, 3), 3 * point.Logp * point.Logp);
    }
}
