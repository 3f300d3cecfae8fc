namespace GroupRL.Objectives;

/// <summary>How the parts of a batch, micro-batches, devices or groups that come one at a time, make up the whole.</summary>
public static class Shares
{
    /// <summary>How the coefficients of parts add up: the one share of all weights, None where they differ.</summary>
    public static Share Share(this SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        var corrected = ShareOfKernel(objective);
        return objective.Regularisers.Where(term => term.Beta != 0 && !term.ActsOnEntropy).All(term => ShareOf(objective, term) == corrected)
            ? corrected
            : Objectives.Share.None;
    }

    /// <summary>What the coefficients of <paramref name="part"/> are multiplied by in <paramref name="whole"/>.</summary>
    public static double Of(this Share share, RolloutBatch part, RolloutBatch whole) => share.Of(BatchSize.Of(part), BatchSize.Of(whole));

    /// <summary>The same of a batch of which no more is known than how large it is; 1 where it has nothing that could be weighed.</summary>
    public static double Of(this Share share, BatchSize part, BatchSize whole)
    {
        return share switch
        {
            Objectives.Share.Prompts => Quotient(part.Groups, whole.Groups),
            Objectives.Share.Rows => Quotient(part.Rows, whole.Rows),
            Objectives.Share.LiveRows => Quotient(part.LiveRows, whole.LiveRows),
            Objectives.Share.Tokens => Quotient(part.Tokens, whole.Tokens),
            _ => 1,
        };

        static double Quotient(long part, long whole) => whole == 0 ? 1 : part / (double)whole;
    }

    /// <summary>Whether some weight sees the other rows of its group, so that a group cannot be cut.</summary>
    public static bool WeighsByGroup(this SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        return objective.Weight.Times(objective.Correction).ReadsGroup || objective.Regularisers.Any(term => term.Beta != 0 && ((term.Weight?.ReadsGroup ?? false) || term.Where.ReadsGroup));
    }

    /// <summary>The objective as a trainer applies it to a part: with the advantages of the whole batch, shape [N of the part].</summary>
    public static SurrogateObjective OfPart(this SurrogateObjective objective, RolloutBatch part, RolloutBatch whole, double[] advantages)
    {
        ArgumentNullException.ThrowIfNull(objective);
        return Told(objective, BatchSize.Of(part), BatchSize.Of(whole)) with { Rewards = new NoRewards(), Advantage = new GivenAdvantages(advantages) };
    }

    /// <summary>
    /// The parts that read more of a batch than a group and how large the batch is, by the names of their fields in a proposal. Where there is none,
    /// groups may be evaluated one at a time, by <see cref="Within"/>.
    /// </summary>
    public static IEnumerable<string> ReadingWholeBatch(this SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        if (!objective.Rewards.Traits.HasFlag(Traits.GroupIsolated))
            yield return "rewards";
        if (!objective.Advantage.Traits.HasFlag(Traits.GroupIsolated))
            yield return "advantage";
        if (!objective.Kernel.Traits.HasFlag(Traits.GroupIsolated))
            yield return "kernel";
        if (objective.Weight.Share == Objectives.Share.None)
            yield return "weight";
        else if (ShareOfKernel(objective) == Objectives.Share.None)
            yield return "correction";
        if (objective.Regularisers.Any(term => term.Beta != 0 && ShareOf(objective, term) == Objectives.Share.None))
            yield return "regularisers";
    }

    /// <summary>Whether a part cannot be evaluated before it is known how large the whole batch is.</summary>
    public static bool ReadsSize(this SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        return objective.Weight.ReadsSize || objective.Correction.ReadsSize
            || objective.Regularisers.Any(term => term.Beta != 0 && ((term.Weight ?? objective.Weight).ReadsSize || term.Where.ReadsSize));
    }

    /// <summary>
    /// The objective whose value of <paramref name="part"/>, whole groups, is what these groups add to the value of <paramref name="whole"/>, and whose
    /// coefficients are theirs in it, up to the rounding of the share: of objectives that have nothing in <see cref="ReadingWholeBatch"/>.
    /// </summary>
    public static SurrogateObjective Within(this SurrogateObjective objective, BatchSize part, BatchSize whole)
    {
        ArgumentNullException.ThrowIfNull(objective);
        var told = Told(objective, part, whole);
        return told with
        {
            Weight = Weighed(told.Weight, ShareOfKernel(objective)),
            // Each by a share of its own: one average may run over rows, another over tokens.
            Regularisers = [.. told.Regularisers.Zip(objective.Regularisers, (term, own) => term with { Weight = Weighed(term.Weight ?? told.Weight, ShareOf(objective, own)) })],
        };

        TokenWeight Weighed(TokenWeight weight, Share share) => share.Of(part, whole) is var factor && factor == 1 ? weight : weight.Times(factor);
    }

    private static Share ShareOfKernel(SurrogateObjective objective) => objective.Weight.Times(objective.Correction).Share;

    private static Share ShareOf(SurrogateObjective objective, Regulariser term) =>
        (term.Weight ?? objective.Weight).Times(term.Where).Times(term.Corrected ? objective.Correction : TokenWeight.One).Share;

    private static SurrogateObjective Told(SurrogateObjective objective, BatchSize part, BatchSize whole) => objective with
    {
        Weight = objective.Weight.OfPart(part, whole),
        Correction = objective.Correction.OfPart(part, whole),
        Regularisers = [.. objective.Regularisers.Select(term => term with { Weight = term.Weight?.OfPart(part, whole), Where = term.Where.OfPart(part, whole) })],
    };
}
