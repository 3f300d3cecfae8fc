using System.Collections.Immutable;
using GroupRL.Objectives;

namespace GroupRL.Checking;

/// <summary>How often something occurs in the cases of a domain.</summary>
public enum Presence
{
    /// <summary>In no case.</summary>
    Never,

    /// <summary>In some cases, and then counted as a corner.</summary>
    Sometimes,

    /// <summary>In every case.</summary>
    Always,
}

/// <summary>What rewards a group gets.</summary>
public enum RewardKind
{
    /// <summary>Binary, small integers, decimals without a float64, reals; of size 1, 1e−8 and 1e8; equal ones too.</summary>
    Any,

    /// <summary>The same on a grid: multiples of 2⁻⁸ of their largest size, so that sums and shifts of a few do not round.</summary>
    Dyadic,

    /// <summary>Multiples of ¼ from −2 to 2, equal ones too: sums and shifts of them are exact, and centring hardly amplifies rounding.</summary>
    Plain,

    /// <summary>The same, not all equal in any group.</summary>
    PlainUnequal,

    /// <summary>0 and 1, both in every group.</summary>
    MixedBinary,

    /// <summary>One reward for the whole first group, and for most of the others.</summary>
    EqualInGroup,
}

/// <summary>Batches of 1–3 prompts with 2–5 ragged completions each, built to satisfy the hypotheses that its properties state.</summary>
public sealed record RolloutDomain : Domain<RolloutBatch>
{
    /// <summary>The columns that cases carry besides current and behaviour log-probs.</summary>
    public ImmutableArray<Column> Reads { get; init; } = [];

    /// <summary>K, how many rewards a completion carries.</summary>
    public int RewardCount { get; init; } = 1;

    /// <summary>Each prompt carries the reward of its greedy completion.</summary>
    public bool GreedyRewards { get; init; }

    /// <summary>How many trainable tokens every case has at least: at most 2, and not promised where a dead row is asked for.</summary>
    public int LeastTokens { get; init; }

    /// <summary>ℓ = ℓ°, so that every ratio is exactly 1.</summary>
    public bool OnPolicy { get; init; }

    /// <summary>
    /// All completions of a group share at least their first token, and its log-probs under every policy; off: they differ from the first token on.
    /// </summary>
    public bool SharedPrefix { get; init; }

    /// <summary>Fully masked completions; where they always occur, one in the first group has the group's only extreme reward.</summary>
    public Presence DeadRows { get; init; } = Presence.Sometimes;

    /// <summary>The rewards.</summary>
    public RewardKind Rewards { get; init; } = RewardKind.Any;

    /// <summary>The clip region whose bounds the ratios must hit exactly and pass by about an ulp; null: none.</summary>
    public Clip? Bounds { get; init; }

    /// <summary>The ratio that <see cref="Bounds"/> and <see cref="AwayFrom"/> speak of.</summary>
    public RatioLevel Level { get; init; } = RatioLevel.Token;

    /// <summary>Log-ratios from which every ratio keeps a distance of at least <see cref="KinkMargin"/>.</summary>
    public ImmutableArray<double> AwayFrom { get; init; } = [];

    /// <summary>The distance kept from <see cref="AwayFrom"/>.</summary>
    public static double KinkMargin => 1e-3;

    /// <summary>The largest log-ratio of a token or, where <see cref="Level"/> is one of rows, of what a row's are made of, nats.</summary>
    public double LargestLogRatio { get; init; } = 20;

    /// <summary>The number of prompts: 1 to 3 unless it is given.</summary>
    public int? Prompts { get; init; }

    /// <summary>As many rows as tokens in every row.</summary>
    public bool Square { get; init; }

    /// <summary>The most tokens that a completion has; by default what its size allows.</summary>
    public int? LongestCompletion { get; init; }

    /// <summary>All groups have one size.</summary>
    public bool EqualGroups { get; init; }

    /// <summary>Half of the cases are stretched to log-ratios of 10⁴, rewards of 1e300 or of 5e−324, or certain tokens.</summary>
    public bool Extreme { get; init; }

    /// <summary>Corners of a claim's own, beside those of every domain.</summary>
    public ImmutableArray<Corner<RolloutBatch>> Further { get; init; } = [];

