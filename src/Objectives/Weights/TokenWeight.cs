using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>What the coefficients of a micro-batch, or of a device, must be weighed by so that those of the parts add up to the batch's.</summary>
public enum Share
{
    /// <summary>Nothing: a token's weight does not see how large the batch is, and parts are added.</summary>
    Whole,

    /// <summary>The number of prompts.</summary>
    Prompts,

    /// <summary>The number of rows.</summary>
    Rows,

    /// <summary>The number of rows with a trainable token.</summary>
    LiveRows,

    /// <summary>The number of trainable tokens.</summary>
    Tokens,

    /// <summary>No such number does it.</summary>
    None,
}

/// <summary>
/// αᵢₜ, the weight of a token's coefficient, one for each trainable token, shape [N]; frozen. Also the form of the detached
/// corrections μ. Fully masked rows have no tokens and so no weight, but count in G and B.
/// </summary>
public abstract record TokenWeight
{
    /// <summary>1 everywhere.</summary>
    public static TokenWeight One { get; } = new ConstantWeight(1);

    /// <summary>What this weight promises.</summary>
    public abstract Traits Traits { get; }

    /// <summary>The columns it reads.</summary>
    public virtual ImmutableArray<Column> Reads => [];

    /// <summary>Whether it reads more of the advantages than their signs.</summary>
    public virtual bool ReadsAdvantageSizes => false;

    /// <summary>Whether masked tokens at the ends of rows, the padding, change it.</summary>
    public virtual bool ReadsPadding => false;

    /// <summary>Over what all tokens have one weight: their group, the whole batch, or neither (null).</summary>
    public virtual Pool? OneNumberOver => null;

    /// <summary>Whether all tokens of a row have one weight.</summary>
    public virtual bool OneNumberARow => OneNumberOver is not null;

    /// <summary>The same on-policy, where trust regions hold every token and ratios to the behaviour policy are 1.</summary>
    public virtual bool OneNumberARowOnPolicy => OneNumberARow;

    /// <summary>Whether every row has the same mass Σₜ αᵢₜ within its group.</summary>
    public virtual bool EqualMass => Traits.HasFlag(Traits.RowMeanWeight);

    /// <summary>Whether a row's weights see the other rows of its group.</summary>
    public virtual bool ReadsGroup => false;

    /// <summary>How parts of a batch, cut between prompts, add up.</summary>
    public virtual Share Share => Traits.HasFlag(Traits.GroupIsolated) ? Share.Whole : Share.None;

    /// <summary>Whether how large the whole batch is must be known to put its parts together; so, too, wherever <see cref="OfPart"/> is told of the whole.</summary>
    public virtual bool ReadsSize => Share != Share.Whole;

    /// <summary>This weight as a trainer applies it to <paramref name="part"/>, a micro-batch or device of <paramref name="whole"/>: itself, unless it is told of the whole.</summary>
    public virtual TokenWeight OfPart(BatchSize part, BatchSize whole) => this;

    /// <summary>Writes αᵢₜ for every trainable token; <paramref name="advantages"/> has shape [N].</summary>
    public abstract void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights);

    /// <summary>The product of this weight and another, token by token.</summary>
    public TokenWeight Times(TokenWeight other) => new ProductWeight([this, other]);

    /// <summary>This weight times a number.</summary>
    public TokenWeight Times(double factor) => Times(new ConstantWeight(factor));
}

/// <summary>A weight that is made of one number a row, which its tokens share unless <see cref="TokenWeight.OneNumberARow"/> says otherwise.</summary>
public abstract record RowWeight : TokenWeight
{
    /// <inheritdoc/>
    public override bool OneNumberARow => true;

    /// <summary>Writes αᵢ for every row, shape [B]; any number for a row without tokens.</summary>
    public abstract void FillRows(RolloutBatch batch, Span<double> weights);

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        using var rows = new Scratch(batch.Rows);
        FillRows(batch, rows.Span);
        RowAdvantage.Spread(batch, rows.Span, weights);
    }
}

/// <summary>α = <paramref name="Value"/> for every token: 1 is verl's token-sum.</summary>
public sealed record ConstantWeight(double Value) : RowWeight
{
    /// <summary>The weight, a finite number.</summary>
    public double Value { get; init => field = Checks.Finite(value, "A constant weight"); } = Checks.Finite(Value, "A constant weight");

