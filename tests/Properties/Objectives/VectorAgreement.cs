using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// How far an evaluation over vectors may be from the definition, in units of the unit roundoff u: every coefficient within 64u of what it is made of, and
/// the value within γ of n + 64 roundings of the sum of its terms' sizes, times one plus how much the kernel amplifies the rounding of a ratio.
/// </summary>
internal sealed class VectorAgreement(SurrogateObjective objective, SurrogateObjective evaluated)
{
    /// <summary>The stated multiple: what two exponentials (1.5 and 1 units in the last place), their products and a sum of a few terms round, doubled and doubled again.</summary>
    public const int Roundings = 64;

    private RolloutBatch? _of;
    private double[]? _own;
    private readonly Workspace _workspace = new();
    private readonly VectorEvaluator _vectors = new(evaluated);
    private readonly SurrogateObjective _kernelAlone = objective with { Regularisers = [] };
    private readonly VectorEvaluator _vectorsAlone = new(evaluated with { Regularisers = [] });

    /// <summary>Compares an objective's definition with its own evaluation over vectors.</summary>
    public VectorAgreement(SurrogateObjective objective)
        : this(objective, objective)
    {
    }

    /// <summary>How many tokens had A ≠ 0 and no coefficient from the kernel: where a clip decided.</summary>
    public long Stopped { get; private set; }

    /// <summary>How many batches both refused.</summary>
    public int Refused { get; private set; }

    /// <summary>What is wrong on <paramref name="batch"/>, in words; null where nothing is.</summary>
    public string? Disagreement(RolloutBatch batch)
    {
        double[] expected = new double[batch.Tokens], alone = new double[batch.Tokens], aloneInVectors = new double[batch.Tokens], actual = new double[batch.Tokens];
        if (Value(() => objective.Evaluate(batch, batch[Column.Logp], expected, _workspace)) is not { } value)
        {
            Refused++;
            return Value(() => _vectors.Evaluate(batch, batch[Column.Logp], actual)) is { } given ? $"the definition refuses, and vectors say {given}" : null;
        }

        if (Value(() => _vectors.Evaluate(batch, batch[Column.Logp], actual)) is not { } fast)
            return "vectors refuse what the definition evaluates";
        _kernelAlone.Evaluate(batch, batch[Column.Logp], alone, _workspace);
        _vectorsAlone.Evaluate(batch, batch[Column.Logp], aloneInVectors);
        var evaluation = objective.Evaluate(batch);
        var size = new double[batch.Tokens];
        double sizes = KernelSizes(batch, evaluation, alone, size) + PenaltySizes(batch, evaluation, size);

        for (int t = 0; t < batch.Tokens; t++)
        {
            Stopped += alone[t] == 0 && evaluation.Advantages[t] * evaluation.Weights[t] != 0 ? 1 : 0;
            if (objective.Traits.HasFlag(Traits.HardClip) && alone[t] == 0 != (aloneInVectors[t] == 0))
                return $"another branch at {batch.PlaceOf(t)}: {alone[t]:R} and {aloneInVectors[t]:R}";
            if (!(Math.Abs(expected[t] - actual[t]) <= (Roundings * Tolerance.UnitRoundoff * size[t]) + (Roundings * double.Epsilon)))
                return $"coefficients differ at {batch.PlaceOf(t)}: {expected[t]:R} and {actual[t]:R}, made of {size[t]:R}";
        }

        return Math.Abs(value - fast) <= Tolerance.Summation(batch.Tokens + Roundings, sizes)
            ? null
            : $"values differ: {value:R} and {fast:R}, made of {sizes:R}";
    }

    // |w·∂φ/∂ℓ| of each token, times the amplification, to size; returns Σ|w·φ|, amplified.
    private double KernelSizes(RolloutBatch batch, Evaluation evaluation, ReadOnlySpan<double> alone, Span<double> size)
    {
        double sum = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            if (batch.Length(i) == 0)
                continue;
            var tokens = batch.Row(i);
            var row = new RowView
            {
                Completion = new(batch, i),
                Logp = batch[Column.Logp][tokens],
                Frozen = batch[Column.Logp][tokens],
                Old = batch[Column.OldLogp][tokens],
                Weights = evaluation.Weights.AsSpan(tokens),
                Advantages = evaluation.Advantages.AsSpan(tokens),
            };
            double amplified = 1 + Amplification(row), added = Added(batch, evaluation);
            for (int t = 0; t < row.Length; t++)
            {
                size[tokens.Start.Value + t] = (Math.Abs(alone[tokens.Start.Value + t]) * amplified) + added;
                sum += objective.Kernel is TokenKernel kernel
                    ? Math.Abs(row.Weights[t] * kernel.At(new(row.Logp[t], row.Frozen[t], row.Old[t], row.Advantages[t])).Value) * amplified
                    : (Math.Abs(alone[tokens.Start.Value + t] * row.Logp[t]) * amplified) + (added * (1 + row.Length));
            }

            if (objective.Kernel is RowKernel and not TokenKernel)
                sum += Math.Abs(((RowKernel)objective.Kernel).Row(row, new double[row.Length])) * amplified;
        }

