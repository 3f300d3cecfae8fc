using System.Collections.Immutable;
using GroupRL.Checking;

namespace GroupRL.Claims;

/// <summary>Every law of optimizers of which nothing is known but their trajectories. An explicit list: nothing is discovered.</summary>
public static class OptimizerLaws
{
    /// <summary>What every sound optimizer keeps.</summary>
    public static ImmutableArray<Claim<OptimizerSubject, GradientHistory>> Contract { get; } =
    [
        StepLaws.Finite, RunLaws.FreshState, RunLaws.NoLookAhead, RunLaws.Prefix, StepLaws.ZeroGradient, StepLaws.Descent, StepLaws.ConstantGradient,
        SymmetryLaws.Sign, SymmetryLaws.Permutation, SymmetryLaws.Apart, SymmetryLaws.Translation,
    ];

    /// <summary>What a design may choose.</summary>
    public static ImmutableArray<Claim<OptimizerSubject, GradientHistory>> Theory { get; } =
    [
        OptimizerTheory.ScaleInvariance, OptimizerTheory.InvarianceUpToEpsilon, OptimizerTheory.Equivariance, OptimizerTheory.EpsilonEdge, OptimizerTheory.FirstStepBound,
        OptimizerTheory.StepBound, OptimizerTheory.StopsWithGradient, OptimizerTheory.MomentumTail, OptimizerTheory.NoDecay,
    ];

    /// <summary>Both, after what an optimizer keeps that is meant to be another one.</summary>
    public static ImmutableArray<Claim<OptimizerSubject, GradientHistory>> Claims { get; } = [OptimizerLikeness.LikeTrajectory, .. Contract, .. Theory];

    /// <summary>The law of that id, or null.</summary>
    public static Claim<OptimizerSubject, GradientHistory>? Find(string id) => Claims.FirstOrDefault(claim => claim.Id == id);

    /// <summary>An optimizer against every law.</summary>
    public static IEnumerable<LedgerRow> Rows(OptimizerSubject subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return Claims.Where(claim => claim != OptimizerLikeness.LikeTrajectory || subject.Oracle is not null).Select(claim => claim.Against(subject, subject.Optimizer.Name, ""));
    }
}