    /// <inheritdoc/>
    public override Traits Traits => Traits.UniformWeight | Traits.UniformOffPolicy | Traits.GroupIsolated | Traits.LengthBlind | Traits.FlatWeight;

    /// <inheritdoc/>
    public override Pool? OneNumberOver => Pool.Batch;

    /// <inheritdoc/>
    public override void FillRows(RolloutBatch batch, Span<double> weights) => weights.Fill(Value);
}

/// <summary>α = Πₖ αₖ, token by token, in the order given.</summary>
/// <param name="Factors">The factors, at least 1.</param>
public sealed record ProductWeight(ImmutableArray<TokenWeight> Factors) : TokenWeight
{
    /// <summary>The factors, at least 1.</summary>
    public ImmutableArray<TokenWeight> Factors { get; } = Factors is { IsDefault: false, Length: > 0 }
        ? Factors
        : throw InvalidInputException.Because($"A product of weights needs at least 1 factor; got 0.");

    /// <summary>All factors' promises; 1/nᵢ survives beside uniform factors.</summary>
    public override Traits Traits
    {
        get
        {
            var common = Factors.Aggregate(Traits.GroupIsolated | Traits.LengthBlind | Traits.FlatWeight, (all, factor) => all & factor.Traits);
            // A factor that is uniform on shared prefixes only may break 1/nᵢ beyond them, so constants alone leave it standing.
            var varying = Factors.Where(factor => factor is not ConstantWeight).ToArray();
            var shape = varying.Length == 1 ? varying[0].Traits & Traits.RowMeanWeight : Traits.None;
            var uniform = Factors.Aggregate(Traits.UniformWeight | Traits.UniformOffPolicy, (all, factor) => all & factor.Traits);
            return common | shape | uniform;
        }
    }

    /// <inheritdoc/>
    public override Pool? OneNumberOver => Factors.Select(factor => factor.OneNumberOver).Min() is var least && Factors.All(factor => factor.OneNumberOver is not null) ? least : null;

    /// <inheritdoc/>
    public override bool OneNumberARow => Factors.All(factor => factor.OneNumberARow);

    /// <inheritdoc/>
    public override bool OneNumberARowOnPolicy => Factors.All(factor => factor.OneNumberARowOnPolicy);

    /// <inheritdoc/>
    public override bool EqualMass => Factors.Count(factor => factor.EqualMass) == 1 && Factors.All(factor => factor.EqualMass || factor.OneNumberOver is not null);

    /// <inheritdoc/>
    public override bool ReadsGroup => Factors.Any(factor => factor.ReadsGroup);

    /// <summary>That of the one factor that has one.</summary>
    public override Share Share => Factors.Select(factor => factor.Share).Where(share => share != Share.Whole).ToArray() switch
    {
        [] => Share.Whole,
        [var only] => only,
        _ => Share.None,
    };

    /// <inheritdoc/>
    public override bool ReadsSize => Factors.Any(factor => factor.ReadsSize);

    /// <inheritdoc/>
    public override TokenWeight OfPart(BatchSize part, BatchSize whole) => new ProductWeight([.. Factors.Select(factor => factor.OfPart(part, whole))]);

    /// <inheritdoc/>
    public override bool ReadsAdvantageSizes => Factors.Any(factor => factor.ReadsAdvantageSizes);

    /// <inheritdoc/>
    public override bool ReadsPadding => Factors.Any(factor => factor.ReadsPadding);

    /// <inheritdoc/>
    public override ImmutableArray<Column> Reads => [.. Factors.SelectMany(factor => factor.Reads).Distinct()];

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        Factors[0].Fill(batch, advantages, weights);
        using var scratch = new Scratch(weights.Length);
        foreach (var factor in Factors.AsSpan()[1..])
        {
            factor.Fill(batch, advantages, scratch.Span);
            for (int t = 0; t < weights.Length; t++)
                weights[t] *= scratch.Span[t];
        }
    }

    /// <summary>Equal where the factors are, in order.</summary>
    public bool Equals(ProductWeight? other) => other is not null && Factors.SequenceEqual(other.Factors);

    /// <inheritdoc/>
    public override int GetHashCode() => Factors.Aggregate(0, HashCode.Combine);
}
