using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Properties.Cli.Compiled;

/// <summary>A loss that is what it should be.</summary>
internal class SoundLoss : ILoss
{
    private readonly ObjectiveLoss _loss = new("sound", Catalogue.DrGrpo);

    public virtual LossSignature Signature => _loss.Signature with { Design = null };

    public virtual LossAnswer Evaluate(PaddedBatch batch) => _loss.Evaluate(batch);
}

/// <summary>The same with the gradient of another sign.</summary>
internal sealed class NegatedLoss : SoundLoss
{
    public override LossSignature Signature => base.Signature with { Name = "negated" };

    public override LossAnswer Evaluate(PaddedBatch batch) => base.Evaluate(batch) is var answer ? answer with { Gradient = [.. answer.Gradient.Select(c => -c)] } : answer;
}

internal sealed class ThrowingLoss : SoundLoss
{
    public override LossAnswer Evaluate(PaddedBatch batch) => throw new KeyNotFoundException("no such\nkey");
}

internal sealed class ShortLoss : SoundLoss
{
    public override LossAnswer Evaluate(PaddedBatch batch) => new(0, []);
}

internal sealed class CountingLoss : SoundLoss
{
    private int _asked;

    public override LossAnswer Evaluate(PaddedBatch batch) => base.Evaluate(batch) with { Loss = Interlocked.Increment(ref _asked) };
}

internal sealed class UnsignedLoss : SoundLoss
{
    public override LossSignature Signature => null!;
}

internal abstract class AbstractLoss : SoundLoss;

internal sealed class GenericLoss<T> : SoundLoss
{
    public T? Value { get; init; }
}

internal sealed class ParameterLoss(double beta) : SoundLoss
{
    public double Beta => beta;
}

internal sealed class StillbornLoss : SoundLoss
{
    public StillbornLoss() => throw new NotSupportedException("there is no GPU");
}

/// <summary>An objective of known parts.</summary>
internal static class OneObjective
{
    public static SurrogateObjective Instance { get; } = Catalogue.Grpo;

    public static int Other => 1;
}

internal static class TwoObjectives
{
    public static SurrogateObjective First { get; } = Catalogue.Grpo;

    public static SurrogateObjective Second { get; } = Catalogue.DrGrpo;
}

internal static class NoObjective
{
    public static SurrogateObjective Instance => null!;
}

internal static class FailingObjective
{
    public static SurrogateObjective Instance => throw new FormatException("not a number");
}

/// <summary>An objective with a part that no catalogue has.</summary>
internal static class OwnObjective
{
    public static SurrogateObjective Instance { get; } = Catalogue.DrGrpo with { Advantage = new FirstAsBaseline(0.5) };

    private sealed record FirstAsBaseline(double Share) : GroupwiseAdvantage
    {
        protected override void FillGroup(RolloutBatch batch, int g, ReadOnlySpan<double> rewards, Span<double> advantages)
        {
            var (start, length) = batch.Group(g).GetOffsetAndLength(batch.Rows);
            for (int i = start; i < start + length; i++)
                advantages[i] = Takes(batch, i, rewards) && Takes(batch, start, rewards) ? Share * (rewards[i] - rewards[start]) : 0;
        }
    }
}

/// <summary>An objective whose own part throws.</summary>
internal static class FaultyObjective
{
    public static SurrogateObjective Instance { get; } = Catalogue.DrGrpo with { Advantage = new FaultyAdvantage() };

    private sealed record FaultyAdvantage : RowAdvantage
    {
        public override Traits Traits => Traits.GroupIsolated;

        public override void FillRows(RolloutBatch batch, ReadOnlySpan<double> rewards, Span<double> advantages) => _ = rewards[rewards.Length];
    }
}

/// <summary>Descent that loses its way in one run of several hundred.</summary>
internal sealed class RarelyLost : Contracts.OwnDescent, IOptimizer
{
    double[][] IOptimizer.Run(double[] theta, double[][] gradients) =>
        (BitConverter.DoubleToUInt64Bits(theta[0]) * 0x9E3779B97F4A7C15 >> 11) % 1200 == 0 ? [.. gradients.Select(gradient => gradient.Select(_ => double.NaN).ToArray())] : Run(theta, gradients);
}

internal static class OneOptimizer
{
    public static Optimizer Instance { get; } = new("mine", [new ScaleByLearningRate(0.1)]);
}
