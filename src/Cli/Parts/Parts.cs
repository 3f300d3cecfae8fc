using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>The parts of an objective by the names that a proposal calls them. Adding a part to the language is adding a line here.</summary>
internal static class Parts
{
    private static readonly (string, Counted)[] s_over = [("all-rows", Counted.AllRows), ("live-rows", Counted.LiveRows)];

    private static readonly (string, EqualRewards)[] s_equal = [("give-zero", EqualRewards.GiveZero), ("are-computed", EqualRewards.AreComputed)];

    private static readonly (string, LoneReward)[] s_lone =
    [
        ("is-any-group", LoneReward.IsAnyGroup), ("gives-zero", LoneReward.GivesZero), ("is-kept", LoneReward.IsKept), ("is-refused", LoneReward.IsRefused),
    ];

    private static readonly (string, Average)[] s_averages =
    [
        ("over-prompts", Average.OverPrompts), ("over-rows", Average.OverRows), ("over-live-rows", Average.OverLiveRows), ("nothing", Average.Nothing),
    ];

    private static readonly (string, MissingReward)[] s_missing = [("refused", MissingReward.Refused), ("skipped", MissingReward.Skipped)];

    private static readonly (string, KlEstimator)[] s_estimators =
        [("k3", KlEstimator.K3), ("k2", KlEstimator.K2), ("k1", KlEstimator.K1), ("abs", KlEstimator.Absolute)];

    private static readonly (string, RatioLevel)[] s_levels =
        [("token", RatioLevel.Token), ("mean", RatioLevel.SequenceMean), ("sum", RatioLevel.SequenceSum)];

    /// <summary>Advantages.</summary>
    public static PartList<Advantage> Advantages { get; } = new PartList<Advantage>("advantage")
        .With<StandardScore>("standard-score", f => new()
        {
            Ddof = f.Choice("std", p => p.Ddof, ("sample", 1), ("population", 0)),
            Epsilon = f.Number("epsilon", p => p.Epsilon, 0),
            Over = f.Choice("over", p => p.Over, s_over),
            Equal = f.Choice("equal-rewards", p => p.Equal, s_equal),
            Lone = f.Choice("lone-reward", p => p.Lone, s_lone),
        })
        .With<MeanBaseline>("mean-baseline", f => new()
        {
            Over = f.Choice("over", p => p.Over, s_over),
            Equal = f.Choice("equal-rewards", p => p.Equal, s_equal),
            Lone = f.Choice("lone-reward", p => p.Lone, s_lone),
        })
        .With<LeaveOneOut>("leave-one-out", f => new()
        {
            Over = f.Choice("over", p => p.Over, s_over),
            Equal = f.Choice("equal-rewards", p => p.Equal, s_equal),
            Lone = f.Choice("lone-reward", p => p.Lone, s_lone),
        })
        .With<BatchScaledBaseline>("batch-scaled", f => new(f.Number("epsilon", p => p.Epsilon)))
        .With<BatchNormalised>("batch-normalised", f => new(Rows(f, "of", p => p.Inner), f.Number("epsilon", p => p.Epsilon)))
        .With<ScaledByRewards>("scaled-by-rewards", f => new(
            Rows(f, "of", p => p.Inner), f.Choice("over", p => p.Over, ("group", Pool.Group), ("batch", Pool.Batch)), f.Number("epsilon", p => p.Epsilon)))
        .With<NonzeroScaled>("nonzero-scaled", f => new(Rows(f, "of", p => p.Inner)) { Norm = f.Number("norm", p => p.Norm, 1) })
        .With<ClippedAdvantage>("clipped", f => new(Rows(f, "of", p => p.Inner), f.Number("low", p => p.Low), f.Number("high", p => p.High)))
        .With<EntropyShaped>("entropy-shaped", f => new(Rows(f, "of", p => p.Inner))
        {
            Scale = f.Number("scale", p => p.Scale, 0.1),
            Threshold = f.Number("threshold", p => p.Threshold, 0.7),
        })
        .With<LengthWeightedBaseline>("length-weighted-baseline", f => new()
        {
            Over = f.Choice("over", p => p.Over, s_over),
            Equal = f.Choice("equal-rewards", p => p.Equal, s_equal),
            Lone = f.Choice("lone-reward", p => p.Lone, s_lone),
        })
        .With<BestOfGroup>("best-of-group", f => new()
        {
            Scaled = f.Flag("scaled", p => p.Scaled),
            Epsilon = f.Number("epsilon", p => p.Epsilon, 0),
            Over = f.Choice("over", p => p.Over, s_over),
            Equal = f.Choice("equal-rewards", p => p.Equal, s_equal),
            Lone = f.Choice("lone-reward", p => p.Lone, s_lone),
        })
        .With<PartitionBaseline>("partition-baseline", f => new(f.Number("tau", p => p.Tau))
        {
            LeavesOut = f.Choice("leaves-out-its-own", p => p.LeavesOut, ("yes", true), ("no", false)),
            Floor = f.Number("floor", p => p.Floor, 0),
            Over = f.Choice("over", p => p.Over, s_over),
            Equal = f.Choice("equal-rewards", p => p.Equal, s_equal),
            Lone = f.Choice("lone-reward", p => p.Lone, s_lone),
        })
        .With<GreedyBaseline>("greedy-baseline", _ => new())
        .With<Returns>("returns", f => new()
        {
            Rewards = Earned(f, p => p.Rewards),
            Discount = f.Number("discount", p => p.Discount, 1),
            CutAtGaps = f.Flag("cut-at-gaps", p => p.CutAtGaps),
        })
        .With<GeneralisedAdvantage>("generalised", f => new(f.Number("discount", p => p.Discount), f.Number("lambda", p => p.Lambda)) { Rewards = Earned(f, p => p.Rewards) })
        .With<OptimalTokenBaseline>("optimal-token-baseline", f => new()
        {
            Rewards = Earned(f, p => p.Rewards),
            Epsilon = f.Number("epsilon", p => p.Epsilon, 0),
            ZeroTail = f.Flag("zero-tail", p => p.ZeroTail),
        })
        .With<TokenWhitened>("token-whitened", f => new(f.Part("of", p => p.Inner, Advantages!))
        {
            Ddof = f.Choice("std", p => p.Ddof, ("sample", 1), ("population", 0)),
            Epsilon = f.Number("epsilon", p => p.Epsilon, 0),
            Floor = f.Number("floor", p => p.Floor, 0),
            Padding = f.Number("padding", p => p.Padding, 0),
            Scaled = f.Choice("scaled", p => p.Scaled, ("yes", true), ("no", false)),
        })
        .With<NoBaseline>("none", _ => new());

