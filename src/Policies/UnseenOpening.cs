namespace GroupRL.Policies;

/// <summary>
/// A policy to which the first tokens of a completion say nothing: contexts after them see <paramref name="standIn"/> in their place. What such
/// a policy draws after them does not depend on which they were.
/// </summary>
/// <param name="policy">The policy.</param>
/// <param name="opening">How many first tokens are not seen.</param>
/// <param name="standIn">The token that is seen instead.</param>
public sealed class UnseenOpening(IPolicy policy, int opening, int standIn) : IPolicy
{
    /// <inheritdoc/>
    public string Id => policy.Id;

    /// <inheritdoc/>
    public int Vocabulary => policy.Vocabulary;

    /// <inheritdoc/>
    public int Parameters => policy.Parameters;

    /// <inheritdoc/>
    public (int Rows, int Columns)? Matrix => policy.Matrix;

    /// <inheritdoc/>
    public double[] Initial(ulong seed) => policy.Initial(seed);

    /// <inheritdoc/>
    public IForwardPass Forward(ReadOnlySpan<double> theta, IReadOnlyList<Sequence> sequences) => policy.Forward(
        theta,
        [.. sequences.Select(sequence => sequence with { Tokens = [.. sequence.Tokens.Select((token, t) => t < opening ? standIn : token)] })]);
}
