using GroupRL.Optimizers;
using GroupRL.Properties.Golden;
using Xunit;
using static GroupRL.Properties.Optimizers.Trajectory;

namespace GroupRL.Properties.Optimizers;

/// <summary>The links beyond Adam and momentum against cases worked out by hand and exact symmetries.</summary>
public class OptimizerLinkTests
{
    // A dozen operations a step, each within half an ulp.
    private const double Rounding = 1e-13;

    // Each iteration of Muon changes a matrix near one by at most max |p′| = 3.97 over the singular values that occur, 0 … 1.21,
    // so five amplify the roundings of the input, and those of the first of them, by at most 3.97⁵ = 986: some 30 roundings each.
    private const double MuonRounding = 986 * 30 * 5 * 1.2e-16;

    // By hand

    [Fact]
    public void Lion_takes_the_sign_of_another_average_than_it_keeps()
    {
        // β₁ = ¼, β₂ = ¾: m = 1, ¼, 0.6875; what the sign is taken of is ¾·4 = 3, ¼ − 1.5 = −1.25, 1/16 + 1.5 = 1.5625, 0.6875/4 − 0.075 > 0.
        Assert.Equal([1, -1, 1, 1], Directions(new ScaleByLion(0.25, 0.75), 4, -2, 2, -0.1));
    }

    [Fact]
    public void Lion_steps_by_the_memory_of_before_the_gradient()
    {
        // m₁ = −2.5; c₂ = ½·(−2.5) + ½·2 = −0.25, and +0.25 for 3. With m₂ = −0.25 in place of m₁ the newest gradient would count twice: 0.875.
        Assert.Equal([-1, -1], Directions(new ScaleByLion(0.5, 0.5), -5, 2));
        Assert.Equal([-1, 1], Directions(new ScaleByLion(0.5, 0.5), -5, 3));
    }

    [Fact]
    public void Signum_takes_the_sign_of_the_new_average_and_signsgd_of_the_gradient()
    {
        // m = 2, 0, −1.5
        Assert.Equal([1, 0, -1], Directions(new ScaleBySign(0.5), 4, -2, -3));
        Assert.Equal([1, -1, 0, -1], Directions(new ScaleBySign(), 4, -1e-300, 0, -3));
    }

    [Fact]
    public void Rmsprop_divides_by_an_average_that_is_not_corrected()
    {
        // v = ¼·16 = 4, then ¾·4 + ¼·16 = 7.
        Same("u", [2, -4 / Math.Sqrt(7), 0], Directions(new ScaleByRms(0.75, 0), 4, -4, 0));
        // v = 2, ḡ = 1: √(2 − 1) = 1; then v = 1 + 4.5 = 5.5, ḡ = ½ − 1.5 = −1: √4.5.
        Same("centred", [2, -3 / Math.Sqrt(4.5)], Directions(new ScaleByRms(0.5, 0, Centered: true), 2, -3));
        // b = q₁ = 2, then ½·2 + q₂.
        Same("momentum", [2, 1 - (4 / Math.Sqrt(7))], Directions(new ScaleByRms(0.75, 0, Momentum: 0.5), 4, -4));
    }

    [Fact]
    public void Adagrad_divides_by_the_root_of_the_sum_and_its_rate_decays_after_the_first_step()
    {
        Same("u", [1, 0.8], Directions(new ScaleByAdagrad(0), 3, 4));
        Same("rate", [1, 0.4], Directions(new ScaleByAdagrad(0, RateDecay: 1), 3, 4));
        Same("initial", [0.6, 4 / Math.Sqrt(41)], Directions(new ScaleByAdagrad(0, InitialSum: 16), 3, 4));
        Same("ε", [3.0 / 4], Directions(new ScaleByAdagrad(1), 3));
    }

    [Fact]
    public void Adamax_divides_by_the_largest_decayed_gradient()
    {
        // m̂ = 4, 1.5/0.75; n = 4, max(2, 1).
        Same("u", [1, 1], Directions(new ScaleByAdamax(0.5, 0.5, 0), 4, 1));
        // n = 4 + 1, then max(2.5, 1 + 1).
        Same("ε", [0.8, 0.8], Directions(new ScaleByAdamax(0.5, 0.5, 1), 4, 1));
    }

