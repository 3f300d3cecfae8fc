using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using GroupRL.Checking;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Claims;

/// <summary>What the theory predicts for a subject, and why.</summary>
public sealed record Expectation(VerdictKind Kind, string Because)
{
    /// <summary>The trait that the subject lacks, where the claim does not speak of it; null where it does.</summary>
    public string? Missing { get; private init; }

    /// <summary>The claim does not speak of a subject that lacks a trait.</summary>
    public static Expectation NotApplicable(string missing) => new(VerdictKind.NotApplicable, $"needs {missing}") { Missing = missing };

    /// <summary>The theory proves the claim for the subject.</summary>
    public static Expectation Holds(string because) => new(VerdictKind.Holds, because);

    /// <summary>Either verdict describes a subject whose design is not known.</summary>
    public static Expectation Choice { get; } = Refuted("a choice of the design");

    /// <summary>The theory refutes it.</summary>
    public static Expectation Refuted(string because) => new(VerdictKind.Refuted, because);
}

/// <summary>How many cases a row of the ledger gets, and from which seeds.</summary>
/// <param name="Cases">Cases a row.</param>
/// <param name="Salt">0: seeds derive from claim and subject alone; otherwise mixed into them.</param>
public sealed record Profile(int Cases, ulong Salt = 0)
{
    /// <summary>Deterministic, for continuous integration: 1,000 cases a row.</summary>
    public static Profile Ci { get; } = new(1_000);

    /// <summary>A hundred times the cases, from seeds that <paramref name="salt"/> moves.</summary>
    public static Profile Deep(ulong salt) => new(100_000, salt);

    /// <summary>The seed of a row (FNV-1a of both ids).</summary>
    public ulong Seed(string claim, string subject)
    {
        ulong hash = 14695981039346656037 ^ Salt;
        foreach (byte b in Encoding.UTF8.GetBytes($"{claim}/{subject}"))
            hash = (hash ^ b) * 1099511628211;
        return hash;
    }
}

/// <summary>What a claim is about; each family has its page of derivations.</summary>
public enum Family
{
    /// <summary>P: shared prefixes.</summary>
    Prefix,

    /// <summary>S: the scale of rewards.</summary>
    Scale,

    /// <summary>O: clipping, and what an optimizer does beyond the clip.</summary>
    Overshoot,

    /// <summary>M: what the surrogate optimises, against what was asked.</summary>
    Surrogate,

    /// <summary>L: what a loss of which nothing is known but its answers keeps.</summary>
    Loss,

    /// <summary>W: what an optimizer keeps of which nothing is known but its way.</summary>
    Optimizer,
}

/// <summary>What a refutation says of a subject.</summary>
public enum ClaimClass
{
    /// <summary>A bias that a design may choose, and its author wants to know of.</summary>
    Theory,

    /// <summary>What every sound subject keeps, whatever its design: a refutation is a fault, or a promise too many.</summary>
    Contract,
}

/// <summary>A statement of the theory that a machine can check.</summary>
public abstract record Claim
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>What it is about.</summary>
    public required Family Family { get; init; }

    /// <summary>
    /// Whether either verdict describes a subject, as by what its parts add up, and neither is a fault: a proposal need not declare such a
    /// refutation where the theory predicts it.
    /// </summary>
    public bool Describes { get; init; }

    /// <summary>Whether every sound subject keeps it, or a design may choose not to.</summary>
    public ClaimClass Class { get; init; }

    /// <summary>The statement, in words and symbols.</summary>
    public required string Statement { get; init; }

    /// <summary>The hypotheses on cases; those on subjects are traits.</summary>
    public required ImmutableArray<string> Hypotheses { get; init; }

    /// <summary>The paper, or where it is derived.</summary>
    public required string Source { get; init; }

    /// <summary>What is measured, as a symbol.</summary>
    public required string Quantity { get; init; }

    /// <summary>What breaking it does in a real run; empty where the statement says it.</summary>
    public string Consequence { get; init; } = "";

    /// <summary>How many usual cases one of this claim costs: it gets as many times fewer of them.</summary>
    public int Cost { get; init; } = 1;

    /// <summary>Whether its bound is more than rounding, so that cases may come near it.</summary>
    public abstract bool IsBound { get; }

    /// <summary>What it requires of a measurement, in words: "at most 0.5".</summary>
    public string Requirement(in Measurement measurement) => measurement switch
    {
        { AtLeast: true } => string.Create(CultureInfo.InvariantCulture, $"at least {measurement.Bound:G6}"),
        { Bound: 0 } => "0",
        _ when IsBound => string.Create(CultureInfo.InvariantCulture, $"at most {measurement.Bound:G6}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"at most {measurement.Bound:G3} (rounding)"),
    };

    /// <summary>The derivation, as a path in the repository.</summary>
    public string Derivation => $"docs/derivations/{Family.ToString().ToLowerInvariant()}.md#{Id}";
}

/// <summary>A claim about subjects of one kind.</summary>
/// <typeparam name="TSubject">An objective, an optimizer, or a training of both.</typeparam>
public abstract record Claim<TSubject> : Claim
{
    /// <summary>The trait that the subject lacks, in words, or null where the claim speaks of it.</summary>
    public required Func<TSubject, string?> Missing { get; init; }

    /// <summary>What the theory predicts for a subject that the claim speaks of.</summary>
    public required Func<TSubject, Expectation> Expect { get; init; }

    /// <summary>The claim for one subject, known by the ids of its objective and its optimizer, "" where it has none.</summary>
    public abstract LedgerRow Against(TSubject subject, string objective, string optimizer);
}