    /// <summary>Corners of every domain that a claim has no use for, by name.</summary>
    public ImmutableArray<string> Unasked { get; init; } = [];

    /// <inheritdoc/>
    public override ImmutableArray<Corner<RolloutBatch>> Corners => [.. RolloutCorners.Of(this).Where(corner => !Unasked.Contains(corner.Name)), .. Further];

    /// <inheritdoc/>
    public override IEnumerable<RolloutBatch> Shrink(RolloutBatch value) => RolloutShrinker.Shrink(value);

    /// <inheritdoc/>
    public override RolloutBatch Build(Draw draw)
    {
        var sizes = new int[Prompts ?? (draw.Chance(0.5) ? 1 : draw.Whole(2, 3))];
        for (int g = 0; g < sizes.Length; g++)
            sizes[g] = EqualGroups && g > 0 ? sizes[0] : draw.Chance(0.3) ? 2 : draw.Whole(2, 3 + (draw.Size / 50));
        int longest = LongestCompletion ?? 2 + (draw.Size / 25);
        bool oneToken = draw.Chance(0.05) && !Square, square = (draw.Chance(0.1) && LongestCompletion is null) || Square, equal = square || draw.Chance(0.1), simple = draw.Chance(0.1);
        int common = oneToken ? 1 : square ? sizes.Sum() : draw.Whole(1, longest);
        double scale = IsPlain ? 1 : draw.Pick(1, 1, 1, 1, 1, 1, 1e-8, 1e8);

        var groups = new Rollout[sizes.Length][];
        for (int g = 0; g < sizes.Length; g++)
        {
            var lengths = new int[sizes[g]];
            for (int k = 0; k < lengths.Length; k++)
                lengths[k] = oneToken || equal ? common : draw.Whole(1, longest);
            groups[g] = BuildGroup(draw, g, lengths, scale, simple);
        }

        // Two completions with all of their tokens have enough of them.
        if (LeastTokens > 0 && DeadRows != Presence.Always && groups.Sum(group => group.Sum(Trainable)) < LeastTokens)
            groups[0] = [.. groups[0].Select(row => row with { Mask = null })];

        return RolloutBatch.Of(Extreme && draw.Chance(0.5) ? Stretched(draw, groups) : groups);
    }

    private static Rollout[][] Stretched(Draw draw, Rollout[][] groups)
    {
        int kind = draw.Whole(0, 3);
        return [.. groups.Select(group => group.Select((row, k) => kind switch
        {
            0 => row with { Logps = [.. row.Logps.Select((_, t) => (t + k) % 2 == 0 ? -1e4 : 0)] },
            1 => row with { Rewards = [.. row.Rewards.Select(_ => (double?)(k % 2 == 0 ? 1e300 : -1e300))] },
            2 => row with { Rewards = [.. row.Rewards.Select(_ => (double?)(k * double.Epsilon))] },
            _ => row with { Logps = [.. row.Logps.Select(_ => 0.0)], OldLogps = [.. row.OldLogps.Select(_ => 0.0)] },
        }).ToArray())];
    }

    private bool IsPlain => Rewards is RewardKind.Plain or RewardKind.PlainUnequal;

    private static int Trainable(Rollout row) => row.Mask?.Count(trained => trained) ?? row.Logps.Length;

