namespace GroupRL.Objectives;

/// <summary>How the parts of a batch, micro-batches or devices, make up the whole: what a trainer that does it right computes.</summary>
public static class Shares
{
    /// <summary>How the coefficients of parts add up: the one share of all weights, None where they differ.</summary>
    public static Share Share(this SurrogateObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        var corrected = objective.Weight.Times(objective.Correction).Share;
        return objective.Regularisers.Where(term => term.Beta != 0 && !term.ActsOnEntropy)
            .Select(term => (term.Weight ?? objective.Weight).Times(term.Where).Times(term.Corrected ? objective.Correction : TokenWeight.One).Share)
            .All(share => share == corrected) ? corrected : Objectives.Share.None;
    }

    /// <summary>What the coefficients of <paramref name="part"/> are multiplied by in <paramref name="whole"/>.</summary>
    public static double Of(this Share share, RolloutBatch part, RolloutBatch whole)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(whole);
        return share switch
        {
            Objectives.Share.Prompts => part.Groups / (double)whole.Groups,
            Objectives.Share.Rows => part.Rows / (double)whole.Rows,
            Objectives.Share.Tokens => part.Tokens / (double)whole.Tokens,
            _ => 1,
        };
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
        return objective with
        {
            Rewards = new NoRewards(),
            Advantage = new GivenAdvantages(advantages),
            Weight = objective.Weight.OfPart(part, whole),
            Correction = objective.Correction.OfPart(part, whole),
            Regularisers = [.. objective.Regularisers.Select(term => term with { Weight = term.Weight?.OfPart(part, whole), Where = term.Where.OfPart(part, whole) })],
        };
    }
}
