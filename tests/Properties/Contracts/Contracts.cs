using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Xunit;

namespace GroupRL.Properties.Contracts;

// Contracts as a user writes them, but internal: no runner takes them for tests of ours.
internal sealed class OneObjectiveContract(SurrogateObjective objective, IReadOnlyDictionary<string, string> expected, int cases) : ObjectiveContract
{
    protected override SurrogateObjective Objective => objective;

    protected override IReadOnlyDictionary<string, string> Expected => expected;

    protected override int Cases => cases;
}

internal sealed class OneLossContract(ILoss loss, ILoss? oracle = null, params (string Claim, string Because)[] expected) : LossContract
{
    protected override ILoss Loss => loss;

    protected override LossSubject Subject => base.Subject with { Oracle = oracle };

    protected override IReadOnlyDictionary<string, string> Expected => expected.ToDictionary(pair => pair.Claim, pair => pair.Because);

    protected override int Cases => 100;
}

internal sealed class OneOptimizerContract(Optimizer optimizer, params (string Claim, string Because)[] expected) : OptimizerContract
{
    protected override Optimizer Optimizer => optimizer;

    protected override IReadOnlyDictionary<string, string> Expected => expected.ToDictionary(pair => pair.Claim, pair => pair.Because);

    protected override int Cases => 100;
}

internal sealed class OneBlackBoxOptimizerContract(IOptimizer optimizer, params (string Claim, string Because)[] expected) : BlackBoxOptimizerContract
{
    protected override IOptimizer Optimizer => optimizer;

    protected override IReadOnlyDictionary<string, string> Expected => expected.ToDictionary(pair => pair.Claim, pair => pair.Because);

    protected override int Cases => 100;
}

/// <summary>Plain descent, as a user would write it; <see cref="Climbs"/> is its sign.</summary>
public class OwnDescent : IOptimizer
{
    public string Name => "own-descent";

    protected virtual double Climbs => -1;

    public double[][] Run(double[] theta, double[][] gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        double[] at = theta;
        return [.. gradients.Select(gradient => at = [.. at.Zip(gradient, (x, g) => x + (Climbs * 0.125 * g))])];
    }
}

/// <summary>The same uphill.</summary>
public sealed class OwnAscent : OwnDescent
{
    protected override double Climbs => 1;
}

internal sealed class SgdContract : OptimizerContract
{
    protected override Optimizer Optimizer => OptimizerCatalogue.Sgd;

    protected override int Cases => 100;
}
