using System.Globalization;
using System.Runtime.Intrinsics;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// Evaluations over vectors take every branch that the definition takes, and agree with it to rounding. GROUPRL_VECTOR_BATCHES, a number, is how many batches
/// there are over all entries: <c>GROUPRL_VECTOR_BATCHES=1000000 dotnet test tests/Properties --filter VectorEvaluatorTests</c>.
/// </summary>
public class VectorEvaluatorTests
{
    // Longer than a stretch of a row, and no multiple of a vector.
    private const int LongRow = 1027;

    private static readonly int s_batches = int.Parse(Environment.GetEnvironmentVariable("GROUPRL_VECTOR_BATCHES") ?? "20000", CultureInfo.InvariantCulture);

    public static TheoryData<string> Ids => [.. Catalogue.All.Select(entry => entry.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void Vectors_take_the_definition_s_branch_at_every_token_and_agree_to_rounding(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        var agreement = new VectorAgreement(objective);
        var domain = Domain(objective);
        int cases = s_batches / Catalogue.All.Length;
        for (int k = 0; k < cases; k++)
        {
            var batch = (k % 50 == 49 ? domain with { LongestCompletion = LongRow, Prompts = 1 } : domain).Build(new Draw((ulong)k * 7919, k % 101));
            string? disagreement = agreement.Disagreement(batch);
            Assert.True(disagreement is null, $"case {k}: {disagreement}");
        }

        Assert.True(agreement.Refused < cases / 2, $"{agreement.Refused} of {cases} batches are refused");
        if (objective.Traits.HasFlag(Traits.HardClip))
            Assert.NotEqual(0, agreement.Stopped);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "a clip bound one place off", "another branch" }, { "a β off by 1e-12", "coefficients differ" }, { "no regulariser", "coefficients differ" },
        { "another advantage", "coefficients differ" }, { "a lost constant", "values differ" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void An_evaluation_that_is_wrong_is_told_from_one_that_rounds(string mutant, string told)
    {
        var sound = Catalogue.Find("grpo-k3")!.Objective;
        var clip = (Clip)((TokenRatio)sound.Kernel).Shape;
        var penalty = (KlPenalty)sound.Regularisers[0];
        var wrong = mutant switch
        {
            "a clip bound one place off" => sound with { Kernel = new TokenRatio(new Clip(clip.Low, Math.BitIncrement(clip.High))) },
            "a β off by 1e-12" => sound with { Regularisers = [penalty with { Beta = penalty.Beta * (1 + 1e-12) }] },
            "no regulariser" => sound with { Regularisers = [] },
            "another advantage" => sound with { Advantage = Catalogue.DrGrpo.Advantage },
            _ => sound with { Kernel = new LostConstant((TokenKernel)sound.Kernel) },
        };
        var agreement = new VectorAgreement(sound, wrong);
        var found = Enumerable.Range(0, 400).Select(k => agreement.Disagreement(Domain(sound).Build(new Draw((ulong)k, k % 101)))).OfType<string>();
        Assert.Contains(found, disagreement => disagreement.StartsWith(told, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_kernel_and_shape_of_the_project_is_in_the_catalogue_that_is_compared()
    {
        var reached = Catalogue.All.Select(entry => entry.Objective.Kernel).ToArray();
        foreach (var type in typeof(Kernel).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Kernel)) && !type.IsAbstract))
            Assert.Contains(reached, kernel => kernel.GetType() == type);
        foreach (var type in typeof(Shape).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Shape)) && !type.IsAbstract))
            Assert.Contains(reached, kernel => kernel is TokenRatio { Shape: var shape } && shape.GetType() == type);
    }

    [Fact]
    public void Without_the_definition_at_the_bounds_a_vector_would_take_other_branches()
    {
        // Log-ratios whose exponential is a bound or next to it: on some of them the two exponentials are on two sides of it.
        int flips = 0;
        for (int k = 1; k <= 400; k++)
        {
            double bound = 1 + (k / 1000.0), x = Math.Log(bound);
            for (int step = -4; step <= 4; step++)
            {
                double near = x + (step * (Math.BitIncrement(x) - x)), vector = VectorExp.Of(Vector512.Create(near))[0], scalar = Math.Exp(near);
                flips += vector > bound != scalar > bound ? 1 : 0;
                Assert.True(Math.Abs(vector - bound) <= bound * VectorKernel.Near, $"{near} is near {bound}");
            }
        }

        // Without vectors of 512 bits the two are one.
        Assert.Equal(Vector512.IsHardwareAccelerated, flips != 0);
    }