/// <summary>A claim about subjects of one kind, checked on cases of one kind.</summary>
/// <typeparam name="TSubject">An objective, an optimizer, or a training of both.</typeparam>
/// <typeparam name="TCase">A batch of rollouts, a gradient history, or another thing that is drawn, measured and shrunk.</typeparam>
public sealed record Claim<TSubject, TCase> : Claim<TSubject> where TCase : notnull
{
    /// <summary>The cases.</summary>
    public required Func<TSubject, Domain<TCase>> Domain { get; init; }

    /// <summary>The hypothesis that a case breaks, as a sentence, or null where it keeps them all.</summary>
    public Func<TSubject, TCase, string?> Outside { get; init; } = (_, _) => null;

    /// <summary>What the claim measures on a case that keeps its hypotheses.</summary>
    public required Func<TSubject, TCase, Measurement> Measure { get; init; }

    /// <summary>Why a case breaks the claim, in one sentence with its numbers.</summary>
    public required Func<TSubject, TCase, Measurement, string> Why { get; init; }

    /// <summary>How the worst case is sought, where the claim is a bound that is more than rounding; null elsewhere.</summary>
    public WorstCase<TSubject, TCase>? Worst { get; init; }

    /// <inheritdoc/>
    public override bool IsBound => Worst is not null;

    /// <inheritdoc/>
    public override LedgerRow Against(TSubject subject, string objective, string optimizer) => new(
        this,
        objective,
        optimizer,
        Missing(subject) is { } missing ? Expectation.NotApplicable(missing) : Expect(subject),
        block => Search(subject, block),
        point => Replay(subject, point),
        typeof(TCase) == typeof(RolloutBatch) ? batch => Check(subject, (TCase)(object)batch) : null,
        Worst is null || Missing(subject) is not null ? null : profile => WorstCaseSearch.Run(this, Worst, subject, profile.Seed(Id, objective + optimizer)));

    /// <summary>Searches the domain for a counterexample.</summary>
    public Verdict Judge(TSubject subject, string subjectId, Profile profile) => Against(subject, subjectId, "").Judge(profile);

    /// <summary>Builds one case again and judges it; that it passes is no verdict on the claim.</summary>
    public Verdict Replay(TSubject subject, ReplayPoint point)
    {
        if (Missing(subject) is { } missing)
            return Verdict.NotApplicable(missing);
        var found = Search(subject, (domain, holds, admitted) => Falsifier.Replay(domain, holds, admitted, point));
        return found.AllKept
            ? new() { Kind = VerdictKind.Undecided, Cases = 1, Reason = "the one case replayed keeps the claim, which says nothing of the others" }
            : found.ToVerdict();
    }

    /// <summary>What the claim measures on a case, in the range of float64.</summary>
    /// <exception cref="InvalidInputException">The subject refuses the case, or the bound leaves float64: then nothing is decided.</exception>
    public Measurement MeasureWithin(TSubject subject, TCase value)
    {
        var measurement = Measure(subject, value);
        return double.IsNaN(measurement.Bound)
            ? throw InvalidInputException.Because($"The bound of {Id} leaves float64 on this case.")
            : measurement;
    }

    private BatchCheck Check(TSubject subject, TCase value)
    {
        if (Missing(subject) is { } missing)
            return new($"the claim needs {missing}", default, "");
        if (Outside(subject, value) is { } broken)
            return new($"the claim assumes that {broken}", default, "");
        var measurement = MeasureWithin(subject, value);
        return new(null, measurement, measurement.Holds ? "" : Why(subject, value, measurement));
    }

    // A subject refuses what it does not define (InvalidInputException), or its numbers leave float64 (ArithmeticException).
    internal static bool IsRefusal(Exception error) => error is InvalidInputException or ArithmeticException;

    private Findings Search(TSubject subject, Block block) =>
        Search(subject, (domain, holds, admitted) => Falsifier.Run(domain, holds, admitted, block.Seed, block.Cases));

    private Findings Search(TSubject subject, Func<Domain<TCase>, Func<TCase, bool>, Func<TCase, bool>, Search<TCase>> search)
    {
        // A corner that asks the subject about a case which it refuses does not hold it.
        var domain = new GuardedDomain<TCase>(Domain(subject), IsRefusal);
        // A case that the subject refuses neither keeps nor breaks the claim: the search goes on, and ends undecided without a failure.
        int refused = 0;
        string refusal = "";
        Search<TCase> found;
        try
        {
            found = search(domain, value => TryMeasure(value) is not { Holds: false }, Admitted);
        }
        catch (Exception error) when (IsRefusal(error))
        {
            return new() { Unbuilt = error.Message };
        }

        Counterexample? counterexample = null;
        if (found.Failure is { } failure)
        {
            var measurement = Measure(subject, failure.Shrunk);
            counterexample = new(failure.Shrunk, measurement, Explained(failure.Shrunk, measurement), failure.Point, failure.Shrinks);
        }

        return new() { Cases = found.Cases, Corners = found.Corners, Refused = refused, Refusal = refusal, Counterexample = counterexample };

        string Explained(TCase value, in Measurement measurement)
        {
            try
            {
                return Why(subject, value, measurement);
            }
            catch (Exception error) when (IsRefusal(error))
            {
                return $"the subject refuses a part of the case: {error.Message}";
            }
        }

        bool Admitted(TCase value)
        {
            try
            {
                return Outside(subject, value) is null;
            }
            catch (Exception error) when (IsRefusal(error))
            {
                return false;
            }
        }

        Measurement? TryMeasure(TCase value)
        {
            try
            {
                return MeasureWithin(subject, value);
            }
            catch (Exception error) when (IsRefusal(error))
            {
                refusal = refused++ == 0 ? error.Message : refusal;
                return null;
            }
        }
    }
}

/// <summary>An objective under an optimizer.</summary>
public sealed record Training(SurrogateObjective Objective, Optimizer Optimizer);
