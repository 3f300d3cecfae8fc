using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>How a ragged batch is laid out as rectangles: what no sound loss looks at.</summary>
public sealed record Padding
{
    /// <summary>Columns beyond the longest completion.</summary>
    public int ExtraColumns { get; init; }

    /// <summary>
    /// What stands at masked places and in the padding, by quantity and place (row, column); null: zeros. Token ids there stay as they are.
    /// </summary>
    public Func<Column, int, int, double>? Filler { get; init; }

    /// <summary>Which row of the batch stands where: a permutation of its rows; default: as they are.</summary>
    public ImmutableArray<int> Order { get; init; } = [];

    /// <summary>The label of each group; default: 0, 1, 2, …</summary>
    public ImmutableArray<int> Labels { get; init; } = [];
}

/// <summary>
/// Rollouts as a trainer hands them to its loss: rectangles of N rows and T columns, a mask, and a label a row that names its group.
/// The unit of everything is that of <see cref="RolloutBatch"/>; at masked places values carry no meaning.
/// </summary>
public sealed record PaddedBatch
{
    private readonly double[]?[] _columns = new double[Columns.All.Count][];

    /// <summary>N, the number of rows.</summary>
    public int Rows => Groups.Length;

    /// <summary>T, the number of columns.</summary>
    public required int Width { get; init; }

    /// <summary>True where a token is trained on, shape [N·T], row after row.</summary>
    public required bool[] Mask { get; init; }

    /// <summary>Token ids, shape [N·T]; null where unknown.</summary>
    public int[]? Tokens { get; init; }

    /// <summary>K rewards a row, shape [N, K]; null where missing.</summary>
    public required double?[][] Rewards { get; init; }

    /// <summary>The group of each row, shape [N]: any labels, in any order.</summary>
    public required int[] Groups { get; init; }

    /// <summary>The reward of the greedy completion of each row's prompt, shape [N]; null where there is none.</summary>
    public double[]? GreedyRewards { get; init; }

    /// <summary>ℓ at which every detached term is to be evaluated, shape [N·T]; null: at <see cref="Column.Logp"/> itself.</summary>
    public double[]? FrozenLogps { get; init; }

    /// <summary>How many consecutive rows each micro-batch takes; empty: one batch.</summary>
    public ImmutableArray<int> Accumulation { get; init; } = [];

    /// <summary>How many consecutive rows each device takes; empty: one device.</summary>
    public ImmutableArray<int> Devices { get; init; } = [];

    /// <summary>A column, shape [N·T], row after row; null where the batch lacks it.</summary>
    public double[]? this[Column column] => _columns[(int)column];

    private PaddedBatch(PaddedBatch original)
    {
        _columns = [.. original._columns];
        (Width, Mask, Tokens, Rewards, Groups) = (original.Width, original.Mask, original.Tokens, original.Rewards, original.Groups);
        (GreedyRewards, FrozenLogps, Accumulation, Devices) = (original.GreedyRewards, original.FrozenLogps, original.Accumulation, original.Devices);
    }

    /// <summary>A copy in which <paramref name="column"/> holds <paramref name="values"/>, shape [N·T].</summary>
    public PaddedBatch With(Column column, double[]? values)
    {
        var copy = this with { };
        copy._columns[(int)column] = values;
        return copy;
    }

    /// <summary>The rectangles of a ragged batch.</summary>
    public static PaddedBatch Of(RolloutBatch batch, Padding? padding = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        padding ??= new();
        int rows = batch.Rows, width = Enumerable.Range(0, rows).Max(batch.FullLength) + padding.ExtraColumns;
        var place = Places(batch, padding, width);
        int[] order = OrderOf(batch, padding), ids = new int[rows * width];
        bool[] mask = new bool[rows * width];
        foreach (int at in place)
            mask[at] = true;
        for (int row = 0; row < rows && batch.HasIds; row++)
        {
            var own = batch.Ids(order[row]);
            for (int t = 0; t < own.Length; t++)
                ids[(row * width) + t] = own[t] == RolloutBatch.UnknownId ? 0 : own[t];
        }

        var padded = new PaddedBatch
        {
            Width = width,
            Mask = mask,
            Tokens = batch.HasIds ? ids : null,
            Rewards = [.. order.Select(i => Enumerable.Range(0, batch.RewardsPerRow).Select(k => batch.TryReward(i, k, out double reward) ? reward : (double?)null).ToArray())],
            Groups = [.. order.Select(i => padding.Labels.IsEmpty ? batch.GroupOf(i) : padding.Labels[batch.GroupOf(i)])],
            GreedyRewards = batch.HasGreedyRewards ? [.. order.Select(batch.GreedyReward)] : null,
        };
        foreach (var column in Columns.All.Where(batch.Has))
            padded._columns[(int)column] = Spread(column, batch[column], place, padded, padding);
        return padded;
    }