    [Fact]
    public void Adadelta_measures_the_gradient_by_the_steps_so_far()
    {
        // v = 4, √5/√9·4; w = ¼·80/9 = 20/9, v = ¾·4 + ¼·16 = 7, √(20/9 + 5)/√12·4.
        Same("u", [4 * Math.Sqrt(5) / 3, 4 * Math.Sqrt((20.0 / 9) + 5) / Math.Sqrt(12)], Directions(new ScaleByAdadelta(0.75, 5), 4, 4));
        Assert.Equal([0, 0], Directions(new ScaleByAdadelta(0.75, 0), 4, 4));
    }

    [Fact]
    public void Nadam_adds_the_new_gradient_to_what_momentum_will_be()
    {
        ScaleByNAdam link = new(0.5, 0.5, 0, MomentumDecay: 1);
        // μ_t = ½(1 − ½·0.96ᵗ): 0.26, 0.2696, …; u₁ = (1−μ₁)/(1−μ₁) + μ₂·½/(1 − μ₁μ₂), times the sign of g.
        double mu1 = 0.26, mu2 = 0.5 * (1 - (0.5 * 0.9216)), mu3 = 0.5 * (1 - (0.5 * 0.884736));
        GoldenAssert.Close("μ", [mu1, mu2, mu3], [link.Mu(1), link.Mu(2), link.Mu(3)], Rounding);
        // m₂ = ¼·4 + ½·2 = 2, v₂ = 4 + 2 = 6, 1 − ¼: √8; P₂ = μ₁μ₂.
        double second = (((1 - mu2) * 2 / (1 - (mu1 * mu2))) + (mu3 * 2 / (1 - (mu1 * mu2 * mu3)))) / Math.Sqrt(8);
        Same("u", [1 + (mu2 / 2 / (1 - (mu1 * mu2))), second], Directions(link, 4, 2));
        Same("bug", [1 + (mu2 / 2 / (1 - (mu1 * mu1 * mu2)))], Directions(link with { RepeatedMu = true }, 4));
    }

    [Fact]
    public void Radam_does_not_adapt_before_its_sixth_step()
    {
        ScaleByRAdam link = new();
        Assert.All(Enumerable.Range(1, 5), t => Assert.Null(link.Rectification(t)));
        // ρ_∞ = 1999, ρ₆ = 1999 − 12·0.999⁶/(1 − 0.999⁶) = 5.99…: r₆ = √(1.99·3.99·1999/(1995·1997·5.99)).
        double power = Math.Pow(0.999, 6), length = 1999 - (12 * power / (1 - power));
        Assert.InRange(length, 5.99, 6);
        Assert.Equal(Math.Sqrt((length - 4) * (length - 2) * 1999 / (1995 * 1997 * length)), link.Rectification(6)!.Value, 1e-12);

        // A constant gradient: m̂ = g, √v = |g|√(1 − β₂ᵗ).
        double[] u = Directions(link with { Epsilon = 0 }, 4, 4, 4, 4, 4, 4);
        Same("u", [4, 4, 4, 4, 4, link.Rectification(6)!.Value], u);
        Assert.All(Enumerable.Range(1, 1000), t => Assert.Null(new ScaleByRAdam(Beta2: 0.6).Rectification(t)));
        Assert.Equal(ScaleLaw.Proportional, new ScaleByRAdam(Beta2: 0.6).Scaling.Law);
        Assert.Equal(ScaleLaw.Neither, link.Scaling.Law);
    }

