using System.Collections.Immutable;

namespace GroupRL.Trainer;

/// <summary>A prediction of the theory beside what runs showed.</summary>
/// <param name="Prediction">What is predicted, as a sentence.</param>
/// <param name="Measured">What was measured, as a sentence.</param>
/// <param name="Agrees">Whether they agree.</param>
public sealed record Finding(string Prediction, string Measured, bool Agrees);

/// <summary>What the runs of a confirmation showed.</summary>
/// <param name="Rows">The measurements, a row a setting.</param>
/// <param name="Findings">The predictions, each with its verdict.</param>
public sealed record Confirmation<TRow>(ImmutableArray<TRow> Rows, ImmutableArray<Finding> Findings)
{
    /// <summary>Whether all predictions agree with the measurements.</summary>
    public bool Agrees => Findings.All(finding => finding.Agrees);
}
