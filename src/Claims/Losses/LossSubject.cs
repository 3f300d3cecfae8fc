using GroupRL.Checking;
using GroupRL.Objectives;

namespace GroupRL.Claims;

/// <summary>A loss before the laws, and what is held against it.</summary>
/// <param name="Loss">The loss.</param>
public sealed record LossSubject(ILoss Loss)
{
    private bool? _readsReference;

    /// <summary>What it promises; what it says itself, or what is assumed of a sound loss.</summary>
    public LossPromises Promises { get; init; } = Loss.Signature.Promises ?? LossPromises.Sound;

    /// <summary>Its clip region, where it declares one.</summary>
    public Clip? Clip { get; init; } = Loss.Signature.Clip;

    /// <summary>u of the numbers it computes with.</summary>
    public double UnitRoundoff { get; init; } = Tolerance.UnitRoundoff;

    /// <summary>What it is meant to be: another loss, whose answers are its own; null where it is its own.</summary>
    public ILoss? Oracle { get; init; }

    /// <summary>The design that it is known to have: that of its oracle, or what it encodes; null where that is not known.</summary>
    public SurrogateObjective? Design => Oracle is null ? Loss.Signature.Design : Oracle.Signature.Design;

    /// <summary>Whether it reacts to the reference's log-probs.</summary>
    public bool ReadsReference => _readsReference ??= KlLaws.ReactsToReference(this);

    /// <summary>Whether it can do <paramref name="capability"/>.</summary>
    public bool Can(LossCapabilities capability) => Loss.Signature.Capabilities.HasFlag(capability);

    /// <summary>What the loss does to a batch that is laid out as rectangles.</summary>
    /// <exception cref="InvalidInputException">The loss refuses it.</exception>
    public LossResponse Ask(RolloutBatch batch, Padding? padding = null, Func<PaddedBatch, PaddedBatch>? change = null)
    {
        padding ??= new();
        var padded = PaddedBatch.Of(batch, padding);
        return Ask(Loss, batch, padding, change?.Invoke(padded) ?? padded);
    }

    /// <summary>What the loss is meant to do to a batch.</summary>
    /// <exception cref="InvalidInputException">The oracle refuses it.</exception>
    public LossResponse Expect(RolloutBatch batch) => Ask(Oracle!, batch, new(), PaddedBatch.Of(batch));

    private static LossResponse Ask(ILoss loss, RolloutBatch batch, Padding padding, PaddedBatch padded)
    {
        var answer = loss.Evaluate(padded);
        double sign = loss.Signature.Maximise ? 1 : -1;
        double elsewhere = 0;
        for (int cell = 0; cell < answer.Gradient.Length; cell++)
        {
            if (!padded.Mask[cell] && answer.Gradient[cell] is var gradient && !(Math.Abs(gradient) <= elsewhere))
                elsewhere = double.IsNaN(elsewhere) ? elsewhere : Math.Abs(gradient);
        }

        return new(sign * answer.Loss, [.. PaddedBatch.Places(batch, padding, padded.Width).Select(place => sign * answer.Gradient[place])], elsewhere);
    }

    /// <summary>
    /// What rounding may leave between two answers that are one in the reals: some thousand roundings of the largest coefficient, times what
    /// centring amplifies, times how much more a token of a tiny advantage may weigh (its ratio, its length).
    /// </summary>
    public double Rounding(RolloutBatch batch, double largest)
    {
        double reward = 0, spread = double.PositiveInfinity, logRatio = 0;
        for (int g = 0; g < batch.Groups; g++)
        {
            double[] rewards = [.. Rewards(batch, g)];
            reward = Math.Max(reward, rewards.Select(Math.Abs).DefaultIfEmpty().Max());
            double deviation = rewards.Length == 0 ? 0 : rewards.Max() - rewards.Min();
            if (deviation > 0)
                spread = Math.Min(spread, deviation);
        }

        var (logp, old) = (batch[Column.Logp].ToArray(), batch[Column.OldLogp].ToArray());
        for (int i = 0; i < batch.Rows; i++)
            logRatio = Math.Max(logRatio, Math.Abs(logp[batch.Row(i)].Sum() - old[batch.Row(i)].Sum()));
        int[] lengths = [.. Enumerable.Range(0, batch.Rows).Select(batch.Length).Where(n => n > 0).DefaultIfEmpty(1)];
        double weight = Math.Exp(2 * Math.Min(logRatio, 20)) * lengths.Max() / lengths.Min();
        return UnitRoundoff * (4096 + (256 * batch.Tokens)) * (1 + (2 * batch.Rows * reward / spread)) * weight * largest;
    }

    private static IEnumerable<double> Rewards(RolloutBatch batch, int g)
    {
        var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
        for (int i = start; i < start + length; i++)
        {
            for (int k = 0; k < batch.RewardsPerRow; k++)
            {
                if (batch.TryReward(i, k, out double reward))
                    yield return reward;
            }
        }
    }
}

/// <summary>What a loss does to a batch, as an objective that is climbed.</summary>
/// <param name="Value">J.</param>
/// <param name="Coefficients">∂J/∂ℓ of each trainable token, shape [N].</param>
/// <param name="MaskedGradient">The largest |∂J/∂ℓ| at a masked place, which must be 0.</param>
public sealed record LossResponse(double Value, double[] Coefficients, double MaskedGradient)
{
    /// <summary>max|c|; NaN where one is.</summary>
    public double Largest => Coefficients.Aggregate(0.0, (largest, c) => !(Math.Abs(c) <= largest) && !double.IsNaN(largest) ? Math.Abs(c) : largest);
}
