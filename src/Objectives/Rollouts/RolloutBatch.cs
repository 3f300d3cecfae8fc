using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>
/// The rollouts of one optimisation step: P groups (one a prompt) of G_g ≥ 1 completions (rows) each, ragged, without padding.
/// One flat array a quantity plus offsets; the columns hold trainable tokens only, so no kernel ever sees a mask. Immutable, and
/// checked when it is built: a batch that exists keeps every rule below. A row may have no trainable token (a fully masked
/// completion); its reward still counts in its group.
/// </summary>
public sealed class RolloutBatch
{
    /// <summary>The id of a masked token whose id is not known; it is shared with no other completion.</summary>
    public const int UnknownId = int.MinValue;

    private readonly int[] _groupStart;
    private readonly int[] _rowStart;
    private readonly int[] _fullStart;
    private readonly int[] _positions;
    private readonly int[]? _ids;
    private readonly double[]?[] _columns;
    private readonly double[] _rewards;
    private readonly double[]? _greedyRewards;

    private RolloutBatch(
        int[] groupStart, int[] rowStart, int[] fullStart, int[] positions, int[]? ids, double[]?[] columns, double[] rewards,
        double[]? greedyRewards, int firstGroup)
    {
        FirstGroup = firstGroup;
        _groupStart = groupStart;
        _rowStart = rowStart;
        _fullStart = fullStart;
        _positions = positions;
        _ids = ids;
        _columns = columns;
        _rewards = rewards;
        _greedyRewards = greedyRewards;
        RewardsPerRow = rewards.Length / Rows;
    }

    /// <summary>The number that its first group has in the batch that this one is a part of; 0 of a batch that is no part.</summary>
    public int FirstGroup { get; }

    /// <summary>P, the number of groups (prompts).</summary>
    public int Groups => _groupStart.Length - 1;

    /// <summary>B, the number of completions over all groups.</summary>
    public int Rows => _rowStart.Length - 1;

    /// <summary>N, the number of trainable tokens over all rows.</summary>
    public int Tokens => _rowStart[^1];

    /// <summary>K, the number of rewards that each completion carries.</summary>
    public int RewardsPerRow { get; }

    /// <summary>Whether token ids are known.</summary>
    public bool HasIds => _ids is not null;

    /// <summary>Whether greedy rewards are known.</summary>
    public bool HasGreedyRewards => _greedyRewards is not null;

    /// <summary>The values of a column for all trainable tokens, shape [N].</summary>
    /// <exception cref="InvalidInputException">The batch does not carry the column.</exception>
    public ReadOnlySpan<double> this[Column column] => _columns[(int)column]
        ?? throw InvalidInputException.Because($"The batch has no {column.Field()}, which the objective reads.");

    /// <summary>Group <paramref name="g"/> as a view.</summary>
    public RolloutGroup this[int g] => new(this, g);

    /// <summary>Whether the batch carries <paramref name="column"/>.</summary>
    public bool Has(Column column) => _columns[(int)column] is not null;

    /// <summary>The rows of group <paramref name="g"/>, as a range into per-row data.</summary>
    public Range Group(int g) => _groupStart[g].._groupStart[g + 1];

    /// <summary>G_g, the number of completions in group <paramref name="g"/>.</summary>
    public int GroupSize(int g) => _groupStart[g + 1] - _groupStart[g];

    /// <summary>The trainable tokens of group <paramref name="g"/>, as a range into a column.</summary>
    public Range GroupTokens(int g) => _rowStart[_groupStart[g]].._rowStart[_groupStart[g + 1]];

    /// <summary>The trainable tokens of row <paramref name="i"/>, as a range into a column; empty for a fully masked row.</summary>
    public Range Row(int i) => _rowStart[i].._rowStart[i + 1];

    /// <summary>n_i, the number of trainable tokens of row <paramref name="i"/>.</summary>
    public int Length(int i) => _rowStart[i + 1] - _rowStart[i];

    /// <summary>The number of tokens of row <paramref name="i"/>, masked ones included.</summary>
    public int FullLength(int i) => _fullStart[i + 1] - _fullStart[i];