    private Rollout[] BuildGroup(Draw draw, int g, int[] lengths, double scale, bool simple)
    {
        int rows = lengths.Length, shared = SharedPrefix ? draw.Whole(1, lengths.Min()) : 0;
        bool[] dead = DeadRowsOf(draw, rows, g);
        var rewards = new double[RewardCount][];
        foreach (ref double[] own in rewards.AsSpan())
        {
            own = RewardsOf(draw, rows, scale, g);
            if (DeadRows == Presence.Always && g == 0)
                own[Array.IndexOf(dead, true)] = own.Max() + scale;
        }

        double? greedy = GreedyRewards ? RewardsOf(draw, rows, scale, g)[0] : null;
        // How far the other policies are from the current one: at all on the prefix, and row by row, so that what judges whole rows tells them apart.
        double prefixDrift = Reads.IsEmpty ? 0 : draw.Pick(0, -0.25);
        var prefix = new Token[shared];
        foreach (ref var token in prefix.AsSpan())
            token = OnPolicy ? TokenOf(draw, simple) : WithRatio(TokenOf(draw, simple), PrefixLogRatio(draw));
        var group = new Rollout[rows];
        for (int k = 0; k < rows; k++)
        {
            var tokens = new Token[lengths[k]];
            for (int t = 0; t < tokens.Length; t++)
                tokens[t] = t < shared ? prefix[t] : TokenOf(draw, simple);
            bool[]? mask = MaskOf(draw, dead[k], tokens.Length, shared);
            if (!OnPolicy)
                SetRatios(draw, tokens, mask, shared);
            var (logps, olds, ids) = (new double[tokens.Length], new double[tokens.Length], new int[tokens.Length]);
            for (int t = 0; t < tokens.Length; t++)
            {
                logps[t] = tokens[t].Logp;
                olds[t] = tokens[t].Logp - tokens[t].LogRatio;
                ids[t] = t < shared ? t % 3 : t == shared ? k + (shared % 3) : draw.Whole(0, 4);
            }

            var earned = new double?[RewardCount];
            for (int r = 0; r < RewardCount; r++)
                earned[r] = rewards[r][k];
            group[k] = new() { Rewards = earned, Logps = logps, OldLogps = olds, Tokens = ids, Mask = mask, GreedyReward = greedy };
            double drift = Reads.IsEmpty ? 0 : draw.Pick(0, 0.5, 0.5, 3);
            foreach (var column in Reads)
                group[k] = group[k].With(column, [.. tokens.Select((token, t) => ValueOf(column, token, t < shared ? null : draw, t < shared ? prefixDrift : drift))]);
        }

        return group;
    }

    private bool[] DeadRowsOf(Draw draw, int rows, int g)
    {
        var dead = new bool[rows];
        bool any = DeadRows == Presence.Always ? g == 0 || draw.Chance(0.5) : DeadRows == Presence.Sometimes && draw.Chance(0.15);
        if (any)
            dead[draw.Whole(0, rows - 1)] = true;
        return dead;
    }

    private double[] RewardsOf(Draw draw, int rows, double scale, int g)
    {
        var rewards = new double[rows];
        int kind = Rewards switch
        {
            RewardKind.MixedBinary => 0,
            RewardKind.EqualInGroup when g == 0 || draw.Chance(0.7) => 4,
            _ => draw.Whole(0, 4),
        };
        double one = draw.Pick(0, 1, 0.1, 0.3, 0.7, -2.6, draw.Real(-3, 3)) * scale;
        for (int k = 0; k < rows; k++)
        {
            rewards[k] = kind switch
            {
                0 => draw.Whole(0, 1),
                1 => draw.Whole(-2, 2) * scale,
                2 => draw.Whole(-20, 20) / 10.0 * scale,
                3 => draw.Real(-3, 3) * scale,
                _ => one,
            };
        }

        for (int k = 0; k < rows && (IsPlain || Rewards == RewardKind.Dyadic); k++)
        {
            double grain = IsPlain ? 0.25 : Math.ScaleB(1, Math.ILogB(scale) - 8);
            rewards[k] = Math.Round(rewards[k] / grain) * grain;
        }

        if (Rewards == RewardKind.PlainUnequal && rewards.Distinct().Count() == 1)
            rewards[draw.Whole(0, rows - 1)] += 1;

        if (Rewards == RewardKind.MixedBinary)
        {
            int right = draw.Whole(0, rows - 1);
            rewards[right] = 1;
            rewards[(right + 1) % rows] = 0;
        }

        return rewards;
    }

    private static Token TokenOf(Draw draw, bool simple) => new(simple ? -1 : -draw.Real(0.01, 4), 0);

    // Masks leave the shared prefix alone, unless the whole row is dead: a prefix claim needs every other row trainable on it.
    private static bool[]? MaskOf(Draw draw, bool dead, int length, int shared)
    {
        if (dead)
            return new bool[length];
        if (!draw.Chance(0.15))
            return null;
        var mask = new bool[length];
        for (int t = 0; t < length; t++)
            mask[t] = t < shared || !draw.Chance(0.3);
        mask[0] = true;
        return mask;
    }

