using System.Globalization;
using GroupRL.Checking;
using GroupRL.Optimizers;
using OptimizerClaim = GroupRL.Claims.Claim<GroupRL.Optimizers.Optimizer, GroupRL.Checking.GradientHistory>;

namespace GroupRL.Claims;

/// <summary>Family S: what each optimizer makes of scaled gradients, to the bit, and what is left once the scale changes under way.</summary>
public static class ScaleIdentities
{
    private const string Paper = "arXiv:2601.05002, appendix C";

    /// <summary>Every optimizer's own identity: scaled gradients are unscaled ones under rescaled constants.</summary>
    public static OptimizerClaim OptimizerIdentity { get; } = new()
    {
        Id = "optimizer-scale-identity",
        Family = Family.Scale,
        Statement = "Dimensional analysis as a law: an optimizer's update on gradients a·g is, at every step, a factor times the update on g of the optimizer whose constants with a unit are rescaled. ε becomes ε/a (inside a root ε/a²), λ before the moments and a clip's M and δ become λ/a, M/a, δ/a. The factor is a where nothing divides the gradients, 1 where something does, for RAdam first a and then 1. Bitwise for a = 2ᵏ.",
        Hypotheses = ["a = 2ᵏ", "no overflow or underflow", "the same θ at every step"],
        Source = Paper + "; for all but Adam and SGD derived here",
        Quantity = "|Δθ(a·g) − factor·Δθ(g, rescaled constants)|",
        Missing = optimizer => Enumerable.Range(1, HistoryDomain.MostSteps).All(step => optimizer.Under(2, step) is not null) ? null : "links that say the units of their constants",
        Expect = _ => Expectation.Holds("every link says the units of its constants"),
        Domain = WithMatrices,
        Measure = IdentityGap,
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at step {worst.Position + 1} the update under 2^{history.Exponent} is off {optimizer.Under(history.Scale, worst.Position + 1)!.Value.Factor:G3} times that of the rescaled optimizer by {worst.Measured:G3}"),
    };

    /// <summary>Signs have no scale.</summary>
    public static OptimizerClaim Invariance { get; } = new()
    {
        Id = "sign-methods-scale-invariance",
        Family = Family.Scale,
        Statement = "The update on gradients a·g is the update on g: nothing of a reward's scale arrives. So it is for the signs of signSGD, Signum and Lion and for quotients without ε, bitwise for a = 2ᵏ; for every ε > 0 it is not.",
        Hypotheses = ["a = 2ᵏ", "no overflow or underflow", "the same θ at every step"],
        Source = Paper + "; arXiv:1802.04434",
        Quantity = "|Δθ(a·g) − Δθ(g)|",
        Missing = _ => null,
        Expect = optimizer => optimizer.Scaling switch
        {
            { Law: ScaleLaw.Invariant, Because: var because } => Expectation.Holds(because),
            { Law: ScaleLaw.UpToEpsilon, Because: var because } => Expectation.Refuted($"{because}, but ε does not"),
            { Because: var because } => Expectation.Refuted(because),
        },
        Domain = WithMatrices,
        Measure = (optimizer, history) => Scale.WorstGap(
            Scale.Updates(optimizer, history, history.Theta.AsSpan(), history.Scale), Scale.Updates(optimizer, history, history.Theta.AsSpan(), 1), factor: 1),
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at step {worst.Position + 1} {optimizer.Id}'s update changes by {worst.Measured:G3} when gradients are scaled by 2^{history.Exponent}"),
    };

    /// <summary>Above its threshold a clip removes the scale, whatever follows it.</summary>
    public static OptimizerClaim ClipInvariance { get; } = new()
    {
        Id = "clip-norm-invariance",
        Family = Family.Scale,
        Statement = "With global-norm clipping active at both scales at every step, steps on a·g with δ equal steps on g with δ/a, bitwise for a = 2ᵏ: whatever follows the clip, SGD too, sees of the scale no more than δ/a. Where nothing remembers, divides or decays (SGD) the step changes by the factor 1 + δ(a−1)/(a‖g‖+δ) exactly.",
        Hypotheses = ["a = 2ᵏ", "every gradient is longer than the clip's bound at both scales", "the same θ at every step"],
        Source = Paper + "; torch, clip_grad.py for δ; derived here",
        Quantity = "|Δθ(a·g, δ) − Δθ(g, δ/a)|; for SGD also |Δθ(a·g) − Δθ(g)·(1 + δ(a−1)/(a‖g‖+δ))|",
        Missing = optimizer => optimizer.Chain[0] is ClipByGlobalNorm ? null : "a clip by global norm before everything else",
        Expect = _ => Expectation.Holds("M/(a‖g‖+δ)·a·g is M/(‖g‖+δ/a)·g"),
        Domain = optimizer => Scale.Histories(optimizer) with { LongerThan = ((ClipByGlobalNorm)optimizer.Chain[0]).MaxNorm },
        Outside = (optimizer, history) => Unclipped(optimizer, history) is { } t
            ? string.Create(CultureInfo.InvariantCulture, $"clipping is active at every step and at both scales; at step {t + 1} the norm is {ClipByGlobalNorm.Norm(history.Gradients[t].AsSpan()):G3}, with a = 2^{history.Exponent}")
            : null,
        Measure = ClipGap,
        Why = (_, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"at step {worst.Position + 1}, where the gradient is clipped at both scales, the updates differ by {worst.Measured:G3}, with a = 2^{history.Exponent}"),
    };

