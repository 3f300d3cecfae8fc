using GroupRL.Checking;

namespace GroupRL.Claims;

/// <summary>Where a bound that is more than rounding is nearest to being met: known extremes, and how to look beside a case.</summary>
/// <param name="Extremes">The constructions that the derivation names, as cases within the hypotheses; none where none is known.</param>
/// <param name="Move">A case near a given one; one outside the hypotheses is passed over.</param>
public sealed record WorstCase<TSubject, TCase>(Func<TSubject, IEnumerable<TCase>> Extremes, Func<TSubject, TCase, Draw, TCase> Move);

/// <summary>How near to its bound a claim was brought.</summary>
/// <param name="Ratio">The largest measured / bound, or bound / measured of a lower bound; 1 is met.</param>
/// <param name="Measurement">The two numbers.</param>
/// <param name="Case">The case.</param>
/// <param name="Constructed">Whether it is one of the derivation's extremes, untouched by the search.</param>
public sealed record Tightness(double Ratio, Measurement Measurement, object Case, bool Constructed);

/// <summary>Searches a claim's domain for its worst case: drawn cases and known extremes, then hill-climbing from the best of them.</summary>
internal static class WorstCaseSearch
{
    private const int Drawn = 200;
    private const int Starts = 3;
    private const int Moves = 400;

    public static Tightness Run<TSubject, TCase>(Claim<TSubject, TCase> claim, WorstCase<TSubject, TCase> worst, TSubject subject, ulong seed)
        where TCase : notnull
    {
        var domain = claim.Domain(subject);
        List<Tightness> found = [.. worst.Extremes(subject).Select(value => At(value, constructed: true)).OfType<Tightness>()];
        for (int k = 0; k < Drawn; k++)
        {
            if (At(domain.Build(new Draw(seed + (ulong)k, 100 * k / Drawn)), constructed: false) is { } drawn)
                found.Add(drawn);
        }

        var random = new Draw(seed, 100);
        foreach (var start in found.OrderByDescending(tightness => tightness.Ratio).Take(Starts).ToArray())
        {
            var best = start;
            for (int k = 0; k < Moves; k++)
            {
                if (At(worst.Move(subject, (TCase)best.Case, random), constructed: false) is { } next && next.Ratio > best.Ratio)
                    best = next;
            }

            found.Add(best);
        }

        return found.Count > 0
            ? found.MaxBy(tightness => tightness.Ratio)!
            : throw new InvalidOperationException($"No case of {claim.Id} could be measured.");

        Tightness? At(TCase value, bool constructed)
        {
            try
            {
                if (claim.Outside(subject, value) is not null)
                    return null;
                var measurement = claim.MeasureWithin(subject, value);
                double ratio = measurement.AtLeast ? measurement.Bound / measurement.Measured : measurement.Measured / measurement.Bound;
                return double.IsNaN(ratio) ? null : new(ratio, measurement, value, constructed);
            }
            catch (Exception error) when (Claim<TSubject, TCase>.IsRefusal(error))
            {
                return null;
            }
        }
    }
}