    // A row's ratio is to be made by its own tokens, so those that it shares stay near 1.
    private double PrefixLogRatio(Draw draw) => Level == RatioLevel.Token ? LogRatioOf(draw) : draw.Real(-0.5, 0.5);

    private void SetRatios(Draw draw, Token[] tokens, bool[]? mask, int shared)
    {
        var trained = new List<int>(tokens.Length);
        for (int t = shared; t < tokens.Length; t++)
        {
            if (mask is null || mask[t])
                trained.Add(t);
        }

        if (trained.Count == 0)
            return;
        if (Level == RatioLevel.Token)
        {
            foreach (int t in trained)
                tokens[t] = WithRatio(tokens[t], LogRatioOf(draw));
            return;
        }

        // One token carries the row's whole log-ratio, exactly, so that the row can sit on a bound; sometimes it is spread unevenly.
        double z = LogRatioOf(draw);
        double total = Level == RatioLevel.SequenceMean ? z * trained.Count : z;
        double moved = Bounds is not null && draw.Chance(0.5) ? 0 : draw.Real(-0.5, 0.5);
        tokens[trained[0]] = WithRatio(tokens[trained[0]], total - moved);
        tokens[trained[^1]] = WithRatio(tokens[trained[^1]], trained.Count > 1 ? moved : total);
    }

    private double LogRatioOf(Draw draw)
    {
        double z = draw.Whole(0, 9) switch
        {
            0 => 0,
            1 => draw.Sign() * LargestLogRatio,
            2 => draw.Real(-LargestLogRatio, LargestLogRatio) / 4,
            3 or 4 or 5 when Bounds is not null => NearBound(draw),
            _ => draw.Real(-1, 1) * Math.Min(1, LargestLogRatio),
        };
        // Two kinks closer to each other than two margins would need more than one push away.
        for (int pushes = 0; pushes < AwayFrom.Length; pushes++)
        {
            foreach (double kink in AwayFrom)
            {
                if (Math.Abs(z - kink) < 2 * KinkMargin)
                    z = kink + (3 * KinkMargin);
            }
        }

        return z;
    }

    private double NearBound(Draw draw)
    {
        double bound = draw.Chance(0.5) || Bounds!.Low <= 0 ? Bounds!.High : Bounds.Low;
        double at = ExactLog(bound);
        return draw.Whole(0, 2) switch
        {
            0 => at,
            1 => Beyond(at, bound, up: true),
            _ => Beyond(at, bound, up: false),
        };
    }

    /// <summary>Whether some log-ratio has <paramref name="bound"/> as its exponential; of the larger bounds not all do.</summary>
    internal static bool CanHit(double bound) => Math.Exp(ExactLog(bound)) == bound;

    // A log-ratio whose exponential is the bound itself: log rounds, but several neighbours have the bound as their exponential.
    private static double ExactLog(double bound)
    {
        double x = Math.Log(bound);
        for (int k = 0; k < 8 && Math.Exp(x) != bound; k++)
            x = Math.Exp(x) < bound ? Math.BitIncrement(x) : Math.BitDecrement(x);
        return x;
    }

    private static double Beyond(double x, double bound, bool up)
    {
        // Near 1 the logarithms of one ratio are too many to walk through one by one.
        double step = Math.Max((Math.BitIncrement(bound) - bound) / bound / 4, Math.BitIncrement(Math.Abs(x)) - Math.Abs(x));
        while (Math.Exp(x) == bound)
            x += up ? step : -step;
        return x;
    }

    // The difference of the two log-probs must be the log-ratio exactly, so the smaller of them carries it all.
    private static Token WithRatio(Token token, double logRatio) => token with { Logp = logRatio < 0 ? logRatio : 0, LogRatio = logRatio };

    private static double ValueOf(Column column, Token token, Draw? draw, double drift) => column switch
    {
        Column.Entropy => -token.Logp / 2,
        Column.SumPiSquared => Math.Exp(token.Logp),
        Column.Random => draw?.Real(0, 1) ?? 0.5,
        Column.Value or Column.TokenReward => draw?.Real(-1, 1) ?? 0.5,
        _ => Math.Min(0, token.Logp + (draw?.Real(-drift, drift) ?? drift)),
    };

    private readonly record struct Token(double Logp, double LogRatio);
}