    /// <summary>A scale that changes under way is seen by everything that remembers.</summary>
    public static OptimizerClaim Switch { get; } = new()
    {
        Id = "scale-switch",
        Family = Family.Scale,
        Statement = "If the factor on the gradients changes from 1 to a half-way through a history, updates after the change equal those without it: of all invariant optimizers only one without memory (signSGD) keeps this, for memory holds gradients of both scales.",
        Hypotheses = ["a = 2ᵏ", "no overflow or underflow", "the same θ at every step"],
        Source = "derived here, beside " + Paper,
        Quantity = "|Δθ switched − Δθ|",
        Missing = _ => null,
        Expect = optimizer => optimizer switch
        {
            { Scaling.Law: ScaleLaw.Invariant, Remembers: false } => Expectation.Holds("it is invariant, and looks at the gradient alone"),
            { Scaling.Law: ScaleLaw.Invariant or ScaleLaw.UpToEpsilon, Remembers: true } => Expectation.Refuted("its memory holds gradients of both scales"),
            { Scaling.Law: ScaleLaw.UpToEpsilon } => Expectation.Refuted("ε does not scale with the gradient"),
            _ => Expectation.Refuted(optimizer.Scaling.Because),
        },
        Domain = WithMatrices,
        Measure = (optimizer, history) => Scale.WorstGap(
            Scale.Updates(optimizer, Switched(history), history.Theta.AsSpan(), 1), Scale.Updates(optimizer, history, history.Theta.AsSpan(), 1), factor: 1),
        Why = (optimizer, history, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"with gradients scaled by 2^{history.Exponent} after step {history.Steps / 2}, {optimizer.Id}'s update at step {worst.Position + 1} changes by {worst.Measured:G3}"),
    };

    /// <summary>The history with its later half, the larger one, scaled by a; a single gradient is all of it.</summary>
    internal static GradientHistory Switched(GradientHistory history) => history with
    {
        Gradients = [.. history.Gradients.Select((gradient, t) => t < history.Steps / 2 ? gradient : [.. gradient.Select(g => history.Scale * g)])],
    };

    private static HistoryDomain WithMatrices(Optimizer optimizer) => Scale.Histories(optimizer) with { OrMatrices = optimizer.TakesVectors };

    private static Measurement IdentityGap(Optimizer optimizer, GradientHistory history)
    {
        // Adagrad's first state holds a constant, too.
        OptimizerState scaled = optimizer.Initial(history.Shape), plain = optimizer.Under(history.Scale, 1)!.Value.Optimizer.Initial(history.Shape);
        var worst = new Measurement(0, 0);
        for (int t = 0; t < history.Steps; t++)
        {
            var (other, factor) = optimizer.Under(history.Scale, t + 1)!.Value;
            var left = optimizer.Step(scaled, history.Theta.AsSpan(), [.. history.Gradients[t].Select(g => history.Scale * g)]);
            var right = other.Step(plain, history.Theta.AsSpan(), history.Gradients[t].AsSpan());
            (scaled, plain) = (left.State, right.State);
            for (int j = 0; j < history.Dimension; j++)
                worst = worst.Worst(new(Math.Abs(left.Update[j] - (factor * right.Update[j])), 0, 0, t));
        }

        return worst;
    }

    private static Measurement ClipGap(Optimizer optimizer, GradientHistory history)
    {
        var clip = (ClipByGlobalNorm)optimizer.Chain[0];
        var other = optimizer with { Chain = optimizer.Chain.SetItem(0, clip with { Delta = clip.Delta / history.Scale }) };
        double[][] scaled = Scale.Updates(optimizer, history, history.Theta.AsSpan(), history.Scale);
        var worst = Scale.WorstGap(scaled, Scale.Updates(other, history, history.Theta.AsSpan(), 1), factor: 1);
        if (optimizer.Chain[1..].Any(link => link.Remembers || link.Scaling.Law != ScaleLaw.Proportional))
            return worst;

        double[][] plain = Scale.Updates(optimizer, history, history.Theta.AsSpan(), 1);
        for (int t = 0; t < history.Steps; t++)
        {
            double norm = ClipByGlobalNorm.Norm(history.Gradients[t].AsSpan());
            double ratio = history.Scale * (norm + clip.Delta) / ((history.Scale * norm) + clip.Delta);
            for (int j = 0; j < history.Dimension; j++)
            {
                // The norm is the same number on both sides; each side is a few products and quotients.
                double bound = Tolerance.Summation(16, Math.Abs(scaled[t][j]));
                worst = worst.Worst(new(Math.Abs(scaled[t][j] - (ratio * plain[t][j])), bound, 0, t));
            }
        }

        return worst;
    }

    // The first step at which either scale leaves the gradient as it is.
    private static int? Unclipped(Optimizer optimizer, GradientHistory history)
    {
        double bound = ((ClipByGlobalNorm)optimizer.Chain[0]).MaxNorm / Math.Min(1, history.Scale);
        for (int t = 0; t < history.Steps; t++)
        {
            if (ClipByGlobalNorm.Norm(history.Gradients[t].AsSpan()) <= bound)
                return t;
        }

        return null;
    }
}