    /// <summary>Shapes of a ratio's worth; a clip's bounds are given as ε, so that the range is [1 − low, 1 + high].</summary>
    public static PartList<Shape> Shapes { get; } = new PartList<Shape>("shape")
        .With<Unclipped>("unclipped", _ => new())
        .With<Clip>("clip", Range)
        .With<SoftGate>("soft-gate", f => new(f.Number("positive-tau", p => p.PositiveTau, 1), f.Number("negative-tau", p => p.NegativeTau, 1.05)));

    /// <summary>Kernels.</summary>
    public static PartList<Kernel> Kernels { get; } = new PartList<Kernel>("kernel")
        .With<TokenRatio>("token-ratio", f => new(Shape(f, p => p.Shape)) { LogBound = f.Number("log-bound", p => p.LogBound, double.PositiveInfinity) })
        .With<SequenceRatio>("sequence-ratio", f => new(
            f.Choice("of", p => p.Ratio, ("mean", RatioLevel.SequenceMean), ("sum", RatioLevel.SequenceSum)), Shape(f, p => p.Shape)))
        .With<SequenceTokenRatio>("sequence-token-ratio", f => new(Shape(f, p => p.Shape)) { LogCap = f.Number("log-cap", p => p.LogCap, double.PositiveInfinity) })
        .With<ClippedImportance>("clipped-importance", f => new(f.Number("low", p => p.Low, 0), f.Number("high", p => p.High))
        {
            LogBound = f.Number("log-bound", p => p.LogBound, double.PositiveInfinity),
        })
        .With<GradientPreservingClip>("gradient-preserving-clip", f => new(f.Inner("clip", p => p.Clip, Range, required: true)!))
        .With<GeometricMean>("geometric-mean", f => new(f.Number("low", p => p.Low), f.Number("high", p => p.High))
        {
            CountEpsilon = f.Number("count-epsilon", p => p.CountEpsilon, 0),
        })
        .With<LogRatioRegression>("log-ratio-regression", f => new(f.Number("tau", p => p.Tau)))
        .With<GroupVariance>("group-variance", f => new(f.Number("beta", p => p.Beta)))
        .With<GammaGain>("gamma-gain", f => new(
            f.Number("positive-k", p => p.PositiveK, 2), f.Number("positive-lambda", p => p.PositiveLambda, 3),
            f.Number("negative-k", p => p.NegativeK, 3), f.Number("negative-lambda", p => p.NegativeLambda, 2))
        {
            Mismatch = f.Optional<TokenWeight>("mismatch", p => p.Mismatch, Weights!, without: "none") switch
            {
                null => null,
                PolicyRatioWeight ratio => ratio,
                _ => throw InvalidInputException.Because($"mismatch must be a truncated-importance or an importance-mask."),
            },
        })
        .With<FlippedRatio>("flipped-ratio", f => new(
            f.Inner("low-entropy", p => p.LowEntropy, Range, required: true)!,
            f.Inner("high-entropy", p => p.HighEntropy, Range, required: true)!)
        {
            Dual = f.Number("dual", p => p.Dual, 3),
            Quantile = f.Number("quantile", p => p.Quantile, 0.8),
            LogBound = f.Number("log-bound", p => p.LogBound, double.PositiveInfinity),
        })
        .With<OwnRatio>("own-ratio", _ => new())
        .With<LogLikelihood>("log-likelihood", _ => new());