    [Fact]
    public void Adafactor_first_step_is_a_sign_times_the_size_of_theta()
    {
        // v = g², U = ±1, RMS(U) = 1, RMS(3, 4) = √12.5.
        double size = Math.Sqrt(12.5);
        GoldenAssert.Close("vector", [size, -size], One(new ScaleByAdafactor(), ParameterShape.Vector(2), [3, 4], [[0.1, -20]])[0], Rounding);
        GoldenAssert.Close("small θ", [1e-3, -1e-3], One(new ScaleByAdafactor(), ParameterShape.Vector(2), [0, 0], [[0.1, -20]])[0], Rounding);
        // The squares of an outer product have rank one, so their factored estimate is exact: U = ±1.
        GoldenAssert.Close(
            "matrix", [size, -size, size, -size], One(new ScaleByAdafactor(), ParameterShape.Matrix(2, 2), [3, 4, 3, 4], [[1, -2, 2, -4]])[0], Rounding);
    }

    [Fact]
    public void Adafactor_estimates_a_matrix_by_its_rows_and_columns()
    {
        // [[1, 3], [0, 2]]: the rows' mean squares are 5 and 2, the columns' ½ and 6½, of all 3½; so v₀₀ = 5·½/3½, v₀₁ = 5·6½/3½, v₁₁ = 2·6½/3½.
        double[] u = [1 / Math.Sqrt(5.0 / 7), 3 / Math.Sqrt(65.0 / 7), 0, 2 / Math.Sqrt(26.0 / 7)];
        double clip = Math.Max(1, Math.Sqrt(u.Sum(x => x * x) / 4));
        GoldenAssert.Close(
            "u", [.. u.Select(x => x / clip)], One(new ScaleByAdafactor(SmallestScale: 1), ParameterShape.Matrix(2, 2), [0, 0, 0, 0], [[1, 3, 0, 2]])[0], Rounding);
    }

    [Fact]
    public void Adafactor_clips_its_update_and_shrinks_its_rate_beyond_the_horizon()
    {
        // c = 60: w₂ = 2⁻⁶⁰, so v stays 1 and U = 10: clipped to RMS 1, or to d = 2.
        ScaleByAdafactor slow = new(MomentDecay: 60, SmallestScale: 1);
        Same("d = 1", [1, 1], Directions(slow, 1, 10));
        Same("d = 2", [1, 2], Directions(slow with { ClipThreshold = 2 }, 1, 10));
        // τ = 1: 1, 1/√2, 1/√3, 1/2 of a constant gradient's step.
        Same("τ", [1, Math.Sqrt(0.5), Math.Sqrt(1.0 / 3), 0.5], Directions(new ScaleByAdafactor(SmallestScale: 1, Horizon: 1), 2, 2, 2, 2));
    }

    // Muon

    [Fact]
    public void Muon_applies_its_polynomial_to_each_singular_value()
    {
        // diag(3, −4)/5 has the singular values 0.6 and 0.8, and stays diagonal.
        double[] u = One(new ScaleByMuon(), ParameterShape.Matrix(2, 2), new double[4], [[3, 0, 0, -4]])[0];
        GoldenAssert.Close("u", [Polynomial(0.6), 0, 0, -Polynomial(0.8)], u, MuonRounding);
    }

    [Fact]
    public void Muon_turns_with_its_matrix_and_is_transposed_with_it()
    {
        double[] matrix = [1, 2, -3, 0.5, 4, 1];
        double[] wide = One(new ScaleByMuon(), ParameterShape.Matrix(2, 3), new double[6], [matrix])[0];
        // The transpose of a wide matrix is a tall one, whose step is √(3/2) as long.
        double[] tall = One(new ScaleByMuon(), ParameterShape.Matrix(3, 2), new double[6], [[1, 0.5, 2, 4, -3, 1]])[0];
        GoldenAssert.Close("transpose", [.. new[] { 0, 3, 1, 4, 2, 5 }.Select(j => wide[j] * Math.Sqrt(1.5))], tall, MuonRounding);

        // Rotated by (0.6, −0.8; 0.8, 0.6) from the left, in and out.
        double[] rotated = One(new ScaleByMuon(), ParameterShape.Matrix(2, 3), new double[6], [Rotated(matrix)])[0];
        GoldenAssert.Close("rotation", Rotated(wide), rotated, MuonRounding);

        static double[] Rotated(double[] m) =>
            [.. Enumerable.Range(0, 3).Select(j => (0.6 * m[j]) - (0.8 * m[j + 3])), .. Enumerable.Range(0, 3).Select(j => (0.8 * m[j]) + (0.6 * m[j + 3]))];
    }

