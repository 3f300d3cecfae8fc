namespace GroupRL.Objectives;

/// <summary>
/// A loss whose answers are held to the rules of <see cref="ILoss"/> before anyone reads them: a gradient for every place of the batch, and the
/// same answer when some batches are asked about twice.
/// </summary>
public sealed class CheckedLoss : ILoss
{
    // The first few batches are asked about twice, and every so many after them.
    private const int FirstDoubted = 4, Doubted = 64;

    private readonly ILoss _loss;
    private long _asked;

    /// <summary>Holds <paramref name="loss"/> to the rules.</summary>
    /// <exception cref="BrokenSubjectException">It says nothing of itself.</exception>
    public CheckedLoss(ILoss loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        _loss = loss;
        Signature = loss.Signature ?? throw new BrokenSubjectException($"The loss {loss.GetType().Name} has no signature: it is null.");
    }

    /// <inheritdoc/>
    public LossSignature Signature { get; }

    /// <summary>Whether the batch that is asked about as the <paramref name="asked"/>-th, from 1 on, is asked about twice.</summary>
    public static bool IsDoubted(long asked) => asked <= FirstDoubted || asked % Doubted == 0;

    /// <inheritdoc/>
    /// <exception cref="BrokenSubjectException">The loss breaks a rule.</exception>
    public LossAnswer Evaluate(PaddedBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        long asked = Interlocked.Increment(ref _asked);
        var answer = Ask(batch);
        if (IsDoubted(asked))
            RefuseAnother(answer, Ask(batch));
        return answer;
    }

    private LossAnswer Ask(PaddedBatch batch) => _loss.Evaluate(batch) switch
    {
        { Gradient: { } gradient } answer when gradient.Length == batch.Rows * batch.Width => answer,
        { Gradient: { } other } => throw Broken($"answers a batch of {batch.Rows} rows and {batch.Width} columns with a gradient of {other.Length} numbers, not {batch.Rows * batch.Width}"),
        _ => throw Broken($"answers a batch with null"),
    };

    private void RefuseAnother(LossAnswer first, LossAnswer second)
    {
        if (!first.Loss.Equals(second.Loss))
            throw Broken($"is not deterministic, or not safe to ask by several threads at once: to one batch it answered the loss {first.Loss:R} and then {second.Loss:R}");
        if (!first.Gradient.AsSpan().SequenceEqual(second.Gradient))
            throw Broken($"is not deterministic, or not safe to ask by several threads at once: to one batch it answered two gradients");
    }

    private BrokenSubjectException Broken(FormattableString what) => new($"The loss {Signature.Name} {FormattableString.Invariant(what)}.");
}