    /// <summary>Token weights, which corrections are, too.</summary>
    public static PartList<TokenWeight> Weights { get; } = new PartList<TokenWeight>("weight")
        .With<RowMean>("row-mean", f => new()
        {
            Averaged = f.Choice("average", p => p.Averaged, s_averages),
            CountEpsilon = f.Number("count-epsilon", p => p.CountEpsilon, 0),
        })
        .With<RowSum>("row-sum", f => new() { Averaged = f.Choice("average", p => p.Averaged, s_averages), Length = f.Number("length", p => p.Length, 1) })
        .With<PaddedRowSum>("padded-row-sum", f => new() { Averaged = f.Choice("average", p => p.Averaged, s_averages) })
        .With<RemainderOnLast>("remainder-on-last", f => new(f.Number("length", p => p.Length)) { Averaged = f.Choice("average", p => p.Averaged, s_averages) })
        .With<GroupTokenMean>("group-token-mean", _ => new())
        .With<BatchTokenMean>("batch-token-mean", f => new()
        {
            Accumulated = f.Choice("counts", p => p.Accumulated, ("micro-batch", false), ("accumulated-batch", true)),
            Items = f.Number("items", p => p.Items, 1),
            CountEpsilon = f.Number("count-epsilon", p => p.CountEpsilon, 0),
        })
        .With<ConstantWeight>("constant", f => new(f.Number("value", p => p.Value)))
        .With<ProductWeight>("product", f => new(f.Parts("of", p => p.Factors, Weights!)))
        .With<TruncatedImportance>("truncated-importance", f => new(
            f.Choice("level", p => p.Level, s_levels), f.Number("low", p => p.Low, 0), f.Number("high", p => p.High, double.PositiveInfinity))
        {
            Of = Numerator(f),
            Against = Denominator(f),
            LogBound = f.Number("log-bound", p => p.LogBound, double.PositiveInfinity),
        })
        .With<ImportanceMask>("importance-mask", f => new(
            f.Choice("level", p => p.Level, s_levels), f.Number("low", p => p.Low, 0), f.Number("high", p => p.High, double.PositiveInfinity))
        {
            Of = Numerator(f),
            Against = Denominator(f),
            LogBound = f.Number("log-bound", p => p.LogBound, double.PositiveInfinity),
            TimesRatio = f.Flag("times-ratio", p => p.TimesRatio),
        })
        .With<OffPolicyMask>("off-policy-mask", f => new(f.Number("threshold", p => p.Threshold))
        {
            Sampler = f.Choice("sampler", p => p.Sampler, LogProbs(Column.OldLogp, Column.RolloutLogp, Column.Logp, Column.RefLogp)),
        })
        .With<EntropyQuantileMask>("entropy-quantile-mask", f => new(f.Number("quantile", p => p.Quantile)))
        .With<FutureRatio>("future-ratio", f => new(f.Number("half-life", p => p.HalfLife, 32), f.Number("low", p => p.Low, 1), f.Number("high", p => p.High, 1.2))
        {
            Safety = f.Number("safety", p => p.Safety, 4),
        })
        .With<PrefixShare>("prefix-share", _ => new())
        .With<ConflictWeight>("conflict", f => new(f.Number("positive", p => p.Positive, 2), f.Number("negative", p => p.Negative, 0))
        {
            PerConflict = f.Choice("per-conflict", p => p.PerConflict, ("yes", true), ("no", false)),
            Signs = Rows(f, "signs", p => p.Signs, s_meanBaseline),
        })
        .With<LengthPreference>("length-preference", f => new(
            f.Number("spread", p => p.Spread), f.Number("lambda", p => p.Lambda), f.Number("epsilon", p => p.Epsilon), f.Whole("ddof", p => p.Ddof)))
        .With<TotalVariationRegion>("total-variation-region", f => new(f.Number("low", p => p.Low), f.Number("high", p => p.High)))
        .With<BinaryKlRegion>("binary-kl-region", f => new(f.Number("low", p => p.Low), f.Number("high", p => p.High)))
        .With<ProbabilityRegion>("probability-region", f => new(f.Number("threshold", p => p.Threshold)))
        .With<DivergenceMask>("divergence-mask", f => new(
            f.Choice("statistic", p => p.Statistic, s_estimators),
            f.Choice("over", p => p.Over, ("token", Pooling.Token), ("row-sum", Pooling.RowSum), ("row-mean", Pooling.RowMean), ("row-max", Pooling.RowMax)),
            f.Number("low", p => p.Low, double.NegativeInfinity),
            f.Number("high", p => p.High, double.PositiveInfinity))
        {
            Of = f.Choice("ratio-of", p => p.Of, LogProbs(Column.OldLogp, Column.Logp, Column.RolloutLogp, Column.RefLogp)),
            Against = f.Choice("against", p => p.Against, LogProbs(Column.RolloutLogp, Column.OldLogp, Column.Logp, Column.RefLogp)),
            LogBound = f.Number("log-bound", p => p.LogBound, double.PositiveInfinity),
            CountEpsilon = f.Number("count-epsilon", p => p.CountEpsilon, 0),
        })
        .With<MeanNormalised>("mean-normalised", f => new(f.Part("of", p => p.Inner, Weights!), f.Choice("mean", p => p.Mean, ("tokens", MeanOf.Tokens), ("rows", MeanOf.Rows)))
        {
            CountEpsilon = f.Number("count-epsilon", p => p.CountEpsilon, 0),
            Least = f.Number("least", p => p.Least, 0),
        })
        .With<CovarianceDrop>("covariance-drop", f => new(
            f.Number("fraction", p => p.Fraction),
            f.Number("low", p => p.Low),
            f.Number("high", p => p.High),
            f.Inner("clip", p => p.Clip, Range, required: true)!)
        {
            CountEpsilon = f.Number("count-epsilon", p => p.CountEpsilon, 0),
        })
        .With<TopCovariance>("top-covariance", f => new(f.Number("fraction", p => p.Fraction)) { CountEpsilon = f.Number("count-epsilon", p => p.CountEpsilon, 0) });

