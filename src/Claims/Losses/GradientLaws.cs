using System.Globalization;
using GroupRL.Checking;
using GroupRL.Objectives;
using LossClaim = GroupRL.Claims.Claim<GroupRL.Claims.LossSubject, GroupRL.Objectives.RolloutBatch>;

namespace GroupRL.Claims;

/// <summary>The gradient beside its loss, and numbers that stay numbers.</summary>
public static class GradientLaws
{
    /// <summary>The gradient is the loss's.</summary>
    public static LossClaim Consistency { get; } = LossLaw.Contract(
        "gradient-consistency",
        "The gradient is the derivative of the loss, detached terms frozen: along a direction d, (J(ℓ+hd) − J(ℓ−hd))/2h is Σcd, but for what the two one-sided differences differ by (a kink within h may have either side's).",
        LossPromises.None,
        (_, cases) => cases with { LargestLogRatio = 1 },
        (subject, batch) =>
        {
            var at = subject.Ask(batch);
            double h = Math.Cbrt(subject.UnitRoundoff), slope = at.Coefficients.Select((c, t) => c * Contract.Direction(t)).Sum();
            double up = (Value(subject, batch, h) - at.Value) / h, down = (at.Value - Value(subject, batch, -h)) / h;
            double magnitude = Math.Abs(at.Value) + at.Coefficients.Sum(Math.Abs);
            double bound = (Math.Abs(up - down) / 2) + ((subject.Rounding(batch, magnitude) / h) + (h * h * magnitude));
            return new(Math.Abs(((up + down) / 2) - slope), bound);
        },
        (subject, batch, worst) => string.Create(
            CultureInfo.InvariantCulture,
            $"the loss moves along a direction by {worst.Measured:G4} a unit more or less than its gradient says, where {worst.Bound:G3} is what differences leave; the gradient of J is [{string.Join(", ", subject.Ask(batch).Coefficients.Select(c => c.ToString("G4", CultureInfo.InvariantCulture)))}]"),
        "what is minimised is not the loss that is logged: a term is detached, or a gradient is lost") with
    {
        Missing = subject => subject.Can(LossCapabilities.Frozen) || subject.Promises.HasFlag(LossPromises.NoStopGradients)
            ? null
            : "the capability frozen, or the promise no-stop-gradients (differences of a detached loss prove nothing)",
        Hypotheses = ["has the capability frozen, or promises no-stop-gradients", "log-ratios of at most 1 a token"],
    };

    /// <summary>No NaN, no ∞.</summary>
    public static LossClaim Finiteness { get; } = LossLaw.Contract(
        "finiteness",
        "Loss and gradients are finite at log-ratios up to 20 a token and rewards from 10⁻⁸ to 10⁸.",
        LossPromises.None,
        (_, cases) => cases with { LargestLogRatio = 20, Rewards = RewardKind.Any, Unasked = ["zero advantage"] },
        (subject, batch) =>
        {
            var response = subject.Ask(batch);
            int broken = Array.FindIndex(response.Coefficients, c => !double.IsFinite(c));
            return new(Math.Abs(broken >= 0 ? response.Coefficients[broken] : response.Value), double.MaxValue, 0, broken);
        },
        (_, batch, worst) => string.Create(CultureInfo.InvariantCulture, $"{(worst.Position < 0 ? "the loss" : $"the gradient of {batch.PlaceOf(worst.Position)}")} is {worst.Measured}"),
        "one batch that is far off-policy ends the run with NaN") with
    {
        Hypotheses = ["log-ratios of at most 20 a token", "rewards of size 10⁻⁸ to 10⁸, or equal"],
    };

    private static double Value(LossSubject subject, RolloutBatch batch, double h)
    {
        double[] moved = [.. batch[Column.Logp].ToArray().Select((x, t) => x + (h * Contract.Direction(t)))];
        return subject.Ask(batch, change: padded => padded.With(Column.Logp, padded.Spread(batch, moved)) with
        {
            FrozenLogps = subject.Can(LossCapabilities.Frozen) ? padded[Column.Logp] : null,
        }).Value;
    }
}
