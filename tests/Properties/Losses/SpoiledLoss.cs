using GroupRL.Objectives;

namespace GroupRL.Properties.Losses;

/// <summary>An objective of the catalogue with one fault, in what it is asked or in what it answers.</summary>
internal sealed class SpoiledLoss(SurrogateObjective objective, Func<PaddedBatch, Func<PaddedBatch, LossAnswer>, LossAnswer> spoil) : ILoss
{
    private readonly ObjectiveLoss _sound = new("spoiled", objective);

    public LossSignature Signature => _sound.Signature;

    public LossAnswer Evaluate(PaddedBatch batch) => spoil(batch, _sound.Evaluate);

    /// <summary>A fault in what it is asked.</summary>
    public static SpoiledLoss Asked(SurrogateObjective objective, Func<PaddedBatch, PaddedBatch> change) => new(objective, (batch, answer) => answer(change(batch)));

    /// <summary>A fault in the gradient at some cell.</summary>
    public static SpoiledLoss Answered(SurrogateObjective objective, Func<PaddedBatch, int, double, double> change) => new(objective, (batch, answer) =>
    {
        var sound = answer(batch);
        return sound with { Gradient = [.. sound.Gradient.Select((gradient, cell) => change(batch, cell, gradient))] };
    });

    /// <summary>A factor on the whole gradient.</summary>
    public static SpoiledLoss Times(SurrogateObjective objective, Func<PaddedBatch, double> factor) => Answered(objective, (batch, _, gradient) => factor(batch) * gradient);

    /// <summary>Other rewards.</summary>
    public static SpoiledLoss Rewarded(SurrogateObjective objective, Func<double, double> change) =>
        Asked(objective, batch => batch with { Rewards = [.. batch.Rewards.Select(own => own.Select(r => r is { } known ? change(known) : (double?)null).ToArray())] });
}