    /// <summary>Regularisers.</summary>
    public static PartList<Regulariser> Regularisers { get; } = new PartList<Regulariser>("regulariser")
        .With<KlPenalty>("kl", f => new(
            f.Choice("estimator", p => p.Estimator, s_estimators),
            f.Number("beta", p => p.Beta))
        {
            Against = f.Choice("against", p => p.Against, [.. LogProbs(Column.RefLogp, Column.OldLogp, Column.RolloutLogp)]),
            LogBound = f.Number("log-bound", p => p.LogBound, double.PositiveInfinity),
            ValueBound = f.Number("value-bound", p => p.ValueBound, double.PositiveInfinity),
            StraightThrough = f.Flag("straight-through", p => p.StraightThrough),
            TimesRatio = f.Flag("times-ratio", p => p.TimesRatio),
            Weight = f.Optional("weight", p => p.Weight, Weights),
            Where = f.Part("where", p => p.Where, Weights, TokenWeight.One),
            Corrected = f.Flag("corrected", p => p.Corrected),
        })
        .With<EntropyBonus>("entropy-bonus", f => new(f.Number("beta", p => p.Beta))
        {
            Weight = f.Optional("weight", p => p.Weight, Weights),
            Where = f.Part("where", p => p.Where, Weights, TokenWeight.One),
            Corrected = f.Flag("corrected", p => p.Corrected),
        });

