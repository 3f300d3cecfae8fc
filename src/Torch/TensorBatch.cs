using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>
/// Rollouts as a trainer's loss sees them: float64 rectangles of B rows and T columns, T the longest completion (masked tokens included), and
/// a mask. A column is data, through which no gradient flows; one flows through <see cref="Logp"/> and <see cref="Entropy"/> alone. The
/// tensors are on the CPU, and belong to the dispose scope in which the batch is made.
/// </summary>
public sealed class TensorBatch
{
    // No log-prob, no entropy, no random number and no probability: a term that forgets the mask shows.
    private const double Filler = -3;

    // The id of what lies beyond a row's end, and of a masked token whose id is not known.
    private const long NoId = long.MinValue;

    private readonly RolloutBatch _batch;
    private readonly int[] _places;

    /// <summary>The batch at the log-probs <paramref name="logp"/> of a policy, shape [B, T]; null: at its own, as a leaf.</summary>
    public TensorBatch(RolloutBatch batch, Tensor? logp = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        _batch = batch;
        (Rows, Groups, Tokens) = (batch.Rows, batch.Groups, batch.Tokens);
        Width = Enumerable.Range(0, Rows).Max(batch.FullLength);
        _places = PaddedBatch.Places(batch, new(), Width);

        Trained = Spread([.. _places.Select(_ => 1.0)], 0).gt(0);
        Mask = Trained.to(float64);
        Lengths = Mask.sum(1);
        var label = torch.tensor(Enumerable.Range(0, Rows).Select(i => (long)batch.GroupOf(i)).ToArray());
        Together = label.unsqueeze(1).eq(label.unsqueeze(0)).to(float64);
        double[] rewards = new double[Rows * batch.RewardsPerRow];
        for (int k = 0; k < rewards.Length; k++)
            rewards[k] = batch.TryReward(k / batch.RewardsPerRow, k % batch.RewardsPerRow, out double reward) ? reward : double.NaN;
        Rewards = torch.tensor(rewards, Rows, batch.RewardsPerRow);

        Logp = logp ?? this[Column.Logp].requires_grad_();
        Entropy = batch.Has(Column.Entropy) ? this[Column.Entropy].requires_grad_() : null;
    }

    /// <summary>B, the number of completions.</summary>
    public int Rows { get; }

    /// <summary>P, the number of prompts.</summary>
    public int Groups { get; }

    /// <summary>N, the number of trainable tokens.</summary>
    public int Tokens { get; }

    /// <summary>T, the width of the rectangles, in tokens.</summary>
    public int Width { get; }

    /// <summary>True where a token is trained on, shape [B, T].</summary>
    public Tensor Trained { get; }

    /// <summary>1 where a token is trained on, 0 elsewhere, shape [B, T].</summary>
    public Tensor Mask { get; }

    /// <summary>nᵢ, shape [B], in tokens.</summary>
    public Tensor Lengths { get; }

    /// <summary>1 where rows i and j are of one group, 0 elsewhere, shape [B, B].</summary>
    public Tensor Together { get; }

    /// <summary>Rᵢₖ, shape [B, K], units of reward; NaN where it is missing.</summary>
    public Tensor Rewards { get; }

    /// <summary>ℓ, shape [B, T], nats: the point at which J is differentiated.</summary>
    public Tensor Logp { get; }

    /// <summary>H, shape [B, T], nats, as a leaf; null where the batch carries none.</summary>
    public Tensor? Entropy { get; }

    /// <summary>A column as data, shape [B, T]; of ℓ and H the values, without their gradients.</summary>
    /// <exception cref="InvalidInputException">The batch does not carry the column.</exception>
    public Tensor this[Column column] => Spread(_batch[column], Filler);

    /// <summary>The reward of the greedy completion of each row's prompt, shape [B], units of reward.</summary>
    /// <exception cref="InvalidInputException">The batch carries none.</exception>
    public Tensor GreedyRewards() => torch.tensor(Enumerable.Range(0, Rows).Select(_batch.GreedyReward).ToArray());

    /// <summary>kᵢₜ, how many trainable tokens a row has up to this one, itself included, shape [B, T].</summary>
    public Tensor Ordinals() => Mask.cumsum(1);

    /// <summary>Whether rows i and j have the same known id at place t, masked tokens included, shape [B, B, T].</summary>
    /// <exception cref="InvalidInputException">The batch carries no token ids.</exception>
    public Tensor SameIds()
    {
        var ids = Ids();
        return ids.unsqueeze(1).eq(ids.unsqueeze(0)).logical_and(ids.ne(NoId).unsqueeze(1));
    }

    /// <summary>
    /// Whether rows i and j have the same id at their k-th trainable token, both there, shape [B, B, T]: counted from the start, or from the
    /// end, k = 0 being the last.
    /// </summary>
    /// <exception cref="InvalidInputException">The batch carries no token ids.</exception>
    public Tensor SameTrainedIds(bool fromEnd)
    {
        var place = fromEnd ? Lengths.unsqueeze(1) - Ordinals() : Ordinals() - 1;
        var picks = place.unsqueeze(1).eq(torch.arange(Width, dtype: float64).reshape(1, Width, 1)).logical_and(Trained.unsqueeze(1));
        var ids = torch.where(picks, Ids().unsqueeze(1), torch.full(1, 1, 1, NoId, dtype: int64)).amax(2);
        return ids.unsqueeze(1).eq(ids.unsqueeze(0)).logical_and(ids.ne(NoId).unsqueeze(1));
    }

    /// <summary>Values of the trainable tokens, shape [N], at their places, shape [B, T].</summary>
    public Tensor Spread(ReadOnlySpan<double> tokens, double elsewhere)
    {
        double[] cells = new double[Rows * Width];
        Array.Fill(cells, elsewhere);
        for (int t = 0; t < tokens.Length; t++)
            cells[_places[t]] = tokens[t];
        return torch.tensor(cells, Rows, Width);
    }

    /// <summary>The values that stand at the trainable tokens, shape [N].</summary>
    public double[] Gather(Tensor cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        double[] all = [.. cells.detach().contiguous().data<double>()];
        return [.. _places.Select(place => all[place])];
    }

    private Tensor Ids()
    {
        long[] ids = new long[Rows * Width];
        Array.Fill(ids, NoId);
        for (int i = 0; i < Rows; i++)
        {
            var own = _batch.Ids(i);
            for (int t = 0; t < own.Length; t++)
                ids[(i * Width) + t] = own[t] == RolloutBatch.UnknownId ? NoId : own[t];
        }

        return torch.tensor(ids, Rows, Width);
    }
}