    [Fact]
    public void Muon_brings_every_singular_value_near_one()
    {
        // From 0.1 … 1 of the norm on, five iterations end between 0.68 and 1.21; a value of 0 stays 0.
        for (double x = 0.1; x <= 1; x += 0.001)
            Assert.InRange(Polynomial(x), 0.68, 1.21);
        Assert.Equal(0, Polynomial(0));
    }

    [Fact]
    public void Muons_forms_differ_in_where_epsilon_stands_and_in_the_size_of_a_step()
    {
        double[][] gradient = [[3, 0, 0, -4, 0, 0]];
        ParameterShape shape = ParameterShape.Matrix(3, 2);
        double tall = Math.Sqrt(1.5), wide = 0.2 * Math.Sqrt(3);
        // Without Nesterov u = 0.05·G, of norm 0.25.
        ScaleByMuon muon = new(Nesterov: false, Epsilon: 0.25);
        GoldenAssert.Close("at ε", [tall * Polynomial(0.6)], One(muon, shape, new double[6], gradient)[0].AsSpan(0, 1), MuonRounding);
        GoldenAssert.Close("below ε", [tall * Polynomial(0.3)], One(muon with { Epsilon = 0.5 }, shape, new double[6], gradient)[0].AsSpan(0, 1), MuonRounding);
        GoldenAssert.Close("added", [tall * Polynomial(0.3)], One(muon with { Norm = MuonNorm.Added }, shape, new double[6], gradient)[0].AsSpan(0, 1), MuonRounding);
        GoldenAssert.Close(
            "as AdamW", [wide * Polynomial(0.6)], One(muon with { Adjustment = MuonAdjustment.MatchRmsAdamW }, shape, new double[6], gradient)[0].AsSpan(0, 1), MuonRounding);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Muon_never_stops_until_its_memory_has_shrunk_to_epsilon(bool nesterov)
    {
        ScaleByMuon muon = new(Nesterov: nesterov);
        double[][] history = [.. History(steps: 5, dimension: 6), .. Enumerable.Repeat(new double[6], 600)];
        double[][] u = One(muon, ParameterShape.Matrix(3, 2), new double[6], history);

        // Each further step multiplies the buffer by μ with one rounding an entry: k of them after k steps.
        for (int k = 2; k <= 300; k++)
            GoldenAssert.Close($"u at T+{k}", u[5], u[4 + k], MuonRounding * k);
        // ‖B‖ ≤ 100·√6·0.95⁶⁰⁰ < 1e−10: a thousandth of ε, which the clamp no longer lifts. p′(0)⁵ = 485.
        Assert.InRange(u[^1].Max(Math.Abs), 1e-12, 1e-3 * 485);
        Assert.True(u[^1].Max(Math.Abs) < 0.5 * u[5].Max(Math.Abs));
    }

    // Tails

    [Fact]
    public void Lion_and_signum_go_on_for_ever_at_full_speed()
    {
        double[] gradients = [3, -1, .. Enumerable.Repeat(0.0, 2000)];
        Assert.All(Directions(new ScaleByLion(), gradients)[2..], u => Assert.Equal(1, u));
        Assert.All(Directions(new ScaleBySign(0.9), gradients)[2..], u => Assert.Equal(1, u));
        Assert.All(Directions(new ScaleBySign(), gradients)[2..], u => Assert.Equal(0, u));
    }

    [Fact]
    public void Adamax_fades_by_the_ratio_of_its_betas()
    {
        double[] u = Directions(new ScaleByAdamax(Epsilon: 0), [.. Enumerable.Repeat(2.0, 500), .. Enumerable.Repeat(0.0, 50)]);
        for (int k = 1; k < 50; k++)
            Assert.Equal(0.9 / 0.999, u[500 + k] / u[499 + k], 1e-10);
    }

    [Fact]
    public void Rmsprop_with_momentum_fades_by_it_and_without_stops()
    {
        double[] u = Directions(new ScaleByRms(Momentum: 0.75), 1, -2, 4, 0, 0, 0);
        Same("fading", [0.75 * u[2], 0.75 * u[3], 0.75 * u[4]], u[3..]);
        Assert.All(new Direction[] { new ScaleByRms(), new ScaleByRms(Centered: true), new ScaleByAdagrad(), new ScaleByAdadelta(), new ScaleByAdafactor() }, link =>
            Assert.Equal([0, 0, 0], Directions(link, 1, -2, 4, 0, 0, 0)[3..]));
    }

    [Fact]
    public void A_sign_that_rounding_could_turn_is_left_open()
    {
        Assert.Equal(new(1, 0, 0), new ClosedForm(1e-3, 1, 4).Sign());
        Assert.Equal(new(-1, 0, 0), new ClosedForm(-1e-3, 1, 4).Sign());
        Assert.Equal(ClosedForm.Zero, new ClosedForm(0, 0, 9).Sign());
        // An error of at least 1: either sign, and 0, are as far from 0 as allowed.
        ClosedForm open = new ClosedForm(1e-16, 1, 4).Sign();
        Assert.Equal(0, open.Value);
        Assert.InRange(GroupRL.Checking.Tolerance.Summation(open.Roundings, open.Magnitude), 1, 1.000001);
    }

    // Zero, and refusals

    public static TheoryData<string> Guarded => [.. s_guarded.Keys];

    private static readonly Dictionary<string, Direction> s_guarded = new()
    {
        ["nadam"] = new ScaleByNAdam(Epsilon: 0),
        ["radam"] = new ScaleByRAdam(Epsilon: 0),
        ["rmsprop"] = new ScaleByRms(Epsilon: 0),
        ["rmsprop centred"] = new ScaleByRms(Epsilon: 0, Centered: true, Momentum: 0.5),
        ["adagrad"] = new ScaleByAdagrad(Epsilon: 0),
        ["adamax"] = new ScaleByAdamax(Epsilon: 0),
        ["adadelta"] = new ScaleByAdadelta(Epsilon: 0),
        ["adafactor"] = new ScaleByAdafactor(Epsilon: 0),
    };

    [Theory]
    [MemberData(nameof(Guarded))]
    public void Without_epsilon_a_coordinate_that_never_had_a_gradient_stays(string link)
    {
        foreach (double[] u in One(s_guarded[link], ParameterShape.Vector(2), [1, 1], [[0, 4], [0, 4], [0, 0], [0, 4], [0, 4], [0, 4], [0, -1]]))
        {
            Assert.Equal(0, u[0]);
            Assert.True(double.IsFinite(u[1]));
        }
    }

    [Fact]
    public void Muon_without_epsilon_leaves_a_matrix_that_never_had_a_gradient()
    {
        foreach (MuonNorm norm in Enum.GetValues<MuonNorm>())
            Assert.Equal(new double[4], One(new ScaleByMuon(Epsilon: 0, Norm: norm), ParameterShape.Matrix(2, 2), [1, 2, 3, 4], [new double[4]])[0]);
    }

    [Fact]
    public void A_shape_that_was_never_made_is_refused()
    {
        Exception refusal = Assert.ThrowsAny<ArgumentException>(() => OptimizerCatalogue.Sgd.Initial(default(ParameterShape)));
        Assert.StartsWith("A parameter vector needs at least 1 coordinate; got 0.", refusal.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> RefusedSentences => [.. s_refused.Keys];

    private static readonly Dictionary<string, Func<object?>> s_refused = new()
    {
        ["Beta1 must be at least 0 and below 1; got 1."] = () => new ScaleByNAdam(Beta1: 1),
        ["MomentumDecay must be a finite number of at least 0; got -1."] = () => new ScaleByNAdam(MomentumDecay: -1),
        ["Beta2 must be at least 0 and below 1; got NaN."] = () => new ScaleByRAdam() with { Beta2 = double.NaN },
        ["Alpha must be at least 0 and below 1; got 2."] = () => new ScaleByRms(2),
        ["Momentum must be at least 0 and below 1; got 1."] = () => new ScaleByRms(Momentum: 1),
        ["Epsilon must be a finite number of at least 0; got NaN."] = () => new ScaleByAdagrad() with { Epsilon = double.NaN },
        ["RateDecay must be a finite number of at least 0; got -0.5."] = () => new ScaleByAdagrad(RateDecay: -0.5),
        ["InitialSum must be a finite number of at least 0; got Infinity."] = () => new ScaleByAdagrad(InitialSum: double.PositiveInfinity),
        ["Rho must be at least 0 and below 1; got 1."] = () => new ScaleByAdadelta(1),
        ["Beta2 must be at least 0 and below 1; got -1."] = () => new ScaleByLion(Beta2: -1),
        ["Beta must be at least 0 and below 1; got 1."] = () => new ScaleBySign(1),
        ["ClipThreshold must be a finite number above 0; got 0."] = () => new ScaleByAdafactor(ClipThreshold: 0),
        ["Horizon must be a finite number above 0; got 0."] = () => new ScaleByAdafactor() with { Horizon = 0 },
        ["SmallestScale must be a finite number of at least 0; got -1."] = () => new ScaleByAdafactor(SmallestScale: -1),
        ["MomentDecay must be a finite number of at least 0; got -1."] = () => new ScaleByAdafactor(-1),
        ["Mu must be at least 0 and below 1; got 1."] = () => new ScaleByMuon(1),
        ["A parameter vector needs at least 1 coordinate; got 0."] = () => ParameterShape.Vector(0),
        ["A parameter matrix needs a row and a column, and at most 2147483647 entries; got 0 by 2."] = () => ParameterShape.Matrix(0, 2),
        ["A parameter matrix needs a row and a column, and at most 2147483647 entries; got 65536 by 65536."] = () => ParameterShape.Matrix(65536, 65536),
        ["Muon needs parameters that are a matrix of rows and columns; got a vector of 3."] = () => OptimizerCatalogue.Muon.Initial(3),
        ["ScaleByLion needs its own SignState; got AdamState."] = () => new ScaleByLion().Apply(new ScaleByAdam().Initial(1), [1], [1]),
        ["RMSprop's second moment must fit in float64; coordinate 1 has the gradient -1E+200."] = () => Directions2(new ScaleByRms(), [1, -1e200]),
        ["Adafactor's second moment must fit in float64; coordinate 0 has the gradient 1E+160."] = () => Directions2(new ScaleByAdafactor(), [1e160, 1]),
        ["A chain has at most 1 direction; got 2."] = () => new Optimizer("x", [new ScaleByRms(), new Momentum(0.9), new ScaleByLearningRate(1)]),
    };

    [Theory]
    [MemberData(nameof(RefusedSentences))]
    public void Invalid_values_are_refused_with_one_sentence(string sentence)
    {
        Exception refusal = Assert.ThrowsAny<Exception>(() => s_refused[sentence]());

        Assert.True(refusal is ArgumentException or ArithmeticException, refusal.GetType().Name);
        Assert.StartsWith(sentence, refusal.Message, StringComparison.Ordinal);
    }

    private static double Polynomial(double x)
    {
        for (int i = 0; i < ScaleByMuon.Iterations; i++)
            x = (3.4445 * x) - (4.7750 * x * x * x) + (2.0315 * x * x * x * x * x);
        return x;
    }

    private static double[] Directions2(Direction link, double[] gradient) => One(link, ParameterShape.Vector(2), [0, 0], [gradient])[0];

    // The link's updates of a single coordinate at θ = 0.
    private static double[] Directions(Direction link, params double[] gradients) =>
        [.. One(link, ParameterShape.Vector(1), [0], [.. gradients.Select(g => new[] { g })]).Select(u => u[0])];

    private static double[][] One(Transform link, ParameterShape shape, double[] theta, double[][] gradients)
    {
        TransformState state = link.Initial(shape);
        return
        [
            .. gradients.Select(gradient =>
            {
                (state, double[] u) = link.Apply(state, gradient, theta);
                return u;
            }),
        ];
    }

    private static void Same(string what, double[] expected, double[] actual) => GoldenAssert.Close(what, expected, actual, Rounding);
}
