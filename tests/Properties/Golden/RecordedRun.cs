using GroupRL.Objectives;
using GroupRL.Properties.Objectives;
using Xunit;
using Xunit.Sdk;

namespace GroupRL.Properties.Golden;

/// <summary>A run that a peer recorded: its inputs as a batch, its settings as an objective, and the numbers it gave.</summary>
internal sealed record RecordedRun
{
    public required RolloutBatch Batch { get; init; }

    public required SurrogateObjective Objective { get; init; }

    /// <summary>Aᵢₜ, shape [N].</summary>
    public required double[] Advantages { get; init; }

    public required double Loss { get; init; }

    /// <summary>∂loss/∂ℓ = −c, ragged: one array a row.</summary>
    public required double[][] Gradients { get; init; }

    public double[]? ShapedRewards { get; init; }

    /// <summary>Whatever else the peer recorded: masks, importance ratios, gradients of entropies.</summary>
    public IReadOnlyList<OtherNumbers> Others { get; init; } = [];

    /// <summary>Whether the recorded advantages are the objective's own, and not fed in.</summary>
    public bool AdvantagesAreOwn { get; init; } = true;

    /// <summary>The agreement asked for, relative to the largest entry: 1e−12 for float64, with sums in another order.</summary>
    public double Relative { get; init; } = 1e-12;

    /// <summary>The batch of a case of cases.json.</summary>
    public static RolloutBatch BatchOf(GoldenNode cases, GoldenNode name)
    {
        var found = cases["cases"].Items.Where(one => one["name"].Text == name.Text).ToArray();
        if (found.Length != 1)
            throw name.Bad($"must name one of cases.json; {found.Length} have that name");
        var one = found[0];
        int size = (int)one["G"].Number, rows = size * (int)one["P"].Number;
        double[] rewards = one["rewards"].Numbers;
        (Column Column, double[][] Rows)[] columns =
        [
            (Column.Logp, one["logps"].Rows), (Column.OldLogp, one["old_logps"].Rows), (Column.RefLogp, one["ref_logps"].Rows),
            (Column.RolloutLogp, one["rollout_logps"].Rows), (Column.Entropy, one["entropies"].Rows),
        ];
        if (rewards.Length != rows || columns.Any(column => column.Rows.Length != rows))
            throw one["rewards"].Bad("must have one entry for each of P·G rows, and so must every column");
        return RolloutBatch.Of([.. Enumerable.Range(0, rows).Select(i => columns.Aggregate(
            new Rollout { Reward = rewards[i], Logps = [], OldLogps = [] }, (rollout, column) => rollout.With(column.Column, column.Rows[i]))).Chunk(size)]);
    }

    /// <summary>Recorded advantages, one a row or ragged, as one for each token.</summary>
    public static double[] PerToken(RolloutBatch batch, GoldenNode advantages)
    {
        bool ragged = advantages.Items.First().Kind == System.Text.Json.JsonValueKind.Array;
        double[][] rows = ragged
            ? advantages.Rows
            : [.. advantages.Numbers.Select((a, i) => Enumerable.Repeat(a, i < batch.Rows ? batch.Length(i) : 1).ToArray())];
        return rows.Length == batch.Rows && rows.Index().All(row => row.Item.Length == batch.Length(row.Index))
            ? [.. rows.SelectMany(row => row)]
            : throw advantages.Bad("must have one entry for each row, or for each of its tokens");
    }

    /// <summary>Fails unless <paramref name="objective"/> gives the recorded numbers.</summary>
    public void Check(SurrogateObjective objective)
    {
        if (AdvantagesAreOwn)
        {
            var own = objective.Evaluate(Batch);
            if (ShapedRewards is not null)
                GoldenAssert.Close("shaped_rewards", ShapedRewards, own.Rewards, Relative);
            double[] floors = [.. Enumerable.Range(0, Batch.Groups).Select(AdvantageFloor)];
            for (int g = 0; g < Batch.Groups; g++)
            {
                var tokens = Batch.GroupTokens(g);
                GoldenAssert.Close($"advantages of group {g}", Advantages.AsSpan(tokens), own.Advantages.AsSpan(tokens), 0, AdvantageAllowance(g));
            }

            CheckLossAndGradients("from the rewards", own, floors);
        }

        foreach (var other in Others)
            GoldenAssert.Close(other.What, other.Expected, other.Actual(objective), Relative);

        // The recorded advantages fed in: nothing of their rounding is left, so loss and gradient have no floor.
        var fed = (objective with { Advantage = new GivenTokens(Advantages) }).Evaluate(Batch);
        CheckLossAndGradients("from the recorded advantages", fed, new double[Batch.Groups]);
    }

