using System.Collections.Immutable;

namespace GroupRL.Objectives;

/// <summary>What a loss can do beyond answering a batch.</summary>
[Flags]
public enum LossCapabilities
{
    /// <summary>Nothing more.</summary>
    None = 0,

    /// <summary>It answers what its trainer would apply for the whole step when a batch comes in micro-batches.</summary>
    Accumulation = 1 << 0,

    /// <summary>The same when a batch is spread over devices.</summary>
    Devices = 1 << 1,

    /// <summary>It evaluates detached terms at log-probs of their own.</summary>
    Frozen = 1 << 2,
}

/// <summary>What a loss says of itself before the first batch.</summary>
/// <param name="Name">What reports call it.</param>
public sealed record LossSignature(string Name)
{
    /// <summary>Whether a trainer climbs it: it is an objective, not a loss.</summary>
    public bool Maximise { get; init; }

    /// <summary>What it can do beyond answering a batch.</summary>
    public LossCapabilities Capabilities { get; init; }

    /// <summary>What it promises; null where it does not say.</summary>
    public LossPromises? Promises { get; init; }

    /// <summary>The clip region of its importance ratio; null where it does not say.</summary>
    public Clip? Clip { get; init; }

    /// <summary>The objective that it encodes; null where that is not known.</summary>
    public SurrogateObjective? Design { get; init; }

    /// <summary>The columns that it needs beyond log-probs, those of the reference and of the sampling engine, and entropies.</summary>
    public ImmutableArray<Column> Reads { get; init; } = [];

    /// <summary>K, how many rewards it takes a completion.</summary>
    public int Rewards { get; init; } = 1;

    /// <summary>Whether it needs the reward of each prompt's greedy completion.</summary>
    public bool GreedyRewards { get; init; }
}

/// <summary>What a loss answers to a batch.</summary>
/// <param name="Loss">Its value.</param>
/// <param name="Gradient">∂loss/∂ℓ at every place, shape [N·T], row after row.</param>
public sealed record LossAnswer(double Loss, double[] Gradient);

/// <summary>
/// A loss of which nothing is known but what it answers: a trainer's code, in any language. It must be deterministic, and may be asked by
/// several threads at once.
/// </summary>
public interface ILoss
{
    /// <summary>What it says of itself.</summary>
    LossSignature Signature { get; }

    /// <summary>Its value and gradient on a batch.</summary>
    /// <exception cref="InvalidInputException">It refuses the batch.</exception>
    LossAnswer Evaluate(PaddedBatch batch);
}
