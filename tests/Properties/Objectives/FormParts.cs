using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>Value and slopes of a row: adds w·∂φ/∂ℓ to the coefficients and returns Σ w·φ.</summary>
internal delegate double RowFormula(in RowView row, Span<double> coefficients);

/// <summary>A kernel of whole rows by any formula, with the promises of <paramref name="Inner"/>.</summary>
internal sealed record FormulaRows(Kernel Inner, RowFormula Formula) : RowKernel
{
    public override Traits Traits => Inner.Traits;

    public override RatioLevel Ratio => Inner.Ratio;

    public override Clip? Region => Inner.Region;

    public override ImmutableArray<double> Kinks => Inner.Kinks;

    public override ImmutableArray<Column> Reads => Inner.Reads;

    public override double Row(in RowView row, Span<double> coefficients) => Formula(row, coefficients);
}

/// <summary>Another weight with every entry changed: (batch, token, α) → α′.</summary>
internal sealed record ChangedWeight(TokenWeight Inner, Func<RolloutBatch, int, double, double> Change) : TokenWeight
{
    public override Traits Traits => Inner.Traits;

    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        Inner.Fill(batch, advantages, weights);
        for (int t = 0; t < weights.Length; t++)
            weights[t] = Change(batch, t, weights[t]);
    }
}

/// <summary>Another weight that is told other advantages than it should.</summary>
internal sealed record ToldAdvantages(TokenWeight Inner, Func<double, double> Change) : TokenWeight
{
    public override Traits Traits => Inner.Traits;

    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights) =>
        Inner.Fill(batch, [.. advantages.ToArray().Select(Change)], weights);
}
