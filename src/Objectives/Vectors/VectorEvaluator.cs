using System.Collections.Immutable;
using System.Runtime.ExceptionServices;

namespace GroupRL.Objectives;

/// <summary>
/// Evaluates an objective over vectors of tokens: an optimisation of <see cref="SurrogateObjective.Evaluate(RolloutBatch, ReadOnlySpan{double}, Span{double}, Workspace)"/>,
/// which stays the definition. Where advantage, weight and correction are one number a row, kernel and KL penalties read every column once; a part without such
/// a form is evaluated as it is defined. Every clip takes the branch that the definition takes; numbers differ by the order of sums and by a few roundings of
/// each exponential. What is no finite number is the definition's to refuse.
/// </summary>
/// <remarks>Not for use by two threads at once. One job allocates nothing once it has grown to the largest batch.</remarks>
public sealed class VectorEvaluator
{
    // A stretch of a row whose columns stay in the first cache from the kernel to the penalties.
    private const int Stretch = 1024;

    private readonly SurrogateObjective _objective;
    private readonly VectorKernel? _kernel;
    private readonly ImmutableArray<KlVectors> _penalties;
    private readonly ImmutableArray<Regulariser> _defined;
    private readonly bool _ofRows;
    private readonly Workspace _workspace = new();
    private double[] _rows = [];
    private double[] _values = [];

    /// <summary>An evaluator of <paramref name="objective"/>.</summary>
    public VectorEvaluator(SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        _objective = objective;
        _kernel = VectorKernel.Of(objective.Kernel);
        var active = objective.Regularisers.Where(term => term.Beta != 0).ToArray();
        _penalties = [.. active.Select(KlVectors.Of).OfType<KlVectors>()];
        _defined = [.. active.Where(term => KlVectors.Of(term) is null)];
        _ofRows = _kernel is not null && _defined.IsEmpty && objective.Advantage is RowAdvantage && IsOfRows(objective.Weight) && IsOfRows(objective.Correction);
    }

    /// <summary>∂J/∂Hᵢₜ as of the last evaluation, shape [N]; empty where no part of the objective reads single tokens, and zero without an entropy bonus.</summary>
    public ReadOnlySpan<double> EntropyCoefficients => _ofRows ? [] : _workspace.EntropyCoefficients;

    /// <summary>J at the evaluation point <paramref name="logp"/>, shape [N]; writes ∂J/∂ℓ to <paramref name="coefficients"/>, shape [N].</summary>
    /// <exception cref="InvalidInputException">The batch lacks what the objective reads, or a result overflows float64.</exception>
    public double Evaluate(RolloutBatch batch, ReadOnlySpan<double> logp, Span<double> coefficients)
    {
        Prepare(batch, logp.Length, coefficients.Length);
        for (int g = 0; g < batch.Groups; g++)
            _values[g] = Group(batch, g, logp, coefficients);
        return Finish(batch, logp, coefficients);
    }

