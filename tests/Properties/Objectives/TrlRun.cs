using GroupRL.Objectives;
using GroupRL.Properties.Golden;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>A run that TRL recorded: its inputs as a batch, its settings as an objective, and the numbers it gave.</summary>
internal sealed record TrlRun
{
    /// <summary>The agreement asked for, relative to the largest entry: float64, with sums in another order.</summary>
    public const double Relative = 1e-12;

    public required RolloutBatch Batch { get; init; }

    public required SurrogateObjective Objective { get; init; }

    public required double[] Advantages { get; init; }

    public required double Loss { get; init; }

    /// <summary>∂loss/∂ℓ = −c, ragged: one array a row.</summary>
    public required double[][] Gradients { get; init; }

    public double[]? ShapedRewards { get; init; }

    public static TrlRun Of(string file, string label) =>
        Of(file, GoldenFolder.Read(file), GoldenFolder.Run(file, label), GoldenFolder.Read("cases.json"));

    /// <summary>The first shipped run of a case whose settings contain <paramref name="setting"/>, as in "beta=0.04".</summary>
    public static TrlRun Shipped(string file, string name, string setting)
    {
        var content = GoldenFolder.ReadShipped(file);
        var run = content["runs"].Items.First(run => run["case"].Text == name
            && (setting.Length == 0 || run["hyper"].Properties.Any(p => $"{p.Key}={p.Value.Raw}" == setting)));
        return Of(file, content, run, GoldenFolder.ReadShipped("cases.json"));
    }

    private static TrlRun Of(string file, GoldenNode content, GoldenNode run, GoldenNode cases)
    {
        var settings = new TrlSettings(content.Find("defaults"), run["hyper"]);
        string name = run["case"].Text;
        var found = cases["cases"].Items.Where(one => one["name"].Text == name).ToArray();
        return new()
        {
            Batch = found.Length == 1
                ? BatchOf(found[0])
                : throw run["case"].Bad($"must name one of cases.json; {found.Length} have that name"),
            Objective = file.EndsWith("rloo.json", StringComparison.Ordinal) ? settings.Rloo() : settings.Grpo(),
            Advantages = run["advantages"].Numbers,
            Loss = run["loss"].Number,
            Gradients = run["grad_logps"].Rows,
            ShapedRewards = run.Find("shaped_rewards")?.Numbers,
        };
    }

    private static RolloutBatch BatchOf(GoldenNode one)
    {
        int size = (int)one["G"].Number;
        double[] rewards = one["rewards"].Numbers;
        double[][] logps = one["logps"].Rows, old = one["old_logps"].Rows, reference = one["ref_logps"].Rows;
        int[] lengths = [rewards.Length, logps.Length, old.Length, reference.Length];
        if (lengths.Any(length => length != size * (int)one["P"].Number))
            throw one["rewards"].Bad("must have one entry for each of P·G rows, and so must logps, old_logps and ref_logps");
        var rows = rewards.Select((reward, i) =>
            new Rollout { Reward = reward, Logps = logps[i], OldLogps = old[i], RefLogps = reference[i] });
        return RolloutBatch.Of([.. rows.Chunk(size)]);
    }

    /// <summary>Fails unless <paramref name="objective"/> gives the recorded numbers.</summary>
    public void Check(SurrogateObjective objective)
    {
        var own = objective.Evaluate(Batch);
        double[] floors = [.. Enumerable.Range(0, Batch.Groups).Select(AdvantageFloor)];
        if (ShapedRewards is not null)
            GoldenAssert.Close("shaped_rewards", ShapedRewards, own.Rewards, Relative);
        for (int g = 0; g < Batch.Groups; g++)
        {
            var rows = Batch.Group(g);
            GoldenAssert.Close(
                $"advantages of group {g}", Advantages.AsSpan(rows), own.Advantages.AsSpan(rows), 0, AdvantageAllowance(g));
        }

        CheckLossAndGradients("from the rewards", own, floors);

        // The recorded advantages fed in: nothing of their rounding is left, so loss and gradient have no floor.
        var fed = (objective with { Advantage = new Given(Advantages) }).Evaluate(Batch);
        CheckLossAndGradients("from the recorded advantages", fed, new double[Batch.Groups]);
    }

