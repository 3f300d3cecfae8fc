using GroupRL.Checking;

namespace GroupRL.Claims;

/// <summary>Where a bound that is more than rounding is nearest to being met: known extremes, and how to look beside a case.</summary>
/// <param name="Extremes">The constructions that the derivation names, as cases within the hypotheses; none where none is known.</param>
/// <param name="Move">A case near a given one, the nearer the smaller the draw's <see cref="Draw.Size"/>; one outside the hypotheses is passed over.</param>
public sealed record WorstCase<TSubject, TCase>(Func<TSubject, IEnumerable<TCase>> Extremes, Func<TSubject, TCase, Draw, TCase> Move);

/// <summary>How near to its bound a claim was brought.</summary>
/// <param name="Ratio">The largest measured / bound, or bound / measured of a lower bound; 1 is met, more is broken.</param>
/// <param name="Measurement">The two numbers.</param>
/// <param name="Case">The case.</param>
/// <param name="Constructed">Whether it is one of the derivation's extremes, on which the search did not improve by more than rounding.</param>
public sealed record Tightness(double Ratio, Measurement Measurement, object Case, bool Constructed);

/// <summary>
/// Searches a claim's domain for its worst case: known extremes and drawn cases, then hill-climbing from the best of either, so that a
/// derivation that missed the worst case does not lead the search away from it.
/// </summary>
internal static class WorstCaseSearch
{
    private const int Drawn = 200;
    private const int Starts = 3;
    private const int Moves = 1000;
    private const int Patience = 25;
    private const int LargestMove = 100;

    // What a search gains beside an extreme by rounding alone is no better case.
    private const double Rounding = 1e-9;

    public static Tightness Run<TSubject, TCase>(Claim<TSubject, TCase> claim, WorstCase<TSubject, TCase> worst, TSubject subject, ulong seed)
        where TCase : notnull
    {
        var domain = claim.Domain(subject);
        Tightness[] constructed = [.. worst.Extremes(subject).Select(value => At(() => value, constructed: true)).OfType<Tightness>()];
        Tightness[] drawn =
        [
            .. Enumerable.Range(0, Drawn).Select(k => At(() => domain.Build(new Draw(seed + (ulong)k, 100 * k / Drawn)), constructed: false)).OfType<Tightness>(),
        ];
        var seeds = new Draw(seed, 0);
        Tightness[] found = [.. constructed, .. drawn];
        // Beyond a bound that is met lie counterexamples alone, which judging looks for.
        if (!found.Any(tightness => tightness.Ratio >= 1 - Rounding))
            found = [.. found, .. Best(constructed).Concat(Best(drawn)).Select(Climb)];
        return found.Length > 0
            ? found.First(tightness => tightness.Ratio >= found.Max(other => other.Ratio) * (1 - Rounding))
            : throw new InvalidOperationException($"No case of {claim.Id} could be measured.");

        static IEnumerable<Tightness> Best(Tightness[] cases) => cases.OrderByDescending(tightness => tightness.Ratio).Take(Starts);

        // Moves that lead no higher are halved, down to a peak; a step on the level leads around corners.
        Tightness Climb(Tightness start)
        {
            var best = start;
            for (int k = 0, missed = 0, size = LargestMove; size > 0 && k < Moves; k++)
            {
                var next = At(() => worst.Move(subject, (TCase)best.Case, new Draw(seeds.Bits(), size)), constructed: false);
                missed = next?.Ratio > best.Ratio ? 0 : missed + 1;
                if (next?.Ratio >= best.Ratio)
                    best = next;
                if (missed == Patience)
                    (missed, size) = (0, size / 2);
            }

            return best;
        }

        Tightness? At(Func<TCase> build, bool constructed)
        {
            try
            {
                var value = build();
                if (claim.Outside(subject, value) is not null)
                    return null;
                var measurement = claim.MeasureWithin(subject, value);
                double ratio = Ratio(measurement);
                return double.IsNaN(ratio) ? null : new(ratio, measurement, value, constructed);
            }
            catch (Exception error) when (Claim<TSubject, TCase>.IsRefusal(error))
            {
                return null;
            }
        }
    }

    // NaN where nothing can be said: both numbers are infinite.
    private static double Ratio(Measurement m) => m switch
    {
        { Measured: double.NaN } => double.PositiveInfinity,
        { AtLeast: true, Measured: <= 0 } => m.Holds ? 0 : double.PositiveInfinity,
        { AtLeast: true } => m.Bound / m.Measured,
        { Measured: 0 } => 0,
        _ => m.Measured / m.Bound,
    };
}
