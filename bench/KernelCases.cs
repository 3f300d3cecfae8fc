using GroupRL.Objectives;

namespace GroupRL.Bench;

/// <summary>Every token and sequence kernel of the catalogue in one and the same objective: GRPO's advantage and mean over a row's tokens, without a regulariser unless said.</summary>
internal static class KernelCases
{
    private static readonly Clip s_clip = Clip.Range(0.2, 0.2);

    /// <summary>Names, which the peer in Python knows them by, and objectives.</summary>
    public static IReadOnlyList<(string Name, SurrogateObjective Objective)> All { get; } =
    [
        ("grpo-k3", Catalogue.Find("grpo-k3")!.Objective),
        Of("clip", new TokenRatio(s_clip)),
        Of("dual-clip", new TokenRatio(s_clip with { Dual = 3 })),
        Of("unclipped", new TokenRatio(new Unclipped())),
        Of("soft-gate", new TokenRatio(new SoftGate())),
        Of("gradient-preserving", new GradientPreservingClip(s_clip)),
        Of("own-ratio", new OwnRatio()),
        Of("log-likelihood", new LogLikelihood()),
        Of("clipped-importance", new ClippedImportance(0, 1.28)),
        Of("sequence-ratio", new SequenceRatio(RatioLevel.SequenceMean, Clip.Range(3e-4, 4e-4))),
        Of("sequence-token-ratio", new SequenceTokenRatio(Clip.Range(3e-4, 4e-4))),
        Of("geometric-mean", new GeometricMean(0.4, 0.4)),
        Of("log-ratio-regression", new LogRatioRegression(1)),
        Of("group-variance", new GroupVariance(0.1)),
        Of("gamma-gain", new GammaGain()),
        Of("flipped-ratio", new FlippedRatio(s_clip, Clip.Range(0.2, 0.28))),
    ];

    /// <summary>Groups of G = 8 completions of <paramref name="length"/> tokens, <paramref name="tokens"/> tokens in all; ratios within e^±0.25 and references within e^±0.5.</summary>
    /// <param name="tokens">N, rounded up to whole groups.</param>
    /// <param name="length">n.</param>
    /// <param name="distinct">How many different groups there are; the others repeat them, so that a batch of 10⁸ tokens is built in seconds.</param>
    public static RolloutBatch Batch(long tokens, int length = 4096, int distinct = int.MaxValue)
    {
        const int size = 8;
        var random = new Random(20260105);
        int groups = (int)Math.Max(1, (tokens + (size * (long)length) - 1) / (size * (long)length));
        var different = Enumerable.Range(0, Math.Min(groups, distinct)).Select(_ => Enumerable.Range(0, size).Select(k => Completion(random, length, k)).ToArray()).ToArray();
        return RolloutBatch.Of([.. Enumerable.Range(0, groups).Select(g => different[g % different.Length])]);
    }

    private static (string Name, SurrogateObjective Objective) Of(string name, Kernel kernel) => (name, Catalogue.Grpo with { Kernel = kernel });

    // Both rewards occur in every group, so that no group is without an advantage.
    private static Rollout Completion(Random random, int length, int k)
    {
        double[] logps = [.. Enumerable.Range(0, length).Select(_ => -3 * random.NextDouble())];
        double[] Near(double distance) => [.. logps.Select(logp => Math.Min(0, logp + (distance * (random.NextDouble() - 0.5))))];
        return new()
        {
            Reward = k < 2 ? k : random.Next(2),
            Logps = logps,
            OldLogps = Near(0.5),
            RefLogps = Near(1),
            Entropies = [.. logps.Select(_ => 2 * random.NextDouble())],
        };
    }
}