    /// <summary>Values of trainable tokens, shape [N], at their places of this batch, shape [N·T], 0 elsewhere.</summary>
    public double[] Spread(RolloutBatch batch, ReadOnlySpan<double> values, Padding? padding = null) =>
        Spread(Column.Logp, values, Places(batch, padding ?? new(), Width), this, padding ?? new());

    /// <summary>Where each trainable token of <paramref name="batch"/> stands in its rectangles, as an index into [N·T], shape [N].</summary>
    public static int[] Places(RolloutBatch batch, Padding padding, int width)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(padding);
        int[] order = OrderOf(batch, padding), places = new int[batch.Tokens];
        for (int row = 0; row < order.Length; row++)
        {
            int first = batch.Row(order[row]).Start.Value;
            var positions = batch.Positions(order[row]);
            for (int t = 0; t < positions.Length; t++)
                places[first + t] = (row * width) + positions[t];
        }

        return places;
    }

    /// <summary>Consecutive rows of this batch as one of their own.</summary>
    public PaddedBatch Slice(Range rows)
    {
        var (first, count) = rows.GetOffsetAndLength(Rows);
        var cells = new Range(first * Width, (first + count) * Width);
        var part = new PaddedBatch
        {
            Width = Width,
            Mask = Mask[cells],
            Tokens = Tokens?[cells],
            Rewards = Rewards[rows],
            Groups = Groups[rows],
            GreedyRewards = GreedyRewards?[rows],
            FrozenLogps = FrozenLogps?[cells],
        };
        foreach (var column in Columns.All)
            part._columns[(int)column] = this[column]?[cells];
        return part;
    }

    /// <summary>
    /// The ragged batch of these rectangles: groups in the order of their labels' first rows. A token beyond a row's last trained one is
    /// taken for padding, whose id is unknown.
    /// </summary>
    /// <param name="order">Which row of the rectangles each row of the batch was, shape [N].</param>
    /// <exception cref="InvalidInputException">The values break a rule of batches.</exception>
    public RolloutBatch ToBatch(out int[] order)
    {
        int[][] groups = [.. Enumerable.Range(0, Rows).GroupBy(row => Groups[row]).Select(group => group.ToArray())];
        order = [.. groups.SelectMany(rows => rows)];
        return RolloutBatch.Of([.. groups.Select(rows => rows.Select(ToRollout).ToArray())]);
    }

    private Rollout ToRollout(int row)
    {
        var cells = new Range(row * Width, (row + 1) * Width);
        bool[] mask = Mask[cells];
        int[]? tokens = Tokens?[cells];
        tokens?.AsSpan(Array.LastIndexOf(mask, true) + 1).Fill(RolloutBatch.UnknownId);
        return new Rollout
        {
            Rewards = Rewards[row],
            Logps = [],
            OldLogps = [],
            Mask = mask,
            Tokens = tokens,
            GreedyReward = GreedyRewards?[row],
        }.With(column => this[column]?[cells]);
    }

    private static int[] OrderOf(RolloutBatch batch, Padding padding) => padding.Order.IsEmpty ? [.. Enumerable.Range(0, batch.Rows)] : [.. padding.Order];

    private static double[] Spread(Column column, ReadOnlySpan<double> values, int[] places, PaddedBatch into, Padding padding)
    {
        var cells = new double[into.Rows * into.Width];
        for (int cell = 0; cell < cells.Length && padding.Filler is not null; cell++)
            cells[cell] = into.Mask[cell] ? 0 : padding.Filler(column, cell / into.Width, cell % into.Width);
        for (int t = 0; t < values.Length; t++)
            cells[places[t]] = values[t];
        return cells;
    }
}