    /// <summary>
    /// Σ|summands| of the loss, each group's completions and the penalties taken one by one: what cancels among them is known only to
    /// the rounding of this.
    /// </summary>
    public double LossMagnitude()
    {
        double sum = Math.Abs(Value(Objective, new double[Batch.Tokens]));
        for (int i = 0; i < Batch.Rows; i++)
        {
            double[] alone = new double[Batch.Tokens];
            Advantages.AsSpan(Batch.Row(i)).CopyTo(alone.AsSpan(Batch.Row(i)));
            sum += Math.Abs(Value(Bare, alone));
        }

        return sum;
    }

    /// <summary>How far a group's advantages may lie from the recorded ones.</summary>
    public double AdvantageAllowance(int g) => (Relative * Advantages.Select(Math.Abs).DefaultIfEmpty().Max()) + AdvantageFloor(g);

    /// <summary>
    /// How far apart two correct float64 computations of a group's advantages may lie: the sum over rows of what each reward's own
    /// rounding, γ_n·|R| with n sums (shaped rewards being sums themselves), does to them.
    /// </summary>
    /// <remarks>It matters where all rewards of a group are equal: there s is rounding and the advantages are nothing else.</remarks>
    public double AdvantageFloor(int g)
    {
        double[] rewards = Objective.Evaluate(Batch).Rewards, still = AdvantagesOf(rewards);
        double[] floor = RoundingFloor.Of(still, rewards, i => RewardRounding(i, rewards), AdvantagesOf);
        return floor[Batch.GroupTokens(g)].DefaultIfEmpty().Max();
    }

    /// <summary>Fails unless numbers that are off by ten times the agreement asked for are told from the recorded ones.</summary>
    public void RejectsNumbersThatAreOff()
    {
        double wrong = 10 * Relative, factor = 1 + wrong;
        double[] advantages = [.. Advantages.Select(a => a * factor)];
        double[][] gradients = [.. Gradients.Select(row => row.Select(c => c * factor).ToArray())];
        double[]? rewards = ShapedRewards is { } shaped ? [.. shaped.Select(r => r * factor)] : null;

        // Zeros stay what they are under a factor, and a loss that cancels is off by that much of what it is summed from.
        if (Gradients.Any(row => row.Any(c => c != 0)))
            (this with { Gradients = gradients }).IsRejected();
        if (rewards is not null && rewards.Any(r => r != 0))
            (this with { ShapedRewards = rewards }).IsRejected();
        foreach (var other in Others.Where(other => other.Expected.Any(number => number != 0)))
            (this with { Others = [other with { Expected = [.. other.Expected.Select(number => number * factor)] }] }).IsRejected();
        if (LossMagnitude() is > 0 and var magnitude)
            (this with { Loss = Loss + (wrong * magnitude) }).IsRejected();

        // Rewards that are equal, or differ by little of their size, leave advantages that are known to fewer digits than that.
        bool known = AdvantagesAreOwn && Enumerable.Range(0, Batch.Groups).Any(g =>
            wrong * Advantages[Batch.GroupTokens(g)].Select(Math.Abs).DefaultIfEmpty().Max() > AdvantageAllowance(g));
        if (known)
        {
            (this with { Advantages = advantages }).IsRejected();
            (this with { Advantages = advantages, Loss = Loss * factor, Gradients = gradients, ShapedRewards = rewards }).IsRejected();
        }
    }

