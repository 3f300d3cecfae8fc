using System.Collections.Immutable;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>What is put before the laws: an objective of known parts, or a loss or an optimizer that only answers.</summary>
internal sealed record Candidate : IDisposable
{
    private readonly IDisposable? _owned;

    private Candidate(string name, IReadOnlyList<string> reference, IEnumerable<LedgerRow> rows, IDisposable? owned)
    {
        (Name, Reference, Rows, _owned) = (name, reference, [.. rows], owned);
    }

    /// <summary>What reports call it.</summary>
    public string Name { get; }

    /// <summary>The words by which a command line names it again.</summary>
    public IReadOnlyList<string> Reference { get; init; }

    /// <summary>The command that judges this candidate and no other, a program of a user's; null where it is ours.</summary>
    public string? Program { get; init; }

    /// <summary>Every claim against it.</summary>
    public ImmutableArray<LedgerRow> Rows { get; }

    /// <summary>The file that its author wrote: the proposal, or the program that a command runs; null where none is seen.</summary>
    public string? Source => Reference.Skip(1).Take(1).SelectMany(named => named.Split(' ').Prepend(named)).FirstOrDefault(word => Path.HasExtension(word) && File.Exists(word));

    /// <summary>Claim → why its refutation is expected.</summary>
    public ImmutableSortedDictionary<string, string> Expected { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Of an objective of known parts, the proposal.</summary>
    public Proposal? Proposal { get; private init; }

    /// <summary>Of a loss that only answers, the loss.</summary>
    public LossSubject? Loss { get; private init; }

    /// <summary>Of an optimizer that only answers, the optimizer.</summary>
    public OptimizerSubject? Optimizer { get; private init; }

    /// <summary>The command that answers for it; null where none does.</summary>
    public string? Command { get; init; }

    /// <summary>Of a candidate that was judged elsewhere and is not at hand, what it made of its counterexamples, by the case itself; null where it can be asked.</summary>
    public IReadOnlyDictionary<object, CaseGrid>? Grids { get; private init; }

    /// <summary>How many rows may be judged at once; −1: as many as there are cores.</summary>
    public int Jobs { get; private init; } = -1;

    /// <summary>How many requests a process answered, and in which time; null without one.</summary>
    public (long Count, TimeSpan Time)? Answered => (_owned as IAnswering)?.Answered;

    /// <summary>An objective of known parts, under an optimizer.</summary>
    public static Candidate Of(Proposal proposal, Optimizer optimizer, params string[] optimizerWords) => new(
        proposal.Name,
        [.. proposal.Reference.Length > 0 ? ["--objective", proposal.Reference] : Array.Empty<string>(), .. optimizerWords],
        [.. Ledger.ObjectiveRows(proposal.Name, proposal.Objective), .. Ledger.TrainingRows(proposal.Name, proposal.Objective, optimizer)],
        owned: null)
    {
        Proposal = proposal,
        Expected = proposal.Expected,
    };

    /// <summary>An optimizer of known links.</summary>
    public static Candidate Of(Optimizer optimizer, IReadOnlyList<string> reference) => new(optimizer.Id, reference, Ledger.OptimizerRows(optimizer), owned: null);

    /// <summary>A loss that only answers.</summary>
    public static Candidate Of(LossSubject loss, IReadOnlyList<string> reference, ImmutableSortedDictionary<string, string> expected, int jobs, IDisposable? owned) =>
        new(loss.Loss.Signature.Name, reference, LossLaws.Rows(loss), owned)
        {
            Loss = loss,
            Expected = expected,
            Jobs = jobs,
        };

    /// <summary>An optimizer that only answers.</summary>
    public static Candidate Of(OptimizerSubject optimizer, IReadOnlyList<string> reference, int jobs, IDisposable? owned) =>
        new(optimizer.Optimizer.Name, reference, OptimizerLaws.Rows(optimizer), owned)
        {
            Optimizer = optimizer,
            Jobs = jobs,
        };

    /// <summary>A candidate that was judged elsewhere: what is left of it is what was written down.</summary>
    public static Candidate Recorded(
        string name, IReadOnlyList<string> reference, IEnumerable<LedgerRow> rows, ImmutableSortedDictionary<string, string> expected, IReadOnlyDictionary<object, CaseGrid> grids) =>
        new(name, reference, rows, owned: null)
        {
            Expected = expected,
            Grids = grids,
        };

    /// <summary>The row of a claim, or a sentence that there is none.</summary>
    public LedgerRow Row(string claim) => Rows.FirstOrDefault(row => row.Claim.Id == claim)
        ?? throw InvalidInputException.Because($"The claim {claim} does not speak of {Name}; those that do are {Nearest.List(claim, Rows.Select(row => row.Claim.Id))}.");

    /// <inheritdoc/>
    public void Dispose() => _owned?.Dispose();
}
