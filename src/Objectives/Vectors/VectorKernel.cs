namespace GroupRL.Objectives;

/// <summary>What a kernel over vectors sees of a row, or of a stretch of it; all spans have shape [n].</summary>
internal readonly ref struct VectorRow
{
    /// <summary>The completion itself.</summary>
    public Completion Completion { get; init; }

    /// <summary>Where its first token stands in a column.</summary>
    public int First { get; init; }

    /// <summary>ℓ at the evaluation point.</summary>
    public ReadOnlySpan<double> Logp { get; init; }

    /// <summary>ℓ of the batch itself.</summary>
    public ReadOnlySpan<double> Frozen { get; init; }

    /// <summary>ℓ°.</summary>
    public ReadOnlySpan<double> Old { get; init; }

    /// <summary>w = α·μ.</summary>
    public TokenValues Weights { get; init; }

    /// <summary>Aₜ.</summary>
    public TokenValues Advantages { get; init; }

    /// <summary>n.</summary>
    public int Length => Logp.Length;

    /// <summary>A column's values.</summary>
    public ReadOnlySpan<double> Column(Column column) => Completion.Batch[column].Slice(First, Length);

    /// <summary>The tokens from <paramref name="start"/> on, <paramref name="count"/> of them.</summary>
    public VectorRow Slice(int start, int count) => new()
    {
        Completion = Completion,
        First = First + start,
        Logp = Logp.Slice(start, count),
        Frozen = Frozen.Slice(start, count),
        Old = Old.Slice(start, count),
        Weights = Weights.Slice(start, count),
        Advantages = Advantages.Slice(start, count),
    };

    /// <summary>What the definition <paramref name="kernel"/> says of the whole row; writes its coefficients, shape [n]. NaN where one is no finite number.</summary>
    public double Defined(RowKernel kernel, Span<double> coefficients)
    {
        using Scratch weights = new(Length), advantages = new(Length);
        Weights.CopyTo(weights.Span);
        Advantages.CopyTo(advantages.Span);
        coefficients.Clear();
        double value = kernel.Row(
            new() { Completion = Completion, Logp = Logp, Frozen = Frozen, Old = Old, Weights = weights.Span, Advantages = advantages.Span }, coefficients);
        return Sums.AllFinite(coefficients) ? value : double.NaN;
    }
}

/// <summary>What a kernel over vectors sees of a group.</summary>
internal readonly ref struct VectorGroup(RolloutBatch batch, int group, ReadOnlySpan<double> logp, TokenNumbers weights, TokenNumbers advantages)
{
    private readonly ReadOnlySpan<double> _logp = logp;
    private readonly ReadOnlySpan<double> _frozen = batch[Column.Logp];
    private readonly ReadOnlySpan<double> _old = batch[Column.OldLogp];
    private readonly TokenNumbers _weights = weights;
    private readonly TokenNumbers _advantages = advantages;
    private readonly int _firstRow = batch.Group(group).Start.Value;

    /// <summary>G.</summary>
    public int Rows { get; } = batch.GroupSize(group);

    /// <summary>Where the tokens of row <paramref name="k"/> stand in a column.</summary>
    public Range Tokens(int k) => batch.Row(_firstRow + k);

    /// <summary>Row <paramref name="k"/> of the group.</summary>
    public VectorRow this[int k]
    {
        get
        {
            int i = _firstRow + k;
            var (first, count) = batch.Row(i).GetOffsetAndLength(_logp.Length);
            return new()
            {
                Completion = new(batch, i),
                First = first,
                Logp = _logp.Slice(first, count),
                Frozen = _frozen.Slice(first, count),
                Old = _old.Slice(first, count),
                Weights = _weights.Of(i, first, count),
                Advantages = _advantages.Of(i, first, count),
            };
        }
    }
}

/// <summary>
/// A kernel over vectors of tokens: an optimisation of the <see cref="Kernel"/> that defines it. It takes the same branch at every token, for where
/// a vector's rounding could tell otherwise the definition is asked, and agrees in the numbers to a few roundings.
/// </summary>
/// <remarks>Least and largest of two are the machine's own (<c>MinNative</c>): batches hold no NaN, and which zero is meant is of no matter.</remarks>
internal abstract class VectorKernel
{
    /// <summary>
    /// The distance from a kink, relative in ratios and in nats, within which a vector's exponential and the scalar one may be on two sides of it: 32
    /// roundings, many times their errors together.
    /// </summary>
    public const double Near = 32.0 / (1L << 53);

    /// <summary>The form over vectors of a kernel; null where only the definition knows how it couples rows.</summary>
    public static VectorKernel? Of(Kernel kernel) => kernel switch
    {
        TokenRatio { Shape: Unclipped } ratio => new TokenVectors<TokenRatioLanes<UnclippedLanes>>(ratio, new(ratio, default)),
        TokenRatio { Shape: Clip clip } ratio when double.IsFinite(Math.Min(clip.Cap, clip.Dual)) => new TokenVectors<TokenRatioLanes<CappedClipLanes>>(ratio, new(ratio, new(clip))),
        TokenRatio { Shape: Clip clip } ratio => new TokenVectors<TokenRatioLanes<ClipLanes>>(ratio, new(ratio, new(clip))),
        TokenRatio { Shape: SoftGate gate } ratio => new TokenVectors<TokenRatioLanes<SoftGateLanes>>(ratio, new(ratio, new(gate))),
        GradientPreservingClip preserving => new TokenVectors<GradientPreservingLanes>(preserving, new(preserving.Clip)),
        OwnRatio own => new TokenVectors<OwnRatioLanes>(own, default),
        LogLikelihood likelihood => new TokenVectors<LogLikelihoodLanes>(likelihood, default),
        ClippedImportance importance => new TokenVectors<ClippedImportanceLanes>(importance, new(importance)),
        SequenceRatio sequence => new SequenceRatioVectors(sequence),
        SequenceTokenRatio sequence => new SequenceTokenRatioVectors(sequence),
        GeometricMean mean => new GeometricMeanVectors(mean),
        LogRatioRegression regression => new LogRatioRegressionVectors(regression),
        FlippedRatio flipped => new FlippedRatioVectors(flipped),
        GammaGain { Mismatch: null } gain when GammaGainVectors.CannotOverflow(gain) => new GammaGainVectors(gain),
        GroupVariance variance => new GroupVarianceVectors(variance),
        RowKernel row => new DefinedRows(row),
        _ => null,
    };
}

/// <summary>One of a kernel whose rows do not see each other.</summary>
internal abstract class VectorRowKernel : VectorKernel
{
    /// <summary>Whether no token sees another either, so that a row may be cut into stretches.</summary>
    public virtual bool CutsRows => false;

    /// <summary>Writes the coefficients of a row with at least one token and returns its Σ w·φ, NaN where one is no finite number.</summary>
    public abstract double Row(in VectorRow row, Span<double> coefficients);
}

/// <summary>One of a kernel whose rows see each other.</summary>
internal abstract class VectorGroupKernel : VectorKernel
{
    /// <summary>Writes the coefficients of a group's rows to <paramref name="coefficients"/>, shape [N], and returns its Σ w·φ, NaN where one is no finite number.</summary>
    public abstract double Group(in VectorGroup group, Span<double> coefficients);
}

/// <summary>A row kernel as it is defined, token by token.</summary>
internal sealed class DefinedRows(RowKernel kernel) : VectorRowKernel
{
    /// <inheritdoc/>
    public override double Row(in VectorRow row, Span<double> coefficients) => row.Defined(kernel, coefficients);
}