        return sum + (objective.Kernel is GroupVariance ? Math.Abs(_kernelAlone.Evaluate(batch).Value) : 0);
    }

    // By how much more than a ratio's own rounding a coefficient moves, relative: the order of a row's sums moves its mass by n roundings and z by (n + 2)·2u·Σ|x| over its
    // divisor, and with it a soft gate its two sigmoids by τr, a gamma gain its exponent by k + λw.
    private double Amplification(in RowView row)
    {
        double magnitude = 0, largest = 0;
        for (int t = 0; t < row.Length; t++)
        {
            magnitude += Math.Abs(row.Logp[t] - row.Old[t]);
            largest = Math.Max(largest, row.Logp[t] - row.Old[t]);
        }

        double moved = (row.Length + 2) * magnitude;
        return (objective.Kernel is TokenKernel ? 0 : row.Length) + objective.Kernel switch
        {
            TokenRatio { Shape: SoftGate gate } => Gate(gate, largest),
            SequenceRatio { Shape: SoftGate gate } sequence => (1 + Gate(gate, row.LogRatio())) * (sequence.Ratio == RatioLevel.SequenceMean ? moved / row.Length : moved),
            SequenceRatio { Ratio: RatioLevel.SequenceMean } or SequenceTokenRatio or GeometricMean => moved / row.Length,
            SequenceRatio => moved,
            GammaGain gain => moved * (Math.Max(gain.PositiveK, gain.NegativeK) + 750),
            _ => 0,
        };
    }

    private static double Gate(SoftGate gate, double logRatio) => Math.Max(gate.PositiveTau, gate.NegativeTau) * Math.Exp(Math.Min(logRatio, 50));

    // What a regression's coefficient is made of and moves with the order of a row's sum, whatever its size.
    private double Added(RolloutBatch batch, Evaluation evaluation)
    {
        double factor = objective.Kernel switch { LogRatioRegression regression => regression.Tau, GroupVariance variance => variance.Beta, _ => 0 };
        if (factor == 0)
            return 0;
        double size = 0;
        for (int t = 0; t < batch.Tokens; t++)
            size += Math.Abs(batch[Column.Logp][t] - batch[Column.OldLogp][t]);
        return evaluation.Weights.Max(Math.Abs) * ((factor * size * (batch.Tokens + 2)) + evaluation.Advantages.Max(Math.Abs));
    }

    private double PenaltySizes(RolloutBatch batch, Evaluation evaluation, Span<double> size)
    {
        double sum = 0;
        foreach (var term in objective.Regularisers.OfType<KlPenalty>().Where(term => term.Beta != 0))
        {
            for (int t = 0; t < batch.Tokens; t++)
            {
                double y = batch[term.Against][t] - batch[Column.Logp][t], x = batch[Column.Logp][t] - batch[Column.OldLogp][t];
                double made = term.Estimator switch { KlEstimator.K3 => Math.Exp(y) + Math.Abs(y) + 1, KlEstimator.K2 => (y * y) + Math.Abs(y), _ => Math.Abs(y) + 1 };
                double own = Math.Abs(term.Beta * OwnWeight(batch, evaluation, term, t)) * made * (term.TimesRatio ? 2 * Math.Exp(x) : 1);
                size[t] += own;
                sum += own;
            }
        }

        return sum;
    }

    // The objective's weight, with or without the correction; a weight of the term's own is taken as the definition takes it, and cannot differ.
    private double OwnWeight(RolloutBatch batch, Evaluation evaluation, KlPenalty term, int t)
    {
        if (term.Weight is not null || term.Corrected)
            return evaluation.Weights[t];
        if (_own is null || !ReferenceEquals(_of, batch))
        {
            (_of, _own) = (batch, new double[batch.Tokens]);
            objective.Weight.Fill(batch, evaluation.Advantages, _own);
        }

        return _own[t];
    }

    private static double? Value(Func<double> evaluate)
    {
        try
        {
            return evaluate();
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }
}
