using GroupRL.Objectives;

namespace GroupRL.EndToEnd;

/// <summary>Entries of the catalogue with one thing wrong each: what a comparison must tell from the entry to be worth anything.</summary>
internal static class WrongForms
{
    private static readonly StandardScore s_trlScore = (StandardScore)TrlFlavours.GroupScaled;

    private static readonly Clip s_clip = Clip.Range(0.2, 0.2);

    /// <summary>What is wrong, the entry's id, and the entry as it is made wrong.</summary>
    public static IReadOnlyDictionary<string, (string Id, Func<SurrogateObjective, SurrogateObjective> Spoil)> All { get; } =
        new Dictionary<string, (string, Func<SurrogateObjective, SurrogateObjective>)>
        {
            ["a clip that is wider above"] = ("grpo", it => it with { Kernel = new TokenRatio(Clip.Range(0.2, 0.28)) }),
            ["a clip that is wider below"] = ("grpo", it => it with { Kernel = new TokenRatio(Clip.Range(0.3, 0.2)) }),
            ["no dual clip"] = ("verl:vanilla", it => it with { Kernel = new TokenRatio(s_clip) { LogBound = 20 } }),
            ["a tighter bound on log-ratios"] = ("prime-rl:ipo", it => it with { Kernel = new TokenRatio(new Unclipped()) { LogBound = 0.05 } }),
            ["a gradient that a clip keeps"] = ("grpo", it => it with { Kernel = new GradientPreservingClip(s_clip) }),
            ["a ratio that is differentiated"] = ("cispo", it => it with { Kernel = new TokenRatio(new Clip(0, 5, 5)) }),
            ["the ratio of a row's sum"] = ("trl:gspo", it => it with { Kernel = new SequenceRatio(RatioLevel.SequenceSum, s_clip) }),
            ["no cap on log s"] = ("verl:gspo", it => it with { Kernel = new SequenceTokenRatio(s_clip) }),
            ["a stronger pull"] = ("opmd", it => it with { Kernel = new LogRatioRegression(0.011) }),
            ["one τ for both signs"] = ("sapo", it => it with { Kernel = new TokenRatio(new SoftGate(1, 1)) }),
            ["one gain for both signs"] = ("vespo", it => it with { Kernel = new GammaGain(2, 3, 2, 3) }),

            ["a mean over the group's tokens"] = ("grpo", it => it with { Weight = new GroupTokenMean() }),
            ["a mean over the batch's tokens"] = ("dapo", it => it with { Weight = new BatchTokenMean() }),
            ["a mean over all rows"] = ("grpo", it => it with { Weight = new RowMean { Averaged = Average.OverRows } }),
            ["a mean over live rows"] = ("trl:grpo", it => it with { Weight = new RowMean { Averaged = Average.OverLiveRows } }),
            ["rows that are not divided"] = ("grpo", it => it with { Weight = new RowSum() }),
            ["another constant length"] = ("trl:dr_grpo", it => it with { Weight = new RowSum { Averaged = Average.OverRows, Length = 511 } }),
            ["prefixes that are not shared out"] = ("lambda-grpo", it => it with { Weight = new RowMean() }),

            ["a population's standard deviation"] = ("grpo", it => it with { Advantage = new StandardScore { Ddof = 0 } }),
            ["another ε beside it"] = ("trl:grpo", it => it with { Advantage = s_trlScore with { Epsilon = 1e-6 } }),
            ["a lone reward that is kept"] = ("trl:grpo", it => it with { Advantage = s_trlScore with { Lone = LoneReward.IsKept } }),
            ["no baseline"] = ("dr-grpo", it => it with { Advantage = new NoBaseline() }),
            ["one's own reward in the baseline"] = ("rloo", it => it with { Advantage = new MeanBaseline() }),
            ["dead rows that do not count"] = ("dr-grpo", it => it with { Advantage = new MeanBaseline { Over = Counted.LiveRows } }),
            ["returns that are not cut"] = ("verl:reinforce_plus_plus", it => Whitened(it, new Returns())),
            ["another λ"] = ("verl:gae", it => Whitened(it, new GeneralisedAdvantage(1, 0.95))),

            ["weights that are not truncated"] = ("verl:tis", it => it with { Correction = new TruncatedImportance(RatioLevel.Token) }),
            ["weights of tokens"] = ("verl:tis_sequence", it => it with { Correction = VerlFlavours.Tis.Correction }),
            ["a region that is wider below"] = ("dppo-tv", it => it with { Correction = new TotalVariationRegion(0.2, 0.15) }),
            ["more tokens of large covariance"] = ("kl-cov", it => Penalised(it, term => term with { Where = new TopCovariance(0.3) })),
            ["k2 for k3"] = ("grpo-k3", it => Penalised(it, term => term with { Estimator = KlEstimator.K2 })),
            ["another β"] = ("dro", it => Penalised(it, term => term with { Beta = 0.51 })),
            ["a penalty that is not corrected"] = ("swift:grpo+tis", it => Penalised(it, term => term with { Corrected = false })),
        };

    private static SurrogateObjective Whitened(SurrogateObjective objective, Advantage inner) =>
        objective with { Advantage = (TokenWhitened)objective.Advantage with { Inner = inner } };

    private static SurrogateObjective Penalised(SurrogateObjective objective, Func<KlPenalty, Regulariser> change) =>
        objective with { Regularisers = [.. objective.Regularisers.Cast<KlPenalty>().Select(change)] };
}
