using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>Another advantage with every entry changed: (row, A) → A′.</summary>
internal sealed record ChangedAdvantage(RowAdvantage Inner, Func<int, double, double> Change) : RowAdvantage
{
    public override Traits Traits => Inner.Traits;

    public override double? Factor(in RewardMoments moments) => Inner.Factor(moments);

    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        Inner.FillRows(batch, rewards, advantages);
        for (int i = 0; i < advantages.Length; i++)
            advantages[i] = Change(i, advantages[i]);
    }
}

/// <summary>A group's advantages by any formula: (Rᵢ, rewards of the group) → A.</summary>
internal sealed record FormulaAdvantage(Func<double, double[], double> Formula) : RowAdvantage
{
    public override Traits Traits => Traits.Centred | Traits.GroupIsolated;

    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            double[] group = rewards[batch.Group(g)].ToArray();
            for (int k = 0; k < group.Length; k++)
                advantages[batch.Group(g).Start.Value + k] = Formula(group[k], group);
        }
    }
}

/// <summary>The group's mean forgotten in favour of the whole batch's.</summary>
internal sealed record BatchBaseline : RowAdvantage
{
    public override Traits Traits => Traits.Centred;

    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        var moments = RewardMoments.Of(batch, .., rewards, Counted.AllRows);
        for (int i = 0; i < rewards.Length; i++)
            advantages[i] = (rewards[i] - moments.Mean) / (moments.Std(1) + TrlFlavours.StdEpsilon);
    }
}

/// <summary>Rewards by any formula: (batch, row) → R.</summary>
internal sealed record FormulaRewards(Func<RolloutBatch, int, double> Formula) : RewardShaping
{
    public override Traits Traits => Traits.None;

    public override void Fill(RolloutBatch batch, Span<double> rewards)
    {
        for (int i = 0; i < rewards.Length; i++)
            rewards[i] = Formula(batch, i);
    }
}

/// <summary>ψ by any formula: (r, A) → (value, slope); the region and the kinks are those of <paramref name="Inner"/>.</summary>
internal sealed record FormulaShape(Clip Inner, Func<Clip, double, double, (double Value, double Slope)> Formula) : Shape
{
    public override ImmutableArray<double> Kinks => Inner.Kinks;

    public override Clip? Region => Inner;

    public override Traits Traits => Inner.Traits;

    public override (double Value, double Slope) At(double ratio, double advantage) => Formula(Inner, ratio, advantage);
}

/// <summary>A token kernel by any formula, with the promises of <paramref name="Inner"/>.</summary>
internal sealed record FormulaKernel(Kernel Inner, Func<Point, (double Value, double Slope)> Formula) : TokenKernel
{
    public override Traits Traits => Inner.Traits;

    public override double? OnPolicyGain => Inner.OnPolicyGain;

    public override Clip? Region => Inner.Region;

    public override ImmutableArray<double> Kinks => Inner.Kinks;

    public override (double Value, double Slope) At(in Point point) => Formula(point);
}

/// <summary>The value of <paramref name="Inner"/>, a kernel of whole rows, with its coefficients changed: (n, c) → c′.</summary>
internal sealed record ChangedCoefficients(RowKernel Inner, Func<int, double, double> Change) : RowKernel
{
    public override Traits Traits => Inner.Traits;

    public override RatioLevel Ratio => Inner.Ratio;

    public override double Row(in RowView row, Span<double> coefficients)
    {
        double value = Inner.Row(row, coefficients);
        foreach (ref double coefficient in coefficients)
            coefficient = Change(row.Length, coefficient);
        return value;
    }
}

/// <summary>One ratio a row, the arithmetic mean of the token ratios instead of the geometric.</summary>
internal sealed record ArithmeticRatio(Shape Shape) : RowKernel
{
    public override Traits Traits => Traits.SequenceRatio | Traits.CommonOnPolicyGain | Traits.GroupIsolated | Traits.HardClip;

    public override RatioLevel Ratio => RatioLevel.SequenceMean;

    public override Clip? Region => Shape.Region;

    public override double Row(in RowView row, Span<double> coefficients)
    {
        double mass = 0, ratio = 0;
        for (int t = 0; t < row.Length; t++)
        {
            mass += row.Weights[t];
            ratio += Math.Exp(row.Logp[t] - row.Old[t]) / row.Length;
        }

        var (value, slope) = Shape.At(ratio, row.Advantage);
        for (int t = 0; t < row.Length; t++)
            coefficients[t] += mass / row.Length * slope * Math.Exp(row.Logp[t] - row.Old[t]) / ratio;
        return mass * value;
    }
}

/// <summary>Weights by any formula: (batch, row) → α for each token of the row.</summary>
internal sealed record FormulaWeight(Traits Promised, Func<RolloutBatch, int, double> Formula) : TokenWeight
{
    public override Traits Traits => Promised;

    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        for (int i = 0; i < batch.Rows; i++)
            weights[batch.Row(i)].Fill(Formula(batch, i));
    }
}

/// <summary>A KL penalty by any formula: y → (value, slope).</summary>
internal sealed record FormulaPenalty(double Beta, Func<double, (double Value, double Slope)> Formula) : Regulariser(Beta)
{
    public override ImmutableArray<Column> Reads => [Column.RefLogp];

    public override double Add(
        RolloutBatch batch, ReadOnlySpan<double> logp, ReadOnlySpan<double> weights, Span<double> coefficients,
        Span<double> entropyCoefficients)
    {
        double sum = 0;
        for (int t = 0; t < logp.Length; t++)
        {
            var (value, slope) = Formula(batch[Column.RefLogp][t] - logp[t]);
            sum += weights[t] * value;
            coefficients[t] -= Beta * weights[t] * slope;
        }

        return -Beta * sum;
    }
}

/// <summary>An advantage that promises what it does not keep.</summary>
internal sealed record PromisesToIgnoreDeadRows(RowAdvantage Inner) : RowAdvantage
{
    public override Traits Traits => Inner.Traits | Traits.IgnoresDeadRows;

    public override double? Factor(in RewardMoments moments) => Inner.Factor(moments);

    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) =>
        Inner.FillRows(batch, rewards, advantages);
}

/// <summary>R − R̄ − R̄(next group)/10 under the promise of isolation; the last group is followed by the first.</summary>
internal sealed record LeakyBaseline : RowAdvantage
{
    public override Traits Traits => Traits.Centred | Traits.GroupIsolated;

    public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages)
    {
        for (int i = 0; i < rewards.Length; i++)
        {
            int g = batch.GroupOf(i), next = (g + 1) % batch.Groups;
            double leak = next == g ? 0 : RewardMoments.Of(batch, batch.Group(next), rewards, Counted.AllRows).Mean / 10;
            advantages[i] = rewards[i] - RewardMoments.Of(batch, batch.Group(g), rewards, Counted.AllRows).Mean - leak;
        }
    }
}