    /// <summary>The group that row <paramref name="i"/> belongs to.</summary>
    public int GroupOf(int i)
    {
        int found = Array.BinarySearch(_groupStart, i);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>Where row <paramref name="i"/>'s trainable tokens stand in the completion, ascending, shape [n_i].</summary>
    public ReadOnlySpan<int> Positions(int i) => _positions.AsSpan(Row(i));

    /// <summary>Row <paramref name="i"/>'s token ids, masked tokens included.</summary>
    /// <exception cref="InvalidInputException">The batch carries no token ids.</exception>
    public ReadOnlySpan<int> Ids(int i) => _ids is null
        ? throw InvalidInputException.Because($"The batch has no tokens, without which no shared prefix can be found.")
        : _ids.AsSpan(_fullStart[i].._fullStart[i + 1]);

    /// <summary>Reward <paramref name="k"/> of row <paramref name="i"/>; false where it is missing.</summary>
    public bool TryReward(int i, int k, out double reward)
    {
        reward = _rewards[(i * RewardsPerRow) + k];
        return !double.IsNaN(reward);
    }

    /// <summary>The greedy reward of row <paramref name="i"/>'s prompt.</summary>
    /// <exception cref="InvalidInputException">The batch carries none.</exception>
    public double GreedyReward(int i) => _greedyRewards is null
        ? throw InvalidInputException.Because($"The batch has no greedy_reward, which the objective reads.")
        : _greedyRewards[i];

    /// <summary>A batch that differs in one column only, shape [N]; everything else is shared with this one.</summary>
    /// <exception cref="InvalidInputException">A wrong number of values, or a value that breaks the column's rule.</exception>
    public RolloutBatch With(Column column, ReadOnlySpan<double> values)
    {
        if (values.Length != Tokens)
            throw InvalidInputException.Because($"{column.Field()} needs one value for each of the {Tokens} trainable tokens; got {values.Length}.");
        for (int t = 0; t < values.Length; t++)
        {
            if (column.BrokenRule(values[t]) is { } rule)
                throw InvalidInputException.Because($"An entry of {column.Field()} {rule}; {PlaceOf(t)} has {values[t]}.");
        }

        double[]?[] columns = [.. _columns];
        columns[(int)column] = values.ToArray();
        return new(_groupStart, _rowStart, _fullStart, _positions, _ids, columns, _rewards, _greedyRewards, FirstGroup);
    }

    /// <summary>
    /// The rows of this batch that <paramref name="groups"/> name, group by group: a row may stand in several groups, more than once in one, or in none.
    /// </summary>
    /// <exception cref="InvalidInputException">There is no group, a group has no row, or there is no such row.</exception>
    public RolloutBatch Regrouped(params ReadOnlySpan<ImmutableArray<int>> groups)
    {
        var groupStart = new int[AtLeastOneGroup(groups.Length) + 1];
        for (int g = 0; g < groups.Length; g++)
            groupStart[g + 1] = groupStart[g] + AtLeastOneCompletion(groups[g].Length, g);
        var rows = new int[groupStart[^1]];
        for (int g = 0; g < groups.Length; g++)
        {
            groups[g].CopyTo(rows, groupStart[g]);
            foreach (int row in groups[g])
            {
                if (row < 0 || row >= Rows)
                    throw InvalidInputException.Because($"A batch of {Rows} completions has rows 0 to {Rows - 1}; group {g} asks for row {row}.");
            }
        }

        int[] rowStart = Starts(_rowStart, rows), fullStart = Starts(_fullStart, rows);
        var columns = new double[]?[_columns.Length];
        for (int c = 0; c < columns.Length; c++)
            columns[c] = _columns[c] is { } column ? Gathered(column, _rowStart, rows, rowStart) : null;
        var rewards = new double[rows.Length * RewardsPerRow];
        for (int i = 0; i < rows.Length; i++)
            _rewards.AsSpan(rows[i] * RewardsPerRow, RewardsPerRow).CopyTo(rewards.AsSpan(i * RewardsPerRow));
        return new(
            groupStart,
            rowStart,
            fullStart,
            Gathered(_positions, _rowStart, rows, rowStart),
            _ids is null ? null : Gathered(_ids, _fullStart, rows, fullStart),
            columns,
            rewards,
            _greedyRewards is null ? null : Array.ConvertAll(rows, row => _greedyRewards[row]),
            firstGroup: 0);
    }

    /// <summary>A batch that differs in its rewards only; those that are missing stay so, and everything else is shared with this one.</summary>
    /// <param name="reward">What becomes of a reward: its row, which of the row's rewards it is, and its value.</param>
    /// <param name="greedy">What becomes of a prompt's greedy reward; null: it stays.</param>
    /// <exception cref="InvalidInputException">A reward is not finite.</exception>
    public RolloutBatch WithRewards(Func<int, int, double, double> reward, Func<double, double>? greedy = null)
    {
        ArgumentNullException.ThrowIfNull(reward);
        double[] rewards = [.. _rewards];
        double[]? greedyRewards = greedy is null || _greedyRewards is null ? _greedyRewards : [.. _greedyRewards];
        for (int i = 0; i < Rows; i++)
        {
            int g = GroupOf(i), k = i - _groupStart[g];
            for (int r = 0; r < RewardsPerRow; r++)
            {
                if (TryReward(i, r, out double own))
                    rewards[(i * RewardsPerRow) + r] = CheckedReward(reward(i, r, own), r, FirstGroup + g, k);
            }

            if (greedy is not null && greedyRewards is not null)
                greedyRewards[i] = CheckedReward(greedy(greedyRewards[i]), 0, FirstGroup + g, k);
        }

        return new(_groupStart, _rowStart, _fullStart, _positions, _ids, _columns, rewards, greedyRewards, FirstGroup);
    }

    /// <summary>Where trainable token <paramref name="token"/> stands, in words: group, completion and token within it.</summary>
    public string PlaceOf(int token)
    {
        // Empty rows share their start with the next row, and the token belongs to the last row that starts at or before it.
        int i = Array.BinarySearch(_rowStart, token);
        i = i < 0 ? ~i - 1 : i;
        while (Length(i) == 0)
            i++;
        return FormattableString.Invariant($"{PlaceOfRow(i)}, token {_positions[token]}");
    }

    /// <summary>Where row <paramref name="i"/> stands, in words: group and completion within it.</summary>
    public string PlaceOfRow(int i)
    {
        int g = GroupOf(i);
        return FormattableString.Invariant($"group {FirstGroup + g}, completion {i - _groupStart[g]}");
    }

    /// <summary>The raw material of this batch again; masked tokens carry NaN, since their values were never kept.</summary>
    public IReadOnlyList<IReadOnlyList<Rollout>> ToRollouts()
    {
        var groups = new Rollout[Groups][];
        for (int g = 0; g < Groups; g++)
        {
            groups[g] = new Rollout[GroupSize(g)];
            for (int k = 0; k < groups[g].Length; k++)
                groups[g][k] = ToRollout(_groupStart[g] + k);
        }

        return groups;
    }

    /// <summary>Builds and checks a batch from groups of completions.</summary>
    /// <exception cref="InvalidInputException">A rule is broken; the message names the rule, the value and the place.</exception>
    public static RolloutBatch Of(IReadOnlyList<IReadOnlyList<Rollout>> groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        return Of(groups, null, 0);
    }

    /// <summary>The same of a part: <paramref name="first"/> is the first completion of the whole batch, to which all others must be alike, null where the part begins with it.</summary>
    internal static RolloutBatch Of(IReadOnlyList<IReadOnlyList<Rollout>> groups, Rollout? first, int firstGroup)
    {
        var groupStart = new int[AtLeastOneGroup(groups.Count) + 1];
        for (int g = 0; g < groups.Count; g++)
            groupStart[g + 1] = groupStart[g] + AtLeastOneCompletion(groups[g].Count, firstGroup + g);

        first ??= groups[0][0];
        int[] rowStart = new int[groupStart[^1] + 1], fullStart = new int[rowStart.Length];
        var rollouts = new Rollout[groupStart[^1]];
        for (int g = 0; g < groups.Count; g++)
        {
            var group = groups[g];
            for (int k = 0, i = groupStart[g]; k < group.Count; k++, i++)
            {
                rollouts[i] = group[k];
                CheckShape(rollouts[i], first, firstGroup + g, k);
                int full = rollouts[i].Logps.Length;
                fullStart[i + 1] = checked(fullStart[i] + full);
                rowStart[i + 1] = rowStart[i] + (rollouts[i].Mask is { } mask ? mask.AsSpan().Count(true) : full);
            }
        }

        int rows = rollouts.Length, rewardsPerRow = first.Rewards.Count;
        var columns = new double[]?[Columns.Each.Length];
        foreach (var column in Columns.Each)
            columns[(int)column] = first[column] is null ? null : new double[rowStart[^1]];
        var positions = new int[rowStart[^1]];
        int[]? ids = first.Tokens is null ? null : new int[fullStart[^1]];
        double[]? greedy = first.GreedyReward is null ? null : new double[rows];
        var rewards = new double[rows * rewardsPerRow];
        for (int g = 0; g < groups.Count; g++)
        {
            for (int i = groupStart[g]; i < groupStart[g + 1]; i++)
            {
                var rollout = rollouts[i];
                int k = i - groupStart[g];
                for (int r = 0; r < rewardsPerRow; r++)
                    rewards[(i * rewardsPerRow) + r] = CheckedReward(rollout.Rewards[r], r, firstGroup + g, k);
                if (greedy is not null)
                    greedy[i] = CheckedReward(rollout.GreedyReward, 0, firstGroup + g, k);
                rollout.Tokens?.CopyTo(ids!, fullStart[i]);
                CopyTrainable(rollout, columns, positions.AsSpan(rowStart[i]..rowStart[i + 1]), rowStart[i], firstGroup + g, k);
            }
        }

        return new(groupStart, rowStart, fullStart, positions, ids, columns, rewards, greedy, firstGroup);
    }

    /// <summary>The batch of which <paramref name="parts"/>, read one after another, are the parts.</summary>
    internal static RolloutBatch Join(IReadOnlyList<RolloutBatch> parts)
    {
        if (parts is [var only])
            return only;
        // Masked tokens included: no array of a batch is longer, but for several rewards a row.
        long longest = parts.Sum(part => Math.Max((long)part._fullStart[^1], part._rewards.Length));
        if (longest > Array.MaxLength)
            throw InvalidInputException.Because($"A batch that is held in memory has at most {Array.MaxLength} tokens; got {longest}.");
        return new(
            Offsets(part => part._groupStart),
            Offsets(part => part._rowStart),
            Offsets(part => part._fullStart),
            Joined(part => part._positions)!,
            Joined(part => part._ids),
            [.. Columns.All.Select(column => Joined(part => part._columns[(int)column]))],
            Joined(part => part._rewards)!,
            Joined(part => part._greedyRewards),
            parts[0].FirstGroup);

        // What one part lacks all lack.
        T[]? Joined<T>(Func<RolloutBatch, T[]?> of)
        {
            if (of(parts[0]) is null)
                return null;
            var joined = new T[parts.Sum(part => of(part)!.Length)];
            int n = 0;
            foreach (var own in parts.Select(part => of(part)!))
            {
                own.CopyTo(joined, n);
                n += own.Length;
            }

            return joined;
        }

        int[] Offsets(Func<RolloutBatch, int[]> of)
        {
            var offsets = new int[1 + parts.Sum(part => of(part).Length - 1)];
            int n = 0;
            foreach (int[] own in parts.Select(of))
            {
                for (int k = 1; k < own.Length; k++)
                    offsets[n + k] = offsets[n] + own[k];
                n += own.Length - 1;
            }

            return offsets;
        }
    }

    private static int AtLeastOneGroup(int count) =>
        count > 0 ? count : throw InvalidInputException.Because($"A batch needs at least 1 group; got 0.");

    private static int AtLeastOneCompletion(int count, int g) =>
        count > 0 ? count : throw InvalidInputException.Because($"A group needs at least 1 completion; group {g} has 0.");

    // Where each of the rows begins once they stand one after another; start says where they begin now.
    private static int[] Starts(int[] start, int[] rows)
    {
        var starts = new int[rows.Length + 1];
        for (int i = 0; i < rows.Length; i++)
            starts[i + 1] = checked(starts[i] + start[rows[i] + 1] - start[rows[i]]);
        return starts;
    }

    private static T[] Gathered<T>(T[] values, int[] start, int[] rows, int[] starts)
    {
        var gathered = new T[starts[^1]];
        for (int i = 0; i < rows.Length; i++)
            values.AsSpan(start[rows[i]]..start[rows[i] + 1]).CopyTo(gathered.AsSpan(starts[i]));
        return gathered;
    }

    private static void CheckShape(Rollout rollout, Rollout first, int g, int k)
    {
        if (rollout.Logps is null || rollout.OldLogps is null)
            throw InvalidInputException.Because($"A completion needs logps and old_logps; group {g}, completion {k} lacks one.");
        if (rollout.Rewards.Count == 0)
            throw InvalidInputException.Because($"A completion needs at least 1 reward; group {g}, completion {k} has 0.");
        if (rollout.Rewards.Count != first.Rewards.Count)
        {
            throw InvalidInputException.Because(
                $"All completions need the same number of rewards; group {g}, completion {k} has {rollout.Rewards.Count}, the first has {first.Rewards.Count}.");
        }

        int tokens = rollout.Logps.Length;
        foreach (var column in Columns.Each)
            CheckField(column.Field(), rollout[column]?.Length, first[column] is not null, tokens, g, k);
        CheckField("tokens", rollout.Tokens?.Length, first.Tokens is not null, tokens, g, k);
        CheckField("mask", rollout.Mask?.Length, rollout.Mask is not null, tokens, g, k);
        CheckField("greedy_reward", rollout.GreedyReward is null ? null : tokens, first.GreedyReward is not null, tokens, g, k);
    }

    private static void CheckField(string field, int? length, bool expected, int tokens, int g, int k)
    {
        if (length.HasValue != expected)
        {
            throw InvalidInputException.Because(
                $"A quantity is given for all completions or for none; group {g}, completion {k} {(expected ? "lacks" : "alone has")} {field}.");
        }

        if (length is { } n && n != tokens)
        {
            throw InvalidInputException.Because(
                $"Per-token arrays of a completion need equal lengths; in group {g}, completion {k} {field} has {n} where logps has {tokens}.");
        }
    }

    private static double CheckedReward(double? reward, int r, int g, int k) => reward switch
    {
        null => double.NaN,
        { } value when double.IsFinite(value) => value,
        { } value => throw InvalidInputException.Because(
            $"A reward must be a finite number (null where it is missing); reward {r} of group {g}, completion {k} is {value}."),
    };

    private static void CopyTrainable(Rollout rollout, double[]?[] columns, Span<int> positions, int start, int g, int k)
    {
        int n = 0;
        for (int t = 0; t < rollout.Logps.Length; t++)
        {
            if (rollout.Mask is null || rollout.Mask[t])
                positions[n++] = t;
        }

        for (int m = 0; m < n && rollout.Tokens is not null; m++)
        {
            if (rollout.Tokens[positions[m]] == UnknownId)
                throw InvalidInputException.Because($"The id of a token that is trained on must be known; that of group {g}, completion {k}, token {positions[m]} is not.");
        }

        foreach (var column in Columns.Each)
        {
            if (columns[(int)column] is not { } target)
                continue;
            double[] source = rollout[column]!;
            var (least, most) = column.Bounds();
            for (int m = 0; m < n; m++)
            {
                double value = source[positions[m]];
                if (!(value >= least && value <= most))
                    throw InvalidInputException.Because($"An entry of {column.Field()} {column.BrokenRule(value)}; group {g}, completion {k}, token {positions[m]} has {value}.");
                target[start + m] = value;
            }
        }
    }

    private Rollout ToRollout(int i)
    {
        int full = FullLength(i);
        var positions = Positions(i);
        bool[]? mask = null;
        if (positions.Length != full)
        {
            mask = new bool[full];
            foreach (int t in positions)
                mask[t] = true;
        }

        var rewards = new double?[RewardsPerRow];
        for (int k = 0; k < RewardsPerRow; k++)
            rewards[k] = TryReward(i, k, out double reward) ? reward : null;
        return new Rollout
        {
            Rewards = rewards,
            Logps = [],
            OldLogps = [],
            Tokens = HasIds ? Ids(i).ToArray() : null,
            Mask = mask,
            GreedyReward = HasGreedyRewards ? GreedyReward(i) : null,
        }.With(column => Has(column) ? Spread(column) : null);

        double[] Spread(Column column)
        {
            var values = new double[full];
            Array.Fill(values, double.NaN);
            for (int m = 0; m < Length(i); m++)
                values[_positions[_rowStart[i] + m]] = _columns[(int)column]![_rowStart[i] + m];
            return values;
        }
    }
}