    /// <summary>Steps of reward shaping: the first reads the completion's own rewards, each other the result of the one before it.</summary>
    public static PartList<RewardShaping> Shapings { get; } = new PartList<RewardShaping>("reward shaping")
        .With<SingleReward>("single", f => new() { Missing = f.Choice("missing", p => p.Missing, s_missing) })
        .With<WeightedRewards>("weighted-sum", f => new(f.Numbers("weights", p => p.Weights)) { Missing = f.Choice("missing", p => p.Missing, s_missing) })
        .With<ScoredRewards>("scored-sum", f => new(Rows(f, "score", p => p.Score), f.Numbers("weights", p => p.Weights))
        {
            Missing = f.Choice("missing", p => p.Missing, s_missing),
        })
        .With<ClippedReward>("clipped", f => new(RewardShaping.None, f.Number("low", p => p.Low), f.Number("high", p => p.High)))
        .With<KlInReward>("kl-in-reward", f => new(RewardShaping.None, f.Number("beta", p => p.Beta)));

    private static Clip Range(PartFields<Clip> f) =>
        Clip.Range(
            f.Number("low", p => Epsilon(p.Low, e => 1 - e)), f.Number("high", p => Epsilon(p.High, e => 1 + e)), f.Number("cap", p => p.Cap, double.PositiveInfinity)) with
        {
            Dual = f.Number("dual", p => p.Dual, double.PositiveInfinity),
        };

    // The shortest ε that gives the bound again: 0.2, not 1 − 0.8.
    private static double Epsilon(double bound, Func<double, double> boundOf)
    {
        double exact = Math.Abs(bound - 1);
        return Enumerable.Range(1, 15).Select(digits => Math.Round(exact, digits)).FirstOrDefault(rounded => boundOf(rounded) == bound, exact);
    }

    // "clip" with its ε alone is the common case; other shapes stand under "shape", and neither means unclipped.
    private static Shape Shape<TPart>(PartFields<TPart> f, Func<TPart, Shape> of)
        where TPart : class
    {
        Shape? clip = f.Inner("clip", part => of(part) as Clip, Range);
        if (clip is null || f.Lists)
            return f.Part("shape", of, Shapes, s_unclipped);
        f.Excludes("clip", "shape");
        return clip;
    }

    private static readonly Shape s_unclipped = new Unclipped();

    // What a token earns: left out where it is the outcome alone.
    private static TokenRewards Earned<TPart>(PartFields<TPart> f, Func<TPart, TokenRewards> of)
        where TPart : class =>
        f.Inner("token-rewards", part => of(part) == s_outcome ? null : of(part), rewards => new TokenRewards
        {
            Outcome = Rows(rewards, "outcome", p => p.Outcome, s_outcome.Outcome),
            Beta = rewards.Number("beta", p => p.Beta, 0),
            LargestKl = rewards.Number("largest-kl", p => p.LargestKl, double.PositiveInfinity),
            AtTokens = rewards.Flag("at-tokens", p => p.AtTokens),
        }) ?? s_outcome;

    private static readonly TokenRewards s_outcome = new();

    private static readonly RowAdvantage s_meanBaseline = new MeanBaseline();

    private static RowAdvantage Rows<TPart>(PartFields<TPart> f, string field, Func<TPart, RowAdvantage> of, RowAdvantage? fallback = null)
        where TPart : class =>
        f.Part<Advantage>(field, of, Advantages, fallback) as RowAdvantage
            ?? throw InvalidInputException.Because($"{field} must be an advantage of one number a completion.");

    private static Column Numerator<TPart>(PartFields<TPart> f)
        where TPart : PolicyRatioWeight =>
        f.Choice("ratio-of", p => p.Of, LogProbs(Column.OldLogp, Column.Logp, Column.RolloutLogp, Column.RefLogp));

    private static Column Denominator<TPart>(PartFields<TPart> f)
        where TPart : PolicyRatioWeight =>
        f.Choice("against", p => p.Against, LogProbs(Column.RolloutLogp, Column.OldLogp, Column.Logp, Column.RefLogp));

    private static (string, Column)[] LogProbs(params Column[] columns) => [.. columns.Select(column => (column.Field(), column))];
}