    /// <summary>
    /// Σ|summands| of the loss. The terms of a row all bear the sign of its advantage (for cispo the opposite one), and k3 ≥ 0,
    /// so the rows and the penalty, taken one by one, are the summands that can cancel each other.
    /// </summary>
    public double LossMagnitude()
    {
        double sum = Math.Abs(Value(Objective, new double[Batch.Rows]));
        for (int i = 0; i < Batch.Rows; i++)
        {
            double[] alone = new double[Batch.Rows];
            alone[i] = Advantages[i];
            sum += Math.Abs(Value(Bare, alone));
        }

        return sum;
    }

    /// <summary>How far a group's advantages may lie from the recorded ones.</summary>
    public double AdvantageAllowance(int g) => (Relative * Advantages.Max(Math.Abs)) + AdvantageFloor(g);

    /// <summary>
    /// How far apart two correct float64 computations of a group's advantages may lie: both sum G rewards, rounding by at most
    /// γ_G·max|R| each (γ_n = n·2⁻⁵³, shaped rewards being sums themselves), and |∂A/∂R| ≤ slope·(1 + |A|), slope = 1/(s + ε).
    /// </summary>
    /// <remarks>It matters where all rewards of a group are equal: there s is rounding and the advantages are nothing else.</remarks>
    public double AdvantageFloor(int g)
    {
        var honest = Objective.Evaluate(Batch);
        var rows = Batch.Group(g);
        int terms = Batch.GroupSize(g) + 1;
        double magnitude = honest.Rewards[rows].Max(Math.Abs);
        if (Objective.Rewards is KlInReward { Beta: var beta })
        {
            var (start, length) = rows.GetOffsetAndLength(Batch.Rows);
            for (int i = start; i < start + length; i++)
            {
                double sum = 0;
                var tokens = Batch.Row(i);
                for (int t = tokens.Start.Value; t < tokens.End.Value; t++)
                    sum += Math.Abs(Batch[Column.OldLogp][t]) + Math.Abs(Batch[Column.RefLogp][t]);
                magnitude = Math.Max(magnitude, Math.Abs(honest.Rewards[i]) + (Math.Abs(beta) * sum));
                terms = Math.Max(terms, Batch.GroupSize(g) + Batch.Length(i) + 2);
            }
        }

        double slope = Objective.Advantage switch
        {
            StandardScore score => 1 / (Std(honest.Rewards[rows]) + score.Epsilon),
            BatchScaledBaseline scaled => 1 / (Std(honest.Rewards) + scaled.Epsilon),
            BatchNormalised { Inner: LeaveOneOut inner } normalised =>
                2 / (Std((Objective with { Advantage = inner }).Evaluate(Batch).Advantages) + normalised.Epsilon),
            MeanBaseline => 1,
            LeaveOneOut => 2, // G/(G − 1) ≤ 2
            var other => throw new NotSupportedException($"No rounding floor is derived for {other}."),
        };
        return 2 * terms * Math.ScaleB(1, -53) * magnitude * slope * (1 + honest.Advantages.Max(Math.Abs));
    }

    private SurrogateObjective Bare => Objective with { Regularisers = [] };

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
            double[] unit = new double[Batch.Rows];
            unit.AsSpan(Batch.Group(g)).Fill(sign);
            var evaluation = (Bare with { Advantage = new Given(unit) }).Evaluate(Batch);
            gain = Math.Max(gain, evaluation.Coefficients.Max(Math.Abs));
            value += Math.Abs(evaluation.Value);
        }

        return (gain, value);
    }

    private double Value(SurrogateObjective objective, double[] advantages) =>
        (objective with { Advantage = new Given(advantages) }).Evaluate(Batch).Value;

    private static double Std(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }
}