    [Theory]
    [InlineData(1e-9)]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(VectorExp.Largest)]
    public void A_vector_s_exponential_is_within_its_stated_units_in_the_last_place(double size)
    {
        var draw = new Draw(20261122, 0);
        double worst = 0;
        for (int k = 0; k < 2000; k++)
        {
            var x = new double[Vector512<double>.Count];
            for (int lane = 0; lane < x.Length; lane++)
                x[lane] = draw.Real(-size, size);
            var exponentials = VectorExp.Of(Vector512.Create(x));
            for (int lane = 0; lane < x.Length; lane++)
                worst = Math.Max(worst, ExactExponential.UlpsFrom(exponentials[lane], x[lane]));
        }

        Assert.True(worst <= VectorExp.Ulps, $"{worst} ulps");
    }

    [Fact]
    public void The_polynomial_of_the_exponential_is_within_an_eighth_of_a_unit_of_the_series()
    {
        const double r = 0.34657359027997270;
        // q minus the series, in decimals of 28 digits, since the first coefficients agree in 16.
        double[] gap = new double[17];
        decimal factorial = 1;
        for (int k = 0; k < gap.Length; k++)
        {
            factorial *= k + 2;
            gap[k] = (double)((k < VectorExp.Polynomial.Length ? Exact(VectorExp.Polynomial[k]) : 0) - (1 / factorial));
        }

        // A polynomial is nowhere larger than the sum of the sizes of its Chebyshev coefficients; what the series has beyond is below 2⁻⁶⁴.
        const int nodes = 32;
        double bound = 0;
        for (int j = 0; j < gap.Length; j++)
        {
            var terms = Enumerable.Range(0, nodes).Select(i => (i + 0.5) * Math.PI / nodes)
                .Select(angle => Math.Cos(j * angle) * gap.Select((c, k) => c * Math.Pow(r * Math.Cos(angle), k)).Sum());
            bound += Math.Abs(terms.Sum() * (j == 0 ? 1.0 : 2.0) / nodes);
        }

        // 0.123, of which economising is 0.112: with less the gap would have been lost to rounding, and nothing been compared.
        Assert.InRange(bound * r * r * (1L << 53), 0.112, 0.125);

        // All digits of a float64, where a cast keeps 15.
        static decimal Exact(double x) => decimal.Parse(x.ToString("E27", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    [Fact]
    public void The_exponential_of_nothing_is_one_to_the_bit() => Assert.Equal(Vector512<double>.One, VectorExp.Of(Vector512<double>.Zero));

    [Theory]
    [InlineData("grpo-k3")]
    [InlineData("gspo")]
    [InlineData("clip-cov")]
    public void The_result_does_not_depend_on_how_many_jobs_share_it(string id)
    {
        var objective = Catalogue.Find(id)!.Objective;
        var batch = (Domain(objective) with { Extreme = false, Prompts = 9 }).Build(new Draw(1, 100));
        double[] one = new double[batch.Tokens], three = new double[batch.Tokens];
        var vectors = new VectorEvaluator(objective);
        Assert.Equal(vectors.Evaluate(batch, one), vectors.Evaluate(batch, three, jobs: 3));
        Assert.Equal(one, three);
    }

    [Fact]
    public void One_job_allocates_nothing_once_it_has_grown()
    {
        var objective = Catalogue.Find("grpo-k3")!.Objective;
        var batch = (Domain(objective) with { Extreme = false, LongestCompletion = 2 * LongRow }).Build(new Draw(3, 100));
        var vectors = new VectorEvaluator(objective);
        var coefficients = new double[batch.Tokens];
        vectors.Evaluate(batch, coefficients);
        long before = GC.GetAllocatedBytesForCurrentThread();
        vectors.Evaluate(batch, coefficients);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void What_the_definition_refuses_vectors_refuse_in_the_same_words()
    {
        var huge = RolloutBatch.Of([[Row(1e300), Row(0)]]);
        var objective = Catalogue.DrGrpo;
        Assert.Equal(
            Refusal.Of(() => objective.Evaluate(huge)),
            Refusal.Of(() => new VectorEvaluator(objective).Evaluate(huge, new double[huge.Tokens])));
        Assert.Contains("ref_logps", Refusal.Of(() => new VectorEvaluator(Catalogue.Find("grpo-k3")!.Objective).Evaluate(huge, new double[huge.Tokens])), StringComparison.Ordinal);
        Assert.Contains("got 18 and 3", Refusal.Of(() => new VectorEvaluator(objective).Evaluate(huge, new double[3])), StringComparison.Ordinal);
        Assert.Contains("at least 1 job; got 0", Refusal.Of(() => new VectorEvaluator(objective).Evaluate(huge, new double[18], jobs: 0)), StringComparison.Ordinal);

        static Rollout Row(double reward) => new() { Reward = reward, Logps = new double[9], OldLogps = [.. Enumerable.Repeat(-100.0, 9)] };
    }

    public static TheoryData<string, SurrogateObjective, RolloutBatch> Refused => new()
    {
        { "an advantage of a completion without tokens", EntropyOf(Catalogue.Grpo with { Advantage = new StandardScore { Equal = EqualRewards.AreComputed } }), RolloutBatch.Of([[Masked(1), Masked(1)], [Plain(0), Plain(1)]]) },
        { "a coefficient whose value is finite", Catalogue.DrGrpo with { Advantage = new NoBaseline(), Kernel = new SequenceRatio(RatioLevel.SequenceMean, new SoftGate(4, 4)), Weight = new ConstantWeight(10) }, RolloutBatch.Of([[Plain(1.7979e307)]]) },
        { "a reference of a batch without tokens", Catalogue.Find("grpo-k3")!.Objective, RolloutBatch.Of([[Masked(1), Masked(0)]]) },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_only_a_corner_shows_is_refused_alike(string corner, SurrogateObjective objective, RolloutBatch batch)
    {
        string refusal = Refusal.Of(() => objective.Evaluate(batch));
        foreach (int jobs in new[] { 1, 3 })
            Assert.Equal((corner, refusal), (corner, Refusal.Of(() => new VectorEvaluator(objective).Evaluate(batch, new double[batch.Tokens], jobs))));
    }

    [Fact]
    public void Several_jobs_refuse_in_the_words_of_one()
    {
        var objective = Catalogue.Grpo with { Kernel = new FlippedRatio(Clip.Range(0.2, 0.2), Clip.Range(0.2, 0.2)) };
        var batch = RolloutBatch.Of([.. Enumerable.Repeat<Rollout[]>([Plain(0) with { Entropies = null }, Plain(1) with { Entropies = null }], 2)]);
        Assert.Contains("entropies", Refusal.Of(() => new VectorEvaluator(objective).Evaluate(batch, new double[batch.Tokens], jobs: 2)), StringComparison.Ordinal);
    }

    private static SurrogateObjective EntropyOf(SurrogateObjective objective) => objective with { Regularisers = [new EntropyBonus(0.1)] };

    private static Rollout Plain(double reward) => new() { Reward = reward, Logps = [-1], OldLogps = [-1], Entropies = [0.5] };

    private static Rollout Masked(double reward) => Plain(reward) with { Mask = [false] };

    private static RolloutDomain Domain(SurrogateObjective objective) => (RolloutDomain)Contract.PermutationInvariance.Domain(objective) with
    {
        Extreme = true,
        LongestCompletion = 25,
    };

    /// <summary>A kernel whose value is off by a constant and whose slope is not.</summary>
    private sealed record LostConstant(TokenKernel Inner) : TokenKernel
    {
        public override Traits Traits => Inner.Traits;

        public override (double Value, double Slope) At(in Point point) => (Inner.At(point).Value + (1e-9 * point.Advantage), Inner.At(point).Slope);
    }
}