    /// <summary>Fails unless a NaN anywhere among the numbers is rejected.</summary>
    public void RejectsNaN()
    {
        (this with { Loss = double.NaN }).IsRejected();
        var unknown = this with { Advantages = WithNaN(Advantages, Advantages.Length - 1) };
        if (AdvantagesAreOwn)
            unknown.IsRejected();
        else
            Assert.Throws<InvalidInputException>(() => unknown.Check(Objective));
        foreach (var other in Others)
            (this with { Others = [other with { Expected = WithNaN(other.Expected, other.Expected.Length - 1) }] }).IsRejected();
        for (int i = 0; i < Batch.Rows; i++)
        {
            if (ShapedRewards is { } shaped)
                (this with { ShapedRewards = WithNaN(shaped, i) }).IsRejected();
            double[][] gradients = [.. Gradients];
            gradients[i] = WithNaN(gradients[i], gradients[i].Length - 1);
            (this with { Gradients = gradients }).IsRejected();
        }
    }

    /// <summary>Fails unless these numbers are told from the objective's.</summary>
    public void IsRejected() => Assert.ThrowsAny<XunitException>(() => Check(Objective));

    private static double[] WithNaN(double[] numbers, int i)
    {
        double[] copy = [.. numbers];
        copy[i] = double.NaN;
        return copy;
    }

    private SurrogateObjective Bare => Objective with { Regularisers = [] };

    private double RewardRounding(int i, double[] rewards)
    {
        int terms = Batch.Rows + 2;
        double magnitude = rewards.Select(Math.Abs).Max();
        if (Objective.Rewards is KlInReward { Beta: var beta })
        {
            double sum = 0;
            var tokens = Batch.Row(i);
            for (int t = tokens.Start.Value; t < tokens.End.Value; t++)
                sum += Math.Abs(Batch[Column.OldLogp][t]) + Math.Abs(Batch[Column.RefLogp][t]);
            magnitude = Math.Max(magnitude, Math.Abs(rewards[i]) + (Math.Abs(beta) * sum));
            terms = Math.Max(terms, Batch.Length(i) + 2);
        }

        return terms * Math.ScaleB(magnitude, -53);
    }

    private double[] AdvantagesOf(double[] rewards)
    {
        double[] advantages = new double[Batch.Tokens];
        Objective.Advantage.Fill(Batch, rewards, advantages);
        return advantages;
    }

    private void CheckLossAndGradients(string source, Evaluation actual, double[] floors)
    {
        // The loss is a sum that may cancel: what it can be asked to agree to is relative to what it is summed from.
        double lossFloor = Relative * Math.Max(Math.Abs(Loss), LossMagnitude());
        double largest = Gradients.SelectMany(row => row).Select(Math.Abs).DefaultIfEmpty().Max();
        Assert.Equal(Batch.Rows, Gradients.Length);
        for (int g = 0; g < Batch.Groups; g++)
        {
            var (gain, value) = UnitAdvantage(g);
            lossFloor += floors[g] * value;
            var (start, length) = Batch.Group(g).GetOffsetAndLength(Batch.Rows);
            for (int i = start; i < start + length; i++)
            {
                // Twice: where the sign of A is rounding too, the coefficient may be clipped away on one side and not on the other.
                double[] own = [.. actual.Coefficients[Batch.Row(i)].Select(c => -c)];
                GoldenAssert.Close(
                    $"grad_logps[{i}] {source}", Gradients[i], own, 0, (Relative * largest) + (2 * floors[g] * gain));
            }
        }

        GoldenAssert.Close($"loss {source}", [Loss], [actual.Loss], 0, lossFloor);
    }

    // The largest coefficient and the whole value that advantages of ±1 give a group: what a unit of error in A can do.
    private (double Gain, double Value) UnitAdvantage(int g)
    {
        double gain = 0, value = 0;
        foreach (int sign in new[] { 1, -1 })
        {
            double[] unit = new double[Batch.Tokens];
            unit.AsSpan(Batch.GroupTokens(g)).Fill(sign);
            var evaluation = (Bare with { Advantage = new GivenTokens(unit) }).Evaluate(Batch);
            gain = Math.Max(gain, evaluation.Coefficients.Max(Math.Abs));
            value += Math.Abs(evaluation.Value);
        }

        return (gain, value);
    }

    private double Value(SurrogateObjective objective, double[] advantages) =>
        (objective with { Advantage = new GivenTokens(advantages) }).Evaluate(Batch).Value;
}

/// <summary>More numbers of a recorded run, and what an objective has to say to them.</summary>
internal sealed record OtherNumbers(string What, double[] Expected, Func<SurrogateObjective, double[]> Actual);