    /// <summary>J at the batch's own log-probs, groups shared out over <paramref name="jobs"/> threads; the result does not depend on how many.</summary>
    /// <exception cref="InvalidInputException">The batch lacks what the objective reads, a result overflows float64, or there is no thread.</exception>
    public double Evaluate(RolloutBatch batch, Memory<double> coefficients, int jobs = 1)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return jobs switch
        {
            < 1 => throw InvalidInputException.Because($"An evaluation needs at least 1 job; got {jobs}."),
            1 => Evaluate(batch, batch[Column.Logp], coefficients.Span),
            _ => InParallel(batch, coefficients, jobs),
        };
    }

    private double InParallel(RolloutBatch batch, Memory<double> coefficients, int jobs)
    {
        Prepare(batch, batch.Tokens, coefficients.Length);
        try
        {
            Parallel.For(0, batch.Groups, new ParallelOptions { MaxDegreeOfParallelism = jobs }, g => _values[g] = Group(batch, g, batch[Column.Logp], coefficients.Span));
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
        }

        return Finish(batch, batch[Column.Logp], coefficients.Span);
    }

    private void Prepare(RolloutBatch batch, int logps, int coefficients)
    {
        SurrogateObjective.RefuseOtherLengths(batch, logps, coefficients);
        // A batch without a trainable token must have them, too.
        foreach (var penalty in _penalties)
            _ = batch[penalty.Against];
        if (_values.Length < batch.Groups)
            _values = new double[batch.Groups];
        if (!_ofRows)
        {
            _objective.Prepare(batch, _workspace);
            return;
        }

        if (_rows.Length < 4 * batch.Rows)
            _rows = new double[4 * batch.Rows];
        _objective.Rewards.Fill(batch, Rewards(batch));
        ((RowAdvantage)_objective.Advantage).FillRows(batch, Rewards(batch), RowAdvantages(batch));
        FillRows(_objective.Weight, batch, RowWeights(batch));
        RowWeights(batch).CopyTo(CorrectedRowWeights(batch));
        if (_objective.Correction != TokenWeight.One)
            Multiply(_objective.Correction, batch, CorrectedRowWeights(batch));
    }

    // NaN where a coefficient is no finite number.
    private double Group(RolloutBatch batch, int g, ReadOnlySpan<double> logp, Span<double> coefficients)
    {
        var own = _ofRows ? new TokenNumbers(RowWeights(batch), ofRows: true) : new(_workspace.UncorrectedWeights, ofRows: false);
        var corrected = _ofRows ? new TokenNumbers(CorrectedRowWeights(batch), ofRows: true) : new(_objective.Corrected(_workspace), ofRows: false);
        var advantages = _ofRows ? new TokenNumbers(RowAdvantages(batch), ofRows: true) : new(_workspace.Advantages, ofRows: false);
        var group = new VectorGroup(batch, g, logp, corrected, advantages);
        double value = 0;
        if (_kernel is VectorGroupKernel coupled)
        {
            value = coupled.Group(group, coefficients);
        }
        else if (_kernel is null)
        {
            coefficients[batch.GroupTokens(g)].Clear();
            value = _objective.Kernel.Group(new(batch, g, logp, _workspace.Advantages, _objective.Corrected(_workspace)), coefficients[batch.GroupTokens(g)]);
            value = Sums.AllFinite(coefficients[batch.GroupTokens(g)]) ? value : double.NaN;
        }

        for (int k = 0; k < group.Rows; k++)
        {
            var row = group[k];
            if (row.Length > 0)
                value += Row(row, own.Of(row.Completion.Row, row.First, row.Length), coefficients.Slice(row.First, row.Length));
        }

        return value;
    }

    private double Row(in VectorRow row, TokenValues uncorrected, Span<double> coefficients)
    {
        double value = _kernel is VectorRowKernel { CutsRows: false } whole ? whole.Row(row, coefficients) : 0;
        var cut = _kernel is VectorRowKernel { CutsRows: true } kernel ? kernel : null;
        if (cut is null && _penalties.IsEmpty)
            return value;
        for (int start = 0; start < row.Length; start += Stretch)
        {
            int count = Math.Min(Stretch, row.Length - start);
            var stretch = row.Slice(start, count);
            var own = uncorrected.Slice(start, count);
            var tokens = coefficients.Slice(start, count);
            if (cut is not null)
                value += cut.Row(stretch, tokens);
            foreach (var penalty in _penalties)
                value += penalty.Add(penalty.Corrected ? stretch : stretch with { Weights = own }, tokens);
        }

        return value;
    }

    private double Finish(RolloutBatch batch, ReadOnlySpan<double> logp, Span<double> coefficients)
    {
        double value = 0;
        for (int g = 0; g < batch.Groups; g++)
            value += _values[g];
        foreach (var term in _defined)
            value += _objective.Add(term, batch, logp, coefficients, _workspace);
        // What the definition refuses beside coefficients: rows without tokens have rewards and advantages, too.
        Span<double> rewards = _ofRows ? Rewards(batch) : _workspace.Rewards, advantages = _ofRows ? RowAdvantages(batch) : _workspace.RowAdvantages;
        bool finite = double.IsFinite(value) && !rewards.ContainsAny(double.PositiveInfinity, double.NegativeInfinity)
            && (_objective.Advantage is not RowAdvantage || Sums.AllFinite(advantages))
            && (_ofRows || (Sums.AllFinite(_workspace.Advantages) && (_defined.IsEmpty || Sums.AllFinite(coefficients))));
        return finite ? value : _objective.Evaluate(batch, logp, coefficients, _workspace);
    }

    private Span<double> Rewards(RolloutBatch batch) => _rows.AsSpan(0, batch.Rows);

    private Span<double> RowAdvantages(RolloutBatch batch) => _rows.AsSpan(batch.Rows, batch.Rows);

    private Span<double> RowWeights(RolloutBatch batch) => _rows.AsSpan(2 * batch.Rows, batch.Rows);

    private Span<double> CorrectedRowWeights(RolloutBatch batch) => _rows.AsSpan(3 * batch.Rows, batch.Rows);

    private static bool IsOfRows(TokenWeight weight) => weight is RowWeight { OneNumberARow: true } || (weight is ProductWeight { Factors: var factors } && factors.All(IsOfRows));

    // As ProductWeight fills tokens.
    private static void FillRows(TokenWeight weight, RolloutBatch batch, Span<double> rows)
    {
        if (weight is RowWeight ofRows)
        {
            ofRows.FillRows(batch, rows);
            return;
        }

        var factors = ((ProductWeight)weight).Factors.AsSpan();
        FillRows(factors[0], batch, rows);
        foreach (var factor in factors[1..])
            Multiply(factor, batch, rows);
    }

    private static void Multiply(TokenWeight factor, RolloutBatch batch, Span<double> rows)
    {
        using var scratch = new Scratch(rows.Length);
        FillRows(factor, batch, scratch.Span);
        for (int i = 0; i < rows.Length; i++)
            rows[i] *= scratch.Span[i];
    }
}
